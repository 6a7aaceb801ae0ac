//! The embedded cluster as `up` and `cluster start` run it: API behind TLS, controllers, node, data stores, and what other
//! commands find of it on disk.

use std::collections::BTreeMap;
use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use bowline_apiserver::{Identity, Server};
use bowline_app::{Local, Store, StoreKind};
use bowline_clock::{Clock, Random};
use bowline_cluster::{Client, Cluster};
use bowline_controlplane::node::postgres::{PostgresConfig, PostgresError, Server as Postgres};
use bowline_controlplane::node::{ImageMap, LocalImage, Mode, NetworkMode, Node, NodeConfig, Pods, ProcessConfig};
use bowline_controlplane::{Config, ControlPlane};
use nix::fcntl::Flock;
use tokio::net::TcpListener;

use crate::application::Application;
use crate::args;
use crate::detached;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::home::{ClusterFolder, State};
use crate::printer::Printer;

/// How long pods may take to end when the cluster is taken down, beyond what they were promised.
const GRACE: Duration = Duration::from_secs(10);
const NODE: &str = "bowline";

/// A running embedded cluster.
pub(crate) struct Embedded {
    folder: ClusterFolder,
    state: State,
    clock: Clock,
    control_plane: ControlPlane,
    server: Server,
    stores: Vec<Postgres>,
    // Held as long as the cluster runs: other runs see by it that it does.
    _lock: Flock<File>,
}

impl Embedded {
    /// Starts the cluster of an application, with its data stores.
    pub(crate) async fn start(
        cluster: &str,
        application: &Application,
        arguments: &args::Up,
        printer: Printer,
    ) -> Result<Self, Failure> {
        let mut local = application.app.local.clone();
        local.ports.extend(arguments.ports.iter().cloned());
        let mut embedded = Self::assemble(cluster, &application.app.name, &local, &arguments.cluster).await?;
        embedded.state.application.clone_from(&arguments.application.path);
        embedded.state.release.clone_from(&application.name);
        embedded.state.namespace.clone_from(&application.namespace);
        embedded.write_state()?;
        printer.progress(&format!("cluster {cluster} is ready at {}", embedded.state.server));
        if let Some(Mode::Process { degraded, .. }) = embedded.control_plane.node().map(Node::mode) {
            degraded.iter().for_each(|lack| printer.warn(lack));
        }
        for store in &embedded.stores {
            let new = if store.is_new() { ", made anew" } else { "" };
            printer.progress(&format!("PostgreSQL {} is ready at {}{new}", store.version(), store.address()));
        }
        Ok(embedded)
    }

    /// Starts a cluster without an application.
    pub(crate) async fn bare(cluster: &str, arguments: &args::ClusterStart) -> Result<Self, Failure> {
        Self::assemble(cluster, "", &Local::default(), arguments).await
    }

    /// The cluster, in process: no socket, no TLS.
    pub(crate) fn cluster(&self) -> Cluster {
        Cluster::new(Client::new(self.control_plane.api().service(), "default"))
    }

    /// The cluster's clock.
    pub(crate) fn clock(&self) -> Clock {
        self.clock.clone()
    }

    /// What the placeholders of `bowline.yaml` stand for.
    pub(crate) fn placeholders(&self) -> &BTreeMap<String, String> {
        &self.state.placeholders
    }

    /// Tells other commands that everything is up.
    pub(crate) fn is_ready(&mut self) -> Result<(), Failure> {
        self.state.ready = true;
        self.write_state()
    }

    /// Ends pods, stores and the API, and removes what says that the cluster runs.
    pub(crate) async fn shutdown(self) -> Result<(), Failure> {
        self.server.stop().await;
        let stopped = self.control_plane.shutdown(GRACE).await;
        // The stores last: pods may write until their end.
        for store in self.stores {
            store.shutdown().await;
        }
        self.folder.clear();
        stopped.map_err(|error| Failure::because(Exit::Failed, "take the cluster down", &error))
    }

