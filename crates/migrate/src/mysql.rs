//! A session with MySQL or MariaDB. Its DDL commits by itself: see the journal.

use std::time::Duration;

use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Error, Opts, Row, Value};
use sha2::{Digest, Sha256};

use crate::event::Holder;
use crate::options::Options;
use crate::server::{BatchError, ConnectError, Rows, ServerError, ServerFault};

/// Longest name that `GET_LOCK` takes.
const LOCK_NAME: usize = 64;

pub(crate) struct Mysql {
    connection: Conn,
    lock: String,
    read_only: bool,
}

impl Mysql {
    pub(crate) async fn connect(options: &Opts, settings: &Options) -> Result<Self, ConnectError> {
        let mut connection = tokio::time::timeout(Duration::from_secs(5), Conn::new(options.clone()))
            .await
            .map_err(|_| ConnectError::NotYet(ServerError::new("no answer within 5 seconds")))?
            .map_err(|error| not_connected(&error))?;
        let mut sets = Vec::new();
        if !settings.lock_timeout.is_zero() {
            let seconds = settings.lock_timeout.as_secs().max(1);
            sets.push(format!("SET SESSION lock_wait_timeout = {seconds}, innodb_lock_wait_timeout = {seconds}"));
        }
        if !settings.statement_timeout.is_zero() {
            // MariaDB's; MySQL's own limit holds for SELECT alone
            sets.push(format!("SET SESSION max_statement_time = {}", settings.statement_timeout.as_secs_f64()));
        }
        for set in sets {
            match connection.query_drop(set).await {
                // an unknown variable
                Err(Error::Server(error)) if error.code == 1193 => {}
                Err(error) => return Err(ConnectError::Refused(of_driver(&error))),
                Ok(()) => {}
            }
        }
        let mut session = Self { connection, lock: String::new(), read_only: false };
        let facts = session.query("SELECT DATABASE(), @@global.read_only").await.map_err(ConnectError::Refused)?;
        let fact = |index: usize| facts.first().and_then(|row| row.get(index)?.as_deref()).unwrap_or_default();
        let name = format!("bowline_migrate:{}", fact(0));
        session.lock = if name.len() > LOCK_NAME {
            let digest = Sha256::digest(name.as_bytes());
            format!("bowline_migrate:{}", digest.iter().take(20).map(|byte| format!("{byte:02x}")).collect::<String>())
        } else {
            name.replace('\\', "\\\\").replace('\'', "''")
        };
        session.read_only = fact(1) == "1";
        Ok(session)
    }

    /// A server's `read_only` does not hold for administrators, so that it is no reason to give up before a failure.
    pub(crate) fn read_only(&self) -> Option<&'static str> {
        None
    }

    pub(crate) async fn query(&mut self, sql: &str) -> Result<Rows, ServerError> {
        let rows: Vec<Row> = self.connection.query(sql).await.map_err(|error| self.failed(&error))?;
        Ok(rows.into_iter().map(|row| row.unwrap().iter().map(text).collect()).collect())
    }

    pub(crate) async fn execute(&mut self, sql: &str) -> Result<(), ServerError> {
        self.connection.query_drop(sql).await.map_err(|error| self.failed(&error))
    }

    pub(crate) async fn transaction(&mut self, statements: &[&str]) -> Result<(), BatchError> {
        self.execute("START TRANSACTION").await.map_err(|error| (0, error))?;
        for (index, sql) in statements.iter().enumerate() {
            if let Err(error) = self.execute(sql).await {
                _ = self.execute("ROLLBACK").await;
                return Err((index, error));
            }
        }
        self.execute("COMMIT").await.map_err(|error| (statements.len(), error))
    }

    pub(crate) async fn try_lock(&mut self) -> Result<Result<(), Option<Holder>>, ServerError> {
        let asked = format!("SELECT GET_LOCK('{}', 0)", self.lock);
        let got = self.query(&asked).await?;
        if got.first().and_then(|row| row.first()?.as_deref()) == Some("1") {
            return Ok(Ok(()));
        }
        let sql = format!(
            "SELECT id, user, host, NOW() - INTERVAL time SECOND FROM information_schema.processlist \
             WHERE id = IS_USED_LOCK('{}')",
            self.lock
        );
        let found = self.query(&sql).await?;
        Ok(Err(found.into_iter().next().map(|row| {
            let mut cells = row.into_iter().map(Option::unwrap_or_default);
            Holder {
                process: cells.next().and_then(|id| id.parse().ok()).unwrap_or_default(),
                name: cells.next().unwrap_or_default(),
                address: cells.next().unwrap_or_default(),
                since: cells.next().unwrap_or_default(),
            }
        })))
    }

    pub(crate) async fn unlock(&mut self) -> Result<(), ServerError> {
        let sql = format!("SELECT RELEASE_LOCK('{}')", self.lock);
        self.query(&sql).await.map(drop)
    }

    fn failed(&self, error: &Error) -> ServerError {
        let mut error = of_driver(error);
        if self.read_only {
            error.detail = Some("the server is read-only (@@global.read_only): is it a replica?".to_owned());
        }
        error
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::NULL => None,
        Value::Bytes(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
        other => Some(other.as_sql(true).trim_matches('\'').to_owned()),
    }
}

fn not_connected(error: &Error) -> ConnectError {
    let may_come = match error {
        Error::Io(mysql_async::IoError::Tls(_)) => false,
        Error::Io(_) => true,
        // too many connections, the server shuts down
        Error::Server(error) => [1040, 1053, 1203].contains(&error.code),
        _ => false,
    };
    let server = of_driver(error);
    if may_come { ConnectError::NotYet(server) } else { ConnectError::Refused(server) }
}

fn of_driver(error: &Error) -> ServerError {
    match error {
        Error::Server(server) => {
            ServerFault { code: Some(server.code.to_string()), ..ServerFault::new(server.message.clone()) }.into()
        }
        Error::Io(io) => ServerFault { disconnected: true, ..ServerFault::new(io.to_string()) }.into(),
        other => ServerError::new(other.to_string()),
    }
}
