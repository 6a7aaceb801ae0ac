//! What a Job asks for, and how its pods are judged.

use bowline_clock::Timestamp;
use jiff::SignedDuration;
use serde_json::Value;

use crate::object::{Fields, pod};

/// Keeps a pod until its end has been counted.
pub(super) const TRACKING: &str = "batch.kubernetes.io/job-tracking";

/// How many pods may run at one time.
pub(super) fn parallelism(job: &Value) -> i64 {
    job.int("/spec/parallelism").unwrap_or(1)
}

/// How many pods have to succeed; `None` where one success ends the work of all.
pub(super) fn completions(job: &Value) -> Option<i64> {
    job.int("/spec/completions")
}

/// How many pods may fail.
pub(super) fn backoff_limit(job: &Value) -> i64 {
    job.int("/spec/backoffLimit").unwrap_or(6)
}

/// Is it asked to rest?
pub(super) fn is_suspended(job: &Value) -> bool {
    job.flag("/spec/suspend")
}

/// Does a pod that is being deleted have to be gone before another takes its place?
pub(super) fn replaces_only_failed(job: &Value) -> bool {
    job.text("/spec/podReplacementPolicy") == "Failed" || job.has("/spec/podFailurePolicy")
}

/// The condition of a type, where it is true.
pub(super) fn condition<'a>(job: &'a Value, kind: &str) -> Option<&'a Value> {
    job.items("/status/conditions").iter().find(|c| c.text("/type") == kind && c.text("/status") == "True")
}

/// The condition that says how it ended, where it has.
pub(super) fn finished(job: &Value) -> Option<&Value> {
    condition(job, "Complete").or_else(|| condition(job, "Failed"))
}

/// Does the pod count as failed? One that is deleted before it ended does.
pub(super) fn is_failed(job: &Value, pod: &Value) -> bool {
    match pod.text("/status/phase") {
        "Failed" => true,
        "Succeeded" => false,
        _ => pod.is_terminating() && !replaces_only_failed(job),
    }
}

/// Have containers been restarted in place as often as pods may fail?
pub(super) fn is_past_restarts<'a>(job: &Value, pods: impl Iterator<Item = &'a Value>) -> bool {
    if job.text("/spec/template/spec/restartPolicy") != "OnFailure" {
        return false;
    }
    let running = pods.filter(|p| matches!(p.text("/status/phase"), "Running" | "Pending"));
    let count = |statuses: &[Value]| statuses.iter().filter_map(|s| s.int("/restartCount")).sum::<i64>();
    let restarts: i64 = running
        .map(|p| count(p.items("/status/containerStatuses")) + count(p.items("/status/initContainerStatuses")))
        .sum();
    let limit = backoff_limit(job);
    if limit == 0 { restarts > 0 } else { restarts >= limit }
}

/// How long the Job may still run, not more than nothing where its deadline has passed; `None` without a deadline or before
/// its start.
pub(super) fn until_deadline(job: &Value, now: Timestamp) -> Option<SignedDuration> {
    let seconds = job.int("/spec/activeDeadlineSeconds").filter(|_| !is_suspended(job))?;
    let start: Timestamp = job.text("/status/startTime").parse().ok()?;
    Some(start.duration_since(now) + SignedDuration::from_secs(seconds))
}

/// How many of the pods are ready.
pub(super) fn count_ready<'a>(pods: impl Iterator<Item = &'a Value>) -> i64 {
    pods.filter(|p| pod::is_ready(p)).count() as i64
}
