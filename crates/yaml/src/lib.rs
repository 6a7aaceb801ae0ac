//! YAML as Go reads and writes it: parse with spans, resolve scalars, emit.
//!
//! ```text
//!  text ─► parse ─► Node (spans) ─► resolve ─► Value ─► emit ─► text as sigs.k8s.io/yaml prints it
//! ```
//!
//! Reads: text in memory.
//! Produces: [`Node`] trees that know where everything stood, plain [`Value`]s, and text.
//! Never: does I/O; guesses where Go's parser would fail.
#![forbid(unsafe_code)]

mod node;
mod value;

pub use node::{Mark, Node, NodeKind, Span};
pub use value::{Map, Value};
