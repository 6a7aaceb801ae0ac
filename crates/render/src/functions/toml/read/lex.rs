//! The characters of a TOML document: one method for each state that the library's lexer can be in.

use bowline_gotemplate::{first_rune, fmt, lossy};

use super::{Read, Stop};
use crate::functions::categories::is_letter;

/// What kind of thing was read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Bare,
    Plain,
    Escaped,
    Raw,
    Multiline,
    RawMultiline,
    Integer,
    Float,
    Bool,
    Time,
    Array,
    InlineTable,
}

/// A piece of the document.
#[derive(Clone, Copy)]
pub(super) struct Item<'t> {
    pub(super) kind: Kind,
    pub(super) text: &'t [u8],
    /// The line it ends in.
    pub(super) line: u32,
}

impl Item<'_> {
    pub(super) fn wrong(&self, message: String) -> Stop {
        Stop::Wrong(self.line, message)
    }
}

pub(super) struct Lexer<'t> {
    text: &'t [u8],
    start: usize,
    at: usize,
    pub(super) line: u32,
    at_end: bool,
}

fn is_blank(c: Option<char>) -> bool {
    matches!(c, Some(' ' | '\t'))
}

fn is_line_end(c: Option<char>) -> bool {
    matches!(c, Some('\n' | '\r'))
}

fn is_hex(c: Option<char>) -> bool {
    c.is_some_and(|c| c.is_ascii_hexdigit())
}

/// A character as `%q` shows it; the end is a null byte to the library.
fn shown(c: Option<char>) -> String {
    fmt::quoted_rune(c.unwrap_or('\0'), false)
}

fn or_end(c: Option<char>) -> String {
    c.map_or_else(|| "end of file".to_owned(), |c| format!("'{c}'"))
}

impl<'t> Lexer<'t> {
    pub(super) fn new(text: &'t [u8]) -> Self {
        Self { text, start: 0, at: 0, line: 1, at_end: false }
    }

    fn next(&mut self) -> Read<Option<char>> {
        let rest = &self.text[self.at..];
        let Some((c, width)) = first_rune(rest) else {
            self.at_end = true;
            return Ok(None);
        };
        if c == '\n' {
            self.line += 1;
        }
        if c == char::REPLACEMENT_CHARACTER && width == 1 {
            return self.error(format!("invalid UTF-8 byte: 0x{:02x}", rest[0]));
        }
        let lone_return = c == '\r' && rest.get(1) != Some(&b'\n');
        if lone_return || (c.is_ascii_control() && !matches!(c, '\t' | '\r' | '\n')) {
            let message = format!("TOML files cannot contain control characters: '0x{:02x}'", u32::from(c));
            return Err(Stop::Wrong(self.line, message));
        }
        self.at += width;
        Ok(Some(c))
    }

    fn back(&mut self) {
        if self.at_end {
            self.at_end = false;
            return;
        }
        self.at = self.at.saturating_sub(1);
        while self.at > 0 && self.text[self.at] & 0xc0 == 0x80 {
            self.at -= 1;
        }
        if self.text.get(self.at) == Some(&b'\n') {
            self.line -= 1;
        }
    }

    fn peek(&mut self) -> Read<Option<char>> {
        let c = self.next()?;
        self.back();
        Ok(c)
    }

    fn accept(&mut self, wanted: char) -> Read<bool> {
        let found = self.next()? == Some(wanted);
        if !found {
            self.back();
        }
        Ok(found)
    }

    fn ignore(&mut self) {
        self.start = self.at;
    }

    fn skip_blanks(&mut self) -> Read<()> {
        while is_blank(self.next()?) {}
        self.back();
        self.ignore();
        Ok(())
    }

