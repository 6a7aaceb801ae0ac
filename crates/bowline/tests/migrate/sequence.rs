//! Consecutive files, each in its own transaction and the next one sent while one runs: what fails fails alone.

use bowline_peers::postgres::Postgres;

use crate::project::{Project, eventually};

/// A number drawn is not given back by a rollback: it shows that a file ran.
fn file(version: u32, statements: &str) -> (String, String) {
    (format!("{version}_f.sql"), format!("-- +goose Up\nSELECT nextval('ran');\n{statements}\n"))
}

fn project(files: &[(String, String)]) -> Project {
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    Project::new(&files)
}

#[test]
fn a_file_that_fails_stops_the_ones_behind_it_before_they_begin() {
    let Some(postgres) = Postgres::start() else { return };
    let cases = [
        ("runs", "SELECT 'ü';\n  SELECT nope FROM t2;", "3_f.sql:4:10: column \"nope\" does not exist"),
        ("parses", "SELECT 'ü';\nSELEKT 1;", "3_f.sql:4:1: syntax error at or near \"SELEKT\""),
        ("divides", "SELECT 1;\nSELECT 1 / count(*) FROM t2 WHERE false;", "3_f.sql:4:1: division by zero"),
        (
            "commits",
            "CREATE TABLE t3 (id int REFERENCES t2 DEFERRABLE INITIALLY DEFERRED);\nINSERT INTO t3 VALUES (9);",
            "commit ",
        ),
    ];
    for (name, statements, expected) in cases {
        let url = postgres.database(name);
        postgres.psql_at(&url, "CREATE SEQUENCE ran").unwrap();
        let project = project(&[
            file(1, "CREATE TABLE t1 (id int PRIMARY KEY);"),
            file(2, "CREATE TABLE t2 (id int PRIMARY KEY);"),
            file(3, statements),
            file(4, "CREATE TABLE t4 (id int);"),
            file(5, "CREATE TABLE t5 (id int);"),
        ]);
        let said = project.bowline(("postgres", &url), &["up"]);
        assert_eq!(said.code, Some(1), "{name}: {said:?}");
        assert!(said.err.contains(expected) && said.err.contains("3_f.sql"), "{name}: {}", said.err);
        assert!(said.err.contains("OK   2_f.sql") && !said.err.contains("4_f.sql"), "{name}: {}", said.err);
        let asked = "SELECT (SELECT max(version_id) FROM goose_db_version), (SELECT max(version_id) FROM \
                     goose_db_version_checksum), to_regclass('t3') IS NULL, to_regclass('t4') IS NULL";
        assert_eq!(postgres.psql_at(&url, asked).unwrap(), "2|2|t|t", "{name}");
        // what cannot be parsed does not begin at all
        let ran = if name == "parses" { "2" } else { "3" };
        assert_eq!(postgres.psql_at(&url, "SELECT last_value FROM ran").unwrap(), ran, "{name}: files that began");
        project.write("3_f.sql", "-- +goose Up\nSELECT 1;\n");
        let mended = project.bowline(("postgres", &url), &["up", "-o", "json"]).ok().json();
        assert_eq!((mended["version"].as_u64(), mended["applied"].as_array().unwrap().len()), (Some(5), 3));
    }
}

