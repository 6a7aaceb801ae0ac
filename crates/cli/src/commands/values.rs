use std::collections::BTreeMap;
use std::fmt::Write as _;

use bowline_chart::{Origin, Prepared, Provenance, UserValues, ValueOrigin};
use bowline_manifest::value_to_json;
use bowline_render::{Reads, is_sensitive, suggest};
use bowline_yaml::{Map, Value};
use serde_json::json;

use crate::application::{self, Application};
use crate::args::{self, ValuesOutput};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::printer::{Printer, table};

/// How much of a value a table shows.
const MAX_WIDTH: usize = 40;

/// Prints the merged values, where each came from, and which templates read it.
pub(crate) fn run(arguments: &args::ShowValues, printer: Printer) -> Result<Exit, Failure> {
    // `bowline values image.tag` means the key, unless there is a file of that name.
    let mut application_arguments = arguments.application.clone();
    let mut key = arguments.key.clone();
    if key.is_none() && !application_arguments.path.exists() {
        let path = std::mem::replace(&mut application_arguments.path, ".".into());
        key = Some(path.to_string_lossy().into_owned());
    }
    let application = application::load(&application_arguments)?;
    let user = application.user_values()?;
    let (prepared, reads) = application.reads(&user)?;
    prepared.warnings.iter().for_each(|warning| printer.warn(warning));
    let provenance = Provenance::new(&prepared, &user);
    let key: Vec<String> = key.as_deref().map(split).unwrap_or_default();
    let merged = Value::Map(prepared.values.clone());
    let found = find(&merged, &keys(&key))?;
    let view = View { application: &application, provenance, reads: &reads, show_secrets: arguments.show_secrets };
    let mut entries = Vec::new();
    view.entries(found, &mut key.clone(), &mut entries);
    let unused = unused(&application, &prepared, &user, &reads);
    match arguments.output {
        ValuesOutput::Text => match entries.as_slice() {
            [only] if only.path == key && !key.is_empty() => printer.data(&view.detail(only)),
            entries => printer.data(&view.table(entries)),
        },
        ValuesOutput::Json => printer.json(&json!({
            "values": entries.iter().map(|entry| view.json(entry)).collect::<Vec<_>>(),
            "unused": unused.iter().map(|unused| json!({"key": unused.key, "from": unused.from})).collect::<Vec<_>>(),
        })),
        ValuesOutput::Yaml => {
            let mut text = String::new();
            let nested =
                key.iter().rev().fold(found.clone(), |inner, key| Value::Map(Map::from([(key.clone(), inner)])));
            view.yaml(&nested, &mut Vec::new(), &mut text);
            printer.data(&text);
        }
    }
    finish(&unused, arguments.strict, printer)
}

/// A value of the user that no template reads.
pub(crate) struct Unused {
    pub(crate) key: String,
    from: String,
    near: Option<String>,
}

/// What the user set and no template reads.
pub(crate) fn unused(application: &Application, prepared: &Prepared, user: &UserValues, reads: &Reads) -> Vec<Unused> {
    let unread = reads.unread(user.values());
    if unread.is_empty() {
        return Vec::new();
    }
    let provenance = Provenance::new(prepared, user);
    let merged = Value::Map(prepared.values.clone());
    let unused = unread.into_iter().map(|path| {
        let keys: Vec<&str> = path.iter().map(String::as_str).collect();
        let from = provenance.origin(&keys).map(|origin| application.origin_text(&origin)).unwrap_or_default();
        let (last, parents) = keys.split_last().map_or(("", &[][..]), |(last, parents)| (*last, parents));
        let siblings = find(&merged, parents).ok().and_then(Value::as_map);
        // What is read beside it may be what was meant.
        let read = siblings.into_iter().flat_map(|map| map.keys()).map(String::as_str).filter(|sibling| {
            let path: Vec<&str> = parents.iter().copied().chain([*sibling]).collect();
            !reads.of_value(&path).is_empty()
        });
        let near = suggest::nearest(last, read).map(|near| joined(parents.iter().copied().chain([near])));
        Unused { key: joined(keys.iter().copied()), from, near }
    });
    unused.collect()
}

