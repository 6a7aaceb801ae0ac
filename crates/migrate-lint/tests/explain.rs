//! Locks that migrations really take, on a real PostgreSQL.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::path::Path;

use bowline_migrate::Target;
use bowline_migrate::tree::MigrationTree;
use bowline_migrate_lint::{ExplainError, LintOptions, LockMode, explain, lint, read_sizes};
use bowline_peers::postgres::Postgres;

fn tree(files: &[(&str, &str)]) -> MigrationTree {
    let files = files.iter().map(|(name, text)| (Path::new("m").join(name), text.as_bytes().to_vec())).collect();
    MigrationTree::of_files(Path::new("m"), files, None).unwrap()
}

async fn run(
    server: &Postgres,
    tree: &MigrationTree,
    stop: impl Future<Output = ()>,
) -> Result<Vec<bowline_migrate_lint::Explained>, ExplainError> {
    let target = Target::from_url(&server.url()).unwrap();
    let connect = async |database: Option<&str>| target.postgres(database, "locks").await;
    explain(tree, "bowline_scratch_test", &|_| None, connect, stop).await
}

const NONE: &str = "SELECT count(*) FROM pg_database WHERE datname LIKE 'bowline_scratch%'";

#[tokio::test]
async fn real_locks_are_those_that_the_linter_expects() {
    let Some(server) = Postgres::start() else { return };
    let tree = tree(&[
        (
            "1_a.sql",
            "-- +goose Up\nCREATE TABLE users (id bigint PRIMARY KEY, name text);\nCREATE TABLE orders (id bigint, owner bigint);\n",
        ),
        ("2_b.sql", "-- +goose Up\nALTER TABLE users ADD COLUMN age int;\nSELECT pg_sleep(0.2);\n"),
        (
            "3_c.sql",
            "-- +goose Up\nALTER TABLE orders ADD CONSTRAINT f FOREIGN KEY (owner) REFERENCES users (id) NOT VALID;\n",
        ),
        ("4_d.sql", "-- +goose Up\nALTER TABLE orders VALIDATE CONSTRAINT f;\n"),
        ("5_e.sql", "-- +goose NO TRANSACTION\n-- +goose Up\nCREATE INDEX CONCURRENTLY i ON users (name);\n"),
        ("6_f.sql", "-- +goose Up\nCREATE INDEX j ON users (name);\n"),
        ("7_g.sql", "-- +goose Up\nUPDATE users SET name = 'x';\n"),
        ("8_h.sql", "-- +goose Up\nALTER TABLE orders ALTER COLUMN id SET NOT NULL;\n"),
    ]);
    let explained = run(&server, &tree, std::future::pending()).await.unwrap();
    assert_eq!(server.psql(NONE).unwrap(), "0", "the scratch database is gone");
    assert!(explained[0].locks.is_empty(), "new tables are nobody's: {:?}", explained[0]);
    let users = &explained[1].locks[0];
    assert_eq!((users.table.as_str(), users.mode, users.line), ("public.users", LockMode::AccessExclusive, 2));
    assert!(users.milliseconds >= 200.0, "held until the transaction ends: {users:?}");

    // What the linter derives from the text is what the server does.
    let report = lint(&tree, &LintOptions::default());
    for (derived, real) in report.migrations.iter().zip(&explained) {
        if derived.version == "5" {
            // An index on an empty table is built between two looks.
            continue;
        }
        for lock in &derived.locks {
            let held = real.locks.iter().find(|held| held.table == format!("public.{}", lock.table));
            let held = held.unwrap_or_else(|| panic!("{}: no lock on {}: {real:?}", derived.version, lock.table));
            assert_eq!(held.mode, lock.mode, "version {}", derived.version);
        }
    }
}

#[tokio::test]
async fn a_scratch_database_never_stays() {
    let Some(server) = Postgres::start() else { return };
    let broken = tree(&[("1_a.sql", "-- +goose Up\nSELECT 1;\nSELECT nothing FROM nowhere;\n")]);
    let error = run(&server, &broken, std::future::pending()).await.unwrap_err();
    assert_eq!(error.to_string(), "m/1_a.sql:3:1: relation \"nowhere\" does not exist");
    assert_eq!(server.psql(NONE).unwrap(), "0");
    let long = tree(&[("1_a.sql", "-- +goose Up\nSELECT pg_sleep(60);\n")]);
    let stop = async { tokio::time::sleep(std::time::Duration::from_millis(200)).await };
    let error = run(&server, &long, stop).await.unwrap_err();
    assert!(matches!(error, ExplainError::Interrupted), "{error}");
    assert_eq!(server.psql(NONE).unwrap(), "0");
}

#[tokio::test]
async fn sizes_are_those_of_the_server() {
    let Some(server) = Postgres::start() else { return };
    let fill =
        "CREATE TABLE big AS SELECT g AS id FROM generate_series(1, 1200000) g; CREATE TABLE small (id int); ANALYZE;";
    server.psql(fill).unwrap();
    let client = Target::from_url(&server.url()).unwrap().postgres(None, "sizes").await.unwrap();
    let sizes = read_sizes(&client).await.unwrap();
    let big = sizes.tables["big"];
    assert!((1_100_000..1_300_000).contains(&big.rows) && big.bytes > 30 << 20, "{big:?}");
    assert_eq!(sizes.tables["public.big"], big);
    assert_eq!(sizes.tables["small"].rows, 0);
    let tree =
        tree(&[("1_a.sql", "-- +goose Up\nALTER TABLE big ALTER COLUMN id TYPE bigint;\n-- +goose Down\nSELECT 1;\n")]);
    let report = lint(&tree, &LintOptions { sizes: Some(sizes), ..LintOptions::default() });
    assert!(report.findings.iter().any(|finding| finding.rule == "lock-on-large-table"), "{:#?}", report.findings);
}
