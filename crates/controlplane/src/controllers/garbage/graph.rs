use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bowline_apiserver::ResourceId;
use serde_json::Value;

use crate::object::Fields;

/// An object as the garbage collector knows it.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) resource: ResourceId,
    pub(super) object: Arc<Value>,
}

/// Who owns whom, by uid: every object of the cluster, and the dependents of every uid that is referred to.
#[derive(Debug, Default)]
pub(super) struct Graph {
    nodes: BTreeMap<String, Node>,
    dependents: BTreeMap<String, BTreeSet<String>>,
}

/// The uids of an object's owners.
pub(super) fn owners(object: &Value) -> impl Iterator<Item = &str> {
    object.items("/metadata/ownerReferences").iter().map(|r| r.text("/uid"))
}

impl Graph {
    /// The object of a uid, where there is one.
    pub(super) fn node(&self, uid: &str) -> Option<&Node> {
        self.nodes.get(uid)
    }

    /// The uids of the objects that refer to `uid` as an owner.
    pub(super) fn dependents(&self, uid: &str) -> Vec<String> {
        self.dependents.get(uid).into_iter().flatten().cloned().collect()
    }

    /// Takes in a new or changed object.
    pub(super) fn put(&mut self, resource: &ResourceId, object: &Arc<Value>) {
        let uid = object.uid().to_owned();
        let node = Node { resource: resource.clone(), object: Arc::clone(object) };
        let before = self.nodes.insert(uid.clone(), node);
        let old: BTreeSet<&str> = before.iter().flat_map(|n| owners(&n.object)).collect();
        let new: BTreeSet<&str> = owners(object).collect();
        for owner in old.difference(&new) {
            self.unlink(owner, &uid);
        }
        for owner in new.difference(&old) {
            self.dependents.entry((*owner).to_owned()).or_default().insert(uid.clone());
        }
    }

    /// Takes out an object that is gone.
    pub(super) fn remove(&mut self, object: &Value) {
        if let Some(node) = self.nodes.remove(object.uid()) {
            for owner in owners(&node.object) {
                self.unlink(owner, object.uid());
            }
        }
    }

    fn unlink(&mut self, owner: &str, dependent: &str) {
        if let Some(dependents) = self.dependents.get_mut(owner) {
            dependents.remove(dependent);
            if dependents.is_empty() {
                self.dependents.remove(owner);
            }
        }
    }
}
