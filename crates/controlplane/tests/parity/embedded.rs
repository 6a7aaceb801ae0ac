//! The scenario on Bowline's control plane, in virtual time, with a node that plays pods as kwok was told to.

use std::time::Duration;

use bowline_apiserver::resources::{DEPLOYMENTS, EVENTS, JOBS, PODS, REPLICA_SETS};
use bowline_apiserver::{Api, DeleteOptions, ListOptions, Patch, ResourceId, WatchOptions, WriteOptions, resources};
use bowline_clock::{Clock, Random};
use bowline_controlplane::{Config, ControlPlane};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::{Seen, deployment, huge_pod, job};

/// Plays it.
pub(crate) fn run() -> Seen {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(play())
}

async fn play() -> Seen {
    let clock = Clock::starting_at("2026-01-31T12:00:00Z".parse().unwrap());
    let config = Config { clock, random: Random::seeded(1), root_ca: String::new(), node: None };
    let control_plane = ControlPlane::start(config).await.unwrap();
    let api = control_plane.api().clone();
    let node = json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "node-0"}});
    api.create(&resources::NODES, "", node, &WriteOptions::default()).unwrap();
    let status = json!({"status": {"allocatable": {"cpu": "1k", "memory": "1Ti", "pods": "1M"}}});
    api.patch(&resources::NODES, "", "node-0", Some("status"), &Patch::Merge(status), &WriteOptions::default())
        .unwrap();
    tokio::spawn(play_pods(api.clone()));
    let mut watches: Vec<_> = [("Deployment", &DEPLOYMENTS), ("ReplicaSet", &REPLICA_SETS), ("Job", &JOBS)]
        .into_iter()
        .map(|(kind, id)| (kind, api.watch(id, None, &WatchOptions::default()).unwrap()))
        .collect();
    let create = |id: &ResourceId, object: Value| {
        drop(api.create(id, "default", object, &WriteOptions::default()).unwrap());
    };
    create(&DEPLOYMENTS, deployment("web:1"));
    sleep(Duration::from_secs(10)).await;
    let image = json!({"spec": {"template": {"spec": {"containers": [{"name": "main", "image": "web:2"}]}}}});
    api.patch(&DEPLOYMENTS, "default", "web", None, &Patch::Strategic(image), &WriteOptions::default()).unwrap();
    sleep(Duration::from_secs(10)).await;
    create(&JOBS, job("good", false));
    sleep(Duration::from_secs(10)).await;
    create(&JOBS, job("bad", true));
    sleep(Duration::from_secs(10)).await;
    create(&PODS, huge_pod());
    sleep(Duration::from_secs(1)).await;
    let mut seen = Seen::default();
    for (kind, watch) in &mut watches {
        let states = seen.states.entry((*kind).to_owned()).or_default();
        while let Some(event) = watch.try_next().unwrap() {
            states.push(Value::clone(&event.object));
        }
    }
    let events = api.list(&EVENTS, None, &ListOptions::default()).unwrap().items;
    seen.events = events.iter().map(|e| Value::clone(e)).collect();
    let time = |event: &Value| event["metadata"]["name"].as_str().unwrap().rsplit_once('.').unwrap().1.to_owned();
    seen.events.sort_by_key(time);
    control_plane.shutdown(Duration::ZERO).await.unwrap();
    seen
}

/// Pods are ready at once, those of Jobs end at once, and deleted ones are gone at once.
async fn play_pods(api: Api) {
    let mut watch = api.watch(&PODS, None, &WatchOptions::default()).unwrap();
    while let Ok(event) = watch.next().await {
        let pod = event.object;
        let (namespace, name) =
            (pod["metadata"]["namespace"].as_str().unwrap(), pod["metadata"]["name"].as_str().unwrap());
        let phase = pod["status"]["phase"].as_str().unwrap_or("Pending");
        let of_job = pod["metadata"]["ownerReferences"][0]["kind"] == "Job";
        let fails = pod["metadata"]["labels"][bowline_peers::kubernetes::OUTCOME_LABEL] == "fail";
        let next = if pod["metadata"]["deletionTimestamp"].is_string() {
            let now = DeleteOptions { grace_period: Some(0), ..DeleteOptions::default() };
            let _ = api.delete(&PODS, namespace, name, &now);
            continue;
        } else if pod["spec"]["nodeName"].is_null() {
            continue;
        } else {
            match phase {
                "Pending" if fails => "Failed",
                "Pending" => "Running",
                "Running" if of_job => "Succeeded",
                _ => continue,
            }
        };
        // As long as a real node takes at least.
        sleep(Duration::from_millis(20)).await;
        let now = api.clock().rfc3339();
        let ready = if next == "Running" { "True" } else { "False" };
        let status = json!({"status": {"phase": next, "podIP": "10.0.0.1",
            "conditions": [{"type": "Ready", "status": ready, "lastTransitionTime": now}]}});
        let _ = api.patch(&PODS, namespace, name, Some("status"), &Patch::Merge(status), &WriteOptions::default());
    }
}
