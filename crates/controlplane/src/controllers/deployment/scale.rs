//! Sizes of a Deployment's ReplicaSets outside of a rollout: scaling, in proportion where several have pods.

use std::sync::Arc;

use serde_json::Value;

use super::Sync;
use super::revision::{self, ReplicaSets};
use super::spec;
use crate::error::Error;
use crate::kind;
use crate::object::Fields;

/// Was the Deployment's size changed since its ReplicaSets were last sized?
pub(super) fn is_scaling(deployment: &Value, sets: &ReplicaSets) -> bool {
    sets.all().filter(|s| spec::replicas(s) > 0).any(|set| {
        revision::noted_size(set, revision::DESIRED_REPLICAS).is_some_and(|d| d != spec::replicas(deployment))
    })
}

/// Sizes the ReplicaSets for a Deployment that is scaled or paused.
pub(super) fn scale(sync: &mut Sync<'_, '_>, sets: &mut ReplicaSets) -> Result<(), Error> {
    let wanted = spec::replicas(&sync.deployment);
    if let Some(only) = active_or_latest(sets) {
        resize(sync, sets, &only, wanted, false)?;
        return Ok(());
    }
    if sets.new.as_ref().is_some_and(|new| is_saturated(&sync.deployment, new)) {
        let active: Vec<_> = sets.old.iter().filter(|s| spec::replicas(s) > 0).cloned().collect();
        for old in active {
            resize(sync, sets, &old, 0, false)?;
        }
        return Ok(());
    }
    if spec::is_rolling(&sync.deployment) {
        for (set, size) in proportions(&sync.deployment, sets) {
            resize(sync, sets, &set, size, true)?;
        }
    }
    Ok(())
}

/// The only ReplicaSet with pods, or where none has any the newest; `None` where several have.
fn active_or_latest(sets: &ReplicaSets) -> Option<Arc<Value>> {
    let mut active = sets.all().filter(|s| spec::replicas(s) > 0);
    match (active.next(), active.next()) {
        (None, _) => sets.new.as_ref().or(sets.old.last()).cloned(),
        (Some(only), None) => Some(Arc::clone(only)),
        _ => None,
    }
}

/// Has the ReplicaSet all of the Deployment's replicas, available?
fn is_saturated(deployment: &Value, set: &Value) -> bool {
    let wanted = spec::replicas(deployment);
    revision::noted_size(set, revision::DESIRED_REPLICAS) == Some(wanted)
        && spec::replicas(set) == wanted
        && set.int("/status/availableReplicas").unwrap_or(0) == wanted
}

/// The sizes that share a change of scale among the ReplicaSets with pods, in proportion to their sizes: the larger first,
/// of equal size the newer first when growing and the older first when shrinking; what rounding leaves goes to the first.
fn proportions(deployment: &Value, sets: &ReplicaSets) -> Vec<(Arc<Value>, i64)> {
    let wanted = spec::replicas(deployment);
    let mut active: Vec<Arc<Value>> = sets.all().filter(|s| spec::replicas(s) > 0).cloned().collect();
    let present: i64 = active.iter().map(|s| spec::replicas(s)).sum();
    let allowed = if wanted > 0 { wanted + spec::max_surge(deployment) } else { 0 };
    let to_add = allowed - present;
    revision::sort_by_age(&mut active);
    if to_add > 0 {
        active.reverse();
    }
    active.sort_by_key(|s| std::cmp::Reverse(spec::replicas(s)));
    let mut added = 0;
    let mut sizes: Vec<(Arc<Value>, i64)> = Vec::with_capacity(active.len());
    for set in active {
        let share = if to_add == 0 || to_add == added { 0 } else { share(deployment, &set, to_add, to_add - added) };
        added += share;
        let size = spec::replicas(&set) + share;
        sizes.push((set, size));
    }
    if let Some((_, size)) = sizes.first_mut() {
        *size = (*size + to_add - added).max(0);
    }
    sizes
}

