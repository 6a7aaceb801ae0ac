//! `--set` and its relatives: `a.b=1,c[0].d=x,e={1,2}`.

use std::borrow::Cow;
use std::iter::Peekable;
use std::ops::Range;
use std::str::CharIndices;

use bowline_yaml::{Map, Value, quote};

use crate::Compat;

/// How the text behind `=` becomes a value.
pub(crate) enum Mode<'a> {
    /// `--set`: `true`, `false`, `null` and integers are typed.
    Typed,
    /// `--set-string`.
    Text,
    /// `--set-json`.
    Json,
    /// `--set-file`: the value names a file.
    File(&'a dyn Fn(&str) -> Result<String, String>),
    /// `--set-literal`: all of the rest, nothing is special in it.
    Literal,
}

const MAX_INDEX: i64 = 65_536;
const MAX_NESTING: usize = 30;
/// How deep lists may be reached into, as in `a[0][1].b[2]`; Helm knows no limit here.
const MAX_INDEXES: usize = 60;

/// Why reading stopped.
enum Stop {
    /// All was read.
    End,
    /// Go's message.
    Failed(String),
}

impl Stop {
    fn failed<T>(message: impl Into<String>) -> Result<T, Self> {
        Err(Self::Failed(message.into()))
    }

    /// An index that is none. To Helm, one that never ends is the end of the text.
    /// Helm 4 takes a text that ends in an index for one that is read to its end.
    fn index(message: &str, compat: Compat) -> Self {
        if message == "EOF" && !compat.is_helm3() {
            Self::End
        } else {
            Self::Failed(format!("error parsing index: {message}"))
        }
    }
}

/// Why a flag's text cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// Helm's words.
    pub(crate) message: String,
    /// From the key at fault up to where reading stopped, in bytes.
    pub(crate) span: Range<usize>,
}

/// Reads one flag's text into `data`, over what is there.
///
/// # Errors
/// In Helm's words.
pub(crate) fn parse_into(text: &str, mode: &Mode<'_>, compat: Compat, data: &mut Map) -> Result<(), Fault> {
    let mut parser = Parser { compat, text, chars: text.char_indices().peekable(), mode, indexes: 0 };
    loop {
        let start = text.len() - parser.rest().len();
        match parser.key(data, 0) {
            Ok(()) => {}
            Err(Stop::End) => return Ok(()),
            Err(Stop::Failed(message)) => {
                return Err(Fault { message, span: start..text.len() - parser.rest().len() });
            }
        }
    }
}

struct Parser<'a> {
    compat: Compat,
    text: &'a str,
    chars: Peekable<CharIndices<'a>>,
    mode: &'a Mode<'a>,
    /// How deep in lists the parser is.
    indexes: usize,
}

/// What was read up to one of the characters asked for, and which; `None` at the end.
type Run = (String, Option<char>);

impl<'a> Parser<'a> {
    fn next(&mut self) -> Option<char> {
        self.chars.next().map(|(_, c)| c)
    }

    fn peek(&mut self) -> Option<char> {
        self.chars.peek().map(|(_, c)| *c)
    }

