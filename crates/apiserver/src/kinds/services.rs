//! Addresses and node ports of Services.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::sync::{MutexGuard, PoisonError};

use serde_json::{Value, json};

use super::{items, object, str};
use crate::catalog::Resource;
use crate::metadata::text;
use crate::{Api, Cause, Status, resources};

/// The network that cluster addresses come from: 10.96.0.0/16.
const NETWORK: [u8; 2] = [10, 96];
/// Addresses given out by themselves start behind those that are chosen by hand.
const FIRST: u16 = 256;
const NODE_PORTS: std::ops::RangeInclusive<u16> = 30000..=32767;

/// What Services hold.
#[derive(Debug, Default)]
pub(crate) struct Addresses {
    hosts: BTreeSet<u16>,
    ports: BTreeSet<u16>,
}

/// What a write took, to give back where it comes to nothing.
#[derive(Debug, Default)]
pub(crate) struct Held {
    hosts: Vec<u16>,
    ports: Vec<u16>,
}

impl Held {
    /// Gives everything back.
    pub(crate) fn give_back(self, api: &Api) {
        let mut addresses = addresses(api);
        self.hosts.iter().for_each(|host| {
            addresses.hosts.remove(host);
        });
        self.ports.iter().for_each(|port| {
            addresses.ports.remove(port);
        });
    }
}

fn addresses(api: &Api) -> MutexGuard<'_, Addresses> {
    api.0.addresses.lock().unwrap_or_else(PoisonError::into_inner)
}

fn host_of(address: &str) -> Option<u16> {
    let [a, b, c, d] = address.parse::<Ipv4Addr>().ok()?.octets();
    ([a, b] == NETWORK).then(|| u16::from_be_bytes([c, d]))
}

fn address_of(host: u16) -> String {
    let [c, d] = host.to_be_bytes();
    Ipv4Addr::new(NETWORK[0], NETWORK[1], c, d).to_string()
}

/// Gives a Service its address and node ports; nothing to any other kind.
///
/// # Errors
/// 422 where an address or port that was asked for is taken or outside the range.
pub(crate) fn allocate(
    api: &Api,
    resource: &Resource,
    old: Option<&Value>,
    new: &mut Value,
    dry_run: bool,
) -> Result<Held, Status> {
    let mut held = Held::default();
    if resource.id != resources::SERVICES {
        return Ok(held);
    }
    let name = text(new, "name").to_owned();
    let done = fill(api, old, new, &name, &mut held);
    if done.is_err() || dry_run {
        std::mem::take(&mut held).give_back(api);
    }
    done.map(|()| held)
}

