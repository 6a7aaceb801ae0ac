//! Plans a removal.

use bowline_graph::{Node, Section};
use bowline_manifest::{HookEvent, ObjectKey};

use crate::order::uninstall_rank;
use crate::steps::{Draft, Steps, is_kept};
use crate::{Action, Order, Plan, PlanKind, RecordStage, UninstallInput};

impl Plan {
    /// The steps that remove a release, in the order of Helm's `pkg/action/uninstall.go`: pre-delete hooks, the record,
    /// objects kind by kind, wait, post-delete hooks, the record. Definitions of `crds/` stay.
    pub fn uninstall(input: &UninstallInput<'_>) -> Self {
        let mut steps = Steps::default();
        hooks(&mut steps, input, HookEvent::PreDelete);
        steps.then([Draft::bare(Action::Record { stage: RecordStage::Pending }, "before anything is deleted")]);
        let nodes = input.graph.nodes().iter().filter(|node| node.place.section == Section::Manifests);
        let (kept, mut deleted): (Vec<&Node>, Vec<&Node>) = nodes.partition(|node| is_kept(&node.manifest.object));
        deleted.sort_by_key(|node| uninstall_rank(&node.key.kind));
        for batch in deleted.chunk_by(|a, b| a.key.kind == b.key.kind) {
            steps.then(
                batch
                    .iter()
                    .map(|node| Draft { manifest: None, ..Draft::of(node, Action::Delete, "part of the release") }),
            );
        }
        steps.then(kept.into_iter().map(|node| Draft::of(node, Action::Keep, "helm.sh/resource-policy: keep")));
        let keys: Vec<ObjectKey> = deleted.iter().map(|node| node.key.clone()).collect();
        if input.wait && !keys.is_empty() {
            steps.then([Draft::bare(Action::WaitDeleted { keys }, "until everything is gone")]);
        }
        hooks(&mut steps, input, HookEvent::PostDelete);
        steps.then([Draft::bare(Action::Record { stage: RecordStage::Final }, "after everything")]);
        Self {
            kind: PlanKind::Uninstall,
            order: Order::Helm,
            namespace: input.graph.release_namespace().to_owned(),
            operations: steps.into_operations(),
        }
    }
}

fn hooks(steps: &mut Steps, input: &UninstallInput<'_>, event: HookEvent) {
    if !input.hooks {
        return;
    }
    let hooks: Vec<&Node> = input.graph.hooks(event).iter().filter_map(|&id| input.graph.node(id)).collect();
    for node in &hooks {
        steps.then(Draft::hook(node, event));
    }
    for node in hooks.into_iter().rev() {
        steps.then(Draft::hook_deletion(node, event));
    }
}
