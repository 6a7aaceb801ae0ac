//! Arguments, whose types the executor has checked against the signature.

use bowline_gotemplate::{Map, Text, Value, fmt, lossy};
use std::borrow::Cow;

/// The bytes of a `string` argument.
pub(super) fn bytes(value: &Value) -> &[u8] {
    match value {
        Value::Text(text) => text,
        _ => &[],
    }
}

/// The characters of a `string` argument.
pub(super) fn string(value: &Value) -> Cow<'_, str> {
    lossy(bytes(value))
}

/// An `int` argument.
pub(super) fn int(value: &Value) -> i64 {
    value.signed().unwrap_or_default()
}

/// A `map[string]interface {}` argument.
pub(super) fn map(value: &Value) -> Map {
    match value {
        Value::Map(map) => map.clone(),
        _ => Map::nil(),
    }
}

/// Any value as text, as Sprig makes strings: strings and bytes as they are, others as `%v` prints them.
pub(super) fn text_of(value: &Value) -> Text {
    match value {
        Value::Text(text) | Value::Bytes(text) => text.clone(),
        _ => Text::from(fmt::sprint(std::slice::from_ref(value))),
    }
}

/// Elements of anything that is a slice in Go, bytes too.
pub(super) fn elements(value: &Value) -> Option<Vec<Value>> {
    match value {
        Value::List(list) => Some(list.to_vec()),
        Value::Bytes(bytes) => Some(bytes.iter().map(|byte| Value::Uint8(*byte)).collect()),
        _ => None,
    }
}

/// The texts of a list, without its nils, or of a single value.
pub(super) fn texts(value: &Value) -> Vec<Text> {
    match value {
        Value::Nil => Vec::new(),
        Value::List(list) => {
            list.with(|items| items.iter().filter(|item| !matches!(item, Value::Nil)).map(text_of).collect())
        }
        Value::Bytes(bytes) => bytes.iter().map(|byte| Text::from(byte.to_string())).collect(),
        other => vec![text_of(other)],
    }
}
