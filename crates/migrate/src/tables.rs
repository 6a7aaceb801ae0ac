//! goose's version table, and beside it the checksums of applied files and the journal of files without a transaction.
//! All statements are text: what goes into them are numbers, hexadecimal digests, and quoted file names.

use std::collections::BTreeMap;

use crate::error::MigrateError;
use crate::file::Direction;
use crate::options::Table;
use crate::server::{Rows, ServerError, Session};
use crate::target::Dialect;

/// A row of the version table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct VersionRow {
    pub(crate) id: i64,
    pub(crate) version: i64,
    pub(crate) applied: bool,
    /// As the server writes it.
    pub(crate) at: String,
}

/// How far a file without a transaction came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct JournalRow {
    pub(crate) version: i64,
    pub(crate) direction: Direction,
    /// The statement to go on with, from 1.
    pub(crate) next: usize,
    pub(crate) of: usize,
    /// Digest of the statements before it.
    pub(crate) done: String,
    /// Whether it was sent and nothing is known of its end.
    pub(crate) running: bool,
    pub(crate) error: Option<String>,
}

/// What the database knows of migrations.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct State {
    /// Whether all three tables are there.
    pub(crate) complete: bool,
    /// Whether goose's own is there.
    pub(crate) versioned: bool,
    /// Latest first.
    pub(crate) rows: Vec<VersionRow>,
    /// Version → id of the row it belongs to, digest of the file.
    pub(crate) checksums: BTreeMap<i64, (i64, String)>,
    pub(crate) journal: Vec<JournalRow>,
}

impl State {
    /// The latest row of each version decides, as with goose; the first that is applied is the current one.
    pub(crate) fn current(&self) -> i64 {
        let mut undone = Vec::new();
        for row in &self.rows {
            if undone.contains(&row.version) {
                continue;
            }
            if row.applied {
                return row.version;
            }
            undone.push(row.version);
        }
        0
    }

    /// Version → its latest row.
    pub(crate) fn latest(&self) -> BTreeMap<i64, &VersionRow> {
        let mut latest = BTreeMap::new();
        for row in &self.rows {
            latest.entry(row.version).or_insert(row);
        }
        latest
    }
}

pub(crate) struct Tables<'a> {
    pub(crate) table: &'a Table,
    pub(crate) dialect: Dialect,
}

