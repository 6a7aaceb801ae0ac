//! Desired, live and previous objects to an ordered DAG of operations.
//!
//! ```text
//!  Graph (desired) ─┐
//!  live objects ────┼─► Plan { operations: what, why, after which } ─► engine carries it out, cli prints it
//!  last revision ───┘
//! ```
//!
//! Reads: a graph, the objects of the cluster and of the last revision, all in memory.
//! Produces: a [`Plan`], which can be saved as JSON.
//! Never: does I/O; waits; prints the value of a Secret.
#![forbid(unsafe_code)]

mod changes;
mod deploy;
mod operation;
mod order;
mod plan;
mod quantity;
mod steps;
mod uninstall;

pub use operation::{Action, FieldChange, Operation, OperationId, RecordStage};
pub use plan::{DeployInput, DeployKind, DeployOptions, Order, Plan, PlanKind, Summary, UninstallInput};
