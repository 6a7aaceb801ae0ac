//! Kubernetes objects with provenance, identity, annotations, merge patches and structured diff.
//!
//! ```text
//!  rendered text ─► Manifest { object, source: chart, template, line } ─► graph, check, plan
//!                                 │
//!                                 ├─ ObjectKey (what it is called)   ├─ Hook (when it runs)
//!                                 └─ merge patch, diff (what changes)
//! ```
//!
//! Reads: rendered documents, and objects as the API server returns them.
//! Produces: identities, hook facts, places in templates, patches and diffs.
//! Never: does I/O; knows a kind's schema.
#![forbid(unsafe_code)]

mod argo;
mod deployable;
mod difference;
mod hook;
mod key;
mod migration;
mod object;
mod set;
mod source;

pub use difference::{Change, Difference};
pub use hook::{DeletePolicy, Hook, HookEvent};
pub use key::{GroupKind, GroupVersionKind, ObjectKey};
pub use migration::MigrationJob;
pub use object::{json_to_value, object_to_value, to_json, value_to_json};
pub use set::{ManifestSet, TemplateOutput};
pub use source::{Location, Manifest, ManifestError, Source};
