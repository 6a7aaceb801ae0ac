//! A deployment system for Kubernetes in one binary. Everything is in `bowline-cli`.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    bowline_cli::main()
}
