//! What several tests of this crate need.

use bowline_yaml::{Value, format_json_float};

/// JSON as Go's `encoding/json` writes it.
pub(crate) fn to_json(value: &Value) -> String {
    let text = |text: &str| {
        let mut out = String::from('"');
        for c in text.chars() {
            match c {
                '"' | '\\' => out.extend(['\\', c]),
                '\n' => out.push_str("\\n"),
                '\r' => out.push_str("\\r"),
                '\t' => out.push_str("\\t"),
                '\u{8}' => out.push_str("\\b"),
                '\u{c}' => out.push_str("\\f"),
                '<' | '>' | '&' | '\0'..'\x20' | '\u{2028}' | '\u{2029}' => {
                    out.push_str(&format!("\\u{:04x}", c as u32));
                }
                c => out.push(c),
            }
        }
        out + "\""
    };
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Int(value) => value.to_string(),
        Value::Float(value) => format_json_float(*value).unwrap(),
        Value::String(string) => text(string),
        Value::Seq(items) => format!("[{}]", items.iter().map(to_json).collect::<Vec<_>>().join(",")),
        Value::Map(map) => {
            let entries: Vec<String> =
                map.iter().map(|(key, value)| format!("{}:{}", text(key), to_json(value))).collect();
            format!("{{{}}}", entries.join(","))
        }
    }
}
