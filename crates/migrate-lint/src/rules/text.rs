use std::path::Path;

use bowline_migrate::ParsedFile;
use bowline_migrate::tree::Layout;

use crate::finding::{Finding, Severity};
use crate::lint::Look;

/// Files that goose and Bowline's runner do not run.
pub(super) fn refused(look: &Look<'_>, findings: &mut Vec<Finding>) {
    if look.tree.layout != Layout::Goose {
        return;
    }
    let refusal = |file: &Path, line, column, message| Finding {
        rule: "refused-by-its-tool".into(),
        severity: Severity::Error,
        file: file.to_owned(),
        line,
        column,
        message,
        reason: "the whole run stops at a file that cannot be read".into(),
        rewrite: None,
        also: Vec::new(),
    };
    for file in &look.files {
        let path = &file.migration.path;
        // Whether a variable is there is for the machine that runs it.
        let parsed = ParsedFile::parse(path, file.text.as_bytes(), &|_| Some("1".to_owned()));
        if let Err(error) = parsed {
            findings.push(refusal(path, error.line, error.column, error.fault.to_string()));
        }
    }
    for path in look.tree.unnumbered() {
        let message = "its name does not begin with a number and '_'".to_owned();
        findings.push(refusal(path, 1, 1, message));
    }
}

/// Text that is no SQL of PostgreSQL, by squawk's parser.
pub(super) fn syntax(look: &Look<'_>, findings: &mut Vec<Finding>) {
    for file in look.files.iter().filter(|file| !look.is_applied(file.migration)) {
        for text in file.up.iter().chain(&file.down) {
            // Variables are put in before the server sees it.
            if file.text.to_ascii_uppercase().contains("+GOOSE ENVSUB ON") {
                continue;
            }
            if let Some((message, at)) = text.errors.first() {
                let mut finding = file.finding(&text.part.path, *at, "unreadable-sql", Severity::Warning);
                finding.message = format!("this is not read as PostgreSQL's SQL: {message}");
                finding.reason = "the rest of the file cannot be judged".into();
                findings.push(finding);
            }
        }
    }
}

/// Comments that begin as notes for the linter and say nothing that it knows.
pub(super) fn notes(look: &Look<'_>, findings: &mut Vec<Finding>) {
    for file in &look.files {
        for (said, at) in &file.notes.unknown {
            let mut finding = file.finding(&file.migration.path, *at, "unknown-note", Severity::Warning);
            finding.message = format!("{said:?} is no note that is known");
            finding.reason = "a note that is not understood is not heeded".into();
            finding.rewrite = Some(
                "-- bowline:phase expand | backfill | contract | neutral\n-- bowline:after VERSION\n\
                 -- bowline:irreversible REASON\n-- bowline:ignore RULE"
                    .into(),
            );
            findings.push(finding);
        }
    }
}
