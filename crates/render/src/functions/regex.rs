//! Regular expressions with Go's syntax and Go's way of counting matches.

mod classes;
mod syntax;

use super::arguments::{bytes, int};
use super::{Answer, Host, TEXTS, fail, pure};
use bowline_gotemplate::Type::{Bool, Int, Text};
use bowline_gotemplate::{self as gotemplate, Failure, Function, List, Type, Value, first_rune, fmt, lossy};
use regex::bytes::{Captures, Regex, RegexBuilder};
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

pub(super) fn table() -> Vec<Function<Host>> {
    const THREE: &[Type] = &[Text, Text, Text];
    const COUNTED: &[Type] = &[Text, Text, Int];
    vec![
        pure("regexMatch", &[Text, Text], Bool, |args| {
            Ok(compile(&args[0]).is_ok_and(|regex| regex.regex.is_match(bytes(&args[1]))).into())
        }),
        pure("mustRegexMatch", &[Text, Text], Bool, |args| Ok(must(&args[0])?.regex.is_match(bytes(&args[1])).into())),
        pure("regexFind", &[Text, Text], Text, |args| Ok(find(panicking(&args[0])?.as_ref(), &args[1]))),
        pure("mustRegexFind", &[Text, Text], Text, |args| Ok(find(must(&args[0])?.as_ref(), &args[1]))),
        pure("regexFindAll", COUNTED, TEXTS, |args| Ok(find_all(panicking(&args[0])?.as_ref(), args))),
        pure("mustRegexFindAll", COUNTED, TEXTS, |args| Ok(find_all(must(&args[0])?.as_ref(), args))),
        pure("regexReplaceAll", THREE, Text, |args| Ok(replace(panicking(&args[0])?.as_ref(), args, expand))),
        pure("mustRegexReplaceAll", THREE, Text, |args| Ok(replace(must(&args[0])?.as_ref(), args, expand))),
        pure("regexReplaceAllLiteral", THREE, Text, |args| Ok(replace(panicking(&args[0])?.as_ref(), args, literal))),
        pure("mustRegexReplaceAllLiteral", THREE, Text, |args| Ok(replace(must(&args[0])?.as_ref(), args, literal))),
        pure("regexSplit", COUNTED, TEXTS, |args| Ok(split(panicking(&args[0])?.as_ref(), args))),
        pure("mustRegexSplit", COUNTED, TEXTS, |args| Ok(split(must(&args[0])?.as_ref(), args))),
        pure("regexQuoteMeta", &[Text], Text, quote_meta),
    ]
}

thread_local! {
    /// Charts use few patterns, each many times.
    static COMPILED: RefCell<HashMap<gotemplate::Text, Rc<Compiled>>> = RefCell::new(HashMap::new());
}

/// A pattern ready to match.
struct Compiled {
    regex: Regex,
    /// The names of its groups, the whole match first.
    names: Vec<Option<Box<str>>>,
}

/// How many compiled patterns are kept.
const KEPT: usize = 256;

/// # Errors
/// With the text of `regexp.Compile`.
fn compile(pattern: &Value) -> Result<Rc<Compiled>, String> {
    let Value::Text(text) = pattern else { return Err("error parsing regexp: no pattern".to_owned()) };
    if let Some(found) = COMPILED.with_borrow(|compiled| compiled.get(text).cloned()) {
        return Ok(found);
    }
    let source = match std::str::from_utf8(text) {
        Ok(source) => source,
        Err(error) => {
            // What is wrong before it comes first.
            let (good, rest) = text.split_at(error.valid_up_to());
            let good = lossy(good);
            syntax::translate(&good)
                .or_else(|error| if error.contains(": missing ") { Ok(Default::default()) } else { Err(error) })?;
            return Err(format!("error parsing regexp: invalid UTF-8: `{}`", lossy(rest)));
        }
    };
    let (translated, groups) = syntax::translate(source)?;
    let regex = RegexBuilder::new(&translated)
        .size_limit(64 << 20)
        .build()
        .map_err(|_| format!("error parsing regexp: expression too large: `{}`", text.to_str()))?;
    let names = std::iter::once(None).chain(groups.into_iter().map(|name| name.map(Box::from))).collect();
    let regex = Rc::new(Compiled { regex, names });
    COMPILED.with_borrow_mut(|compiled| {
        if compiled.len() >= KEPT {
            compiled.clear();
        }
        compiled.insert(text.clone(), Rc::clone(&regex));
    });
    Ok(regex)
}

/// A pattern in Go's syntax, for text.
///
/// # Errors
/// With the text of `regexp.Compile`.
pub(crate) fn go_regex(pattern: &str) -> Result<regex::Regex, String> {
    let (translated, _) = syntax::translate(pattern)?;
    let built = regex::RegexBuilder::new(&translated).size_limit(64 << 20).build();
    built.map_err(|_| format!("error parsing regexp: expression too large: `{pattern}`"))
}

fn must(pattern: &Value) -> Result<Rc<Compiled>, Failure> {
    compile(pattern).map_err(Failure::new)
}

/// The same with the text of the panic of `regexp.MustCompile`.
fn panicking(pattern: &Value) -> Result<Rc<Compiled>, Failure> {
    compile(pattern).or_else(|error| {
        let text = lossy(&fmt::sprintf(b"%#q", std::slice::from_ref(pattern))).into_owned();
        fail(format!("regexp: Compile({text}): {error}"))
    })
}

fn find(regex: &Compiled, text: &Value) -> Value {
    regex.regex.find(bytes(text)).map_or_else(|| Value::from(""), |found| Value::text(found.as_bytes()))
}

