//! A session with PostgreSQL: the connection that holds the lock is the one that runs the statements, so that whoever
//! loses the lock loses its transaction with it.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio_postgres::config::SslMode;
use tokio_postgres::error::ErrorPosition;
use tokio_postgres::{Client, Config, NoTls, SimpleQueryMessage};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::event::{Blocker, Event, Holder};
use crate::options::Options;
use crate::server::{BatchError, ConnectError, Listener, Rows, ServerError, ServerFault};
use crate::statement;
use crate::target::PostgresAddress;
use crate::tls;

/// The key that goose's own session lock uses, so that programs built on goose's library are kept out as well.
pub(crate) const LOCK: i64 = 4_097_083_626;
/// A transaction after it commits without waiting for the disk. The order of commits stays as it is: one that waits makes
/// all before it durable.
pub(crate) const RELAX: &str = "SET LOCAL synchronous_commit TO off;";
/// Statements sent without waiting for the answer to the one before.
const PIPELINE: usize = 64;
/// After this long a statement is looked at from outside: who is in its way?
const FIRST_LOOK: Duration = Duration::from_millis(500);
const NEXT_LOOK: Duration = Duration::from_secs(1);

pub(crate) struct Postgres {
    client: Client,
    process: String,
    read_only: Option<&'static str>,
    address: PostgresAddress,
    watch: Watch,
}

impl Postgres {
    pub(crate) async fn connect(
        address: &PostgresAddress,
        options: &Options,
        listener: &Listener,
    ) -> Result<Self, ConnectError> {
        let (client, version) = open(address).await?;
        let mut setup = format!(
            "SET lock_timeout = {}; SET statement_timeout = {}; SET idle_in_transaction_session_timeout = 0",
            options.lock_timeout.as_millis(),
            options.statement_timeout.as_millis(),
        );
        if version >= 14 {
            setup.push_str("; SET idle_session_timeout = 0");
        }
        let facts = "SELECT pg_backend_pid(), pg_is_in_recovery(), current_setting('transaction_read_only')";
        // A killed client keeps its lock until the server notices. Not every system can: that is no failure.
        let checked = "SET client_connection_check_interval = '1s'";
        let (setup, facts, _) =
            tokio::join!(client.batch_execute(&setup), client.simple_query(facts), client.batch_execute(checked));
        setup.map_err(|error| ConnectError::Refused(of_driver(&error)))?;
        let facts = rows(&facts.map_err(|error| ConnectError::Refused(of_driver(&error)))?);
        let fact = |index: usize| facts.first().and_then(|row| row.get(index)?.as_deref()).unwrap_or_default();
        let read_only = match (fact(1), fact(2)) {
            ("t", _) => Some("it is a replica (pg_is_in_recovery)"),
            (_, "on") => Some("its transactions are read-only (default_transaction_read_only)"),
            _ => None,
        };
        let first_look = match options.lock_timeout {
            Duration::ZERO => FIRST_LOOK,
            limit => FIRST_LOOK.min(limit / 2),
        };
        let process = fact(0).to_owned();
        let watch = Watch {
            address: address.clone(),
            process: process.clone(),
            client: None,
            last: None,
            first_look,
            listener: Arc::clone(listener),
        };
        Ok(Self { client, process, read_only, address: address.clone(), watch })
    }

    /// What runs statements, and what looks at them meanwhile.
    pub(crate) fn parts(&mut self) -> (&Client, &mut Watch) {
        (&self.client, &mut self.watch)
    }

