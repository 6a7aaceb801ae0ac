//! The rules, each a function that looks at all files.

mod deployment;
mod locks;
mod order;
mod squawk;
mod text;
mod transaction;
mod way_back;

use crate::finding::Finding;
use crate::lint::Look;

pub(crate) use way_back::{loses, restores};

type Rule = fn(&Look<'_>, &mut Vec<Finding>);

/// All of them.
pub(crate) const ALL: [Rule; 14] = [
    text::refused,
    text::syntax,
    text::notes,
    order::duplicates,
    order::gaps,
    order::base,
    squawk::rules,
    deployment::contracts,
    deployment::phases,
    transaction::not_idempotent,
    transaction::backfill,
    transaction::concurrent,
    way_back::ways_back,
    locks::large_tables,
];

/// The names of Bowline's own rules.
pub(crate) const NAMES: [&str; 18] = [
    "refused-by-its-tool",
    "unreadable-sql",
    "unknown-note",
    "duplicate-version",
    "missing-version",
    "out-of-order",
    "removed-since-base",
    "changed-since-base",
    "contract-step",
    "contract-too-early",
    "phase-mismatch",
    "not-idempotent-without-transaction",
    "invalid-index-hidden",
    "backfill-in-schema-transaction",
    "missing-down",
    "down-loses-data",
    "down-cannot-restore",
    "lock-on-large-table",
];
