//! Whether an object is ready. The rules are kstatus', as helm 4 waits by them, in one place: data in, verdict out.

use bowline_cluster::Metadata;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// How an object fares.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "health", rename_all = "kebab-case")]
pub enum Health {
    /// As it should be.
    Ready,
    /// Not yet, and that may come by itself.
    Waiting {
        /// Kubernetes' word, or ours.
        reason: String,
        /// In words.
        message: String,
    },
    /// Not, and it will not come by itself.
    Failed {
        /// Kubernetes' word.
        reason: String,
        /// In words.
        message: String,
    },
}

impl Health {
    fn waiting(reason: &str, message: impl Into<String>) -> Self {
        Self::Waiting { reason: reason.to_owned(), message: message.into() }
    }

    fn failed(reason: &str, message: impl Into<String>) -> Self {
        Self::Failed { reason: reason.to_owned(), message: message.into() }
    }

    /// Whether it is as it should be.
    pub fn is_ready(&self) -> bool {
        *self == Self::Ready
    }

    /// Reason and message; empty where all is well.
    pub fn why(&self) -> (&str, &str) {
        match self {
            Self::Ready => ("", ""),
            Self::Waiting { reason, message } | Self::Failed { reason, message } => (reason, message),
        }
    }
}

/// How an object fares, by the rule of its kind; kinds without a rule of their own by the general one.
pub fn health_of(object: &Value) -> Health {
    if object.is_terminating() {
        return Health::waiting("Terminating", "it is being deleted");
    }
    if let Some(stale) = observed(object) {
        return stale;
    }
    let api_version = object["apiVersion"].as_str().unwrap_or_default();
    let group = api_version.split_once('/').map_or("", |(group, _)| group);
    match (group, object.kind()) {
        ("apps", "Deployment") => deployment(object),
        ("apps", "StatefulSet") => stateful_set(object),
        ("apps", "DaemonSet") => daemon_set(object),
        ("apps", "ReplicaSet") | ("", "ReplicationController") => replica_set(object),
        ("batch", "Job") => job_started(object),
        ("", "Pod") => pod(object),
        ("", "PersistentVolumeClaim") => claim(object),
        ("", "Service") => service(object),
        ("apiextensions.k8s.io", "CustomResourceDefinition") => definition(object),
        ("apiregistration.k8s.io", "APIService") => match condition(object, "Available") {
            Some(available) if available.is_true => Health::Ready,
            found => not_yet(found, "NotAvailable", "no server answers for it yet"),
        },
        _ => general(object),
    }
}

/// How a hook fares: Jobs and Pods run to their end, everything else is done as soon as it is there.
pub(crate) fn completion_of(object: &Value) -> Health {
    match object.kind() {
        "Job" => job_completed(object),
        "Pod" => match object["status"]["phase"].as_str() {
            Some("Succeeded") => Health::Ready,
            _ => match pod(object) {
                Health::Ready => Health::waiting("Running", "it is still running"),
                other => other,
            },
        },
        _ => Health::Ready,
    }
}

/// A Job that is no hook: started counts, unless its completion is waited for.
pub(crate) fn job_completed(object: &Value) -> Health {
    if let Some(failed) = condition(object, "Failed").filter(|c| c.is_true) {
        return Health::failed(or(failed.reason, "Failed"), failed.message);
    }
    if condition(object, "Complete").is_some_and(|c| c.is_true) {
        return Health::Ready;
    }
    if object["spec"]["suspend"] == true {
        return Health::waiting("Suspended", "the Job is suspended");
    }
    let status = &object["status"];
    let wanted = object["spec"]["completions"].as_i64().unwrap_or(1);
    let (done, failed) = (number(status, "succeeded"), number(status, "failed"));
    let mut message = format!("{done}/{wanted} completed");
    if failed > 0 {
        message += &format!(", {failed} failed");
    }
    Health::waiting("Running", message)
}

fn job_started(object: &Value) -> Health {
    match job_completed(object) {
        Health::Waiting { .. } if object["status"]["startTime"].is_string() => Health::Ready,
        Health::Waiting { .. } if object["spec"]["suspend"] == true => Health::Ready,
        Health::Waiting { .. } => Health::waiting("NotStarted", "the Job has not started yet"),
        other => other,
    }
}

