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
    if resource.id == crate::resources::NAMESPACES
        && let Some(spec) = object(value, "/spec")
    {
        spec.insert("finalizers".to_owned(), json!(["kubernetes"]));
    }
}

/// What a change of one part must not touch.
pub(crate) fn prepare_changed(resource: &Resource, subresource: Option<&str>, old: &Value, new: &mut Value) {
    if resource.id == crate::resources::NAMESPACES && subresource != Some("finalize") {
        let finalizers = old.pointer("/spec/finalizers").cloned();
        if let (Some(spec), Some(finalizers)) = (new.as_object_mut().and_then(|n| made(n, "spec")), finalizers) {
            spec.insert("finalizers".to_owned(), finalizers);
        }
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
}
