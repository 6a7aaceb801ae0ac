//! Records that the real helm reads and writes, and the lock, on a real API server.
#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use bowline_clock::Clock;
use bowline_cluster::{Cluster, ConnectOptions, ObjectRef, Patch};
use bowline_peers::kubernetes::ControlPlane;
use bowline_release::{
    ApplyMethod, ChartRecord, HookPhase, Lock, LockOptions, Release, ReleaseError, ReleaseStore, Status,
};
use serde_json::{Value, json};

async fn connect(namespace: &str) -> Option<(Cluster, &'static ControlPlane)> {
    let plane = ControlPlane::shared()?;
    let options = ConnectOptions { kubeconfig: Some(plane.kubeconfig().to_owned()), ..ConnectOptions::default() };
    let cluster = Cluster::connect(&options).await.unwrap();
    let object = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}});
    cluster.create(&object).await.unwrap();
    Some((cluster, plane))
}

fn helm(plane: &ControlPlane, namespace: &str, arguments: &[&str]) -> Option<String> {
    let helm = bowline_peers::find("helm")?;
    let output = Command::new(helm)
        .args(["--kubeconfig", plane.kubeconfig().to_str().unwrap(), "--namespace", namespace])
        .args(arguments)
        .output()
        .unwrap();
    assert!(output.status.success(), "helm {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8(output.stdout).unwrap())
}

fn write_chart(dir: &Path) {
    std::fs::create_dir_all(dir.join("templates")).unwrap();
    std::fs::write(dir.join("Chart.yaml"), "apiVersion: v2\nname: tiny\nversion: 0.1.0\nappVersion: \"7\"\n").unwrap();
    std::fs::write(dir.join("values.yaml"), "answer: 42\n").unwrap();
    let map = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: tiny}\ndata: {answer: \"{{ .Values.answer }}\"}\n";
    std::fs::write(dir.join("templates/map.yaml"), map).unwrap();
    let hook = "apiVersion: batch/v1\nkind: Job\nmetadata:\n  name: tiny\n  annotations:\n    helm.sh/hook: pre-install\n    \
                helm.sh/hook-weight: \"-5\"\nspec:\n  template:\n    spec: {restartPolicy: Never, containers: [{name: c, image: i:1}]}\n";
    std::fs::write(dir.join("templates/hook.yaml"), hook).unwrap();
}

#[tokio::test]
async fn reads_and_rewrites_what_helm_wrote() {
    let Some((cluster, plane)) = connect("reads").await else { return };
    let chart = tempfile::tempdir().unwrap();
    write_chart(chart.path());
    let chart_path = chart.path().to_str().unwrap();
    let install = ["install", "tiny", chart_path, "--set", "a.b=1", "--labels", "team=blue"];
    if helm(plane, "reads", &install).is_none() {
        return;
    }
    let store = ReleaseStore::new(cluster.clone(), Clock::system(), "reads");
    let history = store.history("tiny").await.unwrap();
    let [release] = history.as_slice() else { panic!("{history:?}") };
    assert_eq!((release.version, release.info.status), (1, Status::Deployed));
    assert_eq!(release.info.description, "Install complete");
    assert_eq!(release.apply_method, Some(ApplyMethod::ServerSide));
    assert_eq!(Value::Object(release.config.clone()), json!({"a": {"b": 1}}));
    assert_eq!(release.labels.get("team").map(String::as_str), Some("blue"));
    assert_eq!((release.hooks[0].weight, release.hooks[0].last_run.phase), (-5, HookPhase::Succeeded));
    assert!(release.manifest.starts_with("---\n# Source: tiny/templates/map.yaml\n"), "{}", release.manifest);
    assert_eq!(release.other, serde_json::Map::new(), "every field helm writes has a name here");

    // The same JSON goes back, field by field, but for the spelling of times.
    let written = serde_json::to_value(release).unwrap();
    let secret = ObjectRef::new("v1", "Secret", "reads", "sh.helm.release.v1.tiny.v1");
    let before = cluster.get(&secret).await.unwrap().unwrap();
    store.update(release).await.unwrap();
    let after = cluster.get(&secret).await.unwrap().unwrap();
    assert_eq!(store.get("tiny", 1).await.unwrap().map(|r| serde_json::to_value(r).unwrap()), Some(written));
    let labels = |secret: &Value| {
        let mut labels = secret["metadata"]["labels"].clone();
        labels.as_object_mut().unwrap().remove("modifiedAt");
        labels
    };
    assert_eq!((labels(&before), &before["type"]), (labels(&after), &after["type"]));
    let listed: Value = serde_json::from_str(&helm(plane, "reads", &["list", "-o", "json"]).unwrap()).unwrap();
    assert_eq!((&listed[0]["chart"], &listed[0]["app_version"]), (&json!("tiny-0.1.0"), &json!("7")));
}

fn revision(name: &str, version: u32, status: Status) -> Release {
    let mut release = Release { name: name.into(), namespace: "writes".into(), version, ..Release::default() };
    release.set_status(status, format!("number {version}"));
    release.info.first_deployed = Some("2026-01-31T12:00:00Z".parse().unwrap());
    release.info.last_deployed = Some("2026-01-31T12:00:00.25Z".parse().unwrap());
    release.chart = ChartRecord(json!({"metadata": {"name": "c", "version": "1.0.0"}, "templates": [], "values": {}}));
    release
}

#[tokio::test]
async fn helm_reads_what_is_written_and_old_revisions_go() {
    let Some((cluster, plane)) = connect("writes").await else { return };
    let store = ReleaseStore::new(cluster, Clock::system(), "writes");
    store.create(&mut revision("web", 1, Status::Deployed), 0).await.unwrap();
    for version in 2..=12 {
        store.create(&mut revision("web", version, Status::Failed), 10).await.unwrap();
    }
    let left: Vec<u32> = store.history("web").await.unwrap().iter().map(|r| r.version).collect();
    assert_eq!(left, [1, 4, 5, 6, 7, 8, 9, 10, 11, 12], "ten are left, and the deployed one is among them");
    let again = store.create(&mut revision("web", 12, Status::Failed), 10).await.unwrap_err();
    assert!(matches!(again, ReleaseError::RevisionExists { revision: 12, .. }), "{again}");
    let newest = store.list().await.unwrap();
    assert_eq!(newest.iter().map(|r| (r.name.as_str(), r.version)).collect::<Vec<_>>(), [("web", 12)]);

    let mut reserved = revision("other", 1, Status::Deployed);
    reserved.labels.insert("owner".into(), "me".into());
    assert!(matches!(store.create(&mut reserved, 10).await, Err(ReleaseError::ReservedLabel { .. })));
    let mut large = revision("large", 1, Status::Deployed);
    // What does not compress.
    large.manifest = (0..100_000u64).map(|i| format!("{:016x}", (i + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15))).collect();
    assert!(matches!(store.create(&mut large, 10).await, Err(ReleaseError::TooLarge { .. })));

    if let Some(history) = helm(plane, "writes", &["history", "web", "-o", "json"]) {
        let history: Value = serde_json::from_str(&history).unwrap();
        assert_eq!((&history[0]["status"], &history[0]["description"]), (&json!("deployed"), &json!("number 1")));
    }
}

#[tokio::test]
async fn one_holds_the_lock_and_a_dead_holder_is_passed_over() {
    let Some((cluster, _)) = connect("locks").await else { return };
    let clock = Clock::system();
    let quick = LockOptions {
        heartbeat: Duration::from_millis(300),
        deadline: Duration::from_secs(1),
        ..LockOptions::default()
    };
    let take = |who: &'static str, wait: Duration| {
        let (cluster, clock, options) = (cluster.clone(), clock.clone(), LockOptions { wait, ..quick.clone() });
        async move { Lock::acquire(&cluster, &clock, ("locks", "web"), who, "install revision 1", &options, &|_| {}).await }
    };
    let first = take("ann@laptop", Duration::ZERO).await.unwrap();
    // Longer than the deadline: the heartbeat keeps it.
    let held = take("bob@ci", Duration::from_millis(1500)).await.unwrap_err();
    let ReleaseError::Held(held) = held else { panic!("{held}") };
    assert_eq!((held.holder.identity.as_str(), held.holder.doing.as_str()), ("ann@laptop", "install revision 1"));
    assert!(held.to_string().contains("locked by ann@laptop, doing: install revision 1, since 20"), "{held}");

    first.release().await.unwrap();
    let second = take("bob@ci", Duration::ZERO).await.unwrap();
    assert_eq!(second.taken_over_from(), None);
    drop(second);
    // Dropped, it is given back as soon as the runtime comes to it.
    let third = take("eve@ci", Duration::from_secs(5)).await.unwrap();

    third.release().await.unwrap();
    // A holder whose clock is ahead, and who died.
    let ahead = json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
        "metadata": {"name": "bowline.web", "namespace": "locks"},
        "spec": {"holderIdentity": "ahead@laptop", "leaseDurationSeconds": 1, "renewTime": "2999-01-01T00:00:00.000000Z"}});
    cluster.create(&ahead).await.unwrap();
    let after = take("ann@laptop", Duration::ZERO).await.unwrap();
    assert_eq!(after.taken_over_from().map(|h| h.identity.as_str()), Some("ahead@laptop"));
    after.release().await.unwrap();

    // A holder that died: its lease is there, and nobody renews it.
    let dead = json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
        "metadata": {"name": "bowline.web", "namespace": "locks", "annotations": {"bowline.dev/doing": "upgrade"}},
        "spec": {"holderIdentity": "dead@laptop", "leaseDurationSeconds": 1, "acquireTime": "2026-01-01T00:00:00.000000Z",
            "renewTime": clock.rfc3339_micro(), "leaseTransitions": 0}});
    cluster.create(&dead).await.unwrap();
    // Whoever waits for nobody alive waits for the dead all the same.
    let fourth = take("ann@laptop", Duration::ZERO).await.unwrap();
    assert_eq!(fourth.taken_over_from().map(|h| h.identity.as_str()), Some("dead@laptop"));

    // And when the lock is taken away, its holder is told.
    let lease = ObjectRef::new("coordination.k8s.io/v1", "Lease", "locks", "bowline.web");
    cluster.patch(&lease, "", &Patch::Merge(json!({"spec": {"holderIdentity": "thief@ci"}}))).await.unwrap();
    let thief = tokio::time::timeout(Duration::from_secs(5), fourth.lost()).await.unwrap();
    assert_eq!(thief, "thief@ci");
    drop(fourth);
    assert!(cluster.get(&lease).await.unwrap().is_some(), "what is not ours is not given back");
}
