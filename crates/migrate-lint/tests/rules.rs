//! Each rule on files that break it, and on files that do not.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::path::{Path, PathBuf};

use bowline_migrate::tree::MigrationTree;
use bowline_migrate_lint::{Finding, LintOptions, Live, Phase, Report, Severity, Sizes, TableSize, lint};

fn tree(files: &[(&str, &str)]) -> MigrationTree {
    let files = files.iter().map(|(name, text)| (Path::new("m").join(name), text.as_bytes().to_vec())).collect();
    MigrationTree::of_files(Path::new("m"), files, None).unwrap()
}

fn goose(up: &str) -> String {
    format!("-- +goose Up\n{up}\n-- +goose Down\nSELECT 1;\n")
}

fn with(files: &[(&str, &str)], options: &LintOptions) -> Report {
    lint(&tree(files), options)
}

fn rules(report: &Report) -> Vec<&str> {
    report.findings.iter().map(|finding| finding.rule.as_str()).collect()
}

fn of_up(up: &str) -> Report {
    with(&[("1_a.sql", &goose(up))], &LintOptions::default())
}

fn only<'a>(report: &'a Report, rule: &str) -> &'a Finding {
    let mut found = report.findings.iter().filter(|finding| finding.rule == rule);
    let first = found.next().unwrap_or_else(|| panic!("no {rule} in {:#?}", report.findings));
    assert!(found.next().is_none(), "{rule} twice: {:#?}", report.findings);
    first
}

fn live(name: &str, versions: &[&str]) -> Live {
    Live { name: name.into(), versions: versions.iter().map(|v| (*v).to_owned()).collect() }
}

#[test]
fn what_is_safe_has_no_findings() {
    let text = "-- +goose Up\nCREATE TABLE users (\n  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,\n  name text NOT NULL,\n\
                \x20 made timestamptz NOT NULL DEFAULT now()\n);\nCREATE INDEX users_name ON users (name);\n\
                -- +goose Down\nDROP TABLE users;\n";
    let more = "-- +goose Up\nALTER TABLE users ADD COLUMN email text;\n\
                -- +goose Down\nALTER TABLE users DROP COLUMN email;\n";
    let report = with(&[("1_a.sql", text), ("2_b.sql", more)], &LintOptions::default());
    assert_eq!(rules(&report), [""; 0], "{:#?}", report.findings);
    assert_eq!(report.migrations[1].phase, Some(Phase::Expand));
    assert!(report.migrations[1].down);
}

#[test]
fn squawks_rules_are_there_with_place_reason_and_safe_form() {
    let cases = [
        ("CREATE INDEX i ON users (name);", "require-concurrent-index-creation", "NO TRANSACTION"),
        ("CREATE INDEX CONCURRENTLY i ON users (name);", "ban-concurrent-index-creation-in-transaction", ""),
        ("DROP INDEX i;", "require-concurrent-index-deletion", "DROP INDEX CONCURRENTLY IF EXISTS i"),
        ("ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0);", "constraint-missing-not-valid", "VALIDATE CONSTRAINT c"),
        (
            "ALTER TABLE t ADD CONSTRAINT f FOREIGN KEY (a) REFERENCES u (id);",
            "adding-foreign-key-constraint",
            "NOT VALID",
        ),
        ("ALTER TABLE t ADD COLUMN a uuid DEFAULT gen_random_uuid();", "adding-field-with-default", "in batches"),
        ("ALTER TABLE t ALTER COLUMN a TYPE bigint;", "changing-column-type", "a_new"),
        ("ALTER TABLE t ALTER COLUMN a SET NOT NULL;", "adding-not-nullable-field", "CHECK (a IS NOT NULL) NOT VALID"),
        ("ALTER TABLE t ADD COLUMN a int NOT NULL;", "adding-required-field", "without NOT NULL"),
        ("ALTER TABLE t ADD CONSTRAINT u UNIQUE (a);", "disallowed-unique-constraint", "USING INDEX u"),
        ("TRUNCATE t CASCADE;", "ban-truncate-cascade", ""),
        ("CREATE TABLE t (id serial PRIMARY KEY);", "prefer-identity", ""),
        ("CREATE TABLE t (a varchar(10));", "prefer-text-field", ""),
        ("CREATE TABLE t (a timestamp);", "prefer-timestamp-tz", ""),
        ("CREATE TABLE t (a int);", "prefer-bigint-over-int", ""),
        ("BEGIN;\nSELECT 1;\nCOMMIT;", "transaction-nesting", ""),
    ];
    for (up, rule, rewrite) in cases {
        let report = of_up(up);
        let finding = report.findings.iter().find(|f| f.rule == rule).unwrap_or_else(|| {
            panic!("{up}: no {rule} in {:?}", rules(&report));
        });
        assert_eq!((finding.line, finding.file.as_path()), (2, Path::new("m/1_a.sql")), "{up}");
        assert!(finding.column >= 1 && !finding.message.is_empty() && !finding.reason.is_empty(), "{finding:#?}");
        let said = finding.rewrite.as_deref().unwrap_or_default();
        assert!(said.contains(rewrite), "{up}: {said}");
    }
}

