//! API server, workload controllers and node in one process.
//!
//! ```text
//!   ControlPlane ─┬─ Api (crate apiserver): objects, watches
//!                 ├─ controllers: Deployment, ReplicaSet, Job, …, garbage collector, scheduler    one task, one queue
//!                 └─ node: kubelet, runtime, service proxy
//! ```
//!
//! Reads: objects, through the `Api` in process.
//! Produces: what Kubernetes' controller manager, scheduler and kubelet would: ReplicaSets, pods, endpoints, statuses, events.
//! Never: reads a clock or a random source that it was not handed; works in an order that the run does not decide.
#![forbid(unsafe_code)]

mod control_loop;
mod control_plane;
mod controllers;
mod error;
mod kind;
pub mod node;
mod object;

pub use control_plane::{Config, ControlPlane};
pub use error::Error;
