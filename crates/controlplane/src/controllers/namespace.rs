//! Namespaces on their way out: their content goes first, pods before everything else.
//!
//! Source of the rules: `pkg/controller/namespace` of Kubernetes 1.36.

use std::collections::BTreeMap;

use bowline_apiserver::{DeleteOptions, ListOptions, Propagation, Resource};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::control_loop::{Change, Cluster, Context, Controller, Key, unless_gone};
use crate::error::Error;
use crate::kind;
use crate::object::Fields;

/// Holds a namespace until its content is gone.
const FINALIZER: &str = "kubernetes";

/// The conditions of a namespace that is being deleted, with reason and message where all is well.
const CONDITIONS: [(&str, &str, &str); 5] = [
    ("NamespaceDeletionDiscoveryFailure", "ResourcesDiscovered", "All resources successfully discovered"),
    ("NamespaceDeletionGroupVersionParsingFailure", "ParsedGroupVersions", "All legacy kube types successfully parsed"),
    (
        "NamespaceDeletionContentFailure",
        "ContentDeleted",
        "All content successfully deleted, may be waiting on finalization",
    ),
    ("NamespaceContentRemaining", "ContentRemoved", "All content successfully removed"),
    ("NamespaceFinalizersRemaining", "ContentHasNoFinalizers", "All content-preserving finalizers finished"),
];

/// Empties namespaces that are being deleted, then lets them go.
#[derive(Debug, Default)]
pub(crate) struct NamespaceController;

/// What is left in a namespace.
#[derive(Debug, Default)]
struct Remains {
    /// How many objects, by resource as messages name it.
    objects: BTreeMap<String, usize>,
    /// How many objects wait for each finalizer.
    finalizers: BTreeMap<String, usize>,
    /// What could not be deleted.
    failures: Vec<Error>,
}

impl Controller for NamespaceController {
    fn name(&self) -> &'static str {
        "namespace-controller"
    }

    fn keys(&mut self, change: &Change, cluster: &Cluster) -> Vec<Key> {
        if change.is(kind::NAMESPACE) {
            return vec![change.key()];
        }
        // What goes may have been the last.
        let Some(gone) = change.gone().filter(|o| !o.namespace().is_empty()) else { return Vec::new() };
        let key = Key::new("", gone.namespace());
        let terminating = cluster.get(kind::NAMESPACE, &key).is_some_and(|n| n.is_terminating());
        if terminating { vec![key] } else { Vec::new() }
    }

    fn reconcile(&mut self, context: &mut Context<'_>, key: &Key) -> Result<(), Error> {
        let Some(namespace) = context.cluster.get(kind::NAMESPACE, key) else { return Ok(()) };
        let held = namespace.items("/spec/finalizers").iter().any(|f| f.as_str() == Some(FINALIZER));
        if !namespace.is_terminating() || !held {
            return Ok(());
        }
        let remains = empty(context.cluster, namespace.name());
        let mut changed = Value::clone(&namespace);
        changed.put("/status/phase", "Terminating");
        note(&mut changed, &remains, &context.clock.rfc3339());
        let changed = if changed == *namespace {
            namespace
        } else {
            let Some(written) = unless_gone(context.cluster.update_status(kind::NAMESPACE, changed))? else {
                return Ok(());
            };
            written
        };
        if let Some(failure) = remains.failures.into_iter().next() {
            return Err(failure);
        }
        if !remains.objects.is_empty() {
            // Whatever ends wakes it; this is for what nobody reports.
            context.again_after(SignedDuration::from_secs(15));
            return Ok(());
        }
        let mut finalized = Value::clone(&changed);
        let mut finalizers = changed.items("/spec/finalizers").to_vec();
        finalizers.retain(|f| f.as_str() != Some(FINALIZER));
        finalized.put("/spec/finalizers", if finalizers.is_empty() { Value::Null } else { Value::from(finalizers) });
        unless_gone(context.cluster.write(&kind::NAMESPACE.resource(), Some("finalize"), finalized))?;
        Ok(())
    }
}

