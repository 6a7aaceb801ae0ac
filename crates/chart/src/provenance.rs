//! Which line of which file, or which flag, gave a value that templates see. Worked out only when somebody asks.

use std::fmt;
use std::sync::Arc;

use bowline_yaml::{Map, Node, Value};

use crate::error::Place;
use crate::user_values::Origin;
use crate::values_file::{ValuesFile, push_token};
use crate::{Chart, Prepared, UserValues};

/// How often a value may have been imported from chart to chart.
const MAX_IMPORTS: usize = 8;
const GLOBAL: &str = "global";

/// Where a value that templates see comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ValueOrigin {
    /// The user set it.
    User(Origin),
    /// A chart's `values.yaml` has it.
    Default {
        /// The chart as Helm's paths name it: `app/charts/db`.
        chart: String,
        /// Where in its `values.yaml`.
        place: Place,
    },
}

impl ValueOrigin {
    /// The place in a file, where it is one.
    pub fn place(&self) -> Option<&Place> {
        match self {
            Self::User(Origin::File(place)) | Self::Default { place, .. } => Some(place),
            Self::User(Origin::Flag { .. } | Origin::Caller) => None,
        }
    }
}

impl fmt::Display for ValueOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(origin) => origin.fmt(f),
            Self::Default { place, .. } => place.fmt(f),
        }
    }
}

/// The sources of a prepared chart's values.
pub struct Provenance<'p> {
    user: &'p UserValues,
    values: &'p Map,
    /// The chart and all below it; a chart comes before those in it.
    layers: Vec<Layer<'p>>,
}

/// A chart's `values.yaml`.
struct Layer<'p> {
    /// Where its values are in those of the top chart.
    prefix: Vec<&'p str>,
    /// `app/charts/db`
    path: String,
    /// As a user would write it.
    file: String,
    text: Option<Arc<str>>,
    values: ValuesFile,
    /// What it imports: subchart, path in it, own path.
    imports: Vec<(&'p str, Vec<String>, Vec<String>)>,
}

impl<'p> Provenance<'p> {
    /// Reads the charts' `values.yaml` once more, for their places.
    pub fn new(prepared: &'p Prepared, user: &'p UserValues) -> Self {
        let mut layers = Vec::new();
        add_layers(&prepared.chart, &mut Vec::new(), prepared.chart.name(), &mut layers);
        Self { user, values: &prepared.values, layers }
    }

    /// Where the value at a path of the top chart's values comes from. Where there is no value any more, because somebody
    /// set it or something around it to null: where that is.
    pub fn origin(&self, path: &[&str]) -> Option<ValueOrigin> {
        let value = at(self.values, path);
        let mut first = None;
        for candidate in self.candidates(path, 0) {
            for (origin, found) in self.sources(&candidate) {
                let found_origin = match value {
                    // A mapping is made of several sources: the first that has it.
                    Some(Value::Map(_)) => matches!(found, Value::Map(_)).then_some(&origin),
                    Some(value) => same(value, &found).then_some(&origin),
                    None => (found == Value::Null).then_some(&origin),
                };
                if let Some(origin) = found_origin {
                    return Some(origin.clone());
                }
                first.get_or_insert(origin);
            }
        }
        first
    }

    /// The text of a file that values came from.
    pub fn text(&self, file: &str) -> Option<&str> {
        let own = || self.layers.iter().find(|layer| layer.file == file).and_then(|layer| layer.text.as_deref());
        self.user.text(file).or_else(own)
    }

