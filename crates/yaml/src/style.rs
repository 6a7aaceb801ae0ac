//! Which styles a text can be written in.

use crate::emit::{is_break, is_printable};

/// A scalar style that Go's emitter uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    Plain,
    Single,
    Double,
    Literal,
}

/// What a text's characters allow.
#[derive(Debug)]
pub(crate) struct Analysis {
    pub(crate) multiline: bool,
    plain: bool,
    single: bool,
    block: bool,
    empty: bool,
    /// It holds a character that never gets through Go's detour over JSON.
    pub(crate) unreadable: bool,
}

impl Analysis {
    /// In `pretty` YAML a tab only asks for quotes where no block is written.
    pub(crate) fn of(text: &str, pretty: bool) -> Self {
        if text.is_empty() {
            return Self { multiline: false, plain: true, single: true, block: false, empty: true, unreadable: false };
        }
        if let Some(analysis) = Self::of_word(text) {
            return analysis;
        }
        let mut indicators = text.starts_with("---") || text.starts_with("...");
        let (mut line_breaks, mut special, mut tabs, mut unreadable) = (false, false, false, false);
        let (mut break_space, mut space_break) = (false, false);
        let (mut previous_space, mut previous_break) = (false, false);
        let mut after_blank = true;
        let mut rest = text.chars();
        let mut first = true;
        while let Some(c) = rest.next() {
            let next = rest.as_str().chars().next();
            let before_blank = next.is_none_or(|c| c == ' ' || c == '\t');
            indicators |= match c {
                ',' | '[' | ']' | '{' | '}' | '&' | '*' | '!' | '|' | '>' | '\'' | '"' | '%' | '@' | '`' => first,
                '#' => first || after_blank,
                ':' => before_blank,
                '?' | '-' => first && before_blank,
                _ => false,
            };
            if pretty && c == '\t' {
                tabs = true;
            } else {
                special |= !is_printable(c);
            }
            unreadable |= matches!(c, '\u{7f}'..='\u{84}' | '\u{86}'..='\u{9f}' | '\u{fffe}' | '\u{ffff}');
            if c == ' ' {
                break_space |= previous_break;
                previous_space = true;
                previous_break = false;
            } else if is_break(c) {
                line_breaks = true;
                space_break |= previous_space;
                previous_space = false;
                previous_break = true;
            } else {
                previous_space = false;
                previous_break = false;
            }
            after_blank = c == ' ' || c == '\t' || c == '\0' || is_break(c);
            first = false;
        }
        let edge = |c: char| c == ' ' || is_break(c);
        let edges = text.starts_with(edge) || text.ends_with(edge);
        let broken = space_break || special;
        Self {
            multiline: line_breaks,
            plain: !(edges || break_space || broken || tabs || line_breaks || indicators),
            single: !(break_space || broken || tabs),
            block: !(text.ends_with(' ') || broken),
            empty: false,
            unreadable,
        }
    }

    /// The short way for text of letters, digits and a few harmless characters.
    fn of_word(text: &str) -> Option<Self> {
        let harmless = |b: u8| {
            b.is_ascii_alphanumeric()
                || matches!(b, b'_' | b'/' | b'=' | b'+' | b'(' | b')' | b';' | b'$' | b'^' | b'~')
        };
        let bytes = text.as_bytes();
        let inner = |b: u8| harmless(b) || matches!(b, b'.' | b'-');
        (harmless(bytes[0]) && bytes.iter().all(|b| inner(*b))).then_some(Self {
            multiline: false,
            plain: true,
            single: true,
            block: true,
            empty: false,
            unreadable: false,
        })
    }

    /// The style to write in where `wanted` is what the value asks for.
    pub(crate) fn allow(&self, wanted: Style, simple_key: bool) -> Style {
        let mut style = wanted;
        if simple_key && self.multiline {
            style = Style::Double;
        }
        if style == Style::Plain && (!self.plain || (self.empty && simple_key)) {
            style = Style::Single;
        }
        if style == Style::Single && !self.single {
            style = Style::Double;
        }
        if style == Style::Literal && (!self.block || simple_key) {
            style = Style::Double;
        }
        style
    }
}
