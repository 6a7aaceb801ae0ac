//! JSON to values, with the error texts of Go's decoder.

use bowline_gotemplate::{List, Map, Text, Value, fmt, lossy};

/// How deep arrays and objects may nest, as in Go.
const MAX_DEPTH: usize = 10_000;

/// What the text is decoded into.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    /// `interface {}`
    Any,
    /// `map[string]interface {}`
    Map,
    /// `[]interface {}`
    List,
}

/// What a text of JSON holds.
///
/// # Errors
/// With Go's text.
pub fn from_json(text: &[u8]) -> Result<Value, String> {
    match read(text, Wanted::Any) {
        (value, None) => Ok(value),
        (_, Some(error)) => Err(error),
    }
}

/// The value as far as Go would have filled it, and the error.
pub(super) fn read(text: &[u8], wanted: Wanted) -> (Value, Option<String>) {
    let empty = match wanted {
        Wanted::Any => Value::Nil,
        Wanted::Map => Value::Map(Map::new()),
        Wanted::List => Value::list(Vec::new()),
    };
    let mut reader = Reader { text, at: 0, out_of_range: None };
    let value = match reader.document() {
        Ok(value) => value,
        Err(error) => return (empty, Some(error)),
    };
    let out_of_range = reader.out_of_range;
    match (wanted, value) {
        (Wanted::Any, value) => (value, out_of_range),
        (Wanted::Map, value @ Value::Map(_)) | (Wanted::List, value @ Value::List(_)) => (value, out_of_range),
        // A number that does not fit is a number all the same.
        (Wanted::Map | Wanted::List, Value::Nil) if out_of_range.is_some() => (empty, Some(mismatch("number", wanted))),
        (Wanted::Map, Value::Nil) => (Value::Map(Map::nil()), None),
        (Wanted::List, Value::Nil) => (Value::List(List::nil()), None),
        (_, value) => {
            let kind = match value {
                Value::Bool(_) => "bool",
                Value::Float(_) => "number",
                Value::Text(_) => "string",
                Value::List(_) => "array",
                _ => "object",
            };
            (empty, Some(mismatch(kind, wanted)))
        }
    }
}

fn mismatch(kind: &str, wanted: Wanted) -> String {
    let target = if wanted == Wanted::Map { "map[string]interface {}" } else { "[]interface {}" };
    format!("json: cannot unmarshal {kind} into Go value of type {target}")
}

/// How the contexts begin in which no blank may stand.
const INSIDE: [&str; 6] = [
    "in numeric literal",
    "after decimal point",
    "in exponent",
    "in literal",
    "in string escape code",
    "in \\u hexadecimal",
];

struct Reader<'t> {
    text: &'t [u8],
    at: usize,
    /// Go reads on after a number that does not fit, and reports the first.
    out_of_range: Option<String>,
}

