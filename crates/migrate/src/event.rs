//! What a run says while it goes on. Printing is the listener's.

use std::time::Duration;

use serde::Serialize;

use crate::file::Direction;

/// Who holds the migration lock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Holder {
    /// Process id of the server's session, connection id on MySQL, process id of this machine for SQLite.
    pub process: i64,
    /// What the session calls itself: `application_name`, or the user.
    pub name: String,
    /// From where, empty where the server does not say.
    pub address: String,
    /// When the session began, as the server writes it.
    pub since: String,
}

impl std::fmt::Display for Holder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "pid {}", self.process)?;
        if !self.name.is_empty() {
            write!(f, " ({})", self.name)?;
        }
        if !self.address.is_empty() {
            write!(f, " from {}", self.address)?;
        }
        if !self.since.is_empty() {
            write!(f, " since {}", self.since)?;
        }
        Ok(())
    }
}

/// A session that another one waits for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Blocker {
    /// Process id of the server's session.
    pub process: i64,
    /// `application_name`.
    pub name: String,
    /// `active`, `idle in transaction` and so on.
    pub state: String,
    /// What it runs, or ran last, in one line.
    pub query: String,
}

impl std::fmt::Display for Blocker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "pid {}", self.process)?;
        if !self.name.is_empty() {
            write!(f, " ({})", self.name)?;
        }
        write!(f, ", {}: {}", self.state, self.query)
    }
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The server cannot be reached yet.
    WaitingForServer {
        /// Why not.
        why: String,
        /// How long it is waited for.
        limit: Duration,
    },
    /// Another process migrates.
    LockHeld {
        /// Who; absent where it was gone when asked for.
        holder: Option<Holder>,
        /// How long it is waited for.
        limit: Duration,
    },
    /// The lock is free and ours.
    LockTaken {
        /// How long it was waited for.
        waited: Duration,
    },
    /// A file is done.
    Migrated {
        /// Its version.
        version: i64,
        /// Its name.
        name: String,
        /// Which way.
        direction: Direction,
        /// How many statements it has; none where goose says EMPTY.
        statements: usize,
        /// How long it took.
        took: Duration,
    },
    /// A file without a transaction goes on where an earlier run stopped.
    Resumed {
        /// Its version.
        version: i64,
        /// Its name.
        name: String,
        /// The statement it goes on with, from 1.
        statement: usize,
        /// Of how many.
        of: usize,
    },
    /// A half-built index was found and dropped.
    IndexDropped {
        /// Its name.
        index: String,
    },
    /// A statement of an earlier run turned out to be done.
    FoundDone {
        /// The file's version.
        version: i64,
        /// The statement, from 1.
        statement: usize,
    },
    /// Another session is in the way.
    Blocked {
        /// Which.
        blocker: Blocker,
    },
    /// A lock was not to be had in time; it is tried again.
    Retry {
        /// The file.
        name: String,
        /// Why.
        why: String,
        /// Which attempt follows, from 2.
        attempt: u32,
        /// After how long.
        after: Duration,
    },
    /// The command that goes before anything is changed begins.
    Before {
        /// It.
        command: String,
    },
    /// Files are not what they were when they were applied. They are not run again.
    Changed {
        /// Their names.
        names: Vec<String>,
    },
    /// What a file's author should know.
    Note {
        /// `file:line: what`.
        text: String,
    },
}

impl Serialize for Direction {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}
