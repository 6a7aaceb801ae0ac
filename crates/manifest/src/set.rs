use crate::{HookEvent, Manifest};

/// Which parts of a set `helm template` prints.
#[derive(Clone, Copy, Debug, Default)]
pub struct TemplateOutput {
    /// `--include-crds`
    pub crds: bool,
    /// `--no-hooks`
    pub no_hooks: bool,
    /// `--skip-tests`
    pub skip_tests: bool,
}

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
    /// The hooks of one moment in the order in which they run: by weight, then kind (as sorted here), then name.
    pub fn hooks_of(&self, event: HookEvent) -> Vec<&Manifest> {
        let mut hooks: Vec<&Manifest> =
            self.hooks.iter().filter(|m| m.hook.as_ref().is_some_and(|h| h.events.contains(&event))).collect();
        hooks.sort_by_key(|m| m.hook.as_ref().map_or(0, |h| h.weight));
        hooks
    }

    /// The `manifest` that Helm stores in the record of a release: all ordinary objects, in install order.
    pub fn release_manifest(&self) -> String {
        let mut out = String::new();
        for manifest in &self.manifests {
            push(&mut out, manifest);
        }
        out
    }

    /// What `helm template` prints, byte for byte.
    pub fn template_output(&self, parts: TemplateOutput) -> String {
        let mut out = String::new();
        if parts.crds {
            for crd in &self.crds {
                push(&mut out, crd);
            }
        }
        for manifest in &self.manifests {
            push(&mut out, manifest);
        }
        let end = out.trim_end().len();
        out.truncate(end);
        out.push('\n');
        let is_test = |hook: &Manifest| hook.hook.as_ref().is_some_and(|hook| hook.events.contains(&HookEvent::Test));
        if !parts.no_hooks {
            for hook in self.hooks.iter().filter(|hook| !(parts.skip_tests && is_test(hook))) {
                push(&mut out, hook);
            }
        }
        out
    }
}

fn push(out: &mut String, manifest: &Manifest) {
    out.push_str("---\n# Source: ");
    out.push_str(&manifest.source.template);
    out.push('\n');
    out.push_str(&manifest.text);
    out.push('\n');
}
