//! The drop-in Helm command line as a program of its own. Everything is in the library.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    bowline_helm::main(std::env::args_os().skip(1))
}
