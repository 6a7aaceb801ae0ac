//! Events from `libyaml-safer`, with its errors in Go's words.

use libyaml_safer::{EventData, Parser};

use crate::event::{Event, EventKind, Events, Scalar};
use crate::{Error, Mark};

/// The parser over a text, and what turns its character indexes into byte offsets.
pub(crate) struct Libyaml<'t> {
    parser: Parser<&'t [u8]>,
    offsets: Option<Vec<usize>>,
    base: usize,
}

impl<'t> Libyaml<'t> {
    pub(crate) fn new(text: &'t str) -> Self {
        let mut parser = Parser::new();
        parser.set_input(text.as_bytes());
        let base = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
        let offsets =
            (!text.is_ascii()).then(|| text[base..].char_indices().map(|(offset, _)| offset + base).collect());
        Self { parser, offsets, base: text.len().max(base) }
    }

    fn mark(&self, mark: libyaml_safer::Mark) -> Mark {
        let index = mark.index as usize;
        let offset = match &self.offsets {
            Some(offsets) => offsets.get(index).copied().unwrap_or(self.base),
            None => index.min(self.base),
        };
        Mark { line: mark.line as u32 + 1, column: mark.column as u32 + 1, offset }
    }

    fn error(&self, error: &libyaml_safer::Error) -> Error {
        let text = error.to_string();
        let Some(problem_mark) = error.problem_mark() else {
            // "Reader error: PROBLEM (offset N, value N)": Go gives the problem alone.
            let problem = text.split_once(": ").map_or(text.as_str(), |(_, rest)| rest);
            return Error::yaml(problem.split(" (offset").next().unwrap_or(problem), Mark::default());
        };
        // "Scanner error: line 2 column 3: PROBLEM while parsing … (line …)"
        let problem = text
            .split_once(" column ")
            .and_then(|(_, rest)| rest.split_once(": "))
            .map_or(text.as_str(), |(_, rest)| rest);
        let problem = problem.split(" while ").next().unwrap_or(problem);
        let line = if problem_mark.line != 0 {
            problem_mark.line + u64::from(matches!(error.kind(), libyaml_safer::ErrorKind::Scanner))
        } else {
            error.context_mark().map_or(0, |mark| mark.line)
        };
        let at = self.mark(problem_mark);
        if line == 0 { Error::yaml(problem, at) } else { Error::yaml(format_args!("line {line}: {problem}"), at) }
    }
}

impl<'t> Events<'t> for Libyaml<'t> {
    fn next(&mut self) -> Result<Event<'t>, Error> {
        loop {
            let event = self.parser.parse().map_err(|error| self.error(&error))?;
            let kind = match event.data {
                EventData::StreamStart { .. } => continue,
                EventData::StreamEnd => EventKind::StreamEnd,
                EventData::DocumentStart { .. } => EventKind::DocumentStart,
                EventData::DocumentEnd { .. } => EventKind::DocumentEnd,
                EventData::Alias { anchor } => EventKind::Alias(anchor.into()),
                EventData::Scalar { anchor, tag, value, plain_implicit, .. } => EventKind::Scalar(Scalar {
                    anchor: anchor.map(Into::into),
                    tag: tag.map(Into::into),
                    value: value.into(),
                    implicit: plain_implicit,
                }),
                EventData::SequenceStart { anchor, .. } => EventKind::SequenceStart { anchor: anchor.map(Into::into) },
                EventData::SequenceEnd => EventKind::SequenceEnd,
                EventData::MappingStart { anchor, .. } => EventKind::MappingStart { anchor: anchor.map(Into::into) },
                EventData::MappingEnd => EventKind::MappingEnd,
            };
            return Ok(Event { kind, start: self.mark(event.start_mark), end: self.mark(event.end_mark) });
        }
    }
}
