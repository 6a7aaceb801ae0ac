//! Percent escapes, which differ from part to part of a URL.

use bowline_gotemplate::lossy;

/// A part of a URL.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Path,
    Host,
    Zone,
    User,
    Fragment,
}

fn must_escape(byte: u8, part: Part) -> bool {
    if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
        return false;
    }
    match part {
        Part::Host | Part::Zone => !b"!$&'()*+,;=:[]<>\"".contains(&byte),
        Part::Path => !b"$&+,/:;=@".contains(&byte),
        Part::User => !b"$&+,;=".contains(&byte),
        Part::Fragment => !b"$&+,/:;=?@!()*".contains(&byte),
    }
}

pub(super) fn escape(text: &str, part: Part) -> String {
    let mut out = String::with_capacity(text.len());
    for &byte in text.as_bytes() {
        if must_escape(byte, part) {
            out.push_str(&format!("%{byte:02X}"));
        } else {
            out.push(char::from(byte));
        }
    }
    out
}

/// # Errors
/// With Go's text.
pub(super) fn unescape(text: &str, part: Part) -> Result<String, String> {
    let bytes = text.as_bytes();
    let wrong = |escape: &[u8]| Err(format!("invalid URL escape {}", bowline_gotemplate::fmt::quoted(escape)));
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        if byte != b'%' {
            if matches!(part, Part::Host | Part::Zone) && byte < 0x80 && must_escape(byte, part) {
                let name = bowline_gotemplate::fmt::quoted(&[byte]);
                return Err(format!("invalid character {name} in host name"));
            }
            out.push(byte);
            at += 1;
            continue;
        }
        let digit = |i: usize| bytes.get(i).and_then(|byte| char::from(*byte).to_digit(16));
        let (Some(high), Some(low)) = (digit(at + 1), digit(at + 2)) else {
            return wrong(&bytes[at..bytes.len().min(at + 3)]);
        };
        let value = (high << 4 | low) as u8;
        let escape = &bytes[at..at + 3];
        let refused = match part {
            Part::Host => high < 8 && escape != b"%25",
            Part::Zone => escape != b"%25" && value != b' ' && must_escape(value, Part::Host),
            _ => false,
        };
        if refused {
            return wrong(escape);
        }
        out.push(value);
        at += 3;
    }
    Ok(String::from_utf8(out).unwrap_or_else(|error| lossy(error.as_bytes()).into_owned()))
}