    fn current(&self) -> &'t [u8] {
        &self.text[self.start..self.at]
    }

    fn item(&mut self, kind: Kind) -> Item<'t> {
        let item = Item { kind, text: self.current(), line: self.line };
        self.ignore();
        item
    }

    /// An error where the lexer is; at the end, in the line before.
    fn error<T>(&self, message: String) -> Read<T> {
        Err(Stop::Wrong(self.line - u32::from(self.at_end), message))
    }

    /// An error in the line before the present one.
    fn error_before<T>(&self, message: String) -> Read<T> {
        Err(Stop::Wrong(self.line - 1, message))
    }

    /// An error where the lexer is; at the end, in the line before where that one is empty.
    fn fail<T>(&self, message: String) -> Read<T> {
        let behind_line = self.at_end && self.at >= 1 && self.text[self.at - 1] == b'\n';
        Err(Stop::Wrong(self.line - u32::from(behind_line), message))
    }

    fn comment(&mut self) -> Read<()> {
        loop {
            let c = self.next()?;
            if c.is_none() || is_line_end(c) {
                self.back();
                self.ignore();
                return Ok(());
            }
        }
    }

    /// Goes to the next table or key: `[`, which is taken, or the first character of the key.
    pub(super) fn top(&mut self) -> Read<Option<char>> {
        loop {
            match self.next()? {
                c if is_blank(c) || is_line_end(c) => self.ignore(),
                Some('#') => self.comment()?,
                None => return Ok(None),
                Some('[') => return Ok(Some('[')),
                c => {
                    self.back();
                    return Ok(c);
                }
            }
        }
    }

    pub(super) fn top_end(&mut self) -> Read<()> {
        loop {
            match self.next()? {
                Some('#') => return self.comment(),
                c if is_blank(c) => {}
                None => {
                    self.back();
                    return Ok(());
                }
                c if is_line_end(c) => {
                    self.ignore();
                    return Ok(());
                }
                c => {
                    let but = format!("but got {} instead", shown(c));
                    let message = format!("expected a top-level item to end with a newline, comment, or EOF, {but}");
                    return self.fail(message);
                }
            }
        }
    }

    /// Whether it is an array of tables.
    pub(super) fn table_start(&mut self) -> Read<bool> {
        let is_array = self.accept('[')?;
        self.ignore();
        Ok(is_array)
    }

    pub(super) fn table_end(&mut self, is_array: bool) -> Read<()> {
        if is_array {
            let c = self.next()?;
            if c != Some(']') {
                let but = format!("but got {} instead", shown(c));
                return self.fail(format!("expected end of table array name delimiter ']', {but}"));
            }
        }
        self.ignore();
        Ok(())
    }

    pub(super) fn table_name_part(&mut self) -> Read<Item<'t>> {
        self.skip_blanks()?;
        match self.peek()? {
            None | Some(']') => self.fail("unexpected end of table name (table names cannot be empty)".to_owned()),
            Some('.') => self.fail("unexpected table separator (table names cannot be empty)".to_owned()),
            Some('"' | '\'') => self.quoted_name(),
            Some(_) => self.bare_name(),
        }
    }

    pub(super) fn table_name_goes_on(&mut self) -> Read<bool> {
        self.skip_blanks()?;
        match self.next()? {
            Some('.') => {
                self.ignore();
                Ok(true)
            }
            Some(']') => Ok(false),
            c => self.fail(format!("expected '.' or ']' to end table name, but got {} instead", shown(c))),
        }
    }

    fn bare_name(&mut self) -> Read<Item<'t>> {
        while self.next()?.is_some_and(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-')) {}
        self.back();
        Ok(self.item(Kind::Bare))
    }

    fn quoted_name(&mut self) -> Read<Item<'t>> {
        let quote = self.next()?;
        self.ignore();
        if quote == Some('"') { self.string() } else { self.raw_string() }
    }

    pub(super) fn key_start(&mut self) -> Read<()> {
        self.skip_blanks()?;
        match self.peek()? {
            None | Some('=') => self.fail("unexpected '=': key name appears blank".to_owned()),
            Some('.') => self.fail("unexpected '.': keys cannot start with a '.'".to_owned()),
            _ => Ok(()),
        }
    }

    pub(super) fn key_part(&mut self) -> Read<Item<'t>> {
        self.skip_blanks()?;
        match self.peek()? {
            Some('"' | '\'') => self.quoted_name(),
            None | Some('=') => self.fail("unexpected '='".to_owned()),
            Some('.') => self.fail("unexpected '.'".to_owned()),
            Some(_) => self.bare_name(),
        }
    }

    /// Whether another part of the key follows; else `=` was taken.
    pub(super) fn key_goes_on(&mut self) -> Read<bool> {
        self.skip_blanks()?;
        match self.next()? {
            None => self.fail("unexpected EOF; expected key separator '='".to_owned()),
            Some('.') => {
                self.ignore();
                Ok(true)
            }
            Some('=') => {
                self.ignore();
                Ok(false)
            }
            c => {
                let message = format!("expected '.' or '=', but got {} instead", shown(c));
                if c == Some('\n') { self.error_before(message) } else { self.fail(message) }
            }
        }
    }

    /// A value, or the beginning of one that holds others.
    pub(super) fn value(&mut self) -> Read<Item<'t>> {
        self.skip_blanks()?;
        let c = self.next()?;
        match c {
            Some('0'..='9') => {
                self.back();
                return self.number_or_time();
            }
            Some('[') => {
                self.ignore();
                return Ok(self.item(Kind::Array));
            }
            Some('{') => {
                self.ignore();
                return Ok(self.item(Kind::InlineTable));
            }
            Some(quote @ ('"' | '\'')) => return self.quoted_value(quote),
            Some('.') => return self.fail("floats must start with a digit, not '.'".to_owned()),
            Some('i' | 'n') if self.special_float()? => return Ok(self.item(Kind::Float)),
            Some('-' | '+') => return self.signed_number(),
            _ => {}
        }
        match c {
            Some(letter) if is_letter(letter) => {
                self.back();
                self.boolean()
            }
            None => self.fail("unexpected EOF; expected value".to_owned()),
            Some('\n') => self.error_before("expected value but found '\\n' instead".to_owned()),
            c => self.fail(format!("expected value but found {} instead", shown(c))),
        }
    }

    /// Whether the rest of `inf` or `nan` follows, as the library looks for it.
    fn special_float(&mut self) -> Read<bool> {
        Ok((self.accept('n')? && self.accept('f')?) || (self.accept('a')? && self.accept('n')?))
    }

    fn quoted_value(&mut self, quote: char) -> Read<Item<'t>> {
        if self.accept(quote)? {
            if self.accept(quote)? {
                self.ignore();
                return self.multiline(quote);
            }
            self.back();
        }
        self.ignore();
        if quote == '"' { self.string() } else { self.raw_string() }
    }

    /// Whether there is another value; else the array's end was taken.
    pub(super) fn array_goes_on(&mut self) -> Read<bool> {
        self.goes_on(']')
    }

    /// Whether there is another key; else the inline table's end was taken.
    pub(super) fn inline_goes_on(&mut self) -> Read<bool> {
        self.goes_on('}')
    }

    fn goes_on(&mut self, end: char) -> Read<bool> {
        loop {
            match self.next()? {
                c if is_blank(c) || is_line_end(c) => self.ignore(),
                Some('#') => self.comment()?,
                Some(',') => return self.fail("unexpected comma".to_owned()),
                Some(c) if c == end => {
                    self.ignore();
                    return Ok(false);
                }
                _ => {
                    self.back();
                    return Ok(true);
                }
            }
        }
    }

    /// Whether a comma was taken; else the array's end.
    pub(super) fn array_value_end(&mut self) -> Read<bool> {
        loop {
            match self.next()? {
                c if is_blank(c) || is_line_end(c) => self.ignore(),
                Some('#') => self.comment()?,
                c @ Some(',' | ']') => {
                    self.ignore();
                    return Ok(c == Some(','));
                }
                c => {
                    let got = or_end(c);
                    return self.fail(format!("expected a comma (',') or array terminator (']'), but got {got}"));
                }
            }
        }
    }

    /// Whether a comma was taken; else the inline table's end.
    pub(super) fn inline_value_end(&mut self) -> Read<bool> {
        loop {
            match self.next()? {
                c if is_blank(c) || is_line_end(c) => self.ignore(),
                Some('#') => self.comment()?,
                Some(',') => {
                    self.ignore();
                    self.skip_blanks()?;
                    if self.peek()? != Some('}') {
                        return Ok(true);
                    }
                }
                Some('}') => {
                    self.ignore();
                    return Ok(false);
                }
                c => {
                    let but = format!("but got {} instead", or_end(c));
                    return self.fail(format!("expected a comma or an inline table terminator '}}', {but}"));
                }
            }
        }
    }

    fn string(&mut self) -> Read<Item<'t>> {
        let mut kind = Kind::Plain;
        loop {
            match self.next()? {
                None => return self.fail("unexpected EOF; expected '\"'".to_owned()),
                Some('\n' | '\r') => return self.error_before("strings cannot contain newlines".to_owned()),
                Some('\\') => {
                    kind = Kind::Escaped;
                    self.escape()?;
                }
                Some('"') => return Ok(self.closed(kind, 1)),
                Some(_) => {}
            }
        }
    }

    fn raw_string(&mut self) -> Read<Item<'t>> {
        loop {
            match self.next()? {
                None => return self.fail("unexpected EOF; expected \"'\"".to_owned()),
                Some('\n' | '\r') => return self.error_before("strings cannot contain newlines".to_owned()),
                Some('\'') => return Ok(self.closed(Kind::Raw, 1)),
                Some(_) => {}
            }
        }
    }

    /// The text before the quotes that were read last.
    fn closed(&mut self, kind: Kind, quotes: usize) -> Item<'t> {
        let item = Item { kind, text: &self.text[self.start..self.at - quotes], line: self.line };
        self.ignore();
        item
    }

    fn multiline(&mut self, quote: char) -> Read<Item<'t>> {
        let raw = quote == '\'';
        let around = if raw { '"' } else { '\'' };
        let quotes = |count: usize| format!("{around}{}{around}", String::from(quote).repeat(count));
        loop {
            match self.next()? {
                None => return self.fail(format!("unexpected EOF; expected {}", quotes(3))),
                Some('\\') if !raw => {
                    if !is_line_end(self.next()?) {
                        self.back();
                        self.escape()?;
                    }
                }
                Some(c) if c == quote => {
                    if !self.accept(quote)? {
                        continue;
                    }
                    if !self.accept(quote)? {
                        self.back();
                        continue;
                    }
                    if self.peek()? != Some(quote) {
                        return Ok(self.closed(if raw { Kind::RawMultiline } else { Kind::Multiline }, 3));
                    }
                    // Up to two quotes may stand before the three that end it.
                    let five = [quote as u8; 5];
                    let escaped = !raw && self.current().ends_with(&[&b"\\"[..], &five].concat());
                    if self.current().ends_with(&five) && !escaped {
                        return self.fail(format!("unexpected {}", quotes(6)));
                    }
                    self.back();
                    self.back();
                }
                Some(_) => {}
            }
        }
    }

    fn escape(&mut self) -> Read<()> {
        let c = self.next()?;
        let (digits, name) = match c {
            Some('e' | 'b' | 't' | 'n' | 'f' | 'r' | '"' | ' ' | '\t' | '\\') => return Ok(()),
            Some('x') => (2, "two hexadecimal digits after '\\x'"),
            Some('u') => (4, "four hexadecimal digits after '\\u'"),
            Some('U') => (8, "eight hexadecimal digits after '\\U'"),
            c => return self.error(format!("invalid escape in string '\\{}'", c.unwrap_or('\0'))),
        };
        for _ in 0..digits {
            if !is_hex(self.next()?) {
                return self.fail(format!("expected {name}, but got {} instead", fmt::quoted(self.current())));
            }
        }
        Ok(())
    }

    /// Takes what `fits`, and then gives what was read.
    fn while_fits(&mut self, kind: Kind, fits: impl Fn(char) -> bool) -> Read<Item<'t>> {
        while self.next()?.is_some_and(&fits) {}
        self.back();
        Ok(self.item(kind))
    }

    fn number_or_time(&mut self) -> Read<Item<'t>> {
        if self.next()? == Some('0') {
            match self.next()? {
                Some('0'..='9') => {}
                Some('_') => return self.decimal(),
                Some('.' | 'e' | 'E') => return self.float(),
                Some(base @ ('b' | 'o' | 'x')) => return self.based(base),
                _ => {
                    self.back();
                    return Ok(self.item(Kind::Integer));
                }
            }
        }
        loop {
            match self.next()? {
                Some('0'..='9') => {}
                Some('-' | ':') => {
                    let item = self.while_fits(Kind::Time, |c| {
                        c.is_ascii_digit() || matches!(c, '-' | ':' | 'T' | 't' | ' ' | '.' | 'Z' | 'z' | '+')
                    })?;
                    return Ok(Item { text: item.text.trim_ascii(), ..item });
                }
                Some('_') => return self.decimal(),
                Some('.' | 'e' | 'E') => return self.float(),
                _ => {
                    self.back();
                    return Ok(self.item(Kind::Integer));
                }
            }
        }
    }

    fn based(&mut self, base: char) -> Read<Item<'t>> {
        let (radix, name) = match base {
            'b' => (2, "a binary"),
            'o' => (8, "an octal"),
            _ => (16, "a hexadecimal"),
        };
        let c = self.peek()?;
        if !c.is_some_and(|c| c.is_digit(radix)) {
            let read = lossy(self.current());
            return self.fail(format!("not {name} number: '{read}{}'", c.unwrap_or('\0')));
        }
        self.while_fits(Kind::Integer, |c| c.is_digit(radix) || c == '_')
    }

    fn decimal(&mut self) -> Read<Item<'t>> {
        loop {
            match self.next()? {
                Some('0'..='9' | '_') => {}
                Some('.' | 'e' | 'E') => return self.float(),
                _ => {
                    self.back();
                    return Ok(self.item(Kind::Integer));
                }
            }
        }
    }

    fn float(&mut self) -> Read<Item<'t>> {
        self.while_fits(Kind::Float, |c| c.is_ascii_digit() || matches!(c, '_' | '.' | '-' | '+' | 'e' | 'E'))
    }

    fn signed_number(&mut self) -> Read<Item<'t>> {
        let c = self.next()?;
        match c {
            Some(first @ ('i' | 'n')) => {
                let (second, third) = if first == 'i' { ('n', 'f') } else { ('a', 'n') };
                if !self.accept(second)? || !self.accept(third)? {
                    let read = lossy(self.current());
                    return self.fail(format!("invalid float: '{read}'"));
                }
                return Ok(self.item(Kind::Float));
            }
            Some('0') => {
                if let Some(base @ ('b' | 'o' | 'x')) = self.peek()? {
                    let read = lossy(self.current());
                    return self.fail(format!("cannot use sign with non-decimal numbers: '{read}{base}'"));
                }
            }
            Some('.') => return self.fail("floats must start with a digit, not '.'".to_owned()),
            _ => {}
        }
        if c.is_some_and(|c| c.is_ascii_digit()) {
            return self.decimal();
        }
        self.fail(format!("expected a digit but got {}", shown(c)))
    }

    fn boolean(&mut self) -> Read<Item<'t>> {
        let from = self.at;
        while self.next()?.is_some_and(is_letter) {}
        self.back();
        let word = &self.text[from..self.at];
        if matches!(word, b"true" | b"false") {
            return Ok(self.item(Kind::Bool));
        }
        self.fail(format!("expected value but found {} instead", fmt::quoted(word)))
    }
}

