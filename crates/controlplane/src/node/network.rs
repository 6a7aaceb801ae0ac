//! How pods are reached: by ports of the machine (host mode), or in a network namespace of their own.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bowline_clock::Random;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;

use super::launch::Launcher;
use super::namespace::Capabilities;
use super::outside;
use super::pod::{Container, Pod};
use super::pod_namespace::{NetworkNamespace, PodFiles};
use super::runtime::RuntimeError;
use super::shim::{Order, Unshare};

/// How pods of a node see the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NetworkMode {
    /// All pods share the machine's network; each is told by `PORT` which port is its own. Service names in its
    /// environment are replaced by addresses of the proxy.
    Host,
    /// Every pod has a network of its own, with all ports, and with Services and pods by name and address. It reaches
    /// the outside over TCP: any host by name on the usual ports, and what its environment names as `host:port`.
    Namespace,
}

/// Ports for pods in host mode: below the range that the kernel hands out for outgoing connections.
const HOST_PORTS: std::ops::Range<u16> = 20_000..32_000;

/// The most time a pod waits for its Services' listeners.
const LONGEST_SETUP: Duration = Duration::from_secs(2);

/// (namespace, pod)
type PodKey = (String, String);

/// The networks of a node's pods.
pub(crate) struct Network {
    pub(crate) mode: NetworkMode,
    launcher: Launcher,
    /// In namespace mode: where pods are connected, and everything is listened for that they reach.
    router: Option<Arc<NetworkNamespace>>,
    in_user_namespace: bool,
    directory: PathBuf,
    random: Random,
    used: Mutex<BTreeSet<u16>>,
    /// Told of whenever a pod comes or goes.
    links: watch::Sender<BTreeMap<PodKey, Arc<PodLink>>>,
}

impl Network {
    /// A network without pods; in namespace mode with its router.
    pub(crate) async fn new(
        mode: NetworkMode,
        launcher: Launcher,
        allowed: &Capabilities,
        directory: PathBuf,
        random: Random,
    ) -> Result<Self, RuntimeError> {
        let router = match mode {
            NetworkMode::Host => None,
            NetworkMode::Namespace => Some(Arc::new(NetworkNamespace::router(&launcher, allowed).await?)),
        };
        let (links, _) = watch::channel(BTreeMap::new());
        let in_user_namespace = allowed.user;
        Ok(Self { mode, launcher, router, in_user_namespace, directory, random, used: Mutex::default(), links })
    }

    /// The router of pods, in namespace mode.
    pub(crate) fn router(&self) -> Option<&Arc<NetworkNamespace>> {
        self.router.as_ref()
    }

    /// Gives a pod its network.
    pub(crate) async fn connect(&self, pod: &Pod, ip: Ipv4Addr) -> Result<Arc<PodLink>, RuntimeError> {
        let kind = match &self.router {
            None => Kind::Host { ports: self.host_ports(pod)? },
            Some(router) => {
                let name = format!("{}_{}_{}", pod.metadata.namespace, pod.metadata.name, pod.metadata.uid);
                let files = self.directory.join("pods").join(name).join("etc");
                let files = PodFiles::create(&files, &pod.metadata.namespace)
                    .map_err(|e| RuntimeError::new(format!("writing the pod's /etc/hosts: {e}")))?;
                let hostname = if pod.spec.hostname.is_empty() { &pod.metadata.name } else { &pod.spec.hostname };
                let own = NetworkNamespace::pod(&self.launcher, router, ip, hostname, &files).await?;
                let in_user_namespace = self.in_user_namespace;
                Kind::Namespace { own, router: router.clone(), files, in_user_namespace }
            }
        };
        let containers = pod.spec.init_containers.iter().chain(&pod.spec.containers);
        let ports = containers.flat_map(|c| &c.ports).map(|p| p.container_port).collect();
        let pod_namespace = pod.metadata.namespace.clone();
        let link = Arc::new(PodLink {
            pod_namespace,
            ip,
            ports,
            kind,
            outside: Mutex::default(),
            wanted: AtomicU64::new(0),
            served: watch::channel(0).0,
        });
        let key = (pod.metadata.namespace.clone(), pod.metadata.name.clone());
        self.links.send_modify(|links| drop(links.insert(key, link.clone())));
        self.serve(&link).await;
        Ok(link)
    }

