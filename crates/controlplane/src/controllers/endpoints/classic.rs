use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::target;
use crate::control_loop::{Change, Cluster, Context, Controller, Key};
use crate::error::Error;
use crate::kind;
use crate::object::{Fields, pod, template};

const MANAGED_BY: &str = "endpoints.kubernetes.io/managed-by";
const HEADLESS: &str = "service.kubernetes.io/headless";
const MANAGER: &str = "endpoint-controller";
const OVER_CAPACITY: &str = "endpoints.kubernetes.io/over-capacity";
/// How many addresses one object holds; Kubernetes cuts off what is more.
const LARGEST: usize = 1000;

/// Keeps the Endpoints of Services with a selector: what EndpointSlices have replaced, for clients that still read it.
///
/// Source of the rules: `pkg/controller/endpoint` of Kubernetes 1.36, without trigger times.
#[derive(Debug, Default)]
pub(crate) struct EndpointsController;

impl Controller for EndpointsController {
    fn name(&self) -> &'static str {
        "endpoint-controller"
    }

    fn keys(&mut self, change: &Change, cluster: &Cluster) -> Vec<Key> {
        if change.is(kind::ENDPOINTS) {
            let ours = change.object().is_some_and(|e| e.label(MANAGED_BY) == Some(MANAGER));
            return if ours { vec![change.key()] } else { Vec::new() };
        }
        target::services(change, cluster)
    }

    fn reconcile(&mut self, context: &mut Context<'_>, key: &Key) -> Result<(), Error> {
        let present = context.cluster.get(kind::ENDPOINTS, key);
        let Some(service) = context.cluster.get(kind::SERVICE, key) else {
            let ours = present.filter(|e| e.label(MANAGED_BY) == Some(MANAGER));
            return ours.map_or(Ok(()), |e| context.cluster.delete(kind::ENDPOINTS, &e));
        };
        if !target::is_served(&service) {
            return Ok(());
        }
        let (subsets, cut) = subsets(context.cluster, &service);
        let mut changed = present.as_deref().cloned().unwrap_or_else(|| {
            json!({"apiVersion": "v1", "kind": "Endpoints",
                   "metadata": {"name": service.name(), "namespace": service.namespace()}})
        });
        changed.put("/metadata/labels", labels(&service));
        changed.put("/subsets", if subsets.is_empty() { Value::Null } else { Value::from(subsets) });
        if cut {
            changed.annotate(OVER_CAPACITY, "truncated");
        } else if let Some(notes) = changed.pointer_mut("/metadata/annotations").and_then(Value::as_object_mut) {
            notes.remove(OVER_CAPACITY);
        }
        let Some(present) = present else {
            return match context.cluster.create(kind::ENDPOINTS, changed) {
                Err(error) if error.is_namespace_terminating() => Ok(()),
                made => made.map(drop),
            };
        };
        if template::same(&changed, &present) {
            Ok(())
        } else {
            context.cluster.update(kind::ENDPOINTS, changed).map(drop)
        }
    }
}

/// Addresses with the same ports.
#[derive(Default)]
struct Group {
    ports: Vec<Value>,
    ready: Vec<Value>,
    others: Vec<Value>,
}

/// The addresses by their ports, and whether some had to be cut off.
fn subsets(cluster: &Cluster, service: &Value) -> (Vec<Value>, bool) {
    let all_ready = service.flag("/spec/publishNotReadyAddresses");
    let v6 = service.items("/spec/ipFamilies").first().and_then(Value::as_str) == Some("IPv6");
    let mut groups: BTreeMap<String, Group> = BTreeMap::new();
    let (mut number, mut cut) = (0, false);
    for pod in target::pods(cluster, service, all_ready) {
        let ports: Vec<Value> = target::ports(service, &pod);
        let portless = service.items("/spec/ports").is_empty() && !target::has_cluster_ip(service);
        let Some(ip) = target::addresses(&pod, v6).first().map(|ip| (*ip).to_owned()) else { continue };
        if ports.is_empty() && !portless {
            continue;
        }
        if number == LARGEST {
            cut = true;
            break;
        }
        number += 1;
        let mut address = json!({"ip": ip,
            "targetRef": {"kind": "Pod", "namespace": pod.namespace(), "name": pod.name(), "uid": pod.uid()}});
        if !pod.text("/spec/nodeName").is_empty() {
            address.put("/nodeName", pod.text("/spec/nodeName"));
        }
        if let Some(hostname) = target::hostname(service, &pod) {
            address.put("/hostname", hostname);
        }
        let group = groups.entry(Value::from(ports.clone()).to_string());
        let group = group.or_insert_with(|| Group { ports, ..Group::default() });
        if all_ready || pod::is_ready(&pod) { group.ready.push(address) } else { group.others.push(address) }
    }
    let subsets = groups.into_values().map(|Group { ports, mut ready, mut others }| {
        let mut subset = json!({});
        for (field, addresses) in [("/addresses", &mut ready), ("/notReadyAddresses", &mut others)] {
            addresses.sort_by_key(|a| (a.text("/ip").to_owned(), a.text("/targetRef/uid").to_owned()));
            if !addresses.is_empty() {
                subset.put(field, addresses.clone());
            }
        }
        if !ports.is_empty() {
            // An unnamed port has no name here, where a slice's has an empty one.
            let named = ports.into_iter().map(|mut port| {
                if port.text("/name").is_empty() {
                    port.put("/name", Value::Null);
                }
                port
            });
            subset.put("/ports", named.collect::<Vec<_>>());
        }
        subset
    });
    (subsets.collect(), cut)
}

fn labels(service: &Value) -> Value {
    let mut labels = crate::object::labels(service);
    labels.remove(HEADLESS);
    if !target::has_cluster_ip(service) {
        labels.insert(HEADLESS.to_owned(), Value::from(""));
    }
    labels.insert(MANAGED_BY.to_owned(), Value::from(MANAGER));
    Value::Object(labels)
}
