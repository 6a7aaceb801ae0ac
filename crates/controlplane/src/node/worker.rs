//! The life of one pod on the node: a task that brings its containers to what the pod asks for, over any runtime.
//!
//! ```text
//!   pod changed ─┐                       ┌─► start container (start.rs)
//!   exited ──────┼─► inbox ─► sync ──────┼─► stop container  (stop.rs)
//!   probe ───────┤                       └─► status (pod_status.rs), then wait for the next message or time
//!   time ────────┘
//! ```

use std::sync::Arc;
use std::time::Duration;

use bowline_apiserver::{DeleteOptions, WriteOptions, resources};
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::context::Context;
use super::env::PodFacts;
use super::events::{About, Severity};
use super::pod::Pod;
use super::pod_status::{ContainerView, Ended, PodView, State, compute};
use super::probe::{ProbeKind, Verdict};
use super::runtime::{Exit, Sandbox};
use super::slot::{Kind, Slot};

/// Who the kubelet is in `managedFields`.
pub(crate) const FIELD_MANAGER: &str = "kubelet";

/// What a worker is told.
#[derive(Debug)]
pub(crate) enum Message {
    /// The pod's newest form.
    Pod(Arc<Pod>),
    /// The pod is no longer in the API.
    Gone,
    /// A container ended.
    Exited { slot: usize, attempt: u32, exit: Exit },
    /// A probe has made up its mind.
    Probed { slot: usize, attempt: u32, verdict: Verdict },
    /// The node ends: stop the containers within this time, and leave the API alone.
    Shutdown(Duration),
}

/// Why the pod's containers are all to end.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ending {
    Deadline,
    Shutdown(Instant),
    Gone,
}

/// One pod on the node.
pub(crate) struct Worker {
    pub(crate) node: Arc<Context>,
    pub(crate) pod: Arc<Pod>,
    inbox: mpsc::UnboundedReceiver<Message>,
    pub(crate) outbox: mpsc::UnboundedSender<Message>,
    pub(crate) slots: Vec<Slot>,
    pub(crate) sandbox: Option<Arc<dyn Sandbox>>,
    pub(crate) ip: Option<std::net::Ipv4Addr>,
    pub(crate) mount_delay: Duration,
    pub(crate) prepare_at: Option<Instant>,
    resync_at: Option<Instant>,
    seen: Instant,
    start_time: String,
    initialized: bool,
    ending: Option<Ending>,
    /// When the containers of a deleted pod are killed.
    pub(crate) stop_deadline: Option<Instant>,
    finished: bool,
    written: Option<Value>,
}

impl Worker {
    /// A worker for a pod the node has not seen yet, and where to send it messages.
    pub(crate) fn new(node: Arc<Context>, pod: Arc<Pod>) -> (Self, mpsc::UnboundedSender<Message>) {
        let (outbox, inbox) = mpsc::unbounded_channel();
        let waiting = if pod.spec.init_containers.is_empty() { "ContainerCreating" } else { "PodInitializing" };
        let init = pod.spec.init_containers.iter().map(|c| {
            let kind = if c.is_sidecar() { Kind::Sidecar } else { Kind::Init };
            Slot::new(c, kind, "PodInitializing")
        });
        let slots = init.chain(pod.spec.containers.iter().map(|c| Slot::new(c, Kind::Regular, waiting))).collect();
        let start_time = node.api.clock().rfc3339();
        let worker = Self {
            node,
            pod,
            inbox,
            outbox: outbox.clone(),
            slots,
            sandbox: None,
            ip: None,
            mount_delay: Duration::ZERO,
            prepare_at: None,
            resync_at: None,
            seen: Instant::now(),
            start_time,
            initialized: false,
            ending: None,
            stop_deadline: None,
            finished: false,
            written: None,
        };
        (worker, outbox)
    }

