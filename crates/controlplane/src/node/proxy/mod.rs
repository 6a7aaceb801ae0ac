//! Services in process: for every port of a Service a listener, for every connection a ready pod.
//!
//! ```text
//!   client ─► 127.0.0.1:p ──────────────┐
//!   pod    ─► router, cluster IP:port ───┴─► pick a ready endpoint ─► PodLink::dial_port ─► pod
//!                                              ▲ EndpointSlices, drained pods left out
//! ```

mod backends;
mod dns;
mod holder;
mod http1;
mod inside;
mod listeners;
mod pump;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use bowline_apiserver::{Api, ResourceId, WatchEventKind, WatchOptions, resources};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::AbortHandle;

use super::context::Drain;
use super::events::Events;
use super::network::{Network, NetworkMode, PodLink};
use super::rewrite::{self, ServicePort};
pub(crate) use holder::of_port as holder_of_port;

use backends::{Backends, Target};
use pump::Traffic;

/// How long a connection waits for a ready endpoint.
const LONGEST_WAIT: Duration = Duration::from_secs(10);
/// How long one endpoint may take to accept.
const DIAL_TIMEOUT: Duration = Duration::from_secs(2);

/// (namespace, name)
type Key = (String, String);

/// Routes Services to ready pods. Clones share it; it ends when the node ends.
#[derive(Clone)]
pub(crate) struct ServiceProxy {
    inner: Arc<Inner>,
}

struct Inner {
    api: Api,
    network: Arc<Network>,
    events: Events,
    /// Service name (or `namespace/name`) → the local port of its first port, for LoadBalancers.
    local_ports: BTreeMap<String, u16>,
    /// Ports of the machine that pods in namespaces of their own reach as 127.0.0.1:port.
    host_ports: Vec<u16>,
    state: Mutex<State>,
    /// Told whenever endpoints change.
    changed: watch::Sender<u64>,
}

#[derive(Default)]
struct State {
    services: BTreeMap<Key, Listening>,
    backends: Backends,
    /// Pods that end: nothing new is sent to them. The link tells a later pod of the same name apart.
    draining: BTreeMap<Key, Weak<PodLink>>,
    traffic: BTreeMap<Key, Arc<Traffic>>,
    turn: usize,
    tasks: Vec<AbortHandle>,
}

/// A Service as it is served.
struct Listening {
    spec: Value,
    /// Service port → where it is listened on.
    ports: BTreeMap<u16, Listener>,
    /// Whether a port that it asked for was in use.
    degraded: bool,
}