impl Tables<'_> {
    /// Reads all there is. Writes nothing: a replica and a database that was never migrated can be asked too.
    pub(crate) async fn read(&self, session: &mut Session) -> Result<State, MigrateError> {
        let failed = |table: &str| {
            let doing = format!("read {table}");
            move |source: ServerError| MigrateError::Bookkeeping { doing, source }
        };
        let (versions, checksums, journal) = (self.table.name(), self.table.checksums(), self.table.journal());
        let names = [versions, &checksums, &journal];
        let found = session.query(&self.existence(names)).await.map_err(failed("the catalog"))?;
        let found = found.into_iter().next().unwrap_or_default();
        let exists = |index: usize| {
            found.get(index).and_then(|cell| cell.as_deref()).is_some_and(|cell| !matches!(cell, "0" | "f" | ""))
        };
        let mut state =
            State { versioned: exists(0), complete: exists(0) && exists(1) && exists(2), ..State::default() };
        if exists(0) {
            let sql = format!("SELECT id, version_id, is_applied, tstamp FROM {versions} ORDER BY id DESC");
            state.rows = version_rows(&session.query(&sql).await.map_err(failed(versions))?);
        }
        if exists(1) {
            let sql = format!("SELECT version_id, row_id, sha256 FROM {checksums}");
            let rows = session.query(&sql).await.map_err(failed(&checksums))?;
            state.checksums = rows
                .iter()
                .filter_map(|row| Some((number(row, 0)?, (number(row, 1)?, row.get(2)?.clone()?))))
                .collect();
        }
        if exists(2) {
            let columns = "version_id, direction, next_statement, statements, done_sha256, running, error";
            let sql = format!("SELECT {columns} FROM {journal} ORDER BY version_id");
            state.journal = journal_rows(&session.query(&sql).await.map_err(failed(&journal))?);
        }
        Ok(state)
    }

    /// Makes what is missing. goose's table as goose makes it, with its row for version 0.
    pub(crate) async fn create(&self, session: &mut Session, state: &State) -> Result<(), MigrateError> {
        if state.complete {
            return Ok(());
        }
        let mut statements = Vec::new();
        if !state.versioned {
            statements.push(self.create_versions());
            statements.push(format!(
                "INSERT INTO {} (version_id, is_applied) VALUES (0, {})",
                self.table.name(),
                self.yes()
            ));
        }
        let (checksums, journal) = (self.table.checksums(), self.table.journal());
        statements.push(format!(
            "CREATE TABLE IF NOT EXISTS {checksums} (version_id bigint NOT NULL PRIMARY KEY, row_id bigint NOT NULL, \
             sha256 varchar(64) NOT NULL, file varchar(255) NOT NULL)"
        ));
        statements.push(format!(
            "CREATE TABLE IF NOT EXISTS {journal} (version_id bigint NOT NULL PRIMARY KEY, direction varchar(4) NOT \
             NULL, next_statement integer NOT NULL, statements integer NOT NULL, done_sha256 varchar(64) NOT NULL, \
             running smallint NOT NULL, error text, tstamp timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP)"
        ));
        let statements: Vec<&str> = statements.iter().map(String::as_str).collect();
        session.transaction(&statements, false).await.map_err(|(_, source)| MigrateError::Bookkeeping {
            doing: format!("create the version table {}", self.table.name()),
            source,
        })
    }

    fn create_versions(&self) -> String {
        let columns = match self.dialect {
            Dialect::Postgres => {
                "id integer PRIMARY KEY GENERATED BY DEFAULT AS IDENTITY, version_id bigint NOT NULL, is_applied \
                 boolean NOT NULL, tstamp timestamp NOT NULL DEFAULT now()"
            }
            Dialect::Mysql => {
                "id bigint(20) unsigned NOT NULL AUTO_INCREMENT, version_id bigint NOT NULL, is_applied boolean NOT \
                 NULL, tstamp datetime NULL default CURRENT_TIMESTAMP, PRIMARY KEY(id)"
            }
            Dialect::Sqlite => {
                "id INTEGER PRIMARY KEY AUTOINCREMENT, version_id INTEGER NOT NULL, is_applied INTEGER NOT NULL, \
                 tstamp TIMESTAMP DEFAULT (datetime('now'))"
            }
        };
        format!("CREATE TABLE {} ({columns})", self.table.name())
    }

    fn yes(&self) -> &'static str {
        if self.dialect == Dialect::Postgres { "true" } else { "1" }
    }

    fn existence(&self, names: [&str; 3]) -> String {
        let asked = names.map(|name| match self.dialect {
            Dialect::Postgres => format!("to_regclass('{name}') IS NOT NULL"),
            Dialect::Mysql => {
                let (schema, table) = match name.split_once('.') {
                    Some((schema, table)) => (format!("'{schema}'"), table),
                    None => ("DATABASE()".to_owned(), name),
                };
                format!(
                    "EXISTS (SELECT 1 FROM information_schema.tables WHERE table_schema = {schema} AND table_name = \
                     '{table}')"
                )
            }
            Dialect::Sqlite => {
                let table = name.rsplit('.').next().unwrap_or(name);
                format!("EXISTS (SELECT 1 FROM sqlite_master WHERE type = 'table' AND lower(name) = lower('{table}'))")
            }
        });
        format!("SELECT {}", asked.join(", "))
    }

    /// What records a file as applied or undone, to be run in one transaction.
    pub(crate) fn record(&self, version: i64, direction: Direction, file: &str, digest: &str) -> Vec<String> {
        let (versions, checksums) = (self.table.name(), self.table.checksums());
        if direction == Direction::Down {
            return vec![
                format!("DELETE FROM {versions} WHERE version_id = {version}"),
                format!("DELETE FROM {checksums} WHERE version_id = {version}"),
            ];
        }
        let file = file_name(file);
        match self.dialect {
            Dialect::Postgres => vec![self.record_at_once(&version.to_string(), &format!("'{digest}'"), &file)],
            Dialect::Mysql | Dialect::Sqlite => vec![
                format!("INSERT INTO {versions} (version_id, is_applied) VALUES ({version}, {})", self.yes()),
                format!(
                    "REPLACE INTO {checksums} (version_id, row_id, sha256, file) SELECT {version}, MAX(id), \
                     '{digest}', {file} FROM {versions} WHERE version_id = {version}"
                ),
            ],
        }
    }

    /// PostgreSQL's record of an applied file, in one statement.
    fn record_at_once(&self, version: &str, digest: &str, file: &str) -> String {
        let (versions, checksums) = (self.table.name(), self.table.checksums());
        format!(
            "WITH applied AS (INSERT INTO {versions} (version_id, is_applied) VALUES ({version}, true) RETURNING id) \
             INSERT INTO {checksums} (version_id, row_id, sha256, file) SELECT {version}, id, {digest}, {file} FROM \
             applied ON CONFLICT (version_id) DO UPDATE SET row_id = EXCLUDED.row_id, sha256 = EXCLUDED.sha256, file = \
             EXCLUDED.file"
        )
    }

    /// Prepares what [`Tables::record_prepared`] and [`Tables::after`] execute, on PostgreSQL.
    pub(crate) fn prepare(&self, name: &str) -> String {
        format!(
            "PREPARE {name}_record (bigint, varchar, varchar) AS {}; PREPARE {name}_after (bigint) AS SELECT 1 / \
             count(*) FROM {} WHERE version_id = $1",
            self.record_at_once("$1", "$2", "$3"),
            self.table.checksums(),
        )
    }

    /// Records a file as applied.
    pub(crate) fn record_prepared(&self, name: &str, version: i64, file: &str, digest: &str) -> String {
        format!("EXECUTE {name}_record ({version}, '{digest}', {});", file_name(file))
    }

    /// Fails where a version is not recorded.
    pub(crate) fn after(&self, name: &str, version: i64) -> String {
        format!("EXECUTE {name}_after ({version});")
    }

    /// A change of nothing that is on disk when it returns, and with it all that was committed before.
    pub(crate) fn flush(&self, version: i64) -> String {
        format!("UPDATE {} SET sha256 = sha256 WHERE version_id = {version}", self.table.checksums())
    }

    /// How far a file without a transaction is.
    pub(crate) fn progress(&self, row: &JournalRow) -> String {
        let journal = self.table.journal();
        let columns = "version_id, direction, next_statement, statements, done_sha256, running, error, tstamp";
        let values = format!(
            "{}, '{}', {}, {}, '{}', {}, {}, CURRENT_TIMESTAMP",
            row.version,
            row.direction.as_str(),
            row.next,
            row.of,
            row.done,
            u8::from(row.running),
            row.error.as_deref().map_or_else(|| "NULL".to_owned(), quoted),
        );
        match self.dialect {
            Dialect::Postgres => format!(
                "INSERT INTO {journal} ({columns}) VALUES ({values}) ON CONFLICT (version_id) DO UPDATE SET direction \
                 = EXCLUDED.direction, next_statement = EXCLUDED.next_statement, statements = EXCLUDED.statements, \
                 done_sha256 = EXCLUDED.done_sha256, running = EXCLUDED.running, error = EXCLUDED.error, tstamp = \
                 EXCLUDED.tstamp"
            ),
            Dialect::Mysql | Dialect::Sqlite => format!("REPLACE INTO {journal} ({columns}) VALUES ({values})"),
        }
    }

    /// A file without a transaction is through.
    pub(crate) fn forget(&self, version: i64) -> String {
        format!("DELETE FROM {} WHERE version_id = {version}", self.table.journal())
    }
}

