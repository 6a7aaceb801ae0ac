//! Arguments to settings, one file per command, printing.
//!
//! ```text
//!  argv ─► args ─► commands/<verb>.rs ─► the crates below ─► printer (stdout: data, stderr: the rest)
//!                                              └─► Failure ─► cause, hint, exit code
//! ```
//!
//! Reads: arguments, environment variables (`environment.rs`), `bowline.yaml`, the state of a running cluster.
//! Produces: output for people and programs, exit codes.
//! Never: holds logic that a library user would want; that belongs in the crates below.
#![forbid(unsafe_code)]

mod args;
mod environment;
mod exit;
mod failure;
mod home;
mod printer;
