use std::path::PathBuf;
use std::time::Duration;

use crate::event::Holder;
use crate::file::Direction;
use crate::parse::ParseError;
use crate::server::ServerError;

/// Why migrations could not be read or run.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// The folder.
    #[error("read the migrations in {}: {source}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file that is there and cannot be read.
    #[error("read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file that cannot be written.
    #[error("write {}: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A `.sql` file without a version.
    #[error("{} is not named like a migration: {why}", path.display())]
    Name {
        /// The file.
        path: PathBuf,
        /// What is missing.
        why: &'static str,
    },
    /// Two files of one version.
    #[error("version {version} is there twice: {} and {}", first.display(), second.display())]
    Duplicate {
        /// The version.
        version: i64,
        /// One file.
        first: PathBuf,
        /// The other.
        second: PathBuf,
    },
    /// A migration in Go.
    #[error(
        "{}: a migration written in Go is a part of the program it is compiled into; only that program can run it",
        path.display()
    )]
    Go {
        /// The file.
        path: PathBuf,
    },
    /// A file that is no migration.
    #[error(transparent)]
    Parse(#[from] ParseError),
    /// Nothing to choose from.
    #[error("no migration files found in {}", path.display())]
    NoFiles {
        /// The folder.
        path: PathBuf,
    },
    /// The server does not let us in, and waiting does not help.
    #[error("connect to {target}: {source}")]
    Connect {
        /// The address, without its password.
        target: String,
        /// What it said.
        source: ServerError,
    },
    /// A version table, or something else of a database, could not be read.
    #[error("look at {target}: {source}")]
    Verify {
        /// The address, without its password.
        target: String,
        /// What the server said.
        source: ServerError,
    },
    /// Something that only one kind of server has.
    #[error("{target} is no PostgreSQL, and only that can tell {what}")]
    OnlyPostgres {
        /// The address, without its password.
        target: String,
        /// What was wanted.
        what: &'static str,
    },
    /// The server was not there in time.
    #[error("waited {} s for {target}: {source}", waited.as_secs())]
    Unreachable {
        /// The address, without its password.
        target: String,
        /// How long.
        waited: Duration,
        /// The last reason.
        source: ServerError,
    },
    /// Nothing can be written.
    #[error("{target} is read-only: {why}")]
    ReadOnly {
        /// The address, without its password.
        target: String,
        /// How that is known.
        why: &'static str,
    },
    /// A pooler per transaction.
    #[error(
        "{target} is a pooler that gives a session to another client after each transaction: a session's lock does not \
         hold there, and neither do its settings; migrate through the server's own address"
    )]
    Pooler {
        /// The address.
        target: String,
    },
    /// Another process migrates and did not end in time.
    #[error(
        "another migration holds the lock: {}; gave up after {} s",
        holder.as_ref().map_or_else(|| "it is not known which".to_owned(), ToString::to_string),
        waited.as_secs_f64()
    )]
    Locked {
        /// Who.
        holder: Option<Holder>,
        /// How long it was waited for.
        waited: Duration,
    },
    /// The version table, its side tables or the lock.
    #[error("{doing}: {source}")]
    Bookkeeping {
        /// What was being done.
        doing: String,
        /// What the server said.
        source: ServerError,
    },
    /// A statement of a file.
    #[error("{}:{line}:{column}: {source}", path.display())]
    Statement {
        /// The file.
        path: PathBuf,
        /// Line of the statement, or of the place in it that the server names; from 1.
        line: usize,
        /// Column in characters, from 1.
        column: usize,
        /// Which statement, from 1.
        statement: usize,
        /// Of how many.
        of: usize,
        /// Whether everything of the file was undone.
        undone: bool,
        /// What the server said.
        source: ServerError,
    },
    /// The end of a file's transaction.
    #[error("commit {}: {source}", path.display())]
    Commit {
        /// The file.
        path: PathBuf,
        /// What the server said.
        source: ServerError,
    },
    /// Files that should have run earlier.
    #[error(
        "found {} missing migrations before current version {current}: {}",
        files.len(),
        files.iter().map(|file| file.display().to_string()).collect::<Vec<_>>().join(", ")
    )]
    Missing {
        /// The database's highest version.
        current: i64,
        /// The files.
        files: Vec<PathBuf>,
    },
    /// Nothing above the current version.
    #[error("no migrations to run: the database is at version {current}")]
    NoNext {
        /// The version.
        current: i64,
    },
    /// Nothing to take back.
    #[error("no migration to take back: the database is at version 0")]
    NothingApplied,
    /// The database is at a version without a file.
    #[error("the database is at version {version}, and {} has no file of it", path.display())]
    NoFile {
        /// The version.
        version: i64,
        /// The folder.
        path: PathBuf,
    },
    /// A file without a transaction stopped, and it is not where this run would go on.
    #[error(
        "version {version} stopped {} at statement {next} of {of}; finish that first",
        match direction { Direction::Up => "on its way up", Direction::Down => "on its way down" }
    )]
    Stopped {
        /// The version.
        version: i64,
        /// Which way it went.
        direction: Direction,
        /// The statement it stopped at, from 1.
        next: usize,
        /// Of how many.
        of: usize,
    },
    /// A file without a transaction stopped, and what is done of it has changed since.
    #[error(
        "{}: an earlier run stopped at statement {next}, and the statements before it have changed since then; put them \
         back as they were, or see to it by hand and delete the row of version {version} from {journal}",
        path.display()
    )]
    JournalChanged {
        /// The file.
        path: PathBuf,
        /// The version.
        version: i64,
        /// The statement it stopped at, from 1.
        next: usize,
        /// The table that knows.
        journal: String,
    },
    /// The command that goes before.
    #[error("'{command}' was to run before the migration and {why}; nothing was changed")]
    Before {
        /// The command.
        command: String,
        /// How it ended.
        why: String,
    },
    /// A build that another session still does.
    #[error("index {index} is being built by another session (pid {process})")]
    IndexInBuild {
        /// The index.
        index: String,
        /// That session.
        process: String,
    },
}

impl MigrateError {
    /// Whether a deadline passed.
    pub fn is_timed_out(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::Locked { .. })
    }

    /// What the server added to its message.
    pub fn detail(&self) -> Option<&str> {
        match self {
            Self::Connect { source, .. }
            | Self::Unreachable { source, .. }
            | Self::Bookkeeping { source, .. }
            | Self::Statement { source, .. }
            | Self::Commit { source, .. } => source.detail.as_deref(),
            _ => None,
        }
    }
}

impl MigrateError {
    /// Of a statement that was run on a connection of [`Target::postgres`](crate::Target::postgres).
    pub fn of_postgres(target: &crate::Target, error: &tokio_postgres::Error) -> Self {
        Self::Verify { target: target.shown(), source: crate::postgres::of_driver(error) }
    }
}
