//! Values to TOML: plain entries of a table first, then the tables in it, indented by depth.

use crate::functions::dates::toml_time;
use crate::functions::extent::{ENDLESS, has_end};
use bowline_gotemplate::{Kind, Object, Text, Value, fmt, with_stack};

/// How deep values may nest: a map that holds itself would never end.
const MAX_DEPTH: usize = 200;

/// # Errors
/// With the library's text.
pub(super) fn to_toml(value: &Value) -> Result<Vec<u8>, String> {
    if !has_end(value) {
        return Err(format!("toml: {ENDLESS}"));
    }
    // Only at the top is it the encoder itself that has no use for one.
    if let Value::Complex(..) = value {
        return Err("unsupported type for key '': complex128".to_owned());
    }
    // And only there is a slice that is nil an empty one.
    if matches!(value, Value::List(list) if list.is_nil()) {
        return Ok(b"[]".to_vec());
    }
    let mut writer = Writer { out: Vec::new(), depth: 0 };
    writer.encode(&mut Vec::new(), value)?;
    Ok(writer.out)
}

type Written = Result<(), String>;

/// What a value is in TOML.
#[derive(PartialEq, Eq)]
enum Shape {
    Nothing,
    Plain,
    Table,
    Tables,
}

fn shape(value: &Value) -> Result<Shape, String> {
    Ok(match value {
        Value::Nil => Shape::Nothing,
        Value::List(list) if list.is_nil() => Shape::Nothing,
        Value::Map(map) if map.is_nil() => Shape::Nothing,
        Value::Map(_) => Shape::Table,
        Value::List(list) => {
            let mut all_tables = !list.is_empty();
            for item in list.to_vec() {
                match shape(&item)? {
                    Shape::Nothing => return Err("toml: cannot encode array with nil element".to_owned()),
                    shape => all_tables &= shape == Shape::Table,
                }
            }
            if all_tables { Shape::Tables } else { Shape::Plain }
        }
        Value::Complex(..) => return Err("unsupported type: complex128".to_owned()),
        Value::Object(object) if is_struct(object.as_ref()) => Shape::Table,
        _ => Shape::Plain,
    })
}

/// A struct that is written as a table, because it has no text of its own.
fn is_struct(object: &dyn Object) -> bool {
    matches!(object.kind(), Kind::Struct | Kind::Ptr) && !matches!(object.json(), Some(Value::Text(_)))
}

struct Writer {
    out: Vec<u8>,
    depth: usize,
}

impl Writer {
    fn push(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }

    fn newline(&mut self) {
        if !self.out.is_empty() {
            self.out.push(b'\n');
        }
    }

    fn indent(&mut self, key: &[Text]) {
        self.out.extend(std::iter::repeat_n(b' ', 2 * key.len().saturating_sub(1)));
    }

    fn encode(&mut self, key: &mut Vec<Text>, value: &Value) -> Written {
        match (value, shape(value)?) {
            (_, Shape::Nothing) => Ok(()),
            (Value::List(list), Shape::Tables) => {
                if key.is_empty() {
                    return Err("toml: top-level values must be Go maps or structs".to_owned());
                }
                for item in list.to_vec() {
                    self.newline();
                    self.header(key, "[[", "]]");
                    self.entries(key, &item)?;
                }
                Ok(())
            }
            (value, Shape::Table) => {
                if key.len() == 1 {
                    self.newline();
                }
                if !key.is_empty() {
                    self.header(key, "[", "]");
                }
                self.entries(key, value)
            }
            _ => {
                if let Some(name) = key.last() {
                    let name = bare(name);
                    self.indent(key);
                    self.out.extend(name);
                    self.push(" = ");
                }
                self.element(value)?;
                if !key.is_empty() {
                    self.newline();
                }
                Ok(())
            }
        }
    }

    fn header(&mut self, key: &[Text], open: &str, close: &str) {
        self.indent(key);
        let name = key.iter().map(|part| bare(part)).collect::<Vec<_>>().join(&b'.');
        self.push(open);
        self.out.extend(name);
        self.push(close);
        self.newline();
    }

