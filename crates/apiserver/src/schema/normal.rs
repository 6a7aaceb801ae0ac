//! Reading JSON as the real server's Go types do: unknown fields fall away, values are checked against their types,
//! empty fields that Go would not write are left out and those that it would write are put in.

use base64::Engine;
use serde_json::{Map, Value};

use super::{Field, Schema, Shape, TypeId, canonical_quantity};

/// What was noticed.
#[derive(Debug, Default)]
pub(crate) struct Report {
    /// Paths of fields that the type does not have.
    pub(crate) unknown: Vec<String>,
    /// Why the value cannot be of the type; the first reason.
    pub(crate) error: Option<String>,
}

/// Where in the object we are: for messages with and without indices, and the innermost struct.
struct Place<'a> {
    path: String,
    plain: String,
    inside: &'a str,
}

/// The value in the normal form of a type.
pub(crate) fn normal(schema: &'static Schema, of: TypeId, value: Value, report: &mut Report) -> Value {
    let place = Place { path: String::new(), plain: String::new(), inside: schema.get(of).go_name() };
    let made = object(schema, of, value, &place, report);
    Value::Object(made)
}

fn object(
    schema: &'static Schema,
    of: TypeId,
    value: Value,
    place: &Place<'_>,
    report: &mut Report,
) -> Map<String, Value> {
    let kind = schema.get(of);
    let given = match value {
        Value::Object(map) => map,
        Value::Null => Map::new(),
        other => {
            mismatch(&other, place, &go_type(schema, &Shape::Struct(of)), report);
            Map::new()
        }
    };
    let mut made = Map::new();
    let mut present = vec![false; kind.fields.len()];
    for (name, value) in given {
        let at = kind.fields.binary_search_by(|f| f.name.as_str().cmp(&name));
        let join = |prefix: &str| if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
        let Ok(at) = at else {
            report.unknown.push(join(&place.path));
            continue;
        };
        let field = &kind.fields[at];
        let place = Place { path: join(&place.path), plain: join(&place.plain), inside: kind.go_name() };
        if value.is_null() && !matches!(field.shape, Shape::Struct(_) if !field.pointer) {
            if field.always {
                present[at] = true;
                made.insert(name, zero(field));
            }
            continue;
        }
        let value = shaped(schema, &field.shape, value, &place, report);
        present[at] = true;
        if keeps(field, &value) {
            made.insert(name, value);
        }
    }
    for (field, _) in kind.fields.iter().zip(present).filter(|(_, present)| !present) {
        match &field.shape {
            Shape::Struct(inner) if !field.pointer && !field.omit_zero => {
                let place = Place { path: field.name.clone(), plain: field.name.clone(), inside: kind.go_name() };
                made.insert(field.name.clone(), Value::Object(object(schema, *inner, Value::Null, &place, report)));
            }
            _ if field.always => {
                made.insert(field.name.clone(), zero(field));
            }
            _ => {}
        }
    }
    made
}

/// Whether Go writes the field with this value.
fn keeps(field: &Field, value: &Value) -> bool {
    if field.pointer || field.always {
        return true;
    }
    match value {
        Value::Null => false,
        Value::Bool(value) => *value,
        Value::String(text) => !text.is_empty(),
        Value::Array(list) => !list.is_empty(),
        Value::Object(map) => !map.is_empty() || (matches!(field.shape, Shape::Struct(_)) && !field.omit_zero),
        // An IntOrString is a struct in Go: never left out.
        Value::Number(number) => number.as_f64() != Some(0.0) || field.shape == Shape::IntOrString,
    }
}

/// What Go writes for a field that was never set.
fn zero(field: &Field) -> Value {
    if field.pointer {
        return Value::Null;
    }
    match field.shape {
        Shape::String => Value::from(""),
        Shape::Bool => Value::from(false),
        Shape::Int32 | Shape::Int64 | Shape::Double | Shape::IntOrString => Value::from(0),
        Shape::Quantity => Value::from("0"),
        Shape::Duration => Value::from("0s"),
        _ => Value::Null,
    }
}

