//! The endpoints of Services, out of EndpointSlices.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use serde_json::Value;

use super::Key;

/// All endpoints.
#[derive(Debug, Default)]
pub(super) struct Backends {
    /// Slice → its Service and endpoints by port name.
    slices: BTreeMap<Key, Slice>,
}

#[derive(Debug)]
struct Slice {
    service: Key,
    ports: BTreeMap<String, Vec<Backend>>,
}

/// One endpoint of a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Backend {
    pub(super) target: Target,
    pub(super) ready: bool,
    pub(super) serving: bool,
}

/// Where an endpoint is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// A pod's container port.
    Pod { namespace: String, pod: String, port: u16 },
    /// An address that is no pod.
    Address(SocketAddr),
}

impl Backends {
    pub(super) fn changed(&mut self, deleted: bool, slice: &Value) {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let (namespace, name) = (text(&slice["metadata"]["namespace"]), text(&slice["metadata"]["name"]));
        let service = text(&slice["metadata"]["labels"]["kubernetes.io/service-name"]);
        if deleted || service.is_empty() || slice["addressType"] == "IPv6" {
            self.slices.remove(&(namespace, name));
            return;
        }
        let mut ports: BTreeMap<String, Vec<Backend>> = BTreeMap::new();
        for port in slice["ports"].as_array().into_iter().flatten() {
            let Some(number) = port["port"].as_u64().and_then(|p| u16::try_from(p).ok()) else { continue };
            let backends = ports.entry(text(&port["name"])).or_default();
            for endpoint in slice["endpoints"].as_array().into_iter().flatten() {
                let Some(target) = target(endpoint, &namespace, number) else { continue };
                let conditions = &endpoint["conditions"];
                let ready = conditions["ready"].as_bool().unwrap_or(true);
                backends.push(Backend { target, ready, serving: conditions["serving"].as_bool().unwrap_or(ready) });
            }
        }
        self.slices.insert((namespace.clone(), name), Slice { service: (namespace, service), ports });
    }

    /// The endpoints of a Service's port, each once.
    pub(super) fn of(&self, service: &Key, port_name: &str) -> Vec<Backend> {
        let mut found: Vec<Backend> = Vec::new();
        let slices = self.slices.values().filter(|slice| slice.service == *service);
        for backend in slices.filter_map(|slice| slice.ports.get(port_name)).flatten() {
            if !found.iter().any(|known| known.target == backend.target) {
                found.push(backend.clone());
            }
        }
        found
    }
}

fn target(endpoint: &Value, namespace: &str, port: u16) -> Option<Target> {
    if endpoint["targetRef"]["kind"] == "Pod" {
        let pod = endpoint["targetRef"]["name"].as_str()?.to_owned();
        return Some(Target::Pod { namespace: namespace.to_owned(), pod, port });
    }
    let address = endpoint["addresses"][0].as_str()?.parse().ok()?;
    Some(Target::Address(SocketAddr::new(address, port)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn slices_add_up() {
        let mut backends = Backends::default();
        let slice = |name: &str, pod: &str, ready: bool| {
            json!({"metadata": {"namespace": "n", "name": name, "labels": {"kubernetes.io/service-name": "web"}},
                "ports": [{"name": "http", "port": 80}],
                "endpoints": [{"addresses": ["10.0.0.1"], "targetRef": {"kind": "Pod", "name": pod},
                               "conditions": {"ready": ready, "serving": true}}]})
        };
        backends.changed(false, &slice("a", "p1", true));
        backends.changed(false, &slice("b", "p2", false));
        let service = ("n".to_owned(), "web".to_owned());
        let of = |backends: &Backends| {
            backends.of(&service, "http").into_iter().map(|b| (b.ready, b.serving)).collect::<Vec<_>>()
        };
        assert_eq!(of(&backends), [(true, true), (false, true)]);
        assert!(backends.of(&service, "other").is_empty());
        backends.changed(true, &slice("a", "p1", true));
        assert_eq!(of(&backends), [(false, true)]);
    }
}
