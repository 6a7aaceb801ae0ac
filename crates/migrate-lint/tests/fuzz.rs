//! Migrations nobody would write: no text makes the parser or a rule panic, hang or overflow the stack.
#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "../../../fuzz/mod.rs"]
mod fuzz;

use std::path::Path;

use bowline_migrate::tree::{Layout, MigrationTree};
use bowline_migrate_lint::{LintOptions, lint};
use fuzz::{cases, jumble, mutated_text, on_a_small_stack};
use proptest::prelude::*;

const FRAGMENTS: &[&str] = &[
    "-- +goose Up\n",
    "-- +goose Down\n",
    "-- +goose NO TRANSACTION\n",
    "-- bowline:phase contract\n",
    "-- bowline:after 1\n",
    "ALTER TABLE t ",
    "ADD COLUMN ",
    "DROP COLUMN ",
    "RENAME TO ",
    "ALTER COLUMN a ",
    "TYPE ",
    "SET NOT NULL",
    "CREATE ",
    "UNIQUE ",
    "INDEX ",
    "CONCURRENTLY ",
    "IF NOT EXISTS ",
    "ON t ",
    "(",
    ")",
    "[",
    "]",
    ",",
    ";",
    "\n",
    "'",
    "''",
    "\"",
    "$$",
    "$a$",
    "/*",
    "*/",
    "--",
    "E'\\",
    "DROP TABLE ",
    "UPDATE t SET a = ",
    "WHERE ",
    "SELECT ",
    "FROM ",
    "::",
    "CASE ",
    "WHEN ",
    "END ",
    "BEGIN",
    "COMMIT",
    "CONSTRAINT c ",
    "CHECK ",
    "FOREIGN KEY ",
    "REFERENCES u ",
    "NOT VALID",
    "u.t",
    "a ",
    "DO ",
    "LANGUAGE plpgsql ",
    "AS ",
    "CREATE FUNCTION f() RETURNS int ",
    "squawk-ignore ban-drop-column\n",
    "NULL ",
    "1",
    "ü",
];

const SEEDS: &[&str] = &[
    "-- +goose Up\n-- +goose StatementBegin\nCREATE FUNCTION f() RETURNS int AS $$ BEGIN RETURN 1; END; $$ LANGUAGE plpgsql;\n\
     -- +goose StatementEnd\nALTER TABLE t ADD COLUMN a uuid DEFAULT gen_random_uuid(), DROP COLUMN b;\n-- +goose Down\n\
     ALTER TABLE t DROP COLUMN a;\n",
    "-- +goose NO TRANSACTION\n-- +goose Up\nCREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS i ON \"T\" (lower(a), b DESC);\n",
    "ALTER TABLE a ADD CONSTRAINT f FOREIGN KEY (x) REFERENCES b (y) NOT VALID; UPDATE a SET x = (SELECT max(y) FROM b);\n",
];

fn look(text: &str, layout: Layout) {
    let files = vec![("m/1_a.sql".into(), text.as_bytes().to_vec()), ("m/2_b.sql".into(), text.as_bytes().to_vec())];
    let Ok(tree) = MigrationTree::of_files(Path::new("m"), files, Some(layout)) else { return };
    let report = lint(&tree, &LintOptions::default());
    for finding in report.findings {
        assert!(finding.line > 0 && finding.column > 0, "{finding:?}");
        assert!(finding.line <= text.matches('\n').count() + 1, "{finding:?}");
    }
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn jumbled_statements(text in jumble(FRAGMENTS, 60)) {
        on_a_small_stack(move || {
            look(&text, Layout::Goose);
            look(&text, Layout::Sqlx);
        });
    }

    #[test]
    fn valid_files_made_invalid(text in mutated_text(SEEDS)) {
        on_a_small_stack(move || {
            look(&text, Layout::Goose);
            look(&text, Layout::Sqlx);
        });
    }
}

#[test]
fn what_is_nested_deeply_needs_no_stack() {
    for nest in [
        "(",
        "[",
        "SELECT (",
        "CASE WHEN ",
        "CASE ",
        "NOT ",
        "- ",
        "a.",
        "SELECT 1 UNION ",
        "a[",
        "BEGIN ",
        "$$",
        "/*",
        "ARRAY[",
    ] {
        for times in [500, 2_000, 20_000] {
            let text = format!("-- +goose Up\nSELECT {}", nest.repeat(times));
            on_a_small_stack(move || look(&text, Layout::Goose));
        }
    }
}
