//! The project's own chores: tests with their set-up, crate layers, benches, skipped tests by name.
//!
//! ```text
//!  make test  ─► xtask test  ─► peers, format, lints, layers, tests, documentation … each timed, then one table
//!  make bench ─► xtask bench ─► side by side with the real programs, one table
//! ```
#![forbid(unsafe_code)]
// Chores print, and time what they run: that is their work.
#![allow(clippy::print_stdout, clippy::print_stderr, clippy::disallowed_methods)]

mod bench;
mod layers;
mod suite;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(about = "The project's own chores")]
struct Arguments {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Run every test, with its set-up, and say how long each part took.
    Test {
        /// Only the parts whose name contains one of these.
        only: Vec<String>,
    },
    /// Measure, side by side with the real programs, and print the table.
    Bench,
    /// Check the crates' dependencies against the table in docs/architecture.md.
    Layers,
}

fn main() -> ExitCode {
    let root = workspace_root();
    let result = match Arguments::parse().chore {
        Chore::Test { only } => suite::run(&root, &only),
        Chore::Bench => bench::run(&root),
        Chore::Layers => layers::check(&root),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("xtask: {message}");
            ExitCode::FAILURE
        }
    }
}

fn workspace_root() -> PathBuf {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    here.parent().map_or(here.clone(), PathBuf::from)
}
