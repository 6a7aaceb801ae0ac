//! The garbage collector: what is left without its owners goes, and owners that must outlive their dependents wait.
//!
//! Source of the rules: `pkg/controller/garbagecollector` of Kubernetes 1.36.

mod graph;

use bowline_apiserver::Propagation;
use serde_json::Value;

use self::graph::{Graph, Node};
use crate::control_loop::{Change, Cluster, Context, Controller, Key, has_finalizer, remove_finalizer, unless_gone};
use crate::error::Error;
use crate::object::Fields;

const ORPHAN: &str = "orphan";
const FOREGROUND: &str = "foregroundDeletion";

/// Deletes what nobody owns any more. Its keys are uids.
#[derive(Debug, Default)]
pub(crate) struct GarbageCollector {
    graph: Graph,
}

impl Controller for GarbageCollector {
    fn name(&self) -> &'static str {
        "garbage-collector"
    }

    fn keys(&mut self, change: &Change, _cluster: &Cluster) -> Vec<Key> {
        let mut uids: Vec<String> = Vec::new();
        match (&change.old, &change.new) {
            (_, Some(new)) => {
                self.graph.put(&change.resource, new);
                let waits = new.is_terminating() && (has_finalizer(new, ORPHAN) || has_finalizer(new, FOREGROUND));
                if waits || !new.items("/metadata/ownerReferences").is_empty() {
                    uids.push(new.uid().to_owned());
                }
                if waits && has_finalizer(new, FOREGROUND) {
                    uids.extend(self.graph.dependents(new.uid()));
                }
            }
            (Some(gone), None) => {
                self.graph.remove(gone);
                uids.extend(self.graph.dependents(gone.uid()));
                uids.extend(graph::owners(gone).map(str::to_owned));
            }
            (None, None) => {}
        }
        // An object that was replaced under its name is a change from one uid to another.
        if let (Some(old), Some(new)) = (&change.old, &change.new)
            && old.uid() != new.uid()
        {
            self.graph.remove(old);
            uids.extend(self.graph.dependents(old.uid()));
            uids.extend(graph::owners(old).map(str::to_owned));
        }
        uids.into_iter().filter(|uid| self.graph.node(uid).is_some()).map(|uid| Key::new("", &uid)).collect()
    }

    fn reconcile(&mut self, context: &mut Context<'_>, key: &Key) -> Result<(), Error> {
        let Some(node) = self.graph.node(&key.name).cloned() else { return Ok(()) };
        if node.object.is_terminating() {
            if has_finalizer(&node.object, ORPHAN) {
                return self.orphan_dependents(context, &node);
            }
            if has_finalizer(&node.object, FOREGROUND) {
                return self.await_dependents(context, &node);
            }
            return Ok(());
        }
        self.judge(context, &node)
    }
}

/// What an owner reference points to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Owner {
    /// An object that stays, or cannot be judged.
    Solid,
    /// Nothing any more.
    Gone,
    /// An object that waits for its dependents to go.
    Waiting,
}

impl GarbageCollector {
    fn owner(&self, context: &Context<'_>, node: &Node, reference: &Value) -> Owner {
        let (group, _) = reference.text("/apiVersion").split_once('/').unwrap_or_default();
        let catalog = context.cluster.api().catalog();
        let Some(resource) = catalog.by_kind(group, reference.text("/kind")) else {
            // A kind that is not served (yet): nothing can be said about its objects.
            return Owner::Solid;
        };
        if resource.namespaced && node.object.namespace().is_empty() {
            // Not a valid reference; Kubernetes leaves such objects alone.
            return Owner::Solid;
        }
        let owner = self.graph.node(reference.text("/uid")).filter(|owner| {
            let near = !resource.namespaced || owner.object.namespace() == node.object.namespace();
            near && owner.resource == resource.id && owner.object.name() == reference.text("/name")
        });
        match owner {
            None => Owner::Gone,
            Some(owner) if owner.object.is_terminating() && has_finalizer(&owner.object, FOREGROUND) => Owner::Waiting,
            Some(_) => Owner::Solid,
        }
    }