    fn rest(&mut self) -> &'a str {
        self.chars.peek().map_or("", |(at, _)| &self.text[*at..])
    }

    /// Moves over the next `bytes` bytes.
    fn skip_bytes(&mut self, bytes: usize) {
        let end = self.text.len() - self.rest().len() + bytes;
        while self.chars.peek().is_some_and(|(at, _)| *at < end) {
            self.chars.next();
        }
    }

    fn until(&mut self, stops: &[char]) -> Run {
        let mut run = String::new();
        while let Some(c) = self.next() {
            if stops.contains(&c) {
                return (run, Some(c));
            }
            if c == '\\' && !matches!(self.mode, Mode::Literal) {
                match self.next() {
                    Some(escaped) => run.push(escaped),
                    None => break,
                }
            } else {
                run.push(c);
            }
        }
        (run, None)
    }

    /// Reads a key and its value into `data`.
    fn key(&mut self, data: &mut Map, nesting: usize) -> Result<(), Stop> {
        let literal = matches!(self.mode, Mode::Literal);
        let stops: &[char] = if literal { &['=', '[', '.'] } else { &['=', '[', ',', '.'] };
        let (key, last) = self.until(stops);
        match last {
            None if key.is_empty() => Err(Stop::End),
            None => Stop::failed(format!("key {} has no value", quote(&key))),
            Some('[') => {
                let index = self.index().map_err(|message| Stop::index(&message, self.compat))?;
                let list = match data.get(&key) {
                    None => Vec::new(),
                    Some(Value::Seq(list)) => list.clone(),
                    Some(other) => return Stop::failed(wrong_type(other, "[]interface {}")),
                };
                let (list, result) = self.list_item(list, index, nesting);
                set(data, key, Value::Seq(list));
                result
            }
            Some('=') => {
                let (value, result) = self.value();
                if let Some(value) = value {
                    set(data, key, value);
                }
                result
            }
            Some(',') => {
                let message = format!("key {} has no value (cannot end with ,)", quote(&key));
                set(data, key, Value::String(String::new()));
                Err(Stop::Failed(message))
            }
            Some(_) => {
                let nesting = nesting + 1;
                if nesting > MAX_NESTING {
                    return Stop::failed(format!(
                        "value name nested level is greater than maximum supported nested level of {MAX_NESTING}"
                    ));
                }
                let mut inner = match data.get(&key) {
                    None => Map::new(),
                    Some(Value::Map(map)) => map.clone(),
                    Some(other) => return Stop::failed(wrong_type(other, "map[string]interface {}")),
                };
                let result = self.key(&mut inner, nesting);
                if inner.is_empty() {
                    if result.is_ok() {
                        return Stop::failed(format!("key map {} has no value", quote(&key)));
                    }
                } else {
                    set(data, key, Value::Map(inner));
                }
                result
            }
        }
    }

    /// Reads the value behind `=`, and whether that was the end.
    fn value(&mut self) -> (Option<Value>, Result<(), Stop>) {
        match self.mode {
            Mode::Json => match self.json() {
                Ok(value) => (Some(value), Ok(())),
                Err(stop) => (None, Err(stop)),
            },
            Mode::Literal => {
                let rest = self.rest().to_owned();
                self.skip_bytes(rest.len());
                (Some(Value::String(rest)), Ok(()))
            }
            Mode::Typed | Mode::Text | Mode::File(_) => match self.peek() {
                None => (Some(Value::String(String::new())), Err(Stop::End)),
                Some('{') => {
                    self.next();
                    match self.list() {
                        Ok(list) => (Some(Value::Seq(list)), Ok(())),
                        Err(stop) => (None, Err(stop)),
                    }
                }
                Some(_) => {
                    let (text, _) = self.until(&[',']);
                    match self.typed(text) {
                        Ok(value) => (Some(value), Ok(())),
                        Err(stop) => (None, Err(stop)),
                    }
                }
            },
        }
    }

    fn typed(&self, text: String) -> Result<Value, Stop> {
        match self.mode {
            Mode::File(read) => read(&text).map(Value::String).map_err(Stop::Failed),
            Mode::Typed => Ok(typed(text)),
            Mode::Text | Mode::Json | Mode::Literal => Ok(Value::String(text)),
        }
    }

    /// `a,b}` behind the brace.
    fn list(&mut self) -> Result<Vec<Value>, Stop> {
        let mut list = Vec::new();
        loop {
            let (text, last) = self.until(&[',', '}']);
            match last {
                None => return Stop::failed("list must terminate with '}'"),
                Some(',') => list.push(self.typed(text)?),
                Some(_) => {
                    if self.peek() == Some(',') {
                        self.next();
                    }
                    list.push(self.typed(text)?);
                    return Ok(list);
                }
            }
        }
    }

    /// Moves over spaces and one comma; true where nothing but those stands up to the comma or the end.
    fn is_empty_value(&mut self) -> bool {
        loop {
            match self.peek() {
                None => return true,
                Some(',') => {
                    self.next();
                    return true;
                }
                Some(c) if c.is_whitespace() => _ = self.next(),
                Some(_) => return false,
            }
        }
    }

    fn json(&mut self) -> Result<Value, Stop> {
        if self.is_empty_value() {
            return Ok(Value::Null);
        }
        let rest = &*paired_surrogates(self.rest());
        let mut stream = serde_json::Deserializer::from_str(rest).into_iter::<serde_json::Value>();
        match stream.next() {
            Some(Ok(value)) => {
                let read = stream.byte_offset();
                self.skip_bytes(read);
                self.is_empty_value();
                Ok(from_json(value))
            }
            Some(Err(error)) => Stop::failed(error.to_string()),
            None => Stop::failed("EOF"),
        }
    }

    /// The number before `]`.
    fn index(&mut self) -> Result<i64, String> {
        let (text, last) = self.until(&[']']);
        if last.is_none() {
            return Err("EOF".to_owned());
        }
        let digits = text.strip_prefix(['+', '-']).unwrap_or(&text);
        let number = digits.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok()).flatten();
        number.ok_or_else(|| format!("strconv.Atoi: parsing {}: invalid syntax", quote(&text)))
    }

    /// Reads what stands behind `[i]` into a list.
    fn list_item(&mut self, list: Vec<Value>, index: i64, nesting: usize) -> (Vec<Value>, Result<(), Stop>) {
        if self.indexes == MAX_INDEXES {
            return (list, Stop::failed(format!("lists nest deeper than the maximum of {MAX_INDEXES} indexes")));
        }
        self.indexes += 1;
        let read = self.list_item_inside(list, index, nesting);
        self.indexes -= 1;
        read
    }

    fn list_item_inside(&mut self, mut list: Vec<Value>, index: i64, nesting: usize) -> (Vec<Value>, Result<(), Stop>) {
        if index < 0 {
            return (list, Stop::failed(format!("negative {index} index not allowed")));
        }
        let (text, last) = self.until(&['[', '.', '=']);
        if !text.is_empty() {
            let runes: Vec<String> = text.chars().map(quoted_rune).collect();
            let runes = runes.join(" ");
            return (list, Stop::failed(format!("unexpected data at end of array index: [{runes}]")));
        }
        let existing = usize::try_from(index).ok().and_then(|at| list.get(at));
        match last {
            None => (list, Err(Stop::End)),
            Some('=') => {
                let (value, result) = self.value();
                match (value, result) {
                    (Some(value), Ok(()) | Err(Stop::End)) => set_index(list, index, value),
                    (_, result) => (list, result),
                }
            }
            Some('[') => {
                let inner_index = match self.index() {
                    Ok(index) => index,
                    Err(message) => return (list, Err(Stop::index(&message, self.compat))),
                };
                let inner = match existing {
                    None | Some(Value::Null) => Vec::new(),
                    Some(Value::Seq(inner)) => inner.clone(),
                    Some(other) => {
                        let message = wrong_type(other, "[]interface {}");
                        return (list, Stop::failed(message));
                    }
                };
                match self.list_item(inner, inner_index, nesting) {
                    (inner, Ok(())) => set_index(list, index, Value::Seq(inner)),
                    (_, result) => (list, result),
                }
            }
            Some(_) => {
                let mut inner = match existing {
                    Some(Value::Map(inner)) => inner.clone(),
                    _ => Map::new(),
                };
                match self.key(&mut inner, nesting) {
                    Ok(()) => set_index(list, index, Value::Map(inner)),
                    Err(stop) => {
                        // What was read before the end counts where the list holds the mapping already.
                        if let Some(place) = usize::try_from(index).ok().and_then(|at| list.get_mut(at)) {
                            *place = Value::Map(inner);
                        }
                        (list, Err(stop))
                    }
                }
            }
        }
    }
}

