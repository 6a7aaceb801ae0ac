//! goose's file format, line by line. The rules are those of goose 3.29; it knows nothing of quotes, `$$` or `/* */`.

use std::path::{Path, PathBuf};

use crate::envsub::{self, EnvsubError, Variables};
use crate::file::{Direction, Note, Section, Statement};

/// goose reads lines into a buffer of this many bytes and refuses longer ones.
const LONGEST_LINE: usize = 4 * 1024 * 1024;

/// Why a file is no migration. Shown as `file:line:column: what`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}:{line}:{column}: {fault}", path.display())]
pub struct ParseError {
    /// The file.
    pub path: PathBuf,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What is wrong there.
    pub fault: Fault,
}

/// What is wrong with a file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// A byte order mark.
    #[error("the file begins with a byte order mark, which goose refuses; save it as UTF-8 without one")]
    ByteOrderMark,
    /// Two-byte characters.
    #[error("the file is UTF-16; save it as UTF-8")]
    Utf16,
    /// Not UTF-8.
    #[error("the file is not UTF-8: byte 0x{0:02x}")]
    Encoding(u8),
    /// Longer than goose's buffer.
    #[error("a line of {0} bytes; goose reads lines up to 4 MiB")]
    LongLine(usize),
    /// No `-- +goose Up` in the whole file.
    #[error("no '-- +goose Up' in the file")]
    NoUp,
    /// SQL before the first annotation.
    #[error("SQL before '-- +goose Up'; only comments may stand there")]
    BeforeUp,
    /// An annotation after white space.
    #[error("white space before '--'; an annotation begins its line")]
    Indented,
    /// Two of them on one line.
    #[error("'+goose' twice on one line")]
    Twice,
    /// Nothing after `+goose`.
    #[error("nothing after '+goose'")]
    Empty,
    /// An annotation that goose does not know, or prose that mentions it.
    #[error(
        "unknown annotation '{0}'; known: Up, Down, StatementBegin, StatementEnd, NO TRANSACTION, ENVSUB ON, ENVSUB OFF"
    )]
    Unknown(String),
    /// A second Up.
    #[error("a second '-- +goose Up'; the first is on line {0}")]
    SecondUp(usize),
    /// A second Down.
    #[error("a second '-- +goose Down'; the first is on line {0}")]
    SecondDown(usize),
    /// Down first.
    #[error("'-- +goose Down' before '-- +goose Up'")]
    DownFirst,
    /// An Up or Down within a block.
    #[error("'-- +goose {0}' within the StatementBegin block of line {1}")]
    WithinBlock(&'static str, usize),
    /// A block outside of both directions.
    #[error("'-- +goose StatementBegin' before '-- +goose Up'")]
    BlockBeforeUp,
    /// A block within a block.
    #[error("'-- +goose StatementBegin' within the block of line {0}")]
    NestedBlock(usize),
    /// An end without a begin.
    #[error("'-- +goose StatementEnd' without a StatementBegin")]
    EndWithoutBegin,
    /// A block that does not end.
    #[error("'-- +goose StatementBegin' without a StatementEnd")]
    Unterminated,
    /// A statement that does not end.
    #[error("the statement does not end with ';' at the end of a line (StatementBegin and StatementEnd hold others)")]
    NoSemicolon,
    /// A variable.
    #[error("{0}")]
    Variable(#[from] EnvsubError),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Annotation {
    Up,
    Down,
    StatementBegin,
    StatementEnd,
    NoTransaction,
    EnvsubOn,
    EnvsubOff,
}

const ANNOTATIONS: [(&str, Annotation); 7] = [
    ("Up", Annotation::Up),
    ("Down", Annotation::Down),
    ("StatementBegin", Annotation::StatementBegin),
    ("StatementEnd", Annotation::StatementEnd),
    ("NO TRANSACTION", Annotation::NoTransaction),
    ("ENVSUB ON", Annotation::EnvsubOn),
    ("ENVSUB OFF", Annotation::EnvsubOff),
];

/// Where in the file the parser is: before Up, or in one of the directions, maybe in a block.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Start,
    In(Direction),
    /// With the line of the `StatementBegin`.
    Block(Direction, usize),
}

pub(crate) fn section(
    path: &Path,
    content: &[u8],
    direction: Direction,
    variables: Variables<'_>,
) -> Result<Section, ParseError> {
    let fail = |line, column, fault| ParseError { path: path.to_owned(), line, column, fault };
    let text = decode(content).map_err(|(line, column, fault)| fail(line, column, fault))?;
    let mut parser = Parser {
        wanted: direction,
        variables,
        state: State::Start,
        envsub: false,
        after_foreign_block: false,
        buffer: Buffer::default(),
        up: None,
        down: None,
        section: Section { transaction: true, ..Section::default() },
    };
    let mut last = 0;
    for (index, line) in lines(text).enumerate() {
        last = index + 1;
        parser.line(line, last).map_err(|(column, fault)| fail(last, column, fault))?;
    }
    parser.end().map_err(|(line, fault)| fail(line.unwrap_or(last.max(1)), 1, fault))
}

