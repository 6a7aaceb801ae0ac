//! Rules for the charts that a chart needs.

use std::collections::BTreeSet;

use bowline_chart::Chart;

use super::Linter;
use super::Severity::{Error, Warning};
use crate::chart::load_plain;

pub(super) fn check(linter: &mut Linter<'_>) {
    let chart = match load_plain(linter.folder, linter.compat) {
        Ok(chart) => chart,
        Err(failure) => {
            linter.check(Error, "", Err(format!("unable to load chart\n\t{failure}")));
            return;
        }
    };
    let folder = linter.folder.to_string_lossy().into_owned();
    linter.check(Error, folder.as_str(), named_in_metadata(&chart));
    linter.check(Error, folder.as_str(), unique(&chart));
    linter.check(Warning, folder, there(&chart));
}

fn refuse(what: &str, names: &[&str]) -> Result<(), String> {
    if names.is_empty() { Ok(()) } else { Err(format!("{what}: {}", names.join(","))) }
}

fn named_in_metadata(chart: &Chart) -> Result<(), String> {
    let named = |name: &str| chart.metadata.dependencies().iter().any(|dependency| dependency.name == name);
    let missing: Vec<&str> = chart.dependencies.iter().map(Chart::name).filter(|name| !named(name)).collect();
    refuse("chart metadata is missing these dependencies", &missing)
}

fn unique(chart: &Chart) -> Result<(), String> {
    let mut seen = BTreeSet::new();
    let keys = chart.metadata.dependencies().iter().map(|d| if d.alias.is_empty() { &d.name } else { &d.alias });
    let twice: Vec<&str> = keys.map(String::as_str).filter(|key| !seen.insert(*key)).collect();
    refuse("multiple dependencies with name or alias", &twice)
}

fn there(chart: &Chart) -> Result<(), String> {
    refuse("chart directory is missing these dependencies", &chart.missing_dependencies())
}
