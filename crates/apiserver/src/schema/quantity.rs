//! Quantities (`500m`, `1Gi`, `1e3`) in their one canonical form.

/// Nano is the finest that a quantity can say; what is finer is rounded up.
const NANO: i128 = 1_000_000_000;

const DECIMAL: [(&str, i32); 10] =
    [("n", -9), ("u", -6), ("m", -3), ("", 0), ("k", 3), ("M", 6), ("G", 9), ("T", 12), ("P", 15), ("E", 18)];
const BINARY: [(&str, u32); 6] = [("Ki", 10), ("Mi", 20), ("Gi", 30), ("Ti", 40), ("Pi", 50), ("Ei", 60)];

#[derive(Clone, Copy, PartialEq)]
enum Format {
    Decimal,
    Binary,
    Exponent,
}

/// The canonical text of a quantity; `None` where the text is none.
pub(crate) fn canonical(text: &str) -> Option<String> {
    let (nanos, format) = parse(text)?;
    if nanos == 0 {
        return Some("0".to_owned());
    }
    // Binary units below 1024, and with fractions, are written in decimal units.
    if format == Format::Binary && nanos.abs() >= 1024 * NANO && nanos % NANO == 0 {
        let (mut value, mut unit) = (nanos / NANO, "");
        for (name, _) in BINARY {
            if value % 1024 != 0 {
                break;
            }
            (value, unit) = (value / 1024, name);
        }
        return Some(format!("{value}{unit}"));
    }
    let (mut value, mut exponent) = (nanos, -9);
    while value % 1000 == 0 && exponent < 18 {
        (value, exponent) = (value / 1000, exponent + 3);
    }
    if format == Format::Exponent {
        return Some(if exponent == 0 { value.to_string() } else { format!("{value}e{exponent}") });
    }
    let (unit, _) = DECIMAL.iter().find(|(_, e)| *e == exponent)?;
    Some(format!("{value}{unit}"))
}

/// The amount in billionths, rounded up.
pub(crate) fn nanos(text: &str) -> Option<i128> {
    parse(text).map(|(nanos, _)| nanos)
}

fn parse(text: &str) -> Option<(i128, Format)> {
    let end = text.find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | '+' | '-'))).unwrap_or(text.len());
    let (number, suffix) = text.split_at(end);
    let (negative, digits) = match number.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, number.strip_prefix('+').unwrap_or(number)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = |text: &str| text.chars().all(|c| c.is_ascii_digit());
    if (whole.is_empty() && fraction.is_empty()) || !all_digits(whole) || !all_digits(fraction) {
        return None;
    }
    // More digits than this cannot be told from the rounded value by anything the API does with them.
    if whole.len() > 20 || fraction.len() > 18 {
        return None;
    }
    let mantissa: i128 = format!("{whole}{fraction}").parse().ok()?;
    let fraction_digits = i32::try_from(fraction.len()).ok()?;
    let (numerator, power, format) = if let Some((_, shift)) = BINARY.iter().find(|(name, _)| *name == suffix) {
        (mantissa.checked_mul(1i128 << shift)?, -fraction_digits, Format::Binary)
    } else if let Some((_, exponent)) = DECIMAL.iter().find(|(name, _)| *name == suffix) {
        (mantissa, exponent - fraction_digits, Format::Decimal)
    } else {
        let exponent: i32 = suffix.strip_prefix(['e', 'E'])?.parse().ok()?;
        (mantissa, exponent.checked_sub(fraction_digits)?, Format::Exponent)
    };
    let power = power + 9;
    let nanos = if power >= 0 {
        numerator.checked_mul(10i128.checked_pow(u32::try_from(power).ok()?)?)?
    } else {
        let divisor = 10i128.checked_pow(u32::try_from(-power).ok()?)?;
        (numerator + divisor - 1) / divisor
    };
    Some((if negative { -nanos } else { nanos }, format))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_amount_one_text() {
        for (text, wanted) in [
            ("0.5", "500m"),
            ("1000m", "1"),
            ("1500m", "1500m"),
            ("1024Mi", "1Gi"),
            ("0.5Gi", "512Mi"),
            ("1Ki", "1Ki"),
            ("512Mi", "512Mi"),
            ("1000", "1k"),
            ("1024", "1024"),
            ("1000000", "1M"),
            ("1e3", "1e3"),
            ("1E3", "1e3"),
            ("0", "0"),
            ("0Mi", "0"),
            ("-1", "-1"),
            ("+2", "2"),
            (".5", "500m"),
            ("1.", "1"),
            ("0.0000000001", "1n"),
            ("2.5Gi", "2560Mi"),
        ] {
            assert_eq!(canonical(text).as_deref(), Some(wanted), "{text}");
        }
        for bad in ["", "x", "1x", "1.2.3", "--1", "1 Mi", "Mi", "1e", "1KI"] {
            assert_eq!(canonical(bad), None, "{bad}");
        }
        assert_eq!(nanos("250m"), Some(250_000_000));
    }
}
