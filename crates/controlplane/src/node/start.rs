//! Starting: the pod's network and volumes, then a container from image to post-start hook.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bowline_apiserver::{ListOptions, resources};
use serde_json::Value;
use tokio::time::Instant;

use super::context::NamespaceConfig;
use super::env::{self, expand};
use super::events::{About, Severity};
use super::pod::Handler;
use super::pod_status::{Ended, State};
use super::probe::{Probes, Target, http_check};
use super::runtime::{ContainerSpec, Running, SandboxSpec};
use super::slot::Kind;
use super::volumes;
use super::worker::{Message, Worker};

/// Delays between attempts to set up a volume, as the kubelet's.
const FIRST_MOUNT_DELAY: Duration = Duration::from_millis(500);
const LONGEST_MOUNT_DELAY: Duration = Duration::from_secs(122);

/// When a container start failed before there was a process.
const EPOCH: &str = "1970-01-01T00:00:00Z";

impl Worker {
    /// Sees to the pod's volumes and network. False: not yet, and the worker will be woken to try again.
    pub(crate) async fn prepare(&mut self) -> bool {
        if self.sandbox.is_some() {
            return true;
        }
        let now = Instant::now();
        if let Some(at) = self.prepare_at.filter(|at| now < *at) {
            self.wake_at(at);
            return false;
        }
        let node = self.node.clone();
        let about = About::pod(&self.pod);
        let config = NamespaceConfig { api: &node.api, namespace: &self.pod.metadata.namespace };
        let mut contents = BTreeMap::new();
        for volume in &self.pod.spec.volumes {
            match volumes::content(&self.pod, volume, &config, &self.facts()) {
                Ok(content) => {
                    contents.insert(volume.name.clone(), content);
                }
                Err(error) => {
                    let message = format!("MountVolume.SetUp failed for volume {:?} : {error}", volume.name);
                    node.events.record(&about, Severity::Warning, "FailedMount", &message);
                    self.mount_delay = (self.mount_delay * 2).clamp(FIRST_MOUNT_DELAY, LONGEST_MOUNT_DELAY);
                    self.prepare_at = Some(now + self.mount_delay);
                    self.wake_at(now + self.mount_delay);
                    return false;
                }
            }
        }
        let ip = node.addresses.take();
        let spec = SandboxSpec { pod: self.pod.clone(), ip, volumes: contents };
        match node.runtime.sandbox(spec).await {
            Ok(sandbox) => {
                self.ip = Some(ip);
                self.sandbox = Some(sandbox);
                true
            }
            Err(error) => {
                node.addresses.release(ip);
                let message = format!("Failed to create pod sandbox: {error}");
                node.events.record(&about, Severity::Warning, "FailedCreatePodSandBox", &message);
                let at = Instant::now() + self.retry_delay();
                self.prepare_at = Some(at);
                self.wake_at(at);
                false
            }
        }
    }