#[test]
fn rules_can_be_left_out_taken_in_and_ignored_in_a_file() {
    let index = "CREATE INDEX i ON users (name);";
    let mut options = LintOptions::default();
    options.exclude.insert("require-concurrent-index-creation".into());
    assert!(!rules(&with(&[("1_a.sql", &goose(index))], &options)).contains(&"require-concurrent-index-creation"));
    let noted = format!("-- bowline:ignore require-concurrent-index-creation\n{}", goose(index));
    assert!(rules(&with(&[("1_a.sql", &noted)], &LintOptions::default())).is_empty());
    let squawk = goose(&format!("-- squawk-ignore require-concurrent-index-creation\n{index}"));
    assert!(rules(&with(&[("1_a.sql", &squawk)], &LintOptions::default())).is_empty());
    assert!(!rules(&of_up("SELECT 1;")).contains(&"require-lock-timeout"), "the runner sets them");
    let mut options = LintOptions::default();
    options.include.insert("require-lock-timeout".into());
    let up = goose("ALTER TABLE t ADD COLUMN a text;");
    assert!(rules(&with(&[("1_a.sql", &up)], &options)).contains(&"require-lock-timeout"));
}

#[test]
fn a_contract_step_needs_to_be_declared() {
    let report = of_up("ALTER TABLE users DROP COLUMN name;");
    let finding = only(&report, "contract-step");
    assert_eq!((finding.line, finding.column, finding.severity), (2, 19, Severity::Warning));
    assert_eq!(finding.message, "it drops column users.name");
    assert_eq!(finding.also, ["ban-drop-column"]);
    assert!(finding.rewrite.as_deref().unwrap().contains("bowline:phase contract"));
    assert_eq!(report.migrations[0].phase, Some(Phase::Contract));
    assert_eq!(report.migrations[0].takes, ["it drops column users.name"]);
    let declared = format!("-- bowline:phase contract\n{}", goose("ALTER TABLE users DROP COLUMN name;"));
    let report = with(&[("1_a.sql", &declared)], &LintOptions::default());
    assert!(!rules(&report).iter().any(|rule| rule.starts_with("contract")), "{:#?}", report.findings);
    for up in [
        "DROP TABLE users;",
        "ALTER TABLE users RENAME TO people;",
        "ALTER TABLE users RENAME COLUMN a TO b;",
        "ALTER TABLE users ALTER COLUMN a SET NOT NULL;",
        "ALTER TABLE users ALTER COLUMN a TYPE bigint;",
        "DROP VIEW v;",
    ] {
        assert_eq!(of_up(up).migrations[0].phase, Some(Phase::Contract), "{up}");
    }
}

#[test]
fn a_contract_step_waits_until_what_is_live_knows_its_expand_step() {
    let first = goose("CREATE TABLE users (id bigint PRIMARY KEY, name text);");
    let expand = goose("ALTER TABLE users ADD COLUMN full_name text;");
    let contract =
        format!("-- bowline:phase contract\n-- bowline:after 00002\n{}", goose("ALTER TABLE users DROP COLUMN name;"));
    let files = [("1_a.sql", first.as_str()), ("2_b.sql", &expand), ("3_c.sql", &contract)];
    let of_live = |live: Vec<Live>| with(&files, &LintOptions { live, ..LintOptions::default() });
    let early = of_live(vec![live("revision 5", &["1", "2"]), live("revision 4", &["1"])]);
    let finding = only(&early, "contract-too-early");
    assert_eq!(finding.severity, Severity::Error);
    assert!(finding.reason.contains("revision 4") && finding.reason.contains("migration 2"), "{}", finding.reason);
    let fine = of_live(vec![live("revision 5", &["1", "2"])]);
    assert!(!rules(&fine).iter().any(|rule| rule.starts_with("contract")), "{:#?}", fine.findings);
    assert!(fine.migrations[1].applied && !fine.migrations[2].applied);

    // Without the note, both steps in one deployment are seen all the same.
    let bare = format!("-- bowline:phase contract\n{}", goose("ALTER TABLE users DROP COLUMN name;"));
    let files = [("1_a.sql", first.as_str()), ("2_b.sql", &expand), ("3_c.sql", &bare)];
    let both = with(&files, &LintOptions { live: vec![live("main", &["1"])], ..LintOptions::default() });
    let finding = only(&both, "contract-too-early");
    assert!(finding.reason.contains("2_b.sql") && finding.reason.contains("main"), "{}", finding.reason);
}

