//! TOML to values, with the errors of the library that Helm reads it with.
//!
//! The lines and the "last key" of its errors follow from how far it has read when it notices; so this reads in the same
//! order: a key, what stands for it in the tables, and only then its value.

mod lex;
mod tables;

use bowline_gotemplate::{List, Map, Text, Value, fmt, literal, lossy, with_stack};

use crate::functions::dates::read_toml_time;
use lex::{Item, Lexer};
use tables::Tables;

/// How deep arrays and inline tables may nest.
const MAX_DEPTH: usize = 1000;

/// Why a document is none.
pub(super) enum Stop {
    /// What is wrong, and in which line.
    Wrong(u32, String),
    /// The library panics.
    Bug(String),
}

type Read<T> = Result<T, Stop>;

/// What the library makes of a bad document.
pub(super) enum Failed {
    /// An error.
    Error(String),
    /// A panic.
    Panic(String),
}

/// # Errors
/// What the library says.
pub(super) fn from_toml(text: &[u8]) -> Result<Map, Failed> {
    let text = match text {
        [0xff, 0xfe, rest @ ..] | [0xfe, 0xff, rest @ ..] | [0xef, 0xbb, 0xbf, rest @ ..] => rest,
        text => text,
    };
    if text[..text.len().min(6)].contains(&0) {
        let message = "files cannot contain NULL bytes; probably using UTF-16; TOML files must be UTF-8";
        return Err(Failed::Error(format!("toml: line 1: {message}")));
    }
    let mut reader = Reader { lexer: Lexer::new(text), tables: Tables::default() };
    match reader.document() {
        Ok(()) => Ok(reader.tables.root),
        Err(Stop::Bug(message)) => Err(Failed::Panic(message)),
        Err(Stop::Wrong(line, message)) => {
            let key = reader.tables.current();
            let key = if key.is_empty() { key } else { format!(" (last key {})", fmt::quoted(key.as_bytes())) };
            Err(Failed::Error(format!("toml: line {line}{key}: {message}")))
        }
    }
}

struct Reader<'t> {
    lexer: Lexer<'t>,
    tables: Tables,
}

impl Reader<'_> {
    fn document(&mut self) -> Read<()> {
        while let Some(c) = self.lexer.top()? {
            if c == '[' {
                let is_array = self.lexer.table_start()?;
                let (line, key) = self.table_name()?;
                self.lexer.table_end(is_array)?;
                self.tables.line = line;
                self.tables.enter(&key, is_array)?;
                self.tables.set_kind("", false);
            } else {
                let outer = self.tables.context.clone();
                self.pair(0)?;
                self.tables.context = outer;
                self.tables.key.clear();
            }
            self.lexer.top_end()?;
        }
        Ok(())
    }

    /// The parts of a table's name, and the line of the first.
    fn table_name(&mut self) -> Read<(u32, Vec<String>)> {
        let mut key = Vec::new();
        let mut line = 0;
        loop {
            let part = self.lexer.table_name_part()?;
            line = if key.is_empty() { part.line } else { line };
            key.push(self.key_text(part)?);
            if !self.lexer.table_name_goes_on()? {
                return Ok((line, key));
            }
        }
    }

    /// A key and its value; the last part of the key becomes the present one, the parts before it are given.
    fn pair(&mut self, depth: usize) -> Read<(Vec<String>, Value)> {
        self.lexer.key_start()?;
        let mut key = Vec::new();
        loop {
            let part = self.lexer.key_part()?;
            if key.is_empty() {
                self.tables.line = part.line;
            }
            key.push(self.key_text(part)?);
            if !self.lexer.key_goes_on()? {
                break;
            }
        }
        self.tables.key = key.pop().unwrap_or_default();
        for part in &key {
            let mut inner = self.tables.context.clone();
            inner.push(part.clone());
            self.tables.imply(&inner);
            self.tables.enter(&inner, false)?;
        }
        let (value, is_array) = self.value(false, depth)?;
        let name = self.tables.key.clone();
        self.tables.set(&name, value.clone())?;
        self.tables.set_kind(&name, is_array);
        Ok((key, value))
    }

    fn key_text(&self, part: Item<'_>) -> Read<String> {
        Ok(lossy(&text(part)?).into_owned())
    }

    /// A value, and whether it is an array.
    fn value(&mut self, in_array: bool, depth: usize) -> Read<(Value, bool)> {
        if depth > MAX_DEPTH {
            return Err(Stop::Wrong(self.lexer.line, "values are nested too deeply".to_owned()));
        }
        let item = self.lexer.value()?;
        let value = match item.kind {
            lex::Kind::Array => return Ok((with_stack(|| self.array(depth + 1))?, true)),
            lex::Kind::InlineTable => with_stack(|| self.inline(in_array, depth + 1))?,
            lex::Kind::Integer => integer(&item)?,
            lex::Kind::Float => float(&item)?,
            lex::Kind::Bool => Value::Bool(item.text == b"true"),
            lex::Kind::Time => {
                let text = lossy(item.text).replace('z', "Z").replace(['t', ' '], "T");
                let wrong = || item.wrong(format!("invalid datetime: {}", fmt::quoted(text.as_bytes())));
                Value::object(read_toml_time(&text).ok_or_else(wrong)?)
            }
            _ => Value::Text(Text::from(text(item)?)),
        };
        Ok((value, false))
    }

    fn array(&mut self, depth: usize) -> Read<Value> {
        let name = self.tables.key.clone();
        self.tables.set_kind(&name, true);
        let mut items = Vec::new();
        while self.lexer.array_goes_on()? {
            items.push(self.value(true, depth)?.0);
            if !self.lexer.array_value_end()? {
                break;
            }
        }
        Ok(Value::List(List::new(items)))
    }

    fn inline(&mut self, in_array: bool, depth: usize) -> Read<Value> {
        let (outer, outer_key) = (self.tables.context.clone(), std::mem::take(&mut self.tables.key));
        let mut context = outer.clone();
        context.push(outer_key.clone());
        self.tables.context.clone_from(&context);
        self.tables.imply(&context);
        self.tables.enter(&context, in_array)?;
        let table = Map::new();
        while self.lexer.inline_goes_on()? {
            let (before, value) = self.pair(depth)?;
            let mut at = table.clone();
            for part in &before {
                at = match at.get(part.as_bytes()) {
                    Some(Value::Map(next)) => next,
                    Some(_) => {
                        let name = fmt::quoted(self.tables.context_name().as_bytes());
                        return Err(self.tables.wrong(format!("{name} is not a table")));
                    }
                    None => {
                        let next = Map::new();
                        let _ = at.set(part.as_str(), Value::Map(next.clone()));
                        next
                    }
                };
            }
            let _ = at.set(self.tables.key.as_str(), value);
            self.tables.context.clone_from(&context);
            if !self.lexer.inline_value_end()? {
                break;
            }
        }
        self.tables.context = outer;
        self.tables.key = outer_key;
        Ok(Value::Map(table))
    }
}

