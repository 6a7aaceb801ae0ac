//! Constants of Go's syntax: quoted strings, characters and numbers.

use crate::ast::Number;
use crate::fmt::quoted;
use crate::text::first_rune;

/// The text of `strconv.ErrSyntax`.
const SYNTAX: &str = "invalid syntax";

/// What a quoted string stands for (`strconv.Unquote`).
///
/// # Errors
/// `invalid syntax`
pub(crate) fn unquote(written: &[u8]) -> Result<Vec<u8>, String> {
    let syntax = || SYNTAX.to_owned();
    let (&quote, rest) = written.split_first().ok_or_else(syntax)?;
    let (&end, inner) = rest.split_last().ok_or_else(syntax)?;
    if end != quote {
        return Err(syntax());
    }
    if quote == b'`' {
        return Ok(inner.iter().copied().filter(|byte| *byte != b'\r').collect());
    }
    let mut text = Vec::with_capacity(inner.len());
    let mut rest = inner;
    while !rest.is_empty() {
        if rest[0] == b'\n' {
            return Err(syntax());
        }
        let (rune, multibyte, tail) = unquote_char(rest, quote)?;
        rest = tail;
        match char::from_u32(rune) {
            Some(rune) if multibyte => text.extend_from_slice(rune.encode_utf8(&mut [0; 4]).as_bytes()),
            _ => text.push(rune as u8),
        }
    }
    Ok(text)
}

/// The first character of a quoted text, whether it is more than a byte, and what follows (`strconv.UnquoteChar`).
fn unquote_char(text: &[u8], quote: u8) -> Result<(u32, bool, &[u8]), String> {
    let syntax = || SYNTAX.to_owned();
    let &first = text.first().ok_or_else(syntax)?;
    if first == quote {
        return Err(syntax());
    }
    if first != b'\\' {
        let (rune, width) = first_rune(text).ok_or_else(syntax)?;
        return Ok((u32::from(rune), first >= 0x80, &text[width..]));
    }
    let &escape = text.get(1).ok_or_else(syntax)?;
    let rest = &text[2..];
    let simple = |value: u8| Ok((u32::from(value), false, rest));
    match escape {
        b'a' => simple(7),
        b'b' => simple(8),
        b'f' => simple(12),
        b'n' => simple(b'\n'),
        b'r' => simple(b'\r'),
        b't' => simple(b'\t'),
        b'v' => simple(11),
        b'\\' => simple(b'\\'),
        b'\'' | b'"' if escape == quote => simple(escape),
        b'x' | b'u' | b'U' => {
            let digits = match escape {
                b'x' => 2,
                b'u' => 4,
                _ => 8,
            };
            let hex = rest.get(..digits).ok_or_else(syntax)?;
            let value = digits_value(hex, 16).ok_or_else(syntax)?;
            if escape != b'x' && char::from_u32(value).is_none() {
                return Err(syntax());
            }
            Ok((value, escape != b'x', &rest[digits..]))
        }
        b'0'..=b'7' => {
            let octal = text.get(1..4).ok_or_else(syntax)?;
            let value = digits_value(octal, 8).filter(|value| *value < 256).ok_or_else(syntax)?;
            Ok((value, false, &text[4..]))
        }
        _ => Err(syntax()),
    }
}

fn digits_value(digits: &[u8], radix: u32) -> Option<u32> {
    digits.iter().try_fold(0u32, |value, digit| {
        let digit = char::from(*digit).to_digit(radix)?;
        value.checked_mul(radix)?.checked_add(digit)
    })
}

/// A character constant such as `'a'`.
pub(crate) fn character(at: u32, written: &[u8]) -> Result<Number, String> {
    let (rune, _, tail) = unquote_char(&written[1..], written[0])?;
    let text = String::from_utf8_lossy(written).into_owned();
    if tail != b"'" {
        return Err(format!("malformed character constant: {text}"));
    }
    Ok(Number {
        at,
        written: text,
        int: Some(i64::from(rune)),
        uint: Some(u64::from(rune)),
        float: Some(f64::from(rune)),
        complex: None,
    })
}