    /// Waits until a pod's Services, and what was noted of the outside, are listened for: a container is not to meet an
    /// address that nobody serves yet.
    pub(crate) async fn serve(&self, link: &PodLink) {
        if link.is_host() {
            return;
        }
        let wish = link.wanted.fetch_add(1, Ordering::AcqRel) + 1;
        self.links.send_modify(|_| ());
        let mut served = link.served.subscribe();
        if tokio::time::timeout(LONGEST_SETUP, served.wait_for(|served| *served >= wish)).await.is_err() {
            tracing::warn!(ip = %link.ip, "a pod starts before its Services are listened for");
        }
    }

    /// Takes a pod's network away.
    pub(crate) fn disconnect(&self, pod: &Pod) {
        let key = (pod.metadata.namespace.clone(), pod.metadata.name.clone());
        let mut gone = None;
        self.links.send_modify(|links| gone = links.remove(&key));
        if let Some(Kind::Host { ports }) = gone.as_ref().map(|link| &link.kind) {
            let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
            used.retain(|port| !ports.values().any(|own| own == port));
        }
    }

    /// The link of a pod that runs.
    pub(crate) fn link(&self, namespace: &str, pod: &str) -> Option<Arc<PodLink>> {
        self.links.borrow().get(&(namespace.to_owned(), pod.to_owned())).cloned()
    }

    /// All links, as they come and go.
    pub(crate) fn links(&self) -> watch::Receiver<BTreeMap<PodKey, Arc<PodLink>>> {
        self.links.subscribe()
    }

    /// A port of the machine for each container port.
    fn host_ports(&self, pod: &Pod) -> Result<BTreeMap<u16, u16>, RuntimeError> {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let mut ports = BTreeMap::new();
        let containers = pod.spec.init_containers.iter().chain(&pod.spec.containers);
        for port in containers.flat_map(|c| &c.ports).map(|p| p.container_port) {
            if ports.contains_key(&port) {
                continue;
            }
            let free = (0..1000)
                .map(|_| HOST_PORTS.start + self.random.below(u64::from(HOST_PORTS.end - HOST_PORTS.start)) as u16)
                .find(|candidate| !used.contains(candidate) && is_free(*candidate))
                .ok_or_else(|| RuntimeError::new(format!("no free port of 127.0.0.1 for container port {port}")))?;
            used.insert(free);
            ports.insert(port, free);
        }
        Ok(ports)
    }
}

fn is_free(port: u16) -> bool {
    // Programs listen on all addresses or on loopback: both have to be free.
    std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
        && std::net::TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).is_ok()
}

/// How one pod is reached.
pub(crate) struct PodLink {
    pub(crate) pod_namespace: String,
    pub(crate) ip: Ipv4Addr,
    /// The container ports it declares.
    pub(crate) ports: BTreeSet<u16>,
    kind: Kind,
    /// What its containers name of the outside: hosts and ports.
    outside: Mutex<BTreeSet<(String, u16)>>,
    /// Counts what is to be listened for inside, and how far that was done.
    wanted: AtomicU64,
    served: watch::Sender<u64>,
}

enum Kind {
    Host { ports: BTreeMap<u16, u16> },
    Namespace { own: NetworkNamespace, router: Arc<NetworkNamespace>, files: PodFiles, in_user_namespace: bool },
}

impl PodLink {
    /// Connects to a port of the pod; `host` is the pod's address, a loopback name, or another host.
    pub(crate) async fn dial(&self, host: &str, port: u16) -> io::Result<TcpStream> {
        let own = host == "localhost" || host.parse() == Ok(self.ip) || host.parse() == Ok(Ipv4Addr::LOCALHOST);
        if own { self.dial_port(port).await } else { TcpStream::connect((host, port)).await }
    }

    /// Connects to a container port of the pod.
    pub(crate) async fn dial_port(&self, port: u16) -> io::Result<TcpStream> {
        match &self.kind {
            Kind::Host { ports } => {
                let port = ports.get(&port).copied().unwrap_or(port);
                TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await
            }
            Kind::Namespace { router, .. } => {
                let socket = TcpSocket::from_std_stream(router.socket().await?);
                socket.connect(SocketAddr::V4(SocketAddrV4::new(self.ip, port))).await
            }
        }
    }

    /// Listens inside of the pod's network; nothing to do in host mode.
    pub(crate) async fn listen(&self, address: SocketAddrV4) -> io::Result<Option<TcpListener>> {
        match &self.kind {
            Kind::Host { .. } => Ok(None),
            Kind::Namespace { own, .. } => own.listen(address).await.map(Some),
        }
    }

