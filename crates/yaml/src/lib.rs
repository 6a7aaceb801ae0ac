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

mod cursor;
mod decode;
mod directive;
mod emit;
mod error;
mod event;
mod grammar;
mod node;
mod number;
mod parse;
mod quote;
mod resolve;
mod scalar;
mod style;
mod token;
mod usual;
mod utf8;
mod value;

pub use decode::{Decoder, Target, require_map};
pub use emit::{Emit, EmitError, Emitter, emit, emit_pretty, natural_order};
pub use error::Error;
pub use node::{Mark, Node, NodeKind, Span};
pub use number::{format_float, format_json_float};
pub use parse::{parse, parse_fields, parse_first};
pub use quote::{is_print, quote};
pub use utf8::text;
pub use value::{Map, Value};
