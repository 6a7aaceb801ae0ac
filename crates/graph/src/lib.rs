//! References and phases of a set of manifests: who needs whom, and what comes when.
//!
//! ```text
//!  ManifestSet ─► nodes (object, phase: crds < pre hooks by weight < main < post hooks)
//!                   └─► references (from, JSON pointer, relation) ─► nodes of the set │ missing: maybe in the cluster
//!                          └─► prerequisites of a hook · cycles · references into later phases · text and DOT
//! ```
//!
//! Reads: the manifests of one rendering and the namespace of the release.
//! Produces: a [`Graph`] that `check`, `plan` and `rehearse` read.
//! Never: does I/O; asks a cluster; decides whether something is a mistake.
#![forbid(unsafe_code)]

mod extract;
mod graph;
mod hostname;
mod phase;
mod pods;
mod pointer;
mod print;
mod reference;
mod scope;
mod selector;
mod table;

pub use graph::{Graph, LaterReference, Node, NodeId};
pub use phase::{Journey, Phase};
pub use pods::{Container, containers, pod_pointer};
pub use reference::{KeyUse, Reference, Relation, Wanted};
pub use scope::{KeyOf, ManifestRef, Section};
pub use selector::Selector;
