//! Hooks of Argo CD, as far as a deployment has them too.

use serde_json::Value;

use crate::{DeletePolicy, Hook, HookEvent, Manifest, ManifestSet};

const HOOK: &str = "argocd.argoproj.io/hook";
const WAVE: &str = "argocd.argoproj.io/sync-wave";
const DELETE_POLICY: &str = "argocd.argoproj.io/hook-delete-policy";

impl Hook {
    /// Of an object that Argo CD runs before or after a sync: at the same moments of an install and an upgrade, its wave for
    /// its weight. `None` for one that Helm's annotation makes a hook, and for phases that only a sync has. The mapping is
    /// the reverse of Argo CD's own of Helm hooks (pre-install and pre-upgrade are `PreSync`, and so on).
    pub fn of_argo(object: &Value) -> Option<Self> {
        let annotations = object.get("metadata")?.get("annotations")?;
        let text = |key: &str| annotations.get(key).and_then(Value::as_str);
        if text("helm.sh/hook").is_some() {
            return None;
        }
        let mut events = Vec::new();
        for phase in text(HOOK)?.split(',').map(str::trim) {
            match phase {
                "PreSync" => events.extend([HookEvent::PreInstall, HookEvent::PreUpgrade]),
                "PostSync" => events.extend([HookEvent::PostInstall, HookEvent::PostUpgrade]),
                "PreDelete" => events.push(HookEvent::PreDelete),
                "PostDelete" => events.push(HookEvent::PostDelete),
                // `Sync` is among the ordinary objects; what has no other phase stays there.
                _ => {}
            }
        }
        if events.is_empty() {
            return None;
        }
        let weight = text(WAVE).and_then(|wave| wave.trim().parse().ok()).unwrap_or(0);
        let policy = |word: &str| match word.trim() {
            "BeforeHookCreation" => Some(DeletePolicy::BeforeHookCreation),
            "HookSucceeded" => Some(DeletePolicy::HookSucceeded),
            "HookFailed" => Some(DeletePolicy::HookFailed),
            _ => None,
        };
        let delete_policies = text(DELETE_POLICY).unwrap_or_default().split(',').filter_map(policy).collect();
        Some(Self { events, weight, delete_policies })
    }
}

impl ManifestSet {
    /// The set with the objects that Argo CD would run as hooks among its hooks, where Helm alone would have them among the
    /// ordinary ones and wait for none.
    #[must_use]
    pub fn with_argo_hooks(mut self) -> Self {
        let (hooks, manifests) = self.manifests.into_iter().partition(|m| Hook::of_argo(&m.object).is_some());
        self.manifests = manifests;
        let hooks: Vec<Manifest> = hooks;
        self.hooks.extend(hooks.into_iter().map(|mut manifest| {
            manifest.hook = Hook::of_argo(&manifest.object);
            manifest
        }));
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn of(annotations: &Value) -> Option<Hook> {
        Hook::of_argo(&json!({"metadata": {"annotations": annotations}}))
    }

    #[test]
    fn phases_become_moments_and_waves_weights() {
        let hook = of(&json!({"argocd.argoproj.io/hook": "PreSync, Sync", "argocd.argoproj.io/sync-wave": "-5",
            "argocd.argoproj.io/hook-delete-policy": "HookSucceeded,BeforeHookCreation"}))
        .unwrap();
        assert_eq!(hook.events, [HookEvent::PreInstall, HookEvent::PreUpgrade]);
        assert_eq!(hook.weight, -5);
        assert_eq!(hook.delete_policies, [DeletePolicy::HookSucceeded, DeletePolicy::BeforeHookCreation]);
        let after = of(&json!({"argocd.argoproj.io/hook": "PostSync"})).unwrap();
        assert_eq!(after.events, [HookEvent::PostInstall, HookEvent::PostUpgrade]);
        assert_eq!(after.effective_delete_policies(), [DeletePolicy::BeforeHookCreation]);
    }

    #[test]
    fn what_helm_runs_and_what_only_a_sync_has_is_left() {
        assert_eq!(of(&json!({"argocd.argoproj.io/hook": "PreSync", "helm.sh/hook": "post-install"})), None);
        assert_eq!(of(&json!({"argocd.argoproj.io/hook": "Sync"})), None);
        assert_eq!(of(&json!({"argocd.argoproj.io/hook": "Skip"})), None);
        assert_eq!(of(&json!({"argocd.argoproj.io/sync-wave": "1"})), None);
    }
}