/// A file's name as a string literal that fits its column.
fn file_name(file: &str) -> String {
    quoted(&file.chars().take(255).collect::<String>())
}

/// A string literal that every dialect reads the same: what could be read otherwise is left out.
fn quoted(text: &str) -> String {
    let safe: String = text.chars().map(|c| if c == '\\' || c.is_control() { ' ' } else { c }).collect();
    format!("'{}'", safe.replace('\'', "''"))
}

fn number(row: &[Option<String>], index: usize) -> Option<i64> {
    row.get(index)?.as_deref()?.parse().ok()
}

fn yes(row: &[Option<String>], index: usize) -> bool {
    row.get(index).and_then(|cell| cell.as_deref()).is_some_and(|cell| matches!(cell, "t" | "1" | "true"))
}

fn version_rows(rows: &Rows) -> Vec<VersionRow> {
    let row = |row: &Vec<Option<String>>| {
        let at = row.get(3).cloned().flatten().unwrap_or_default();
        Some(VersionRow { id: number(row, 0)?, version: number(row, 1)?, applied: yes(row, 2), at })
    };
    rows.iter().filter_map(row).collect()
}

fn journal_rows(rows: &Rows) -> Vec<JournalRow> {
    let row = |row: &Vec<Option<String>>| {
        let direction = if row.get(1)?.as_deref()? == "down" { Direction::Down } else { Direction::Up };
        Some(JournalRow {
            version: number(row, 0)?,
            direction,
            next: usize::try_from(number(row, 2)?).ok()?,
            of: usize::try_from(number(row, 3)?).ok()?,
            done: row.get(4)?.clone()?,
            running: yes(row, 5),
            error: row.get(6)?.clone(),
        })
    };
    rows.iter().filter_map(row).collect()
}
