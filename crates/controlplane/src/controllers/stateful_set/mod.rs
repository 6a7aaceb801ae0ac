//! StatefulSets: numbered pods, one after the other, each with claims of its own.
//!
//! Source of the rules: `pkg/controller/statefulset` of Kubernetes 1.36. Claims are retained; what
//! `persistentVolumeClaimRetentionPolicy` says otherwise is not served yet.

mod pods;
mod revision;

use std::sync::Arc;

use jiff::SignedDuration;
use serde_json::{Value, json};

use self::revision::Revisions;
use super::pods as any_pods;
use crate::control_loop::{Change, Cluster, Context, Controller, Key};
use crate::error::Error;
use crate::kind;
use crate::object::{Fields, Selector, pod, template};

/// Reconciles StatefulSets.
#[derive(Debug, Default)]
pub(crate) struct StatefulSetController;

impl Controller for StatefulSetController {
    fn name(&self) -> &'static str {
        "statefulset-controller"
    }

    fn keys(&mut self, change: &Change, cluster: &Cluster) -> Vec<Key> {
        if change.is(kind::STATEFUL_SET) {
            vec![change.key()]
        } else if change.is(kind::POD) || change.is(kind::CONTROLLER_REVISION) {
            any_pods::owners(change, kind::STATEFUL_SET, cluster)
        } else {
            Vec::new()
        }
    }

    fn reconcile(&mut self, context: &mut Context<'_>, key: &Key) -> Result<(), Error> {
        let Some(set) = context.cluster.get(kind::STATEFUL_SET, key) else { return Ok(()) };
        let selector = Selector::of(set.pointer("/spec/selector"));
        if selector.is_everything() {
            return Ok(());
        }
        let mut found = context.cluster.controlled_by(kind::POD, &set);
        found.extend(context.cluster.uncontrolled(kind::POD, set.namespace()));
        found.retain(|p| pods::ordinal(&set, p).is_some());
        let present = context.cluster.claim(kind::POD, found, kind::STATEFUL_SET, &set, &selector, None)?;
        let revisions = revision::find(context, &set, &selector)?;
        let mut pass = Pass::new(context, &set, &revisions, &present);
        let worked = if set.is_terminating() { Ok(()) } else { pass.run() };
        pass.write_status()?;
        worked?;
        let min_ready = set.int("/spec/minReadySeconds").unwrap_or(0);
        let now = context.clock.now();
        let next = present.iter().filter_map(|p| pod::until_available(p, min_ready, now));
        if let Some(left) = next.filter(|left| *left > SignedDuration::ZERO).min() {
            context.again_after(left);
        }
        revisions.truncate(context, &set, &present)
    }
}

/// One of the pods asked for: there, or still to be made.
struct Replica {
    pod: Arc<Value>,
    ordinal: i64,
    is_there: bool,
}

/// One pass over one StatefulSet.
struct Pass<'a, 'c> {
    context: &'a mut Context<'c>,
    set: &'a Value,
    revisions: &'a Revisions,
    /// By number.
    replicas: Vec<Replica>,
    /// Pods beyond the replicas, the highest number first.
    condemned: Vec<Arc<Value>>,
    /// By how many the pass made the pods of the current revision fewer.
    withdrawn: i64,
}

impl<'a, 'c> Pass<'a, 'c> {
    fn new(context: &'a mut Context<'c>, set: &'a Value, revisions: &'a Revisions, present: &[Arc<Value>]) -> Self {
        let ordinals = pods::ordinals(set);
        let of = |pod: &Arc<Value>| pods::ordinal(set, pod).unwrap_or(-1);
        let replicas = ordinals.clone().map(|ordinal| match present.iter().find(|p| of(p) == ordinal) {
            Some(pod) => Replica { pod: Arc::clone(pod), ordinal, is_there: true },
            None => Replica { pod: Self::versioned(set, revisions, ordinal), ordinal, is_there: false },
        });
        let replicas = replicas.collect();
        let mut condemned: Vec<_> = present.iter().filter(|p| !ordinals.contains(&of(p))).cloned().collect();
        condemned.sort_by_key(|p| std::cmp::Reverse(of(p)));
        Self { context, set, revisions, replicas, condemned, withdrawn: 0 }
    }

