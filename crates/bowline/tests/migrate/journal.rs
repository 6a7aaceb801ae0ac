//! Files without a transaction that are killed in their midst.

use bowline_peers::mariadb::MariaDb;
use bowline_peers::postgres::Postgres;

use crate::project::{Project, eventually};

#[test]
fn a_killed_index_build_is_dropped_and_built_again() {
    let Some(postgres) = Postgres::start() else { return };
    let url = postgres.database("half");
    let database = ("postgres", url.as_str());
    let project = Project::new(&[
        ("1_t.sql", "-- +goose Up\nCREATE TABLE t (id int);\nINSERT INTO t SELECT generate_series(1, 1000);\n"),
        (
            "2_index.sql",
            "-- +goose NO TRANSACTION\n-- +goose Up\nALTER TABLE t ADD COLUMN once int;\n\
             CREATE INDEX CONCURRENTLY IF NOT EXISTS t_id ON t (id);\nALTER TABLE t ADD COLUMN twice int;\n",
        ),
    ]);
    project.bowline(database, &["up-to", "1"]).ok();
    // An open transaction with a snapshot keeps the concurrent build from ending.
    let mut blocker = postgres.command("psql");
    let sql = "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM pg_class; SELECT pg_sleep(600)";
    let mut blocker = blocker.args(["-XAtq", "-c", sql, &url]).stdout(std::process::Stdio::null()).spawn().unwrap();
    eventually("it is open", || {
        postgres
            .psql_at(&url, "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep'")
            .is_ok_and(|row| row == "1")
    });
    let mut killed = project.command(database, &["up"]).spawn().unwrap();
    eventually("the index is half-built", || {
        postgres.psql_at(&url, "SELECT 1 FROM pg_index WHERE NOT indisvalid").is_ok_and(|row| row == "1")
    });
    killed.kill().unwrap();
    killed.wait().unwrap();
    eventually("the build ended with its client", || {
        postgres.psql_at(&url, "SELECT count(*) FROM pg_stat_progress_create_index").is_ok_and(|row| row == "0")
    });
    let status = project.bowline(database, &["status"]).ok();
    assert!(
        status.out.contains("Stopped                  -- 2_index.sql (stopped on its way up at statement 2 of 3, which was not seen to end)"),
        "{}",
        status.out
    );
    assert!(
        status.out.contains("INVALID                  -- index public.t_id: a build did not finish"),
        "{}",
        status.out
    );
    // Going down would leave it half there.
    let down = project.bowline(database, &["down"]);
    assert!(
        down.code == Some(1) && down.err.contains("version 2 stopped on its way up at statement 2 of 3"),
        "{down:?}"
    );
    blocker.kill().unwrap();
    blocker.wait().unwrap();
    eventually("the blocker is gone", || {
        postgres
            .psql_at(&url, "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'")
            .is_ok_and(|row| row == "0")
            || postgres
                .psql_at(&url, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep'")
                .is_err()
    });
    let up = project.bowline(database, &["up"]).ok();
    assert!(up.err.contains("going on with 2_index.sql at statement 2 of 3"), "{}", up.err);
    assert!(up.err.contains("dropped the half-built index public.t_id"), "{}", up.err);
    let columns = "SELECT string_agg(attname, ' ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 't'::regclass AND attnum > 0";
    assert_eq!(postgres.psql_at(&url, columns).unwrap(), "id once twice");
    assert_eq!(
        postgres.psql_at(&url, "SELECT indisvalid FROM pg_index WHERE indexrelid = 't_id'::regclass").unwrap(),
        "t"
    );
    assert_eq!(
        project.bowline(database, &["status", "-o", "json"]).ok().json()["invalid_indexes"],
        serde_json::json!([])
    );
}

#[test]
fn a_failed_statement_is_where_the_next_run_goes_on() {
    let Some(postgres) = Postgres::start() else { return };
    let url = postgres.database("failed");
    let database = ("postgres", url.as_str());
    let project = Project::new(&[(
        "1_a.sql",
        "-- +goose NO TRANSACTION\n-- +goose Up\nCREATE TABLE a (id int);\nINSERT INTO a VALUES (1), (nope);\nVACUUM a;\n",
    )]);
    let failed = project.bowline(database, &["up"]);
    assert_eq!(failed.code, Some(1));
    assert!(failed.err.contains("1_a.sql:4:28: column \"nope\" does not exist (SQLSTATE 42703)"), "{}", failed.err);
    assert!(failed.err.contains("it stopped at statement 2 of 3"), "{}", failed.err);
    let status = project.bowline(database, &["status"]).ok();
    assert!(
        status.out.contains("stopped on its way up at statement 2 of 3: column \"nope\" does not exist"),
        "{}",
        status.out
    );
    // What is done must not change behind the journal's back.
    project.write(
        "1_a.sql",
        "-- +goose NO TRANSACTION\n-- +goose Up\nCREATE TABLE b (id int);\nINSERT INTO a VALUES (1);\nVACUUM a;\n",
    );
    let changed = project.bowline(database, &["up"]);
    assert!(changed.code == Some(1) && changed.err.contains("the statements before it have changed"), "{changed:?}");
    project.write(
        "1_a.sql",
        "-- +goose NO TRANSACTION\n-- +goose Up\nCREATE TABLE a (id int);\nINSERT INTO a VALUES (1);\nVACUUM a;\n",
    );
    project.bowline(database, &["up"]).ok();
    assert_eq!(postgres.psql_at(&url, "SELECT count(*) FROM a").unwrap(), "1");
}

#[test]
fn mysqls_ddl_is_gone_on_with_too() {
    let Some(maria) = MariaDb::start() else { return };
    let (dsn, project) = (maria.dsn(), Project::new(&[]));
    let database = ("mysql", dsn.as_str());
    // MySQL commits each of these by itself, whatever the file says.
    project.write(
        "1_a.sql",
        "-- +goose Up\nCREATE TABLE a (id int);\nINSERT INTO nope VALUES (1);\nCREATE TABLE b (id int);\n",
    );
    let failed = project.bowline(database, &["up"]);
    assert!(
        failed.code == Some(1) && failed.err.contains("1_a.sql:3:1: Table 'todo.nope' doesn't exist (error 1146)"),
        "{failed:?}"
    );
    project.write(
        "1_a.sql",
        "-- +goose Up\nCREATE TABLE a (id int);\nINSERT INTO a VALUES (1);\nCREATE TABLE b (id int);\n",
    );
    let up = project.bowline(database, &["up"]).ok();
    assert!(up.err.contains("going on with 1_a.sql at statement 2 of 3"), "{}", up.err);
    assert_eq!(maria.sql("SELECT count(*) FROM a").unwrap(), "1");
    assert_eq!(maria.sql("SELECT count(*) FROM b").unwrap(), "0");
}