/// Warns about what is unused, or fails because of it.
pub(crate) fn finish(unused: &[Unused], strict: bool, printer: Printer) -> Result<Exit, Failure> {
    let text = |unused: &Unused| {
        let from = if unused.from.is_empty() { String::new() } else { format!(" ({})", unused.from) };
        let near = unused.near.as_ref().map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
        format!("no template reads `{}`{from}{near}", unused.key)
    };
    if strict && !unused.is_empty() {
        let lines: Vec<String> = unused.iter().map(text).collect();
        return Err(Failure::new(Exit::Failed, "values are set that no template reads")
            .details(lines.join("\n"))
            .hint("bowline values   shows which templates read which values"));
    }
    unused.iter().for_each(|unused| printer.warn(&text(unused)));
    Ok(Exit::Ok)
}

/// A value that is no mapping, or an empty one.
struct Entry<'v> {
    path: Vec<String>,
    value: &'v Value,
}

struct View<'a> {
    application: &'a Application,
    provenance: Provenance<'a>,
    reads: &'a Reads,
    show_secrets: bool,
}

impl View<'_> {
    fn entries<'v>(&self, value: &'v Value, path: &mut Vec<String>, into: &mut Vec<Entry<'v>>) {
        match value {
            Value::Map(map) if !map.is_empty() => {
                for (key, inner) in map {
                    path.push(key.clone());
                    self.entries(inner, path, into);
                    path.pop();
                }
            }
            value => into.push(Entry { path: path.clone(), value }),
        }
    }

    fn origin(&self, path: &[String]) -> Option<ValueOrigin> {
        self.provenance.origin(&keys(path))
    }

    fn origin_text(&self, path: &[String]) -> String {
        self.origin(path).map(|origin| self.application.origin_text(&origin)).unwrap_or_default()
    }

    /// The places that read a value, each once: a file, and a line from 1, or 0 where it is not known.
    fn places(&self, path: &[String]) -> Vec<(&str, u32)> {
        let mut places: Vec<(&str, u32)> = Vec::new();
        for read in self.reads.of_value(&keys(path)) {
            let place = (&*read.file, read.line);
            if !places.contains(&place) {
                places.push(place);
            }
        }
        places
    }

    /// The places that read a value, as a person reads them.
    fn readers(&self, path: &[String]) -> Vec<String> {
        let shown = |(file, line)| if line == 0 { String::from(file) } else { format!("{file}:{line}") };
        self.places(path).into_iter().map(shown).collect()
    }

    /// Secret values are not for every screen.
    fn shown<'v>(&self, path: &[String], value: &'v Value) -> std::borrow::Cow<'v, Value> {
        let secret =
            path.iter().any(|key| is_sensitive(key)) && matches!(value, Value::String(text) if !text.is_empty());
        if secret && !self.show_secrets {
            std::borrow::Cow::Owned(Value::from("***"))
        } else {
            std::borrow::Cow::Borrowed(value)
        }
    }

    fn text(&self, entry: &Entry<'_>) -> String {
        value_to_json(&self.shown(&entry.path, entry.value)).to_string()
    }

    fn table(&self, entries: &[Entry<'_>]) -> String {
        let rows = entries.iter().map(|entry| {
            let mut value = self.text(entry);
            if value.chars().count() > MAX_WIDTH {
                value = value.chars().take(MAX_WIDTH - 1).chain(['…']).collect();
            }
            let readers = self.readers(&entry.path);
            let by = match readers.as_slice() {
                [] => "-".to_owned(),
                [one] => one.clone(),
                [first, rest @ ..] => format!("{first} +{}", rest.len()),
            };
            vec![joined(keys(&entry.path)), value, self.origin_text(&entry.path), by]
        });
        table(&["KEY", "VALUE", "FROM", "READ BY"], &rows.collect::<Vec<_>>())
    }

    fn detail(&self, entry: &Entry<'_>) -> String {
        let mut text = format!("{} = {}\n", joined(keys(&entry.path)), self.text(entry));
        let _ = writeln!(text, "from     {}", self.origin_text(&entry.path));
        let readers = self.readers(&entry.path);
        if readers.is_empty() {
            text.push_str("read by  nothing\n");
        }
        for (i, reader) in readers.iter().enumerate() {
            let _ = writeln!(text, "{}  {reader}", if i == 0 { "read by" } else { "       " });
        }
        text
    }

    fn json(&self, entry: &Entry<'_>) -> serde_json::Value {
        let place =
            |place: &bowline_chart::Place| json!({"file": place.file, "line": place.line, "column": place.column});
        let from = match self.origin(&entry.path) {
            None => serde_json::Value::Null,
            Some(ValueOrigin::Default { chart, place: at }) => {
                json!({"kind": "default", "chart": chart, "place": place(&at)})
            }
            Some(ValueOrigin::User(Origin::File(at))) => json!({"kind": "file", "place": place(&at)}),
            Some(ValueOrigin::User(Origin::Flag { name, text })) => {
                let secret = entry.path.iter().any(|key| is_sensitive(key)) && !self.show_secrets;
                json!({"kind": "flag", "flag": name, "text": if secret { "***" } else { &text }})
            }
            Some(ValueOrigin::User(Origin::Caller)) => json!({"kind": "caller"}),
        };
        let read_by = |(file, line)| json!({"template": file, "line": line});
        let readers: Vec<serde_json::Value> = self.places(&entry.path).into_iter().map(read_by).collect();
        json!({
            "key": joined(keys(&entry.path)),
            "value": value_to_json(&self.shown(&entry.path, entry.value)),
            "from": from,
            "readBy": readers,
        })
    }

    /// A values file with a comment behind every value that says where it came from.
    fn yaml(&self, value: &Value, path: &mut Vec<String>, text: &mut String) {
        let Value::Map(map) = value else { return };
        let indent = "  ".repeat(path.len());
        for (key, inner) in map {
            path.push(key.clone());
            match inner {
                Value::Map(entries) if !entries.is_empty() => {
                    let head = emitted(&BTreeMap::from([(key.clone(), Value::Map(Map::new()))]));
                    let _ = writeln!(text, "{indent}{}", head.trim_end().trim_end_matches(" {}"));
                    self.yaml(inner, path, text);
                }
                inner => {
                    let origin = self.origin_text(path);
                    let body = emitted(&BTreeMap::from([(key.clone(), self.shown(path, inner).into_owned())]));
                    for (i, line) in body.lines().enumerate() {
                        let comment =
                            if i == 0 && !origin.is_empty() { format!("  # {origin}") } else { String::new() };
                        let _ =
                            if line.is_empty() { writeln!(text) } else { writeln!(text, "{indent}{line}{comment}") };
                    }
                }
            }
            path.pop();
        }
    }
}

