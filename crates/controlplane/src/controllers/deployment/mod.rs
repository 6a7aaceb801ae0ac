//! Deployments: one ReplicaSet for each pod template, and the way from one to the next.
//!
//! Source of the rules: `pkg/controller/deployment` of Kubernetes 1.36.

mod revision;
mod rollout;
mod scale;
mod spec;
mod status;

use std::sync::Arc;

use serde_json::{Value, json};

use self::revision::ReplicaSets;
use super::pods;
use crate::control_loop::{Change, Cluster, Context, Controller, Key};
use crate::error::Error;
use crate::kind;
use crate::object::{Fields, Selector, owner, template};

/// Reconciles Deployments.
#[derive(Debug, Default)]
pub(crate) struct DeploymentController;

impl Controller for DeploymentController {
    fn name(&self) -> &'static str {
        "deployment-controller"
    }

    fn keys(&mut self, change: &Change, cluster: &Cluster) -> Vec<Key> {
        if change.is(kind::DEPLOYMENT) {
            vec![change.key()]
        } else if change.is(kind::REPLICA_SET) {
            pods::owners(change, kind::DEPLOYMENT, cluster)
        } else if change.is(kind::POD) {
            // Only a recreation waits for pods as such: for the last of them to be gone.
            change.gone().and_then(|pod| deployment_of_pod(cluster, pod)).into_iter().collect()
        } else {
            Vec::new()
        }
    }

    fn reconcile(&mut self, context: &mut Context<'_>, key: &Key) -> Result<(), Error> {
        let Some(deployment) = context.cluster.get(kind::DEPLOYMENT, key) else { return Ok(()) };
        let deployment = Value::clone(&deployment);
        Sync { context, deployment }.run()
    }
}

fn deployment_of_pod(cluster: &Cluster, pod: &Value) -> Option<Key> {
    let reference = owner::controller_of(pod).filter(|r| r.text("/kind") == "ReplicaSet")?;
    let set = cluster.get(kind::REPLICA_SET, &Key::new(pod.namespace(), reference.text("/name")))?;
    let reference = owner::controller_of(&set).filter(|r| r.text("/kind") == "Deployment")?;
    let key = Key::new(pod.namespace(), reference.text("/name"));
    let deployment = cluster.get(kind::DEPLOYMENT, &key)?;
    (!spec::is_rolling(&deployment)).then_some(key)
}

/// One pass over one Deployment; `deployment` is kept as last written.
struct Sync<'a, 'c> {
    context: &'a mut Context<'c>,
    deployment: Value,
}

impl Sync<'_, '_> {
    fn run(&mut self) -> Result<(), Error> {
        let selector = Selector::of(self.deployment.pointer("/spec/selector"));
        if selector.is_everything() {
            let message = "This deployment is selecting all pods. A non-empty selector is required.";
            self.event("Warning", "SelectingAll", message);
            let mut status = self.deployment["status"].clone();
            status.put("/observedGeneration", self.deployment["metadata"]["generation"].clone());
            return self.write_status(status);
        }
        let claimed = self.claim(&selector)?;
        let sets = ReplicaSets::of(&self.deployment, claimed);
        if self.deployment.is_terminating() {
            return self.report(&sets);
        }
        self.note_pause()?;
        if self.deployment.flag("/spec/paused") {
            return self.scale_only(sets, true);
        }
        let sets = self.number_new_set(sets)?;
        if scale::is_scaling(&self.deployment, &sets) {
            return self.scale_only(sets, false);
        }
        if spec::is_rolling(&self.deployment) { rollout::rolling(self, sets) } else { rollout::recreate(self, sets) }
    }

    fn scale_only(&mut self, sets: ReplicaSets, paused: bool) -> Result<(), Error> {
        let mut sets = self.number_new_set(sets)?;
        scale::scale(self, &mut sets)?;
        if paused {
            rollout::clean_up(self, &sets)?;
        }
        self.report(&sets)
    }

    fn event(&mut self, kind: &str, reason: &str, message: &str) {
        self.context.event(kind::DEPLOYMENT, &self.deployment, kind, reason, message);
    }

