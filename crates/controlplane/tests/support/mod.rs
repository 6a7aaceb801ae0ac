//! A cluster of an API and a node with process pods, without controllers: tests write EndpointSlices themselves.

pub(crate) mod clients;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use bowline_apiserver::{Api, ListOptions, ResourceId, WatchOptions, WriteOptions, resources};
use bowline_clock::{Clock, Random};
use bowline_controlplane::node::{ImageMap, LocalImage, NetworkMode, Node, NodeConfig, NodeError, Pods, ProcessConfig};
use serde_json::{Value, json};

/// A program among the crate's examples, which `cargo test` builds.
pub(crate) fn example(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let target = test.parent().and_then(|deps| deps.parent()).unwrap();
    let path = target.join("examples").join(name);
    assert!(path.exists(), "{} is built by `cargo test` of the whole package", path.display());
    path
}

pub(crate) struct Cluster {
    pub(crate) api: Api,
    pub(crate) node: Node,
    pub(crate) directory: tempfile::TempDir,
}

impl Cluster {
    /// `None` where this machine does not allow the network asked for.
    pub(crate) async fn start(network: NetworkMode, host_ports: &[u16]) -> Option<Self> {
        let (clock, random) = (Clock::system(), Random::from_entropy());
        let api = Api::new(clock.clone(), random.fork("api"));
        let directory = tempfile::tempdir().unwrap();
        let echo = LocalImage { command: vec![example("echo-service").display().to_string()], ..LocalImage::default() };
        let shell = LocalImage { command: vec!["sh".to_owned(), "-c".to_owned()], ..LocalImage::default() };
        let images = BTreeMap::from([("echo".to_owned(), echo), ("shell".to_owned(), shell)]);
        let pods = Pods::Process(ProcessConfig {
            shim: example("sandbox-shim"),
            images: ImageMap { images },
            directory: directory.path().to_owned(),
            network: Some(network),
            local_ports: BTreeMap::new(),
            host_ports: host_ports.to_vec(),
        });
        match Node::start(api.clone(), clock, random, NodeConfig { name: "node".to_owned(), pods }).await {
            Ok(node) => Some(Self { api, node, directory }),
            Err(NodeError::Network { why, .. }) => {
                println!("skipped: this machine allows no {network:?} network: {why}");
                None
            }
            Err(error) => panic!("{error}"),
        }
    }

    pub(crate) fn create(&self, resource: &ResourceId, object: Value) {
        self.api.create(resource, "default", object, &WriteOptions::default()).unwrap();
    }

    pub(crate) fn pod(&self, name: &str, mut spec: Value) {
        spec["nodeName"] = json!("node");
        spec["terminationGracePeriodSeconds"] = spec["terminationGracePeriodSeconds"].as_i64().unwrap_or(5).into();
        let labels = json!({"app": name.split('-').next()});
        let metadata = json!({"name": name, "labels": labels});
        self.create(&resources::PODS, json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}));
    }

    /// A pod of the echo service, with a readiness probe.
    pub(crate) fn echo(&self, name: &str, env: Value) {
        let mut all = vec![json!({"name": "NAME", "value": name})];
        all.extend(env.as_array().cloned().unwrap_or_default());
        self.pod(
            name,
            json!({"containers": [{"name": "echo", "image": "echo:1", "env": all,
                "ports": [{"name": "http", "containerPort": 7860}],
                "readinessProbe": {"httpGet": {"path": "/", "port": "http"}, "periodSeconds": 1}}]}),
        );
    }

    pub(crate) fn service(&self, name: &str, cluster_ip: &str, kind: &str, port: u16) {
        let spec = json!({"type": kind, "clusterIP": cluster_ip, "selector": {"app": name},
            "ports": [{"port": port, "targetPort": 7860, "protocol": "TCP"}]});
        self.create(
            &resources::SERVICES,
            json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec}),
        );
    }

    /// Does what the EndpointSlice controller would: all pods of the app, as they are now.
    pub(crate) fn endpoints(&self, service: &str) {
        let pods = self.api.list(&resources::PODS, Some("default"), &ListOptions::default()).unwrap();
        let endpoints: Vec<Value> = pods
            .items
            .iter()
            .filter(|pod| pod["metadata"]["labels"]["app"] == service && pod["status"]["podIP"].is_string())
            .map(|pod| {
                let ending = pod["metadata"]["deletionTimestamp"].is_string();
                let serving = ready(&pod["status"]);
                json!({"addresses": [pod["status"]["podIP"]],
                    "conditions": {"ready": serving && !ending, "serving": serving, "terminating": ending},
                    "targetRef": {"kind": "Pod", "namespace": "default", "name": pod["metadata"]["name"]}})
            })
            .collect();
        let slice = json!({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
            "metadata": {"name": service, "namespace": "default", "labels": {"kubernetes.io/service-name": service}},
            "endpoints": endpoints, "ports": [{"name": "", "port": 7860, "protocol": "TCP"}]});
        let (id, options) = (&resources::ENDPOINT_SLICES, WriteOptions::default());
        if self.api.update(id, "default", service, None, slice.clone(), &options).is_err() {
            self.create(id, slice);
        }
    }

    pub(crate) fn status(&self, name: &str) -> Value {
        self.api.get(&resources::PODS, "default", name).map_or(Value::Null, |pod| pod["status"].clone())
    }

    pub(crate) async fn until(&self, name: &str, is: impl Fn(&Value) -> bool) {
        let mut watch = self.api.watch(&resources::PODS, Some("default"), &WatchOptions::default()).unwrap();
        let reached = async {
            while !is(&self.status(name)) {
                watch.next().await.unwrap();
            }
        };
        if tokio::time::timeout(Duration::from_secs(20), reached).await.is_err() {
            panic!("never so: {:#}\n{:#?}", self.status(name), self.events());
        }
    }

    pub(crate) fn events(&self) -> Vec<String> {
        let list = self.api.list(&resources::EVENTS, None, &ListOptions::default()).unwrap();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        list.items.iter().map(|e| format!("{}: {}", text(&e["reason"]), text(&e["message"]))).collect()
    }

    pub(crate) async fn logs(&self, name: &str) -> String {
        use futures::StreamExt as _;
        let chunks: Vec<_> = self.api.logs("default", name, &Default::default()).unwrap().collect().await;
        String::from_utf8(chunks.concat()).unwrap()
    }
}

pub(crate) fn ready(status: &Value) -> bool {
    status["conditions"].as_array().into_iter().flatten().any(|c| c["type"] == "Ready" && c["status"] == "True")
}

pub(crate) fn ended(status: &Value) -> bool {
    matches!(status["phase"].as_str(), Some("Succeeded" | "Failed"))
}