fn shaped(schema: &'static Schema, shape: &Shape, value: Value, place: &Place<'_>, report: &mut Report) -> Value {
    match (shape, value) {
        (Shape::Struct(of), value) => Value::Object(object(schema, *of, value, place, report)),
        (Shape::List(item) | Shape::Items(item), Value::Array(list)) => {
            let items = list.into_iter().enumerate();
            items
                .map(|(at, value)| {
                    let path = format!("{}[{at}]", place.path);
                    let place = Place { path, plain: place.plain.clone(), inside: place.inside };
                    match (&**item, value) {
                        (Shape::Struct(_), value) => shaped(schema, item, value, &place, report),
                        (_, Value::Null) => Value::from(""),
                        (_, value) => shaped(schema, item, value, &place, report),
                    }
                })
                .collect()
        }
        (Shape::Map(item), Value::Object(map)) => {
            let entries = map.into_iter();
            entries
                .map(|(key, value)| {
                    let path = format!("{}.{key}", place.path);
                    let place = Place { path, plain: place.plain.clone(), inside: place.inside };
                    let value = match (&**item, value) {
                        (Shape::String | Shape::Bytes, Value::Null) => Value::from(""),
                        (_, value) => shaped(schema, item, value, &place, report),
                    };
                    (key, value)
                })
                .collect()
        }
        (Shape::Raw | Shape::Fields | Shape::Any, value) => value,
        (shape, value) => match scalar(shape, &value) {
            Ok(value) => value,
            Err(Bad::Type) => {
                mismatch(&value, place, &go_type(schema, shape), report);
                Value::Null
            }
            Err(Bad::Text(why)) => {
                report.error.get_or_insert(why);
                Value::Null
            }
        },
    }
}

enum Bad {
    Type,
    Text(String),
}

fn scalar(shape: &Shape, value: &Value) -> Result<Value, Bad> {
    let text = || value.as_str().ok_or(Bad::Type);
    Ok(match shape {
        Shape::String => Value::from(text()?),
        Shape::Bool => Value::from(value.as_bool().ok_or(Bad::Type)?),
        Shape::Int32 => Value::from(value.as_i64().and_then(|n| i32::try_from(n).ok()).ok_or(Bad::Type)?),
        Shape::Int64 => Value::from(value.as_i64().ok_or(Bad::Type)?),
        Shape::Double => Value::from(value.as_f64().ok_or(Bad::Type)?),
        Shape::IntOrString => match value {
            Value::String(_) => value.clone(),
            other => Value::from(other.as_i64().and_then(|n| i32::try_from(n).ok()).ok_or(Bad::Type)?),
        },
        Shape::Bytes => {
            let text: String = text()?.chars().filter(|c| !matches!(c, '\r' | '\n')).collect();
            let bytes = base64::engine::general_purpose::STANDARD.decode(&text);
            let at = |error: &base64::DecodeError| match error {
                base64::DecodeError::InvalidByte(at, _) => *at,
                _ => text.len() / 4 * 4,
            };
            let bytes = bytes.map_err(|e| Bad::Text(format!("illegal base64 data at input byte {}", at(&e))))?;
            Value::from(base64::engine::general_purpose::STANDARD.encode(bytes))
        }
        Shape::Quantity => {
            let written = match value {
                Value::String(text) => text.clone(),
                Value::Number(number) => number.to_string(),
                _ => return Err(Bad::Type),
            };
            let bad = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
            Value::from(canonical_quantity(written.trim()).ok_or_else(|| Bad::Text(bad.to_owned()))?)
        }
        Shape::Time | Shape::MicroTime => {
            let text = text()?;
            if text.is_empty() {
                return Ok(Value::Null);
            }
            let time: jiff::Timestamp = text.parse().map_err(|_| {
                let year: String = "2006".to_owned();
                let layout = if *shape == Shape::Time {
                    "2006-01-02T15:04:05Z07:00"
                } else {
                    "2006-01-02T15:04:05.000000Z07:00"
                };
                Bad::Text(format!("parsing time {text:?} as {layout:?}: cannot parse {text:?} as {year:?}"))
            })?;
            let format = if *shape == Shape::Time { "%Y-%m-%dT%H:%M:%SZ" } else { "%Y-%m-%dT%H:%M:%S.%6fZ" };
            Value::from(time.strftime(format).to_string())
        }
        Shape::Duration => Value::from(text()?),
        _ => return Err(Bad::Type),
    })
}

