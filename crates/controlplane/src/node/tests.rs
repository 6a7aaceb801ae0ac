//! The pod lifecycle over scripts, under a paused clock.

use std::time::Duration;

use bowline_apiserver::{Api, DeleteOptions, ListOptions, WatchOptions, WriteOptions, resources};
use bowline_clock::{Clock, Random};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::{Node, NodeConfig, Pods, Script, Scripts};

struct Cluster {
    api: Api,
    node: Node,
    begun: Instant,
}

impl Cluster {
    async fn with(scripts: &[(&str, Script)]) -> Self {
        let clock = Clock::starting_at("2026-01-31T12:00:00Z".parse().unwrap());
        let random = Random::seeded(1);
        let api = Api::new(clock.clone(), random.fork("api"));
        let by_image = scripts.iter().map(|(image, script)| ((*image).to_owned(), script.clone())).collect();
        let pods = Pods::Scripted(Scripts { by_image, default: Script::default() });
        let config = NodeConfig { name: "node".to_owned(), pods };
        let node = Node::start(api.clone(), clock, random.fork("node"), config).await.unwrap();
        Self { api, node, begun: Instant::now() }
    }

    fn create(&self, resource: &bowline_apiserver::ResourceId, object: Value) {
        self.api.create(resource, "default", object, &WriteOptions::default()).unwrap();
    }

    fn pod(&self, name: &str, spec: Value) {
        let mut spec = spec;
        spec["nodeName"] = json!("node");
        let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec});
        self.create(&resources::PODS, pod);
    }

    fn status(&self, name: &str) -> Value {
        self.api.get(&resources::PODS, "default", name).map_or(Value::Null, |pod| pod["status"].clone())
    }

    fn container(&self, name: &str) -> Value {
        self.status(name)["containerStatuses"][0].clone()
    }

    fn condition(&self, name: &str, kind: &str) -> Value {
        let status = self.status(name);
        let mut conditions = status["conditions"].as_array().into_iter().flatten();
        conditions.find(|c| c["type"] == kind).cloned().unwrap_or_default()
    }

    /// Virtual seconds from the node's start until the pod's status fulfils `is`; of a pod that is gone it is null.
    async fn until(&self, name: &str, is: impl Fn(&Value) -> bool) -> f64 {
        let mut watch = self.api.watch(&resources::PODS, Some("default"), &WatchOptions::default()).unwrap();
        let reached = async {
            while !is(&self.status(name)) {
                watch.next().await.unwrap();
            }
        };
        if tokio::time::timeout(Duration::from_secs(3600), reached).await.is_err() {
            panic!("never so: {:#}", self.status(name));
        }
        (self.begun.elapsed().as_secs_f64() * 10.0).round() / 10.0
    }

    /// `reason: message ×count` of the events about a pod, in order.
    fn events(&self, name: &str) -> Vec<String> {
        let list = self.api.list(&resources::EVENTS, Some("default"), &ListOptions::default()).unwrap();
        let mut events: Vec<_> = list.items.iter().filter(|e| e["involvedObject"]["name"] == name).collect();
        events.sort_by_key(|e| e["metadata"]["resourceVersion"].as_str().and_then(|v| v.parse::<u64>().ok()));
        events
            .iter()
            .map(|e| format!("{}: {} ×{}", e["reason"].as_str().unwrap(), e["message"].as_str().unwrap(), e["count"]))
            .collect()
    }
}

fn ready(status: &Value) -> bool {
    status["conditions"].as_array().into_iter().flatten().any(|c| c["type"] == "Ready" && c["status"] == "True")
}

fn waiting(reason: &'static str) -> impl Fn(&Value) -> bool {
    move |status| status["containerStatuses"][0]["state"]["waiting"]["reason"] == reason
}

#[tokio::test(start_paused = true)]
async fn a_service_becomes_ready_by_its_probes_and_ends_with_grace() {
    let cluster = Cluster::with(&[("web", Script { ready_after: Duration::from_secs(7), ..Script::default() })]).await;
    cluster.pod(
        "web",
        json!({"containers": [{"name": "web", "image": "web:1", "ports": [{"name": "http", "containerPort": 80}],
            "startupProbe": {"httpGet": {"path": "/live", "port": "http"}, "periodSeconds": 5, "failureThreshold": 6},
            "readinessProbe": {"tcpSocket": {"port": "http"}, "periodSeconds": 3}}]}),
    );
    // Started after 0.5 s, startup probe at 0.5, 5.5 and 10.5 s; readiness right behind it.
    assert_eq!(cluster.until("web", ready).await, 10.5);
    let status = cluster.status("web");
    assert_eq!((status["phase"].as_str(), status["podIP"].as_str()), (Some("Running"), Some("10.244.0.2")));
    assert_eq!(status["containerStatuses"][0]["started"], true);
    let message =
        "Startup probe failed: Get \"http://10.244.0.2:80/live\": dial tcp 10.244.0.2:80: connect: connection refused";
    let image = "Container image \"web:1\" already present on machine and can be accessed by the pod";
    assert_eq!(
        cluster.events("web"),
        [
            format!("Pulled: {image} ×1"),
            "Created: Container created ×1".to_owned(),
            "Started: Container started ×1".to_owned(),
            format!("Unhealthy: {message} ×2"),
        ]
    );

    cluster.api.delete(&resources::PODS, "default", "web", &DeleteOptions::default()).unwrap();
    assert_eq!(cluster.until("web", Value::is_null).await, 11.0);
    assert!(cluster.events("web").iter().any(|e| e.starts_with("Killing: Stopping container web")));
}

