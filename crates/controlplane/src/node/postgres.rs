//! A supervised PostgreSQL: installed server programs on a data directory of Bowline's own.
//!
//! ```text
//!   DIR/data       the cluster, made by initdb once, owned by the user the server runs as
//!   DIR/store.json role, password, port, databases (0600)
//!   DIR/server.log what the server wrote
//! ```
//!
//! The server listens on loopback only and never outlives Bowline: it runs under the same shim as pods do.

mod files;
mod programs;

use std::collections::{BTreeMap, VecDeque};
use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::sync::watch;
use tokio::time::timeout;

use super::launch::{Launched, Launcher, Supervised};
use super::namespace::Capabilities;
use super::proxy::holder_of_port;
use super::shim::{Mount, Order, Unshare};
use files::{Memory, User};
use programs::Programs;

/// Which server is wanted.
#[derive(Clone, Debug)]
pub struct PostgresConfig {
    /// The binary that acts as shim, as in [`super::ProcessConfig::shim`].
    pub shim: PathBuf,
    /// Where the store lives; created when absent.
    pub directory: PathBuf,
    /// Role that owns the databases; made with a password of its own.
    pub role: String,
    /// Database to be there.
    pub database: String,
    /// Port on 127.0.0.1; `None`: the one of the last time where it is free, otherwise any free one.
    pub port: Option<u16>,
}

