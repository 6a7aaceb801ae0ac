//! Scenarios on an embedded control plane under virtual time.
//!
//! ```text
//!  Scenario (manifests, scripts for pods, seed)
//!      │   tokio, one thread, paused clock: waiting costs nothing
//!      ▼
//!  engine ─► cluster ─► apiserver ─► controllers, node with scripted pods      the real ones, in this process
//!      │                                    │
//!      └────────► Rehearsal { outcome, timeline, explanation } ◄──┘
//! ```
//!
//! Reads: rendered manifests and scripts in memory.
//! Produces: what would happen, moment by moment, and why it would not end well; the same for the same seed.
//! Never: opens a socket, a file or a process; reads the machine's clock; models what the real crates can do themselves.
#![forbid(unsafe_code)]

mod rehearsal;
mod scenario;
mod timeline;

pub use rehearsal::{Outcome, Rehearsal};
pub use scenario::{RehearseError, Scenario};
pub use timeline::{Entry, Moment};
