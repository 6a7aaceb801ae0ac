use std::collections::{BTreeMap, BTreeSet};

use bowline_migrate::tree::{Layout, Migration};

use crate::finding::{Finding, Severity};
use crate::lint::Look;

/// From here on a number is a moment, not a place in a sequence.
const TIMESTAMP: u64 = 10_000_000;

/// Two files with one version: the tool refuses them, or runs one of them.
pub(super) fn duplicates(look: &Look<'_>, findings: &mut Vec<Finding>) {
    let mut first: BTreeMap<&str, &Migration> = BTreeMap::new();
    for file in &look.files {
        let migration = file.migration;
        let Some(other) = first.get(migration.version.as_str()) else {
            first.insert(&migration.version, migration);
            continue;
        };
        let mut finding = file.finding(&migration.path, 0, "duplicate-version", Severity::Error);
        finding.message = format!("version {} is also that of {}", migration.version, other.file_name());
        finding.reason = "two branches took the same number: which of them a database has cannot be told".into();
        finding.rewrite = Some(match look.tree.layout {
            Layout::Goose => "bowline migrate fix, or another number for the one that is not released".into(),
            _ => "another number for the one that is not released".into(),
        });
        findings.push(finding);
    }
}

/// A number that is left out, where numbers count: a branch that is not merged, or a file that was deleted.
pub(super) fn gaps(look: &Look<'_>, findings: &mut Vec<Finding>) {
    let numbered: Vec<_> = look.files.iter().filter_map(|f| Some((f, f.migration.number()?))).collect();
    let counts = look.tree.layout != Layout::Flyway && look.tree.layout.is_sql();
    for pair in numbered.windows(2) {
        let [(_, before), (file, number)] = pair else { continue };
        if counts && *number < TIMESTAMP && *number > before + 1 {
            let missing: Vec<String> = (before + 1..*number).take(5).map(|n| n.to_string()).collect();
            let mut finding = file.finding(&file.migration.path, 0, "missing-version", Severity::Warning);
            finding.message = format!("version {number} comes right after {before}: {} is missing", missing.join(", "));
            finding.reason =
                "when the missing file comes later, databases that are past it refuse it or skip it".into();
            findings.push(finding);
        }
    }
}

/// What the base of a branch, or what is live, has: files that changed or are gone, and versions that come in between.
pub(super) fn base(look: &Look<'_>, findings: &mut Vec<Finding>) {
    let mut newest: Option<(u64, String)> = None;
    let mut consider = |number: Option<u64>, whose: &str| {
        if let Some(number) = number
            && newest.as_ref().is_none_or(|(known, _)| *known < number)
        {
            newest = Some((number, whose.to_owned()));
        }
    };
    let mut known: BTreeSet<&str> = BTreeSet::new();
    if let Some(base) = &look.options.base {
        for old in &base.migrations {
            known.insert(&old.version);
            consider(old.number(), "its base");
            let Some(file) = look.files.iter().find(|file| file.migration.version == old.version) else {
                findings.push(Finding {
                    rule: "removed-since-base".into(),
                    severity: Severity::Error,
                    file: old.path.clone(),
                    line: 1,
                    column: 1,
                    message: format!("version {} is in the base, and not here", old.version),
                    reason: "databases that have it can neither be checked nor taken back; new ones do without it"
                        .into(),
                    rewrite: Some("put the file back; undo what it does in a new migration".into()),
                    also: Vec::new(),
                });
                continue;
            };
            if base.text(&old.path) != file.text {
                let at = first_difference(base.text(&old.path), file.text);
                let mut finding = file.finding(&file.migration.path, at, "changed-since-base", Severity::Error);
                finding.message = format!("version {} says something else than in the base", old.version);
                finding.reason = "databases that have run it do not run it again, and differ from new ones".into();
                finding.rewrite = Some("put the file back as it was; make the change in a new migration".into());
                findings.push(finding);
            }
        }
    }
    for live in &look.options.live {
        for version in &live.versions {
            known.insert(version);
            consider(version.split('.').next().and_then(|number| number.parse().ok()), &live.name);
        }
    }
    let Some((newest, whose)) = newest else { return };
    for file in look.files.iter().filter(|file| !known.contains(file.migration.version.as_str())) {
        if file.migration.number().is_some_and(|number| number < newest) {
            let mut finding = file.finding(&file.migration.path, 0, "out-of-order", Severity::Error);
            finding.message =
                format!("version {} is new, but {whose} already has version {newest}", file.migration.version);
            finding.reason = "databases that are past it refuse it, or run it in another order than new ones".into();
            finding.rewrite = Some("a new number for it: that of now".into());
            findings.push(finding);
        }
    }
}

fn first_difference(a: &str, b: &str) -> usize {
    a.bytes().zip(b.bytes()).position(|(a, b)| a != b).unwrap_or(a.len().min(b.len()))
}