#[test]
fn a_declaration_must_fit_and_be_understood() {
    let text = format!("-- bowline:phase expand\n{}", goose("ALTER TABLE users DROP COLUMN name;"));
    let report = with(&[("1_a.sql", &text)], &LintOptions::default());
    let finding = only(&report, "phase-mismatch");
    assert_eq!((finding.line, finding.column), (1, 1));
    assert!(finding.message.contains("drops column users.name"));
    let text = format!("-- bowline:fase expand\n-- bowline:after 9\n{}", goose("SELECT 1;"));
    let report = with(&[("1_a.sql", &text)], &LintOptions::default());
    only(&report, "unknown-note");
    assert!(only(&report, "phase-mismatch").message.contains("version 9"));
}

#[test]
fn tables_that_nobody_uses_yet_may_be_changed() {
    let create = goose("CREATE TABLE t (id bigint PRIMARY KEY, a text);");
    let change = goose("CREATE INDEX i ON t (a);\nALTER TABLE t DROP COLUMN a;");
    let files = [("1_x.sql", goose("SELECT 1;")), ("2_a.sql", create), ("3_b.sql", change)];
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (*name, text.as_str())).collect();
    let unknown = with(&files, &LintOptions::default());
    assert!(rules(&unknown).contains(&"require-concurrent-index-creation"));
    let together = with(&files, &LintOptions { live: vec![live("main", &["1"])], ..LintOptions::default() });
    assert!(!rules(&together).contains(&"require-concurrent-index-creation"), "{:#?}", together.findings);
    assert!(!rules(&together).contains(&"contract-step"));
}

#[test]
fn ways_back() {
    let none = with(&[("1_a.sql", "-- +goose Up\nALTER TABLE t ADD COLUMN a text;\n")], &LintOptions::default());
    assert_eq!(only(&none, "missing-down").message, "there is no way back");
    let empty = "-- +goose Up\nALTER TABLE t ADD COLUMN a text;\n-- +goose Down\n-- nothing\n";
    assert_eq!(
        only(&with(&[("1_a.sql", empty)], &LintOptions::default()), "missing-down").message,
        "the way back does nothing"
    );
    let said = format!("-- bowline:irreversible mails are out\n{empty}");
    assert!(rules(&with(&[("1_a.sql", &said)], &LintOptions::default())).is_empty());
    let lost = "-- +goose Up\nALTER TABLE t ADD COLUMN a text;\n-- +goose Down\nALTER TABLE t DROP COLUMN a;\nDELETE FROM audit;\n";
    let lost = with(&[("1_a.sql", lost)], &LintOptions::default());
    assert_eq!(only(&lost, "down-loses-data").line, 5);
    assert!(lost.migrations[0].restores);
    let gone = "-- +goose Up\nDROP TABLE t;\n-- +goose Down\nCREATE TABLE t (a text);\n";
    let gone = with(&[("1_a.sql", gone)], &LintOptions::default());
    assert_eq!(only(&gone, "down-cannot-restore").line, 2);
    assert!(!gone.migrations[0].restores);
    // sqlx without any way back is how most use it.
    assert!(rules(&with(&[("1_a.sql", "ALTER TABLE t ADD COLUMN a text;")], &LintOptions::default())).is_empty());
}

#[test]
fn without_a_transaction_a_file_must_be_able_to_run_again() {
    let of = |up: &str| {
        let text = format!("-- +goose NO TRANSACTION\n-- +goose Up\n{up}\n-- +goose Down\nSELECT 1;\n");
        with(&[("1_a.sql", &text)], &LintOptions::default())
    };
    let index = of("CREATE INDEX CONCURRENTLY i ON t (a);");
    let finding = only(&index, "not-idempotent-without-transaction");
    assert!(finding.rewrite.as_deref().unwrap().contains("DROP INDEX CONCURRENTLY IF EXISTS i"));
    assert!(rules(&of("DROP INDEX CONCURRENTLY IF EXISTS i;\nCREATE INDEX CONCURRENTLY i ON t (a);")).is_empty());
    only(&of("CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON t (a);"), "invalid-index-hidden");
    only(&of("ALTER TABLE t ADD COLUMN a text;"), "not-idempotent-without-transaction");
    only(&of("UPDATE t SET a = a + 1 WHERE a < 3;"), "not-idempotent-without-transaction");
    assert!(rules(&of("ALTER TABLE t ADD COLUMN IF NOT EXISTS a text;")).is_empty());
}

