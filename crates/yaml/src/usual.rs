//! The form in which nearly all YAML of charts and manifests is written, read line by line.
//!
//! ```text
//!  text ─► line ─► column ─► closes or opens collections ─► key, item, scalar ─► Node
//!            └─► anything unusual ─► None: the grammar reads the whole text instead
//! ```
//!
//! Block mappings and sequences with scalars on one line, block scalars, and flow collections on one line take no tokens and
//! no events: what a line is shows in its first characters. Whatever has to be thought about (tabs, anchors, tags, scalars of
//! several lines, document markers, and all that is wrong) is left to the grammar, so nothing here knows an error. What both
//! read is the same to the last position; the tests hold them beside each other.

use crate::cursor::{is_all, is_allowed};
use crate::event::Text;
use crate::number;
use crate::parse::is_one_of;
use crate::resolve::{Resolved, resolve};
use crate::{Mark, Node, NodeKind, Span, Value};
use std::borrow::Cow;

/// Deeper nesting is unusual.
const MAX_DEPTH: usize = 64;

/// Go takes no longer simple keys than twice that.
const MAX_KEY: usize = 512;

/// The one document of a text, or `None` where the text is not of the usual form. With `fields` it is a mapping, and only
/// its entries with these keys are kept, whatever the case of their letters.
pub(crate) fn read(text: &str, fields: Option<&[&str]>) -> Option<Node> {
    let is_ascii = is_usual(text)?;
    let bytes = text.as_bytes();
    let mut reader = Reader {
        text,
        bytes,
        is_ascii,
        fields,
        line: 0,
        line_start: 0,
        is_marked: false,
        builds: fields.is_none(),
        open: Vec::with_capacity(8),
    };
    let mut at = 0;
    while at < bytes.len() {
        reader.line += 1;
        reader.line_start = at;
        at = reader.line_at(at)?;
    }
    reader.finish()
}

/// The characters of a line at which a plain scalar may end.
const MAY_END: [bool; 256] = {
    let mut table = [false; 256];
    table[b'\n' as usize] = true;
    table[b'\t' as usize] = true;
    table[b'#' as usize] = true;
    table[b':' as usize] = true;
    table
};

/// Whether a text has no character that is an error, a line break of its own kind or a byte order mark; then, whether it is
/// ASCII.
fn is_usual(text: &str) -> Option<bool> {
    if is_all(text, |byte| matches!(byte, b'\n' | b'\t' | b' '..=b'~')) {
        return Some(true);
    }
    let allowed = |c| is_allowed(c) && !matches!(c, '\r' | '\u{85}' | '\u{2028}' | '\u{2029}');
    (!text.starts_with('\u{feff}') && text.chars().all(allowed)).then_some(false)
}

/// A collection that is open, with what of it is kept.
enum Items {
    Seq(Vec<Node>),
    /// The last key waits for its value.
    Map(Vec<(Node, Node)>, Option<Node>),
}

struct Open {
    /// Column of its keys or dashes, from 0.
    column: usize,
    /// A sequence that stands in the column of the key that it belongs to.
    indentless: bool,
    start: Mark,
    /// The key or the dash has no value yet; where one would stand if there is none.
    waits: Option<Mark>,
    items: Items,
}

impl Open {
    fn is_map(&self) -> bool {
        is_map(&self.items)
    }

    fn into_node(self, end: Mark) -> Node {
        let kind = match self.items {
            Items::Seq(items) => NodeKind::Seq(items),
            Items::Map(entries, _) => NodeKind::Map(entries),
        };
        Node { kind, span: Span { start: self.start, end } }
    }
}

struct Reader<'t> {
    text: &'t str,
    bytes: &'t [u8],
    is_ascii: bool,
    fields: Option<&'t [&'t str]>,
    /// From 1.
    line: u32,
    line_start: usize,
    /// A `---` was there.
    is_marked: bool,
    /// Nodes are kept here.
    builds: bool,
    open: Vec<Open>,
}

impl<'t> Reader<'t> {
    fn byte(&self, at: usize) -> u8 {
        self.bytes.get(at).copied().unwrap_or(b'\n')
    }

    fn mark(&self, at: usize) -> Mark {
        let column = if self.is_ascii { at - self.line_start } else { self.text[self.line_start..at].chars().count() };
        Mark { line: self.line, column: column as u32 + 1, offset: at }
    }