/// Lines as Go's scanner gives them: one `\r` before the `\n` goes, and so does an empty last line.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    let text = text.strip_suffix('\n').map_or(if text.is_empty() { None } else { Some(text) }, Some);
    text.into_iter().flat_map(|text| text.split('\n')).map(|line| line.strip_suffix('\r').unwrap_or(line))
}

fn decode(content: &[u8]) -> Result<&str, (usize, usize, Fault)> {
    if content.starts_with(&[0xef, 0xbb, 0xbf]) {
        return Err((1, 1, Fault::ByteOrderMark));
    }
    if content.starts_with(&[0xff, 0xfe]) || content.starts_with(&[0xfe, 0xff]) {
        return Err((1, 1, Fault::Utf16));
    }
    std::str::from_utf8(content).map_err(|error| {
        let valid = &content[..error.valid_up_to()];
        let line = valid.iter().filter(|&&byte| byte == b'\n').count() + 1;
        let start = valid.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
        let column = String::from_utf8_lossy(&valid[start..]).chars().count() + 1;
        (line, column, Fault::Encoding(content[error.valid_up_to()]))
    })
}

/// The lines of a statement so far.
#[derive(Default)]
struct Buffer {
    text: String,
    /// Line and column of the first character that is not white space.
    begin: Option<(usize, usize)>,
}

impl Buffer {
    fn push(&mut self, line: &str, number: usize) {
        if self.begin.is_none()
            && let Some(at) = line.chars().position(|c| !c.is_whitespace())
        {
            self.begin = Some((number, at + 1));
        }
        self.text.push_str(line);
        self.text.push('\n');
    }

    fn clear(&mut self) {
        self.text.clear();
        self.begin = None;
    }

    fn take(&mut self, number: usize) -> Statement {
        let (line, column) = self.begin.unwrap_or((number, 1));
        let sql = self.text.trim().to_owned();
        self.clear();
        Statement { sql, line, column }
    }
}

struct Parser<'a> {
    wanted: Direction,
    variables: Variables<'a>,
    state: State,
    envsub: bool,
    /// After a block of the direction that is not wanted goose fills in no variables, up to the next block or the next
    /// direction, so that it does not miss any either.
    after_foreign_block: bool,
    buffer: Buffer,
    /// Line of Up, of Down.
    up: Option<usize>,
    down: Option<usize>,
    section: Section,
}

