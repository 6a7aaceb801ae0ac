//! TOML to values.

use crate::functions::dates::read_time;
use bowline_gotemplate::{List, MAPS, Map, Text, Value, literal, with_stack};

/// How deep arrays and inline tables may nest.
const MAX_DEPTH: usize = 1000;

/// # Errors
/// With the line at fault.
pub(super) fn from_toml(text: &str) -> Result<Map, String> {
    let mut reader = Reader { text, at: 0, root: Map::new(), explicit: Vec::new() };
    reader.document().map_err(|message| {
        let line = 1 + text[..reader.at.min(text.len())].matches('\n').count();
        format!("toml: line {line}: {message}")
    })?;
    Ok(reader.root)
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
    root: Map,
    /// Tables with a header of their own: there may not be a second one.
    explicit: Vec<Map>,
}

type Read<T> = Result<T, String>;

impl<'t> Reader<'t> {
    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn take(&mut self, wanted: &str) -> bool {
        let found = self.rest().starts_with(wanted);
        if found {
            self.at += wanted.len();
        }
        found
    }

    fn take_while(&mut self, test: impl Fn(char) -> bool) -> &'t str {
        let rest = self.rest();
        let end = rest.find(|c| !test(c)).unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    fn skip_blanks(&mut self) {
        self.take_while(|c| matches!(c, ' ' | '\t'));
    }

    /// Blanks, line ends and comments.
    fn skip_lines(&mut self) {
        loop {
            self.take_while(|c| matches!(c, ' ' | '\t' | '\r' | '\n'));
            if self.peek() != Some('#') {
                return;
            }
            self.take_while(|c| c != '\n');
        }
    }

    fn found(&self) -> String {
        self.peek().map_or_else(|| "end of file".to_owned(), |c| format!("'{}'", c.escape_debug()))
    }

    fn end_of_line(&mut self, after: &str) -> Read<()> {
        self.skip_blanks();
        if self.peek() == Some('#') {
            self.take_while(|c| c != '\n');
        }
        match self.peek() {
            None => Ok(()),
            Some('\r' | '\n') => {
                self.take("\r");
                self.take("\n");
                Ok(())
            }
            Some(_) => Err(format!(
                "expected a {after} to end with a newline, comment, or EOF, but got {} instead",
                self.found()
            )),
        }
    }

    fn document(&mut self) -> Read<()> {
        let mut table = self.root.clone();
        loop {
            self.skip_lines();
            match self.peek() {
                None => return Ok(()),
                Some('[') => {
                    table = self.header()?;
                    self.end_of_line("top-level item")?;
                }
                Some(_) => {
                    self.pair(&table, 0)?;
                    self.end_of_line("top-level item")?;
                }
            }
        }
    }

    fn header(&mut self) -> Read<Map> {
        self.at += 1;
        let is_array = self.take("[");
        let keys = self.keys("']' to end table name")?;
        if !self.take(if is_array { "]]" } else { "]" }) {
            return Err(format!("expected '.' or ']' to end table name, but got {} instead", self.found()));
        }
        let Some((last, before)) = keys.split_last() else { return Err("table name is empty".to_owned()) };
        let parent = self.descend(&self.root.clone(), before)?;
        let name = keys.join(".");
        let duplicate = || format!("Key '{name}' has already been defined.");
        if is_array {
            let element = Map::new();
            match parent.get(last.as_bytes()) {
                None => {
                    let list = List::of(&MAPS, vec![Value::Map(element.clone())]);
                    parent.set(last.as_str(), Value::List(list)).map_err(|failure| failure.to_string())?;
                }
                Some(Value::List(list)) if std::ptr::eq(list.kind(), &MAPS) => {
                    list.change(|items| items.push(Value::Map(element.clone())));
                }
                Some(_) => return Err(duplicate()),
            }
            return Ok(element);
        }
        match parent.get(last.as_bytes()) {
            None => {
                let table = Map::new();
                parent.set(last.as_str(), Value::Map(table.clone())).map_err(|failure| failure.to_string())?;
                self.explicit.push(table.clone());
                Ok(table)
            }
            Some(Value::Map(table)) if !self.explicit.iter().any(|known| known.is_same(&table)) => {
                self.explicit.push(table.clone());
                Ok(table)
            }
            Some(_) => Err(duplicate()),
        }
    }