    fn span(&self, from: usize, to: usize) -> Span {
        Span { start: self.mark(from), end: self.mark(to) }
    }

    fn skip_spaces(&self, mut at: usize) -> usize {
        while self.byte(at) == b' ' {
            at += 1;
        }
        at
    }

    /// Where the next character stands that may end a plain scalar, or the line.
    fn skip_ordinary(&self, at: usize) -> usize {
        let rest = self.bytes.get(at..).unwrap_or_default();
        rest.iter().position(|byte| MAY_END[usize::from(*byte)]).map_or(self.bytes.len(), |found| at + found)
    }

    fn line_end(&self, at: usize) -> usize {
        memchr::memchr(b'\n', &self.bytes[at..]).map_or(self.bytes.len(), |found| at + found)
    }

    /// Reads the line at `at`, and further ones where it begins a block scalar; where the next one starts.
    fn line_at(&mut self, start: usize) -> Option<usize> {
        let mut at = self.skip_spaces(start);
        match self.byte(at) {
            b'\n' | b'#' => {
                let end = self.line_end(at);
                // At the end of a text without a line break, collections end in more than one place.
                return if end < self.bytes.len() { Some(end + 1) } else { None };
            }
            b'\t' => return None,
            _ => {}
        }
        if at == start && self.is_document_marker(at) {
            // Before all else it says nothing.
            let is_first = self.open.is_empty() && !self.is_marked && self.byte(at) == b'-';
            self.is_marked = true;
            return if is_first { self.end_of_line(at + 3) } else { None };
        }
        if at == start && self.byte(at) == b'%' {
            return None;
        }
        let mut column = at - start;
        self.close_until(column, at)?;
        while self.byte(at) == b'-' && matches!(self.byte(at + 1), b' ' | b'\n') {
            self.dash(column, at)?;
            let content = self.skip_spaces(at + 1);
            if self.is_line_done(content) {
                return self.end_of_line(content);
            }
            at = content;
            column = at - start;
        }
        if let Some(colon) = self.key(column, at)? {
            at = self.skip_spaces(colon + 1);
            if self.is_line_done(at) {
                return self.end_of_line(at);
            }
        } else if !self.open.last().is_some_and(|open| open.waits.is_some() && open.column < column) {
            return None;
        }
        self.value(at)
    }

    fn is_document_marker(&self, at: usize) -> bool {
        matches!(self.bytes.get(at..at + 3), Some(b"---" | b"..."))
    }

    /// Nothing but a comment follows; `at` stands behind a space, or at the end.
    fn is_line_done(&self, at: usize) -> bool {
        match self.byte(at) {
            b'\n' => true,
            b'#' => matches!(self.byte(at - 1), b' '),
            _ => false,
        }
    }

    /// The start of the next line, where nothing but spaces and a comment stands before it.
    fn end_of_line(&self, at: usize) -> Option<usize> {
        let rest = self.skip_spaces(at);
        match self.byte(rest) {
            b'\n' => Some(rest + 1),
            b'#' if rest > at || self.byte(rest - 1) == b' ' => Some(self.line_end(rest) + 1),
            _ => None,
        }
    }

    /// Closes collections that the content at `at` in `column` is no part of.
    fn close_until(&mut self, column: usize, at: usize) -> Option<()> {
        let is_dash = self.byte(at) == b'-' && matches!(self.byte(at + 1), b' ' | b'\n');
        while let Some(last) = self.open.last() {
            if last.column < column || last.column == column && (is_dash || !last.indentless) {
                break;
            }
            if self.open.len() == 1 {
                // Nothing may follow the document.
                return None;
            }
            let end = self.mark(at);
            self.close(end);
        }
        Some(())
    }

    /// Closes the innermost collection.
    fn close(&mut self, end: Mark) {
        self.fill();
        let Some(open) = self.open.pop() else { return };
        if self.builds {
            self.add(Some(open.into_node(end)));
        } else {
            self.add(None);
        }
    }

    /// Gives the key or dash that waits nothing as its value.
    fn fill(&mut self) {
        if let Some(at) = self.open.last().and_then(|open| open.waits) {
            let nothing = Node { kind: NodeKind::Scalar(Value::Null), span: Span { start: at, end: at } };
            self.add(Some(nothing));
        }
    }

