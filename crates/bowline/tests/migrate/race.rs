//! Processes that start at once, and processes that are killed: each migration runs once.

use std::process::{Child, Command, Stdio};

use bowline_peers::postgres::Postgres;

use crate::project::{Numbers, Project, Said, eventually, pause};

/// Every file leaves a mark each time it runs; a second mark would be a second run.
fn files(count: usize) -> Vec<(String, String)> {
    let mut files = vec![(
        "00001_marks.sql".to_owned(),
        "-- +goose Up\nCREATE TABLE marks (version int NOT NULL);\nINSERT INTO marks VALUES (1);\n".to_owned(),
    )];
    for version in 2..=count {
        let text = match version % 3 {
            0 => format!(
                "-- +goose NO TRANSACTION\n-- +goose Up\nCREATE TABLE t{version} (id int);\n\
                 CREATE INDEX CONCURRENTLY i{version} ON t{version} (id);\nINSERT INTO marks VALUES ({version});\n"
            ),
            1 => format!(
                "-- +goose Up\nCREATE TABLE t{version} (id int);\nSELECT pg_sleep(0.02);\nINSERT INTO marks VALUES ({version});\n"
            ),
            _ => format!("-- +goose Up\nINSERT INTO marks VALUES ({version});\nCREATE TABLE t{version} (id int);\n"),
        };
        files.push((format!("{version:05}_x.sql"), text));
    }
    files
}

fn project(count: usize) -> Project {
    let project = Project::new(&[]);
    for (name, text) in files(count) {
        project.write(&name, &text);
    }
    project
}

