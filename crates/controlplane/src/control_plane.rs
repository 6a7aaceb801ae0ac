use bowline_apiserver::Api;
use bowline_clock::{Clock, Random};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::controllers;
use crate::error::Error;
use crate::runtime::Controllers;

/// What a control plane is made of.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where timestamps come from.
    pub clock: Clock,
    /// Where uids, generated names and jitter come from.
    pub random: Random,
    /// The certificate authority that clients in pods are told to trust, PEM; empty where nothing is served over TLS.
    pub root_ca: String,
}

/// A Kubernetes cluster in this process: API, controllers and scheduler.
///
/// ```
/// use bowline_clock::{Clock, Random};
/// use bowline_controlplane::{Config, ControlPlane};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), bowline_controlplane::Error> {
/// let (clock, random) = (Clock::system(), Random::seeded(1));
/// let control_plane = ControlPlane::start(Config { clock, random, root_ca: String::new() })?;
/// // … control_plane.api() …
/// control_plane.shutdown().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct ControlPlane {
    api: Api,
    stop: watch::Sender<bool>,
    controllers: JoinHandle<()>,
}

impl ControlPlane {
    /// Starts everything, as tasks of the running tokio runtime. The namespaces that every cluster has are there when it
    /// returns.
    ///
    /// # Errors
    /// [`Error::NoRuntime`] outside of a tokio runtime.
    pub fn start(config: Config) -> Result<Self, Error> {
        let runtime = tokio::runtime::Handle::try_current().map_err(|_| Error::NoRuntime)?;
        let api = Api::new(config.clock.clone(), config.random);
        let (stop, stopped) = watch::channel(false);
        let controllers = Controllers::new(&api, config.clock, controllers::all(&config.root_ca));
        let controllers = runtime.spawn(controllers.run(stopped));
        Ok(Self { api, stop, controllers })
    }

    /// The cluster's API, in process.
    pub fn api(&self) -> &Api {
        &self.api
    }

    /// Stops the controllers and waits until they have.
    ///
    /// # Errors
    /// [`Error::Panicked`] where a controller had a defect.
    pub async fn shutdown(self) -> Result<(), Error> {
        // An error means that the task has ended already, which the next line tells.
        let _ = self.stop.send(true);
        self.controllers.await.map_err(|_| Error::Panicked)
    }
}