    /// The paths at which a value may have been set, the strongest first: globals of the charts around it, the path itself,
    /// what was imported to it.
    fn candidates<'a>(&self, path: &[&'a str], imports: usize) -> Vec<Vec<&'a str>>
    where
        'p: 'a,
    {
        let mut candidates = Vec::new();
        let own_chart = self.layers.iter().rev().find(|layer| path.starts_with(&layer.prefix));
        let depth = own_chart.map_or(0, |layer| layer.prefix.len());
        if path.get(depth) == Some(&GLOBAL) {
            for outer in 0..depth {
                candidates.push(path[..outer].iter().chain(&path[depth..]).copied().collect());
            }
        }
        candidates.push(path.to_vec());
        if imports < MAX_IMPORTS {
            for layer in self.layers.iter().filter(|layer| path.starts_with(&layer.prefix)) {
                let inner = &path[layer.prefix.len()..];
                for (subchart, child, parent) in &layer.imports {
                    if inner.len() >= parent.len() && parent.iter().zip(inner).all(|(a, b)| a == b) {
                        let child: Option<Vec<&'a str>> = child.iter().map(|key| self.interned(key)).collect();
                        let Some(child) = child else { continue };
                        let prefix = layer.prefix.iter().copied().chain([*subchart]).chain(child);
                        let source: Vec<&'a str> = prefix.chain(inner[parent.len()..].iter().copied()).collect();
                        candidates.extend(self.candidates(&source, imports + 1));
                    }
                }
            }
        }
        candidates
    }

    /// A key of an import with the life of the charts.
    fn interned<'a>(&self, key: &str) -> Option<&'a str>
    where
        'p: 'a,
    {
        fn find<'v>(map: &'v Map, key: &str) -> Option<&'v str> {
            if let Some((found, _)) = map.get_key_value(key) {
                return Some(found);
            }
            map.values().find_map(|value| find(value.as_map()?, key))
        }
        find(self.values, key)
    }

    /// All that gives a value at exactly this path or, with null, at one around it; the strongest first.
    fn sources(&self, path: &[&str]) -> Vec<(ValueOrigin, Value)> {
        let mut sources = Vec::new();
        if let Some((found, length)) = reach(self.user.values(), path)
            && let Some(origin) = self.user.origin(&pointer(&path[..length]))
        {
            sources.push((ValueOrigin::User(origin.clone()), found.clone()));
        }
        for layer in self.layers.iter().filter(|layer| path.starts_with(&layer.prefix)) {
            if let Some((node, lines_before)) = layer.node(&path[layer.prefix.len()..]) {
                let start = node.span.start;
                let place = Place { file: layer.file.clone(), line: start.line + lines_before, column: start.column };
                sources.push((ValueOrigin::Default { chart: layer.path.clone(), place }, node.to_value()));
            }
        }
        sources
    }
}

impl Layer<'_> {
    /// The node at a path, or the null around it; and the lines before its document.
    fn node(&self, path: &[&str]) -> Option<(&Node, u32)> {
        let found = self.values.documents().rev().find_map(|(root, lines_before)| {
            let mut node = root;
            for key in path {
                if node.is_null() {
                    break;
                }
                node = node.pointer(&pointer(&[key]))?;
            }
            Some((node, lines_before))
        });
        found.filter(|_| !path.is_empty())
    }
}

fn add_layers<'p>(chart: &'p Chart, prefix: &mut Vec<&'p str>, path: &str, layers: &mut Vec<Layer<'p>>) {
    let values =
        chart.values_text.as_deref().and_then(|text| ValuesFile::read(text, chart.compat).ok()).unwrap_or_default();
    let file =
        if chart.origin.is_empty() { format!("{path}/values.yaml") } else { format!("{}/values.yaml", chart.origin) };
    let keys = |path: &str| path.split('.').filter(|key| !key.is_empty()).map(str::to_owned).collect::<Vec<_>>();
    let mut imports = Vec::new();
    for dependency in chart.metadata.dependencies() {
        for import in &dependency.import_values {
            let text = |key: &str| import.get(key).and_then(Value::as_str);
            let paths = match import.as_str() {
                Some(name) => Some((keys(&format!("exports.{name}")), Vec::new())),
                None => text("child").zip(text("parent")).map(|(child, parent)| (keys(child), keys(parent))),
            };
            imports.extend(paths.map(|(child, parent)| (dependency.name.as_str(), child, parent)));
        }
    }
    let text = chart.values_text.clone();
    layers.push(Layer { prefix: prefix.clone(), path: path.to_owned(), file, text, values, imports });
    for subchart in &chart.dependencies {
        prefix.push(subchart.name());
        add_layers(subchart, prefix, &format!("{path}/charts/{}", subchart.name()), layers);
        prefix.pop();
    }
}

/// A JSON pointer.
fn pointer(path: &[&str]) -> String {
    let mut pointer = String::new();
    path.iter().for_each(|key| push_token(&mut pointer, key));
    pointer
}

