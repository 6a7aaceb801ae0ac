//! Values of YAML as templates see them.

use bowline_gotemplate::{List, Map, Text, Value};
use bowline_yaml as yaml;

/// A YAML value with Go's types: `float64` for numbers of a file, `int64` for those of `--set`.
pub fn from_yaml(value: &yaml::Value) -> Value {
    match value {
        yaml::Value::Null => Value::Nil,
        yaml::Value::Bool(value) => Value::Bool(*value),
        yaml::Value::Int(value) => Value::Int64(*value),
        yaml::Value::Float(value) => Value::Float(*value),
        yaml::Value::String(text) => Value::from(text.as_str()),
        yaml::Value::Seq(items) => Value::list(items.iter().map(from_yaml).collect()),
        yaml::Value::Map(map) => Value::Map(from_yaml_map(map)),
    }
}

/// A YAML mapping as `map[string]interface {}`.
pub fn from_yaml_map(map: &yaml::Map) -> Map {
    map.iter().map(|(key, value)| (Text::from(key.as_str()), from_yaml(value))).collect()
}

/// What a text of YAML holds, typed as values of a file are. The last of several equal keys counts.
pub fn from_yaml_node(node: &yaml::Node) -> Value {
    match &node.kind {
        // By way of JSON, where all numbers are floats.
        yaml::NodeKind::Scalar(yaml::Value::Int(value)) => Value::Float(*value as f64),
        yaml::NodeKind::Scalar(value) => from_yaml(value),
        yaml::NodeKind::Seq(items) => Value::List(List::new(items.iter().map(from_yaml_node).collect())),
        yaml::NodeKind::Map(entries) => {
            let key = |key: &yaml::Node| match &key.kind {
                yaml::NodeKind::Scalar(yaml::Value::String(text)) => Text::from(text.as_str()),
                _ => Text::default(),
            };
            Value::Map(entries.iter().map(|(name, value)| (key(name), from_yaml_node(value))).collect())
        }
    }
}