    /// Starts a container; on failure its state says why and the worker will be woken to try again.
    pub(crate) async fn start(&mut self, index: usize) {
        let Some(sandbox) = self.sandbox.clone() else { return };
        let node = self.node.clone();
        let container = self.slots[index].spec.clone();
        let about = About::container(&self.pod, &container.name);
        let record = |severity, reason: &str, message: &str| node.events.record(&about, severity, reason, message);

        let Some(image_id) = self.find_image(index) else { return };

        let config = NamespaceConfig { api: &node.api, namespace: &self.pod.metadata.namespace };
        let services = self.service_variables();
        let resolved = env::resolve(&self.pod, &container, &config, &self.facts(), &services);
        let log = node.runtime.log(&self.pod, &container.name, self.slots[index].starts);
        let (env, log) = match (resolved, log) {
            (Ok(env), Ok(log)) => (env, log),
            (Err(error), _) => return self.not_started(index, "CreateContainerConfigError", &error.to_string()),
            (_, Err(error)) => return self.not_started(index, "CreateContainerError", &error.to_string()),
        };
        let expanded =
            |list: &[String]| list.iter().map(|s| expand(s, |name| env.get(name).map(String::as_str))).collect();
        let (command, args) = (expanded(&container.command), expanded(&container.args));

        let attempt = self.slots[index].starts;
        node.logs.add(&self.pod.metadata.namespace, &self.pod.metadata.name, &container.name, attempt, log.clone());
        record(Severity::Normal, "Created", "Container created");
        let spec =
            ContainerSpec { pod: self.pod.clone(), container: container.clone(), attempt, env, command, args, log };
        let started = sandbox.start(spec).await;

        let slot = &mut self.slots[index];
        slot.retry_at = None;
        slot.starts += 1;
        slot.view.restart_count = attempt;
        slot.view.image_id = image_id;
        let running = match started {
            Ok(running) => running,
            Err(error) => {
                slot.wait("RunContainerError", &error.to_string());
                slot.view.state = State::Terminated(Ended {
                    exit_code: 128,
                    reason: "StartError".to_owned(),
                    message: error.to_string(),
                    started_at: EPOCH.to_owned(),
                    finished_at: node.api.clock().rfc3339(),
                    container_id: String::new(),
                });
                slot.ended_at = Some(Instant::now());
                record(Severity::Warning, "Failed", &format!("Error: {error}"));
                self.wake_at(Instant::now() + Duration::from_secs(1));
                return;
            }
        };
        slot.wait("ContainerCreating", "");
        slot.view.container_id = format!("{}://{}", node.runtime.name(), running.id());
        slot.view.state = State::Running { started_at: node.api.clock().rfc3339() };
        slot.view.started = container.startup_probe.is_none();
        slot.view.ready = slot.view.started && container.readiness_probe.is_none() && slot.kind != Kind::Init;
        slot.running = Some(running.clone());
        record(Severity::Normal, "Started", "Container started");
        self.watch_container(index, running).await;
    }

    /// Waits for its end, probes it, and runs its post-start hook.
    async fn watch_container(&mut self, index: usize, running: Arc<dyn Running>) {
        let node = self.node.clone();
        let container = self.slots[index].spec.clone();
        let (outbox, attempt) = (self.outbox.clone(), self.slots[index].starts);
        let exited = running.exited();
        tokio::spawn(async move {
            let exit = exited.await;
            // The worker is gone only when the node is.
            let _ = outbox.send(Message::Exited { slot: index, attempt, exit });
        });
        let target = Target {
            pod: self.pod.clone(),
            container: container.clone(),
            running: running.clone(),
            ip: self.facts().pod_ip,
            events: node.events.clone(),
            eager: node.runtime.probes_eagerly(),
        };
        if let Some(hook) = container.lifecycle.as_ref().and_then(|l| l.post_start.as_ref()) {
            let done = tokio::select! {
                biased;
                done = run_hook(hook, &target) => done,
                _ = running.exited() => Ok(()),
            };
            if done.is_err() {
                let about = About::container(&self.pod, &container.name);
                node.events.record(&about, Severity::Warning, "FailedPostStartHook", "PostStartHook failed");
                let grace = super::worker::seconds(self.pod.spec.termination_grace_period_seconds.unwrap_or(30));
                self.stop(index, grace, "FailedPostStartHook", false);
                return;
            }
        }
        let wrap = move |verdict| Message::Probed { slot: index, attempt, verdict };
        self.slots[index].probes = Some(Probes::start(&target, &self.outbox, wrap));
    }

