//! Containers as scripts of durations and outcomes, for rehearsal: no process, no socket, no file, only virtual time.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bowline_clock::Clock;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use super::images::pattern_matches;
use super::logs::{Channel, ContainerLog};
use super::pod::{Pod, RestartPolicy};
use super::runtime::{
    ContainerSpec, ExecOutput, Exit, HttpCheck, ImageError, Running, Runtime, RuntimeError, Sandbox, SandboxSpec,
    StopSignal,
};

/// How the containers of an image behave. All durations are virtual.
#[derive(Clone, Debug, PartialEq)]
pub struct Script {
    /// From "start it" to "it runs" (image and process start).
    pub starts_in: Duration,
    /// From "it runs" until probes succeed.
    pub ready_after: Duration,
    /// From "it runs" until it ends by itself; `None`: never for services, [`Script::JOB_DURATION`] for pods that are
    /// not restarted always.
    pub exit_after: Option<Duration>,
    /// Exit code of that end.
    pub exit_code: i32,
    /// From SIGTERM to its end (exit code 0).
    pub stops_in: Duration,
    /// Lines it writes: at its start, unless it ends by itself, then right before.
    pub log: Vec<String>,
    /// How many attempts in a pod end by `exit_after`; later ones behave well. `None`: all.
    pub failing_attempts: Option<u32>,
    /// Whether the image cannot be pulled.
    pub image_missing: bool,
}

impl Script {
    /// How long a Job's container runs where nothing else is said.
    pub const JOB_DURATION: Duration = Duration::from_secs(2);
}

impl Default for Script {
    fn default() -> Self {
        Self {
            starts_in: Duration::from_millis(500),
            ready_after: Duration::from_secs(1),
            exit_after: None,
            exit_code: 0,
            stops_in: Duration::from_millis(500),
            log: Vec::new(),
            failing_attempts: None,
            image_missing: false,
        }
    }
}

/// Scripts by image pattern (see [`pattern_matches`]); images without one follow the default script.
#[derive(Clone, Debug, Default)]
pub struct Scripts {
    /// Pattern → script; the longest pattern that matches counts.
    pub by_image: BTreeMap<String, Script>,
    /// For all other images.
    pub default: Script,
}

impl Scripts {
    fn find(&self, image: &str) -> &Script {
        self.by_image
            .iter()
            .filter(|(pattern, _)| pattern_matches(pattern, image))
            .max_by_key(|(pattern, _)| pattern.len())
            .map_or(&self.default, |(_, script)| script)
    }
}

/// The runtime of a rehearsal.
pub(crate) struct ScriptedRuntime {
    clock: Clock,
    scripts: Arc<Scripts>,
}

impl ScriptedRuntime {
    /// A runtime that follows `scripts`.
    pub(crate) fn new(clock: Clock, scripts: Scripts) -> Self {
        Self { clock, scripts: Arc::new(scripts) }
    }
}

impl Runtime for ScriptedRuntime {
    fn name(&self) -> &'static str {
        "scripted"
    }

    fn probes_eagerly(&self) -> bool {
        false
    }

    fn image(&self, image: &str) -> Result<String, ImageError> {
        if self.scripts.find(image).image_missing {
            return Err(ImageError { message: format!("the scenario says that image {image:?} cannot be pulled") });
        }
        Ok(image.to_owned())
    }

    fn log(&self, _pod: &Pod, _container: &str, _attempt: u32) -> Result<ContainerLog, RuntimeError> {
        Ok(ContainerLog::in_memory(self.clock.clone()))
    }

    fn forget(&self, _pod: &Pod) {}

    fn sandbox(&self, _spec: SandboxSpec) -> BoxFuture<'_, Result<Arc<dyn Sandbox>, RuntimeError>> {
        let sandbox: Arc<dyn Sandbox> = Arc::new(ScriptedSandbox { scripts: self.scripts.clone() });
        async move { Ok(sandbox) }.boxed()
    }
}

struct ScriptedSandbox {
    scripts: Arc<Scripts>,
}

