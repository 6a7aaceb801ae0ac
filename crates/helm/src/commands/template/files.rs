//! `--output-dir`: one file for each template.

use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;

use bowline_chart::{Compat, Crd};
use bowline_manifest::{HookEvent, ManifestSet, TemplateOutput};

use crate::console;
use crate::failure::Failure;

/// Writes the set below `folder`, and its CRDs below `crd_folder`.
pub(super) fn write(
    set: &ManifestSet,
    crds: &[Crd],
    parts: TemplateOutput,
    crd_folder: &str,
    folder: &str,
    (compat, wanted): (Compat, &[String]),
) -> Result<(), Failure> {
    let mut written = BTreeSet::new();
    for crd in crds {
        let again = !written.insert(crd.source.clone());
        write_file(crd_folder, &crd.source, &crd.file.text(), again)?;
    }
    for manifest in &set.manifests {
        let template = &manifest.source.template;
        let again = !written.insert(template.clone());
        write_file(folder, template, &manifest.text, again)?;
    }
    let skipped = |events: &[HookEvent]| parts.skip_tests && events.contains(&HookEvent::Test);
    let hooks = set.hooks.iter().filter(|hook| hook.hook.as_ref().is_some_and(|facts| !skipped(&facts.events)));
    for hook in hooks.filter(|_| !parts.no_hooks) {
        let template = &hook.source.template;
        let there = Path::new(folder).join(template).exists();
        write_file(folder, template, &hook.text, there)?;
    }
    // What is left for standard output is the end of an empty text.
    super::print("\n", compat, wanted)
}

fn write_file(folder: &str, name: &str, text: &str, append: bool) -> Result<(), Failure> {
    let path = format!("{folder}/{name}");
    let failed = |operation: &str, path: &str, error: &std::io::Error| {
        Failure::new(format!("{operation} {path}: {}", bowline_chart::go_io_reason(error)))
    };
    if let Some(parent) = Path::new(&path).parent() {
        fs::create_dir_all(parent).map_err(|error| failed("mkdir", folder, &error))?;
    }
    let mut options = OpenOptions::new();
    if append {
        options.append(true);
    } else {
        options.write(true).create(true).truncate(true);
    }
    let mut file = options.open(&path).map_err(|error| failed("open", &path, &error))?;
    let content = format!("---\n# Source: {name}\n{text}\n");
    file.write_all(content.as_bytes()).map_err(|error| failed("write", &path, &error))?;
    console::data(&format!("wrote {path}\n"));
    Ok(())
}
