//! Plans an install, an upgrade or a rollback.

use std::collections::{BTreeMap, BTreeSet};

use bowline_graph::{Graph, Node, NodeId, Section};
use bowline_manifest::{HookEvent, ObjectKey};
use serde_json::{Value, json};

use crate::changes::changes;
use crate::steps::{Draft, Steps, api_version, is_kept};
use crate::{Action, DeployInput, DeployKind, Order, Plan, RecordStage};

impl Plan {
    /// The steps from `input.live` to `input.desired`.
    pub fn deploy(input: &DeployInput<'_>) -> Self {
        let mut planner = Planner {
            input,
            steps: Steps::default(),
            previous: input.previous.iter().filter_map(|o| Some((input.graph.keys().object(o)?, o))).collect(),
            namespace_made: None,
            done: BTreeSet::new(),
        };
        let (pre, post) = input.kind.journey().events();
        planner.definitions();
        planner.namespace();
        planner.steps.then([Draft::bare(Action::Record { stage: RecordStage::Pending }, "before anything changes")]);
        planner.hooks(pre);
        planner.schema();
        planner.main();
        planner.removals();
        planner.wait();
        planner.hooks(post);
        planner.steps.then([Draft::bare(Action::Record { stage: RecordStage::Final }, "after everything")]);
        Self {
            kind: input.kind.into(),
            order: input.order,
            namespace: input.graph.release_namespace().to_owned(),
            operations: planner.steps.into_operations(),
        }
    }
}

struct Planner<'a> {
    input: &'a DeployInput<'a>,
    steps: Steps,
    previous: BTreeMap<ObjectKey, &'a Value>,
    /// The bare namespace that an earlier step creates, where the chart also has a manifest for it.
    namespace_made: Option<(ObjectKey, Value)>,
    /// Main objects that were already applied for a hook.
    done: BTreeSet<NodeId>,
}