fn set(data: &mut Map, key: String, value: Value) {
    if !key.is_empty() {
        data.insert(key, value);
    }
}

fn set_index(mut list: Vec<Value>, index: i64, value: Value) -> (Vec<Value>, Result<(), Stop>) {
    if index > MAX_INDEX {
        let message = format!("index of {index} is greater than maximum supported index of {MAX_INDEX}");
        return (list, Stop::failed(message));
    }
    let at = index as usize;
    if list.len() <= at {
        list.resize(at + 1, Value::Null);
    }
    list[at] = value;
    (list, Ok(()))
}

/// Go's panic over a value of another type, which Helm turns into an error.
fn wrong_type(found: &Value, wanted: &str) -> String {
    let found = match found {
        Value::Null => {
            return format!("unable to parse key: interface conversion: interface {{}} is nil, not {wanted}");
        }
        Value::Bool(_) => "bool",
        Value::Int(_) => "int64",
        Value::Float(_) => "float64",
        Value::String(_) => "string",
        Value::Seq(_) => "[]interface {}",
        Value::Map(_) => "map[string]interface {}",
    };
    format!("unable to parse key: interface conversion: interface {{}} is {found}, not {wanted}")
}

fn typed(text: String) -> Value {
    if text.eq_ignore_ascii_case("true") {
        return Value::Bool(true);
    }
    if text.eq_ignore_ascii_case("false") {
        return Value::Bool(false);
    }
    if text.eq_ignore_ascii_case("null") {
        return Value::Null;
    }
    if text == "0" {
        return Value::Int(0);
    }
    let is_number =
        !text.starts_with('0') && text.strip_prefix(['+', '-']).unwrap_or(&text).bytes().all(|b| b.is_ascii_digit());
    match text.parse() {
        Ok(number) if is_number => Value::Int(number),
        _ => Value::String(text),
    }
}

