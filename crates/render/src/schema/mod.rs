//! `values.schema.json`: JSON Schema in drafts 4, 6, 7, 2019-09 and 2020-12, with the error texts of Helm's validator.
//!
//! ```text
//!  values.schema.json ─► json ─► roots (resources, anchors, drafts; against the draft's own schema)
//!                                  └─► compile ─► Schema ─► validate(values) ─► tree of faults ─► text
//! ```
//!
//! Helm visits properties in the random order of Go's maps; here they are visited by name. Nothing is fetched: a reference
//! to another document is refused, but for the drafts' own schemas, and for `urn:`, which Helm takes for `true`.

mod compile;
mod draft;
mod fault;
mod formats;
mod json;
mod location;
mod number;
mod roots;
mod validate;

use bowline_chart::Chart;
use bowline_yaml::{Map, Value};

use compile::Compiled;
use json::Json;

/// What Helm calls the document of a chart's schema.
const DOCUMENT: &str = "file:///values.schema.json";

/// Checks the values of a chart and of all below it against their schemas.
///
/// # Errors
/// In Helm's words, all charts' faults in one text.
pub(crate) fn check(chart: &Chart, values: &Map) -> Result<(), String> {
    let mut text = String::new();
    collect(chart, values, &mut text);
    if text.is_empty() {
        return Ok(());
    }
    Err(format!("values don't meet the specifications of the schema(s) in the following chart(s):\n{text}"))
}

fn collect(chart: &Chart, values: &Map, text: &mut String) {
    if let Some(schema) = &chart.schema
        && let Err(faults) = check_one(schema, values)
    {
        text.push_str(&format!("{}:\n{faults}", chart.name()));
    }
    for subchart in &chart.dependencies {
        match values.get(subchart.name()) {
            None | Some(Value::Null) => {}
            Some(Value::Map(values)) => collect(subchart, values, text),
            Some(other) => {
                let name = subchart.name();
                let found = go_type(other);
                text.push_str(&format!("{name}:\ninvalid type for values: expected object (map), got {found}\n"));
            }
        }
    }
}

/// A value that does not meet its chart's schema.
pub(crate) struct Violation {
    /// Keys from the top chart's values to it.
    pub(crate) path: Vec<String>,
    /// What is wrong with it, in the words of Helm's validator.
    pub(crate) message: String,
}

/// The violations behind the text of [`check`], one by one.
pub(crate) fn violations(chart: &Chart, values: &Map) -> Vec<Violation> {
    let mut found = Vec::new();
    collect_violations(chart, values, &mut Vec::new(), &mut found);
    found
}

fn collect_violations(chart: &Chart, values: &Map, prefix: &mut Vec<String>, into: &mut Vec<Violation>) {
    if let Some(schema) = &chart.schema {
        match Compiled::new(DOCUMENT, schema) {
            Ok(compiled) => {
                if let Some(fault) = compiled.validate(&Json::from_values(values)) {
                    fault.leaves(&mut |at, message| {
                        let path = prefix.iter().chain(at).cloned().collect();
                        into.push(Violation { path, message });
                    });
                }
            }
            Err(message) => into.push(Violation { path: prefix.clone(), message }),
        }
    }
    for subchart in &chart.dependencies {
        prefix.push(subchart.name().to_owned());
        match values.get(subchart.name()) {
            None | Some(Value::Null) => {}
            Some(Value::Map(values)) => collect_violations(subchart, values, prefix, into),
            Some(other) => {
                let message = format!("invalid type for values: expected object (map), got {}", go_type(other));
                into.push(Violation { path: prefix.clone(), message });
            }
        }
        prefix.pop();
    }
}

fn go_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "<nil>",
        Value::Bool(_) => "bool",
        Value::Int(_) => "int64",
        Value::Float(_) => "float64",
        Value::String(_) => "string",
        Value::Seq(_) => "[]interface {}",
        Value::Map(_) => "map[string]interface {}",
    }
}

/// Checks values against one schema.
///
/// # Errors
/// In Helm's words: what is wrong with the schema, or each fault of the values on a line.
pub fn check_one(schema: &[u8], values: &Map) -> Result<(), String> {
    let compiled = Compiled::new(DOCUMENT, schema)?;
    let values = Json::from_values(values);
    match compiled.validate(&values) {
        None => Ok(()),
        Some(fault) => {
            let text = fault.to_string();
            let heading = format!("jsonschema validation failed with '{DOCUMENT}#'\n");
            Err(format!("{}\n", text.strip_prefix(&heading).unwrap_or(&text)))
        }
    }
}