    /// Notes the hosts and ports that a container's environment and arguments name.
    pub(crate) fn note_outside<'a>(&self, texts: impl Iterator<Item = &'a String>) {
        let mut outside = self.outside.lock().unwrap_or_else(PoisonError::into_inner);
        outside.extend(texts.flat_map(|text| outside::endpoints_in(text)));
    }

    /// The hosts and ports that its containers name.
    pub(crate) fn outside(&self) -> BTreeSet<(String, u16)> {
        self.outside.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Rewrites the pod's `/etc/hosts`; nothing to do in host mode.
    pub(crate) fn set_hosts(&self, entries: &str) -> io::Result<()> {
        match &self.kind {
            Kind::Host { .. } => Ok(()),
            Kind::Namespace { files, .. } => files.set_hosts(entries),
        }
    }

    /// How far the wishes go that somebody who begins to listen now knows of.
    pub(crate) fn wanted(&self) -> u64 {
        self.wanted.load(Ordering::Acquire)
    }

    /// Notes that everything up to that wish is listened for.
    pub(crate) fn set_served(&self, wanted: u64) {
        self.served.send_replace(wanted);
    }

    /// Whether Service names are to be replaced in the environment of its containers.
    pub(crate) fn is_host(&self) -> bool {
        matches!(self.kind, Kind::Host { .. })
    }

    /// The part of a shim's order that puts a container into this network.
    pub(crate) fn order(&self, unshare: Unshare) -> Order {
        let own_user = (nix::unistd::geteuid().as_raw(), nix::unistd::getegid().as_raw());
        match &self.kind {
            Kind::Host { .. } => Order { unshare, remap: unshare.user.then_some(own_user), ..Order::default() },
            Kind::Namespace { own, in_user_namespace, .. } => Order {
                // The pod's user namespace is joined, not made anew.
                unshare: Unshare { user: false, ..unshare },
                remap: in_user_namespace.then_some(own_user),
                join: Some(own.pid()),
                ..Order::default()
            },
        }
    }

    /// Tells a container its ports: `PORT` is the first, `BOWLINE_PORT_<n>` the one that stands for container port n.
    /// In host mode variables that end in `PORT` and carry a container port get the port that stands for it.
    pub(crate) fn adjust(&self, container: &Container, env: &mut BTreeMap<String, String>) {
        let mapped = |port: u16| match &self.kind {
            Kind::Host { ports } => ports.get(&port).copied().unwrap_or(port),
            Kind::Namespace { .. } => port,
        };
        for port in container.ports.iter().map(|p| p.container_port) {
            env.insert(format!("BOWLINE_PORT_{port}"), mapped(port).to_string());
        }
        let Some(first) = container.ports.first() else { return };
        if self.is_host() {
            for (_, value) in env.iter_mut().filter(|(name, _)| name.ends_with("PORT")) {
                if let Ok(port) = value.parse::<u16>()
                    && container.ports.iter().any(|p| p.container_port == port)
                {
                    *value = mapped(port).to_string();
                }
            }
        }
        env.entry("PORT".to_owned()).or_insert_with(|| mapped(first.container_port).to_string());
    }
}

/// What Go's dialler says of an error.
pub(crate) fn go_dial_error(host: &str, port: u16, error: &io::Error) -> String {
    let why = match error.kind() {
        io::ErrorKind::ConnectionRefused => "connect: connection refused".to_owned(),
        io::ErrorKind::ConnectionReset => "connect: connection reset by peer".to_owned(),
        io::ErrorKind::TimedOut => "i/o timeout".to_owned(),
        _ => error.to_string(),
    };
    format!("dial tcp {host}:{port}: {why}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_told_and_replaced() {
        let link = PodLink {
            pod_namespace: "n".into(),
            ip: Ipv4Addr::new(10, 244, 0, 2),
            kind: Kind::Host { ports: BTreeMap::from([(7860, 20_001), (9090, 20_002)]) },
            ports: BTreeSet::new(),
            outside: Mutex::default(),
            wanted: AtomicU64::new(0),
            served: watch::channel(0).0,
        };
        let container: Container = serde_json::from_value(
            serde_json::json!({"name": "c", "ports": [{"containerPort": 7860}, {"containerPort": 9090}]}),
        )
        .unwrap();
        let mut env: BTreeMap<String, String> =
            [("HTTP_PORT", "7860"), ("METRICS_PORT", "9090"), ("DB_PORT", "5432"), ("SIZE", "7860")]
                .map(|(k, v)| (k.to_owned(), v.to_owned()))
                .into();
        link.adjust(&container, &mut env);
        let value = |name: &str| env[name].as_str();
        assert_eq!((value("PORT"), value("BOWLINE_PORT_9090")), ("20001", "20002"));
        assert_eq!((value("HTTP_PORT"), value("METRICS_PORT")), ("20001", "20002"));
        assert_eq!((value("DB_PORT"), value("SIZE")), ("5432", "7860"));
    }
}
