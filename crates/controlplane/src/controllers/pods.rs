//! What controllers that own pods share: which owners a change concerns, making and deleting pods with their events.

use serde_json::Value;

use crate::control_loop::{Change, Cluster, Context, Key};
use crate::error::Error;
use crate::kind::{self, Kind};
use crate::object::{Fields, Selector, owner, pod};

/// The owners of `kind` that the change of an object concerns: its controller, before and after, or where it has none every
/// one that would adopt it.
pub(crate) fn owners(change: &Change, kind: Kind, cluster: &Cluster) -> Vec<Key> {
    if change.is(kind::POD) && !concerns_owner(change) {
        return Vec::new();
    }
    let mut keys = Vec::new();
    for pod in change.old.iter().chain(&change.new) {
        match owner::controller_of(pod) {
            Some(reference) if reference.text("/kind") == kind.kind => {
                keys.push(Key::new(pod.namespace(), reference.text("/name")));
            }
            Some(_) => {}
            None if pod.is_terminating() => {}
            None => {
                let owners = cluster.list(kind, pod.namespace());
                let takes = |o: &Value| {
                    let selector = Selector::of(o.pointer("/spec/selector"));
                    !selector.is_everything() && selector.matches(pod)
                };
                keys.extend(owners.iter().filter(|o| takes(o)).map(|o| Key::of(o)));
            }
        }
    }
    keys
}

/// Does a pod's change matter to those who count pods? Its place, its addresses and the like do not.
fn concerns_owner(change: &Change) -> bool {
    let (Some(old), Some(new)) = (&change.old, &change.new) else { return true };
    let metadata = |p: &Value| {
        let fields = ["uid", "labels", "ownerReferences", "finalizers", "deletionTimestamp"];
        fields.map(|field| p["metadata"][field].clone())
    };
    let restarts = |p: &Value| -> Vec<Option<i64>> {
        let lists = ["/status/initContainerStatuses", "/status/containerStatuses"];
        lists.iter().flat_map(|list| p.items(list)).map(|status| status.int("/restartCount")).collect()
    };
    let status = |p: &Value| (p.text("/status/phase").to_owned(), pod::condition(p, "Ready").cloned(), restarts(p));
    status(old) != status(new) || metadata(old) != metadata(new)
}

/// What became of making several pods.
#[derive(Debug)]
pub(crate) struct Creation {
    /// How many were made.
    pub(crate) made: usize,
    /// The first failure.
    pub(crate) result: Result<(), Error>,
}

/// Makes `count` pods in batches of 1, 2, 4, …: a batch with a failure is the last, so that many attempts that would all fail
/// alike are not made. In a namespace that is being deleted nothing can be made, and that is no failure.
pub(crate) fn create(
    context: &mut Context<'_>,
    kind: Kind,
    owner: &Value,
    count: usize,
    mut make: impl FnMut(usize) -> Value,
) -> Creation {
    let mut creation = Creation { made: 0, result: Ok(()) };
    let (mut tried, mut batch) = (0, 1);
    while tried < count && creation.result.is_ok() {
        let end = (tried + batch).min(count);
        for number in tried..end {
            match context.cluster.create(kind::POD, make(number)) {
                Ok(pod) => {
                    creation.made += 1;
                    let message = format!("Created pod: {}", pod.name());
                    context.event(kind, owner, "Normal", "SuccessfulCreate", &message);
                }
                Err(error) if error.is_namespace_terminating() => {}
                Err(error) => {
                    context.event(kind, owner, "Warning", "FailedCreate", &format!("Error creating: {error}"));
                    creation.result = creation.result.and(Err(error));
                }
            }
        }
        (tried, batch) = (end, batch * 2);
    }
    creation
}

/// Deletes a pod; one that is gone already is no failure.
pub(crate) fn delete(context: &mut Context<'_>, kind: Kind, owner: &Value, pod: &Value) -> Result<(), Error> {
    match context.cluster.delete(kind::POD, pod) {
        Ok(()) => {
            let message = format!("Deleted pod: {}", pod.name());
            context.event(kind, owner, "Normal", "SuccessfulDelete", &message);
            Ok(())
        }
        Err(error) => {
            context.event(kind, owner, "Warning", "FailedDelete", &format!("Error deleting: {error}"));
            Err(error)
        }
    }
}