fn at<'v>(values: &'v Map, path: &[&str]) -> Option<&'v Value> {
    reach(values, path).filter(|(_, length)| *length == path.len()).map(|(value, _)| value)
}

/// The value at a path, or the null on the way to it; and how much of the path leads there.
fn reach<'v>(values: &'v Map, path: &[&str]) -> Option<(&'v Value, usize)> {
    let (first, rest) = path.split_first()?;
    let mut value = values.get(*first)?;
    for (i, key) in rest.iter().enumerate() {
        value = match value {
            Value::Null => return Some((value, i + 1)),
            Value::Map(map) => map.get(*key)?,
            Value::Seq(items) => items.get(key.parse::<usize>().ok()?)?,
            _ => return None,
        };
    }
    Some((value, path.len()))
}

/// Whether a value is the one of a source: numbers of flags are integers, those of files are not.
fn same(value: &Value, source: &Value) -> bool {
    match (value, source) {
        (Value::Int(a), Value::Float(b)) | (Value::Float(b), Value::Int(a)) => *a as f64 == *b,
        _ => value == source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ValueSources;

    fn chart(files: &[(&str, &str)]) -> Chart {
        Chart::from_files(files.iter().map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec()))).unwrap()
    }

    #[test]
    fn every_value_knows_which_line_or_flag_gave_it() {
        let chart = chart(&[
            (
                "Chart.yaml",
                "apiVersion: v2\nname: app\nversion: 1.0.0\ndependencies:\n- name: db\n  version: 1.0.0\n  \
                 import-values: [{child: public, parent: fromdb}, shared]\n",
            ),
            ("values.yaml", "image:\n  tag: v1\n  pull: Always\ndb:\n  port: 1\nglobal:\n  zone: a\nenv: [x, y]\n"),
            ("charts/db/Chart.yaml", "apiVersion: v2\nname: db\nversion: 1.0.0\n"),
            (
                "charts/db/values.yaml",
                "port: 2\nsize: 3\npublic:\n  host: h\nexports:\n  shared:\n    common: 1\nglobal: {zone: b, kind: k}\n",
            ),
        ]);
        let directory = tempfile::tempdir().unwrap();
        let prod = directory.path().join("prod.yaml");
        std::fs::write(&prod, "image:\n  pull: null\ndb:\n  size: 4\n").unwrap();
        let prod = prod.to_string_lossy().into_owned();
        let sources = ValueSources {
            files: vec![prod.clone()],
            set: vec!["image.tag=v2,count=3".to_owned()],
            ..ValueSources::default()
        };
        let user = UserValues::load(&sources).unwrap();
        let prepared = chart.prepare(&user).unwrap();
        let provenance = Provenance::new(&prepared, &user);
        let origin = |path: &str| {
            let path: Vec<&str> = path.split('.').collect();
            provenance.origin(&path).map(|origin| origin.to_string().replace(&prod, "prod.yaml")).unwrap_or_default()
        };
        assert_eq!(origin("image.tag"), "--set image.tag=v2,count=3");
        assert_eq!(origin("count"), "--set image.tag=v2,count=3");
        assert_eq!(origin("image.pull"), "prod.yaml:2:9");
        assert_eq!(origin("image.pull.deeper"), "prod.yaml:2:9");
        assert_eq!(origin("db.port"), "app/values.yaml:5:9");
        assert_eq!(origin("db.size"), "prod.yaml:4:9");
        assert_eq!(origin("db.public.host"), "charts/db/values.yaml:4:9");
        assert_eq!(origin("fromdb.host"), "charts/db/values.yaml:4:9");
        assert_eq!(origin("common"), "charts/db/values.yaml:7:13");
        assert_eq!(origin("global.zone"), "app/values.yaml:7:9");
        assert_eq!(origin("db.global.zone"), "app/values.yaml:7:9");
        assert_eq!(origin("db.global.kind"), "charts/db/values.yaml:8:25");
        assert_eq!(origin("env.1"), "app/values.yaml:8:10");
        assert_eq!(origin("no.such"), "");
        assert_eq!(provenance.text(&prod), Some("image:\n  pull: null\ndb:\n  size: 4\n"));
    }
}