pub(super) fn without_first_line_end(text: &[u8]) -> &[u8] {
    text.strip_prefix(b"\n").or_else(|| text.strip_prefix(b"\r\n")).unwrap_or(text)
}

/// Without the backslashes that end a line, and the blanks and line ends behind them.
pub(super) fn without_escaped_line_ends(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    while at < text.len() {
        if text[at] != b'\\' {
            out.push(text[at]);
            at += 1;
            continue;
        }
        if text.get(at + 1) == Some(&b'\\') {
            out.extend(b"\\\\");
            at += 2;
            continue;
        }
        let blanks = text[at + 1..].iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n')).count();
        if text[at + 1..at + 1 + blanks].contains(&b'\n') {
            at += 1 + blanks;
        } else {
            out.push(b'\\');
            at += 1;
        }
    }
    out
}

/// With what its escapes stand for; the lexer has seen that they are complete.
pub(super) fn unescaped(item: &Item<'_>, text: &[u8]) -> Read<Vec<u8>> {
    let text = lossy(text);
    let mut out = String::with_capacity(text.len());
    let mut rest = &*text;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        let c = rest[at + 1..].chars().next().unwrap_or('\0');
        let digits = match c {
            'x' => 2,
            'u' => 4,
            'U' => 8,
            _ => 0,
        };
        let after = at + 1 + c.len_utf8();
        out.push(match c {
            'b' => '\x08',
            't' => '\t',
            'n' => '\n',
            'f' => '\x0c',
            'r' => '\r',
            'e' => '\x1b',
            '"' | '\\' => c,
            'x' | 'u' | 'U' => {
                let hex = rest.get(after..after + digits).unwrap_or_default();
                let rune = u32::from_str_radix(hex, 16).ok().and_then(char::from_u32);
                rune.ok_or_else(|| item.wrong(format!("Escaped character '\\u{hex}' is not valid UTF-8.")))?
            }
            ' ' | '\t' => return Err(item.wrong(format!("invalid escape: '\\{c}'"))),
            c => {
                let c = shown(Some(c));
                return Err(Stop::Bug(format!("BUG: Expected valid escape code after \\, but got {c}.\n\n")));
            }
        });
        rest = rest.get(after + digits..).unwrap_or_default();
    }
    out.push_str(rest);
    Ok(out.into_bytes())
}
