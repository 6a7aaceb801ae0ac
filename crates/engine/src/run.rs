//! One run: who, on which release, until when; what it says and how it ends.

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError};

use bowline_clock::Timestamp;
use bowline_cluster::{ClusterError, ObjectRef};
use bowline_graph::Graph;
use bowline_manifest::{GroupVersionKind, ObjectKey};
use bowline_release::{Lock, LockHeld, Release, ReleaseError, ReleaseStore, Status};

use crate::cause::{Cause, Step};
use crate::leftovers::Leftovers;
use crate::ownership::Owner;
use crate::schema::SchemaRecord;
use crate::{Cancel, Engine, EngineError, Event, Failure, Happening, Options, Phase, Undone};

/// A run that holds its release's lock.
pub(crate) struct Run {
    pub(crate) engine: Engine,
    pub(crate) store: ReleaseStore,
    pub(crate) release: String,
    pub(crate) namespace: String,
    pub(crate) options: Options,
    pub(crate) revision: u32,
    pub(crate) graph: Option<Arc<Graph>>,
    /// What the revision was built with; recorded with it.
    pub(crate) schemas: Vec<SchemaRecord>,
    /// Migrations that a rollback takes back.
    pub(crate) downs: Option<Arc<dyn crate::SchemaDowns>>,
    /// What this run has put into the cluster so far.
    pub(crate) applied: BTreeSet<ObjectKey>,
    pub(crate) kept: Vec<String>,
    pub(crate) leftovers: Leftovers,
    pub(crate) phase: Option<Phase>,
    /// Whether the revision's record is there: what fails before that leaves none.
    pub(crate) recorded: bool,
    lock: Lock,
    cancel: Cancel,
}

/// Why a step did not succeed.
#[derive(Debug, Default)]
pub(crate) struct Trouble {
    /// The step: `pre-install hook Job/migrate`.
    pub(crate) doing: String,
    pub(crate) message: String,
    pub(crate) steps: Vec<Step>,
    pub(crate) hint: Option<String>,
    pub(crate) timed_out: bool,
    pub(crate) interrupted: bool,
    /// Somebody else works on the release now: nothing more may be written.
    pub(crate) lock_lost: bool,
}

impl Trouble {
    pub(crate) fn cluster(doing: impl Into<String>, error: &ClusterError) -> Self {
        let message = error.to_string();
        let hint = match error {
            ClusterError::Api { code: 403, .. } => Some("kubectl auth can-i --list".to_owned()),
            ClusterError::Unreachable { .. } => Some("kubectl cluster-info".to_owned()),
            _ => None,
        };
        Self {
            doing: doing.into(),
            steps: vec![Step::new("api server", error.reason(), message.clone())],
            message,
            hint,
            ..Self::default()
        }
    }
}

impl From<ReleaseError> for Trouble {
    fn from(error: ReleaseError) -> Self {
        let message = error.to_string();
        let steps = vec![Step::new("release record", "", message.clone())];
        Self { doing: "record the revision".into(), message, steps, ..Self::default() }
    }
}

/// Why a run must stop.
pub(crate) enum Stop {
    Cancelled,
    LockLost(String),
}

impl From<Stop> for Trouble {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Cancelled => Self {
                doing: "stopped".into(),
                message: "it was interrupted".into(),
                interrupted: true,
                ..Self::default()
            },
            Stop::LockLost(holder) => Self {
                doing: "stopped".into(),
                message: format!(
                    "the release's lock was lost to {}",
                    if holder.is_empty() { "nobody" } else { &holder }
                ),
                lock_lost: true,
                ..Self::default()
            },
        }
    }
}

impl Run {
    /// Locks the release and begins.
    pub(crate) async fn begin(
        engine: &Engine,
        (release, namespace): (&str, &str),
        doing: &str,
        options: &Options,
        cancel: &Cancel,
    ) -> Result<Self, EngineError> {
        let lock = Self::lock(engine, (release, namespace), doing, options, cancel).await?;
        let run = Self {
            engine: engine.clone(),
            store: engine.releases(namespace),
            release: release.to_owned(),
            namespace: namespace.to_owned(),
            options: options.clone(),
            revision: 0,
            graph: None,
            schemas: Vec::new(),
            downs: None,
            applied: BTreeSet::new(),
            kept: Vec::new(),
            leftovers: Leftovers::default(),
            phase: None,
            recorded: false,
            lock,
            cancel: cancel.clone(),
        };
        run.say(Happening::ReleaseLocked {
            holder: engine.identity.clone(),
            taken_over_from: run.lock.taken_over_from().map(|holder| holder.identity.clone()),
        });
        Ok(run)
    }

