//! The binary as a container of the migration image has it: nothing beside it, nothing to write to, no user of a name.

use std::path::Path;
use std::process::Command;

use bowline_peers::postgres::Postgres;

use crate::project::{BOWLINE, Said};

/// The libraries that a dynamic binary needs, at their places; a static one has none.
fn libraries() -> Vec<String> {
    let said = Command::new("ldd").arg(BOWLINE).output().unwrap();
    let text = String::from_utf8_lossy(&said.stdout).into_owned();
    text.split_whitespace().filter(|word| word.starts_with('/')).map(str::to_owned).collect()
}

#[test]
fn an_empty_read_only_root_and_a_user_without_a_name_are_enough() {
    let Some(postgres) = Postgres::start() else { return };
    if !postgres.runs_as_another() {
        bowline_peers::skip("needs root's rights, for a root folder of its own");
        return;
    }
    let root = tempfile::tempdir().unwrap();
    let within = |path: &str| root.path().join(path.trim_start_matches('/'));
    let put = |from: &str, to: &str| {
        std::fs::create_dir_all(within(to).parent().unwrap()).unwrap();
        std::fs::copy(from, within(to)).unwrap();
    };
    put(BOWLINE, "/bowline");
    for library in libraries() {
        put(&library, &library);
    }
    std::fs::create_dir_all(within("/etc")).unwrap();
    std::fs::create_dir_all(within("/migrations")).unwrap();
    std::fs::write(within("/etc/hosts"), "127.0.0.1 db.example.test\n").unwrap();
    std::fs::write(
        within("/migrations/1_a.sql"),
        "-- +goose Up\nCREATE TABLE a (id bigint);\n-- +goose Down\nDROP TABLE a;\n",
    )
    .unwrap();
    std::fs::set_permissions(root.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let url = format!("postgres://todo@db.example.test:{}/postgres", postgres.port());
    let run = |arguments: &[&str]| Said::of(&contained(root.path(), arguments, &url).output().unwrap());
    let up = run(&["migrate", "up"]).ok();
    assert!(up.err.contains("OK   1_a.sql"), "{}", up.err);
    run(&["migrate", "status"]).ok();
    run(&["migrate", "wait", "--timeout", "5s"]).ok();
    assert!(run(&["migrate", "verify"]).ok().out.contains("all 1 required migrations are applied"));
    run(&["migrate", "down"]).ok();
    assert!(run(&["migrate", "create", "more"]).err.contains("Read-only file system"));
    assert_eq!(postgres.psql("SELECT max(version_id) FROM goose_db_version").unwrap(), "0");
}

/// A command in that root: read-only, as the user 65532, with the image's and the container's variables and no others.
fn contained(root: &Path, arguments: &[&str], url: &str) -> Command {
    let script = "mount --bind \"$0\" \"$0\" && mount -o remount,bind,ro \"$0\" && \
                  exec chroot --userspec=65532:65532 --groups= \"$0\" /bowline \"$@\"";
    let mut command = Command::new("unshare");
    command.args(["--mount", "--", "sh", "-c", script]).arg(root).args(arguments).env_clear();
    command.envs([
        ("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"),
        ("GOOSE_MIGRATION_DIR", "/migrations"),
        ("DATABASE_URL", url),
    ]);
    command
}