    /// Runs until the pod is gone or the node ends.
    pub(crate) async fn run(mut self) {
        let finished_before = matches!(self.pod.status["phase"].as_str(), Some("Succeeded" | "Failed"));
        if finished_before && self.pod.metadata.deletion_timestamp.is_none() {
            // A pod that ended before this node started is only there to be deleted.
            self.finished = true;
            while let Some(message) = self.inbox.recv().await {
                match message {
                    Message::Pod(pod) if pod.metadata.deletion_timestamp.is_some() => break,
                    Message::Gone | Message::Shutdown(_) => return,
                    _ => {}
                }
            }
            self.delete_pod();
            return;
        }
        self.write_status();
        loop {
            self.sync().await;
            if self.finished {
                return;
            }
            self.write_status();
            let wake = self.resync_at;
            let sleep = async {
                match wake {
                    Some(at) => tokio::time::sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                message = self.inbox.recv() => match message {
                    Some(message) => self.take(message),
                    None => return,
                },
                () = sleep => {}
            }
            while let Ok(message) = self.inbox.try_recv() {
                self.take(message);
            }
        }
    }

    fn take(&mut self, message: Message) {
        match message {
            Message::Pod(pod) => self.pod = pod,
            Message::Gone => self.ending = Some(Ending::Gone),
            Message::Shutdown(grace) => self.ending = Some(Ending::Shutdown(Instant::now() + grace)),
            Message::Exited { slot, attempt, exit } => self.exited(slot, attempt, exit),
            Message::Probed { slot, attempt, verdict } => self.probed(slot, attempt, verdict),
        }
    }

    fn exited(&mut self, index: usize, attempt: u32, exit: Exit) {
        let now = self.node.api.clock().rfc3339();
        let slot = &mut self.slots[index];
        if slot.starts != attempt || slot.running.is_none() {
            return;
        }
        slot.running = None;
        slot.probes = None;
        slot.kill_at = None;
        slot.ended_at = Some(Instant::now());
        let started_at = match &slot.view.state {
            State::Running { started_at } => started_at.clone(),
            _ => now.clone(),
        };
        let mut message = String::new();
        if exit.code != 0 && slot.spec.termination_message_policy == "FallbackToLogsOnError" {
            let metadata = &self.pod.metadata;
            if let Ok(log) = self.node.logs.get(&metadata.namespace, &metadata.name, &slot.spec.name, false) {
                // The limits of the kubelet: 80 lines, 2 KiB.
                message = log.last(80, 2048);
            }
        }
        slot.view.state = State::Terminated(Ended {
            exit_code: exit.code,
            reason: if exit.code == 0 { "Completed" } else { "Error" }.to_owned(),
            message,
            started_at,
            finished_at: now,
            container_id: slot.view.container_id.clone(),
        });
        // An init container that has succeeded counts as ready from then on.
        slot.view.ready = slot.kind == Kind::Init && exit.code == 0;
        slot.view.started = false;
    }

    fn probed(&mut self, index: usize, attempt: u32, verdict: Verdict) {
        let slot = &mut self.slots[index];
        if slot.starts != attempt || slot.running.is_none() {
            return;
        }
        let name = slot.spec.name.clone();
        let prefix = if slot.kind == Kind::Regular { "Container" } else { "Init container" };
        match (verdict.kind, verdict.healthy) {
            (ProbeKind::Readiness, healthy) => slot.view.ready = healthy && slot.view.started,
            (ProbeKind::Startup, true) => {
                slot.view.started = true;
                slot.view.ready = slot.spec.readiness_probe.is_none();
                if let Some(probes) = &slot.probes {
                    probes.container_started();
                }
            }
            (ProbeKind::Liveness, true) => {}
            (kind, false) => {
                let (which, probe) = match kind {
                    ProbeKind::Startup => ("startup", &slot.spec.startup_probe),
                    _ => ("liveness", &slot.spec.liveness_probe),
                };
                let grace = probe.as_ref().and_then(|p| p.termination_grace_period_seconds);
                let grace = grace.or(self.pod.spec.termination_grace_period_seconds).unwrap_or(30);
                let message = format!("{prefix} {name} failed {which} probe, will be restarted");
                self.stop(index, seconds(grace), &message, false);
            }
        }
    }

    /// Asks to be woken at `at` at the latest.
    pub(crate) fn wake_at(&mut self, at: Instant) {
        self.resync_at = Some(self.resync_at.map_or(at, |known| known.min(at)));
    }

    /// The kubelet's delay before it tries again what went wrong: 10 s and up to half as much more.
    pub(crate) fn retry_delay(&self) -> Duration {
        Duration::from_millis(10_000 + self.node.random.below(5_000))
    }

    async fn sync(&mut self) {
        self.resync_at = None;
        self.watch_deadline();
        let deleted = self.pod.metadata.deletion_timestamp.is_some();
        if deleted || self.ending.is_some() {
            self.end_all(deleted).await;
        } else if self.is_terminal() {
            self.stop_where(|_| true);
            self.release_when_stopped().await;
        } else if self.prepare().await {
            self.advance().await;
        }
    }

    fn watch_deadline(&mut self) {
        let Some(limit) = self.pod.spec.active_deadline_seconds else { return };
        let at = self.seen + seconds(limit);
        if self.ending.is_some() || self.is_terminal() {
            return;
        }
        if Instant::now() < at {
            self.wake_at(at);
            return;
        }
        self.ending = Some(Ending::Deadline);
        self.node.events.record(&About::pod(&self.pod), Severity::Normal, "DeadlineExceeded", DEADLINE_MESSAGE);
    }

    /// Whether the pod has ended: nothing will be started again.
    fn is_terminal(&self) -> bool {
        matches!(self.compute(false)["phase"].as_str(), Some("Succeeded" | "Failed"))
    }

    async fn end_all(&mut self, deleted: bool) {
        let grace = match self.ending {
            Some(Ending::Shutdown(at)) => at.saturating_duration_since(Instant::now()),
            _ if deleted => seconds(self.pod.metadata.deletion_grace_period_seconds.unwrap_or_else(|| self.grace())),
            _ => seconds(self.grace()),
        };
        let deadline = Instant::now() + grace;
        self.stop_deadline = Some(self.stop_deadline.map_or(deadline, |known| known.min(deadline)));
        self.stop_where(|_| true);
        if self.slots.iter().any(|slot| slot.running.is_some()) {
            return;
        }
        self.release_when_stopped().await;
        match self.ending {
            Some(Ending::Shutdown(_) | Ending::Gone) => self.finished = true,
            _ if deleted => {
                self.finished = true;
                self.write_status();
                self.delete_pod();
            }
            _ => {}
        }
        if self.finished && !matches!(self.ending, Some(Ending::Shutdown(_))) {
            self.node.logs.remove(&self.pod.metadata.namespace, &self.pod.metadata.name);
            self.node.runtime.forget(&self.pod);
        }
    }

    fn grace(&self) -> i64 {
        self.pod.spec.termination_grace_period_seconds.unwrap_or(30)
    }

    /// Stops containers: regular and init ones together, then sidecars one by one, the last of them first.
    fn stop_where(&mut self, selects: impl Fn(&Slot) -> bool) {
        let left = match self.stop_deadline {
            Some(at) => at.saturating_duration_since(Instant::now()),
            None => seconds(self.grace()),
        };
        let alive: Vec<usize> =
            (0..self.slots.len()).filter(|&i| self.slots[i].running.is_some() && selects(&self.slots[i])).collect();
        let (sidecars, others): (Vec<_>, Vec<_>) =
            alive.into_iter().partition(|&i| self.slots[i].kind == Kind::Sidecar);
        let now = if others.is_empty() { sidecars.into_iter().rev().take(1).collect() } else { others };
        for index in now {
            let message = format!("Stopping container {}", self.slots[index].spec.name);
            self.stop(index, left, &message, true);
        }
    }

    async fn release_when_stopped(&mut self) {
        if self.slots.iter().all(|slot| slot.running.is_none())
            && let Some(sandbox) = self.sandbox.take()
        {
            sandbox.remove().await;
            if let Some(ip) = self.ip {
                self.node.addresses.release(ip);
            }
        }
    }

    fn delete_pod(&self) {
        let Pod { metadata, .. } = &*self.pod;
        let options =
            DeleteOptions { grace_period: Some(0), uid: Some(metadata.uid.clone()), ..DeleteOptions::default() };
        if let Err(error) = self.node.api.delete(&resources::PODS, &metadata.namespace, &metadata.name, &options)
            && error.code != 404
        {
            tracing::warn!(%error, pod = %self.pod.describe(), "could not delete a pod that has ended");
        }
    }

    /// Starts what is to be started next.
    async fn advance(&mut self) {
        let init = self.pod.spec.init_containers.len();
        if !self.initialized {
            for index in 0..init {
                if self.slots[index].running.is_some() {
                    if self.slots[index].kind == Kind::Sidecar && self.slots[index].view.started {
                        continue;
                    }
                    return;
                }
                let succeeded = self.slots[index].ended().is_some_and(|ended| ended.exit_code == 0);
                if succeeded && self.slots[index].kind == Kind::Init {
                    continue;
                }
                self.start_if_due(index).await;
                if !self.slots[index].view.started || self.slots[index].kind == Kind::Init {
                    return;
                }
            }
            self.initialized = true;
        }
        for index in 0..self.slots.len() {
            if self.slots[index].kind != Kind::Init {
                self.start_if_due(index).await;
            }
        }
        let done = self.slots.iter().filter(|slot| slot.kind == Kind::Regular).all(|slot| {
            let policy = self.pod.spec.restart_policy;
            slot.ended().is_some_and(|ended| !slot.restarts_after(policy, ended.exit_code))
        });
        if done {
            // Sidecars end with the containers they serve.
            self.stop_where(|slot| slot.kind == Kind::Sidecar);
        }
    }

    async fn start_if_due(&mut self, index: usize) {
        let now = Instant::now();
        let describe = self.pod.describe();
        let policy = self.pod.spec.restart_policy;
        let slot = &mut self.slots[index];
        if slot.running.is_some() {
            return;
        }
        if let Some(at) = slot.retry_at.filter(|at| now < *at) {
            self.wake_at(at);
            return;
        }
        if let Some(ended) = slot.ended() {
            if !slot.restarts_after(policy, ended.exit_code) {
                return;
            }
            let since = slot.ended_at.unwrap_or(now);
            if let Some(until) = slot.restarts.blocked_until(since, now) {
                let (name, delay) = (slot.spec.name.clone(), super::restart::go_duration(slot.restarts.delay()));
                let message = format!("back-off {delay} restarting failed container={name} pod={describe}");
                let told = matches!(&slot.view.state, State::Waiting { reason, message: before }
                    if reason == "CrashLoopBackOff" && before == &message);
                slot.wait("CrashLoopBackOff", &message);
                if !told {
                    let text = format!("Back-off restarting failed container {name} in pod {describe}");
                    let about = About::container(&self.pod, &name);
                    self.node.events.record(&about, Severity::Warning, "BackOff", &text);
                }
                self.wake_at(until);
                return;
            }
            if slot.retry_at.is_none() {
                slot.restarts.extend(now);
            }
        }
        self.start(index).await;
    }

    pub(crate) fn facts(&self) -> PodFacts {
        PodFacts {
            pod_ip: self.ip.map(|ip| ip.to_string()).unwrap_or_default(),
            host_ip: self.node.host_ip.clone(),
            node_name: self.node.node_name.clone(),
        }
    }

    fn compute(&self, terminal: bool) -> Value {
        let views: Vec<ContainerView> = self.slots.iter().map(|slot| slot.view.clone()).collect();
        let (init, containers) = views.split_at(self.pod.spec.init_containers.len().min(views.len()));
        let ip = self.ip.map(|ip| ip.to_string()).unwrap_or_default();
        compute(&PodView {
            pod: &self.pod,
            init,
            containers,
            sandboxed: self.sandbox.is_some(),
            ip: &ip,
            host_ip: &self.node.host_ip,
            start_time: &self.start_time,
            verdict: (self.ending == Some(Ending::Deadline)).then_some((
                "Failed",
                "DeadlineExceeded",
                DEADLINE_MESSAGE,
            )),
            terminal,
            now: &self.node.api.clock().rfc3339(),
        })
    }

    /// Writes the status where it differs from what was written last.
    fn write_status(&mut self) {
        if matches!(self.ending, Some(Ending::Gone | Ending::Shutdown(_))) {
            return;
        }
        let stopped = self.slots.iter().all(|slot| slot.running.is_none());
        let terminal = stopped && self.pod.metadata.deletion_timestamp.is_some();
        // Two attempts: somebody else may write between the read and the write.
        for _ in 0..2 {
            let Pod { metadata, .. } = &*self.pod;
            let Ok(stored) = self.node.api.get(&resources::PODS, &metadata.namespace, &metadata.name) else { return };
            if stored["metadata"]["uid"].as_str() != Some(&metadata.uid) {
                return;
            }
            let mut pod = Pod::clone(&self.pod);
            pod.status = stored["status"].clone();
            self.pod = Arc::new(pod);
            let status = self.compute(terminal);
            if self.written.as_ref() == Some(&status) {
                return;
            }
            let mut object = Value::clone(&stored);
            object["status"] = status.clone();
            let (namespace, name) = (self.pod.metadata.namespace.clone(), self.pod.metadata.name.clone());
            let options = WriteOptions::by(FIELD_MANAGER);
            match self.node.api.update(&resources::PODS, &namespace, &name, Some("status"), object, &options) {
                Ok(_) => {
                    self.written = Some(status);
                    return;
                }
                Err(error) if error.code == 409 => {}
                Err(error) => {
                    tracing::warn!(%error, pod = %self.pod.describe(), "could not write a pod's status");
                    return;
                }
            }
        }
    }
}

const DEADLINE_MESSAGE: &str = "Pod was active on the node longer than the specified deadline";

pub(crate) fn seconds(count: i64) -> Duration {
    Duration::from_secs(u64::try_from(count).unwrap_or(0))
}
