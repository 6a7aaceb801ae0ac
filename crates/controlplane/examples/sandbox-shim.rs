//! The shim of process pods as a program of its own: what `bowline sandbox-shim` runs. Tests use it.

use std::process::ExitCode;

fn main() -> ExitCode {
    bowline_controlplane::node::shim::run(std::env::args_os().skip(2))
}
