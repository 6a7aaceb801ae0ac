use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::target;
use crate::control_loop::{Change, Cluster, Context, Controller, Key};
use crate::error::Error;
use crate::kind;
use crate::object::{Fields, owner, pod, template};

const SERVICE_NAME: &str = "kubernetes.io/service-name";
const MANAGED_BY: &str = "endpointslice.kubernetes.io/managed-by";
const HEADLESS: &str = "service.kubernetes.io/headless";
const MANAGER: &str = "endpointslice-controller.k8s.io";
/// How many endpoints one slice holds.
const LARGEST: usize = 100;

/// Keeps the EndpointSlices of Services with a selector.
///
/// Source of the rules: `k8s.io/endpointslice` of Kubernetes 1.36, without topology hints and trigger times.
#[derive(Debug, Default)]
pub(crate) struct EndpointSliceController;

/// A slice as it should be, but for its name.
struct Wanted {
    ports: Vec<Value>,
    endpoints: Vec<Value>,
}

impl Controller for EndpointSliceController {
    fn name(&self) -> &'static str {
        "endpoint-slice-controller"
    }

    fn keys(&mut self, change: &Change, cluster: &Cluster) -> Vec<Key> {
        if !change.is(kind::ENDPOINT_SLICE) {
            return target::services(change, cluster);
        }
        let slices = change.old.iter().chain(&change.new).filter(|s| s.label(MANAGED_BY) == Some(MANAGER));
        slices.filter_map(|s| Some(Key::new(s.namespace(), s.label(SERVICE_NAME)?))).collect()
    }

    fn reconcile(&mut self, context: &mut Context<'_>, key: &Key) -> Result<(), Error> {
        let Some(service) = context.cluster.get(kind::SERVICE, key) else { return Ok(()) };
        if service.is_terminating() || !target::is_served(&service) {
            return Ok(());
        }
        let families: Vec<&str> = service.items("/spec/ipFamilies").iter().filter_map(Value::as_str).collect();
        let families = if families.is_empty() { vec!["IPv4"] } else { families };
        let slices = context.cluster.list(kind::ENDPOINT_SLICE, service.namespace());
        let ours = |s: &&Arc<Value>| {
            s.label(SERVICE_NAME) == Some(service.name())
                && s.label(MANAGED_BY) == Some(MANAGER)
                && owner::is_controlled_by(s, &service)
                && !s.is_terminating()
        };
        let present: Vec<Arc<Value>> = slices.iter().filter(ours).cloned().collect();
        for slice in present.iter().filter(|s| !families.contains(&s.text("/addressType"))) {
            context.cluster.delete(kind::ENDPOINT_SLICE, slice)?;
        }
        for family in families {
            let present = present.iter().filter(|s| s.text("/addressType") == family).cloned().collect();
            apply(context, &service, family, wanted(context.cluster, &service, family == "IPv6"), present)?;
        }
        Ok(())
    }
}

/// The slices of one family of addresses: pods with the same port numbers together, at least one slice.
fn wanted(cluster: &Cluster, service: &Value, v6: bool) -> Vec<Wanted> {
    let mut groups: BTreeMap<String, Wanted> = BTreeMap::new();
    for pod in target::pods(cluster, service, true) {
        let ports = target::ports(service, &pod);
        let addresses = target::addresses(&pod, v6);
        let portless = service.items("/spec/ports").is_empty() && !target::has_cluster_ip(service);
        if addresses.is_empty() || ports.is_empty() && !portless {
            continue;
        }
        let endpoint = endpoint(service, &pod, &addresses);
        let group = groups.entry(Value::from(ports.clone()).to_string());
        group.or_insert_with(|| Wanted { ports, endpoints: Vec::new() }).endpoints.push(endpoint);
    }
    let mut slices = Vec::new();
    for group in groups.into_values() {
        for endpoints in group.endpoints.chunks(LARGEST) {
            slices.push(Wanted { ports: group.ports.clone(), endpoints: endpoints.to_vec() });
        }
    }
    if slices.is_empty() {
        slices.push(Wanted { ports: Vec::new(), endpoints: Vec::new() });
    }
    slices
}

