//! Reading protobuf bodies (`application/vnd.kubernetes.protobuf`) with the table's field numbers.

use std::collections::BTreeMap;

use base64::Engine;
use serde_json::{Map, Value};

use super::{Schema, Shape, TypeId, Wire};

/// What every body starts with.
const MAGIC: &[u8] = b"k8s\0";
/// How deep messages may nest.
const DEPTH: usize = 64;

/// Why bytes are not a message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum DecodeError {
    #[error("unexpected end of protobuf message")]
    Truncated,
    #[error("malformed protobuf message: {0}")]
    Malformed(&'static str),
    #[error("no schema of {0} to read protobuf with")]
    UnknownKind(String),
}

/// The object in a body: `k8s\0` and an envelope that names kind and version.
pub(crate) fn decode(schema: &Schema, body: &[u8]) -> Result<Value, DecodeError> {
    let body = body.strip_prefix(MAGIC).ok_or(DecodeError::Malformed("no k8s prefix"))?;
    let (mut api_version, mut kind, mut raw) = (String::new(), String::new(), &body[..0]);
    let mut input = Input(body);
    while let Some((number, part)) = input.next()? {
        match (number, part) {
            (1, Part::Bytes(meta)) => {
                let mut meta = Input(meta);
                while let Some((number, part)) = meta.next()? {
                    match (number, part) {
                        (1, Part::Bytes(text)) => api_version = utf8(text)?,
                        (2, Part::Bytes(text)) => kind = utf8(text)?,
                        _ => {}
                    }
                }
            }
            (2, Part::Bytes(bytes)) => raw = bytes,
            _ => {}
        }
    }
    let (group, version) = api_version.split_once('/').unwrap_or(("", &api_version));
    let unknown = || DecodeError::UnknownKind(format!("{api_version}, Kind={kind}"));
    let of = schema.of_kind(group, version, &kind);
    // Options are sent in any group's name.
    let of = of.or_else(|| schema.by_name(&format!("meta.v1.{kind}"))).ok_or_else(unknown)?;
    let mut object = message(schema, of, raw, DEPTH)?;
    object.insert("apiVersion".to_owned(), Value::from(api_version));
    object.insert("kind".to_owned(), Value::from(kind));
    Ok(Value::Object(object))
}

#[derive(Clone, Copy)]
enum Part<'a> {
    Varint(u64),
    Fixed64(u64),
    Bytes(&'a [u8]),
    Fixed32,
}

struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn varint(&mut self) -> Result<u64, DecodeError> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let (byte, rest) = self.0.split_first().ok_or(DecodeError::Truncated)?;
            self.0 = rest;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(DecodeError::Malformed("varint too long"))
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], DecodeError> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(DecodeError::Truncated)?;
        self.0 = rest;
        Ok(taken)
    }

    fn next(&mut self) -> Result<Option<(u32, Part<'a>)>, DecodeError> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let tag = self.varint()?;
        let number = u32::try_from(tag >> 3).map_err(|_| DecodeError::Malformed("field number"))?;
        let part = match tag & 7 {
            0 => Part::Varint(self.varint()?),
            1 => {
                let bytes = self.take(8)?.try_into().map_err(|_| DecodeError::Truncated)?;
                Part::Fixed64(u64::from_le_bytes(bytes))
            }
            2 => {
                let length = usize::try_from(self.varint()?).map_err(|_| DecodeError::Truncated)?;
                Part::Bytes(self.take(length)?)
            }
            5 => {
                self.take(4)?;
                Part::Fixed32
            }
            _ => return Err(DecodeError::Malformed("wire type")),
        };
        Ok(Some((number, part)))
    }
}

fn utf8(bytes: &[u8]) -> Result<String, DecodeError> {
    String::from_utf8(bytes.to_vec()).map_err(|_| DecodeError::Malformed("text is not UTF-8"))
}

fn message(schema: &Schema, of: TypeId, bytes: &[u8], depth: usize) -> Result<Map<String, Value>, DecodeError> {
    let mut object = Map::new();
    fields(schema, of, &schema.get(of).wire, bytes, depth, &mut object)?;
    Ok(object)
}

