//! The embedded node: turns Pods into local processes, or into scripts under virtual time, over one pod lifecycle.
//!
//! ```text
//!   Api ─ watch pods ─► kubelet ─► worker per pod ─► Runtime ─┬─ process:  shim ─► command        (bowline up)
//!    ▲                               │                        └─ scripted: durations and outcomes (rehearsal)
//!    └── status, events, lease ◄─────┘
//!   Services, EndpointSlices ─► proxy ─► ready pods
//! ```
//!
//! What process pods are not, on the best of machines: images are not unpacked (a program of the machine stands in, see
//! [`ImageMap`]), the file system is the machine's but for volumes, `runAsUser` and limits of memory and CPU are not
//! enforced, service account tokens are not mounted, UDP and ICMP do not leave a pod, hosts of the outside are reached
//! over TCP on the usual ports and those that the environment names. Probes are `httpGet` over http, `tcpSocket` and
//! `exec`. [`Node::mode`] and the Node's condition `bowline.dev/Degraded` say what is less on this machine.
//!
//! Reads: pods bound to this node, the ConfigMaps, Secrets and Services they name.
//! Produces: running containers, pod statuses, events, logs, and Services that route.
//! Never: decides where a pod runs or how many there are; leaves a process behind when Bowline dies.

mod addresses;
mod context;
mod env;
mod events;
mod http_client;
mod images;
mod kubelet;
mod launch;
mod log_source;
mod logs;
#[cfg(target_os = "linux")]
mod mounts;
mod namespace;
#[cfg(target_os = "linux")]
mod netlink;
mod network;
mod outside;
mod pod;
mod pod_namespace;
#[cfg(target_os = "linux")]
mod pod_network;
mod pod_status;
pub mod postgres;
mod probe;
mod process;
mod proxy;
mod register;
mod restart;
mod rewrite;
mod runtime;
mod sandbox_shim;
mod scripted;
pub mod shim;
mod slot;
mod start;
mod stop;
mod volumes;
mod worker;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bowline_apiserver::Api;
use bowline_clock::{Clock, Random};
use serde_json::json;
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

pub use images::{ImageMap, LocalImage, pattern_matches};
pub use network::NetworkMode;
pub use scripted::{Script, Scripts};

use addresses::AddressPool;
use context::{Context, Drain};
use events::Events;
use launch::Launcher;
use log_source::NodeLogs;
use logs::PodLogs;
use namespace::Capabilities;
use network::Network;
use process::ProcessRuntime;
use proxy::ServiceProxy;
use register::Registration;
use runtime::Runtime;
use scripted::ScriptedRuntime;

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
    /// Processes of this machine.
    Process(ProcessConfig),
}

/// How pods run as processes.
#[derive(Clone, Debug)]
pub struct ProcessConfig {
    /// The binary that calls [`shim::run`] when its first argument is [`shim::ARGUMENT`]: usually the own one.
    pub shim: PathBuf,
    /// Which program stands in for which image.
    pub images: ImageMap,
    /// Where volumes and logs are kept; created when absent.
    pub directory: PathBuf,
    /// The network of pods; `None`: the best that this machine allows.
    pub network: Option<NetworkMode>,
    /// Service (`name`, or `namespace/name`) → local port, for Services of type LoadBalancer whose own port is not to
    /// be used.
    pub local_ports: BTreeMap<String, u16>,
    /// Ports of this machine (data stores) that pods with a network of their own reach as `127.0.0.1:port` too.
    pub host_ports: Vec<u16>,
}

/// Why a node cannot start.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)]
pub enum NodeError {
    #[error("registering node {name}: {cause}")]
    Register { name: String, cause: bowline_apiserver::Status },
    #[error("preparing the node's directory {}: {cause}", path.display())]
    Directory { path: PathBuf, cause: std::io::Error },
    #[error("the network mode {wanted:?} is asked for, but this machine does not allow it: {why}")]
    Network { wanted: NetworkMode, why: String },
}

/// What the node's pods really are on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Scripts.
    Scripted,
    /// Processes.
    Process {
        /// Their network.
        network: NetworkMode,
        /// What is less than a container would have, and why; empty where nothing is.
        degraded: Vec<String>,
    },
}

