//! One session with a server of any kind: statements as text, rows as text, and the lock that goes with the session.

use std::sync::Arc;
use std::time::Duration;

use crate::error::MigrateError;
use crate::event::{Blocker, Event, Holder};
use crate::mysql::Mysql;
use crate::options::Options;
use crate::postgres::Postgres;
use crate::sqlite::Sqlite;
use crate::target::{Address, Dialect, Target};

/// Rows as text; SQL's null is `None`.
pub(crate) type Rows = Vec<Vec<Option<String>>>;
/// Who hears of what happens.
pub(crate) type Listener = Arc<dyn Fn(Event) + Send + Sync>;

/// What a server said to a statement; see [`ServerFault`]. One word wide, since it travels far.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ServerError(Box<ServerFault>);

impl std::ops::Deref for ServerError {
    type Target = ServerFault;

    fn deref(&self) -> &ServerFault {
        &self.0
    }
}

impl std::ops::DerefMut for ServerError {
    fn deref_mut(&mut self) -> &mut ServerFault {
        &mut self.0
    }
}

impl From<ServerFault> for ServerError {
    fn from(fault: ServerFault) -> Self {
        Self(Box::new(fault))
    }
}

/// What a server said to a statement, in parts.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}{}", code.as_ref().map(|code| format!(" ({code_name} {code})")).unwrap_or_default())]
pub struct ServerFault {
    /// The code's kind: `SQLSTATE` or `error`.
    pub code_name: &'static str,
    /// SQLSTATE of PostgreSQL, error number of MySQL and SQLite.
    pub code: Option<String>,
    /// The server's or the driver's words.
    pub message: String,
    /// The server's detail and hint.
    pub detail: Option<String>,
    /// Character of the statement's text at which it was found, from 1.
    pub position: Option<usize>,
    /// Whether the connection is gone.
    pub disconnected: bool,
    /// The session that was in the way, where a lock was not to be had.
    pub blocker: Option<Blocker>,
}

impl ServerError {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        ServerFault::new(message).into()
    }

    pub(crate) fn is(&self, codes: &[&str]) -> bool {
        self.code.as_deref().is_some_and(|code| codes.contains(&code))
    }
}

impl ServerFault {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self {
            code_name: "error",
            code: None,
            message: message.into(),
            detail: None,
            position: None,
            disconnected: false,
            blocker: None,
        }
    }
}

/// A statement of a batch that failed: its index.
pub(crate) type BatchError = (usize, ServerError);

/// Why there is no connection.
pub(crate) enum ConnectError {
    /// It may come: nobody listens, the server starts up, too many connections.
    NotYet(ServerError),
    /// Waiting does not help: a wrong password, no such database.
    Refused(ServerError),
}

pub(crate) enum Session {
    Postgres(Box<Postgres>),
    Mysql(Box<Mysql>),
    Sqlite(Sqlite),
}

/// Between two attempts to connect.
const CONNECT_PAUSE: Duration = Duration::from_millis(250);

impl Session {
    /// Connects, and waits for a server that is not there yet.
    pub(crate) async fn connect(target: &Target, options: &Options, listener: &Listener) -> Result<Self, MigrateError> {
        let end = tokio::time::Instant::now() + options.connect_deadline;
        let mut said = false;
        loop {
            let connected = match &target.address {
                Address::Postgres(address) => {
                    Postgres::connect(address, options, listener).await.map(|session| Self::Postgres(Box::new(session)))
                }
                Address::Mysql(address) => {
                    Mysql::connect(address, options).await.map(|session| Self::Mysql(Box::new(session)))
                }
                Address::Sqlite(path) => Sqlite::open(path, options).map(Self::Sqlite),
            };
            match connected {
                Ok(session) => return Ok(session),
                Err(ConnectError::Refused(source)) => {
                    return Err(MigrateError::Connect { target: target.shown(), source });
                }
                Err(ConnectError::NotYet(source)) if tokio::time::Instant::now() + CONNECT_PAUSE >= end => {
                    return Err(MigrateError::Unreachable {
                        target: target.shown(),
                        waited: options.connect_deadline,
                        source,
                    });
                }
                Err(ConnectError::NotYet(source)) => {
                    if !said {
                        said = true;
                        let limit = options.connect_deadline;
                        listener(Event::WaitingForServer { why: source.to_string(), limit });
                    }
                    tokio::time::sleep(CONNECT_PAUSE).await;
                }
            }
        }
    }

    pub(crate) fn dialect(&self) -> Dialect {
        match self {
            Self::Postgres(_) => Dialect::Postgres,
            Self::Mysql(_) => Dialect::Mysql,
            Self::Sqlite(_) => Dialect::Sqlite,
        }
    }

    /// Why nothing can be written here, where that is known.
    pub(crate) fn read_only(&self) -> Option<&'static str> {
        match self {
            Self::Postgres(session) => session.read_only(),
            Self::Mysql(session) => session.read_only(),
            Self::Sqlite(_) => None,
        }
    }

    pub(crate) async fn query(&mut self, sql: &str) -> Result<Rows, ServerError> {
        match self {
            Self::Postgres(session) => session.query(sql).await,
            Self::Mysql(session) => session.query(sql).await,
            Self::Sqlite(session) => session.query(sql),
        }
    }

    /// One statement by itself.
    pub(crate) async fn execute(&mut self, sql: &str) -> Result<(), ServerError> {
        match self {
            Self::Postgres(session) => session.execute(sql).await,
            Self::Mysql(session) => session.execute(sql).await,
            Self::Sqlite(session) => session.execute(sql),
        }
    }

    /// All statements in one transaction, or none. `relaxed`: that it is durable may be learnt with a later one.
    pub(crate) async fn transaction(&mut self, statements: &[&str], relaxed: bool) -> Result<(), BatchError> {
        match self {
            Self::Postgres(session) => session.transaction(statements, relaxed).await,
            Self::Mysql(session) => session.transaction(statements).await,
            Self::Sqlite(session) => session.transaction(statements),
        }
    }

    /// Takes the lock if it is free; else who has it.
    pub(crate) async fn try_lock(&mut self) -> Result<Result<(), Option<Holder>>, ServerError> {
        match self {
            Self::Postgres(session) => session.try_lock().await,
            Self::Mysql(session) => session.try_lock().await,
            Self::Sqlite(session) => session.try_lock(),
        }
    }

    pub(crate) async fn unlock(&mut self) -> Result<(), ServerError> {
        match self {
            Self::Postgres(session) => session.unlock().await,
            Self::Mysql(session) => session.unlock().await,
            Self::Sqlite(session) => session.unlock(),
        }
    }

    /// Whether a session's lock means nothing on this connection.
    pub(crate) async fn is_pooled(&mut self) -> bool {
        match self {
            Self::Postgres(session) => session.is_pooled().await,
            Self::Mysql(_) | Self::Sqlite(_) => false,
        }
    }
}
