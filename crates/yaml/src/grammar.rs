//! From tokens to events: YAML's grammar as a machine of states.

use std::borrow::Cow;

use crate::cursor::{is_all, is_allowed, located};
use crate::event::{Event, EventKind, Scalar, Text};
use crate::token::{Token, TokenKind, Tokens};
use crate::{Error, Mark};

/// What is expected next.
#[derive(Clone, Copy, Debug)]
enum State {
    ImplicitDocumentStart,
    DocumentStart,
    DocumentContent,
    DocumentEnd,
    BlockNode,
    BlockSequenceEntry,
    IndentlessSequenceEntry,
    BlockMappingKey,
    BlockMappingValue,
    FlowSequenceFirstEntry,
    FlowSequenceEntry,
    FlowSequenceEntryMappingKey,
    FlowSequenceEntryMappingValue,
    FlowSequenceEntryMappingEnd,
    FlowMappingFirstKey,
    FlowMappingKey,
    FlowMappingValue,
    FlowMappingEmptyValue,
    End,
}

/// Which nodes a place takes.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    Block,
    /// A sequence may stand at the column of its key.
    BlockOrIndentless,
    Flow,
}

/// Produces events.
pub(crate) struct Grammar<'t> {
    tokens: Tokens<'t>,
    state: State,
    /// Where to go on after the current node.
    states: Vec<State>,
    /// Where the open collections started.
    marks: Vec<Mark>,
    /// `%TAG`: handle and prefix.
    directives: Vec<(Text<'t>, Text<'t>)>,
}

impl<'t> Grammar<'t> {
    /// # Errors
    /// A control character anywhere: Go's reader sees those before anything else is looked at.
    pub(crate) fn new(text: &'t str) -> Result<Self, Error> {
        let is_plain = |byte| matches!(byte, b'\t' | b'\n' | b'\r' | b' '..=b'~');
        if !is_all(text, is_plain) && !text.chars().all(is_allowed) {
            return Err(Error::yaml("control characters are not allowed", Mark::default()));
        }
        Ok(Self {
            tokens: Tokens::new(text),
            state: State::ImplicitDocumentStart,
            states: Vec::new(),
            marks: Vec::new(),
            directives: Vec::new(),
        })
    }

