//! A real PostgreSQL server of a test's own.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::env;
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use crate::{cache, skip};

/// A PostgreSQL server in a folder of its own, on loopback, stopped when dropped.
pub struct Postgres {
    folder: TempDir,
    binaries: PathBuf,
    port: u16,
    durable: bool,
    /// Megabytes of the disk at [`Postgres::small_disk`].
    small_disk: Option<u32>,
    server: Option<Child>,
}

impl Postgres {
    /// Starts one that does not wait for the disk, or reports the skip of the calling test where PostgreSQL's server is
    /// not installed. Its superuser is `todo`, without a password.
    ///
    /// # Panics
    /// Where it is installed and does not start.
    pub fn start() -> Option<Self> {
        Self::launch(false)
    }

    /// Starts one with PostgreSQL's own settings, which makes each commit wait for the disk.
    ///
    /// # Panics
    /// Where it is installed and does not start.
    pub fn start_durable() -> Option<Self> {
        Self::launch(true)
    }

    /// Starts one of another major version than the system's, which `peers/build` fetches.
    ///
    /// # Panics
    /// Where it is there and does not start.
    pub fn start_of(major: u32) -> Option<Self> {
        let home = cache()?.join(format!("postgres/{major}"));
        if !home.join("bin/postgres").is_file() {
            skip(&format!("needs PostgreSQL {major}: fetch it with `peers/build postgres{major}`"));
            return None;
        }
        let mut postgres = Self::at(home, false);
        // Its user may not look into the cache of ours.
        let copy = postgres.folder.path().join("postgres");
        let copied = Command::new("cp").arg("-r").arg(&postgres.binaries).arg(&copy).status().unwrap();
        assert!(copied.success(), "copy PostgreSQL {major}");
        postgres.binaries = copy.join("bin");
        postgres.initialize();
        postgres.run();
        Some(postgres)
    }

    /// Starts one that has a disk of a few megabytes at [`Postgres::small_disk`], which takes root's rights.
    ///
    /// # Panics
    /// Where it is installed and does not start.
    pub fn start_with_small_disk(megabytes: u32) -> Option<Self> {
        let Some(binaries) = binaries() else {
            skip("needs PostgreSQL's server programs: install postgresql");
            return None;
        };
        if !is_root() {
            skip("needs root's rights, for a small file system of its own");
            return None;
        }
        let mut postgres = Self::at(binaries, false);
        std::fs::create_dir(postgres.small_disk()).unwrap();
        postgres.small_disk = Some(megabytes);
        postgres.initialize();
        postgres.run();
        Some(postgres)
    }

    /// Where the small disk is, to the server alone.
    pub fn small_disk(&self) -> PathBuf {
        self.folder.path().join("small")
    }

    /// A streaming standby of this one, made with `pg_basebackup`.
    ///
    /// # Panics
    /// Where it cannot be made or does not start.
    pub fn standby(&self) -> Self {
        let mut standby = Self::at(self.binaries.clone(), false);
        let mut copy = standby.command("pg_basebackup");
        copy.args(["-h", "127.0.0.1", "-U", "todo", "-p", &self.port.to_string(), "-R", "-X", "stream", "-c", "fast"]);
        let made = copy.arg("--no-sync").arg("-D").arg(standby.data()).output().unwrap();
        assert!(made.status.success(), "pg_basebackup: {}", String::from_utf8_lossy(&made.stderr));
        standby.run();
        standby
    }

    fn launch(durable: bool) -> Option<Self> {
        let Some(binaries) = binaries() else {
            skip("needs PostgreSQL's server programs: install postgresql");
            return None;
        };
        let mut postgres = Self::at(binaries, durable);
        postgres.initialize();
        postgres.run();
        Some(postgres)
    }

    fn at(binaries: PathBuf, durable: bool) -> Self {
        Self { folder: folder("bowline-pg-"), binaries, port: free_port(), durable, small_disk: None, server: None }
    }

