//! A place in a text that moves forward and always knows its line and column.

use crate::{Error, Mark};

/// Reads a text byte by byte. Beyond the end every byte is 0, which no accepted text contains.
pub(crate) struct Cursor<'t> {
    pub(crate) text: &'t str,
    bytes: &'t [u8],
    pub(crate) pos: usize,
    /// From 0.
    pub(crate) line: u32,
    line_start: usize,
    /// Continuation bytes before `pos`, and before the line: what makes bytes of characters.
    behind: usize,
    line_behind: usize,
    ascii: bool,
    /// A byte order mark stands behind the stream's own.
    second_mark: bool,
}

/// Whether a character may stand in a text at all: Go's reader looks at them before anything else.
pub(crate) fn is_allowed(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='~' | '\u{85}' | '\u{a0}'..='\u{fffd}' | '\u{10000}'..)
}

/// Whether a text consists of such bytes. Without a way out of the inner loop, pieces of it are looked at many bytes at a time.
pub(crate) fn is_all(text: &str, byte: impl Fn(u8) -> bool) -> bool {
    text.as_bytes().chunks(1024).all(|piece| piece.iter().fold(true, |so_far, found| so_far & byte(*found)))
}

impl<'t> Cursor<'t> {
    pub(crate) fn new(text: &'t str) -> Self {
        let start = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
        let behind = if start == 0 { 0 } else { start - 1 };
        Self {
            text,
            bytes: text.as_bytes(),
            pos: start,
            line: 0,
            line_start: start,
            behind,
            line_behind: behind,
            ascii: text.is_ascii(),
            second_mark: text.starts_with("\u{feff}\u{feff}"),
        }
    }

    /// The byte `ahead` of the cursor.
    pub(crate) fn at(&self, ahead: usize) -> u8 {
        self.bytes.get(self.pos + ahead).copied().unwrap_or(0)
    }

    pub(crate) fn byte(&self) -> u8 {
        self.at(0)
    }

    /// Whether Go's reader takes the start of this line for a byte order mark: it looks for one at the start of its buffer,
    /// wherever it reads. It fills the buffer with so many bytes first.
    pub(crate) fn has_second_mark(&self) -> bool {
        const BUFFER: usize = 512;
        self.second_mark && self.pos < BUFFER && !self.is_end()
    }

    /// Moves over one character.
    pub(crate) fn skip_char(&mut self) {
        self.skip(width(self.byte()));
    }

    /// Characters before the cursor.
    pub(crate) fn index(&self) -> usize {
        self.pos - self.behind
    }

    /// Characters before the cursor on its line.
    pub(crate) fn column(&self) -> usize {
        (self.pos - self.line_start) - (self.behind - self.line_behind)
    }

    pub(crate) fn mark(&self) -> Mark {
        Mark { line: self.line + 1, column: self.column() as u32 + 1, offset: self.pos }
    }

    /// Moves over `count` bytes, none of them a line break and the last one the end of a character.
    pub(crate) fn skip(&mut self, count: usize) {
        let end = (self.pos + count).min(self.bytes.len());
        if !self.ascii {
            self.behind += self.bytes[self.pos..end].iter().filter(|b| **b & 0xc0 == 0x80).count();
        }
        self.pos = end;
    }

    /// Moves to the start of the next line without text: the end of the stream counts as one.
    pub(crate) fn force_line(&mut self) {
        if self.column() != 0 {
            self.start_line();
        }
    }

    fn start_line(&mut self) {
        self.line += 1;
        self.line_start = self.pos;
        self.line_behind = self.behind;
    }

    /// The bytes of the line break at `ahead`; 0 where there is none.
    pub(crate) fn break_len(&self, ahead: usize) -> usize {
        match self.at(ahead) {
            b'\n' => 1,
            b'\r' => 1 + usize::from(self.at(ahead + 1) == b'\n'),
            0xc2 if self.at(ahead + 1) == 0x85 => 2,
            0xe2 if self.at(ahead + 1) == 0x80 && matches!(self.at(ahead + 2), 0xa8 | 0xa9) => 3,
            _ => 0,
        }
    }

    pub(crate) fn is_break(&self, ahead: usize) -> bool {
        self.break_len(ahead) > 0
    }

    pub(crate) fn is_blank(&self, ahead: usize) -> bool {
        matches!(self.at(ahead), b' ' | b'\t')
    }

    /// At the end of the text.
    pub(crate) fn is_end(&self) -> bool {
        self.pos >= self.bytes.len()
    }

    pub(crate) fn is_breakz(&self, ahead: usize) -> bool {
        self.at(ahead) == 0 || self.is_break(ahead)
    }

    pub(crate) fn is_blankz(&self, ahead: usize) -> bool {
        self.is_blank(ahead) || self.is_breakz(ahead)
    }

    /// Moves over a line break.
    pub(crate) fn skip_break(&mut self) {
        let length = self.break_len(0);
        if length > 0 {
            self.skip(length);
            self.start_line();
        }
    }

    /// Moves over a line break and says what it reads as: all but the two Unicode ones are a line feed.
    pub(crate) fn read_break(&mut self) -> &'static str {
        let read = match (self.break_len(0), self.at(2)) {
            (0, _) => "",
            (3, 0xa8) => "\u{2028}",
            (3, _) => "\u{2029}",
            _ => "\n",
        };
        self.skip_break();
        read
    }

    pub(crate) fn skip_blanks(&mut self) {
        while self.is_blank(0) {
            self.skip(1);
        }
    }

    /// Moves over a comment, up to the line break.
    pub(crate) fn skip_comment(&mut self) {
        if self.byte() == b'#' {
            self.skip_line_text();
        }
    }

    /// Moves to the line break or the end, and gives the text between.
    pub(crate) fn skip_line_text(&mut self) -> &'t str {
        let start = self.pos;
        let mut end = start;
        while let Some(offset) = self.bytes[end..].iter().position(|b| matches!(b, b'\n' | b'\r' | 0xc2 | 0xe2)) {
            end += offset;
            if self.is_break(end - self.pos) {
                self.skip(end - start);
                return &self.text[start..end];
            }
            end += 1;
        }
        self.skip(self.bytes.len() - start);
        &self.text[start..]
    }

    /// Whether `---` or `...` stands at the start of this line, alone or before a blank.
    pub(crate) fn is_document_indicator(&self) -> bool {
        self.pos == self.line_start
            && matches!([self.at(0), self.at(1), self.at(2)], [b'-', b'-', b'-'] | [b'.', b'.', b'.'])
            && self.is_blankz(3)
    }

    /// An error of the scanner here: Go counts the line of the cursor, unless that is the first.
    pub(crate) fn error(&self, problem: &str, context: Mark) -> Error {
        let line = if self.line == 0 { context.line - 1 } else { self.line + 1 };
        located(problem, line, self.mark())
    }
}

/// An error with Go's line in its text, which is left out where it is 0.
pub(crate) fn located(problem: &str, line: u32, at: Mark) -> Error {
    if line == 0 { Error::yaml(problem, at) } else { Error::yaml(format_args!("line {line}: {problem}"), at) }
}

/// The bytes of a character by its first.
pub(crate) fn width(first: u8) -> usize {
    match first {
        0..=0x7f => 1,
        0x80..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xff => 4,
    }
}
