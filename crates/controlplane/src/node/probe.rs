//! Probes of a container: when they run, how results add up, and what is said when they fail.
//!
//! One task per probe and attempt of a container; the pod's worker hears only of verdicts.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout};

use super::env::expand;
use super::events::{About, Events, Severity};
use super::pod::{Container, HttpGet, Pod, Probe};
use super::runtime::{HttpCheck, Running};

/// Which probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub(crate) enum ProbeKind {
    Startup,
    Liveness,
    Readiness,
}

impl ProbeKind {
    fn title(self) -> &'static str {
        match self {
            Self::Startup => "Startup",
            Self::Liveness => "Liveness",
            Self::Readiness => "Readiness",
        }
    }
}

/// A change of a probe's mind: its threshold was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// Which probe.
    pub(crate) kind: ProbeKind,
    /// Healthy from now on, or unhealthy.
    pub(crate) healthy: bool,
}

/// The running probes of one attempt of a container; they end when this is dropped.
pub(crate) struct Probes {
    tasks: Vec<JoinHandle<()>>,
    started: watch::Sender<bool>,
}

impl Drop for Probes {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

/// What probes act on.
#[derive(Clone)]
pub(crate) struct Target {
    /// The pod.
    pub(crate) pod: Arc<Pod>,
    /// The container.
    pub(crate) container: Container,
    /// Its running process.
    pub(crate) running: Arc<dyn Running>,
    /// The pod's address, for messages and HTTP requests.
    pub(crate) ip: String,
    /// Where failures are told.
    pub(crate) events: Events,
    /// See [`super::runtime::Runtime::probes_eagerly`].
    pub(crate) eager: bool,
}

impl Probes {
    /// Starts the container's probes; `report` gets the verdicts.
    pub(crate) fn start<M: Send + 'static>(
        target: &Target,
        report: &mpsc::UnboundedSender<M>,
        wrap: impl Fn(Verdict) -> M + Clone + Send + Sync + 'static,
    ) -> Self {
        let (started, _) = watch::channel(target.container.startup_probe.is_none());
        let mut tasks = Vec::new();
        for (kind, probe) in [
            (ProbeKind::Startup, &target.container.startup_probe),
            (ProbeKind::Liveness, &target.container.liveness_probe),
            (ProbeKind::Readiness, &target.container.readiness_probe),
        ] {
            let Some(probe) = probe.clone() else { continue };
            let (target, report, wrap, started) = (target.clone(), report.clone(), wrap.clone(), started.subscribe());
            tasks.push(tokio::spawn(async move {
                let send = |healthy| report.send(wrap(Verdict { kind, healthy })).is_ok();
                run(kind, &probe, &target, started, send).await;
            }));
        }
        Self { tasks, started }
    }

    /// Tells liveness and readiness probes that the startup probe has succeeded.
    pub(crate) fn container_started(&self) {
        self.started.send_replace(true);
    }
}

