//! Bowline and goose take turns on one database, and goose alone works on another: both come out the same.

use std::path::PathBuf;

use bowline_peers::mariadb::MariaDb;
use bowline_peers::postgres::Postgres;

use crate::project::{Numbers, Project};

/// SQL that every dialect takes.
const FILES: [(&str, &str); 6] = [
    (
        "00001_knots.sql",
        "-- +goose Up\nCREATE TABLE knots (id int PRIMARY KEY, name varchar(20));\nINSERT INTO knots VALUES (1, 'a;b');\n\
         -- +goose Down\nDROP TABLE knots;\n",
    ),
    (
        "00002_more.sql",
        "-- +goose Up\nINSERT INTO knots\n  -- two\n  VALUES (2, 'x');\n-- +goose Down\nDELETE FROM knots WHERE id = 2;\n",
    ),
    (
        "00003_index.sql",
        "-- +goose NO TRANSACTION\n-- +goose Up\nCREATE TABLE ropes (id int);\nCREATE INDEX ropes_id ON ropes (id);\n\
         -- +goose Down\nDROP TABLE ropes;\n",
    ),
    (
        "00004_block.sql",
        "-- +goose Up\n-- +goose StatementBegin\nINSERT INTO knots\nVALUES (4, 'y')\n;\n-- +goose StatementEnd\n\
         -- +goose Down\n-- +goose StatementBegin\nDELETE FROM knots WHERE id = 4\n-- +goose StatementEnd\n",
    ),
    ("00005_empty.sql", "-- nothing here\n-- +goose Up\n-- +goose Down\n"),
    (
        "00006_env.sql",
        "-- +goose Up\n-- +goose ENVSUB ON\nINSERT INTO knots VALUES (6, '${NAME} ${NONE:-none}');\n-- +goose ENVSUB OFF\n\
         -- +goose Down\nDELETE FROM knots WHERE id = 6;\n",
    ),
];

/// A database that can be asked.
struct Database<'a> {
    driver: &'static str,
    address: String,
    ask: Box<dyn Fn(&str) -> String + 'a>,
}

impl Database<'_> {
    fn at(&self) -> (&str, &str) {
        (self.driver, &self.address)
    }

    /// All that matters: the version table's rows in order, and what the migrations made.
    fn content(&self) -> String {
        let versions = (self.ask)("SELECT version_id, is_applied FROM goose_db_version ORDER BY id");
        let knots = (self.ask)("SELECT id, name FROM knots ORDER BY id");
        let ropes = (self.ask)("SELECT count(*) FROM ropes");
        format!("versions:\n{versions}\nknots:\n{knots}\nropes:\n{ropes}")
    }
}

fn take_turns(goose: &PathBuf, shared: &Database, alone: &Database, seed: u64) {
    let project = Project::new(&FILES);
    let mut numbers = Numbers(seed);
    let mut story = Vec::new();
    // goose's reset wants a table to be there
    for step in 0..14 {
        let version = numbers.below(7).to_string();
        let arguments: Vec<&str> = match numbers.below(if step == 0 { 3 } else { 9 }) {
            0 => vec!["up"],
            1 => vec!["up-to", if version == "0" { "1" } else { &version }],
            2 | 3 => vec!["up-by-one"],
            4 => vec!["down"],
            5 => vec!["down-to", &version],
            6 => vec!["redo"],
            7 => vec!["reset"],
            _ => vec!["up"],
        };
        let ours = numbers.below(2) == 0;
        story.push(format!("{} {}", if ours { "bowline" } else { "goose" }, arguments.join(" ")));
        let on_shared =
            if ours { project.bowline(shared.at(), &arguments) } else { project.goose(goose, shared.at(), &arguments) };
        let on_alone = project.goose(goose, alone.at(), &arguments);
        let ended = |code: Option<i32>| code == Some(0);
        assert_eq!(ended(on_shared.code), ended(on_alone.code), "{story:#?}\n{on_shared:?}\n{on_alone:?}");
        assert_eq!(shared.content(), alone.content(), "{story:#?}");
        let theirs = project.goose(goose, shared.at(), &["status"]).ok();
        let theirs: Vec<&str> = theirs.err.lines().filter_map(|line| line.get(20..)).collect();
        let own = project.bowline(shared.at(), &["status"]).ok();
        assert_eq!(own.out.lines().collect::<Vec<_>>(), theirs, "{story:#?}");
        let version = project.goose(goose, shared.at(), &["version"]).ok().err;
        let number = |text: &str| text.trim().rsplit(' ').next().map(str::to_owned);
        assert_eq!(number(&project.bowline(shared.at(), &["version"]).ok().out), number(&version), "{story:#?}");
    }
}

