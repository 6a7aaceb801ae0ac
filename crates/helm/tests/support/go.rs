//! The tables of Go tests: struct literals whose fields are simple enough to be worked out without running Go.

use std::collections::BTreeMap;

/// A value of a field.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Go {
    Text(String),
    Int(i64),
    Float(f64),
    Bool(bool),
    Nil,
    /// Type and entries.
    Map(String, Vec<(Go, Go)>),
    /// Type and items.
    List(String, Vec<Go>),
}

/// A struct literal: in which test function, in which table of it, and its fields; `None` for those that cannot be
/// worked out.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) function: String,
    pub(crate) table: String,
    pub(crate) fields: BTreeMap<String, Option<Go>>,
}

impl Record {
    /// A field of text.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        match self.fields.get(name) {
            Some(Some(Go::Text(text))) => Some(text),
            _ => None,
        }
    }

    /// A field that is on.
    pub(crate) fn is_on(&self, name: &str) -> bool {
        self.fields.get(name) == Some(&Some(Go::Bool(true)))
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Word(String),
    Text(String),
    Number(String),
    Sign(&'static str),
    /// A line ended.
    End,
}

/// The struct literals of a source file that have all of these fields.
pub(crate) fn records(source: &str, with: &[&str]) -> Vec<Record> {
    let tokens = tokens(source);
    let mut reader = Reader { tokens: &tokens, names: BTreeMap::new() };
    let (mut function, mut table) = (String::new(), String::new());
    let mut open: Vec<BTreeMap<String, Option<Go>>> = Vec::new();
    let mut records = Vec::new();
    for at in 0..tokens.len() {
        match &tokens[at] {
            Token::Word(word) if word == "func" => {
                if let Some(Token::Word(name)) = tokens.get(at + 1) {
                    function.clone_from(name);
                }
            }
            Token::Word(name) if matches!(tokens.get(at + 1), Some(Token::Sign(":=" | "="))) => {
                match reader.expression(at + 2) {
                    Some((value, _)) => _ = reader.names.insert(name.clone(), value),
                    None => {
                        reader.names.remove(name);
                        if tokens.get(at + 2) == Some(&Token::Sign("["))
                            || tokens.get(at + 2) == Some(&Token::Sign("]"))
                        {
                            table.clone_from(name);
                        }
                    }
                }
                if matches!(tokens.get(at + 2), Some(Token::Sign("["))) {
                    table.clone_from(name);
                }
            }
            // What is changed afterwards is not what it was.
            Token::Word(name)
                if tokens.get(at + 1) == Some(&Token::Sign("[")) && at > 0 && tokens[at - 1] == Token::End =>
            {
                reader.names.remove(name);
            }
            Token::Word(name) if tokens.get(at + 1) == Some(&Token::Sign(":")) => {
                if let Some(fields) = open.last_mut() {
                    fields.insert(name.clone(), reader.expression(at + 2).map(|(value, _)| value));
                }
            }
            Token::Sign("{") => open.push(BTreeMap::new()),
            Token::Sign("}") => {
                if let Some(fields) = open.pop().filter(|fields| with.iter().all(|name| fields.contains_key(*name))) {
                    records.push(Record { function: function.clone(), table: table.clone(), fields });
                }
            }
            _ => {}
        }
    }
    records
}

struct Reader<'t> {
    tokens: &'t [Token],
    names: BTreeMap<String, Go>,
}

