//! Variables in a line, as `-- +goose ENVSUB ON` has them filled in: `$V`, `${V}`, `${V:-d}`, `${V-d}`, `${V?why}` and
//! `${V:offset:length}`. `$$` and `\$` stand for a dollar, `$(` for itself.

use std::sync::LazyLock;

use regex::Regex;

/// Gives a variable's value; the environment of the process as a rule.
pub type Variables<'a> = &'a dyn Fn(&str) -> Option<String>;

/// A name begins with a letter in Unicode's narrow sense, as Go's `unicode.IsLetter` has it.
static NAME: LazyLock<Result<Regex, regex::Error>> = LazyLock::new(|| Regex::new(r"^\p{L}[\p{L}\p{N}_]*"));

/// Defaults within defaults.
const DEEPEST: usize = 64;

/// Why a line's variables cannot be filled in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EnvsubError {
    /// A required variable.
    #[error("the environment variable {name} is not set: {message}")]
    NotSet {
        /// Its name.
        name: String,
        /// What the file says about it.
        message: String,
    },
    /// A dollar that introduces nothing.
    #[error("'$' is not followed by a variable's name; write $$ for a dollar")]
    NoName,
    /// Something else after the name.
    #[error("'${{{name}' is followed by neither '}}' nor ':-', '-', '?' or ':offset'")]
    Operator {
        /// The name before it.
        name: String,
    },
    /// A brace that does not close.
    #[error("'${{{name}' is not closed with '}}' on its line")]
    Unclosed {
        /// The name after it.
        name: String,
    },
    /// An offset or a length that is no number.
    #[error("'{text}' is no number, in the part of {name} that is asked for")]
    Number {
        /// The name before it.
        name: String,
        /// What stands there.
        text: String,
    },
    /// More defaults within defaults than anybody means.
    #[error("defaults nested deeper than {DEEPEST}")]
    Deep,
}

/// Fills in a line. An error comes with the column in characters, from 1, of the expansion that failed.
pub(crate) fn expand(line: &str, variables: Variables<'_>) -> Result<String, (usize, EnvsubError)> {
    let mut parser = Parser { text: line, at: 0, begin: 0 };
    let items = parser.expression(false, 0).map_err(|error| (column(line, parser.begin), error))?;
    let mut out = Vec::with_capacity(line.len());
    evaluate(&items, variables, &mut out).map_err(|(at, error)| (column(line, at), error))?;
    // a part of a value may cut a character in two
    Ok(String::from_utf8_lossy(&out).into_owned())
}

fn column(line: &str, at: usize) -> usize {
    line.get(..at).map_or(1, |before| before.chars().count() + 1)
}

enum Item {
    Text(String),
    /// With the byte where it begins.
    Expansion(usize, String, Kind),
}

enum Kind {
    Plain,
    IfEmpty(Vec<Item>),
    IfUnset(Vec<Item>),
    Required(Vec<Item>),
    Part(i64, Option<i64>),
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    /// Where the expansion at hand begins.
    begin: usize,
}

impl<'a> Parser<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    /// Text and expansions up to the end, or to a closing brace.
    fn expression(&mut self, within: bool, depth: usize) -> Result<Vec<Item>, EnvsubError> {
        let mut items = Vec::new();
        loop {
            let rest = self.rest();
            let Some(first) = rest.chars().next() else { break };
            if within && first == '}' {
                break;
            }
            let fixed = [(r"\\", r"\\"), (r"\$", "$"), ("$$", "$"), ("$(", "$(")];
            if let Some((written, meant)) = fixed.iter().find(|(written, _)| rest.starts_with(written)) {
                self.at += written.len();
                items.push(Item::Text((*meant).to_owned()));
            } else if first == '$' && rest.len() > 1 {
                items.push(self.expansion(depth)?);
            } else {
                let length = first.len_utf8();
                let stop = |c: char| c == '$' || c == '\\' || (within && c == '}');
                let end = rest[length..].find(stop).map_or(rest.len(), |at| length + at);
                self.at += end;
                items.push(Item::Text(rest[..end].to_owned()));
            }
        }
        Ok(items)
    }

    fn expansion(&mut self, depth: usize) -> Result<Item, EnvsubError> {
        if depth >= DEEPEST {
            return Err(EnvsubError::Deep);
        }
        let begin = self.at;
        self.begin = begin;
        self.at += 1;
        if !self.rest().starts_with('{') {
            return Ok(Item::Expansion(begin, self.name()?, Kind::Plain));
        }
        self.at += 1;
        let name = self.name()?;
        let rest = self.rest();
        let kind = if rest.starts_with('}') {
            Kind::Plain
        } else if rest.starts_with(":-") {
            self.at += 2;
            Kind::IfEmpty(self.expression(true, depth + 1)?)
        } else if rest.starts_with('-') {
            self.at += 1;
            Kind::IfUnset(self.expression(true, depth + 1)?)
        } else if rest.starts_with('?') {
            self.at += 1;
            Kind::Required(self.expression(true, depth + 1)?)
        } else if rest.starts_with(':') {
            self.at += 1;
            let offset = self.number(&name, &[':', '}'])?;
            if self.rest().starts_with(':') {
                self.at += 1;
                Kind::Part(offset, Some(self.number(&name, &['}'])?))
            } else {
                Kind::Part(offset, None)
            }
        } else if rest.is_empty() {
            return Err(EnvsubError::Unclosed { name });
        } else {
            return Err(EnvsubError::Operator { name });
        };
        if !self.rest().starts_with('}') {
            return Err(EnvsubError::Unclosed { name });
        }
        self.at += 1;
        Ok(Item::Expansion(begin, name, kind))
    }

    fn name(&mut self) -> Result<String, EnvsubError> {
        let name = NAME.as_ref().ok().and_then(|name| name.find(self.rest())).ok_or(EnvsubError::NoName)?;
        self.at += name.end();
        Ok(name.as_str().to_owned())
    }

    fn number(&mut self, name: &str, stops: &[char]) -> Result<i64, EnvsubError> {
        let rest = self.rest();
        let end = rest.find(stops).unwrap_or(rest.len());
        self.at += end;
        let text = rest[..end].trim();
        text.parse().map_err(|_| EnvsubError::Number { name: name.to_owned(), text: text.to_owned() })
    }
}

