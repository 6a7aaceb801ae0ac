//! The whole control plane over process pods: a Deployment is rolled out, updated and scaled down while clients ask.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::print_stdout, clippy::needless_pass_by_value)]

#[allow(dead_code)]
mod support;

use std::collections::BTreeMap;
use std::time::Duration;

use bowline_apiserver::{Patch, WatchOptions, WriteOptions, resources};
use bowline_clock::{Clock, Random};
use bowline_controlplane::node::{ImageMap, LocalImage, NetworkMode, NodeConfig, Pods, ProcessConfig};
use bowline_controlplane::{Config, ControlPlane, Error};
use serde_json::{Value, json};
use support::clients::{Clients, get};
use support::example;

async fn updates_without_a_failed_request(network: NetworkMode) {
    let directory = tempfile::tempdir().unwrap();
    let command = vec![example("echo-service").display().to_string()];
    let images = BTreeMap::from([("echo".to_owned(), LocalImage { command, ..LocalImage::default() })]);
    let pods = Pods::Process(ProcessConfig {
        shim: example("sandbox-shim"),
        images: ImageMap { images },
        directory: directory.path().to_owned(),
        network: Some(network),
        local_ports: BTreeMap::new(),
        host_ports: Vec::new(),
    });
    let node = Some(NodeConfig { name: "node".to_owned(), pods });
    let (clock, random) = (Clock::system(), Random::from_entropy());
    let started = ControlPlane::start(Config { clock, random, root_ca: String::new(), node }).await;
    let plane = match started {
        Err(Error::Node(why)) if network == NetworkMode::Namespace => {
            println!("skipped: {why}");
            return;
        }
        other => other.unwrap(),
    };
    let api = plane.api().clone();
    let options = WriteOptions::default();
    let template = json!({
        "metadata": {"labels": {"app": "web"}},
        "spec": {"terminationGracePeriodSeconds": 5, "containers": [{"name": "echo", "image": "echo:1",
            "env": [{"name": "NAME", "value": "v1"}], "ports": [{"containerPort": 7860}],
            "readinessProbe": {"httpGet": {"path": "/", "port": 7860}, "periodSeconds": 1}}]}});
    let deployment = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"},
        "spec": {"replicas": 3, "selector": {"matchLabels": {"app": "web"}}, "template": template}});
    let service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"},
        "spec": {"selector": {"app": "web"}, "ports": [{"port": 7860, "targetPort": 7860}]}});
    api.create(&resources::SERVICES, "default", service, &options).unwrap();
    api.create(&resources::DEPLOYMENTS, "default", deployment, &options).unwrap();
    let status = || api.get(&resources::DEPLOYMENTS, "default", "web").unwrap();
    let settled = |replicas: u64| {
        let api = api.clone();
        async move {
            let mut watch = api.watch(&resources::DEPLOYMENTS, Some("default"), &WatchOptions::default()).unwrap();
            let done = |d: &Value| {
                let s = &d["status"];
                s["observedGeneration"] == d["metadata"]["generation"]
                    && ["replicas", "updatedReplicas", "availableReplicas"].iter().all(|f| s[*f] == replicas)
            };
            let reached = async { while !done(&watch.next().await.unwrap().object) {} };
            tokio::time::timeout(Duration::from_secs(30), reached).await.is_ok()
        }
    };
    assert!(settled(3).await, "{:#}", status());
    let address = plane.node().unwrap().service_address("default", "web", 7860).unwrap();
    assert_eq!(get(address, "/").await, "v1");

    let clients = Clients::start(address);
    for (version, replicas) in [("v2", 3), ("v3", 1)] {
        let change = json!({"spec": {"replicas": replicas, "template": {"spec": {"containers": [
            {"name": "echo", "env": [{"name": "NAME", "value": version}]}]}}}});
        api.patch(&resources::DEPLOYMENTS, "default", "web", None, &Patch::Strategic(change), &options).unwrap();
        assert!(settled(replicas).await, "{:#}", status());
    }
    assert_eq!(get(address, "/").await, "v3");
    let (asked, failures) = clients.stop().await;
    assert_eq!(failures, Vec::<String>::new(), "of {asked} requests");
    println!("{network:?}: {asked} requests, none failed");
    plane.shutdown(Duration::from_secs(5)).await.unwrap();
}

#[tokio::test]
async fn a_rolling_update_fails_no_request() {
    updates_without_a_failed_request(NetworkMode::Host).await;
}

#[tokio::test]
async fn a_rolling_update_fails_no_request_between_namespaces() {
    updates_without_a_failed_request(NetworkMode::Namespace).await;
}
