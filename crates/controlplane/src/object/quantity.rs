/// A Kubernetes quantity (`250m`, `1.5`, `512Mi`, `2e3`) in thousandths; `None` where it is none.
pub(crate) fn millis(text: &str) -> Option<i128> {
    let text = text.trim();
    let end = text.find(|c: char| !matches!(c, '0'..='9' | '.' | '+' | '-')).unwrap_or(text.len());
    let (number, suffix) = text.split_at_checked(end)?;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let negative = whole.starts_with('-');
    let digits = format!("{}{fraction}", whole.trim_start_matches(['+', '-']));
    let mantissa: i128 = if digits.is_empty() { return None } else { digits.parse().ok()? };
    let scale = 10i128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    // Thousandths, as numerator and denominator of the unit.
    let (up, down): (i128, i128) = match suffix {
        "n" => (1, 1_000_000),
        "u" => (1, 1000),
        "m" => (1, 1),
        "" => (1000, 1),
        "k" => (1_000_000, 1),
        "M" => (10i128.pow(9), 1),
        "G" => (10i128.pow(12), 1),
        "T" => (10i128.pow(15), 1),
        "P" => (10i128.pow(18), 1),
        "E" => (10i128.pow(21), 1),
        "Ki" => (1000 << 10, 1),
        "Mi" => (1000 << 20, 1),
        "Gi" => (1000 << 30, 1),
        "Ti" => (1000 << 40, 1),
        "Pi" => (1000 << 50, 1),
        "Ei" => (1000 << 60, 1),
        exponent => {
            let power: i32 = exponent.strip_prefix(['e', 'E'])?.parse().ok()?;
            let factor = 10i128.checked_pow(power.unsigned_abs())?;
            if power >= 0 { (factor.checked_mul(1000)?, 1) } else { (1000, factor) }
        }
    };
    let (up, down) = (mantissa.checked_mul(up)?, scale.checked_mul(down)?);
    // What is asked for is never rounded to less.
    let value = up.div_euclid(down) + i128::from(up.rem_euclid(down) > 0);
    Some(if negative { -value } else { value })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_notation() {
        let cases = [
            ("250m", 250),
            ("1", 1000),
            ("1.5", 1500),
            ("0.1", 100),
            ("2e3", 2_000_000),
            ("1Ki", 1_024_000),
            ("512Mi", 512 * 1024 * 1024 * 1000),
            ("100n", 1),
            ("-1", -1000),
        ];
        for (text, expected) in cases {
            assert_eq!(millis(text), Some(expected), "{text}");
        }
        assert_eq!((millis(""), millis("many"), millis("1Xi")), (None, None, None));
    }
}
