//! The client against a real kube-apiserver.

use bowline_cluster::{
    Apply, Cluster, ClusterError, ConnectOptions, Delete, LogOptions, Metadata, ObjectRef, Patch, Selection, WatchEvent,
};
use bowline_manifest::{GroupKind, GroupVersionKind};
use bowline_peers::kubernetes::{ControlPlane, LOG_LINES};
use futures::StreamExt;
use serde_json::json;

#[allow(clippy::unwrap_used)]
async fn connect() -> Option<Cluster> {
    let plane = ControlPlane::shared()?;
    let options = ConnectOptions { kubeconfig: Some(plane.kubeconfig().to_owned()), ..ConnectOptions::default() };
    Some(Cluster::connect(&options).await.unwrap())
}

#[allow(clippy::unwrap_used)]
async fn namespace(cluster: &Cluster, name: &str) {
    cluster.create(&json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})).await.unwrap();
}

#[tokio::test]
async fn discovers_kinds_and_versions() {
    let Some(cluster) = connect().await else { return };
    assert_eq!(cluster.server_version().await.unwrap().minor, "36");
    let deployment = cluster.resource(&GroupVersionKind::new("apps/v1", "Deployment")).await.unwrap();
    assert_eq!((deployment.plural.as_str(), deployment.namespaced), ("deployments", true));
    let preferred = GroupKind { group: "autoscaling".into(), kind: "HorizontalPodAutoscaler".into() };
    assert_eq!(cluster.preferred_resource(&preferred).await.unwrap().gvk.version, "v2");
    let versions = cluster.api_versions().await.unwrap();
    assert!(versions.contains(&"batch/v1/Job".to_owned()) && versions.contains(&"v1".to_owned()), "{versions:?}");
    let unknown = cluster.resource(&GroupVersionKind::new("example.com/v1", "Widget")).await.unwrap_err();
    assert!(unknown.to_string().contains("no matches for kind \"Widget\" in version \"example.com/v1\""), "{unknown}");
}

#[tokio::test]
async fn applies_patches_updates_and_deletes() {
    let Some(cluster) = connect().await else { return };
    namespace(&cluster, "verbs").await;
    let map = ObjectRef::new("v1", "ConfigMap", "verbs", "settings");
    let body = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}, "data": {"a": "1"}});
    let ours = Apply { field_manager: "helm".into(), force: false, dry_run: false };
    assert_eq!(cluster.get(&map).await.unwrap(), None);
    let first = cluster.apply(&map, &body, &ours).await.unwrap();
    let again = cluster.apply(&map, &body, &ours).await.unwrap();
    assert_eq!(first.resource_version(), again.resource_version(), "nothing changed");

    let theirs = Apply { field_manager: "somebody".into(), ..ours.clone() };
    let mut other = body.clone();
    other["data"]["a"] = json!("2");
    let conflict = cluster.apply(&map, &other, &theirs).await.unwrap_err();
    assert!(conflict.is_conflict(), "{conflict}");
    assert!(conflict.to_string().starts_with("apply ConfigMap/settings in namespace verbs: "), "{conflict}");
    cluster.apply(&map, &other, &Apply { force: true, ..theirs }).await.unwrap();

    cluster.patch(&map, "", &Patch::Merge(json!({"data": {"b": "3"}}))).await.unwrap();
    let mut stored = cluster.get(&map).await.unwrap().unwrap();
    assert_eq!(stored["data"], json!({"a": "2", "b": "3"}));
    stored["data"]["a"] = json!("4");
    cluster.update(&stored).await.unwrap();
    assert!(cluster.update(&stored).await.unwrap_err().is_conflict(), "an old resource version is refused");

    assert!(
        cluster
            .create(
                &cluster
                    .get(&map)
                    .await
                    .unwrap()
                    .map(|mut o| {
                        o["metadata"].as_object_mut().unwrap().remove("resourceVersion");
                        o
                    })
                    .unwrap()
            )
            .await
            .unwrap_err()
            .is_already_exists()
    );
    let wrong = Delete { uid: "00000000-0000-4000-8000-000000000000".into(), ..Delete::default() };
    assert!(cluster.delete(&map, &wrong).await.unwrap_err().is_conflict());
    assert!(cluster.delete(&map, &Delete::default()).await.unwrap());
    assert!(!cluster.delete(&map, &Delete::default()).await.unwrap());

    let bad = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}, "dta": {}});
    let error = cluster.apply(&map, &bad, &ours).await.unwrap_err();
    assert!(error.to_string().contains("dta") && !error.to_string().contains("ApiError"), "{error}");
}

