//! `strconv.Quote` and its relatives.

use crate::text::runes;
use std::fmt::Write;

/// Whether Go prints the character as it is: letters, marks, numbers, punctuation, symbols, and the ASCII space.
pub fn is_print(rune: char) -> bool {
    if rune.is_ascii() {
        return rune == ' ' || rune.is_ascii_graphic();
    }
    // The standard library escapes for debugging what Unicode does not call printable; inside a text, marks stay.
    let mut text = [0; 5];
    text[0] = b'a';
    let end = 1 + rune.encode_utf8(&mut text[1..]).len();
    std::str::from_utf8(&text[..end]).is_ok_and(|text| text.escape_debug().nth(1) == Some(rune))
}

/// A string in double quotes with Go's escapes (`%q`).
pub fn quoted(text: &[u8]) -> String {
    quote(text, '"', false)
}

/// The same in ASCII alone (`%+q`).
pub fn quoted_ascii(text: &[u8]) -> String {
    quote(text, '"', true)
}

/// A character in single quotes (`%q` of an integer).
pub fn quoted_rune(rune: char, ascii: bool) -> String {
    quote(rune.encode_utf8(&mut [0; 4]).as_bytes(), '\'', ascii)
}

fn quote(text: &[u8], quote: char, ascii: bool) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push(quote);
    for (at, rune, width) in runes(text) {
        if rune == char::REPLACEMENT_CHARACTER && width == 1 {
            let _ = write!(out, "\\x{:02x}", text[at]);
            continue;
        }
        append_rune(&mut out, rune, quote, ascii);
    }
    out.push(quote);
    out
}

fn append_rune(out: &mut String, rune: char, quote: char, ascii: bool) {
    if rune == quote || rune == '\\' {
        out.push('\\');
        out.push(rune);
        return;
    }
    if if ascii { rune.is_ascii() && is_print(rune) } else { is_print(rune) } {
        out.push(rune);
        return;
    }
    match rune {
        '\x07' => out.push_str("\\a"),
        '\x08' => out.push_str("\\b"),
        '\x0c' => out.push_str("\\f"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        '\x0b' => out.push_str("\\v"),
        rune => {
            let code = u32::from(rune);
            let _ = if code < 0x20 || code == 0x7f {
                write!(out, "\\x{code:02x}")
            } else if code < 0x10000 {
                write!(out, "\\u{code:04x}")
            } else {
                write!(out, "\\U{code:08x}")
            };
        }
    }
}

/// A character as `%#U` shows it: `U+0040 '@'`.
pub fn unicode_name(rune: char) -> String {
    let code = u32::from(rune);
    if is_print(rune) { format!("U+{code:04X} '{rune}'") } else { format!("U+{code:04X}") }
}

/// Whether a text can stand in back quotes unchanged.
pub(crate) fn can_backquote(text: &[u8]) -> bool {
    runes(text).all(|(_, rune, width)| {
        if width > 1 {
            rune != '\u{feff}'
        } else {
            rune != char::REPLACEMENT_CHARACTER && !matches!(rune, '\0'..='\x08' | '\x0a'..='\x1f' | '`' | '\x7f')
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_as_go() {
        assert_eq!(
            quoted("a\"b\\\n\té☃\u{1F600}\u{200b}\x7f".as_bytes()),
            "\"a\\\"b\\\\\\n\\té☃\u{1F600}\\u200b\\x7f\""
        );
        assert_eq!(quoted(b"\xff\xe2\x98"), "\"\\xff\\xe2\\x98\"");
        assert_eq!(quoted_ascii("é\u{1F600}".as_bytes()), "\"\\u00e9\\U0001f600\"");
        assert_eq!(quoted_rune('\'', false), "'\\''");
        assert_eq!(unicode_name('@'), "U+0040 '@'");
    }
}
