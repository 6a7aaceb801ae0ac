//! Kubernetes API client for any kind: discovery, apply, watch, logs.
//!
//! ```text
//!  kubeconfig ─ Cluster::connect ─┐                       ┌─► get, list, create, apply, update, patch, delete
//!                                 ├─► Cluster ─ discovery ┼─► watch (lists again where the server forgot)
//!  any tower service ─ Cluster::new ┘   (kind → URL)      └─► logs, events
//! ```
//!
//! Reads: kubeconfig files, and the API server.
//! Produces: objects as JSON values, streams of changes, and errors that say what was being done.
//! Never: knows what an object means; waits on anything but tokio's timer; shows kube-rs' own errors to a user.
#![forbid(unsafe_code)]

mod connect;
mod discovery;
mod error;
mod events;
mod logs;
mod object;
mod query;
mod verbs;
mod watch;

pub use connect::{ConnectOptions, Overrides};
pub use discovery::{Resource, ServerVersion};
pub use error::{ClusterError, FieldProblem};
pub use events::ObjectEvent;
/// The client type that [`Cluster::new`] takes; built over any tower service with `Client::new`.
pub use kube::Client;
pub use logs::LogOptions;
pub use object::{Metadata, ObjectRef};
pub use query::Selection;
pub use verbs::{Apply, Delete, Patch, Propagation};
pub use watch::{WatchEvent, WatchStream};

use std::sync::Arc;

/// A Kubernetes API server, whichever it is: the embedded one in process, one behind a socket, a managed cluster.
///
/// Clones share the connection and the discovery cache.
#[derive(Clone)]
pub struct Cluster {
    client: kube::Client,
    address: String,
    discovered: Arc<discovery::Cache>,
}

impl Cluster {
    /// Over a client that exists already: a tower service in process, or one that [`Cluster::connect`] cannot make.
    pub fn new(client: kube::Client) -> Self {
        Self { client, address: String::new(), discovered: Arc::default() }
    }

    /// The namespace that the connection's context names; `default` where it names none.
    pub fn default_namespace(&self) -> &str {
        self.client.default_namespace()
    }

    /// The address of the server; empty where the client was handed over.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The client beneath, for what this crate has no verb for.
    pub fn client(&self) -> &kube::Client {
        &self.client
    }
}

impl std::fmt::Debug for Cluster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cluster").field("default_namespace", &self.default_namespace()).finish_non_exhaustive()
    }
}
