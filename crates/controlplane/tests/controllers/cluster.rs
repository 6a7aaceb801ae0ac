//! A control plane under virtual time with a tiny kubelet: what the tests here run on.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bowline_apiserver::{
    Api, DeleteOptions, ListOptions, Patch, ResourceId, Status, WatchEventKind, WatchOptions, WriteOptions, resources,
};
use bowline_clock::{Clock, Random};
use bowline_controlplane::node::NodeConfig;
use bowline_controlplane::{Config, ControlPlane};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout};

/// A control plane with one node, in virtual time that begins at 2026-01-31T12:00:00Z.
pub(crate) struct Cluster {
    pub(crate) control_plane: ControlPlane,
    pub(crate) api: Api,
    pub(crate) began: Instant,
}

impl Cluster {
    /// With one node of 64 CPUs.
    pub(crate) async fn start(seed: u64) -> Self {
        let cluster = Self::without_node(seed).await;
        cluster.add_node("node-1");
        tokio::spawn(kubelet(cluster.api.clone()));
        cluster
    }

    pub(crate) async fn without_node(seed: u64) -> Self {
        Self::with_node(seed, None).await
    }

    /// With the control plane's own node.
    pub(crate) async fn with_node(seed: u64, node: Option<NodeConfig>) -> Self {
        let clock = Clock::starting_at("2026-01-31T12:00:00Z".parse().unwrap());
        let config = Config { clock, random: Random::seeded(seed), root_ca: "a certificate".to_owned(), node };
        let control_plane = ControlPlane::start(config).await.unwrap();
        let api = control_plane.api().clone();
        Self { control_plane, api, began: Instant::now() }
    }

    pub(crate) fn add_node(&self, name: &str) {
        self.create(json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name},
            "status": {"allocatable": {"cpu": "64", "memory": "64Gi", "pods": "110"},
                       "conditions": [{"type": "Ready", "status": "True"}]}}));
    }

    /// Creates an object of any built-in kind, in its namespace or `default`.
    pub(crate) fn create(&self, object: Value) -> Arc<Value> {
        self.try_create(object).unwrap()
    }

    pub(crate) fn try_create(&self, object: Value) -> Result<Arc<Value>, Status> {
        let (group, _) = object["apiVersion"].as_str().unwrap().split_once('/').unwrap_or(("", ""));
        let resource = self.api.catalog().by_kind(group, object["kind"].as_str().unwrap()).unwrap().clone();
        let namespace = object["metadata"]["namespace"].as_str().unwrap_or("default").to_owned();
        let namespace = if resource.namespaced { namespace } else { String::new() };
        let status = object.get("status").cloned();
        let made = self.api.create(&resource.id, &namespace, object, &WriteOptions::default())?;
        match status {
            Some(status) => {
                let name = made["metadata"]["name"].as_str().unwrap();
                let patch = Patch::Merge(json!({"status": status}));
                self.api.patch(&resource.id, &namespace, name, Some("status"), &patch, &WriteOptions::default())
            }
            None => Ok(made),
        }
    }

    /// An object of `default`.
    pub(crate) fn get(&self, resource: &ResourceId, name: &str) -> Option<Arc<Value>> {
        self.get_in(resource, "default", name)
    }

    pub(crate) fn get_in(&self, resource: &ResourceId, namespace: &str, name: &str) -> Option<Arc<Value>> {
        self.api.get(resource, namespace, name).ok()
    }

    /// All objects of a resource.
    pub(crate) fn list(&self, resource: &ResourceId) -> Vec<Arc<Value>> {
        self.api.list(resource, None, &ListOptions::default()).unwrap().items
    }

    pub(crate) fn patch(&self, resource: &ResourceId, name: &str, patch: Value) -> Arc<Value> {
        self.api.patch(resource, "default", name, None, &Patch::Merge(patch), &WriteOptions::default()).unwrap()
    }

    pub(crate) fn delete(&self, resource: &ResourceId, name: &str, options: &DeleteOptions) {
        self.api.delete(resource, "default", name, options).unwrap();
    }

    /// Waits until `done` gives something, at most ten virtual hours.
    pub(crate) async fn until<T>(&self, what: &str, mut done: impl FnMut() -> Option<T>) -> T {
        let wait = async {
            loop {
                if let Some(found) = done() {
                    return found;
                }
                sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(Duration::from_secs(36_000), wait).await.unwrap_or_else(|_| panic!("waited in vain until {what}"))
    }

    /// Virtual seconds since the start.
    pub(crate) fn seconds(&self) -> f64 {
        self.began.elapsed().as_secs_f64()
    }

    /// `reason: message` of the events about an object of that kind, in the order in which they were first seen.
    pub(crate) fn events(&self, kind: &str) -> Vec<String> {
        let mut events: Vec<Arc<Value>> = self.list(&resources::EVENTS);
        events.retain(|e| e["involvedObject"]["kind"] == kind);
        let order = |e: &Value| {
            let name = e["metadata"]["name"].as_str().unwrap();
            name.rsplit_once('.').unwrap().1.to_owned()
        };
        events.sort_by_key(|e| order(e));
        let text = |v: &Value| v.as_str().unwrap().to_owned();
        events.iter().map(|e| format!("{}: {}", text(&e["reason"]), text(&e["message"]))).collect()
    }
}

/// The condition of a type in an object's status.
pub(crate) fn condition<'a>(object: &'a Value, kind: &str) -> Option<&'a Value> {
    object["status"]["conditions"].as_array()?.iter().find(|c| c["type"] == kind)
}

