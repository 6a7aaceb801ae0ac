use std::fmt::Display;

/// A command that failed: what stands behind `Error: `, and the exit code.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Failure {
    /// Helm's message, word for word.
    pub(crate) message: String,
    /// Exit code of the process.
    pub(crate) code: u8,
}

impl Failure {
    /// A failure with exit code 1, which all of Helm's own have.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), code: 1 }
    }

    /// From an error whose text is Helm's.
    pub(crate) fn of(error: impl Display) -> Self {
        Self::new(error.to_string())
    }

    /// The text for standard error.
    pub(crate) fn render(&self) -> String {
        format!("Error: {}\n", self.message)
    }
}
