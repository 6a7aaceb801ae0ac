//! The version tables of migration tools: which there are in a database, and what they say.
//!
//! A table is told by its columns, since several tools name theirs alike. Sources: the statements with which goose 3.29,
//! golang-migrate 4, sqlx 0.8, refinery 0.9, Flyway 11, Alembic 1.16, Prisma 6, Django 5, Rails 8, dbmate 2, Diesel 2 and
//! Ecto 3 create them.

use std::collections::{BTreeMap, BTreeSet};

use crate::Dialect;
use crate::server::Rows;
use crate::tree::Layout;

/// A version table in a database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct VersionTable {
    pub(crate) layout: Layout,
    /// As it stands in statements: quoted, with its schema.
    pub(crate) quoted: String,
    /// As people read it.
    pub(crate) shown: String,
    columns: BTreeSet<String>,
    /// The side table with the checksums that `bowline migrate` keeps beside goose's, as it stands in statements.
    checksums: Option<String>,
}

/// What a version table says of one migration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) version: String,
    /// Why it is neither applied nor not.
    pub(crate) dirty: Option<String>,
    /// Of the file as it was run, in hexadecimal digits.
    pub(crate) checksum: Option<String>,
}

/// Everything that a version table says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Contents {
    pub(crate) entries: Vec<Entry>,
    /// The one version it keeps stands for all before it: golang-migrate, and what Flyway took for given.
    pub(crate) up_to: Option<String>,
}

/// What each tool's table has that tells it from all others; the most telling first.
const COLUMNS: [(Layout, &[&str]); 11] = [
    (Layout::Prisma, &["migration_name", "applied_steps_count", "rolled_back_at"]),
    (Layout::Flyway, &["installed_rank", "version", "success"]),
    (Layout::Sqlx, &["version", "success", "checksum", "execution_time"]),
    (Layout::Goose, &["version_id", "is_applied"]),
    (Layout::Refinery, &["version", "name", "applied_on", "checksum"]),
    (Layout::Alembic, &["version_num"]),
    (Layout::Django, &["app", "name", "applied"]),
    (Layout::GolangMigrate, &["version", "dirty"]),
    (Layout::Ecto, &["version", "inserted_at"]),
    (Layout::Diesel, &["version", "run_on"]),
    (Layout::Rails, &["version"]),
];

/// The side table of a version table.
fn checksums(table: &str) -> String {
    format!("{table}_checksum")
}

fn layout_of(columns: &BTreeSet<String>) -> Option<Layout> {
    let has_all = |wanted: &[&str]| wanted.iter().all(|column| columns.contains(*column));
    COLUMNS.iter().find(|(_, wanted)| has_all(wanted)).map(|(layout, _)| *layout)
}

/// The statement that lists the columns of all tables whose names are those of version tables, or `table`.
pub(crate) fn discovery(dialect: Dialect, table: Option<&str>) -> String {
    let (schema, names) = match table.map(|table| table.rsplit_once('.').map_or((None, table), |(s, t)| (Some(s), t))) {
        Some((schema, table)) => (schema, vec![table.to_owned()]),
        None => {
            let names: BTreeSet<&str> = Layout::ALL.iter().map(|layout| layout.table()).collect();
            (None, names.into_iter().map(str::to_owned).collect())
        }
    };
    let literal = |text: &str| format!("'{}'", text.replace('\'', "''"));
    let beside = names.iter().map(|name| checksums(name)).collect::<Vec<_>>();
    let names = names.iter().chain(&beside).map(|name| literal(name)).collect::<Vec<_>>().join(", ");
    let schema = |column: &str, other: &str| match schema {
        Some(schema) => format!("{column} = {}", literal(schema)),
        None => other.to_owned(),
    };
    match dialect {
        Dialect::Postgres => format!(
            "SELECT n.nspname, c.relname, a.attname, \
             coalesce(pg_catalog.array_position(pg_catalog.current_schemas(false), n.nspname), 1000) AS place \
             FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
             JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped \
             WHERE c.relkind IN ('r', 'p', 'v') AND c.relname IN ({names}) AND {} ORDER BY place, 1, 2",
            schema("n.nspname", "n.nspname NOT IN ('pg_catalog', 'information_schema')")
        ),
        Dialect::Mysql => format!(
            "SELECT table_schema, table_name, column_name, 1 FROM information_schema.columns \
             WHERE table_name IN ({names}) AND {} ORDER BY 1, 2",
            schema("table_schema", "table_schema = database()")
        ),
        Dialect::Sqlite => format!(
            "SELECT 'main', m.name, p.name, 1 FROM sqlite_master m JOIN pragma_table_info(m.name) p \
             WHERE m.type IN ('table', 'view') AND m.name IN ({names}) ORDER BY 2"
        ),
    }
}