fn emitted(map: &Map) -> String {
    // Values have only what YAML can write.
    bowline_yaml::emit(&Value::Map(map.clone())).unwrap_or_default()
}

fn keys(path: &[String]) -> Vec<&str> {
    path.iter().map(String::as_str).collect()
}

/// A path in the syntax of `--set`.
fn joined<'k>(keys: impl IntoIterator<Item = &'k str>) -> String {
    keys.into_iter().map(|key| key.replace('.', "\\.")).collect::<Vec<_>>().join(".")
}

/// The keys of a path in the syntax of `--set`; `a[0]` is `a.0` here.
fn split(path: &str) -> Vec<String> {
    let mut keys = vec![String::new()];
    let mut letters = path.chars();
    while let Some(letter) = letters.next() {
        let Some(last) = keys.last_mut() else { break };
        match letter {
            '\\' => last.extend(letters.next()),
            '.' | '[' => keys.push(String::new()),
            ']' => {}
            letter => last.push(letter),
        }
    }
    keys
}

/// The value at a path of keys.
fn find<'v>(values: &'v Value, path: &[&str]) -> Result<&'v Value, Failure> {
    let mut value = values;
    for (i, key) in path.iter().enumerate() {
        let inner = match value {
            Value::Map(map) => map.get(*key),
            Value::Seq(items) => key.parse::<usize>().ok().and_then(|index| items.get(index)),
            _ => None,
        };
        value = inner.ok_or_else(|| {
            let around = path[..i].iter().copied();
            let known = value.as_map().into_iter().flat_map(|map| map.keys()).map(String::as_str);
            let missing = joined(around.clone().chain([*key]));
            let failure = Failure::new(Exit::Failed, format!("there is no value `{missing}`"));
            match suggest::nearest(key, known) {
                Some(near) => failure.hint(format!("did you mean `{}`?", joined(around.chain([near])))),
                None => failure.hint("bowline values   lists all"),
            }
        })?;
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_written_as_for_set() {
        assert_eq!(split(r"a.b\.c[0].d"), ["a", "b.c", "0", "d"]);
        assert_eq!(joined(["a", "b.c"]), r"a.b\.c");
        let values = Value::Map(Map::from([("image".to_owned(), Value::Map(Map::new()))]));
        assert_eq!(find(&values, &["imgae"]).unwrap_err().hints, ["did you mean `image`?"]);
        assert_eq!(find(&values, &[]).unwrap(), &values);
    }
}
