//! Numbered SQL files, each run once, by one runner at a time.

use std::fmt;
use std::time::Duration;

use serde_json::json;
use tokio::time::{Instant, sleep};
use tokio_postgres::Client;

use crate::database::{DatabaseError, address, connect};
use crate::log::{Level, Log};

/// A numbered SQL file.
#[derive(Clone, Copy, Debug)]
pub struct Migration {
    /// Its number; they run in this order.
    pub version: i64,
    /// What it does.
    pub name: &'static str,
    /// The statements.
    pub sql: &'static str,
}

/// All migrations of the application, by number.
pub const MIGRATIONS: &[Migration] = &[
    Migration { version: 1, name: "create_tasks", sql: include_str!("migrations/001_create_tasks.sql") },
    Migration { version: 2, name: "check_titles", sql: include_str!("migrations/002_check_titles.sql") },
];

/// The advisory lock that says a migration is under way: "todo" in ASCII.
const LOCK: i64 = 0x746f_646f;
/// Between two looks at the lock or at a database that is not there yet.
const PAUSE: Duration = Duration::from_millis(250);

const TABLE: &str = "CREATE TABLE IF NOT EXISTS schema_migrations (
    version bigint PRIMARY KEY,
    name text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
)";

/// How long to wait for what.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Until the database can be reached (`MIGRATE_CONNECT_TIMEOUT`).
    pub connect: Duration,
    /// Until another runner is done (`MIGRATE_LOCK_TIMEOUT`).
    pub lock: Duration,
}

/// Why the database is not migrated.
#[derive(Debug)]
pub enum MigrateError {
    /// No database.
    Database(DatabaseError),
    /// Another runner holds the lock.
    Locked(Duration),
    /// One file failed; nothing of it is left.
    Failed {
        /// Number and name of the file.
        migration: String,
        /// The server's words.
        why: String,
    },
    /// The lock or the record of what is done could not be read or written.
    Bookkeeping(String),
}

impl fmt::Display for MigrateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Database(error) => error.fmt(f),
            Self::Locked(waited) => {
                write!(f, "another migration holds the lock; gave up after {} seconds", waited.as_secs())
            }
            Self::Failed { migration, why } => write!(f, "migration {migration} failed and was undone: {why}"),
            Self::Bookkeeping(why) => write!(f, "cannot tell what was migrated: {why}"),
        }
    }
}

impl std::error::Error for MigrateError {}

fn bookkeeping(error: &tokio_postgres::Error) -> MigrateError {
    MigrateError::Bookkeeping(words(error))
}

fn words(error: &tokio_postgres::Error) -> String {
    error.as_db_error().map_or_else(|| error.to_string(), |server| server.message().to_owned())
}

/// Runs what has not run yet, in order, each file in a transaction together with its record. Returns how many ran.
///
/// # Errors
/// Where the database cannot be reached, another runner does not end in time, or a file fails.
pub async fn up(url: &str, migrations: &[Migration], limits: Limits, log: Log) -> Result<usize, MigrateError> {
    let mut client = reach(url, limits.connect, log).await?;
    lock(&client, limits.lock, log).await?;
    let result = run(&mut client, migrations, log).await;
    // ends with the session anyway; said for a connection pool in between
    _ = client.execute("SELECT pg_advisory_unlock($1)", &[&LOCK]).await;
    result
}

/// The numbers that have run, in order.
///
/// # Errors
/// Where the database cannot be reached or asked.
pub async fn applied(url: &str, limits: Limits, log: Log) -> Result<Vec<i64>, MigrateError> {
    let client = reach(url, limits.connect, log).await?;
    let exists = client.query_one("SELECT to_regclass('schema_migrations') IS NOT NULL", &[]).await;
    let exists: bool = exists.and_then(|row| row.try_get(0)).map_err(|error| bookkeeping(&error))?;
    if exists { versions(&client).await } else { Ok(Vec::new()) }
}

async fn reach(url: &str, limit: Duration, log: Log) -> Result<Client, MigrateError> {
    let config = address(url).map_err(MigrateError::Database)?;
    let end = Instant::now() + limit;
    let mut said = false;
    loop {
        match connect(&config, log).await {
            Ok(client) => return Ok(client),
            Err(error) if Instant::now() + PAUSE >= end => return Err(MigrateError::Database(error)),
            Err(error) => {
                if !said {
                    let fields = [("seconds", json!(limit.as_secs())), ("error", json!(error.to_string()))];
                    log.line(Level::Warn, "waiting for the database", &fields);
                    said = true;
                }
                sleep(PAUSE).await;
            }
        }
    }
}

/// Takes the lock by asking again and again: a bare `pg_advisory_lock` could wait for ever, and one look is not enough
/// where several pods start at once.
async fn lock(client: &Client, limit: Duration, log: Log) -> Result<(), MigrateError> {
    let end = Instant::now() + limit;
    let mut said = false;
    loop {
        let row = client.query_one("SELECT pg_try_advisory_lock($1)", &[&LOCK]).await;
        if row.and_then(|row| row.try_get(0)).map_err(|error| bookkeeping(&error))? {
            return Ok(());
        }
        if Instant::now() + PAUSE >= end {
            return Err(MigrateError::Locked(limit));
        }
        if !said {
            log.info("another migration is running, waiting for it", &[("seconds", json!(limit.as_secs()))]);
            said = true;
        }
        sleep(PAUSE).await;
    }
}

async fn versions(client: &Client) -> Result<Vec<i64>, MigrateError> {
    let rows = client.query("SELECT version FROM schema_migrations ORDER BY version", &[]).await;
    let rows = rows.map_err(|error| bookkeeping(&error))?;
    rows.iter().map(|row| row.try_get(0).map_err(|error| bookkeeping(&error))).collect()
}

async fn run(client: &mut Client, migrations: &[Migration], log: Log) -> Result<usize, MigrateError> {
    client.batch_execute(TABLE).await.map_err(|error| bookkeeping(&error))?;
    let done = versions(client).await?;
    let unknown: Vec<i64> = done.iter().copied().filter(|v| migrations.iter().all(|m| m.version != *v)).collect();
    if !unknown.is_empty() {
        log.line(Level::Warn, "the database has migrations of a newer version", &[("versions", json!(unknown))]);
    }
    let mut count = 0;
    for migration in migrations.iter().filter(|migration| !done.contains(&migration.version)) {
        let Migration { version, name, sql } = *migration;
        let label = format!("{version:03}_{name}");
        let started = Instant::now();
        let failed =
            |error: tokio_postgres::Error| MigrateError::Failed { migration: label.clone(), why: words(&error) };
        let transaction = client.transaction().await.map_err(failed)?;
        transaction.batch_execute(sql).await.map_err(failed)?;
        let record = "INSERT INTO schema_migrations (version, name) VALUES ($1, $2)";
        transaction.execute(record, &[&version, &name]).await.map_err(failed)?;
        transaction.commit().await.map_err(failed)?;
        let took = json!(started.elapsed().as_millis() as u64);
        log.info("migrated", &[("migration", json!(label)), ("duration_ms", took)]);
        count += 1;
    }
    let version = migrations.iter().map(|m| m.version).chain(done).max().unwrap_or(0);
    log.info(
        if count == 0 { "nothing to migrate" } else { "done" },
        &[("ran", json!(count)), ("version", json!(version))],
    );
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn migrations_are_numbered_in_order() {
        assert!(MIGRATIONS.windows(2).all(|pair| pair[0].version < pair[1].version));
    }
}
