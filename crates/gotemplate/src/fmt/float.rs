//! `strconv.FormatFloat` for 64 bits.

/// No double has more digits than this before or behind its point that are not zero.
const MAX_DIGITS: usize = 1100;

/// A float in Go's format `e`, `E`, `f`, `g`, `G`, `b`, `x` or `X`; precision `-1` is the shortest that reads back the same.
pub fn format_float(value: f64, format: u8, precision: i32) -> String {
    let mut out = Vec::new();
    append_float(&mut out, value, format, precision);
    String::from_utf8(out).unwrap_or_default()
}

/// Appends what [`format_float`] gives.
pub fn append_float(out: &mut Vec<u8>, value: f64, format: u8, precision: i32) {
    if value.is_nan() {
        return out.extend_from_slice(b"NaN");
    }
    if value.is_infinite() {
        return out.extend_from_slice(if value > 0.0 { b"+Inf" } else { b"-Inf" });
    }
    if value.is_sign_negative() {
        out.push(b'-');
    }
    let value = value.abs();
    match format {
        b'b' => {
            let bits = value.to_bits();
            let exponent = (bits >> 52) as i64;
            let mantissa = bits & ((1 << 52) - 1);
            let (mantissa, exponent) =
                if exponent == 0 { (mantissa, -1074) } else { (mantissa | (1 << 52), exponent - 1075) };
            out.extend_from_slice(format!("{mantissa}p{exponent:+}").as_bytes());
        }
        b'x' | b'X' => append_hex(out, value, format, precision),
        b'e' | b'E' => {
            let (digits, exponent) = digits(value, if precision < 0 { None } else { Some(precision as usize + 1) });
            append_exponent(out, &digits, exponent, precision, format);
        }
        b'f' => {
            if precision < 0 {
                let (digits, exponent) = digits(value, None);
                append_plain(out, &digits, exponent);
            } else {
                let precision = precision as usize;
                out.extend_from_slice(format!("{value:.*}", precision.min(MAX_DIGITS)).as_bytes());
                out.extend(std::iter::repeat_n(b'0', precision.saturating_sub(MAX_DIGITS)));
            }
        }
        b'g' | b'G' => {
            let wanted = if precision == 0 { 1 } else { precision };
            let (digits, exponent) = digits(value, if wanted < 0 { None } else { Some(wanted as usize) });
            // Trailing zeros do not count.
            let significant = digits.trim_end_matches('0').len();
            let digits = if wanted < 0 { digits.as_str() } else { &digits[..significant.max(1)] };
            let mut limit = wanted;
            if limit > digits.len() as i32 && digits.len() as i32 > exponent {
                limit = digits.len() as i32;
            }
            if wanted < 0 {
                limit = 6;
            }
            let letter = format + b'e' - b'g';
            if exponent < -4 || exponent >= limit {
                return append_exponent(out, digits, exponent, -1, letter);
            }
            append_plain(out, digits, exponent);
        }
        _ => out.extend_from_slice(&[b'%', format]),
    }
}

/// The decimal digits of a positive number without its point, and the exponent of the first: all that are needed to
/// read it back, or rounded to `count`.
fn digits(value: f64, count: Option<usize>) -> (String, i32) {
    let text = match count {
        None => shortest(value),
        Some(count) => format!("{value:.*e}", count.saturating_sub(1).min(MAX_DIGITS)),
    };
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    (mantissa.replace('.', ""), exponent.parse().unwrap_or(0))
}

/// The shortest digits that read back the same. Where two of that length are equally near, Go takes the even one.
fn shortest(value: f64) -> String {
    let text = format!("{value:e}");
    let length = text.bytes().take_while(|byte| *byte != b'e').filter(u8::is_ascii_digit).count();
    if length < 15 {
        return text;
    }
    let even = format!("{value:.*e}", length - 1);
    if even.parse() == Ok(value) { even } else { text }
}

fn append_exponent(out: &mut Vec<u8>, digits: &str, exponent: i32, precision: i32, letter: u8) {
    let precision = if precision < 0 { digits.len() - 1 } else { precision as usize };
    let bytes = digits.as_bytes();
    out.push(bytes[0]);
    if precision > 0 {
        out.push(b'.');
        out.extend((1..=precision).map(|i| bytes.get(i).copied().unwrap_or(b'0')));
    }
    out.push(letter);
    out.push(if exponent < 0 { b'-' } else { b'+' });
    let exponent = exponent.unsigned_abs();
    if exponent < 10 {
        out.push(b'0');
    }
    out.extend_from_slice(exponent.to_string().as_bytes());
}