type Read<T> = Result<T, String>;

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    /// The error at the present byte.
    fn wrong<T>(&self, context: &str) -> Read<T> {
        match self.peek() {
            // To Go's scanner the end is a blank, which does not belong into a number, a word or an escape.
            None if INSIDE.iter().any(|inside| context.starts_with(inside)) => {
                Err(format!("invalid character ' ' {context}"))
            }
            None => Err("unexpected end of JSON input".to_owned()),
            Some(byte) => Err(format!("invalid character {} {context}", quoted(byte))),
        }
    }

    fn document(&mut self) -> Read<Value> {
        self.skip_space();
        let value = self.value(0)?;
        self.skip_space();
        if self.at < self.text.len() {
            return self.wrong("after top-level value");
        }
        Ok(value)
    }

    fn value(&mut self, depth: usize) -> Read<Value> {
        match self.peek() {
            Some(b'{' | b'[') if depth >= MAX_DEPTH => Err("exceeded max depth".to_owned()),
            Some(b'{') => stacker(|| self.object(depth + 1)),
            Some(b'[') => stacker(|| self.array(depth + 1)),
            Some(b'"') => Ok(Value::Text(self.string()?)),
            Some(b't') => self.literal("true", Value::Bool(true)),
            Some(b'f') => self.literal("false", Value::Bool(false)),
            Some(b'n') => self.literal("null", Value::Nil),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => self.wrong("looking for beginning of value"),
        }
    }

    fn literal(&mut self, name: &str, value: Value) -> Read<Value> {
        self.at += 1;
        for letter in name.chars().skip(1) {
            if self.peek() != Some(letter as u8) {
                return self.wrong(&format!("in literal {name} (expecting '{letter}')"));
            }
            self.at += 1;
        }
        Ok(value)
    }

    fn digits(&mut self) {
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
    }

    fn number(&mut self) -> Read<Value> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        match self.peek() {
            Some(b'0') => self.at += 1,
            Some(b'1'..=b'9') => self.digits(),
            _ => return self.wrong("in numeric literal"),
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            if !matches!(self.peek(), Some(b'0'..=b'9')) {
                return self.wrong("after decimal point in numeric literal");
            }
            self.digits();
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            if !matches!(self.peek(), Some(b'0'..=b'9')) {
                return self.wrong("in exponent of numeric literal");
            }
            self.digits();
        }
        let text = lossy(&self.text[start..self.at]);
        match text.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(Value::Float(number)),
            _ => {
                self.out_of_range
                    .get_or_insert(format!("json: cannot unmarshal number {text} into Go value of type float64"));
                Ok(Value::Nil)
            }
        }
    }

    fn array(&mut self, depth: usize) -> Read<Value> {
        self.at += 1;
        let mut items = Vec::new();
        self.skip_space();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(Value::list(items));
        }
        loop {
            self.skip_space();
            items.push(self.value(depth)?);
            self.skip_space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => {
                    self.at += 1;
                    return Ok(Value::list(items));
                }
                _ => return self.wrong("after array element"),
            }
        }
    }

    fn object(&mut self, depth: usize) -> Read<Value> {
        self.at += 1;
        let map = Map::new();
        self.skip_space();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(Value::Map(map));
        }
        loop {
            self.skip_space();
            if self.peek() != Some(b'"') {
                return self.wrong("looking for beginning of object key string");
            }
            let key = self.string()?;
            self.skip_space();
            if self.peek() != Some(b':') {
                return self.wrong("after object key");
            }
            self.at += 1;
            self.skip_space();
            let value = self.value(depth)?;
            map.set(key, value).map_err(|failure| failure.to_string())?;
            self.skip_space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => {
                    self.at += 1;
                    return Ok(Value::Map(map));
                }
                _ => return self.wrong("after object key:value pair"),
            }
        }
    }

    fn string(&mut self) -> Read<Text> {
        self.at += 1;
        let mut out = Vec::new();
        loop {
            match self.peek() {
                None => return self.wrong(""),
                Some(b'"') => {
                    self.at += 1;
                    // What is not UTF-8 becomes U+FFFD.
                    return Ok(match String::from_utf8(out) {
                        Ok(text) => Text::from(text),
                        Err(error) => Text::from(replaced(error.as_bytes())),
                    });
                }
                Some(b'\\') => {
                    self.at += 1;
                    self.escape(&mut out)?;
                }
                Some(0..b' ') => return self.wrong("in string literal"),
                Some(byte) => {
                    out.push(byte);
                    self.at += 1;
                }
            }
        }
    }

    fn escape(&mut self, out: &mut Vec<u8>) -> Read<()> {
        let plain = match self.peek() {
            Some(b'"') => b'"',
            Some(b'\\') => b'\\',
            Some(b'/') => b'/',
            Some(b'b') => 8,
            Some(b'f') => 12,
            Some(b'n') => b'\n',
            Some(b'r') => b'\r',
            Some(b't') => b'\t',
            Some(b'u') => {
                self.at += 1;
                let mut code = self.hex4()?;
                if (0xd800..0xdc00).contains(&code) && self.text[self.at..].starts_with(b"\\u") {
                    let before = self.at;
                    self.at += 2;
                    let low = self.hex4()?;
                    if (0xdc00..0xe000).contains(&low) {
                        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
                    } else {
                        self.at = before;
                    }
                }
                let rune = char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
                out.extend_from_slice(rune.encode_utf8(&mut [0; 4]).as_bytes());
                return Ok(());
            }
            _ => return self.wrong("in string escape code"),
        };
        out.push(plain);
        self.at += 1;
        Ok(())
    }

    fn hex4(&mut self) -> Read<u32> {
        let mut code = 0;
        for _ in 0..4 {
            let Some(digit) = self.peek().and_then(|byte| char::from(byte).to_digit(16)) else {
                return self.wrong("in \\u hexadecimal character escape");
            };
            code = code << 4 | digit;
            self.at += 1;
        }
        Ok(code)
    }
}

/// Runs `work` with room on the stack.
fn stacker<R>(work: impl FnOnce() -> R) -> R {
    bowline_gotemplate::with_stack(work)
}

/// Every byte that is not UTF-8 as U+FFFD of its own.
fn replaced(bytes: &[u8]) -> String {
    bowline_gotemplate::runes(bytes).map(|(_, rune, _)| rune).collect()
}

/// A byte as Go's scanner names it.
fn quoted(byte: u8) -> String {
    match byte {
        b'\'' => r"'\''".to_owned(),
        b'"' => "'\"'".to_owned(),
        _ => {
            let text = fmt::quoted(char::from(byte).encode_utf8(&mut [0; 4]).as_bytes());
            format!("'{}'", &text[1..text.len() - 1])
        }
    }
}