fn deployment(object: &Value) -> Health {
    if object["spec"]["paused"] == true {
        return Health::Ready;
    }
    let progressing = condition(object, "Progressing");
    if let Some(stuck) = progressing.filter(|c| c.reason == "ProgressDeadlineExceeded") {
        return Health::failed(stuck.reason, stuck.message);
    }
    let status = &object["status"];
    let wanted = object["spec"]["replicas"].as_i64().unwrap_or(1);
    let (total, updated) = (number(status, "replicas"), number(status, "updatedReplicas"));
    let (available, ready) = (number(status, "availableReplicas"), number(status, "readyReplicas"));
    if total < wanted || updated < wanted {
        let refused = condition(object, "ReplicaFailure").filter(|c| c.is_true);
        return match refused {
            Some(refused) => Health::waiting(or(refused.reason, "ReplicaFailure"), refused.message),
            None => Health::waiting("Updating", format!("{updated}/{wanted} pods updated")),
        };
    }
    if total > updated {
        return Health::waiting("Terminating", format!("{} old pods are still there", total - updated));
    }
    if available < wanted || ready < wanted {
        return Health::waiting("NotReady", format!("{ready}/{wanted} pods ready"));
    }
    match condition(object, "Available") {
        Some(available) if available.is_true => Health::Ready,
        found => not_yet(found, "NotAvailable", "it is not available yet"),
    }
}

fn stateful_set(object: &Value) -> Health {
    let (spec, status) = (&object["spec"], &object["status"]);
    if spec["updateStrategy"]["type"] == "OnDelete" {
        return Health::Ready;
    }
    let wanted = spec["replicas"].as_i64().unwrap_or(1);
    let (total, ready) = (number(status, "replicas"), number(status, "readyReplicas"));
    let updated = number(status, "updatedReplicas");
    if total < wanted || ready < wanted {
        return Health::waiting("NotReady", format!("{ready}/{wanted} pods ready"));
    }
    if total > wanted {
        return Health::waiting("Terminating", format!("{} pods too many", total - wanted));
    }
    let partition = number(&spec["updateStrategy"]["rollingUpdate"], "partition");
    if partition > 0 {
        return if updated < wanted - partition {
            Health::waiting("Updating", format!("{updated}/{} pods updated", wanted - partition))
        } else {
            Health::Ready
        };
    }
    if status["currentRevision"] != status["updateRevision"] {
        return Health::waiting("Updating", format!("{updated}/{wanted} pods updated"));
    }
    Health::Ready
}

fn daemon_set(object: &Value) -> Health {
    let status = &object["status"];
    if object["spec"]["updateStrategy"]["type"] == "OnDelete" {
        return Health::Ready;
    }
    if object["status"]["observedGeneration"].is_null() {
        return Health::waiting("NotObserved", "no controller has looked at it yet");
    }
    let wanted = number(status, "desiredNumberScheduled");
    let (current, updated) = (number(status, "currentNumberScheduled"), number(status, "updatedNumberScheduled"));
    let (available, ready) = (number(status, "numberAvailable"), number(status, "numberReady"));
    if current < wanted || updated < wanted {
        return Health::waiting("Updating", format!("{updated}/{wanted} pods updated"));
    }
    if available < wanted || ready < wanted {
        return Health::waiting("NotReady", format!("{ready}/{wanted} pods ready"));
    }
    Health::Ready
}

fn replica_set(object: &Value) -> Health {
    let status = &object["status"];
    if let Some(refused) = condition(object, "ReplicaFailure").filter(|c| c.is_true) {
        return Health::waiting(or(refused.reason, "ReplicaFailure"), refused.message);
    }
    let wanted = object["spec"]["replicas"].as_i64().unwrap_or(1);
    let (total, ready) = (number(status, "replicas"), number(status, "readyReplicas"));
    let available = number(status, "availableReplicas");
    if total < wanted || available < wanted || ready < wanted {
        return Health::waiting("NotReady", format!("{ready}/{wanted} pods ready"));
    }
    if total > wanted {
        return Health::waiting("Terminating", format!("{} pods too many", total - wanted));
    }
    Health::Ready
}

fn pod(object: &Value) -> Health {
    let status = &object["status"];
    let ready = condition(object, "Ready");
    match status["phase"].as_str().unwrap_or_default() {
        "Succeeded" => Health::Ready,
        "Failed" => Health::failed(
            or(status["reason"].as_str().unwrap_or_default(), "Failed"),
            or(status["message"].as_str().unwrap_or_default(), "the pod failed"),
        ),
        "Running" if ready.is_some_and(|c| c.is_true) => Health::Ready,
        phase => {
            if let Some((reason, message)) = pod_trouble(object) {
                return Health::waiting(&reason, message);
            }
            let phase = or(phase, "Pending");
            not_yet(ready, "NotReady", &format!("the pod is {}", phase.to_lowercase()))
        }
    }
}

