//! The corrected chart works with plain helm, on a real Kubernetes whose pods are simulated.
#![allow(clippy::unwrap_used)]

use std::path::PathBuf;
use std::process::Command;

use bowline_peers::kubernetes::ControlPlane;

struct Helm<'a> {
    helm: PathBuf,
    cluster: &'a ControlPlane,
}

impl Helm<'_> {
    /// Standard output, or standard error where it fails.
    fn run(&self, arguments: &str) -> Result<String, String> {
        let chart = format!("{}/..", env!("CARGO_MANIFEST_DIR"));
        let mut command = Command::new(&self.helm);
        command.arg("--kubeconfig").arg(self.cluster.kubeconfig()).current_dir(chart);
        let output = command.args(arguments.split(' ')).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
    }
}

/// Names of objects, one line each.
fn names(cluster: &ControlPlane, namespace: &str, kinds: &str) -> Vec<String> {
    let Some(kubectl) = bowline_peers::find("kubectl").or_else(|| bowline_peers::find("kubernetes")) else {
        return Vec::new();
    };
    let mut command = Command::new(&kubectl);
    if kubectl.ends_with("kubernetes") {
        command.arg("kubectl");
    }
    command.arg("--kubeconfig").arg(cluster.kubeconfig());
    let output = command.args(["--namespace", namespace, "get", kinds, "-o", "name"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let all = String::from_utf8(output.stdout).unwrap();
    let ours = all.lines().filter(|name| name.contains("todo"));
    ours.filter(|name| !name.contains("sh.helm.release")).map(str::to_owned).collect()
}

#[test]
fn plain_helm_installs_upgrades_and_removes_the_corrected_chart() {
    let (Some(helm), Some(cluster)) = (bowline_peers::find("helm"), ControlPlane::shared()) else { return };
    let helm = Helm { helm, cluster };
    let common = "todo-app chart --namespace todo-app --wait --timeout 60s";
    let notes = helm.run(&format!("install {common} --create-namespace")).unwrap();
    assert!(notes.contains("todo-app 3.0.0 is deployed as todo-app, revision 1, in todo-app"), "{notes}");
    assert_eq!(
        names(cluster, "todo-app", "secrets,jobs"),
        ["secret/todo-app-secrets"],
        "hooks clean up after themselves"
    );

    helm.run(&format!("upgrade {common} --set backend.replicas=2")).unwrap();
    let workloads = names(cluster, "todo-app", "deployments,services");
    assert_eq!(
        workloads,
        [
            "deployment.apps/todo-backend",
            "deployment.apps/todo-frontend",
            "service/todo-backend",
            "service/todo-frontend"
        ]
    );
    helm.run("rollback todo-app 1 --namespace todo-app --wait --timeout 60s").unwrap();
    helm.run("uninstall todo-app --namespace todo-app --wait --timeout 60s").unwrap();
    assert_eq!(names(cluster, "todo-app", "secrets,configmaps,deployments,services,jobs"), Vec::<String>::new());
    assert!(names(cluster, "todo-app", "namespaces").contains(&"namespace/todo-app".to_owned()), "the namespace stays");
}

#[test]
fn a_namespace_that_the_chart_creates_survives_its_release() {
    let (Some(helm), Some(cluster)) = (bowline_peers::find("helm"), ControlPlane::shared()) else { return };
    let helm = Helm { helm, cluster };
    let common = "todo-owned chart --namespace todo-owned --set namespace.create=true --wait --timeout 60s";
    let refused = helm.run(&format!("install {common}")).unwrap_err();
    assert!(refused.contains("namespaces \"todo-owned\" not found"), "the record has no place: {refused}");
    helm.run(&format!("install {common} --create-namespace")).unwrap();
    helm.run("uninstall todo-owned --namespace todo-owned --wait --timeout 60s").unwrap();
    assert!(names(cluster, "todo-owned", "namespaces").contains(&"namespace/todo-owned".to_owned()));
    let taken = helm.run(&format!("install {}", common.replace("todo-owned chart", "todo-second chart"))).unwrap_err();
    assert!(taken.contains("cannot be imported into the current release"), "{taken}");
}