#[tokio::test(start_paused = true)]
async fn crash_loops_back_off_from_ten_seconds_to_five_minutes() {
    let crash =
        Script { exit_after: Some(Duration::ZERO), exit_code: 3, starts_in: Duration::ZERO, ..Script::default() };
    let cluster = Cluster::with(&[("bad", Script { log: vec!["boom".into()], ..crash })]).await;
    cluster.pod(
        "bad",
        json!({"containers": [{"name": "c", "image": "bad", "terminationMessagePolicy": "FallbackToLogsOnError"}]}),
    );
    cluster.until("bad", waiting("CrashLoopBackOff")).await;
    // The first restart comes at once, the second after 10 s.
    let container = cluster.container("bad");
    assert_eq!(container["restartCount"], 1);
    let terminated = &container["lastState"]["terminated"];
    assert_eq!((terminated["exitCode"].as_i64(), terminated["message"].as_str()), (Some(3), Some("boom")));
    let uid = cluster.api.get(&resources::PODS, "default", "bad").unwrap()["metadata"]["uid"].clone();
    assert_eq!(
        container["state"]["waiting"]["message"],
        format!("back-off 10s restarting failed container=c pod=bad_default({})", uid.as_str().unwrap())
    );
    assert_eq!(cluster.status("bad")["phase"], "Running");
    let mut delays = Vec::new();
    let mut before = 0.0;
    for count in 2..8 {
        let at = cluster.until("bad", |s| s["containerStatuses"][0]["restartCount"] == count).await;
        delays.push((at - before).round() as u64);
        before = at;
    }
    assert_eq!(delays, [10, 20, 40, 80, 160, 300]);
    let loops = cluster.events("bad").into_iter().filter(|e| e.starts_with("BackOff")).collect::<Vec<_>>();
    assert_eq!(loops.len(), 1);
    assert!(loops[0].contains("Back-off restarting failed container c in pod bad_default("), "{loops:?}");
}

#[tokio::test(start_paused = true)]
async fn a_missing_secret_is_named_and_heals() {
    let cluster = Cluster::with(&[]).await;
    let env = json!([{"name": "URL", "valueFrom": {"secretKeyRef": {"name": "todo", "key": "url"}}}]);
    cluster.pod("job", json!({"restartPolicy": "Never", "containers": [{"name": "c", "image": "i", "env": env}]}));
    cluster.until("job", waiting("CreateContainerConfigError")).await;
    assert_eq!(cluster.container("job")["state"]["waiting"]["message"], "secret \"todo\" not found");
    assert_eq!(cluster.status("job")["phase"], "Pending");
    sleep(Duration::from_secs(60)).await;
    let failed = cluster.events("job").into_iter().find(|e| e.starts_with("Failed")).unwrap();
    let count: u64 = failed.rsplit('×').next().unwrap().parse().unwrap();
    assert!(failed.starts_with("Failed: Error: secret \"todo\" not found"), "{failed}");
    assert!((5..=7).contains(&count), "a try each 10 to 15 s: {count}");

    let secret = |data| json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "todo"}, "data": data});
    cluster.create(&resources::SECRETS, secret(json!({"other": ""})));
    cluster
        .until("job", |s| {
            s["containerStatuses"][0]["state"]["waiting"]["message"] == "couldn't find key url in Secret default/todo"
        })
        .await;
    cluster.api.delete(&resources::SECRETS, "default", "todo", &DeleteOptions::default()).unwrap();
    cluster.create(&resources::SECRETS, secret(json!({"url": "eA=="})));
    cluster.until("job", |s| s["phase"] == "Succeeded").await;
    let container = cluster.container("job");
    assert_eq!(container["state"]["terminated"]["reason"], "Completed");
    assert_eq!(container["restartCount"], 0);
    assert_eq!(cluster.condition("job", "Ready")["reason"], "PodCompleted");
}

