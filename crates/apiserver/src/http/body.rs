//! Bodies: JSON, YAML and protobuf become one thing.

use std::collections::BTreeSet;
use std::fmt;

use serde::de::{DeserializeSeed, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use crate::Status;
use crate::schema::{decode, schema};

const ACCEPTED: &str = "the body of the request was in an unknown format - accepted media types include: application/json, application/yaml, application/vnd.kubernetes.protobuf";

/// The object in a body, and the fields that it gives twice.
pub(super) fn read(content_type: &str, body: &[u8]) -> Result<(Value, Vec<String>), Status> {
    match content_type.split(';').next().unwrap_or_default().trim() {
        "" | "application/json" | "*/*" => json(body),
        "application/yaml" => Ok((yaml(body)?, Vec::new())),
        "application/vnd.kubernetes.protobuf" => {
            let object = decode(schema(), body).map_err(|error| Status::bad_request(error.to_string()))?;
            Ok((object, Vec::new()))
        }
        _ => Err(Status::unsupported_media_type(ACCEPTED)),
    }
}

pub(super) fn yaml(body: &[u8]) -> Result<Value, Status> {
    let text = std::str::from_utf8(body).map_err(|_| Status::bad_request("yaml: the body is not UTF-8"))?;
    serde_saphyr::from_str(text).map_err(|error| Status::bad_request(format!("error decoding YAML: {error}")))
}

pub(super) fn json(body: &[u8]) -> Result<(Value, Vec<String>), Status> {
    let mut seen = Vec::new();
    let mut input = serde_json::Deserializer::from_slice(body);
    let value = Node { path: String::new(), twice: &mut seen }
        .deserialize(&mut input)
        .and_then(|value| input.end().map(|()| value))
        .map_err(|error| Status::bad_request(format!("couldn't get version/kind; json parse error: {error}")))?;
    Ok((value, seen))
}

/// Reads a value and notes fields that come twice; the last one counts.
struct Node<'a> {
    path: String,
    twice: &'a mut Vec<String>,
}

impl<'de> DeserializeSeed<'de> for Node<'_> {
    type Value = Value;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(value) = sequence
            .next_element_seed(Node { path: format!("{}[{}]", self.path, list.len()), twice: &mut *self.twice })?
        {
            list.push(value);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let (mut map, mut told) = (Map::new(), BTreeSet::new());
        while let Some(key) = access.next_key::<String>()? {
            let path = if self.path.is_empty() { key.clone() } else { format!("{}.{key}", self.path) };
            if map.contains_key(&key) && told.insert(key.clone()) {
                self.twice.push(path.clone());
            }
            let value = access.next_value_seed(Node { path, twice: &mut *self.twice })?;
            map.insert(key, value);
        }
        Ok(Value::Object(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn fields_that_come_twice_are_noted() {
        let (value, twice) = json(br#"{"a": 1, "b": [{"c": 1.5, "c": -2, "c": null}], "a": "x"}"#).unwrap();
        assert_eq!(value, json!({"a": "x", "b": [{"c": null}]}));
        assert_eq!(twice, ["b[0].c", "a"]);
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        for bad in [&b"{"[..], b"", b"{} x", b"\xff"] {
            assert_eq!(json(bad).unwrap_err().code, 400);
        }
        let deep = "[".repeat(100_000);
        assert_eq!(json(deep.as_bytes()).unwrap_err().code, 400);
        assert_eq!(read("text/plain", b"x").unwrap_err().code, 415);
        assert_eq!(read("application/yaml", b"a: [1, {b: c}]").unwrap().0, json!({"a": [1, {"b": "c"}]}));
    }
}
