//! The graph itself: nodes, references, and what is asked of them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bowline_manifest::{HookEvent, Location, Manifest, ManifestSet, ObjectKey};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::extract::references;
use crate::pods::{labels, pod_pointer};
use crate::table::SECRET_MAKERS;
use crate::{Journey, KeyOf, ManifestRef, Phase, Reference, Relation, Section, Wanted};

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
    nodes: Vec<Node>,
    references: Vec<Reference>,
    /// For each node, the references to it, by index.
    incoming: Vec<Vec<usize>>,
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
        let references = resolve(&nodes, &keys, &by_key);
        let mut incoming = vec![Vec::new(); nodes.len()];
        for (index, reference) in references.iter().enumerate() {
            for target in &reference.targets {
                if let Some(list) = incoming.get_mut(target.0) {
                    list.push(index);
                }
            }
        }
        Self { nodes, references, incoming, by_key, keys, hook_order }
    }

    /// The namespace that stands in for a missing one.
    pub fn release_namespace(&self) -> &str {
        self.keys.release_namespace()
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

    /// All references, by node and then as the tables list them.
    pub fn references(&self) -> &[Reference] {
        &self.references
    }

    /// What `id` needs.
    pub fn references_from(&self, id: NodeId) -> impl Iterator<Item = &Reference> {
        let start = self.references.partition_point(|r| r.from < id);
        self.references.iter().skip(start).take_while(move |r| r.from == id)
    }

    /// Who needs `id`.
    pub fn references_to(&self, id: NodeId) -> impl Iterator<Item = &Reference> {
        self.incoming.get(id.0).into_iter().flatten().filter_map(|&index| self.references.get(index))
    }

    /// Where a reference is written.
    pub fn location(&self, reference: &Reference) -> Option<Location> {
        self.node(reference.from).map(|node| node.manifest.locate(&reference.pointer))
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

    /// References of a journey whose every target in the chart comes only after the object that needs it, with the phases
    /// of both. A target that takes no part in the journey is not counted: it may be there from before.
    pub fn later_references(&self, journey: Journey) -> Vec<LaterReference<'_>> {
        let mut found = Vec::new();
        for reference in &self.references {
            let Some(&from) = self.phases(reference.from, journey).first() else { continue };
            let targets = reference.targets.iter().filter(|&&id| id != reference.from);
            let phases: Option<Vec<Phase>> = targets.map(|&id| self.phases(id, journey).first().copied()).collect();
            let Some(&target) = phases.iter().flatten().min() else { continue };
            if target > from && !reference.built_in {
                found.push(LaterReference { reference, from, target });
            }
        }
        found
    }

    /// What has to exist before `id` is of use, transitively, without `id` itself: what its references name, and for an
    /// account the bindings and roles that let it do its work.
    pub fn prerequisites(&self, id: NodeId) -> BTreeSet<NodeId> {
        let mut seen = BTreeSet::from([id]);
        let mut open = vec![id];
        while let Some(next) = open.pop() {
            let needs =
                self.references_from(next).filter(|r| r.relation.comes_first()).flat_map(|r| &r.targets).copied();
            let bindings = self.references_to(next).filter(|r| r.relation == Relation::Subject).map(|r| r.from);
            open.extend(needs.chain(bindings).filter(|&other| seen.insert(other)));
        }
        seen.remove(&id);
        seen
    }

    /// Groups of objects that need each other in a circle, so that no order of creation suits all of them.
    pub fn cycles(&self) -> Vec<Vec<NodeId>> {
        let reach: Vec<BTreeSet<NodeId>> = self.nodes.iter().map(|node| self.reachable(node.id)).collect();
        let mut done: BTreeSet<NodeId> = BTreeSet::new();
        let mut cycles = Vec::new();
        for (index, targets) in reach.iter().enumerate() {
            let id = NodeId(index);
            if !targets.contains(&id) || done.contains(&id) {
                continue;
            }
            let group: Vec<NodeId> =
                targets.iter().copied().filter(|t| reach.get(t.0).is_some_and(|back| back.contains(&id))).collect();
            done.extend(&group);
            cycles.push(group);
        }
        cycles
    }

    /// What `id` reaches over references that ask for order; itself only where there is a circle.
    fn reachable(&self, id: NodeId) -> BTreeSet<NodeId> {
        let mut seen = BTreeSet::new();
        let mut open = vec![id];
        while let Some(next) = open.pop() {
            let needs =
                self.references_from(next).filter(|r| r.relation.comes_first()).flat_map(|r| &r.targets).copied();
            open.extend(needs.filter(|&other| seen.insert(other)));
        }
        seen
    }
}

