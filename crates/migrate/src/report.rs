//! What a run did and what a database's state is, for programs.

use std::time::Duration;

use serde::Serialize;

use crate::file::Direction;

/// A file that was run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Applied {
    /// Its version.
    pub version: i64,
    /// Its name.
    pub name: String,
    /// Which way.
    pub direction: Direction,
    /// How many statements it has.
    pub statements: usize,
    /// How long it took; as a program's reader wants it, in seconds.
    #[serde(rename = "seconds", serialize_with = "seconds")]
    pub took: Duration,
}

fn seconds<S: serde::Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(time.as_secs_f64())
}

/// What a run did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Outcome {
    /// In the order in which they ran.
    pub applied: Vec<Applied>,
    /// The database's version now.
    pub version: i64,
}

/// Where a file stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FileState {
    /// Applied.
    Applied,
    /// Not applied.
    Pending,
    /// A file without a transaction stopped in its midst.
    Stopped,
}

/// A file and what the database knows of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StatusLine {
    /// Its version.
    pub version: i64,
    /// Its name; absent where the database knows the version and there is no file.
    pub name: Option<String>,
    /// Where it stands.
    pub state: FileState,
    /// When it was applied, as the server writes it.
    pub applied_at: Option<String>,
    /// Whether the file differs from the one that was applied.
    pub changed: bool,
    /// What there is to say about it.
    pub notes: Vec<String>,
}

/// The state of a database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Status {
    /// The database's version.
    pub version: i64,
    /// By version.
    pub migrations: Vec<StatusLine>,
    /// Indexes that a build left INVALID (PostgreSQL).
    pub invalid_indexes: Vec<String>,
}

impl Status {
    /// How many files are not applied.
    pub fn pending(&self) -> usize {
        self.migrations.iter().filter(|line| line.state != FileState::Applied).count()
    }
}