/// A complex constant such as `1+2i`.
pub(crate) fn complex(at: u32, written: &str) -> Result<Number, String> {
    let syntax = || "syntax error scanning complex number".to_owned();
    let body = written.strip_suffix('i').ok_or_else(syntax)?;
    // The sign between the parts is the last one that does not belong to an exponent.
    let bytes = body.as_bytes();
    let split = (1..bytes.len())
        .rev()
        .find(|&i| matches!(bytes[i], b'+' | b'-') && !matches!(bytes[i - 1], b'e' | b'E' | b'p' | b'P'))
        .ok_or_else(syntax)?;
    let real = parse_float(&body[..split]).ok_or_else(syntax)?;
    let imaginary = parse_float(&body[split..]).ok_or_else(syntax)?;
    Ok(simplified(at, written, real, imaginary))
}

fn simplified(at: u32, written: &str, real: f64, imaginary: f64) -> Number {
    let mut number = Number { at, written: written.to_owned(), complex: Some((real, imaginary)), ..Number::default() };
    if imaginary == 0.0 {
        number.float = Some(real);
        number.int = exact_int(real);
        number.uint = exact_uint(real);
    }
    number
}

fn exact_int(value: f64) -> Option<i64> {
    let int = value as i64;
    (int as f64 == value && value < 9.3e18).then_some(int)
}

fn exact_uint(value: f64) -> Option<u64> {
    let int = value as u64;
    (int as f64 == value && value < 1.9e19).then_some(int)
}

/// A number as templates write it.
pub(crate) fn number(at: u32, written: &str) -> Result<Number, String> {
    if let Some(body) = written.strip_suffix('i')
        && let Some(imaginary) = parse_float(body)
    {
        return Ok(simplified(at, written, 0.0, imaginary));
    }
    let mut number = Number { at, written: written.to_owned(), ..Number::default() };
    let (negative, magnitude) = match written.as_bytes() {
        [b'-', ..] => (true, parse_uint(&written[1..])),
        [b'+', ..] => (false, parse_uint(&written[1..])),
        _ => {
            number.uint = parse_uint(written);
            (false, number.uint)
        }
    };
    number.int =
        magnitude.and_then(|value| if negative { 0i64.checked_sub_unsigned(value) } else { i64::try_from(value).ok() });
    if number.int == Some(0) {
        number.uint = Some(0);
    }
    if let Some(int) = number.int {
        number.float = Some(int as f64);
    } else if let Some(uint) = number.uint {
        number.float = Some(uint as f64);
    } else if let Some(float) = parse_float(written) {
        if !written.contains(['.', 'e', 'E', 'p', 'P']) {
            return Err(format!("integer overflow: {}", quoted(written.as_bytes())));
        }
        number.float = Some(float);
        number.int = exact_int(float);
        number.uint = exact_uint(float);
    }
    if number.int.is_none() && number.uint.is_none() && number.float.is_none() {
        return Err(format!("illegal number syntax: {}", quoted(written.as_bytes())));
    }
    Ok(number)
}

/// `strconv.ParseUint` with base 0: decimal, `0x`, `0o`, `0b`, or octal after a zero, with underscores between digits.
pub fn parse_uint(text: &str) -> Option<u64> {
    let (radix, digits) = match text.as_bytes() {
        [b'0', b'x' | b'X', _, ..] => (16, &text[2..]),
        [b'0', b'o' | b'O', _, ..] => (8, &text[2..]),
        [b'0', b'b' | b'B', _, ..] => (2, &text[2..]),
        [b'0', _, ..] => (8, &text[1..]),
        _ => (10, text),
    };
    if digits.is_empty() || (digits.contains('_') && !underscores_ok(text)) || digits.starts_with(['+', '-']) {
        return None;
    }
    if digits.contains('_') {
        return u64::from_str_radix(&digits.replace('_', ""), radix).ok();
    }
    u64::from_str_radix(digits, radix).ok()
}

/// `strconv.ParseInt` with base 0.
pub fn parse_int(text: &str) -> Option<i64> {
    let negative = text.starts_with('-');
    let magnitude = parse_uint(text.strip_prefix(['-', '+']).unwrap_or(text))?;
    if negative { 0i64.checked_sub_unsigned(magnitude) } else { i64::try_from(magnitude).ok() }
}