async fn run(
    kind: ProbeKind,
    probe: &Probe,
    target: &Target,
    mut started: watch::Receiver<bool>,
    send: impl Fn(bool) -> bool,
) {
    let first = Instant::now() + Duration::from_secs(probe.initial_delay_seconds);
    if kind != ProbeKind::Startup && started.wait_for(|started| *started).await.is_err() {
        return;
    }
    let period = Duration::from_secs(probe.period_seconds.unwrap_or(10).max(1));
    let mut ticks = interval_at(first.max(Instant::now()), period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // Readiness starts out as "no", liveness as "yes", startup as undecided.
    let mut known = match kind {
        ProbeKind::Startup => None,
        ProbeKind::Liveness => Some(true),
        ProbeKind::Readiness => Some(false),
    };
    let (mut last, mut run) = (None, 0u32);
    loop {
        ticks.tick().await;
        let first = last.is_none() && target.eager && kind != ProbeKind::Liveness;
        let result = if first { soon(probe, target, period).await } else { once(probe, target).await };
        let healthy = result.is_ok();
        if let Err(why) = result {
            let about = About::container(&target.pod, &target.container.name);
            let message = format!("{} probe failed: {why}", kind.title());
            target.events.record(&about, Severity::Warning, "Unhealthy", &message);
        }
        if last == Some(healthy) {
            run += 1;
        } else {
            (last, run) = (Some(healthy), 1);
        }
        let threshold =
            if healthy { probe.success_threshold.unwrap_or(1) } else { probe.failure_threshold.unwrap_or(3) };
        if run < threshold || known == Some(healthy) {
            continue;
        }
        known = Some(healthy);
        if !send(healthy) || kind == ProbeKind::Startup || (kind == ProbeKind::Liveness && !healthy) {
            // Startup has decided, or the container is going to be restarted: a new attempt gets new probes.
            return;
        }
    }
}

/// The first probe of a container that is just starting: again and again, at growing distances, until it succeeds or its
/// period is over. To the threshold it is one probe.
async fn soon(probe: &Probe, target: &Target, period: Duration) -> Result<(), String> {
    let end = Instant::now() + period;
    let mut pause = Duration::from_millis(20);
    loop {
        let result = once(probe, target).await;
        if result.is_ok() || Instant::now() + pause >= end {
            return result;
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 3 / 2).min(Duration::from_secs(1));
    }
}

/// Probes once. The error's text is what follows "probe failed: ".
async fn once(probe: &Probe, target: &Target) -> Result<(), String> {
    let limit = Duration::from_secs(probe.timeout_seconds.unwrap_or(1).max(1));
    let container = &target.container;
    if let Some(http) = &probe.http_get {
        let check = http_check(http, target)?;
        let url = format!("{}://{}:{}{}", check.scheme, check.host, check.port, check.path);
        let answer = timeout(limit, target.running.http(check)).await;
        return match answer {
            Err(_) => Err(format!(
                "Get \"{url}\": context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
            )),
            Ok(Err(why)) => Err(why),
            Ok(Ok(code)) if (200..400).contains(&code) => Ok(()),
            Ok(Ok(code)) => Err(format!("HTTP probe failed with statuscode: {code}")),
        };
    }
    if let Some(tcp) = &probe.tcp_socket {
        let port = tcp.port.resolve(container).ok_or("couldn't find the probe's port by its name")?;
        let host = if tcp.host.is_empty() { target.ip.clone() } else { tcp.host.clone() };
        let address = format!("{host}:{port}");
        return timeout(limit, target.running.tcp(host, port))
            .await
            .unwrap_or_else(|_| Err(format!("dial tcp {address}: i/o timeout")));
    }
    if let Some(exec) = &probe.exec {
        let command: Vec<String> = exec.command.iter().map(|part| expand_static(part, container)).collect();
        let shown = command.join(" ");
        return match timeout(limit, target.running.exec(command)).await {
            Err(_) => Err(format!("command timed out: {shown:?} timed out after {}s", limit.as_secs())),
            Ok(Err(error)) => Err(error.to_string()),
            Ok(Ok(done)) if done.code == 0 => Ok(()),
            Ok(Ok(done)) => Err(done.output),
        };
    }
    Err("this node supports httpGet, tcpSocket and exec probes".to_owned())
}

/// The HTTP request of a probe or hook.
pub(crate) fn http_check(http: &HttpGet, target: &Target) -> Result<HttpCheck, String> {
    let port = http.port.resolve(&target.container).ok_or("couldn't find the port by its name")?;
    let path = if http.path.starts_with('/') { http.path.clone() } else { format!("/{}", http.path) };
    let scheme = if http.scheme.is_empty() { "http".to_owned() } else { http.scheme.to_lowercase() };
    Ok(HttpCheck {
        host: if http.host.is_empty() { target.ip.clone() } else { http.host.clone() },
        port,
        path,
        scheme,
        headers: http.http_headers.iter().map(|h| (h.name.clone(), h.value.clone())).collect(),
    })
}

/// Commands of probes know only the variables whose values are written in the container itself.
fn expand_static(text: &str, container: &Container) -> String {
    expand(text, |name| container.env.iter().find(|v| v.name == name).and_then(|v| v.value.as_deref()))
}