/// A running node.
pub struct Node {
    kubelet: JoinHandle<()>,
    heartbeat: JoinHandle<()>,
    stop: oneshot::Sender<Duration>,
    mode: Mode,
    network: Option<(Arc<Network>, ServiceProxy)>,
}

impl std::fmt::Debug for Node {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Node").field("mode", &self.mode).finish_non_exhaustive()
    }
}

impl Node {
    /// Registers the node and begins to run the pods that are bound to it.
    ///
    /// # Errors
    /// When the Node object cannot be written, its directory cannot be made, or the machine does not allow the network
    /// asked for.
    pub async fn start(api: Api, clock: Clock, random: Random, config: NodeConfig) -> Result<Self, NodeError> {
        let NodeConfig { name, pods } = config;
        let (runtime, mode, network): (Arc<dyn Runtime>, _, _) = match pods {
            Pods::Scripted(scripts) => (Arc::new(ScriptedRuntime::new(clock.clone(), scripts)), Mode::Scripted, None),
            Pods::Process(process) => {
                let (runtime, mode, network, proxy) = start_process(&api, &clock, &random, &name, process).await?;
                (Arc::new(runtime), mode, Some((network, proxy)))
            }
        };
        let mut registration = registration(&name, &mode, runtime.name());
        registration.register(&api).map_err(|cause| NodeError::Register { name: name.clone(), cause })?;
        let logs = PodLogs::default();
        api.set_log_source(Arc::new(NodeLogs::new(logs.clone(), clock)));
        let context = Arc::new(Context {
            events: Events::new(api.clone(), &name, "kubelet"),
            random: random.fork("kubelet"),
            node_name: name,
            host_ip: registration.address.clone(),
            runtime,
            logs,
            addresses: AddressPool::default(),
            drain: network.as_ref().map(|(_, proxy)| Arc::new(proxy.clone()) as Arc<dyn Drain>),
            api: api.clone(),
        });
        let (stop, stopped) = oneshot::channel();
        Ok(Self {
            kubelet: tokio::spawn(kubelet::run(context, stopped)),
            heartbeat: tokio::spawn(registration.keep_alive(api)),
            stop,
            mode,
            network,
        })
    }

    /// What the node's pods really are.
    pub fn mode(&self) -> &Mode {
        &self.mode
    }

    /// Where a port of a Service is reached from this machine; `None` where there is no such Service, or no network.
    pub fn service_address(&self, namespace: &str, name: &str, port: u16) -> Option<SocketAddr> {
        self.network.as_ref()?.1.address(namespace, name, port)
    }

    /// Connects to a port of a pod, as port-forward does.
    ///
    /// # Errors
    /// When the pod does not run here, or does not accept the connection.
    pub async fn dial(&self, namespace: &str, pod: &str, port: u16) -> std::io::Result<TcpStream> {
        let link = self.network.as_ref().and_then(|(network, _)| network.link(namespace, pod));
        let gone =
            || std::io::Error::new(std::io::ErrorKind::NotFound, format!("pod {namespace}/{pod} does not run here"));
        link.ok_or_else(gone)?.dial_port(port).await
    }

    /// Ends all pods: SIGTERM, and SIGKILL for what is left after `grace`. The API's objects stay as they are.
    pub async fn shutdown(self, grace: Duration) {
        self.heartbeat.abort();
        // The kubelet listens until it is told.
        let _ = self.stop.send(grace);
        if let Err(error) = self.kubelet.await {
            tracing::error!(%error, "the node did not end cleanly");
        }
        if let Some((_, proxy)) = &self.network {
            proxy.stop();
        }
    }
}

