//! The chart and the values that a command is about.

use std::path::{Path, PathBuf};

use bowline_chart::{Chart, UserValues, ValueSources};

use crate::console;
use crate::failure::Failure;
use crate::invocation::Invocation;
use crate::place;

/// Where the chart lies that the user named: a folder, an archive, or what had to be fetched.
pub(crate) fn locate(_invocation: &Invocation<'_>, reference: &str, repository: &str) -> Result<PathBuf, Failure> {
    let name = reference.trim();
    if repository.is_empty() {
        if Path::new(name).exists() {
            return Ok(absolute(name));
        }
        if name.starts_with(['/', '.']) {
            return Err(Failure::new(format!("path {} not found", bowline_yaml::quote(name))));
        }
    }
    Err(Failure::new(format!("non-absolute URLs should be in form of repo_name/path_to_chart, got: {name}")))
}

/// Go's `filepath.Abs`.
pub(crate) fn absolute(path: &str) -> PathBuf {
    if path.starts_with('/') {
        return place::clean(path).into();
    }
    let here = std::env::current_dir().unwrap_or_default();
    place::clean(&format!("{}/{path}", here.to_string_lossy())).into()
}

/// The values that the flags set.
pub(crate) fn user_values(invocation: &Invocation<'_>) -> Result<UserValues, Failure> {
    let sources = ValueSources {
        files: invocation.texts("values"),
        json: invocation.texts("set-json"),
        set: invocation.texts("set"),
        string: invocation.texts("set-string"),
        file: invocation.texts("set-file"),
        literal: invocation.texts("set-literal"),
    };
    UserValues::load(&sources).map_err(Failure::of)
}

/// Loads a chart.
pub(crate) fn load(path: &Path) -> Result<Chart, Failure> {
    Chart::load(path).map_err(Failure::of)
}

/// Loads a chart without a look at its `apiVersion` before all else.
pub(crate) fn load_plain(path: &Path) -> Result<Chart, Failure> {
    if !path.is_dir() {
        return load(path);
    }
    let files = bowline_chart::directory_files(path).map_err(Failure::of)?;
    Chart::from_files(files.iter().map(|file| (file.name.to_string(), file.data.to_vec()))).map_err(Failure::of)
}

/// Reads the files of the flags for TLS, where Helm makes a client of them before it knows whether it needs one.
pub(crate) fn check_tls(invocation: &Invocation<'_>) -> Result<(), Failure> {
    let [cert, key, ca] = ["cert-file", "key-file", "ca-file"].map(|name| invocation.text(name));
    let insecure = invocation.bool("insecure-skip-tls-verify");
    if !(!cert.is_empty() && !key.is_empty() || !ca.is_empty() || insecure) {
        return Ok(());
    }
    let read = |doing: &str, path: &str| {
        std::fs::read(path).map(|_| ()).map_err(|error| {
            let reason = bowline_chart::go_io_reason(&error);
            format!("{doing}: {}: open {path}: {reason}", bowline_yaml::quote(path))
        })
    };
    let mut faults = Vec::new();
    if !cert.is_empty() || !key.is_empty() {
        let pair = read("unable to read cert file", &cert).and_then(|()| read("unable to read key file", &key));
        faults.extend(pair.err());
    }
    if !ca.is_empty() {
        faults.extend(read("can't read CA file", &ca).err());
    }
    if faults.is_empty() {
        return Ok(());
    }
    Err(Failure::new(format!("missing registry client: can't create TLS config for client: {}", faults.join("\n"))))
}

/// Prints what Helm logs while it goes on.
pub(crate) fn log_warnings(warnings: &[String]) {
    for warning in warnings {
        match warning.strip_prefix("skipping unknown hooks: ") {
            Some(hook_types) => console::log("INFO", "skipping unknown hooks", &[("hookTypes", hook_types)]),
            None => console::log("INFO", warning, &[]),
        }
    }
}
