//! Chart, values and capabilities to manifests and hooks, byte for byte as Helm does it.
#![forbid(unsafe_code)]

pub mod convert;
mod environment;
pub mod functions;

pub use environment::{Environment, Lookup, Nowhere};
