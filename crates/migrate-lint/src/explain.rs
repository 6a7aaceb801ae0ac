//! Runs migrations on a database of their own and looks at the locks that they take.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use bowline_migrate::tree::{Layout, Migration, MigrationTree};
use bowline_migrate::{Direction, Section, Variables};
use serde::Serialize;
use tokio::time::Instant;
use tokio_postgres::Client;

use crate::finding::position;
use crate::locks::LockMode;

/// How often the second connection looks while a statement runs.
const SAMPLE: Duration = Duration::from_millis(2);

/// The tables that were there before the transaction and which a backend has locked: what a transaction has made itself
/// is not visible to another one.
const LOCKS: &str = "SELECT n.nspname, c.relname, l.mode FROM pg_catalog.pg_locks l \
                     JOIN pg_catalog.pg_class c ON c.oid = l.relation \
                     JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
                     WHERE l.pid = $1 AND l.granted AND l.locktype = 'relation' AND c.relkind IN ('r', 'p', 'm') \
                     AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_toast'";

/// Why migrations could not be explained.
#[derive(Debug, thiserror::Error)]
pub enum ExplainError {
    /// The server.
    #[error("{doing}: {source}")]
    Server {
        /// What was being done.
        doing: String,
        /// What it said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A statement failed on the scratch database.
    #[error("{}:{line}:{column}: {message}", file.display())]
    Statement {
        /// The file.
        file: PathBuf,
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
        /// What the server said.
        message: String,
    },
    /// Its migrations are no SQL.
    #[error("migrations of {layout} are programs: only {layout} can run them")]
    NoSql {
        /// The tool.
        layout: Layout,
    },
    /// It was asked to stop; the scratch database is gone.
    #[error("it was interrupted; the scratch database is dropped")]
    Interrupted,
}

/// A lock that was really taken.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Held {
    /// The table, with its schema.
    pub table: String,
    /// The lock.
    pub mode: LockMode,
    /// For how long, on a table without rows.
    pub milliseconds: f64,
    /// The line of the statement that took it.
    pub line: usize,
}

/// What one migration did.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Explained {
    /// Its version.
    pub version: String,
    /// Its file.
    pub file: PathBuf,
    /// How long it took.
    pub milliseconds: f64,
    /// The locks on tables that were there before it, each table's strongest.
    pub locks: Vec<Held>,
}

fn server<E: std::error::Error + Send + Sync + 'static>(doing: impl Into<String>) -> impl FnOnce(E) -> ExplainError {
    let doing = doing.into();
    move |source| ExplainError::Server { doing, source: Box::new(source) }
}

/// Runs the way forth of all migrations, in order, on a database `scratch` that is created for it and dropped again, and
/// reports the locks. `connect` opens a connection to a database of the server; to the one of its own choice for `None`.
/// `variables` are those that files ask for.
///
/// # Errors
/// [`ExplainError`]: what cannot be connected to or run. The scratch database is dropped in any case, but for a server
/// that is lost.
pub async fn explain<C, E>(
    tree: &MigrationTree,
    scratch: &str,
    variables: Variables<'_>,
    connect: C,
    stop: impl Future<Output = ()>,
) -> Result<Vec<Explained>, ExplainError>
where
    C: AsyncFn(Option<&str>) -> Result<Client, E>,
    E: std::error::Error + Send + Sync + 'static,
{
    if !tree.layout.is_sql() {
        return Err(ExplainError::NoSql { layout: tree.layout });
    }
    let scripts: Vec<Script> =
        tree.migrations.iter().map(|m| statements(tree, m, variables)).collect::<Result<_, _>>()?;
    let admin = connect(None).await.map_err(server("connect"))?;
    let name = scratch.replace('"', "\"\"");
    let create = format!("CREATE DATABASE \"{name}\"");
    admin.batch_execute(&create).await.map_err(server(format!("create the scratch database {scratch}")))?;
    let done = tokio::select! {
        done = run(tree, &scripts, scratch, &connect) => done,
        () = stop => Err(ExplainError::Interrupted),
    };
    let drop = format!("DROP DATABASE IF EXISTS \"{name}\" WITH (FORCE)");
    let dropped = admin.batch_execute(&drop).await.map_err(server(format!("drop the scratch database {scratch}")));
    let explained = done?;
    dropped?;
    Ok(explained)
}

