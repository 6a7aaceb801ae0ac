//! What is asked of a cluster while a chart is rendered: `lookup`, what it serves, what stands there already; and what
//! differs from a revision that is on it.

use std::fs;

use crate::bowline::{Home, Run};

/// Keeps its password once it has one, as many charts do.
const SECRET: &str = "{{- $old := lookup \"v1\" \"Secret\" .Release.Namespace \"keeper\" }}\napiVersion: v1\nkind: Secret\n\
    metadata:\n  name: keeper\ndata:\n  password: {{ dig \"data\" \"password\" (randAlphaNum 12 | b64enc) $old }}\n";
const MAP: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: facts\ndata:\n\
    \x20 version: {{ .Capabilities.KubeVersion.Version }}\n  colour: {{ .Values.colour }}\n  widgets: {{ .Capabilities.APIVersions.Has \"example.com/v1\" | quote }}\n";

#[test]
fn a_chart_is_rendered_for_the_cluster_and_compared_with_what_is_there() {
    let home = Home::new();
    let chart = home.path().join("keeper");
    fs::create_dir_all(chart.join("templates")).unwrap();
    fs::write(chart.join("Chart.yaml"), "apiVersion: v2\nname: keeper\nversion: 0.1.0\n").unwrap();
    fs::write(chart.join("values.yaml"), "colour: red\n").unwrap();
    fs::write(chart.join("templates/secret.yaml"), SECRET).unwrap();
    fs::write(chart.join("templates/map.yaml"), MAP).unwrap();
    let chart = chart.to_string_lossy().into_owned();
    home.run(&["up", &chart, "--detach", "--namespace", "keep"]).expect(0);

    let template = |more: &[&str]| home.run(&[&["template", &chart, "--namespace", "keep"], more].concat());
    let first = template(&["--dry-run", "server"]).expect(0).stdout;
    assert_eq!(first, template(&["--validate"]).expect(0).stdout, "the password is the cluster's");
    assert_ne!(first, template(&[]).expect(0).stdout, "without the cluster it is a new one");

    // What differs from the revision: nothing, then what was changed.
    let same = template(&["--dry-run", "server", "--diff", "1"]).expect(0);
    assert!(same.stdout.contains("no differences"), "{}", same.stdout);
    let other = template(&["--dry-run", "server", "--diff", "1", "--set", "colour=blue"]).expect(3);
    for part in ["~ ConfigMap/facts", "-  colour: red", "+  colour: blue", "0 added, 1 changed, 0 removed"] {
        assert!(other.stdout.contains(part), "{part} is not in\n{}", other.stdout);
    }
    let none = template(&["--diff", "7"]).expect(1);
    assert!(none.stderr.contains("there is none") && none.stderr.contains("bowline history keeper"), "{}", none.stderr);

    // The next deployment keeps the password too.
    home.run(&["deploy", &chart, "--namespace", "keep", "--set", "colour=green"]).expect(0);
    let again = template(&["--dry-run", "server"]).expect(0).stdout;
    assert_eq!(first, again);

    // An object of somebody else's, and a kind that nobody serves.
    let foreign = template(&["--dry-run", "server", "--name", "other"]).expect(1);
    assert!(foreign.stderr.contains("exists and cannot be imported into the current release"), "{}", foreign.stderr);
    template(&["--dry-run", "server", "--name", "other", "--is-upgrade"]).expect(0);
    fs::write(
        format!("{chart}/templates/odd.yaml"),
        "apiVersion: example.com/v1\nkind: Widget\nmetadata:\n  name: w\n",
    )
    .unwrap();
    let unknown = template(&["--dry-run", "server"]).expect(1);
    assert!(
        unknown.stderr.contains("no matches for kind \"Widget\" in version \"example.com/v1\""),
        "{}",
        unknown.stderr
    );
    fs::remove_file(format!("{chart}/templates/odd.yaml")).unwrap();

    let Some(helm) = bowline_peers::find("helm") else { return };
    let line = ["template", "keeper", &chart, "--namespace", "keep", "--dry-run=server"];
    let theirs = home.helm(&helm, &line).expect(0);
    let kubeconfig = home.kubeconfig();
    let ours = Run::of(&home.command(&["helm"]).args(line).env("KUBECONFIG", kubeconfig).output().unwrap());
    assert_eq!((ours.code, ours.stdout.as_str()), (theirs.code, theirs.stdout.as_str()));
    assert_eq!(first, theirs.stdout);
    home.run(&["down"]).expect(0);
}
