//! The chart and the values that a command is about.

use std::path::{Path, PathBuf};

use bowline_chart::{Chart, Compat, UserValues, ValueSources};
use bowline_registry::{Dependencies, Downloader, Tls, Verify, Wanted};

use crate::chart_source::{Terminal, access, check_access, now, places, source_date_epoch, terminal, version};
use crate::console;
use crate::failure::Failure;
use crate::invocation::Invocation;
use crate::place;

/// Where the chart lies that the user named: a folder, an archive, or what was fetched into the cache.
pub(crate) fn locate(invocation: &Invocation<'_>, reference: &str, repository: &str) -> Result<PathBuf, Failure> {
    let name = reference.trim();
    let verify = invocation.bool("verify");
    // Most charts are folders; nothing has to be set up for them.
    let is_helm3 = invocation.settings.compat.is_helm3();
    if (repository.is_empty() || is_helm3) && !verify && Path::new(name).exists() {
        if !repository.is_empty() {
            let text = "WARN local chart found in current working directory. repository url ignored";
            console::log_of_helm3("install.go:759", &format!("{text} chart={name} repository={repository}"));
        }
        return Ok(absolute(name));
    }
    let (places, access) = (places(&invocation.settings), access(invocation, invocation.bool("pass-credentials")));
    let keyring = PathBuf::from(invocation.text("keyring"));
    let downloader = Downloader {
        places: &places,
        access: &access,
        verify: if verify { Verify::Always } else { Verify::Never },
        keyring: &keyring,
        // Standard output is the chart's.
        console: &Terminal { debug: invocation.settings.debug, aside: true, quiet: false },
        now: now(),
    };
    let version = version(invocation);
    let path = bowline_registry::locate(&downloader, Wanted { reference: name, version: &version, repository })?;
    Ok(absolute(&path.to_string_lossy()))
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
        compat: invocation.settings.compat,
    };
    UserValues::load_with(&sources, &bowline_registry::fetch_values).map_err(Failure::of)
}

/// Loads a chart.
pub(crate) fn load(path: &Path, compat: Compat) -> Result<Chart, Failure> {
    let chart = Chart::load_as(path, compat).map_err(Failure::of)?;
    log_old_files(path, &chart);
    Ok(chart)
}

/// The chart with its dependencies, which are fetched where some are missing; what is told of it goes to standard output, as in
/// Helm.
pub(crate) fn with_dependencies(invocation: &Invocation<'_>, path: &Path, chart: Chart) -> Result<Chart, Failure> {
    if chart.missing_dependencies().is_empty() {
        return Ok(chart);
    }
    let (places, access) = (places(&invocation.settings), access(invocation, false));
    let keyring = PathBuf::from(invocation.text("keyring"));
    let dependencies = Dependencies {
        chart: path,
        places: &places,
        access: &access,
        verify: Verify::Never,
        keyring: &keyring,
        skip_refresh: false,
        debug: invocation.settings.debug,
        epoch: source_date_epoch()?,
        console: &terminal(invocation),
        now: now(),
    };
    dependencies.update()?;
    load(path, chart.compat)
        .map_err(|failure| Failure::new(format!("failed reloading chart after repo update: {failure}")))
}

/// Helm tells where files of the old format lie in a chart of the new one.
fn log_old_files(path: &Path, chart: &Chart) {
    if chart.metadata.api_version != "v2" {
        return;
    }
    let old = [
        (
            "requirements.yaml",
            "load.go:120",
            "Dependencies are handled in Chart.yaml since apiVersion \"v2\". We recommend migrating dependencies to Chart.yaml.",
        ),
        (
            "requirements.lock",
            "load.go:138",
            "Dependency locking is handled in Chart.lock since apiVersion \"v2\". We recommend migrating to Chart.lock.",
        ),
    ];
    for (file, source, text) in old {
        let text = format!("Warning: {text}");
        match chart.compat {
            _ if !path.join(file).is_file() => {}
            Compat::Helm3 => console::log_of_helm3(source, &text),
            Compat::Helm4 => console::log("INFO", &text, &[]),
        }
    }
}

/// Loads a chart without a look at its `apiVersion` before all else.
pub(crate) fn load_plain(path: &Path, compat: Compat) -> Result<Chart, Failure> {
    // Helm 3 never looks at it.
    if !path.is_dir() || compat.is_helm3() {
        return load(path, compat);
    }
    let files = bowline_chart::directory_files(path).map_err(Failure::of)?;
    let chart = Chart::from_files(files.iter().map(|file| (file.name.to_string(), file.data.to_vec())));
    let chart = chart.map_err(Failure::of)?;
    log_old_files(path, &chart);
    Ok(chart)
}

/// Reads the files of the flags for TLS, where Helm makes a client of them before it knows whether it needs one.
pub(crate) fn check_tls(invocation: &Invocation<'_>) -> Result<(), Failure> {
    let access = access(invocation, false);
    if !access.tls.is_custom() {
        return Ok(());
    }
    if invocation.settings.compat.is_helm3() {
        check_tls_of_helm3(&access.tls)?;
    }
    check_access(&access, &places(&invocation.settings))
}

/// What Helm 3 says of files that it cannot read.
fn check_tls_of_helm3(tls: &Tls) -> Result<(), Failure> {
    let failed =
        |why: String| Failure::new(format!("missing registry client: can't create TLS config for client: {why}"));
    let Tls { certificate, key, authority, .. } = tls;
    if !certificate.is_empty() && !key.is_empty() {
        for file in [certificate, key] {
            std::fs::read(file).map_err(|error| {
                let reason = format!("open {file}: {}", bowline_chart::go_io_reason(&error));
                failed(format!("can't load key pair from cert {certificate} and key {key}: {reason}"))
            })?;
        }
    }
    if !authority.is_empty() && std::fs::read(authority).is_err() {
        return Err(failed(format!("can't read CA file: {authority}")));
    }
    Ok(())
}

/// Prints what Helm logs while it goes on.
pub(crate) fn log_warnings(warnings: &[String], compat: Compat) {
    if compat.is_helm3() {
        return warnings.iter().for_each(|warning| log_warning_of_helm3(warning));
    }
    for warning in warnings {
        match warning.strip_prefix("skipping unknown hooks: ") {
            Some(hook_types) => console::log("INFO", "skipping unknown hooks", &[("hookTypes", hook_types)]),
            None => console::log("INFO", warning, &[]),
        }
    }
}

/// Where Helm 3 writes a warning.
const SOURCES: [(&str, &str); 7] = [
    ("warning: skipping globals because destination", "coalesce.go:138"),
    ("warning: skipping globals because source", "coalesce.go:145"),
    ("Conflict: ", "coalesce.go:161"),
    ("key ", "coalesce.go:175"),
    ("warning: skipped value for ", "coalesce.go:237"),
    ("warning: cannot overwrite table with non table for ", "coalesce.go:316"),
    ("warning: destination for ", "coalesce.go:319"),
];

fn log_warning_of_helm3(warning: &str) {
    if let Some(hook_types) = warning.strip_prefix("skipping unknown hooks: ") {
        let quoted = bowline_yaml::quote(hook_types);
        return console::log_of_helm3("manifest_sorter.go:199", &format!("info: skipping unknown hook: {quoted}"));
    }
    let source = SOURCES.iter().find(|(start, _)| warning.starts_with(start)).map_or("", |(_, source)| source);
    console::log_of_helm3(source, warning);
}
