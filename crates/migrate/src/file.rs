//! One migration file: its statements with the lines they stand on.

use std::path::Path;

use crate::envsub::Variables;
use crate::parse::{self, ParseError};

/// Which half of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Direction {
    /// What `-- +goose Up` introduces.
    Up,
    /// What `-- +goose Down` introduces.
    Down,
}

impl Direction {
    /// `up` or `down`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Down => "down",
        }
    }
}

/// A statement as it is sent to the server: variables filled in, blanks around it gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// The text. May hold several statements of SQL where a line or a `StatementBegin` block does.
    pub sql: String,
    /// Line of the file on which it begins, from 1.
    pub line: usize,
    /// Column in characters on which it begins, from 1.
    pub column: usize,
}

/// Something about a file that its author should know, though it can be run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// Line, from 1.
    pub line: usize,
    /// What is the matter.
    pub message: String,
}

/// One direction of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Section {
    /// Whether it runs in a transaction: no line of the file says `NO TRANSACTION`.
    pub transaction: bool,
    /// The statements in order.
    pub statements: Vec<Statement>,
    /// Line of the annotation that begins it, from 1; absent where the file has none.
    pub line: Option<usize>,
    /// What its author should know.
    pub notes: Vec<Note>,
}

/// Both directions of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParsedFile {
    /// What takes the schema forward.
    pub up: Section,
    /// What takes it back; without a line where the file has no Down.
    pub down: Section,
}

impl ParsedFile {
    /// Parses both directions of a file's content, as `goose validate` does.
    ///
    /// # Errors
    /// Where goose would refuse either direction, or the text is not UTF-8; with line and column.
    pub fn parse(path: &Path, content: &[u8], variables: Variables<'_>) -> Result<Self, ParseError> {
        Ok(Self {
            up: Section::parse(path, content, Direction::Up, variables)?,
            down: Section::parse(path, content, Direction::Down, variables)?,
        })
    }
}

impl Section {
    /// Parses one direction of a file's content, as goose does before it runs that direction: a mistake that only the
    /// other direction has is not seen.
    ///
    /// # Errors
    /// Where goose would refuse this direction, or the text is not UTF-8; with line and column.
    pub fn parse(
        path: &Path,
        content: &[u8],
        direction: Direction,
        variables: Variables<'_>,
    ) -> Result<Self, ParseError> {
        parse::section(path, content, direction, variables)
    }
}