/// Why there is no server.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)]
pub enum PostgresError {
    #[error(
        "the server programs of PostgreSQL (initdb, postgres) are not installed: looked in {looked}; install them with `{install}`"
    )]
    Missing { looked: String, install: &'static str },
    #[error(
        "{} was made by PostgreSQL {data}, but installed is only {installed}; install PostgreSQL {data}, or remove the directory, which deletes its data",
        directory.display()
    )]
    Version { directory: PathBuf, data: String, installed: String },
    #[error("{what} {}: {cause}", path.display())]
    File { what: &'static str, path: PathBuf, cause: std::io::Error },
    #[error("{} cannot be reached by user {user}, as whom PostgreSQL has to run; keep it outside of {}", directory.display(), closed.display())]
    Unreachable { directory: PathBuf, user: String, closed: PathBuf },
    #[error("name {0:?} is not usable for a role or database: use letters, digits, - and _")]
    Name(String),
    #[error("port {port} for PostgreSQL is in use{}", holder.as_ref().map(|h| format!(" by {h}")).unwrap_or_default())]
    PortInUse { port: u16, holder: Option<String> },
    #[error("{what}: {cause}")]
    Start { what: &'static str, cause: String },
    #[error("{what} failed (exit code {code}); its last lines:\n{log}")]
    Failed { what: &'static str, code: i32, log: String },
    #[error("PostgreSQL does not accept connections after {seconds} s; its last lines:\n{log}")]
    Silent { seconds: u64, log: String },
}

/// A running PostgreSQL. When it is dropped without [`Server::shutdown`], it is killed.
#[derive(Debug)]
pub struct Server {
    process: Supervised,
    address: SocketAddr,
    role: String,
    password: String,
    database: String,
    version: String,
    made: bool,
}

/// A start that takes longer has gone wrong (recovery of a large cluster is not what a laptop's store needs).
const LONGEST_START: Duration = Duration::from_secs(60);
/// The most time for connections to end and a checkpoint to be written.
const LONGEST_STOP: Duration = Duration::from_secs(10);
/// How many lines of the log errors show.
const LAST_LINES: usize = 15;
/// What the server writes when it is ready, untranslated.
const READY: &str = "ready to accept connections";

impl Server {
    /// Starts the server, after making its cluster, role and database where they are not there yet.
    ///
    /// # Errors
    /// When the programs are not installed, the directory is of another version or cannot be used, the port is taken,
    /// or the server refuses to start; the error says why and what to do.
    pub async fn start(config: PostgresConfig) -> Result<Self, PostgresError> {
        for name in [&config.role, &config.database] {
            let usable = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
            if name.is_empty() || !name.chars().all(usable) {
                return Err(PostgresError::Name(name.clone()));
            }
        }
        let data = config.directory.join("data");
        let programs = Programs::find(&data)?;
        let user = User::for_server();
        files::make_directory(&config.directory, 0o755)?;
        let mut store = Store {
            launcher: Launcher { shim: config.shim.clone() },
            allowed: Capabilities::detect(&config.shim).await,
            programs,
            user,
            data,
        };
        store.check_reachable()?;
        let mut memory = Memory::read(&config.directory, &config.role)?;
        let made = !store.data.join("PG_VERSION").exists();
        if made {
            store.make(&mut memory, &config).await?;
        }
        if !memory.databases.contains(&config.database) || !memory.has_role {
            store.create(&memory, &config.database).await?;
            memory.has_role = true;
            memory.databases.push(config.database.clone());
        }
        let port = choose_port(config.port, memory.port)?;
        memory.port = Some(port);
        memory.write(&config.directory)?;
        let process = store.serve(port, &config.directory).await?;
        Ok(Self {
            process,
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
            role: memory.role,
            password: memory.password,
            database: config.database,
            version: store.programs.version,
            made,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `postgres://role:password@127.0.0.1:port/database`. Holds the password: not to be printed.
    pub fn url(&self) -> String {
        format!("postgres://{}:{}@{}/{}", self.role, self.password, self.address, self.database)
    }

    /// The role that owns the database.
    pub fn role(&self) -> &str {
        &self.role
    }

    /// The role's password.
    pub fn password(&self) -> &str {
        &self.password
    }

    /// The database.
    pub fn database(&self) -> &str {
        &self.database
    }

    /// Major version of the server, as in `15`.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Whether its cluster was made by this start.
    pub fn is_new(&self) -> bool {
        self.made
    }

    /// Waits until the server has ended, by itself or otherwise.
    pub async fn exited(&self) {
        self.process.exited().await;
    }

    /// Ends the server in fast mode: open transactions are rolled back, everything committed is on disk.
    pub async fn shutdown(self) {
        self.process.signal(nix::libc::SIGINT);
        if timeout(LONGEST_STOP, self.process.exited()).await.is_err() {
            tracing::warn!("PostgreSQL did not end in time; it recovers at its next start");
            self.process.signal(nix::libc::SIGQUIT);
            let _ = timeout(Duration::from_secs(2), self.process.exited()).await;
        }
    }
}

/// The programs, and how they are run on the data directory.
struct Store {
    launcher: Launcher,
    allowed: Capabilities,
    programs: Programs,
    user: Option<User>,
    data: PathBuf,
}

/// Where the data directory is seen by a server that runs as another user, in its own mount namespace: the way to the
/// real one may lead through directories that are closed to it.
const SEEN_AT: &str = "/mnt/bowline-postgres";

impl Store {
    /// Whether the data directory is shown to the server at another place.
    fn moves(&self) -> bool {
        self.user.is_some() && self.allowed.mount && Path::new("/mnt").is_dir()
    }

    fn seen(&self) -> PathBuf {
        if self.moves() { PathBuf::from(SEEN_AT) } else { self.data.clone() }
    }

    fn check_reachable(&self) -> Result<(), PostgresError> {
        let Some(user) = self.user.as_ref().filter(|_| !self.moves()) else { return Ok(()) };
        match files::closed_parent(&self.data, user) {
            Some(closed) => {
                Err(PostgresError::Unreachable { directory: self.data.clone(), user: user.name.clone(), closed })
            }
            None => Ok(()),
        }
    }

    fn order(&self, program: &str, arguments: &[&str]) -> Order {
        let own = (nix::unistd::geteuid().as_raw(), nix::unistd::getegid().as_raw());
        let unshare =
            Unshare { user: self.allowed.user, pid: self.allowed.pid, mount: self.allowed.mount, network: false };
        let program = self.programs.folder.join(program).display().to_string();
        let env = [
            ("PATH", "/usr/local/bin:/usr/bin:/bin"),
            ("HOME", "/"),
            // Messages are read, so they are not to be translated.
            ("LC_ALL", "C.UTF-8"),
            ("LC_MESSAGES", "C"),
        ];
        Order {
            argv: std::iter::once(program).chain(arguments.iter().map(|a| (*a).to_owned())).collect(),
            env: env.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect::<BTreeMap<_, _>>(),
            workdir: Some(PathBuf::from("/")),
            user: self.user.as_ref().map(|user| (user.uid, user.gid)),
            unshare,
            remap: unshare.user.then_some(own),
            mounts: if self.moves() {
                vec![Mount { source: self.data.clone(), target: PathBuf::from(SEEN_AT), read_only: false }]
            } else {
                Vec::new()
            },
            ..Order::default()
        }
    }

    /// Runs a program to its end.
    async fn run(&self, what: &'static str, order: &Order) -> Result<(), PostgresError> {
        let start = |cause: super::runtime::RuntimeError| PostgresError::Start { what, cause: cause.message };
        let Launched { process, stdout, stderr } = self.launcher.launch(order).await.map_err(start)?;
        let tail = Tail::default();
        tokio::join!(tail.follow(stdout, None), tail.follow(stderr, None));
        match process.exited().await.code {
            0 => Ok(()),
            code => Err(PostgresError::Failed { what, code, log: tail.text() }),
        }
    }

    /// Makes the cluster with its role and database: beside its place, and moved there when it is whole, so that a start
    /// that is interrupted at any moment leaves either all of it or nothing that counts.
    async fn make(&mut self, memory: &mut Memory, config: &PostgresConfig) -> Result<(), PostgresError> {
        let place = std::mem::replace(&mut self.data, config.directory.join("data.unfinished"));
        for unfinished in [&place, &self.data] {
            if unfinished.exists() {
                std::fs::remove_dir_all(unfinished)
                    .map_err(|cause| files::error("removing the unfinished cluster", unfinished, cause))?;
            }
        }
        self.initialise().await?;
        memory.has_role = false;
        memory.databases.clear();
        self.create(memory, &config.database).await?;
        memory.has_role = true;
        memory.databases.push(config.database.clone());
        memory.write(&config.directory)?;
        std::fs::rename(&self.data, &place).map_err(|cause| files::error("finishing the cluster", &place, cause))?;
        self.data = place;
        Ok(())
    }

    async fn initialise(&self) -> Result<(), PostgresError> {
        files::make_directory(&self.data, 0o700)?;
        if let Some(user) = &self.user {
            files::give(&self.data, user)?;
        }
        let seen = self.seen().display().to_string();
        let arguments = [
            "--pgdata",
            &seen,
            "--username",
            "postgres",
            "--auth",
            "scram-sha-256",
            "--auth-local",
            "reject",
            "--encoding",
            "UTF8",
            "--locale",
            "C.UTF-8",
            // The server syncs what it writes; an interrupted initdb starts over anyway.
            "--no-sync",
            "--no-instructions",
        ];
        self.run("initdb", &self.order("initdb", &arguments)).await
    }

    /// Makes role and database, before the server runs: in single-user mode.
    async fn create(&self, memory: &Memory, database: &str) -> Result<(), PostgresError> {
        let file = self.data.join("bowline-create.sql");
        let Memory { role, password, .. } = memory;
        let mut commands = String::new();
        if !memory.has_role {
            commands.push_str(&format!("CREATE ROLE \"{role}\" LOGIN CREATEDB PASSWORD '{password}';\n"));
        }
        commands.push_str(&format!("CREATE DATABASE \"{database}\" OWNER \"{role}\";\n"));
        files::write_secret(&file, &commands)?;
        if let Some(user) = &self.user {
            files::give(&file, user)?;
        }
        let seen = self.seen();
        let program = self.programs.folder.join("postgres").display().to_string();
        let mut order = self.order("postgres", &[]);
        // The shell only gives the commands as input; no name or password is part of its own text.
        order.argv = ["/bin/sh", "-c", "exec \"$1\" --single -D \"$2\" -c exit_on_error=true postgres < \"$3\"", "sh"]
            .map(str::to_owned)
            .to_vec();
        order.argv.extend([program, seen.display().to_string(), seen.join("bowline-create.sql").display().to_string()]);
        let result = self.run("creating the role and the database", &order).await;
        std::fs::remove_file(&file).map_err(|cause| files::error("removing", &file, cause))?;
        result
    }

    /// Starts the server and waits until it accepts connections.
    async fn serve(&self, port: u16, directory: &Path) -> Result<Supervised, PostgresError> {
        let seen = self.seen().display().to_string();
        let port_text = port.to_string();
        let order = self.order(
            "postgres",
            &[
                "-D",
                &seen,
                "-p",
                &port_text,
                "-c",
                "listen_addresses=127.0.0.1",
                // The default directory often belongs to the system's own server.
                "-c",
                "unix_socket_directories=",
                "-c",
                "lc_messages=C",
                "-c",
                "logging_collector=off",
                "-c",
                "log_destination=stderr",
            ],
        );
        let what = "starting PostgreSQL";
        let start = |cause: super::runtime::RuntimeError| PostgresError::Start { what, cause: cause.message };
        let Launched { process, stdout, stderr } = self.launcher.launch(&order).await.map_err(start)?;
        let path = directory.join("server.log");
        let log = std::fs::File::create(&path).map_err(|cause| files::error("creating", &path, cause))?;
        let tail = Tail::default();
        let mut ready = tail.ready.subscribe();
        let log = Arc::new(log);
        for output in [Box::new(stdout) as Box<dyn AsyncRead + Send + Unpin>, Box::new(stderr)] {
            let (tail, log) = (tail.clone(), log.clone());
            tokio::spawn(async move { tail.follow(output, Some(&log)).await });
        }
        let started = async {
            tokio::select! {
                biased;
                _ = ready.wait_for(|ready| *ready) => Ok(()),
                exit = process.exited() => Err(exit.code),
            }
        };
        match timeout(LONGEST_START, started).await {
            Ok(Ok(())) => Ok(process),
            Ok(Err(code)) => {
                // Its last words may still be on their way.
                tokio::time::sleep(Duration::from_millis(50)).await;
                Err(PostgresError::Failed { what, code, log: tail.text() })
            }
            Err(_) => Err(PostgresError::Silent { seconds: LONGEST_START.as_secs(), log: tail.text() }),
        }
    }
}

fn choose_port(wanted: Option<u16>, last: Option<u16>) -> Result<u16, PostgresError> {
    let bind = |port: u16| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).and_then(|listener| listener.local_addr());
    if let Some(port) = wanted {
        return match bind(port) {
            Ok(_) => Ok(port),
            Err(_) => Err(PostgresError::PortInUse { port, holder: holder_of_port(port) }),
        };
    }
    last.and_then(|port| bind(port).ok())
        .map_or_else(|| bind(0), Ok)
        .map(|address| address.port())
        .map_err(|cause| PostgresError::Start { what: "finding a free port", cause: cause.to_string() })
}

/// The last lines of an output.
#[derive(Clone)]
struct Tail {
    lines: Arc<Mutex<VecDeque<String>>>,
    ready: Arc<watch::Sender<bool>>,
}

impl Default for Tail {
    fn default() -> Self {
        Self { lines: Arc::default(), ready: Arc::new(watch::channel(false).0) }
    }
}

impl Tail {
    async fn follow(&self, from: impl AsyncRead + Unpin, log: Option<&std::fs::File>) {
        let mut lines = BufReader::new(from).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            if let Some(mut log) = log {
                // A full disk is the server's own trouble; it will say so.
                let _ = writeln!(log, "{line}");
            }
            if line.contains(READY) {
                self.ready.send_replace(true);
            }
            let mut kept = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
            if kept.len() == LAST_LINES {
                kept.pop_front();
            }
            kept.push_back(line);
        }
    }

    fn text(&self) -> String {
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.iter().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
    }
}