/// A Deployment of one container.
pub(crate) fn deployment(name: &str, replicas: i64, image: &str) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": {
        "replicas": replicas, "selector": {"matchLabels": {"app": name}},
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}},
        "revisionHistoryLimit": 10, "progressDeadlineSeconds": 600,
        "template": {"metadata": {"labels": {"app": name}}, "spec": {"containers": [{"name": "main", "image": image}]}},
    }})
}

/// What the tiny kubelet does with a pod, by words of its image: `NAME:ready=2,stop=1,exit=0@5`.
struct Script {
    /// Seconds until ready; never where absent.
    ready: Option<f64>,
    /// Seconds from deletion to its end.
    stop: f64,
    /// Exit code, and seconds after which it ends by itself.
    exit: Option<(i64, f64)>,
}

impl Script {
    fn of(pod: &Value) -> Self {
        let image = pod["spec"]["containers"][0]["image"].as_str().unwrap_or_default();
        let words: BTreeMap<&str, &str> =
            image.split_once(':').map_or("", |(_, s)| s).split(',').filter_map(|w| w.split_once('=')).collect();
        let number = |text: &str| text.parse::<f64>().unwrap();
        let exit =
            words.get("exit").and_then(|e| e.split_once('@')).map(|(code, at)| (number(code) as i64, number(at)));
        Self {
            ready: words.get("ready").map_or(Some(1.0), |r| r.parse().ok()).filter(|_| exit.is_none()),
            stop: words.get("stop").map_or(1.0, |s| number(s)),
            exit,
        }
    }
}

/// Runs every pod that has a node by its script.
async fn kubelet(api: Api) {
    let mut watch = api.watch(&resources::PODS, None, &WatchOptions::default()).unwrap();
    let mut running: BTreeMap<String, bool> = BTreeMap::new();
    loop {
        let Ok(event) = watch.next().await else {
            watch = api.watch(&resources::PODS, None, &WatchOptions::default()).unwrap();
            continue;
        };
        let pod = event.object;
        let uid = pod["metadata"]["uid"].as_str().unwrap().to_owned();
        if event.kind == WatchEventKind::Deleted {
            running.remove(&uid);
            continue;
        }
        if pod["spec"]["nodeName"].as_str().unwrap_or_default().is_empty() {
            continue;
        }
        let deleting = pod["metadata"]["deletionTimestamp"].is_string();
        if !running.contains_key(&uid) {
            running.insert(uid.clone(), false);
            tokio::spawn(run_pod(api.clone(), Arc::clone(&pod)));
        }
        if deleting && running.get(&uid) == Some(&false) {
            running.insert(uid, true);
            tokio::spawn(stop_pod(api.clone(), pod));
        }
    }
}

fn set_status(api: &Api, pod: &Value, change: impl FnOnce(&mut Value)) {
    let (namespace, name) = (pod["metadata"]["namespace"].as_str().unwrap(), pod["metadata"]["name"].as_str().unwrap());
    let Ok(now) = api.get(&resources::PODS, namespace, name) else { return };
    if now["metadata"]["uid"] != pod["metadata"]["uid"] {
        return;
    }
    let mut now = Value::clone(&now);
    if !now["status"].is_object() {
        now["status"] = json!({});
    }
    change(&mut now["status"]);
    let _ = api.update(&resources::PODS, namespace, name, Some("status"), now, &WriteOptions::default());
}

