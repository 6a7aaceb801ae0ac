//! API server, workload controllers and node in one process.
#![forbid(unsafe_code)]

pub mod node;
