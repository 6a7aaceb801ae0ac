//! Custom resources: the columns that their definition asks for.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Include, included, text};
use crate::CustomKind;
use crate::custom::at_path;

/// The objects as a `Table`: name, the definition's columns, and the age where it has none.
pub(super) fn table(kind: &CustomKind, objects: &[Arc<Value>], now: Timestamp, include: Include) -> Value {
    let mut columns =
        vec![json!({"name": "Name", "type": "string", "format": "name", "description": "", "priority": 0})];
    for column in &kind.columns {
        columns.push(json!({"name": column.name, "type": column.r#type, "format": "", "description": "",
            "priority": column.priority}));
    }
    if kind.columns.is_empty() {
        columns.push(json!({"name": "Age", "type": "date", "format": "", "description": "", "priority": 0}));
    }
    let rows: Vec<Value> = objects
        .iter()
        .map(|object| {
            let mut cells = vec![Value::from(crate::metadata::text(object, "name"))];
            for column in &kind.columns {
                let value = at_path(object, &column.json_path).cloned().unwrap_or(Value::Null);
                cells.push(match (column.r#type.as_str(), &value) {
                    ("date", Value::String(time)) => Value::from(text::since(now, time)),
                    ("string", Value::Null | Value::String(_)) => value,
                    ("string", other) => Value::from(other.to_string()),
                    _ => value,
                });
            }
            if kind.columns.is_empty() {
                cells.push(Value::from(text::since(now, crate::metadata::text(object, "creationTimestamp"))));
            }
            json!({"cells": cells, "object": included(object, include)})
        })
        .collect();
    json!({"kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": {}, "columnDefinitions": columns, "rows": rows})
}
