//! Scalars: plain, quoted and block.

use std::borrow::Cow;

use crate::cursor::width;
use crate::token::{TokenKind, Tokens};
use crate::{Error, Mark};

/// Line breaks and blanks between two runs of a flowing scalar, before it is known what they become.
#[derive(Default)]
struct Gap {
    blanks: String,
    first_break: &'static str,
    more_breaks: String,
    broken: bool,
}

impl Gap {
    fn push_break(&mut self, read: &'static str) {
        if self.broken {
            self.more_breaks.push_str(read);
        } else {
            self.blanks.clear();
            self.first_break = read;
            self.broken = true;
        }
    }

    /// One line break becomes a space, several lose the first.
    fn flush(&mut self, into: &mut String) {
        if self.broken {
            if self.first_break == "\n" {
                into.push_str(if self.more_breaks.is_empty() { " " } else { &self.more_breaks });
            } else {
                into.push_str(self.first_break);
                into.push_str(&self.more_breaks);
            }
            self.first_break = "";
            self.more_breaks.clear();
            self.broken = false;
        } else {
            into.push_str(&self.blanks);
            self.blanks.clear();
        }
    }
}

/// What becomes of the line breaks at the end of a block scalar.
#[derive(Clone, Copy, PartialEq)]
enum Chomping {
    Strip,
    Clip,
    Keep,
}

impl<'t> Tokens<'t> {
    pub(crate) fn scan_plain_scalar(&mut self) -> Result<(), Error> {
        let start = self.cursor.mark();
        let indent = self.indent + 1;
        let first = self.plain_run();
        let mut end = self.cursor.mark();
        // Most scalars are one run: those are not copied.
        let mut value = Cow::Borrowed(first);
        let mut leading_blanks = false;
        loop {
            if !self.cursor.is_blank(0) && !self.cursor.is_break(0) {
                break;
            }
            let mut gap = Gap::default();
            let gap_start = self.cursor.pos;
            loop {
                if self.cursor.is_blank(0) {
                    if !gap.broken {
                        self.cursor.skip(1);
                        continue;
                    }
                    if (self.cursor.column() as isize) < indent && self.cursor.byte() == b'\t' {
                        return Err(self.cursor.error("found a tab character that violates indentation", start));
                    }
                    self.cursor.skip(1);
                } else if self.cursor.is_break(0) {
                    let read = self.cursor.read_break();
                    gap.push_break(read);
                } else {
                    break;
                }
            }
            leading_blanks = gap.broken;
            if self.flow_level == 0 && (self.cursor.column() as isize) < indent {
                break;
            }
            if self.cursor.is_document_indicator() || self.cursor.byte() == b'#' {
                break;
            }
            let blanks = &self.cursor.text[gap_start..self.cursor.pos];
            let run = self.plain_run();
            if run.is_empty() {
                break;
            }
            end = self.cursor.mark();
            leading_blanks = false;
            match &mut value {
                // The line goes on: what was read so far and this are one piece of the text.
                Cow::Borrowed(_) if !gap.broken => {
                    value = Cow::Borrowed(&self.cursor.text[start.offset..self.cursor.pos]);
                }
                Cow::Borrowed(_) | Cow::Owned(_) => {
                    let value = value.to_mut();
                    if gap.broken {
                        gap.flush(value);
                    } else {
                        value.push_str(blanks);
                    }
                    value.push_str(run);
                }
            }
        }
        self.push_until(TokenKind::Scalar { value, plain: true }, start, end);
        if leading_blanks {
            self.simple_key_allowed = true;
        }
        Ok(())
    }

