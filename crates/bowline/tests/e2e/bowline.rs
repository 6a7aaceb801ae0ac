//! Runs the binary in a home of its own.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

/// A home for clusters, and what runs in it; everything is taken down when it is dropped.
pub(crate) struct Home {
    folder: TempDir,
}

/// How a run ended.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Run {
    /// A finished process.
    pub(crate) fn of(output: &std::process::Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Fails the test with both streams unless the run ended with `code`.
    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "--- stdout\n{}\n--- stderr\n{}", self.stdout, self.stderr);
        self
    }
}

impl Home {
    pub(crate) fn new() -> Self {
        // PostgreSQL runs as another user when we are root: it must be able to enter.
        let permissions = fs::Permissions::from_mode(0o755);
        Self { folder: tempfile::Builder::new().prefix("bowline-e2e-").permissions(permissions).tempdir().unwrap() }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// A command of the binary, in the root of the checkout.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bowline"));
        command.args(arguments).current_dir(root()).env("BOWLINE_HOME", self.path()).env_remove("KUBECONFIG");
        command.stdin(Stdio::null());
        command
    }

    /// Runs the binary to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Run {
        finish(&mut self.command(arguments))
    }

    /// Starts the binary and goes on.
    pub(crate) fn start(&self, arguments: &[&str]) -> Child {
        self.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// Kubeconfig of the cluster that is up.
    pub(crate) fn kubeconfig(&self) -> String {
        self.run(&["cluster", "kubeconfig"]).expect(0).stdout.trim().to_owned()
    }

    /// The real kubectl on the cluster that is up.
    pub(crate) fn kubectl(&self, kubernetes: &Path, arguments: &[&str]) -> Run {
        finish(Command::new(kubernetes).arg("kubectl").args(["--kubeconfig", &self.kubeconfig()]).args(arguments))
    }

    /// The real helm on the cluster that is up.
    pub(crate) fn helm(&self, helm: &Path, arguments: &[&str]) -> Run {
        finish(Command::new(helm).args(["--kubeconfig", &self.kubeconfig()]).args(arguments))
    }

    /// The address of a Service that `bowline status` prints.
    pub(crate) fn url(&self, service: &str) -> String {
        let status: serde_json::Value =
            serde_json::from_str(&self.run(&["status", "--output", "json"]).expect(0).stdout).unwrap();
        let services = status["services"].as_array().unwrap();
        let service = services.iter().find(|entry| entry["name"] == service).unwrap();
        service["url"].as_str().unwrap().to_owned()
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let _ = self.run(&["down"]);
    }
}

/// Root of the checkout.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

fn finish(command: &mut Command) -> Run {
    Run::of(&command.output().unwrap())
}