fn fill(api: &Api, old: Option<&Value>, new: &mut Value, name: &str, held: &mut Held) -> Result<(), Status> {
    let invalid = |field: &str, value: &str, why: &str| {
        let cause = Cause::new("FieldValueInvalid", field, format!("Invalid value: {value}: {why}"));
        Status::invalid("", "Service", name, vec![cause])
    };
    let before = |pointer: &str| old.and_then(|o| o.pointer(pointer)).cloned().unwrap_or(Value::Null);
    let (old_type, old_ip) = (before("/spec/type"), before("/spec/clusterIP"));
    let old_ports = before("/spec/ports");
    let Some(spec) = object(new, "/spec") else { return Ok(()) };
    let kind = str(spec, "type").to_owned();
    let mut addresses = addresses(api);
    if kind == "ExternalName" {
        for field in ["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"] {
            spec.remove(field);
        }
    } else {
        let first = spec.get("clusterIPs").and_then(|l| l.get(0)).and_then(Value::as_str).unwrap_or_default();
        let mut ip = match str(spec, "clusterIP") {
            "" => first.to_owned(),
            ip => ip.to_owned(),
        };
        // An update that does not say keeps the address.
        if ip.is_empty() && old_type != "ExternalName" {
            old_ip.as_str().unwrap_or_default().clone_into(&mut ip);
        }
        if ip.is_empty() {
            let host = (FIRST..=u16::MAX - 1).find(|host| !addresses.hosts.contains(host));
            let host = host.ok_or_else(|| Status::internal("failed to allocate a serviceIP: range is full"))?;
            addresses.hosts.insert(host);
            held.hosts.push(host);
            ip = address_of(host);
        } else if ip != "None" && old_ip != ip.as_str() {
            let quoted = format!("[{ip:?}]");
            let Some(host) = host_of(&ip) else {
                let why = format!("failed to allocate IP {ip}: the provided network does not match the current range");
                return Err(invalid("spec.clusterIPs", &quoted, &why));
            };
            if !addresses.hosts.insert(host) {
                let why = format!("failed to allocate IP {ip}: provided IP is already allocated");
                return Err(invalid("spec.clusterIPs", &quoted, &why));
            }
            held.hosts.push(host);
        }
        spec.insert("clusterIPs".to_owned(), json!([ip]));
        spec.insert("clusterIP".to_owned(), Value::from(ip));
        // A headless Service without selector may have any addresses.
        let selects = spec.get("selector").and_then(Value::as_object).is_some_and(|s| !s.is_empty());
        let (families, policy) = if spec["clusterIP"] == "None" && !selects {
            (json!(["IPv4", "IPv6"]), "RequireDualStack")
        } else {
            (json!(["IPv4"]), "SingleStack")
        };
        super::unless_set(spec, "ipFamilies", families);
        super::unless_set(spec, "ipFamilyPolicy", policy);
    }
    let wants_ports = match kind.as_str() {
        "NodePort" => true,
        "LoadBalancer" => spec.get("allocateLoadBalancerNodePorts").and_then(Value::as_bool) != Some(false),
        _ => false,
    };
    if !matches!(kind.as_str(), "NodePort" | "LoadBalancer") {
        items(spec, "ports").for_each(|port| {
            port.remove("nodePort");
        });
        return Ok(());
    }
    let old_ports: Vec<Value> = old_ports.as_array().cloned().unwrap_or_default();
    let number = |port: &Value, field: &str| port.get(field).and_then(Value::as_u64).unwrap_or(0);
    let owned: BTreeSet<u64> = old_ports.iter().map(|p| number(p, "nodePort")).filter(|n| *n != 0).collect();
    for (at, port) in items(spec, "ports").enumerate() {
        let asked = port.get("nodePort").and_then(Value::as_u64).unwrap_or(0);
        if asked != 0 {
            let port = u16::try_from(asked).ok().filter(|p| NODE_PORTS.contains(p));
            let field = format!("spec.ports[{at}].nodePort");
            let Some(port) = port else {
                let why = "provided port is not in the valid range. The range of valid ports is 30000-32767";
                return Err(invalid(&field, &asked.to_string(), why));
            };
            if !owned.contains(&asked) {
                if !addresses.ports.insert(port) {
                    return Err(invalid(&field, &asked.to_string(), "provided port is already allocated"));
                }
                held.ports.push(port);
            }
        } else if wants_ports {
            let same = |p: &&Value| p.get("port") == port.get("port") && p.get("protocol") == port.get("protocol");
            let before = old_ports.iter().find(same).map(|p| number(p, "nodePort")).filter(|n| *n != 0);
            let given = match before {
                Some(port) => port,
                None => {
                    let count = u64::from(NODE_PORTS.end() - NODE_PORTS.start()) + 1;
                    let start = api.0.random.below(count);
                    let candidates = (0..count).map(|i| *NODE_PORTS.start() + ((start + i) % count) as u16);
                    let free = candidates.into_iter().find(|port| !addresses.ports.contains(port));
                    let free = free.ok_or_else(|| Status::internal("failed to allocate a nodePort: range is full"))?;
                    addresses.ports.insert(free);
                    held.ports.push(free);
                    u64::from(free)
                }
            };
            port.insert("nodePort".to_owned(), Value::from(given));
        }
    }
    Ok(())
}

fn holdings(service: &Value) -> (Option<u16>, BTreeSet<u16>) {
    let host = service.pointer("/spec/clusterIP").and_then(Value::as_str).and_then(host_of);
    let ports = service.pointer("/spec/ports").and_then(Value::as_array).into_iter().flatten();
    let ports = ports.filter_map(|p| p.get("nodePort").and_then(Value::as_u64)).filter_map(|p| u16::try_from(p).ok());
    (host, ports.collect())
}

/// After a change: what the Service no longer holds is free.
pub(crate) fn give_back_changed(api: &Api, resource: &Resource, old: &Value, new: &Value) {
    if resource.id != resources::SERVICES {
        return;
    }
    let ((old_host, old_ports), (new_host, new_ports)) = (holdings(old), holdings(new));
    let mut addresses = addresses(api);
    if let Some(host) = old_host.filter(|_| old_host != new_host) {
        addresses.hosts.remove(&host);
    }
    for port in old_ports.difference(&new_ports) {
        addresses.ports.remove(port);
    }
}

/// After a delete.
pub(super) fn released(api: &Api, resource: &Resource, object: &Value) {
    if resource.id == resources::SERVICES {
        let (host, ports) = holdings(object);
        Held { hosts: host.into_iter().collect(), ports: ports.into_iter().collect() }.give_back(api);
    }
}
