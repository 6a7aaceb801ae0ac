use std::collections::BTreeSet;

use crate::file::File;
use crate::finding::{Finding, Severity};
use crate::lint::{Look, bare};
use crate::phase::Phase;
use crate::squawk::CONTRACT;
use crate::statement::{Change, What};
use crate::{describe, rewrite};

/// Steps that take something from old code: while a live revision needs it, they break it.
pub(super) fn contracts(look: &Look<'_>, findings: &mut Vec<Finding>) {
    for file in look.files.iter().filter(|file| !look.is_applied(file.migration)) {
        let Some(up) = &file.up else { continue };
        let declared = file.notes.phase.is_some_and(|(phase, _)| phase == Phase::Contract);
        let needs = needed_by(look, file);
        for change in file.contracts(look) {
            let mut finding = file.finding(&up.part.path, change.range.start, "contract-step", severity(change));
            finding.message = describe::of(change);
            let squawk = up.squawk.iter().filter(|found| CONTRACT.contains(&found.rule.as_str()));
            let same = squawk.filter(|found| up.change_at(&found.range) == Some(change));
            finding.also = same.map(|found| found.rule.clone()).collect();
            finding.rewrite = rewrite::of(change);
            match &needs {
                Some(reason) => {
                    finding.rule = "contract-too-early".into();
                    finding.severity = Severity::Error;
                    finding.reason.clone_from(reason);
                    finding.rewrite = Some("in a later release, when no live revision needs the old shape".into());
                }
                // It says what it is, and nothing that is known speaks against it.
                None if declared => continue,
                None => {
                    finding.reason = "code of the release before runs on beside it, through a canary and after a \
                                      rollback, and nothing says that it does without"
                        .into();
                }
            }
            findings.push(finding);
        }
    }
}

/// Why something that is live may still need what a file takes; `None` where nothing is known to.
fn needed_by(look: &Look<'_>, file: &File<'_>) -> Option<String> {
    let after: Vec<String> = file.notes.after.iter().map(|version| canonical(look, version)).collect();
    for live in &look.options.live {
        if let Some(missing) = after.iter().find(|version| !live.versions.contains(*version)) {
            return Some(format!(
                "{} runs, and was built without migration {missing}, after which this one may come",
                live.name
            ));
        }
    }
    if look.options.live.is_empty() || !after.is_empty() {
        return None;
    }
    // What prepares for it must be out before it.
    let touched: BTreeSet<&str> = file.contracts(look).filter_map(|change| change.table.as_deref()).map(bare).collect();
    let prepares = |other: &&File<'_>| {
        let earlier = look.files.iter().take_while(|f| f.migration.path != file.migration.path);
        earlier.into_iter().any(|f| f.migration.path == other.migration.path)
            && !look.is_applied(other.migration)
            && matches!(other.phase(look), Some(Phase::Expand | Phase::Backfill))
            && other
                .up
                .iter()
                .flat_map(|up| &up.changes)
                .any(|change| change.table.as_deref().is_some_and(|table| touched.contains(bare(table))))
    };
    let other = look.files.iter().find(|other| prepares(other))?;
    let live = look.options.live.iter().find(|live| !live.versions.contains(&other.migration.version))?;
    Some(format!(
        "it comes in one deployment with {}, which prepares for it, while {} runs, which knows neither",
        other.migration.file_name(),
        live.name
    ))
}

/// A version as the folder writes it: `00007` is `7` there.
fn canonical(look: &Look<'_>, version: &str) -> String {
    let trimmed = version.trim_start_matches('0');
    let same = |known: &&str| *known == version || known.trim_start_matches('0') == trimmed;
    let known = look.files.iter().map(|file| file.migration.version.as_str()).find(same);
    known.unwrap_or(version).to_owned()
}

/// Removal breaks old code that reads; what tightens breaks only code that does not keep to it.
fn severity(change: &Change) -> Severity {
    match change.what {
        What::AddConstraint { .. } | What::CreateIndex { .. } | What::SetNotNull { .. } | What::DropDefault { .. } => {
            Severity::Hint
        }
        _ => Severity::Warning,
    }
}

/// Files that say of themselves what they are not, or come after what is not there.
pub(super) fn phases(look: &Look<'_>, findings: &mut Vec<Finding>) {
    for file in &look.files {
        let path = &file.migration.path;
        if let (Some((said, at)), Some(derived)) = (file.notes.phase, file.derived_phase(look))
            && derived > said
            && derived == Phase::Contract
        {
            let mut finding = file.finding(path, at, "phase-mismatch", Severity::Error);
            let what: Vec<String> = file.contracts(look).map(describe::of).collect();
            finding.message = format!("it is declared as {said}, but {}", what.join(", and "));
            finding.reason = "a rollback would go back to code that does not run on this schema".into();
            finding.rewrite = Some("-- bowline:phase contract, or a file of its own for that step".into());
            findings.push(finding);
        }
        for version in &file.notes.after {
            let known = canonical(look, version);
            if !look.files.iter().any(|other| other.migration.version == known) {
                let mut finding = file.finding(path, 0, "phase-mismatch", Severity::Error);
                finding.message = format!("it comes after version {version}, which is not in the folder");
                finding.reason = "whether it may run can never be told".into();
                findings.push(finding);
            }
        }
    }
}
