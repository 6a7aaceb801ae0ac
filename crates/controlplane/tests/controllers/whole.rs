//! The whole control plane, its own node included, under virtual time.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bowline_apiserver::resources::{DEPLOYMENTS, ENDPOINT_SLICES, JOBS, NODES, PODS};
use bowline_controlplane::node::{NodeConfig, Pods, Script, Scripts};
use serde_json::json;

use crate::cluster::{Cluster, condition, deployment};

fn node(scripts: &[(&str, Script)]) -> NodeConfig {
    let by_image = scripts.iter().map(|(image, script)| ((*image).to_owned(), script.clone())).collect();
    NodeConfig { name: "bowline".to_owned(), pods: Pods::Scripted(Scripts { by_image, default: Script::default() }) }
}

#[tokio::test(start_paused = true)]
async fn a_deployment_runs_and_its_service_finds_it() {
    let cluster = Cluster::with_node(1, Some(node(&[]))).await;
    assert_eq!(cluster.list(&NODES).len(), 1);
    cluster.create(json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"},
        "spec": {"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": 8080}]}}));
    let mut wanted = deployment("web", 3, "web");
    wanted["spec"]["template"]["spec"]["containers"][0]["readinessProbe"] =
        json!({"httpGet": {"path": "/ready", "port": 8080}, "periodSeconds": 5});
    cluster.create(wanted);
    cluster
        .until("three are available", || {
            cluster.get(&DEPLOYMENTS, "web").filter(|d| d["status"]["availableReplicas"] == 3)
        })
        .await;
    tokio::time::sleep(Duration::from_millis(1)).await;
    let slices = cluster.list(&ENDPOINT_SLICES);
    let slice = slices.iter().find(|s| s["metadata"]["labels"]["kubernetes.io/service-name"] == "web").unwrap();
    let ready = slice["endpoints"].as_array().unwrap().iter().filter(|e| e["conditions"]["ready"] == true).count();
    assert_eq!((ready, &slice["ports"][0]["port"]), (3, &json!(8080)));
    cluster.control_plane.shutdown(Duration::from_secs(30)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_job_that_crashes_too_often_fails() {
    let script = Script { exit_after: Some(Duration::from_secs(1)), exit_code: 3, ..Script::default() };
    let cluster = Cluster::with_node(2, Some(node(&[("migrate", script)]))).await;
    cluster.create(json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "migrate"}, "spec": {
        "backoffLimit": 1, "parallelism": 1, "completions": 1,
        "template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "main", "image": "migrate"}]}}}}));
    let failed = cluster.until("it has failed", || {
        cluster.get(&JOBS, "migrate").filter(|j| condition(j, "Failed").is_some_and(|c| c["status"] == "True"))
    });
    assert_eq!(condition(&*failed.await, "Failed").unwrap()["reason"], "BackoffLimitExceeded");
    let pods = cluster.list(&PODS);
    let codes: Vec<_> =
        pods.iter().map(|p| p["status"]["containerStatuses"][0]["state"]["terminated"]["exitCode"].clone()).collect();
    assert_eq!(codes, [3, 3]);
}

#[tokio::test(start_paused = true)]
async fn the_same_seed_gives_the_same_trace_with_the_node() {
    async fn run(seed: u64) -> Vec<String> {
        let cluster = Cluster::with_node(seed, Some(node(&[]))).await;
        let trace = Arc::new(Mutex::new(Vec::new()));
        let recorder = tokio::spawn(crate::cluster::record(cluster.api.clone(), Arc::clone(&trace)));
        cluster.create(deployment("web", 5, "web"));
        let available = |n: i64| {
            let found = cluster.get(&DEPLOYMENTS, "web").filter(|d| d["status"]["availableReplicas"] == n);
            found.filter(|d| d["status"]["updatedReplicas"] == n)
        };
        cluster.until("five are available", || available(5)).await;
        cluster.patch(
            &DEPLOYMENTS,
            "web",
            json!({"spec": {"replicas": 3, "template": {"spec": {"containers": [
            {"name": "main", "image": "web:2"}]}}}}),
        );
        cluster.until("three are available", || available(3)).await;
        recorder.abort();
        cluster.control_plane.shutdown(Duration::from_secs(30)).await.unwrap();
        Arc::into_inner(trace).map_or_else(Vec::new, |t| t.into_inner().unwrap())
    }
    let (one, other, third) = (run(1).await, run(1).await, run(2).await);
    assert!(one.len() > 80, "{}", one.len());
    assert_eq!(one, other);
    assert_ne!(one, third);
}
