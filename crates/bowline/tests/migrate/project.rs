//! A folder of migrations, and the two programs on it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

pub(crate) const BOWLINE: &str = env!("CARGO_BIN_EXE_bowline");

pub(crate) struct Project {
    folder: TempDir,
}

/// What a program said.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Said {
    pub(crate) fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
    }

    pub(crate) fn ok(self) -> Self {
        assert_eq!(self.code, Some(0), "{self:?}");
        self
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

impl Project {
    pub(crate) fn new(files: &[(&str, &str)]) -> Self {
        let project = Self { folder: tempfile::tempdir().unwrap() };
        for (name, text) in files {
            project.write(name, text);
        }
        project
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.folder.path().join(name), text).unwrap();
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// `bowline migrate` with the database's driver and connection string, ready to start.
    pub(crate) fn command(&self, database: (&str, &str), arguments: &[&str]) -> Command {
        let mut command = Command::new(BOWLINE);
        command.args(["migrate", "--env", "none", "--dir"]).arg(self.folder.path());
        command.args(arguments).env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.envs([("GOOSE_DRIVER", database.0), ("GOOSE_DBSTRING", database.1), ("NAME", "knot")]);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub(crate) fn bowline(&self, database: (&str, &str), arguments: &[&str]) -> Said {
        Said::of(&self.command(database, arguments).output().unwrap())
    }

    pub(crate) fn goose(&self, goose: &PathBuf, database: (&str, &str), arguments: &[&str]) -> Said {
        let mut command = Command::new(goose);
        command.args(["-env", "none", "-dir"]).arg(self.folder.path()).args(arguments);
        command.envs([("GOOSE_DRIVER", database.0), ("GOOSE_DBSTRING", database.1), ("NAME", "knot")]);
        Said::of(&command.stdin(Stdio::null()).output().unwrap())
    }
}

/// Repeatable numbers for tests (SplitMix64).
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }
}

/// Other processes do not follow a paused clock.
#[allow(clippy::disallowed_methods)]
pub(crate) fn pause(milliseconds: u64) {
    std::thread::sleep(Duration::from_millis(milliseconds));
}

pub(crate) fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..1000 {
        if holds() {
            return;
        }
        pause(20);
    }
    panic!("waited in vain until {what}");
}