/// The version tables in the answer to [`discovery`], the first to be found by their bare names first.
pub(crate) fn discovered(dialect: Dialect, rows: &Rows) -> Vec<VersionTable> {
    let mut found: BTreeMap<(u32, String, String), BTreeSet<String>> = BTreeMap::new();
    for row in rows {
        if let [Some(schema), Some(table), Some(column), place] = row.as_slice() {
            let place = place.as_deref().and_then(|place| place.parse().ok()).unwrap_or(1);
            found.entry((place, schema.clone(), table.clone())).or_default().insert(column.to_lowercase());
        }
    }
    let quote = |name: &str| match dialect {
        Dialect::Mysql => format!("`{}`", name.replace('`', "``")),
        Dialect::Postgres | Dialect::Sqlite => format!("\"{}\"", name.replace('"', "\"\"")),
    };
    let beside: BTreeSet<(String, String)> =
        found.keys().map(|(_, schema, table)| (schema.clone(), table.clone())).collect();
    let table = |((_, schema, table), columns): ((u32, String, String), BTreeSet<String>)| {
        let layout = layout_of(&columns)?;
        let checksums = Some(checksums(&table)).filter(|name| beside.contains(&(schema.clone(), name.clone())));
        let checksums = checksums.map(|name| format!("{}.{}", quote(&schema), quote(&name)));
        let quoted = format!("{}.{}", quote(&schema), quote(&table));
        let shown =
            if dialect == Dialect::Postgres && schema != "public" { format!("{schema}.{table}") } else { table };
        Some(VersionTable { layout, quoted, shown, columns, checksums })
    };
    found.into_iter().filter_map(table).collect()
}

impl Contents {
    /// Adds what [`VersionTable::checksum_query`] answered.
    pub(crate) fn add_checksums(&mut self, rows: &Rows) {
        for row in rows {
            if let [Some(version), Some(checksum)] = row.as_slice()
                && let Some(entry) = self.entries.iter_mut().find(|entry| entry.version == *version)
            {
                entry.checksum = Some(checksum.clone());
            }
        }
    }
}

impl VersionTable {
    /// The statement that reads it.
    pub(crate) fn query(&self, dialect: Dialect) -> String {
        let table = &self.quoted;
        let hexadecimal = |column: &str| match dialect {
            Dialect::Postgres => format!("encode({column}, 'hex')"),
            Dialect::Mysql | Dialect::Sqlite => format!("lower(hex({column}))"),
        };
        match self.layout {
            Layout::Goose => format!("SELECT version_id, is_applied FROM {table} ORDER BY id"),
            Layout::GolangMigrate => format!("SELECT version, dirty FROM {table}"),
            Layout::Sqlx => format!("SELECT version, success, {} FROM {table}", hexadecimal("checksum")),
            Layout::Flyway => format!("SELECT version, type, success FROM {table} ORDER BY installed_rank"),
            Layout::Alembic => format!("SELECT version_num FROM {table}"),
            Layout::Prisma => {
                format!("SELECT migration_name, finished_at, rolled_back_at, checksum FROM {table} ORDER BY started_at")
            }
            Layout::Django => format!("SELECT app, name FROM {table}"),
            Layout::Refinery | Layout::Diesel | Layout::Rails | Layout::Dbmate | Layout::Ecto => {
                format!("SELECT version FROM {table}")
            }
        }
    }

