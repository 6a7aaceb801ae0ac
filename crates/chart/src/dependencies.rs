//! Which subcharts take part, under which name, and which of their values their parents take over.

use std::sync::Arc;

use bowline_yaml::{Map, Value};

use crate::coalesce::{Warnings, coalesce, merge_tables};
use crate::metadata::Dependency;
use crate::version::is_compatible;
use crate::{Chart, Compat, Error};

/// The chart as it is rendered: without the subcharts that are switched off, with aliases, with imported values.
///
/// # Errors
/// Values for a subchart that are no table.
pub(crate) fn process(chart: &Chart, values: &Map, warnings: &mut Warnings) -> Result<Chart, Error> {
    let mut chart = chart.clone();
    let name = chart.name().to_owned();
    enable(&mut chart, values, &Place { keys: "", loaded: &name, moved: false }, warnings)?;
    import_values(&mut chart, warnings)?;
    Ok(chart)
}

/// Where a chart is in the tree.
struct Place<'p> {
    /// Keys from the top chart's values, each with a dot behind it.
    keys: &'p str,
    /// Its path with the names that charts had before they got an alias.
    loaded: &'p str,
    /// Whether it, or a chart that it lies in, has an alias.
    moved: bool,
}

/// Takes out what is switched off, at every level.
fn enable(chart: &mut Chart, values: &Map, place: &Place<'_>, warnings: &mut Warnings) -> Result<(), Error> {
    let Some(mut requested) = chart.metadata.dependencies.take() else { return Ok(()) };
    let is_requested = |subchart: &Chart| {
        requested.iter().any(|r| r.name == subchart.name() && is_compatible(&r.version, &subchart.metadata.version))
    };
    // Subcharts that Chart.yaml does not mention always take part.
    let mut subcharts: Vec<Chart> =
        chart.dependencies.iter().filter(|subchart| !is_requested(subchart)).cloned().collect();
    for request in &mut requested {
        subcharts.extend(aliased(&chart.dependencies, request, place));
        request.enabled = true;
    }
    rename(requested.iter_mut());
    chart.dependencies = subcharts;
    let coalesced = coalesce(chart, values.clone(), false, warnings)?;
    apply_tags(&mut requested, &coalesced);
    apply_conditions(&mut requested, &coalesced, place.keys);
    let is_off = |name: &str| requested.iter().any(|r| !r.enabled && r.name == name);
    chart.dependencies.retain(|subchart| !is_off(subchart.name()));
    let mut seen = Vec::new();
    for subchart in &mut chart.dependencies {
        let keys = format!("{}{}.", place.keys, subchart.name());
        let loaded = format!("{}/charts/{}", place.loaded, subchart.loaded_as.as_deref().unwrap_or(subchart.name()));
        let moved = place.moved || subchart.loaded_as.is_some();
        if subchart.compat.is_helm3() {
            // The dependencies of one chart are shared by all of its aliases: the first one's turn renames them for all.
            let same = (loaded.clone(), subchart.metadata.version.clone());
            if seen.contains(&same) {
                rename(subchart.metadata.dependencies.iter_mut().flatten());
            }
            seen.push(same);
        }
        enable(subchart, &coalesced, &Place { keys: &keys, loaded: &loaded, moved }, warnings)?;
    }
    let off: Vec<String> = requested.iter().filter(|r| !r.enabled).map(|r| r.name.clone()).collect();
    requested.retain(|r| !off.contains(&r.name));
    // Go's list of what is left is no list at all where nothing is left.
    chart.metadata.dependencies = Some(requested).filter(|left| !left.is_empty());
    Ok(())
}

