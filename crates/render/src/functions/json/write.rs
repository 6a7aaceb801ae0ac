//! Values to JSON.

use crate::functions::extent::has_end;
use bowline_gotemplate::{Object, Text, Value, runes, with_stack};
use bowline_yaml::format_json_float;

/// How deep values may nest: a map that holds itself would never end.
const MAX_DEPTH: usize = 1000;

/// The three ways in which Sprig writes JSON.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// On one line, `<`, `>` and `&` escaped.
    Escaped,
    /// On one line.
    Raw,
    /// Indented by two, `<`, `>` and `&` escaped.
    Pretty,
}

/// A value as `json.Marshal` writes it.
///
/// # Errors
/// With Go's text, where a value has no JSON.
pub fn to_json(value: &Value) -> Result<Vec<u8>, String> {
    written(value, Style::Escaped)
}

pub(super) fn written(value: &Value, style: Style) -> Result<Vec<u8>, String> {
    if !has_end(value) {
        return Err("json: unsupported value: encountered a cycle".to_owned());
    }
    let mut writer = Writer { out: Vec::new(), style, depth: 0 };
    writer.value(value)?;
    Ok(writer.out)
}

struct Writer {
    out: Vec<u8>,
    style: Style,
    depth: usize,
}

impl Writer {
    fn push(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }

    fn value(&mut self, value: &Value) -> Result<(), String> {
        match value {
            Value::Nil => self.push("null"),
            Value::Bool(value) => self.push(if *value { "true" } else { "false" }),
            Value::Int(number) | Value::Int64(number) | Value::Duration(number) => self.push(&number.to_string()),
            Value::Uint8(number) => self.push(&number.to_string()),
            Value::Uint64(number) => self.push(&number.to_string()),
            Value::Float(number) => match format_json_float(*number) {
                Some(text) => self.push(&text),
                None => {
                    let text = bowline_gotemplate::fmt::format_float(*number, b'g', -1);
                    return Err(format!("json: unsupported value: {text}"));
                }
            },
            Value::Complex(..) => return Err("json: unsupported type: complex128".to_owned()),
            Value::Text(text) => self.text(text),
            Value::Bytes(bytes) => {
                self.out.push(b'"');
                self.push(&crate::functions::encoding::base64(bytes));
                self.out.push(b'"');
            }
            Value::List(list) if list.is_nil() => self.push("null"),
            Value::Map(map) if map.is_nil() => self.push("null"),
            Value::List(list) => {
                let items = list.to_vec();
                self.group(b'[', b']', items.iter(), Self::value)?;
            }
            Value::Map(map) => {
                let entries = map.to_vec();
                self.group(b'{', b'}', entries.iter(), |writer, (key, value): &(Text, Value)| {
                    writer.key(key);
                    writer.value(value)
                })?;
            }
            Value::Object(object) => self.object(object.as_ref())?,
        }
        Ok(())
    }

    fn object(&mut self, object: &dyn Object) -> Result<(), String> {
        if let Some(number) = object.as_int() {
            self.push(&number.to_string());
            return Ok(());
        }
        match object.json() {
            Some(value) => self.value(&value),
            None => self.group(b'{', b'}', object.json_fields().iter(), |writer, (name, value)| {
                writer.key(name.as_bytes());
                writer.value(value)
            }),
        }
    }

    fn group<T>(
        &mut self,
        open: u8,
        close: u8,
        items: impl ExactSizeIterator<Item = T>,
        mut write: impl FnMut(&mut Self, T) -> Result<(), String>,
    ) -> Result<(), String> {
        self.out.push(open);
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err("json: unsupported value: encountered a cycle".to_owned());
        }
        let empty = items.len() == 0;
        for (i, item) in items.enumerate() {
            if i > 0 {
                self.out.push(b',');
            }
            self.line();
            with_stack(|| write(self, item))?;
        }
        self.depth -= 1;
        if !empty {
            self.line();
        }
        self.out.push(close);
        Ok(())
    }

    fn line(&mut self) {
        if self.style == Style::Pretty {
            self.out.push(b'\n');
            self.out.extend(std::iter::repeat_n(b' ', 2 * self.depth));
        }
    }

    fn key(&mut self, key: &[u8]) {
        self.text(key);
        self.push(if self.style == Style::Pretty { ": " } else { ":" });
    }

    fn text(&mut self, text: &[u8]) {
        self.out.push(b'"');
        let mut plain = 0;
        for (at, rune, width) in runes(text) {
            let escape = match rune {
                '"' => "\\\"".to_owned(),
                '\\' => "\\\\".to_owned(),
                '\x08' => "\\b".to_owned(),
                '\x0c' => "\\f".to_owned(),
                '\n' => "\\n".to_owned(),
                '\r' => "\\r".to_owned(),
                '\t' => "\\t".to_owned(),
                '<' | '>' | '&' if self.style != Style::Raw => format!("\\u{:04x}", u32::from(rune)),
                '\0'..' ' | '\u{2028}' | '\u{2029}' => format!("\\u{:04x}", u32::from(rune)),
                char::REPLACEMENT_CHARACTER if width == 1 => "\\ufffd".to_owned(),
                _ => continue,
            };
            self.out.extend_from_slice(&text[plain..at]);
            self.push(&escape);
            plain = at + width;
        }
        self.out.extend_from_slice(&text[plain..]);
        self.out.push(b'"');
    }
}
