//! What can be wrong: files, addresses, servers. Clear words, no password, and nothing half-recorded.

use std::process::Command;

use base64::Engine as _;
use bowline_peers::mariadb::MariaDb;
use bowline_peers::postgres::Postgres;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use serde_json::json;

use crate::project::{Project, Said, eventually};

const GOOD: &str = "-- +goose Up\nCREATE TABLE good (id int);\n-- +goose Down\nDROP TABLE good;\n";

#[test]
fn a_bad_file_stops_the_run_before_anything_is_changed() {
    let Some(postgres) = Postgres::start() else { return };
    let url = postgres.database("bad");
    let database = ("postgres", url.as_str());
    let cases: [(&str, &[u8], &str); 8] = [
        ("2_bad.sql", b"-- +goose Up\nSELECT 1\n", "2_bad.sql:2:1: the statement does not end with ';'"),
        (
            "2_bad.sql",
            b"-- +goose Up\n-- +goose StatementBegin\nSELECT 1;\n",
            "2_bad.sql:2:1: '-- +goose StatementBegin' without",
        ),
        ("2_bad.sql", b"\xef\xbb\xbf-- +goose Up\n", "2_bad.sql:1:1: the file begins with a byte order mark"),
        ("2_bad.sql", b"-- +goose Up\nSELECT '\xe4';\n", "2_bad.sql:2:9: the file is not UTF-8"),
        (
            "2_bad.sql",
            b"-- +goose Up\n-- +goose ENVSUB ON\nSELECT ${WHO?say who};\n",
            "2_bad.sql:3:8: the environment variable WHO is not set: say who",
        ),
        ("01_bad.sql", b"-- +goose Up\n", "version 1 is there twice"),
        ("bad.sql", b"-- +goose Up\n", "bad.sql is not named like a migration"),
        ("2_bad.go", b"package x\n", "2_bad.go: a migration written in Go"),
    ];
    for (name, content, expected) in cases {
        let project = Project::new(&[("1_good.sql", GOOD)]);
        std::fs::write(project.path().join(name), content).unwrap();
        let said = project.bowline(database, &["up"]);
        assert_eq!(said.code, Some(1), "{said:?}");
        assert!(said.err.contains(expected), "{name}: {}", said.err);
        let tables = postgres.psql_at(&url, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").unwrap();
        assert_eq!(tables, "0", "{name}: nothing was made");
    }
    // Windows' line ends are fine.
    let project = Project::new(&[("1_good.sql", &GOOD.replace('\n', "\r\n"))]);
    project.bowline(database, &["up"]).ok();
    assert_eq!(project.bowline(database, &["validate"]).ok().code, Some(0));
}

#[test]
fn a_failed_file_leaves_nothing_and_names_the_place() {
    let Some(postgres) = Postgres::start() else { return };
    let url = postgres.database("failed");
    let database = ("postgres", url.as_str());
    let project = Project::new(&[
        ("1_good.sql", GOOD),
        (
            "2_bad.sql",
            "-- +goose Up\nCREATE TABLE half (id int);\n\n  SELECT id,\n    nope FROM half;\nCREATE TABLE other (id int);\n",
        ),
    ]);
    let said = project.bowline(database, &["up"]);
    assert_eq!(said.code, Some(1));
    assert!(said.err.contains("2_bad.sql:5:5: column \"nope\" does not exist (SQLSTATE 42703)"), "{}", said.err);
    assert_eq!(
        postgres.psql_at(&url, "SELECT to_regclass('half') IS NULL, to_regclass('other') IS NULL").unwrap(),
        "t|t"
    );
    assert_eq!(project.bowline(database, &["version", "-o", "json"]).ok().json(), json!({"version": 1}));
    project.write("2_bad.sql", "-- +goose Up\nCREATE INDEX CONCURRENTLY i ON good (id);\n");
    let within = project.bowline(database, &["up"]);
    assert!(within.err.contains("hint: put `-- +goose NO TRANSACTION` into the file"), "{within:?}");
    project.write("2_bad.sql", "-- +goose Up\n-- +goose NO TRANSACTION\nCREATE INDEX CONCURRENTLY i ON good (id);\n");
    let done = project.bowline(database, &["up", "-o", "json"]).ok().json();
    assert_eq!(done["version"], 2);
    assert_eq!((&done["applied"][0]["name"], &done["applied"][0]["direction"]), (&json!("2_bad.sql"), &json!("up")));
    assert!(done["applied"][0]["seconds"].as_f64().is_some_and(|seconds| seconds > 0.0), "{done}");
}

#[test]
fn changed_files_are_reported() {
    let Some(postgres) = Postgres::start() else { return };
    let url = postgres.database("changed");
    let database = ("postgres", url.as_str());
    let project = Project::new(&[("1_good.sql", GOOD)]);
    project.bowline(database, &["up"]).ok();
    assert!(!project.bowline(database, &["status"]).ok().out.contains("changed"));
    project.write("1_good.sql", &GOOD.replace("id int", "id bigint"));
    let status = project.bowline(database, &["status"]).ok();
    assert!(status.out.contains("1_good.sql (changed since it was applied)"), "{}", status.out);
    let up = project.bowline(database, &["up"]).ok();
    assert!(up.err.contains("1_good.sql: changed since it was applied, and not applied again"), "{}", up.err);
    // It is said, and stops nobody: goose would run.
    let verified = project.bowline(database, &["verify"]).ok();
    assert!(
        verified
            .out
            .contains("all 1 required migrations are applied (goose_db_version); these files are not what was run")
            && verified.out.contains("1_good.sql"),
        "{}",
        verified.out
    );
    // Another way to end lines is no change.
    project.write("1_good.sql", &GOOD.replace('\n', "\r\n"));
    assert!(!project.bowline(database, &["status"]).ok().out.contains("changed"));
    assert!(!project.bowline(database, &["up"]).ok().err.contains("changed"));
    assert!(!project.bowline(database, &["verify"]).ok().out.contains("not what was run"));
}

#[test]
fn a_server_that_only_the_environment_names_is_not_needed_for_linting() {
    let project = Project::new(&[("1_good.sql", &GOOD.replace("id int", "id bigint"))]);
    let nobody = "postgres://u:s3cret@127.0.0.1:9/d?sslmode=disable";
    for database in [("postgres", nobody), ("sqlite3", "x.db")] {
        let said = project.bowline(database, &["lint"]).ok();
        assert!(said.err.contains("how large tables are is not known") && !said.err.contains("s3cret"), "{}", said.err);
        assert!(said.out.contains("no findings in 1 migrations"), "{}", said.out);
    }
    let mut command = project.command(("", ""), &["lint", "--database", nobody]);
    let asked = Said::of(&command.env_remove("GOOSE_DRIVER").env_remove("GOOSE_DBSTRING").output().unwrap());
    assert!(asked.code == Some(1) && asked.err.contains("read the sizes of tables"), "{asked:?}");
    assert!(!asked.err.contains("s3cret"), "{}", asked.err);
}

#[test]
fn the_command_before_stops_the_migration_where_it_fails() {
    let Some(postgres) = Postgres::start() else { return };
    let url = postgres.database("before");
    let database = ("postgres", url.as_str());
    let project = Project::new(&[("1_good.sql", GOOD)]);
    let said = project.bowline(database, &["up", "--before", "exit 7"]);
    assert!(
        said.code == Some(1)
            && said
                .err
                .contains("'exit 7' was to run before the migration and failed: exit status: 7; nothing was changed"),
        "{said:?}"
    );
    assert_eq!(project.bowline(database, &["version"]).ok().out, "bowline: version 0\n");
    let backup = project.path().join("backup");
    let command = format!("printf %s \"$DATABASE_URL\" > {}", backup.display());
    project.bowline(database, &["up", "--before", &command]).ok();
    assert_eq!(std::fs::read_to_string(&backup).unwrap(), url);
    // Nothing to do, nothing to save.
    std::fs::remove_file(&backup).unwrap();
    project.bowline(database, &["up", "--before", &command]).ok();
    assert!(!backup.exists());
}

#[test]
fn who_is_in_the_way_of_a_table_is_named() {
    let Some(postgres) = Postgres::start() else { return };
    let url = postgres.database("blocked");
    let database = ("postgres", url.as_str());
    let project =
        Project::new(&[("1_good.sql", GOOD), ("2_more.sql", "-- +goose Up\nALTER TABLE good ADD COLUMN more int;\n")]);
    project.bowline(database, &["up-to", "1"]).ok();
    let mut blocker = postgres.command("psql");
    let sql = "BEGIN; LOCK TABLE good; SELECT pg_sleep(600)";
    let mut blocker = blocker.args(["-XAtq", "-c", sql, &url]).stdout(std::process::Stdio::null()).spawn().unwrap();
    eventually("the table is locked", || {
        postgres
            .psql_at(&url, "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep'")
            .is_ok_and(|row| row == "1")
    });
    let said = project.bowline(database, &["up", "--lock-timeout", "1s", "--lock-retries", "1"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.err.contains("attempt 2 in"), "{}", said.err);
    assert!(said.err.contains("canceling statement due to lock timeout (SQLSTATE 55P03)"), "{}", said.err);
    assert!(said.err.contains("(psql), active: BEGIN; LOCK TABLE good"), "{}", said.err);
    postgres
        .psql_at(&url, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep'")
        .unwrap();
    _ = blocker.wait();
    project.bowline(database, &["up"]).ok();
}

#[test]
fn servers_that_are_not_there_or_do_not_let_us_in() {
    let Some(mut postgres) = Postgres::start() else { return };
    let project = Project::new(&[("1_good.sql", GOOD)]);
    let bowline = |address: &str, arguments: &[&str]| project.bowline(("postgres", address), arguments);
    let port = postgres.port();
    postgres.psql("CREATE ROLE guest LOGIN").unwrap();
    postgres.psql("REVOKE CREATE ON SCHEMA public FROM PUBLIC").unwrap();

    let nobody = bowline("postgres://u:s3cret@127.0.0.1:9/d?sslmode=disable", &["up", "--connect-timeout", "600ms"]);
    assert_eq!(nobody.code, Some(4), "{nobody:?}");
    assert!(nobody.err.contains("waiting up to") && nobody.err.contains("Connection refused"), "{}", nobody.err);
    assert!(!nobody.err.contains("s3cret"));

    let absent = bowline(&format!("postgres://todo:s3cret@127.0.0.1:{port}/absent"), &["up"]);
    assert_eq!(absent.code, Some(1), "{absent:?}");
    assert!(
        absent.err.contains("database \"absent\" does not exist") && !absent.err.contains("s3cret"),
        "{}",
        absent.err
    );

    let denied = bowline(&format!("postgres://guest@127.0.0.1:{port}/postgres"), &["up"]);
    assert_eq!(denied.code, Some(1), "{denied:?}");
    assert!(
        denied.err.contains("create the version table goose_db_version: permission denied for schema public"),
        "{}",
        denied.err
    );

    let wrong = bowline("postgres://u:s3cret@127.0.0.1:port/d", &["status"]);
    assert!(wrong.code == Some(2) && !wrong.err.contains("s3cret"), "{wrong:?}");
    let driver = project.bowline(("oracle", "s3cret"), &["status"]);
    assert!(
        driver.code == Some(2)
            && driver.err.contains("driver 'oracle' is not supported")
            && !driver.err.contains("s3cret"),
        "{driver:?}"
    );

    postgres.psql("ALTER ROLE guest SET default_transaction_read_only = on").unwrap();
    let read_only = bowline(&format!("postgres://guest@127.0.0.1:{port}/postgres"), &["up"]);
    assert!(read_only.code == Some(1) && read_only.err.contains("is read-only"), "{read_only:?}");
    bowline(&format!("postgres://guest@127.0.0.1:{port}/postgres"), &["status"]).ok();

    // A server that comes later is waited for.
    postgres.halt();
    let url = postgres.url();
    let waiting = project.command(("postgres", &url), &["up", "--connect-timeout", "30s"]).spawn().unwrap();
    crate::project::pause(300);
    postgres.run();
    Said::of(&waiting.wait_with_output().unwrap()).ok();
}

#[test]
fn tls_as_libpq_has_it() {
    let Some(postgres) = Postgres::start() else { return };
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let server = CertificateParams::new(vec!["localhost".to_owned()]).unwrap().signed_by(&key, &authority).unwrap();
    let project = Project::new(&[("1_good.sql", GOOD)]);
    let root = project.path().join("root.pem");
    std::fs::write(&root, authority.pem()).unwrap();
    // The server itself writes its key, so that it is the owner and nobody else can read it.
    let put = |name: &str, pem: String| {
        let text = base64::engine::general_purpose::STANDARD.encode(pem);
        let program = format!("umask 077; base64 -d > {name}");
        postgres.psql(&format!("COPY (SELECT '{text}') TO PROGRAM '{program}'")).unwrap();
        postgres.psql(&format!("ALTER SYSTEM SET ssl_{}_file = '{name}'", name.replace(".pem", ""))).unwrap();
    };
    put("cert.pem", server.pem());
    put("key.pem", key.serialize_pem());
    postgres.psql("ALTER SYSTEM SET ssl = on").unwrap();
    postgres.psql("SELECT pg_reload_conf()").unwrap();
    let version = |host: &str, mode: &str| {
        let url = format!("postgres://todo@{host}:{}/postgres?sslmode={mode}", postgres.port());
        project.bowline(("postgres", &url), &["version"])
    };
    eventually("TLS is on", || version("127.0.0.1", "require").code == Some(0));
    version("127.0.0.1", "disable").ok();
    let verified = format!("verify-full&sslrootcert={}", root.display());
    version("localhost", &verified).ok();
    let unknown = version("localhost", "verify-full");
    assert!(unknown.code == Some(1) && unknown.err.contains("invalid peer certificate: UnknownIssuer"), "{unknown:?}");
    let other = version("127.0.0.1", &verified);
    assert!(other.code == Some(1) && other.err.contains("certificate not valid for name"), "{other:?}");
}

#[test]
fn a_wrong_password_is_never_printed() {
    let Some(maria) = MariaDb::start() else { return };
    let project = Project::new(&[("1_good.sql", GOOD)]);
    let address = format!("locked:s3cret@tcp(127.0.0.1:{})/todo", maria.port());
    let said = project.bowline(("mysql", &address), &["up"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(
        said.err.contains("Access denied for user 'locked'@'127.0.0.1'") && !said.err.contains("s3cret"),
        "{}",
        said.err
    );
}

#[test]
fn a_pooler_per_transaction_is_refused() {
    let Some(postgres) = Postgres::start() else { return };
    let program =
        ["/usr/sbin/pgbouncer", "/usr/bin/pgbouncer"].iter().find(|path| std::path::Path::new(path).is_file());
    let Some(program) = program else {
        bowline_peers::skip("needs PgBouncer: install pgbouncer");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let settings = |mode: &str| {
        format!(
            "[databases]\n* = host=127.0.0.1 port={}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n\
             auth_type = any\npool_mode = {mode}\nunix_socket_dir =\nignore_startup_parameters = extra_float_digits\n\
             [users]\n",
            postgres.port()
        )
    };
    let project = Project::new(&[("1_good.sql", GOOD)]);
    for mode in ["transaction", "session"] {
        let file = folder.path().join(format!("{mode}.ini"));
        std::fs::write(&file, settings(mode).replace("* = host=127.0.0.1", "* = user=todo host=127.0.0.1")).unwrap();
        let mut pooler = pooler(&postgres, program, &file);
        let url = format!("postgres://todo@127.0.0.1:{port}/postgres?sslmode=disable");
        let said = project.bowline(("postgres", &url), &["up"]);
        pooler.kill().unwrap();
        pooler.wait().unwrap();
        if mode == "transaction" {
            assert_eq!(said.code, Some(1), "{said:?}");
            assert!(
                said.err.contains(&format!(
                    "postgres://todo@127.0.0.1:{port}/postgres is a pooler that gives a session to another client"
                )),
                "{}",
                said.err
            );
            assert_eq!(postgres.psql("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'").unwrap(), "0");
        } else {
            said.ok();
        }
    }
}

fn pooler(postgres: &Postgres, program: &str, file: &std::path::Path) -> std::process::Child {
    let mut command = Command::new(program);
    postgres.as_its_user(&mut command);
    command.arg("-q").arg(file).stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null()).spawn().unwrap()
}
