//! A deployment system for Kubernetes in one binary. Everything is in `bowline-cli`.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// Rendering and the control plane allocate a lot of small things on several threads.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    bowline_cli::main()
}
