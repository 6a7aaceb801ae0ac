//! The Node object and its Lease: that the node is there, what it can hold, and that it is alive.

use std::time::Duration;

use bowline_apiserver::{Api, Patch, Status, WriteOptions, resources};
use serde_json::{Value, json};
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::worker::FIELD_MANAGER;

/// Between two renewals of the Lease, as the kubelet's.
const RENEWAL: Duration = Duration::from_secs(10);
/// Between two reports of the node's status when nothing changes, as the kubelet's.
const REPORT: Duration = Duration::from_secs(300);

/// What the node says of itself.
#[derive(Clone, Debug)]
pub(crate) struct Registration {
    pub(crate) name: String,
    pub(crate) address: String,
    pub(crate) annotations: Value,
    pub(crate) conditions: Vec<Value>,
    pub(crate) cpus: usize,
    pub(crate) memory_kib: u64,
    pub(crate) runtime: String,
    pub(crate) kernel: String,
    /// uid of the Node, for the Lease's owner.
    pub(crate) uid: String,
}

impl Registration {
    /// Creates the Node, or brings the one of an earlier run up to date, and writes its status.
    pub(crate) fn register(&mut self, api: &Api) -> Result<(), Status> {
        let node = json!({
            "apiVersion": "v1", "kind": "Node",
            "metadata": {"name": self.name, "annotations": self.annotations, "labels": {
                "kubernetes.io/hostname": self.name, "kubernetes.io/os": std::env::consts::OS,
                "kubernetes.io/arch": go_arch(),
            }},
            "spec": {"podCIDR": "10.244.0.0/16", "podCIDRs": ["10.244.0.0/16"]},
        });
        let options = WriteOptions::by(FIELD_MANAGER);
        let stored = match api.create(&resources::NODES, "", node.clone(), &options) {
            Err(status) if status.code == 409 => {
                let metadata = json!({"metadata": node["metadata"]});
                api.patch(&resources::NODES, "", &self.name, None, &Patch::Merge(metadata), &options)?
            }
            other => other?,
        };
        self.uid = stored["metadata"]["uid"].as_str().unwrap_or_default().to_owned();
        self.report(api)?;
        self.renew(api)
    }

    fn report(&self, api: &Api) -> Result<(), Status> {
        let now = api.clock().rfc3339();
        let stored = api.get(&resources::NODES, "", &self.name)?;
        let old = stored["status"]["conditions"].as_array().cloned().unwrap_or_default();
        let healthy = [
            ("MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
            ("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
            ("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
            ("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
        ]
        .map(|(kind, status, reason, message)| {
            json!({"type": kind, "status": status, "reason": reason, "message": message})
        });
        let conditions: Vec<Value> = self
            .conditions
            .iter()
            .cloned()
            .chain(healthy)
            .map(|mut condition| {
                let before = old.iter().find(|c| c["type"] == condition["type"] && c["status"] == condition["status"]);
                condition["lastTransitionTime"] =
                    before.map_or_else(|| Value::from(now.as_str()), |c| c["lastTransitionTime"].clone());
                condition["lastHeartbeatTime"] = Value::from(now.as_str());
                condition
            })
            .collect();
        let room = json!({"cpu": self.cpus.to_string(), "memory": format!("{}Ki", self.memory_kib), "pods": "500",
            "ephemeral-storage": "100Gi"});
        let status = json!({"status": {
            "capacity": room, "allocatable": room, "conditions": conditions,
            "addresses": [{"type": "InternalIP", "address": self.address}, {"type": "Hostname", "address": self.name}],
            "nodeInfo": {
                "architecture": go_arch(), "operatingSystem": std::env::consts::OS, "bootID": "", "machineID": "",
                "systemUUID": "", "kernelVersion": self.kernel, "osImage": "Bowline", "kubeProxyVersion": "",
                "containerRuntimeVersion": self.runtime, "kubeletVersion": "v1.36.3",
            },
        }});
        let options = WriteOptions::by(FIELD_MANAGER);
        api.patch(&resources::NODES, "", &self.name, Some("status"), &Patch::Merge(status), &options).map(drop)
    }

    fn renew(&self, api: &Api) -> Result<(), Status> {
        let options = WriteOptions::by(FIELD_MANAGER);
        let spec =
            json!({"holderIdentity": self.name, "leaseDurationSeconds": 40, "renewTime": api.clock().rfc3339_micro()});
        let change = json!({"spec": spec});
        let patched = api.patch(&resources::LEASES, LEASES_IN, &self.name, None, &Patch::Merge(change), &options);
        match patched {
            Err(status) if status.code == 404 => {
                let lease = json!({
                    "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
                    "metadata": {"name": self.name, "namespace": LEASES_IN, "ownerReferences": [
                        {"apiVersion": "v1", "kind": "Node", "name": self.name, "uid": self.uid}]},
                    "spec": spec,
                });
                api.create(&resources::LEASES, LEASES_IN, lease, &options).map(drop)
            }
            other => other.map(drop),
        }
    }

    /// Keeps the Lease and the status fresh for ever. A Node that was deleted is registered again.
    pub(crate) async fn keep_alive(mut self, api: Api) {
        let mut ticks = interval(RENEWAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        ticks.tick().await;
        let mut reported = Instant::now();
        loop {
            ticks.tick().await;
            let mut result = self.renew(&api);
            if reported.elapsed() >= REPORT {
                reported = Instant::now();
                result = result.and_then(|()| match self.report(&api) {
                    Err(status) if status.code == 404 => self.register(&api),
                    other => other,
                });
            }
            if let Err(error) = result {
                tracing::warn!(%error, "could not renew the node's lease");
            }
        }
    }
}

const LEASES_IN: &str = "kube-node-lease";

/// The machine's architecture by its Go name.
fn go_arch() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}