    /// Moves over the characters up to a blank, a break or what ends a plain scalar.
    fn plain_run(&mut self) -> &'t str {
        let start = self.cursor.pos;
        let mut length = 0;
        loop {
            match self.cursor.at(length) {
                0 | b' ' | b'\t' | b'\n' | b'\r' => break,
                b':' if self.cursor.is_blankz(length + 1) => break,
                b',' | b'?' | b'[' | b']' | b'{' | b'}' if self.flow_level > 0 => break,
                0xc2 | 0xe2 if self.cursor.is_break(length) => break,
                byte => length += width(byte),
            }
        }
        self.cursor.skip(length);
        &self.cursor.text[start..self.cursor.pos]
    }

    pub(crate) fn scan_quoted_scalar(&mut self, single: bool) -> Result<(), Error> {
        let start = self.cursor.mark();
        self.cursor.skip(1);
        let mut value = Cow::Borrowed("");
        loop {
            if self.cursor.is_document_indicator() {
                return Err(self.cursor.error("found unexpected document indicator", start));
            }
            if self.cursor.is_end() {
                return Err(self.cursor.error("found unexpected end of stream", start));
            }
            let mut gap = Gap::default();
            self.quoted_run(single, &mut value, &mut gap, start)?;
            if self.cursor.byte() == if single { b'\'' } else { b'"' } {
                break;
            }
            loop {
                if self.cursor.is_blank(0) {
                    if !gap.broken {
                        gap.blanks.push(char::from(self.cursor.byte()));
                    }
                    self.cursor.skip(1);
                } else if self.cursor.is_break(0) {
                    let read = self.cursor.read_break();
                    gap.push_break(read);
                } else {
                    break;
                }
            }
            if gap.broken || !gap.blanks.is_empty() {
                gap.flush(value.to_mut());
            }
        }
        self.cursor.skip(1);
        self.push(TokenKind::Scalar { value, plain: false }, start);
        Ok(())
    }

    /// Reads up to a blank, a break, the end or the closing quote. An escaped line break opens `gap`.
    fn quoted_run(&mut self, single: bool, value: &mut Cow<'t, str>, gap: &mut Gap, start: Mark) -> Result<(), Error> {
        loop {
            let from = self.cursor.pos;
            let mut length = 0;
            // Blanks inside of a line are ordinary characters while nothing else is special.
            loop {
                match self.cursor.at(length) {
                    0 | b'\n' | b'\r' | b' ' | b'\t' => break,
                    b'\'' if single => break,
                    b'"' | b'\\' if !single => break,
                    0xc2 | 0xe2 if self.cursor.is_break(length) => break,
                    byte => length += width(byte),
                }
            }
            self.cursor.skip(length);
            append(value, &self.cursor.text[from..self.cursor.pos]);
            match self.cursor.byte() {
                b'\'' if single && self.cursor.at(1) == b'\'' => {
                    value.to_mut().push('\'');
                    self.cursor.skip(2);
                }
                b'\\' if !single && self.cursor.is_break(1) => {
                    self.cursor.skip(1);
                    self.cursor.skip_break();
                    // The break itself leaves nothing, and blanks behind it are dropped.
                    gap.broken = true;
                    return Ok(());
                }
                b'\\' if !single => self.escape(value.to_mut(), start)?,
                _ => return Ok(()),
            }
        }
    }

    fn escape(&mut self, value: &mut String, start: Mark) -> Result<(), Error> {
        let (plain, code_length) = match self.cursor.at(1) {
            b'0' => ("\0", 0),
            b'a' => ("\x07", 0),
            b'b' => ("\x08", 0),
            b't' | b'\t' => ("\t", 0),
            b'n' => ("\n", 0),
            b'v' => ("\x0b", 0),
            b'f' => ("\x0c", 0),
            b'r' => ("\r", 0),
            b'e' => ("\x1b", 0),
            b' ' => (" ", 0),
            b'"' => ("\"", 0),
            b'\'' => ("'", 0),
            b'\\' => ("\\", 0),
            b'N' => ("\u{85}", 0),
            b'_' => ("\u{a0}", 0),
            b'L' => ("\u{2028}", 0),
            b'P' => ("\u{2029}", 0),
            b'x' => ("", 2),
            b'u' => ("", 4),
            b'U' => ("", 8),
            _ => return Err(self.cursor.error("found unknown escape character", start)),
        };
        value.push_str(plain);
        self.cursor.skip(2);
        if code_length > 0 {
            let mut code = 0_u64;
            for ahead in 0..code_length {
                let Some(digit) = char::from(self.cursor.at(ahead)).to_digit(16) else {
                    return Err(self.cursor.error("did not find expected hexdecimal number", start));
                };
                code = code << 4 | u64::from(digit);
            }
            let Some(character) = u32::try_from(code).ok().and_then(char::from_u32) else {
                return Err(self.cursor.error("found invalid Unicode character escape code", start));
            };
            value.push(character);
            self.cursor.skip(code_length);
        }
        Ok(())
    }

    pub(crate) fn scan_block_scalar(&mut self, literal: bool) -> Result<(), Error> {
        let start = self.cursor.mark();
        self.cursor.skip(1);
        let (chomping, increment) = self.block_header(start)?;
        let mut indent = match increment {
            Some(increment) if self.indent >= 0 => self.indent as usize + increment,
            Some(increment) => increment,
            None => 0,
        };
        let mut value = String::new();
        let mut breaks = String::new();
        let mut end = self.block_breaks(&mut indent, &mut breaks, start)?;
        let mut leading_break = "";
        let mut leading_blank = false;
        while self.cursor.column() == indent && !self.cursor.is_end() {
            let blank = self.cursor.is_blank(0);
            if !literal && !leading_blank && !blank && leading_break == "\n" {
                if breaks.is_empty() {
                    value.push(' ');
                }
            } else {
                value.push_str(leading_break);
            }
            value.push_str(&breaks);
            breaks.clear();
            leading_blank = blank;
            value.push_str(self.cursor.skip_line_text());
            leading_break = self.cursor.read_break();
            end = self.block_breaks(&mut indent, &mut breaks, start)?;
        }
        if chomping != Chomping::Strip {
            value.push_str(leading_break);
        }
        if chomping == Chomping::Keep {
            value.push_str(&breaks);
        }
        self.push_until(TokenKind::Scalar { value: Cow::Owned(value), plain: false }, start, end);
        Ok(())
    }

    /// `|2-`: chomping and indentation in either order, then nothing but a comment.
    fn block_header(&mut self, start: Mark) -> Result<(Chomping, Option<usize>), Error> {
        let mut chomping = Chomping::Clip;
        let mut increment = None;
        let chomps = |byte| matches!(byte, b'+' | b'-');
        let chomping_first = chomps(self.cursor.byte());
        for chomps_now in [chomping_first, !chomping_first] {
            let byte = self.cursor.byte();
            if chomps_now && chomps(byte) {
                chomping = if byte == b'+' { Chomping::Keep } else { Chomping::Strip };
                self.cursor.skip(1);
            } else if !chomps_now && byte.is_ascii_digit() {
                if byte == b'0' {
                    return Err(self.cursor.error("found an indentation indicator equal to 0", start));
                }
                increment = Some(usize::from(byte - b'0'));
                self.cursor.skip(1);
            } else {
                break;
            }
        }
        self.cursor.skip_blanks();
        self.cursor.skip_comment();
        if !self.cursor.is_breakz(0) {
            return Err(self.cursor.error("did not find expected comment or line break", start));
        }
        self.cursor.skip_break();
        Ok((chomping, increment))
    }

    /// Reads indentation and empty lines, and finds out how far the scalar is indented where that is not known (0).
    fn block_breaks(&mut self, indent: &mut usize, breaks: &mut String, start: Mark) -> Result<Mark, Error> {
        let mut end = self.cursor.mark();
        let mut deepest = 0;
        loop {
            while (*indent == 0 || self.cursor.column() < *indent) && self.cursor.byte() == b' ' {
                self.cursor.skip(1);
            }
            deepest = deepest.max(self.cursor.column());
            if (*indent == 0 || self.cursor.column() < *indent) && self.cursor.byte() == b'\t' {
                let problem = "found a tab character where an indentation space is expected";
                return Err(self.cursor.error(problem, start));
            }
            if !self.cursor.is_break(0) {
                break;
            }
            breaks.push_str(self.cursor.read_break());
            end = self.cursor.mark();
        }
        if *indent == 0 {
            *indent = deepest.max((self.indent + 1) as usize).max(1);
        }
        Ok(end)
    }
}

/// Appends without copying where the value is still one piece of the text.
fn append<'t>(value: &mut Cow<'t, str>, run: &'t str) {
    if value.is_empty() && matches!(value, Cow::Borrowed(_)) {
        *value = Cow::Borrowed(run);
    } else if !run.is_empty() {
        value.to_mut().push_str(run);
    }
}
