//! From rendered files to documents with a head and a place.

use std::sync::Arc;

use bowline_gotemplate::LineOrigin;
use bowline_manifest::{Hook, Location};
use bowline_yaml::{Error, Node, parse_first};

use crate::error::{Fault, RenderError};
use crate::head::{Head, Role};
use crate::split::{is_space, split};
use crate::templates::Output;

/// A document, parsed.
#[derive(Debug)]
pub(crate) struct Document {
    pub(crate) template: Arc<str>,
    pub(crate) chart: Arc<str>,
    pub(crate) text: String,
    /// `None` where there is nothing but comments.
    pub(crate) node: Option<Node>,
    pub(crate) kind: String,
    /// For each line, the template's line that wrote it.
    pub(crate) lines: Arc<[u32]>,
}

/// What all outputs hold.
#[derive(Default)]
pub(crate) struct Documents {
    pub(crate) objects: Vec<Document>,
    /// With what makes them hooks.
    pub(crate) hooks: Vec<(Document, Hook)>,
    /// Hook annotations of documents that were dropped.
    pub(crate) dropped: Vec<String>,
}

/// The documents of all outputs, in their order. `source_line` gives a line of a template.
pub(crate) fn documents(
    outputs: &[Output],
    source_line: &dyn Fn(&str, u32) -> Option<String>,
) -> Result<Documents, RenderError> {
    let mut found = Documents::default();
    for output in outputs {
        let bytes = output.traced.text();
        let text = std::str::from_utf8(bytes).map_err(|fault| not_utf8(output, fault))?;
        if text.trim_matches(is_space).is_empty() {
            continue;
        }
        let lines = template_lines(&output.path, &output.traced.line_origins());
        for document in split(text) {
            let lines = &lines[document.lines_before.min(lines.len())..];
            let node = parse_first(document.text);
            let read = node.and_then(|node| Ok((node.as_ref().map(Head::read).transpose()?.unwrap_or_default(), node)));
            let (head, node) = read.map_err(|error| fault(output, document.text, lines, &error, source_line))?;
            let role = head.role();
            let count = document.text.lines().count().min(lines.len());
            let document = Document {
                template: Arc::clone(&output.path),
                chart: Arc::clone(&output.chart),
                text: document.text.to_owned(),
                node,
                kind: head.kind,
                lines: Arc::from(&lines[..count]),
            };
            match role {
                Role::Object => found.objects.push(document),
                Role::Hook(hook) => found.hooks.push((document, hook)),
                Role::UnknownHook(hook_types) => found.dropped.push(hook_types),
            }
        }
    }
    Ok(found)
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

fn fault(
    output: &Output,
    text: &str,
    lines: &[u32],
    error: &Error,
    source_line: &dyn Fn(&str, u32) -> Option<String>,
) -> RenderError {
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