    pub(crate) fn read_only(&self) -> Option<&'static str> {
        self.read_only
    }

    pub(crate) async fn query(&mut self, sql: &str) -> Result<Rows, ServerError> {
        self.client.simple_query(sql).await.map(|messages| rows(&messages)).map_err(|error| of_driver(&error))
    }

    pub(crate) async fn execute(&mut self, sql: &str) -> Result<(), ServerError> {
        self.watch.over(self.client.batch_execute(sql)).await
    }

    pub(crate) async fn transaction(&mut self, statements: &[&str], relaxed: bool) -> Result<(), BatchError> {
        let begin = if relaxed { format!("BEGIN; {RELAX}") } else { "BEGIN".to_owned() };
        let begin = begin.as_str();
        // Whoever ends the transaction within the file must not have what follows sent along.
        let step = if statements.iter().any(|sql| statement::controls_transactions(sql)) { 1 } else { PIPELINE };
        let whole = step > 1 && statements.len() + 2 <= PIPELINE;
        if whole {
            let all: Vec<&str> = std::iter::once(begin).chain(statements.iter().copied()).chain(["COMMIT"]).collect();
            // index 0 is BEGIN
            let sent = self.watch.over_batch(&self.client, &all).await;
            return match sent {
                Ok(()) => Ok(()),
                Err((index, error)) => {
                    // PostgreSQL has made the COMMIT a ROLLBACK already, unless it is the COMMIT that failed
                    _ = self.client.batch_execute("ROLLBACK").await;
                    Err((index.saturating_sub(1), error))
                }
            };
        }
        self.client.batch_execute(begin).await.map_err(|error| (0, of_driver(&error)))?;
        for (chunk, batch) in statements.chunks(step).enumerate() {
            if let Err((index, error)) = self.watch.over_batch(&self.client, batch).await {
                _ = self.client.batch_execute("ROLLBACK").await;
                return Err((chunk * step + index, error));
            }
        }
        self.watch.over(self.client.batch_execute("COMMIT")).await.map_err(|error| (statements.len(), error))
    }

    pub(crate) async fn try_lock(&mut self) -> Result<Result<(), Option<Holder>>, ServerError> {
        let asked = format!("SELECT pg_try_advisory_lock({LOCK}), pg_backend_pid()");
        let row = self.query(&asked).await?;
        let cell = |index: usize| row.first().and_then(|row| row.get(index)?.as_deref()).unwrap_or_default();
        if cell(1) != self.process {
            return Err(ServerError::new(
                "the session changed from one statement to the next: a pooler stands between",
            ));
        }
        if cell(0) == "t" {
            return Ok(Ok(()));
        }
        let holders = format!(
            "SELECT a.pid, a.application_name, coalesce(host(a.client_addr), ''), to_char(a.backend_start, \
             'YYYY-MM-DD HH24:MI:SS TZ') FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid \
             WHERE l.locktype = 'advisory' AND l.granted AND l.classid = {} AND l.objid = {} AND l.objsubid = 1 \
             AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())",
            LOCK >> 32,
            LOCK & 0xffff_ffff,
        );
        let found = self.query(&holders).await?;
        Ok(Err(found.into_iter().next().map(|row| {
            let mut cells = row.into_iter().map(Option::unwrap_or_default);
            Holder {
                process: cells.next().and_then(|pid| pid.parse().ok()).unwrap_or_default(),
                name: cells.next().unwrap_or_default(),
                address: cells.next().unwrap_or_default(),
                since: cells.next().unwrap_or_default(),
            }
        })))
    }

    pub(crate) async fn unlock(&mut self) -> Result<(), ServerError> {
        let sql = format!("SELECT pg_advisory_unlock({LOCK})");
        self.query(&sql).await.map(drop)
    }

    /// Two connections with one session behind them: then a pooler hands sessions out per transaction, and neither a
    /// session's lock nor its settings mean anything.
    pub(crate) async fn is_pooled(&mut self) -> bool {
        // Where a second connection is not to be had, the first one's lock check has to do.
        let Ok((second, _)) = open(&self.address).await else { return false };
        let asked = second.simple_query("BEGIN; SELECT pg_backend_pid()").await;
        let process = asked.map(|messages| rows(&messages)).unwrap_or_default();
        let process = process.first().and_then(|row| row.first()?.clone()).unwrap_or_default();
        _ = second.batch_execute("ROLLBACK").await;
        process == self.process
    }
}

/// Looks at a running statement from outside.
pub(crate) struct Watch {
    address: PostgresAddress,
    process: String,
    client: Option<Client>,
    last: Option<Blocker>,
    first_look: Duration,
    listener: Listener,
}

impl Watch {
    /// Waits for a statement, and says who is in its way where that takes long.
    async fn over(&mut self, work: impl Future<Output = Result<(), tokio_postgres::Error>>) -> Result<(), ServerError> {
        let work = std::pin::pin!(work);
        self.wait(work).await.map_err(|error| self.failed(&error))
    }

    async fn over_batch(&mut self, client: &Client, statements: &[&str]) -> Result<(), BatchError> {
        let work = std::pin::pin!(pipeline(client, statements));
        self.wait(work).await.map_err(|(index, error)| (index, self.failed(&error)))
    }

    pub(crate) async fn wait<T>(&mut self, mut work: Pin<&mut impl Future<Output = T>>) -> T {
        self.last = None;
        let mut pause = self.first_look;
        loop {
            tokio::select! {
                biased;
                done = &mut work => return done,
                () = tokio::time::sleep(pause) => {}
            }
            tokio::select! {
                biased;
                done = &mut work => return done,
                () = self.look() => {}
            }
            pause = NEXT_LOOK;
        }
    }

    /// Never fails: it is a service to the reader.
    async fn look(&mut self) {
        if self.client.is_none() {
            self.client = open(&self.address).await.ok().map(|(client, _)| client);
        }
        let Some(client) = &self.client else { return };
        let sql = format!(
            "SELECT pid, application_name, state, left(regexp_replace(query, '\\s+', ' ', 'g'), 200) \
             FROM pg_stat_activity WHERE pid = ANY (pg_blocking_pids({})) ORDER BY query_start LIMIT 1",
            self.process
        );
        let Ok(messages) = client.simple_query(&sql).await else {
            self.client = None;
            return;
        };
        let Some(row) = rows(&messages).into_iter().next() else { return };
        let mut cells = row.into_iter().map(Option::unwrap_or_default);
        let blocker = Blocker {
            process: cells.next().and_then(|pid| pid.parse().ok()).unwrap_or_default(),
            name: cells.next().unwrap_or_default(),
            state: cells.next().unwrap_or_default(),
            query: cells.next().unwrap_or_default(),
        };
        if self.last.as_ref() != Some(&blocker) {
            (self.listener)(Event::Blocked { blocker: blocker.clone() });
            self.last = Some(blocker);
        }
    }