    /// The ReplicaSets that are the Deployment's, after adopting those without owner that match and releasing those that no
    /// longer do.
    fn claim(&mut self, selector: &Selector) -> Result<Vec<Arc<Value>>, Error> {
        let found = self.context.cluster.list(kind::REPLICA_SET, self.deployment.namespace());
        self.context.cluster.claim(kind::REPLICA_SET, found, kind::DEPLOYMENT, &self.deployment, selector, None)
    }

    /// Notes in the `Progressing` condition that the Deployment was paused or resumed, so that the pause does not count
    /// against the deadline.
    fn note_pause(&mut self) -> Result<(), Error> {
        if spec::progress_deadline(&self.deployment).is_none() {
            return Ok(());
        }
        let reason = status::find(&self.deployment["status"], "Progressing").map_or("", |c| c.text("/reason"));
        let noted = match (reason, self.deployment.flag("/spec/paused")) {
            (status::TIMED_OUT, _) | ("DeploymentPaused", true) => return Ok(()),
            (_, true) => ("DeploymentPaused", "Deployment is paused"),
            ("DeploymentPaused", false) => ("DeploymentResumed", "Deployment is resumed"),
            (_, false) => return Ok(()),
        };
        let mut status = self.deployment["status"].clone();
        let now = self.context.clock.rfc3339();
        status::set(&mut status, status::condition("Progressing", "Unknown", noted.0, noted.1, &now));
        self.write_status(status)
    }

    /// Numbers the new ReplicaSet, where there is one, behind all old ones, and the Deployment like it.
    fn number_new_set(&mut self, mut sets: ReplicaSets) -> Result<ReplicaSets, Error> {
        let Some(new) = sets.new.clone() else { return Ok(sets) };
        let number = sets.old.iter().map(|s| revision::revision(s)).max().unwrap_or(0) + 1;
        let mut changed = Value::clone(&new);
        let annotated = revision::annotate(&mut changed, &self.deployment, number);
        let min_ready = self.deployment.int("/spec/minReadySeconds").unwrap_or(0);
        if annotated || changed.int("/spec/minReadySeconds").unwrap_or(0) != min_ready {
            changed.put("/spec/minReadySeconds", min_ready);
            let written = self.context.cluster.update(kind::REPLICA_SET, changed)?;
            sets.replace(&written);
            return Ok(sets);
        }
        let number = new.annotation(revision::REVISION).unwrap_or_default().to_owned();
        let mut status = self.deployment["status"].clone();
        let deadline = spec::progress_deadline(&self.deployment).is_some();
        let unjudged = deadline && status::find(&status, "Progressing").is_none();
        if unjudged {
            let message = format!("Found new replica set \"{}\"", new.name());
            let now = self.context.clock.rfc3339();
            status::set(&mut status, status::condition("Progressing", "True", "FoundNewReplicaSet", &message, &now));
        }
        self.write_numbered(&number, status)?;
        Ok(sets)
    }

    /// The ReplicaSets with the new one, made where it is missing.
    fn with_new_set(&mut self, mut sets: ReplicaSets) -> Result<ReplicaSets, Error> {
        if sets.new.is_some() {
            return Ok(sets);
        }
        let number = sets.old.iter().map(|s| revision::revision(s)).max().unwrap_or(0) + 1;
        let size = rollout::new_size(&self.deployment, &sets, 0);
        let wanted = self.new_set(number, size);
        let name = wanted.name().to_owned();
        match self.context.cluster.create(kind::REPLICA_SET, wanted) {
            Ok(made) => {
                if size > 0 {
                    let message = format!("Scaled up replica set {name} from 0 to {size}");
                    self.event("Normal", "ScalingReplicaSet", &message);
                }
                sets.new = Some(made);
            }
            Err(error) if error.is_already_exists() => return self.resolve_collision(sets, &name, error),
            Err(error) if error.is_namespace_terminating() => return Err(error),
            Err(error) => {
                let message = format!("Failed to create new replica set \"{name}\": {error}");
                if spec::progress_deadline(&self.deployment).is_some() {
                    let now = self.context.clock.rfc3339();
                    let mut status = self.deployment["status"].clone();
                    let failed = status::condition("Progressing", "False", "ReplicaSetCreateError", &message, &now);
                    status::set(&mut status, failed);
                    // The failure to create is the one to report.
                    let _ = self.write_status(status);
                }
                self.event("Warning", "ReplicaSetCreateError", &message);
                return Err(error);
            }
        }
        let mut status = self.deployment["status"].clone();
        if spec::progress_deadline(&self.deployment).is_some() {
            let message = format!("Created new replica set \"{name}\"");
            let now = self.context.clock.rfc3339();
            status::set(&mut status, status::condition("Progressing", "True", "NewReplicaSetCreated", &message, &now));
        }
        self.write_numbered(&number.to_string(), status)?;
        Ok(sets)
    }

