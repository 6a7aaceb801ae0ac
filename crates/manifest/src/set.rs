use crate::{Hook, HookEvent, Manifest};

/// Everything one rendering of a chart produced, in the order in which Helm would install it.
#[derive(Clone, Debug, Default)]
pub struct ManifestSet {
    /// Objects of the charts' `crds/` folders; created before anything else, on install only.
    pub crds: Vec<Manifest>,
    /// Ordinary objects, stably sorted by Helm's install order of kinds. A document of comments alone is among them, with
    /// `null` for its object.
    pub manifests: Vec<Manifest>,
    /// Hooks, sorted as Helm lists them.
    pub hooks: Vec<Manifest>,
    /// The rendered `NOTES.txt` of the top chart, empty where there is none.
    pub notes: String,
    /// What `helm template --include-crds` prints before all else.
    pub crd_output: String,
    /// What Helm says on standard error about values that do not fit together.
    pub warnings: Vec<String>,
}

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

impl TemplateOutput {
    /// What `helm template` prints, from the text of the CRDs, of objects and of hooks, each with its template.
    pub fn print<'m>(
        self,
        crds: &str,
        objects: impl Iterator<Item = (&'m str, &'m str)>,
        hooks: impl Iterator<Item = (&'m str, &'m str, &'m Hook)>,
    ) -> String {
        let mut out = if self.crds { crds.to_owned() } else { String::new() };
        for (template, text) in objects {
            push(&mut out, template, text);
        }
        let end = out.trim_end().len();
        out.truncate(end);
        out.push('\n');
        if !self.no_hooks {
            for (template, text, hook) in hooks {
                if !(self.skip_tests && hook.events.contains(&HookEvent::Test)) {
                    push(&mut out, template, text);
                }
            }
        }
        out
    }
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

    /// The `manifest` that Helm stores in the record of a release: all ordinary objects, in install order.
    pub fn release_manifest(&self) -> String {
        let mut out = String::new();
        for manifest in &self.manifests {
            push(&mut out, &manifest.source.template, &manifest.text);
        }
        out
    }

    /// What `helm template` prints, byte for byte.
    pub fn template_output(&self, parts: TemplateOutput) -> String {
        let objects = self.manifests.iter().map(|m| (m.source.template.as_str(), &*m.text));
        let hooks = self.hooks.iter().filter_map(|m| Some((m.source.template.as_str(), &*m.text, m.hook.as_ref()?)));
        parts.print(&self.crd_output, objects, hooks)
    }
}

fn push(out: &mut String, template: &str, text: &str) {
    for part in ["---\n# Source: ", template, "\n", text, "\n"] {
        out.push_str(part);
    }
}
