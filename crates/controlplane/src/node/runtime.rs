//! What the pod lifecycle asks of whatever runs containers: real processes or scripts.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Arc;

use futures::future::BoxFuture;

use super::logs::ContainerLog;
use super::pod::{Container, Pod};
use super::volumes::Content;

/// Runs pods.
pub(crate) trait Runtime: Send + Sync + 'static {
    /// The scheme of container ids (`process`, `scripted`).
    fn name(&self) -> &'static str;

    /// Whether a container that starts is asked more often than its probes' period says, so that a service that is up
    /// in milliseconds is ready in milliseconds. Only successes of these further probes count.
    fn probes_eagerly(&self) -> bool;

    /// Looks an image up; the answer is the image's id.
    fn image(&self, image: &str) -> Result<String, ImageError>;

    /// A log for an attempt of a container.
    fn log(&self, pod: &Pod, container: &str, attempt: u32) -> Result<ContainerLog, RuntimeError>;

    /// Removes what is kept of a pod that is gone from the API.
    fn forget(&self, pod: &Pod);

    /// Prepares a pod: its network, its volumes.
    fn sandbox(&self, spec: SandboxSpec) -> BoxFuture<'_, Result<Arc<dyn Sandbox>, RuntimeError>>;
}

/// A prepared pod.
pub(crate) trait Sandbox: Send + Sync {
    /// Starts a container. The answer comes when the process runs.
    fn start(&self, spec: ContainerSpec) -> BoxFuture<'_, Result<Arc<dyn Running>, RuntimeError>>;

    /// Releases the pod's network and files after its containers have ended.
    fn remove(&self) -> BoxFuture<'_, ()>;
}

/// A started container.
pub(crate) trait Running: Send + Sync {
    /// The container's id, unique on the node.
    fn id(&self) -> &str;

    /// Waits for the end of the container; may be asked any number of times.
    fn exited(&self) -> BoxFuture<'static, Exit>;

    /// Sends a signal to the container's first process; `Kill` reaches all of them.
    fn signal(&self, signal: StopSignal);

    /// Runs a command inside and gives its exit code and output. The caller bounds the time.
    fn exec(&self, command: Vec<String>) -> BoxFuture<'static, Result<ExecOutput, RuntimeError>>;

    /// Asks an HTTP endpoint of the pod; the error's text is what Go's client would say.
    fn http(&self, request: HttpCheck) -> BoxFuture<'static, Result<u16, String>>;

    /// Opens and closes a TCP connection; the error's text is what Go's client would say.
    fn tcp(&self, host: String, port: u16) -> BoxFuture<'static, Result<(), String>>;
}

/// A pod to prepare.
#[derive(Clone, Debug)]
pub(crate) struct SandboxSpec {
    /// The pod.
    pub(crate) pod: Arc<Pod>,
    /// The address it was given.
    pub(crate) ip: Ipv4Addr,
    /// Content of its volumes, by volume name.
    pub(crate) volumes: BTreeMap<String, Content>,
}

/// A container to start.
#[derive(Clone, Debug)]
pub(crate) struct ContainerSpec {
    /// The pod it belongs to.
    pub(crate) pod: Arc<Pod>,
    /// The container as the pod describes it.
    pub(crate) container: Container,
    /// How often it was started before.
    pub(crate) attempt: u32,
    /// Environment, resolved.
    pub(crate) env: BTreeMap<String, String>,
    /// Command, `$(VAR)` expanded; empty: the image's.
    pub(crate) command: Vec<String>,
    /// Arguments, `$(VAR)` expanded; empty: the image's, unless `command` is given.
    pub(crate) args: Vec<String>,
    /// Where it writes.
    pub(crate) log: ContainerLog,
}

/// How a container ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Exit {
    /// Exit code; 128 + signal when a signal ended it.
    pub(crate) code: i32,
}

/// How a container is asked to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StopSignal {
    /// SIGTERM.
    Terminate,
    /// SIGKILL.
    Kill,
}

/// What a command in a container gave.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ExecOutput {
    /// Exit code.
    pub(crate) code: i32,
    /// Standard output and error, mixed as they came, at most 10 KiB.
    pub(crate) output: String,
}

/// An HTTP request of a probe or hook.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct HttpCheck {
    /// Host of the URL; empty: the pod.
    pub(crate) host: String,
    /// Port in the container.
    pub(crate) port: u16,
    /// Path with query.
    pub(crate) path: String,
    /// `http` or `https` (certificates are not checked).
    pub(crate) scheme: String,
    /// Further headers.
    pub(crate) headers: Vec<(String, String)>,
}

/// Why an image cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(crate) struct ImageError {
    /// What is missing, and where it is to be added.
    pub(crate) message: String,
}

/// Why a container or sandbox cannot be started.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(crate) struct RuntimeError {
    /// What was being done and the cause.
    pub(crate) message: String,
}

impl RuntimeError {
    /// An error with that text.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into() }
    }
}
