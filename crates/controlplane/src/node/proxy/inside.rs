//! What pods with networks of their own reach beside each other: Services, names, and the outside, listened for on the
//! router between them; and of the machine's own 127.0.0.1 some ports, listened for inside of each pod.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;

use super::{Inner, Key, LOCALHOST, Listening, dns, listeners, pump};
use crate::node::network::PodLink;
use crate::node::pod_namespace::{NAME_SERVER, NetworkNamespace};
use crate::node::rewrite;

/// Where a connection from a pod leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Goal {
    /// A Service's port.
    Service(Key, u16),
    /// A port of a host that the machine reaches, itself included.
    Outside(String, u16),
}

impl Listening {
    /// The address of a Service for pods: its cluster IP, or for a headless Service one made up of its name.
    pub(super) fn inside_ip(&self, key: &Key) -> Option<Ipv4Addr> {
        match self.spec["clusterIP"].as_str()? {
            "None" => {
                // FNV-1a; two Services of one address are so rare that they are not looked for.
                let name = format!("{}/{}", key.0, key.1);
                let hash = name.bytes().fold(0x811c_9dc5u32, |h, b| (h ^ u32::from(b)).wrapping_mul(0x0100_0193));
                let [_, high, low, _] = hash.to_be_bytes();
                Some(Ipv4Addr::new(10, 111, high, low.clamp(1, 254)))
            }
            ip => ip.parse().ok(),
        }
    }
}

/// Listeners and what they lead to.
#[derive(Default)]
struct Serving {
    tasks: BTreeMap<SocketAddrV4, (Goal, AbortHandle)>,
    /// The hosts file as last written, of a pod.
    hosts: String,
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.tasks.values().for_each(|(_, task)| task.abort());
    }
}

impl Serving {
    /// Ends what is no longer wanted; gives what is missing.
    fn missing(&mut self, wanted: BTreeMap<SocketAddrV4, Goal>) -> Vec<(SocketAddrV4, Goal)> {
        self.tasks.retain(|address, (goal, task)| {
            let keep = wanted.get(address) == Some(goal) && !task.is_finished();
            if !keep {
                task.abort();
            }
            keep
        });
        wanted.into_iter().filter(|(address, _)| !self.tasks.contains_key(address)).collect()
    }

    fn add(&mut self, inner: &Arc<Inner>, address: SocketAddrV4, goal: Goal, listener: TcpListener) {
        let task = tokio::spawn(accept_for(inner.clone(), listener, goal.clone())).abort_handle();
        self.tasks.insert(address, (goal, task));
    }
}

/// Keeps what pods reach up to date.
pub(super) async fn serve_pods(inner: Arc<Inner>) {
    let Some(router) = inner.network.router().cloned() else { return };
    let mut links = inner.network.links();
    let mut changed = inner.changed.subscribe();
    let mut on_router = Serving::default();
    let mut pods: BTreeMap<Key, (Arc<PodLink>, Serving)> = BTreeMap::new();
    let names = tokio::spawn(serve_names(inner.clone(), router.clone())).abort_handle();
    inner.lock().tasks.push(names);
    loop {
        changed.borrow_and_update();
        let now = links.borrow_and_update().clone();
        let wishes: Vec<u64> = now.values().map(|link| link.wanted()).collect();
        serve_router(&inner, &router, &mut on_router, now.values()).await;
        pods.retain(|key, (link, _)| now.get(key).is_some_and(|present| Arc::ptr_eq(present, link)));
        for ((key, link), wish) in now.iter().zip(wishes) {
            let (link, serving) = pods.entry(key.clone()).or_insert_with(|| (link.clone(), Serving::default()));
            serve_pod(&inner, key, link, serving).await;
            link.set_served(wish);
        }
        tokio::select! {
            result = links.changed() => if result.is_err() { return },
            result = changed.changed() => if result.is_err() { return },
        }
    }
}

async fn serve_names(inner: Arc<Inner>, router: Arc<NetworkNamespace>) {
    match router.datagrams(SocketAddrV4::new(NAME_SERVER, 53)).await {
        Ok(socket) => dns::serve(inner, router, socket).await,
        Err(error) => tracing::warn!(%error, "pods have no name server"),
    }
}

