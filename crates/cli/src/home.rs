//! What a running embedded cluster leaves on disk, so that other commands find it.
//!
//! `HOME/clusters/NAME/`: `lock` (held while it runs), `state.json`, `kubeconfig`, `up.log` (of a detached run), `logs/` of
//! containers, `stores/` with the data of PostgreSQL.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::io;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use nix::fcntl::{Flock, FlockArg};
use serde::{Deserialize, Serialize};

use crate::environment;

/// The folder of one embedded cluster.
#[derive(Clone, Debug)]
pub(crate) struct ClusterFolder {
    path: PathBuf,
}

/// What other commands may know about a running embedded cluster.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct State {
    /// Process that is the cluster.
    pub(crate) pid: i32,
    /// Address of its API.
    pub(crate) server: String,
    /// Folder or file that `up` was given.
    pub(crate) application: PathBuf,
    /// Release that `up` brought up.
    pub(crate) release: String,
    /// Its namespace.
    pub(crate) namespace: String,
    /// Whether everything is up.
    pub(crate) ready: bool,
    /// How pods are isolated from each other, in words.
    pub(crate) node: String,
    /// Values of the placeholders in `bowline.yaml`, such as `stores.db.url`. Readable by the owner alone.
    pub(crate) placeholders: BTreeMap<String, String>,
}

impl ClusterFolder {
    /// The folder of the cluster `name`; nothing is created.
    pub(crate) fn of(name: &str) -> Self {
        Self { path: home().join("clusters").join(name) }
    }

    /// Creates the folder. It can be entered by every user, since a data store may run under another one; what is secret
    /// in it has its own permissions.
    pub(crate) fn create(&self) -> io::Result<()> {
        fs::create_dir_all(&self.path)?;
        fs::set_permissions(&self.path, fs::Permissions::from_mode(0o711))
    }

    /// Takes the lock that says that the cluster runs; `None` where another process holds it.
    pub(crate) fn lock(&self) -> io::Result<Option<Flock<fs::File>>> {
        let file = fs::OpenOptions::new().create(true).truncate(false).write(true).open(self.path.join("lock"))?;
        match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(lock) => Ok(Some(lock)),
            Err((_, nix::errno::Errno::EWOULDBLOCK)) => Ok(None),
            Err((_, error)) => Err(error.into()),
        }
    }

    /// The state of the cluster, where it runs.
    pub(crate) fn running(&self) -> Option<State> {
        let text = fs::read_to_string(self.state_file()).ok()?;
        // The file outlives a killed process, the lock does not.
        if matches!(self.lock(), Ok(Some(_)) | Err(_)) {
            return None;
        }
        serde_json::from_str(&text).ok()
    }

    /// Writes the state, whole or not at all.
    pub(crate) fn write_state(&self, state: &State) -> io::Result<()> {
        let text = serde_json::to_string_pretty(state).map_err(io::Error::other)?;
        write_private(&self.state_file(), &text)
    }

    /// Writes the kubeconfig, whole or not at all.
    pub(crate) fn write_kubeconfig(&self, text: &str) -> io::Result<()> {
        write_private(&self.kubeconfig(), text)
    }

    /// Removes what says that the cluster runs.
    pub(crate) fn clear(&self) {
        let _ = fs::remove_file(self.state_file());
        let _ = fs::remove_file(self.kubeconfig());
    }

    /// The folder itself.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Path of the kubeconfig.
    pub(crate) fn kubeconfig(&self) -> PathBuf {
        self.path.join("kubeconfig")
    }

    /// Path of the log of a detached run.
    pub(crate) fn up_log(&self) -> PathBuf {
        self.path.join("up.log")
    }

    /// Folder of the container logs and volumes.
    pub(crate) fn node(&self) -> PathBuf {
        self.path.join("node")
    }

    /// Folder of a data store of an application.
    pub(crate) fn store(&self, application: &str, store: &str) -> PathBuf {
        self.path.join("stores").join(application).join(store)
    }

    fn state_file(&self) -> PathBuf {
        self.path.join("state.json")
    }
}

fn home() -> PathBuf {
    if let Some(home) = env::var_os(environment::HOME) {
        return PathBuf::from(home);
    }
    if nix::unistd::geteuid().is_root() {
        return PathBuf::from("/var/lib/bowline");
    }
    let state = env::var_os(environment::XDG_STATE_HOME).map(PathBuf::from);
    let state = state.or_else(|| env::var_os("HOME").map(|home| Path::new(&home).join(".local/state")));
    state.unwrap_or_else(env::temp_dir).join("bowline")
}

fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let part = path.with_extension("part");
    let mut file = fs::OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&part)?;
    io::Write::write_all(&mut file, text.as_bytes())?;
    fs::rename(part, path)
}
