//! How the program is linked.
//!
//! At fixed addresses: a position-independent program of this size has 52,000 addresses that the loader has to correct, and
//! 1 MB of pages to copy for that, before `main`. That was half of the time of a small command. Without `unsafe` code, what
//! random addresses protect from does not come up, and libraries, stack and heap keep theirs.

use std::env;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if env::var("CARGO_CFG_TARGET_OS").is_ok_and(|system| system == "linux") {
        println!("cargo::rustc-link-arg-bins=-no-pie");
    }
}
