//! What the user sets: values files and flags, and where each value came from.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;
use std::{fmt, fs};

use bowline_yaml::{Map, Value};

use crate::Compat;
use crate::error::{Error, Place, go_io_error};
use crate::strvals::{Fault, Mode, from_json, paired_surrogates, parse_into};
use crate::values_file::{ValuesFile, merge_maps, push_token};

/// Where the user's values come from. Within one list later entries win, and later lists win over earlier ones, but for
/// `json`, which only wins over the files.
#[derive(Clone, Debug, Default)]
pub struct ValueSources {
    /// `-f`, `--values`: paths.
    pub files: Vec<String>,
    /// `--set-json`
    pub json: Vec<String>,
    /// `--set`
    pub set: Vec<String>,
    /// `--set-string`
    pub string: Vec<String>,
    /// `--set-file`
    pub file: Vec<String>,
    /// `--set-literal`
    pub literal: Vec<String>,
    /// Which Helm reads them.
    pub compat: Compat,
}

/// Gives the text of an address, or says why there is none; `None` for what is a path.
pub type Fetch<'f> = &'f dyn Fn(&str) -> Option<Result<String, String>>;

/// Where a value was set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// In a values file.
    File(Place),
    /// By a flag: its name, and all of its text.
    Flag {
        /// `--set`, `--set-string` …
        name: &'static str,
        /// The text behind it.
        text: String,
    },
    /// By the program that uses this library.
    Caller,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(place) => place.fmt(f),
            Self::Flag { name, text } => write!(f, "{name} {text}"),
            Self::Caller => f.write_str("given by the caller"),
        }
    }
}

/// The user's values, merged, with the origin of each.
#[derive(Clone, Debug, Default)]
pub struct UserValues {
    values: Map,
    origins: BTreeMap<String, Origin>,
    /// The values files, by the paths they were given as.
    texts: BTreeMap<String, String>,
}

impl From<Map> for UserValues {
    fn from(values: Map) -> Self {
        Self { values, ..Self::default() }
    }
}

impl UserValues {
    /// Reads all sources; all are files.
    ///
    /// # Errors
    /// In Helm's words, with the place in a values file.
    pub fn load(sources: &ValueSources) -> Result<Self, Error> {
        Self::load_with(sources, &|_| None)
    }

    /// The same, where files may lie elsewhere: `fetch` gives the text of an address, or says why there is none, and `None`
    /// where it is the path of a file.
    ///
    /// # Errors
    /// As [`UserValues::load`], and those of `fetch`.
    pub fn load_with(sources: &ValueSources, fetch: Fetch<'_>) -> Result<Self, Error> {
        let mut values = Self::default();
        for path in &sources.files {
            values.add_file(path, sources.compat, fetch)?;
        }
        for text in &sources.json {
            values.add_json(text, sources.compat)?;
        }
        let read = |path: &str| {
            fetch(path).unwrap_or_else(|| read_text(Path::new(path)).map_err(|error| go_io_error("open", path, &error)))
        };
        let flags = [
            ("--set", &sources.set, Mode::Typed),
            ("--set-string", &sources.string, Mode::Text),
            ("--set-file", &sources.file, Mode::File(&read)),
            ("--set-literal", &sources.literal, Mode::Literal),
        ];
        for (name, texts, mode) in flags {
            for text in texts {
                let failed = |fault: Fault| Error::Flag {
                    message: format!("failed parsing {name} data: {}", fault.message),
                    name,
                    text: text.clone(),
                    span: fault.span,
                };
                parse_into(text, &mode, sources.compat, &mut values.values).map_err(failed)?;
                values.note_flag(name, text, &mode);
            }
        }
        Ok(values)
    }

    /// The values as one mapping.
    pub fn values(&self) -> &Map {
        &self.values
    }

    /// The text of a values file that was read, by the path it was given as.
    pub fn text(&self, file: &str) -> Option<&str> {
        self.texts.get(file).map(String::as_str)
    }

