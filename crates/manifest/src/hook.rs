use std::fmt;

use serde::{Deserialize, Serialize};

/// When a hook runs (`helm.sh/hook`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HookEvent {
    /// Before anything of a first install is created.
    PreInstall,
    /// After a first install.
    PostInstall,
    /// Before an upgrade changes anything.
    PreUpgrade,
    /// After an upgrade.
    PostUpgrade,
    /// Before a rollback changes anything.
    PreRollback,
    /// After a rollback.
    PostRollback,
    /// Before an uninstall deletes anything.
    PreDelete,
    /// After an uninstall.
    PostDelete,
    /// On `test` (Helm's `test` and the older `test-success`).
    Test,
}

impl HookEvent {
    /// From one word of the annotation; `None` for a word that Helm does not know either.
    pub fn parse(word: &str) -> Option<Self> {
        Some(match word.trim() {
            "pre-install" => Self::PreInstall,
            "post-install" => Self::PostInstall,
            "pre-upgrade" => Self::PreUpgrade,
            "post-upgrade" => Self::PostUpgrade,
            "pre-rollback" => Self::PreRollback,
            "post-rollback" => Self::PostRollback,
            "pre-delete" => Self::PreDelete,
            "post-delete" => Self::PostDelete,
            "test" | "test-success" => Self::Test,
            _ => return None,
        })
    }

    /// The annotation's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PreInstall => "pre-install",
            Self::PostInstall => "post-install",
            Self::PreUpgrade => "pre-upgrade",
            Self::PostUpgrade => "post-upgrade",
            Self::PreRollback => "pre-rollback",
            Self::PostRollback => "post-rollback",
            Self::PreDelete => "pre-delete",
            Self::PostDelete => "post-delete",
            Self::Test => "test",
        }
    }
}

impl fmt::Display for HookEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// When a hook's object is deleted (`helm.sh/hook-delete-policy`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeletePolicy {
    /// Before the hook is created anew; Helm's default where nothing is said.
    BeforeHookCreation,
    /// After it succeeded.
    HookSucceeded,
    /// After it failed.
    HookFailed,
}

impl DeletePolicy {
    /// From one word of the annotation.
    pub fn parse(word: &str) -> Option<Self> {
        Some(match word.trim() {
            "before-hook-creation" => Self::BeforeHookCreation,
            "hook-succeeded" => Self::HookSucceeded,
            "hook-failed" => Self::HookFailed,
            _ => return None,
        })
    }
}

/// What makes a manifest a hook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hook {
    /// The moments at which it runs, in the annotation's order.
    pub events: Vec<HookEvent>,
    /// `helm.sh/hook-weight`; lower runs first. 0 where absent or not a number.
    pub weight: i64,
    /// `helm.sh/hook-delete-policy` as written; empty where the annotation is absent.
    pub delete_policies: Vec<DeletePolicy>,
}

impl Hook {
    /// Of an object: `None` where it carries no `helm.sh/hook` annotation. An annotation that names no known event gives a
    /// hook without events, which Helm drops from the release.
    pub fn of(object: &serde_json::Value) -> Option<Self> {
        let annotations = object.get("metadata")?.get("annotations")?;
        let text = |key: &str| annotations.get(key).and_then(serde_json::Value::as_str);
        let events = text("helm.sh/hook")?.split(',').filter_map(HookEvent::parse).collect();
        let weight = text("helm.sh/hook-weight").and_then(|w| w.parse().ok()).unwrap_or(0);
        let delete_policies =
            text("helm.sh/hook-delete-policy").unwrap_or_default().split(',').filter_map(DeletePolicy::parse).collect();
        Some(Self { events, weight, delete_policies })
    }

    /// The policies in force: Helm's default, `before-hook-creation`, where none is written.
    pub fn effective_delete_policies(&self) -> &[DeletePolicy] {
        if self.delete_policies.is_empty() { &[DeletePolicy::BeforeHookCreation] } else { &self.delete_policies }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn reads_the_annotations_of_a_hook() {
        let job = json!({"metadata": {"annotations": {
            "helm.sh/hook": "pre-install, pre-upgrade,never-heard-of",
            "helm.sh/hook-weight": "-5",
            "helm.sh/hook-delete-policy": "hook-succeeded",
        }}});
        let hook = Hook::of(&job).unwrap();
        assert_eq!(hook.events, [HookEvent::PreInstall, HookEvent::PreUpgrade]);
        assert_eq!((hook.weight, hook.effective_delete_policies()), (-5, &[DeletePolicy::HookSucceeded][..]));
        assert_eq!(Hook::of(&json!({"metadata": {}})), None);
    }
}
