//! The two charts of the sample application: what is found, and where in their templates.
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};
use std::rc::Rc;

use bowline_chart::{Chart, UserValues, ValueSources};
use bowline_check::{Finding, check};
use bowline_graph::Graph;
use bowline_render::{Environment, Options, render};

struct Nothing;

impl Environment for Nothing {}

fn folder(chart: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples").join(chart)
}

/// What is found in a chart below `examples/`, released into `namespace`.
fn findings(chart: &str, namespace: &str, files: &[&str], set: &[&str]) -> Vec<Finding> {
    let files = files.iter().map(|file| folder(chart).join(file).display().to_string()).collect();
    let sources = ValueSources { files, set: set.iter().map(|s| (*s).to_owned()).collect(), ..ValueSources::default() };
    let values = UserValues::load(&sources).unwrap();
    let world: Rc<dyn Environment> = Rc::new(Nothing);
    let options = Options::install("todo-app", namespace);
    let manifests = render(&Chart::load(&folder(chart)).unwrap(), &values, &options, &world).unwrap();
    assert!(manifests.hooks.len() + manifests.manifests.len() >= 6);
    check(&Graph::build(&manifests, namespace))
}

fn lines(findings: &[Finding]) -> Vec<String> {
    findings.iter().map(|f| format!("{} {} {} {}", f.severity, f.rule, f.object, f.location)).collect()
}

#[test]
fn the_corrected_chart_is_clean_for_every_environment() {
    let none: &[&str] = &[];
    for (files, set) in [
        (none, none),
        (&["values-dev.yaml"], none),
        (&["values-local.yaml"], none),
        (none, &["secrets.existingSecret=mine"]),
        (none, &["namespace.create=true"]),
        (none, &["migration.enabled=false"]),
    ] {
        assert_eq!(
            lines(&findings("todo-app/chart", "todo-app", files, set)),
            Vec::<String>::new(),
            "{files:?} {set:?}"
        );
    }
}

#[test]
fn the_chart_as_written_has_its_defects() {
    let found = findings("todo-app-as-written/chart", "todo-app", &[], &[]);
    let job = "Job/todo-app-migrate todo-app/templates/migration-job.yaml";
    assert_eq!(
        lines(&found),
        [
            format!("error hook-retry-blocked {job}:11"),
            format!("error hook-needs-later-object {job}:29"),
            "warning image-kept-stale Deployment/todo-backend todo-app/templates/backend-deployment.yaml:24".to_owned(),
            "warning image-kept-stale Deployment/todo-frontend todo-app/templates/frontend-deployment.yaml:24"
                .to_owned(),
            "warning browser-address Deployment/todo-frontend todo-app/templates/frontend-deployment.yaml:34"
                .to_owned(),
            format!("warning image-kept-stale {job}:22"),
            "warning namespace-of-release Namespace/todo-app todo-app/templates/namespace.yaml:4".to_owned(),
        ]
    );
    assert_eq!(
        found[1].to_string(),
        "\
error[hook-needs-later-object]: Job/todo-app-migrate (pre-install hook, weight -5) needs Secret/todo-app-secrets (env), which this \
chart creates only after all pre-install hooks: the first install waits until its timeout
  --> todo-app/templates/migration-job.yaml:29
  --> todo-app/templates/secret.yaml:4: Secret/todo-app-secrets comes in the phase install
  hint: give Secret/todo-app-secrets helm.sh/hook: pre-install,pre-upgrade and a helm.sh/hook-weight below -5 (or a copy of it for the hook \
alone), or deploy in the order of the graph: bowline deploy --order graph"
    );
}

#[test]
fn the_chart_as_written_splits_over_two_namespaces_where_none_is_given() {
    let found = findings("todo-app-as-written/chart", "default", &[], &[]);
    let errors: Vec<&Finding> = found.iter().filter(|f| f.rule == "namespace-mismatch").collect();
    assert_eq!(errors.len(), 1, "{found:#?}");
    let message = "the hook Job/todo-app-migrate is in namespace default and looks there for Secret/todo-app-secrets, \
                   which this chart creates in namespace todo-app";
    assert_eq!((errors[0].message.as_str(), errors[0].location.line), (message, 29));
    let dev = findings("todo-app-as-written/chart", "todo-app", &["values-dev.yaml"], &[]);
    assert!(dev.iter().any(|f| f.rule == "namespace-mismatch"), "the namespace is not only the command line's to say");
}
