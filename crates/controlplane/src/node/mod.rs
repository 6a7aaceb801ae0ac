//! The embedded node: turns Pods into local processes, or into scripts under virtual time, over one pod lifecycle.
//!
//! ```text
//!   Api ─ watch pods ─► kubelet ─► worker per pod ─► Runtime ─┬─ process:  shim ─► command        (bowline up)
//!    ▲                               │                        └─ scripted: durations and outcomes (rehearsal)
//!    └── status, events, lease ◄─────┘
//!   Services, EndpointSlices ─► proxy ─► ready pods
//! ```
//!
//! Reads: pods bound to this node, the ConfigMaps, Secrets and Services they name.
//! Produces: running containers, pod statuses, events, logs, and Services that route.
//! Never: decides where a pod runs or how many there are; leaves a process behind when Bowline dies.

mod addresses;
mod env;
mod events;
mod images;
mod kubelet;
mod log_source;
mod logs;
mod pod;
mod pod_status;
mod probe;
mod register;
mod restart;
mod runtime;
mod scripted;
mod start;
mod stop;
mod volumes;
mod worker;

use std::sync::Arc;
use std::time::Duration;

use bowline_apiserver::Api;
use bowline_clock::{Clock, Random};
use serde_json::json;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

pub use images::{ImageMap, LocalImage, pattern_matches};
pub use scripted::{Script, Scripts};

use addresses::AddressPool;
use events::Events;
use log_source::NodeLogs;
use logs::PodLogs;
use register::Registration;
use runtime::Runtime;
use scripted::ScriptedRuntime;
use worker::Context;

/// What a node is to be.
#[derive(Clone, Debug)]
pub struct NodeConfig {
    /// Its name in the cluster.
    pub name: String,
    /// What its pods are.
    pub pods: Pods,
}

/// What a node's pods are.
#[derive(Clone, Debug)]
pub enum Pods {
    /// Scripts under the runtime's clock: no process, no socket, no file.
    Scripted(Scripts),
}

/// Why a node cannot start.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)]
pub enum NodeError {
    #[error("registering node {name}: {cause}")]
    Register { name: String, cause: bowline_apiserver::Status },
}

/// A running node.
#[derive(Debug)]
pub struct Node {
    kubelet: JoinHandle<()>,
    heartbeat: JoinHandle<()>,
    stop: oneshot::Sender<Duration>,
}

impl Node {
    /// Registers the node and begins to run the pods that are bound to it.
    ///
    /// # Errors
    /// When the Node object cannot be written.
    pub async fn start(api: Api, clock: Clock, random: Random, config: NodeConfig) -> Result<Self, NodeError> {
        let Pods::Scripted(scripts) = config.pods;
        let runtime: Arc<dyn Runtime> = Arc::new(ScriptedRuntime::new(clock.clone(), scripts));
        let mut registration = Registration {
            name: config.name.clone(),
            address: "127.0.0.1".to_owned(),
            annotations: json!({}),
            conditions: Vec::new(),
            // The same everywhere, so that a rehearsal schedules the same on every machine.
            cpus: 64,
            memory_kib: 256 << 20,
            runtime: format!("{}://{}", runtime.name(), env!("CARGO_PKG_VERSION")),
            uid: String::new(),
        };
        registration.register(&api).map_err(|cause| NodeError::Register { name: config.name.clone(), cause })?;
        let logs = PodLogs::default();
        api.set_log_source(Arc::new(NodeLogs::new(logs.clone(), clock)));
        let context = Arc::new(Context {
            events: Events::new(api.clone(), &config.name, "kubelet"),
            random: random.fork("kubelet"),
            node_name: config.name,
            host_ip: registration.address.clone(),
            runtime,
            logs,
            addresses: AddressPool::default(),
            drain: None,
            api: api.clone(),
        });
        let (stop, stopped) = oneshot::channel();
        Ok(Self {
            kubelet: tokio::spawn(kubelet::run(context, stopped)),
            heartbeat: tokio::spawn(registration.keep_alive(api)),
            stop,
        })
    }

    /// Ends all pods: SIGTERM, and SIGKILL for what is left after `grace`. The API's objects stay as they are.
    pub async fn shutdown(self, grace: Duration) {
        self.heartbeat.abort();
        // The kubelet listens until it is told.
        let _ = self.stop.send(grace);
        if let Err(error) = self.kubelet.await {
            tracing::error!(%error, "the node did not end cleanly");
        }
    }
}

#[cfg(test)]
mod tests;
