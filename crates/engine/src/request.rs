use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bowline_manifest::ManifestSet;
use bowline_plan::{Order, Summary};
use bowline_release::{ChartRecord, LockOptions, Release};
use serde_json::{Map, Value};

use crate::schema::{SchemaDowns, SchemaGate, SchemaRecord};

/// How a run goes about its work. The defaults are what is safe: everything is waited for, nothing is taken by force.
#[derive(Clone)]
pub struct Options {
    /// The longest time for each single wait: for one hook, for all objects together, for deletions.
    pub timeout: Duration,
    /// Whether to wait until everything is ready (gone, when uninstalling).
    pub wait: bool,
    /// Whether to wait until Jobs that are no hooks have completed.
    pub wait_for_jobs: bool,
    /// Whether hooks run.
    pub hooks: bool,
    /// Helm's order, or the graph's.
    pub order: Order,
    /// Take fields over from other field managers in place of a conflict.
    pub force_conflicts: bool,
    /// Make existing objects part of the release although they are not marked as its own.
    pub take_ownership: bool,
    /// How many revisions are kept; 0 for all.
    pub history_limit: usize,
    /// Of the release's lock.
    pub lock: LockOptions,
    /// In place of the usual description of the revision.
    pub description: Option<String>,
    /// Asked after the hooks that come before everything, and before anything else is changed.
    pub schema_gate: Option<Arc<dyn SchemaGate>>,
}

impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options")
            .field("timeout", &self.timeout)
            .field("wait", &self.wait)
            .field("hooks", &self.hooks)
            .field("order", &self.order)
            .field("schema_gate", &self.schema_gate.is_some())
            .finish_non_exhaustive()
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(300),
            wait: true,
            wait_for_jobs: false,
            hooks: true,
            order: Order::default(),
            force_conflicts: false,
            take_ownership: false,
            history_limit: bowline_release::DEFAULT_HISTORY_LIMIT,
            lock: LockOptions::default(),
            description: None,
            schema_gate: None,
        }
    }
}

/// Installs a release, or upgrades it where it exists.
#[derive(Clone, Debug)]
pub struct DeployRequest {
    /// The release's name.
    pub release: String,
    /// Its namespace.
    pub namespace: String,
    /// What to deploy, as rendered for [`Next`](crate::Next).
    pub manifests: ManifestSet,
    /// The chart, for the record.
    pub chart: ChartRecord,
    /// The values the user gave, for the record.
    pub config: Map<String, Value>,
    /// The user's labels of the record.
    pub labels: BTreeMap<String, String>,
    /// The revision that the manifests were rendered for; the run is refused where another one would come of it.
    pub expected_revision: Option<u32>,
    /// Create the namespace where it is not there.
    pub create_namespace: bool,
    /// Create the definitions of `crds/` on install.
    pub crds: bool,
    /// The migrations that the revision was built with: recorded with it, so that a rollback knows them.
    pub schemas: Vec<SchemaRecord>,
    /// Undo a failure: go back to the last good revision, or remove a first install. A revision that is known not to run
    /// on the present schema is not gone back to.
    pub rollback_on_failure: bool,
    /// How.
    pub options: Options,
}

impl DeployRequest {
    /// With defaults, and an empty chart record.
    pub fn new(release: impl Into<String>, namespace: impl Into<String>, manifests: ManifestSet) -> Self {
        Self {
            release: release.into(),
            namespace: namespace.into(),
            manifests,
            chart: ChartRecord::default(),
            config: Map::new(),
            labels: BTreeMap::new(),
            expected_revision: None,
            create_namespace: true,
            crds: true,
            schemas: Vec::new(),
            rollback_on_failure: false,
            options: Options::default(),
        }
    }
}

/// Goes back to an earlier revision, as a new one.
#[derive(Clone)]
pub struct RollbackRequest {
    /// The release's name.
    pub release: String,
    /// Its namespace.
    pub namespace: String,
    /// The revision; by default the newest good one before the newest.
    pub to: Option<u32>,
    /// Migrations to take back with it; none by default.
    pub downs: Option<Arc<dyn SchemaDowns>>,
    /// How.
    pub options: Options,
}

impl RollbackRequest {
    /// With defaults.
    pub fn new(release: impl Into<String>, namespace: impl Into<String>, to: Option<u32>) -> Self {
        Self { release: release.into(), namespace: namespace.into(), to, downs: None, options: Options::default() }
    }
}

impl std::fmt::Debug for RollbackRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RollbackRequest")
            .field("release", &self.release)
            .field("namespace", &self.namespace)
            .field("to", &self.to)
            .field("downs", &self.downs.is_some())
            .field("options", &self.options)
            .finish()
    }
}

/// Removes a release.
#[derive(Clone, Debug)]
pub struct UninstallRequest {
    /// The release's name.
    pub release: String,
    /// Its namespace.
    pub namespace: String,
    /// Keep the records, so that it can be rolled back to life.
    pub keep_history: bool,
    /// How.
    pub options: Options,
}

impl UninstallRequest {
    /// With defaults.
    pub fn new(release: impl Into<String>, namespace: impl Into<String>) -> Self {
        Self { release: release.into(), namespace: namespace.into(), keep_history: false, options: Options::default() }
    }
}

/// What came of a run that did what was asked.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The revision as recorded; for an uninstall its last state.
    pub release: Release,
    /// What was planned.
    pub summary: Summary,
    /// Objects that stayed, and why; one line each.
    pub kept: Vec<String>,
}
