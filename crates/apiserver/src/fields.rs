//! Which fields a field selector may ask about.

use crate::catalog::Resource;
use crate::{FieldSelector, Status};

fn supported(resource: &Resource, path: &str) -> bool {
    if matches!(path, "metadata.name" | "metadata.namespace") {
        return true;
    }
    let more: &[&str] = match (&*resource.id.group, &*resource.id.plural) {
        ("", "pods") => &[
            "spec.nodeName",
            "spec.restartPolicy",
            "spec.schedulerName",
            "spec.serviceAccountName",
            "spec.hostNetwork",
            "status.phase",
            "status.podIP",
            "status.podIPs",
            "status.nominatedNodeName",
        ],
        ("", "services") => &["spec.clusterIP", "spec.type"],
        ("", "namespaces") => &["status.phase"],
        ("", "nodes") => &["spec.unschedulable"],
        ("", "secrets") => &["type"],
        ("", "replicationcontrollers") | ("apps", "replicasets") => &["status.replicas"],
        ("", "events") => &[
            "involvedObject.kind",
            "involvedObject.namespace",
            "involvedObject.name",
            "involvedObject.uid",
            "involvedObject.apiVersion",
            "involvedObject.resourceVersion",
            "involvedObject.fieldPath",
            "reason",
            "reportingComponent",
            "source",
            "type",
        ],
        ("events.k8s.io", "events") => &[
            "regarding.kind",
            "regarding.namespace",
            "regarding.name",
            "regarding.uid",
            "regarding.apiVersion",
            "regarding.resourceVersion",
            "regarding.fieldPath",
            "reason",
            "reportingController",
            "type",
        ],
        ("batch", "jobs") => &["status.successful"],
        _ => &[],
    };
    more.contains(&path)
}

/// Refuses a selector that asks about a field that the kind cannot be selected by.
pub(crate) fn check(resource: &Resource, selector: &FieldSelector) -> Result<(), Status> {
    let Some(path) = selector.paths().find(|path| !supported(resource, path)) else { return Ok(()) };
    // Kinds with fields of their own word it otherwise than those without.
    let own = ["pods", "services", "namespaces", "nodes", "secrets", "replicationcontrollers", "events", "jobs"];
    let message = if resource.schema().is_none() || own.contains(&&*resource.id.plural) {
        format!("field label not supported: {path}")
    } else {
        format!("{path:?} is not a known field selector: only \"metadata.name\", \"metadata.namespace\"")
    };
    Err(Status::bad_request(message))
}