/// The subchart that satisfies a dependency, under its alias.
fn aliased(subcharts: &[Chart], request: &Dependency, place: &Place<'_>) -> Option<Chart> {
    let fits = |subchart: &&Chart| {
        subchart.name() == request.name && is_compatible(&request.version, &subchart.metadata.version)
    };
    let mut chart = subcharts.iter().find(fits)?.clone();
    chart.left_at = None;
    if place.moved || !request.alias.is_empty() {
        let loaded = format!("{}/charts/{}", place.loaded, chart.metadata.name);
        match chart.compat {
            Compat::Helm3 if chart.metadata.dependencies.is_none() => chart.left_at = Some(loaded),
            Compat::Helm3 => {}
            Compat::Helm4 => {
                for inner in &mut chart.dependencies {
                    inner.left_at = Some(format!("{loaded}/charts/{}", inner.name()));
                }
            }
        }
    }
    if !request.alias.is_empty() {
        chart.loaded_as = Some(chart.metadata.name.clone());
        chart.metadata.name.clone_from(&request.alias);
    }
    Some(chart)
}

/// Dependencies go by their alias from now on.
fn rename<'d>(dependencies: impl Iterator<Item = &'d mut Dependency>) {
    for dependency in dependencies.filter(|dependency| !dependency.alias.is_empty()) {
        dependency.name.clone_from(&dependency.alias);
    }
}

fn apply_tags(requested: &mut [Dependency], values: &Map) {
    let Some(Value::Map(tags)) = values.get("tags") else { return };
    for request in requested {
        let states: Vec<bool> = request.tags.iter().filter_map(|tag| tags.get(tag)?.as_bool()).collect();
        request.enabled = states.is_empty() || states.contains(&true);
    }
}

fn apply_conditions(requested: &mut [Dependency], values: &Map, path: &str) {
    for request in requested {
        for condition in request.condition.trim().split(',').filter(|condition| !condition.is_empty()) {
            if let Some(state) = at_path(values, &format!("{path}{condition}")).and_then(Value::as_bool) {
                request.enabled = state;
                break;
            }
        }
    }
}

/// The value at a path of keys with dots between.
fn at_path<'v>(values: &'v Map, path: &str) -> Option<&'v Value> {
    let mut keys = path.split('.');
    let mut value = values.get(keys.next()?)?;
    for key in keys {
        value = value.get(key)?;
    }
    Some(value)
}

fn table_at<'v>(values: &'v Map, path: &str) -> Option<&'v Map> {
    at_path(values, path)?.as_map()
}

/// Lets parents take over values of their subcharts, from the innermost on.
fn import_values(chart: &mut Chart, warnings: &mut Warnings) -> Result<(), Error> {
    for subchart in &mut chart.dependencies {
        import_values(subchart, warnings)?;
    }
    if chart.metadata.dependencies.is_none() {
        return Ok(());
    }
    let mut merged = coalesce(chart, Map::new(), true, warnings)?;
    let mut imported = Map::new();
    for request in chart.metadata.dependencies.iter_mut().flatten() {
        let mut described = Vec::new();
        for import in &request.import_values {
            let (child, parent) = match import {
                Value::Map(paths) => {
                    let text = |key: &str| paths.get(key).map_or_else(|| "<nil>".to_owned(), shown);
                    (text("child"), text("parent"))
                }
                Value::String(name) => (format!("exports.{name}"), ".".to_owned()),
                _ => continue,
            };
            if let Some(table) = table_at(&merged, &format!("{}.{child}", request.name)) {
                let nested = if parent == "." { table.clone() } else { nested(&parent, table.clone()) };
                merge_tables(&mut imported, nested, true, warnings);
            }
            let paths = [("child", child), ("parent", parent)];
            described
                .push(Value::Map(paths.into_iter().map(|(key, path)| (key.to_owned(), Value::String(path))).collect()));
        }
        request.import_values = described;
    }
    merge_tables(&mut merged, imported, true, warnings);
    chart.values = Arc::new(merged);
    Ok(())
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => "<nil>".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Int(value) => value.to_string(),
        Value::Float(value) => bowline_yaml::format_float(*value),
        Value::Seq(_) | Value::Map(_) => String::new(),
    }
}

/// `a.b` over a table: `{a: {b: table}}`.
fn nested(path: &str, table: Map) -> Map {
    path.rsplit('.').fold(table, |inner, key| Map::from([(key.to_owned(), Value::Map(inner))]))
}