    /// The statement that reads the checksums of applied files, where somebody keeps them beside the table. A row that
    /// goose wrote has none.
    pub(crate) fn checksum_query(&self) -> Option<String> {
        let (table, checksums) = (&self.quoted, self.checksums.as_ref().filter(|_| self.layout == Layout::Goose)?);
        Some(format!(
            "SELECT c.version_id, c.sha256 FROM {checksums} c JOIN {table} v ON v.id = c.row_id AND v.version_id = c.version_id"
        ))
    }

    /// What it says, by the answer to [`Self::query`].
    pub(crate) fn read(&self, rows: &Rows) -> Contents {
        let mut contents = Contents::default();
        let mut entries: BTreeMap<String, Entry> = BTreeMap::new();
        for row in rows {
            let text = |at: usize| row.get(at).and_then(|value| value.as_deref());
            let Some(version) = text(0).map(str::to_owned) else { continue };
            let applied = Entry { version: version.clone(), dirty: None, checksum: None };
            match self.layout {
                // The newest row of a version counts; 0 is the row that the table begins with.
                Layout::Goose if version == "0" => {}
                Layout::Goose if is_true(text(1)) => drop(entries.insert(version, applied)),
                Layout::Goose => drop(entries.remove(&version)),
                // -1 is "none", left dirty by the first migration.
                Layout::GolangMigrate => {
                    let dirty =
                        is_true(text(1)).then(|| "a run of golang-migrate stopped in it, or is in it".to_owned());
                    contents.up_to = Some(version.clone());
                    entries.insert(version, Entry { dirty, ..applied });
                }
                Layout::Sqlx => {
                    let dirty = (!is_true(text(1))).then(|| "sqlx noted that it did not succeed".to_owned());
                    entries.insert(version, Entry { dirty, checksum: text(2).map(str::to_owned), ..applied });
                }
                Layout::Flyway => {
                    let version = version.split('.').map(without_zeros).collect::<Vec<_>>().join(".");
                    let kind = text(1).unwrap_or_default();
                    let success = is_true(text(2));
                    if matches!(kind, "DELETE") || (success && kind.starts_with("UNDO")) {
                        entries.remove(&version);
                    } else if !success {
                        let dirty = Some("Flyway noted that it did not succeed".to_owned());
                        entries.insert(version.clone(), Entry { version, dirty, checksum: None });
                    } else {
                        if kind.ends_with("BASELINE") {
                            contents.up_to = Some(version.clone());
                        }
                        entries.insert(version.clone(), Entry { version, dirty: None, checksum: None });
                    }
                }
                Layout::Prisma => {
                    let (finished, rolled_back) = (text(1).is_some(), text(2).is_some());
                    if rolled_back {
                        continue;
                    }
                    let dirty = (!finished).then(|| "a run of Prisma stopped in it, or is in it".to_owned());
                    entries.insert(version, Entry { dirty, checksum: text(3).map(str::to_owned), ..applied });
                }
                Layout::Django => {
                    let version = format!("{version}.{}", text(1).unwrap_or_default());
                    entries.insert(version.clone(), Entry { version, dirty: None, checksum: None });
                }
                Layout::Refinery | Layout::Alembic | Layout::Diesel | Layout::Rails | Layout::Dbmate | Layout::Ecto => {
                    drop(entries.insert(version, applied));
                }
            }
        }
        contents.entries = entries.into_values().collect();
        contents
    }

    /// Whether a folder of a tool can be what this table is about.
    pub(crate) fn fits(&self, layout: Layout) -> bool {
        let bare = |layout| matches!(layout, Layout::Rails | Layout::Dbmate);
        self.layout == layout
            || (bare(self.layout) && bare(layout))
            || matches!(
                (self.layout, layout),
                // The same files; which tool runs them only the table says.
                (Layout::Sqlx, Layout::GolangMigrate)
                    | (Layout::GolangMigrate, Layout::Sqlx)
                    | (Layout::Refinery, Layout::Flyway)
                    | (Layout::Flyway, Layout::Refinery)
            )
    }

