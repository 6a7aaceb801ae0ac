//! Findings on SQL migrations: squawk's rules, and what a deployment knows.
//!
//! ```text
//!  folder of migrations ─► changes ─┬─► phase: expand, backfill, contract ─┐
//!  (bowline_migrate::tree)          ├─► locks on tables, with their sizes  ├─► findings: file:line:column, why, safe form
//!                                   └─► squawk's rules                     │
//!  what is live, base of the branch ───────────────────────────────────────┘
//! ```
//!
//! Reads: a folder of migrations; what the caller knows of live revisions, of a branch's base, of table sizes.
//! Produces: [`Finding`]s and a [`Summary`] of each migration; with [`explain()`], the locks that were really taken.
//! Never: changes a database but the scratch one that [`explain()`] makes and drops.
#![forbid(unsafe_code)]

mod describe;
mod explain;
mod file;
mod finding;
mod lint;
mod locks;
mod notes;
mod phase;
mod rewrite;
mod rules;
mod sizes;
mod squawk;
mod statement;

pub use explain::{ExplainError, Explained, Held, explain};
pub use finding::{Finding, Severity};
pub use lint::{LintOptions, Live, Report, Sizes, Summary, TableSize, lint};
pub use locks::{LockMode, LockUse, Work};
pub use phase::Phase;
pub use sizes::read_sizes;

/// Whether there is a rule of this name, of Bowline's or squawk's.
pub fn is_rule(name: &str) -> bool {
    rules::NAMES.contains(&name) || squawk::known(name)
}
