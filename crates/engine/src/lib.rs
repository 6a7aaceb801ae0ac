//! Carries a plan out: install, upgrade, rollback, uninstall; waits, hooks, events.
//!
//! ```text
//!  DeployRequest ─► lock ─► history ─► live objects ─► Plan ─► operations, one after another ─► release record
//!                                                                │ apply, delete, hook, wait        (Helm reads it)
//!                                        Event ◄─────────────────┤
//!                                        Cause ◄── a wait that failed: release → hook → Job → pod → reason, last log lines
//! ```
//!
//! Reads: rendered manifests, the cluster's objects, the release's records.
//! Produces: objects in the cluster, revisions, [`Event`]s, and for a failure one [`Cause`].
//! Never: prints; waits without a deadline; reads a clock but the one it is handed; deletes what another release owns.
#![forbid(unsafe_code)]

mod apply;
mod cancel;
mod cause;
mod deploy;
mod diagnose;
mod error;
mod event;
mod health;
mod hooks;
mod inspect;
mod leftovers;
mod live;
mod managed_fields;
mod migration;
mod operations;
mod ownership;
mod pods;
mod record;
mod request;
mod rollback;
mod run;
#[cfg(feature = "test-support")]
pub mod scenario;
mod schema;
mod stored;
mod uninstall;
mod wait;

pub use cancel::{Cancel, CancelTrigger};
pub use cause::{Cause, Step};
pub use error::{EngineError, Failure, Undone};
pub use event::{Change, Event, EventSink, Happening, NoEvents, Phase, Waiting};
pub use health::{Health, health_of};
pub use inspect::{Next, ObjectStatus};
pub use migration::{MigrationEvidence, PodEvidence};
pub use request::{DeployRequest, Options, Outcome, RollbackRequest, UninstallRequest};
pub use schema::{SchemaDowns, SchemaGate, SchemaMigration, SchemaRecord, SchemaVerdict};
pub use stored::manifest_set as stored_manifests;

use std::sync::Arc;

use bowline_clock::Clock;
use bowline_cluster::Cluster;
use bowline_release::ReleaseStore;

/// Who owns the fields of applied objects; helm 4's name, so that either program goes on without a conflict.
pub const FIELD_MANAGER: &str = "helm";

/// Carries out deployments on one cluster.
#[derive(Clone)]
pub struct Engine {
    cluster: Cluster,
    clock: Clock,
    identity: String,
    sink: Arc<dyn EventSink>,
}

impl Engine {
    /// On a cluster. `identity` says who runs it, to whoever finds the release locked: `user@host (pid 4711)`; it must
    /// differ from run to run.
    pub fn new(cluster: Cluster, clock: Clock, identity: impl Into<String>, sink: Arc<dyn EventSink>) -> Self {
        Self { cluster, clock, identity: identity.into(), sink }
    }

    /// The cluster it works on.
    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// The records of a namespace's releases; of all namespaces where empty.
    pub fn releases(&self, namespace: &str) -> ReleaseStore {
        ReleaseStore::new(self.cluster.clone(), self.clock.clone(), namespace)
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("identity", &self.identity).finish_non_exhaustive()
    }
}
