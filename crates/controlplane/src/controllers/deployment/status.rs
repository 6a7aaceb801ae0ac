//! What a Deployment's status says: counts, availability, progress.

use bowline_clock::Timestamp;
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::revision::ReplicaSets;
use super::spec;
use crate::object::Fields;

/// The `Progressing` condition's reason once the new ReplicaSet is complete.
pub(super) const NEW_SET_AVAILABLE: &str = "NewReplicaSetAvailable";
/// The `Progressing` condition's reason once the deadline has passed.
pub(super) const TIMED_OUT: &str = "ProgressDeadlineExceeded";

/// A condition of a Deployment, as of now.
pub(super) fn condition(kind: &str, status: &str, reason: &str, message: &str, now: &str) -> Value {
    json!({"type": kind, "status": status, "lastUpdateTime": now, "lastTransitionTime": now,
           "reason": reason, "message": message})
}

/// The condition of a type in a status.
pub(super) fn find<'a>(status: &'a Value, kind: &str) -> Option<&'a Value> {
    status.items("/conditions").iter().find(|c| c.text("/type") == kind)
}

/// Sets a condition. One of the same status and reason stays untouched; one of the same status keeps its transition time.
pub(super) fn set(status: &mut Value, mut condition: Value) {
    if let Some(present) = find(status, condition.text("/type"))
        && present.text("/status") == condition.text("/status")
    {
        if present.text("/reason") == condition.text("/reason") {
            return;
        }
        condition.put("/lastTransitionTime", present.text("/lastTransitionTime"));
    }
    let kind = condition.text("/type").to_owned();
    let mut conditions: Vec<Value> =
        status.items("/conditions").iter().filter(|c| c.text("/type") != kind).cloned().collect();
    conditions.push(condition);
    status.put("/conditions", conditions);
}

/// Removes the condition of a type.
pub(super) fn remove(status: &mut Value, kind: &str) {
    let kept: Vec<Value> = status.items("/conditions").iter().filter(|c| c.text("/type") != kind).cloned().collect();
    status.put("/conditions", if kept.is_empty() { Value::Null } else { Value::from(kept) });
}

/// A count as a status field: zero is left out.
fn count(status: &mut Value, field: &str, number: i64) {
    status.put(field, if number == 0 { Value::Null } else { Value::from(number) });
}

/// The status that the ReplicaSets give, with the present conditions and availability judged anew.
pub(super) fn of(deployment: &Value, sets: &ReplicaSets, now: &str) -> Value {
    let sum = |path: &str| sets.all().filter_map(|s| s.int(path)).sum::<i64>();
    let available = sum("/status/availableReplicas");
    let asked: i64 = sets.all().map(|s| spec::replicas(s)).sum();
    let mut status = json!({});
    count(&mut status, "/observedGeneration", deployment.int("/metadata/generation").unwrap_or(0));
    count(&mut status, "/replicas", sum("/status/replicas"));
    let updated = sets.new.as_ref().and_then(|s| s.int("/status/replicas")).unwrap_or(0);
    count(&mut status, "/updatedReplicas", updated);
    count(&mut status, "/readyReplicas", sum("/status/readyReplicas"));
    count(&mut status, "/availableReplicas", available);
    count(&mut status, "/unavailableReplicas", (asked - available).max(0));
    // Told only where every ReplicaSet that was ever looked at tells it.
    let told =
        |s: &Value| s.has("/status/terminatingReplicas") || s.int("/status/observedGeneration").unwrap_or(0) == 0;
    if sets.all().all(|s| told(s)) {
        status.put("/terminatingReplicas", sum("/status/terminatingReplicas"));
    }
    for kept in ["/collisionCount", "/conditions"] {
        let value = deployment.pointer(&format!("/status{kept}")).cloned().unwrap_or_default();
        status.put(kept, value);
    }
    let enough = available >= spec::replicas(deployment) - spec::max_unavailable(deployment);
    let judged = if enough {
        condition("Available", "True", "MinimumReplicasAvailable", "Deployment has minimum availability.", now)
    } else {
        let message = "Deployment does not have minimum availability.";
        condition("Available", "False", "MinimumReplicasUnavailable", message, now)
    };
    set(&mut status, judged);
    status
}

/// Are all replicas of the new template, available, and no others there?
pub(super) fn is_complete(deployment: &Value, status: &Value) -> bool {
    let wanted = spec::replicas(deployment);
    let count = |field: &str| status.int(field).unwrap_or(0);
    ["/updatedReplicas", "/replicas", "/availableReplicas"].into_iter().all(|field| count(field) == wanted)
        && count("/observedGeneration") >= deployment.int("/metadata/generation").unwrap_or(0)
}

