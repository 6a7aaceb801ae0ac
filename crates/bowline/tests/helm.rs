//! The drop-in is reached as `bowline helm`, and by calling the program `helm`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::disallowed_methods)]

use std::process::Command;

const BOWLINE: &str = env!("CARGO_BIN_EXE_bowline");

fn stdout(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn helms_arguments_are_helms() {
    assert_eq!(stdout(Command::new(BOWLINE).args(["helm", "version", "--short"])), "v4.3.1\n");
    // `--help` is Helm's here, and `-q` before it is Bowline's.
    assert!(stdout(Command::new(BOWLINE).args(["helm", "lint", "--help"])).contains("helm lint PATH [flags]"));
    assert_eq!(stdout(Command::new(BOWLINE).args(["-q", "helm", "version", "--short"])), "v4.3.1\n");
}

#[test]
fn a_program_called_helm_is_helm() {
    let folder = tempfile::tempdir().unwrap();
    let helm = folder.path().join("helm");
    std::os::unix::fs::symlink(BOWLINE, &helm).unwrap();
    assert_eq!(stdout(Command::new(&helm).args(["version", "--short"])), "v4.3.1\n");
    let refused = Command::new(&helm).arg("up").output().unwrap();
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).starts_with("Error: unknown command \"up\" for \"helm\""));
}
