//! Servers of other versions, standbys, a failover, and a disk that is full.

use bowline_peers::postgres::Postgres;

use crate::project::{Project, Said, eventually};

/// Something that keeps a table locked, or a snapshot open, until it is killed.
fn holds(postgres: &Postgres, url: &str, sql: &str) -> std::process::Child {
    let mut psql = postgres.command("psql");
    let sql = format!("BEGIN ISOLATION LEVEL REPEATABLE READ; {sql}; SELECT pg_sleep(600)");
    let holder = psql.args(["-XAtq", "-c", &sql, url]).stdout(std::process::Stdio::null()).spawn().unwrap();
    eventually("it holds", || {
        postgres.psql_at(url, "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep'").is_ok_and(|row| row == "1")
    });
    holder
}

fn releases(postgres: &Postgres, url: &str, mut holder: std::process::Child) {
    let sql = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep'";
    postgres.psql_at(url, sql).unwrap();
    _ = holder.wait();
}

/// What depends on the server: DDL in transactions, the journal with half-built indexes, locks and who is in the way,
/// what the catalog says of locks.
fn all_the_way(postgres: &Postgres, major: u32) {
    let url = postgres.database("versions");
    let database = ("postgres", url.as_str());
    assert!(postgres.psql_at(&url, "SHOW server_version").unwrap().starts_with(&major.to_string()));
    let project = Project::new(&[
        ("1_t.sql", "-- +goose Up\nCREATE TABLE t (id bigint);\n-- +goose Down\nDROP TABLE t;\n"),
        ("2_rows.sql", "-- +goose Up\nINSERT INTO t VALUES (1);\n-- +goose Down\nDELETE FROM t;\n"),
        (
            "3_index.sql",
            "-- +goose NO TRANSACTION\n-- +goose Up\nCREATE INDEX CONCURRENTLY t_id ON t (id);\n\
             -- +goose Down\nDROP INDEX CONCURRENTLY t_id;\n",
        ),
        ("4_more.sql", "-- +goose Up\nALTER TABLE t ADD more text;\n-- +goose Down\nALTER TABLE t DROP more;\n"),
    ]);
    project.bowline(database, &["up-to", "2"]).ok();
    project.bowline(database, &["redo"]).ok();

    let holder = holds(postgres, &url, "SELECT count(*) FROM t");
    let mut killed = project.command(database, &["up-to", "3"]).spawn().unwrap();
    eventually("the index is half-built", || {
        postgres.psql_at(&url, "SELECT 1 FROM pg_index WHERE NOT indisvalid").is_ok_and(|row| row == "1")
    });
    // Another one waits meanwhile, and says for whom.
    let waits = project.bowline(database, &["up-to", "3", "--lock-wait", "1s"]);
    assert!(waits.code == Some(4) && waits.err.contains("(bowline migrate) from 127.0.0.1"), "{major}: {waits:?}");
    killed.kill().unwrap();
    killed.wait().unwrap();
    eventually("the build ended with its client", || {
        postgres.psql_at(&url, "SELECT count(*) FROM pg_stat_progress_create_index").is_ok_and(|row| row == "0")
    });
    let blocked = project.bowline(database, &["status"]).ok();
    assert!(blocked.out.contains("index public.t_id: a build did not finish"), "{major}: {}", blocked.out);
    releases(postgres, &url, holder);
    let up = project.bowline(database, &["up-to", "3"]).ok();
    assert!(up.err.contains("dropped the half-built index public.t_id"), "{major}: {}", up.err);

    let holder = holds(postgres, &url, "LOCK TABLE t");
    let said = project.bowline(database, &["up", "--lock-timeout", "700ms", "--lock-retries", "0"]);
    assert!(said.code == Some(1) && said.err.contains("(SQLSTATE 55P03)"), "{major}: {said:?}");
    assert!(said.err.contains("LOCK TABLE t"), "{major}: {}", said.err);
    releases(postgres, &url, holder);

    let explained = project.bowline(database, &["lint", "--explain", "--exclude", "prefer-text-field"]);
    assert!(
        explained.out.contains("ACCESS EXCLUSIVE") && explained.out.contains("4_more.sql"),
        "{major}: {explained:?}"
    );
    project.bowline(database, &["up"]).ok();
    assert!(project.bowline(database, &["verify"]).ok().out.contains("all 4 required migrations are applied"));
    project.bowline(database, &["reset"]).ok();
    assert_eq!(postgres.psql_at(&url, "SELECT to_regclass('t') IS NULL").unwrap(), "t", "{major}");
}

#[test]
fn postgresql_14() {
    if let Some(postgres) = Postgres::start_of(14) {
        all_the_way(&postgres, 14);
    }
}

#[test]
fn postgresql_18() {
    if let Some(postgres) = Postgres::start_of(18) {
        all_the_way(&postgres, 18);
    }
}