async fn serve_router(
    inner: &Arc<Inner>,
    router: &NetworkNamespace,
    serving: &mut Serving,
    links: impl Iterator<Item = &Arc<PodLink>>,
) {
    let mut wanted = BTreeMap::new();
    for (service, listening) in &inner.lock().services {
        let Some(ip) = listening.inside_ip(service) else { continue };
        for port in listening.ports.keys() {
            wanted.insert(SocketAddrV4::new(ip, *port), Goal::Service(service.clone(), *port));
        }
    }
    for (host, port) in links.flat_map(|link| link.outside()) {
        let Some(ip) = host.parse::<Ipv4Addr>().ok().filter(|ip| !ip.is_loopback() && !ip.is_unspecified()) else {
            continue;
        };
        wanted.entry(SocketAddrV4::new(ip, port)).or_insert(Goal::Outside(host, port));
    }
    for (address, goal) in serving.missing(wanted) {
        match router.listen(address).await {
            Ok(listener) => serving.add(inner, address, goal, listener),
            Err(error) => tracing::debug!(%error, %address, "could not listen for pods"),
        }
    }
}

async fn serve_pod(inner: &Arc<Inner>, key: &Key, link: &Arc<PodLink>, serving: &mut Serving) {
    let mut hosts = format!("127.0.0.1\tlocalhost\n{}\t{}\n", link.ip, key.1);
    for (service, listening) in &inner.lock().services {
        let Some(ip) = listening.inside_ip(service) else { continue };
        let names = rewrite::names(&service.1, &service.0, &link.pod_namespace, "");
        let _ = writeln!(hosts, "{ip}\t{}", names.join(" "));
    }
    if serving.hosts != hosts {
        match link.set_hosts(&hosts) {
            Ok(()) => serving.hosts = hosts,
            Err(error) => tracing::warn!(%error, pod = key.1, "could not write a pod's hosts file"),
        }
    }
    let mut wanted: BTreeMap<SocketAddrV4, Goal> = BTreeMap::new();
    let mut want = |ip: Ipv4Addr, port| wanted.insert(SocketAddrV4::new(ip, port), Goal::Outside(ip.to_string(), port));
    for port in inner.host_ports.iter().filter(|port| !link.ports.contains(port)) {
        want(LOCALHOST, *port);
    }
    for (host, port) in link.outside() {
        let ip = if host == "localhost" { Some(LOCALHOST) } else { host.parse::<Ipv4Addr>().ok() };
        let Some(ip) = ip.filter(Ipv4Addr::is_loopback) else { continue };
        // What nobody of the machine listens on is the pod's own affair.
        let known = serving.tasks.contains_key(&SocketAddrV4::new(ip, port));
        if !link.ports.contains(&port) && (known || is_open(ip, port).await) {
            want(ip, port);
        }
    }
    for (address, goal) in serving.missing(wanted) {
        match link.listen(address).await {
            Ok(Some(listener)) => serving.add(inner, address, goal, listener),
            Ok(None) => {}
            Err(error) => tracing::debug!(%error, %address, pod = key.1, "could not listen inside of a pod"),
        }
    }
}

async fn is_open(ip: Ipv4Addr, port: u16) -> bool {
    let connected = TcpStream::connect((ip, port));
    matches!(tokio::time::timeout(Duration::from_millis(200), connected).await, Ok(Ok(_)))
}

/// Passes all connections of a listener on.
pub(super) async fn accept_for(inner: Arc<Inner>, listener: TcpListener, goal: Goal) {
    let (host, port) = match goal {
        Goal::Service(service, port) => return listeners::accept(inner, listener, service, port).await,
        Goal::Outside(host, port) => (host, port),
    };
    loop {
        let Ok((client, _)) = listener.accept().await else {
            // Out of file descriptors: they come back as connections end.
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let host = host.clone();
        tokio::spawn(async move {
            if let Ok(server) = TcpStream::connect((host.as_str(), port)).await {
                pump::pump(client, server, &Arc::default()).await;
            }
        });
    }
}
