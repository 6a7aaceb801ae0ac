//! Helm's functions on `time.Duration`.

use super::arguments::{bytes, string};
use super::{Answer, Host, fail, pure};
use bowline_gotemplate::Type::{Any, Float, Int64, Named};
use bowline_gotemplate::{Function, Kind, Value, duration, fmt, literal};

const SECOND: i64 = 1_000_000_000;

pub(super) fn table() -> Vec<Function<Host>> {
    const DURATION: bowline_gotemplate::Type = Named("time.Duration");
    vec![
        pure("mustToDuration", &[Any], DURATION, |args| match to_duration(&args[0]) {
            Ok(duration) => Ok(Value::Duration(duration)),
            Err(error) => fail(error),
        }),
        pure("durationSeconds", &[Any], Float, |args| units(args, 1.0, SECOND)),
        pure("durationMinutes", &[Any], Float, |args| units(args, 1.0, 60 * SECOND)),
        pure("durationHours", &[Any], Float, |args| units(args, 1.0, 3600 * SECOND)),
        pure("durationDays", &[Any], Float, |args| units(args, 24.0, 3600 * SECOND)),
        pure("durationWeeks", &[Any], Float, |args| {
            let Value::Float(days) = units(args, 24.0, 3600 * SECOND)? else { return Ok(Value::Float(0.0)) };
            Ok(Value::Float(days / 7.0))
        }),
        pure("durationMilliseconds", &[Any], Int64, |args| Ok(Value::Int64(or_zero(&args[0]) / 1_000_000))),
        pure("durationMicroseconds", &[Any], Int64, |args| Ok(Value::Int64(or_zero(&args[0]) / 1_000))),
        pure("durationNanoseconds", &[Any], Int64, |args| Ok(Value::Int64(or_zero(&args[0])))),
        pure("durationRoundTo", &[Any, Any], DURATION, |args| Ok(multiple(args, duration::round))),
        pure("durationTruncateTo", &[Any, Any], DURATION, |args| Ok(multiple(args, duration::truncate))),
    ]
}

fn or_zero(value: &Value) -> i64 {
    to_duration(value).unwrap_or(0)
}

fn units(args: &[Value], divide: f64, unit: i64) -> Answer {
    let duration = or_zero(&args[0]);
    let whole = (duration / unit) as f64 + (duration % unit) as f64 / unit as f64;
    Ok(Value::Float(whole / divide))
}

fn multiple(args: &[Value], of: fn(i64, i64) -> i64) -> Value {
    let Ok(duration) = to_duration(&args[0]) else { return Value::Duration(0) };
    Value::Duration(to_duration(&args[1]).map_or(duration, |unit| of(duration, unit)))
}

/// Nanoseconds of a duration, a text, or a number of seconds.
///
/// # Errors
/// With Helm's text.
fn to_duration(value: &Value) -> Result<i64, String> {
    match value {
        Value::Duration(duration) => Ok(*duration),
        Value::Nil => Err("invalid duration".to_owned()),
        Value::Text(_) => {
            let text = string(value);
            let trimmed = text.trim();
            if trimmed.is_empty() {
                return Err("empty duration".to_owned());
            }
            if let Ok(duration) = duration::parse(trimmed) {
                return Ok(duration);
            }
            match literal::parse_float(trimmed) {
                Some(seconds) => from_seconds(seconds),
                None => Err(format!("could not parse duration {}", fmt::quoted(bytes(value)))),
            }
        }
        Value::Float(seconds) => from_seconds(*seconds),
        _ => {
            let whole = match (value.signed(), value.unsigned()) {
                (Some(seconds), _) => Ok(seconds),
                (_, Some(seconds)) => i64::try_from(seconds).map_err(|_| seconds.to_string()),
                _ if value.kind() == Kind::Struct => {
                    return Err(format!("unsupported duration type {}", value.type_name()));
                }
                _ => return Err(format!("unsupported duration type {}", value.type_name())),
            };
            whole
                .and_then(|seconds| seconds.checked_mul(SECOND).ok_or_else(|| seconds.to_string()))
                .map_err(|seconds| format!("duration seconds overflow: {seconds}"))
        }
    }
}

fn from_seconds(seconds: f64) -> Result<i64, String> {
    let shown = |number: f64| fmt::format_float(number, b'g', -1);
    if !seconds.is_finite() {
        return Err(format!("invalid duration seconds: {}", shown(seconds)));
    }
    let limit = i64::MAX as f64 / SECOND as f64;
    if seconds > limit || seconds < -limit {
        return Err(format!("duration seconds overflow: {}", shown(seconds)));
    }
    Ok(super::cast::truncated(seconds * SECOND as f64))
}