/// What keeps a pod from being ready, where it says so itself: scheduling, or a container's waiting reason.
pub(crate) fn pod_trouble(pod: &Value) -> Option<(String, String)> {
    if let Some(scheduled) = condition(pod, "PodScheduled").filter(|c| !c.is_true) {
        return Some((or(scheduled.reason, "Unschedulable").to_owned(), scheduled.message.to_owned()));
    }
    let status = &pod["status"];
    let containers = ["initContainerStatuses", "containerStatuses"];
    let containers = containers.iter().flat_map(|list| status[*list].as_array().into_iter().flatten());
    for container in containers {
        let waiting = &container["state"]["waiting"];
        let reason = waiting["reason"].as_str().unwrap_or_default();
        if !reason.is_empty() && !matches!(reason, "ContainerCreating" | "PodInitializing") {
            return Some((reason.to_owned(), waiting["message"].as_str().unwrap_or_default().to_owned()));
        }
    }
    None
}

fn claim(object: &Value) -> Health {
    match object["status"]["phase"].as_str() {
        Some("Bound") => Health::Ready,
        Some("Lost") => Health::failed("Lost", "the volume it was bound to is gone"),
        _ => Health::waiting("NotBound", "no volume is bound to it yet"),
    }
}

/// As in kstatus, a load balancer's address is not waited for: many clusters have nobody who would give one.
fn service(object: &Value) -> Health {
    let spec = &object["spec"];
    if spec["type"] == "LoadBalancer" && spec["clusterIP"].as_str().unwrap_or_default().is_empty() {
        return Health::waiting("NoAddress", "it has no cluster address yet");
    }
    Health::Ready
}

fn definition(object: &Value) -> Health {
    if let Some(refused) = condition(object, "NamesAccepted").filter(|c| c.is_false) {
        return Health::failed(or(refused.reason, "NamesNotAccepted"), refused.message);
    }
    match condition(object, "Established") {
        Some(established) if established.is_true => Health::Ready,
        found => not_yet(found, "NotEstablished", "the definition is not established yet"),
    }
}

/// The rule for every other kind: what its controller says of itself in the usual conditions.
fn general(object: &Value) -> Health {
    if let Some(stalled) = condition(object, "Stalled").filter(|c| c.is_true) {
        return Health::failed(or(stalled.reason, "Stalled"), stalled.message);
    }
    if let Some(busy) = condition(object, "Reconciling").filter(|c| c.is_true) {
        return Health::waiting(or(busy.reason, "Reconciling"), busy.message);
    }
    match condition(object, "Ready") {
        Some(ready) if !ready.is_true => Health::waiting(or(ready.reason, "NotReady"), ready.message),
        _ => Health::Ready,
    }
}

/// A controller that has not seen the newest generation says nothing about it.
fn observed(object: &Value) -> Option<Health> {
    let observed = object["status"]["observedGeneration"].as_i64()?;
    (observed < object.generation()).then(|| Health::waiting("NotObserved", "its controller has not seen it yet"))
}

#[derive(Clone, Copy)]
pub(crate) struct Condition<'a> {
    pub(crate) is_true: bool,
    pub(crate) is_false: bool,
    pub(crate) reason: &'a str,
    pub(crate) message: &'a str,
}

pub(crate) fn condition<'a>(object: &'a Value, kind: &str) -> Option<Condition<'a>> {
    let found = object["status"]["conditions"].as_array()?.iter().find(|c| c["type"] == kind)?;
    Some(Condition {
        is_true: found["status"] == "True",
        is_false: found["status"] == "False",
        reason: found["reason"].as_str().unwrap_or_default(),
        message: found["message"].as_str().unwrap_or_default(),
    })
}

fn not_yet(found: Option<Condition<'_>>, reason: &str, message: &str) -> Health {
    match found {
        Some(found) => Health::waiting(or(found.reason, reason), or(found.message, message)),
        None => Health::waiting(reason, message),
    }
}

fn or<'a>(text: &'a str, fallback: &'a str) -> &'a str {
    if text.is_empty() { fallback } else { text }
}