    /// Sets a value over what is there, at a path of keys.
    pub fn set(&mut self, path: &[&str], value: Value) {
        let Some((last, parents)) = path.split_last() else { return };
        let mut map = &mut self.values;
        let mut pointer = String::new();
        for key in parents {
            push_token(&mut pointer, key);
            let inner = map.entry((*key).to_owned()).or_default();
            if inner.as_map().is_none() {
                *inner = Value::Map(Map::new());
            }
            let Some(inner) = inner.as_map_mut() else { return };
            map = inner;
        }
        push_token(&mut pointer, last);
        map.insert((*last).to_owned(), value);
        self.origins.insert(pointer, Origin::Caller);
    }

    /// Where the value at a JSON pointer (`/image/tag`) was set; for a mapping, where the first value in it was.
    pub fn origin(&self, pointer: &str) -> Option<&Origin> {
        let mut shorter = pointer;
        loop {
            if let Some(origin) = self.origins.get(shorter) {
                return Some(origin);
            }
            match shorter.rsplit_once('/') {
                Some((head, _)) if !head.is_empty() => shorter = head,
                _ => break,
            }
        }
        let inside = format!("{pointer}/");
        let first = self.origins.range(inside.clone()..).next();
        first.filter(|(at, _)| at.starts_with(&inside)).map(|(_, origin)| origin)
    }

    fn add_file(&mut self, path: &str, compat: Compat, fetch: Fetch<'_>) -> Result<(), Error> {
        let fetched = if path.trim() == "-" { None } else { fetch(path) };
        let text = fetched.unwrap_or_else(|| {
            let text =
                if path.trim() == "-" { std::io::read_to_string(std::io::stdin()) } else { read_text(Path::new(path)) };
            text.map_err(|error| go_io_error("open", path, &error))
        });
        let text = text.map_err(Error::values)?;
        let file = ValuesFile::read(&text, compat).map_err(|(message, line, column)| Error::Values {
            message: format!("failed to parse {path}: {message}"),
            place: Some(Place { file: path.to_owned(), line, column }),
        })?;
        merge_maps(&mut self.values, file.to_map());
        let origins = &mut self.origins;
        file.leaves(&mut |pointer, line, column| {
            note(origins, pointer, &Origin::File(Place { file: path.to_owned(), line, column }));
        });
        self.texts.insert(path.to_owned(), text);
        Ok(())
    }

    fn add_json(&mut self, text: &str, compat: Compat) -> Result<(), Error> {
        let failed = |what: &str, span: Range<usize>| Error::Flag {
            message: format!("failed parsing --set-json data {what}{text}"),
            name: "--set-json",
            text: text.to_owned(),
            span,
        };
        let trimmed = text.trim();
        if trimmed.starts_with('{') && !compat.is_helm3() {
            let map: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&paired_surrogates(trimmed))
                .map_err(|error| {
                    // The column counts bytes of the line, from 1; at the end it lies before the last.
                    let before: usize = trimmed.split_inclusive('\n').take(error.line() - 1).map(str::len).sum();
                    let leading = text.len() - text.trim_start().len();
                    let at = (leading + before + error.column()).saturating_sub(1);
                    failed("JSON: ", at..at + 1)
                })?;
            let map: Map = map.into_iter().map(|(key, value)| (key, from_json(value))).collect();
            self.note_map("--set-json", text, &map);
            merge_maps(&mut self.values, map);
        } else {
            parse_into(text, &Mode::Json, compat, &mut self.values).map_err(|fault| failed("", fault.span))?;
            self.note_flag("--set-json", text, &Mode::Json);
        }
        Ok(())
    }

    /// A flag's text, read alone, shows which values it set.
    fn note_flag(&mut self, name: &'static str, text: &str, mode: &Mode<'_>) {
        let alone_mode = match mode {
            Mode::Json => Mode::Json,
            Mode::Literal => Mode::Literal,
            Mode::Typed | Mode::Text | Mode::File(_) => Mode::Text,
        };
        let mut alone = Map::new();
        // It was read before; alone it can only set less.
        if parse_into(text, &alone_mode, Compat::default(), &mut alone).is_ok() {
            self.note_map(name, text, &alone);
        }
    }

    fn note_map(&mut self, name: &'static str, text: &str, map: &Map) {
        let origin = Origin::Flag { name, text: text.to_owned() };
        let mut pointer = String::new();
        note_leaves(&mut self.origins, map, &mut pointer, &origin);
    }
}

