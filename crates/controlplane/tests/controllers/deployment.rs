//! Deployments under virtual time.

use std::sync::{Arc, Mutex};

use crate::cluster::{Cluster, check_every_pod_event, condition, deployment, serves};
use bowline_apiserver::resources::{DEPLOYMENTS, PODS, REPLICA_SETS};
use bowline_clock::Random;
use serde_json::{Value, json};

fn complete(deployment: &Value) -> bool {
    condition(deployment, "Progressing").is_some_and(|c| c["reason"] == "NewReplicaSetAvailable")
        && deployment["status"]["observedGeneration"] == deployment["metadata"]["generation"]
        && deployment["status"]["updatedReplicas"] == deployment["spec"]["replicas"]
}

async fn rolled_out(cluster: &Cluster, name: &str) -> Arc<Value> {
    cluster.until("the rollout is complete", || cluster.get(&DEPLOYMENTS, name).filter(|d| complete(d))).await
}

#[tokio::test(start_paused = true)]
async fn a_first_rollout() {
    let cluster = Cluster::start(1).await;
    cluster.create(deployment("web", 3, "web:ready=2"));
    let done = rolled_out(&cluster, "web").await;
    assert_eq!(done["metadata"]["annotations"]["deployment.kubernetes.io/revision"], "1");
    assert_eq!(
        (&done["status"]["replicas"], &done["status"]["readyReplicas"], &done["status"]["availableReplicas"]),
        (&json!(3), &json!(3), &json!(3))
    );
    assert_eq!(condition(&done, "Available").unwrap()["message"], "Deployment has minimum availability.");
    let sets = cluster.list(&REPLICA_SETS);
    let name = sets[0]["metadata"]["name"].as_str().unwrap();
    let hash = sets[0]["metadata"]["labels"]["pod-template-hash"].as_str().unwrap();
    assert_eq!(name, format!("web-{hash}"));
    assert_eq!(
        condition(&done, "Progressing").unwrap()["message"],
        format!("ReplicaSet \"{name}\" has successfully progressed.")
    );
    assert_eq!(cluster.events("Deployment"), [format!("ScalingReplicaSet: Scaled up replica set {name} from 0 to 3")]);
    assert_eq!(cluster.events("ReplicaSet").len(), 3);
    let pod = &cluster.list(&PODS)[0];
    assert!(pod["metadata"]["name"].as_str().unwrap().starts_with(&format!("{name}-")), "{pod}");
    assert_eq!(pod["metadata"]["ownerReferences"][0]["controller"], true);
}

#[tokio::test(start_paused = true)]
async fn a_rolling_update_keeps_surge_and_availability_after_every_event() {
    for (replicas, surge, unavailable, most, least) in [
        (4, "25%", "25%", 5, 3),
        (3, "25%", "25%", 4, 3),
        (10, "25%", "25%", 13, 8),
        (3, "0", "1", 3, 2),
        (1, "1", "0", 2, 1),
    ] {
        let cluster = Cluster::start(7).await;
        let mut wanted = deployment("web", replicas, "web:ready=3,stop=2");
        let number = |text: &str| text.parse::<i64>().map_or_else(|_| json!(text), |n| json!(n));
        wanted["spec"]["strategy"]["rollingUpdate"] =
            json!({"maxSurge": number(surge), "maxUnavailable": number(unavailable)});
        cluster.create(wanted);
        rolled_out(&cluster, "web").await;
        let worst: Arc<Mutex<(usize, usize)>> = Arc::new(Mutex::new((0, usize::MAX)));
        let seen = Arc::clone(&worst);
        let mut started = false;
        let watcher = tokio::spawn(check_every_pod_event(cluster.api.clone(), "web", move |pods| {
            let active = pods.values().filter(|p| p["metadata"]["deletionTimestamp"].is_null()).count();
            let ready = pods.values().filter(|p| serves(p)).count();
            started |= ready == replicas as usize;
            if started {
                let mut worst = seen.lock().unwrap();
                *worst = (worst.0.max(active), worst.1.min(ready));
            }
        }));
        tokio::task::yield_now().await;
        cluster.patch(
            &DEPLOYMENTS,
            "web",
            json!({"spec": {"template": {"spec": {"containers": [
            {"name": "main", "image": "web:ready=3,stop=2,v=2"}]}}}}),
        );
        let done = rolled_out(&cluster, "web").await;
        assert_eq!(done["metadata"]["annotations"]["deployment.kubernetes.io/revision"], "2");
        let worst = *worst.lock().unwrap();
        assert_eq!(worst, (most, least), "{replicas} replicas, surge {surge}, unavailable {unavailable}");
        watcher.abort();
    }
}

