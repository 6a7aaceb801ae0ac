//! One step of a plan.

use bowline_graph::ManifestRef;
use bowline_manifest::{HookEvent, ObjectKey};
use serde::{Deserialize, Serialize};

/// An operation of a [`Plan`](crate::Plan): its index in `operations`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OperationId(pub usize);

/// One step: what happens to which object, after which other steps, and why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Operation {
    /// Its index in the plan.
    pub id: OperationId,
    /// What is done.
    pub action: Action,
    /// The object, with its namespace filled in; `None` for steps about many objects or none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<ObjectKey>,
    /// `apiVersion` to talk to the cluster with; empty where there is no key.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub api_version: String,
    /// The manifest in the set that was planned; `None` for deletions and steps without an object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manifest: Option<ManifestRef>,
    /// Steps that must have succeeded before. Always earlier in the plan, so that running it in order is right too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub depends_on: Vec<OperationId>,
    /// Why, in a few words for people.
    pub reason: String,
}

/// What an [`Operation`] does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
pub enum Action {
    /// Create the release's namespace where it is not there yet (`--create-namespace`).
    CreateNamespace,
    /// Create a definition of the `crds/` folder; one that exists is left alone.
    CreateCrd,
    /// Write the release record.
    Record {
        /// Which of the two writes.
        stage: RecordStage,
    },
    /// Create a hook's object, wait until it is done, and clean up as its policies say.
    RunHook {
        /// The moment.
        event: HookEvent,
        /// `helm.sh/hook-weight`
        weight: i64,
        /// Delete an object of that name first and wait until it is gone (`before-hook-creation`).
        delete_before: bool,
        /// Delete it when it failed (`hook-failed`). Then also the hooks of `event` that have
        /// succeeded and have a [`Action::DeleteHook`] in the plan.
        delete_on_failure: bool,
    },
    /// Delete the object of a hook that succeeded (`hook-succeeded`): after *all* hooks of the event, last one first.
    DeleteHook {
        /// The moment.
        event: HookEvent,
    },
    /// Take migrations back that the revision cannot run with, before anything of it is promoted.
    TakeBackSchema,
    /// Ask the databases whether what the revision needs is applied, before anything of it is promoted.
    CheckSchema,
    /// Create an object that is not in the cluster.
    Create,
    /// Change an object of the cluster.
    Update {
        /// What differs, values of Secrets masked.
        changes: Vec<FieldChange>,
    },
    /// Nothing differs from the cluster. Still applied, so that ownership and removed fields are right.
    Unchanged,
    /// Delete an object and what it owns; gone already is fine.
    Delete,
    /// Leave an object as it is: one to delete that carries `helm.sh/resource-policy: keep`, or a definition that exists.
    Keep,
    /// Wait until these are ready (or, for definitions, established).
    WaitReady {
        /// The objects.
        keys: Vec<ObjectKey>,
    },
    /// Wait until these are gone.
    WaitDeleted {
        /// The objects.
        keys: Vec<ObjectKey>,
    },
}

/// Which write of the release record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RecordStage {
    /// `pending-…` (`uninstalling`), before anything of the release changes.
    Pending,
    /// `deployed` (`uninstalled`), after everything; supersedes the revision before.
    Final,
}

/// One field that differs between the cluster and the manifest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FieldChange {
    /// JSON pointer into the object.
    pub pointer: String,
    /// The value in the cluster as JSON, masked in Secrets; `None` where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// The value in the manifest as JSON, masked in Secrets; `None` where the field goes away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}