#[test]
fn postgresql() {
    let (Some(goose), Some(postgres)) = (bowline_peers::find("goose"), Postgres::start()) else { return };
    for seed in 1..=2 {
        let database = |name: &str| {
            let address = postgres.database(&format!("{name}{seed}"));
            let (postgres, at) = (&postgres, address.clone());
            Database {
                driver: "postgres",
                address,
                ask: Box::new(move |sql| postgres.psql_at(&at, sql).unwrap_or_else(|_| "none".to_owned())),
            }
        };
        take_turns(&goose, &database("shared"), &database("alone"), seed);
    }
}

#[test]
fn mariadb() {
    let (Some(goose), Some(maria)) = (bowline_peers::find("goose"), MariaDb::start()) else { return };
    let database = |name: &'static str| {
        maria.sql(&format!("CREATE DATABASE {name}")).unwrap();
        let maria = &maria;
        Database {
            driver: "mysql",
            address: maria.dsn().replace("/todo", &format!("/{name}")),
            ask: Box::new(move |sql| maria.sql(&format!("USE {name}; {sql}")).unwrap_or_else(|_| "none".to_owned())),
        }
    };
    take_turns(&goose, &database("shared"), &database("alone"), 3);
}

#[test]
fn sqlite() {
    let Some(goose) = bowline_peers::find("goose") else { return };
    let folder = tempfile::tempdir().unwrap();
    let database = |name: &str| {
        let path = folder.path().join(name);
        let at = path.clone();
        Database { driver: "sqlite3", address: path.display().to_string(), ask: Box::new(move |sql| rows(&at, sql)) }
    };
    take_turns(&goose, &database("shared.db"), &database("alone.db"), 4);
    assert!(!folder.path().join("shared.db-migrate-lock").exists(), "the lock's file is gone");
}

fn rows(path: &PathBuf, sql: &str) -> String {
    let connection = rusqlite::Connection::open(path).unwrap();
    let Ok(mut statement) = connection.prepare(sql) else { return "none".to_owned() };
    let columns = statement.column_count();
    let row = |row: &rusqlite::Row<'_>| {
        (0..columns).map(|at| row.get::<_, rusqlite::types::Value>(at).map(|value| format!("{value:?}"))).collect()
    };
    let rows: Result<Vec<Vec<String>>, _> = statement.query_map([], row).unwrap().collect();
    format!("{:?}", rows.unwrap())
}

#[test]
fn a_file_below_the_databases_version() {
    let (Some(goose), Some(postgres)) = (bowline_peers::find("goose"), Postgres::start()) else { return };
    let project = Project::new(&FILES[..1]);
    project.write("00003_c.sql", "-- +goose Up\nSELECT 3;\n");
    let (ours, theirs) = (postgres.database("ours"), postgres.database("theirs"));
    project.bowline(("postgres", &ours), &["up"]).ok();
    project.goose(&goose, ("postgres", &theirs), &["up"]).ok();
    project.write("00002_b.sql", "-- +goose Up\nSELECT 2;\n");
    project.write("00004_d.sql", "-- +goose Up\nSELECT 4;\n");
    let refused = project.bowline(("postgres", &ours), &["up"]);
    assert_eq!(refused.code, Some(1));
    assert!(refused.err.contains("found 1 missing migrations before current version 3"), "{}", refused.err);
    assert!(refused.err.contains("00002_b.sql") && refused.err.contains("hint: bowline migrate up --allow-missing"));
    assert!(
        project
            .goose(&goose, ("postgres", &theirs), &["up"])
            .err
            .contains("found 1 missing migrations before current version 3")
    );
    project.bowline(("postgres", &ours), &["up", "--allow-missing"]).ok();
    project.goose(&goose, ("postgres", &theirs), &["up", "-allow-missing"]).ok();
    let rows = |url: &str| postgres.psql_at(url, "SELECT version_id FROM goose_db_version ORDER BY id").unwrap();
    assert_eq!(rows(&ours), "0\n1\n3\n2\n4");
    assert_eq!(rows(&ours), rows(&theirs));
}
