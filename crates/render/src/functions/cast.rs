//! Conversions between numbers and texts, as Sprig's arithmetic makes them of whatever it gets.

use super::arguments::{bytes, string};
use bowline_gotemplate::{Value, literal};

/// `int64` of anything: 0 where it is no number.
pub(super) fn to_int(value: &Value) -> i64 {
    match value {
        Value::Int(number) | Value::Int64(number) => *number,
        Value::Uint8(number) => i64::from(*number),
        Value::Uint64(number) => *number as i64,
        Value::Float(number) => truncated(*number),
        Value::Bool(value) => i64::from(*value),
        Value::Text(_) => literal::parse_int(without_zero_decimals(&string(value))).unwrap_or(0),
        Value::Object(object) => object.as_int().unwrap_or(0),
        _ => 0,
    }
}

/// `float64` of anything: 0 where it is no number.
pub(super) fn to_float(value: &Value) -> f64 {
    match value {
        Value::Int(number) | Value::Int64(number) => *number as f64,
        Value::Uint8(number) => f64::from(*number),
        Value::Uint64(number) => *number as f64,
        Value::Float(number) => *number,
        Value::Bool(value) => f64::from(u8::from(*value)),
        Value::Text(_) => std::str::from_utf8(bytes(value)).ok().and_then(literal::parse_float).unwrap_or(0.0),
        Value::Object(object) => object.as_int().unwrap_or(0) as f64,
        _ => 0.0,
    }
}

/// `int64(f)` as Go compiles it: what does not fit is the smallest number.
pub(super) fn truncated(number: f64) -> i64 {
    if (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&number) { number as i64 } else { i64::MIN }
}

/// A text without a `.000` at its end.
fn without_zero_decimals(text: &str) -> &str {
    let trimmed = text.trim_end_matches('0');
    match trimmed.strip_suffix('.') {
        Some(whole) if trimmed.len() < text.len() => whole,
        _ => text,
    }
}