    async fn lock(
        engine: &Engine,
        (release, namespace): (&str, &str),
        doing: &str,
        options: &Options,
        cancel: &Cancel,
    ) -> Result<Lock, EngineError> {
        let awaited = std::sync::Mutex::new(None);
        let waiting = |held: &LockHeld| {
            let at = engine.clock.now();
            let seconds = |other: Timestamp, since: Timestamp| other.duration_since(since).as_secs().max(0);
            let what = Happening::LockAwaited {
                holder: held.holder.identity.clone(),
                doing: held.holder.doing.clone(),
                silent_seconds: held.holder.last_heartbeat.map_or(0, |last| seconds(at, last)),
                seconds_left: held.until.map_or(0, |until| seconds(until, at)),
            };
            let (release, namespace) = (release.to_owned(), namespace.to_owned());
            engine.sink.event(&Event { at, release, namespace, revision: 0, what });
            *awaited.lock().unwrap_or_else(PoisonError::into_inner) = Some(held.clone());
        };
        let place = (namespace, release);
        let (cluster, clock) = (&engine.cluster, &engine.clock);
        let taken = Lock::acquire(cluster, clock, place, &engine.identity, doing, &options.lock, &waiting);
        tokio::select! {
            biased;
            // A signal that came before is heard when the run has begun, and ends it in an orderly way.
            () = cancel.cancelled(), if !cancel.is_cancelled() => {}
            taken = taken => return Ok(taken?),
        }
        let held = awaited.into_inner().unwrap_or_else(PoisonError::into_inner);
        let message =
            held.map_or_else(|| "it was interrupted".to_owned(), |held| format!("it was interrupted: {held}"));
        Err(EngineError::Failed(Box::new(Failure {
            release: release.to_owned(),
            namespace: namespace.to_owned(),
            revision: 0,
            doing: "lock the release".into(),
            message: message.clone(),
            cause: Cause { steps: vec![Step::new(format!("release {release}"), "", message)], hint: None },
            undone: Undone::Nothing,
            status: Status::Unknown,
            timed_out: false,
            interrupted: true,
        })))
    }

    /// Says how it ended and gives the lock back. An error of that is none of the run.
    pub(crate) async fn end(mut self, result: Result<String, String>) {
        self.enter(None);
        let succeeded = result.is_ok();
        let message = result.unwrap_or_else(|message| message);
        self.say(Happening::Finished { succeeded, message });
        if let Err(error) = self.lock.release().await {
            tracing::warn!(%error, "a lock could not be given back; it runs out by itself");
        }
    }

    pub(crate) fn say(&self, what: Happening) {
        let (release, namespace) = (self.release.clone(), self.namespace.clone());
        let at = self.engine.clock.now();
        self.engine.sink.event(&Event { at, release, namespace, revision: self.revision, what });
    }

    /// Goes on to another phase, or to none.
    pub(crate) fn enter(&mut self, phase: Option<Phase>) {
        if self.phase == phase {
            return;
        }
        if let Some(phase) = self.phase {
            self.say(Happening::PhaseFinished { phase });
        }
        self.phase = phase;
        if let Some(phase) = phase {
            self.say(Happening::PhaseStarted { phase });
        }
    }

    /// Ends when the run must stop.
    pub(crate) async fn stopped(&self) -> Stop {
        tokio::select! {
            biased;
            () = self.cancel.cancelled() => Stop::Cancelled,
            holder = self.lock.lost() => Stop::LockLost(holder),
        }
    }

    /// An error where the run must stop.
    pub(crate) async fn check_stop(&self) -> Result<(), Trouble> {
        tokio::select! {
            biased;
            stop = self.stopped() => Err(stop.into()),
            () = std::future::ready(()) => Ok(()),
        }
    }

    pub(crate) fn owner(&self) -> Owner<'_> {
        Owner { release: &self.release, namespace: &self.namespace }
    }

    /// The clock's time, for records.
    pub(crate) fn now(&self) -> bowline_clock::Timestamp {
        self.engine.clock.now()
    }

    /// Who writes, for records that a dead run leaves behind.
    pub(crate) fn writer(&self) -> String {
        self.engine.identity.clone()
    }

    /// Where an object of the plan lives.
    pub(crate) async fn locate(&self, key: &ObjectKey, api_version: &str) -> Result<ObjectRef, ClusterError> {
        let gvk = GroupVersionKind::new(api_version, &key.kind);
        let namespaced = self.engine.cluster.resource(&gvk).await?.namespaced;
        let namespace = match (namespaced, key.namespace.as_str()) {
            (false, _) => "",
            (true, "") => &self.namespace,
            (true, given) => given,
        };
        Ok(ObjectRef { gvk, namespace: namespace.to_owned(), name: key.name.clone() })
    }

    /// An object's name in events: `Kind/name`, with its namespace where that is another one.
    pub(crate) fn name_of(&self, object: &ObjectRef) -> String {
        if object.namespace.is_empty() || object.namespace == self.namespace {
            object.to_string()
        } else {
            format!("{object} in namespace {}", object.namespace)
        }
    }

    /// Writes a record that exists.
    pub(crate) async fn record(&self, release: &Release) -> Result<(), Trouble> {
        self.store.update(release).await?;
        self.say_recorded(release);
        Ok(())
    }

    pub(crate) fn say_recorded(&self, release: &Release) {
        self.say(Happening::RevisionRecorded {
            recorded: release.version,
            status: release.info.status,
            description: release.info.description.clone(),
        });
    }

    /// The failure that comes of a trouble.
    pub(crate) fn failure(&self, trouble: Trouble, status: Status, undone: Undone) -> EngineError {
        let mut first =
            Step::new(format!("release {}", self.release), "", format!("revision {} failed", self.revision));
        if trouble.interrupted {
            first.message = format!("revision {} was interrupted", self.revision);
        }
        let mut steps = vec![first];
        steps.extend(trouble.steps);
        let hint = trouble.hint.or_else(|| {
            trouble.interrupted.then(|| format!("bowline history {} --namespace {}", self.release, self.namespace))
        });
        EngineError::Failed(Box::new(Failure {
            release: self.release.clone(),
            namespace: self.namespace.clone(),
            revision: self.revision,
            doing: trouble.doing,
            message: trouble.message,
            cause: Cause { steps, hint },
            undone,
            status,
            timed_out: trouble.timed_out,
            interrupted: trouble.interrupted,
        }))
    }
}
