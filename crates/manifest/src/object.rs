//! Documents as the API server would be sent them.

use bowline_yaml::{Node, NodeKind, Value as Yaml};
use serde_json::{Map, Number, Value};

/// The JSON of a document. Whole floats come out as integers, as Go's JSON writes them; of equal keys the last counts.
pub fn to_json(node: &Node) -> Value {
    match &node.kind {
        NodeKind::Scalar(value) => scalar(value),
        NodeKind::Seq(items) => Value::Array(items.iter().map(to_json).collect()),
        NodeKind::Map(entries) => {
            let entry = |(key, value): &(Node, Node)| (key.as_str().unwrap_or_default().to_owned(), to_json(value));
            Value::Object(entries.iter().map(entry).collect())
        }
    }
}

/// The JSON of a value.
pub fn value_to_json(value: &Yaml) -> Value {
    match value {
        Yaml::Seq(items) => Value::Array(items.iter().map(value_to_json).collect()),
        Yaml::Map(map) => {
            Value::Object(map.iter().map(|(key, value)| (key.clone(), value_to_json(value))).collect::<Map<_, _>>())
        }
        scalar_value => scalar(scalar_value),
    }
}

/// JSON as Go decodes it into `interface{}`: every number is a float.
pub fn json_to_value(value: &Value) -> Yaml {
    match value {
        Value::Null => Yaml::Null,
        Value::Bool(value) => Yaml::Bool(*value),
        Value::Number(number) => Yaml::Float(number.as_f64().unwrap_or_default()),
        Value::String(text) => Yaml::String(text.clone()),
        Value::Array(items) => Yaml::Seq(items.iter().map(json_to_value).collect()),
        Value::Object(map) => Yaml::Map(map.iter().map(|(key, value)| (key.clone(), json_to_value(value))).collect()),
    }
}

/// JSON of an object as Kubernetes' own libraries decode it: whole numbers stay what they are.
pub fn object_to_value(value: &Value) -> Yaml {
    match value {
        Value::Number(number) => number.as_i64().map_or_else(|| json_to_value(value), Yaml::Int),
        Value::Array(items) => Yaml::Seq(items.iter().map(object_to_value).collect()),
        Value::Object(map) => Yaml::Map(map.iter().map(|(key, value)| (key.clone(), object_to_value(value))).collect()),
        scalar_value => json_to_value(scalar_value),
    }
}

fn scalar(value: &Yaml) -> Value {
    match value {
        Yaml::Bool(value) => Value::Bool(*value),
        Yaml::Int(value) => Value::Number(Number::from(*value)),
        Yaml::Float(value) if value.fract() == 0.0 && value.abs() < 9.2e18 => {
            Value::Number(Number::from(*value as i64))
        }
        Yaml::Float(value) => Number::from_f64(*value).map_or(Value::Null, Value::Number),
        Yaml::String(text) => Value::String(text.clone()),
        Yaml::Null | Yaml::Seq(_) | Yaml::Map(_) => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn documents_become_json() {
        let node = bowline_yaml::parse_first("a: 2.0\nb: [1, 1.5, yes, ~]\n80: x\na: 3\n").unwrap().unwrap();
        assert_eq!(to_json(&node), json!({"a": 3, "b": [1, 1.5, true, null], "80": "x"}));
    }
}
