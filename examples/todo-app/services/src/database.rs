//! One connection to PostgreSQL that comes back by itself.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};
use tokio_postgres::{Client, Config, NoTls};

use crate::log::{Level, Log, because};

/// How long connecting, and how long one statement, may take.
const LIMIT: Duration = Duration::from_secs(3);
/// After a failure, how long others get the same answer without trying again.
const PAUSE: Duration = Duration::from_millis(250);

/// Why there is no answer from the database.
#[derive(Debug)]
pub enum DatabaseError {
    /// The address makes no sense.
    Address(tokio_postgres::Error),
    /// No connection. With the server's or the system's words.
    Unreachable(String),
    /// Nothing came back in time.
    Silent,
    /// The statement failed.
    Statement(tokio_postgres::Error),
}

impl fmt::Display for DatabaseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(error) => write!(f, "the database's address (DATABASE_URL) is wrong: {}", words(error)),
            Self::Unreachable(why) => write!(f, "the database cannot be reached: {why}"),
            Self::Silent => write!(f, "the database did not answer within {} seconds", LIMIT.as_secs()),
            Self::Statement(error) => write!(f, "the database refused: {}", words(error)),
        }
    }
}

impl std::error::Error for DatabaseError {}

/// What an error of the driver says, with its cause, which holds the server's message.
fn words(error: &tokio_postgres::Error) -> String {
    if let Some(server) = error.as_db_error() {
        return format!("{}: {}", server.severity(), server.message());
    }
    match std::error::Error::source(error) {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}

/// Opens a connection and drives it until it ends.
pub(crate) async fn connect(config: &Config, log: Log) -> Result<Client, DatabaseError> {
    let connected = timeout(LIMIT, config.connect(NoTls)).await.map_err(|_| DatabaseError::Silent)?;
    let (client, connection) = connected.map_err(|error| DatabaseError::Unreachable(words(&error)))?;
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            log.line(Level::Warn, "the connection to the database ended", &[because(&error)]);
        }
    });
    Ok(client)
}

/// The address of a database as the driver wants it.
///
/// # Errors
/// Where it makes no sense.
pub fn address(url: &str) -> Result<Config, DatabaseError> {
    let mut config: Config = url.parse().map_err(DatabaseError::Address)?;
    config.connect_timeout(LIMIT);
    if config.get_application_name().is_none() {
        config.application_name("todo-app");
    }
    Ok(config)
}

enum Slot {
    Empty,
    Open(Arc<Client>),
    Failed(Instant, String),
}

/// A database that may come and go.
pub struct Database {
    config: Config,
    slot: Mutex<Slot>,
    log: Log,
}

impl Database {
    /// Nothing is opened before the first use.
    ///
    /// # Errors
    /// Where the address makes no sense.
    pub fn new(url: &str, log: Log) -> Result<Self, DatabaseError> {
        Ok(Self { config: address(url)?, slot: Mutex::new(Slot::Empty), log })
    }

    /// The open connection, or a new one. The driver pipelines, so one serves all requests.
    pub(crate) async fn client(&self) -> Result<Arc<Client>, DatabaseError> {
        let mut slot = self.slot.lock().await;
        match &*slot {
            Slot::Open(client) if !client.is_closed() => return Ok(Arc::clone(client)),
            Slot::Failed(when, why) if when.elapsed() < PAUSE => return Err(DatabaseError::Unreachable(why.clone())),
            _ => {}
        }
        match connect(&self.config, self.log).await {
            Ok(client) => {
                self.log.info("connected to the database", &[]);
                let client = Arc::new(client);
                *slot = Slot::Open(Arc::clone(&client));
                Ok(client)
            }
            Err(error) => {
                let why = match &error {
                    DatabaseError::Unreachable(why) => why.clone(),
                    other => other.to_string(),
                };
                *slot = Slot::Failed(Instant::now(), why);
                Err(error)
            }
        }
    }

    /// Lets go of a connection that does not answer.
    pub(crate) async fn drop_connection(&self) {
        *self.slot.lock().await = Slot::Empty;
    }

    /// Runs `work` with a limit. A connection that is found closed while nothing was done yet is opened anew, once.
    pub(crate) async fn with<T, F>(&self, work: impl Fn(Arc<Client>) -> F) -> Result<T, DatabaseError>
    where
        F: Future<Output = Result<T, tokio_postgres::Error>>,
    {
        let mut retried = false;
        loop {
            let client = self.client().await?;
            match timeout(LIMIT, work(client)).await {
                Ok(Ok(value)) => return Ok(value),
                // refused before it was sent
                Ok(Err(error)) if error.is_closed() && !retried => retried = true,
                Ok(Err(error)) => return Err(DatabaseError::Statement(error)),
                Err(_) => {
                    self.drop_connection().await;
                    return Err(DatabaseError::Silent);
                }
            }
        }
    }

    /// `SELECT 1`.
    ///
    /// # Errors
    /// Where the database does not answer.
    pub async fn ping(&self) -> Result<(), DatabaseError> {
        self.with(|client| async move { client.simple_query("SELECT 1").await.map(drop) }).await
    }
}
