//! From rendered files to documents with a head and a place.

use std::ops::Range;
use std::sync::Arc;

use bowline_chart::Compat;
use bowline_gotemplate::{LineOrigin, Traced};
use bowline_manifest::Location;
use bowline_yaml::{Error, Node, parse_fields, parse_first};

use crate::error::{Fault, RenderError};
use crate::head::{HEAD, Head, Role};
use crate::parallel::{MANY_BYTES, halves};
use crate::split::{self, is_space};

/// A file's output.
pub(crate) struct Output {
    pub(crate) path: Arc<str>,
    /// Name of the chart it belongs to.
    pub(crate) chart: Arc<str>,
    pub(crate) traced: Traced,
}

/// A document, parsed.
pub(crate) struct Document {
    /// The output that it is a part of.
    pub(crate) output: Arc<Output>,
    /// Where in the output.
    span: Range<usize>,
    pub(crate) kind: String,
    /// With [`Detail::Text`] its head alone; `None` where there is nothing but comments.
    pub(crate) node: Option<Node>,
    /// With [`Detail::Objects`]: for each line, the template's line that wrote it.
    pub(crate) lines: Arc<[u32]>,
}

impl Document {
    /// The text of the document.
    pub(crate) fn text(&self) -> &[u8] {
        &self.output.traced.text()[self.span.clone()]
    }
}

/// How much is wanted to know of documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Detail {
    /// Their text, and whether they are right.
    Text,
    /// What they hold, and where it came from.
    Objects,
}

/// Gives a line of a template.
pub(crate) type SourceLine<'f> = &'f (dyn Fn(&str, u32) -> Option<String> + Sync);

/// The documents of an output, in their order. A `second` thread reads half of those of a large one.
pub(crate) fn documents(
    output: Output,
    detail: Detail,
    second: bool,
    compat: Compat,
    source_line: SourceLine<'_>,
) -> Result<Vec<(Document, Role)>, RenderError> {
    let output = Arc::new(output);
    let bytes = output.traced.text();
    let text = std::str::from_utf8(bytes).map_err(|fault| not_utf8(&output, fault))?;
    if text.trim_matches(is_space).is_empty() {
        return Ok(Vec::new());
    }
    let known_lines = || template_lines(&output.path, &output.traced.line_origins());
    let lines = if detail == Detail::Objects { known_lines() } else { Vec::new() };
    let read = |part: &split::Document<'_>| {
        let node = match detail {
            Detail::Text => parse_fields(part.text, &HEAD),
            Detail::Objects => parse_first(part.text),
        };
        let read = node.and_then(|node| {
            Ok((node.as_ref().map(|node| Head::read(node, compat)).transpose()?.unwrap_or_default(), node))
        });
        let (head, node) = read.map_err(|error| {
            let lines = known_lines();
            fault(&output, part.text, &lines[part.lines_before.min(lines.len())..], &error, source_line)
        })?;
        let role = head.role();
        let lines = &lines[part.lines_before.min(lines.len())..];
        let count = if lines.is_empty() { 0 } else { part.text.lines().count().min(lines.len()) };
        let document = Document {
            output: Arc::clone(&output),
            span: part.start..part.start + part.text.len(),
            kind: head.kind,
            node,
            lines: Arc::from(&lines[..count]),
        };
        Ok((document, role))
    };
    let parts = split::split(text, compat);
    // A loop in one template can write as much as many templates do.
    halves(&parts, second && text.len() > MANY_BYTES, |parts| parts.iter().map(read).collect())
}

/// For each line of output the line of this template; what another template wrote has the line before it.
fn template_lines(path: &str, origins: &[Option<LineOrigin>]) -> Vec<u32> {
    let mut last = 1;
    let lines = origins.iter().map(|origin| {
        if let Some(origin) = origin.as_ref().filter(|origin| &*origin.file == path) {
            last = origin.line;
        }
        last
    });
    lines.collect()
}

fn message(output: &Output, error: impl std::fmt::Display) -> String {
    format!("YAML parse error on {}: {error}", output.path)
}

fn fault(output: &Output, text: &str, lines: &[u32], error: &Error, source_line: SourceLine<'_>) -> RenderError {
    let at = (error.line as usize).checked_sub(1);
    let line = at.and_then(|at| lines.get(at)).copied();
    let location = line.map(|line| Location { file: output.path.to_string(), line, column: 0 });
    RenderError::Document(Box::new(Fault {
        message: message(output, error),
        source_line: line.and_then(|line| source_line(&output.path, line)),
        rendered_line: at.and_then(|at| text.lines().nth(at)).map(str::to_owned),
        location,
    }))
}

/// Go's reader looks at the octets one by one.
fn not_utf8(output: &Output, fault: std::str::Utf8Error) -> RenderError {
    let bytes = &output.traced.text()[fault.valid_up_to()..];
    let leads = matches!(bytes.first(), Some(0xc0..=0xf7));
    let problem = match fault.error_len() {
        None => "incomplete UTF-8 octet sequence",
        Some(_) if leads => "invalid trailing UTF-8 octet",
        Some(_) => "invalid leading UTF-8 octet",
    };
    let error = format!("error converting YAML to JSON: yaml: {problem}");
    RenderError::Document(Box::new(Fault { message: message(output, error), ..Fault::default() }))
}
