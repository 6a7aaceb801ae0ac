//! Go text/template and fmt, compiled once, executed many times.
//!
//! ```text
//!  text ─► lex ─► parse ─► Tree ─┐
//!  text ─► …               Tree ─┼─► Program ── session(host).execute(name, data) ──► Sink (pieces with origin)
//!  Functions<Host> ──────────────┘       │  ▲
//!                                        ▼  │ include, tpl: Call::execute, Call::execute_text
//!                                     Frame: variables in slots, dot, position for errors
//! ```
//!
//! Reads: template text, [`Value`]s, and a table of [`Function`]s over the host's state.
//! Produces: output pieces with their origin, Go's errors word for word ([`ParseError`], [`ExecError`]), and what led to
//! them ([`Blame`]).
//! Never: does I/O, reads a clock, or knows what Helm is.
#![forbid(unsafe_code)]

mod ast;
mod blame;
mod budget;
mod builtin;
mod call;
mod compare;
mod containers;
pub mod duration;
mod error;
mod escape;
mod eval;
mod exec;
pub mod fmt;
mod function;
mod lex;
pub mod literal;
mod node_text;
mod object;
mod parse;
mod program;
mod sink;
pub mod syntax;
mod text;
mod types;
mod value;

pub use ast::deep as with_stack;
pub use blame::{Blame, Step, Subject};
pub use containers::{Element, INTS, LIST, LISTS, List, ListKind, MAP, MAPS, Map, MapKind, Method, TEXT_MAP, TEXTS};
pub use error::{ExecError, ExecuteError, Failure, ParseError};
pub use escape::url_query;
pub use function::{Body, Call, Function};
pub use object::{MethodType, Object};
pub use program::{Compiled, MissingKey, Program, Session};
pub use sink::{LineOrigin, Origin, Sink, Traced};
pub use text::{Text, first_rune, lossy, runes};
pub use types::Type;
pub use value::{Kind, Value};