fn mismatch(value: &Value, place: &Place<'_>, wanted: &str, report: &mut Report) {
    let found = match value {
        Value::Null => "null".to_owned(),
        Value::Bool(_) => "bool".to_owned(),
        // A number that does not fit is shown, one where something else belongs is not.
        Value::Number(number) if wanted.starts_with("int") => format!("number {number}"),
        Value::Number(_) => "number".to_owned(),
        Value::String(_) => "string".to_owned(),
        Value::Array(_) => "array".to_owned(),
        Value::Object(_) => "object".to_owned(),
    };
    let field = if place.plain.is_empty() { String::new() } else { format!("{}.{}", place.inside, place.plain) };
    report.error.get_or_insert(format!("json: cannot unmarshal {found} into Go struct field {field} of type {wanted}"));
}

fn go_type(schema: &Schema, shape: &Shape) -> String {
    match shape {
        Shape::String | Shape::Time | Shape::MicroTime | Shape::Duration | Shape::Quantity | Shape::Bytes => {
            "string".into()
        }
        Shape::Bool => "bool".into(),
        Shape::Int32 | Shape::IntOrString => "int32".into(),
        Shape::Int64 => "int64".into(),
        Shape::Double => "float64".into(),
        Shape::Struct(of) => {
            let name = &schema.get(*of).name;
            name.split_once('.').map_or(name.clone(), |(_, rest)| rest.to_owned())
        }
        Shape::List(item) | Shape::Items(item) => format!("[]{}", go_type(schema, item)),
        Shape::Map(item) => format!("map[string]{}", go_type(schema, item)),
        Shape::Raw | Shape::Fields | Shape::Any => "interface {}".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::schema;
    use serde_json::json;

    fn read(kind: &str, value: Value) -> (Value, Report) {
        let mut report = Report::default();
        let value = normal(schema(), schema().by_name(kind).unwrap(), value, &mut report);
        (value, report)
    }

    #[test]
    fn empty_fields_are_written_as_go_writes_them() {
        let (pod, report) = read(
            "core.v1.Pod",
            json!({"metadata": {"name": "a", "labels": {}, "creationTimestamp": null, "nothing": 1},
                "spec": {"hostNetwork": false, "terminationGracePeriodSeconds": 0,
                    "containers": [{"name": "c", "image": "", "resources": {"limits": {"cpu": 1, "memory": "1024Mi"}}}]}}),
        );
        let wanted = json!({"metadata": {"name": "a"}, "status": {},
            "spec": {"terminationGracePeriodSeconds": 0,
                "containers": [{"name": "c", "resources": {"limits": {"cpu": "1", "memory": "1Gi"}}}]}});
        assert_eq!((pod, report.unknown), (wanted, vec!["metadata.nothing".to_owned()]));
        let (deployment, _) = read("apps.v1.Deployment", json!({}));
        let wanted = json!({"metadata": {}, "status": {}, "spec": {"selector": null, "strategy": {},
            "template": {"metadata": {}, "spec": {"containers": null}}}});
        assert_eq!(deployment, wanted);
    }

    #[test]
    fn type_errors_are_worded_as_go_words_them() {
        for (kind, value, wanted) in [
            (
                "apps.v1.Deployment",
                json!({"spec": {"replicas": "x"}}),
                "json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32",
            ),
            (
                "apps.v1.Deployment",
                json!({"spec": {"replicas": 1.5}}),
                "json: cannot unmarshal number 1.5 into Go struct field DeploymentSpec.spec.replicas of type int32",
            ),
            (
                "apps.v1.Deployment",
                json!({"spec": []}),
                "json: cannot unmarshal array into Go struct field Deployment.spec of type v1.DeploymentSpec",
            ),
            (
                "core.v1.ConfigMap",
                json!({"metadata": {"labels": {"a": 1}}}),
                "json: cannot unmarshal number into Go struct field ObjectMeta.metadata.labels of type string",
            ),
            (
                "core.v1.Service",
                json!({"spec": {"ports": [{"port": "80"}]}}),
                "json: cannot unmarshal string into Go struct field ServicePort.spec.ports.port of type int32",
            ),
            ("core.v1.Secret", json!({"data": {"x": "!!"}}), "illegal base64 data at input byte 0"),
        ] {
            assert_eq!(read(kind, value).1.error.as_deref(), Some(wanted));
        }
    }
}
