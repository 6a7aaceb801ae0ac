//! Cutting, padding, quoting and joining strings.

use super::arguments::{bytes, int, string, text_of, texts};
use super::{Answer, Host, TEXTS, fail, pure, variadic};
use bowline_gotemplate::Type::{Any, Bool, Int, Text};
use bowline_gotemplate::{Failure, Function, List, Value, first_rune, fmt, runes};

/// The longest text that `repeat` and `indent` build, in bytes; Go's limit is the machine's memory.
const MAX_TEXT: usize = 1 << 30;

pub(super) fn table() -> Vec<Function<Host>> {
    vec![
        pure("abbrev", &[Int, Text], Text, |args| Ok(abbreviate(bytes(&args[1]), 0, int(&args[0])))),
        pure("abbrevboth", &[Int, Int, Text], Text, |args| {
            let (left, right) = (int(&args[0]), int(&args[1]));
            if left > 0 && right < 7 { Ok(args[2].clone()) } else { Ok(abbreviate(bytes(&args[2]), left, right)) }
        }),
        pure("trunc", &[Int, Text], Text, trunc),
        pure("substr", &[Int, Int, Text], Text, substr),
        pure("trim", &[Text], Text, |args| Ok(Value::text(trimmed(bytes(&args[0]), is_space)))),
        pure("trimall", &[Text, Text], Text, trim_all),
        pure("trimAll", &[Text, Text], Text, trim_all),
        pure("trimSuffix", &[Text, Text], Text, |args| {
            let text = bytes(&args[1]);
            Ok(text.strip_suffix(bytes(&args[0])).map_or_else(|| args[1].clone(), Value::text))
        }),
        pure("trimPrefix", &[Text, Text], Text, |args| {
            let text = bytes(&args[1]);
            Ok(text.strip_prefix(bytes(&args[0])).map_or_else(|| args[1].clone(), Value::text))
        }),
        pure("repeat", &[Int, Text], Text, |args| repeat(int(&args[0]), bytes(&args[1])).map(Value::from)),
        pure("contains", &[Text, Text], Bool, |args| Ok(contains(bytes(&args[1]), bytes(&args[0])).into())),
        pure("hasPrefix", &[Text, Text], Bool, |args| Ok(bytes(&args[1]).starts_with(bytes(&args[0])).into())),
        pure("hasSuffix", &[Text, Text], Bool, |args| Ok(bytes(&args[1]).ends_with(bytes(&args[0])).into())),
        pure("replace", &[Text, Text, Text], Text, |args| {
            Ok(Value::from(replace(bytes(&args[2]), bytes(&args[0]), bytes(&args[1]))))
        }),
        pure("indent", &[Int, Text], Text, |args| indent(&args[0], &args[1], false)),
        pure("nindent", &[Int, Text], Text, |args| indent(&args[0], &args[1], true)),
        pure("plural", &[Text, Text, Int], Text, |args| Ok(args[usize::from(int(&args[2]) != 1)].clone())),
        pure("nospace", &[Text], Text, |args| Ok(nospace(&args[0]))),
        pure("initials", &[Text], Text, |args| Ok(initials(bytes(&args[0])))),
        variadic("quote", &[Any], Text, |args| Ok(joined(args, |arg| fmt::quoted(&text_of(arg)).into_bytes()))),
        variadic("squote", &[Any], Text, |args| {
            Ok(joined(args, |arg| fmt::sprintf(b"'%v'", std::slice::from_ref(arg))))
        }),
        variadic("cat", &[Any], Text, |args| Ok(joined(args, |arg| fmt::sprintf(b"%v", std::slice::from_ref(arg))))),
        pure("toString", &[Any], Text, |args| Ok(Value::Text(text_of(&args[0])))),
        pure("toStrings", &[Any], TEXTS, |args| Ok(to_strings(&args[0]))),
        pure("join", &[Text, Any], Text, |args| Ok(join(bytes(&args[0]), &args[1]))),
        pure("sortAlpha", &[Any], TEXTS, |args| Ok(sort_alpha(&args[0]))),
        pure("hello", &[], Text, |_| Ok(Value::from("Hello!"))),
    ]
}

