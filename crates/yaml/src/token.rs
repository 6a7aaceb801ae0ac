//! From characters to tokens, as libyaml defines them and Go's YAML took them over.
//!
//! What makes YAML hard is the simple key: whether `a` starts a mapping is known only when the `:` behind it shows up. So
//! tokens wait in a queue until it is clear that no `KEY` has to be put before them.

use std::collections::VecDeque;

use crate::cursor::Cursor;
use crate::event::Text;
use crate::{Error, Mark};

/// A token with its place.
#[derive(Debug)]
pub(crate) struct Token<'t> {
    pub(crate) kind: TokenKind<'t>,
    pub(crate) start: Mark,
    pub(crate) end: Mark,
}

/// What a token is.
#[derive(Debug, PartialEq)]
pub(crate) enum TokenKind<'t> {
    StreamEnd,
    VersionDirective(u8, u8),
    TagDirective { handle: &'t str, prefix: Text<'t> },
    DocumentStart,
    DocumentEnd,
    BlockSequenceStart,
    BlockMappingStart,
    BlockEnd,
    FlowSequenceStart,
    FlowSequenceEnd,
    FlowMappingStart,
    FlowMappingEnd,
    BlockEntry,
    FlowEntry,
    Key,
    Value,
    Alias(&'t str),
    Anchor(&'t str),
    Tag { handle: Text<'t>, suffix: Text<'t> },
    Scalar { value: Text<'t>, plain: bool },
}

/// Where a simple key may have started.
#[derive(Clone, Copy)]
struct SimpleKey {
    possible: bool,
    /// The line can be nothing else.
    required: bool,
    token: usize,
    index: usize,
    mark: Mark,
}

/// A simple key is at most this many characters long.
const MAX_SIMPLE_KEY: usize = 1024;

/// Produces tokens.
pub(crate) struct Tokens<'t> {
    pub(crate) cursor: Cursor<'t>,
    queue: VecDeque<Token<'t>>,
    /// Tokens that left the queue.
    parsed: usize,
    /// The queue's head cannot become a key any more.
    available: bool,
    /// Column of the block collection around the cursor; -1 outside of all.
    pub(crate) indent: isize,
    indents: Vec<isize>,
    pub(crate) flow_level: usize,
    pub(crate) simple_key_allowed: bool,
    /// One for each flow level.
    simple_keys: Vec<SimpleKey>,
    /// Which level's key stands at which token. Kept apart from the keys because Go's is: it forgets the key of an empty
    /// flow collection.
    keys_by_token: Vec<(usize, usize)>,
}

impl<'t> Tokens<'t> {
    pub(crate) fn new(text: &'t str) -> Self {
        let cursor = Cursor::new(text);
        let first = SimpleKey { possible: false, required: false, token: 0, index: 0, mark: cursor.mark() };
        Self {
            cursor,
            queue: VecDeque::with_capacity(16),
            parsed: 0,
            available: false,
            indent: -1,
            indents: Vec::new(),
            flow_level: 0,
            simple_key_allowed: true,
            simple_keys: vec![first],
            keys_by_token: Vec::new(),
        }
    }

    /// The next token, which stays.
    pub(crate) fn peek(&mut self) -> Result<&Token<'t>, Error> {
        if !self.available {
            self.fetch_more()?;
            self.available = true;
        }
        let end = self.cursor.mark();
        // The queue is never empty here; the end of the stream is always there to be told again.
        if self.queue.is_empty() {
            self.queue.push_back(Token { kind: TokenKind::StreamEnd, start: end, end });
        }
        Ok(&self.queue[0])
    }

    /// Takes the next token.
    pub(crate) fn take(&mut self) -> Result<Token<'t>, Error> {
        self.peek()?;
        self.available = false;
        self.parsed += 1;
        let end = self.cursor.mark();
        Ok(self.queue.pop_front().unwrap_or(Token { kind: TokenKind::StreamEnd, start: end, end }))
    }

    fn fetch_more(&mut self) -> Result<(), Error> {
        loop {
            if !self.queue.is_empty() {
                let Some(&(_, level)) = self.keys_by_token.iter().find(|(token, _)| *token == self.parsed) else {
                    return Ok(());
                };
                if !self.is_key_valid(level)? {
                    return Ok(());
                }
            }
            self.fetch_next()?;
        }
    }

    fn fetch_next(&mut self) -> Result<(), Error> {
        self.skip_to_token();
        self.unroll_indent(self.cursor.column() as isize);
        let cursor = &self.cursor;
        if cursor.is_end() {
            return self.stream_end();
        }
        let byte = cursor.byte();
        let at_line_start = cursor.column() == 0;
        if at_line_start && byte == b'%' {
            return self.directive();
        }
        if cursor.is_document_indicator() {
            let kind = if byte == b'-' { TokenKind::DocumentStart } else { TokenKind::DocumentEnd };
            return self.document_indicator(kind);
        }
        let blank_follows = cursor.is_blankz(1);
        let in_flow = self.flow_level > 0;
        match byte {
            b'[' => self.flow_start(TokenKind::FlowSequenceStart),
            b'{' => self.flow_start(TokenKind::FlowMappingStart),
            b']' => self.flow_end(TokenKind::FlowSequenceEnd),
            b'}' => self.flow_end(TokenKind::FlowMappingEnd),
            b',' => self.flow_entry(),
            b'-' if blank_follows => self.block_entry(),
            b'?' if in_flow || blank_follows => self.key(),
            b':' if in_flow || blank_follows => self.value(),
            b'*' | b'&' => self.anchor(byte == b'*'),
            b'!' => self.tag(),
            b'|' | b'>' if !in_flow => self.block_scalar(byte == b'|'),
            b'\'' | b'"' => self.quoted_scalar(byte == b'\''),
            b'-' if !cursor.is_blank(1) => self.plain_scalar(),
            b'?' | b':' if !in_flow => self.plain_scalar(),
            b'-' | b'?' | b':' | b'#' | b'|' | b'>' | b'%' | b'@' | b'`' | b' ' | b'\t' => {
                Err(cursor.error("found character that cannot start any token", cursor.mark()))
            }
            _ => self.plain_scalar(),
        }
    }

    /// Moves over blanks, comments and line breaks. A tab may not indent a block.
    fn skip_to_token(&mut self) {
        loop {
            if self.cursor.has_second_mark() && self.cursor.column() == 0 {
                self.cursor.skip_char();
            }
            loop {
                match self.cursor.byte() {
                    b' ' => self.cursor.skip(1),
                    b'\t' if self.flow_level > 0 || !self.simple_key_allowed => self.cursor.skip(1),
                    _ => break,
                }
            }
            self.cursor.skip_comment();
            if !self.cursor.is_break(0) {
                return;
            }
            self.cursor.skip_break();
            if self.flow_level == 0 {
                self.simple_key_allowed = true;
            }
        }
    }

    fn is_key_valid(&mut self, level: usize) -> Result<bool, Error> {
        let key = self.simple_keys[level];
        if !key.possible {
            return Ok(false);
        }
        if key.mark.line < self.cursor.line + 1 || key.index + MAX_SIMPLE_KEY < self.cursor.index() {
            self.require_no_key(key)?;
            self.simple_keys[level].possible = false;
            return Ok(false);
        }
        Ok(true)
    }

    fn require_no_key(&self, key: SimpleKey) -> Result<(), Error> {
        if key.required { Err(self.cursor.error("could not find expected ':'", key.mark)) } else { Ok(()) }
    }

    fn last_key(&mut self) -> &mut SimpleKey {
        let last = self.simple_keys.len() - 1;
        &mut self.simple_keys[last]
    }

    /// Remembers that a simple key may start here.
    pub(crate) fn save_simple_key(&mut self) -> Result<(), Error> {
        if !self.simple_key_allowed {
            return Ok(());
        }
        let key = SimpleKey {
            possible: true,
            required: self.flow_level == 0 && self.indent == self.cursor.column() as isize,
            token: self.parsed + self.queue.len(),
            index: self.cursor.index(),
            mark: self.cursor.mark(),
        };
        self.remove_simple_key()?;
        *self.last_key() = key;
        let level = self.simple_keys.len() - 1;
        self.forget_key(key.token);
        self.keys_by_token.push((key.token, level));
        Ok(())
    }

    fn forget_key(&mut self, token: usize) {
        // What was taken is never asked for again: a list of texts without end would leave a key for each of them.
        let parsed = self.parsed;
        self.keys_by_token.retain(|(number, _)| *number != token && *number >= parsed);
    }

    /// No simple key started at this flow level, whatever seemed so.
    pub(crate) fn remove_simple_key(&mut self) -> Result<(), Error> {
        let key = *self.last_key();
        if key.possible {
            self.require_no_key(key)?;
            self.last_key().possible = false;
            self.forget_key(key.token);
        }
        Ok(())
    }

    fn roll_indent(&mut self, column: isize, token: Option<usize>, kind: TokenKind<'t>, mark: Mark) {
        if self.flow_level > 0 || self.indent >= column {
            return;
        }
        self.indents.push(self.indent);
        self.indent = column;
        let token_at = token.map(|number| number.saturating_sub(self.parsed));
        self.insert(token_at, Token { kind, start: mark, end: mark });
    }

    fn unroll_indent(&mut self, column: isize) {
        if self.flow_level > 0 {
            return;
        }
        while self.indent > column {
            let mark = self.cursor.mark();
            self.push(TokenKind::BlockEnd, mark);
            self.indent = self.indents.pop().unwrap_or(-1);
        }
    }

    fn insert(&mut self, at: Option<usize>, token: Token<'t>) {
        match at {
            Some(at) if at < self.queue.len() => self.queue.insert(at, token),
            _ => self.queue.push_back(token),
        }
    }

    /// Appends a token that reaches from `start` to the cursor.
    pub(crate) fn push(&mut self, kind: TokenKind<'t>, start: Mark) {
        self.push_until(kind, start, self.cursor.mark());
    }

    pub(crate) fn push_until(&mut self, kind: TokenKind<'t>, start: Mark, end: Mark) {
        self.queue.push_back(Token { kind, start, end });
    }

    /// Appends a token of the next `length` bytes.
    fn push_indicator(&mut self, kind: TokenKind<'t>, length: usize) {
        let start = self.cursor.mark();
        self.cursor.skip(length);
        self.push(kind, start);
    }

    fn stream_end(&mut self) -> Result<(), Error> {
        self.cursor.force_line();
        self.unroll_indent(-1);
        self.remove_simple_key()?;
        self.simple_key_allowed = false;
        let mark = self.cursor.mark();
        self.push(TokenKind::StreamEnd, mark);
        Ok(())
    }

    fn directive(&mut self) -> Result<(), Error> {
        self.unroll_indent(-1);
        self.remove_simple_key()?;
        self.simple_key_allowed = false;
        self.scan_directive()
    }

    fn document_indicator(&mut self, kind: TokenKind<'t>) -> Result<(), Error> {
        self.unroll_indent(-1);
        self.remove_simple_key()?;
        self.simple_key_allowed = false;
        self.push_indicator(kind, 3);
        Ok(())
    }

    fn flow_start(&mut self, kind: TokenKind<'t>) -> Result<(), Error> {
        self.save_simple_key()?;
        let token = self.parsed + self.queue.len();
        let (index, mark) = (self.cursor.index(), self.cursor.mark());
        self.simple_keys.push(SimpleKey { possible: false, required: false, token, index, mark });
        self.flow_level += 1;
        self.simple_key_allowed = true;
        self.push_indicator(kind, 1);
        Ok(())
    }

    fn flow_end(&mut self, kind: TokenKind<'t>) -> Result<(), Error> {
        self.remove_simple_key()?;
        if self.flow_level > 0 {
            self.flow_level -= 1;
            if let Some(key) = self.simple_keys.pop() {
                self.forget_key(key.token);
            }
        }
        self.simple_key_allowed = false;
        self.push_indicator(kind, 1);
        Ok(())
    }

    fn flow_entry(&mut self) -> Result<(), Error> {
        self.remove_simple_key()?;
        self.simple_key_allowed = true;
        self.push_indicator(TokenKind::FlowEntry, 1);
        Ok(())
    }

    fn block_entry(&mut self) -> Result<(), Error> {
        self.roll_at_cursor(TokenKind::BlockSequenceStart, "block sequence entries are not allowed in this context")?;
        self.remove_simple_key()?;
        self.simple_key_allowed = true;
        self.push_indicator(TokenKind::BlockEntry, 1);
        Ok(())
    }

    fn key(&mut self) -> Result<(), Error> {
        self.roll_at_cursor(TokenKind::BlockMappingStart, "mapping keys are not allowed in this context")?;
        self.remove_simple_key()?;
        self.simple_key_allowed = self.flow_level == 0;
        self.push_indicator(TokenKind::Key, 1);
        Ok(())
    }

    /// In a block: an indicator that may open a collection stands here, or `problem` is what is wrong with it.
    fn roll_at_cursor(&mut self, kind: TokenKind<'t>, problem: &str) -> Result<(), Error> {
        if self.flow_level == 0 {
            let mark = self.cursor.mark();
            if !self.simple_key_allowed {
                return Err(self.cursor.error(problem, mark));
            }
            self.roll_indent(self.cursor.column() as isize, None, kind, mark);
        }
        Ok(())
    }

    fn value(&mut self) -> Result<(), Error> {
        let level = self.simple_keys.len() - 1;
        if self.is_key_valid(level)? {
            let key = self.simple_keys[level];
            let token = Token { kind: TokenKind::Key, start: key.mark, end: key.mark };
            self.insert(key.token.checked_sub(self.parsed), token);
            let column = key.mark.column as isize - 1;
            self.roll_indent(column, Some(key.token), TokenKind::BlockMappingStart, key.mark);
            self.simple_keys[level].possible = false;
            self.forget_key(key.token);
            self.simple_key_allowed = false;
        } else {
            self.roll_at_cursor(TokenKind::BlockMappingStart, "mapping values are not allowed in this context")?;
            self.simple_key_allowed = self.flow_level == 0;
        }
        self.push_indicator(TokenKind::Value, 1);
        Ok(())
    }

    fn anchor(&mut self, alias: bool) -> Result<(), Error> {
        self.save_simple_key()?;
        self.simple_key_allowed = false;
        self.scan_anchor(alias)
    }

    fn tag(&mut self) -> Result<(), Error> {
        self.save_simple_key()?;
        self.simple_key_allowed = false;
        self.scan_tag()
    }

    fn block_scalar(&mut self, literal: bool) -> Result<(), Error> {
        self.remove_simple_key()?;
        self.simple_key_allowed = true;
        self.scan_block_scalar(literal)
    }

    fn quoted_scalar(&mut self, single: bool) -> Result<(), Error> {
        self.save_simple_key()?;
        self.simple_key_allowed = false;
        self.scan_quoted_scalar(single)
    }

    fn plain_scalar(&mut self) -> Result<(), Error> {
        self.save_simple_key()?;
        self.simple_key_allowed = false;
        self.scan_plain_scalar()
    }
}
