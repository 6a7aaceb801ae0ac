//! The real helm and the drop-in, each with folders of its own, given the same commands: what they print and what they
//! leave behind is compared.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use flate2::read::GzDecoder;
use regex::Regex;
use tempfile::TempDir;

use crate::support::{Outcome, words};

/// Both, side by side.
pub(crate) struct Twins {
    helm: PathBuf,
    root: TempDir,
    variables: Vec<(String, String)>,
    compared: usize,
    faults: Vec<String>,
}

/// One of the two.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Helm,
    Ours,
}

pub(crate) const SIDES: [Side; 2] = [Side::Helm, Side::Ours];

impl Twins {
    /// `None` after it was reported that there is no real helm.
    pub(crate) fn new() -> Option<Self> {
        let helm = bowline_peers::find("helm")?;
        let root = tempfile::tempdir().unwrap();
        let twins = Self { helm, root, variables: Vec::new(), compared: 0, faults: Vec::new() };
        for side in SIDES {
            fs::create_dir_all(twins.work(side)).unwrap();
            fs::create_dir_all(twins.home(side)).unwrap();
        }
        Some(twins)
    }

    pub(crate) fn work(&self, side: Side) -> PathBuf {
        self.side(side).join("work")
    }

    pub(crate) fn home(&self, side: Side) -> PathBuf {
        self.side(side).join("home")
    }

    fn side(&self, side: Side) -> PathBuf {
        self.root.path().join(if side == Side::Helm { "helm" } else { "ours" })
    }

    /// A folder that both see.
    pub(crate) fn shared(&self) -> &Path {
        self.root.path()
    }

    pub(crate) fn set(&mut self, name: &str, value: impl Into<String>) {
        self.variables.push((name.to_owned(), value.into()));
    }

    /// Writes a file for both, with a time of its own: some digits tell times apart.
    pub(crate) fn write(&self, path: &str, text: impl AsRef<[u8]>) {
        for side in SIDES {
            let path = self.work(side).join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, &text).unwrap();
            let time = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_millis(1_700_000_000_700);
            fs::File::options().write(true).open(&path).unwrap().set_modified(time).unwrap();
        }
    }

    pub(crate) fn remove(&self, path: &str) {
        for side in SIDES {
            let path = self.work(side).join(path);
            let removed = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
            // Gone is gone.
            let _ = removed;
        }
    }

    /// Copies a file of helm's over ours, where the two cannot be equal (signatures, times).
    pub(crate) fn share(&self, path: &str) {
        fs::copy(self.work(Side::Helm).join(path), self.work(Side::Ours).join(path)).unwrap();
    }

    /// Runs a line on one side.
    pub(crate) fn run(&self, side: Side, line: &str, input: &str) -> Outcome {
        let program = if side == Side::Helm { self.helm.clone() } else { env!("CARGO_BIN_EXE_helm").into() };
        let mut command = Command::new(program);
        command.args(words(line)).current_dir(self.work(side)).env_clear();
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("HOME", self.home(side));
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // A program that reads nothing closes its end.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let output = child.wait_with_output().unwrap();
        let own = self.side(side).to_string_lossy().into_owned();
        let text = |bytes: Vec<u8>| masked(&String::from_utf8_lossy(&bytes).replace(&own, "ROOT"));
        Outcome { code: output.status.code(), stdout: in_order(text(output.stdout)), stderr: text(output.stderr) }
    }

    /// Runs a line on both, and notes what differs: exit code, output, and the files that are there then.
    pub(crate) fn same(&mut self, line: &str) -> Outcome {
        self.same_with(line, "")
    }

    /// The same with text on standard input.
    pub(crate) fn same_with(&mut self, line: &str, input: &str) -> Outcome {
        let (helm, ours) = (self.run(Side::Helm, line, input), self.run(Side::Ours, line, input));
        self.expect(line, &helm, &ours);
        self.expect_same_files(line);
        ours
    }

    /// The same; the text of errors may differ, whether there is one may not.
    pub(crate) fn both_fail(&mut self, line: &str) -> (Outcome, Outcome) {
        let (helm, ours) = (self.run(Side::Helm, line, ""), self.run(Side::Ours, line, ""));
        self.compared += 1;
        if helm.code != Some(1) || ours.code != Some(1) {
            self.faults.push(format!("helm {line}: not both fail\n  helm: {helm:?}\n  ours: {ours:?}"));
        }
        self.expect_same_files(line);
        (helm, ours)
    }

    fn expect(&mut self, line: &str, helm: &Outcome, ours: &Outcome) {
        self.compared += 1;
        if helm != ours {
            self.faults.push(format!("helm {line}\n  helm: {helm:#?}\n  ours: {ours:#?}"));
        }
    }

    pub(crate) fn expect_same_files(&mut self, line: &str) {
        let (helm, ours) = (self.files(Side::Helm), self.files(Side::Ours));
        let names: std::collections::BTreeSet<&String> = helm.keys().chain(ours.keys()).collect();
        for name in names {
            if helm.get(name) != ours.get(name) {
                let (a, b) = (helm.get(name), ours.get(name));
                self.faults.push(format!("helm {line}: {name} differs\n  helm: {a:#?}\n  ours: {b:#?}"));
            }
        }
    }

    /// What is in the folders of one side: text as it is, archives by what is in them.
    fn files(&self, side: Side) -> BTreeMap<String, String> {
        let mut found = BTreeMap::new();
        let root = self.side(side);
        walk(&root, &mut |path| {
            let name = path.strip_prefix(&root).unwrap().to_string_lossy().into_owned();
            // GnuPG's own, and locks of ours and of Helm's.
            if name.contains(".gnupg")
                || name.ends_with(".lock") && !name.ends_with("Chart.lock") && !name.ends_with("ments.lock")
            {
                return;
            }
            // A link may lead nowhere.
            let data = fs::read(path).unwrap_or_default();
            let own = root.to_string_lossy().into_owned();
            let content = if data.starts_with(b"\x1f\x8b") {
                archive(&data)
            } else {
                masked(&String::from_utf8_lossy(&data).replace(&own, "ROOT"))
            };
            // Order of names in these files is that of a Go map.
            let content = if name.ends_with("-charts.txt") {
                let mut lines: Vec<&str> = content.lines().collect();
                lines.sort_unstable();
                lines.join("\n")
            } else {
                content
            };
            use std::os::unix::fs::PermissionsExt;
            let mode = fs::symlink_metadata(path).unwrap().permissions().mode() & 0o777;
            found.insert(name, format!("{mode:o}\n{content}"));
        });
        found
    }

    /// Fails where there was a difference.
    #[track_caller]
    pub(crate) fn finish(self) {
        assert!(self.compared > 0, "nothing was compared");
        let count = self.faults.len();
        assert!(count == 0, "{count} differences in {} commands:\n{}", self.compared, self.faults.join("\n"));
    }
}