/// JSON as Go decodes it into `interface{}`: every number is a float.
/// JSON whose escapes of single surrogates, which are no characters, stand for the mark that Go replaces them by.
pub(crate) fn paired_surrogates(json: &str) -> Cow<'_, str> {
    const UNIT: usize = 6;
    let unit = |text: &str| text.get(2..UNIT).and_then(|hex| u32::from_str_radix(hex, 16).ok());
    let mut out = String::new();
    let mut rest = json;
    while let Some(at) = rest.find('\\') {
        let escape = &rest[at..];
        let length = escape.chars().take(2).map(char::len_utf8).sum();
        let unit_at = |from: usize| escape.get(from..).filter(|text| text.starts_with("\\u")).and_then(unit);
        let (length, alone) = match (unit_at(0), unit_at(UNIT)) {
            (Some(0xd800..0xdc00), Some(0xdc00..0xe000)) => (2 * UNIT, false),
            (Some(0xd800..0xe000), _) => (UNIT, true),
            (Some(_), _) => (UNIT, false),
            (None, _) => (length, false),
        };
        out.push_str(&rest[..at]);
        out.push_str(if alone { "\\ufffd" } else { &escape[..length] });
        rest = &escape[length..];
    }
    if out.is_empty() { Cow::Borrowed(json) } else { Cow::Owned(out + rest) }
}

/// A character as Go's `%q` shows it.
fn quoted_rune(c: char) -> String {
    match c {
        '\'' => "'\\''".to_owned(),
        '"' => "'\"'".to_owned(),
        c => format!("'{}'", quote(&c.to_string()).trim_matches('"')),
    }
}

pub(crate) fn from_json(value: serde_json::Value) -> Value {
    match value {
        serde_json::Value::Null => Value::Null,
        serde_json::Value::Bool(value) => Value::Bool(value),
        serde_json::Value::Number(number) => Value::Float(number.as_f64().unwrap_or_default()),
        serde_json::Value::String(text) => Value::String(text),
        serde_json::Value::Array(items) => Value::Seq(items.into_iter().map(from_json).collect()),
        serde_json::Value::Object(map) => Value::Map(map.into_iter().map(|(k, v)| (k, from_json(v))).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Value, String> {
        let mut data = Map::new();
        parse_into(text, &Mode::Typed, Compat::Helm4, &mut data)
            .map(|()| Value::Map(data))
            .map_err(|fault| fault.message)
    }

    fn yaml(text: &str) -> String {
        parsed(text).map_or_else(|message| format!("error: {message}"), |value| bowline_yaml::emit(&value).unwrap())
    }

    #[test]
    fn sets_what_helm_sets() {
        assert_eq!(yaml("a=1,b.c=x,d=true,e=null"), "a: 1\nb:\n  c: x\nd: true\ne: null\n");
        assert_eq!(yaml("a={1,x,}"), "a:\n- 1\n- x\n- \"\"\n");
        assert_eq!(yaml("a[1].b=c,a[0]=z"), "a:\n- z\n- b: c\n");
        assert_eq!(yaml("a[0][1]=c"), "a:\n- - null\n  - c\n");
        assert_eq!(yaml(r"a\.b=1\,2"), "a.b: 1,2\n");
        assert_eq!(yaml("a=0123,b=0,c=-5"), "a: \"0123\"\nb: 0\nc: -5\n");
        assert_eq!(yaml("a="), "a: \"\"\n");
        assert_eq!(yaml(""), "{}\n");
    }

    #[test]
    fn fails_in_helms_words() {
        assert_eq!(yaml("a"), "error: key \"a\" has no value");
        assert_eq!(yaml("a,b=1"), "error: key \"a\" has no value (cannot end with ,)");
        assert_eq!(yaml("a={1"), "error: list must terminate with '}'");
        assert_eq!(yaml("a[-1]=1"), "error: negative -1 index not allowed");
        assert_eq!(yaml("a[x]=1"), "error: error parsing index: strconv.Atoi: parsing \"x\": invalid syntax");
        assert_eq!(yaml("a[70000]=1"), "error: index of 70000 is greater than maximum supported index of 65536");
        assert_eq!(
            yaml("a=1,a.b=2"),
            "error: unable to parse key: interface conversion: interface {} is int64, not map[string]interface {}"
        );
    }

    #[test]
    fn json_and_literal_values() {
        let mut data = Map::new();
        parse_into(r#"a={"x":1},b=[1,"y"] ,c="#, &Mode::Json, Compat::Helm4, &mut data).unwrap();
        parse_into("d.e=x,y={z}", &Mode::Literal, Compat::Helm4, &mut data).unwrap();
        let text = bowline_yaml::emit(&Value::Map(data)).unwrap();
        assert_eq!(text, "a:\n  x: 1\nb:\n- 1\n- \"y\"\nc: null\nd:\n  e: x,y={z}\n");
    }
}
