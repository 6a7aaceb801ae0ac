//! A Deployment's ReplicaSets as revisions: which is the new one, how they are numbered and annotated.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::spec;
use crate::object::{Fields, template};

pub(super) const REVISION: &str = "deployment.kubernetes.io/revision";
const REVISION_HISTORY: &str = "deployment.kubernetes.io/revision-history";
pub(super) const DESIRED_REPLICAS: &str = "deployment.kubernetes.io/desired-replicas";
pub(super) const MAX_REPLICAS: &str = "deployment.kubernetes.io/max-replicas";
const ROLLBACK_TO: &str = "deprecated.deployment.rollback.to";
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// How long the annotation with the revisions that a ReplicaSet once was may grow, in bytes.
const HISTORY_LENGTH: usize = 2000;

/// The Deployment's ReplicaSets: the one of its present template, where there is one, and all others.
#[derive(Clone, Debug, Default)]
pub(super) struct ReplicaSets {
    pub(super) new: Option<Arc<Value>>,
    pub(super) old: Vec<Arc<Value>>,
}

impl ReplicaSets {
    /// Sorts out the new one: the oldest with the Deployment's template.
    pub(super) fn of(deployment: &Value, mut sets: Vec<Arc<Value>>) -> Self {
        sort_by_age(&mut sets);
        let wanted = &deployment["spec"]["template"];
        let new = sets.iter().position(|set| template::same_template(&set["spec"]["template"], wanted));
        let new = new.map(|at| sets.remove(at));
        Self { new, old: sets }
    }

    /// All, the new one last.
    pub(super) fn all(&self) -> impl Iterator<Item = &Arc<Value>> {
        self.old.iter().chain(&self.new)
    }

    /// Puts a changed ReplicaSet in its place.
    pub(super) fn replace(&mut self, changed: &Arc<Value>) {
        for set in self.old.iter_mut().chain(&mut self.new) {
            if set.uid() == changed.uid() {
                *set = Arc::clone(changed);
            }
        }
    }
}

/// From old to new; of equal age by name.
pub(super) fn sort_by_age(sets: &mut [Arc<Value>]) {
    sets.sort_by(|a, b| (a.created(), a.name()).cmp(&(b.created(), b.name())));
}

/// The number of the revision, 0 where it has none.
pub(super) fn revision(set: &Value) -> i64 {
    set.annotation(REVISION).and_then(|r| r.parse().ok()).unwrap_or(0)
}

/// Does Kubernetes keep this annotation of a Deployment from its ReplicaSets?
fn stays_with_deployment(name: &str) -> bool {
    [LAST_APPLIED, REVISION, REVISION_HISTORY, DESIRED_REPLICAS, MAX_REPLICAS, ROLLBACK_TO].contains(&name)
}

/// Gives the new ReplicaSet the Deployment's annotations and its revision number. True where that changed anything.
pub(super) fn annotate(set: &mut Value, deployment: &Value, number: i64) -> bool {
    let mut changed = false;
    let none = Map::new();
    let annotations = deployment.pointer("/metadata/annotations").and_then(Value::as_object).unwrap_or(&none);
    for (name, value) in annotations.iter().filter(|(name, _)| !stays_with_deployment(name)) {
        changed |= set.annotate(name, value.as_str().unwrap_or_default());
    }
    let before = set.annotation(REVISION).map(str::to_owned);
    let before_number = match before.as_deref().unwrap_or_default() {
        "" => 0,
        text => match text.parse::<i64>() {
            Ok(number) => number,
            Err(_) => return false,
        },
    };
    if before_number >= number {
        return changed;
    }
    set.annotate(REVISION, &number.to_string());
    // A ReplicaSet that gets a higher number is one that was rolled back to: it remembers what it was.
    if let Some(before) = before {
        let remembered = set.annotation(REVISION_HISTORY).unwrap_or_default();
        let mut past: Vec<&str> = remembered.split(',').filter(|r| !r.is_empty()).collect();
        past.push(&before);
        while past.len() > 1 && past.join(",").len() > HISTORY_LENGTH {
            past.remove(0);
        }
        let past = past.join(",");
        set.annotate(REVISION_HISTORY, &past);
    }
    true
}

/// Notes on a ReplicaSet how large its Deployment is. True where that changed anything.
pub(super) fn annotate_size(set: &mut Value, deployment: &Value) -> bool {
    let desired = spec::replicas(deployment);
    let desired_changed = set.annotate(DESIRED_REPLICAS, &desired.to_string());
    let max_changed = set.annotate(MAX_REPLICAS, &(desired + spec::max_surge(deployment)).to_string());
    desired_changed || max_changed
}

/// A size noted on a ReplicaSet, where it is a whole number from 0.
pub(super) fn noted_size(set: &Value, annotation: &str) -> Option<i64> {
    set.annotation(annotation)?.parse::<i64>().ok().filter(|n| (0..=i64::from(i32::MAX)).contains(n))
}

/// `NAME-HASH`, the Deployment's name cut so that the whole is a DNS subdomain.
pub(super) fn set_name(deployment: &str, hash: &str) -> String {
    let room = 253usize.saturating_sub(hash.len() + 1);
    let cut = deployment.char_indices().map(|(at, _)| at).take_while(|at| *at <= room).last().unwrap_or(0);
    let name = if deployment.len() > room { deployment.get(..cut).unwrap_or(deployment) } else { deployment };
    format!("{name}-{hash}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_set_rolled_back_to_remembers_its_numbers() {
        let deployment = json!({"metadata": {"annotations": {"team": "web", LAST_APPLIED: "x", REVISION: "9"}}});
        let mut set = json!({});
        assert!(annotate(&mut set, &deployment, 1));
        assert_eq!((set.annotation("team"), set.annotation(LAST_APPLIED)), (Some("web"), None));
        assert!(!annotate(&mut set, &deployment, 1));
        assert!(annotate(&mut set, &deployment, 3) && annotate(&mut set, &deployment, 7));
        assert_eq!((set.annotation(REVISION), set.annotation(REVISION_HISTORY)), (Some("7"), Some("1,3")));
    }

    #[test]
    fn the_oldest_set_of_the_template_is_the_new_one() {
        let set = |name: &str, created: &str, image: &str| {
            Arc::new(json!({"metadata": {"name": name, "uid": name, "creationTimestamp": created},
                "spec": {"template": {"metadata": {"labels": {"pod-template-hash": name}}, "spec": {"image": image}}}}))
        };
        let sets = vec![set("c", "3", "new"), set("a", "1", "old"), set("b", "2", "new")];
        let sets = ReplicaSets::of(&json!({"spec": {"template": {"spec": {"image": "new"}}}}), sets);
        assert_eq!(sets.new.as_ref().map(|s| s.name()), Some("b"));
        assert_eq!(sets.old.iter().map(|s| s.name()).collect::<Vec<_>>(), ["a", "c"]);
    }
}