/// Is there more of the new, less of the old, or more ready or available than before?
fn is_progressing(before: &Value, after: &Value) -> bool {
    let count = |status: &Value, field: &str| status.int(field).unwrap_or(0);
    let old = |status: &Value| count(status, "/replicas") - count(status, "/updatedReplicas");
    count(after, "/updatedReplicas") > count(before, "/updatedReplicas")
        || old(after) < old(before)
        || count(after, "/readyReplicas") > count(before, "/readyReplicas")
        || count(after, "/availableReplicas") > count(before, "/availableReplicas")
}

/// Has the deadline passed since progress was last seen?
fn is_timed_out(deployment: &Value, status: &Value, now: Timestamp) -> bool {
    let (Some(deadline), Some(progressing)) = (spec::progress_deadline(deployment), find(status, "Progressing")) else {
        return false;
    };
    match progressing.text("/reason") {
        NEW_SET_AVAILABLE => false,
        TIMED_OUT => true,
        _ => progressing
            .text("/lastUpdateTime")
            .parse::<Timestamp>()
            .ok()
            .and_then(|seen| seen.checked_add(SignedDuration::from_secs(deadline)).ok())
            .is_some_and(|ends| ends < now),
    }
}

/// Judges progress, as while rolling: sets the `Progressing` condition and hands on the ReplicaSets' failures.
pub(super) fn judge_progress(deployment: &Value, status: &mut Value, sets: &ReplicaSets, now: Timestamp, at: &str) {
    if spec::progress_deadline(deployment).is_none() {
        remove(status, "Progressing");
    }
    let before = &deployment["status"];
    let present = find(before, "Progressing");
    let settled = status.int("/replicas") == status.int("/updatedReplicas")
        && present.is_some_and(|c| c.text("/reason") == NEW_SET_AVAILABLE);
    if spec::progress_deadline(deployment).is_some() && !settled {
        let subject = match &sets.new {
            Some(set) => format!("ReplicaSet \"{}\"", set.name()),
            None => format!("Deployment \"{}\"", deployment.name()),
        };
        if is_complete(deployment, status) {
            let message = format!("{subject} has successfully progressed.");
            set(status, condition("Progressing", "True", NEW_SET_AVAILABLE, &message, at));
        } else if is_progressing(before, status) {
            let message = format!("{subject} is progressing.");
            let mut progress = condition("Progressing", "True", "ReplicaSetUpdated", &message, at);
            if let Some(present) = present {
                // Replaced even where status and reason stay: its update time is what the deadline counts from.
                if present.text("/status") == "True" {
                    progress.put("/lastTransitionTime", present.text("/lastTransitionTime"));
                }
                remove(status, "Progressing");
            }
            set(status, progress);
        } else if is_timed_out(deployment, status, now) {
            let message = format!("{subject} has timed out progressing.");
            set(status, condition("Progressing", "False", TIMED_OUT, &message, at));
        }
    }
    match replica_failure(sets) {
        Some(failure) => set(status, failure),
        None => remove(status, "ReplicaFailure"),
    }
}

/// A ReplicaSet's failure to make or delete pods as the Deployment's; the new ReplicaSet's before an old one's.
fn replica_failure(sets: &ReplicaSets) -> Option<Value> {
    let failures =
        |set: &Value| set.items("/status/conditions").iter().find(|c| c.text("/type") == "ReplicaFailure").cloned();
    let mut failure = sets.new.iter().chain(&sets.old).find_map(|s| failures(s))?;
    let at = failure.text("/lastTransitionTime").to_owned();
    failure.put("/lastUpdateTime", at);
    Some(failure)
}

/// In how long the deadline has to be looked at again, where a rollout is under way and nothing else will wake it.
pub(super) fn next_check(deployment: &Value, status: &Value, now: Timestamp) -> Option<SignedDuration> {
    let deadline = spec::progress_deadline(deployment)?;
    let progressing = find(&deployment["status"], "Progressing")?;
    if is_complete(deployment, status) || progressing.text("/reason") == TIMED_OUT {
        return None;
    }
    let seen: Timestamp = progressing.text("/lastUpdateTime").parse().ok()?;
    let left = seen.duration_since(now) + SignedDuration::from_secs(deadline);
    // One second more: times in a status are whole seconds, and the deadline must lie behind when it is looked at.
    Some(left.max(SignedDuration::ZERO) + SignedDuration::from_secs(1))
}