    /// The next event; after [`EventKind::StreamEnd`] there is only that.
    pub(crate) fn next(&mut self) -> Result<Event<'t>, Error> {
        match self.state {
            State::ImplicitDocumentStart => self.document_start(true),
            State::DocumentStart => self.document_start(false),
            State::DocumentContent => self.document_content(),
            State::DocumentEnd => self.document_end(),
            State::BlockNode => self.node(Place::Block),
            State::BlockSequenceEntry => self.block_sequence_entry(),
            State::IndentlessSequenceEntry => self.indentless_sequence_entry(),
            State::BlockMappingKey => self.block_mapping_key(),
            State::BlockMappingValue => self.block_mapping_value(),
            State::FlowSequenceFirstEntry => self.flow_sequence_entry(true),
            State::FlowSequenceEntry => self.flow_sequence_entry(false),
            State::FlowSequenceEntryMappingKey => self.flow_sequence_entry_mapping_key(),
            State::FlowSequenceEntryMappingValue => self.flow_sequence_entry_mapping_value(),
            State::FlowSequenceEntryMappingEnd => {
                self.state = State::FlowSequenceEntry;
                let at = self.tokens.peek()?.start;
                Ok(Event { kind: EventKind::MappingEnd, start: at, end: at })
            }
            State::FlowMappingFirstKey => self.flow_mapping_key(true),
            State::FlowMappingKey => self.flow_mapping_key(false),
            State::FlowMappingValue => self.flow_mapping_value(),
            State::FlowMappingEmptyValue => {
                let at = self.tokens.peek()?.start;
                self.empty(State::FlowMappingKey, at)
            }
            State::End => {
                let at = self.tokens.cursor.mark();
                Ok(Event { kind: EventKind::StreamEnd, start: at, end: at })
            }
        }
    }

    fn pop_state(&mut self) {
        self.state = self.states.pop().unwrap_or(State::End);
    }

    /// An empty scalar here, and `next` after it.
    fn empty(&mut self, next: State, at: Mark) -> Result<Event<'t>, Error> {
        self.state = next;
        let scalar = Scalar { anchor: None, tag: None, value: Cow::Borrowed(""), implicit: true };
        Ok(Event { kind: EventKind::Scalar(scalar), start: at, end: at })
    }

    /// The node that stands here, and `next` after it.
    fn node_then(&mut self, next: State, place: Place) -> Result<Event<'t>, Error> {
        self.states.push(next);
        self.node(place)
    }

    /// The token that ends the open collection is taken.
    fn end(&mut self, kind: EventKind<'t>) -> Result<Event<'t>, Error> {
        let token = self.tokens.take()?;
        self.pop_state();
        self.marks.pop();
        Ok(Event { kind, start: token.start, end: token.end })
    }

    /// The open collection cannot go on like this. Go counts this line from 0, and leaves 0 out for the context's.
    fn unexpected(&mut self, problem: &str) -> Result<Event<'t>, Error> {
        let context = self.marks.pop().unwrap_or_default();
        let at = self.tokens.peek()?.start;
        Err(parser_error(problem, at, context))
    }

    fn document_start(&mut self, implicit: bool) -> Result<Event<'t>, Error> {
        if !implicit {
            while self.tokens.peek()?.kind == TokenKind::DocumentEnd {
                self.tokens.take()?;
            }
        }
        let token = self.tokens.peek()?;
        let (start, mut end) = (token.start, token.end);
        let explicit = matches!(
            token.kind,
            TokenKind::VersionDirective(..) | TokenKind::TagDirective { .. } | TokenKind::DocumentStart
        );
        if token.kind == TokenKind::StreamEnd {
            self.state = State::End;
            return Ok(Event { kind: EventKind::StreamEnd, start, end });
        }
        self.read_directives()?;
        if implicit && !explicit {
            self.state = State::BlockNode;
        } else {
            let token = self.tokens.peek()?;
            if token.kind != TokenKind::DocumentStart {
                return Err(parser_error("did not find expected <document start>", token.start, Mark::default()));
            }
            end = token.end;
            self.tokens.take()?;
            self.state = State::DocumentContent;
        }
        self.states.push(State::DocumentEnd);
        Ok(Event { kind: EventKind::DocumentStart, start, end })
    }

    fn read_directives(&mut self) -> Result<(), Error> {
        let mut version = false;
        loop {
            let at = self.tokens.peek()?.start;
            match &self.tokens.peek()?.kind {
                TokenKind::VersionDirective(major, minor) => {
                    if version {
                        return Err(parser_error("found duplicate %YAML directive", at, Mark::default()));
                    }
                    if (*major, *minor) != (1, 1) {
                        return Err(parser_error("found incompatible YAML document", at, Mark::default()));
                    }
                    version = true;
                }
                TokenKind::TagDirective { handle, prefix } => {
                    let (handle, prefix) = (Cow::Borrowed(*handle), prefix.clone());
                    if self.directives.iter().any(|(known, _)| *known == handle) {
                        return Err(parser_error("found duplicate %TAG directive", at, Mark::default()));
                    }
                    self.directives.push((handle, prefix));
                }
                _ => return Ok(()),
            }
            self.tokens.take()?;
        }
    }

    fn document_content(&mut self) -> Result<Event<'t>, Error> {
        let token = self.tokens.peek()?;
        match token.kind {
            TokenKind::VersionDirective(..)
            | TokenKind::TagDirective { .. }
            | TokenKind::DocumentStart
            | TokenKind::DocumentEnd
            | TokenKind::StreamEnd => {
                let at = token.start;
                let next = self.states.pop().unwrap_or(State::End);
                self.empty(next, at)
            }
            _ => self.node(Place::Block),
        }
    }

    fn document_end(&mut self) -> Result<Event<'t>, Error> {
        let token = self.tokens.peek()?;
        let start = token.start;
        let mut end = token.start;
        if token.kind == TokenKind::DocumentEnd {
            end = token.end;
            self.tokens.take()?;
        }
        self.directives.clear();
        self.state = State::DocumentStart;
        Ok(Event { kind: EventKind::DocumentEnd, start, end })
    }

    fn node(&mut self, place: Place) -> Result<Event<'t>, Error> {
        let start = self.tokens.peek()?.start;
        let mut end = start;
        let mut anchor = None;
        let mut tag = None;
        // At most one of each, in either order.
        loop {
            match &self.tokens.peek()?.kind {
                TokenKind::Alias(name) if anchor.is_none() && tag.is_none() => {
                    let kind = EventKind::Alias(Cow::Borrowed(name));
                    let token = self.tokens.take()?;
                    self.pop_state();
                    return Ok(Event { kind, start, end: token.end });
                }
                TokenKind::Anchor(_) if anchor.is_none() => {
                    let token = self.tokens.take()?;
                    end = token.end;
                    if let TokenKind::Anchor(name) = token.kind {
                        anchor = Some(Cow::Borrowed(name));
                    }
                }
                TokenKind::Tag { .. } if tag.is_none() => {
                    let token = self.tokens.take()?;
                    end = token.end;
                    tag = Some(token);
                }
                _ => break,
            }
        }
        let tag = tag.map(|token| self.full_tag(token, start)).transpose()?.filter(|tag| !tag.is_empty());
        let token = self.tokens.peek()?;
        let token_end = token.end;
        let block = place != Place::Flow;
        let kind = match token.kind {
            TokenKind::BlockEntry if place == Place::BlockOrIndentless => {
                self.state = State::IndentlessSequenceEntry;
                EventKind::SequenceStart { anchor }
            }
            TokenKind::Scalar { .. } => {
                let token = self.tokens.take()?;
                let TokenKind::Scalar { value, plain } = token.kind else { return self.unexpected("") };
                self.pop_state();
                let implicit = match tag.as_deref() {
                    None => plain,
                    Some(tag) => tag == "!",
                };
                EventKind::Scalar(Scalar { anchor, tag, value, implicit })
            }
            TokenKind::FlowSequenceStart => {
                self.state = State::FlowSequenceFirstEntry;
                EventKind::SequenceStart { anchor }
            }
            TokenKind::FlowMappingStart => {
                self.state = State::FlowMappingFirstKey;
                EventKind::MappingStart { anchor }
            }
            TokenKind::BlockSequenceStart if block => {
                self.open_block(State::BlockSequenceEntry)?;
                EventKind::SequenceStart { anchor }
            }
            TokenKind::BlockMappingStart if block => {
                self.open_block(State::BlockMappingKey)?;
                EventKind::MappingStart { anchor }
            }
            _ if anchor.is_some() || tag.is_some() => {
                self.pop_state();
                let implicit = tag.is_none();
                let scalar = Scalar { anchor, tag, value: Cow::Borrowed(""), implicit };
                return Ok(Event { kind: EventKind::Scalar(scalar), start, end });
            }
            _ => return Err(parser_error("did not find expected node content", token.start, start)),
        };
        Ok(Event { kind, start, end: token_end })
    }

    fn open_block(&mut self, state: State) -> Result<(), Error> {
        let token = self.tokens.take()?;
        self.marks.push(token.start);
        self.state = state;
        Ok(())
    }

    fn full_tag(&self, token: Token<'t>, node: Mark) -> Result<Text<'t>, Error> {
        let TokenKind::Tag { handle, suffix } = token.kind else { return Ok(Cow::Borrowed("")) };
        if handle.is_empty() {
            return Ok(suffix);
        }
        let prefix = self.directives.iter().find(|(known, _)| *known == handle).map(|(_, prefix)| prefix.as_ref());
        let prefix = match (prefix, handle.as_ref()) {
            (Some(prefix), _) => prefix,
            (None, "!") => "!",
            (None, "!!") => "tag:yaml.org,2002:",
            (None, _) => return Err(parser_error("found undefined tag handle", token.start, node)),
        };
        Ok(Cow::Owned(format!("{prefix}{suffix}")))
    }

    fn block_sequence_entry(&mut self) -> Result<Event<'t>, Error> {
        match self.tokens.peek()?.kind {
            TokenKind::BlockEntry => {
                let at = self.tokens.take()?.end;
                match self.tokens.peek()?.kind {
                    TokenKind::BlockEntry | TokenKind::BlockEnd => self.empty(State::BlockSequenceEntry, at),
                    _ => self.node_then(State::BlockSequenceEntry, Place::Block),
                }
            }
            TokenKind::BlockEnd => self.end(EventKind::SequenceEnd),
            _ => self.unexpected("did not find expected '-' indicator"),
        }
    }

    fn indentless_sequence_entry(&mut self) -> Result<Event<'t>, Error> {
        let token = self.tokens.peek()?;
        if token.kind == TokenKind::BlockEntry {
            let at = self.tokens.take()?.end;
            return match self.tokens.peek()?.kind {
                TokenKind::BlockEntry | TokenKind::Key | TokenKind::Value | TokenKind::BlockEnd => {
                    self.empty(State::IndentlessSequenceEntry, at)
                }
                _ => self.node_then(State::IndentlessSequenceEntry, Place::Block),
            };
        }
        let at = token.start;
        self.pop_state();
        Ok(Event { kind: EventKind::SequenceEnd, start: at, end: at })
    }

    fn block_mapping_key(&mut self) -> Result<Event<'t>, Error> {
        match self.tokens.peek()?.kind {
            TokenKind::Key => {
                let at = self.tokens.take()?.end;
                match self.tokens.peek()?.kind {
                    TokenKind::Key | TokenKind::Value | TokenKind::BlockEnd => self.empty(State::BlockMappingValue, at),
                    _ => self.node_then(State::BlockMappingValue, Place::BlockOrIndentless),
                }
            }
            TokenKind::BlockEnd => self.end(EventKind::MappingEnd),
            _ => self.unexpected("did not find expected key"),
        }
    }

    fn block_mapping_value(&mut self) -> Result<Event<'t>, Error> {
        let token = self.tokens.peek()?;
        let mut at = token.start;
        if token.kind == TokenKind::Value {
            at = self.tokens.take()?.end;
            match self.tokens.peek()?.kind {
                TokenKind::Key | TokenKind::Value | TokenKind::BlockEnd => {}
                _ => return self.node_then(State::BlockMappingKey, Place::BlockOrIndentless),
            }
        }
        self.empty(State::BlockMappingKey, at)
    }

    fn flow_sequence_entry(&mut self, first: bool) -> Result<Event<'t>, Error> {
        self.flow_entry(first, &TokenKind::FlowSequenceEnd, "did not find expected ',' or ']'")?;
        let token = self.tokens.peek()?;
        match token.kind {
            TokenKind::FlowSequenceEnd => self.end(EventKind::SequenceEnd),
            TokenKind::Key => {
                let token = self.tokens.take()?;
                self.state = State::FlowSequenceEntryMappingKey;
                Ok(Event { kind: EventKind::MappingStart { anchor: None }, start: token.start, end: token.end })
            }
            _ => self.node_then(State::FlowSequenceEntry, Place::Flow),
        }
    }

    /// Opens a flow collection, or moves over the comma that has to stand between two entries.
    fn flow_entry(&mut self, first: bool, end: &TokenKind<'t>, problem: &str) -> Result<(), Error> {
        if first {
            let token = self.tokens.take()?;
            self.marks.push(token.start);
        } else if self.tokens.peek()?.kind == TokenKind::FlowEntry {
            self.tokens.take()?;
        } else if self.tokens.peek()?.kind != *end {
            self.unexpected(problem)?;
        }
        Ok(())
    }

    fn flow_sequence_entry_mapping_key(&mut self) -> Result<Event<'t>, Error> {
        match self.tokens.peek()?.kind {
            TokenKind::Value | TokenKind::FlowEntry | TokenKind::FlowSequenceEnd => {
                // Go drops the token here, the value's colon among them.
                let at = self.tokens.take()?.end;
                self.empty(State::FlowSequenceEntryMappingValue, at)
            }
            _ => self.node_then(State::FlowSequenceEntryMappingValue, Place::Flow),
        }
    }

    fn flow_sequence_entry_mapping_value(&mut self) -> Result<Event<'t>, Error> {
        let token = self.tokens.peek()?;
        let at = token.start;
        if token.kind == TokenKind::Value {
            self.tokens.take()?;
            if !matches!(self.tokens.peek()?.kind, TokenKind::FlowEntry | TokenKind::FlowSequenceEnd) {
                return self.node_then(State::FlowSequenceEntryMappingEnd, Place::Flow);
            }
        }
        self.empty(State::FlowSequenceEntryMappingEnd, at)
    }

    fn flow_mapping_key(&mut self, first: bool) -> Result<Event<'t>, Error> {
        self.flow_entry(first, &TokenKind::FlowMappingEnd, "did not find expected ',' or '}'")?;
        match self.tokens.peek()?.kind {
            TokenKind::FlowMappingEnd => self.end(EventKind::MappingEnd),
            TokenKind::Key => {
                self.tokens.take()?;
                let token = self.tokens.peek()?;
                match token.kind {
                    TokenKind::Value | TokenKind::FlowEntry | TokenKind::FlowMappingEnd => {
                        let at = token.start;
                        self.empty(State::FlowMappingValue, at)
                    }
                    _ => self.node_then(State::FlowMappingValue, Place::Flow),
                }
            }
            _ => self.node_then(State::FlowMappingEmptyValue, Place::Flow),
        }
    }

    fn flow_mapping_value(&mut self) -> Result<Event<'t>, Error> {
        if self.tokens.peek()?.kind == TokenKind::Value {
            self.tokens.take()?;
            if !matches!(self.tokens.peek()?.kind, TokenKind::FlowEntry | TokenKind::FlowMappingEnd) {
                return self.node_then(State::FlowMappingKey, Place::Flow);
            }
        }
        let at = self.tokens.peek()?.start;
        self.empty(State::FlowMappingKey, at)
    }
}

/// Go prints the line of a grammar error from 0, the context's where it is the first, and none where both are.
fn parser_error(problem: &str, at: Mark, context: Mark) -> Error {
    let line = at.line.saturating_sub(1);
    located(problem, if line == 0 { context.line.saturating_sub(1) } else { line }, at)
}