    /// A value of the innermost collection.
    fn add(&mut self, node: Option<Node>) {
        let builds = self.builds;
        let Some(open) = self.open.last_mut() else { return };
        open.waits = None;
        let Some(node) = node.filter(|_| builds) else { return };
        match &mut open.items {
            Items::Seq(items) => items.push(node),
            Items::Map(entries, key) => {
                if let Some(key) = key.take() {
                    entries.push((key, node));
                }
            }
        }
    }

    /// Opens a collection in `column`, where one may stand.
    fn open(&mut self, column: usize, at: usize, indentless: bool, items: Items) -> Option<()> {
        let fits = match self.open.last() {
            None => true,
            Some(around) => around.waits.is_some() && (around.column < column || indentless),
        };
        if !fits || self.open.len() >= MAX_DEPTH || self.open.is_empty() && self.fields.is_some() && !is_map(&items) {
            return None;
        }
        let start = self.mark(at);
        self.open.push(Open { column, indentless, start, waits: None, items });
        Some(())
    }

    /// A dash: an item of the sequence in its column.
    fn dash(&mut self, column: usize, at: usize) -> Option<()> {
        match self.open.last() {
            Some(open) if open.column == column && !open.is_map() => self.fill(),
            Some(open) if open.column == column => self.open(column, at, true, Items::Seq(Vec::new()))?,
            _ => self.open(column, at, false, Items::Seq(Vec::new()))?,
        }
        let end = self.mark(at + 1);
        self.open.last_mut()?.waits = Some(end);
        Some(())
    }

    /// The key at `at`, if one is there: where its colon stands.
    #[allow(clippy::option_option)]
    fn key(&mut self, column: usize, at: usize) -> Option<Option<usize>> {
        let (colon, from, to, quoted) = match self.byte(at) {
            quote @ (b'"' | b'\'') => {
                let close = self.simple_quoted(at, quote);
                match close {
                    Some(close) if self.byte(close + 1) == b':' => (close + 1, at + 1, close, true),
                    _ => return Some(None),
                }
            }
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'.' | b'/' | b'$' | b'-' => {
                let Some(colon) = self.plain_key(at) else { return Some(None) };
                (colon, at, colon, false)
            }
            _ => return Some(None),
        };
        if !matches!(self.byte(colon + 1), b' ' | b'\n') {
            return if quoted { None } else { Some(None) };
        }
        let name = &self.text[from..to];
        if name.len() > MAX_KEY {
            return None;
        }
        match self.open.last() {
            Some(open) if open.column == column && open.is_map() => self.fill(),
            Some(open) if open.column == column => return None,
            _ => self.open(column, at, false, Items::Map(Vec::new(), None))?,
        }
        if self.open.len() == 1
            && let Some(fields) = self.fields
        {
            self.builds = is_one_of(name, fields);
        }
        let key = if quoted { Cow::Borrowed(name) } else { key_text(name)? };
        let node = self.builds.then(|| {
            let end = if quoted { to + 1 } else { to };
            Node { kind: NodeKind::Scalar(Value::String(key.into_owned())), span: self.span(at, end) }
        });
        let after = self.mark(colon + 1);
        let open = self.open.last_mut()?;
        open.waits = Some(after);
        if let Items::Map(_, waiting) = &mut open.items {
            *waiting = node;
        }
        Some(Some(colon))
    }

    /// The colon behind a plain key, which has nothing in it that another rule could be about.
    fn plain_key(&self, at: usize) -> Option<usize> {
        let mut end = at;
        loop {
            end = self.skip_ordinary(end);
            match self.byte(end) {
                b':' if matches!(self.byte(end + 1), b' ' | b'\n') => {
                    return (self.byte(end - 1) != b' ').then_some(end);
                }
                b':' => end += 1,
                _ => return None,
            }
        }
    }

    /// The closing quote of a scalar without escapes on this line.
    fn simple_quoted(&self, at: usize, quote: u8) -> Option<usize> {
        let mut end = at + 1;
        loop {
            match self.byte(end) {
                b'\n' | b'\\' => return None,
                byte if byte == quote => return (quote != b'\'' || self.byte(end + 1) != b'\'').then_some(end),
                _ => end += 1,
            }
        }
    }

