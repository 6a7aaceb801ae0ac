use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;

/// An application: one chart, released under one name into one namespace.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct App {
    /// Release name.
    pub name: String,
    /// Namespace of the release; the name where absent.
    #[serde(default)]
    pub namespace: String,
    /// Folder or archive of the chart; `.` where absent.
    #[serde(default = "here")]
    pub chart: PathBuf,
    /// Which Helm the chart is read and rendered as, 3 or 4; what `--compat` says wins.
    #[serde(default)]
    pub compat: Option<u8>,
    /// Values files, later ones win, as with `-f`.
    #[serde(default)]
    pub values: Vec<PathBuf>,
    /// Single values as with `--set`; they win over `values`.
    #[serde(default)]
    pub set: BTreeMap<String, String>,
    /// What holds on the embedded cluster only.
    #[serde(default)]
    pub local: Local,
    /// Databases that are migrated in waves.
    #[serde(default)]
    pub databases: BTreeMap<String, Database>,
    /// How pods behave in a rehearsal, by image.
    #[serde(default)]
    pub rehearse: BTreeMap<String, RehearsedPod>,
}

/// What holds on the embedded cluster only.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Local {
    /// Values files on top of the application's.
    #[serde(default)]
    pub values: Vec<PathBuf>,
    /// Single values on top of the application's; `${stores.NAME.url}` stands for a store's address.
    #[serde(default)]
    pub set: BTreeMap<String, String>,
    /// Image (repository, or repository:tag) → the local program that stands in for it.
    #[serde(default)]
    pub images: BTreeMap<String, LocalImage>,
    /// Data stores outside of the chart, started before the release and stopped after it.
    #[serde(default)]
    pub stores: BTreeMap<String, Store>,
    /// Database → its address on the embedded cluster, in place of what its entry in `databases` names;
    /// `${stores.NAME.url}` stands for a store's address.
    #[serde(default)]
    pub databases: BTreeMap<String, String>,
    /// Service → the local port it is to be reached on, for Services of type LoadBalancer.
    #[serde(default)]
    pub ports: BTreeMap<String, u16>,
}

/// The local program that stands in for an image.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LocalImage {
    /// The image's entrypoint and its arguments; a container's own `command` and `args` replace them as in Kubernetes.
    /// `${bowline}` for the program stands for Bowline itself.
    #[serde(default)]
    pub command: Vec<String>,
    /// Folders put before `PATH`, so that a container's own `command` is found there.
    #[serde(default)]
    pub path: Vec<PathBuf>,
    /// Environment the image would carry.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// Working directory; the folder of `bowline.yaml` where absent.
    pub workdir: Option<PathBuf>,
    /// Shell command that builds the program, run in the folder of `bowline.yaml` when the program is missing or on
    /// `--build`.
    pub build: Option<String>,
}

/// A data store beside the chart.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Store {
    /// Which server.
    pub kind: StoreKind,
    /// Database to create; the store's name where absent.
    pub database: Option<String>,
    /// Port on 127.0.0.1; a free one where absent.
    pub port: Option<u16>,
}

/// A kind of data store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StoreKind {
    /// PostgreSQL, from installed server binaries.
    Postgres,
}

/// A database with migrations of its own.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Database {
    /// Folder with the migration files.
    pub migrations: PathBuf,
    /// Environment variable that holds the address; see [`Database::variable`] where absent.
    pub env: Option<String>,
    /// Lower waves are migrated first, those of one wave at the same time.
    #[serde(default)]
    pub wave: i32,
    /// Version table; goose's default where absent.
    pub table: Option<String>,
    /// Versions that the application cannot do without; all of the folder where there are none.
    #[serde(default)]
    pub require: Vec<String>,
    /// `NAME/KEY`: the Secret of the release's namespace that holds the address, where the variable is not set.
    pub secret: Option<SecretKey>,
    /// Image with its migrations on top of Bowline's: makes a Job that migrates it before everything else.
    pub image: Option<String>,
    /// Seconds that this Job may take; half an hour where absent.
    pub deadline: Option<u32>,
    /// Workloads of the chart whose pods wait for it, each by an init container of that image.
    #[serde(default)]
    pub pods: Vec<String>,
    /// Whether a deployment asks the database before it promotes anything.
    #[serde(default = "yes")]
    pub gate: bool,
}

/// One entry of a Secret, written `NAME/KEY`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct SecretKey {
    /// The Secret.
    pub name: String,
    /// Its key.
    pub key: String,
}

impl TryFrom<String> for SecretKey {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        match text.split_once('/') {
            Some((name, key)) if !name.is_empty() && !key.is_empty() && !key.contains('/') => {
                Ok(Self { name: name.to_owned(), key: key.to_owned() })
            }
            _ => Err(format!("{text:?} is not NAME/KEY, a Secret and its key")),
        }
    }
}

impl std::fmt::Display for SecretKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.name, self.key)
    }
}

impl Database {
    /// The environment variable that holds the address: `NAME_DATABASE_URL` in capitals unless the file says another.
    pub fn variable(&self, name: &str) -> String {
        variable(name, self.env.as_deref())
    }
}

/// The environment variable that holds the address of database `name`; see [`Database::variable`].
pub fn variable(name: &str, given: Option<&str>) -> String {
    let letter = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
    let usual = || format!("{}_DATABASE_URL", name.chars().map(letter).collect::<String>());
    given.map_or_else(usual, str::to_owned)
}

/// How the pods of an image behave in a rehearsal. Durations are seconds of virtual time.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RehearsedPod {
    /// Until the process answers its probes.
    pub ready_after: Option<f64>,
    /// Until the process ends by itself: how long a Job's work takes, or when a service crashes.
    pub exit_after: Option<f64>,
    /// Exit code at that moment.
    #[serde(default)]
    pub exit_code: i32,
    /// Last lines it writes before it ends.
    #[serde(default)]
    pub log: Vec<String>,
}

fn yes() -> bool {
    true
}

fn here() -> PathBuf {
    PathBuf::from(".")
}
