//! JSON whose numbers stay as written.

use std::collections::BTreeMap;

use bowline_yaml::{Map, Value};

use super::number::Number;
use crate::functions::from_json;

/// A value of JSON.
#[derive(Clone, Debug)]
pub(super) enum Json {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    List(Vec<Json>),
    Object(Object),
}

pub(super) type Object = BTreeMap<String, Json>;

impl Json {
    /// Reads a document.
    ///
    /// # Errors
    /// With the text of Go's decoder for streams.
    pub(super) fn parse(text: &[u8]) -> Result<Self, String> {
        if text.iter().all(u8::is_ascii_whitespace) {
            return Err("EOF".to_owned());
        }
        match from_json(text) {
            Ok(_) => {}
            // What a number's size says of `float64` is none of the concern of a reader that keeps numbers as text.
            Err(error) if error.contains("of type float64") => {}
            Err(error) if error == "unexpected end of JSON input" => return Err("unexpected EOF".to_owned()),
            Err(error) if error.ends_with("after top-level value") => {
                return Err("invalid character after top-level value".to_owned());
            }
            Err(error) => return Err(error),
        }
        let mut reader = Reader { text, at: 0, depth: 0 };
        match reader.value() {
            Some(value) => Ok(value),
            None if reader.depth > MAX_DEPTH => Err(format!("the schema nests more than {MAX_DEPTH} deep")),
            None => Err("unexpected EOF".to_owned()),
        }
    }

    pub(super) fn from_values(values: &Map) -> Self {
        Self::Object(values.iter().map(|(key, value)| (key.clone(), Self::from_value(value))).collect())
    }

    fn from_value(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Bool(*value),
            Value::Int(value) => Self::Number(Number::Int(*value)),
            Value::Float(value) => Self::Number(Number::Float(*value)),
            Value::String(text) => Self::Text(text.clone()),
            Value::Seq(items) => Self::List(items.iter().map(Self::from_value).collect()),
            Value::Map(map) => Self::from_values(map),
        }
    }

    pub(super) fn object(&self) -> Option<&Object> {
        if let Self::Object(object) = self { Some(object) } else { None }
    }

    pub(super) fn list(&self) -> Option<&[Json]> {
        if let Self::List(items) = self { Some(items) } else { None }
    }

    pub(super) fn text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    pub(super) fn bool(&self) -> Option<bool> {
        if let Self::Bool(value) = self { Some(*value) } else { None }
    }

    pub(super) fn number(&self) -> Option<&Number> {
        if let Self::Number(number) = self { Some(number) } else { None }
    }

    /// Equality of JSON Schema: numbers by their value.
    pub(super) fn equals(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Number(a), Self::Number(b)) => a.compare(b).is_some_and(std::cmp::Ordering::is_eq),
            (Self::Text(a), Self::Text(b)) => a == b,
            (Self::List(a), Self::List(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.equals(b)),
            (Self::Object(a), Self::Object(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|((ka, a), (kb, b))| ka == kb && a.equals(b))
            }
            _ => false,
        }
    }
}

/// How deep a schema may nest; real ones stay below 100.
const MAX_DEPTH: usize = 500;

/// Reads what is known to be JSON.
struct Reader<'t> {
    text: &'t [u8],
    at: usize,
    depth: usize,
}

impl Reader<'_> {
    fn peek(&mut self) -> Option<u8> {
        while matches!(self.text.get(self.at), Some(b' ' | b'\t' | b'\r' | b'\n' | b',' | b':')) {
            self.at += 1;
        }
        self.text.get(self.at).copied()
    }

    /// A value in another; none where it lies too deep, and then `depth` stays.
    fn inner(&mut self) -> Option<Json> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return None;
        }
        let value = bowline_gotemplate::with_stack(|| self.value())?;
        self.depth -= 1;
        Some(value)
    }

    fn value(&mut self) -> Option<Json> {
        match self.peek()? {
            b'{' => {
                self.at += 1;
                let mut object = Object::new();
                while self.peek()? != b'}' {
                    let Json::Text(key) = self.string()? else { return None };
                    let value = self.inner()?;
                    object.insert(key, value);
                }
                self.at += 1;
                Some(Json::Object(object))
            }
            b'[' => {
                self.at += 1;
                let mut items = Vec::new();
                while self.peek()? != b']' {
                    items.push(self.inner()?);
                }
                self.at += 1;
                Some(Json::List(items))
            }
            b'"' => self.string(),
            first @ (b't' | b'f' | b'n') => {
                self.at += if first == b'f' { 5 } else { 4 };
                Some(match first {
                    b't' => Json::Bool(true),
                    b'f' => Json::Bool(false),
                    _ => Json::Null,
                })
            }
            _ => {
                let start = self.at;
                while matches!(self.text.get(self.at), Some(b'-' | b'+' | b'.' | b'e' | b'E' | b'0'..=b'9')) {
                    self.at += 1;
                }
                let literal = String::from_utf8_lossy(self.text.get(start..self.at)?).into_owned();
                (!literal.is_empty()).then_some(Json::Number(Number::Literal(literal)))
            }
        }
    }

    fn string(&mut self) -> Option<Json> {
        let start = self.at;
        self.at += 1;
        loop {
            match self.text.get(self.at)? {
                b'\\' => self.at += 2,
                b'"' => break,
                _ => self.at += 1,
            }
        }
        self.at += 1;
        match from_json(self.text.get(start..self.at)?).ok()? {
            bowline_gotemplate::Value::Text(text) => Some(Json::Text(text.to_str().into_owned())),
            _ => None,
        }
    }
}
