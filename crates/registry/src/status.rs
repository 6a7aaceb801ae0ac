//! What is in a chart's `charts/` folder, beside what its `Chart.yaml` asks for.

use std::fs;
use std::path::{Path, PathBuf};

use bowline_chart::{Chart, Constraint, Dependency, Version, glob_match};

use crate::error::Error;

/// A dependency and how it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DependencyStatus {
    /// Its name.
    pub name: String,
    /// The version asked for.
    pub version: String,
    /// Where it comes from.
    pub repository: String,
    /// `ok` (an archive), `unpacked` (a folder), `missing`, `wrong version`, …
    pub status: &'static str,
}

/// A chart's `charts/` folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChartsFolder {
    /// What the chart declares.
    pub dependencies: Vec<DependencyStatus>,
    /// What is there besides.
    pub strays: Vec<Stray>,
}

/// The dependencies of a chart, and what is in its `charts/` folder besides; `None` where it declares none.
///
/// # Errors
/// It is no chart.
pub fn dependency_statuses(path: &Path) -> Result<Option<ChartsFolder>, Error> {
    fs::metadata(path).map_err(|error| Error::io("stat", path, &error))?;
    let chart = Chart::load(path)?;
    let Some(asked) = &chart.metadata.dependencies else { return Ok(None) };
    let rows = asked.iter().map(|dependency| DependencyStatus {
        name: dependency.name.clone(),
        version: dependency.version.clone(),
        repository: dependency.repository.clone(),
        status: status(path, dependency, &chart),
    });
    Ok(Some(ChartsFolder { dependencies: rows.collect(), strays: strays(path, asked) }))
}

/// Something in `charts/` that nobody asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stray {
    /// It is no chart.
    NoChart(PathBuf),
    /// It is a chart that `Chart.yaml` does not name.
    NotDeclared(PathBuf),
}

fn entries(path: &Path) -> Vec<PathBuf> {
    let found = fs::read_dir(path.join("charts")).into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = found.map(|entry| entry.path()).collect();
    found.sort();
    found
}

fn strays(path: &Path, asked: &[Dependency]) -> Vec<Stray> {
    let candidates =
        entries(path).into_iter().filter(|path| path.is_dir() || path.extension().is_some_and(|e| e == "tgz"));
    let judged = candidates.filter_map(|path| match Chart::load(&path) {
        Err(_) => Some(Stray::NoChart(path)),
        Ok(chart) if asked.iter().any(|dependency| dependency.name == chart.name()) => None,
        Ok(_) => Some(Stray::NotDeclared(path)),
    });
    judged.collect()
}

fn status(path: &Path, dependency: &Dependency, chart: &Chart) -> &'static str {
    let pattern = format!("{}-*.tgz", dependency.name);
    let name = |path: &PathBuf| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut archives = Vec::new();
    for file in entries(path) {
        match glob_match(&pattern, &name(&file)) {
            Ok(true) => archives.push(file),
            Ok(false) => {}
            Err(_) => return "bad pattern",
        }
    }
    if archives.len() > 1 {
        archives.retain(|file| {
            let name = name(file);
            let rest = name.strip_suffix(".tgz").and_then(|name| name.strip_prefix(&dependency.name));
            rest.and_then(|rest| rest.strip_prefix('-')).is_some_and(is_strict)
        });
        if archives.len() > 1 {
            return "too many matches";
        }
    }
    if let [archive] = archives.as_slice() {
        return match Chart::load(archive) {
            Err(_) => "corrupt",
            Ok(found) if found.name() != dependency.name => "misnamed",
            Ok(found) => judge(&found, dependency).unwrap_or("ok"),
        };
    }
    let found = chart.dependencies.iter().rfind(|found| found.name() == dependency.name);
    found.map_or("missing", |found| judge(found, dependency).unwrap_or("unpacked"))
}

/// A version with all three parts, without a `v`.
fn is_strict(text: &str) -> bool {
    let core = text.split(['-', '+']).next().unwrap_or_default();
    Version::parse(text).is_some() && core.split('.').count() == 3 && !core.starts_with('v')
}

/// What is wrong with the version, where something is.
fn judge(found: &Chart, dependency: &Dependency) -> Option<&'static str> {
    if found.metadata.version == dependency.version {
        return None;
    }
    let (Ok(constraint), Some(version)) =
        (Constraint::parse(&dependency.version), Version::parse(&found.metadata.version))
    else {
        return Some("invalid version");
    };
    (!constraint.check(&version)).then_some("wrong version")
}
