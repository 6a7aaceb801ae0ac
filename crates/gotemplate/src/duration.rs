//! `time.Duration`: its text and its methods.

use crate::{Failure, Type, Value};

/// What the method `name` takes and gives.
pub(crate) fn method(name: &str) -> Option<(&'static [Type], Type)> {
    Some(match name {
        "String" => (&[], Type::Text),
        "Hours" | "Minutes" | "Seconds" => (&[], Type::Float),
        "Milliseconds" | "Microseconds" | "Nanoseconds" => (&[], Type::Int64),
        "Abs" => (&[], Type::Named("time.Duration")),
        _ => return None,
    })
}

/// Calls the method `name`.
pub(crate) fn call(nanoseconds: i64, name: &str, _args: &[Value]) -> Result<Value, Failure> {
    // Whole units and rest apart, as Go does it, so that the same digits come out.
    let of = |unit: i64| (nanoseconds / unit) as f64 + (nanoseconds % unit) as f64 / unit as f64;
    Ok(match name {
        "String" => Value::from(to_string(nanoseconds)),
        "Hours" => Value::Float(of(3_600_000_000_000)),
        "Minutes" => Value::Float(of(60_000_000_000)),
        "Seconds" => Value::Float(of(1_000_000_000)),
        "Milliseconds" => Value::Int64(nanoseconds / 1_000_000),
        "Microseconds" => Value::Int64(nanoseconds / 1_000),
        "Nanoseconds" => Value::Int64(nanoseconds),
        "Abs" => Value::Duration(nanoseconds.saturating_abs()),
        _ => return Err(Failure::new(format!("time.Duration has no method {name}"))),
    })
}

/// A duration in nanoseconds as `time.Duration.String` prints it: `1h2m3.5s`, `15ms`, `0s`.
pub fn to_string(nanoseconds: i64) -> String {
    let magnitude = nanoseconds.unsigned_abs();
    let sign = if nanoseconds < 0 { "-" } else { "" };
    if magnitude == 0 {
        return "0s".to_owned();
    }
    if magnitude < 1_000_000_000 {
        let (unit, digits) = match magnitude {
            0..1_000 => ("ns", 0),
            1_000..1_000_000 => ("µs", 3),
            _ => ("ms", 6),
        };
        return format!("{sign}{}{unit}", decimal(magnitude, digits));
    }
    let seconds = decimal(magnitude % 60_000_000_000, 9);
    let minutes = magnitude / 60_000_000_000;
    match (minutes / 60, minutes % 60) {
        (0, 0) => format!("{sign}{seconds}s"),
        (0, minutes) => format!("{sign}{minutes}m{seconds}s"),
        (hours, minutes) => format!("{sign}{hours}h{minutes}m{seconds}s"),
    }
}

/// `value` / 10^`digits`, without trailing zeros.
fn decimal(value: u64, digits: u32) -> String {
    let unit = 10u64.pow(digits);
    let fraction = value % unit;
    if fraction == 0 {
        return (value / unit).to_string();
    }
    let fraction = format!("{fraction:0width$}", width = digits as usize);
    format!("{}.{}", value / unit, fraction.trim_end_matches('0'))
}

#[cfg(test)]
mod tests {
    use super::to_string;

    #[test]
    fn as_go() {
        for (nanoseconds, want) in [
            (0, "0s"),
            (1, "1ns"),
            (1_100, "1.1µs"),
            (2_200_000, "2.2ms"),
            (3_300_000_000, "3.3s"),
            (60_000_000_000, "1m0s"),
            (3_723_500_000_000, "1h2m3.5s"),
            (-90_000_000_000, "-1m30s"),
        ] {
            assert_eq!(to_string(nanoseconds), want);
        }
    }
}