#[tokio::test]
async fn watches_from_a_list_on() {
    let Some(cluster) = connect().await else { return };
    namespace(&cluster, "watched").await;
    let resource = cluster.resource(&GroupVersionKind::new("v1", "Secret")).await.unwrap();
    let mut events = cluster.watch(&resource, &Selection::namespace("watched"));
    assert!(matches!(events.next().await, Some(Ok(WatchEvent::Listed(items))) if items.is_empty()));
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": "watched"}});
    cluster.create(&secret).await.unwrap();
    assert!(matches!(events.next().await, Some(Ok(WatchEvent::Changed(o))) if o.name() == "s" && o.kind() == "Secret"));
    cluster.delete(&ObjectRef::of(&secret).unwrap(), &Delete::default()).await.unwrap();
    assert!(matches!(events.next().await, Some(Ok(WatchEvent::Deleted(o))) if o.name() == "s"));
}

#[tokio::test]
async fn reads_logs_and_events() {
    let Some(cluster) = connect().await else { return };
    namespace(&cluster, "logged").await;
    let resource = cluster.resource(&GroupVersionKind::new("v1", "Pod")).await.unwrap();
    let mut pods = cluster.watch(&resource, &Selection::namespace("logged").with_name("web"));
    let account = ObjectRef::new("v1", "ServiceAccount", "logged", "default");
    let accounts = cluster.resource(&account.gvk).await.unwrap();
    let mut accounts = cluster.watch(&accounts, &Selection::namespace("logged"));
    while !matches!(accounts.next().await.unwrap().unwrap(), WatchEvent::Listed(all) if !all.is_empty()) {
        if cluster.get(&account).await.unwrap().is_some() {
            break;
        }
    }
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web", "namespace": "logged"},
        "spec": {"containers": [{"name": "web", "image": "web:1"}]}});
    cluster.create(&pod).await.unwrap();
    while !matches!(pods.next().await.unwrap().unwrap(), WatchEvent::Changed(pod) if pod["status"]["phase"] == "Running")
    {
    }
    let options = LogOptions { tail: Some(2), ..LogOptions::default() };
    let lines = cluster.logs("logged", "web", &options).await.unwrap();
    assert!(LOG_LINES.ends_with(&lines.iter().map(String::as_str).collect::<Vec<_>>()), "{lines:?}");
    let events = cluster.events_of(&ObjectRef::of(&pod).unwrap(), "").await.unwrap();
    assert!(events.iter().any(|e| e.reason == "Scheduled"), "{events:?}");
    let missing = cluster.logs("logged", "nobody", &LogOptions::default()).await.err().unwrap();
    assert!(missing.is_not_found(), "{missing}");
}

#[tokio::test]
async fn an_absent_server_is_named_as_such() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("kubeconfig");
    std::fs::write(&path, r#"{"current-context": "x", "contexts": [{"name": "x", "context": {"cluster": "x", "user": "x"}}],
        "clusters": [{"name": "x", "cluster": {"server": "http://127.0.0.1:1"}}], "users": [{"name": "x", "user": {}}]}"#).unwrap();
    let cluster =
        Cluster::connect(&ConnectOptions { kubeconfig: Some(path), ..ConnectOptions::default() }).await.unwrap();
    let error = cluster.server_version().await.unwrap_err();
    assert!(matches!(error, ClusterError::Unreachable { .. }) && error.to_string().contains("refused"), "{error}");
    let options = ConnectOptions { kubeconfig: Some(dir.path().join("absent")), ..ConnectOptions::default() };
    assert!(matches!(Cluster::connect(&options).await, Err(ClusterError::Config { .. })));
}
