use std::fmt;
use std::ops::Range;

/// A place in a file that a user can open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Path as the user would write it.
    pub file: String,
    /// Line, from 1; 0 where unknown.
    pub line: u32,
    /// Column, from 1; 0 where unknown.
    pub column: u32,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.line, self.column) {
            (0, _) => f.write_str(&self.file),
            (line, 0) => write!(f, "{}:{line}", self.file),
            (line, column) => write!(f, "{}:{line}:{column}", self.file),
        }
    }
}

/// Why a chart or values cannot be used. `Display` is Helm's message word for word.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// There is nothing at the path.
    #[error("path {} not found", bowline_yaml::quote(.path))]
    NotFound {
        /// As given.
        path: String,
    },
    /// A file of the chart, or the chart as a whole, is wrong.
    #[error("{message}")]
    Chart {
        /// Helm's words.
        message: String,
        /// The file at fault, and where in it.
        place: Option<Place>,
    },
    /// An archive is none, or is one that no chart may be.
    #[error("{message}")]
    Archive {
        /// Helm's words.
        message: String,
        /// What is wrong with it.
        #[source]
        cause: Box<Error>,
    },
    /// A values file or a flag that sets values is wrong.
    #[error("{message}")]
    Values {
        /// Helm's words.
        message: String,
        /// The values file at fault, and where in it.
        place: Option<Place>,
    },
    /// A flag that sets values cannot be read.
    #[error("{message}")]
    Flag {
        /// Helm's words.
        message: String,
        /// `--set`, `--set-json` …
        name: &'static str,
        /// All of its text.
        text: String,
        /// The part at fault, in bytes.
        span: Range<usize>,
    },
}

impl Error {
    pub(crate) fn chart(message: impl Into<String>) -> Self {
        Self::Chart { message: message.into(), place: None }
    }

    pub(crate) fn values(message: impl Into<String>) -> Self {
        Self::Values { message: message.into(), place: None }
    }

    /// An error of YAML in a chart's file, after what was being done.
    pub(crate) fn yaml_in_chart(doing: &str, file: &str, error: &bowline_yaml::Error) -> Self {
        let place = Place { file: file.to_owned(), line: error.line, column: error.column };
        Self::Chart { message: format!("{doing}: {error}"), place: Some(place) }
    }

    /// The place at fault, where there is one.
    pub fn place(&self) -> Option<&Place> {
        match self {
            Self::NotFound { .. } | Self::Archive { .. } | Self::Flag { .. } => None,
            Self::Chart { place, .. } | Self::Values { place, .. } => place.as_ref(),
        }
    }

    /// The same with words before it.
    pub(crate) fn wrapped(self, doing: &str) -> Self {
        match self {
            Self::NotFound { .. } => Self::chart(format!("{doing}: {self}")),
            Self::Flag { message, name, text, span } => {
                Self::Flag { message: format!("{doing}: {message}"), name, text, span }
            }
            Self::Archive { message, cause } => Self::Archive { message: format!("{doing}: {message}"), cause },
            Self::Chart { message, place } => Self::Chart { message: format!("{doing}: {message}"), place },
            Self::Values { message, place } => Self::Values { message: format!("{doing}: {message}"), place },
        }
    }
}

/// An error of the operating system as Go prints it: `open x: no such file or directory`.
pub(crate) fn go_io_error(operation: &str, path: &str, error: &std::io::Error) -> String {
    // A directory can be opened; reading it fails.
    let operation = if error.kind() == std::io::ErrorKind::IsADirectory { "read" } else { operation };
    format!("{operation} {path}: {}", go_io_reason(error))
}

/// The reason alone of an error of the operating system, as Go prints it: `no such file or directory`.
pub fn go_io_reason(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "no such file or directory".to_owned(),
        std::io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        std::io::ErrorKind::IsADirectory => "is a directory".to_owned(),
        std::io::ErrorKind::NotADirectory => "not a directory".to_owned(),
        std::io::ErrorKind::AlreadyExists => "file exists".to_owned(),
        _ => error.to_string(),
    }
}