impl Sandbox for ScriptedSandbox {
    fn start(&self, spec: ContainerSpec) -> BoxFuture<'_, Result<Arc<dyn Running>, RuntimeError>> {
        async move {
            let script = self.scripts.find(&spec.container.image).clone();
            sleep(script.starts_in).await;
            let is_init = spec.pod.spec.init_containers.iter().any(|c| c.name == spec.container.name);
            let ends = script.failing_attempts.is_none_or(|failing| spec.attempt < failing);
            let runs_to_its_end = (is_init && !spec.container.is_sidecar())
                || (!is_init && spec.pod.spec.restart_policy != RestartPolicy::Always);
            let exit = match script.exit_after {
                Some(after) if ends => Some((after, script.exit_code)),
                _ if runs_to_its_end => Some((Script::JOB_DURATION, 0)),
                _ => None,
            };
            let id = format!("{}-{}-{}", spec.pod.metadata.uid, spec.container.name, spec.attempt);
            let running: Arc<dyn Running> = Arc::new(ScriptedContainer::start(id, script, exit, spec.log));
            Ok(running)
        }
        .boxed()
    }

    fn remove(&self) -> BoxFuture<'_, ()> {
        async {}.boxed()
    }
}

struct ScriptedContainer {
    id: String,
    ready_at: Instant,
    signals: watch::Sender<Option<StopSignal>>,
    exit: watch::Receiver<Option<Exit>>,
}

impl ScriptedContainer {
    fn start(id: String, script: Script, exit: Option<(Duration, i32)>, log: ContainerLog) -> Self {
        let (signals, mut signalled) = watch::channel(None);
        let (ended, ended_seen) = watch::channel(None);
        let ready_at = Instant::now() + script.ready_after;
        tokio::spawn(async move {
            let write = |lines: &[String]| lines.iter().for_each(|line| log.append(Channel::Stdout, line));
            if exit.is_none() {
                write(&script.log);
            }
            let mut end = exit.map(|(after, code)| (Instant::now() + after, code));
            loop {
                let own_end = async {
                    match end {
                        Some((at, _)) => tokio::time::sleep_until(at).await,
                        None => std::future::pending().await,
                    }
                };
                tokio::select! {
                    biased;
                    changed = signalled.changed() => {
                        if changed.is_err() || *signalled.borrow_and_update() == Some(StopSignal::Kill) {
                            end = Some((Instant::now(), 137));
                        } else {
                            let stops = Instant::now() + script.stops_in;
                            if end.is_none_or(|(at, _)| stops < at) {
                                end = Some((stops, 0));
                            }
                        }
                    }
                    () = own_end => break,
                }
            }
            if exit.is_some() {
                write(&script.log);
            }
            log.close();
            ended.send_replace(Some(Exit { code: end.map_or(0, |(_, code)| code) }));
        });
        Self { id, ready_at, signals, exit: ended_seen }
    }

    fn answers(&self) -> bool {
        Instant::now() >= self.ready_at && self.exit.borrow().is_none()
    }
}

impl Running for ScriptedContainer {
    fn id(&self) -> &str {
        &self.id
    }

    fn exited(&self) -> BoxFuture<'static, Exit> {
        let mut exit = self.exit.clone();
        async move { exit.wait_for(Option::is_some).await.ok().and_then(|e| *e).unwrap_or(Exit { code: 137 }) }.boxed()
    }

    fn signal(&self, signal: StopSignal) {
        self.signals.send_replace(Some(signal));
    }

    fn exec(&self, command: Vec<String>) -> BoxFuture<'static, Result<ExecOutput, RuntimeError>> {
        let answers = self.answers();
        async move {
            Ok(if answers {
                ExecOutput::default()
            } else {
                ExecOutput { code: 1, output: format!("{}: not ready yet", command.join(" ")) }
            })
        }
        .boxed()
    }

    fn http(&self, request: HttpCheck) -> BoxFuture<'static, Result<u16, String>> {
        let answers = self.answers();
        async move {
            if answers {
                return Ok(200);
            }
            let HttpCheck { host, port, path, scheme, .. } = request;
            Err(format!("Get \"{scheme}://{host}:{port}{path}\": dial tcp {host}:{port}: connect: connection refused"))
        }
        .boxed()
    }

    fn tcp(&self, host: String, port: u16) -> BoxFuture<'static, Result<(), String>> {
        let answers = self.answers();
        async move {
            if answers { Ok(()) } else { Err(format!("dial tcp {host}:{port}: connect: connection refused")) }
        }
        .boxed()
    }
}
