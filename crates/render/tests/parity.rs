//! Charts of our own, and the one that `helm create` makes, rendered by the real Helm and by us: same bytes, same errors.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::path::Path;
use std::process::Command;

use bowline_chart::ValueSources;
use bowline_manifest::TemplateOutput;
use support::{COMPAT, Case, own_chart};

fn helm() -> Option<std::path::PathBuf> {
    support::helm()
}

fn strings(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

#[test]
fn the_chart_that_helm_creates() {
    let Some(helm) = helm() else { return };
    let directory = tempfile::tempdir().unwrap();
    let created = Command::new(&helm).args(["create", "starter"]).current_dir(&directory).output().unwrap();
    assert!(created.status.success());
    let chart = directory.path().join("starter");
    Case::new(&chart).assert_same(&helm);
    let all = "autoscaling.enabled=true,ingress.enabled=true,httpRoute.enabled=true,serviceAccount.create=false,\
               podLabels.a=b,nodeSelector.disk=ssd,ingress.className=nginx";
    Case::new(&chart).set(all).assert_same(&helm);
    Case { parts: TemplateOutput { skip_tests: true, ..Default::default() }, ..Case::new(&chart) }.assert_same(&helm);
    Case::new(&chart).set("fullnameOverride=x,replicaCount=3,image.tag=1.0").assert_same(&helm);

    let archived = Command::new(&helm).args(["package", "starter"]).current_dir(&directory).output().unwrap();
    assert!(archived.status.success());
    Case::new(directory.path().join("starter-0.1.0.tgz")).assert_same(&helm);
}

#[test]
fn the_example_charts() {
    let Some(helm) = helm() else { return };
    for name in ["todo-app", "todo-app-as-written"] {
        let chart = Path::new("../../examples").join(name).join("chart");
        assert!(chart.exists(), "{} is part of the repository", chart.display());
        Case::new(&chart).assert_same(&helm);
        Case::new(&chart).set("backend.replicas=2").assert_same(&helm);
        let mut files: Vec<_> = std::fs::read_dir(&chart).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        for file in files.iter().filter(|file| file.to_string_lossy().contains("/values-")) {
            Case::new(&chart).file(file).assert_same(&helm);
        }
    }
}

#[test]
fn an_umbrella_chart_with_conditions_tags_aliases_imports_and_globals() {
    let Some(helm) = helm() else { return };
    let case = || Case::new(own_chart("umbrella"));
    case().assert_same(&helm);
    for set in [
        "store.enabled=false",
        "tags.front=false,cache.enabled=false",
        "global.dbEnabled=false,store.enabled=null",
        "global.region=null,global.nested.shared.a=null,store.limits=null",
        "global.nested.shared=5",
        "global=5",
        "store=5",
        "web.global.region=x,plain.x.y=1",
        "a[0].b.c[2]=x,a[1]=y",
        "empty=null,list=null,big=1e3",
    ] {
        case().set(set).assert_same(&helm);
    }
    let everything = ValueSources {
        json: strings(&[r#"web.x={"a":1.5,"b":[null,1e7]}"#, r#"{"web":{"y":"<&>"}}"#]),
        set: strings(&["web.replicas=null,list={a,b}", "web.z=1234567"]),
        string: strings(&["big=5"]),
        file: strings(&["web.file=tests/charts/files/conf/a.conf"]),
        literal: strings(&["empty.a=b,c={d}"]),
        compat: COMPAT,
        ..Default::default()
    };
    Case { sources: everything, ..case() }.assert_same(&helm);
    let parts = TemplateOutput { crds: true, ..Default::default() };
    let namespace = Some("elsewhere".to_owned());
    let kube_version = Some("v1.30.4-gke.5".to_owned());
    Case { parts, namespace, kube_version, is_upgrade: true, ..case() }.assert_same(&helm);
    Case { kube_version: Some("1.19".to_owned()), ..case() }.assert_same(&helm);
}

#[test]
fn hooks_orders_and_separators() {
    let Some(helm) = helm() else { return };
    for (crds, no_hooks, skip_tests) in [(false, false, false), (true, false, true), (false, true, false)] {
        let parts = TemplateOutput { crds, no_hooks, skip_tests };
        Case { parts, ..Case::new(own_chart("hooks")) }.assert_same(&helm);
    }
}

#[test]
fn files_and_capabilities() {
    let Some(helm) = helm() else { return };
    let case = Case::new(own_chart("files"));
    case.assert_same(&helm);
    Case { api_versions: strings(&["example.com/v1"]), ..case }.assert_same(&helm);
}

#[test]
fn failing_templates_fail_with_the_same_words() {
    let Some(helm) = helm() else { return };
    for kind in [
        "none",
        "required",
        "fail",
        "nil",
        "include",
        "notfound",
        "tpl",
        "tplparse",
        "compare",
        "yaml",
        "list",
        "kind",
        "annotations",
        "key",
    ] {
        Case::new(own_chart("failing")).set(&format!("case={kind}")).assert_same(&helm);
    }
    Case::new(own_chart("unparsable")).assert_same(&helm);
}

#[test]
fn bad_values_fail_with_the_same_words() {
    let Some(helm) = helm() else { return };
    let directory = tempfile::tempdir().unwrap();
    let case = || Case::new(own_chart("failing"));
    for (name, text) in [
        ("colon.yaml", "a: b: c\n"),
        ("list.yaml", "- a\n"),
        ("second.yaml", "a: 1\n---\nb: [\n"),
        ("key.yaml", "a: 1\n{{ x }}: 2\n"),
        ("null.yaml", "a:\n  ~: 1\n"),
        ("inf.yaml", "a: .inf\n"),
        ("tab.yaml", "a:\n\tb: 1\n"),
    ] {
        let path = directory.path().join(name);
        std::fs::write(&path, text).unwrap();
        case().file(&path).assert_same(&helm);
    }
    case().file(&directory.path().join("none.yaml")).assert_same(&helm);
    for set in ["a", "a={b", "a[x]=1", "a[-1]=1", "case.x=1,case=2", "a=1,b"] {
        case().set(set).assert_same(&helm);
    }
}

#[test]
fn errors_know_their_place() {
    let place = |kind: &str| {
        let error = Case::new(own_chart("failing")).set(&format!("case={kind}")).render().unwrap_err();
        let fault = error.fault().unwrap();
        (error.location().unwrap().to_string(), fault.source_line.clone().unwrap())
    };
    let own = "failing/templates/fail.yaml";
    assert_eq!(place("required"), (format!("{own}:2:7"), "x: {{ required \"a name is needed\" .Values.name }}".into()));
    assert_eq!(place("include").0, "failing/templates/_helpers.tpl:1:32");
    assert_eq!(place("tpl").0, format!("{own}:12:7"));
    assert_eq!(place("yaml"), (format!("{own}:20"), "  a: b: c".into()));
    let error = Case::new(own_chart("unparsable")).render().unwrap_err();
    assert_eq!(error.location().unwrap().to_string(), "unparsable/templates/a.yaml:2");
}

#[test]
fn manifests_know_the_lines_that_wrote_them() {
    let set = Case::new(own_chart("umbrella")).render().unwrap();
    let find = |kind: &str| set.manifests.iter().find(|m| m.object["kind"] == kind).unwrap();
    let service = find("Service");
    assert_eq!(service.source.template, "umbrella/charts/web/templates/deployment.yaml");
    assert_eq!(service.source.chart, "web");
    assert_eq!(
        service.locate("/metadata/annotations/region").to_string(),
        "umbrella/charts/web/templates/deployment.yaml:16"
    );
    let config = find("ConfigMap");
    assert_eq!(config.locate("/data/big").line, 13);
    assert_eq!(set.crds[0].object["kind"], "CustomResourceDefinition");
    assert!(set.notes.starts_with("Installed rel in default."));
}

#[test]
fn compiled_templates_render_again_with_other_values() {
    use bowline_chart::{Chart, UserValues};
    use bowline_render::{Environment, Nowhere, Options, Templates};
    use std::rc::Rc;

    let templates = Templates::new(Chart::load_as(&own_chart("umbrella"), COMPAT).unwrap());
    let nowhere: Rc<dyn Environment> = Rc::new(Nowhere);
    let rendered = |set: &str| {
        let sources = ValueSources { set: strings(&[set]), compat: COMPAT, ..Default::default() };
        let values = UserValues::load(&sources).unwrap();
        templates.render(&values, &Options::default(), &nowhere).unwrap().release_manifest()
    };
    let first = rendered("web.replicas=1");
    let other = rendered("web.replicas=7,store.enabled=false");
    assert!(other.contains("replicas: 7") && !other.contains("name: release-name-store"));
    assert_eq!(rendered("web.replicas=1"), first);
}

/// A chart with so many templates that some are executed while others are still being compiled.
#[test]
fn a_chart_that_two_threads_render() {
    let Some(helm) = helm() else { return };
    let filler = "# {{ printf \"%s\" .Release.Name }} block define {{/* define */}}\n".repeat(60);
    let chart = |name: &str, more: &[(&str, &str)]| {
        let directory = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(directory.path().join(name), text).unwrap();
        std::fs::create_dir(directory.path().join("templates")).unwrap();
        write("Chart.yaml", &format!("apiVersion: v2\nname: {name}\nversion: 1.0.0\n"));
        write("templates/_names.tpl", "{{ define \"name\" }}{{ .Release.Name }}-{{ .Chart.Name }}{{ end }}");
        for number in 10..60 {
            let text =
                format!("{filler}kind: ConfigMap\nmetadata: {{name: '{{{{ include \"name\" . }}}}-{number}'}}\n");
            write(&format!("templates/config-{number}.yaml"), &text);
        }
        more.iter().for_each(|(name, text)| write(name, text));
        directory
    };
    let same = |name: &str, more: &[(&str, &str)], said: &str| {
        let chart = chart(name, more);
        let case = Case::new(chart.path());
        case.assert_same(&helm);
        let ours = case.ours();
        let text = ours.as_ref().unwrap_or_else(|error| error);
        assert!(text.contains(said), "{text}");
    };
    same("plain", &[], "rel-plain-59");
    let sum = r#"kind: Sum
metadata: {name: sum}
sum: {{ include (print $.Template.BasePath "/config-55.yaml") . | sha256sum }}
"#;
    same("sums", &[("templates/a.yaml", sum), ("templates/z.yaml", sum)], "sum: ");
    // The execution that fails comes first, but nothing is executed of what does not parse.
    let fails = ("templates/aa.yaml", "{{ fail \"never\" }}");
    same("wrong", &[fails, ("templates/config-58.yaml", "{{ if }}")], "missing value for if");
    same("wrong", &[fails, ("templates/zz.yaml", "{{ if }}"), ("templates/b.yaml", "{{ .x. }}")], "parse error at");
    same(
        "wrong",
        &[fails, ("templates/_b.tpl", "{{ define \"x\" }}"), ("templates/b.yaml", "{{ .x. }}")],
        "parse error at",
    );
    same("wrong", &[("templates/zz.yaml", "{{ fail \"late\" }}")], "late");
    // A file's own name, defined by another one.
    for name in ["taken/templates/config-12.yaml", "taken/templates/config-57.yaml"] {
        for file in ["templates/_define.tpl", "templates/config-30.yaml", "templates/zz.yaml"] {
            let text =
                format!("{{{{- define \"{name}\" }}}}\nkind: Taken\nmetadata: {{name: taken}}\n{{{{ end -}}}}\n");
            same("taken", &[(file, &text)], "rel-taken-59");
        }
    }
    same("blocks", &[("templates/b.yaml", "{{- block \"name\" . }}kind: X{{ end }}")], "YAML parse error on blocks");
}
