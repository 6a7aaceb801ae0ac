//! From the old ReplicaSets to the new one: step by step, or all at once.

use std::sync::Arc;

use serde_json::Value;

use super::Sync;
use super::revision::{self, ReplicaSets};
use super::scale::resize;
use super::{spec, status};
use crate::error::Error;
use crate::kind;
use crate::object::{Fields, pod};

/// One step of a rolling update: first the new ReplicaSet grows as far as the surge allows; where it cannot, the old ones
/// shrink as far as availability allows.
pub(super) fn rolling(sync: &mut Sync<'_, '_>, sets: ReplicaSets) -> Result<(), Error> {
    let mut sets = sync.with_new_set(sets)?;
    let Some(new) = sets.new.clone() else { return Ok(()) };
    if grow_new(sync, &mut sets, &new)? || shrink_old(sync, &mut sets)? {
        return sync.report_rollout(&sets);
    }
    finish(sync, &sets)
}

/// One step of a recreation: the old ReplicaSets shrink to nothing; once their pods have ended, the new one grows.
pub(super) fn recreate(sync: &mut Sync<'_, '_>, mut sets: ReplicaSets) -> Result<(), Error> {
    let active: Vec<Arc<Value>> = sets.old.iter().filter(|s| spec::replicas(s) > 0).cloned().collect();
    let mut shrunk = false;
    for old in active {
        shrunk |= resize(sync, &mut sets, &old, 0, false)?;
    }
    if shrunk || old_pods_run(sync, &sets) {
        return sync.report_rollout(&sets);
    }
    let mut sets = sync.with_new_set(sets)?;
    if let Some(new) = sets.new.clone() {
        let wanted = spec::replicas(&sync.deployment);
        resize(sync, &mut sets, &new, wanted, false)?;
    }
    finish(sync, &sets)
}

fn finish(sync: &mut Sync<'_, '_>, sets: &ReplicaSets) -> Result<(), Error> {
    if status::is_complete(&sync.deployment, &sync.deployment["status"]) {
        clean_up(sync, sets)?;
    }
    sync.report_rollout(sets)
}

/// How many replicas the new ReplicaSet may have now.
pub(super) fn new_size(deployment: &Value, sets: &ReplicaSets, present: i64) -> i64 {
    let wanted = spec::replicas(deployment);
    if !spec::is_rolling(deployment) {
        return wanted;
    }
    let pods: i64 = sets.all().map(|s| spec::replicas(s)).sum();
    let room = wanted + spec::max_surge(deployment) - pods;
    if room <= 0 { present } else { present + room.min(wanted - present) }
}

fn grow_new(sync: &mut Sync<'_, '_>, sets: &mut ReplicaSets, new: &Arc<Value>) -> Result<bool, Error> {
    let (present, wanted) = (spec::replicas(new), spec::replicas(&sync.deployment));
    let size = if present > wanted { wanted } else { new_size(&sync.deployment, sets, present) };
    if present == wanted { Ok(false) } else { resize(sync, sets, new, size, false) }
}

fn shrink_old(sync: &mut Sync<'_, '_>, sets: &mut ReplicaSets) -> Result<bool, Error> {
    let size = |set: &Value| spec::replicas(set);
    let available = |set: &Value| set.int("/status/availableReplicas").unwrap_or(0);
    let old: i64 = sets.old.iter().map(|s| size(s)).sum();
    let Some(new) = sets.new.clone().filter(|_| old > 0) else { return Ok(false) };
    let must_stay = size_wanted(sync) - spec::max_unavailable(&sync.deployment);
    // Pods of the new set that are not available yet must not count as a reserve.
    let may_go = old + size(&new) - must_stay - (size(&new) - available(&new));
    if may_go <= 0 {
        return Ok(false);
    }
    // Pods that are not available go first: that costs no availability, and they would block the rollout.
    let mut gone = 0;
    for set in in_order_of_age(sets) {
        let ill = size(&set) - available(&set);
        let going = ill.min(may_go - gone);
        if size(&set) > 0 && going > 0 {
            resize(sync, sets, &set, size(&set) - going, false)?;
            gone += going;
        }
    }
    let spare = sets.all().map(|s| available(s)).sum::<i64>() - must_stay;
    let mut spared = 0;
    for set in in_order_of_age(sets) {
        let going = size(&set).min(spare - spared);
        if going > 0 {
            resize(sync, sets, &set, size(&set) - going, false)?;
            spared += going;
        }
    }
    Ok(gone + spared > 0)
}

fn size_wanted(sync: &Sync<'_, '_>) -> i64 {
    spec::replicas(&sync.deployment)
}

/// The old ReplicaSets with pods, as they are now.
fn in_order_of_age(sets: &ReplicaSets) -> Vec<Arc<Value>> {
    let mut old: Vec<Arc<Value>> = sets.old.iter().filter(|s| spec::replicas(s) > 0).cloned().collect();
    revision::sort_by_age(&mut old);
    old
}

fn old_pods_run(sync: &Sync<'_, '_>, sets: &ReplicaSets) -> bool {
    sets.old.iter().any(|set| {
        let pods = sync.context.cluster.controlled_by(kind::POD, set);
        set.int("/status/replicas").unwrap_or(0) > 0 || pods.iter().any(|pod| !pod::is_finished(pod))
    })
}

/// Deletes the oldest of the old ReplicaSets without pods, beyond the history limit.
pub(super) fn clean_up(sync: &mut Sync<'_, '_>, sets: &ReplicaSets) -> Result<(), Error> {
    let Some(limit) = spec::history_limit(&sync.deployment) else { return Ok(()) };
    let mut old: Vec<&Arc<Value>> = sets.old.iter().filter(|s| !s.is_terminating()).collect();
    let surplus = old.len().saturating_sub(usize::try_from(limit).unwrap_or(0));
    old.sort_by_key(|s| (revision::revision(s), s.created().to_owned(), s.name().to_owned()));
    for set in old.into_iter().take(surplus) {
        let unseen = set.int("/metadata/generation") > set.int("/status/observedGeneration");
        if spec::replicas(set) == 0 && set.int("/status/replicas").unwrap_or(0) == 0 && !unseen {
            sync.context.cluster.delete(kind::REPLICA_SET, set)?;
        }
    }
    Ok(())
}