    /// The value at `at`, which is all that stands on the rest of this line but for block scalars; where the next line starts.
    fn value(&mut self, at: usize) -> Option<usize> {
        let (node, end) = match self.byte(at) {
            b'|' | b'>' => {
                let (node, next) = self.block(at)?;
                self.add(node);
                return Some(next);
            }
            quote @ (b'"' | b'\'') => self.quoted(at, quote)?,
            b'[' | b'{' => self.flow(at, 0)?,
            _ => self.plain(at)?,
        };
        self.add(node);
        self.end_of_line(end)
    }

    fn scalar(&self, value: Value, from: usize, to: usize) -> Node {
        Node { kind: NodeKind::Scalar(value), span: self.span(from, to) }
    }

    /// A plain scalar of a block, and where it ends.
    fn plain(&self, at: usize) -> Option<(Option<Node>, usize)> {
        match self.byte(at) {
            b'-' if matches!(self.byte(at + 1), b' ' | b'\n' | b'\t') => return None,
            b'&' | b'*' | b'!' | b'%' | b'@' | b'`' | b',' | b']' | b'}' | b'?' | b':' | b'#' | b'\t' => return None,
            _ => {}
        }
        let mut end = at;
        loop {
            end = self.skip_ordinary(end);
            match self.byte(end) {
                b'\n' => break,
                b'\t' => return None,
                b':' if matches!(self.byte(end + 1), b' ' | b'\n' | b'\t') => return None,
                b'#' if self.byte(end - 1) == b' ' => break,
                _ => end += 1,
            }
        }
        while self.byte(end - 1) == b' ' {
            end -= 1;
        }
        let text = &self.text[at..end];
        let node = if self.builds { Some(self.scalar(plain_value(text)?, at, end)) } else { skim(text)? };
        Some((node, end))
    }

    /// A quoted scalar on one line, and where it ends.
    fn quoted(&self, at: usize, quote: u8) -> Option<(Option<Node>, usize)> {
        let mut end = at + 1;
        let mut from = end;
        let mut text: Text<'t> = Cow::Borrowed("");
        loop {
            match self.byte(end) {
                b'\n' => return None,
                byte if byte == quote => {
                    if quote == b'\'' && self.byte(end + 1) == b'\'' {
                        // The first of the two stays.
                        text.to_mut().push_str(&self.text[from..=end]);
                        end += 2;
                        from = end;
                        continue;
                    }
                    break;
                }
                b'\\' if quote == b'"' => {
                    let meant = match self.byte(end + 1) {
                        b'n' => "\n",
                        b't' => "\t",
                        b'r' => "\r",
                        b'"' => "\"",
                        b'\\' => "\\",
                        _ => return None,
                    };
                    let text = text.to_mut();
                    text.push_str(&self.text[from..end]);
                    text.push_str(meant);
                    end += 2;
                    from = end;
                }
                _ => end += 1,
            }
        }
        let node = self.builds.then(|| {
            let mut text = text.into_owned();
            text.push_str(&self.text[from..end]);
            self.scalar(Value::String(text), at, end + 1)
        });
        Some((node, end + 1))
    }

    /// A flow collection on one line, and where it ends.
    fn flow(&self, at: usize, depth: usize) -> Option<(Option<Node>, usize)> {
        if depth > 8 {
            return None;
        }
        let is_map = self.byte(at) == b'{';
        let close = if is_map { b'}' } else { b']' };
        let mut items = Vec::new();
        let mut entries = Vec::new();
        let mut end = self.skip_spaces(at + 1);
        if self.byte(end) != close {
            loop {
                let from = end;
                let (node, after) = self.flow_value(from, depth, is_map)?;
                end = after;
                if is_map {
                    let is_quoted = matches!(self.byte(from), b'"' | b'\'');
                    if self.byte(end) != b':' || !(is_quoted || self.byte(end + 1) == b' ') || end - from > MAX_KEY {
                        return None;
                    }
                    let key = match (node, is_quoted) {
                        (Some(node), true) => Some(node),
                        (_, true) => None,
                        (_, false) => {
                            let name = key_text(&self.text[from..end])?;
                            self.builds.then(|| self.scalar(Value::String(name.into_owned()), from, end))
                        }
                    };
                    let (value, after) = self.flow_value(self.skip_spaces(end + 1), depth, false)?;
                    end = after;
                    entries.extend(key.zip(value));
                } else {
                    items.extend(node);
                }
                end = self.skip_spaces(end);
                match self.byte(end) {
                    b',' => end = self.skip_spaces(end + 1),
                    byte if byte == close => break,
                    _ => return None,
                }
            }
        }
        let kind = if is_map { NodeKind::Map(entries) } else { NodeKind::Seq(items) };
        let node = self.builds.then(|| Node { kind, span: self.span(at, end + 1) });
        Some((node, end + 1))
    }

