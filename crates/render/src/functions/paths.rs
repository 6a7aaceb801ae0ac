//! Slash-separated paths (`path` and, on Unix, `filepath`).

use super::arguments::bytes;
use super::{Host, pure};
use bowline_gotemplate::Type::{Bool, Text};
use bowline_gotemplate::{Function, Value};

pub(super) fn table() -> Vec<Function<Host>> {
    let mut table = Vec::new();
    for (name, os_name) in [("base", "osBase"), ("dir", "osDir"), ("clean", "osClean"), ("ext", "osExt")] {
        let body: fn(&[Value]) -> super::Answer = match name {
            "base" => |args| Ok(by_bytes(&args[0], |path| base(path).to_owned())),
            "dir" => |args| Ok(by_bytes(&args[0], dir)),
            "clean" => |args| Ok(by_bytes(&args[0], clean)),
            _ => |args| Ok(by_bytes(&args[0], |path| ext(path).to_owned())),
        };
        table.push(pure(name, &[Text], Text, body));
        table.push(pure(os_name, &[Text], Text, body));
    }
    for name in ["isAbs", "osIsAbs"] {
        table.push(pure(name, &[Text], Bool, |args| Ok(bytes(&args[0]).starts_with(b"/").into())));
    }
    table
}

/// What becomes of a path, which need not be UTF-8: only the ASCII in it counts.
fn by_bytes(path: &Value, change: fn(&str) -> String) -> Value {
    match std::str::from_utf8(bytes(path)) {
        Ok(path) => Value::from(change(path)),
        Err(_) => {
            // A character for each byte, and back.
            let changed = change(&bytes(path).iter().map(|byte| char::from(*byte)).collect::<String>());
            Value::from(changed.chars().map(|rune| rune as u8).collect::<Vec<u8>>())
        }
    }
}

fn base(path: &str) -> &str {
    if path.is_empty() {
        return ".";
    }
    let trimmed = path.trim_end_matches('/');
    match trimmed.rsplit('/').next() {
        None | Some("") => "/",
        Some(name) => name,
    }
}

fn dir(path: &str) -> String {
    clean(path.rfind('/').map_or("", |at| &path[..=at]))
}

fn ext(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.rfind('.').map_or("", |at| &name[at..])
}

/// The shortest path that means the same.
pub(super) fn clean(path: &str) -> String {
    let rooted = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => match parts.last() {
                Some(&last) if last != ".." => {
                    parts.pop();
                }
                _ if rooted => {}
                _ => parts.push(".."),
            },
            part => parts.push(part),
        }
    }
    let joined = parts.join("/");
    match (rooted, joined.is_empty()) {
        (true, _) => format!("/{joined}"),
        (false, true) => ".".to_owned(),
        (false, false) => joined,
    }
}
