//! Counting a Job's pods: each once, though neither its end nor its deletion may be missed.
//!
//! A pod that ended is first noted in the Job's status as not counted yet, then loses the finalizer that kept it, then moves
//! from the note to the count: whenever this is interrupted, it can be taken up again.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Value, json};

use super::{Pass, indexed, spec};
use crate::control_loop::{has_finalizer, remove_finalizer, unless_gone};
use crate::error::Error;
use crate::kind;
use crate::object::Fields;

const SUCCEEDED: (&str, &str) = ("/status/uncountedTerminatedPods/succeeded", "/status/succeeded");
const FAILED: (&str, &str) = ("/status/uncountedTerminatedPods/failed", "/status/failed");

/// The uids noted as not counted yet.
pub(super) fn uncounted(job: &Value) -> (BTreeSet<String>, BTreeSet<String>) {
    let set = |path: &str| job.items(path).iter().filter_map(Value::as_str).map(str::to_owned).collect();
    (set(SUCCEEDED.0), set(FAILED.0))
}

/// A condition of a Job, as of now.
pub(super) fn condition(kind: &str, status: &str, reason: &str, message: &str, now: &str) -> Value {
    json!({"type": kind, "status": status, "lastProbeTime": now, "lastTransitionTime": now,
           "reason": reason, "message": message})
}

/// Sets a condition; one that is absent is not made false. True where that changed something.
pub(super) fn ensure(job: &mut Value, condition: Value) -> bool {
    let mut conditions = job.items("/status/conditions").to_vec();
    let fields = ["/status", "/reason", "/message"];
    match conditions.iter_mut().find(|c| c.text("/type") == condition.text("/type")) {
        Some(present) if fields.iter().all(|f| present.text(f) == condition.text(f)) => return false,
        Some(present) => *present = condition,
        None if condition.text("/status") == "False" => return false,
        None => conditions.push(condition),
    }
    job.put("/status/conditions", conditions);
    true
}

/// Moves what was noted and has lost its finalizer to the counts. True where that changed something.
fn count(job: &mut Value, held: &BTreeSet<String>) -> bool {
    let indexed = indexed::is_indexed(job);
    let mut changed = false;
    for (noted, counter) in [SUCCEEDED, FAILED] {
        let uids = job.items(noted).to_vec();
        let kept: Vec<Value> = uids.iter().filter(|u| u.as_str().is_some_and(|u| held.contains(u))).cloned().collect();
        if kept.len() < uids.len() {
            changed = true;
            // Of an indexed Job the numbers done are counted, not the pods.
            if !(indexed && counter == SUCCEEDED.1) {
                let total = job.int(counter).unwrap_or(0) + (uids.len() - kept.len()) as i64;
                job.put(counter, total);
            }
            job.put(noted, if kept.is_empty() { Value::Null } else { Value::from(kept) });
        }
    }
    changed
}

/// Writes the status with all pods that ended counted, and with `finished`, how the Job ends, once nothing holds it up.
pub(super) fn track(pass: &mut Pass<'_, '_>, mut finished: Option<Value>, mut unwritten: bool) -> Result<(), Error> {
    let mut held: BTreeSet<String> =
        pass.pods.iter().filter(|p| has_finalizer(p, spec::TRACKING)).map(|p| p.uid().to_owned()).collect();
    unwritten |= count(&mut pass.job, &held);
    let (counted_succeeded, counted_failed) = uncounted(&pass.job);
    let met = finished.as_ref().is_some_and(|c| c.text("/type") == "SuccessCriteriaMet");
    let mut free: Vec<Arc<Value>> = Vec::new();
    let (mut succeeded, mut failed) = (Vec::new(), Vec::new());
    for pod in pass.pods.iter().filter(|p| has_finalizer(p, spec::TRACKING)) {
        let (success, failure) = (pod.text("/status/phase") == "Succeeded", spec::is_failed(&pass.job, pod));
        if !(pass.job.is_terminating() || finished.is_some() || success || failure) {
            continue;
        }
        free.push(Arc::clone(pod));
        let noted = counted_succeeded.contains(pod.uid()) || counted_failed.contains(pod.uid());
        if success && !noted {
            succeeded.push(Value::from(pod.uid()));
        } else if (failure || finished.is_some() && !met) && !noted {
            // Where the whole Job ended, every pod that had not counts as failed.
            failed.push(Value::from(pod.uid()));
        }
    }
    for ((path, _), more) in [(SUCCEEDED, succeeded), (FAILED, failed)] {
        if !more.is_empty() {
            let mut uids = pass.job.items(path).to_vec();
            uids.extend(more);
            pass.job.put(path, uids);
            unwritten = true;
        }
    }
    if indexed::is_indexed(&pass.job) {
        let done = indexed::done(&pass.job, &pass.pods);
        let text = indexed::format(&done);
        unwritten |= text != pass.job.text("/status/completedIndexes");
        pass.job.put("/status/succeeded", if done.is_empty() { Value::Null } else { Value::from(done.len()) });
        pass.job.put("/status/completedIndexes", if text.is_empty() { Value::Null } else { Value::from(text) });
    }
    // The interim condition is written before pods are let go, the final one after.
    if let Some(interim) = finished.take() {
        let last = match interim.text("/type") {
            "FailureTarget" => "Failed",
            "SuccessCriteriaMet" => "Complete",
            other => other,
        };
        let now = pass.context.clock.rfc3339();
        finished = Some(condition(last, "True", interim.text("/reason"), interim.text("/message"), &now));
        if interim.text("/type") != last && spec::condition(&pass.job, interim.text("/type")).is_none() {
            unwritten |= ensure(&mut pass.job, interim);
        }
    }
    if unwritten {
        write(pass)?;
        unwritten = false;
    }
    for pod in &free {
        let mut released = Value::clone(pod);
        remove_finalizer(&mut released, spec::TRACKING);
        unless_gone(pass.context.cluster.update(kind::POD, released))?;
        held.remove(pod.uid());
    }
    unwritten |= count(&mut pass.job, &held);
    let ended = finished.filter(|_| is_settled(&pass.job));
    if let Some(ended) = &ended {
        if ended.text("/type") == "Complete" {
            pass.job.put("/status/completionTime", ended["lastTransitionTime"].clone());
        }
        unwritten |= ensure(&mut pass.job, ended.clone());
    }
    if unwritten {
        write(pass)?;
    }
    if let Some(ended) = ended {
        tell_end(pass, &ended);
    }
    Ok(())
}

/// Is nothing left to count, and no pod on its way out?
fn is_settled(job: &Value) -> bool {
    let (succeeded, failed) = uncounted(job);
    succeeded.is_empty() && failed.is_empty() && job.int("/status/terminating").unwrap_or(0) == 0
}

fn tell_end(pass: &mut Pass<'_, '_>, ended: &Value) {
    let job = pass.job.clone();
    if ended.text("/type") == "Complete" {
        if spec::completions(&job).is_some_and(|n| job.int("/status/succeeded").unwrap_or(0) > n) {
            let message = "Too many succeeded pods running after completion count reached";
            pass.context.event(kind::JOB, &job, "Warning", "TooManySucceededPods", message);
        }
        pass.context.event(kind::JOB, &job, "Normal", "Completed", "Job completed");
    } else {
        pass.context.event(kind::JOB, &job, "Warning", ended.text("/reason"), ended.text("/message"));
    }
}

fn write(pass: &mut Pass<'_, '_>) -> Result<(), Error> {
    let written = pass.context.cluster.update_status(kind::JOB, pass.job.clone())?;
    pass.job = Value::clone(&written);
    Ok(())
}
