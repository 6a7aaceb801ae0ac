//! `html`, `js` and `urlquery`.

use crate::Value;
use crate::fmt::is_print;
use crate::text::first_rune;

/// The arguments as one text, as `print` joins them.
pub(crate) fn joined(args: &[Value]) -> Vec<u8> {
    match args {
        [Value::Text(text)] => text.to_vec(),
        _ => {
            let shown: Vec<Value> = args.iter().map(as_in_an_action).collect();
            crate::fmt::sprint(&shown)
        }
    }
}

/// What an action prints for a value, where that is not what `fmt` prints.
fn as_in_an_action(value: &Value) -> Value {
    match value {
        Value::Nil => Value::from("<no value>"),
        Value::Object(object) if object.kind() == crate::Kind::Ptr && object.string().is_none() => {
            let text = crate::fmt::sprint(std::slice::from_ref(value));
            Value::text(text.strip_prefix(b"&").unwrap_or(&text))
        }
        other => other.clone(),
    }
}

/// `template.HTMLEscapeString`
pub(crate) fn html(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for &byte in text {
        out.extend_from_slice(match byte {
            0 => "\u{fffd}".as_bytes(),
            b'"' => b"&#34;",
            b'\'' => b"&#39;",
            b'&' => b"&amp;",
            b'<' => b"&lt;",
            b'>' => b"&gt;",
            _ => {
                out.push(byte);
                continue;
            }
        });
    }
    out
}

/// `template.JSEscapeString`
pub(crate) fn js(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    while at < text.len() {
        let byte = text[at];
        at += 1;
        match byte {
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\'' => out.extend_from_slice(b"\\'"),
            b'"' => out.extend_from_slice(b"\\\""),
            b'<' => out.extend_from_slice(b"\\u003C"),
            b'>' => out.extend_from_slice(b"\\u003E"),
            b'&' => out.extend_from_slice(b"\\u0026"),
            b'=' => out.extend_from_slice(b"\\u003D"),
            0..b' ' => out.extend_from_slice(format!("\\u00{byte:02X}").as_bytes()),
            b' '..0x80 => out.push(byte),
            _ => {
                let (rune, width) = first_rune(&text[at - 1..]).unwrap_or((char::REPLACEMENT_CHARACTER, 1));
                if is_print(rune) {
                    out.extend_from_slice(&text[at - 1..at - 1 + width]);
                } else {
                    out.extend_from_slice(format!("\\u{:04X}", u32::from(rune)).as_bytes());
                }
                at += width - 1;
            }
        }
    }
    out
}

/// `url.QueryEscape`
pub fn url_query(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for &byte in text {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(byte),
            b' ' => out.push(b'+'),
            _ => out.extend_from_slice(format!("%{byte:02X}").as_bytes()),
        }
    }
    out
}
