//! The scheduler: gives every pod a node.
//!
//! Source of the rules: `pkg/scheduler` of Kubernetes 1.36, its filters for nodes that are unschedulable or tainted, node
//! selectors and affinity, resources. Spreading is by count of pods; there is no preemption.

mod fit;
mod load;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use self::load::Loads;
use crate::control_loop::{Change, Cluster, Context, Controller, Key};
use crate::error::Error;
use crate::kind;
use crate::object::{Fields, pod};

/// The scheduler that serves pods which name none.
const NAME: &str = "default-scheduler";

/// Binds pods to nodes.
#[derive(Debug, Default)]
pub(crate) struct Scheduler {
    loads: Loads,
}

impl Controller for Scheduler {
    fn name(&self) -> &'static str {
        NAME
    }

    fn keys(&mut self, change: &Change, cluster: &Cluster) -> Vec<Key> {
        if change.is(kind::NODE) {
            return if changes_chances(change) { waiting(cluster) } else { Vec::new() };
        }
        if !change.is(kind::POD) {
            return Vec::new();
        }
        self.loads.change(change.old.as_deref(), change.new.as_deref());
        let unbound = |p: &Value| p.text("/spec/nodeName").is_empty();
        match (&change.old, &change.new) {
            (old, Some(new)) if unbound(new) => {
                // Its own status is what the scheduler writes: that is no reason to try again.
                let wants = |p: &Value| (p["spec"].clone(), p["metadata"]["deletionTimestamp"].clone());
                let again = old.as_ref().is_none_or(|old| wants(old) != wants(new));
                if again { vec![change.key()] } else { Vec::new() }
            }
            // A pod that ends makes room.
            (Some(old), new) if !unbound(old) && !pod::is_finished(old) => {
                let ended = new.as_ref().is_none_or(|new| pod::is_finished(new));
                if ended { waiting(cluster) } else { Vec::new() }
            }
            _ => Vec::new(),
        }
    }

    fn reconcile(&mut self, context: &mut Context<'_>, key: &Key) -> Result<(), Error> {
        let Some(pod) = context.cluster.get(kind::POD, key).filter(|p| is_ours(p)) else { return Ok(()) };
        if !pod.items("/spec/schedulingGates").is_empty() {
            let message = "Scheduling is blocked due to non-empty scheduling gates";
            return note_unscheduled(context, &pod, "SchedulingGated", message);
        }
        match self.choose(context.cluster, &pod) {
            Ok(node) => bind(context, &pod, &node),
            Err(message) => {
                context.event(kind::POD, &pod, "Warning", "FailedScheduling", &message);
                note_unscheduled(context, &pod, "Unschedulable", &message)
            }
        }
    }
}

/// A heartbeat in a node's status changes nothing for pods that wait.
fn changes_chances(change: &Change) -> bool {
    let facts = |node: &Value| {
        let ready = pod::condition(node, "Ready").map(|c| c["status"].clone());
        (node["spec"].clone(), node["metadata"]["labels"].clone(), node["status"]["allocatable"].clone(), ready)
    };
    match (&change.old, &change.new) {
        (Some(old), Some(new)) => facts(old) != facts(new),
        (_, new) => new.is_some(),
    }
}

fn is_ours(pod: &Value) -> bool {
    let name = pod.text("/spec/schedulerName");
    pod.text("/spec/nodeName").is_empty()
        && !pod.is_terminating()
        && !pod::is_finished(pod)
        && (name.is_empty() || name == NAME)
}

fn waiting(cluster: &Cluster) -> Vec<Key> {
    cluster.list_all(kind::POD).iter().filter(|p| is_ours(p)).map(|p| Key::of(p)).collect()
}

impl Scheduler {
    /// The best node for a pod, or why there is none: of the nodes it fits on the one with the fewest pods of the same
    /// controller, then with the fewest pods, then the first by name.
    fn choose(&self, cluster: &Cluster, pod: &Value) -> Result<Arc<Value>, String> {
        let nodes = cluster.list_all(kind::NODE);
        if nodes.is_empty() {
            return Err("no nodes available to schedule pods".to_owned());
        }
        let mut best: Option<((usize, i128), &Arc<Value>)> = None;
        let mut reasons: BTreeMap<String, usize> = BTreeMap::new();
        let mut curable = 0;
        for node in &nodes {
            let load = self.loads.of(node.name());
            match fit::misfit(pod, node, load) {
                None => {
                    let crowd = (load.siblings(pod), load.pods);
                    if best.is_none_or(|(least, _)| crowd < least) {
                        best = Some((crowd, node));
                    }
                }
                Some(misfit) => {
                    curable += usize::from(misfit.curable);
                    for reason in misfit.reasons {
                        *reasons.entry(reason).or_default() += 1;
                    }
                }
            }
        }
        best.map(|(_, node)| Arc::clone(node)).ok_or_else(|| explain(nodes.len(), &reasons, curable))
    }
}

/// The message for a pod that fits nowhere, as the real scheduler writes it.
fn explain(nodes: usize, reasons: &BTreeMap<String, usize>, curable: usize) -> String {
    let count = |number: usize, reason: &str| format!("{number} {reason}");
    let mut counted: Vec<String> = reasons.iter().map(|(reason, number)| count(*number, reason)).collect();
    counted.sort();
    let hopeless = nodes - curable;
    let victims = (curable > 0).then(|| count(curable, "No preemption victims found for incoming pod"));
    let no_use = (hopeless > 0).then(|| count(hopeless, "Preemption is not helpful for scheduling"));
    let preemption: Vec<String> = victims.into_iter().chain(no_use).collect();
    format!(
        "0/{nodes} nodes are available: {}. no new claims to deallocate, preemption: 0/{nodes} nodes are available: {}.",
        counted.join(", "),
        preemption.join(", ")
    )
}

fn bind(context: &mut Context<'_>, pod: &Value, node: &Value) -> Result<(), Error> {
    context.cluster.bind(pod, node.name())?;
    let message = format!("Successfully assigned {}/{} to {}", pod.namespace(), pod.name(), node.name());
    context.event(kind::POD, pod, "Normal", "Scheduled", &message);
    Ok(())
}

fn note_unscheduled(context: &mut Context<'_>, pod: &Value, reason: &str, message: &str) -> Result<(), Error> {
    if let Some(present) = pod::condition(pod, "PodScheduled")
        && present.text("/reason") == reason
        && present.text("/message") == message
    {
        return Ok(());
    }
    let mut changed = pod.clone();
    let mut conditions = pod.items("/status/conditions").to_vec();
    conditions.retain(|c| c.text("/type") != "PodScheduled");
    conditions.push(json!({
        "type": "PodScheduled", "status": "False", "reason": reason, "message": message,
        "lastProbeTime": null, "lastTransitionTime": context.clock.rfc3339(),
    }));
    changed.put("/status/conditions", conditions);
    context.cluster.update_status(kind::POD, changed)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pod_that_fits_nowhere_is_explained_as_the_real_scheduler_does() {
        let reasons = [("Insufficient cpu".to_owned(), 2), ("node(s) were unschedulable".to_owned(), 1)].into();
        assert_eq!(
            explain(3, &reasons, 2),
            "0/3 nodes are available: 1 node(s) were unschedulable, 2 Insufficient cpu. no new claims to deallocate, \
             preemption: 0/3 nodes are available: 2 No preemption victims found for incoming pod, 1 Preemption is not \
             helpful for scheduling."
        );
    }
}