#[tokio::test(start_paused = true)]
async fn a_rollout_that_makes_no_progress_fails_after_its_deadline() {
    let real = std::time::Duration::from_secs(5);
    let cluster = Cluster::start(3).await;
    cluster.create(deployment("web", 2, "web:ready=1"));
    rolled_out(&cluster, "web").await;
    cluster.patch(
        &DEPLOYMENTS,
        "web",
        json!({"spec": {"template": {"spec": {"containers": [
        {"name": "main", "image": "web:ready=never"}]}}}}),
    );
    let began = cluster.seconds();
    let failed = cluster
        .until("the deadline is exceeded", || {
            let found = cluster.get(&DEPLOYMENTS, "web")?;
            (condition(&found, "Progressing")?["reason"] == "ProgressDeadlineExceeded").then_some(found)
        })
        .await;
    let took = cluster.seconds() - began;
    assert!((600.0..606.0).contains(&took), "after {took} s");
    let progressing = condition(&failed, "Progressing").unwrap();
    assert_eq!(progressing["status"], "False");
    assert!(progressing["message"].as_str().unwrap().ends_with("has timed out progressing."), "{progressing}");
    assert_eq!(condition(&failed, "Available").unwrap()["status"], "True");
    // Left alone, nothing more happens.
    let revision = cluster.api.revision();
    tokio::time::sleep(real * 10_000).await;
    assert_eq!(cluster.api.revision(), revision);
}

#[tokio::test(start_paused = true)]
async fn going_back_takes_the_old_set_up_again() {
    let cluster = Cluster::start(4).await;
    cluster.create(deployment("web", 2, "web:v=1"));
    rolled_out(&cluster, "web").await;
    let first = cluster.list(&REPLICA_SETS)[0]["metadata"]["name"].clone();
    for image in ["web:v=2", "web:v=1"] {
        cluster.patch(
            &DEPLOYMENTS,
            "web",
            json!({"spec": {"template": {"spec": {"containers": [
            {"name": "main", "image": image}]}}}}),
        );
        rolled_out(&cluster, "web").await;
    }
    let set = cluster.get(&REPLICA_SETS, first.as_str().unwrap()).unwrap();
    assert_eq!(set["spec"]["replicas"], 2);
    assert_eq!(set["metadata"]["annotations"]["deployment.kubernetes.io/revision"], "3");
    assert_eq!(set["metadata"]["annotations"]["deployment.kubernetes.io/revision-history"], "1");
    assert_eq!(cluster.list(&REPLICA_SETS).len(), 2);
}

#[tokio::test(start_paused = true)]
async fn old_sets_beyond_the_history_limit_go() {
    let cluster = Cluster::start(5).await;
    let mut wanted = deployment("web", 1, "web:v=0");
    wanted["spec"]["revisionHistoryLimit"] = json!(2);
    cluster.create(wanted);
    rolled_out(&cluster, "web").await;
    for version in 1..6 {
        cluster.patch(
            &DEPLOYMENTS,
            "web",
            json!({"spec": {"template": {"spec": {"containers": [
            {"name": "main", "image": format!("web:v={version}")}]}}}}),
        );
        rolled_out(&cluster, "web").await;
    }
    cluster.until("three sets are left", || (cluster.list(&REPLICA_SETS).len() == 3).then_some(())).await;
}