    /// A value in a flow collection, or a key, and where it ends.
    fn flow_value(&self, at: usize, depth: usize, is_key: bool) -> Option<(Option<Node>, usize)> {
        match self.byte(at) {
            b'[' | b'{' if !is_key => return self.flow(at, depth + 1),
            quote @ (b'"' | b'\'') => return self.quoted(at, quote),
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'.' | b'/' => {}
            b'-' if matches!(self.byte(at + 1), b'-' | b'.' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z') => {}
            _ => return None,
        }
        let mut end = at;
        loop {
            match self.byte(end) {
                b',' | b']' | b'}' => break,
                b':' if matches!(self.byte(end + 1), b'/' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z') => end += 1,
                b':' if is_key => break,
                b'a'..=b'z'
                | b'A'..=b'Z'
                | b'0'..=b'9'
                | b'_'
                | b'.'
                | b'/'
                | b'-'
                | b'+'
                | b'='
                | b'@'
                | b'('
                | b')'
                | b'$'
                | b'*'
                | b'~'
                | b'%' => end += 1,
                b' ' if !is_key && self.byte(end + 1) != b'#' => end += 1,
                _ => return None,
            }
        }
        while self.byte(end - 1) == b' ' {
            end -= 1;
        }
        let text = &self.text[at..end];
        let node = if self.builds { Some(self.scalar(plain_value(text)?, at, end)) } else { skim(text)? };
        Some((node, end))
    }

    /// A block scalar, and where the line behind it starts.
    fn block(&mut self, at: usize) -> Option<(Option<Node>, usize)> {
        let around = self.open.last()?.column;
        let start = self.mark(at);
        let is_literal = self.byte(at) == b'|';
        let chomping = self.byte(at + 1);
        let header = if matches!(chomping, b'-' | b'+') { at + 2 } else { at + 1 };
        let mut next = self.end_of_line(header)?;
        // How far it is indented shows in its first line with text; empty ones before it must not be indented themselves.
        let mut content = next;
        while content < self.bytes.len() && self.byte(content) == b'\n' {
            content += 1;
        }
        let text_at = self.skip_spaces(content);
        let indent = text_at - content;
        if indent <= around || matches!(self.byte(text_at), b'\t' | b'\n') {
            return None;
        }
        let mut lines = 0;
        // `|` reads the lines as they are; `>` joins them.
        let mut value = String::new();
        let mut breaks = 0;
        let mut has_leading_break = false;
        let mut leading_blank = false;
        let mut end = None;
        while next < self.bytes.len() {
            let line = next;
            let mut at = line;
            while at < line + indent && self.byte(at) == b' ' {
                at += 1;
            }
            if at < line + indent && self.byte(at) != b'\n' {
                if self.byte(at) == b'\t' {
                    return None;
                }
                break;
            }
            if self.byte(at) == b'\n' {
                if at >= self.bytes.len() {
                    // Spaces at the very end.
                    return None;
                }
                breaks += 1;
                lines += 1;
                next = at + 1;
                continue;
            }
            let line_end = self.line_end(at);
            if self.builds {
                let blank = matches!(self.byte(at), b' ' | b'\t');
                if !is_literal && !leading_blank && !blank && has_leading_break {
                    if breaks == 0 {
                        value.push(' ');
                    }
                } else if has_leading_break {
                    value.push('\n');
                }
                value.extend(std::iter::repeat_n('\n', breaks));
                leading_blank = blank;
                value.push_str(&self.text[at..line_end]);
            }
            breaks = 0;
            lines += 1;
            has_leading_break = line_end < self.bytes.len();
            next = line_end + 1;
            if !has_leading_break {
                // Without a line break it ends where the text does.
                end = Some((line, self.bytes.len()));
                next = self.bytes.len();
            }
        }
        let node = self.builds.then(|| {
            if chomping != b'-' && has_leading_break {
                value.push('\n');
            }
            if chomping == b'+' {
                value.extend(std::iter::repeat_n('\n', breaks));
            }
            let end = match end {
                None => Mark { line: self.line + lines + 1, column: 1, offset: next },
                Some((line, offset)) => {
                    let column = self.text[line..offset].chars().count();
                    Mark { line: self.line + lines, column: column as u32 + 1, offset }
                }
            };
            Node { kind: NodeKind::Scalar(Value::String(value)), span: Span { start, end } }
        });
        self.line += lines;
        if end.is_some() {
            // What ends the text is this line.
            self.line_start = self.bytes.len();
        }
        Some((node, next))
    }

    /// The document, when all lines are read.
    fn finish(mut self) -> Option<Node> {
        let length = self.bytes.len();
        // Behind the last line, also where that has no line break.
        let end = Mark { line: self.line + 1, column: 1, offset: length };
        while self.open.len() > 1 {
            self.close(end);
        }
        self.fill();
        Some(self.open.pop()?.into_node(end))
    }
}

fn is_map(items: &Items) -> bool {
    matches!(items, Items::Map(..))
}

/// The text of a plain key, as the conversion to JSON spells it; `None` where it is no key, or merges.
fn key_text(name: &str) -> Option<Text<'_>> {
    if name == "<<" {
        return None;
    }
    match resolve(name) {
        Resolved::Text | Resolved::Timestamp => Some(Cow::Borrowed(name)),
        Resolved::Bool(value) => Some(Cow::Owned(value.to_string())),
        Resolved::Int(value) => Some(Cow::Owned(value.to_string())),
        // JSON has no such key: the grammar says so.
        Resolved::Uint(_) => None,
        Resolved::Float(value) if value.is_finite() => Some(Cow::Owned(number::format_float32(value))),
        Resolved::Null | Resolved::Float(_) => None,
    }
}

/// What a plain scalar means; `None` where JSON has no such value.
fn plain_value(text: &str) -> Option<Value> {
    Some(match resolve(text) {
        Resolved::Null => Value::Null,
        Resolved::Bool(value) => Value::Bool(value),
        Resolved::Int(value) => Value::Int(value),
        Resolved::Uint(value) => Value::Float(value as f64),
        Resolved::Float(value) if value.is_finite() => Value::Float(value),
        Resolved::Float(_) => return None,
        Resolved::Timestamp | Resolved::Text => Value::String(text.to_owned()),
    })
}

/// Nothing, where a plain scalar cannot be wrong.
fn skim(text: &str) -> Option<Option<Node>> {
    (!matches!(text.as_bytes(), [b'.' | b'+' | b'-', ..]) || plain_value(text).is_some()).then_some(None)
}

#[cfg(test)]
mod tests {
    use super::read;
    use crate::parse::{by_grammar, fields_by_grammar, is_one_of};
    use crate::{Node, NodeKind};
    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::select;
    use proptest::test_runner::{Config, TestRunner};