    /// Looks the image up, with the events and states of a pull. `None`: not there, and the worker will try again.
    fn find_image(&mut self, index: usize) -> Option<String> {
        let node = self.node.clone();
        let now = Instant::now();
        let slot = &mut self.slots[index];
        let image = slot.spec.image.clone();
        let about = About::container(&self.pod, &slot.spec.name);
        let record = |severity, reason: &str, message: &str| node.events.record(&about, severity, reason, message);
        if let Some((failed_at, why)) = &slot.pull_failed
            && let Some(until) = slot.pulls.blocked_until(*failed_at, now)
        {
            let message = format!("Back-off pulling image {image:?}");
            let full = format!("{message}: ErrImagePull: {why}");
            let told = matches!(&slot.view.state, State::Waiting { reason, .. } if reason == "ImagePullBackOff");
            slot.wait("ImagePullBackOff", &full);
            slot.retry_at = Some(until);
            if !told {
                record(Severity::Normal, "BackOff", &message);
                record(Severity::Warning, "Failed", "Error: ImagePullBackOff");
            }
            self.wake_at(until);
            return None;
        }
        let error = match node.runtime.image(&image) {
            Ok(id) => {
                let message =
                    format!("Container image {image:?} already present on machine and can be accessed by the pod");
                record(Severity::Normal, "Pulled", &message);
                slot.pull_failed = None;
                return Some(id);
            }
            Err(error) => error.to_string(),
        };
        if slot.spec.image_pull_policy == "Never" {
            let message = format!("Container image {image:?} is not present with pull policy of Never");
            record(Severity::Warning, "ErrImageNeverPull", &message);
            record(Severity::Warning, "Failed", "Error: ErrImageNeverPull");
            slot.wait("ErrImageNeverPull", &format!("{message}: {error}"));
            let at = now + self.retry_delay();
            self.slots[index].retry_at = Some(at);
            self.wake_at(at);
            return None;
        }
        record(Severity::Normal, "Pulling", &format!("Pulling image {image:?}"));
        record(Severity::Warning, "Failed", &format!("Failed to pull image {image:?}: {error}"));
        record(Severity::Warning, "Failed", "Error: ErrImagePull");
        slot.wait("ErrImagePull", &error);
        slot.pulls.extend(now);
        slot.pull_failed = Some((now, error));
        // The next look shows the back-off; it comes well before the back-off ends.
        let at = now + Duration::from_secs(2);
        slot.retry_at = Some(at);
        self.wake_at(at);
        None
    }

    /// A container that could not be created: says why, and tries again later.
    fn not_started(&mut self, index: usize, reason: &str, message: &str) {
        let about = About::container(&self.pod, &self.slots[index].spec.name);
        self.node.events.record(&about, Severity::Warning, "Failed", &format!("Error: {message}"));
        let at = Instant::now() + self.retry_delay();
        let slot = &mut self.slots[index];
        slot.wait(reason, message);
        slot.retry_at = Some(at);
        self.wake_at(at);
    }

    /// The variables that announce the Services of the pod's namespace.
    fn service_variables(&self) -> BTreeMap<String, String> {
        let namespace = self.pod.metadata.namespace.as_str();
        let mut variables = BTreeMap::new();
        let own = self.pod.spec.enable_service_links.unwrap_or(true);
        let listed = self.node.api.list(&resources::SERVICES, None, &ListOptions::default());
        for service in listed.map(|list| list.items).unwrap_or_default() {
            let (in_namespace, name) = (&service["metadata"]["namespace"], service["metadata"]["name"].as_str());
            let Some(name) = name else { continue };
            let master = in_namespace == "default" && name == "kubernetes";
            if !(master || (own && in_namespace == namespace)) {
                continue;
            }
            let ip = service["spec"]["clusterIP"].as_str().filter(|ip| !ip.is_empty() && *ip != "None");
            let Some(ip) = ip else { continue };
            variables.extend(env::service_variables(name, ip, &service_ports(&service)));
        }
        variables
    }
}

fn service_ports(service: &Value) -> Vec<(String, u16, String)> {
    let text = |value: &Value, default: &str| value.as_str().unwrap_or(default).to_owned();
    service["spec"]["ports"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|port| {
            let number = port["port"].as_u64().and_then(|p| u16::try_from(p).ok())?;
            Some((text(&port["name"], ""), number, text(&port["protocol"], "TCP")))
        })
        .collect()
}

/// Runs a lifecycle hook. The caller bounds the time.
pub(crate) async fn run_hook(hook: &Handler, target: &Target) -> Result<(), String> {
    if let Some(exec) = &hook.exec {
        let done = target.running.exec(exec.command.clone()).await.map_err(|e| e.to_string())?;
        return if done.code == 0 { Ok(()) } else { Err(format!("exit code {}: {}", done.code, done.output)) };
    }
    if let Some(http) = &hook.http_get {
        let code = target.running.http(http_check(http, target)?).await?;
        return if (200..400).contains(&code) { Ok(()) } else { Err(format!("status code {code}")) };
    }
    if let Some(sleep) = &hook.sleep {
        tokio::time::sleep(Duration::from_secs(sleep.seconds)).await;
    }
    Ok(())
}