#[tokio::test(start_paused = true)]
async fn recreate_waits_until_the_old_pods_are_gone() {
    let cluster = Cluster::start(6).await;
    let mut wanted = deployment("web", 3, "web:stop=20");
    wanted["spec"]["strategy"] = json!({"type": "Recreate"});
    cluster.create(wanted);
    rolled_out(&cluster, "web").await;
    let mixed = Arc::new(Mutex::new(false));
    let seen = Arc::clone(&mixed);
    let watcher = tokio::spawn(check_every_pod_event(cluster.api.clone(), "web", move |pods| {
        let images: std::collections::BTreeSet<_> =
            pods.values().map(|p| p["spec"]["containers"][0]["image"].to_string()).collect();
        *seen.lock().unwrap() |= images.len() > 1;
    }));
    tokio::task::yield_now().await;
    cluster.patch(
        &DEPLOYMENTS,
        "web",
        json!({"spec": {"template": {"spec": {"containers": [
        {"name": "main", "image": "web:v=2"}]}}}}),
    );
    rolled_out(&cluster, "web").await;
    assert!(!*mixed.lock().unwrap(), "old and new pods at one time");
    watcher.abort();
}

#[tokio::test(start_paused = true)]
async fn scaling_and_pausing() {
    let cluster = Cluster::start(8).await;
    cluster.create(deployment("web", 2, "web:v=1"));
    rolled_out(&cluster, "web").await;
    cluster.patch(&DEPLOYMENTS, "web", json!({"spec": {"replicas": 5}}));
    let grown = cluster.until("five are available", || {
        cluster.get(&DEPLOYMENTS, "web").filter(|d| d["status"]["availableReplicas"] == 5)
    });
    grown.await;
    cluster.patch(
        &DEPLOYMENTS,
        "web",
        json!({"spec": {"paused": true, "template": {"spec": {"containers": [
        {"name": "main", "image": "web:v=2"}]}}}}),
    );
    let paused = cluster.until("the pause is noted", || {
        let found = cluster.get(&DEPLOYMENTS, "web")?;
        (condition(&found, "Progressing")?["reason"] == "DeploymentPaused").then_some(found)
    });
    assert_eq!(condition(&*paused.await, "Progressing").unwrap()["status"], "Unknown");
    assert_eq!(cluster.list(&REPLICA_SETS).len(), 1);
    cluster.patch(&DEPLOYMENTS, "web", json!({"spec": {"paused": false}}));
    rolled_out(&cluster, "web").await;
    assert_eq!(cluster.list(&REPLICA_SETS).len(), 2);
    cluster.patch(&DEPLOYMENTS, "web", json!({"spec": {"replicas": 0}}));
    cluster.until("all pods are gone", || cluster.list(&PODS).is_empty().then_some(())).await;
}

#[tokio::test(start_paused = true)]
async fn ready_pods_count_only_after_min_ready_seconds() {
    let cluster = Cluster::start(9).await;
    let mut wanted = deployment("web", 1, "web:ready=1");
    wanted["spec"]["minReadySeconds"] = json!(30);
    cluster.create(wanted);
    cluster
        .until("it is ready", || cluster.get(&DEPLOYMENTS, "web").filter(|d| d["status"]["readyReplicas"] == 1))
        .await;
    let ready = cluster.seconds();
    rolled_out(&cluster, "web").await;
    let took = cluster.seconds() - ready;
    assert!((29.0..32.0).contains(&took), "after {took} s");
}

#[tokio::test(start_paused = true)]
async fn pods_that_fit_nowhere_wait_for_a_node() {
    let cluster = Cluster::without_node(10).await;
    cluster.create(deployment("web", 1, "web:v=1"));
    let pod = cluster.until("the scheduler gave up", || {
        cluster.list(&PODS).into_iter().find(|p| condition(p, "PodScheduled").is_some())
    });
    let pod = pod.await;
    assert_eq!(condition(&pod, "PodScheduled").unwrap()["message"], "no nodes available to schedule pods");
    assert_eq!(cluster.events("Pod"), ["FailedScheduling: no nodes available to schedule pods"]);
    cluster.add_node("late");
    cluster.until("it is bound", || cluster.list(&PODS).into_iter().find(|p| p["spec"]["nodeName"] == "late")).await;
}

