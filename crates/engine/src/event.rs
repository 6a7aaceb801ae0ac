use bowline_clock::Timestamp;
use bowline_manifest::HookEvent;
use bowline_release::Status;
use serde::{Deserialize, Serialize};

use crate::Cause;

/// Something that happened during a run. One JSON object; a line of NDJSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// When, by the run's clock.
    pub at: Timestamp,
    /// The release.
    pub release: String,
    /// Its namespace.
    pub namespace: String,
    /// The revision that is being made; 0 before that is known.
    pub revision: u32,
    /// What.
    #[serde(flatten)]
    pub what: Happening,
}

/// What happened. Objects are named `Kind/name`, with ` in namespace x` where that is not the release's own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Happening {
    /// The lock is with somebody else. If that one is heard of again, the run ends; if not, the lock is taken over.
    LockAwaited {
        /// Who holds it.
        holder: String,
        /// What it is doing.
        doing: String,
        /// Seconds since it was last heard of.
        silent_seconds: i64,
        /// Seconds until it counts as dead.
        seconds_left: i64,
    },
    /// The lock is ours.
    ReleaseLocked {
        /// Who holds it.
        holder: String,
        /// The dead holder it was taken over from.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        taken_over_from: Option<String>,
    },
    /// What is going to be done.
    Planned {
        /// `install`, `upgrade`, `rollback`, `uninstall`
        kind: bowline_plan::PlanKind,
        /// How many of what.
        summary: bowline_plan::Summary,
    },
    /// A part of the run begins.
    PhaseStarted {
        /// Which.
        phase: Phase,
    },
    /// A part of the run is over.
    PhaseFinished {
        /// Which.
        phase: Phase,
    },
    /// A step of the plan begins.
    OperationStarted {
        /// Its index in the plan.
        id: usize,
        /// `create`, `run-hook`, …
        action: String,
        /// The object, where it is about one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        object: Option<String>,
        /// Why.
        reason: String,
    },
    /// A step of the plan is done.
    OperationFinished {
        /// Its index in the plan.
        id: usize,
    },
    /// An object is as the chart says.
    ObjectApplied {
        /// The object.
        object: String,
        /// What that took.
        change: Change,
    },
    /// An object is deleted, or on its way.
    ObjectDeleted {
        /// The object.
        object: String,
        /// Why.
        reason: String,
    },
    /// An object is left as it is.
    ObjectKept {
        /// The object.
        object: String,
        /// Why.
        reason: String,
    },
    /// What is waited for, whenever it changes.
    Waiting(Waiting),
    /// A hook's object was created.
    HookStarted {
        /// The moment.
        hook: HookEvent,
        /// The object.
        object: String,
        /// Its weight.
        weight: i64,
    },
    /// A hook did what it should.
    HookSucceeded {
        /// The moment.
        hook: HookEvent,
        /// The object.
        object: String,
    },
    /// A hook did not.
    HookFailed {
        /// The moment.
        hook: HookEvent,
        /// The object.
        object: String,
        /// Why.
        cause: Cause,
    },
    /// What a hook wrote, where its annotation asks for it.
    HookLog {
        /// The object.
        object: String,
        /// The last lines.
        lines: Vec<String>,
    },
    /// A hook that migrates a database begins.
    MigrationStarted {
        /// The Job or Pod.
        object: String,
        /// The tool that does it; `declared` where only an annotation says that it is a migration.
        tool: String,
        /// Which database: a name, never an address.
        database: String,
    },
    /// What a migration writes, line by line, as it writes it.
    MigrationLog {
        /// The Job or Pod.
        object: String,
        /// The line, passwords in addresses masked.
        line: String,
    },
    /// A migration is over.
    MigrationFinished {
        /// The Job or Pod.
        object: String,
        /// Which database.
        database: String,
        /// Whether it did what it should.
        succeeded: bool,
        /// Of its last try; absent where it did not end.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        exit_code: Option<i64>,
        /// How long it took.
        seconds: u64,
        /// The Secret in which its logs are kept; absent where that failed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        evidence: Option<String>,
    },
    /// A migration was taken back.
    SchemaTakenBack {
        /// In words: which database, which file.
        message: String,
    },
    /// Whether the databases have what the new revision needs, before anything of it is promoted.
    SchemaChecked {
        /// In words.
        message: String,
    },
    /// A revision's record was written.
    RevisionRecorded {
        /// The revision.
        recorded: u32,
        /// Its status.
        status: Status,
        /// Its description.
        description: String,
    },
    /// What failed is being undone.
    RollingBack {
        /// The revision that is gone back to; absent where a first install is removed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<u32>,
    },
    /// What failed was undone.
    RolledBack {
        /// The revision that was gone back to; absent where a first install was removed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<u32>,
    },
    /// The connection to the API server was lost and is being taken up again.
    Interrupted {
        /// What happened to it.
        message: String,
    },
    /// The run is over.
    Finished {
        /// Whether it did what was asked.
        succeeded: bool,
        /// In words.
        message: String,
    },
}

