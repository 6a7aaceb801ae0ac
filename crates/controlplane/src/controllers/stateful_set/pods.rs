//! A StatefulSet's pods and claims: each has a number, and the name that goes with it.

use std::sync::Arc;

use bowline_clock::Timestamp;
use serde_json::{Value, json};

use crate::kind;
use crate::object::{Fields, owner, pod, template};

/// The label with the revision that a pod is made of.
pub(super) const REVISION_LABEL: &str = "controller-revision-hash";
const POD_NAME_LABEL: &str = "statefulset.kubernetes.io/pod-name";
const POD_INDEX_LABEL: &str = "apps.kubernetes.io/pod-index";

/// The number of a pod, where its name is one of the set's.
pub(super) fn ordinal(set: &Value, pod: &Value) -> Option<i64> {
    let number = pod.name().strip_prefix(set.name())?.strip_prefix('-')?;
    number.parse().ok().filter(|n: &i64| *n >= 0 && n.to_string() == number)
}

/// The number of the first pod.
pub(super) fn start(set: &Value) -> i64 {
    set.int("/spec/ordinals/start").unwrap_or(0)
}

/// The numbers of the pods asked for.
pub(super) fn ordinals(set: &Value) -> std::ops::Range<i64> {
    start(set)..start(set) + set.int("/spec/replicas").unwrap_or(1)
}

/// The name of the revision that a pod is made of.
pub(super) fn revision(pod: &Value) -> &str {
    pod.label(REVISION_LABEL).unwrap_or_default()
}

/// Is it running and ready?
pub(super) fn is_ready(pod: &Value) -> bool {
    pod.text("/status/phase") == "Running" && pod::is_ready(pod)
}

/// Is it running and has been ready for long enough, and is it to stay?
pub(super) fn is_available(set: &Value, pod: &Value, now: Timestamp) -> bool {
    let seconds = set.int("/spec/minReadySeconds").unwrap_or(0);
    is_ready(pod) && pod::is_available(pod, seconds, now) && !pod.is_terminating()
}

/// The name of the claim that a template gives the pod of a number.
fn claim_name(set: &Value, claim: &Value, ordinal: i64) -> String {
    format!("{}-{}-{ordinal}", claim.name(), set.name())
}

/// The claims of the pod of a number.
pub(super) fn claims(set: &Value, ordinal: i64) -> Vec<Value> {
    let templates = set.items("/spec/volumeClaimTemplates").iter();
    let claims = templates.map(|claim| {
        let mut made = claim.clone();
        made.put("/apiVersion", kind::PERSISTENT_VOLUME_CLAIM.api_version());
        made.put("/kind", kind::PERSISTENT_VOLUME_CLAIM.kind);
        made.put("/metadata/name", claim_name(set, claim, ordinal));
        made.put("/metadata/namespace", set.namespace());
        made.put("/status", Value::Null);
        for (label, value) in set.pointer("/spec/selector/matchLabels").and_then(Value::as_object).into_iter().flatten()
        {
            made = template::with_label(&made, "/metadata/labels", label, value.as_str().unwrap_or_default());
        }
        made
    });
    claims.collect()
}

/// The pod of a number, of a revision's template.
pub(super) fn new(set: &Value, pods: &Value, revision: &str, ordinal: i64) -> Arc<Value> {
    let reference = owner::controller_reference(kind::STATEFUL_SET, set);
    let mut made = template::pod_of(pods, set.name(), set.namespace(), &reference);
    let name = format!("{}-{ordinal}", set.name());
    made.put("/metadata/generateName", Value::Null);
    made.put("/metadata/name", name.as_str());
    let labels = [(POD_NAME_LABEL, name.as_str()), (POD_INDEX_LABEL, &ordinal.to_string()), (REVISION_LABEL, revision)];
    for (label, value) in labels {
        made = template::with_label(&made, "/metadata/labels", label, value);
    }
    made.put("/spec/hostname", name);
    made.put("/spec/subdomain", set["spec"]["serviceName"].clone());
    let templates = set.items("/spec/volumeClaimTemplates");
    if !templates.is_empty() {
        let claimed = |volume: &Value| templates.iter().any(|t| t.name() == volume.text("/name"));
        let mut volumes: Vec<Value> = made.items("/spec/volumes").iter().filter(|v| !claimed(v)).cloned().collect();
        volumes.extend(
            templates.iter().map(
                |t| json!({"name": t.name(), "persistentVolumeClaim": {"claimName": claim_name(set, t, ordinal)}}),
            ),
        );
        made.put("/spec/volumes", volumes);
    }
    Arc::new(made)
}
