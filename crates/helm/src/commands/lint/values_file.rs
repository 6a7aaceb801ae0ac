//! Rules for `values.yaml`.

use std::fs;

use bowline_chart::{Compat, merge_tables};
use bowline_render::check_values;
use bowline_yaml::{Decoder, Map, Value, parse_first};

use super::Linter;
use super::Severity::{Error, Info};

const FILE: &str = "values.yaml";

pub(super) fn check(linter: &mut Linter<'_>) {
    let exists = fs::metadata(linter.folder.join(FILE)).map(|_| ()).map_err(|_| "file does not exist".to_owned());
    if linter.check(Info, FILE, exists) {
        let result = values(linter);
        linter.check(Error, FILE, result);
    }
}

fn values(linter: &Linter<'_>) -> Result<(), String> {
    let path = linter.folder.join(FILE);
    let read = fs::read(&path).map_err(|error| {
        let operation = if path.is_dir() { "read" } else { "open" };
        format!("{operation} {}: {}", path.to_string_lossy(), bowline_chart::go_io_reason(&error))
    });
    let own = read.and_then(|data| parse(&String::from_utf8_lossy(&data), linter.compat));
    let own = own.map_err(|reason| format!("unable to parse YAML: {reason}"))?;
    // Only the top level's: values of subcharts are not looked at.
    let mut warnings = Vec::new();
    let mut merged = Map::new();
    merge_tables(&mut merged, linter.values.values().clone(), false, &mut warnings);
    merge_tables(&mut merged, own, false, &mut warnings);
    crate::chart::log_warnings(&warnings, linter.compat);
    let schema = fs::read(linter.folder.join("values.schema.json")).unwrap_or_default();
    let skipped = linter.options.skip_schema_validation && !linter.compat.is_helm3();
    if schema.is_empty() || skipped {
        return Ok(());
    }
    check_values(&schema, &merged)
}

fn parse(text: &str, compat: Compat) -> Result<Map, String> {
    let Some(node) = parse_first(text).map_err(|error| error.to_string())? else { return Ok(Map::new()) };
    let mut decoder = Decoder::new();
    decoder.root(&node, compat.either("chartutil.Values", "common.Values"));
    decoder.finish(()).map_err(|error| error.to_string())?;
    let Value::Map(map) = node.to_value() else { return Ok(Map::new()) };
    Ok(map)
}