/// What is waited for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Waiting {
    /// The object that is not there yet; of several the one with the most telling reason.
    pub object: String,
    /// Why not: Kubernetes' word, or ours.
    pub reason: String,
    /// In words.
    pub message: String,
    /// How many objects are there.
    pub ready: usize,
    /// How many there should be.
    pub of: usize,
    /// Seconds until the deadline.
    pub seconds_left: u64,
}

/// What it took to apply an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// It was not there.
    Created,
    /// It was there and differed.
    Configured,
    /// It was there as it should be.
    Unchanged,
}

impl Change {
    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Configured => "configured",
            Self::Unchanged => "unchanged",
        }
    }
}

/// A part of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Namespace and records.
    Prepare,
    /// Custom resource definitions of `crds/`.
    Definitions,
    /// The databases are asked whether they are ready for the revision, or made so.
    Schema,
    /// Objects are created and changed.
    Apply,
    /// Objects that left the chart, or all of them, are deleted.
    Remove,
    /// Until everything is ready, or gone.
    Wait,
    /// The outcome is recorded.
    Finish,
    /// The hooks of one moment.
    #[serde(untagged)]
    Hooks(HookEvent),
}

impl std::fmt::Display for Phase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Prepare => f.write_str("prepare"),
            Self::Definitions => f.write_str("definitions"),
            Self::Hooks(event) => write!(f, "{event} hook"),
            Self::Schema => f.write_str("schema"),
            Self::Apply => f.write_str("apply"),
            Self::Remove => f.write_str("remove"),
            Self::Wait => f.write_str("wait"),
            Self::Finish => f.write_str("finish"),
        }
    }
}

/// Hears what happens: a progress display, a log of NDJSON lines, a trace.
pub trait EventSink: Send + Sync {
    /// Called in order, one event at a time; must not block.
    fn event(&self, event: &Event);
}

impl<F: Fn(&Event) + Send + Sync> EventSink for F {
    fn event(&self, event: &Event) {
        self(event);
    }
}

/// Nobody listens.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoEvents;

impl EventSink for NoEvents {
    fn event(&self, _: &Event) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_flat_json_object() {
        let event = Event {
            at: "2026-01-31T12:00:00.5Z".parse().unwrap(),
            release: "web".into(),
            namespace: "demo".into(),
            revision: 2,
            what: Happening::PhaseStarted { phase: Phase::Hooks(HookEvent::PreUpgrade) },
        };
        let json = serde_json::to_string(&event).unwrap();
        assert_eq!(
            json,
            r#"{"at":"2026-01-31T12:00:00.5Z","release":"web","namespace":"demo","revision":2,"event":"phase-started","phase":"pre-upgrade"}"#
        );
        assert_eq!(serde_json::from_str::<Event>(&json).unwrap(), event);
        let apply = Happening::PhaseStarted { phase: Phase::Apply };
        assert_eq!(serde_json::to_value(&apply).unwrap()["phase"], "apply");
        assert_eq!(serde_json::from_value::<Happening>(serde_json::to_value(&apply).unwrap()).unwrap(), apply);
    }
}