    fn new_set(&self, number: i64, size: i64) -> Value {
        let deployment = &self.deployment;
        let hash = template::hash(&deployment["spec"]["template"], deployment.int("/status/collisionCount"));
        let pods = &deployment["spec"]["template"];
        let pods = template::with_label(pods, "/metadata/labels", template::HASH_LABEL, &hash);
        let selector = &deployment["spec"]["selector"];
        let mut set = json!({
            "apiVersion": kind::REPLICA_SET.api_version(), "kind": kind::REPLICA_SET.kind,
            "metadata": {
                "name": revision::set_name(deployment.name(), &hash),
                "namespace": deployment.namespace(),
                "labels": pods["metadata"]["labels"],
                "ownerReferences": [owner::controller_reference(kind::DEPLOYMENT, deployment)],
            },
            "spec": {
                "replicas": size,
                "selector": template::with_label(selector, "/matchLabels", template::HASH_LABEL, &hash),
                "template": pods,
            },
        });
        if let Some(seconds) = deployment.int("/spec/minReadySeconds").filter(|s| *s > 0) {
            set.put("/spec/minReadySeconds", seconds);
        }
        revision::annotate(&mut set, deployment, number);
        revision::annotate_size(&mut set, deployment);
        set
    }

    /// A ReplicaSet of the new one's name is there: either it is the new one, or two templates have one hash, and the next
    /// pass tries another.
    fn resolve_collision(&mut self, mut sets: ReplicaSets, name: &str, error: Error) -> Result<ReplicaSets, Error> {
        let found = self.context.cluster.fetch(kind::REPLICA_SET, &Key::new(self.deployment.namespace(), name))?;
        let wanted = &self.deployment["spec"]["template"];
        if owner::is_controlled_by(&found, &self.deployment)
            && template::same_template(&found["spec"]["template"], wanted)
        {
            sets.new = Some(found);
            return Ok(sets);
        }
        let mut status = self.deployment["status"].clone();
        let collisions = status.int("/collisionCount").unwrap_or(0);
        status.put("/collisionCount", collisions + 1);
        self.write_status(status)?;
        Err(error)
    }

    /// Writes the status that the ReplicaSets give, without judging progress.
    fn report(&mut self, sets: &ReplicaSets) -> Result<(), Error> {
        let status = status::of(&self.deployment, sets, &self.context.clock.rfc3339());
        self.write_status(status)
    }

    /// Writes the status with progress judged, and sees to it that the deadline is looked at when it passes.
    fn report_rollout(&mut self, sets: &ReplicaSets) -> Result<(), Error> {
        let (now, at) = (self.context.clock.now(), self.context.clock.rfc3339());
        let mut status = status::of(&self.deployment, sets, &at);
        status::judge_progress(&self.deployment, &mut status, sets, now, &at);
        if template::same(&status, &self.deployment["status"]) {
            if let Some(left) = status::next_check(&self.deployment, &status, now) {
                self.context.again_after(left);
            }
            return Ok(());
        }
        self.write_status(status)
    }

    fn write_status(&mut self, status: Value) -> Result<(), Error> {
        let number = self.deployment.annotation(revision::REVISION).unwrap_or_default().to_owned();
        self.write_numbered(&number, status)
    }

    /// Writes status and revision number, which go together; nothing where both are there already.
    fn write_numbered(&mut self, number: &str, status: Value) -> Result<(), Error> {
        let renumbered = !number.is_empty() && self.deployment.annotate(revision::REVISION, number);
        if !renumbered && template::same(&status, &self.deployment["status"]) {
            return Ok(());
        }
        self.deployment.put("/status", status);
        let written = self.context.cluster.update_status(kind::DEPLOYMENT, self.deployment.clone())?;
        self.deployment = Value::clone(&written);
        Ok(())
    }
}