#[test]
fn rows_are_not_changed_under_the_lock_of_the_schema() {
    let report = of_up("ALTER TABLE t ADD COLUMN a text;\nUPDATE t SET a = b;");
    let finding = only(&report, "backfill-in-schema-transaction");
    assert_eq!(finding.line, 3);
    assert!(finding.reason.contains("the lock on t"));
    assert!(!rules(&of_up("UPDATE t SET a = b WHERE a IS NULL;")).contains(&"backfill-in-schema-transaction"));
}

#[test]
fn numbers_across_branches() {
    let up = goose("SELECT 1;");
    let report =
        with(&[("1_a.sql", &up), ("2_b.sql", &up), ("00002_c.sql", &up), ("5_d.sql", &up)], &LintOptions::default());
    assert!(only(&report, "duplicate-version").message.contains("version 2 is also that of"));
    assert!(only(&report, "missing-version").message.contains("3, 4 is missing"));
    let stamps = [("20240101000000_a.sql", up.as_str()), ("20240201000000_b.sql", &up)];
    assert!(rules(&with(&stamps, &LintOptions::default())).is_empty());

    let other = goose("SELECT 2;");
    let base = tree(&[("20240101000000_a.sql", &other), ("20240115000000_x.sql", &up), ("20240301000000_y.sql", &up)]);
    let report = with(
        &[("20240101000000_a.sql", &up), ("20240201000000_b.sql", &up), ("20240301000000_y.sql", &up)],
        &LintOptions { base: Some(base), ..LintOptions::default() },
    );
    let changed = only(&report, "changed-since-base");
    assert_eq!((changed.line, changed.column), (2, 8));
    assert!(only(&report, "out-of-order").message.contains("20240201000000"));
    assert!(only(&report, "removed-since-base").message.contains("20240115000000"));
}

#[test]
fn sizes_make_a_lock_dangerous() {
    let mut sizes = Sizes::default();
    sizes.tables.insert("users".into(), TableSize { rows: 12_000_000, bytes: 3 << 30 });
    sizes.tables.insert("small".into(), TableSize { rows: 10, bytes: 8192 });
    let options = LintOptions { sizes: Some(sizes), ..LintOptions::default() };
    let of = |up: &str| with(&[("1_a.sql", &goose(up))], &options);
    let report = of("ALTER TABLE users ALTER COLUMN id TYPE bigint;");
    let finding = only(&report, "lock-on-large-table");
    assert_eq!(finding.severity, Severity::Error);
    assert!(finding.message.contains("12000000 rows in 3072 MiB"), "{}", finding.message);
    assert!(finding.reason.contains("ACCESS EXCLUSIVE") && finding.reason.contains("reads and writes"));
    for (up, expected) in [
        ("ALTER TABLE public.users ADD CONSTRAINT f FOREIGN KEY (a) REFERENCES small (id);", true),
        ("ALTER TABLE users ADD COLUMN a uuid DEFAULT gen_random_uuid();", true),
        ("ALTER TABLE small ADD CONSTRAINT f FOREIGN KEY (a) REFERENCES users (id) NOT VALID;", false),
        ("ALTER TABLE small ALTER COLUMN id TYPE bigint;", false),
        ("ALTER TABLE users ADD COLUMN a text;", false),
        ("UPDATE users SET a = 1;", true),
    ] {
        assert_eq!(rules(&of(up)).contains(&"lock-on-large-table"), expected, "{up}");
    }
}

#[test]
fn what_the_tool_or_the_parser_does_not_take_is_told() {
    let report = with(&[("1_a.sql", "-- +goose Up\nSELECT 1"), ("notes.sql", "")], &LintOptions::default());
    let refused: Vec<&PathBuf> =
        report.findings.iter().filter(|f| f.rule == "refused-by-its-tool").map(|f| &f.file).collect();
    assert_eq!(refused, [Path::new("m/1_a.sql"), Path::new("m/notes.sql")]);
    let odd = of_up("ALTER TABBLE t;");
    assert_eq!(only(&odd, "unreadable-sql").line, 2);
    let deep = format!("SELECT {}1{};", "(".repeat(100_000), ")".repeat(100_000));
    assert!(only(&of_up(&deep), "unreadable-sql").message.contains("2500 deep"));
    let nested = format!("SELECT {}1{};", "(".repeat(500), ")".repeat(500));
    assert!(rules(&of_up(&nested)).is_empty());
}

#[test]
fn a_finding_reads_well() {
    let report = of_up("ALTER TABLE users ALTER COLUMN age TYPE bigint;");
    let text = report.findings.iter().find(|f| f.rule == "changing-column-type").unwrap().to_string();
    assert!(
        text.starts_with(
            "m/1_a.sql:2:36: warning: it changes the type of users.age to bigint [changing-column-type]\n    why: "
        ),
        "{text}"
    );
    assert!(text.contains("\n    fix: 1. expand:   ALTER TABLE users ADD COLUMN age_new bigint;"), "{text}");
}
