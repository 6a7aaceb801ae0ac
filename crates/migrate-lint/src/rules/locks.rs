use crate::finding::{Finding, Severity};
use crate::lint::{Look, TableSize, bare};
use crate::locks::{LockMode, Work};
use crate::{describe, locks, rewrite};

/// From here on a table is large: reading it takes seconds.
const LARGE: TableSize = TableSize { rows: 1_000_000, bytes: 256 << 20 };

/// Locks that stop the application for as long as a large table is read or written.
pub(super) fn large_tables(look: &Look<'_>, findings: &mut Vec<Finding>) {
    let Some(sizes) = &look.options.sizes else { return };
    for file in look.files.iter().filter(|file| !look.is_applied(file.migration)) {
        let Some(up) = &file.up else { continue };
        for change in &up.changes {
            for lock in locks::of(change, up.rewrites(change)) {
                let size = sizes.tables.get(&lock.table).or_else(|| sizes.tables.get(bare(&lock.table)));
                let Some(size) = size.filter(|_| !look.is_new(file, &lock.table)) else { continue };
                let is_large = size.rows >= LARGE.rows || size.bytes >= LARGE.bytes;
                let stops = lock.mode >= LockMode::Share || lock.work == Work::Rewrite;
                if !is_large || !stops || lock.work == Work::Brief {
                    continue;
                }
                let mut finding =
                    file.finding(&up.part.path, change.range.start, "lock-on-large-table", Severity::Error);
                let verb = if lock.work == Work::Scan { "read" } else { "written" };
                finding.message = format!(
                    "{}, and {} has {} rows in {} MiB",
                    describe::of(change),
                    lock.table,
                    size.rows,
                    size.bytes >> 20
                );
                finding.reason = format!(
                    "every row is {verb} under a {} lock, which stops {} meanwhile",
                    lock.mode,
                    if lock.mode >= LockMode::Share { lock.mode.stops() } else { "writes to the same rows" }
                );
                finding.rewrite = rewrite::of(change);
                findings.push(finding);
            }
        }
    }
}