impl Parser<'_> {
    /// Takes one line; a fault comes with its column.
    fn line(&mut self, line: &str, number: usize) -> Result<(), (usize, Fault)> {
        if line.len() >= LONGEST_LINE {
            return Err((1, Fault::LongLine(line.len())));
        }
        let trimmed = line.trim();
        if self.state == State::Start && trimmed.is_empty() {
            return Ok(());
        }
        if trimmed.starts_with("--") && line.contains("+goose") {
            let column = line.find("+goose").map_or(1, |at| line[..at].chars().count() + 1);
            let annotation = annotation(line).map_err(|fault| match fault {
                Fault::Indented => (1, fault),
                _ => (column, fault),
            })?;
            return self.annotation(annotation, number).map_err(|fault| (column, fault));
        }
        if self.buffer.text.is_empty() && (trimmed.starts_with("--") || line.is_empty()) {
            return Ok(());
        }
        let expanded;
        let mut line = line;
        if self.envsub && !self.after_foreign_block {
            expanded = envsub::expand(line, self.variables).map_err(|(column, error)| (column, error.into()))?;
            line = &expanded;
        }
        let (direction, block) = match self.state {
            State::Start => {
                let column = line.chars().position(|c| !c.is_whitespace()).map_or(1, |at| at + 1);
                return Err((column, Fault::BeforeUp));
            }
            State::In(direction) => (direction, false),
            State::Block(direction, _) => (direction, true),
        };
        if direction != self.wanted {
            return Ok(());
        }
        self.buffer.push(line, number);
        if !block && ends_with_semicolon(line) {
            let statement = self.buffer.take(number);
            self.section.statements.push(statement);
        }
        Ok(())
    }

    fn annotation(&mut self, annotation: Annotation, number: usize) -> Result<(), Fault> {
        match (annotation, self.state) {
            (Annotation::NoTransaction, _) => self.section.transaction = false,
            (Annotation::EnvsubOn, _) => self.envsub = true,
            (Annotation::EnvsubOff, _) => self.envsub = false,
            (Annotation::Up, State::Start) => {
                self.up = Some(number);
                self.state = State::In(Direction::Up);
            }
            (Annotation::Up, State::Block(_, begin)) => return Err(Fault::WithinBlock("Up", begin)),
            (Annotation::Up, State::In(_)) => return Err(Fault::SecondUp(self.up.unwrap_or(1))),
            (Annotation::Down, State::Start) => return Err(Fault::DownFirst),
            (Annotation::Down, State::Block(_, begin)) => return Err(Fault::WithinBlock("Down", begin)),
            (Annotation::Down, State::In(Direction::Down)) => {
                return Err(Fault::SecondDown(self.down.unwrap_or(1)));
            }
            (Annotation::Down, State::In(Direction::Up)) => {
                if !self.buffer.text.trim().is_empty() {
                    return Err(Fault::NoSemicolon);
                }
                self.down = Some(number);
                self.after_foreign_block = false;
                self.state = State::In(Direction::Down);
            }
            (Annotation::StatementBegin, State::Start) => return Err(Fault::BlockBeforeUp),
            (Annotation::StatementBegin, State::Block(_, begin)) => return Err(Fault::NestedBlock(begin)),
            (Annotation::StatementBegin, State::In(direction)) => {
                self.after_foreign_block = false;
                self.state = State::Block(direction, number);
            }
            (Annotation::StatementEnd, State::Start | State::In(_)) => return Err(Fault::EndWithoutBegin),
            (Annotation::StatementEnd, State::Block(direction, begin)) => {
                self.state = State::In(direction);
                if direction == self.wanted {
                    self.end_block(begin, number);
                } else {
                    self.after_foreign_block = true;
                }
            }
        }
        Ok(())
    }

    fn end_block(&mut self, begin: usize, number: usize) {
        if self.buffer.text.is_empty() {
            // goose 3.29 stays in the block's end state here and swallows the next line.
            let message = format!(
                "the StatementBegin block of line {begin} is empty; goose 3.29 drops the line after it and sends an \
                 empty statement"
            );
            self.section.notes.push(Note { line: number, message });
        } else {
            let statement = self.buffer.take(number);
            self.section.statements.push(statement);
        }
    }

    /// The end of the file; a fault comes with its line.
    fn end(mut self) -> Result<Section, (Option<usize>, Fault)> {
        match self.state {
            State::Start => return Err((Some(1), Fault::NoUp)),
            State::Block(_, begin) => return Err((Some(begin), Fault::Unterminated)),
            State::In(_) => {}
        }
        if !self.buffer.text.trim().is_empty() {
            return Err((self.buffer.begin.map(|(line, _)| line), Fault::NoSemicolon));
        }
        self.section.line = match self.wanted {
            Direction::Up => self.up,
            Direction::Down => self.down,
        };
        Ok(self.section)
    }
}

fn annotation(line: &str) -> Result<Annotation, Fault> {
    if line.starts_with([' ', '\t']) {
        return Err(Fault::Indented);
    }
    let command = line.replace("--", "").replacen("+goose", "", 1);
    if command.contains("+goose") {
        return Err(Fault::Twice);
    }
    let command = command.trim();
    if command.is_empty() {
        return Err(Fault::Empty);
    }
    let known = ANNOTATIONS.iter().find(|(name, _)| equal_fold(name, command));
    known.map(|(_, annotation)| *annotation).ok_or_else(|| Fault::Unknown(command.to_owned()))
}

/// Equal but for case, as Go's `strings.EqualFold` sees it where one side is ASCII letters.
fn equal_fold(ascii: &str, other: &str) -> bool {
    let fold = |c: char| match c {
        '\u{17f}' => 's',
        '\u{212a}' => 'k',
        c => c.to_ascii_lowercase(),
    };
    ascii.chars().map(fold).eq(other.chars().map(fold))
}