    fn initialize(&self) {
        let mut initdb = self.command("initdb");
        initdb.arg("-D").arg(self.data()).args(["-U", "todo", "-A", "trust", "-E", "UTF8"]);
        let made = initdb.args(["--locale=C", "--no-sync", "--no-instructions"]).output().unwrap();
        assert!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// One of PostgreSQL's programs, as the user that the server runs as: PostgreSQL refuses to run as root.
    pub fn command(&self, program: &str) -> Command {
        // A fetched server comes without clients.
        let own = Some(self.binaries.join(program)).filter(|own| own.is_file());
        let others = || binaries().map(|folder| folder.join(program));
        let mut command = Command::new(own.or_else(others).unwrap_or_else(|| PathBuf::from(program)));
        command.current_dir(self.folder.path()).env("LC_ALL", "C");
        as_ordinary_user(&mut command, "postgres");
        command
    }

    /// Whether the server runs as another user than we do, which takes root's rights.
    pub fn runs_as_another(&self) -> bool {
        is_root()
    }

    /// Makes a command run as the user that the server runs as.
    pub fn as_its_user(&self, command: &mut Command) {
        as_ordinary_user(command, "postgres");
    }

    /// Starts the server (again) and waits until it answers.
    ///
    /// # Panics
    /// Where it does not within 20 seconds.
    pub fn run(&mut self) {
        let (data, port, sockets) = (self.data(), self.port.to_string(), self.folder.path().to_owned());
        let mut command = self.command("postgres");
        command.arg("-D").arg(data).args(["-p", &port, "-c", "listen_addresses=127.0.0.1", "-k"]).arg(sockets);
        if !self.durable {
            command.args(["-c", "fsync=off"]);
        }
        if let Some(megabytes) = self.small_disk {
            command = self.with_small_disk(&command, megabytes);
        }
        self.server = Some(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
        eventually("PostgreSQL answers", || self.psql("SELECT 1").is_ok());
    }

    /// The same command where a small file system is mounted, in a mount namespace of its own.
    fn with_small_disk(&self, server: &Command, megabytes: u32) -> Command {
        let (user, group) = ordinary_user("postgres");
        let script = format!(
            "mount -t tmpfs -o size={megabytes}m,uid={user},gid={group},mode=0700 tmpfs \"$0\" && exec setpriv --reuid={user} --regid={group} \
             --clear-groups \"$@\""
        );
        let mut command = Command::new("unshare");
        command.args(["--mount", "--", "sh", "-c", &script]).arg(self.small_disk());
        command.arg(server.get_program()).args(server.get_args());
        command.current_dir(self.folder.path()).env("LC_ALL", "C");
        command
    }

    /// Stops the server at once, as if its machine went away.
    pub fn halt(&mut self) {
        let Some(mut server) = self.server.take() else { return };
        // an immediate shutdown, which takes its children along
        let _ = Command::new("kill").args(["-QUIT", &server.id().to_string()]).status();
        let _ = server.wait();
    }

    /// What psql says to a statement.
    ///
    /// # Errors
    /// What it says on stderr where the statement fails.
    ///
    /// # Panics
    /// Where psql cannot be started.
    pub fn psql(&self, statement: &str) -> Result<String, String> {
        self.psql_at(&self.url(), statement)
    }

    /// The same, on another database of the server.
    ///
    /// # Errors
    /// What it says on stderr where the statement fails.
    ///
    /// # Panics
    /// Where psql cannot be started.
    pub fn psql_at(&self, url: &str, statement: &str) -> Result<String, String> {
        let mut command = self.command("psql");
        let output = command.args(["-XAtq", "-v", "ON_ERROR_STOP=1", "-c", statement, url]).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
        if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
    }

    /// Makes a database and returns its address.
    ///
    /// # Panics
    /// Where it is there already.
    pub fn database(&self, name: &str) -> String {
        self.psql(&format!("CREATE DATABASE {name}")).unwrap();
        format!("postgresql://todo@127.0.0.1:{}/{name}?sslmode=disable", self.port)
    }

    /// Port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Address of the server's default database.
    pub fn url(&self) -> String {
        format!("postgresql://todo@127.0.0.1:{}/postgres", self.port)
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.halt();
    }
}

fn binaries() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok().into_iter().flatten().flatten();
    let mut folders: Vec<PathBuf> = versions.map(|version| version.path().join("bin")).collect();
    folders.sort();
    folders.reverse();
    folders.extend(env::split_paths(&env::var_os("PATH").unwrap_or_default()));
    folders
        .into_iter()
        .find(|folder| ["initdb", "postgres", "psql"].iter().all(|program| folder.join(program).is_file()))
}

/// A folder that a server of another user can write to.
pub(crate) fn folder(prefix: &str) -> TempDir {
    let folder = tempfile::Builder::new().prefix(prefix).tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
    folder
}

/// Where we are root: as `user`, else as `nobody`.
pub(crate) fn as_ordinary_user(command: &mut Command, user: &str) {
    if is_root() {
        let (user, group) = ordinary_user(user);
        command.uid(user).gid(group);
    }
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

/// The numbers of `user`, else of `nobody`, and of its group.
fn ordinary_user(user: &str) -> (u32, u32) {
    let users = std::fs::read_to_string("/etc/passwd").unwrap();
    let of = |name: &str| {
        let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
        let mut fields = line.split(':').skip(2).map(str::parse);
        Some((fields.next()?.ok()?, fields.next()?.ok()?))
    };
    of(user).or_else(|| of("nobody")).expect("a user to run servers as")
}

pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Looks again and again, for at most 20 seconds. Other processes do not follow a paused clock.
#[allow(clippy::disallowed_methods)]
pub(crate) fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..1000 {
        if holds() {
            return;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("waited in vain until {what}");
}