    /// The table that `keys` lead to; made where it is missing, the last one of an array of tables.
    fn descend(&self, from: &Map, keys: &[String]) -> Read<Map> {
        let mut table = from.clone();
        for key in keys {
            table = match table.get(key.as_bytes()) {
                None => {
                    let next = Map::new();
                    table.set(key.as_str(), Value::Map(next.clone())).map_err(|failure| failure.to_string())?;
                    next
                }
                Some(Value::Map(next)) => next,
                Some(Value::List(list)) => match list.to_vec().pop() {
                    Some(Value::Map(next)) => next,
                    _ => return Err(format!("Key '{key}' was already created as an array.")),
                },
                Some(_) => return Err(format!("Key '{key}' was already created and cannot be used as a table.")),
            };
        }
        Ok(table)
    }

    /// A key and what it leads through; `end` is what comes after.
    fn keys(&mut self, end: &str) -> Read<Vec<String>> {
        let mut keys = Vec::new();
        loop {
            self.skip_blanks();
            keys.push(match self.peek() {
                Some('"' | '\'') => self.string()?.to_str().into_owned(),
                _ => {
                    let bare = self.take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'));
                    if bare.is_empty() {
                        return Err(match self.peek() {
                            Some('=') => "unexpected '=': key name appears blank".to_owned(),
                            _ => format!("expected '.' or {end}, but got {} instead", self.found()),
                        });
                    }
                    bare.to_owned()
                }
            });
            self.skip_blanks();
            if !self.take(".") {
                return Ok(keys);
            }
        }
    }

    fn pair(&mut self, table: &Map, depth: usize) -> Read<()> {
        let keys = self.keys("'='")?;
        if self.peek().is_none() {
            return Err("unexpected EOF; expected key separator '='".to_owned());
        }
        if !self.take("=") {
            return Err(format!("expected '.' or '=', but got {} instead", self.found()));
        }
        self.skip_blanks();
        let value = self.value(depth)?;
        let Some((last, before)) = keys.split_last() else { return Err("key is empty".to_owned()) };
        let table = self.descend(table, before)?;
        if table.has(last.as_bytes()) {
            return Err(format!("Key '{}' has already been defined.", keys.join(".")));
        }
        table.set(last.as_str(), value).map_err(|failure| failure.to_string())
    }

    fn value(&mut self, depth: usize) -> Read<Value> {
        if depth > MAX_DEPTH {
            return Err("values are nested too deeply".to_owned());
        }
        match self.peek() {
            Some('"' | '\'') => self.string().map(Value::Text),
            Some('[') => with_stack(|| self.array(depth + 1)),
            Some('{') => with_stack(|| self.inline(depth + 1)),
            _ => self.scalar(),
        }
    }

    fn array(&mut self, depth: usize) -> Read<Value> {
        self.at += 1;
        let mut items = Vec::new();
        loop {
            self.skip_lines();
            if self.take("]") {
                return Ok(Value::list(items));
            }
            items.push(self.value(depth)?);
            self.skip_lines();
            if !self.take(",") && self.peek() != Some(']') {
                return Err(format!("expected a comma (',') or array terminator (']'), but got {}", self.found()));
            }
        }
    }

    fn inline(&mut self, depth: usize) -> Read<Value> {
        self.at += 1;
        let table = Map::new();
        loop {
            self.skip_lines();
            if self.take("}") {
                return Ok(Value::Map(table));
            }
            self.pair(&table, depth)?;
            self.skip_lines();
            if !self.take(",") && self.peek() != Some('}') {
                return Err(format!(
                    "expected a comma or an inline table terminator '}}', but got {} instead",
                    self.found()
                ));
            }
        }
    }