fn number(value: &Value, field: &str) -> i64 {
    value[field].as_i64().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn verdict(object: &Value) -> String {
        match health_of(object) {
            Health::Ready => "ready".into(),
            Health::Waiting { reason, message } => format!("waiting {reason}: {message}"),
            Health::Failed { reason, message } => format!("failed {reason}: {message}"),
        }
    }

    #[test]
    fn each_kind_has_its_rule() {
        let deployment = |status: Value| {
            json!({"apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"generation": 2}, "spec": {"replicas": 2}, "status": status})
        };
        let full = json!({"observedGeneration": 2, "replicas": 2, "updatedReplicas": 2, "availableReplicas": 2,
            "readyReplicas": 2, "conditions": [{"type": "Available", "status": "True"}]});
        let with = |field: &str, value: Value| {
            let mut status = full.clone();
            status[field] = value;
            deployment(status)
        };
        let pod = |status: Value| json!({"apiVersion": "v1", "kind": "Pod", "status": status});
        let job = |status: Value| json!({"apiVersion": "batch/v1", "kind": "Job", "spec": {}, "status": status});
        let waits = |reason: &str| {
            json!({"phase": "Pending", "containerStatuses": [
            {"state": {"waiting": {"reason": reason, "message": "secret \"x\" not found"}}}]})
        };
        let cases = [
            (deployment(full.clone()), "ready"),
            (with("observedGeneration", json!(1)), "waiting NotObserved: its controller has not seen it yet"),
            (with("updatedReplicas", json!(1)), "waiting Updating: 1/2 pods updated"),
            (with("replicas", json!(3)), "waiting Terminating: 1 old pods are still there"),
            (with("readyReplicas", json!(0)), "waiting NotReady: 0/2 pods ready"),
            (with("conditions", json!([])), "waiting NotAvailable: it is not available yet"),
            (
                with(
                    "conditions",
                    json!([{"type": "Progressing", "status": "False",
                    "reason": "ProgressDeadlineExceeded", "message": "timed out"}]),
                ),
                "failed ProgressDeadlineExceeded: timed out",
            ),
            (pod(json!({"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]})), "ready"),
            (pod(waits("CreateContainerConfigError")), "waiting CreateContainerConfigError: secret \"x\" not found"),
            (pod(waits("ContainerCreating")), "waiting NotReady: the pod is pending"),
            (pod(json!({"phase": "Failed", "reason": "Evicted", "message": "full"})), "failed Evicted: full"),
            (job(json!({})), "waiting NotStarted: the Job has not started yet"),
            (job(json!({"startTime": "2026-01-31T12:00:00Z"})), "ready"),
            (
                job(json!({"conditions": [{"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded"}]})),
                "failed BackoffLimitExceeded: ",
            ),
            (
                json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "status": {"phase": "Pending"}}),
                "waiting NotBound: no volume is bound to it yet",
            ),
            (
                json!({"apiVersion": "v1", "kind": "Service", "spec": {"type": "LoadBalancer", "clusterIP": "10.0.0.1"}}),
                "ready",
            ),
            (json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"generation": 0}}), "ready"),
            (
                json!({"apiVersion": "x/v1", "kind": "X", "status": {"conditions": [
                    {"type": "Ready", "status": "False", "reason": "Provisioning", "message": "half way"}]}}),
                "waiting Provisioning: half way",
            ),
            (
                json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"deletionTimestamp": "2026-01-31T12:00:00Z"}}),
                "waiting Terminating: it is being deleted",
            ),
        ];
        for (object, expected) in cases {
            assert_eq!(verdict(&object), expected, "{object}");
        }
    }

    #[test]
    fn hooks_run_to_their_end() {
        let job = |status: Value| json!({"apiVersion": "batch/v1", "kind": "Job", "spec": {}, "status": status});
        assert_eq!(
            completion_of(&job(json!({"startTime": "2026-01-31T12:00:00Z", "failed": 1}))),
            Health::waiting("Running", "0/1 completed, 1 failed")
        );
        assert!(completion_of(&job(json!({"conditions": [{"type": "Complete", "status": "True"}]}))).is_ready());
        let running = json!({"apiVersion": "v1", "kind": "Pod", "status": {"phase": "Running",
            "conditions": [{"type": "Ready", "status": "True"}]}});
        assert_eq!(completion_of(&running), Health::waiting("Running", "it is still running"));
        assert!(completion_of(&json!({"apiVersion": "v1", "kind": "ConfigMap"})).is_ready());
    }
}
