//! What clients cannot set, or not change.

use serde_json::{Value, json};

use super::{made, object};
use crate::catalog::Resource;

/// A new object begins with the status that its kind begins with, whatever the client says.
pub(crate) fn prepare_new(resource: &Resource, value: &mut Value) {
    let starts_with = match (&*resource.id.group, &*resource.id.plural) {
        ("", "pods") => {
            let class = qos_class(value.get("spec").unwrap_or(&Value::Null));
            Some(json!({"phase": "Pending", "qosClass": class}))
        }
        ("", "namespaces") => Some(json!({"phase": "Active"})),
        ("", "persistentvolumeclaims" | "persistentvolumes") => Some(json!({"phase": "Pending"})),
        ("", "services") => Some(json!({"loadBalancer": {}})),
        // Nodes register with their status.
        ("", "nodes") => None,
        _ => resource.subresource("status").is_some().then(|| crate::write::empty_status(resource)),
    };
    if let (Some(status), Some(fields)) = (starts_with, value.as_object_mut()) {
        if status.is_null() {
            fields.remove("status");
        } else {
            fields.insert("status".to_owned(), status);
        }
    }
    if resource.id == crate::resources::DAEMON_SETS {
        template_generation(value, 1);
    }
}

/// Daemon sets count the changes of their template in an annotation.
fn template_generation(value: &mut Value, generation: i64) {
    if let Some(annotations) = crate::metadata::of(value).and_then(|m| made(m, "annotations")) {
        annotations.insert(TEMPLATE_GENERATION.to_owned(), Value::from(generation.to_string()));
    }
}

const TEMPLATE_GENERATION: &str = "deprecated.daemonset.template.generation";

/// What is said twice is made to say the same, and what this write does not reach stays, before ownership is told.
pub(crate) fn convert_changed(resource: &Resource, subresource: Option<&str>, old: &Value, new: &mut Value) {
    // A Deployment's status may come with new annotations (its revision), not with new labels.
    if resource.id == crate::resources::DEPLOYMENTS && subresource == Some("status") {
        let labels = old.pointer("/metadata/labels").cloned().unwrap_or(Value::Null);
        crate::metadata::set(new, "labels", labels);
    }
    if resource.id == crate::resources::PODS {
        same_addresses(new);
    }
    if resource.id == crate::resources::DAEMON_SETS {
        let count = old.pointer("/metadata/annotations").and_then(|a| a.get(TEMPLATE_GENERATION));
        let count: i64 = count.and_then(Value::as_str).and_then(|c| c.parse().ok()).unwrap_or(1);
        let changed = old.pointer("/spec/template") != new.pointer("/spec/template");
        template_generation(new, if changed { count + 1 } else { count });
    }
}

/// What a change of one part must not touch.
pub(crate) fn prepare_changed(resource: &Resource, subresource: Option<&str>, old: &Value, new: &mut Value) {
    if resource.id == crate::resources::CUSTOM_RESOURCE_DEFINITIONS && subresource.is_none() {
        let since = crate::metadata::text(old, "creationTimestamp").to_owned();
        crate::custom::complete(new, &since);
    }
    if resource.id == crate::resources::SERVICES {
        drop_what_the_type_has_not(old, new);
    }
    if resource.id == crate::resources::NAMESPACES && subresource != Some("finalize") {
        let finalizers = old.pointer("/spec/finalizers").cloned();
        if let (Some(spec), Some(finalizers)) = (new.as_object_mut().and_then(|n| made(n, "spec")), finalizers) {
            spec.insert("finalizers".to_owned(), finalizers);
        }
    }
}

/// A Service that changes its type loses what only the old type has, unless the change speaks of it.
fn drop_what_the_type_has_not(old: &Value, new: &mut Value) {
    let before = old.get("spec").cloned().unwrap_or(Value::Null);
    let Some(spec) = object(new, "/spec") else { return };
    let (was, is) =
        (before.get("type").and_then(Value::as_str).unwrap_or_default(), super::str(spec, "type").to_owned());
    if was == is {
        return;
    }
    let balanced = is == "LoadBalancer";
    let external = matches!(is.as_str(), "NodePort" | "LoadBalancer");
    for (field, kept) in [
        ("allocateLoadBalancerNodePorts", balanced),
        ("loadBalancerClass", balanced),
        ("healthCheckNodePort", balanced),
        ("externalTrafficPolicy", external),
        ("internalTrafficPolicy", is != "ExternalName"),
    ] {
        if !kept && spec.get(field) == before.get(field) {
            spec.remove(field);
        }
    }
}

/// A pod's one address and its list of addresses say the same.
fn same_addresses(pod: &mut Value) {
    let Some(status) = object(pod, "/status") else { return };
    let first = status.get("podIPs").and_then(|l| l.get(0)).and_then(|ip| ip.get("ip")).cloned();
    match (super::str(status, "podIP").to_owned(), first) {
        (ip, first) if !ip.is_empty() && first.as_ref().and_then(Value::as_str) != Some(ip.as_str()) => {
            status.insert("podIPs".to_owned(), json!([{ "ip": ip }]));
        }
        (ip, Some(first)) if ip.is_empty() => {
            status.insert("podIP".to_owned(), first);
        }
        _ => {}
    }
}

/// How badly the pod wants its resources: `Guaranteed`, `Burstable` or `BestEffort`.
fn qos_class(spec: &Value) -> &'static str {
    let list = |field: &str| spec.get(field).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let (mut guaranteed, mut asked) = (true, false);
    for container in list("containers").iter().chain(list("initContainers")) {
        let amount = |kind: &str, resource: &str| {
            let found = container.pointer(&format!("/resources/{kind}/{resource}")).and_then(Value::as_str);
            found.filter(|amount| *amount != "0")
        };
        for resource in ["cpu", "memory"] {
            let (limit, request) = (amount("limits", resource), amount("requests", resource));
            asked |= limit.is_some() || request.is_some();
            guaranteed &= limit.is_some() && (request.is_none() || request == limit);
        }
    }
    match (asked, guaranteed) {
        (false, _) => "BestEffort",
        (true, true) => "Guaranteed",
        (true, false) => "Burstable",
    }
}

/// A Job finds its pods by its own uid, which it puts on its template.
pub(super) fn select_by_uid(job: &mut Value) {
    if job.pointer("/spec/manualSelector").and_then(Value::as_bool) == Some(true) {
        return;
    }
    let uid = crate::metadata::text(job, "uid").to_owned();
    let name = crate::metadata::text(job, "name").to_owned();
    let Some(spec) = object(job, "/spec") else { return };
    let template = made(spec, "template").and_then(|t| made(t, "metadata")).and_then(|m| made(m, "labels"));
    if let Some(labels) = template {
        for (key, value) in [("controller-uid", &uid), ("job-name", &name)] {
            labels.insert(key.to_owned(), Value::from(value.as_str()));
            labels.insert(format!("batch.kubernetes.io/{key}"), Value::from(value.as_str()));
        }
    }
    if let Some(labels) = made(spec, "selector").and_then(|s| made(s, "matchLabels")) {
        labels.insert("batch.kubernetes.io/controller-uid".to_owned(), Value::from(uid));
    }
    // A Job without labels has those of its template.
    super::default_labels(job);
}
