//! Objects as rows, for people: the columns that `kubectl get` prints.

mod core;
mod custom;
mod others;
mod text;
mod workloads;

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::Api;
use crate::catalog::Resource;

/// A column: name, type, format, priority (above 0: only in wide output).
pub(crate) struct Column {
    name: &'static str,
    r#type: &'static str,
    format: &'static str,
    priority: u8,
}

const fn column(name: &'static str) -> Column {
    Column { name, r#type: "string", format: "", priority: 0 }
}

const fn wide(name: &'static str) -> Column {
    Column { name, r#type: "string", format: "", priority: 1 }
}

const fn number(name: &'static str) -> Column {
    Column { name, r#type: "integer", format: "", priority: 0 }
}

const fn boolean(name: &'static str) -> Column {
    Column { name, r#type: "boolean", format: "", priority: 0 }
}

const fn name_column() -> Column {
    Column { name: "Name", r#type: "string", format: "name", priority: 0 }
}

/// How the rows of a kind are made.
struct Printer {
    columns: &'static [Column],
    cells: fn(&Row<'_>) -> Vec<Value>,
}

/// An object and the time at which it is looked at.
struct Row<'a> {
    object: &'a Value,
    now: Timestamp,
}

/// What of the object goes with its row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Include {
    Nothing,
    Metadata,
    Object,
}

/// The objects as a `Table`.
pub(crate) fn table(api: &Api, resource: &Resource, objects: &[Arc<Value>], include: Include) -> Value {
    let now = api.clock().now();
    if let Some(custom) = &resource.custom {
        return custom::table(custom, objects, now, include);
    }
    let printer = printer(resource);
    let columns: Vec<Value> = printer
        .columns
        .iter()
        .map(|c| json!({"name": c.name, "type": c.r#type, "format": c.format, "description": "", "priority": c.priority}))
        .collect();
    let rows: Vec<Value> = objects
        .iter()
        .map(|object| {
            let cells = (printer.cells)(&Row { object, now });
            let mut row = json!({"cells": cells, "object": included(object, include)});
            // Rows of pods that have ended say so, so that clients can leave them out.
            let end = match object.pointer("/status/phase").and_then(Value::as_str) {
                Some("Succeeded") => Some(("Succeeded", "The pod has completed successfully.")),
                Some("Failed") => Some(("Failed", "The pod failed.")),
                _ => None,
            };
            if let Some((reason, message)) = end.filter(|_| resource.id == crate::resources::PODS) {
                row["conditions"] =
                    json!([{"type": "Completed", "status": "True", "reason": reason, "message": message}]);
            }
            row
        })
        .collect();
    json!({"kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": {}, "columnDefinitions": columns, "rows": rows})
}

fn included(object: &Value, include: Include) -> Value {
    match include {
        Include::Nothing => Value::Null,
        Include::Metadata => metadata_only(object),
        Include::Object => object.clone(),
    }
}

/// The object's metadata alone.
pub(crate) fn metadata_only(object: &Value) -> Value {
    let metadata = object.get("metadata").cloned().unwrap_or_else(|| json!({}));
    json!({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": metadata})
}

fn printer(resource: &Resource) -> &'static Printer {
    let (group, plural) = (&*resource.id.group, &*resource.id.plural);
    let found = match group {
        "" | "events.k8s.io" | "discovery.k8s.io" | "coordination.k8s.io" => core::printer(plural),
        "apps" | "batch" | "autoscaling" | "policy" => workloads::printer(plural),
        _ => others::printer(plural),
    };
    found.unwrap_or(&USUAL)
}

static USUAL: Printer = Printer { columns: &[name_column(), column("Age")], cells: |row| vec![row.name(), row.age()] };

impl Row<'_> {
    fn at(&self, pointer: &str) -> &Value {
        self.object.pointer(pointer).unwrap_or(&Value::Null)
    }

    fn str(&self, pointer: &str) -> &str {
        self.at(pointer).as_str().unwrap_or_default()
    }

    /// The text, or `<none>`.
    fn or_none(&self, pointer: &str) -> Value {
        Value::from(text::or_none(self.str(pointer)))
    }

    fn int(&self, pointer: &str) -> i64 {
        self.at(pointer).as_i64().unwrap_or(0)
    }

    fn list(&self, pointer: &str) -> &[Value] {
        self.at(pointer).as_array().map_or(&[], Vec::as_slice)
    }

    fn name(&self) -> Value {
        Value::from(self.str("/metadata/name"))
    }

    fn age(&self) -> Value {
        Value::from(self.since(self.str("/metadata/creationTimestamp")))
    }

    /// How long ago a time was.
    fn since(&self, time: &str) -> String {
        text::since(self.now, time)
    }

    /// Names and images of the containers of a pod template, as two cells.
    fn containers(&self, pointer: &str) -> [Value; 2] {
        let of = |field: &str| {
            let values = self.list(pointer).iter().filter_map(|c| c.get(field)).filter_map(Value::as_str);
            Value::from(values.collect::<Vec<_>>().join(","))
        };
        [of("name"), of("image")]
    }

    /// A label selector with `matchLabels`, as a cell.
    fn selector(&self, pointer: &str) -> Value {
        let selector = crate::LabelSelector::of(self.at(pointer)).to_string();
        Value::from(text::or_none(&selector))
    }

    /// Labels as a cell.
    fn labels(&self, pointer: &str) -> Value {
        Value::from(text::labels(self.at(pointer)))
    }

    /// Whether the condition is there with status `True`.
    fn condition(&self, name: &str) -> bool {
        self.list("/status/conditions").iter().any(|c| {
            c.get("type").and_then(Value::as_str) == Some(name)
                && c.get("status").and_then(Value::as_str) == Some("True")
        })
    }
}