impl<'a> Planner<'a> {
    fn graph(&self) -> &'a Graph {
        self.input.graph
    }

    /// Definitions of `crds/`: on install only, one at a time, then until they are established.
    fn definitions(&mut self) {
        if self.input.kind != DeployKind::Install || !self.input.options.crds {
            return;
        }
        let mut created = Vec::new();
        for node in self.graph().nodes().iter().filter(|node| node.place.section == Section::Crds) {
            if self.input.live.contains_key(&node.key) {
                self.steps.then([Draft::of(node, Action::Keep, "the definition exists; Helm never changes one")]);
            } else {
                self.steps.then([Draft::of(node, Action::CreateCrd, "definitions come first")]);
                created.push(node.key.clone());
            }
        }
        if !created.is_empty() {
            self.steps
                .then([Draft::bare(Action::WaitReady { keys: created }, "until the definitions are established")]);
        }
    }

    /// The release's namespace, on install only.
    fn namespace(&mut self) {
        let name = self.graph().release_namespace();
        let key = ObjectKey {
            group: String::new(),
            kind: "Namespace".into(),
            namespace: String::new(),
            name: name.to_owned(),
        };
        if self.input.kind != DeployKind::Install
            || !self.input.options.create_namespace
            || self.input.live.contains_key(&key)
        {
            return;
        }
        let manifest = self.main_nodes().find(|node| node.key == key);
        if let (Some(node), Order::Graph) = (manifest, self.input.order) {
            self.done.insert(node.id);
            self.steps.then([Draft::of(node, Action::Create, "everything else lives in it")]);
            return;
        }
        if manifest.is_some() {
            let bare = json!({"metadata": {"name": name, "labels": {"name": name}}});
            self.namespace_made = Some((key.clone(), bare));
        }
        let mut draft = Draft::bare(Action::CreateNamespace, "the release's namespace is not in the cluster");
        draft.key = Some(key);
        draft.api_version = "v1".into();
        self.steps.then([draft]);
    }

    fn main_nodes(&self) -> impl Iterator<Item = &'a Node> + use<'a> {
        self.input.graph.nodes().iter().filter(|node| node.place.section == Section::Manifests)
    }

    /// The hooks of one moment, one at a time; deletions of what succeeded after all of them, last one first (Helm's
    /// `execHookWithDelayedShutdown`).
    fn hooks(&mut self, event: HookEvent) {
        if !self.input.options.hooks {
            return;
        }
        let graph = self.graph();
        let is_pre = event == self.input.kind.journey().events().0;
        let hooks: Vec<&Node> = graph.hooks(event).iter().filter_map(|&id| graph.node(id)).collect();
        for node in &hooks {
            if is_pre && self.input.order == Order::Graph {
                self.prerequisites_of(node, event);
            }
            self.steps.then(Draft::hook(node, event));
        }
        for node in hooks.into_iter().rev() {
            self.steps.then(Draft::hook_deletion(node, event));
        }
    }

    fn prerequisites_of(&mut self, hook: &Node, event: HookEvent) {
        let needed = self.graph().prerequisites(hook.id);
        let nodes: Vec<&Node> =
            self.main_nodes().filter(|n| needed.contains(&n.id) && !self.done.contains(&n.id)).collect();
        for batch in batches(&nodes) {
            let drafts: Vec<Draft> = batch
                .iter()
                .map(|node| {
                    let mut draft = self.apply(node);
                    draft.reason = format!("{}; needed by {event} hook {}", draft.reason, hook.key);
                    draft
                })
                .collect();
            self.done.extend(batch.iter().map(|node| node.id));
            self.steps.then(drafts);
        }
    }

    /// What the databases have to do with it: after the hooks, which may migrate them, and before anything else.
    fn schema(&mut self) {
        if self.input.options.schema_downs {
            self.steps.then([Draft::bare(Action::TakeBackSchema, "the revision cannot run with what came after it")]);
        }
        if self.input.options.schema_gate {
            self.steps
                .then([Draft::bare(Action::CheckSchema, "nothing is promoted before its migrations are applied")]);
        }
    }

    /// The ordinary objects. Helm creates objects of one kind at once, kind after kind, on install (`batchPerform`), and
    /// goes one by one on upgrade and rollback.
    fn main(&mut self) {
        let nodes: Vec<&Node> = self.main_nodes().filter(|node| !self.done.contains(&node.id)).collect();
        let one_by_one = self.input.order == Order::Helm && self.input.kind != DeployKind::Install;
        for batch in batches(&nodes) {
            let drafts: Vec<Draft> = batch.iter().map(|node| self.apply(node)).collect();
            if one_by_one {
                drafts.into_iter().for_each(|draft| self.steps.then([draft]));
            } else {
                self.steps.then(drafts);
            }
        }
    }

    fn apply(&self, node: &Node) -> Draft {
        let made = self.namespace_made.as_ref().filter(|(key, _)| *key == node.key).map(|(_, live)| live);
        let Some(live) = made.or_else(|| self.input.live.get(&node.key)) else {
            let lost = self.previous.contains_key(&node.key);
            let reason = if lost { "gone from the cluster since the last revision" } else { "not in the cluster" };
            return Draft::of(node, Action::Create, reason);
        };
        let changes = changes(&node.manifest.object, live, self.previous.get(&node.key).copied());
        match changes.len() {
            0 => Draft::of(node, Action::Unchanged, "as it should be"),
            1 => Draft::of(node, Action::Update { changes }, "1 field differs"),
            n => Draft::of(node, Action::Update { changes }, format!("{n} fields differ")),
        }
    }

    /// Objects of the last revision that the manifests no longer have. As in Helm, what the object in the cluster says
    /// about keeping counts, and an object that became a hook is no longer an ordinary one; it is deleted in Helm's order
    /// (Helm does that even right after the hook created it) and left to its hook in the graph's.
    fn removals(&mut self) {
        let graph = self.graph();
        for object in self.input.previous {
            let Some(key) = graph.keys().object(object) else { continue };
            let nodes: Vec<&Node> = graph.find(&key).iter().filter_map(|&id| graph.node(id)).collect();
            let is_hook = nodes.iter().any(|node| node.place.section == Section::Hooks);
            if nodes.iter().any(|node| node.place.section == Section::Manifests)
                || (is_hook && self.input.order == Order::Graph)
            {
                continue;
            }
            let Some(live) = self.input.live.get(&key) else { continue };
            let (action, reason) = if is_kept(live) {
                (Action::Keep, "no longer in the chart, but helm.sh/resource-policy: keep")
            } else {
                (Action::Delete, "no longer in the chart")
            };
            let mut draft = Draft::bare(action, reason);
            draft.api_version = api_version(object);
            draft.key = Some(key);
            self.steps.then([draft]);
        }
    }

    fn wait(&mut self) {
        let keys: Vec<ObjectKey> = self.main_nodes().map(|node| node.key.clone()).collect();
        if self.input.options.wait && !keys.is_empty() {
            self.steps.then([Draft::bare(Action::WaitReady { keys }, "until everything is ready")]);
        }
    }
}

/// Consecutive nodes of one kind.
fn batches<'n, 'g>(nodes: &'n [&'g Node]) -> impl Iterator<Item = &'n [&'g Node]> {
    nodes.chunk_by(|a, b| a.key.kind == b.key.kind)
}
