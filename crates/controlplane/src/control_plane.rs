use std::fmt;
use std::time::Duration;

use bowline_apiserver::Api;
use bowline_clock::{Clock, Random};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::control_loop::Controllers;
use crate::controllers;
use crate::error::Error;
use crate::node::{Node, NodeConfig};

/// What a control plane is made of.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where timestamps come from.
    pub clock: Clock,
    /// Where uids, generated names and jitter come from.
    pub random: Random,
    /// The certificate authority that clients in pods are told to trust, PEM; empty where nothing is served over TLS.
    pub root_ca: String,
    /// The node that runs pods; without one, pods wait.
    pub node: Option<NodeConfig>,
}

/// A Kubernetes cluster in this process: API, controllers, scheduler and node.
///
/// ```
/// use std::time::Duration;
///
/// use bowline_clock::{Clock, Random};
/// use bowline_controlplane::{Config, ControlPlane};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), bowline_controlplane::Error> {
/// let config = Config { clock: Clock::system(), random: Random::seeded(1), root_ca: String::new(), node: None };
/// let control_plane = ControlPlane::start(config).await?;
/// // … control_plane.api() …
/// control_plane.shutdown(Duration::from_secs(30)).await?;
/// # Ok(())
/// # }
/// ```
pub struct ControlPlane {
    api: Api,
    stop: watch::Sender<bool>,
    controllers: JoinHandle<()>,
    node: Option<Node>,
}

impl fmt::Debug for ControlPlane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ControlPlane").field("revision", &self.api.revision()).finish_non_exhaustive()
    }
}

impl ControlPlane {
    /// Starts everything, as tasks of the running tokio runtime. The namespaces that every cluster has are there when it
    /// returns, and the node is registered.
    ///
    /// # Errors
    /// [`Error::NoRuntime`] outside of a tokio runtime, [`Error::Node`] where the node cannot start.
    pub async fn start(config: Config) -> Result<Self, Error> {
        let runtime = tokio::runtime::Handle::try_current().map_err(|_| Error::NoRuntime)?;
        let Config { clock, random, root_ca, node } = config;
        let api = Api::new(clock.clone(), random.clone());
        let (stop, stopped) = watch::channel(false);
        let controllers = Controllers::new(&api, clock.clone(), controllers::all(&root_ca));
        let controllers = runtime.spawn(controllers.run(stopped));
        let node = match node {
            Some(node) => Some(Node::start(api.clone(), clock, random, node).await?),
            None => None,
        };
        Ok(Self { api, stop, controllers, node })
    }

    /// The cluster's API, in process.
    pub fn api(&self) -> &Api {
        &self.api
    }

    /// The node, where there is one: what its pods are, and where Services are reached.
    pub fn node(&self) -> Option<&Node> {
        self.node.as_ref()
    }

    /// Stops the controllers, then ends all pods: gently, and by force after `grace`. Nothing runs on when it returns.
    ///
    /// # Errors
    /// [`Error::Panicked`] where a controller had a defect; the pods have ended all the same.
    pub async fn shutdown(self, grace: Duration) -> Result<(), Error> {
        // Controllers first, or they would replace the pods that end. An error means that their task has ended already,
        // which its handle tells.
        let _ = self.stop.send(true);
        let stopped = self.controllers.await;
        if let Some(node) = self.node {
            node.shutdown(grace).await;
        }
        stopped.map_err(|_| Error::Panicked)
    }
}
