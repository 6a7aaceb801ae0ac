use std::ops::Range;
use std::path::PathBuf;

/// The text that takes the schema one way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The file that it is in.
    pub path: PathBuf,
    /// Its place in that file's text, in bytes.
    pub range: Range<usize>,
    /// Whether its tool runs it in a transaction.
    pub transaction: bool,
}

/// One migration, as its tool knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Migration {
    /// As the tool's version table writes it: `7`, `20240101120000`, `1.2`, `a1b2c3`, `shop.0001_initial`.
    pub version: String,
    /// What it says of itself, by its file's name.
    pub name: String,
    /// Its file.
    pub path: PathBuf,
    /// Forth; absent where it is written in something else than SQL.
    pub up: Option<Part>,
    /// Back, where there is a way.
    pub down: Option<Part>,
    /// The versions that come right before it, where that is written down (Alembic); by order of version else.
    pub after: Vec<String>,
    /// The versions that it stands in place of (Django's squashed migrations).
    pub replaces: Vec<String>,
}

impl Migration {
    /// The version as a number, where it is one; versions with dots by their first part.
    pub fn number(&self) -> Option<u64> {
        self.version.split('.').next()?.parse().ok()
    }

    /// The file's own name.
    pub fn file_name(&self) -> String {
        self.path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
    }
}