    /// What the usual form reads is what the grammar reads, to the last position. Whether it was of the usual form.
    fn beside_grammar(text: &str) -> Result<bool, TestCaseError> {
        let whole = read(text, None);
        if let Some(node) = &whole {
            let other = by_grammar(text);
            prop_assert_eq!(Ok(Some(node)), other.as_ref().map(Option::as_ref), "{}", text);
        }
        for fields in [["apiversion", "kind", "metadata"], ["a", "b", "long"]] {
            if let Some(node) = read(text, Some(&fields)) {
                let mut other = fields_by_grammar(text, &fields);
                // It may know more than what was asked for.
                if let Ok(Some(Node { kind: NodeKind::Map(entries), .. })) = &mut other {
                    entries.retain(|(key, _)| key.as_str().is_some_and(|key| is_one_of(key, &fields)));
                }
                prop_assert_eq!(Ok(Some(&node)), other.as_ref().map(Option::as_ref), "{}", text);
            }
        }
        Ok(whole.is_some())
    }

    const KEYS: &[&str] = &[
        "a",
        "b",
        "kind",
        "metadata",
        "long name",
        "'q'",
        "\"d\"",
        "\"it's\"",
        "1",
        "0x1f",
        "1.50",
        "yes",
        "null",
        "~",
        "<<",
        ".inf",
        "-x",
        "2020-01-01",
        "a/b.c-d",
        "é",
        "x'y",
        "18446744073709551615",
        "\"a\\tb\"",
        "''",
        "?x",
        "a:b",
        "$v",
        "_",
        "k]",
    ];
    const SCALARS: &[&str] = &[
        "",
        "x",
        "1",
        "-1",
        "1.5",
        "true",
        "no",
        "~",
        "null",
        "-.inf",
        ".nan",
        ".5",
        "a b",
        "a: b",
        "a:",
        "a:b",
        "a #c",
        "a#c",
        "# c",
        "'q'",
        "'it''s'",
        "\"d\"",
        "\"a\\nb\"",
        "\"\\x41\"",
        "\"\\q\"",
        "'open",
        "'a' b",
        "'a' # c",
        "\"a\"#c",
        "&a x",
        "*a",
        "!!str 1",
        "|",
        ">",
        "|-",
        ">+",
        "|2",
        "| # c",
        "|x",
        "{}",
        "[]",
        "[a, b]",
        "{a: 1, b: [x, \"y\"]}",
        "{\"a\":1}",
        "[a, ]",
        "{a: }",
        "[a b, c]",
        "[http://x/y:1, -1, --flag=x]",
        "[a: b]",
        "{a:b}",
        "{a}",
        "[a #c",
        "[a] # c",
        "{a: 1}x",
        "[ ]",
        "{ a: 1 }",
        "[a,b]",
        "{a: 1,b: 2}",
        "[.inf]",
        "{null: 1}",
        "- x",
        "-x",
        "--- x",
        "a\tb",
        "\tx",
        "x\t",
        "é",
        "ü: x",
        "[é, x]",
        "2001-12-14",
        "@x",
        "`x`",
        "%x",
        "? x",
        "x  ",
        "0o7",
        "1e3",
        "1_000",
        "...",
        "---",
        "<<",
        "[<<]",
        "{<<: x}",
        "'<<'",
        "\u{a0}x",
        "\u{85}",
        "\u{2028}",
        "x, y",
        "{{ x }}",
        "[[a], [b, {c: d}]]",
        "a}b",
        "*",
        "\"a\" \"b\"",
        "'\t'",
        "x:\ty",
        "[a-b.c/d+e=f@g(h)$i*j~k%l]",
        "- - x",
        "- a: 1",
        "\u{feff}",
        "a\\b",
        "[\"a\\\\\", 'b''c']",
        "[a :b]",
        "{a :b}",
        "[-]",
        "[- a]",
        "{a: -}",
        "-",
        "- ",
        "[~]",
        "{a: ~}",
        "[ a , b ]",
    ];