    /// Deletes an object all of whose owners are gone or wait for it; drops references to such owners where another one stays.
    fn judge(&mut self, context: &mut Context<'_>, node: &Node) -> Result<(), Error> {
        let references = node.object.items("/metadata/ownerReferences");
        let owners: Vec<(Owner, &Value)> = references.iter().map(|r| (self.owner(context, node, r), r)).collect();
        let any = |kind: Owner| owners.iter().any(|(owner, _)| *owner == kind);
        if owners.is_empty() || !any(Owner::Gone) && !any(Owner::Waiting) {
            return Ok(());
        }
        if any(Owner::Solid) {
            let solid = owners.iter().filter(|(owner, _)| *owner == Owner::Solid);
            let kept: Vec<Value> = solid.map(|(_, reference)| Value::clone(reference)).collect();
            let mut changed = Value::clone(&node.object);
            changed.put("/metadata/ownerReferences", kept);
            unless_gone(context.cluster.write(&node.resource, None, changed))?;
            return Ok(());
        }
        let dependents = self.graph.dependents(node.object.uid());
        let propagation = if any(Owner::Waiting) && !dependents.is_empty() {
            self.open_circle(context, node, &dependents)?;
            Propagation::Foreground
        } else if has_finalizer(&node.object, ORPHAN) {
            Propagation::Orphan
        } else if has_finalizer(&node.object, FOREGROUND) {
            Propagation::Foreground
        } else {
            Propagation::Background
        };
        context.cluster.delete_with(&node.resource, &node.object, propagation)
    }

    /// Where an owner and its dependent wait for each other, the dependent no longer blocks.
    fn open_circle(&self, context: &Context<'_>, node: &Node, dependents: &[String]) -> Result<(), Error> {
        let waits = |uid: &String| {
            self.graph.node(uid).is_some_and(|d| d.object.is_terminating() && has_finalizer(&d.object, FOREGROUND))
        };
        if !dependents.iter().any(waits) {
            return Ok(());
        }
        let mut changed = Value::clone(&node.object);
        let mut references = node.object.items("/metadata/ownerReferences").to_vec();
        for reference in &mut references {
            reference.put("/blockOwnerDeletion", false);
        }
        changed.put("/metadata/ownerReferences", references);
        unless_gone(context.cluster.write(&node.resource, None, changed))?;
        Ok(())
    }

    /// Takes an owner out of its dependents' references, then lets it go.
    fn orphan_dependents(&mut self, context: &mut Context<'_>, node: &Node) -> Result<(), Error> {
        for uid in self.graph.dependents(node.object.uid()) {
            let Some(dependent) = self.graph.node(&uid) else { continue };
            let mut references = dependent.object.items("/metadata/ownerReferences").to_vec();
            references.retain(|r| r.text("/uid") != node.object.uid());
            let mut changed = Value::clone(&dependent.object);
            changed.put(
                "/metadata/ownerReferences",
                if references.is_empty() { Value::Null } else { Value::from(references) },
            );
            unless_gone(context.cluster.write(&dependent.resource, None, changed))?;
        }
        release(context, node, ORPHAN)
    }

    /// Lets an owner go once no dependent blocks it.
    fn await_dependents(&mut self, context: &mut Context<'_>, node: &Node) -> Result<(), Error> {
        let blocks = |uid: &String| {
            let dependent = self.graph.node(uid)?;
            let references = dependent.object.items("/metadata/ownerReferences");
            references.iter().find(|r| r.text("/uid") == node.object.uid() && r.flag("/blockOwnerDeletion"))
        };
        if self.graph.dependents(node.object.uid()).iter().any(|uid| blocks(uid).is_some()) {
            return Ok(());
        }
        release(context, node, FOREGROUND)
    }
}

fn release(context: &Context<'_>, node: &Node, finalizer: &str) -> Result<(), Error> {
    let mut released = Value::clone(&node.object);
    if remove_finalizer(&mut released, finalizer) {
        unless_gone(context.cluster.write(&node.resource, None, released))?;
    }
    Ok(())
}