/// All matches that Go counts: none that is empty right after another, none inside a character.
fn matches<'t>(regex: &Compiled, text: &'t [u8], limit: usize) -> Vec<Captures<'t>> {
    let mut found = Vec::new();
    let (mut at, mut last_end) = (0, None);
    while at <= text.len() && found.len() < limit {
        let Some(captures) = regex.regex.captures_at(text, at) else { break };
        let Some(whole) = captures.get(0) else { break };
        let (start, end) = (whole.start(), whole.end());
        let mut accepted = true;
        if end == at {
            accepted = last_end != Some(start);
            at += first_rune(&text[at..]).map_or(1, |(_, width)| width);
        } else if start == end && !is_boundary(text, start) {
            at = start + 1;
            while !is_boundary(text, at) {
                at += 1;
            }
            continue;
        } else {
            at = end;
        }
        last_end = Some(end);
        if accepted {
            found.push(captures);
        }
    }
    found
}

/// Whether no character goes on at `at`.
fn is_boundary(text: &[u8], at: usize) -> bool {
    text.get(at).is_none_or(|byte| byte & 0xc0 != 0x80)
}

fn limit(value: &Value) -> usize {
    usize::try_from(int(value)).unwrap_or(usize::MAX)
}

fn whole<'t>(captures: &Captures<'t>) -> (usize, usize, &'t [u8]) {
    captures.get(0).map_or((0, 0, &[]), |found| (found.start(), found.end(), found.as_bytes()))
}

fn find_all(regex: &Compiled, args: &[Value]) -> Value {
    let found = matches(regex, bytes(&args[1]), limit(&args[2]));
    if found.is_empty() {
        return Value::List(List::nil_of(&gotemplate::TEXTS));
    }
    Value::List(List::texts(found.iter().map(|captures| whole(captures).2)))
}

fn replace(regex: &Compiled, args: &[Value], append: fn(&mut Vec<u8>, &[u8], &Compiled, &Captures<'_>)) -> Value {
    let (text, replacement) = (bytes(&args[1]), bytes(&args[2]));
    let found = matches(regex, text, usize::MAX);
    if found.is_empty() {
        return args[1].clone();
    }
    let mut out = Vec::with_capacity(text.len());
    let mut last = 0;
    for captures in &found {
        let (start, end, _) = whole(captures);
        out.extend_from_slice(&text[last..start]);
        append(&mut out, replacement, regex, captures);
        last = end;
    }
    out.extend_from_slice(&text[last..]);
    Value::from(out)
}

fn literal(out: &mut Vec<u8>, replacement: &[u8], _: &Compiled, _: &Captures<'_>) {
    out.extend_from_slice(replacement);
}

/// `$1`, `${1}`, `$name`, `$$`: a name is as long as it can be.
fn expand(out: &mut Vec<u8>, replacement: &[u8], regex: &Compiled, captures: &Captures<'_>) {
    let mut rest = replacement;
    while let Some(at) = rest.iter().position(|byte| *byte == b'$') {
        out.extend_from_slice(&rest[..at]);
        rest = &rest[at + 1..];
        if rest.first() == Some(&b'$') {
            out.push(b'$');
            rest = &rest[1..];
            continue;
        }
        let Some((name, after)) = group_name(rest) else {
            out.push(b'$');
            continue;
        };
        rest = after;
        let found = if name.bytes().all(|byte| byte.is_ascii_digit()) && !(name.len() > 1 && name.starts_with('0')) {
            name.parse::<usize>().ok().filter(|index| *index < 100_000_000).and_then(|index| captures.get(index))
        } else {
            // Of several groups of that name the one that matched counts.
            let named = regex.names.iter().enumerate();
            named
                .filter(|(_, known)| known.as_deref() == Some(name.as_str()))
                .find_map(|(index, _)| captures.get(index))
        };
        out.extend_from_slice(found.map_or(&[], |found| found.as_bytes()));
    }
    out.extend_from_slice(rest);
}

/// The name after a `$`, and what follows.
fn group_name(text: &[u8]) -> Option<(String, &[u8])> {
    let braces = text.first() == Some(&b'{');
    let inner = &text[usize::from(braces)..];
    let mut end = 0;
    while let Some((rune, width)) = first_rune(&inner[end..]) {
        if !(rune == '_' || rune.is_alphanumeric()) {
            break;
        }
        end += width;
    }
    if end == 0 {
        return None;
    }
    let name = lossy(&inner[..end]).into_owned();
    let rest = &inner[end..];
    if braces { rest.strip_prefix(b"}").map(|rest| (name, rest)) } else { Some((name, rest)) }
}

fn split(regex: &Compiled, args: &[Value]) -> Value {
    let (text, count) = (bytes(&args[1]), int(&args[2]));
    if count == 0 {
        return Value::List(List::nil_of(&gotemplate::TEXTS));
    }
    if text.is_empty() && !bytes(&args[0]).is_empty() {
        return Value::List(List::texts([""]));
    }
    let limit = limit(&args[2]);
    let mut parts: Vec<&[u8]> = Vec::new();
    let (mut begin, mut end) = (0, 0);
    for captures in matches(regex, text, limit) {
        if parts.len() + 1 == limit {
            break;
        }
        let (start, stop, _) = whole(&captures);
        end = start;
        if stop != 0 {
            parts.push(&text[begin..end]);
        }
        begin = stop;
    }
    if end != text.len() {
        parts.push(&text[begin..]);
    }
    Value::List(List::texts(parts))
}

fn quote_meta(args: &[Value]) -> Answer {
    let mut out = Vec::new();
    for &byte in bytes(&args[0]) {
        if br"\.+*?()|[]{}^$".contains(&byte) {
            out.push(b'\\');
        }
        out.push(byte);
    }
    Ok(Value::from(out))
}