#[tokio::test(start_paused = true)]
async fn the_same_seed_gives_the_same_trace() {
    async fn run(seed: u64) -> Vec<String> {
        let cluster = Cluster::start(seed).await;
        let trace = Arc::new(Mutex::new(Vec::new()));
        let recorder = tokio::spawn(crate::cluster::record(cluster.api.clone(), Arc::clone(&trace)));
        cluster.create(deployment("web", 5, "web:ready=2"));
        rolled_out(&cluster, "web").await;
        cluster.patch(
            &DEPLOYMENTS,
            "web",
            json!({"spec": {"template": {"spec": {"containers": [
            {"name": "main", "image": "web:ready=1,v=2"}]}}}}),
        );
        rolled_out(&cluster, "web").await;
        recorder.abort();
        cluster.control_plane.shutdown(std::time::Duration::ZERO).await.unwrap();
        Arc::into_inner(trace).map_or_else(Vec::new, |t| t.into_inner().unwrap())
    }
    let (one, other, third) = (run(1).await, run(1).await, run(2).await);
    assert!(one.len() > 50);
    assert_eq!(one, other);
    assert_ne!(one, third);
}

/// Whatever the sizes, delays and the moments at which templates change: never more pods than replicas and surge, never fewer
/// ready ones than replicas without those that may be unavailable, and in the end only pods of the last template.
#[tokio::test(start_paused = true)]
async fn rollouts_that_overtake_each_other_keep_every_promise() {
    for seed in 0..16 {
        let random = Random::seeded(seed);
        let replicas = 1 + random.below(8) as i64;
        let (surge, unavailable) = match (random.below(3) as i64, random.below(3) as i64) {
            (0, 0) => (1, 0),
            any => any,
        };
        let image = |version: u64| format!("web:ready={},stop={},v={version}", 1 + random.below(5), random.below(4));
        let cluster = Cluster::start(seed).await;
        let mut wanted = deployment("web", replicas, &image(0));
        wanted["spec"]["strategy"]["rollingUpdate"] = json!({"maxSurge": surge, "maxUnavailable": unavailable});
        cluster.create(wanted);
        rolled_out(&cluster, "web").await;
        let worst: Arc<Mutex<(i64, i64)>> = Arc::new(Mutex::new((replicas, replicas)));
        let seen = Arc::clone(&worst);
        let mut started = false;
        let watcher = tokio::spawn(check_every_pod_event(cluster.api.clone(), "web", move |pods| {
            let active = pods.values().filter(|p| p["metadata"]["deletionTimestamp"].is_null()).count() as i64;
            let ready = pods.values().filter(|p| serves(p)).count() as i64;
            started |= ready == replicas;
            if started {
                let mut worst = seen.lock().unwrap();
                *worst = (worst.0.max(active), worst.1.min(ready));
            }
        }));
        tokio::task::yield_now().await;
        let mut last = String::new();
        for version in 1..4 {
            last = image(version);
            cluster.patch(
                &DEPLOYMENTS,
                "web",
                json!({"spec": {"template": {"spec": {"containers": [{"name": "main", "image": last}]}}}}),
            );
            tokio::time::sleep(std::time::Duration::from_millis(random.below(9000))).await;
        }
        rolled_out(&cluster, "web").await;
        let pods = cluster.list(&PODS);
        let kept = pods.iter().filter(|p| p["metadata"]["deletionTimestamp"].is_null());
        assert!(kept.clone().all(|p| p["spec"]["containers"][0]["image"] == last), "seed {seed}");
        assert_eq!(kept.count() as i64, replicas, "seed {seed}");
        let (most, least) = *worst.lock().unwrap();
        assert!(most <= replicas + surge, "seed {seed}: {most} pods of {replicas} and {surge} more");
        assert!(least >= replicas - unavailable, "seed {seed}: {least} ready of {replicas} less {unavailable}");
        watcher.abort();
    }
}
