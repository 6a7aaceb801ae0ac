//! Stopping a container: traffic away from it, its pre-stop hook, SIGTERM, and SIGKILL when its time is up.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::events::{About, Severity};
use super::probe::Target;
use super::runtime::StopSignal;
use super::start::run_hook;
use super::worker::Worker;

/// The least time between SIGTERM and SIGKILL, as the kubelet's.
const LEAST_GRACE: Duration = Duration::from_secs(2);
/// The most time that is spent on waiting for connections to end before SIGTERM.
const LONGEST_DRAIN: Duration = Duration::from_secs(5);

impl Worker {
    /// Begins to stop a container, or brings forward the end of its grace. `drain`: traffic is led away first,
    /// because the whole pod ends.
    pub(crate) fn stop(&mut self, index: usize, grace: Duration, message: &str, drain: bool) {
        let node = self.node.clone();
        let deadline = Instant::now() + grace;
        let slot = &mut self.slots[index];
        let Some(running) = slot.running.clone() else { return };
        if let Some(kill_at) = &slot.kill_at {
            kill_at.send_if_modified(|known| {
                let sooner = deadline < *known;
                *known = deadline.min(*known);
                sooner
            });
            return;
        }
        let about = About::container(&self.pod, &slot.spec.name);
        node.events.record(&about, Severity::Normal, "Killing", message);
        slot.probes = None;
        let (kill_at, mut killed_at) = watch::channel(deadline);
        slot.kill_at = Some(kill_at);
        let target = Target {
            pod: self.pod.clone(),
            container: slot.spec.clone(),
            running: running.clone(),
            ip: self.facts().pod_ip,
            events: node.events.clone(),
            eager: node.runtime.probes_eagerly(),
        };
        tokio::spawn(async move {
            let metadata = &target.pod.metadata;
            if let Some(proxy) = node.drain.as_ref().filter(|_| drain) {
                proxy.drain(&metadata.namespace, &metadata.name, grace.min(LONGEST_DRAIN)).await;
            }
            let hook = target.container.lifecycle.as_ref().and_then(|l| l.pre_stop.as_ref());
            if let Some(hook) = hook.filter(|_| !grace.is_zero()) {
                let done = tokio::select! {
                    biased;
                    done = timeout_at(deadline, run_hook(hook, &target)) => done.unwrap_or(Ok(())),
                    _ = running.exited() => Ok(()),
                };
                if done.is_err() {
                    node.events.record(&about, Severity::Warning, "FailedPreStopHook", "PreStopHook failed");
                }
            }
            running.signal(StopSignal::Terminate);
            let least = Instant::now() + LEAST_GRACE;
            loop {
                let at = (*killed_at.borrow_and_update()).max(least);
                tokio::select! {
                    biased;
                    _ = running.exited() => return,
                    Ok(()) = killed_at.changed() => {}
                    () = sleep_until(at) => break,
                }
            }
            running.signal(StopSignal::Kill);
        });
    }
}
