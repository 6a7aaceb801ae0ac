//! Padding, signs and bases: the lower half of `fmt`.

use super::float::append_float;
use super::quote::{can_backquote, is_print, quoted, quoted_ascii, quoted_rune};
use crate::text::runes;

/// The flags of one verb, and the text they shape.
#[derive(Clone, Copy, Default)]
pub(super) struct Flags {
    pub(super) width: Option<usize>,
    pub(super) precision: Option<usize>,
    pub(super) minus: bool,
    pub(super) plus: bool,
    pub(super) sharp: bool,
    pub(super) space: bool,
    pub(super) zero: bool,
    /// `%+v`
    pub(super) plus_v: bool,
    /// `%#v`
    pub(super) sharp_v: bool,
}

impl Flags {
    fn fill(&self, out: &mut Vec<u8>, count: usize) {
        // Padding to the right is never with zeros.
        let pad = if self.zero && !self.minus { b'0' } else { b' ' };
        out.extend(std::iter::repeat_n(pad, count));
    }

    /// Appends `text`, padded to the width in characters.
    pub(super) fn pad(&self, out: &mut Vec<u8>, text: &[u8]) {
        let missing = match self.width {
            None | Some(0) => return out.extend_from_slice(text),
            Some(width) => width.saturating_sub(runes(text).count()),
        };
        if self.minus {
            out.extend_from_slice(text);
            self.fill(out, missing);
        } else {
            self.fill(out, missing);
            out.extend_from_slice(text);
        }
    }

    /// Appends `text` padded with spaces, whatever the zero flag says.
    fn pad_spaces(mut self, out: &mut Vec<u8>, text: &[u8]) {
        self.zero = false;
        self.pad(out, text);
    }

    pub(super) fn boolean(&self, out: &mut Vec<u8>, value: bool) {
        self.pad(out, if value { b"true" } else { b"false" });
    }

    pub(super) fn integer(&self, out: &mut Vec<u8>, value: u64, base: u32, signed: bool, verb: char, upper: bool) {
        let negative = signed && (value as i64) < 0;
        let magnitude = if negative { value.wrapping_neg() } else { value };
        let mut least = 0;
        if let Some(precision) = self.precision {
            least = precision;
            if precision == 0 && value == 0 {
                return self.pad_spaces(out, b"");
            }
        } else if let (true, false, Some(width)) = (self.zero, self.minus, self.width) {
            least = width.saturating_sub(usize::from(negative || self.plus || self.space));
        }
        let digits = match (base, upper) {
            (2, _) => format!("{magnitude:b}"),
            (8, _) => format!("{magnitude:o}"),
            (16, false) => format!("{magnitude:x}"),
            (16, true) => format!("{magnitude:X}"),
            _ => magnitude.to_string(),
        };
        let mut text = Vec::with_capacity(digits.len().max(least) + 3);
        if negative {
            text.push(b'-');
        } else if self.plus {
            text.push(b'+');
        } else if self.space {
            text.push(b' ');
        }
        if verb == 'O' {
            text.extend_from_slice(b"0o");
        }
        if self.sharp {
            match base {
                2 => text.extend_from_slice(b"0b"),
                8 if least <= digits.len() && !digits.starts_with('0') => text.push(b'0'),
                16 => text.extend_from_slice(if upper { b"0X" } else { b"0x" }),
                _ => {}
            }
        }
        text.extend(std::iter::repeat_n(b'0', least.saturating_sub(digits.len())));
        text.extend_from_slice(digits.as_bytes());
        self.pad_spaces(out, &text);
    }

    /// `%U`
    pub(super) fn unicode(&self, out: &mut Vec<u8>, value: u64) {
        let digits = format!("{value:04X}");
        let zeros = "0".repeat(self.precision.unwrap_or(4).saturating_sub(digits.len()));
        let mut text = format!("U+{zeros}{digits}");
        if self.sharp
            && let Some(rune) = u32::try_from(value).ok().and_then(char::from_u32)
            && is_print(rune)
        {
            text.push_str(&format!(" '{rune}'"));
        }
        self.pad_spaces(out, text.as_bytes());
    }

    /// `%c`
    pub(super) fn character(&self, out: &mut Vec<u8>, value: u64) {
        self.pad(out, rune(value).encode_utf8(&mut [0; 4]).as_bytes());
    }