async fn run<C, E>(
    tree: &MigrationTree,
    scripts: &[Script],
    scratch: &str,
    connect: &C,
) -> Result<Vec<Explained>, ExplainError>
where
    C: AsyncFn(Option<&str>) -> Result<Client, E>,
    E: std::error::Error + Send + Sync + 'static,
{
    let worker = connect(Some(scratch)).await.map_err(server("connect to the scratch database"))?;
    let watcher = connect(Some(scratch)).await.map_err(server("connect to the scratch database"))?;
    let pid = worker.query_one("SELECT pg_catalog.pg_backend_pid()", &[]).await.and_then(|row| row.try_get(0));
    let look = Look { worker, watcher, pid: pid.map_err(server("ask for the backend's number"))? };
    let mut all = Vec::new();
    for (migration, script) in tree.migrations.iter().zip(scripts) {
        all.push(look.migration(migration, script).await?);
    }
    Ok(all)
}

/// Statements with their lines and columns.
type Script = Vec<(String, usize, usize)>;

struct Look {
    worker: Client,
    watcher: Client,
    pid: i32,
}

/// Since when, until when, by the statement on which line.
#[derive(Clone, Copy)]
struct Seen {
    since: Instant,
    until: Instant,
    line: usize,
}

type Locks = BTreeMap<(String, LockMode), Seen>;

impl Look {
    async fn migration(&self, migration: &Migration, script: &Script) -> Result<Explained, ExplainError> {
        let transaction = migration.up.as_ref().is_some_and(|part| part.transaction);
        let begun = Instant::now();
        let mut locks = Locks::new();
        if transaction {
            self.worker.batch_execute("BEGIN").await.map_err(server("begin"))?;
        }
        for (sql, line, column) in script {
            self.statement(sql, *line, &mut locks).await.map_err(|source| ExplainError::Statement {
                file: migration.path.clone(),
                line: *line,
                column: *column,
                message: source.as_db_error().map_or_else(|| source.to_string(), |e| e.message().to_owned()),
            })?;
        }
        if transaction {
            self.worker.batch_execute("COMMIT").await.map_err(server("commit"))?;
            let now = Instant::now();
            locks.values_mut().for_each(|seen| seen.until = now);
        }
        let milliseconds = |duration: Duration| (duration.as_secs_f64() * 1e6).round() / 1e3;
        let mut held: Vec<Held> = Vec::new();
        for ((table, mode), seen) in locks {
            let lock = Held { table, mode, milliseconds: milliseconds(seen.until - seen.since), line: seen.line };
            match held.iter_mut().find(|known| known.table == lock.table) {
                Some(known) if known.mode < lock.mode => *known = lock,
                Some(_) => {}
                None => held.push(lock),
            }
        }
        let (version, file) = (migration.version.clone(), migration.path.clone());
        Ok(Explained { version, file, milliseconds: milliseconds(begun.elapsed()), locks: held })
    }

    async fn statement(&self, sql: &str, line: usize, locks: &mut Locks) -> Result<(), tokio_postgres::Error> {
        let begun = Instant::now();
        let run = self.worker.batch_execute(sql);
        tokio::pin!(run);
        loop {
            tokio::select! {
                biased;
                done = &mut run => {
                    done?;
                    break;
                }
                () = tokio::time::sleep(SAMPLE) => self.sample(begun, line, locks).await?,
            }
        }
        // In a transaction they are still held.
        self.sample(begun, line, locks).await
    }

    async fn sample(&self, begun: Instant, line: usize, locks: &mut Locks) -> Result<(), tokio_postgres::Error> {
        let rows = self.watcher.query(LOCKS, &[&self.pid]).await?;
        let now = Instant::now();
        for row in rows {
            let (schema, table, mode): (String, String, String) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
            let Some(mode) = LockMode::of_pg_locks(&mode) else { continue };
            let seen = locks.entry((format!("{schema}.{table}"), mode));
            seen.or_insert(Seen { since: begun, until: now, line }).until = now;
        }
        Ok(())
    }
}

/// The statements of the way forth, with their lines and columns.
fn statements(tree: &MigrationTree, migration: &Migration, variables: Variables<'_>) -> Result<Script, ExplainError> {
    let Some(part) = &migration.up else { return Ok(Vec::new()) };
    let text = tree.text(&part.path);
    if tree.layout == Layout::Goose {
        let parsed = Section::parse(&part.path, text.as_bytes(), Direction::Up, variables);
        let section = parsed.map_err(|error| ExplainError::Statement {
            file: part.path.clone(),
            line: error.line,
            column: error.column,
            message: error.fault.to_string(),
        })?;
        return Ok(section.statements.into_iter().map(|s| (s.sql, s.line, s.column)).collect());
    }
    let sql = text.get(part.range.clone()).unwrap_or_default();
    let first = part.range.start + (sql.len() - sql.trim_start().len());
    let (line, column) = position(text, first);
    Ok(vec![(sql.to_owned(), line, column)])
}
