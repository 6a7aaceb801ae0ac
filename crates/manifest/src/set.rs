use crate::{HookEvent, Manifest};

/// Everything one rendering of a chart produced, in the order in which Helm would install it.
#[derive(Clone, Debug, Default)]
pub struct ManifestSet {
    /// Objects of the charts' `crds/` folders; created before anything else, on install only.
    pub crds: Vec<Manifest>,
    /// Ordinary objects, stably sorted by Helm's install order of kinds.
    pub manifests: Vec<Manifest>,
    /// Hooks, sorted as Helm lists them.
    pub hooks: Vec<Manifest>,
    /// The rendered `NOTES.txt` of the top chart, empty where there is none.
    pub notes: String,
}

impl ManifestSet {
    /// The hooks of one moment in the order in which they run: by weight, then name, then kind (as sorted here); so
    /// `hookByWeight` in Helm's `pkg/action/hooks.go`, whatever its documentation says about kinds.
    pub fn hooks_of(&self, event: HookEvent) -> Vec<&Manifest> {
        let mut hooks: Vec<&Manifest> =
            self.hooks.iter().filter(|m| m.hook.as_ref().is_some_and(|h| h.events.contains(&event))).collect();
        let name = |m: &Manifest| m.key().map(|key| key.name).unwrap_or_default();
        hooks.sort_by_key(|m| (m.hook.as_ref().map_or(0, |h| h.weight), name(m)));
        hooks
    }
}
