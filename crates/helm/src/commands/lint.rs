//! `helm lint`

mod address;
mod chart_file;
mod crds;
mod dependencies;
mod deprecation;
mod name;
mod object;
mod templates;
mod values_file;

use std::fs;
use std::path::{Path, PathBuf};

use bowline_chart::{Compat, UserValues};
use bowline_render::{KubeVersion, Options};

use crate::arguments::Arguments;
use crate::chart;
use crate::command::Command;
use crate::commands::VALUE_FLAGS;
use crate::console;
use crate::failure::Failure;
use crate::flag::Flag;
use crate::invocation::Invocation;
use crate::place;

/// `helm lint`
pub(crate) static LINT: Command = Command {
    usage: "lint PATH",
    short: "examine a chart for possible issues",
    long: "
This command takes a path to a chart and runs a series of tests to verify that
the chart is well-formed.

If the linter encounters things that will cause the chart to fail installation,
it will emit [ERROR] messages. If it encounters issues that break with convention
or recommendation, it will emit [WARNING] messages.
",
    flags: &[
        &[
            Flag::text("kube-version", "Kubernetes version used for capabilities and deprecation checks"),
            Flag::bool("quiet", "print only warnings and errors"),
            Flag::bool("skip-schema-validation", "if set, disables JSON schema validation"),
            Flag::bool("strict", "fail on lint warnings"),
            Flag::bool("with-subcharts", "lint dependent charts"),
        ],
        VALUE_FLAGS,
    ],
    arguments: Arguments::AtLeast(1),
    run: Some(run),
    ..Command::NEW
};

/// Where a rule's fault stands in the order of bad things.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Severity {
    Info,
    Warning,
    Error,
}

/// A fault that a rule found.
struct Message {
    severity: Severity,
    /// A path in the chart, mostly.
    path: String,
    text: String,
}

impl Message {
    fn print(&self) -> String {
        let severity = match self.severity {
            Severity::Info => "INFO",
            Severity::Warning => "WARNING",
            Severity::Error => "ERROR",
        };
        format!("[{severity}] {}: {}\n", self.path, self.text)
    }
}

/// What the rules look at, and what they found.
struct Linter<'l> {
    /// The chart's folder, absolute.
    folder: &'l Path,
    values: &'l UserValues,
    options: &'l Options,
    /// The version that objects may be out of date for.
    kube_version: &'l KubeVersion,
    /// The Helm that looks.
    compat: Compat,
    messages: Vec<Message>,
}

impl Linter<'_> {
    /// Notes a fault; whether there was none.
    fn check(&mut self, severity: Severity, path: impl Into<String>, result: Result<(), String>) -> bool {
        let Err(text) = result else { return true };
        self.messages.push(Message { severity, path: path.into(), text });
        false
    }
}

