//! Strings as Go's `strconv.Quote` and `%q` print them.

use std::fmt::Write;

/// A Go string literal: printable characters stay, all others are escaped.
pub fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\x07' => out.push_str("\\a"),
            '\x08' => out.push_str("\\b"),
            '\x0c' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\x0b' => out.push_str("\\v"),
            _ if is_print(c) => out.push(c),
            // Writing to a string cannot fail.
            _ if c < '\u{80}' => _ = write!(out, "\\x{:02x}", c as u32),
            _ if c <= '\u{ffff}' => _ = write!(out, "\\u{:04x}", c as u32),
            _ => _ = write!(out, "\\U{:08x}", c as u32),
        }
    }
    out.push('"');
    out
}

/// Go's `unicode.IsPrint`: letters, marks, numbers, punctuation, symbols, and of all spaces only the ASCII one.
pub fn is_print(c: char) -> bool {
    if c.is_ascii() {
        return (' '..='~').contains(&c);
    }
    // Rust's debug form escapes what is not printable, and marks that would combine with the quote before them.
    let mut escaped = c.escape_debug();
    !c.is_whitespace() && (escaped.len() == 1 || escaped.next() != Some('\\') || is_combining(c))
}

/// Marks that Rust escapes although they print; the blocks that hold nothing else.
fn is_combining(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}' | '\u{fe00}'..='\u{fe0f}' | '\u{fe20}'..='\u{fe2f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_as_go_does() {
        assert_eq!(quote("a\"\\\n\x01é☃😀\u{feff}\u{a0}\u{7f}"), r#""a\"\\\n\x01é☃😀\ufeff\u00a0\x7f""#);
    }
}
