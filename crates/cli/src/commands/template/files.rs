//! `--output-dir`: one file for each template, laid out as Helm does.

use std::collections::BTreeSet;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;

use bowline_chart::Compat;
use bowline_render::show_only;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::printer::Printer;

/// Writes the documents of an output to files below `folder`, and says which.
pub(super) fn write(text: &str, compat: Compat, folder: &Path, printer: Printer) -> Result<(), Failure> {
    let mut written = BTreeSet::new();
    for document in show_only::documents(text, compat) {
        let source = document.text.lines().next().and_then(|line| line.strip_prefix("# Source: "));
        let Some(source) = source else { continue };
        let path = folder.join(source);
        let again = !written.insert(source.to_owned());
        append(&path, document.text, again)
            .map_err(|error| Failure::because(Exit::Failed, format!("write {}", path.display()), &error))?;
        if !again {
            printer.data(&format!("wrote {}\n", path.display()));
        }
    }
    Ok(())
}

fn append(path: &Path, text: &str, again: bool) -> std::io::Result<()> {
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent)?;
    }
    let mut file = OpenOptions::new().create(true).write(true).append(again).truncate(!again).open(path)?;
    file.write_all(format!("---\n{text}").as_bytes())
}
