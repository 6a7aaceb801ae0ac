//! The Kubernetes REST API over the store.
//!
//! ```text
//!   kubectl, helm, client-go ─ TLS ─► http ─┐
//!   kube-rs (in process) ──── service() ────┤
//!   controllers, node ──────────────────────┴─► Api ─ decode → default → admit → validate → own fields ─► Store
//!                                                └── get, list, watch ◄────────────────────────────────────┘
//! ```
//!
//! Reads: requests; the catalogue of resources and the schemas of kinds, which are data.
//! Produces: stored objects, ordered watches, answers in the words of the real API server.
//! Never: runs a controller; reads a clock or a random source that it was not handed; listens anywhere by itself.
#![forbid(unsafe_code)]

mod api;
mod authorize;
mod bootstrap;
pub mod catalog;
mod custom;
mod delete;
mod fields;
mod http;
mod kinds;
mod logs;
mod managed;
mod metadata;
mod options;
mod patch;
mod pods;
mod resource;
mod schema;
mod selector;
mod server;
mod status;
mod table;
mod token;
mod watch;
mod write;

pub use api::Api;
pub use catalog::{Catalog, Resource};
pub use custom::{CustomKind, PrinterColumn};
pub use http::{ApiService, Body, User};
pub use logs::{LogOptions, LogSource, LogStream};
pub use options::{
    DeleteOptions, Deletion, FieldValidation, List, ListOptions, Notes, Patch, Propagation, WatchOptions, WriteOptions,
};
pub use resource::{ResourceId, resources};
pub use selector::{FieldSelector, LabelSelector};
pub use server::{Identity, ServeError, Server};
pub use status::{Cause, Details, Status};
pub use watch::{Watch, WatchEvent, WatchEventKind};