fn walk(folder: &Path, seen: &mut dyn FnMut(&Path)) {
    let mut entries: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() { walk(&path, seen) } else { seen(&path) }
    }
}

static NOW: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"20[2-9]\d-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)").unwrap());
/// Names of files that are there for a moment: helm's have digits behind them.
static PASSING: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"(tmpcharts-|\.yaml|\.tgz)\d+").unwrap());

/// Text without times of the present, which no two runs share.
fn masked(text: &str) -> String {
    let old = "2023-11-14T";
    let text = NOW.replace_all(
        text,
        |found: &regex::Captures<'_>| {
            if found[0].starts_with(old) { found[0].to_owned() } else { "NOW".to_owned() }
        },
    );
    PASSING.replace_all(&text, "$1").into_owned()
}

/// Repositories are asked at once, and answer in any order.
fn in_order(text: String) -> String {
    let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
    let told = |line: &&str| line.starts_with("...Success") || line.starts_with("...Unable");
    let Some(first) = lines.iter().position(told) else { return text };
    let end = lines.iter().rposition(told).unwrap_or(first);
    if lines[first..=end].iter().all(told) {
        lines[first..=end].sort_unstable();
    }
    lines.concat()
}

/// Headers and contents of an archive, and the gzip header.
pub(crate) fn archive(data: &[u8]) -> String {
    let decoder = GzDecoder::new(data);
    let header = decoder.header().map(|header| {
        format!(
            "extra {:?} comment {:?} mtime {} os {}",
            header.extra(),
            header.comment(),
            header.mtime(),
            header.operating_system()
        )
    });
    let mut tar = Vec::new();
    if std::io::Read::read_to_end(&mut { decoder }, &mut tar).is_err() {
        return "broken".to_owned();
    }
    let mut entries = Vec::new();
    let mut at = 0;
    while let Some(block) = tar.get(at..at + 512).filter(|block| block.iter().any(|b| *b != 0)) {
        let field = |range: std::ops::Range<usize>| {
            String::from_utf8_lossy(&block[range]).trim_end_matches(['\0', ' ']).to_owned()
        };
        let size = usize::from_str_radix(&field(124..136), 8).unwrap();
        let time = i64::from_str_radix(&field(136..148), 8).unwrap();
        let time = if (time - 1_700_000_000).abs() < 1000 || time < 1_600_000_000 {
            time.to_string()
        } else {
            "NOW".to_owned()
        };
        let body = masked(&String::from_utf8_lossy(&tar[at + 512..at + 512 + size]));
        let name = format!("{}|{}", field(345..500), field(0..100));
        let rest = [100..108, 108..116, 116..124, 156..157, 157..257, 257..265, 265..297, 297..329, 329..337, 337..345];
        let rest: Vec<String> = rest.into_iter().map(field).collect();
        let checked = if time == "NOW" || body.contains("NOW") { "-".to_owned() } else { field(148..156) };
        entries.push(format!("{name} {time} {checked} {} {body:?}", rest.join(",")));
        at += 512 + size.div_ceil(512) * 512;
    }
    // Subcharts of a chart come in the order of a Go map.
    entries.sort();
    format!("{header:?}\n{}\n{} at the end", entries.join("\n"), tar.len() - at)
}