/// A reference to something that comes later.
#[derive(Clone, Copy, Debug)]
pub struct LaterReference<'a> {
    /// The reference.
    pub reference: &'a Reference,
    /// When the object with the need is created.
    pub from: Phase,
    /// When the earliest of its targets is created.
    pub target: Phase,
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

/// Extracts the references of all nodes and finds their targets.
fn resolve(nodes: &[Node], keys: &KeyOf, by_key: &BTreeMap<ObjectKey, Vec<NodeId>>) -> Vec<Reference> {
    let mut providers = by_key.clone();
    for node in nodes {
        if let Some(key) = secret_made_by(node) {
            providers.entry(key).or_default().push(node.id);
        }
    }
    let pods: Vec<(&Node, BTreeMap<String, String>)> = nodes
        .iter()
        .filter_map(|node| {
            let pod = pod_pointer(&node.key.group, &node.key.kind)?;
            Some((node, labels(node.manifest.object.pointer(&format!("{pod}/metadata")))))
        })
        .collect();
    let definitions = definitions(nodes);
    let mut all = Vec::new();
    for node in nodes {
        for mut reference in references(node, keys) {
            reference.targets = match &reference.wanted {
                Wanted::Object(key) => providers.get(key).cloned().unwrap_or_default(),
                Wanted::Pods { namespace, selector } => {
                    let fits = |(pod, labels): &&(&Node, BTreeMap<String, String>)| {
                        pod.key.namespace == *namespace && selector.matches(labels)
                    };
                    pods.iter().filter(fits).map(|(pod, _)| pod.id).collect()
                }
            };
            let guess = reference.relation == Relation::Hostname && reference.optional;
            if !(guess && reference.targets.is_empty()) {
                all.push(reference);
            }
        }
        let kind = (node.key.group.as_str(), node.key.kind.as_str());
        if let Some(definition) = definitions.get(&kind).and_then(|&id| nodes.get(id.0)) {
            all.push(Reference {
                from: node.id,
                pointer: "/kind".into(),
                relation: Relation::Definition,
                wanted: Wanted::Object(definition.key.clone()),
                optional: false,
                keys: Vec::new(),
                targets: vec![definition.id],
                built_in: false,
            });
        }
    }
    all
}

/// The Secret that a controller makes from this object (SealedSecret, ExternalSecret, Certificate).
fn secret_made_by(node: &Node) -> Option<ObjectKey> {
    let (_, _, path) = SECRET_MAKERS.iter().find(|(g, k, _)| (*g, *k) == (&*node.key.group, &*node.key.kind))?;
    let name = node.manifest.object.pointer(path).and_then(Value::as_str).unwrap_or(&node.key.name).to_owned();
    Some(ObjectKey { group: String::new(), kind: "Secret".into(), namespace: node.key.namespace.clone(), name })
}

/// The definitions of custom kinds in the set, by the group and kind they define.
fn definitions(nodes: &[Node]) -> BTreeMap<(&str, &str), NodeId> {
    let mut map = BTreeMap::new();
    for node in nodes.iter().filter(|node| node.key.kind == "CustomResourceDefinition") {
        let text = |pointer: &str| node.manifest.object.pointer(pointer).and_then(Value::as_str);
        if let (Some(group), Some(kind)) = (text("/spec/group"), text("/spec/names/kind")) {
            map.insert((group, kind), node.id);
        }
    }
    map
}