fn evaluate(items: &[Item], variables: Variables<'_>, out: &mut Vec<u8>) -> Result<(), (usize, EnvsubError)> {
    for item in items {
        let (begin, name, kind) = match item {
            Item::Text(text) => {
                out.extend_from_slice(text.as_bytes());
                continue;
            }
            Item::Expansion(begin, name, kind) => (begin, name, kind),
        };
        let value = variables(name);
        match (kind, value) {
            (Kind::Plain, value) => out.extend_from_slice(value.unwrap_or_default().as_bytes()),
            (Kind::IfEmpty(_), Some(value)) if !value.is_empty() => out.extend_from_slice(value.as_bytes()),
            (Kind::IfUnset(_) | Kind::Required(_), Some(value)) => out.extend_from_slice(value.as_bytes()),
            (Kind::IfEmpty(default) | Kind::IfUnset(default), _) => evaluate(default, variables, out)?,
            (Kind::Required(message), None) => {
                let mut text = Vec::new();
                evaluate(message, variables, &mut text)?;
                let message = match String::from_utf8_lossy(&text) {
                    text if text.is_empty() => "it is required".to_owned(),
                    text => text.into_owned(),
                };
                return Err((*begin, EnvsubError::NotSet { name: name.clone(), message }));
            }
            (Kind::Part(offset, length), value) => {
                let value = value.unwrap_or_default();
                out.extend_from_slice(part(value.as_bytes(), *offset, *length));
            }
        }
    }
    Ok(())
}

/// The part of a value that `offset` and `length` ask for, in bytes; negative ones count from its end.
fn part(value: &[u8], offset: i64, length: Option<i64>) -> &[u8] {
    let whole = i64::try_from(value.len()).unwrap_or(i64::MAX);
    let from = if offset < 0 { offset.saturating_add(whole) } else { offset }.clamp(0, whole);
    let to = match length {
        None => whole,
        Some(length) if length >= 0 => from.saturating_add(length),
        Some(length) => length.saturating_add(whole).max(from),
    };
    let index = |at: i64| usize::try_from(at).unwrap_or_default();
    value.get(index(from)..index(to.min(whole))).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(line: &str) -> Result<String, String> {
        let variables = |name: &str| match name {
            "NAME" => Some("knot".to_owned()),
            "EMPTY" => Some(String::new()),
            _ => None,
        };
        expand(line, &variables).map_err(|(column, error)| format!("{column}: {error}"))
    }

    #[test]
    fn fills_in_as_goose_does() {
        let cases = [
            ("a $NAME b", "a knot b"),
            ("'${NAME}s'", "'knots'"),
            ("${NONE}|${EMPTY:-d}|${EMPTY-d}|${NONE-d}|${NONE:-${NAME}}", "|d||d|knot"),
            ("${NAME:1}|${NAME:1:2}|${NAME:-2:9}|${NAME: -2}|${NAME:9}", "not|no|knot|ot|"),
            ("$$x \\$y \\\\z $(date) cost: $", "$x $y \\\\z $(date) cost: $"),
            ("${NONE?}$", "1: the environment variable NONE is not set: it is required"),
        ];
        for (line, expected) in cases {
            assert_eq!(filled(line).unwrap_or_else(|error| error), expected, "{line}");
        }
    }

    #[test]
    fn refuses_what_goose_refuses() {
        for line in ["$1", "${}", "${NAME", "${NAME:?x}", "${NAME!}", "${NAME:x}", "${NAME:-x", "$ x"] {
            assert!(filled(line).is_err(), "{line}");
        }
        assert!(filled(&"${A:-".repeat(1000)).unwrap_err().ends_with("nested deeper than 64"));
    }
}
