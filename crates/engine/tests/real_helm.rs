//! One release, two programs: the real helm and this engine take turns on it.
#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use bowline_clock::Clock;
use bowline_cluster::{Cluster, ConnectOptions, Metadata, ObjectRef};
use bowline_engine::scenario::{chart, config_map, manifests};
use bowline_engine::{Cancel, DeployRequest, Engine, NoEvents, RollbackRequest, UninstallRequest};
use bowline_manifest::ManifestSet;
use bowline_peers::kubernetes::ControlPlane;
use bowline_release::{ApplyMethod, Release, Status};
use serde_json::{Value, json};

struct Both {
    plane: &'static ControlPlane,
    helm: std::path::PathBuf,
    engine: Engine,
    namespace: &'static str,
    chart: tempfile::TempDir,
}

impl Both {
    async fn on(namespace: &'static str) -> Option<Self> {
        let plane = ControlPlane::shared()?;
        let helm = bowline_peers::find("helm")?;
        let options = ConnectOptions { kubeconfig: Some(plane.kubeconfig().to_owned()), ..ConnectOptions::default() };
        let cluster = Cluster::connect(&options).await.unwrap();
        let engine = Engine::new(cluster, Clock::system(), "tester@here", Arc::new(NoEvents));
        let chart = tempfile::tempdir().unwrap();
        write_chart(chart.path());
        Some(Self { plane, helm, engine, namespace, chart })
    }

