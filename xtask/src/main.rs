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
mod layout_charts;
mod suite;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

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
    /// Run a command and print the most memory that it had, in kilobytes.
    #[command(hide = true)]
    PeakMemory {
        #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
        command: Vec<String>,
    },
    /// Write the generated pages anew.
    Docs,
    /// Lay out the charts of fetched repositories with their dependencies, as a folder for BOWLINE_CHARTS.
    LayoutCharts {
        /// The folder to write to.
        #[arg(long)]
        to: PathBuf,
        /// Folders or git directories that hold charts, as NAME=PATH or PATH.
        #[arg(required = true)]
        sources: Vec<String>,
    },
    /// Check the crates' dependencies against the table in docs/architecture.md.
    Layers,
}

fn main() -> ExitCode {
    let root = workspace_root();
    let result = match Arguments::parse().chore {
        Chore::Test { only } => suite::run(&root, &only),
        Chore::Bench => bench::run(&root),
        Chore::PeakMemory { command } => bench::print_peak_memory(&command),
        Chore::Docs => docs(&root),
        Chore::LayoutCharts { to, sources } => layout_charts::run(&sources, &to),
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

/// Writes `docs/cli.md`. The test that compares it also writes it, so that the chores need not link the command line.
fn docs(root: &Path) -> Result<(), String> {
    let arguments = ["test", "--quiet", "-p", "bowline", "--test", "reference"];
    let mut command = Command::new(env!("CARGO"));
    let status = command.args(arguments).current_dir(root).env("BOWLINE_WRITE_REFERENCE", "1").status();
    let status = status.map_err(|e| format!("run cargo test: {e}"))?;
    if status.success() { Ok(()) } else { Err("docs/cli.md was not written".to_owned()) }
}

fn workspace_root() -> PathBuf {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    here.parent().map_or(here.clone(), PathBuf::from)
}
