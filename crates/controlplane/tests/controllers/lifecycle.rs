//! Garbage collection, namespaces, endpoints under virtual time.

use crate::cluster::{Cluster, deployment};
use bowline_apiserver::resources::{
    CONFIG_MAPS, DEPLOYMENTS, ENDPOINT_SLICES, ENDPOINTS, NAMESPACES, PODS, REPLICA_SETS, SERVICE_ACCOUNTS, SERVICES,
};
use bowline_apiserver::{DeleteOptions, Propagation};
use serde_json::{Value, json};

async fn available(cluster: &Cluster, replicas: i64) {
    cluster
        .until("it is available", || {
            cluster.get(&DEPLOYMENTS, "web").filter(|d| d["status"]["availableReplicas"] == replicas)
        })
        .await;
}

fn with(propagation: Propagation) -> DeleteOptions {
    DeleteOptions { propagation: Some(propagation), ..DeleteOptions::default() }
}

#[tokio::test(start_paused = true)]
async fn background_deletion_takes_everything_below() {
    let cluster = Cluster::start(1).await;
    cluster.create(deployment("web", 3, "web:v=1"));
    available(&cluster, 3).await;
    cluster.delete(&DEPLOYMENTS, "web", &with(Propagation::Background));
    assert!(cluster.get(&DEPLOYMENTS, "web").is_none());
    let gone = || cluster.list(&REPLICA_SETS).is_empty() && cluster.list(&PODS).is_empty();
    cluster.until("all is gone", || gone().then_some(())).await;
}

#[tokio::test(start_paused = true)]
async fn foreground_deletion_waits_for_what_is_below() {
    let cluster = Cluster::start(2).await;
    cluster.create(deployment("web", 2, "web:stop=20"));
    available(&cluster, 2).await;
    cluster.delete(&DEPLOYMENTS, "web", &with(Propagation::Foreground));
    let began = cluster.seconds();
    cluster.until("the deployment is gone", || cluster.get(&DEPLOYMENTS, "web").is_none().then_some(())).await;
    assert!(cluster.list(&REPLICA_SETS).is_empty() && cluster.list(&PODS).is_empty());
    let took = cluster.seconds() - began;
    assert!((20.0..22.0).contains(&took), "after {took} s");
}

#[tokio::test(start_paused = true)]
async fn orphans_stay_and_are_adopted_again() {
    let cluster = Cluster::start(3).await;
    cluster.create(deployment("web", 2, "web:v=1"));
    available(&cluster, 2).await;
    let set = cluster.list(&REPLICA_SETS)[0].clone();
    cluster.delete(&DEPLOYMENTS, "web", &with(Propagation::Orphan));
    cluster.until("the deployment is gone", || cluster.get(&DEPLOYMENTS, "web").is_none().then_some(())).await;
    let orphan = cluster.list(&REPLICA_SETS)[0].clone();
    assert_eq!(orphan["metadata"]["uid"], set["metadata"]["uid"]);
    assert!(orphan["metadata"]["ownerReferences"].is_null() && cluster.list(&PODS).len() == 2);
    let anew = cluster.create(deployment("web", 2, "web:v=1"));
    available(&cluster, 2).await;
    let sets = cluster.list(&REPLICA_SETS);
    assert_eq!(sets.len(), 1);
    assert_eq!(sets[0]["metadata"]["ownerReferences"][0]["uid"], anew["metadata"]["uid"]);
}

#[tokio::test(start_paused = true)]
async fn what_has_another_owner_stays() {
    let cluster = Cluster::start(4).await;
    let owner =
        |name: &str| cluster.create(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}}));
    let reference = |o: &Value| json!({"apiVersion": "v1", "kind": "ConfigMap", "name": o["metadata"]["name"], "uid": o["metadata"]["uid"]});
    let (a, b) = (owner("a"), owner("b"));
    cluster.create(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "both",
        "ownerReferences": [reference(&a), reference(&b)]}}));
    cluster.delete(&CONFIG_MAPS, "a", &DeleteOptions::default());
    let left = cluster.until("one reference is left", || {
        cluster.get(&CONFIG_MAPS, "both").filter(|o| o["metadata"]["ownerReferences"].as_array().unwrap().len() == 1)
    });
    assert_eq!(left.await["metadata"]["ownerReferences"][0]["name"], "b");
    cluster.delete(&CONFIG_MAPS, "b", &DeleteOptions::default());
    cluster.until("it is gone", || cluster.get(&CONFIG_MAPS, "both").is_none().then_some(())).await;
    // And one whose owner never was.
    cluster.create(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "lost",
        "ownerReferences": [reference(&a)]}}));
    cluster.until("it is gone", || cluster.get(&CONFIG_MAPS, "lost").is_none().then_some(())).await;
}

#[tokio::test(start_paused = true)]
async fn every_namespace_has_its_account_and_certificate() {
    let cluster = Cluster::start(5).await;
    cluster.create(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}));
    for namespace in ["default", "kube-system", "kube-public", "kube-node-lease", "shop"] {
        let map = cluster.until("it is there", || cluster.get_in(&CONFIG_MAPS, namespace, "kube-root-ca.crt"));
        assert_eq!(map.await["data"]["ca.crt"], "a certificate");
        cluster.until("it is there", || cluster.get_in(&SERVICE_ACCOUNTS, namespace, "default")).await;
    }
    cluster.delete(&SERVICE_ACCOUNTS, "default", &DeleteOptions::default());
    cluster.until("it is there again", || cluster.get(&SERVICE_ACCOUNTS, "default")).await;
}

