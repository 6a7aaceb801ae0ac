//! Puts steps in a row: each group after the group before it.

use bowline_graph::{ManifestRef, Node};
use bowline_manifest::{DeletePolicy, GroupVersionKind, HookEvent, ObjectKey};
use serde_json::Value;

use crate::{Action, Operation, OperationId};

/// An operation that has no place yet.
pub(crate) struct Draft {
    pub(crate) action: Action,
    pub(crate) key: Option<ObjectKey>,
    pub(crate) api_version: String,
    pub(crate) manifest: Option<ManifestRef>,
    pub(crate) reason: String,
}

impl Draft {
    /// About no object, or about several.
    pub(crate) fn bare(action: Action, reason: impl Into<String>) -> Self {
        Self { action, key: None, api_version: String::new(), manifest: None, reason: reason.into() }
    }

    /// About a manifest.
    pub(crate) fn of(node: &Node, action: Action, reason: impl Into<String>) -> Self {
        Self {
            action,
            key: Some(node.key.clone()),
            api_version: api_version(&node.manifest.object),
            manifest: Some(node.place),
            reason: reason.into(),
        }
    }

    /// Runs a hook. Helm never deletes a definition for a policy.
    pub(crate) fn hook(node: &Node, event: HookEvent) -> Option<Self> {
        let hook = node.manifest.hook.as_ref()?;
        let deletes = |policy| deletes(node, policy);
        let action = Action::RunHook {
            event,
            weight: hook.weight,
            delete_before: deletes(DeletePolicy::BeforeHookCreation),
            delete_on_failure: deletes(DeletePolicy::HookFailed),
        };
        Some(Self::of(node, action, format!("{event} hook, weight {}", hook.weight)))
    }

    /// Deletes what a hook left, where its policies say so.
    pub(crate) fn hook_deletion(node: &Node, event: HookEvent) -> Option<Self> {
        deletes(node, DeletePolicy::HookSucceeded)
            .then(|| Self::of(node, Action::DeleteHook { event }, "hook-delete-policy: hook-succeeded"))
    }
}

fn deletes(node: &Node, policy: DeletePolicy) -> bool {
    let hook = node.manifest.hook.as_ref();
    node.key.kind != "CustomResourceDefinition" && hook.is_some_and(|h| h.effective_delete_policies().contains(&policy))
}

/// Operations in the making.
#[derive(Default)]
pub(crate) struct Steps {
    operations: Vec<Operation>,
    /// What the next group has to wait for.
    last: Vec<OperationId>,
}

impl Steps {
    /// Adds steps that may run at once, after everything before them.
    pub(crate) fn then(&mut self, group: impl IntoIterator<Item = Draft>) {
        let start = self.operations.len();
        for draft in group {
            let id = OperationId(self.operations.len());
            let Draft { action, key, api_version, manifest, reason } = draft;
            let depends_on = self.last.clone();
            self.operations.push(Operation { id, action, key, api_version, manifest, depends_on, reason });
        }
        if self.operations.len() > start {
            self.last = (start..self.operations.len()).map(OperationId).collect();
        }
    }

    pub(crate) fn into_operations(self) -> Vec<Operation> {
        self.operations
    }
}

/// `apiVersion` of an object, empty where it has none.
pub(crate) fn api_version(object: &Value) -> String {
    GroupVersionKind::of(object).map(|gvk| gvk.api_version()).unwrap_or_default()
}

/// Whether an object asks to be left alone when its release lets go of it (`helm.sh/resource-policy: keep`).
pub(crate) fn is_kept(object: &Value) -> bool {
    let policy = object.pointer("/metadata/annotations/helm.sh~1resource-policy").and_then(Value::as_str);
    policy.is_some_and(|policy| policy.trim().eq_ignore_ascii_case("keep"))
}