    /// The pod of a number: below the partition of the current revision, else of the new one.
    fn versioned(set: &Value, revisions: &Revisions, ordinal: i64) -> Arc<Value> {
        let rolling = "/spec/updateStrategy/rollingUpdate";
        let kept = if set.has(rolling) {
            set.int(&format!("{rolling}/partition")).unwrap_or(0)
        } else if set.text("/spec/updateStrategy/type") == "OnDelete" {
            0
        } else {
            set.int("/status/currentReplicas").unwrap_or(0)
        };
        let old = ordinal < pods::start(set) + kept;
        let revision = if old { &revisions.current } else { &revisions.update };
        pods::new(set, &revision::pods_of(revision), revision.name(), ordinal)
    }

    fn is_one_by_one(&self) -> bool {
        self.set.text("/spec/podManagementPolicy") != "Parallel"
    }

    fn is_available(&self, pod: &Value) -> bool {
        pods::is_available(self.set, pod, self.context.clock.now())
    }

    fn run(&mut self) -> Result<(), Error> {
        for at in 0..self.replicas.len() {
            let settled = self.settle(at)?;
            if !settled && self.is_one_by_one() {
                return Ok(());
            }
        }
        let first_ill = self.replicas.iter().map(|r| &r.pod).chain(self.condemned.iter().rev());
        let first_ill = first_ill.filter(|p| !self.is_available(p)).map(|p| p.uid().to_owned()).next();
        for pod in self.condemned.clone() {
            if pod.is_terminating() {
                if self.is_one_by_one() {
                    return Ok(());
                }
                continue;
            }
            // An ill pod holds up the others, but not its own end.
            if self.is_one_by_one() && !self.is_available(&pod) && first_ill.as_deref() != Some(pod.uid()) {
                return Ok(());
            }
            self.delete(&pod)?;
            if self.is_one_by_one() {
                return Ok(());
            }
        }
        if self.set.text("/spec/updateStrategy/type") == "OnDelete" { Ok(()) } else { self.update() }
    }

    /// Makes the pod that is missing or replaces one that has ended. True where it runs and nothing has to be waited for.
    fn settle(&mut self, at: usize) -> Result<bool, Error> {
        let Some(replica) = self.replicas.get(at) else { return Ok(true) };
        let (pod, ordinal) = (Arc::clone(&replica.pod), replica.ordinal);
        if replica.is_there && pod::is_finished(&pod) {
            if !pod.is_terminating() {
                self.delete(&pod)?;
            }
            return Ok(false);
        }
        if !replica.is_there {
            self.create(at, &pod, ordinal)?;
            return Ok(false);
        }
        if pod.text("/status/phase") == "Pending" {
            self.create_claims(&pod, ordinal)?;
        }
        Ok(self.is_available(&pod))
    }

    /// Replaces the pod of the highest number that is not of the new revision, once those above it run.
    fn update(&mut self) -> Result<(), Error> {
        let partition = self.set.int("/spec/updateStrategy/rollingUpdate/partition").unwrap_or(0);
        for replica in self.replicas.iter().rev().take_while(|r| r.ordinal - pods::start(self.set) >= partition) {
            let pod = Arc::clone(&replica.pod);
            if pods::revision(&pod) != self.revisions.update.name() && !pod.is_terminating() {
                self.delete(&pod)?;
                self.withdrawn += 1;
                return Ok(());
            }
            if !self.is_available(&pod) {
                return Ok(());
            }
        }
        Ok(())
    }