fn fields(
    schema: &Schema,
    of: TypeId,
    wire: &BTreeMap<u32, Wire>,
    bytes: &[u8],
    depth: usize,
    object: &mut Map<String, Value>,
) -> Result<(), DecodeError> {
    let depth = depth.checked_sub(1).ok_or(DecodeError::Malformed("nested too deep"))?;
    let mut input = Input(bytes);
    while let Some((number, part)) = input.next()? {
        match wire.get(&number) {
            None => {}
            Some(Wire::Embedded(inner)) => {
                let Part::Bytes(bytes) = part else { return Err(DecodeError::Malformed("embedded message")) };
                fields(schema, of, inner, bytes, depth, object)?;
            }
            Some(Wire::Field(at)) => {
                let field = &schema.get(of).fields[*at];
                match &field.shape {
                    Shape::List(item) => {
                        let list = object.entry(field.name.clone()).or_insert_with(|| Value::Array(Vec::new()));
                        if let Value::Array(list) = list {
                            repeated(schema, item, part, depth, list)?;
                        }
                    }
                    Shape::Map(item) => {
                        let (key, value) = entry(schema, item, part, depth)?;
                        let map = object.entry(field.name.clone()).or_insert_with(|| Value::Object(Map::new()));
                        if let Value::Object(map) = map {
                            map.insert(key, value);
                        }
                    }
                    shape => {
                        let value = single(schema, shape, part, depth)?;
                        object.insert(field.name.clone(), value);
                    }
                }
            }
        }
    }
    Ok(())
}

/// An element of a list; numbers may come packed.
fn repeated(
    schema: &Schema,
    item: &Shape,
    part: Part<'_>,
    depth: usize,
    list: &mut Vec<Value>,
) -> Result<(), DecodeError> {
    if let (Shape::Int32 | Shape::Int64 | Shape::Bool, Part::Bytes(packed)) = (item, &part) {
        let mut packed = Input(packed);
        while !packed.0.is_empty() {
            let value = Part::Varint(packed.varint()?);
            list.push(single(schema, item, value, depth)?);
        }
        return Ok(());
    }
    list.push(single(schema, item, part, depth)?);
    Ok(())
}

fn entry(schema: &Schema, item: &Shape, part: Part<'_>, depth: usize) -> Result<(String, Value), DecodeError> {
    let Part::Bytes(bytes) = part else { return Err(DecodeError::Malformed("map entry")) };
    let (mut key, mut value) = (String::new(), None);
    let mut input = Input(bytes);
    while let Some((number, part)) = input.next()? {
        match (number, part) {
            (1, Part::Bytes(text)) => key = utf8(text)?,
            (2, part) => value = Some(single(schema, item, part, depth)?),
            _ => {}
        }
    }
    let empty = || single(schema, item, Part::Bytes(&[]), depth);
    Ok((key, value.map_or_else(empty, Ok)?))
}

fn single(schema: &Schema, shape: &Shape, part: Part<'_>, depth: usize) -> Result<Value, DecodeError> {
    Ok(match (shape, part) {
        (Shape::String, Part::Bytes(bytes)) => Value::from(utf8(bytes)?),
        (Shape::Bool, Part::Varint(value)) => Value::from(value != 0),
        // Negative 32-bit numbers come sign-extended: the low half is the number.
        (Shape::Int32, Part::Varint(value)) => Value::from(value as i32),
        (Shape::Int64, Part::Varint(value)) => Value::from(value as i64),
        (Shape::Double, Part::Fixed64(bits)) => Value::from(f64::from_bits(bits)),
        (Shape::Bytes, Part::Bytes(bytes)) => Value::from(base64::engine::general_purpose::STANDARD.encode(bytes)),
        (Shape::Struct(of), Part::Bytes(bytes)) => Value::Object(message(schema, *of, bytes, depth)?),
        (Shape::Time | Shape::MicroTime, Part::Bytes(bytes)) => time(shape, bytes)?,
        (Shape::Duration, Part::Bytes(bytes)) => {
            let mut nanos = 0i64;
            let mut input = Input(bytes);
            while let Some((number, part)) = input.next()? {
                if let (1, Part::Varint(value)) = (number, part) {
                    nanos = value as i64;
                }
            }
            Value::from(format!("{}s", nanos / 1_000_000_000))
        }
        (Shape::Quantity, Part::Bytes(bytes)) => {
            let mut text = String::from("0");
            let mut input = Input(bytes);
            while let Some((number, part)) = input.next()? {
                if let (1, Part::Bytes(bytes)) = (number, part) {
                    text = utf8(bytes)?;
                }
            }
            Value::from(text)
        }
        (Shape::IntOrString, Part::Bytes(bytes)) => {
            let (mut is_text, mut number_value, mut text) = (false, 0i32, String::new());
            let mut input = Input(bytes);
            while let Some((number, part)) = input.next()? {
                match (number, part) {
                    (1, Part::Varint(kind)) => is_text = kind == 1,
                    (2, Part::Varint(value)) => number_value = value as i32,
                    (3, Part::Bytes(bytes)) => text = utf8(bytes)?,
                    _ => {}
                }
            }
            if is_text { Value::from(text) } else { Value::from(number_value) }
        }
        (Shape::Raw | Shape::Fields | Shape::Any, Part::Bytes(bytes)) => {
            let mut raw = &bytes[..0];
            let mut input = Input(bytes);
            while let Some((number, part)) = input.next()? {
                if let (1, Part::Bytes(bytes)) = (number, part) {
                    raw = bytes;
                }
            }
            if raw.is_empty() {
                Value::Null
            } else {
                serde_json::from_slice(raw).map_err(|_| DecodeError::Malformed("embedded JSON"))?
            }
        }
        (Shape::Items(item), Part::Bytes(bytes)) => {
            let mut list = Vec::new();
            let mut input = Input(bytes);
            while let Some((number, part)) = input.next()? {
                if number == 1 {
                    list.push(single(schema, item, part, depth)?);
                }
            }
            Value::Array(list)
        }
        _ => return Err(DecodeError::Malformed("wire type of a field")),
    })
}