async fn start_process(
    api: &Api,
    clock: &Clock,
    random: &Random,
    name: &str,
    config: ProcessConfig,
) -> Result<(ProcessRuntime, Mode, Arc<Network>, ServiceProxy), NodeError> {
    let directory = config.directory.clone();
    std::fs::create_dir_all(&directory)
        .and_then(|()| directory.canonicalize().map(drop))
        .map_err(|cause| NodeError::Directory { path: directory.clone(), cause })?;
    raise_file_limit();
    let pods = directory.join("pods");
    if pods.exists() {
        // Pods of an earlier run: nothing of them is left but these files.
        std::fs::remove_dir_all(&pods).map_err(|cause| NodeError::Directory { path: pods, cause })?;
    }
    let capabilities = Capabilities::detect(&config.shim).await;
    let can = capabilities.network && capabilities.mount;
    let network_mode = match config.network {
        Some(NetworkMode::Namespace) if !can => {
            let why = capabilities.why.join("; ");
            return Err(NodeError::Network { wanted: NetworkMode::Namespace, why });
        }
        Some(wanted) => wanted,
        None if can => NetworkMode::Namespace,
        None => NetworkMode::Host,
    };
    let launcher = Launcher { shim: config.shim };
    let network =
        Network::new(network_mode, launcher.clone(), &capabilities, directory.clone(), random.fork("ports")).await;
    let network = Arc::new(network.map_err(|why| NodeError::Network { wanted: network_mode, why: why.message })?);
    let proxy = ServiceProxy::start(
        api.clone(),
        network.clone(),
        Events::new(api.clone(), name, "service-proxy"),
        config.local_ports,
        config.host_ports,
    );
    let mode = Mode::Process { network: network_mode, degraded: degraded(network_mode, &capabilities) };
    let runtime = ProcessRuntime::new(process::Shared {
        clock: clock.clone(),
        random: random.fork("containers"),
        images: config.images,
        launcher,
        directory,
        capabilities,
        network: network.clone(),
        proxy: proxy.clone(),
        events: Events::new(api.clone(), name, "kubelet"),
    });
    Ok((runtime, mode, network, proxy))
}

/// Listeners and connections of many pods take many files: as many as this user may have.
fn raise_file_limit() {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    if let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE)
        && soft < hard
        && let Err(error) = setrlimit(Resource::RLIMIT_NOFILE, hard, hard)
    {
        tracing::debug!(%error, "could not raise the limit of open files");
    }
}

/// What pods on this machine lack, in sentences.
fn degraded(network: NetworkMode, allowed: &Capabilities) -> Vec<String> {
    let mut lacks = Vec::new();
    if network == NetworkMode::Host {
        lacks.push(
            "pods share this machine's network: each listens on the port in PORT, not on its container port".to_owned(),
        );
    }
    if !allowed.mount {
        lacks.push("volumes are not at their mount paths".to_owned());
    }
    if !allowed.pid {
        lacks.push("pods see this machine's processes".to_owned());
    }
    if !lacks.is_empty() {
        lacks.extend(allowed.why.iter().map(|why| format!("not allowed here: {why}")));
    }
    lacks
}

fn registration(name: &str, mode: &Mode, runtime: &str) -> Registration {
    let mut kernel = String::new();
    let (cpus, memory_kib, annotations, conditions) = match mode {
        // The same everywhere, so that a rehearsal schedules the same on every machine.
        Mode::Scripted => (64, 256 << 20, json!({"bowline.dev/pods": "scripted"}), Vec::new()),
        Mode::Process { network, degraded } => {
            let network = if *network == NetworkMode::Namespace { "namespace" } else { "host" };
            let told = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
            told.trim().clone_into(&mut kernel);
            let annotations = json!({"bowline.dev/pods": "process", "bowline.dev/network": network});
            let (status, reason) =
                if degraded.is_empty() { ("False", "FullIsolation") } else { ("True", "PartialIsolation") };
            let message = degraded.join("; ");
            let condition =
                json!({"type": "bowline.dev/Degraded", "status": status, "reason": reason, "message": message});
            let cpus = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
            (cpus, memory_kib(), annotations, vec![condition])
        }
    };
    Registration {
        name: name.to_owned(),
        address: "127.0.0.1".to_owned(),
        annotations,
        conditions,
        cpus,
        memory_kib,
        runtime: format!("{runtime}://{}", env!("CARGO_PKG_VERSION")),
        kernel,
        uid: String::new(),
    }
}

/// The machine's memory; a usual amount where it cannot be told.
fn memory_kib() -> u64 {
    let told = std::fs::read_to_string("/proc/meminfo").ok().and_then(|text| {
        let line = text.lines().find(|line| line.starts_with("MemTotal:"))?;
        line.split_whitespace().nth(1)?.parse().ok()
    });
    told.unwrap_or(8 << 20)
}

#[cfg(test)]
mod tests;