fn endpoint(service: &Value, pod: &Value, addresses: &[&str]) -> Value {
    let (serving, terminating) = (pod::is_ready(pod), pod.is_terminating());
    let ready = service.flag("/spec/publishNotReadyAddresses") || serving && !terminating;
    let mut endpoint = json!({
        "addresses": addresses,
        "conditions": {"ready": ready, "serving": serving, "terminating": terminating},
        "targetRef": {"kind": "Pod", "namespace": pod.namespace(), "name": pod.name(), "uid": pod.uid()},
    });
    if !pod.text("/spec/nodeName").is_empty() {
        endpoint.put("/nodeName", pod.text("/spec/nodeName"));
    }
    if let Some(hostname) = target::hostname(service, pod) {
        endpoint.put("/hostname", hostname);
    }
    endpoint
}

/// Makes the slices that are there those that are wanted: rather changes one than deletes it and makes another.
fn apply(
    context: &mut Context<'_>,
    service: &Value,
    family: &str,
    mut wanted: Vec<Wanted>,
    mut present: Vec<Arc<Value>>,
) -> Result<(), Error> {
    let mut pairs: Vec<(Arc<Value>, Wanted)> = Vec::new();
    let mut unmatched = Vec::new();
    for slice in wanted.drain(..) {
        match present.iter().position(|p| template::same(&p["ports"], &Value::from(slice.ports.clone()))) {
            Some(at) => pairs.push((present.remove(at), slice)),
            None => unmatched.push(slice),
        }
    }
    let mut unmatched = unmatched.into_iter();
    while !present.is_empty() {
        let Some(slice) = unmatched.next() else { break };
        pairs.push((present.remove(0), slice));
    }
    let labels = labels(service);
    for (slice, wanted) in pairs {
        let mut changed = Value::clone(&slice);
        changed.put("/metadata/labels", labels.clone());
        changed.put("/ports", wanted.ports);
        changed.put("/endpoints", settled(slice.items("/endpoints"), wanted.endpoints));
        if !template::same(&changed, &slice) {
            context.cluster.update(kind::ENDPOINT_SLICE, changed)?;
        }
    }
    for wanted in unmatched {
        let made = json!({
            "apiVersion": kind::ENDPOINT_SLICE.api_version(), "kind": kind::ENDPOINT_SLICE.kind,
            "metadata": {
                "generateName": format!("{}-", service.name()), "namespace": service.namespace(), "labels": labels,
                "ownerReferences": [owner::controller_reference(kind::SERVICE, service)],
            },
            "addressType": family, "ports": wanted.ports, "endpoints": wanted.endpoints,
        });
        match context.cluster.create(kind::ENDPOINT_SLICE, made) {
            Err(error) if error.is_namespace_terminating() => return Ok(()),
            made => drop(made?),
        }
    }
    for slice in present {
        context.cluster.delete(kind::ENDPOINT_SLICE, &slice)?;
    }
    Ok(())
}

/// The wanted endpoints, those that are there already in their present order.
fn settled(present: &[Value], wanted: Vec<Value>) -> Vec<Value> {
    let uid = |endpoint: &Value| endpoint.text("/targetRef/uid").to_owned();
    let place: BTreeMap<String, usize> = present.iter().enumerate().map(|(at, e)| (uid(e), at)).collect();
    let mut endpoints = wanted;
    endpoints.sort_by_key(|e| place.get(&uid(e)).copied().unwrap_or(usize::MAX));
    endpoints
}

fn labels(service: &Value) -> Value {
    let mut labels = crate::object::labels(service);
    labels.remove(HEADLESS);
    if !target::has_cluster_ip(service) {
        labels.insert(HEADLESS.to_owned(), Value::from(""));
    }
    labels.insert(SERVICE_NAME.to_owned(), Value::from(service.name()));
    labels.insert(MANAGED_BY.to_owned(), Value::from(MANAGER));
    Value::Object(labels)
}
