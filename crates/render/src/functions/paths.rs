//! Slash-separated paths (`path` and, on Unix, `filepath`).

use super::arguments::string;
use super::{Host, pure};
use bowline_gotemplate::Type::{Bool, Text};
use bowline_gotemplate::{Function, Value};

pub(super) fn table() -> Vec<Function<Host>> {
    let mut table = Vec::new();
    for (name, os_name) in [("base", "osBase"), ("dir", "osDir"), ("clean", "osClean"), ("ext", "osExt")] {
        let body: fn(&[Value]) -> super::Answer = match name {
            "base" => |args| Ok(Value::from(base(&string(&args[0])))),
            "dir" => |args| Ok(Value::from(dir(&string(&args[0])))),
            "clean" => |args| Ok(Value::from(clean(&string(&args[0])))),
            _ => |args| Ok(Value::from(ext(&string(&args[0])))),
        };
        table.push(pure(name, &[Text], Text, body));
        table.push(pure(os_name, &[Text], Text, body));
    }
    for name in ["isAbs", "osIsAbs"] {
        table.push(pure(name, &[Text], Bool, |args| Ok(string(&args[0]).starts_with('/').into())));
    }
    table
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