    async fn assemble(
        cluster: &str,
        application: &str,
        local: &Local,
        arguments: &args::ClusterStart,
    ) -> Result<Self, Failure> {
        let failed = |doing: String| move |error: std::io::Error| Failure::because(Exit::Failed, doing, &error);
        let folder = ClusterFolder::of(cluster);
        let shown = folder.path().display();
        folder.create().map_err(failed(format!("create the cluster's folder {shown}")))?;
        let lock = folder.lock().map_err(failed(format!("lock the cluster's folder {shown}")))?;
        let Some(lock) = lock else {
            return Err(detached::already_up(cluster, folder.running().map_or(0, |state| state.pid)));
        };
        folder.clear();
        let shim = std::env::current_exe().map_err(failed("find the own binary".to_owned()))?;
        let listener = listen(arguments.api_port).await?;
        // The database takes longest: it starts while the rest does.
        let stores = start_stores(&folder, application, local, &shim);
        let clock = Clock::system();
        let identity = Identity::generate(&[]).map_err(|e| Failure::because(Exit::Failed, "serve the API", &e))?;
        let stores = stores.await?;
        let node = ProcessConfig {
            shim,
            images: images(local),
            directory: folder.node(),
            network: arguments.network.into(),
            local_ports: local.ports.clone(),
            host_ports: stores.iter().map(|(_, store)| store.address().port()).collect(),
        };
        let config = Config {
            clock: clock.clone(),
            random: Random::from_entropy(),
            root_ca: identity.ca_pem().to_owned(),
            node: Some(NodeConfig { name: NODE.to_owned(), pods: Pods::Process(node) }),
        };
        let control_plane = ControlPlane::start(config).await;
        let control_plane = control_plane.map_err(|e| Failure::because(Exit::Failed, "start the cluster", &e))?;
        let server = control_plane.api().serve(listener, &identity);
        let server = server.map_err(|e| Failure::because(Exit::Failed, "serve the API", &e))?;
        let kubeconfig = identity.kubeconfig(server.address(), "default");
        folder.write_kubeconfig(&kubeconfig).map_err(failed(format!("write the kubeconfig in {shown}")))?;
        let state = State {
            pid: nix::unistd::getpid().as_raw(),
            server: format!("https://{}", server.address()),
            application: PathBuf::new(),
            release: String::new(),
            namespace: "default".to_owned(),
            ready: false,
            node: control_plane.node().map_or_else(String::new, |node| describe(node.mode())),
            placeholders: stores.iter().map(|(name, store)| (format!("stores.{name}.url"), store.url())).collect(),
        };
        let stores = stores.into_iter().map(|(_, store)| store).collect();
        let embedded = Self { folder, state, clock, control_plane, server, stores, _lock: lock };
        embedded.write_state()?;
        Ok(embedded)
    }

    fn write_state(&self) -> Result<(), Failure> {
        let written = self.folder.write_state(&self.state);
        written.map_err(|e| Failure::because(Exit::Failed, "write down that the cluster runs", &e))
    }
}

async fn listen(port: u16) -> Result<TcpListener, Failure> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    TcpListener::bind(address).await.map_err(|error| {
        Failure::because(Exit::Failed, format!("listen on {address} for the API"), &error)
            .hint("bowline up … --api-port 0   takes any free port")
    })
}

async fn start_stores(
    folder: &ClusterFolder,
    application: &str,
    local: &Local,
    shim: &std::path::Path,
) -> Result<Vec<(String, Postgres)>, Failure> {
    let mut started = Vec::new();
    for (name, Store { kind: StoreKind::Postgres, database, port }) in &local.stores {
        let config = PostgresConfig {
            shim: shim.to_owned(),
            directory: folder.store(application, name),
            role: database.clone().unwrap_or_else(|| name.clone()),
            database: database.clone().unwrap_or_else(|| name.clone()),
            port: *port,
        };
        match Postgres::start(config).await {
            Ok(store) => started.push((name.clone(), store)),
            Err(error) => {
                for (_, store) in started {
                    store.shutdown().await;
                }
                return Err(of_postgres(name, &error));
            }
        }
    }
    Ok(started)
}

fn of_postgres(name: &str, error: &PostgresError) -> Failure {
    let exit = if matches!(error, PostgresError::Missing { .. }) { Exit::Usage } else { Exit::Failed };
    let failure = Failure::because(exit, format!("start the data store '{name}'"), error);
    match error {
        PostgresError::Missing { install, .. } => failure.hint(*install),
        _ => failure,
    }
}

fn images(local: &Local) -> ImageMap {
    let image = |image: &bowline_app::LocalImage| LocalImage {
        command: image.command.clone(),
        workdir: image.workdir.clone(),
        env: image.env.clone(),
        path: image.path.clone(),
    };
    ImageMap { images: local.images.iter().map(|(name, local)| (name.clone(), image(local))).collect() }
}

fn describe(mode: &Mode) -> String {
    match mode {
        Mode::Scripted => "scripted pods".to_owned(),
        Mode::Process { network, degraded } => {
            let network = match network {
                NetworkMode::Namespace => "processes with a network of their own each",
                NetworkMode::Host => "processes on this machine's network",
            };
            if degraded.is_empty() { network.to_owned() } else { format!("{network}; {}", degraded.join("; ")) }
        }
    }
}
