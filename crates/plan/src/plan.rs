//! A plan and what it is made from.

use std::collections::BTreeMap;
use std::fmt;

use bowline_graph::{Graph, Journey};
use bowline_manifest::{ManifestSet, ObjectKey};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Action, Operation};

/// What a plan is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PlanKind {
    /// First install.
    Install,
    /// Next revision.
    Upgrade,
    /// Back to an earlier revision.
    Rollback,
    /// Removal.
    Uninstall,
}

/// What a deployment is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeployKind {
    /// First install: nothing of the release is recorded yet.
    Install,
    /// Next revision.
    Upgrade,
    /// Back to an earlier revision, whose manifests are `desired`.
    Rollback,
}

impl DeployKind {
    /// The journey, as the graph names it.
    pub fn journey(self) -> Journey {
        match self {
            Self::Install => Journey::Install,
            Self::Upgrade => Journey::Upgrade,
            Self::Rollback => Journey::Rollback,
        }
    }
}

impl From<DeployKind> for PlanKind {
    fn from(kind: DeployKind) -> Self {
        match kind {
            DeployKind::Install => Self::Install,
            DeployKind::Upgrade => Self::Upgrade,
            DeployKind::Rollback => Self::Rollback,
        }
    }
}

/// In which order operations may run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    /// Helm's own: pre hooks one at a time, all manifests in install order, wait, post hooks.
    Helm,
    /// As Helm, but what a pre hook needs (Secret, ConfigMap, ServiceAccount and its roles, PersistentVolumeClaim,
    /// Namespace; transitively) is applied before that hook.
    #[default]
    Graph,
}

/// What to leave out or add.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeployOptions {
    /// Create the release's namespace where `live` has none (`--create-namespace`).
    pub create_namespace: bool,
    /// Create definitions of the `crds/` folder on install (not with `--skip-crds`).
    pub crds: bool,
    /// Run hooks (not with `--no-hooks`).
    pub hooks: bool,
    /// Wait until everything is ready before post hooks and the final record.
    pub wait: bool,
    /// Take migrations back after the hooks that come first.
    pub schema_downs: bool,
    /// Ask databases after the hooks that come first.
    pub schema_gate: bool,
}

impl Default for DeployOptions {
    fn default() -> Self {
        Self { create_namespace: true, crds: true, hooks: true, wait: true, schema_downs: false, schema_gate: false }
    }
}

/// Everything a deployment is planned from.
#[derive(Clone, Copy, Debug)]
pub struct DeployInput<'a> {
    /// The manifests to deploy.
    pub desired: &'a ManifestSet,
    /// Their graph.
    pub graph: &'a Graph,
    /// What the cluster has of the keys of `graph` and of `previous` (see [`Graph::keys`]); what is not in here is
    /// taken to be absent. Including `Namespace/<release namespace>`.
    pub live: &'a BTreeMap<ObjectKey, Value>,
    /// The ordinary objects of the revision in force, without hooks; empty on install.
    pub previous: &'a [Value],
    /// Install, upgrade or rollback.
    pub kind: DeployKind,
    /// Helm's order, or the graph's.
    pub order: Order,
    /// What to leave out or add.
    pub options: DeployOptions,
}

/// Everything a removal is planned from.
#[derive(Clone, Copy, Debug)]
pub struct UninstallInput<'a> {
    /// The revision in force.
    pub release: &'a ManifestSet,
    /// Its graph.
    pub graph: &'a Graph,
    /// Run hooks (not with `--no-hooks`).
    pub hooks: bool,
    /// Wait until everything is gone before post hooks and the final record. Helm waits unless told otherwise.
    pub wait: bool,
}

/// Ordered operations; running them in order is right, running what `depends_on` allows at once is right too.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// What it is for.
    pub kind: PlanKind,
    /// In which order.
    pub order: Order,
    /// The release's namespace.
    pub namespace: String,
    /// The steps.
    pub operations: Vec<Operation>,
}

impl Plan {
    /// How many of what.
    pub fn summary(&self) -> Summary {
        let mut summary = Summary::default();
        for operation in &self.operations {
            match &operation.action {
                Action::CreateNamespace | Action::CreateCrd | Action::Create => summary.create += 1,
                Action::Update { .. } => summary.update += 1,
                Action::Unchanged => summary.unchanged += 1,
                Action::Delete => summary.delete += 1,
                Action::Keep => summary.keep += 1,
                Action::RunHook { .. } => summary.hooks += 1,
                Action::CheckSchema => summary.schema_gate = true,
                Action::Record { .. }
                | Action::TakeBackSchema
                | Action::DeleteHook { .. }
                | Action::WaitReady { .. }
                | Action::WaitDeleted { .. } => {}
            }
        }
        summary
    }
}

/// Counts of a [`Plan`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// Objects to create, definitions and the namespace included.
    pub create: usize,
    /// Objects to change.
    pub update: usize,
    /// Objects that are as they should be.
    pub unchanged: usize,
    /// Objects to delete; hooks' own deletions do not count.
    pub delete: usize,
    /// Objects that stay by their own wish.
    pub keep: usize,
    /// Hooks to run.
    pub hooks: usize,
    /// Whether databases are asked for the migrations that the revision needs.
    #[serde(default, skip_serializing_if = "is_false")]
    pub schema_gate: bool,
}

fn is_false(value: &bool) -> bool {
    !value
}

impl Summary {
    /// Whether the cluster would be left as it is. Hooks always run.
    pub fn is_empty(&self) -> bool {
        self.create + self.update + self.delete + self.hooks == 0
    }
}

impl fmt::Display for Summary {
    /// `3 to create, 1 to update, 0 to delete, 2 hooks, schema gate`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} to create, {} to update, {} to delete", self.create, self.update, self.delete)?;
        match self.hooks {
            0 => {}
            1 => f.write_str(", 1 hook")?,
            n => write!(f, ", {n} hooks")?,
        }
        if self.schema_gate { f.write_str(", schema gate") } else { Ok(()) }
    }
}