/// How many rounds: `BOWLINE_RACE_ROUNDS`, else few.
fn rounds(few: u64) -> u64 {
    std::env::var("BOWLINE_RACE_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(few)
}

fn once_each(postgres: &Postgres, url: &str, count: usize) {
    let marks = postgres.psql_at(url, "SELECT count(*), count(DISTINCT version), max(version) FROM marks").unwrap();
    assert_eq!(marks, format!("{count}|{count}|{count}"));
    let rows = postgres.psql_at(url, "SELECT count(*), count(DISTINCT version_id) FROM goose_db_version").unwrap();
    assert_eq!(rows, format!("{0}|{0}", count + 1));
    let invalid = postgres.psql_at(url, "SELECT count(*) FROM pg_index WHERE NOT indisvalid").unwrap();
    assert_eq!(invalid, "0");
    assert_eq!(postgres.psql_at(url, "SELECT count(*) FROM goose_db_version_journal").unwrap(), "0");
}

fn start(project: &Project, url: &str, name: &str) -> Child {
    let mut command = project.command(("postgres", url), &["up", "--lock-wait", "2m"]);
    command.env("PGAPPNAME", name).spawn().unwrap()
}

fn end(child: Child) -> Said {
    Said::of(&child.wait_with_output().unwrap())
}

#[test]
fn twenty_at_once_run_each_file_once() {
    let Some(postgres) = Postgres::start() else { return };
    let project = project(12);
    for round in 0..rounds(2) {
        let url = postgres.database(&format!("twenty{round}"));
        let children: Vec<Child> = (0..20).map(|number| start(&project, &url, &format!("pod-{number}"))).collect();
        let said: Vec<Said> = children.into_iter().map(|child| end(child).ok()).collect();
        once_each(&postgres, &url, 12);
        let migrated = said.iter().filter(|said| said.err.contains("OK   00001_marks.sql")).count();
        assert_eq!(migrated, 1, "one process did it");
        let rest = said.iter().filter(|said| said.err.contains("no migrations to run. current version: 12")).count();
        assert_eq!(rest, 19, "the others saw that nothing is left");
    }
}

#[test]
fn killed_ones_leave_nothing_that_the_next_cannot_go_on_with() {
    let Some(postgres) = Postgres::start() else { return };
    let project = project(12);
    let mut numbers = Numbers(5);
    for round in 0..rounds(4) {
        let url = postgres.database(&format!("killed{round}"));
        let mut children: Vec<Child> = (0..6).map(|number| start(&project, &url, &format!("pod-{number}"))).collect();
        for _ in 0..4 {
            pause(numbers.below(120));
            let victim = usize::try_from(numbers.below(children.len() as u64)).unwrap();
            // kill -9
            _ = children[victim].kill();
            children.push(start(&project, &url, "pod-again"));
        }
        for child in children {
            let said = end(child);
            // None: it was killed
            assert!(matches!(said.code, Some(0) | None), "{said:?}");
        }
        project.bowline(("postgres", &url), &["up"]).ok();
        once_each(&postgres, &url, 12);
    }
}

#[test]
fn the_waiting_process_says_who_holds_the_lock_and_gives_up_in_time() {
    let Some(postgres) = Postgres::start() else { return };
    let project = Project::new(&[("1_slow.sql", "-- +goose Up\nSELECT pg_sleep(3);\n")]);
    let url = postgres.database("held");
    let holder = start(&project, &url, "pod-a");
    eventually("the lock is held", || {
        postgres.psql_at(&url, "SELECT 1 FROM pg_locks WHERE locktype = 'advisory'").is_ok_and(|row| row == "1")
    });
    let early = project.bowline(("postgres", &url), &["up", "--lock-wait", "500ms"]);
    assert_eq!(early.code, Some(4), "{early:?}");
    assert!(
        early.err.contains("another migration holds the lock: pid ")
            && early.err.contains("(pod-a) from 127.0.0.1 since 2"),
        "{}",
        early.err
    );
    let patient = project.bowline(("postgres", &url), &["up"]).ok();
    assert!(patient.err.contains("(pod-a)") && patient.err.contains("migrates this database"), "{}", patient.err);
    assert!(
        patient.err.contains("the lock is free after") && patient.err.contains("no migrations to run"),
        "{}",
        patient.err
    );
    end(holder).ok();
}

#[test]
fn a_killed_holder_frees_the_lock() {
    let Some(postgres) = Postgres::start() else { return };
    let url = postgres.database("freed");
    let project = Project::new(&[("1_slow.sql", "-- +goose Up\nSELECT pg_sleep(600);\n")]);
    let mut holder = start(&project, &url, "pod-a");
    eventually("the lock is held", || {
        postgres.psql_at(&url, "SELECT 1 FROM pg_locks WHERE locktype = 'advisory'").is_ok_and(|row| row == "1")
    });
    holder.kill().unwrap();
    holder.wait().unwrap();
    project.write("1_slow.sql", "-- +goose Up\nSELECT 1;\n");
    // The server looks for a dead client each second, though the statement would run for ten minutes.
    project.bowline(("postgres", &url), &["up", "--lock-wait", "20s"]).ok();
}

/// System A as it was written up: every pod looks whether a version is recorded, and records it when it is not.
const NAIVE: &str = r#"
set -e
psql -XAtq "$URL" -c 'CREATE TABLE IF NOT EXISTS schema_migrations (version int PRIMARY KEY)' 2>/dev/null || true
seen=$(psql -XAtq "$URL" -c 'SELECT count(*) FROM schema_migrations WHERE version = 1')
touch "$READY/$$"
while [ "$(ls "$READY" | wc -l)" -lt 3 ]; do sleep 0.02; done
if [ "$seen" = 0 ]; then
    psql -XAtq -v ON_ERROR_STOP=1 -v VERBOSITY=verbose "$URL" \
        -c 'BEGIN; INSERT INTO schema_migrations VALUES (1); CREATE TABLE IF NOT EXISTS tasks (id int); COMMIT'
fi
"#;

#[test]
fn three_pods_at_once_fail_as_system_a_migrates_and_come_up_with_bowline() {
    let Some(postgres) = Postgres::start() else { return };
    // First the defect: all three see that version 1 is missing, and two of them cannot record it any more.
    let url = postgres.database("naive");
    let ready = tempfile::tempdir().unwrap();
    let naive = |_| {
        let mut shell = Command::new("sh");
        shell.args(["-c", NAIVE]).env("URL", &url).env("READY", ready.path());
        shell.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let said: Vec<Said> = (0..3).map(naive).collect::<Vec<_>>().into_iter().map(end).collect();
    let failed: Vec<&Said> = said.iter().filter(|said| said.code != Some(0)).collect();
    assert_eq!(failed.len(), 2, "{said:?}");
    assert!(
        failed.iter().all(|said| said.err.contains("23505: duplicate key value violates unique constraint")),
        "{said:?}"
    );

    // Then the same three with Bowline, each of which serves when its migration is through.
    let project = project(12);
    for round in 0..rounds(3) {
        let url = postgres.database(&format!("three{round}"));
        let pods: Vec<Child> = (0..3).map(|number| start(&project, &url, &format!("core-{number}"))).collect();
        for pod in pods {
            end(pod).ok();
        }
        once_each(&postgres, &url, 12);
    }
}