impl Reader<'_> {
    fn is(&self, at: usize, sign: &str) -> bool {
        matches!(self.tokens.get(at), Some(Token::Sign(found)) if *found == sign)
    }

    /// An expression and the place behind it.
    fn expression(&self, at: usize) -> Option<(Go, usize)> {
        let (mut value, mut at) = self.operand(at)?;
        while self.is(at, "+") {
            let (right, next) = self.operand(at + 1)?;
            value = match (value, right) {
                (Go::Text(a), Go::Text(b)) => Go::Text(a + &b),
                _ => return None,
            };
            at = next;
        }
        // Whatever goes on here is more than can be worked out.
        matches!(self.tokens.get(at), None | Some(Token::End | Token::Sign("," | "}" | ")" | ":")))
            .then_some((value, at))
    }

    fn operand(&self, at: usize) -> Option<(Go, usize)> {
        match self.tokens.get(at)? {
            Token::Text(text) => Some((Go::Text(text.clone()), at + 1)),
            Token::Number(text) => {
                let text = text.replace('_', "");
                let value = text.parse().map(Go::Int).or_else(|_| text.parse().map(Go::Float)).ok()?;
                Some((value, at + 1))
            }
            Token::Sign("-") => match self.operand(at + 1)? {
                (Go::Int(number), next) => Some((Go::Int(-number), next)),
                (Go::Float(number), next) => Some((Go::Float(-number), next)),
                _ => None,
            },
            Token::Word(word) if word == "map" => self.map(at),
            Token::Sign("[") => self.list(at),
            Token::Word(word) if word == "fmt" || word == "filepath" => self.call(at),
            Token::Word(word) if self.is(at + 1, "(") && matches!(word.as_str(), "int64" | "float64" | "string") => {
                let (value, next) = self.expression(at + 2)?;
                let value = match (word.as_str(), value) {
                    ("float64", Go::Int(number)) => Go::Float(number as f64),
                    (_, value) => value,
                };
                self.is(next, ")").then_some((value, next + 1))
            }
            Token::Word(word) => match word.as_str() {
                "true" => Some((Go::Bool(true), at + 1)),
                "false" => Some((Go::Bool(false), at + 1)),
                "nil" => Some((Go::Nil, at + 1)),
                name => Some((self.names.get(name)?.clone(), at + 1)),
            },
            _ => None,
        }
    }

    /// `fmt.Sprintf(…)` with `%s`, `%q`, `%v`, `%d`; `filepath.Join(…)`.
    fn call(&self, at: usize) -> Option<(Go, usize)> {
        let Some(Token::Word(name)) = self.tokens.get(at + 2) else { return None };
        if !self.is(at + 3, "(") {
            return None;
        }
        let mut arguments = Vec::new();
        let mut at = at + 4;
        while !self.is(at, ")") {
            let (value, next) = self.expression(at)?;
            arguments.push(match value {
                Go::Text(text) => text,
                Go::Int(number) => number.to_string(),
                _ => return None,
            });
            at = if self.is(next, ",") { next + 1 } else { next };
        }
        let text = match name.as_str() {
            "Join" => arguments.join("/"),
            "Sprintf" => {
                let (format, values) = arguments.split_first()?;
                let mut out = String::new();
                let mut values = values.iter();
                let mut characters = format.chars();
                while let Some(c) = characters.next() {
                    if c != '%' {
                        out.push(c);
                        continue;
                    }
                    match characters.next()? {
                        '%' => out.push('%'),
                        's' | 'v' | 'd' => out.push_str(values.next()?),
                        'q' => out.push_str(&format!("{:?}", values.next()?)),
                        _ => return None,
                    }
                }
                out
            }
            _ => return None,
        };
        Some((Go::Text(text), at + 1))
    }

    /// Words of a type up to its braces.
    fn type_name(&self, mut at: usize) -> Option<(String, usize)> {
        let mut name = String::new();
        loop {
            match self.tokens.get(at)? {
                Token::Sign("{") => return Some((name, at)),
                Token::Word(word) if word == "struct" => return None,
                Token::Word(word) => name.push_str(word),
                Token::Sign(sign @ ("[" | "]" | ".")) => name.push_str(sign),
                _ => return None,
            }
            at += 1;
        }
    }

    fn map(&self, at: usize) -> Option<(Go, usize)> {
        let (name, mut at) = self.type_name(at)?;
        let mut entries = Vec::new();
        at = self.skip_ends(at + 1);
        while !self.is(at, "}") {
            let (key, next) = self.expression(at)?;
            if !self.is(next, ":") {
                return None;
            }
            let (value, next) = self.element(&name, next + 1)?;
            entries.push((key, value));
            at = self.skip_ends(if self.is(next, ",") { next + 1 } else { next });
        }
        Some((Go::Map(name, entries), at + 1))
    }

    fn list(&self, at: usize) -> Option<(Go, usize)> {
        let (name, mut at) = self.type_name(at)?;
        let mut items = Vec::new();
        at = self.skip_ends(at + 1);
        while !self.is(at, "}") {
            let (value, next) = self.element(&name, at)?;
            items.push(value);
            at = self.skip_ends(if self.is(next, ",") { next + 1 } else { next });
        }
        Some((Go::List(name, items), at + 1))
    }

    /// A value of a literal, whose own type may be left out.
    fn element(&self, _outer: &str, at: usize) -> Option<(Go, usize)> {
        self.expression(at)
    }

    fn skip_ends(&self, mut at: usize) -> usize {
        while self.tokens.get(at) == Some(&Token::End) {
            at += 1;
        }
        at
    }
}