    fn scalar(&mut self) -> Read<Value> {
        let start = self.at;
        let word = self.take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '_' | '.' | ':'));
        // A date and a time may have a space between.
        let is_date = word.len() == 10 && word.as_bytes().get(4) == Some(&b'-');
        if is_date && self.rest().as_bytes().get(1).is_some_and(u8::is_ascii_digit) && self.take(" ") {
            self.take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.' | ':'));
        }
        let word = &self.text[start..self.at];
        let number = word.trim_start_matches(['+', '-']);
        match word {
            "true" => return Ok(Value::Bool(true)),
            "false" => return Ok(Value::Bool(false)),
            "" => return Err(format!("expected value but found {} instead", self.found())),
            _ => {}
        }
        if matches!(number, "inf" | "nan") || number.starts_with(|c: char| c.is_ascii_digit()) {
            let zero_first = number.len() > 1 && number.starts_with('0') && number.as_bytes()[1].is_ascii_digit();
            if !zero_first && let Some(value) = literal::parse_int(word) {
                return Ok(Value::Int64(value));
            }
            if number.contains([':']) || (number.matches('-').count() == 2 && !number.contains(['e', 'E'])) {
                return read_time(word).map(Value::object).ok_or_else(|| format!("Invalid TOML Datetime: \"{word}\"."));
            }
            if !zero_first && let Ok(value) = word.replace('_', "").parse::<f64>() {
                return Ok(Value::Float(value));
            }
            return Err(format!("Invalid integer {}", bowline_gotemplate::fmt::quoted(word.as_bytes())));
        }
        Err(format!("expected value but found {} instead", bowline_gotemplate::fmt::quoted(word.as_bytes())))
    }

    fn string(&mut self) -> Read<Text> {
        let quote = if self.peek() == Some('"') { '"' } else { '\'' };
        let triple = String::from(quote).repeat(3);
        let multiline = self.take(&triple);
        if multiline {
            self.take("\r");
            self.take("\n");
        } else {
            self.at += 1;
        }
        let mut out = String::new();
        loop {
            let Some(c) = self.peek() else { return Err("unexpected EOF; expected string terminator".to_owned()) };
            if multiline && self.rest().starts_with(&triple) {
                // Quotes right before the end belong to the text.
                let count = self.rest().chars().take_while(|c| *c == quote).count().min(5);
                out.extend(std::iter::repeat_n(quote, count - 3));
                self.at += count;
                return Ok(Text::from(out));
            }
            self.at += c.len_utf8();
            match c {
                '\n' if !multiline => return Err("strings cannot contain newlines".to_owned()),
                c if c == quote && !multiline => return Ok(Text::from(out)),
                '\\' if quote == '"' => self.escape(&mut out, multiline)?,
                c => out.push(c),
            }
        }
    }

    fn escape(&mut self, out: &mut String, multiline: bool) -> Read<()> {
        let Some(c) = self.peek() else { return Err("unexpected EOF; expected string terminator".to_owned()) };
        self.at += c.len_utf8();
        out.push(match c {
            'b' => '\x08',
            't' => '\t',
            'n' => '\n',
            'f' => '\x0c',
            'r' => '\r',
            'e' => '\x1b',
            '"' => '"',
            '\\' => '\\',
            'x' | 'u' | 'U' => {
                let length = match c {
                    'x' => 2,
                    'u' => 4,
                    _ => 8,
                };
                let code = self.rest().get(..length).and_then(|hex| u32::from_str_radix(hex, 16).ok());
                let rune = code.and_then(char::from_u32).ok_or("expected hexadecimal digits")?;
                self.at += length;
                rune
            }
            ' ' | '\t' | '\r' | '\n' if multiline => {
                self.take_while(|c| matches!(c, ' ' | '\t' | '\r' | '\n'));
                return Ok(());
            }
            c => return Err(format!("invalid escape character '{c}'; only the following escape characters are allowed: \\b, \\t, \\n, \\f, \\r, \\\", \\\\, \\uXXXX, and \\UXXXXXXXX")),
        });
        Ok(())
    }
}
