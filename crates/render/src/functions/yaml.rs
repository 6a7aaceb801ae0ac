//! YAML.

use super::arguments::bytes;
use super::extent::{ENDLESS, has_end};
use super::{Host, fail, pure};
use crate::convert::from_yaml_node;
use bowline_gotemplate::Type::{Any, List as ListType, Map as MapType, Text};
use bowline_gotemplate::{Function, Map, Object, Value, duration, with_stack};
use bowline_yaml::{self as yaml, Emit, EmitError, Emitter};

pub(super) fn table() -> Vec<Function<Host>> {
    vec![
        pure("toYaml", &[Any], Text, |args| Ok(Value::from(to_yaml(&args[0]).unwrap_or_default()))),
        pure("mustToYaml", &[Any], Text, |args| match to_yaml(&args[0]) {
            Ok(text) => Ok(Value::from(text)),
            Err(error) => fail(error.to_string()),
        }),
        pure("toYamlPretty", &[Any], Text, |args| Ok(Value::from(to_yaml_pretty(&args[0]).unwrap_or_default()))),
        pure("fromYaml", &[Text], MapType, |args| {
            let (map, error) = match parse(bytes(&args[0])) {
                Ok(Value::Map(map)) => (map, None),
                Ok(Value::Nil) => (Map::new(), None),
                Ok(other) => (Map::new(), Some(mismatch(&other, "map[string]interface {}"))),
                Err(error) => (Map::new(), Some(error)),
            };
            if let Some(error) = error {
                map.set("Error", Value::from(error))?;
            }
            Ok(Value::Map(map))
        }),
        pure("fromYamlArray", &[Text], ListType, |args| {
            let error = match parse(bytes(&args[0])) {
                Ok(list @ Value::List(_)) => return Ok(list),
                Ok(Value::Nil) => return Ok(Value::list(Vec::new())),
                Ok(other) => mismatch(&other, "[]interface {}"),
                Err(error) => error,
            };
            Ok(Value::list(vec![Value::from(error)]))
        }),
    ]
}

/// A value as `toYaml` writes it: without the line end.
///
/// # Errors
/// Where Go's `yaml.Marshal` fails.
pub fn to_yaml(value: &Value) -> Result<String, EmitError> {
    if !has_end(value) {
        return Err(EmitError::NotJson(ENDLESS));
    }
    let mut text = yaml::emit(&Yaml { value, pretty: false, depth: 0 })?;
    if text.ends_with('\n') {
        text.pop();
    }
    Ok(text)
}

/// A value as `toYamlPretty` writes it: sequences indented under their keys.
fn to_yaml_pretty(value: &Value) -> Result<String, EmitError> {
    if !has_end(value) {
        return Err(EmitError::NotJson(ENDLESS));
    }
    let mut text = yaml::emit_pretty(&Yaml { value, pretty: true, depth: 0 })?;
    if text.ends_with('\n') {
        text.pop();
    }
    Ok(text)
}

fn parse(text: &[u8]) -> Result<Value, String> {
    match yaml::text(text).and_then(yaml::parse_first) {
        Ok(Some(node)) => Ok(from_yaml_node(&node)),
        Ok(None) => Ok(Value::Nil),
        Err(error) => Err(error.to_string()),
    }
}

fn mismatch(value: &Value, wanted: &str) -> String {
    let kind = match value {
        Value::Bool(_) => "bool",
        Value::Text(_) => "string",
        Value::List(_) => "array",
        Value::Map(_) => "object",
        _ => "number",
    };
    format!(
        "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal {kind} into Go value of type {wanted}"
    )
}

/// A value of templates as a value to be written.
struct Yaml<'v> {
    value: &'v Value,
    /// Go's types go to YAML as they are, not by way of JSON.
    pretty: bool,
    /// How deeply it is nested.
    depth: u32,
}

/// How deeply values may be nested: a map that holds itself would never end.
const MAX_DEPTH: u32 = 1000;

impl Emit for Yaml<'_> {
    fn emit(&self, to: &mut Emitter) -> Result<(), EmitError> {
        let (pretty, depth) = (self.pretty, self.depth + 1);
        if depth > MAX_DEPTH {
            return Err(EmitError::NotJson("encountered a cycle"));
        }
        match self.value {
            Value::Duration(nanoseconds) if pretty => to.string(&duration::to_string(*nanoseconds))?,
            Value::List(list) if pretty && list.is_nil() => to.seq::<Yaml<'_>>([])?,
            Value::Map(map) if pretty && map.is_nil() => to.map::<Yaml<'_>>(Vec::new())?,
            Value::Nil => to.null(),
            Value::Bool(value) => to.bool(*value),
            Value::Int(number) | Value::Int64(number) | Value::Duration(number) => to.int(*number),
            Value::Uint8(number) => to.int(i64::from(*number)),
            Value::Uint64(number) => to.uint(*number),
            Value::Float(number) => to.float(*number)?,
            // JSON has none, and says so.
            Value::Complex(..) => return Err(EmitError::NoType("complex128")),
            Value::Text(text) if pretty && std::str::from_utf8(text).is_err() => {
                to.binary(&super::encoding::base64(text));
            }
            Value::Text(text) => to.string(&text.to_str())?,
            Value::Bytes(bytes) if pretty => {
                let bytes: Vec<Value> = bytes.iter().map(|byte| Value::Uint8(*byte)).collect();
                let items: Vec<Yaml<'_>> = bytes.iter().map(|value| Yaml { value, pretty, depth }).collect();
                to.seq(&items)?;
            }
            Value::Bytes(bytes) => to.string(&super::encoding::base64(bytes))?,
            Value::List(list) if list.is_nil() => to.null(),
            Value::Map(map) if map.is_nil() => to.null(),
            Value::List(list) => with_stack(|| {
                list.with(|items| {
                    let items: Vec<Yaml<'_>> = items.iter().map(|value| Yaml { value, pretty, depth }).collect();
                    to.seq(&items)
                })
            })?,
            Value::Map(map) => with_stack(|| {
                map.with(|entries| {
                    let keys: Vec<_> = entries.keys().map(|key| key.to_str()).collect();
                    let values = entries.values().map(|value| Yaml { value, pretty, depth });
                    to.map(keys.iter().map(AsRef::as_ref).zip(values).collect())
                })
            })?,
            Value::Object(object) => emit_object(object.as_ref(), to, pretty, depth)?,
        }
        Ok(())
    }
}

fn emit_object(object: &dyn Object, to: &mut Emitter, pretty: bool, depth: u32) -> Result<(), EmitError> {
    if let Some(number) = object.as_int() {
        to.int(number);
        return Ok(());
    }
    if pretty && object.type_name() == "time.Time" {
        to.timestamp(
            &object
                .json()
                .as_ref()
                .and_then(Value::as_text)
                .map_or_else(String::new, bowline_gotemplate::Text::to_string),
        );
        return Ok(());
    }
    if let Some(value) = object.json() {
        return Yaml { value: &value, pretty, depth }.emit(to);
    }
    if pretty {
        let fields = object.fields().into_iter().filter(|(name, _)| name.starts_with(char::is_uppercase));
        let fields: Vec<(String, Value)> = fields.map(|(name, value)| (name.to_lowercase(), value)).collect();
        return to.fields(
            &fields.iter().map(|(name, value)| (name.as_str(), Yaml { value, pretty, depth })).collect::<Vec<_>>(),
        );
    }
    let fields = object.json_fields();
    to.map(fields.iter().map(|(name, value)| (name.as_ref(), Yaml { value, pretty, depth })).collect())
}