fn run(invocation: &Invocation<'_>) -> Result<(), Failure> {
    let mut options =
        Options { release_name: "test-release".to_owned(), revision: 0, lint: true, ..Options::default() };
    let compat = invocation.settings.compat;
    let kube_version = invocation.text("kube-version");
    if !kube_version.is_empty() {
        options.kube_version = KubeVersion::of_flag(&kube_version, compat)
            .map_err(|error| Failure::new(format!("invalid kube version '{kube_version}': {error}")))?;
    }
    let mut paths = invocation.arguments().to_vec();
    if paths.is_empty() {
        paths.push(".".to_owned());
    }
    if invocation.bool("with-subcharts") {
        let mut inner = Vec::new();
        paths.iter().for_each(|path| subcharts(&place::join(&[path, "charts"]), &mut inner));
        paths.extend(inner);
    }
    options.namespace = invocation.settings.namespace();
    options.skip_schema_validation = invocation.bool("skip-schema-validation");
    let values = chart::user_values(invocation)?;
    let quiet = invocation.bool("quiet");
    let lowest = if invocation.bool("strict") { Severity::Warning } else { Severity::Error };
    let (mut out, mut failed, mut bad) = (String::new(), 0, 0);
    for path in &paths {
        let (messages, error) = match lint(path, &values, &options, compat) {
            Ok(messages) => (messages, None),
            Err(error) => (Vec::new(), Some(error)),
        };
        let is_bad = error.is_some() || messages.iter().any(|message| message.severity > Severity::Info);
        bad += usize::from(is_bad);
        if quiet && !is_bad {
            continue;
        }
        out.push_str(&format!("==> Linting {path}\n"));
        if let Some(error) = &error {
            out.push_str(&format!("Error {error}\n"));
        }
        for message in messages.iter().filter(|message| !quiet || message.severity > Severity::Info) {
            out.push_str(&message.print());
        }
        failed += usize::from(error.is_some() || messages.iter().any(|message| message.severity >= lowest));
        out.push('\n');
    }
    console::data(&out);
    let summary = format!("{} chart(s) linted, {failed} chart(s) failed", paths.len());
    if failed > 0 {
        return Err(Failure::new(summary));
    }
    if !quiet || bad > 0 {
        console::data(&format!("{summary}\n"));
    }
    Ok(())
}

/// The charts below a folder, at any depth: folders with a `Chart.yaml`, and archives.
fn subcharts(folder: &str, into: &mut Vec<String>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    let mut names: Vec<String> = entries.flatten().map(|e| e.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    for name in names {
        let path = format!("{folder}/{name}");
        let is_folder = fs::symlink_metadata(&path).is_ok_and(|found| found.is_dir());
        if name == "Chart.yaml" {
            into.push(folder.to_owned());
        } else if path.ends_with(".tgz") || path.ends_with(".tar.gz") {
            into.push(path.clone());
        }
        if is_folder {
            subcharts(&path, into);
        }
    }
}

/// The faults of one chart; an error where there is none to be looked at.
fn lint(path: &str, values: &UserValues, options: &Options, compat: Compat) -> Result<Vec<Message>, String> {
    let laid_out;
    let folder = if path.ends_with(".tgz") || path.ends_with(".tar.gz") {
        laid_out = lay_out(path)?;
        laid_out.chart.to_string_lossy().into_owned()
    } else {
        path.to_owned()
    };
    let manifest = place::join(&[&folder, "Chart.yaml"]);
    if let Err(error) = fs::metadata(&manifest) {
        let reason = bowline_chart::go_io_reason(&error);
        return Err(format!("unable to check Chart.yaml file in chart: stat {manifest}: {reason}"));
    }
    let folder = chart::absolute(&folder);
    let kube_version = &options.kube_version;
    let mut linter = Linter { folder: &folder, values, options, kube_version, compat, messages: Vec::new() };
    chart_file::check(&mut linter);
    values_file::check(&mut linter);
    templates::check(&mut linter);
    dependencies::check(&mut linter);
    if !compat.is_helm3() {
        crds::check(&mut linter);
    }
    Ok(linter.messages)
}

/// An archive, laid out in a folder that goes away with this.
struct LaidOut {
    chart: PathBuf,
    _folder: tempfile::TempDir,
}

fn lay_out(archive: &str) -> Result<LaidOut, String> {
    let folder = tempfile::Builder::new().prefix("helm-lint").tempdir();
    let folder = folder.map_err(|error| format!("unable to create temp dir to extract tarball: {error}"))?;
    let data = fs::read(archive)
        .map_err(|error| format!("unable to open tarball: open {archive}: {}", bowline_chart::go_io_reason(&error)))?;
    bowline_registry::expand(&data, folder.path()).map_err(|error| format!("unable to extract tarball: {error}"))?;
    let first = fs::read_dir(folder.path()).ok().and_then(|mut entries| entries.next()?.ok());
    let Some(first) = first else { return Err("unable to extract tarball: it is empty".to_owned()) };
    Ok(LaidOut { chart: first.path(), _folder: folder })
}