    fn helm(&self, arguments: &[&str]) -> String {
        let output = Command::new(&self.helm)
            .args(["--kubeconfig", self.plane.kubeconfig().to_str().unwrap(), "--namespace", self.namespace])
            .args(arguments)
            .output()
            .unwrap();
        assert!(output.status.success(), "helm {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    fn helm_json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.helm(&[arguments, &["-o", "json"]].concat())).unwrap()
    }

    fn chart(&self) -> &str {
        self.chart.path().to_str().unwrap()
    }

    async fn deploy(&self, set: ManifestSet) -> Release {
        let mut request = DeployRequest::new("web", self.namespace, set);
        request.chart = chart();
        request.config = json!({"color": "given"}).as_object().unwrap().clone();
        self.engine.deploy(request, &Cancel::never()).await.unwrap().release
    }

    async fn map(&self, name: &str) -> Option<Value> {
        let object = ObjectRef::new("v1", "ConfigMap", self.namespace, name);
        self.engine.cluster().get(&object).await.unwrap()
    }

    async fn statuses(&self) -> Vec<(u32, Status)> {
        let history = self.engine.releases(self.namespace).history("web").await.unwrap();
        history.iter().map(|r| (r.version, r.info.status)).collect()
    }
}

/// ConfigMaps `colors` (v and, on demand, extra) and `only-helm`, and a hook Job.
fn write_chart(dir: &Path) {
    std::fs::create_dir_all(dir.join("templates")).unwrap();
    std::fs::write(dir.join("Chart.yaml"), "apiVersion: v2\nname: web\nversion: 0.1.0\n").unwrap();
    std::fs::write(dir.join("values.yaml"), "color: red\nextra: true\n").unwrap();
    let map = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: colors\ndata:\n  v: {{ .Values.color }}\n  \
               {{- if .Values.extra }}\n  extra: \"yes\"\n  {{- end }}\n";
    std::fs::write(dir.join("templates/colors.yaml"), map).unwrap();
    let only = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: only-helm\n";
    std::fs::write(dir.join("templates/only.yaml"), only).unwrap();
    let job = "apiVersion: batch/v1\nkind: Job\nmetadata:\n  name: migrate\n  annotations:\n    \
               helm.sh/hook: pre-install,pre-upgrade,pre-rollback,pre-delete\nspec:\n  template:\n    spec:\n      \
               restartPolicy: Never\n      containers:\n      - name: main\n        image: main:1\n";
    std::fs::write(dir.join("templates/migrate.yaml"), job).unwrap();
}

fn ours(color: &str) -> ManifestSet {
    let mut job = json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "migrate"},
        "spec": {"template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "main", "image": "main:1"}]}}}});
    job["metadata"]["annotations"] = json!({"helm.sh/hook": "pre-install,pre-upgrade,pre-rollback,pre-delete"});
    manifests(vec![config_map("colors", color)], vec![job])
}

#[tokio::test]
async fn helm_goes_on_with_our_release() {
    let Some(both) = Both::on("helm-goes-on").await else { return };
    both.deploy(ours("red")).await;
    both.deploy(ours("blue")).await;
    let listed = both.helm_json(&["list"]);
    let row = &listed[0];
    assert_eq!(
        (&row["name"], &row["revision"], &row["status"], &row["chart"], &row["app_version"]),
        (&json!("web"), &json!("2"), &json!("deployed"), &json!("web-0.1.0"), &json!("3.0.0"))
    );
    let history = both.helm_json(&["history", "web"]);
    let told: Vec<_> = history.as_array().unwrap().iter().map(|r| (&r["status"], &r["description"])).collect();
    let expected = [(json!("superseded"), json!("Install complete")), (json!("deployed"), json!("Upgrade complete"))];
    assert_eq!(told, expected.iter().map(|(a, b)| (a, b)).collect::<Vec<_>>());
    let status = both.helm_json(&["status", "web"]);
    assert_eq!((&status["info"]["status"], &status["apply_method"]), (&json!("deployed"), &json!("ssa")));
    assert_eq!(status["hooks"][0]["last_run"]["phase"], "Succeeded");
    assert!(both.helm(&["get", "manifest", "web"]).contains("# Source: web/templates/colors.yaml"));
    assert!(both.helm(&["get", "values", "web"]).contains("color: given"));

    both.helm(&["rollback", "web", "1", "--wait"]);
    assert_eq!(both.map("colors").await.unwrap()["data"]["v"], "red");
    assert_eq!(both.statuses().await, [(1, Status::Superseded), (2, Status::Superseded), (3, Status::Deployed)]);
    let fourth = both.deploy(ours("green")).await;
    assert_eq!(fourth.version, 4);
    both.helm(&["upgrade", "web", both.chart(), "--set", "color=black"]);
    assert_eq!(both.map("colors").await.unwrap()["data"]["v"], "black");
    both.helm(&["uninstall", "web", "--wait"]);
    assert!(both.map("colors").await.is_none());
    assert_eq!(both.statuses().await, []);
}

#[tokio::test]
async fn we_go_on_with_helms_release() {
    let Some(both) = Both::on("we-go-on").await else { return };
    both.helm(&["install", "web", both.chart(), "--create-namespace", "--set", "color=red"]);
    let second = both.deploy(ours("blue")).await;
    assert_eq!((second.version, second.info.status), (2, Status::Deployed));
    let colors = both.map("colors").await.unwrap();
    assert_eq!(colors["data"], json!({"v": "blue"}), "the entry that left the chart is gone");
    assert!(both.map("only-helm").await.is_none(), "the object that left the chart is gone");
    assert_eq!(both.statuses().await, [(1, Status::Superseded), (2, Status::Deployed)]);

    let request = RollbackRequest::new("web", both.namespace, Some(1));
    let third = both.engine.rollback(request, &Cancel::never()).await.unwrap().release;
    assert_eq!((third.version, third.info.rollback_revision, third.chart.title().as_str()), (3, 1, "web-0.1.0"));
    assert_eq!(both.map("colors").await.unwrap()["data"], json!({"v": "red", "extra": "yes"}));
    assert!(both.map("only-helm").await.is_some());
    both.helm(&["upgrade", "web", both.chart(), "--set", "color=white,extra=false"]);
    assert_eq!(both.map("colors").await.unwrap()["data"], json!({"v": "white"}));

    both.engine.uninstall(UninstallRequest::new("web", both.namespace), &Cancel::never()).await.unwrap();
    assert!(both.map("colors").await.is_none() && both.map("only-helm").await.is_none());
    assert_eq!(both.helm_json(&["list"]), json!([]));
}

#[tokio::test]
async fn fields_that_helm_wrote_client_side_are_taken_over() {
    let Some(both) = Both::on("client-side").await else { return };
    both.helm(&["install", "web", both.chart(), "--create-namespace", "--server-side=false"]);
    let history = both.engine.releases(both.namespace).history("web").await.unwrap();
    assert_eq!(history[0].apply_method, Some(ApplyMethod::ClientSide));
    let second = both.deploy(ours("blue")).await;
    assert_eq!(second.apply_method, Some(ApplyMethod::ServerSide));
    let colors = both.map("colors").await.unwrap();
    assert_eq!(colors["data"], json!({"v": "blue"}), "an entry that helm owned client-side is gone too");
    let managers: Vec<_> = colors["metadata"]["managedFields"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| (entry["manager"].as_str().unwrap(), entry["operation"].as_str().unwrap()))
        .collect();
    assert_eq!(managers, [("helm", "Apply")]);
    assert_eq!(colors.label("app.kubernetes.io/managed-by"), Some("Helm"));
    both.helm(&["upgrade", "web", both.chart(), "--set", "color=white"]);
    assert_eq!(both.map("colors").await.unwrap()["data"], json!({"v": "white", "extra": "yes"}));
}

#[tokio::test]
async fn a_history_that_helm_kept_is_installed_again() {
    let Some(both) = Both::on("kept-history").await else { return };
    both.deploy(ours("red")).await;
    both.helm(&["uninstall", "web", "--keep-history"]);
    assert_eq!(both.statuses().await, [(1, Status::Uninstalled)]);
    let next = both.engine.next("web", both.namespace).await.unwrap();
    assert_eq!((next.revision, next.is_install), (2, true));
    let second = both.deploy(ours("blue")).await;
    assert_eq!((second.version, second.info.description.as_str()), (2, "Install complete"));
    assert_eq!(both.statuses().await, [(1, Status::Superseded), (2, Status::Deployed)]);
    let keep = UninstallRequest { keep_history: true, ..UninstallRequest::new("web", both.namespace) };
    both.engine.uninstall(keep, &Cancel::never()).await.unwrap();
    let history = both.helm_json(&["history", "web"]);
    let last = &history[1];
    assert_eq!((&last["status"], &last["description"]), (&json!("uninstalled"), &json!("Uninstallation complete")));
    both.helm(&["rollback", "web", "1"]);
    assert_eq!(both.map("colors").await.unwrap()["data"]["v"], "red");
}