#[test]
fn files_that_do_not_stand_alone_take_turns_with_those_that_do() {
    let Some(postgres) = Postgres::start() else { return };
    let url = postgres.database("mixed");
    let database = ("postgres", url.as_str());
    let project = Project::new(&[
        ("1_a.sql", "-- +goose Up\nCREATE TABLE a (id int);\n"),
        ("2_b.sql", "-- +goose Up\nINSERT INTO a VALUES (2);\n"),
        ("3_c.sql", "-- +goose NO TRANSACTION\n-- +goose Up\nDISCARD ALL;\nVACUUM a;\n"),
        ("4_d.sql", "-- +goose Up\nINSERT INTO a VALUES (4);\n"),
        ("5_e.sql", "-- +goose Up\nSET TRANSACTION ISOLATION LEVEL SERIALIZABLE;\nINSERT INTO a VALUES (5);\n"),
        ("6_f.sql", "-- +goose Up\nDEALLOCATE ALL;\n"),
        ("7_g.sql", "-- +goose Up\n"),
        ("8_h.sql", "-- +goose Up\nINSERT INTO a VALUES (8);\n"),
        ("9_i.sql", "-- +goose Up\nINSERT INTO a VALUES (9); INSERT INTO a VALUES (9);\n"),
    ]);
    let up = project.bowline(database, &["up", "-o", "json"]).ok().json();
    assert_eq!((up["version"].as_u64(), up["applied"].as_array().unwrap().len()), (Some(9), 9));
    assert_eq!(postgres.psql_at(&url, "SELECT string_agg(id::text, ' ' ORDER BY id) FROM a").unwrap(), "2 4 5 8 9 9");
    let rows = "SELECT count(*), count(DISTINCT v.version_id), bool_and(v.id = c.row_id) FROM goose_db_version v JOIN \
                goose_db_version_checksum c USING (version_id)";
    assert_eq!(postgres.psql_at(&url, rows).unwrap(), "9|9|t");
    assert!(!project.bowline(database, &["status"]).ok().out.contains("changed"));
    // up again where the rows of an earlier time are there
    project.bowline(database, &["down-to", "3"]).ok();
    assert_eq!(project.bowline(database, &["version"]).ok().out, "bowline: version 3\n");
}

#[test]
fn a_file_that_gives_way_in_the_midst_is_tried_again_and_runs_once() {
    let Some(postgres) = Postgres::start() else { return };
    let url = postgres.database("gives_way");
    let database = ("postgres", url.as_str());
    let project = Project::new(&[
        ("1_a.sql", "-- +goose Up\nCREATE TABLE a (id int);\n"),
        ("2_b.sql", "-- +goose Up\nINSERT INTO a VALUES (2);\n"),
        ("3_c.sql", "-- +goose Up\nINSERT INTO a VALUES (3);\nALTER TABLE busy ADD COLUMN more int;\n"),
        ("4_d.sql", "-- +goose Up\nINSERT INTO a VALUES (4);\n"),
    ]);
    postgres.psql_at(&url, "CREATE TABLE busy (id int)").unwrap();
    let mut blocker = postgres.command("psql");
    let sql = "BEGIN; LOCK TABLE busy; SELECT pg_sleep(2)";
    let mut blocker = blocker.args(["-XAtq", "-c", sql, &url]).stdout(std::process::Stdio::null()).spawn().unwrap();
    eventually("the table is locked", || {
        postgres
            .psql_at(&url, "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep'")
            .is_ok_and(|row| row == "1")
    });
    let said = project.bowline(database, &["up", "--lock-timeout", "300ms", "--lock-retries", "30"]).ok();
    blocker.wait().unwrap();
    assert!(said.err.contains("3_c.sql: canceling statement due to lock timeout"), "{}", said.err);
    assert!(said.err.contains("in the way: pid"), "{}", said.err);
    assert_eq!(postgres.psql_at(&url, "SELECT string_agg(id::text, ' ' ORDER BY id) FROM a").unwrap(), "2 3 4");
}

#[test]
fn the_last_one_waits_for_the_disk_and_the_others_need_not() {
    let Some(postgres) = Postgres::start() else { return };
    let url = postgres.database("durable");
    postgres.psql_at(&url, "CREATE TABLE said (id int, how text)").unwrap();
    let file = |version: u32| {
        (
            format!("{version}_f.sql"),
            format!("-- +goose Up\nINSERT INTO said SELECT {version}, current_setting('synchronous_commit');\n"),
        )
    };
    let project = project(&[file(1), file(2), file(3)]);
    project.bowline(("postgres", &url), &["up"]).ok();
    assert_eq!(postgres.psql_at(&url, "SELECT string_agg(how, ' ' ORDER BY id) FROM said").unwrap(), "off off on");
}