fn note_leaves(origins: &mut BTreeMap<String, Origin>, map: &Map, pointer: &mut String, origin: &Origin) {
    for (key, value) in map {
        let length = pointer.len();
        push_token(pointer, key);
        match value {
            Value::Map(inner) if !inner.is_empty() => note_leaves(origins, inner, pointer, origin),
            _ => note(origins, pointer, origin),
        }
        pointer.truncate(length);
    }
}

/// What was noted below the pointer does not count any more.
fn note(origins: &mut BTreeMap<String, Origin>, pointer: &str, origin: &Origin) {
    let inside = format!("{pointer}/");
    let stale: Vec<String> =
        origins.range(inside.clone()..).map(|(at, _)| at).take_while(|at| at.starts_with(&inside)).cloned().collect();
    for at in stale {
        origins.remove(&at);
    }
    origins.insert(pointer.to_owned(), origin.clone());
}

fn read_text(path: &Path) -> std::io::Result<String> {
    fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_knows_where_it_was_set() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("prod.yaml");
        fs::write(&path, "image:\n  tag: v1\n  pull: Always\nreplicas: 2\n").unwrap();
        let path = path.to_string_lossy().into_owned();
        let sources = ValueSources {
            files: vec![path.clone()],
            set: vec!["image.tag=v2,extra[0].a=1".into()],
            ..ValueSources::default()
        };
        let values = UserValues::load(&sources).unwrap();
        let origin = |pointer: &str| values.origin(pointer).map(ToString::to_string);
        assert_eq!(origin("/image/tag"), Some("--set image.tag=v2,extra[0].a=1".into()));
        assert_eq!(origin("/image/pull"), Some(format!("{path}:3:9")));
        assert_eq!(origin("/extra/0/a"), Some("--set image.tag=v2,extra[0].a=1".into()));
        assert_eq!(origin("/none"), None);
        assert_eq!(values.values()["image"].get("tag").and_then(Value::as_str), Some("v2"));
    }

    #[test]
    fn faults_are_told_in_helms_words() {
        let load = |sources: ValueSources| UserValues::load(&sources).unwrap_err().to_string();
        assert_eq!(
            load(ValueSources { files: vec!["no/such.yaml".into()], ..Default::default() }),
            "open no/such.yaml: no such file or directory"
        );
        assert_eq!(
            load(ValueSources { set: vec!["a".into()], ..Default::default() }),
            "failed parsing --set data: key \"a\" has no value"
        );
        let span = |sources: ValueSources| match UserValues::load(&sources).unwrap_err() {
            Error::Flag { text, span, .. } => text.get(span).map(str::to_owned),
            other => panic!("{other:?}"),
        };
        assert_eq!(
            span(ValueSources { set: vec!["a=1,b[x]=2".into()], ..Default::default() }).as_deref(),
            Some("b[x]")
        );
        assert_eq!(span(ValueSources { json: vec!["{\"a\": }".into()], ..Default::default() }).as_deref(), Some("}"));
        assert_eq!(
            load(ValueSources { json: vec!["{x".into()], ..Default::default() }),
            "failed parsing --set-json data JSON: {x"
        );
        assert_eq!(
            load(ValueSources { file: vec!["a=no/such".into()], ..Default::default() }),
            "failed parsing --set-file data: open no/such: no such file or directory"
        );
    }
}