struct Listener {
    address: SocketAddr,
    task: AbortHandle,
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl ServiceProxy {
    /// Begins to serve all Services.
    pub(crate) fn start(
        api: Api,
        network: Arc<Network>,
        events: Events,
        local_ports: BTreeMap<String, u16>,
        host_ports: Vec<u16>,
    ) -> Self {
        let inner = Arc::new(Inner {
            api,
            network,
            events,
            local_ports,
            host_ports,
            state: Mutex::default(),
            changed: watch::channel(0).0,
        });
        let services = tokio::spawn(follow(inner.clone(), &resources::SERVICES, Inner::service_changed));
        let slices = tokio::spawn(follow(inner.clone(), &resources::ENDPOINT_SLICES, Inner::slice_changed));
        let mut tasks = vec![services.abort_handle(), slices.abort_handle()];
        tasks.push(tokio::spawn(listeners::retry_ports(inner.clone())).abort_handle());
        if inner.network.mode == NetworkMode::Namespace {
            tasks.push(tokio::spawn(inside::serve_pods(inner.clone())).abort_handle());
        }
        inner.lock().tasks = tasks;
        Self { inner }
    }

    /// Where a Service's port is reached from this machine. A Service that was created just now is served at once.
    pub(crate) fn address(&self, namespace: &str, name: &str, port: u16) -> Option<SocketAddr> {
        let service = self.inner.api.get(&resources::SERVICES, namespace, name).ok()?;
        self.inner.service_changed(WatchEventKind::Modified, &service);
        let state = self.inner.lock();
        let listening = state.services.get(&(namespace.to_owned(), name.to_owned()))?;
        listening.ports.get(&port).map(|listener| listener.address)
    }

    /// All ports of all Services as they are called from pods of `namespace`.
    pub(crate) fn ports_for(&self, namespace: &str) -> Vec<ServicePort> {
        let services = self.inner.api.list(&resources::SERVICES, None, &Default::default());
        for service in services.map(|list| list.items).unwrap_or_default() {
            self.inner.service_changed(WatchEventKind::Modified, &service);
        }
        let state = self.inner.lock();
        let mut ports = Vec::new();
        for ((of, name), listening) in &state.services {
            let cluster_ip = listening.spec["clusterIP"].as_str().unwrap_or_default();
            for (port, listener) in &listening.ports {
                let names = rewrite::names(name, of, namespace, cluster_ip);
                ports.push(ServicePort { names, port: *port, address: listener.address });
            }
        }
        ports
    }

    /// Stops serving.
    pub(crate) fn stop(&self) {
        let mut state = self.inner.lock();
        state.tasks.drain(..).for_each(|task| task.abort());
        state.services.clear();
    }
}

impl Drain for ServiceProxy {
    fn drain(&self, namespace: &str, pod: &str, limit: Duration) -> BoxFuture<'static, ()> {
        let key = (namespace.to_owned(), pod.to_owned());
        let Some(link) = self.inner.network.link(namespace, pod) else { return async {}.boxed() };
        let traffic = {
            let mut state = self.inner.lock();
            state.draining.retain(|_, link| link.strong_count() > 0);
            state.draining.insert(key.clone(), Arc::downgrade(&link));
            // New pods of this name count anew.
            state.traffic.remove(&key)
        };
        drop(link);
        async move {
            if let Some(traffic) = traffic
                && tokio::time::timeout(limit, traffic.drain()).await.is_err()
            {
                tracing::debug!(namespace = key.0, pod = key.1, "connections outlast the time for draining");
            }
        }
        .boxed()
    }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn slice_changed(self: &Arc<Self>, kind: WatchEventKind, slice: &Value) {
        self.lock().backends.changed(kind == WatchEventKind::Deleted, slice);
        self.changed.send_modify(|count| *count += 1);
    }

    /// Serves one connection to a Service's port.
    async fn serve(self: Arc<Self>, client: TcpStream, service: Key, port: u16) {
        match self.connect(&service, port).await {
            Some((server, traffic)) => pump::pump(client, server, &traffic).await,
            None => {
                tracing::debug!(namespace = service.0, name = service.1, port, "no ready endpoint in time");
            }
        }
    }

    /// Connects to a ready endpoint, another one where the first does not answer; waits where there is none.
    async fn connect(&self, service: &Key, port: u16) -> Option<(TcpStream, Arc<Traffic>)> {
        let deadline = tokio::time::Instant::now() + LONGEST_WAIT;
        let mut changed = self.changed.subscribe();
        loop {
            changed.borrow_and_update();
            for target in self.candidates(service, port) {
                if let Some(connected) = self.dial(&target).await {
                    return Some(connected);
                }
            }
            // Endpoints may change, or a pod begin to listen.
            let pause = tokio::time::sleep(Duration::from_millis(100));
            tokio::select! {
                _ = changed.changed() => {}
                () = pause => {}
            }
            if tokio::time::Instant::now() >= deadline {
                return None;
            }
        }
    }