    /// A line: indentation, dashes, key, value, or text as a block scalar has it.
    fn line() -> impl Strategy<Value = String> {
        let indent = select(vec![0_usize, 0, 0, 2, 2, 2, 4, 4, 1, 3, 6]);
        let dashes = select(vec!["", "", "", "", "- ", "- ", "-  ", "- - ", "-"]);
        let key = prop_oneof![4 => select(KEYS).prop_map(|key| format!("{key}: ")), 1 => select(KEYS).prop_map(|key| format!("{key}:")),
            2 => Just(String::new())];
        let lines = (indent, dashes, key, select(SCALARS))
            .prop_map(|(indent, dashes, key, value)| format!("{}{dashes}{key}{value}", " ".repeat(indent)));
        prop_oneof![8 => lines, 1 => select(vec!["", "  ", "    ", "---", "--- # c", "---  ", "---x", "# c", "  # c", "\t", "    # c", "---", "- x", "    text", "      deeper", "  x\ty"]).prop_map(str::to_owned)]
    }

    /// Lines that mostly fit: what a person would write.
    fn tidy(depth: u32) -> BoxedStrategy<Vec<String>> {
        let scalar = select(vec![
            "x",
            "1",
            "'q'",
            "\"a\\nb\"",
            "[a, 'b']",
            "{a: 1}",
            "~",
            "",
            "a b c",
            "true",
            "-1.5",
            "x # c",
            "http://x:80/y",
        ]);
        let leaf = (select(KEYS), scalar).prop_map(|(key, value)| vec![format!("{key}: {value}")]);
        if depth == 0 {
            return leaf.boxed();
        }
        let block = (
            select(vec!["|", "|-", "|+", ">", ">-", ">+"]),
            vec(select(vec!["text", "", "  more", "   ", "- x", "a: b", "# no", "\tx", "é"]), 0..5),
        )
            .prop_map(|(style, lines)| {
                let lines =
                    lines.into_iter().map(|line| if line.is_empty() { String::new() } else { format!("  {line}") });
                std::iter::once(format!("a: {style}")).chain(lines).collect()
            });
        let nested = (select(KEYS), vec(tidy(depth - 1), 0..3), select(vec![0_usize, 2, 2, 4]), any::<bool>())
            .prop_map(|(key, children, indent, dashes)| {
                let mut lines = vec![format!("{key}:")];
                for child in children {
                    for (at, line) in child.into_iter().enumerate() {
                        let dash = if !dashes {
                            ""
                        } else if at == 0 {
                            "- "
                        } else {
                            "  "
                        };
                        lines.push(format!("{}{dash}{line}", " ".repeat(indent)));
                    }
                }
                lines
            });
        let group = vec(tidy(depth - 1), 1..4).prop_map(|lines| lines.concat());
        prop_oneof![3 => leaf, 2 => block, 3 => nested, 3 => group].boxed()
    }

