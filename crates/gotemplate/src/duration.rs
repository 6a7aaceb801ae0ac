//! `time.Duration`: its text and its methods.

use crate::{Failure, Type, Value};

const DURATION: Type = Type::Named("time.Duration");

/// To a multiple of `unit`, towards zero.
pub fn truncate(nanoseconds: i64, unit: i64) -> i64 {
    if unit <= 0 { nanoseconds } else { nanoseconds - nanoseconds % unit }
}

/// To the nearest multiple of `unit`, halves away from zero; what does not fit is the nearest that does.
pub fn round(nanoseconds: i64, unit: i64) -> i64 {
    if unit <= 0 {
        return nanoseconds;
    }
    let rest = nanoseconds % unit;
    if rest.unsigned_abs() * 2 < unit.unsigned_abs() {
        return nanoseconds - rest;
    }
    let missing = unit - rest.abs();
    if nanoseconds < 0 { nanoseconds.saturating_sub(missing) } else { nanoseconds.saturating_add(missing) }
}

/// What the method `name` takes and gives.
pub(crate) fn method(name: &str) -> Option<(&'static [Type], Type)> {
    Some(match name {
        "String" => (&[], Type::Text),
        "Hours" | "Minutes" | "Seconds" => (&[], Type::Float),
        "Milliseconds" | "Microseconds" | "Nanoseconds" => (&[], Type::Int64),
        "Abs" => (&[], DURATION),
        "Round" | "Truncate" => (&[DURATION], DURATION),
        _ => return None,
    })
}

/// Calls the method `name`.
pub(crate) fn call(nanoseconds: i64, name: &str, args: &[Value]) -> Result<Value, Failure> {
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
        "Round" => Value::Duration(round(nanoseconds, args[0].signed().unwrap_or(0))),
        "Truncate" => Value::Duration(truncate(nanoseconds, args[0].signed().unwrap_or(0))),
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

/// Nanoseconds of a text such as `1h2m3.5s` (`time.ParseDuration`).
///
/// # Errors
/// With Go's text.
pub fn parse(text: &str) -> Result<i64, String> {
    let quoted = || quote(text);
    let invalid = || format!("time: invalid duration {}", quoted());
    let negative = text.starts_with('-');
    let mut rest = text.strip_prefix(['-', '+']).unwrap_or(text);
    if rest == "0" {
        return Ok(0);
    }
    if rest.is_empty() {
        return Err(invalid());
    }
    let mut total = 0u64;
    while !rest.is_empty() {
        let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
        let whole_end = digits(rest);
        let whole = if whole_end == 0 { 0 } else { rest[..whole_end].parse::<u64>().map_err(|_| invalid())? };
        if whole > 1 << 63 {
            return Err(invalid());
        }
        rest = &rest[whole_end..];
        let mut fraction = "";
        if let Some(after) = rest.strip_prefix('.') {
            fraction = &after[..digits(after)];
            rest = &after[fraction.len()..];
            if whole_end == 0 && fraction.is_empty() {
                return Err(invalid());
            }
        } else if whole_end == 0 {
            return Err(invalid());
        }
        let unit_end = rest.find(|c: char| c == '.' || c.is_ascii_digit()).unwrap_or(rest.len());
        if unit_end == 0 {
            return Err(format!("time: missing unit in duration {}", quoted()));
        }
        let name = &rest[..unit_end];
        rest = &rest[unit_end..];
        let unit: u64 = match name {
            "ns" => 1,
            "us" | "\u{b5}s" | "\u{3bc}s" => 1_000,
            "ms" => 1_000_000,
            "s" => 1_000_000_000,
            "m" => 60_000_000_000,
            "h" => 3_600_000_000_000,
            _ => {
                let name = quote(name);
                return Err(format!("time: unknown unit {name} in duration {}", quoted()));
            }
        };
        // Digits of the fraction beyond what fits are cut off.
        let (mut part, mut scale) = (0u64, 1f64);
        for digit in fraction.bytes() {
            let Some(next) = part.checked_mul(10).and_then(|part| part.checked_add(u64::from(digit - b'0'))) else {
                break;
            };
            if next > 1 << 63 {
                break;
            }
            part = next;
            scale *= 10.0;
        }
        let value = whole.checked_mul(unit).filter(|value| *value <= 1 << 63).ok_or_else(invalid)?;
        let value = value + (part as f64 * (unit as f64 / scale)) as u64;
        total = total.checked_add(value).filter(|total| *total <= 1 << 63).ok_or_else(invalid)?;
    }
    if negative {
        return Ok((total as i64).wrapping_neg());
    }
    i64::try_from(total).map_err(|_| invalid())
}

/// A text in quotes, as the errors of Go's `time` package show it: bytes that are not ASCII in hexadecimal.
pub fn quote(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            ' '..='\x7f' => out.push(c),
            c => {
                let mut bytes = [0; 4];
                c.encode_utf8(&mut bytes).bytes().for_each(|byte| out.push_str(&format!("\\x{byte:02x}")));
            }
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::{parse, to_string};

    #[test]
    fn reads_what_go_reads() {
        assert_eq!(parse("1h2m3.5s"), Ok(3_723_500_000_000));
        assert_eq!(parse("-1.5h"), Ok(-5_400_000_000_000));
        assert_eq!(parse("5"), Err("time: missing unit in duration \"5\"".to_owned()));
        assert_eq!(parse("5x"), Err("time: unknown unit \"x\" in duration \"5x\"".to_owned()));
        assert_eq!(parse(""), Err("time: invalid duration \"\"".to_owned()));
    }

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