/// The digits with a point where the exponent puts it, nothing more.
fn append_plain(out: &mut Vec<u8>, digits: &str, exponent: i32) {
    let bytes = digits.as_bytes();
    if exponent < 0 {
        out.extend_from_slice(b"0.");
        out.extend(std::iter::repeat_n(b'0', (-exponent - 1) as usize));
        out.extend_from_slice(bytes);
        return;
    }
    let whole = exponent as usize + 1;
    if bytes.len() <= whole {
        out.extend_from_slice(bytes);
        out.extend(std::iter::repeat_n(b'0', whole - bytes.len()));
    } else {
        out.extend_from_slice(&bytes[..whole]);
        out.push(b'.');
        out.extend_from_slice(&bytes[whole..]);
    }
}

/// `%x`: hexadecimal mantissa between 1 and 2, binary exponent.
fn append_hex(out: &mut Vec<u8>, value: f64, format: u8, precision: i32) {
    let bits = value.to_bits();
    let mut exponent = (bits >> 52) as i64;
    let mut mantissa = bits & ((1 << 52) - 1);
    if exponent == 0 {
        exponent += 1;
    } else {
        mantissa |= 1 << 52;
    }
    exponent -= 1023;
    if mantissa == 0 {
        exponent = 0;
    }
    // One digit before the point, in bits 60 and up.
    let mut shifted = mantissa << 8;
    while shifted != 0 && shifted & (1 << 60) == 0 {
        shifted <<= 1;
        exponent -= 1;
    }
    if (0..15).contains(&precision) {
        let shift = precision as u32 * 4;
        let extra = (shifted << shift) & ((1 << 60) - 1);
        shifted >>= 60 - shift;
        if extra | (shifted & 1) > 1 << 59 {
            shifted += 1;
        }
        shifted <<= 60 - shift;
        if shifted & (1 << 61) != 0 {
            shifted >>= 1;
            exponent += 1;
        }
    }
    let upper = format == b'X';
    let letters: &[u8; 16] = if upper { b"0123456789ABCDEF" } else { b"0123456789abcdef" };
    out.extend_from_slice(&[b'0', format, b'0' + ((shifted >> 60) & 1) as u8]);
    shifted <<= 4;
    if precision < 0 && shifted != 0 {
        out.push(b'.');
        while shifted != 0 {
            out.push(letters[(shifted >> 60) as usize & 15]);
            shifted <<= 4;
        }
    } else if precision > 0 {
        out.push(b'.');
        for _ in 0..precision {
            out.push(letters[(shifted >> 60) as usize & 15]);
            shifted <<= 4;
        }
    }
    out.push(if upper { b'P' } else { b'p' });
    out.push(if exponent < 0 { b'-' } else { b'+' });
    out.extend_from_slice(format!("{:02}", exponent.unsigned_abs()).as_bytes());
}

#[cfg(test)]
mod tests {
    use super::format_float;

    #[test]
    fn as_go_prints_them() {
        for (value, format, precision, want) in [
            (1_000_000.0, b'g', -1, "1e+06"),
            (123_456.0, b'g', -1, "123456"),
            (0.0001, b'g', -1, "0.0001"),
            (0.00001, b'g', -1, "1e-05"),
            (100_000.0, b'g', -1, "100000"),
            (1.5, b'g', -1, "1.5"),
            (0.0, b'g', -1, "0"),
            (3.0, b'g', 3, "3"),
            (1234.5678, b'g', 3, "1.23e+03"),
            (1234.5678, b'g', 6, "1234.57"),
            (100.0, b'g', 3, "100"),
            (2.5, b'f', 0, "2"),
            (1e21, b'f', -1, "1000000000000000000000"),
            (1.0, b'e', 6, "1.000000e+00"),
            (1e100, b'e', -1, "1e+100"),
            (1.0, b'b', -1, "4503599627370496p-52"),
            (1.5, b'x', -1, "0x1.8p+00"),
            (3.999, b'x', 1, "0x1.0p+02"),
            (-0.0, b'g', -1, "-0"),
            (f64::INFINITY, b'g', -1, "+Inf"),
        ] {
            assert_eq!(format_float(value, format, precision), want, "{value} {}", char::from(format));
        }
    }
}
