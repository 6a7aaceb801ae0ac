use crate::describe;
use crate::file::File;
use crate::finding::{Finding, Severity};
use crate::lint::Look;
use crate::statement::{Change, What};

/// Whether the way back brings back what the way forth took.
pub(crate) fn restores(file: &File<'_>) -> bool {
    file.down.as_ref().is_some_and(|down| !down.changes.is_empty())
        && !file.up.iter().flat_map(|up| &up.changes).any(takes_data)
}

/// What the way back takes, with what was written there.
pub(crate) fn loses(file: &File<'_>) -> Vec<String> {
    let back = file.down.iter().flat_map(|down| &down.changes);
    back.filter(|change| takes_data(change)).map(describe::of).collect()
}

/// Whether data goes with a change.
fn takes_data(change: &Change) -> bool {
    matches!(change.what, What::DropTable | What::DropColumn { .. } | What::Truncate { .. } | What::Delete { .. })
}

/// Migrations without a way back, and ways back that lose what was written.
pub(super) fn ways_back(look: &Look<'_>, findings: &mut Vec<Finding>) {
    if !look.tree.migrations.iter().any(|migration| migration.down.is_some()) && !look.tree.layout.has_way_back() {
        return;
    }
    for file in look.files.iter().filter(|file| !look.is_applied(file.migration) && !file.notes.irreversible) {
        let Some(up) = file.up.as_ref().filter(|up| !up.changes.is_empty()) else { continue };
        let down = file.down.as_ref().filter(|down| !down.changes.is_empty() || !down.errors.is_empty());
        let Some(down) = down else {
            let mut finding =
                file.finding(&file.migration.path, up.part.range.start, "missing-down", Severity::Warning);
            finding.message = match &file.down {
                Some(_) => "the way back does nothing".into(),
                None => "there is no way back".into(),
            };
            finding.reason = "a rollback that needs the old schema cannot be made".into();
            finding.rewrite = Some("write it; or, where there is none: -- bowline:irreversible REASON".into());
            findings.push(finding);
            continue;
        };
        for change in up.changes.iter().filter(|change| takes_data(change)) {
            let mut finding = file.finding(&up.part.path, change.range.start, "down-cannot-restore", Severity::Warning);
            finding.message = format!("{}, and going back does not bring the data back", describe::of(change));
            finding.reason =
                "the way back makes an empty table or column; a rollback after it runs without the data".into();
            finding.rewrite =
                Some("keep the data until no rollback needs it: rename it away, or copy it before".into());
            findings.push(finding);
        }
        for change in down.changes.iter().filter(|change| takes_data(change)) {
            // The usual way back of a new table or column.
            if change.table.as_deref().is_some_and(|table| makes(file, table)) {
                continue;
            }
            let mut finding = file.finding(&down.part.path, change.range.start, "down-loses-data", Severity::Warning);
            finding.message = format!("going back, {}", describe::of(change));
            finding.reason = "what was written there since the migration is lost".into();
            finding.rewrite = Some(
                "leave it in place when rolling back: code of before it runs beside what an expand step added".into(),
            );
            findings.push(finding);
        }
    }
}

/// Whether the way forth makes the table, or a column of it.
fn makes(file: &File<'_>, table: &str) -> bool {
    let bare = crate::lint::bare(table);
    file.creates.contains(bare)
        || file.up.iter().flat_map(|up| &up.changes).any(|change| {
            matches!(change.what, What::AddColumn { .. } | What::Insert)
                && change.table.as_deref().is_some_and(|other| crate::lint::bare(other) == bare)
        })
}
