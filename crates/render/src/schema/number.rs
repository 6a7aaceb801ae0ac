//! Numbers compared by their exact decimal value, and printed as Go's `x/text` prints them in English.

use std::cmp::Ordering;

use num_bigint::BigInt;

/// A number of a values file, of `--set`, or as a schema writes it.
#[derive(Clone, Debug)]
pub(super) enum Number {
    Float(f64),
    Int(i64),
    Literal(String),
}

/// Exponents beyond this are no numbers to Go's rationals.
const MAX_EXPONENT: i64 = 1_000_000;

/// `digits` times ten to the power of `exponent`.
#[derive(Clone, Debug)]
struct Decimal {
    digits: BigInt,
    exponent: i64,
}

impl Decimal {
    fn parse(text: &str) -> Option<Self> {
        let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let exponent: i64 = exponent.strip_prefix('+').unwrap_or(exponent).parse().ok()?;
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let exponent = exponent.checked_sub(i64::try_from(fraction.len()).ok()?)?;
        if exponent.abs() > MAX_EXPONENT {
            return None;
        }
        Some(Self { digits: format!("{whole}{fraction}").parse().ok()?, exponent })
    }

    /// The digits of both at the smaller of their exponents.
    fn aligned(&self, other: &Self) -> (BigInt, BigInt) {
        let exponent = self.exponent.min(other.exponent);
        let scale = |decimal: &Self| {
            let power = u32::try_from(decimal.exponent - exponent).unwrap_or(u32::MAX);
            &decimal.digits * BigInt::from(10).pow(power)
        };
        (scale(self), scale(other))
    }
}

impl Number {
    /// Go's `%v`.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Float(value) => bowline_yaml::format_float(*value),
            Self::Int(value) => value.to_string(),
            Self::Literal(text) => text.clone(),
        }
    }

    fn decimal(&self) -> Option<Decimal> {
        Decimal::parse(&self.shown())
    }

    /// The value, where it is exact as a small float: most numbers are.
    fn small(&self) -> Option<f64> {
        const EXACT: f64 = 9_007_199_254_740_992.0;
        let value = match self {
            Self::Float(value) => *value,
            Self::Int(value) => *value as f64,
            Self::Literal(text) if text.len() < 16 && text.bytes().all(|b| b.is_ascii_digit() || b == b'-') => {
                text.parse().ok()?
            }
            Self::Literal(_) => return None,
        };
        (value.fract() == 0.0 && value.abs() < EXACT).then_some(value)
    }

    pub(super) fn compare(&self, other: &Self) -> Option<Ordering> {
        if let (Some(a), Some(b)) = (self.small(), other.small()) {
            return a.partial_cmp(&b);
        }
        let (a, b) = self.decimal()?.aligned(&other.decimal()?);
        Some(a.cmp(&b))
    }

    pub(super) fn is_integer(&self) -> bool {
        self.small().is_some()
            || self.decimal().is_some_and(|decimal| {
                let power = u32::try_from(-decimal.exponent).unwrap_or(0);
                power == 0 || decimal.digits % BigInt::from(10).pow(power) == BigInt::ZERO
            })
    }

    pub(super) fn is_multiple_of(&self, other: &Self) -> bool {
        let (Some(a), Some(b)) = (self.decimal(), other.decimal()) else { return true };
        let (a, b) = a.aligned(&b);
        b == BigInt::ZERO || a % b == BigInt::ZERO
    }

    /// A count, as schemas state it: what is no integer is none.
    pub(super) fn count(&self) -> Option<i64> {
        if let Some(value) = self.small() {
            return Some(value as i64);
        }
        let decimal = self.decimal()?;
        let (digits, one) = decimal.aligned(&Decimal { digits: BigInt::from(1), exponent: 0 });
        (&digits % &one == BigInt::ZERO).then(|| digits / one)?.try_into().ok()
    }

    fn float(&self) -> f64 {
        match self {
            Self::Float(value) => *value,
            Self::Int(value) => *value as f64,
            Self::Literal(text) => text.parse().unwrap_or(f64::NAN),
        }
    }

    /// As a fault shows it: `1,234`, `1.5×10⁻⁰⁵`.
    pub(super) fn localized(&self) -> String {
        let value = self.float();
        if value == 0.0 {
            return "0".to_owned();
        }
        let scientific = format!("{value:e}");
        let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
        let power: i32 = exponent.parse().unwrap_or(0);
        if !(-4..6).contains(&power) {
            return format!("{mantissa}×10{}", superscript(power));
        }
        let plain = format!("{value}");
        let (whole, fraction) = plain.split_once('.').map_or((plain.as_str(), None), |(w, f)| (w, Some(f)));
        let (sign, whole) = whole.strip_prefix('-').map_or(("", whole), |whole| ("-", whole));
        let whole = grouped(whole);
        match fraction {
            Some(fraction) => format!("{sign}{whole}.{fraction}"),
            None => format!("{sign}{whole}"),
        }
    }
}

/// A count as a fault shows it: `12,345`.
pub(super) fn localized_count(count: i64) -> String {
    let sign = if count < 0 { "-" } else { "" };
    format!("{sign}{}", grouped(&count.unsigned_abs().to_string()))
}

fn grouped(digits: &str) -> String {
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

fn superscript(power: i32) -> String {
    const RAISED: [char; 10] = ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'];
    let sign = if power < 0 { "⁻" } else { "" };
    let digits = format!("{:02}", power.abs());
    let raised = digits.bytes().map(|digit| RAISED[usize::from(digit - b'0')]);
    sign.chars().chain(raised).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_shown_as_in_english() {
        let shown = |value: f64| Number::Float(value).localized();
        for (value, expected) in [
            (0.5, "0.5"),
            (1234.0, "1,234"),
            (999_999.0, "999,999"),
            (1_234_567.0, "1.234567×10⁰⁶"),
            (123_456.789, "123,456.789"),
            (1e300, "1×10³⁰⁰"),
            (1.5e-5, "1.5×10⁻⁰⁵"),
            (-12_345.5, "-12,345.5"),
            (0.0001, "0.0001"),
            (0.0, "0"),
        ] {
            assert_eq!(shown(value), expected);
        }
    }

    #[test]
    fn numbers_are_compared_exactly() {
        let literal = |text: &str| Number::Literal(text.to_owned());
        assert_eq!(literal("0.1").compare(&Number::Float(0.1)), Some(Ordering::Equal));
        assert_eq!(literal("1e2").compare(&Number::Int(100)), Some(Ordering::Equal));
        assert_eq!(literal("9007199254740993").compare(&Number::Int(9_007_199_254_740_992)), Some(Ordering::Greater));
        assert!(Number::Float(0.3).is_multiple_of(&literal("0.1")));
        assert!(!Number::Float(0.35).is_multiple_of(&literal("0.1")));
        assert!(literal("1.0").is_integer() && !literal("1.5").is_integer() && literal("15e-1").count().is_none());
        assert_eq!(literal("1e3").count(), Some(1000));
        assert_eq!(literal("1e999999999999").compare(&Number::Int(1)), None);
    }
}
