//! The drop-in Helm command line: Helm's commands, flags, outputs and exit codes over the crates below.
//!
//! ```text
//!  argv ─► find (command tree) ─► flags ─► Settings ─► commands/<verb>.rs ─► the crates below ─► stdout
//!                                   └─► usage, help        └─► Failure ─► `Error: …` on stderr, exit code
//! ```
//!
//! Reads: arguments, Helm's environment variables and files (`settings.rs`), charts.
//! Produces: what Helm 4.3.1, or Helm 3.22.0, prints for the same arguments, byte for byte, and its exit code.
//! Never: renders, fetches or talks to a cluster by itself; prints anything that Helm does not.
#![forbid(unsafe_code)]

mod arguments;
mod chart;
mod chart_source;
mod command;
mod commands;
mod console;
mod csv;
mod failure;
mod find;
mod flag;
mod invocation;
mod machine;
mod parse;
mod place;
mod prompt;
mod server;
mod settings;
mod table;
mod usage;

use std::ffi::OsString;
use std::process::ExitCode;

use crate::failure::Failure;
use crate::find::{find, suggestions};
use crate::invocation::Invocation;
use crate::parse::{Manner, Parsed};
use crate::settings::Settings;

pub use bowline_registry::fetch_values;
pub use machine::Machine;
pub use server::{Check, Server};

/// The environment variable that says which Helm this command line stands in for: `3` for 3.22.0, or `4` for 4.3.1, which
/// it is without it.
pub const COMPAT_VARIABLE: &str = "BOWLINE_HELM_COMPAT";

/// A chart as it is named where no path is: what stands behind `helm template NAME`.
#[derive(Clone, Copy, Debug)]
pub struct ChartReference<'r> {
    /// `repository/name`, an address, or a name in `repository`.
    pub name: &'r str,
    /// Address of a repository (`--repo`); may be empty.
    pub repository: &'r str,
    /// Version or constraint; may be empty.
    pub version: &'r str,
}

impl ChartReference<'_> {
    /// Whether it names something to be fetched, by the repositories that the user added (Helm's files): for `a/b` that is
    /// not there, whether there is a repository `a`.
    pub fn is_remote(&self) -> bool {
        if !self.repository.is_empty() || self.name.contains("://") {
            return true;
        }
        let Some((repository, _)) = self.name.split_once('/').filter(|_| !std::path::Path::new(self.name).exists())
        else {
            return false;
        };
        let file = Settings::from_environment().repository_config;
        let known = bowline_registry::Repositories::load(std::path::Path::new(&file));
        known.is_ok_and(|known| known.get(repository).is_some())
    }

    /// Fetches it into Helm's cache, where it is not there already, with the credentials that Helm has. Warnings go to
    /// standard error.
    ///
    /// # Errors
    /// There is no such chart, or it cannot be fetched; in Helm's words.
    pub fn fetch(&self) -> Result<std::path::PathBuf, bowline_registry::Error> {
        let settings = Settings::from_environment();
        let (places, access) = (chart_source::places(&settings), bowline_registry::Access::default());
        let keyring = std::path::PathBuf::from(place::keyring());
        let downloader = bowline_registry::Downloader {
            places: &places,
            access: &access,
            verify: bowline_registry::Verify::Never,
            keyring: &keyring,
            console: &chart_source::Terminal { debug: false, aside: true, quiet: false },
            now: chart_source::now(),
        };
        let Self { name, repository, version } = *self;
        bowline_registry::locate(&downloader, bowline_registry::Wanted { reference: name, version, repository })
    }
}

/// Runs one Helm command: `arguments` is what stands behind `helm`. Returns the exit code.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<String> = arguments.into_iter().map(|text| text.to_string_lossy().into_owned()).collect();
    run(&arguments).into()
}

/// Helm tells which links it follows in a chart's folder.
fn log_link(link: &std::path::Path, target: &std::path::Path) {
    let (path, resolved) = (link.to_string_lossy(), target.to_string_lossy());
    if settings::compat().is_ok_and(bowline_chart::Compat::is_helm3) {
        let end = "Contents of linked file included and used";
        let text = format!("found symbolic link in path: {path} resolves to {resolved}. {end}");
        return console::log_of_helm3("walk.go:75", &text);
    }
    let message = "found symbolic link in path. Contents of linked file included and used";
    console::log("INFO", message, &[("path", &path), ("resolved", &resolved)]);
}

fn run(arguments: &[String]) -> u8 {
    if let Err(error) = settings::compat() {
        console::error(&format!("Error: {COMPAT_VARIABLE}: {error}\n"));
        return 1;
    }
    bowline_chart::observe_links(log_link);
    // Helm reads the global flags before it knows the command, unknown ones put aside, and then once more.
    let mut settings = Settings::from_environment();
    let mut parsed = Parsed::default();
    let root = commands::root(settings.compat);
    let _ = parsed.read(&[root], arguments, Manner::Lenient);
    settings.apply(&parsed);
    parsed.start_again();
    if let Err(failure) = settings.check() {
        console::error(&format!("level=WARN msg=\"command failed\" error={}\n", bowline_yaml::quote(&failure)));
        return 1;
    }
    let (path, arguments) = find(root, arguments);
    if path.len() == 1
        && let Some(unknown) = find::words(&path, &arguments).first()
    {
        let suggestions = suggestions(root, unknown);
        console::error(&format!(
            "Error: unknown command {} for \"helm\"{suggestions}\nRun 'helm --help' for usage.\n",
            bowline_yaml::quote(unknown)
        ));
        return 1;
    }
    match execute(&path, &arguments, settings, parsed) {
        Ok(()) => 0,
        Err(failure) => {
            console::error(&failure.render());
            failure.code
        }
    }
}

fn execute(
    path: &[&'static command::Command],
    arguments: &[String],
    mut settings: Settings,
    mut parsed: Parsed,
) -> Result<(), Failure> {
    let Some(&command) = path.last() else { return Ok(()) };
    if command.raw_arguments {
        parsed.positional = arguments.to_vec();
    } else {
        parsed.read(path, arguments, Manner::Strict)?;
    }
    settings.apply(&parsed);
    parsed.deprecations.iter().for_each(|line| console::error(line));
    if parsed.boolean("help") {
        console::data(&usage::help(path, &settings));
        return Ok(());
    }
    let Some(run) = command.run else {
        console::data(&usage::help(path, &settings));
        return Ok(());
    };
    command.arguments.check(path, &parsed.positional)?;
    parsed.check_groups(command.exclusive)?;
    parsed.check_carried_out(path)?;
    run(&Invocation { path, settings, parsed })
}
