//! ReplicaSets: as many pods of one template as asked for.
//!
//! Source of the rules: `pkg/controller/replicaset` of Kubernetes 1.36.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{pods, ranking};
use crate::control_loop::{Change, Cluster, Context, Controller, Key};
use crate::error::Error;
use crate::kind;
use crate::object::{Fields, Selector, owner, pod, template};

/// How many pods one pass makes or deletes at most.
const BURST: usize = 500;

/// Reconciles ReplicaSets.
#[derive(Debug, Default)]
pub(crate) struct ReplicaSetController;

impl Controller for ReplicaSetController {
    fn name(&self) -> &'static str {
        "replicaset-controller"
    }

    fn keys(&mut self, change: &Change, cluster: &Cluster) -> Vec<Key> {
        if change.is(kind::REPLICA_SET) {
            vec![change.key()]
        } else if change.is(kind::POD) {
            pods::owners(change, kind::REPLICA_SET, cluster)
        } else {
            Vec::new()
        }
    }

    fn reconcile(&mut self, context: &mut Context<'_>, key: &Key) -> Result<(), Error> {
        let Some(set) = context.cluster.get(kind::REPLICA_SET, key) else { return Ok(()) };
        let selector = Selector::of(set.pointer("/spec/selector"));
        let mut found = context.cluster.controlled_by(kind::POD, &set);
        found.extend(context.cluster.uncontrolled(kind::POD, set.namespace()));
        let leaving = found.iter().filter(|p| pod::is_leaving(p) && owner::is_controlled_by(p, &set));
        let leaving = leaving.filter(|p| selector.matches(p)).count();
        let active: Vec<Arc<Value>> = found.into_iter().filter(|p| pod::is_active(p)).collect();
        let active = context.cluster.claim(kind::POD, active, kind::REPLICA_SET, &set, &selector, None)?;

        let managed = if set.is_terminating() { Ok(()) } else { manage(context, &set, active.clone()) };
        let status = status(context, &set, &active, leaving, managed.as_ref().err());
        write_status(context, &set, status)?;
        managed?;

        let min_ready = set.int("/spec/minReadySeconds").unwrap_or(0);
        let now = context.clock.now();
        let next = active.iter().filter_map(|p| pod::until_available(p, min_ready, now)).filter(|left| !left.is_zero());
        if let Some(left) = next.min() {
            context.again_after(left);
        }
        Ok(())
    }
}

/// Makes pods where there are too few, deletes the least useful where there are too many.
fn manage(context: &mut Context<'_>, set: &Value, mut active: Vec<Arc<Value>>) -> Result<(), Error> {
    let wanted = usize::try_from(set.int("/spec/replicas").unwrap_or(1)).unwrap_or(0);
    if active.len() < wanted {
        let missing = (wanted - active.len()).min(BURST);
        return pods::create(context, kind::REPLICA_SET, set, missing, |_| {
            let reference = owner::controller_reference(kind::REPLICA_SET, set);
            template::pod_of(&set["spec"]["template"], set.name(), set.namespace(), &reference)
        })
        .result;
    }
    let surplus = (active.len() - wanted).min(BURST);
    if surplus == 0 {
        return Ok(());
    }
    if surplus < active.len() {
        let related = related_pods(context, set);
        ranking::sort_for_deletion(&mut active, &related, context.clock.now());
    }
    let mut failure = Ok(());
    for pod in active.iter().take(surplus) {
        if let Err(error) = pods::delete(context, kind::REPLICA_SET, set, pod) {
            failure = failure.and(Err(error));
        }
    }
    failure
}

/// The pods of all ReplicaSets that have the same owner as `set`.
fn related_pods(context: &Context<'_>, set: &Value) -> Vec<Arc<Value>> {
    let sets = match owner::controller_of(set) {
        Some(reference) => {
            context.cluster.controlled_by_uid(kind::REPLICA_SET, reference.text("/uid"), set.namespace())
        }
        None => vec![Arc::new(set.clone())],
    };
    sets.iter().flat_map(|s| context.cluster.controlled_by(kind::POD, s)).collect()
}

fn status(context: &Context<'_>, set: &Value, active: &[Arc<Value>], leaving: usize, failure: Option<&Error>) -> Value {
    let labels = Selector::of_map(set.pointer("/spec/template/metadata/labels"));
    let min_ready = set.int("/spec/minReadySeconds").unwrap_or(0);
    let now = context.clock.now();
    let count = |keep: &dyn Fn(&Value) -> bool| active.iter().filter(|p| keep(p)).count();
    let mut status = json!({"replicas": active.len(), "terminatingReplicas": leaving});
    let counts = [
        ("/fullyLabeledReplicas", count(&|p| labels.matches(p))),
        ("/readyReplicas", count(&pod::is_ready)),
        ("/availableReplicas", count(&|p| pod::is_available(p, min_ready, now))),
    ];
    for (field, number) in counts.into_iter().filter(|(_, number)| *number > 0) {
        status.put(field, number);
    }
    status.put("/observedGeneration", set["metadata"]["generation"].clone());
    let mut conditions: Vec<Value> = set.items("/status/conditions").to_vec();
    match failure {
        Some(error) if !conditions.iter().any(|c| c.text("/type") == "ReplicaFailure") => {
            let few = (active.len() as i64) < set.int("/spec/replicas").unwrap_or(1);
            conditions.push(json!({
                "type": "ReplicaFailure", "status": "True", "lastTransitionTime": context.clock.rfc3339(),
                "reason": if few { "FailedCreate" } else { "FailedDelete" }, "message": error.to_string(),
            }));
        }
        Some(_) => {}
        None => conditions.retain(|c| c.text("/type") != "ReplicaFailure"),
    }
    if !conditions.is_empty() {
        status.put("/conditions", conditions);
    }
    status
}

fn write_status(context: &mut Context<'_>, set: &Value, status: Value) -> Result<(), Error> {
    if template::same(&set["status"], &status) {
        return Ok(());
    }
    let mut changed = set.clone();
    changed.put("/status", status);
    context.cluster.update_status(kind::REPLICA_SET, changed)?;
    Ok(())
}