#[test]
fn a_standby_is_refused_and_a_failover_is_gone_on_with_where_it_was() {
    let Some(mut primary) = Postgres::start() else { return };
    let standby = primary.standby();
    let project = Project::new(&[
        ("1_a.sql", "-- +goose Up\nCREATE TABLE ran (id int);\nINSERT INTO ran VALUES (1);\n"),
        (
            "2_b.sql",
            &format!(
                "-- +goose NO TRANSACTION\n-- +goose Up\nINSERT INTO ran VALUES (2);\n\
                 SELECT pg_sleep(CASE WHEN inet_server_port() = {} THEN 600 ELSE 0 END);\nINSERT INTO ran VALUES (3);\n",
                primary.port()
            ),
        ),
        ("3_c.sql", "-- +goose Up\nINSERT INTO ran VALUES (4);\n"),
    ]);
    let only = |server: &Postgres| format!("postgres://todo@127.0.0.1:{}/postgres?sslmode=disable", server.port());
    let (first, second) = (only(&primary), only(&standby));
    project.bowline(("postgres", &first), &["up-to", "1"]).ok();
    eventually("the standby follows", || {
        standby.psql("SELECT max(version_id) FROM goose_db_version").is_ok_and(|row| row == "1")
    });
    let refused = project.bowline(("postgres", &second), &["up"]);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.err.contains("is read-only: it is a replica (pg_is_in_recovery)"), "{}", refused.err);
    assert!(refused.err.contains("target_session_attrs=read-write"), "{}", refused.err);
    let status = project.bowline(("postgres", &second), &["status"]).ok();
    assert!(status.out.contains("Pending                  -- 2_b.sql"), "{}", status.out);

    // Both servers in one address: the one that can be written to is meant. One runs, one waits.
    let (one, two) = (standby.port(), primary.port());
    let both = format!(
        "postgres://todo@127.0.0.1:{one},127.0.0.1:{two}/postgres?sslmode=disable&target_session_attrs=read-write"
    );
    let running = project.command(("postgres", &both), &["up"]).spawn().unwrap();
    eventually("it is at the second statement, and the standby knows", || {
        standby.psql("SELECT next_statement, running FROM goose_db_version_journal").is_ok_and(|row| row == "2|1")
    });
    let waiting = project.command(("postgres", &both), &["up", "--connect-timeout", "60s"]).spawn().unwrap();
    eventually("the other one looks at the lock", || {
        primary
            .psql(
                "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'bowline migrate' AND query LIKE '%pg_locks%'",
            )
            .is_ok_and(|row| row == "1")
    });
    primary.halt();
    let ran = Said::of(&running.wait_with_output().unwrap());
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.err.contains("2_b.sql:4:1: ") && ran.err.contains("it stopped at statement 2 of 3"), "{}", ran.err);
    standby.psql("SELECT pg_promote()").unwrap();
    let waited = Said::of(&waiting.wait_with_output().unwrap()).ok();
    assert!(waited.err.contains("for the server"), "{}", waited.err);
    assert!(waited.err.contains("going on with 2_b.sql at statement 2 of 3"), "{}", waited.err);
    assert_eq!(standby.psql("SELECT string_agg(id::text, ' ' ORDER BY id) FROM ran").unwrap(), "1 2 3 4");
    assert_eq!(standby.psql("SELECT count(*), max(version_id) FROM goose_db_version").unwrap(), "4|3");
    let again = project.bowline(("postgres", &both), &["up"]).ok();
    assert!(again.err.contains("no migrations to run. current version: 3"), "{}", again.err);
}

#[test]
fn a_full_disk_is_said_and_leaves_nothing() {
    let Some(postgres) = Postgres::start_with_small_disk(16) else { return };
    postgres.psql(&format!("CREATE TABLESPACE small LOCATION '{}'", postgres.small_disk().display())).unwrap();
    let url = postgres.database("filled");
    postgres.psql("ALTER DATABASE filled SET TABLESPACE small").unwrap();
    let database = ("postgres", url.as_str());
    let fill = |rows: u32| format!("INSERT INTO t SELECT n, repeat('x', 900) FROM generate_series(1, {rows}) n;");
    let second = |rows: u32| format!("-- +goose Up\nCREATE TABLE half (id int);\n{}\n", fill(rows));
    let project = Project::new(&[
        ("1_t.sql", "-- +goose Up\nCREATE TABLE t (id int, text text);\n"),
        ("2_fill.sql", &second(100_000)),
        ("3_u.sql", "-- +goose Up\nCREATE TABLE u (id int);\n"),
    ]);
    let said = project.bowline(database, &["up"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.err.contains("2_fill.sql:3:1: ") && said.err.contains("No space left on device"), "{}", said.err);
    assert!(said.err.contains("(SQLSTATE 53100)") && said.err.contains("hint: make room"), "{}", said.err);
    let left = "SELECT (SELECT max(version_id) FROM goose_db_version), (SELECT max(version_id) FROM \
                goose_db_version_checksum), to_regclass('half') IS NULL, to_regclass('u') IS NULL, (SELECT count(*) FROM t)";
    assert_eq!(postgres.psql_at(&url, left).unwrap(), "1|1|t|t|0");
    // A file without a transaction stops at the statement that had no room.
    project.write("2_fill.sql", &format!("-- +goose NO TRANSACTION\n{}", second(100_000)));
    let said = project.bowline(database, &["up"]);
    assert!(said.code == Some(1) && said.err.contains("it stopped at statement 2 of 2"), "{said:?}");
    assert!(project.bowline(database, &["status"]).ok().out.contains("stopped on its way up at statement 2 of 2"));
    project.write("2_fill.sql", &format!("-- +goose NO TRANSACTION\n{}", second(10)));
    project.bowline(database, &["up"]).ok();
    assert_eq!(postgres.psql_at(&url, "SELECT count(*) FROM t").unwrap(), "10");
}