    /// Endpoints in the order in which they are to be tried: the ready ones by turns; without any, those that still
    /// serve while they end.
    fn candidates(&self, service: &Key, port: u16) -> Vec<Target> {
        let mut state = self.lock();
        let Some(port_name) = state.services.get(service).and_then(|s| port_name(&s.spec, port)) else {
            return Vec::new();
        };
        state.turn = state.turn.wrapping_add(1);
        let turn = state.turn;
        let all = state.backends.of(service, &port_name);
        let drains = |target: &Target| match target {
            Target::Pod { namespace, pod, .. } => {
                let key = (namespace.clone(), pod.clone());
                let link = self.network.link(namespace, pod);
                state.draining.get(&key).is_some_and(|marked| match (&link, marked.upgrade()) {
                    (Some(link), Some(marked)) => Arc::ptr_eq(link, &marked),
                    _ => false,
                })
            }
            Target::Address(_) => false,
        };
        let ready: Vec<_> = all.iter().filter(|b| b.ready && !drains(&b.target)).map(|b| b.target.clone()).collect();
        let mut targets = if ready.is_empty() {
            all.iter().filter(|b| b.serving && !drains(&b.target)).map(|b| b.target.clone()).collect()
        } else {
            ready
        };
        if !targets.is_empty() {
            let by = turn % targets.len();
            targets.rotate_left(by);
        }
        targets
    }

    async fn dial(&self, target: &Target) -> Option<(TcpStream, Arc<Traffic>)> {
        match target {
            Target::Pod { namespace, pod, port } => {
                let link = self.network.link(namespace, pod)?;
                let stream = tokio::time::timeout(DIAL_TIMEOUT, link.dial_port(*port)).await.ok()?.ok()?;
                let key = (namespace.clone(), pod.clone());
                let mut state = self.lock();
                if state.draining.get(&key).is_some_and(|marked| marked.as_ptr() == Arc::as_ptr(&link)) {
                    // It began to end while it was dialled.
                    return None;
                }
                Some((stream, state.traffic.entry(key).or_default().clone()))
            }
            Target::Address(address) => {
                let stream = tokio::time::timeout(DIAL_TIMEOUT, TcpStream::connect(address)).await.ok()?.ok()?;
                Some((stream, Arc::default()))
            }
        }
    }
}

/// The name of a Service's port, as EndpointSlices call it.
fn port_name(spec: &Value, port: u16) -> Option<String> {
    let mut ports = spec["ports"].as_array().into_iter().flatten();
    let found = ports.find(|p| p["port"].as_u64() == Some(u64::from(port)))?;
    Some(found["name"].as_str().unwrap_or_default().to_owned())
}

/// Follows all objects of a resource for ever, over lost watches.
async fn follow(inner: Arc<Inner>, resource: &'static ResourceId, changed: fn(&Arc<Inner>, WatchEventKind, &Value)) {
    let mut known: BTreeMap<Key, Arc<Value>> = BTreeMap::new();
    loop {
        let list = match inner.api.list(resource, None, &Default::default()) {
            Ok(list) => list,
            Err(error) => {
                tracing::error!(%error, %resource, "could not list what Services need");
                tokio::time::sleep(Duration::from_secs(1)).await;
                continue;
            }
        };
        let now: BTreeMap<Key, Arc<Value>> = list.items.into_iter().map(|o| (key_of(&o), o)).collect();
        for (_, gone) in known.iter().filter(|(key, _)| !now.contains_key(*key)) {
            changed(&inner, WatchEventKind::Deleted, gone);
        }
        now.values().for_each(|object| changed(&inner, WatchEventKind::Modified, object));
        known = now;
        let options = WatchOptions { resource_version: Some(list.resource_version), ..WatchOptions::default() };
        let Ok(mut watch) = inner.api.watch(resource, None, &options) else { continue };
        while let Ok(event) = watch.next().await {
            match event.kind {
                WatchEventKind::Bookmark => continue,
                WatchEventKind::Deleted => drop(known.remove(&key_of(&event.object))),
                _ => drop(known.insert(key_of(&event.object), event.object.clone())),
            }
            changed(&inner, event.kind, &event.object);
        }
    }
}

fn key_of(object: &Value) -> Key {
    let text = |field: &str| object["metadata"][field].as_str().unwrap_or_default().to_owned();
    (text("namespace"), text("name"))
}

/// Loopback.
const LOCALHOST: Ipv4Addr = Ipv4Addr::LOCALHOST;