/// Underscores must stand between digits, or after the prefix of a base.
fn underscores_ok(text: &str) -> bool {
    let text = text.strip_prefix(['-', '+']).unwrap_or(text).as_bytes();
    let (mut last, mut rest, mut hex) = (b'^', text, false);
    if let [b'0', b'b' | b'B' | b'o' | b'O' | b'x' | b'X', tail @ ..] = text {
        (last, rest, hex) = (b'0', tail, matches!(text[1], b'x' | b'X'));
    }
    for &byte in rest {
        if byte.is_ascii_digit() || (hex && byte.is_ascii_hexdigit()) {
            last = b'0';
        } else if byte == b'_' {
            if last != b'0' {
                return false;
            }
            last = b'_';
        } else {
            if last == b'_' {
                return false;
            }
            last = b'!';
        }
    }
    last != b'_'
}

/// `strconv.ParseFloat`: decimal or hexadecimal, `inf`, `nan`, underscores between digits; out of range is `None`.
pub fn parse_float(text: &str) -> Option<f64> {
    if text.contains('_') && !underscores_ok(text) {
        return None;
    }
    let plain = text.replace('_', "");
    let unsigned = plain.strip_prefix(['+', '-']).unwrap_or(&plain);
    if unsigned.starts_with("0x") || unsigned.starts_with("0X") {
        return parse_hex_float(&plain);
    }
    let lower = unsigned.to_ascii_lowercase();
    let named = matches!(lower.as_str(), "inf" | "infinity" | "nan");
    if lower == "nan" && plain.len() != 3 {
        return None;
    }
    if text.contains('_') && named {
        return None;
    }
    if !named && !lower.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return None;
    }
    let value: f64 = plain.parse().ok()?;
    (named || value.is_finite()).then_some(value)
}

fn parse_hex_float(text: &str) -> Option<f64> {
    let negative = text.starts_with('-');
    let body = text.strip_prefix(['+', '-']).unwrap_or(text).get(2..)?;
    let (mantissa, exponent) = body.split_once(['p', 'P'])?;
    let exponent: i32 = exponent.parse().ok()?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let mut value = 0f64;
    for digit in whole.chars().chain(fraction.chars()) {
        value = value * 16.0 + f64::from(digit.to_digit(16)?);
    }
    let value = value * 2f64.powi(exponent - 4 * fraction.len() as i32);
    value.is_finite().then_some(if negative { -value } else { value })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_strings() {
        assert_eq!(unquote(br#""a\tb\x41\u00e9\101\"""#).unwrap(), "a\tbA\u{e9}A\"".as_bytes());
        assert_eq!(unquote(b"`a\\n\r`").unwrap(), b"a\\n");
        assert!(unquote(br#""\q""#).is_err());
        assert!(unquote(br#""\'""#).is_err());
    }

    #[test]
    fn numbers_take_the_types_their_digits_allow() {
        let of = |text: &str| number(0, text).map(|n| (n.int, n.uint, n.float)).unwrap();
        assert_eq!(of("12"), (Some(12), Some(12), Some(12.0)));
        assert_eq!(of("-0x1F"), (Some(-31), None, Some(-31.0)));
        assert_eq!(of("010"), (Some(8), Some(8), Some(8.0)));
        assert_eq!(of("1e3"), (Some(1000), Some(1000), Some(1000.0)));
        assert_eq!(of("1.5"), (None, None, Some(1.5)));
        assert_eq!(of("1_000"), (Some(1000), Some(1000), Some(1000.0)));
        assert_eq!(of("18446744073709551615").1, Some(u64::MAX));
        assert_eq!(number(0, "99999999999999999999").err().unwrap(), "integer overflow: \"99999999999999999999\"");
        assert_eq!(number(0, "089").err().unwrap(), "integer overflow: \"089\"");
        assert_eq!(number(0, "1__0").err().unwrap(), "illegal number syntax: \"1__0\"");
    }
}
