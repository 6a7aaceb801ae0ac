use serde_json::Value;

/// Which way a percentage of pods is rounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rounding {
    /// `maxSurge`: rather one more.
    Up,
    /// `maxUnavailable`: rather one fewer.
    Down,
}

/// An `IntOrString` field as a number of pods: an integer as it is, a percentage of `total` rounded; 0 where the field is
/// absent or malformed, which validation keeps out.
pub(crate) fn int_or_percent(field: Option<&Value>, total: i64, rounding: Rounding) -> i64 {
    match field {
        Some(Value::Number(number)) => number.as_i64().unwrap_or(0),
        Some(Value::String(text)) => {
            let percent = text.strip_suffix('%').and_then(|p| p.parse::<i64>().ok()).unwrap_or(0);
            let hundredths = percent.saturating_mul(total);
            match rounding {
                Rounding::Up => hundredths.div_euclid(100) + i64::from(hundredths.rem_euclid(100) > 0),
                Rounding::Down => hundredths.div_euclid(100),
            }
        }
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn rounds_surge_up_and_unavailable_down() {
        let of = |field: Value, total, rounding| int_or_percent(Some(&field), total, rounding);
        assert_eq!(of(json!("25%"), 3, Rounding::Up), 1);
        assert_eq!(of(json!("25%"), 3, Rounding::Down), 0);
        assert_eq!(of(json!("25%"), 4, Rounding::Up), 1);
        assert_eq!(of(json!("50%"), 5, Rounding::Up), 3);
        assert_eq!(of(json!(2), 10, Rounding::Down), 2);
        assert_eq!(int_or_percent(None, 10, Rounding::Up), 0);
    }
}