/// Deletes what there is in a namespace, everything but pods only once pods are gone. Gives what remains.
fn empty(cluster: &Cluster, namespace: &str) -> Remains {
    let catalog = cluster.api().catalog();
    let deletable = |r: &&std::sync::Arc<Resource>| {
        r.namespaced && ["list", "delete"].iter().all(|verb| r.verbs.iter().any(|v| v == verb))
    };
    let (pods, others): (Vec<_>, Vec<_>) = catalog.iter().filter(deletable).partition(|r| kind::POD.is(&r.id));
    let mut remains = Remains::default();
    for resources in [pods, others] {
        for resource in resources {
            if let Err(error) = empty_of(cluster, namespace, resource, &mut remains) {
                remains.failures.push(error);
            }
        }
        if !remains.objects.is_empty() {
            break;
        }
    }
    remains
}

fn empty_of(cluster: &Cluster, namespace: &str, resource: &Resource, remains: &mut Remains) -> Result<(), Error> {
    let options = DeleteOptions { propagation: Some(Propagation::Background), ..DeleteOptions::default() };
    let all = ListOptions::default();
    if cluster.api().list(&resource.id, Some(namespace), &all)?.items.is_empty() {
        return Ok(());
    }
    cluster.api().delete_collection(&resource.id, Some(namespace), &all, &options)?;
    for left in cluster.api().list(&resource.id, Some(namespace), &all)?.items {
        *remains.objects.entry(format!("{}.{}", resource.id.plural, resource.id.group)).or_default() += 1;
        for finalizer in left.items("/metadata/finalizers").iter().filter_map(Value::as_str) {
            *remains.finalizers.entry(finalizer.to_owned()).or_default() += 1;
        }
    }
    Ok(())
}

/// Sets the conditions that tell how the deletion goes.
fn note(namespace: &mut Value, remains: &Remains, now: &str) {
    let listed = |counts: &BTreeMap<String, usize>, words: &str| {
        let items: Vec<String> = counts.iter().map(|(name, number)| format!("{name} {words} {number}")).collect();
        items
    };
    let mut troubles: BTreeMap<&str, (&str, String)> = BTreeMap::new();
    if !remains.objects.is_empty() {
        let items: Vec<String> =
            listed(&remains.objects, "has").into_iter().map(|item| format!("{item} resource instances")).collect();
        let message = format!("Some resources are remaining: {}", items.join(", "));
        troubles.insert("NamespaceContentRemaining", ("SomeResourcesRemain", message));
    }
    if !remains.finalizers.is_empty() {
        let items: Vec<String> =
            listed(&remains.finalizers, "in").into_iter().map(|item| format!("{item} resource instances")).collect();
        let message = format!("Some content in the namespace has finalizers remaining: {}", items.join(", "));
        troubles.insert("NamespaceFinalizersRemaining", ("SomeFinalizersRemain", message));
    }
    if !remains.failures.is_empty() {
        let mut items: Vec<String> = remains.failures.iter().map(Error::to_string).collect();
        items.sort();
        let message = format!("Failed to delete all resource types, {} remaining: {}", items.len(), items.join(", "));
        troubles.insert("NamespaceDeletionContentFailure", ("ContentDeletionFailed", message));
    }
    let mut conditions = namespace.items("/status/conditions").to_vec();
    for (kind, well, all_well) in CONDITIONS {
        let (status, reason, message) = match troubles.get(kind) {
            Some((reason, message)) => ("True", *reason, message.as_str()),
            None => ("False", well, all_well),
        };
        let condition = json!({"type": kind, "status": status, "reason": reason, "message": message,
                               "lastTransitionTime": now});
        match conditions.iter_mut().find(|c| c.text("/type") == kind) {
            Some(present) => {
                let since = if present.text("/status") == status { present.text("/lastTransitionTime") } else { now };
                let since = since.to_owned();
                *present = condition;
                present.put("/lastTransitionTime", since);
            }
            None => conditions.push(condition),
        }
    }
    namespace.put("/status/conditions", conditions);
}
