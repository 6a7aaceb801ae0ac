//! Kubernetes Events of pods, Services and the node: what happened, in the kubelet's words, repeated ones counted.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use bowline_apiserver::{Api, Patch, WriteOptions, resources};
use serde_json::{Value, json};

use super::pod::Pod;

/// Kind of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)]
pub(crate) enum Severity {
    Normal,
    Warning,
}

/// What an event is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct About {
    /// Kind of the object.
    pub(crate) kind: &'static str,
    /// Its namespace; empty for the node.
    pub(crate) namespace: String,
    /// Its name.
    pub(crate) name: String,
    /// Its uid.
    pub(crate) uid: String,
    /// Part of it, as in `spec.containers{web}`; may be empty.
    pub(crate) field_path: String,
}

impl About {
    /// A pod as a whole.
    pub(crate) fn pod(pod: &Pod) -> Self {
        Self {
            kind: "Pod",
            namespace: pod.metadata.namespace.clone(),
            name: pod.metadata.name.clone(),
            uid: pod.metadata.uid.clone(),
            field_path: String::new(),
        }
    }

    /// A container of a pod.
    pub(crate) fn container(pod: &Pod, name: &str) -> Self {
        let list =
            if pod.spec.init_containers.iter().any(|c| c.name == name) { "initContainers" } else { "containers" };
        Self { field_path: format!("spec.{list}{{{name}}}"), ..Self::pod(pod) }
    }
}

/// Writes events to the API. Clones share the counts.
#[derive(Clone, Debug)]
pub(crate) struct Events {
    api: Api,
    node: String,
    component: &'static str,
    seen: Arc<Mutex<Seen>>,
}

#[derive(Debug, Default)]
struct Seen {
    counts: BTreeMap<(About, Severity, String, String), (String, u64)>,
    written: i128,
}

/// How many different events are remembered for counting; beyond it the memory starts over.
const REMEMBERED: usize = 4096;

impl Events {
    /// A writer that names `component` (`kubelet`, `service-proxy`) on `node` as the source.
    pub(crate) fn new(api: Api, node: &str, component: &'static str) -> Self {
        Self { api, node: node.to_owned(), component, seen: Arc::default() }
    }

    /// Writes an event, or counts it up when the same one was written before. A failure is only logged: events are
    /// a courtesy.
    pub(crate) fn record(&self, about: &About, severity: Severity, reason: &str, message: &str) {
        let now = self.api.clock().rfc3339();
        let namespace = if about.namespace.is_empty() { "default" } else { &about.namespace };
        let key = (about.clone(), severity, reason.to_owned(), message.to_owned());
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((name, count)) = seen.counts.get_mut(&key) {
            let change = json!({"count": *count + 1, "lastTimestamp": now});
            let patched = self.api.patch(
                &resources::EVENTS,
                namespace,
                name,
                None,
                &Patch::Merge(change),
                &WriteOptions::by(self.component),
            );
            if patched.is_ok() {
                *count += 1;
                return;
            }
            // The event has expired or was deleted: write a new one.
        }
        // The time makes the name unique on the node, as with the kubelet; under virtual time many share one.
        seen.written += 1;
        let name = format!("{}.{:x}", about.name, self.api.clock().now().as_nanosecond() + seen.written);
        let mut object = json!({"kind": about.kind, "name": about.name, "uid": about.uid, "apiVersion": "v1"});
        if !about.namespace.is_empty() {
            object["namespace"] = Value::from(about.namespace.as_str());
        }
        if !about.field_path.is_empty() {
            object["fieldPath"] = Value::from(about.field_path.as_str());
        }
        let event = json!({
            "apiVersion": "v1", "kind": "Event",
            "metadata": {"name": name, "namespace": namespace},
            "involvedObject": object,
            "reason": reason, "message": message,
            "type": if severity == Severity::Normal { "Normal" } else { "Warning" },
            "source": {"component": self.component, "host": self.node},
            "reportingComponent": self.component, "reportingInstance": self.node,
            "firstTimestamp": now, "lastTimestamp": now, "count": 1,
        });
        match self.api.create(&resources::EVENTS, namespace, event, &WriteOptions::by(self.component)) {
            Ok(_) => {
                if seen.counts.len() >= REMEMBERED {
                    seen.counts.clear();
                }
                seen.counts.insert(key, (name, 1));
            }
            Err(error) => tracing::debug!(%error, reason, message, "could not write an event"),
        }
    }
}
