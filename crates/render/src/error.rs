//! Helm's errors, word for word, and the places behind them.

use bowline_chart::Compat;
use bowline_gotemplate::{ExecError, ExecuteError, ParseError};
use bowline_manifest::Location;

use crate::functions::{WARNING_END, WARNING_START};

/// Why a chart could not be rendered. `Display` is Helm's message word for word.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// The chart or the values are wrong.
    #[error(transparent)]
    Chart(#[from] bowline_chart::Error),
    /// The values are not what the charts' schemas want. Ends with a line break, as Helm's does.
    #[error("{0}")]
    Schema(String),
    /// The chart refuses the cluster's version.
    #[error("chart requires kubeVersion: {wanted} which is incompatible with Kubernetes {version}")]
    KubeVersion {
        /// The chart's constraint.
        wanted: String,
        /// The cluster's version.
        version: String,
    },
    /// A template does not parse, or failed.
    #[error("{}", .0.message)]
    Template(Box<Fault>),
    /// What a template wrote is no YAML, or no object.
    #[error("{}", .0.message)]
    Document(Box<Fault>),
}

/// A message and the place behind it.
#[derive(Clone, Debug, Default)]
pub struct Fault {
    /// Helm's message.
    pub message: String,
    /// The place at fault in a template, where known.
    pub location: Option<Location>,
    /// That line of the template, for a caret.
    pub source_line: Option<String>,
    /// The rendered line at fault, for errors of documents.
    pub rendered_line: Option<String>,
}

impl RenderError {
    /// The place at fault.
    pub fn location(&self) -> Option<Location> {
        match self {
            Self::Chart(error) => {
                error.place().map(|place| Location { file: place.file.clone(), line: place.line, column: place.column })
            }
            Self::KubeVersion { .. } | Self::Schema(_) => None,
            Self::Template(fault) | Self::Document(fault) => fault.location.clone(),
        }
    }

    /// What is known about a fault in a template or a document.
    pub fn fault(&self) -> Option<&Fault> {
        match self {
            Self::Template(fault) | Self::Document(fault) => Some(fault),
            Self::Chart(_) | Self::KubeVersion { .. } | Self::Schema(_) => None,
        }
    }

    /// What `helm template` prints behind `Error: `.
    pub fn helm_template_text(&self) -> String {
        match self {
            Self::Chart(error) => error.to_string(),
            Self::Schema(text) => text.clone(),
            Self::KubeVersion { .. } | Self::Template(_) | Self::Document(_) => {
                format!("{self}\n\nUse --debug flag to render out invalid YAML")
            }
        }
    }
}

/// Helm keeps the place and the last part of the message.
pub(crate) fn parse_message(error: &ParseError) -> String {
    let text = error.to_string();
    let mut tokens = text.split(": ");
    let location = tokens.nth(1).unwrap_or_default();
    let message = text.rsplit(": ").next().unwrap_or_default();
    format!("parse error at ({location}): {message}")
}

/// Helm 4 takes Go's error apart and prints it line by line, where all of it can be taken apart; Helm 3 leaves it as it is.
pub(crate) fn execute_message(error: &ExecuteError, compat: Compat) -> String {
    let ExecuteError::Failed(failed) = error else { return error.to_string() };
    let text = failed.to_string();
    let mut tokens = text.splitn(3, ": ");
    let (Some(_), Some(location), Some(rest)) = (tokens.next(), tokens.next(), tokens.next()) else { return text };
    if let Some(warning) = warning(rest) {
        return format!("execution error at ({location}): {warning}");
    }
    if compat.is_helm3() {
        return text;
    }
    let mut traces: Vec<Trace> = Vec::new();
    for text in failed.chain() {
        let Some(trace) = Trace::parse(&text) else { return failed.to_string() };
        if traces.last() != Some(&trace) {
            traces.push(trace);
        }
    }
    let lines: String = traces.iter().map(Trace::print).collect();
    lines.trim().to_owned()
}

/// The message of `required` or `fail` in a text.
fn warning(text: &str) -> Option<&str> {
    let start = text.find(WARNING_START)? + WARNING_START.len();
    let end = text.rfind(WARNING_END)?;
    text.get(start..end)
}

/// One error of a chain, taken apart.
#[derive(PartialEq)]
struct Trace {
    location: String,
    executing: String,
    message: String,
}

impl Trace {
    fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix("template: ")?;
        if rest.starts_with("no template ") {
            return Some(Self { location: String::new(), executing: String::new(), message: text.to_owned() });
        }
        Self::parse_executing(rest).or_else(|| {
            let (location, message) = rest.rsplit_once(": ")?;
            Some(Self { location: location.to_owned(), executing: String::new(), message: before_next(message) })
        })
    }

    /// `FILE:LINE:COLUMN: executing "NAME" at <NODE>: MESSAGE`
    fn parse_executing(rest: &str) -> Option<Self> {
        let (location, after) = rest.split_once(": executing ")?;
        let (name, after) = after.strip_prefix('"')?.split_once('"')?;
        let (node, message) = after.strip_prefix(" at <")?.split_once(">: ")?;
        let executing = format!("executing \"{name}\" at <{node}>:");
        Some(Self { location: location.to_owned(), executing, message: before_next(message) })
    }

    fn print(&self) -> String {
        let mut out = String::new();
        if !self.location.is_empty() {
            out.push_str(&self.location);
            out.push_str("\n  ");
        }
        if !self.executing.is_empty() {
            out.push_str(&self.executing);
            out.push_str("\n    ");
        }
        if !self.message.is_empty() {
            out.push_str(&self.message);
            out.push('\n');
        }
        out
    }
}

/// A message up to the next error of the chain in it.
fn before_next(message: &str) -> String {
    message.split(" template:").next().unwrap_or_default().to_owned()
}

/// The errors from the outermost to the one that all came from.
pub(crate) fn innermost_first(error: &ExecError) -> [&ExecError; 2] {
    [error.innermost(), error]
}