    fn check(text: impl Strategy<Value = String>, cases: u32) -> u32 {
        let times = std::env::var("BOWLINE_FUZZ").ok().and_then(|times| times.parse().ok()).unwrap_or(1);
        let usual = std::cell::Cell::new(0);
        let mut runner =
            TestRunner::new(Config { cases: cases * times, failure_persistence: None, ..Config::default() });
        let result = runner.run(&text, |text| {
            if beside_grammar(&text)? {
                usual.set(usual.get() + 1);
            }
            Ok(())
        });
        assert!(result.is_ok(), "{}", result.unwrap_err());
        usual.get() * 100 / (cases * times)
    }

    /// To leave these to the grammar would be right, but slow.
    #[test]
    fn what_charts_hold_is_usual() {
        for text in [
            "a:\n- b\n- c\nd: e\n",
            "a:\n  - b: 1\n    c: x y\n  -\n    d: ~\ne:\n",
            "- a: [x, \"y\"]\n- {b: 1, c: [z]}\n",
            "---\n# c\na: # c\n  'b': \"x\\ny\" # c\n  c: 'it''s'\n",
            "a: |\n  x: y\n\n    z\nb: >-\n  x\n  y",
            "a: http://x:80/y#z\nb: ☃\n",
        ] {
            assert!(beside_grammar(text).unwrap(), "{text}");
        }
    }

    #[test]
    fn whatever_lines_are_there_the_grammar_reads_the_same() {
        let text = (vec(line(), 1..8), any::<bool>())
            .prop_map(|(lines, ended)| lines.join("\n") + if ended { "\n" } else { "" });
        assert!(check(text, 4000) > 1);
    }

    #[test]
    fn tidy_text_is_usual_and_the_grammar_reads_the_same() {
        let start = select(vec!["", "", "---\n", "# c\n\n--- # c\n"]);
        let text = (start, vec(tidy(3), 1..4), any::<bool>()).prop_map(|(start, groups, ended)| {
            start.to_owned() + &groups.concat().join("\n") + if ended { "\n" } else { "" }
        });
        assert!(check(text, 2000) > 20);
    }

    #[test]
    fn a_changed_character_changes_both() {
        let text = (
            vec(tidy(3), 1..4),
            any::<prop::sample::Index>(),
            select(vec![' ', '\n', ':', '-', '#', '\'', '"', '\t', '|', '[', 'é', ',']),
        )
            .prop_map(|(groups, at, character)| {
                let mut text: Vec<char> = groups.concat().join("\n").chars().collect();
                let at = at.index(text.len() + 1);
                text.insert(at, character);
                text.into_iter().collect()
            });
        assert!(check(text, 4000) > 5);
    }
}
