//! Where Services are listened on on this machine.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bowline_apiserver::{Patch, WatchEventKind, WriteOptions, resources};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::{Inner, Key, LOCALHOST, Listener, Listening, holder, key_of};
use crate::node::events::{About, Severity};

/// How often a port that was in use is tried again.
const RETRY: Duration = Duration::from_secs(5);

impl Inner {
    pub(super) fn service_changed(self: &Arc<Self>, kind: WatchEventKind, service: &Value) {
        let key = key_of(service);
        let spec = &service["spec"];
        let mut state = self.lock();
        if kind == WatchEventKind::Deleted || spec["type"] == "ExternalName" {
            state.services.remove(&key);
        } else if state.services.get(&key).is_some_and(|known| known.spec == *spec) {
            return;
        } else {
            // Ports that stay the same are taken over, so that connections are not refused meanwhile.
            let old = state.services.remove(&key);
            let (listening, problem) = self.listen(&key, spec, old);
            let addresses: Vec<SocketAddr> = listening.ports.values().map(|l| l.address).collect();
            let degraded = listening.degraded;
            state.services.insert(key.clone(), listening);
            drop(state);
            self.tell(&key, service, problem.as_deref());
            if spec["type"] == "LoadBalancer" && !degraded {
                self.set_ingress(&key, spec, &addresses);
            }
        }
        self.changed.send_modify(|count| *count += 1);
    }

    fn listen(self: &Arc<Self>, key: &Key, spec: &Value, old: Option<Listening>) -> (Listening, Option<String>) {
        let mut old = old.map(|old| old.ports).unwrap_or_default();
        let mut ports = BTreeMap::new();
        let mut problem = None;
        for (index, port) in spec["ports"].as_array().into_iter().flatten().enumerate() {
            let number = |field: &str| port[field].as_u64().and_then(|p| u16::try_from(p).ok());
            let Some(service_port) = number("port") else { continue };
            if port["protocol"].as_str().is_some_and(|protocol| protocol != "TCP") {
                continue;
            }
            let wanted = match spec["type"].as_str() {
                Some("LoadBalancer") => {
                    let own = self.local_ports.get(&key.1);
                    let own = self.local_ports.get(&format!("{}/{}", key.0, key.1)).or(own).copied();
                    Some(own.filter(|_| index == 0).unwrap_or(service_port))
                }
                Some("NodePort") => number("nodePort"),
                _ => None,
            };
            let kept = old.remove(&service_port);
            if let Some(kept) = kept
                && wanted.is_none_or(|wanted| wanted == kept.address.port())
            {
                ports.insert(service_port, kept);
                continue;
            }
            let bound = match wanted.map(|wanted| (wanted, bind(wanted))) {
                Some((wanted, Err(error))) => {
                    problem = Some(in_use(key, service_port, wanted, &error));
                    bind(0)
                }
                Some((_, bound)) => bound,
                None => bind(0),
            };
            match bound {
                Ok((listener, address)) => {
                    let task = tokio::spawn(accept(self.clone(), listener, key.clone(), service_port)).abort_handle();
                    ports.insert(service_port, Listener { address, task });
                }
                Err(error) => problem = Some(format!("no local port for port {service_port}: {error}")),
            }
        }
        (Listening { spec: spec.clone(), ports, degraded: problem.is_some() }, problem)
    }

    fn tell(&self, key: &Key, service: &Value, problem: Option<&str>) {
        let Some(problem) = problem else { return };
        let about = About {
            kind: "Service",
            namespace: key.0.clone(),
            name: key.1.clone(),
            uid: service["metadata"]["uid"].as_str().unwrap_or_default().to_owned(),
            field_path: String::new(),
        };
        let message = format!("Error syncing load balancer: failed to ensure load balancer: {problem}");
        self.events.record(&about, Severity::Warning, "SyncLoadBalancerFailed", &message);
    }

    fn set_ingress(&self, key: &Key, spec: &Value, addresses: &[SocketAddr]) {
        let names = spec["ports"].as_array().into_iter().flatten();
        let ports: Vec<Value> =
            names.zip(addresses).map(|(_, address)| json!({"port": address.port(), "protocol": "TCP"})).collect();
        let status = json!({"status": {"loadBalancer": {"ingress": [{"ip": LOCALHOST.to_string(), "ports": ports}]}}});
        let patched = self.api.patch(
            &resources::SERVICES,
            &key.0,
            &key.1,
            Some("status"),
            &Patch::Merge(status),
            &WriteOptions::by("service-proxy"),
        );
        if let Err(error) = patched {
            tracing::warn!(%error, namespace = key.0, name = key.1, "could not write a Service's address");
        }
    }
}

fn bind(port: u16) -> std::io::Result<(TcpListener, SocketAddr)> {
    let listener = std::net::TcpListener::bind((LOCALHOST, port))?;
    listener.set_nonblocking(true)?;
    let listener = TcpListener::from_std(listener)?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

/// Why a port cannot be had, who has it, and what to do.
fn in_use(key: &Key, port: u16, wanted: u16, error: &std::io::Error) -> String {
    let (namespace, name) = key;
    let why = match error.kind() {
        std::io::ErrorKind::AddrInUse => match holder::of_port(wanted) {
            Some(holder) => format!("port {wanted} is in use by {holder}"),
            None => format!("port {wanted} is in use"),
        },
        std::io::ErrorKind::PermissionDenied => format!("port {wanted} needs more rights: {error}"),
        _ => format!("port {wanted}: {error}"),
    };
    format!(
        "{why}: Service {namespace}/{name} port {port} is not at 127.0.0.1:{wanted}; choose another with \
         `--port {name}=PORT`, or local.ports in bowline.yaml"
    )
}

pub(super) async fn accept(inner: Arc<Inner>, listener: TcpListener, service: Key, port: u16) {
    loop {
        match listener.accept().await {
            Ok((client, _)) => drop(tokio::spawn(inner.clone().serve(client, service.clone(), port))),
            Err(error) => {
                // Out of file descriptors: they come back as connections end.
                tracing::warn!(%error, "could not accept a connection");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

/// Tries ports again that were in use.
pub(super) async fn retry_ports(inner: Arc<Inner>) {
    loop {
        tokio::time::sleep(RETRY).await;
        let degraded: Vec<Key> = {
            let mut state = inner.lock();
            let keys = state.services.iter().filter(|(_, s)| s.degraded).map(|(key, _)| key.clone()).collect();
            state.services.values_mut().filter(|s| s.degraded).for_each(|s| s.spec = Value::Null);
            keys
        };
        for (namespace, name) in degraded {
            if let Ok(service) = inner.api.get(&resources::SERVICES, &namespace, &name) {
                inner.service_changed(WatchEventKind::Modified, &service);
            }
        }
    }
}