/// What a text stands for.
fn text(item: Item<'_>) -> Read<Vec<u8>> {
    match item.kind {
        lex::Kind::Escaped => lex::unescaped(&item, item.text),
        lex::Kind::Multiline => {
            lex::unescaped(&item, &lex::without_escaped_line_ends(lex::without_first_line_end(item.text)))
        }
        lex::Kind::RawMultiline => Ok(lex::without_first_line_end(item.text).to_vec()),
        _ => Ok(item.text.to_vec()),
    }
}

fn integer(item: &Item<'_>) -> Read<Value> {
    let text = lossy(item.text).into_owned();
    let invalid = |why: &str| item.wrong(format!("Invalid integer {}: {why}", fmt::quoted(text.as_bytes())));
    if !underscores_fit(&text) {
        return Err(invalid("underscores must be surrounded by digits"));
    }
    if has_leading_zero(&text) {
        return Err(invalid("cannot have leading zeroes"));
    }
    let number = literal::parse_int(&text).map(Value::Int64);
    number.ok_or_else(|| item.wrong(format!("{text} is out of range for int64")))
}

fn float(item: &Item<'_>) -> Read<Value> {
    let text = lossy(item.text).into_owned();
    let invalid = |why: &str| item.wrong(format!("Invalid float {}: {why}", fmt::quoted(text.as_bytes())));
    let parts: Vec<&str> = text.split(['.', 'e', 'E']).filter(|part| !part.is_empty()).collect();
    if !parts.iter().all(|part| underscores_fit(part)) {
        return Err(invalid("underscores must be surrounded by digits"));
    }
    if parts.first().is_some_and(|part| has_leading_zero(part)) {
        return Err(invalid("cannot have leading zeroes"));
    }
    if text.split('.').skip(1).any(|after| !after.starts_with(|c: char| c.is_ascii_digit())) {
        return Err(invalid("'.' must be followed by one or more digits"));
    }
    let plain = text.replace('_', "");
    match plain.parse::<f64>() {
        Ok(number) if number.is_infinite() && !plain.contains("inf") => {
            Err(item.wrong(format!("{text} is out of range for float64")))
        }
        Ok(number) if number.is_nan() => {
            Ok(Value::Float(f64::NAN.copysign(if plain.starts_with('-') { -1.0 } else { 1.0 })))
        }
        Ok(number) => Ok(Value::Float(number)),
        Err(_) => Err(item.wrong(format!("Invalid float value: {}", fmt::quoted(text.as_bytes())))),
    }
}

fn has_leading_zero(text: &str) -> bool {
    match text.as_bytes() {
        [b'0', second, ..] => !matches!(second, b'b' | b'o' | b'x'),
        [b'+' | b'-', b'0', _, ..] => true,
        _ => false,
    }
}

fn underscores_fit(text: &str) -> bool {
    if matches!(text.strip_prefix(['+', '-']).unwrap_or(text), "nan" | "inf") {
        return true;
    }
    let mut after_digit = false;
    for byte in text.bytes() {
        if byte == b'_' && !after_digit {
            return false;
        }
        after_digit = byte.is_ascii_hexdigit();
    }
    after_digit
}