fn tokens(source: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = source;
    while let Some(c) = rest.chars().next() {
        if let Some(comment) = rest.strip_prefix("//") {
            rest = &comment[comment.find('\n').unwrap_or(comment.len())..];
        } else if let Some(comment) = rest.strip_prefix("/*") {
            rest = comment.split_once("*/").map_or("", |(_, behind)| behind);
        } else if c == '\n' {
            tokens.push(Token::End);
            rest = &rest[1..];
        } else if c.is_whitespace() {
            rest = &rest[c.len_utf8()..];
        } else if c == '`' {
            let end = rest[1..].find('`').map_or(rest.len(), |end| end + 1);
            tokens.push(Token::Text(rest[1..end].to_owned()));
            rest = rest.get(end + 1..).unwrap_or_default();
        } else if c == '"' || c == '\'' {
            let (text, behind) = quoted(&rest[1..], c);
            tokens.push(Token::Text(text));
            rest = behind;
        } else if c.is_ascii_digit() {
            let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '.' || c == '_')).unwrap_or(rest.len());
            tokens.push(Token::Number(rest[..end].to_owned()));
            rest = &rest[end..];
        } else if c.is_alphabetic() || c == '_' {
            let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
            tokens.push(Token::Word(rest[..end].to_owned()));
            rest = &rest[end..];
        } else {
            const SIGNS: [&str; 13] = [":=", "{", "}", "(", ")", "[", "]", ",", ":", "+", "-", "=", "."];
            let sign = SIGNS.into_iter().find(|sign| rest.starts_with(sign));
            tokens.push(Token::Sign(sign.unwrap_or("?")));
            rest = &rest[sign.map_or(c.len_utf8(), str::len)..];
        }
    }
    // A line that ends behind a comma, an opening bracket or a plus goes on.
    let mut kept: Vec<Token> = Vec::new();
    for token in tokens {
        let goes_on = matches!(kept.last(), Some(Token::Sign("," | "(" | "{" | "+" | "[") | Token::End));
        if token != Token::End || !goes_on {
            kept.push(token);
        }
    }
    kept
}

fn quoted(text: &str, quote: char) -> (String, &str) {
    let mut out = String::new();
    let mut characters = text.char_indices();
    while let Some((at, c)) = characters.next() {
        match c {
            c if c == quote => return (out, &text[at + 1..]),
            '\\' => match characters.next() {
                Some((_, 'n')) => out.push('\n'),
                Some((_, 't')) => out.push('\t'),
                Some((_, 'r')) => out.push('\r'),
                Some((_, 'u')) => {
                    let digits: String = characters.by_ref().take(4).map(|(_, c)| c).collect();
                    out.extend(u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32));
                }
                Some((_, c)) => out.push(c),
                None => break,
            },
            c => out.push(c),
        }
    }
    (out, "")
}
