//! Files without a transaction, statement by statement: what is done is written down, so that a run that was killed is
//! gone on with at the statement that did not finish.

use sha2::{Digest, Sha256};

use crate::error::MigrateError;
use crate::event::Event;
use crate::file::Statement;
use crate::run::{Ready, Runner, failed, hexadecimal};
use crate::server::{ServerError, Session};
use crate::statement::{self, ConcurrentIndex};
use crate::tables::JournalRow;
use crate::target::Dialect;

/// What a statement says that was done already: it exists already, or does not exist any more.
const DONE_BEFORE: [&str; 12] = [
    "42P07", "42701", "42710", "42P06", "42P01", "42704", "42703", // PostgreSQL
    "1050", "1060", "1061", "1051", "1091", // MySQL
];

impl Runner<'_> {
    pub(crate) async fn stepwise(
        &self,
        session: &mut Session,
        file: &Ready,
        stopped: Option<&JournalRow>,
    ) -> Result<(), MigrateError> {
        let statements = &file.section.statements;
        let tables = self.tables();
        let noting =
            |source| MigrateError::Bookkeeping { doing: format!("note the progress of {}", file.name), source };
        let row = |next: usize, running: bool, error: Option<String>| JournalRow {
            version: file.version,
            direction: file.direction,
            next: next + 1,
            of: statements.len(),
            done: done(&statements[..next]),
            running,
            error,
        };
        let start = self.resume(file, stopped)?;
        for (index, one) in statements.iter().enumerate().skip(start) {
            // Whether it was sent by a run that did not live to see its end.
            let unsure = index == start && stopped.is_some_and(|row| row.running);
            let finished = tables.progress(&row(index + 1, false, None));
            let result = if statement::fits_transaction(&one.sql) && self.target.dialect != Dialect::Mysql {
                self.together(session, file, &one.sql, &finished).await
            } else {
                session.execute(&tables.progress(&row(index, true, None))).await.map_err(noting)?;
                match self.alone(session, file, one, unsure).await {
                    Ok(()) => Ok(session.execute(&finished).await.map_err(noting)?),
                    Err(Failure::Statement(source)) if unsure && source.is(&DONE_BEFORE) => {
                        (self.listener)(Event::FoundDone { version: file.version, statement: index + 1 });
                        Ok(session.execute(&finished).await.map_err(noting)?)
                    }
                    Err(Failure::Statement(source)) => Err(source),
                    Err(Failure::Other(error)) => return Err(error),
                }
            };
            if let Err(source) = result {
                // Where the connection is gone, the journal says "running" already, which is right.
                if !source.disconnected {
                    _ = session.execute(&tables.progress(&row(index, false, Some(source.to_string())))).await;
                }
                return Err(failed(file, index, source, false));
            }
        }
        let mut last = tables.record(file.version, file.direction, &file.name, &file.digest);
        last.push(tables.forget(file.version));
        let last: Vec<&str> = last.iter().map(String::as_str).collect();
        session
            .transaction(&last, false)
            .await
            .map_err(|(_, source)| MigrateError::Bookkeeping { doing: format!("record {}", file.name), source })
    }

    /// Which statement to begin with, from 0.
    fn resume(&self, file: &Ready, stopped: Option<&JournalRow>) -> Result<usize, MigrateError> {
        let Some(row) = stopped else { return Ok(0) };
        let statements = &file.section.statements;
        let start = row.next.saturating_sub(1);
        let unchanged = statements.get(..start).is_some_and(|before| done(before) == row.done);
        if !unchanged {
            return Err(MigrateError::JournalChanged {
                path: file.path.clone(),
                version: file.version,
                next: row.next,
                journal: self.options.table.journal(),
            });
        }
        if start > 0 || row.running {
            let (version, name, of) = (file.version, file.name.clone(), statements.len());
            (self.listener)(Event::Resumed { version, name, statement: start + 1, of });
        }
        Ok(start)
    }

    /// A statement and its mark in one transaction: then there is no moment in between.
    async fn together(&self, session: &mut Session, file: &Ready, sql: &str, mark: &str) -> Result<(), ServerError> {
        let mut attempt = 1;
        loop {
            let Err((_, source)) = session.transaction(&[sql, mark], false).await else { return Ok(()) };
            if !self.again(&file.name, &source, &mut attempt).await {
                return Err(source);
            }
        }
    }

    async fn alone(&self, session: &mut Session, file: &Ready, one: &Statement, unsure: bool) -> Result<(), Failure> {
        let concurrent =
            (session.dialect() == Dialect::Postgres).then(|| statement::concurrent_index(&one.sql)).flatten();
        let mut attempt = 1;
        loop {
            let mut result = Ok(());
            if let Some(index) = &concurrent {
                if self.clear_the_way(session, index, unsure).await? {
                    return Ok(());
                }
                // A lock timeout while it waits for older snapshots would leave it half-built.
                result = session.execute("SET lock_timeout = 0").await;
            }
            if result.is_ok() {
                result = session.execute(&one.sql).await;
            }
            if concurrent.is_some() {
                let limit = self.options.lock_timeout.as_millis();
                _ = session.execute(&format!("SET lock_timeout = {limit}")).await;
            }
            let Err(source) = result else { return Ok(()) };
            if !self.again(&file.name, &source, &mut attempt).await {
                return Err(Failure::Statement(source));
            }
        }
    }

    /// Drops what a killed build left of an index. Says yes where the index stands and the build was ours: then there is
    /// nothing left to do.
    async fn clear_the_way(
        &self,
        session: &mut Session,
        index: &ConcurrentIndex,
        unsure: bool,
    ) -> Result<bool, MigrateError> {
        let Some(name) = &index.name else { return Ok(false) };
        let doing = |source| MigrateError::Bookkeeping { doing: format!("look for index {name}"), source };
        let literal = |text: &str| format!("'{}'", text.replace('\'', "''"));
        let schema = index.schema.as_deref().map_or_else(|| "NULL".to_owned(), literal);
        // An index is made in its table's schema.
        let sql = format!(
            "SELECT format('%I.%I', n.nspname, c.relname), i.indisvalid, p.pid FROM pg_index i \
             JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
             JOIN pg_class t ON t.oid = i.indrelid LEFT JOIN pg_stat_progress_create_index p ON p.index_relid = c.oid \
             WHERE c.relname = {} AND t.relname = {} AND (n.nspname = {schema} OR ({schema} IS NULL AND \
             pg_table_is_visible(t.oid)))",
            literal(name),
            literal(&index.table),
        );
        let rows = session.query(&sql).await.map_err(doing)?;
        let Some(row) = rows.into_iter().next() else { return Ok(false) };
        let cell = |at: usize| row.get(at).cloned().flatten().unwrap_or_default();
        let (full, valid, builder) = (cell(0), cell(1) == "t", cell(2));
        if !builder.is_empty() {
            return Err(MigrateError::IndexInBuild { index: full, process: builder });
        }
        if valid {
            return Ok(unsure);
        }
        let drop = format!("DROP INDEX CONCURRENTLY {full}");
        session.execute("SET lock_timeout = 0").await.map_err(doing)?;
        let dropped = session.execute(&drop).await;
        let limit = self.options.lock_timeout.as_millis();
        session.execute(&format!("SET lock_timeout = {limit}")).await.map_err(doing)?;
        dropped
            .map_err(|source| MigrateError::Bookkeeping { doing: format!("drop half-built index {full}"), source })?;
        (self.listener)(Event::IndexDropped { index: full });
        Ok(false)
    }
}

enum Failure {
    Statement(ServerError),
    Other(MigrateError),
}

impl From<MigrateError> for Failure {
    fn from(error: MigrateError) -> Self {
        Self::Other(error)
    }
}

/// Digest of the statements that are done.
fn done(statements: &[Statement]) -> String {
    let mut hasher = Sha256::new();
    for one in statements {
        hasher.update(one.sql.as_bytes());
        hasher.update([0]);
    }
    hexadecimal(&hasher.finalize())
}