fn time(shape: &Shape, bytes: &[u8]) -> Result<Value, DecodeError> {
    // Go writes a time that was never set as a message without fields.
    let (mut seconds, mut nanos) = (None, 0i32);
    let mut input = Input(bytes);
    while let Some((number, part)) = input.next()? {
        match (number, part) {
            (1, Part::Varint(value)) => seconds = Some(value as i64),
            (2, Part::Varint(value)) => nanos = value as i32,
            _ => {}
        }
    }
    let Some(seconds) = seconds else { return Ok(Value::Null) };
    let bad = |_| DecodeError::Malformed("time out of range");
    let time = jiff::Timestamp::new(seconds, nanos).map_err(bad)?;
    let format = if *shape == Shape::Time { "%Y-%m-%dT%H:%M:%SZ" } else { "%Y-%m-%dT%H:%M:%S.%6fZ" };
    Ok(Value::from(time.strftime(format).to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::schema;
    use serde_json::json;

    fn field(number: u32, bytes: &[u8]) -> Vec<u8> {
        let mut out = vec![u8::try_from(number << 3 | 2).unwrap(), u8::try_from(bytes.len()).unwrap()];
        out.extend(bytes);
        out
    }

    fn body(api_version: &str, kind: &str, raw: &[u8]) -> Vec<u8> {
        let meta = [field(1, api_version.as_bytes()), field(2, kind.as_bytes())].concat();
        [MAGIC.to_vec(), field(1, &meta), field(2, raw)].concat()
    }

    #[test]
    fn a_config_map_is_read() {
        let metadata = [field(1, b"a"), field(2, b""), field(8, b"")].concat();
        let raw = [field(1, &metadata), field(2, &[field(1, b"k"), field(2, b"v")].concat())].concat();
        let object = decode(schema(), &body("v1", "ConfigMap", &raw)).unwrap();
        let wanted = json!({"apiVersion": "v1", "kind": "ConfigMap", "data": {"k": "v"},
            "metadata": {"name": "a", "generateName": "", "creationTimestamp": null}});
        assert_eq!(object, wanted);
    }

    #[test]
    fn nothing_malformed_gets_through_or_panics() {
        let metadata = field(1, b"a");
        let whole = body("v1", "ConfigMap", &field(1, &metadata));
        for length in 0..whole.len() {
            let _ = decode(schema(), &whole[..length]);
        }
        for (bytes, wanted) in [
            (&b"{}"[..], "malformed protobuf message: no k8s prefix"),
            (b"k8s\0\x0a\xff", "unexpected end of protobuf message"),
            (b"k8s\0\x0f", "malformed protobuf message: wire type"),
        ] {
            assert_eq!(decode(schema(), bytes).unwrap_err().to_string(), wanted);
        }
    }
}
