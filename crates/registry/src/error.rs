use std::io;
use std::path::Path;

/// Why a chart or an index cannot be had, written or trusted. `Display` is Helm's message word for word.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file or folder cannot be read or written.
    #[error("{message}")]
    File {
        /// What was being done, to what, and why not.
        message: String,
        /// Of what kind the failure is.
        kind: io::ErrorKind,
    },
    /// A chart cannot be loaded.
    #[error(transparent)]
    Chart(#[from] bowline_chart::Error),
    /// A server cannot be reached, or did not answer as it should.
    #[error("{0}")]
    Fetch(String),
    /// An index, a repository or a registry does not have the chart, or not in that version.
    #[error("{0}")]
    NotFound(String),
    /// Repositories that a lock names are not among the configured ones.
    #[error("no repository definition for {}", .repositories.join(", "))]
    UnknownRepositories {
        /// Their addresses.
        repositories: Vec<String>,
    },
    /// A signature, a key or a checksum is not what it has to be.
    #[error("{0}")]
    Provenance(String),
    /// What was asked for, or what a file says, makes no sense.
    #[error("{0}")]
    Invalid(String),
}

impl Error {
    /// The failure of an operation on a file, as Go prints it: `open x: no such file or directory`.
    pub(crate) fn io(operation: &str, path: &Path, error: &io::Error) -> Self {
        Self::File { message: go_io_error(operation, path, error), kind: error.kind() }
    }

    /// Whether a file was not there.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::File { kind: io::ErrorKind::NotFound, .. })
    }

    /// The same with words before it.
    #[must_use]
    pub fn after(self, doing: impl std::fmt::Display) -> Self {
        let message = format!("{doing}: {self}");
        match self {
            Self::File { kind, .. } => Self::File { message, kind },
            Self::Fetch(_) => Self::Fetch(message),
            Self::NotFound(_) => Self::NotFound(message),
            Self::Provenance(_) => Self::Provenance(message),
            Self::Chart(_) | Self::UnknownRepositories { .. } | Self::Invalid(_) => Self::Invalid(message),
        }
    }
}

/// An error of the operating system in Go's words.
pub(crate) fn go_io_error(operation: &str, path: &Path, error: &io::Error) -> String {
    let path = path.display();
    match error.kind() {
        io::ErrorKind::IsADirectory => format!("read {path}: is a directory"),
        _ => format!("{operation} {path}: {}", os_error(error)),
    }
}

/// What the operating system calls an error, beginning with a small letter as Go has it.
pub fn os_error(error: &io::Error) -> String {
    let text = match error.raw_os_error() {
        Some(code) => io::Error::from_raw_os_error(code).to_string(),
        None => return error.to_string(),
    };
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut chars = text.chars();
    chars.next().map(|first| first.to_lowercase().collect::<String>() + chars.as_str()).unwrap_or_default()
}
