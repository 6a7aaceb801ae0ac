use crate::Text;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// A template that does not parse: `template: FILE:LINE: message`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError {
    /// The file.
    pub template: Arc<str>,
    /// The line, from 1.
    pub line: u32,
    /// Go's message.
    pub message: String,
    /// The part of the text at fault, in bytes.
    pub span: Range<usize>,
    /// For a text that ends too early: where the innermost block that it leaves open begins, in bytes.
    pub unclosed: Option<usize>,
    /// The whole text.
    pub source: Text,
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "template: {}:{}: {}", self.template, self.line, self.message)
    }
}

impl std::error::Error for ParseError {}

/// A template that failed while it was executed:
/// `template: FILE:LINE:COLUMN: executing "TEMPLATE" at <NODE>: message`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExecError {
    /// The file that the failing node stands in.
    pub file: Arc<str>,
    /// Its line, from 1.
    pub line: u32,
    /// Its column in bytes, from 0, as Go counts.
    pub column: u32,
    /// The template being executed: the file, or what `define` named.
    pub template: Arc<str>,
    /// The failing node as text.
    pub node: String,
    /// Go's message, up to the cause.
    pub message: String,
    /// What made a function fail.
    pub cause: Option<Box<Failure>>,
}

impl ExecError {
    /// The error that everything else came from, following `include` and `tpl`.
    pub fn innermost(&self) -> &Self {
        let mut innermost = self;
        let mut failure = self.cause.as_deref();
        while let Some(current) = failure {
            failure = match current {
                Failure::Exec(inner) => {
                    innermost = inner;
                    inner.cause.as_deref()
                }
                Failure::Wrapped { cause, .. } => Some(cause),
                Failure::Message(_) | Failure::Parse(_) => None,
            };
        }
        innermost
    }

    /// The texts of the error and its causes as `errors.Unwrap` walks them, outermost first. Each holds all that follow.
    pub fn chain(&self) -> impl Iterator<Item = String> + '_ {
        let causes = std::iter::successors(self.cause.as_deref(), |failure| match failure {
            Failure::Exec(inner) => inner.cause.as_deref(),
            Failure::Wrapped { cause, .. } => Some(cause),
            Failure::Message(_) | Failure::Parse(_) => None,
        });
        std::iter::once_with(|| self.to_string()).chain(causes.map(ToString::to_string))
    }
}

/// Causes may be nested deeply.
impl Drop for ExecError {
    fn drop(&mut self) {
        if let Some(cause) = self.cause.take() {
            crate::with_stack(|| drop(cause));
        }
    }
}

impl fmt::Display for ExecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = crate::fmt::quoted(self.template.as_bytes());
        let Self { file, line, column, node, message, .. } = self;
        write!(f, "template: {file}:{line}:{column}: executing {name} at <{node}>: {message}")?;
        if let Some(cause) = &self.cause {
            crate::with_stack(|| write!(f, ": {cause}"))?;
        }
        Ok(())
    }
}

impl std::error::Error for ExecError {}

/// Why a function failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// A message.
    Message(String),
    /// A template that was executed inside failed.
    Exec(Box<ExecError>),
    /// A template that was given as text does not parse.
    Parse(ParseError),
    /// A message before another failure: `message: cause`.
    Wrapped {
        /// What was being done.
        message: String,
        /// Why it failed.
        cause: Box<Failure>,
    },
}

impl Failure {
    /// A plain message.
    pub fn new(message: impl Into<String>) -> Self {
        Self::Message(message.into())
    }

    /// This failure behind a message.
    pub fn context(self, message: impl Into<String>) -> Self {
        Self::Wrapped { message: message.into(), cause: Box::new(self) }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Message(message) => f.write_str(message),
            Self::Exec(error) => error.fmt(f),
            Self::Parse(error) => error.fmt(f),
            Self::Wrapped { message, cause } => write!(f, "{message}: {cause}"),
        }
    }
}

impl std::error::Error for Failure {}

/// Why [`crate::Session::execute`] failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExecuteError {
    /// There is no such template.
    #[error("template: no template {} associated with template {}", crate::fmt::quoted(name.as_bytes()), crate::fmt::quoted(set.as_bytes()))]
    Missing {
        /// The name asked for.
        name: String,
        /// The name of the set.
        set: String,
    },
    /// Its execution failed.
    #[error(transparent)]
    Failed(Box<ExecError>),
}