    /// Whether it has a column.
    #[cfg(test)]
    fn has(&self, column: &str) -> bool {
        self.columns.contains(column)
    }
}

fn without_zeros(version: &str) -> &str {
    match version.trim_start_matches('0') {
        "" => "0",
        rest => rest,
    }
}

fn is_true(text: Option<&str>) -> bool {
    text.is_some_and(|text| matches!(text.to_ascii_lowercase().as_str(), "t" | "true" | "1" | "\u{1}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(rows: &[&[&str]]) -> Rows {
        let value = |text: &&str| (*text != "NULL").then(|| (*text).to_owned());
        rows.iter().map(|row| row.iter().map(value).collect()).collect()
    }

    fn read(layout: Layout, given: &[&[&str]]) -> (Vec<String>, Vec<String>, Option<String>) {
        let table = VersionTable {
            layout,
            quoted: String::new(),
            shown: String::new(),
            columns: BTreeSet::new(),
            checksums: None,
        };
        let contents = table.read(&rows(given));
        let (dirty, applied): (Vec<_>, Vec<_>) = contents.entries.into_iter().partition(|entry| entry.dirty.is_some());
        let versions = |entries: Vec<Entry>| entries.into_iter().map(|entry| entry.version).collect();
        (versions(applied), versions(dirty), contents.up_to)
    }

    #[test]
    fn tables_of_one_name_are_told_by_their_columns() {
        let found = |columns: &[&str]| {
            let rows = columns.iter().map(|c| vec!["public", "schema_migrations", *c, "1"]).collect::<Vec<_>>();
            let rows = rows.iter().map(|row| row.iter().map(|text| Some((*text).to_owned())).collect()).collect();
            let tables = discovered(Dialect::Postgres, &rows);
            assert!(columns.iter().all(|column| tables[0].has(column)));
            (tables[0].layout, tables[0].quoted.clone(), tables[0].shown.clone())
        };
        let quoted = "\"public\".\"schema_migrations\"".to_owned();
        assert_eq!(found(&["version"]), (Layout::Rails, quoted.clone(), "schema_migrations".into()));
        assert_eq!(found(&["version", "dirty"]).0, Layout::GolangMigrate);
        assert_eq!(found(&["version", "inserted_at"]).0, Layout::Ecto);
    }

    #[test]
    fn the_newest_row_of_a_goose_version_counts() {
        let found = read(Layout::Goose, &[&["0", "t"], &["1", "t"], &["2", "t"], &["2", "f"], &["3", "1"]]);
        assert_eq!(found, (vec!["1".into(), "3".into()], vec![], None));
    }

    #[test]
    fn what_is_half_done_is_dirty() {
        assert_eq!(read(Layout::GolangMigrate, &[&["7", "t"]]), (vec![], vec!["7".into()], Some("7".into())));
        assert_eq!(read(Layout::GolangMigrate, &[&["7", "f"]]).2, Some("7".into()));
        assert_eq!(read(Layout::Sqlx, &[&["1", "t", "ab"], &["2", "f", "cd"]]).1, ["2"]);
        let prisma = [["a", "NULL", "NULL", "x"], ["b", "NULL", "now", "x"], ["c", "now", "NULL", "x"]];
        let prisma: Vec<&[&str]> = prisma.iter().map(<[&str; 4]>::as_slice).collect();
        assert_eq!(read(Layout::Prisma, &prisma), (vec!["c".into()], vec!["a".into()], None));
        let flyway: [&[&str]; 6] = [
            &["1", "BASELINE", "t"],
            &["2", "SQL", "t"],
            &["02.1", "SQL", "f"],
            &["3", "SQL", "t"],
            &["3", "UNDO_SQL", "t"],
            &["NULL", "SQL", "t"],
        ];
        assert_eq!(read(Layout::Flyway, &flyway), (vec!["1".into(), "2".into()], vec!["2.1".into()], Some("1".into())));
    }
}