fn set_ready(status: &mut Value, ready: bool, now: &str) {
    let mut conditions = status["conditions"].as_array().cloned().unwrap_or_default();
    conditions.retain(|c| c["type"] != "Ready");
    let value = if ready { "True" } else { "False" };
    conditions.push(json!({"type": "Ready", "status": value, "lastTransitionTime": now}));
    status["conditions"] = Value::from(conditions);
}

async fn run_pod(api: Api, pod: Arc<Value>) {
    let script = Script::of(&pod);
    let now = || api.clock().rfc3339();
    let uid = pod["metadata"]["uid"].as_str().unwrap();
    let ip =
        format!("10.1.{}.{}", u8::from_str_radix(&uid[0..2], 16).unwrap(), u8::from_str_radix(&uid[2..4], 16).unwrap());
    sleep(Duration::from_millis(100)).await;
    set_status(&api, &pod, |status| {
        status["phase"] = json!("Running");
        status["startTime"] = json!(now());
        status["podIP"] = json!(ip);
        status["podIPs"] = json!([{"ip": ip}]);
        set_ready(status, false, &now());
    });
    if let Some(after) = script.ready {
        sleep(Duration::from_secs_f64(after)).await;
        set_status(&api, &pod, |status| set_ready(status, true, &now()));
    }
    if let Some((code, after)) = script.exit {
        sleep(Duration::from_secs_f64(after)).await;
        set_status(&api, &pod, |status| {
            status["phase"] = json!(if code == 0 { "Succeeded" } else { "Failed" });
            status["containerStatuses"] = json!([{"name": "main", "ready": false, "restartCount": 0,
                "state": {"terminated": {"exitCode": code, "finishedAt": now()}}}]);
            set_ready(status, false, &now());
        });
    }
}

async fn stop_pod(api: Api, pod: Arc<Value>) {
    sleep(Duration::from_secs_f64(Script::of(&pod).stop)).await;
    let (namespace, name) = (pod["metadata"]["namespace"].as_str().unwrap(), pod["metadata"]["name"].as_str().unwrap());
    let uid = pod["metadata"]["uid"].as_str().map(str::to_owned);
    set_status(&api, &pod, |status| set_ready(status, false, &api.clock().rfc3339()));
    let options = DeleteOptions { grace_period: Some(0), uid, ..DeleteOptions::default() };
    let _ = api.delete(&resources::PODS, namespace, name, &options);
}

/// Follows the pods of a label `app` from the first event on, and gives `check` the state after every single event.
pub(crate) async fn check_every_pod_event(api: Api, app: &str, mut check: impl FnMut(&BTreeMap<String, Arc<Value>>)) {
    let mut watch = api.watch(&resources::PODS, Some("default"), &WatchOptions::default()).unwrap();
    let mut pods: BTreeMap<String, Arc<Value>> = BTreeMap::new();
    while let Ok(event) = watch.next().await {
        if event.object["metadata"]["labels"]["app"] != app {
            continue;
        }
        let name = event.object["metadata"]["name"].as_str().unwrap().to_owned();
        match event.kind {
            WatchEventKind::Deleted => drop(pods.remove(&name)),
            _ => drop(pods.insert(name, event.object)),
        }
        check(&pods);
    }
}

/// Does the pod count as ready, and not as leaving?
pub(crate) fn serves(pod: &Value) -> bool {
    pod["metadata"]["deletionTimestamp"].is_null() && condition(pod, "Ready").is_some_and(|c| c["status"] == "True")
}

/// Every change of every object so far but uids and names, as lines: what a repetition must reproduce.
pub(crate) async fn record(api: Api, trace: Arc<std::sync::Mutex<Vec<String>>>) {
    let kinds = [&resources::DEPLOYMENTS, &resources::REPLICA_SETS, &resources::PODS, &resources::EVENTS];
    let mut watches: Vec<_> =
        kinds.into_iter().map(|id| (id, api.watch(id, None, &WatchOptions::default()).unwrap())).collect();
    loop {
        for (id, watch) in &mut watches {
            while let Ok(Some(event)) = watch.try_next() {
                trace.lock().unwrap().push(format!("{id} {:?} {}", event.kind, event.object));
            }
        }
        sleep(Duration::from_millis(50)).await;
    }
}
