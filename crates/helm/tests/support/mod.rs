//! The real helm and the drop-in, run in the same prepared folder with the same environment.

pub(crate) mod charts;
pub(crate) mod go;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// Whether the tests of this crate are about Helm 3; so `tests/helm3.rs`.
pub(crate) const IS_HELM3: bool = matches!(env!("CARGO_CRATE_NAME").as_bytes(), b"helm3");

/// What tells the drop-in which Helm it is.
pub(crate) const COMPAT: (&str, &str) = ("BOWLINE_HELM_COMPAT", if IS_HELM3 { "3" } else { "4" });

/// What Bowline refuses where it stands in for Helm 3 (`docs/helm.md`).
const NOT_AS_HELM3: [&str; 4] = ["--validate", "--dry-run=server", "--dry-run=none", "--dry-run=false"];

/// What a program did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// A folder to run commands in, with homes for Helm's files below it.
pub(crate) struct Bench {
    helm: PathBuf,
    folder: TempDir,
    variables: Vec<(String, String)>,
    /// How many commands were compared.
    pub(crate) compared: usize,
    faults: Vec<String>,
}

impl Bench {
    /// `None` after it was reported that there is no real helm.
    pub(crate) fn new() -> Option<Self> {
        let helm = bowline_peers::find(if IS_HELM3 { "helm3" } else { "helm" })?;
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("work")).unwrap();
        Some(Self { helm, folder, variables: Vec::new(), compared: 0, faults: Vec::new() })
    }

    /// The folder that commands run in.
    pub(crate) fn work(&self) -> PathBuf {
        self.folder.path().join("work")
    }

    /// Sets a variable of the environment for all that follows.
    pub(crate) fn set(&mut self, name: &str, value: impl Into<String>) {
        self.variables.push((name.to_owned(), value.into()));
    }

    /// Writes a file of the folder.
    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.work().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn run(&self, program: &Path, arguments: &[&str]) -> Outcome {
        let home = self.folder.path().join("home");
        let output = Command::new(program)
            .args(arguments)
            .current_dir(self.work())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", home)
            .env(COMPAT.0, COMPAT.1)
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Outcome { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    /// Runs the real helm.
    pub(crate) fn helm(&self, arguments: &[&str]) -> Outcome {
        self.run(&self.helm, arguments)
    }

    /// Runs the drop-in.
    pub(crate) fn ours(&self, arguments: &[&str]) -> Outcome {
        self.run(Path::new(env!("CARGO_BIN_EXE_helm")), arguments)
    }

    /// Runs both and notes a difference. Words are parted by blanks; `'` keeps blanks together.
    pub(crate) fn compare(&mut self, line: &str) {
        if IS_HELM3 && NOT_AS_HELM3.iter().any(|flag| line.contains(flag)) {
            return;
        }
        let words = words(line);
        let arguments: Vec<&str> = words.iter().map(String::as_str).collect();
        let (helm, ours) = (self.helm(&arguments), self.ours(&arguments));
        self.expect(line, &helm, &ours);
    }

    /// The same, unless the real helm prints something else each time: then templates make passwords.
    pub(crate) fn compare_if_constant(&mut self, arguments: &[&str]) {
        let (helm, ours) = (self.helm(arguments), self.ours(arguments));
        if helm != ours && self.helm(arguments) != helm {
            return;
        }
        self.expect(&arguments.join(" "), &helm, &ours);
    }

    /// Notes a difference between two outcomes.
    pub(crate) fn expect(&mut self, line: &str, helm: &Outcome, ours: &Outcome) {
        self.compared += 1;
        // A helm that `go install` built gives only the first part of its version.
        let masked = |outcome: &Outcome| Outcome {
            code: outcome.code,
            stdout: outcome.stdout.replace("v4.3.1", "v4.3"),
            stderr: if IS_HELM3 { without_debugging(&outcome.stderr) } else { outcome.stderr.clone() },
        };
        let (helm, ours) = (masked(helm), masked(ours));
        if helm != ours {
            self.faults.push(format!(
                "helm {line}\n  exit code: helm {:?}, ours {:?}\n{}{}",
                helm.code,
                ours.code,
                first_difference("stdout", &helm.stdout, &ours.stdout),
                first_difference("stderr", &helm.stderr, &ours.stderr)
            ));
        }
    }

    /// Fails where there was a difference.
    #[track_caller]
    pub(crate) fn finish(self) {
        assert!(self.compared > 0, "nothing was compared");
        let count = self.faults.len();
        assert!(count == 0, "{count} of {} commands differ:\n{}", self.compared, self.faults.join("\n"));
    }
}

/// What Helm 3 says with `--debug` has times in it; the last is the error once more, with Go's stack.
fn without_debugging(text: &str) -> String {
    let is_debugging = |line: &&str| line.contains(".go:") && line.contains(" [debug] ");
    let lines = text.split_inclusive('\n').take_while(|line| !(is_debugging(line) && line.starts_with("helm.go:")));
    lines.filter(|line| !is_debugging(line)).collect()
}

fn first_difference(what: &str, helm: &str, ours: &str) -> String {
    if helm == ours {
        return String::new();
    }
    let same = helm.lines().zip(ours.lines()).take_while(|(a, b)| a == b).count();
    let some = |text: &str| text.lines().skip(same).take(4).map(|line| format!("      {line:?}\n")).collect::<String>();
    format!("  {what} from line {}:\n    helm:\n{}    ours:\n{}", same + 1, some(helm), some(ours))
}

/// The words of a line: parted by blanks; `'` keeps blanks together.
pub(crate) fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quoted, mut any) = (Vec::new(), String::new(), false, false);
    for c in line.chars() {
        match c {
            '\'' => (quoted, any) = (!quoted, true),
            ' ' if !quoted => {
                if any {
                    words.push(std::mem::take(&mut word));
                }
                any = false;
            }
            c => {
                word.push(c);
                any = true;
            }
        }
    }
    if any {
        words.push(word);
    }
    words
}

/// The files below a folder with their content; folders with nothing in them too.
pub(crate) fn files(folder: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut open = vec![folder.to_owned()];
    while let Some(directory) = open.pop() {
        let Ok(entries) = std::fs::read_dir(&directory) else { continue };
        let name = |path: &Path| path.strip_prefix(folder).unwrap().to_string_lossy().into_owned();
        found.insert(format!("{}/", name(&directory)), String::new());
        for path in entries.map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                open.push(path);
            } else {
                found.insert(name(&path), String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned());
            }
        }
    }
    found
}
