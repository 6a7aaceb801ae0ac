use std::path::PathBuf;

use crate::parse::ParseError;

/// Why migrations could not be read or run.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// The folder.
    #[error("read the migrations in {}: {source}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file that is there and cannot be read.
    #[error("read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A `.sql` file without a version.
    #[error("{} is not named like a migration: {why}", path.display())]
    Name {
        /// The file.
        path: PathBuf,
        /// What is missing.
        why: &'static str,
    },
    /// Two files of one version.
    #[error("version {version} is there twice: {} and {}", first.display(), second.display())]
    Duplicate {
        /// The version.
        version: i64,
        /// One file.
        first: PathBuf,
        /// The other.
        second: PathBuf,
    },
    /// A migration in Go.
    #[error(
        "{}: a migration written in Go is a part of the program it is compiled into; only that program can run it",
        path.display()
    )]
    Go {
        /// The file.
        path: PathBuf,
    },
    /// A file that is no migration.
    #[error(transparent)]
    Parse(#[from] ParseError),
}
