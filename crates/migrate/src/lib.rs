//! SQL migrations as goose writes them, run so that three pods, a canary and a `kill -9` cannot break them.
//!
//! ```text
//!  folder ─► Folder (versions) ─► ParsedFile (statements with their lines)
//! ```
//!
//! Reads: a folder of goose's SQL files (format of goose 3.29) and the environment variables that `ENVSUB` names.
//! Produces: statements with file, line and column.
//! Never: prints; guesses what a file means where goose would refuse it; shows a password.
#![forbid(unsafe_code)]

mod envsub;
mod error;
mod file;
mod folder;
mod parse;
pub mod tree;

pub use envsub::Variables;
pub use error::MigrateError;
pub use file::{Direction, Note, ParsedFile, Section, Statement};
pub use folder::{Folder, Migration};
pub use parse::ParseError;
