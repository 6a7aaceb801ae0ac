//! StatefulSets under virtual time.

use std::sync::{Arc, Mutex};

use bowline_apiserver::resources::{CONTROLLER_REVISIONS, PERSISTENT_VOLUME_CLAIMS, PODS, STATEFUL_SETS};
use serde_json::{Value, json};

use crate::cluster::{Cluster, check_every_pod_event, serves};

fn database(replicas: i64, image: &str) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "db"}, "spec": {
        "serviceName": "db", "replicas": replicas, "selector": {"matchLabels": {"app": "db"}},
        "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}}, "podManagementPolicy": "OrderedReady",
        "template": {"metadata": {"labels": {"app": "db"}}, "spec": {"containers": [{"name": "main", "image": image}]}},
        "volumeClaimTemplates": [{"metadata": {"name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "1Gi"}}}}],
    }})
}

async fn updated(cluster: &Cluster, replicas: i64) -> Arc<Value> {
    cluster
        .until("all pods are updated", || {
            let set = cluster.get(&STATEFUL_SETS, "db")?;
            let status = &set["status"];
            let done = status["readyReplicas"] == replicas
                && status["updatedReplicas"] == replicas
                && status["currentRevision"] == status["updateRevision"]
                && status["observedGeneration"] == set["metadata"]["generation"];
            done.then_some(set)
        })
        .await
}

fn names(cluster: &Cluster) -> Vec<String> {
    cluster.list(&PODS).iter().map(|p| p["metadata"]["name"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(start_paused = true)]
async fn pods_start_one_after_the_other_and_keep_their_claims() {
    let cluster = Cluster::start(1).await;
    let order = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&order);
    tokio::spawn(check_every_pod_event(cluster.api.clone(), "db", move |pods| {
        let ready = pods.values().filter(|p| serves(p)).count();
        assert!(pods.len() <= ready + 1, "more than one pod starts at one time");
        seen.lock().unwrap().extend(pods.keys().next_back().cloned());
    }));
    cluster.create(database(3, "db:v=1"));
    updated(&cluster, 3).await;
    assert_eq!(names(&cluster), ["db-0", "db-1", "db-2"]);
    let mut order = order.lock().unwrap().clone();
    order.dedup();
    assert_eq!(order, ["db-0", "db-1", "db-2"]);
    let pod = cluster.get(&PODS, "db-1").unwrap();
    assert_eq!((&pod["spec"]["hostname"], &pod["spec"]["subdomain"]), (&json!("db-1"), &json!("db")));
    assert_eq!(pod["spec"]["volumes"][0]["persistentVolumeClaim"]["claimName"], "data-db-1");
    assert_eq!(pod["metadata"]["labels"]["apps.kubernetes.io/pod-index"], "1");
    cluster.patch(&STATEFUL_SETS, "db", json!({"spec": {"replicas": 1}}));
    updated(&cluster, 1).await;
    assert_eq!(names(&cluster), ["db-0"]);
    assert_eq!(cluster.list(&PERSISTENT_VOLUME_CLAIMS).len(), 3);
    let events = cluster.events("StatefulSet");
    assert!(
        events.contains(&"SuccessfulCreate: create Pod db-0 in StatefulSet db successful".to_owned()),
        "{events:?}"
    );
    assert!(events.contains(&"SuccessfulCreate: create Claim data-db-0 Pod db-0 in StatefulSet db success".to_owned()));
    assert!(events.contains(&"SuccessfulDelete: delete Pod db-2 in StatefulSet db successful".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn updates_go_from_the_last_pod_to_the_first_and_back() {
    let cluster = Cluster::start(2).await;
    cluster.create(database(3, "db:v=1"));
    let first = updated(&cluster, 3).await["status"]["currentRevision"].clone();
    let least = Arc::new(Mutex::new(usize::MAX));
    let seen = Arc::clone(&least);
    let mut started = false;
    tokio::spawn(check_every_pod_event(cluster.api.clone(), "db", move |pods| {
        let ready = pods.values().filter(|p| serves(p)).count();
        started |= ready == 3;
        if started {
            let mut least = seen.lock().unwrap();
            *least = ready.min(*least);
        }
    }));
    tokio::task::yield_now().await;
    let image =
        |image: &str| json!({"spec": {"template": {"spec": {"containers": [{"name": "main", "image": image}]}}}});
    cluster.patch(&STATEFUL_SETS, "db", image("db:v=2"));
    updated(&cluster, 3).await;
    let images: Vec<_> = cluster.list(&PODS).iter().map(|p| p["spec"]["containers"][0]["image"].clone()).collect();
    assert_eq!(images, ["db:v=2", "db:v=2", "db:v=2"]);
    cluster.patch(&STATEFUL_SETS, "db", image("db:v=1"));
    let back = updated(&cluster, 3).await;
    assert_eq!(back["status"]["currentRevision"], first);
    assert_eq!(cluster.list(&CONTROLLER_REVISIONS).len(), 2);
    assert_eq!(*least.lock().unwrap(), 2, "one pod at a time");
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_ended_is_made_again_under_its_name() {
    let cluster = Cluster::start(3).await;
    cluster.create(database(2, "db:v=1"));
    updated(&cluster, 2).await;
    let uid = cluster.get(&PODS, "db-0").unwrap()["metadata"]["uid"].clone();
    cluster.delete(&PODS, "db-0", &bowline_apiserver::DeleteOptions::default());
    let again =
        cluster.until("it is there again", || cluster.get(&PODS, "db-0").filter(|p| p["metadata"]["uid"] != uid));
    assert_eq!(again.await["spec"]["volumes"][0]["persistentVolumeClaim"]["claimName"], "data-db-0");
}