    /// `%q` of an integer
    pub(super) fn quoted_character(&self, out: &mut Vec<u8>, value: u64) {
        self.pad(out, quoted_rune(rune(value), self.plus).as_bytes());
    }

    fn truncated<'t>(&self, text: &'t [u8]) -> &'t [u8] {
        let Some(precision) = self.precision else { return text };
        runes(text).nth(precision).map_or(text, |(at, _, _)| &text[..at])
    }

    pub(super) fn string(&self, out: &mut Vec<u8>, text: &[u8]) {
        self.pad(out, self.truncated(text));
    }

    /// `%q`
    pub(super) fn quoted(&self, out: &mut Vec<u8>, text: &[u8]) {
        let text = self.truncated(text);
        if self.sharp && can_backquote(text) {
            return self.pad(out, &[b"`", text, b"`"].concat());
        }
        self.pad(out, if self.plus { quoted_ascii(text) } else { quoted(text) }.as_bytes());
    }

    /// `%x` of a string
    pub(super) fn hex(&self, out: &mut Vec<u8>, text: &[u8], upper: bool) {
        let text = &text[..self.precision.unwrap_or(text.len()).min(text.len())];
        let prefix: &[u8] = if upper { b"0X" } else { b"0x" };
        let mut hex = Vec::with_capacity(text.len() * 2);
        for (i, byte) in text.iter().enumerate() {
            if self.space && i > 0 {
                hex.push(b' ');
            }
            if self.sharp && (self.space || i == 0) {
                hex.extend_from_slice(prefix);
            }
            let digits = if upper { format!("{byte:02X}") } else { format!("{byte:02x}") };
            hex.extend_from_slice(digits.as_bytes());
        }
        self.pad(out, &hex);
    }

    pub(super) fn float(&self, out: &mut Vec<u8>, value: f64, verb: char, precision: i32) {
        let precision = self.precision.map_or(precision, |precision| precision as i32);
        let format = if verb == 'v' { b'g' } else { verb as u8 };
        let mut number = Vec::with_capacity(24);
        append_float(&mut number, value, format, precision);
        if !matches!(number[0], b'-' | b'+') {
            number.insert(0, b'+');
        }
        if self.space && number[0] == b'+' && !self.plus {
            number[0] = b' ';
        }
        if matches!(number[1], b'I' | b'N') {
            let unsigned = (number[1] == b'N' || number[0] == b'+') && !self.space && !self.plus;
            return self.pad_spaces(out, if unsigned { &number[1..] } else { &number });
        }
        if self.sharp && verb != 'b' {
            number = with_point(&number, verb, precision);
        }
        if self.plus || number[0] != b'+' {
            if let (true, false, Some(width)) = (self.zero, self.minus, self.width)
                && width > number.len()
            {
                // The sign stands before the zeros.
                out.push(number[0]);
                self.fill(out, width - number.len());
                return out.extend_from_slice(&number[1..]);
            }
            return self.pad(out, &number);
        }
        self.pad(out, &number[1..]);
    }
}

/// What `%#g` adds: a decimal point, and the zeros up to the precision.
fn with_point(number: &[u8], verb: char, precision: i32) -> Vec<u8> {
    let mut digits = match verb {
        'v' | 'g' | 'G' | 'x' => {
            if precision == -1 {
                6
            } else {
                precision
            }
        }
        _ => 0,
    };
    let hex = matches!(verb, 'x' | 'X');
    let end = number
        .iter()
        .skip(1)
        .position(|byte| matches!(byte, b'p' | b'P') || (!hex && matches!(byte, b'e' | b'E')))
        .map_or(number.len(), |at| at + 1);
    let (mut text, tail) = (number[..end].to_vec(), &number[end..]);
    let mut nonzero = false;
    let mut point = false;
    for byte in &text[1..] {
        if *byte == b'.' {
            point = true;
            continue;
        }
        nonzero |= *byte != b'0';
        digits -= i32::from(nonzero);
    }
    if !point {
        if text.len() == 2 && text[1] == b'0' {
            digits -= 1;
        }
        text.push(b'.');
    }
    text.extend(std::iter::repeat_n(b'0', digits.max(0) as usize));
    text.extend_from_slice(tail);
    text
}

fn rune(value: u64) -> char {
    u32::try_from(value).ok().and_then(char::from_u32).unwrap_or(char::REPLACEMENT_CHARACTER)
}