    pub(crate) fn failed(&mut self, error: &tokio_postgres::Error) -> ServerError {
        let mut error = of_driver(error);
        if error.is(&["55P03"]) {
            error.blocker = self.last.take();
        }
        error
    }
}

/// Sends all statements at once and waits for all answers. The first failure counts: in a transaction the others follow
/// from it.
async fn pipeline(client: &Client, statements: &[&str]) -> Result<(), (usize, tokio_postgres::Error)> {
    let mut waiting: Vec<_> = statements.iter().map(|sql| Some(Box::pin(client.batch_execute(sql)))).collect();
    let mut failure: Option<(usize, tokio_postgres::Error)> = None;
    poll_fn(|context| {
        let mut pending = false;
        for (index, slot) in waiting.iter_mut().enumerate() {
            let Some(work) = slot else { continue };
            match work.as_mut().poll(context) {
                Poll::Pending => pending = true,
                Poll::Ready(answer) => {
                    *slot = None;
                    if let Err(error) = answer
                        && failure.as_ref().is_none_or(|(first, _)| index < *first)
                    {
                        failure = Some((index, error));
                    }
                }
            }
        }
        if pending { Poll::Pending } else { Poll::Ready(()) }
    })
    .await;
    failure.map_or(Ok(()), Err)
}

/// A connection without anything set, to the address's own database or another one of the same server.
pub(crate) async fn client(address: &PostgresAddress, database: Option<&str>) -> Result<Client, ConnectError> {
    let mut address = address.clone();
    if let Some(name) = database {
        address.config.dbname(name);
    }
    open(&address).await.map(|(client, _)| client)
}

/// Opens a connection and drives it until it ends. With the server's major version.
async fn open(address: &PostgresAddress) -> Result<(Client, u32), ConnectError> {
    let mut config: Config = address.config.clone();
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(Duration::from_secs(5));
    }
    config.keepalives_idle(Duration::from_secs(15)).keepalives_interval(Duration::from_secs(5)).keepalives_retries(3);
    let version = |text: Option<&str>| {
        let major = text.and_then(|text| text.split(|c: char| !c.is_ascii_digit()).next());
        major.and_then(|major| major.parse().ok()).unwrap_or(0)
    };
    if config.get_ssl_mode() == SslMode::Disable {
        let (client, connection) = config.connect(NoTls).await.map_err(|error| not_connected(&error))?;
        let major = version(connection.parameter("server_version"));
        tokio::spawn(async move { _ = connection.await });
        return Ok((client, major));
    }
    let tls = tls::config(&address.tls).map_err(|why| ConnectError::Refused(ServerError::new(why)))?;
    let (client, connection) =
        config.connect(MakeRustlsConnect::new(tls)).await.map_err(|error| not_connected(&error))?;
    let major = version(connection.parameter("server_version"));
    tokio::spawn(async move { _ = connection.await });
    Ok((client, major))
}

fn not_connected(error: &tokio_postgres::Error) -> ConnectError {
    let of_system = std::error::Error::source(error).is_some_and(<dyn std::error::Error>::is::<std::io::Error>);
    let secured = error.to_string().contains("TLS");
    let server = of_driver(error);
    // starting up, shutting down, too many connections
    let may_come = server.is(&["57P03", "57P01", "57P02", "53300"]) || (of_system && !secured) || error.is_closed();
    if may_come { ConnectError::NotYet(server) } else { ConnectError::Refused(server) }
}

pub(crate) fn of_driver(error: &tokio_postgres::Error) -> ServerError {
    let Some(server) = error.as_db_error() else {
        let message = match std::error::Error::source(error) {
            Some(cause) => format!("{error}: {cause}"),
            None => error.to_string(),
        };
        return ServerFault { disconnected: error.is_closed(), ..ServerFault::new(message) }.into();
    };
    let detail: Vec<&str> = [server.detail(), server.hint(), server.where_()].into_iter().flatten().collect();
    ServerFault {
        code_name: "SQLSTATE",
        code: Some(server.code().code().to_owned()),
        message: server.message().to_owned(),
        detail: (!detail.is_empty()).then(|| detail.join("\n")),
        position: match server.position() {
            Some(ErrorPosition::Original(at)) => usize::try_from(*at).ok(),
            _ => None,
        },
        disconnected: server.code().code().starts_with("57P"),
        blocker: None,
    }
    .into()
}

fn rows(messages: &[SimpleQueryMessage]) -> Rows {
    let row = |message: &SimpleQueryMessage| match message {
        SimpleQueryMessage::Row(row) => Some((0..row.len()).map(|at| row.get(at).map(str::to_owned)).collect()),
        _ => None,
    };
    messages.iter().filter_map(row).collect()
}