/// One ReplicaSet's share of `to_add`, of which `left` is left to give.
fn share(deployment: &Value, set: &Value, to_add: i64, left: i64) -> i64 {
    let size = spec::replicas(set);
    let wanted = spec::replicas(deployment);
    let fraction = if wanted == 0 {
        -size
    } else {
        let noted = revision::noted_size(set, revision::MAX_REPLICAS).filter(|n| *n > 0);
        match noted.or_else(|| deployment.int("/status/replicas").filter(|n| *n > 0)) {
            Some(before) => round_half_away(size * (wanted + spec::max_surge(deployment)), before) - size,
            None => 0,
        }
    };
    if to_add > 0 { fraction.min(left) } else { fraction.max(left) }
}

/// `numerator / denominator`, both not negative, to the nearest whole number, halves up.
fn round_half_away(numerator: i64, denominator: i64) -> i64 {
    (2 * numerator + denominator) / (2 * denominator)
}

/// Sets a ReplicaSet's size. Where the size stays, its notes of the Deployment's size are only corrected if `force`.
/// True where the size changed.
pub(super) fn resize(
    sync: &mut Sync<'_, '_>,
    sets: &mut ReplicaSets,
    set: &Arc<Value>,
    size: i64,
    force: bool,
) -> Result<bool, Error> {
    let before = spec::replicas(set);
    if before == size && !force {
        return Ok(false);
    }
    let mut changed = Value::clone(set);
    let noted = revision::annotate_size(&mut changed, &sync.deployment);
    if before == size && !noted {
        return Ok(false);
    }
    changed.put("/spec/replicas", size);
    let written = sync.context.cluster.update(kind::REPLICA_SET, changed)?;
    sets.replace(&written);
    if before == size {
        return Ok(false);
    }
    let direction = if before < size { "up" } else { "down" };
    let message = format!("Scaled {direction} replica set {} from {before} to {size}", written.name());
    sync.event("Normal", "ScalingReplicaSet", &message);
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn deployment(replicas: i64, surge: i64) -> Value {
        json!({"spec": {"replicas": replicas, "strategy": {"type": "RollingUpdate",
            "rollingUpdate": {"maxSurge": surge, "maxUnavailable": 2}}}})
    }

    fn set(name: &str, replicas: i64, max: i64) -> Arc<Value> {
        Arc::new(json!({"metadata": {"name": name, "uid": name, "creationTimestamp": name,
            "annotations": {revision::MAX_REPLICAS: max.to_string()}}, "spec": {"replicas": replicas}}))
    }

    fn sizes(deployment: &Value, old: Vec<Arc<Value>>, new: Arc<Value>) -> Vec<(String, i64)> {
        let sets = ReplicaSets { old, new: Some(new) };
        proportions(deployment, &sets).into_iter().map(|(s, n)| (s.name().to_owned(), n)).collect()
    }

    #[test]
    fn scaling_during_a_rollout_keeps_proportions() {
        // The documented case: 10 replicas with surge 3 at 8 old and 5 new, scaled to 15.
        let grown = sizes(&deployment(15, 3), vec![set("1", 8, 13)], set("2", 5, 13));
        assert_eq!(grown, [("1".to_owned(), 11), ("2".to_owned(), 7)]);
        let shrunk = sizes(&deployment(5, 3), vec![set("1", 8, 13)], set("2", 5, 13));
        assert_eq!(shrunk, [("1".to_owned(), 5), ("2".to_owned(), 3)]);
        let none = sizes(&deployment(0, 3), vec![set("1", 8, 13)], set("2", 5, 13));
        assert_eq!(none, [("1".to_owned(), 0), ("2".to_owned(), 0)]);
    }

    #[test]
    fn of_equal_sets_the_newer_grows_first() {
        let grown = sizes(&deployment(5, 0), vec![set("1", 2, 4)], set("2", 2, 4));
        assert_eq!(grown, [("2".to_owned(), 3), ("1".to_owned(), 2)]);
    }
}
