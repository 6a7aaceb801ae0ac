//! The two charts of the sample application, as the real helm renders them.
#![allow(clippy::unwrap_used)]

#[path = "../../graph/tests/support/mod.rs"]
mod support;

use std::process::Command;

use bowline_check::{Finding, check};
use bowline_graph::Graph;

/// What is found in a chart below `examples/`, released into `namespace`; `None` where helm is absent.
fn findings(chart: &str, namespace: &str, flags: &[&str]) -> Option<Vec<Finding>> {
    let helm = bowline_peers::find("helm")?;
    let path = format!("{}/../../examples/{chart}", env!("CARGO_MANIFEST_DIR"));
    let mut command = Command::new(helm);
    command.args(["template", "todo-app", &path, "--namespace", namespace]).args(flags);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let set = support::set(&String::from_utf8(output.stdout).unwrap());
    assert!(set.hooks.len() + set.manifests.len() >= 6);
    Some(check(&Graph::build(&set, namespace)))
}

fn lines(findings: &[Finding]) -> Vec<String> {
    findings.iter().map(|f| format!("{} {} {} {}", f.severity, f.rule, f.object, f.location.file)).collect()
}

#[test]
fn the_corrected_chart_is_clean_for_every_environment() {
    for flags in
        [&[][..], &["-f", "values-dev.yaml"], &["-f", "values-local.yaml"], &["--set", "secrets.existingSecret=mine"]]
    {
        let folder = format!("{}/../../examples/todo-app/chart/", env!("CARGO_MANIFEST_DIR"));
        let flags: Vec<String> =
            flags.iter().map(|f| if f.ends_with(".yaml") { format!("{folder}{f}") } else { (*f).into() }).collect();
        let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
        let Some(found) = findings("todo-app/chart", "todo-app", &flags) else { return };
        assert_eq!(lines(&found), Vec::<String>::new(), "{flags:?}");
    }
}

#[test]
fn the_chart_as_written_has_its_defects() {
    let Some(found) = findings("todo-app-as-written/chart", "todo-app", &[]) else { return };
    let job = "Job/todo-app-migrate todo-app/templates/migration-job.yaml";
    assert_eq!(
        lines(&found),
        [
            format!("error hook-retry-blocked {job}"),
            format!("error hook-needs-later-object {job}"),
            "warning image-kept-stale Deployment/todo-backend todo-app/templates/backend-deployment.yaml".to_owned(),
            "warning image-kept-stale Deployment/todo-frontend todo-app/templates/frontend-deployment.yaml".to_owned(),
            "warning browser-address Deployment/todo-frontend todo-app/templates/frontend-deployment.yaml".to_owned(),
            format!("warning image-kept-stale {job}"),
            "warning namespace-of-release Namespace/todo-app todo-app/templates/namespace.yaml".to_owned(),
        ]
    );
}

#[test]
fn the_chart_as_written_splits_over_two_namespaces_where_none_is_given() {
    let Some(found) = findings("todo-app-as-written/chart", "default", &[]) else { return };
    let errors: Vec<&Finding> = found.iter().filter(|f| f.rule == "namespace-mismatch").collect();
    assert_eq!(errors.len(), 1, "{found:#?}");
    assert!(
        errors[0].message.contains("is in namespace default and looks there for Secret/todo-app-secrets"),
        "{}",
        errors[0]
    );
}