    fn create(&mut self, at: usize, pod: &Value, ordinal: i64) -> Result<(), Error> {
        self.create_claims(pod, ordinal)?;
        let made = self.context.cluster.create(kind::POD, pod.clone());
        self.tell("create", pod.name(), made.as_ref().err());
        match made {
            Ok(pod) => {
                if let Some(replica) = self.replicas.get_mut(at) {
                    (replica.pod, replica.is_there) = (pod, true);
                }
                Ok(())
            }
            Err(error) if error.is_namespace_terminating() => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn create_claims(&mut self, pod: &Value, ordinal: i64) -> Result<(), Error> {
        for claim in pods::claims(self.set, ordinal) {
            if self.context.cluster.get(kind::PERSISTENT_VOLUME_CLAIM, &Key::of(&claim)).is_some() {
                continue;
            }
            let name = claim.name().to_owned();
            let about = format!("Claim {name} Pod {} in StatefulSet {}", pod.name(), self.set.name());
            match self.context.cluster.create(kind::PERSISTENT_VOLUME_CLAIM, claim) {
                Ok(_) => {
                    let message = format!("create {about} success");
                    self.context.event(kind::STATEFUL_SET, self.set, "Normal", "SuccessfulCreate", &message);
                }
                Err(error) => {
                    let message = format!("create {about} failed error: {error}");
                    self.context.event(kind::STATEFUL_SET, self.set, "Warning", "FailedCreate", &message);
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    fn delete(&mut self, pod: &Value) -> Result<(), Error> {
        let deleted = self.context.cluster.delete(kind::POD, pod);
        self.tell("delete", pod.name(), deleted.as_ref().err());
        deleted
    }

    fn tell(&mut self, verb: &str, pod: &str, failure: Option<&Error>) {
        let about = format!("{verb} Pod {pod} in StatefulSet {}", self.set.name());
        let word = if verb == "create" { "Create" } else { "Delete" };
        let (kind, reason, message) = match failure {
            None => ("Normal", format!("Successful{word}"), format!("{about} successful")),
            Some(error) => ("Warning", format!("Failed{word}"), format!("{about} failed error: {error}")),
        };
        self.context.event(kind::STATEFUL_SET, self.set, kind, &reason, &message);
    }

    fn write_status(&mut self) -> Result<(), Error> {
        let there: Vec<&Arc<Value>> =
            self.replicas.iter().filter(|r| r.is_there).map(|r| &r.pod).chain(&self.condemned).collect();
        let count = |keep: &dyn Fn(&Value) -> bool| there.iter().filter(|p| keep(p)).count() as i64;
        let now = self.context.clock.now();
        let of = |revision: &str, p: &Value| pods::revision(p) == revision && !p.is_terminating();
        let (current, update) = (self.revisions.current.name(), self.revisions.update.name());
        let ready = count(&pods::is_ready);
        let min_ready = self.set.int("/spec/minReadySeconds").unwrap_or(0);
        let available = count(&|p| pods::is_ready(p) && pod::is_available(p, min_ready, now));
        let mut currents = count(&|p| of(current, p)) - self.withdrawn;
        let updated = count(&|p| of(update, p));
        let mut named = current;
        let wanted = self.set.int("/spec/replicas").unwrap_or(1);
        let rolling = self.set.text("/spec/updateStrategy/type") != "OnDelete";
        if rolling && updated == wanted && ready == wanted && there.len() as i64 == wanted {
            // The update is complete.
            (named, currents) = (update, updated);
        }
        let mut status = json!({
            "replicas": there.len(), "availableReplicas": available, "collisionCount": self.revisions.collisions,
            "currentRevision": named, "updateRevision": update,
        });
        for (field, number) in
            [("/readyReplicas", ready), ("/currentReplicas", currents.max(0)), ("/updatedReplicas", updated)]
        {
            if number > 0 {
                status.put(field, number);
            }
        }
        status.put("/observedGeneration", self.set["metadata"]["generation"].clone());
        if template::same(&self.set["status"], &status) {
            return Ok(());
        }
        let mut changed = self.set.clone();
        changed.put("/status", status);
        self.context.cluster.update_status(kind::STATEFUL_SET, changed)?;
        Ok(())
    }
}
