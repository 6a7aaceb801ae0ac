//! Kubernetes quantities, as far as telling whether two are the same amount.

/// Whether both are quantities of the same amount: `0.5` and `500m`, `1024Mi` and `1Gi`.
pub(crate) fn same_quantity(a: &str, b: &str) -> bool {
    match (nano(a), nano(b)) {
        (Some(a), Some(b)) => a == b,
        _ => false,
    }
}

/// A quantity in billionths, exactly; `None` for what is no quantity or needs finer steps.
fn nano(text: &str) -> Option<i128> {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit() && !matches!(c, '.' | '+' | '-')).unwrap_or(text.len());
    let (number, suffix) = text.split_at(end);
    let (negative, number) = match number.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, number.strip_prefix('+').unwrap_or(number)),
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    // digits without the point, times 10^-places
    let digits: i128 = format!("{whole}{fraction}").parse().ok()?;
    let places = u32::try_from(fraction.len()).ok()?;
    let scale = scale(suffix)?;
    let scaled = digits.checked_mul(scale)?;
    let divisor = 10_i128.checked_pow(places)?;
    (scaled % divisor == 0).then(|| if negative { -(scaled / divisor) } else { scaled / divisor })
}

/// Billionths per unit of a suffix.
fn scale(suffix: &str) -> Option<i128> {
    const NANO: i128 = 1_000_000_000;
    let binary = |power: u32| 1024_i128.checked_pow(power)?.checked_mul(NANO);
    let decimal = |exponent: i32| -> Option<i128> {
        let exponent = u32::try_from(exponent.checked_add(9)?).ok()?;
        10_i128.checked_pow(exponent)
    };
    match suffix {
        "n" => decimal(-9),
        "u" => decimal(-6),
        "m" => decimal(-3),
        "" => decimal(0),
        "k" => decimal(3),
        "M" => decimal(6),
        "G" => decimal(9),
        "T" => decimal(12),
        "P" => decimal(15),
        "E" => decimal(18),
        "Ki" => binary(1),
        "Mi" => binary(2),
        "Gi" => binary(3),
        "Ti" => binary(4),
        "Pi" => binary(5),
        "Ei" => binary(6),
        other => decimal(other.strip_prefix(['e', 'E'])?.parse().ok()?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compares_amounts() {
        for (a, b) in
            [("0.5", "500m"), ("1", "1000m"), ("1024Mi", "1Gi"), ("1e3", "1k"), ("1.5Gi", "1536Mi"), ("0", "0m")]
        {
            assert!(same_quantity(a, b), "{a} {b}");
        }
        for (a, b) in
            [("1", "1001m"), ("1G", "1Gi"), ("x", "x"), ("", ""), (".", "."), ("1-2", "1"), ("9e999999999", "1")]
        {
            assert!(!same_quantity(a, b), "{a} {b}");
        }
    }
}