/// What Go calls space: Unicode's White_Space.
pub(super) fn is_space(rune: char) -> bool {
    rune.is_whitespace()
}

/// The texts of all arguments that are not nil, with spaces between.
fn joined(args: &[Value], text: impl Fn(&Value) -> Vec<u8>) -> Value {
    let parts: Vec<Vec<u8>> = args.iter().filter(|arg| !matches!(arg, Value::Nil)).map(text).collect();
    Value::from(parts.join(&b' '))
}

/// Bytes from `start` to `end`, with Go's error where they lie outside.
fn cut(text: &[u8], start: Option<i64>, end: Option<i64>) -> Result<&[u8], Failure> {
    let length = text.len() as i64;
    let to = end.unwrap_or(length);
    if to < 0 {
        return fail(format!("runtime error: slice bounds out of range [:{to}]"));
    }
    if end.is_some() && to > length {
        return fail(format!("runtime error: slice bounds out of range [:{to}] with length {length}"));
    }
    let from = start.unwrap_or(0);
    if from > to || from < 0 {
        return fail(format!("runtime error: slice bounds out of range [{from}:{to}]"));
    }
    Ok(&text[from as usize..to as usize])
}

fn trunc(args: &[Value]) -> Answer {
    let (count, text) = (int(&args[0]), bytes(&args[1]));
    let length = text.len() as i64;
    Ok(if count < 0 && length + count > 0 {
        Value::text(&text[(length + count) as usize..])
    } else if count >= 0 && length > count {
        Value::text(&text[..count as usize])
    } else {
        args[1].clone()
    })
}

fn substr(args: &[Value]) -> Answer {
    let (start, end, text) = (int(&args[0]), int(&args[1]), bytes(&args[2]));
    if start < 0 {
        return cut(text, None, Some(end)).map(Value::text);
    }
    let end = if end < 0 || end > text.len() as i64 { None } else { Some(end) };
    cut(text, Some(start), end).map(Value::text)
}

/// Shortens `text` to `width` bytes with dots, from `offset` on.
fn abbreviate(text: &[u8], offset: i64, width: i64) -> Value {
    let length = text.len() as i64;
    if width < 4 || length <= width {
        return Value::text(text);
    }
    let kept = width - 3;
    let offset = if length.wrapping_sub(offset.min(length)) < kept { length - kept } else { offset.min(length) };
    let with_dots = |text: &[u8]| Value::from([text, b"..."].concat());
    if offset <= 4 {
        return with_dots(&text[..kept as usize]);
    }
    if width < 7 {
        return Value::from("");
    }
    let dots = |rest: &[u8]| Value::from([b"...", rest].concat());
    if offset + kept < length {
        let rest = &text[offset as usize..];
        let Value::Text(rest) = abbreviate_short(rest, kept) else { return Value::from("") };
        return dots(&rest);
    }
    dots(&text[(length - kept) as usize..])
}

/// The inner shortening of [`abbreviate`]: too narrow gives nothing.
fn abbreviate_short(text: &[u8], width: i64) -> Value {
    if width < 4 { Value::from("") } else { abbreviate(text, 0, width) }
}

fn trim_all(args: &[Value]) -> Answer {
    let set = string(&args[0]);
    Ok(Value::text(trimmed(bytes(&args[1]), |rune| set.contains(rune))))
}

/// A text without the characters at both its ends that pass the test.
fn trimmed(text: &[u8], test: impl Fn(char) -> bool) -> &[u8] {
    let mut rest = text;
    while let Some((_, width)) = first_rune(rest).filter(|(rune, _)| test(*rune)) {
        rest = &rest[width..];
    }
    while let Some((_, width)) = last_rune(rest).filter(|(rune, _)| test(*rune)) {
        rest = &rest[..rest.len() - width];
    }
    rest
}

/// The last rune and its width, as `utf8.DecodeLastRune` finds them.
fn last_rune(text: &[u8]) -> Option<(char, usize)> {
    let whole = |width: usize| first_rune(&text[text.len() - width..]).filter(|(_, found)| *found == width);
    // A byte by itself may be the end of a longer character.
    (2..=text.len().min(4)).find_map(whole).or_else(|| first_rune(&text[text.len().saturating_sub(1)..]))
}

