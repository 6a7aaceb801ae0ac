//! Custom resources: what a CustomResourceDefinition makes of the catalogue, and what its schema makes of objects.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::catalog::{Resource, Subresource};
use crate::metadata::text;
use crate::{Api, Cause, DeleteOptions, ListOptions, ResourceId, Status};

/// What is known of a custom kind beyond its names.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CustomKind {
    /// The structural schema (`openAPIV3Schema`); null where there is none.
    pub schema: Value,
    /// Columns that are printed beside the name.
    pub columns: Vec<PrinterColumn>,
}

/// A column of a custom kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrinterColumn {
    /// Heading.
    pub name: String,
    /// `string`, `integer`, `date`, …
    pub r#type: String,
    /// Above 0: only in wide output.
    pub priority: i64,
    /// Where the value is, as in `.spec.replicas`.
    pub json_path: String,
}

impl CustomKind {
    /// Drops what the schema does not have and sets what it has defaults for.
    pub(crate) fn normal(&self, object: &mut Value, unknown: &mut Vec<String>) {
        if self.schema.is_object() {
            let Some(fields) = object.as_object_mut() else { return };
            let kept: Vec<(&str, Option<Value>)> =
                ["apiVersion", "kind", "metadata"].map(|f| (f, fields.remove(f))).to_vec();
            let mut rest = Value::Object(std::mem::take(fields));
            shape(&self.schema, &mut rest, "", unknown);
            if let (Some(fields), Value::Object(rest)) = (object.as_object_mut(), rest) {
                *fields = rest;
                fields.extend(kept.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
            }
        }
    }

    /// Refuses an object that the schema does not allow.
    pub(crate) fn validate(&self, resource: &Resource, object: &Value) -> Result<(), Status> {
        let mut causes = Vec::new();
        check(&self.schema, object, "", &mut causes);
        causes.retain(|c| !matches!(c.field.as_str(), "apiVersion" | "kind" | "metadata"));
        if causes.is_empty() {
            return Ok(());
        }
        Err(Status::invalid(&resource.id.group, &resource.kind, text(object, "name"), causes))
    }
}

fn keeps_unknown(schema: &Value) -> bool {
    schema.get("x-kubernetes-preserve-unknown-fields").and_then(Value::as_bool) == Some(true)
}

/// Prunes and defaults a value, and notes what was pruned.
fn shape(schema: &Value, value: &mut Value, path: &str, unknown: &mut Vec<String>) {
    let inner = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    match value {
        Value::Object(map) => {
            let nothing = Map::new();
            let properties = schema.get("properties").and_then(Value::as_object).unwrap_or(&nothing);
            let others = schema.get("additionalProperties").filter(|o| o.is_object() || o.as_bool() == Some(true));
            let embedded = schema.get("x-kubernetes-embedded-resource").and_then(Value::as_bool) == Some(true);
            if others.is_none() && !keeps_unknown(schema) {
                let own = |name: &str| embedded && matches!(name, "apiVersion" | "kind" | "metadata");
                map.retain(|name, _| {
                    let known = properties.contains_key(name) || own(name);
                    if !known {
                        unknown.push(inner(name));
                    }
                    known
                });
            }
            for (name, property) in properties {
                let nullable = property.get("nullable").and_then(Value::as_bool) == Some(true);
                if let Some(default) = property.get("default")
                    && map.get(name).is_none_or(|v| v.is_null() && !nullable)
                {
                    map.insert(name.clone(), default.clone());
                }
                // Null for what cannot be null means absent.
                if !nullable && map.get(name).is_some_and(Value::is_null) && property.get("type").is_some() {
                    map.remove(name);
                }
                if let Some(value) = map.get_mut(name) {
                    shape(property, value, &inner(name), unknown);
                }
            }
            if let Some(others) = others {
                for (name, value) in map.iter_mut().filter(|(name, _)| !properties.contains_key(*name)) {
                    shape(others, value, &inner(name), unknown);
                }
            }
        }
        Value::Array(list) => {
            if let Some(items) = schema.get("items") {
                for (at, value) in list.iter_mut().enumerate() {
                    shape(items, value, &format!("{path}[{at}]"), unknown);
                }
            }
        }
        _ => {}
    }
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn check(schema: &Value, value: &Value, path: &str, causes: &mut Vec<Cause>) {
    let int_or_string = schema.get("x-kubernetes-int-or-string").and_then(Value::as_bool) == Some(true);
    let nullable = schema.get("nullable").and_then(Value::as_bool) == Some(true);
    if value.is_null() && nullable {
        return;
    }
    if let Some(wanted) = schema.get("type").and_then(Value::as_str)
        && !int_or_string
    {
        let found = type_of(value);
        if found != wanted && !(wanted == "number" && found == "integer") {
            let message = format!("Invalid value: {found:?}: {path} in body must be of type {wanted}: {found:?}");
            causes.push(Cause::new("FieldValueTypeInvalid", path, message));
            return;
        }
    }
    if let Some(values) = schema.get("enum").and_then(Value::as_array)
        && !values.contains(value)
    {
        let list: Vec<String> = values.iter().map(Value::to_string).collect();
        let message = format!("Unsupported value: {value}: supported values: {}", list.join(", "));
        causes.push(Cause::new("FieldValueNotSupported", path, message));
    }
    let mut bound = |field: &str, words: &str, fits: &dyn Fn(f64, f64) -> bool| {
        if let (Some(limit), Some(number)) = (schema.get(field).and_then(Value::as_f64), value.as_f64())
            && !fits(number, limit)
        {
            let message = format!("Invalid value: {value}: {path} in body should be {words} {limit}");
            causes.push(Cause::new("FieldValueInvalid", path, message));
        }
    };
    bound("minimum", "greater than or equal to", &|number, limit| number >= limit);
    bound("maximum", "less than or equal to", &|number, limit| number <= limit);
    let inner = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    match value {
        Value::Object(map) => {
            for name in schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
            {
                if !map.contains_key(name) {
                    causes.push(Cause::new("FieldValueRequired", inner(name), "Required value"));
                }
            }
            for (name, value) in map {
                let property = schema.get("properties").and_then(|p| p.get(name));
                let others = schema.get("additionalProperties").filter(|o| o.is_object());
                if let Some(schema) = property.or(others) {
                    check(schema, value, &inner(name), causes);
                }
            }
        }
        Value::Array(list) => {
            if let Some(items) = schema.get("items") {
                list.iter().enumerate().for_each(|(at, value)| check(items, value, &format!("{path}[{at}]"), causes));
            }
        }
        _ => {}
    }
}

/// The names that follow from others, and the only conversion there is.
pub(crate) fn default_definition(definition: &mut Value) {
    let kind = definition.pointer("/spec/names/kind").and_then(Value::as_str).unwrap_or_default().to_owned();
    if let Some(names) = definition.pointer_mut("/spec/names").and_then(Value::as_object_mut) {
        names.entry("listKind").or_insert_with(|| Value::from(format!("{kind}List")));
        names.entry("singular").or_insert_with(|| Value::from(kind.to_lowercase()));
    }
    if let Some(spec) = definition.get_mut("spec").and_then(Value::as_object_mut) {
        spec.entry("conversion").or_insert_with(|| json!({"strategy": "None"}));
    }
}

/// Puts the status on a definition that says it is in force: here it is from the moment it is written.
pub(crate) fn complete(definition: &mut Value, now: &str) {
    let names = definition.pointer("/spec/names").cloned().unwrap_or(Value::Null);
    let stored: Vec<Value> = versions(definition)
        .filter(|v| v.get("storage").and_then(Value::as_bool) == Some(true))
        .filter_map(|v| v.get("name").cloned())
        .collect();
    let before = definition.pointer("/status/conditions/0/lastTransitionTime").cloned();
    let since = before.unwrap_or_else(|| Value::from(now));
    let condition = |name: &str, reason: &str, message: &str| json!({"type": name, "status": "True", "reason": reason, "message": message, "lastTransitionTime": since});
    let conditions = [
        condition("NamesAccepted", "NoConflicts", "no conflicts found"),
        condition("Established", "InitialNamesAccepted", "the initial names have been accepted"),
    ];
    if let Some(fields) = definition.as_object_mut() {
        let status = json!({"acceptedNames": names, "conditions": conditions, "storedVersions": stored});
        fields.insert("status".to_owned(), status);
    }
}

fn versions(definition: &Value) -> impl Iterator<Item = &Value> {
    definition.pointer("/spec/versions").and_then(Value::as_array).into_iter().flatten()
}

/// The resource that a definition defines: in its storage version, the others are not served.
fn resource(definition: &Value) -> Option<Resource> {
    let spec = definition.get("spec")?;
    let names = spec.get("names")?;
    let name = |field: &str| names.get(field).and_then(Value::as_str).map(str::to_owned);
    let words = |field: &str| -> Vec<String> {
        let list = names.get(field).and_then(Value::as_array).into_iter().flatten();
        list.filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let version = versions(definition).find(|v| v.get("storage").and_then(Value::as_bool) == Some(true))?;
    let (group, kind) = (spec.get("group")?.as_str()?, name("kind")?);
    let version_name = version.get("name")?.as_str()?;
    let mut subresources = Vec::new();
    let verbs = ["get", "patch", "update"].map(str::to_owned).to_vec();
    for part in version.get("subresources").and_then(Value::as_object).into_iter().flat_map(|s| s.keys()) {
        let (group, version, kind) = match part.as_str() {
            "scale" => ("autoscaling", "v1", "Scale".to_owned()),
            _ => (group, version_name, kind.clone()),
        };
        subresources.push(Subresource {
            name: part.clone(),
            group: group.to_owned(),
            version: version.to_owned(),
            kind,
            verbs: verbs.clone(),
        });
    }
    let columns = version.get("additionalPrinterColumns").and_then(Value::as_array).into_iter().flatten();
    let columns = columns.filter_map(|column| {
        let text = |field: &str| column.get(field).and_then(Value::as_str).map(str::to_owned);
        let priority = column.get("priority").and_then(Value::as_i64).unwrap_or(0);
        Some(PrinterColumn { name: text("name")?, r#type: text("type")?, priority, json_path: text("jsonPath")? })
    });
    let custom = CustomKind {
        schema: version.pointer("/schema/openAPIV3Schema").cloned().unwrap_or(Value::Null),
        columns: columns.collect(),
    };
    Some(Resource {
        id: ResourceId::new(group, name("plural")?),
        version: version_name.to_owned(),
        list_kind: name("listKind").unwrap_or_else(|| format!("{kind}List")),
        singular: name("singular").unwrap_or_else(|| kind.to_lowercase()),
        kind,
        namespaced: spec.get("scope").and_then(Value::as_str) != Some("Cluster"),
        short_names: words("shortNames"),
        categories: words("categories"),
        verbs: ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]
            .map(str::to_owned)
            .to_vec(),
        subresources,
        counts_generations: true,
        stored_as: None,
        custom: Some(Arc::new(custom)),
    })
}

impl Api {
    /// A definition was written: its resource is there.
    pub(crate) fn define(&self, definition: &Value) {
        if let Some(resource) = resource(definition) {
            self.change_catalog(|catalog| catalog.insert(resource));
        }
    }

    /// A definition is gone, and with it its objects.
    pub(crate) fn undefine(&self, definition: &Value) {
        let Some(resource) = resource(definition) else { return };
        let id = resource.id.clone();
        let left = self.delete_collection(&id, None, &ListOptions::default(), &DeleteOptions::default());
        if let Err(error) = left {
            tracing::warn!(%error, %id, "could not delete the objects of a kind that is gone");
        }
        self.change_catalog(|catalog| catalog.remove(&id));
    }
}

/// The value at a column's path: fields, indices and one kind of filter, `[?(@.type=="Ready")]`.
pub(crate) fn at_path<'a>(object: &'a Value, path: &str) -> Option<&'a Value> {
    let mut value = object;
    let mut rest = path.trim();
    while !rest.is_empty() {
        if let Some(inner) = rest.strip_prefix('[') {
            let (step, after) = inner.split_once(']')?;
            value = match step.strip_prefix("?(@.").and_then(|f| f.strip_suffix(')')) {
                Some(filter) => {
                    let (field, wanted) = filter.split_once("==")?;
                    let wanted = wanted.trim().trim_matches(['"', '\'']);
                    value.as_array()?.iter().find(|v| v.get(field.trim()).and_then(Value::as_str) == Some(wanted))?
                }
                None => match step.parse::<usize>() {
                    Ok(at) => value.get(at)?,
                    Err(_) => value.get(step.trim_matches(['"', '\'']))?,
                },
            };
            rest = after;
        } else {
            let field = rest.strip_prefix('.').unwrap_or(rest);
            // Keys with dots are written with a backslash before each.
            let mut end = 0;
            let bytes = field.as_bytes();
            while end < bytes.len() && bytes[end] != b'[' && (bytes[end] != b'.' || end > 0 && bytes[end - 1] == b'\\')
            {
                end += 1;
            }
            let (name, after) = field.split_at(end);
            value = value.get(name.replace("\\.", "."))?;
            rest = after;
        }
    }
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schemas_prune_default_and_judge() {
        let schema = json!({"type": "object", "properties": {"spec": {"type": "object", "required": ["size"], "properties": {
            "size": {"type": "integer", "minimum": 1}, "mode": {"type": "string", "default": "fast", "enum": ["fast", "slow"]},
            "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
            "list": {"type": "array", "items": {"type": "object", "properties": {"a": {"type": "string"}}}}}}}});
        let kind = CustomKind { schema, columns: Vec::new() };
        let mut object = json!({"apiVersion": "e/v1", "kind": "E", "metadata": {"name": "e"}, "stray": 1,
            "spec": {"size": 0, "free": {"x": 1}, "list": [{"a": "1", "b": 2}], "other": true}});
        let mut unknown = Vec::new();
        kind.normal(&mut object, &mut unknown);
        assert_eq!(unknown, ["stray", "spec.other", "spec.list[0].b"]);
        let wanted = json!({"apiVersion": "e/v1", "kind": "E", "metadata": {"name": "e"},
            "spec": {"size": 0, "mode": "fast", "free": {"x": 1}, "list": [{"a": "1"}]}});
        assert_eq!(object, wanted);
        let mut causes = Vec::new();
        check(&kind.schema, &object, "", &mut causes);
        assert_eq!(causes[0].message, "Invalid value: 0: spec.size in body should be greater than or equal to 1");
        causes.clear();
        check(&kind.schema, &json!({"spec": {"mode": "x"}}), "", &mut causes);
        let said: Vec<&str> = causes.iter().map(|c| c.field.as_str()).collect();
        assert_eq!(said, ["spec.size", "spec.mode"]);
    }

    #[test]
    fn columns_find_their_values() {
        let object = json!({"spec": {"a": [{"b": 1}], "k.l": 2}, "status": {"conditions": [{"type": "Ready", "status": "True"}]}});
        for (path, wanted) in [
            (".spec.a[0].b", json!(1)),
            (".spec.k\\.l", json!(2)),
            (".status.conditions[?(@.type==\"Ready\")].status", json!("True")),
        ] {
            assert_eq!(at_path(&object, path), Some(&wanted), "{path}");
        }
        assert_eq!(at_path(&object, ".spec.nope"), None);
    }
}
