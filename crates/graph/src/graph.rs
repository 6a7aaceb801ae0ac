//! The graph itself: nodes and how to find them.

use std::collections::BTreeMap;
use std::sync::Arc;

use bowline_manifest::{HookEvent, Manifest, ManifestSet, ObjectKey};
use serde::{Deserialize, Serialize};

use crate::{Journey, KeyOf, ManifestRef, Phase, Section};

/// A node of a [`Graph`], by index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct NodeId(pub usize);

/// One object of the set.
#[derive(Clone, Debug)]
pub struct Node {
    /// Its index.
    pub id: NodeId,
    /// What it is called in the cluster; the release's namespace is filled in.
    pub key: ObjectKey,
    /// Where it stands in the set.
    pub place: ManifestRef,
    /// The manifest.
    pub manifest: Arc<Manifest>,
}

/// Objects, their phases and their references.
#[derive(Clone, Debug)]
pub struct Graph {
    release_namespace: String,
    nodes: Vec<Node>,
    by_key: BTreeMap<ObjectKey, Vec<NodeId>>,
    keys: KeyOf,
    hook_order: BTreeMap<HookEvent, Vec<NodeId>>,
}

impl Graph {
    /// The graph of `set`, installed into `release_namespace`. Documents without a name are left out.
    pub fn build(set: &ManifestSet, release_namespace: &str) -> Self {
        let keys = KeyOf::new(set, release_namespace);
        let sections = [(Section::Crds, &set.crds), (Section::Manifests, &set.manifests), (Section::Hooks, &set.hooks)];
        let mut nodes: Vec<Node> = Vec::new();
        for (section, manifests) in sections {
            for (index, manifest) in manifests.iter().enumerate() {
                let Some(key) = keys.object(&manifest.object) else { continue };
                let place = ManifestRef { section, index };
                nodes.push(Node { id: NodeId(nodes.len()), key, place, manifest: Arc::new(manifest.clone()) });
            }
        }
        let mut by_key: BTreeMap<ObjectKey, Vec<NodeId>> = BTreeMap::new();
        for node in &nodes {
            by_key.entry(node.key.clone()).or_default().push(node.id);
        }
        let hook_order = hook_order(&nodes);
        Self { release_namespace: release_namespace.to_owned(), nodes, by_key, keys, hook_order }
    }

    /// The namespace that stands in for a missing one.
    pub fn release_namespace(&self) -> &str {
        &self.release_namespace
    }

    /// All nodes: definitions, main objects in install order, hooks as listed.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// A node of this graph; `None` for an index of another one.
    pub fn node(&self, id: NodeId) -> Option<&Node> {
        self.nodes.get(id.0)
    }

    /// The nodes with this key (a hook and a main object may share one).
    pub fn find(&self, key: &ObjectKey) -> &[NodeId] {
        self.by_key.get(key).map_or(&[], Vec::as_slice)
    }

    /// How objects of this release are called.
    pub fn keys(&self) -> &KeyOf {
        &self.keys
    }

    /// The hooks of one moment in the order in which Helm runs them: weight, then name, then kind in install order
    /// (`hookByWeight` in Helm's `pkg/action/hooks.go` compares names before the kinds of the stable sort).
    pub fn hooks(&self, event: HookEvent) -> &[NodeId] {
        self.hook_order.get(&event).map_or(&[], Vec::as_slice)
    }

    /// The moments of a journey at which a node is created, earliest first; empty for one that takes no part.
    pub fn phases(&self, id: NodeId, journey: Journey) -> Vec<Phase> {
        let Some(node) = self.node(id) else { return Vec::new() };
        match node.place.section {
            Section::Crds => vec![Phase::Crds],
            Section::Manifests => vec![Phase::Main],
            Section::Hooks => {
                let weight = node.manifest.hook.as_ref().map_or(0, |hook| hook.weight);
                let position = |event| self.hooks(event).iter().position(|&other| other == id);
                let (pre, post) = journey.events();
                let pre = position(pre).map(|position| Phase::Pre { position, weight });
                let post = position(post).map(|position| Phase::Post { position, weight });
                pre.into_iter().chain(post).collect()
            }
        }
    }
}

fn hook_order(nodes: &[Node]) -> BTreeMap<HookEvent, Vec<NodeId>> {
    let mut order: BTreeMap<HookEvent, Vec<NodeId>> = BTreeMap::new();
    for node in nodes {
        for &event in node.manifest.hook.iter().flat_map(|hook| &hook.events) {
            let hooks = order.entry(event).or_default();
            if !hooks.contains(&node.id) {
                hooks.push(node.id);
            }
        }
    }
    let sort_key = |id: &NodeId| {
        nodes.get(id.0).map(|node| (node.manifest.hook.as_ref().map_or(0, |hook| hook.weight), &node.key.name))
    };
    for hooks in order.values_mut() {
        hooks.sort_by(|a, b| sort_key(a).cmp(&sort_key(b)));
    }
    order
}
