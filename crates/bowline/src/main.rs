//! A deployment system for Kubernetes in one binary. Everything is in `bowline-cli`.
#![forbid(unsafe_code)]

fn main() {}
