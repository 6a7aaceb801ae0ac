//! Splitting strings.

use super::arguments::{bytes, int};
use super::strings::find;
use super::{Host, TEXT_MAP, TEXTS, pure};
use bowline_gotemplate::Type::{Int, Text};
use bowline_gotemplate::{self as gotemplate, Function, List, Map, Value, runes};

pub(super) fn table() -> Vec<Function<Host>> {
    vec![
        pure("split", &[Text, Text], TEXT_MAP, |args| Ok(numbered(&split(bytes(&args[1]), bytes(&args[0]), -1)))),
        pure("splitn", &[Text, Int, Text], TEXT_MAP, |args| {
            Ok(numbered(&split(bytes(&args[2]), bytes(&args[0]), int(&args[1]))))
        }),
        pure("splitList", &[Text, Text], TEXTS, |args| {
            Ok(Value::List(List::texts(split(bytes(&args[1]), bytes(&args[0]), -1))))
        }),
        pure("wrap", &[Int, Text], Text, |args| Ok(wrap(bytes(&args[1]), int(&args[0]), b"", false))),
        pure("wrapWith", &[Int, Text, Text], Text, |args| {
            Ok(wrap(bytes(&args[2]), int(&args[0]), bytes(&args[1]), true))
        }),
    ]
}

/// `strings.SplitN`: at most `limit` parts, all where it is negative; between all characters where `separator` is empty.
pub(super) fn split<'t>(text: &'t [u8], separator: &[u8], limit: i64) -> Vec<&'t [u8]> {
    let limit = if limit < 0 { usize::MAX } else { limit as usize };
    let mut parts = Vec::new();
    if limit == 0 {
        return parts;
    }
    let mut rest = text;
    if separator.is_empty() {
        for (at, _, width) in runes(text) {
            if parts.len() + 1 == limit {
                break;
            }
            parts.push(&text[at..at + width]);
            rest = &text[at + width..];
        }
        if !rest.is_empty() {
            parts.push(rest);
        }
        return parts;
    }
    while parts.len() + 1 < limit {
        let Some(at) = find(rest, separator) else { break };
        parts.push(&rest[..at]);
        rest = &rest[at + separator.len()..];
    }
    parts.push(rest);
    parts
}

/// The parts under `_0`, `_1` …
fn numbered(parts: &[&[u8]]) -> Value {
    let entries = parts.iter().enumerate().map(|(i, part)| (format!("_{i}").into(), Value::text(*part))).collect();
    Value::Map(Map::of(&gotemplate::TEXT_MAP, entries))
}

/// Breaks a text at spaces so that lines are at most `width` bytes long; longer words only where `long_words` says so.
fn wrap(text: &[u8], width: i64, line_end: &[u8], long_words: bool) -> Value {
    let line_end = if line_end.is_empty() { b"\n" } else { line_end };
    let width = usize::try_from(width).unwrap_or(0).max(1);
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while rest.len() > width {
        if rest[0] == b' ' {
            rest = &rest[1..];
            continue;
        }
        let space = match rest[..=width].iter().rposition(|byte| *byte == b' ') {
            Some(space) => Some(space),
            None if long_words => {
                out.extend_from_slice(&rest[..width]);
                out.extend_from_slice(line_end);
                rest = &rest[width..];
                continue;
            }
            None => rest[width..].iter().position(|byte| *byte == b' ').map(|at| width + at),
        };
        let Some(space) = space else { break };
        out.extend_from_slice(&rest[..space]);
        out.extend_from_slice(line_end);
        rest = &rest[space + 1..];
    }
    out.extend_from_slice(rest);
    Value::from(out)
}
