//! What controllers run on: one task, one queue, one view of the cluster.
//!
//! ```text
//!   Api ─ watches ─► Cluster ─ changes ─► Controller::keys ─► Queue ─► Controller::reconcile ─ writes ─► Api
//!                    (all objects)                        (ordered, delayed, back-off)
//! ```
//!
//! Everything happens in one task and in the order in which it was written, so that two runs that begin alike go alike.

mod cluster;
mod queue;
mod recorder;

pub(crate) use cluster::{Change, Cluster, add_finalizer, has_finalizer, remove_finalizer, unless_gone};
pub(crate) use queue::{Backoff, Key};
pub(crate) use recorder::Recorder;

use std::time::Duration;

use bowline_apiserver::Api;
use bowline_clock::Clock;
use jiff::SignedDuration;
use serde_json::Value;
use tokio::sync::watch;
use tokio::time::Instant;

use self::queue::{Queue, Work};
use crate::error::Error;
use crate::kind::Kind;

/// Makes some kinds of objects live: told which of its objects a change concerns, it compares what is wanted with what is,
/// and does what is missing. Level-triggered: it is never told what changed.
pub(crate) trait Controller: Send {
    /// As it signs events, as in `deployment-controller`.
    fn name(&self) -> &'static str;

    /// The objects that a change of any object concerns.
    fn keys(&mut self, change: &Change, cluster: &Cluster) -> Vec<Key>;

    /// Brings one object closer to what it asks for. An error means: again, after a back-off.
    fn reconcile(&mut self, context: &mut Context<'_>, key: &Key) -> Result<(), Error>;

    /// How long a failing object waits.
    fn backoff(&self) -> Backoff {
        Backoff::DEFAULT
    }
}

/// What a controller works with during one reconciliation.
#[derive(Debug)]
pub(crate) struct Context<'c> {
    pub(crate) cluster: &'c Cluster,
    pub(crate) clock: &'c Clock,
    recorder: &'c mut Recorder,
    component: &'static str,
    again: Option<Duration>,
}

impl Context<'_> {
    /// Asks to be called again for the same object in that time, at the latest.
    pub(crate) fn again_after(&mut self, delay: SignedDuration) {
        let delay = Duration::try_from(delay).unwrap_or(Duration::ZERO);
        self.again = Some(self.again.map_or(delay, |known| known.min(delay)));
    }

    /// Records an event about an object. `kind` is `Normal` or `Warning`.
    pub(crate) fn event(&mut self, about: Kind, object: &Value, kind: &str, reason: &str, message: &str) {
        self.recorder.record(self.component, about, object, kind, reason, message);
    }
}

/// All controllers of a control plane.
pub(crate) struct Controllers {
    clock: Clock,
    cluster: Cluster,
    controllers: Vec<Box<dyn Controller>>,
    queue: Queue,
    recorder: Recorder,
}

impl Controllers {
    pub(crate) fn new(api: &Api, clock: Clock, controllers: Vec<Box<dyn Controller>>) -> Self {
        Self {
            cluster: Cluster::new(api.clone()),
            recorder: Recorder::new(api.clone(), clock.clone()),
            clock,
            controllers,
            queue: Queue::default(),
        }
    }

    /// Works until `stop` turns true or its sender is gone.
    pub(crate) async fn run(mut self, mut stop: watch::Receiver<bool>) {
        loop {
            let changes = self.cluster.take_changes();
            self.enqueue(&changes);
            while let Some(work) = self.queue.next(Instant::now()) {
                if *stop.borrow() {
                    return;
                }
                self.reconcile(work);
                let changes = self.cluster.take_changes();
                self.enqueue(&changes);
                // Others of the runtime get their turn after every step, node and clients above all.
                tokio::task::yield_now().await;
            }
            let due = self.queue.next_due();
            let timer = async move {
                match due {
                    Some(due) => tokio::time::sleep_until(due).await,
                    None => std::future::pending().await,
                }
            };
            let changes = tokio::select! {
                biased;
                stopped = stop.wait_for(|stop| *stop) => {
                    // An error means that nobody is left who could ask to stop.
                    let _ = stopped;
                    return;
                }
                changes = self.cluster.changed() => changes,
                () = timer => Vec::new(),
            };
            self.enqueue(&changes);
        }
    }

    fn enqueue(&mut self, changes: &[Change]) {
        for change in changes {
            for (place, controller) in self.controllers.iter_mut().enumerate() {
                for key in controller.keys(change, &self.cluster) {
                    self.queue.add((place, key));
                }
            }
        }
    }

    fn reconcile(&mut self, work: Work) {
        let (place, key) = (work.0, work.1.clone());
        let Some(controller) = self.controllers.get_mut(place) else { return };
        let component = controller.name();
        let mut context = Context {
            cluster: &self.cluster,
            clock: &self.clock,
            recorder: &mut self.recorder,
            component,
            again: None,
        };
        match controller.reconcile(&mut context, &key) {
            Ok(()) => self.queue.forget(&work),
            Err(error) => {
                tracing::debug!(component, namespace = key.namespace, name = key.name, %error, "will try again");
                self.queue.add_failed(work.clone(), controller.backoff(), Instant::now());
            }
        }
        if let Some(delay) = context.again {
            self.queue.add_at(work, Instant::now() + delay);
        }
    }
}
