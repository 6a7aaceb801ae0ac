//! SQL migrations as goose writes them, run so that three pods, a canary and a `kill -9` cannot break them.
//!
//! ```text
//!  folder ─► Folder (versions) ─► ParsedFile (statements with their lines)
//!                │                      │
//!                └──── plan ◄── State ──┼── version table, checksums, journal
//!                        │              │
//!                     lock, then ─► Runner ─► one session: transaction per file, or statement by statement with a journal
//!                                       └─► Event, Outcome, Status
//!
//!  folder of any tool ─► tree ─► Required ─┐
//!  its version table ─────────────────────┴─► Verdict: is what a program needs applied?
//! ```
//!
//! Reads: a folder of goose's SQL files (format of goose 3.29), the environment variables that `ENVSUB` names, and the
//! database.
//! Produces: an applied schema, goose's version table, and two side tables (checksums of applied files, progress of files
//! without a transaction).
//! Never: prints; guesses what a file means where goose would refuse it; shows a password; blocks in a lock request.
#![forbid(unsafe_code)]

mod author;
mod envsub;
mod error;
mod event;
mod file;
mod folder;
mod journal;
mod lock;
mod mysql;
mod options;
mod parse;
mod plan;
mod postgres;
mod report;
mod run;
mod sequence;
mod server;
mod sqlite;
mod statement;
mod status;
mod tables;
mod target;
mod tls;
pub mod tree;
mod verify;
mod waves;

pub use author::{create, fix};
pub use envsub::{EnvsubError, Variables};
pub use error::MigrateError;
pub use event::{Blocker, Event, Holder};
pub use file::{Direction, Note, ParsedFile, Section, Statement};
pub use folder::{Folder, Migration};
pub use lock::POLL;
pub use options::{Options, Table};
pub use parse::{Fault, ParseError};
pub use report::{Applied, FileState, Outcome, Status, StatusLine};
pub use run::{DownTo, Runner, UpTo};
pub use server::{ServerError, ServerFault};
pub use status::{Validation, validate};
pub use target::{Dialect, Target, TargetError};
pub use verify::{Dirty, Patience, Required, Verdict, VerifyOptions, verify, wait};
pub use waves::{Fate, Member, MemberReport, WavesReport, up_in_waves};