#[tokio::test(start_paused = true)]
async fn a_missing_volume_source_holds_the_pod_in_creation() {
    let cluster = Cluster::with(&[]).await;
    let volume = json!([{"name": "conf", "configMap": {"name": "conf"}}]);
    cluster.pod("p", json!({"containers": [{"name": "c", "image": "i"}], "volumes": volume}));
    sleep(Duration::from_secs(5)).await;
    assert_eq!(cluster.container("p")["state"]["waiting"]["reason"], "ContainerCreating");
    let text = "FailedMount: MountVolume.SetUp failed for volume \"conf\" : configmap \"conf\" not found";
    assert!(cluster.events("p")[0].starts_with(text), "{:?}", cluster.events("p"));
    cluster.create(
        &resources::CONFIG_MAPS,
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "conf"}}),
    );
    cluster.until("p", ready).await;
}

#[tokio::test(start_paused = true)]
async fn liveness_restarts_a_container_after_its_threshold() {
    // Never answers within the test; readiness is not asked for.
    let deaf =
        Script { ready_after: Duration::from_secs(3600), stops_in: Duration::from_secs(60), ..Script::default() };
    let cluster = Cluster::with(&[("deaf", deaf)]).await;
    let probe =
        json!({"exec": {"command": ["check"]}, "initialDelaySeconds": 4, "periodSeconds": 10, "failureThreshold": 2});
    cluster.pod(
        "p",
        json!({"terminationGracePeriodSeconds": 5,
        "containers": [{"name": "c", "image": "deaf", "livenessProbe": probe}]}),
    );
    // Runs at 0.5, fails at 4.5 and 14.5, is killed at 19.5 (its SIGTERM is ignored), runs again half a second later.
    let restarted = |s: &Value| s["containerStatuses"][0]["restartCount"] == 1;
    assert_eq!(cluster.until("p", restarted).await, 20.0);
    assert_eq!(cluster.container("p")["lastState"]["terminated"]["exitCode"], 137);
    let events = cluster.events("p");
    assert!(events.contains(&"Unhealthy: Liveness probe failed: check: not ready yet ×2".to_owned()), "{events:?}");
    assert!(
        events.contains(&"Killing: Container c failed liveness probe, will be restarted ×1".to_owned()),
        "{events:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn unknown_images_back_off_with_the_reason() {
    let cluster = Cluster::with(&[("gone", Script { image_missing: true, ..Script::default() })]).await;
    cluster.pod("p", json!({"containers": [{"name": "c", "image": "gone:1"}]}));
    cluster.until("p", waiting("ErrImagePull")).await;
    cluster.until("p", waiting("ImagePullBackOff")).await;
    let message = cluster.container("p")["state"]["waiting"]["message"].clone();
    assert_eq!(
        message,
        "Back-off pulling image \"gone:1\": ErrImagePull: the scenario says that image \"gone:1\" cannot be pulled"
    );
    assert_eq!(cluster.status("p")["phase"], "Pending");
    sleep(Duration::from_secs(60)).await;
    assert!(
        cluster.events("p").contains(&"Pulling: Pulling image \"gone:1\" ×3".to_owned()),
        "{:?}",
        cluster.events("p")
    );
}

#[tokio::test(start_paused = true)]
async fn init_containers_run_in_order_and_sidecars_stay() {
    let cluster = Cluster::with(&[]).await;
    cluster.pod(
        "p",
        json!({"restartPolicy": "Never",
        "initContainers": [{"name": "a", "image": "i"}, {"name": "side", "image": "i", "restartPolicy": "Always"},
                           {"name": "b", "image": "i"}],
        "containers": [{"name": "main", "image": "i"}]}),
    );
    // Each start takes 0.5 s and each run 2 s: a 2.5, side 3.0, b 5.5, main 6.0.
    let initialized = |s: &Value| {
        s["conditions"].as_array().into_iter().flatten().any(|c| c["type"] == "Initialized" && c["status"] == "True")
    };
    assert_eq!(cluster.condition("p", "Initialized")["status"], Value::Null);
    assert_eq!(cluster.until("p", initialized).await, 6.0);
    let init = cluster.status("p")["initContainerStatuses"].clone();
    assert_eq!(init[0]["state"]["terminated"]["reason"], "Completed");
    assert!(init[1]["state"]["running"].is_object());
    // The pod ends when the main container has, and the sidecar is stopped behind it.
    cluster.until("p", |s| s["phase"] == "Succeeded").await;
    assert!(cluster.status("p")["initContainerStatuses"][1]["state"]["terminated"].is_object());
}

#[tokio::test(start_paused = true)]
async fn a_failing_job_pod_follows_its_restart_policy() {
    let fails_twice = Script {
        exit_after: Some(Duration::from_secs(1)),
        exit_code: 1,
        failing_attempts: Some(2),
        ..Script::default()
    };
    let cluster = Cluster::with(&[("flaky", fails_twice)]).await;
    let container = json!([{"name": "c", "image": "flaky"}]);
    cluster.pod("never", json!({"restartPolicy": "Never", "containers": container}));
    cluster.pod("on-failure", json!({"restartPolicy": "OnFailure", "containers": container}));
    cluster.until("never", |s| s["phase"] == "Failed").await;
    assert_eq!(cluster.container("never")["state"]["terminated"]["reason"], "Error");
    cluster.until("on-failure", |s| s["phase"] == "Succeeded").await;
    assert_eq!(cluster.container("on-failure")["restartCount"], 2);
}

#[tokio::test(start_paused = true)]
async fn deletion_waits_for_the_grace_and_for_hooks() {
    let stubborn = Script { stops_in: Duration::from_secs(600), ..Script::default() };
    let cluster = Cluster::with(&[("stubborn", stubborn)]).await;
    cluster.pod(
        "p",
        json!({"terminationGracePeriodSeconds": 20, "containers": [{"name": "c", "image": "stubborn",
        "lifecycle": {"preStop": {"sleep": {"seconds": 5}}}}]}),
    );
    cluster.until("p", ready).await;
    cluster.api.delete(&resources::PODS, "default", "p", &DeleteOptions::default()).unwrap();
    let begun = Instant::now();
    cluster.until("p", Value::is_null).await;
    assert_eq!(begun.elapsed().as_secs(), 20);
}

#[tokio::test(start_paused = true)]
async fn an_active_deadline_fails_the_pod() {
    let cluster = Cluster::with(&[]).await;
    cluster.pod("p", json!({"activeDeadlineSeconds": 30, "containers": [{"name": "c", "image": "i"}]}));
    let at = cluster.until("p", |s| s["phase"] == "Failed").await;
    assert!((30.0..30.2).contains(&at), "{at}");
    assert_eq!(cluster.status("p")["reason"], "DeadlineExceeded");
}

#[tokio::test(start_paused = true)]
async fn logs_come_through_the_api() {
    use futures::StreamExt as _;
    let cluster = Cluster::with(&[("web", Script { log: vec!["listening".into()], ..Script::default() })]).await;
    cluster.pod("p", json!({"containers": [{"name": "c", "image": "web"}]}));
    let options = bowline_apiserver::LogOptions::default();
    let early = cluster.api.logs("default", "p", &options).err().unwrap();
    assert_eq!(early.message, "container \"c\" in pod \"p\" is waiting to start: ContainerCreating");
    cluster.until("p", ready).await;
    let chunks: Vec<_> = cluster.api.logs("default", "p", &options).unwrap().collect().await;
    assert_eq!(chunks.concat(), b"listening\n");
    let previous = bowline_apiserver::LogOptions { previous: true, ..options };
    assert_eq!(
        cluster.api.logs("default", "p", &previous).err().unwrap().message,
        "previous terminated container \"c\" in pod \"p\" not found"
    );
}

#[tokio::test(start_paused = true)]
async fn the_node_is_ready_keeps_its_lease_and_ends_its_pods() {
    let cluster = Cluster::with(&[]).await;
    let lease = || cluster.api.get(&resources::LEASES, "kube-node-lease", "node").unwrap()["spec"]["renewTime"].clone();
    let first = lease();
    let node = cluster.api.get(&resources::NODES, "", "node").unwrap();
    let conditions = node["status"]["conditions"].as_array().unwrap();
    assert!(conditions.iter().any(|c| c["type"] == "Ready" && c["status"] == "True"));
    sleep(Duration::from_secs(11)).await;
    assert_ne!(lease(), first);
    cluster.pod("p", json!({"containers": [{"name": "c", "image": "i"}]}));
    cluster.until("p", ready).await;
    let begun = Instant::now();
    cluster.node.shutdown(Duration::from_secs(10)).await;
    assert_eq!(begun.elapsed().as_millis(), 500);
}

#[tokio::test(start_paused = true)]
async fn the_same_seed_gives_the_same_history() {
    let mut histories = Vec::new();
    for _ in 0..2 {
        let crash = Script { exit_after: Some(Duration::from_secs(1)), exit_code: 1, ..Script::default() };
        let cluster = Cluster::with(&[("bad", crash)]).await;
        let env = json!([{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "no", "key": "k"}}}]);
        for name in ["a", "b", "c"] {
            cluster.pod(
                name,
                json!({"containers": [{"name": "c", "image": "bad"}, {"name": "d", "image": "i", "env": env}]}),
            );
        }
        sleep(Duration::from_secs(300)).await;
        let list = |resource| cluster.api.list(resource, None, &ListOptions::default()).unwrap();
        histories.push((list(&resources::PODS).items, list(&resources::EVENTS).items, cluster.api.revision()));
    }
    assert_eq!(histories[0], histories[1]);
}