fn repeat(count: i64, text: &[u8]) -> Result<Vec<u8>, Failure> {
    let Ok(count) = usize::try_from(count) else { return fail("strings: negative Repeat count") };
    match count.checked_mul(text.len()) {
        Some(size) if size <= MAX_TEXT => Ok(text.repeat(count)),
        _ => fail("strings: Repeat output length overflow"),
    }
}

fn indent(spaces: &Value, text: &Value, new_line: bool) -> Answer {
    let text = bytes(text);
    let pad = repeat(int(spaces), b" ")?;
    let lines = memchr::memchr_iter(b'\n', text).count();
    let size = lines.checked_add(1).and_then(|lines| lines.checked_mul(pad.len())).unwrap_or(usize::MAX);
    if size > MAX_TEXT {
        return fail("strings: Repeat output length overflow");
    }
    let mut out = Vec::with_capacity(text.len() + size + 1);
    if new_line {
        out.push(b'\n');
    }
    out.extend_from_slice(&pad);
    let mut rest = text;
    while let Some(end) = memchr::memchr(b'\n', rest) {
        out.extend_from_slice(&rest[..=end]);
        out.extend_from_slice(&pad);
        rest = &rest[end + 1..];
    }
    out.extend_from_slice(rest);
    Ok(Value::from(out))
}

/// Whether `part` occurs in `text`.
pub(super) fn contains(text: &[u8], part: &[u8]) -> bool {
    find(text, part).is_some()
}

/// Where `part` occurs first.
pub(super) fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    memchr::memmem::find(text, part)
}

/// Every `old` replaced; an empty one stands between all characters.
fn replace(text: &[u8], old: &[u8], new: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    if old == new {
        return text.to_vec();
    }
    if old.is_empty() {
        for (at, _, width) in runes(text) {
            out.extend_from_slice(new);
            out.extend_from_slice(&text[at..at + width]);
        }
        out.extend_from_slice(new);
        return out;
    }
    let mut rest = text;
    while let Some(at) = find(rest, old) {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(new);
        rest = &rest[at + old.len()..];
    }
    out.extend_from_slice(rest);
    out
}

/// Takes every byte for a character, as the original does, once there is a space to delete.
fn nospace(value: &Value) -> Value {
    let text = bytes(value);
    if !text.iter().any(|byte| is_space(char::from(*byte))) {
        return value.clone();
    }
    Value::from(text.iter().map(|byte| char::from(*byte)).filter(|rune| !is_space(*rune)).collect::<String>())
}

/// The first byte of every word, each as a character.
fn initials(text: &[u8]) -> Value {
    let mut out = String::new();
    let mut gap = true;
    for rune in text.iter().map(|byte| char::from(*byte)) {
        if is_space(rune) {
            gap = true;
        } else if std::mem::take(&mut gap) {
            out.push(rune);
        }
    }
    Value::from(out)
}

fn is_texts(list: &List) -> bool {
    list.kind().name == "[]string"
}

fn to_strings(value: &Value) -> Value {
    match value {
        Value::List(list) if is_texts(list) => value.clone(),
        _ => Value::List(List::texts(texts(value))),
    }
}

fn join(separator: &[u8], value: &Value) -> Value {
    let parts = texts(value);
    let parts: Vec<&[u8]> = parts.iter().map(bowline_gotemplate::Text::as_bytes).collect();
    Value::from(parts.join(separator))
}

/// Sorts; a `[]string` in place, as Go does.
fn sort_alpha(value: &Value) -> Value {
    match value {
        Value::List(list) if is_texts(list) => {
            list.change(|items| items.sort_by(|one, two| bytes(one).cmp(bytes(two))));
            value.clone()
        }
        Value::List(_) | Value::Bytes(_) => {
            let mut parts = texts(value);
            parts.sort();
            Value::List(List::texts(parts))
        }
        _ => Value::List(List::texts([text_of(value)])),
    }
}
