//! What a Service's pods offer: addresses and ports.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::control_loop::{Change, Cluster, Key};
use crate::kind;
use crate::object::{Fields, Selector, pod};

/// The Services that the change of an object concerns.
pub(super) fn services(change: &Change, cluster: &Cluster) -> Vec<Key> {
    if change.is(kind::SERVICE) {
        return vec![change.key()];
    }
    if !change.is(kind::POD) {
        return Vec::new();
    }
    // What endpoints do not show is no reason to look.
    let shown = |p: &Value| {
        let status = (p["status"]["podIPs"].clone(), pod::is_ready(p), pod::is_finished(p));
        (p["metadata"]["labels"].clone(), p.is_terminating(), p["spec"]["nodeName"].clone(), status)
    };
    if let (Some(old), Some(new)) = (&change.old, &change.new)
        && old.uid() == new.uid()
        && shown(old) == shown(new)
    {
        return Vec::new();
    }
    let all = cluster.list(kind::SERVICE, &change.key().namespace);
    let selects = |service: &Value| {
        let selector = Selector::of_map(service.pointer("/spec/selector"));
        change.old.iter().chain(&change.new).any(|pod| selector.matches(pod))
    };
    all.iter().filter(|service| selects(service)).map(|service| Key::of(service)).collect()
}

/// Does a controller make endpoints for the Service? Without a selector somebody else does.
pub(super) fn is_served(service: &Value) -> bool {
    service.text("/spec/type") != "ExternalName" && service.has("/spec/selector")
}

/// The pods that a Service selects and that can be reached; those on their way out only if asked for.
pub(super) fn pods(cluster: &Cluster, service: &Value, leaving_too: bool) -> Vec<Arc<Value>> {
    let selector = Selector::of_map(service.pointer("/spec/selector"));
    let mut pods = cluster.list(kind::POD, service.namespace());
    pods.retain(|p| {
        let reachable = !p.text("/status/podIP").is_empty() || !p.items("/status/podIPs").is_empty();
        selector.matches(p) && !pod::is_finished(p) && reachable && (leaving_too || !p.is_terminating())
    });
    pods
}

/// Has the Service an address of its own?
pub(super) fn has_cluster_ip(service: &Value) -> bool {
    !matches!(service.text("/spec/clusterIP"), "" | "None")
}

/// The addresses of a pod, of IPv6 or IPv4.
pub(super) fn addresses(pod: &Value, v6: bool) -> Vec<&str> {
    let all = pod.items("/status/podIPs").iter().map(|ip| ip.text("/ip"));
    let all: Vec<&str> =
        if pod.items("/status/podIPs").is_empty() { vec![pod.text("/status/podIP")] } else { all.collect() };
    all.into_iter().filter(|ip| !ip.is_empty() && ip.contains(':') == v6).collect()
}

/// The ports of a Service as numbers of a pod's; one whose name the pod does not have is left out.
pub(super) fn ports(service: &Value, pod: &Value) -> Vec<Value> {
    let ports = service.items("/spec/ports").iter().filter_map(|port| {
        let protocol = if port.text("/protocol").is_empty() { "TCP" } else { port.text("/protocol") };
        let number = port_number(port, protocol, pod)?;
        let mut endpoint = json!({"name": port.text("/name"), "port": number, "protocol": protocol});
        if port.has("/appProtocol") {
            endpoint.put("/appProtocol", port["appProtocol"].clone());
        }
        Some(endpoint)
    });
    let mut ports: Vec<Value> = ports.collect();
    ports.sort_by_key(|p| (p.text("/name").to_owned(), p.text("/protocol").to_owned(), p.int("/port")));
    ports
}

fn port_number(port: &Value, protocol: &str, pod: &Value) -> Option<i64> {
    match port.get("targetPort") {
        None | Some(Value::Null) => port.int("/port"),
        Some(Value::String(name)) => {
            let sidecars = pod.items("/spec/initContainers").iter().filter(|c| pod::is_sidecar(c));
            let named = pod.items("/spec/containers").iter().chain(sidecars).flat_map(|c| c.items("/ports"));
            let protocol_of = |p: &Value| {
                if p.text("/protocol").is_empty() { "TCP".to_owned() } else { p.text("/protocol").to_owned() }
            };
            named
                .filter(|p| p.text("/name") == name && protocol_of(p) == protocol)
                .find_map(|p| p.int("/containerPort"))
        }
        // 0 stands for the Service's own port, as where nothing is written.
        Some(number) => number.as_i64().filter(|n| *n != 0).or_else(|| port.int("/port")),
    }
}

/// The host name that an endpoint is given: a pod's in a headless Service of its subdomain.
pub(super) fn hostname<'a>(service: &Value, pod: &'a Value) -> Option<&'a str> {
    let name = pod.text("/spec/hostname");
    (!name.is_empty() && pod.text("/spec/subdomain") == service.name()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_by_number_and_by_name() {
        let pod = json!({"spec": {"containers": [{"ports": [{"name": "http", "containerPort": 8080}]}]}});
        let service = |target: Value| json!({"spec": {"ports": [{"name": "web", "port": 80, "protocol": "TCP", "targetPort": target}]}});
        let number = |target: Value| ports(&service(target), &pod).first().and_then(|p| p.int("/port"));
        assert_eq!(number(json!("http")), Some(8080));
        assert_eq!(number(json!(9090)), Some(9090));
        assert_eq!(number(Value::Null), Some(80));
        assert_eq!(number(json!("grpc")), None);
    }
}
