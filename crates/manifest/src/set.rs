use std::sync::Arc;

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
    /// Files of the charts' `crds/` folders, which `helm template --include-crds` prints before all else: their paths and
    /// what they hold.
    pub crd_files: Vec<(String, Arc<[u8]>)>,
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
    /// What `helm template` prints, in pieces: from CRDs, objects and hooks, each with its template or file and its text.
    pub fn pieces<'m>(
        self,
        crds: impl IntoIterator<Item = (&'m str, &'m [u8])>,
        objects: impl IntoIterator<Item = (&'m str, &'m [u8])>,
        hooks: impl IntoIterator<Item = (&'m str, &'m [u8], &'m Hook)>,
    ) -> Vec<&'m [u8]> {
        let mut pieces = Vec::new();
        if self.crds {
            crds.into_iter().for_each(|(file, text)| pieces.extend(document(file, text)));
        }
        objects.into_iter().for_each(|(template, text)| pieces.extend(document(template, text)));
        trim_end(&mut pieces);
        pieces.push(b"\n");
        if !self.no_hooks {
            for (template, text, hook) in hooks {
                if !(self.skip_tests && hook.events.contains(&HookEvent::Test)) {
                    pieces.extend(document(template, text));
                }
            }
        }
        pieces
    }
}

/// A document as Helm prints it.
fn document<'m>(template: &'m str, text: &'m [u8]) -> [&'m [u8]; 5] {
    [b"---\n# Source: ", template.as_bytes(), b"\n", text, b"\n"]
}

/// Takes white space off the end.
fn trim_end(pieces: &mut Vec<&[u8]>) {
    while let Some(piece) = pieces.last_mut() {
        let trimmed = match std::str::from_utf8(piece) {
            Ok(text) => text.trim_end().as_bytes(),
            Err(_) => piece.trim_ascii_end(),
        };
        if trimmed.is_empty() {
            pieces.pop();
        } else {
            *piece = trimmed;
            return;
        }
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
        let objects = self.manifests.iter().map(|m| (m.source.template.as_str(), m.text.as_bytes()));
        let hooks = self.hooks.iter();
        let hooks = hooks.filter_map(|m| Some((m.source.template.as_str(), m.text.as_bytes(), m.hook.as_ref()?)));
        let crds = self.crd_files.iter().map(|(file, text)| (file.as_str(), &**text));
        String::from_utf8_lossy(&parts.pieces(crds, objects, hooks).concat()).into_owned()
    }
}

fn push(out: &mut String, template: &str, text: &str) {
    for part in ["---\n# Source: ", template, "\n", text, "\n"] {
        out.push_str(part);
    }
}
