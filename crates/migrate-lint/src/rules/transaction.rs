use bowline_migrate::tree::Layout;

use crate::describe;
use crate::finding::{Finding, Severity};
use crate::lint::Look;
use crate::phase::Phase;
use crate::rewrite;
use crate::statement::What;

/// Without a transaction a run that ends in between leaves a half; then it must be possible to run the file again.
pub(super) fn not_idempotent(look: &Look<'_>, findings: &mut Vec<Finding>) {
    for file in look.files.iter().filter(|file| !look.is_applied(file.migration)) {
        let Some(up) = file.up.as_ref().filter(|up| !up.part.transaction) else { continue };
        for change in &up.changes {
            let fragile = match &change.what {
                What::CreateIndex { concurrently: true, if_not_exists: true, .. } => {
                    let mut finding =
                        file.finding(&up.part.path, change.range.start, "invalid-index-hidden", Severity::Warning);
                    finding.message = format!("{} IF NOT EXISTS", describe::of(change));
                    finding.reason = "a build that was stopped leaves an INVALID index of this name, and the next run \
                                      takes it for the real one"
                        .into();
                    finding.rewrite = rewrite::of(change);
                    findings.push(finding);
                    continue;
                }
                What::Insert | What::Update { .. } => true,
                _ => up
                    .squawk
                    .iter()
                    .any(|found| found.rule == "prefer-robust-stmts" && up.change_at(&found.range) == Some(change)),
            };
            let dropped_before = matches!(&change.what, What::CreateIndex { name: Some(name), .. }
            if up.changes.iter().take_while(|before| *before != change).any(|before| {
                matches!(&before.what, What::DropIndex { names, .. } if names.contains(name))
            }));
            if !fragile || dropped_before {
                continue;
            }
            let rule = "not-idempotent-without-transaction";
            let mut finding = file.finding(&up.part.path, change.range.start, rule, Severity::Warning);
            finding.message = format!("{}, and cannot be run again", describe::of(change));
            finding.reason =
                "a run that is stopped after it begins again at the top of the file; only bowline migrate \
                              notes each statement"
                    .into();
            let by_squawk = up
                .squawk
                .iter()
                .find(|found| found.rule == "prefer-robust-stmts" && up.change_at(&found.range) == Some(change));
            finding.rewrite = match &change.what {
                What::CreateIndex { concurrently: true, .. } => rewrite::of(change),
                What::Insert => Some("INSERT … ON CONFLICT DO NOTHING".into()),
                What::Update { .. } => Some("UPDATE … WHERE the row is not yet as wanted".into()),
                _ => by_squawk.and_then(|found| found.rewrite.clone()),
            };
            finding.also = by_squawk.map(|found| found.rule.clone()).into_iter().collect();
            findings.push(finding);
        }
    }
}

/// An index that is built or dropped concurrently cannot be in a transaction: the server refuses it. squawk says so only of
/// files with several statements, since it does not know that the tool begins one itself.
pub(super) fn concurrent(look: &Look<'_>, findings: &mut Vec<Finding>) {
    const RULE: &str = "ban-concurrent-index-creation-in-transaction";
    let begins =
        matches!(look.tree.layout, Layout::Goose | Layout::Sqlx | Layout::Dbmate | Layout::Diesel | Layout::Refinery);
    for file in look.files.iter().filter(|file| begins && !look.is_applied(file.migration)) {
        for text in file.up.iter().chain(&file.down).filter(|text| text.part.transaction) {
            for change in &text.changes {
                let concurrently = matches!(
                    change.what,
                    What::CreateIndex { concurrently: true, .. } | What::DropIndex { concurrently: true, .. }
                );
                let said = || text.squawk.iter().any(|f| f.rule == RULE && text.change_at(&f.range) == Some(change));
                if !concurrently || said() {
                    continue;
                }
                let mut finding = file.finding(&text.part.path, change.range.start, RULE, Severity::Error);
                finding.message = format!("{} concurrently, in a transaction", describe::of(change));
                finding.reason =
                    format!("{} begins a transaction for the file, and the server refuses it there", look.tree.layout);
                finding.rewrite = Some(match look.tree.layout {
                    Layout::Goose => "-- +goose NO TRANSACTION, and nothing else in the file".into(),
                    Layout::Sqlx => "-- no-transaction as the first line, and nothing else in the file".into(),
                    Layout::Dbmate => "-- migrate:up transaction:false, and nothing else in the file".into(),
                    _ => "a migration without a transaction, and nothing else in it".into(),
                });
                findings.push(finding);
            }
        }
    }
}

/// Rows that are changed under the lock of a change of the schema: it is held until the transaction ends.
pub(super) fn backfill(look: &Look<'_>, findings: &mut Vec<Finding>) {
    for file in look.files.iter().filter(|file| !look.is_applied(file.migration)) {
        let Some(up) = file.up.as_ref().filter(|up| up.part.transaction) else { continue };
        let locks = |change: &&crate::statement::Change| {
            crate::locks::of(change, false)
                .iter()
                .any(|lock| lock.mode >= crate::locks::LockMode::Share && !look.is_new(file, &lock.table))
        };
        let Some(schema) = up.changes.iter().find(locks) else { continue };
        let later = up.changes.iter().filter(|change| {
            Phase::of(change) == Phase::Backfill
                && !matches!(change.what, What::Insert)
                && change.range.start > schema.range.start
        });
        for change in later {
            let rule = "backfill-in-schema-transaction";
            let mut finding = file.finding(&up.part.path, change.range.start, rule, Severity::Warning);
            finding.message = format!("{} in the transaction in which {}", describe::of(change), describe::of(schema));
            finding.reason = format!(
                "the lock on {} is held until the last row is written, and stops reads and writes so long",
                schema.table.as_deref().unwrap_or("the table")
            );
            finding.rewrite = Some("in a migration of its own, after this one, in batches".into());
            findings.push(finding);
        }
    }
}