    fn entries(&mut self, key: &mut Vec<Text>, value: &Value) -> Written {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err("toml: value is nested too deeply".to_owned());
        }
        let (plain, tables) = parted(value)?;
        for (name, value) in plain.iter().chain(&tables) {
            key.push(name.clone());
            with_stack(|| self.encode(key, value))?;
            key.pop();
        }
        self.depth -= 1;
        Ok(())
    }

    fn element(&mut self, value: &Value) -> Written {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err("toml: value is nested too deeply".to_owned());
        }
        match value {
            Value::Text(text) => self.out.extend(quoted(text)),
            Value::Bool(value) => self.push(if *value { "true" } else { "false" }),
            Value::Duration(nanoseconds) => {
                self.out.extend(quoted(bowline_gotemplate::duration::to_string(*nanoseconds).as_bytes()));
            }
            Value::Float(number) => self.push(&float(*number)),
            Value::Bytes(bytes) => {
                let numbers: Vec<String> = bytes.iter().map(u8::to_string).collect();
                self.push(&format!("[{}]", numbers.join(", ")));
            }
            Value::List(list) => {
                self.push("[");
                for (i, item) in list.to_vec().iter().enumerate() {
                    self.push(if i > 0 { ", " } else { "" });
                    with_stack(|| self.element(item))?;
                }
                self.push("]");
            }
            Value::Object(object) if object.type_name() == "time.Time" => {
                self.push(&toml_time(value).unwrap_or_default());
            }
            Value::Object(object) if matches!(object.json(), Some(Value::Text(_))) => {
                if let Some(Value::Text(text)) = object.json() {
                    self.out.extend(quoted(&text));
                }
            }
            Value::Map(_) | Value::Object(_) if shape(value)? == Shape::Table => self.inline(value)?,
            other => match (other.signed(), other.unsigned()) {
                (Some(number), _) => self.push(&number.to_string()),
                (_, Some(number)) => self.push(&number.to_string()),
                _ => return Err(format!("unexpected type: {}", other.type_name())),
            },
        }
        self.depth -= 1;
        Ok(())
    }

    fn inline(&mut self, value: &Value) -> Written {
        let (plain, tables) = parted(value)?;
        self.push("{");
        for (group, follows) in [(&plain, !tables.is_empty()), (&tables, false)] {
            for (i, (name, value)) in group.iter().enumerate() {
                if shape(value)? == Shape::Nothing {
                    continue;
                }
                self.out.extend(bare(name));
                self.push(" = ");
                with_stack(|| self.element(value))?;
                if follows || i + 1 < group.len() {
                    self.push(", ");
                }
            }
        }
        self.push("}");
        Ok(())
    }
}

type Entries = Vec<(Text, Value)>;

/// The plain entries and the tables among them.
fn parted(value: &Value) -> Result<(Entries, Entries), String> {
    let all: Entries = match value {
        Value::Map(map) => map.to_vec(),
        Value::Object(object) => {
            let fields = object.fields().into_iter();
            fields
                .filter(|(name, _)| name.starts_with(char::is_uppercase))
                .map(|(name, value)| (Text::from(name), value))
                .collect()
        }
        _ => Vec::new(),
    };
    let (mut plain, mut tables) = (Vec::new(), Vec::new());
    for (name, value) in all {
        match shape(&value)? {
            Shape::Table | Shape::Tables => tables.push((name, value)),
            Shape::Nothing | Shape::Plain => plain.push((name, value)),
        }
    }
    Ok((plain, tables))
}

/// A key, quoted where it must be.
pub(super) fn bare(name: &[u8]) -> Vec<u8> {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    if !name.is_empty() && name.iter().all(plain) { name.to_vec() } else { quoted(name) }
}

/// Bytes that are no UTF-8 stay what they are.
fn quoted(text: &[u8]) -> Vec<u8> {
    let mut out = vec![b'"'];
    for &byte in text {
        match byte {
            b'"' => out.extend(b"\\\""),
            b'\\' => out.extend(b"\\\\"),
            b'\x08' => out.extend(b"\\b"),
            b'\t' => out.extend(b"\\t"),
            b'\n' => out.extend(b"\\n"),
            b'\x0c' => out.extend(b"\\f"),
            b'\r' => out.extend(b"\\r"),
            b'\0'..b' ' | b'\x7f' => out.extend(format!("\\u{byte:04x}").bytes()),
            byte => out.push(byte),
        }
    }
    out.push(b'"');
    out
}

fn float(number: f64) -> String {
    if number.is_nan() {
        return if number.is_sign_negative() { "-nan" } else { "nan" }.to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    let text = fmt::format_float(number, b'g', -1);
    if text.contains(['e', '.']) { text } else { text + ".0" }
}
