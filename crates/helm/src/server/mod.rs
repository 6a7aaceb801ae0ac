//! `--dry-run=server`: an API server that is asked while a chart is rendered, and after it.
//!
//! It says which Kubernetes it is and what it serves, answers `lookup`, and tells of every object whether it knows the
//! kind and whether somebody else's stands in its place. Nothing is changed on it.

mod check;
mod connect;
mod lookup;

use std::future::Future;
use std::io;

use bowline_cluster::{Cluster, ClusterError};
use bowline_render::{KubeVersion, Options};
use tokio::runtime::{Handle, Runtime};

use crate::console;

pub use check::Check;
pub(crate) use connect::connect;

/// A connected API server that can be asked from code that does not wait.
pub struct Server {
    waits: Waits,
    cluster: Cluster,
    /// Whether what Helm logs of lookups is logged.
    logs: bool,
}

/// Who drives the connection while an answer is waited for.
enum Waits {
    /// A runtime of its own.
    Alone(Runtime),
    /// The runtime, of several threads, that the caller is in.
    Within(Handle),
}

impl Server {
    /// Over a cluster that is connected already, by a caller who is in a runtime of several threads.
    pub fn within(cluster: Cluster, runtime: Handle) -> Self {
        Self { waits: Waits::Within(runtime), cluster, logs: false }
    }

    /// Connects with a future of the caller's, on a runtime of its own; `failed` makes an error where none can be started.
    ///
    /// # Errors
    /// Those of the future, or the runtime's.
    pub fn new<E>(
        connect: impl Future<Output = Result<Cluster, E>>,
        failed: impl FnOnce(io::Error) -> E,
    ) -> Result<Self, E> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
        let cluster = runtime.block_on(connect)?;
        Ok(Self { waits: Waits::Alone(runtime), cluster, logs: false })
    }

    /// Renders for this server from now on: its version, and exactly what it serves.
    ///
    /// # Errors
    /// It cannot be asked; in Helm's words.
    pub fn prepare(&self, options: &mut Options) -> Result<(), String> {
        let version = self.ask(self.cluster.server_version());
        let version =
            version.map_err(|error| format!("could not get server version from Kubernetes: {}", self.text(&error)))?;
        let versions = self.ask(self.cluster.api_versions());
        options.api_versions =
            versions.map_err(|error| format!("could not get apiVersions from Kubernetes: {}", self.text(&error)))?;
        options.only_api_versions = true;
        options.kube_version = KubeVersion::of_server(&version.git_version, &version.major, &version.minor);
        Ok(())
    }

    fn ask<T>(&self, question: impl Future<Output = T>) -> T {
        match &self.waits {
            Waits::Alone(runtime) => runtime.block_on(question),
            Waits::Within(runtime) => tokio::task::block_in_place(|| runtime.block_on(question)),
        }
    }

    fn log(&self, level: &str, message: &str, facts: &[(&str, &str)]) {
        if self.logs {
            console::log(level, message, facts);
        }
    }

    /// An error as client-go words it.
    fn text(&self, error: &ClusterError) -> String {
        match error {
            ClusterError::Api { code: 401, .. } => {
                "the server has asked for the client to provide credentials".to_owned()
            }
            // No Status stood in the answer.
            ClusterError::Api { code: 404, reason, .. } if reason.is_empty() => {
                "the server could not find the requested resource".to_owned()
            }
            ClusterError::Api { message, .. } => message.clone(),
            ClusterError::Unreachable { doing, cause } => connect::unreachable(self.cluster.address(), doing, cause),
            other => other.to_string(),
        }
    }
}
