//! One container of a pod and how far it is.

use std::sync::Arc;

use tokio::sync::watch;
use tokio::time::Instant;

use super::pod::{Container, RestartPolicy};
use super::pod_status::{ContainerView, Ended, State};
use super::probe::Probes;
use super::restart::Backoff;
use super::runtime::Running;

/// A container of the pod and how far it is.
pub(crate) struct Slot {
    pub(crate) spec: Container,
    pub(crate) kind: Kind,
    pub(crate) view: ContainerView,
    pub(crate) running: Option<Arc<dyn Running>>,
    pub(crate) probes: Option<Probes>,
    /// How often it was started.
    pub(crate) starts: u32,
    pub(crate) ended_at: Option<Instant>,
    pub(crate) restarts: Backoff,
    /// Not before this moment, after a start that did not come to pass.
    pub(crate) retry_at: Option<Instant>,
    pub(crate) pulls: Backoff,
    pub(crate) pull_failed: Option<(Instant, String)>,
    /// The moment of SIGKILL, while it is being stopped.
    pub(crate) kill_at: Option<watch::Sender<Instant>>,
}

/// What a container is in its pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Init,
    Sidecar,
    Regular,
}

impl Slot {
    pub(crate) fn new(spec: &Container, kind: Kind, waiting: &str) -> Self {
        Self {
            spec: spec.clone(),
            kind,
            view: ContainerView::new(spec, waiting),
            running: None,
            probes: None,
            starts: 0,
            ended_at: None,
            restarts: Backoff::default(),
            retry_at: None,
            pulls: Backoff::default(),
            pull_failed: None,
            kill_at: None,
        }
    }

    /// How the newest attempt ended, where it has.
    pub(crate) fn ended(&self) -> Option<&Ended> {
        match &self.view.state {
            State::Terminated(ended) => Some(ended),
            State::Waiting { .. } => self.view.last.as_ref(),
            State::Running { .. } => None,
        }
    }

    /// Puts the container into a waiting state; how it ended before stays visible.
    pub(crate) fn wait(&mut self, reason: &str, message: &str) {
        let next = State::Waiting { reason: reason.to_owned(), message: message.to_owned() };
        if let State::Terminated(ended) = std::mem::replace(&mut self.view.state, next) {
            self.view.last = Some(ended);
        }
        self.view.ready = false;
        self.view.started = false;
    }

    /// Whether it is started again after it ended with that exit code.
    pub(crate) fn restarts_after(&self, policy: RestartPolicy, exit_code: i32) -> bool {
        match self.kind {
            Kind::Sidecar => true,
            Kind::Init => exit_code != 0 && policy != RestartPolicy::Never,
            Kind::Regular => policy.restarts(exit_code),
        }
    }
}