#[tokio::test(start_paused = true)]
async fn a_namespace_goes_with_its_content() {
    let cluster = Cluster::start(6).await;
    cluster.create(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}));
    let mut wanted = deployment("web", 2, "web:stop=5");
    wanted["metadata"]["namespace"] = json!("shop");
    cluster.create(wanted);
    cluster.create(json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": "shop"},
        "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]}}));
    let running = |n: usize| cluster.list(&PODS).iter().filter(|p| crate::cluster::serves(p)).count() == n;
    cluster.until("two pods run", || running(2).then_some(())).await;
    cluster.api.delete(&NAMESPACES, "", "shop", &DeleteOptions::default()).unwrap();
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    let terminating = cluster.get_in(&NAMESPACES, "", "shop").unwrap();
    assert_eq!(terminating["status"]["phase"], "Terminating");
    let remaining = crate::cluster::condition(&terminating, "NamespaceContentRemaining").unwrap();
    assert_eq!(remaining["message"], "Some resources are remaining: pods. has 2 resource instances");
    let refused = cluster.try_create(
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "late", "namespace": "shop"}}),
    );
    assert_eq!(refused.unwrap_err().reason, "Forbidden");
    cluster.until("the namespace is gone", || cluster.get_in(&NAMESPACES, "", "shop").is_none().then_some(())).await;
    assert!(cluster.seconds() < 30.0, "{}", cluster.seconds());
    for resource in [&PODS, &DEPLOYMENTS, &REPLICA_SETS, &SERVICES, &ENDPOINTS, &ENDPOINT_SLICES, &CONFIG_MAPS] {
        assert!(cluster.list(resource).iter().all(|o| o["metadata"]["namespace"] != "shop"), "{resource}");
    }
}

#[tokio::test(start_paused = true)]
async fn endpoints_follow_readiness() {
    let cluster = Cluster::start(7).await;
    cluster.create(json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "labels": {"team": "a"}},
        "spec": {"selector": {"app": "web"}, "ports": [{"name": "http", "port": 80, "protocol": "TCP", "targetPort": "http"}]}}));
    let mut wanted = deployment("web", 2, "web:ready=5,stop=4");
    wanted["spec"]["template"]["spec"]["containers"][0]["ports"] = json!([{"name": "http", "containerPort": 8080}]);
    cluster.create(wanted);
    let slices = || {
        cluster
            .list(&ENDPOINT_SLICES)
            .into_iter()
            .filter(|s| s["metadata"]["labels"]["kubernetes.io/service-name"] == "web")
            .collect::<Vec<_>>()
    };
    let count = |field: &str| {
        let all = slices();
        let endpoints = all.iter().flat_map(|s| s["endpoints"].as_array().unwrap());
        endpoints.filter(|e| e["conditions"][field] == true).count()
    };
    let addresses = |field: &str| {
        let endpoints = cluster.get(&ENDPOINTS, "web").unwrap();
        endpoints["subsets"][0][field].as_array().map_or(0, Vec::len)
    };
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    assert_eq!((slices().len(), count("ready"), addresses("addresses"), addresses("notReadyAddresses")), (1, 0, 0, 2));
    available(&cluster, 2).await;
    tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    assert_eq!((count("ready"), addresses("addresses"), addresses("notReadyAddresses")), (2, 2, 0));
    let slice = &slices()[0];
    assert_eq!(slice["ports"], json!([{"name": "http", "port": 8080, "protocol": "TCP"}]));
    assert_eq!(slice["metadata"]["labels"]["team"], "a");
    cluster.patch(&DEPLOYMENTS, "web", json!({"spec": {"replicas": 1}}));
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    // The one that leaves still serves, and gets nothing new.
    assert_eq!((count("ready"), count("serving"), count("terminating"), addresses("addresses")), (1, 2, 1, 1));
    tokio::time::sleep(std::time::Duration::from_secs(10)).await;
    assert_eq!((slices().len(), count("ready"), count("terminating")), (1, 1, 0));
    cluster.delete(&SERVICES, "web", &DeleteOptions::default());
    cluster
        .until("both are gone", || (slices().is_empty() && cluster.get(&ENDPOINTS, "web").is_none()).then_some(()))
        .await;
}

#[tokio::test(start_paused = true)]
async fn pods_that_cannot_be_made_are_reported_up_to_the_deployment() {
    let cluster = Cluster::start(9).await;
    let mut wanted = deployment("web", 2, "web:v=1");
    wanted["spec"]["template"]["spec"]["serviceAccountName"] = json!("robot");
    cluster.create(wanted);
    let failed = cluster.until("the failure is reported", || {
        cluster.get(&DEPLOYMENTS, "web").filter(|d| crate::cluster::condition(d, "ReplicaFailure").is_some())
    });
    let failed = failed.await;
    let condition = crate::cluster::condition(&failed, "ReplicaFailure").unwrap();
    assert_eq!(condition["reason"], "FailedCreate");
    let message = condition["message"].as_str().unwrap();
    assert!(message.contains("serviceaccount \"robot\" not found"), "{message}");
    assert_eq!(cluster.events("ReplicaSet")[0], format!("FailedCreate: Error creating: {message}"));
    cluster.create(json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "robot"}}));
    available(&cluster, 2).await;
    let done = cluster.get(&DEPLOYMENTS, "web").unwrap();
    assert_eq!(crate::cluster::condition(&done, "ReplicaFailure"), None);
}
