//! Numbers as Go's `strconv` and `encoding/json` print them.

/// The shortest digits that read back as the same number, and the decimal point's place: `0.d₁d₂… × 10^point`.
struct Digits {
    negative: bool,
    digits: String,
    point: i32,
}

/// Takes Rust's `{:e}`, which is the shortest form too, apart.
fn shortest(formatted: &str) -> Digits {
    let (negative, rest) = formatted.strip_prefix('-').map_or((false, formatted), |rest| (true, rest));
    let (mantissa, exponent) = rest.split_once('e').unwrap_or((rest, "0"));
    let digits: String = mantissa.chars().filter(|c| *c != '.').collect();
    let exponent: i32 = exponent.parse().unwrap_or(0);
    Digits { negative, digits, point: exponent + 1 }
}

impl Digits {
    fn scientific(&self, two_digit_exponent: bool) -> String {
        let (head, tail) = self.digits.split_at(1);
        let exponent = self.point - 1;
        let sign = if exponent < 0 { '-' } else { '+' };
        let width = if two_digit_exponent { 2 } else { 1 };
        let dot = if tail.is_empty() { "" } else { "." };
        format!("{}{head}{dot}{tail}e{sign}{:0width$}", self.sign(), exponent.unsigned_abs())
    }

    fn positional(&self) -> String {
        let Self { digits, point, .. } = self;
        let sign = self.sign();
        match usize::try_from(*point) {
            Ok(point) if point > 0 && digits.len() <= point => {
                format!("{sign}{digits}{}", "0".repeat(point - digits.len()))
            }
            Ok(point) if point > 0 => format!("{sign}{}.{}", &digits[..point], &digits[point..]),
            _ => format!("{sign}0.{}{digits}", "0".repeat(point.unsigned_abs() as usize)),
        }
    }

    fn sign(&self) -> &'static str {
        if self.negative { "-" } else { "" }
    }

    /// `%g` with the shortest precision: scientific below 1e-4 and from 1e6 on.
    fn general(&self) -> String {
        if self.digits == "0" {
            return format!("{}0", self.sign());
        }
        if (-4..6).contains(&(self.point - 1)) { self.positional() } else { self.scientific(true) }
    }
}

/// What Go's YAML prints for a float: `strconv.FormatFloat(f, 'g', -1, 64)`, and `.nan`, `.inf`, `-.inf`.
pub fn format_float(f: f64) -> String {
    special(f).map_or_else(|| shortest(&format!("{f:e}")).general(), str::to_owned)
}

/// `strconv.FormatFloat(f, 'g', -1, 32)`: how the conversion to JSON prints a float that is used as a key.
pub(crate) fn format_float32(f: f64) -> String {
    let f = f as f32;
    special(f64::from(f)).map_or_else(|| shortest(&format!("{f:e}")).general(), str::to_owned)
}

/// What `encoding/json` prints for a float; `None` for what JSON cannot hold.
pub fn format_json_float(f: f64) -> Option<String> {
    if !f.is_finite() {
        return None;
    }
    let digits = shortest(&format!("{f:e}"));
    let magnitude = f.abs();
    if magnitude == 0.0 {
        return Some(digits.sign().to_owned() + "0");
    }
    Some(if (1e-6..1e21).contains(&magnitude) {
        digits.positional()
    } else {
        // Only negative one-digit exponents lose their zero; positive ones have two digits here anyway.
        digits.scientific(magnitude >= 1.0)
    })
}

/// How Go's message for an unsupported float spells it.
pub(crate) fn go_special(f: f64) -> &'static str {
    if f.is_nan() {
        "NaN"
    } else if f > 0.0 {
        "+Inf"
    } else {
        "-Inf"
    }
}

fn special(f: f64) -> Option<&'static str> {
    if f.is_nan() {
        Some(".nan")
    } else if f.is_infinite() {
        Some(if f > 0.0 { ".inf" } else { "-.inf" })
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_print_as_in_go() {
        let cases = [
            (1_000_000.0, "1e+06", "1000000"),
            (123_456.0, "123456", "123456"),
            (123_456_789.5, "1.234567895e+08", "123456789.5"),
            (1e-7, "1e-07", "1e-7"),
            (0.0001, "0.0001", "0.0001"),
            (0.00001, "1e-05", "0.00001"),
            (1e21, "1e+21", "1e+21"),
            (-0.5, "-0.5", "-0.5"),
            (1.5e300, "1.5e+300", "1.5e+300"),
            (0.0, "0", "0"),
        ];
        for (f, yaml, json) in cases {
            assert_eq!((format_float(f).as_str(), format_json_float(f).unwrap().as_str()), (yaml, json), "{f}");
        }
        assert_eq!(format_float(f64::NEG_INFINITY), "-.inf");
        assert_eq!(format_json_float(f64::NAN), None);
        assert_eq!(format_float32(0.1), "0.1");
    }
}