/// Whether the last word before a word that begins with `--` ends in a semicolon.
fn ends_with_semicolon(line: &str) -> bool {
    line.split_whitespace().take_while(|word| !word.starts_with("--")).last().is_some_and(|word| word.ends_with(';'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str, direction: Direction) -> Result<Section, String> {
        section(Path::new("1_a.sql"), text.as_bytes(), direction, &|_| None).map_err(|error| error.to_string())
    }

    fn up(text: &str) -> Vec<String> {
        parse(text, Direction::Up).unwrap().statements.into_iter().map(|statement| statement.sql).collect()
    }

    fn refused(text: &str) -> String {
        parse(text, Direction::Up).unwrap_err()
    }

    #[test]
    fn statements_of_both_directions_with_their_lines() {
        let text = "-- what\r\n-- +goose Up\r\n-- first\r\nSELECT 1\r\n  -- kept\r\n  FROM t; -- end\r\n\r\n  SELECT 2; SELECT 3;\r\n-- +goose Down\r\nDROP TABLE t;";
        let up = parse(text, Direction::Up).unwrap();
        let places: Vec<_> = up.statements.iter().map(|s| (s.sql.as_str(), s.line, s.column)).collect();
        assert_eq!(places, [("SELECT 1\n  -- kept\n  FROM t; -- end", 4, 1), ("SELECT 2; SELECT 3;", 8, 3)]);
        let down = parse(text, Direction::Down).unwrap();
        assert_eq!(
            (down.statements[0].sql.as_str(), down.statements[0].line, down.line),
            ("DROP TABLE t;", 10, Some(9))
        );
        assert!(up.transaction && down.transaction);
    }

    #[test]
    fn blocks_hold_semicolons() {
        let text =
            "--+goose UP\n-- +goose StatementBegin\nDO $$\nBEGIN\n  x;\nEND $$;\n-- +goose StatementEnd\nSELECT 1;\n";
        assert_eq!(up(text), ["DO $$\nBEGIN\n  x;\nEND $$;", "SELECT 1;"]);
    }

    #[test]
    fn an_empty_block_is_reported_and_swallows_nothing() {
        let text = "-- +goose Up\n-- +goose StatementBegin\n-- +goose StatementEnd\nSELECT 1;\nSELECT 2;\n";
        let section = parse(text, Direction::Up).unwrap();
        assert_eq!(section.statements.len(), 2);
        assert_eq!(section.notes[0].line, 3);
    }

    #[test]
    fn no_transaction_anywhere_counts_for_both() {
        let text = "-- +goose Up\nSELECT 1;\n-- +goose Down\nSELECT 2;\n-- +goose no transaction\n";
        assert!(!parse(text, Direction::Up).unwrap().transaction);
        assert!(!parse(text, Direction::Down).unwrap().transaction);
    }

    #[test]
    fn refusals_name_the_place() {
        let cases = [
            ("\u{feff}-- +goose Up\n", "1_a.sql:1:1: the file begins with a byte order mark"),
            ("", "1_a.sql:1:1: no '-- +goose Up'"),
            ("-- nothing\n", "1_a.sql:1:1: no '-- +goose Up'"),
            ("\n  SELECT 1;\n-- +goose Up\n", "1_a.sql:2:3: SQL before"),
            (" -- +goose Up\n", "1_a.sql:1:1: white space before"),
            ("-- +goose Up +goose Up\n", "1_a.sql:1:4: '+goose' twice"),
            ("-- +goose\n", "1_a.sql:1:4: nothing after"),
            ("-- see +goose docs\n", "1_a.sql:1:8: unknown annotation 'see  docs'"),
            ("-- +goose Up\n-- +goose Up\n", "1_a.sql:2:4: a second '-- +goose Up'; the first is on line 1"),
            ("-- +goose Down\n", "1_a.sql:1:4: '-- +goose Down' before"),
            ("-- +goose Up\n-- +goose Down\n-- +goose Down\n", "1_a.sql:3:4: a second '-- +goose Down'"),
            ("-- +goose Up\n-- +goose StatementBegin\nx\n", "1_a.sql:2:1: '-- +goose StatementBegin' without"),
            ("-- +goose Up\n-- +goose StatementEnd\n", "1_a.sql:2:4: '-- +goose StatementEnd' without"),
            ("-- +goose Up\n\nSELECT 1\n", "1_a.sql:3:1: the statement does not end"),
            ("-- +goose Up\nSELECT 1\n-- +goose Down\n", "1_a.sql:3:4: the statement does not end"),
            (
                "-- +goose Up\n-- +goose ENVSUB ON\nSELECT ${NAME?who};\n",
                "1_a.sql:3:8: the environment variable NAME is not set: who",
            ),
        ];
        for (text, expected) in cases {
            let error = refused(text);
            assert!(error.starts_with(expected), "{text:?}: {error}");
        }
        let error = section(Path::new("1_a.sql"), b"-- +goose Up\nSELECT '\xff';\n", Direction::Up, &|_| None);
        assert_eq!(error.unwrap_err().to_string(), "1_a.sql:2:9: the file is not UTF-8: byte 0xff");
    }

    #[test]
    fn a_missing_semicolon_is_seen_in_its_own_direction_only() {
        let text = "-- +goose Up\nSELECT 1;\n-- +goose Down\nDROP TABLE t\n";
        assert!(parse(text, Direction::Up).is_ok());
        assert!(parse(text, Direction::Down).is_err());
    }
}
