//! kube-rs on the service, without sockets.

#![allow(clippy::unwrap_used, clippy::panic)]

use bowline_apiserver::Api as Server;
use bowline_clock::{Clock, Random};
use futures::StreamExt;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ConfigMap, Pod};
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams, WatchEvent, WatchParams};
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, Client};
use serde_json::json;

fn client() -> (Server, Client) {
    let server = Server::new(Clock::starting_at("2026-01-31T12:00:00Z".parse().unwrap()), Random::seeded(1));
    let client = Client::new(server.service(), "default");
    (server, client)
}

fn config_map(name: &str) -> ConfigMap {
    serde_json::from_value(json!({"metadata": {"name": name, "labels": {"app": "a"}}, "data": {"x": "1"}})).unwrap()
}

#[tokio::test(start_paused = true)]
async fn objects_are_written_and_watched() {
    let (_server, client) = client();
    let maps: Api<ConfigMap> = Api::default_namespaced(client);
    let list = maps.list(&ListParams::default()).await.unwrap();
    let version = list.metadata.resource_version.unwrap();
    let mut events = Box::pin(maps.watch(&WatchParams::default().labels("app=a"), &version).await.unwrap());
    maps.create(&PostParams::default(), &config_map("a")).await.unwrap();
    assert!(
        matches!(events.next().await.unwrap().unwrap(), WatchEvent::Added(m) if m.metadata.name.as_deref() == Some("a"))
    );
    let patch = json!({"apiVersion": "v1", "kind": "ConfigMap", "data": {"y": "2"}});
    let patched = maps.patch("a", &PatchParams::apply("me"), &Patch::Apply(&patch)).await.unwrap();
    assert_eq!(patched.data.unwrap().len(), 2);
    assert!(matches!(events.next().await.unwrap().unwrap(), WatchEvent::Modified(_)));
    maps.delete("a", &DeleteParams::default()).await.unwrap();
    assert!(matches!(events.next().await.unwrap().unwrap(), WatchEvent::Deleted(_)));
    assert_eq!(maps.get_opt("a").await.unwrap(), None);
    let error = maps.get("a").await.unwrap_err();
    assert!(matches!(error, kube::Error::Api(status) if status.message == "configmaps \"a\" not found"));
}

#[tokio::test(start_paused = true)]
async fn watchers_of_the_runtime_work_in_both_ways() {
    let (_server, client) = client();
    let maps: Api<ConfigMap> = Api::default_namespaced(client);
    for name in ["a", "b", "c"] {
        maps.create(&PostParams::default(), &config_map(name)).await.unwrap();
    }
    for config in [watcher::Config::default().page_size(2), watcher::Config::default().streaming_lists()] {
        let mut objects = Box::pin(watcher(maps.clone(), config).applied_objects());
        for wanted in ["a", "b", "c"] {
            assert_eq!(objects.next().await.unwrap().unwrap().metadata.name.as_deref(), Some(wanted));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn typed_objects_come_back_whole() {
    let (server, client) = client();
    let deployments: Api<Deployment> = Api::default_namespaced(client.clone());
    let web = json!({"metadata": {"name": "web"}, "spec": {"replicas": 2, "selector": {"matchLabels": {"app": "web"}},
        "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "c", "image": "i:1"}]}}}});
    deployments.create(&PostParams::default(), &serde_json::from_value(web).unwrap()).await.unwrap();
    let scale = deployments.get_scale("web").await.unwrap();
    assert_eq!(scale.spec.unwrap().replicas, Some(2));
    deployments
        .patch_scale("web", &PatchParams::default(), &Patch::Merge(json!({"spec": {"replicas": 5}})))
        .await
        .unwrap();
    assert_eq!(deployments.get("web").await.unwrap().spec.unwrap().replicas, Some(5));
    let pods: Api<Pod> = Api::default_namespaced(client.clone());
    let pod = json!({"metadata": {"generateName": "p-"}, "spec": {"containers": [{"name": "c", "image": "i:1"}]}});
    let pod = pods.create(&PostParams::default(), &serde_json::from_value(pod).unwrap()).await.unwrap();
    let name = pod.metadata.name.unwrap();
    assert_eq!((name.len(), pod.status.unwrap().phase.as_deref()), (7, Some("Pending")));
    server.bind("default", &name, "node-0").unwrap();
    assert_eq!(pods.get(&name).await.unwrap().spec.unwrap().node_name.as_deref(), Some("node-0"));
    let evicted = pods.delete(&name, &DeleteParams::default()).await.unwrap();
    assert!(evicted.left().unwrap().metadata.deletion_timestamp.is_some(), "a bound pod ends in its own time");
    let discovery = kube::Discovery::new(client.clone()).run_aggregated().await.unwrap();
    assert!(discovery.get("apps").unwrap().recommended_kind("Deployment").is_some());
    assert_eq!(client.apiserver_version().await.unwrap().minor, "36");
}
