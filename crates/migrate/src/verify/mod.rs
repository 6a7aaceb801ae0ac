//! Whether a database has what a program needs: the versions of its folder are all applied, and nothing is half done.
//!
//! ```text
//!  folder, or versions ─► Required ─┐
//!                                   ├─► Verdict: missing, dirty, changed, ahead
//!  database ─► version table ───────┘   (a superset is enough: newest versions are never compared)
//! ```

mod gate;
mod table;
mod verdict;

pub use gate::{Patience, VerifyOptions, verify, wait};
pub use verdict::{Dirty, Required, Verdict};
