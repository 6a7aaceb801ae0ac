//! Findings on a graph: what cannot work, or will surprise, with file and line.
//!
//! ```text
//!  Graph ─► rules (one file each, in a table) ─► findings: rule, severity, place, why, what to do
//! ```
//!
//! Reads: the graph of one rendering.
//! Produces: [`Finding`]s, worst first.
//! Never: does I/O; changes anything; shows the value of a Secret.
#![forbid(unsafe_code)]

mod finding;
mod rule;
mod rules;

pub use finding::{Finding, Related, Severity};
pub use rule::{Rule, check, rules};
