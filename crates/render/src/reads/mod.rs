//! Which values the templates of a chart may read, found without rendering: every branch counts, taken or not.
//!
//! ```text
//!  templates, .Values ─► walk bodies with dot as places ─► reads: path, whole or only itself, template, line
//! ```
//!
//! A value is followed through `with`, `range`, variables, `include`, `template`, `tpl` and the functions that hand their
//! arguments on. Where a value goes somewhere that cannot be followed, all of it counts as read: what is said to be unread
//! is unread.

mod place;
mod walk;

use std::collections::BTreeSet;
use std::sync::Arc;

use bowline_chart::Prepared;
use bowline_gotemplate::Text;
use bowline_yaml::{Map, Value};

use crate::context::template_files;
use crate::functions::program;
use crate::order::parse_order;

use place::Path;
use walk::Walk;

/// Stands in a path for any key.
pub(crate) const ANY: &str = "*";

/// What the templates of a prepared chart read of its values.
pub struct Reads {
    reads: BTreeSet<Read>,
    /// Tops of subcharts, as keys from the top chart's values.
    subcharts: Vec<Vec<String>>,
    /// Subcharts that are switched off: nobody knows what they would read.
    off: Vec<Vec<String>>,
}

/// A place where a value is read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Read {
    /// Keys from the top chart's values; `*` stands for any.
    pub path: Vec<String>,
    /// Whether everything below it is read with it.
    pub whole: bool,
    /// The file: a template as Helm names it, or `Chart.yaml` of a chart.
    pub file: Arc<str>,
    /// The line, from 1; 0 where it is not known.
    pub line: u32,
}

impl Reads {
    /// Of a chart and what it is for a choice of values.
    pub fn of(prepared: &Prepared, original: &bowline_chart::Chart) -> Self {
        let mut files = template_files(&prepared.chart);
        files.sort_by(|a, b| parse_order(&a.path, &b.path));
        let mut program = program(prepared.chart.compat);
        for file in &files {
            // A template that does not parse is another one's business: it reads nothing.
            let _ = program.parse(&file.path, Text::from(&*file.text));
        }
        let mut charts = Vec::new();
        add_charts(&prepared.chart, &mut Vec::new(), prepared.chart.name(), &mut charts);
        let mut walk = Walk::new(&program, &charts, &prepared.values);
        for file in files.iter().filter(|file| !file.partial) {
            walk.file(&file.path, file.chart);
        }
        let mut reads = walk.finish();
        let mut off = Vec::new();
        add_conditions(original, &mut Vec::new(), prepared.chart.name(), &mut reads, &mut off);
        let subcharts: Vec<Vec<String>> = charts.into_iter().map(|chart| chart.keys).collect();
        off.retain(|keys| !subcharts.contains(keys));
        Self { reads, subcharts, off }
    }

    /// Where a value is read: by itself, as a part of something that is read as a whole, or on the way to a part of it.
    pub fn of_value(&self, path: &[&str]) -> Vec<&Read> {
        let mut paths = vec![path.iter().map(|key| (*key).to_owned()).collect::<Vec<String>>()];
        // A global of a chart is the global of all charts in it.
        for subchart in self.subcharts.iter().filter(|keys| !keys.is_empty()) {
            for outer in 0..subchart.len() {
                let mut global = subchart[..outer].to_vec();
                global.push("global".to_owned());
                let own: Vec<&str> = global.iter().map(String::as_str).collect();
                if path.starts_with(&own) {
                    let rest = path[outer..].iter().map(|key| (*key).to_owned());
                    paths.push(subchart.iter().cloned().chain(rest).collect());
                }
            }
        }
        let reads = self.reads.iter().filter(|read| paths.iter().any(|path| reaches(read, path)));
        reads.collect()
    }

    /// The values of the user that no template reads, as keys from the top chart's values. Where nothing of a mapping is
    /// read, the mapping stands for all in it.
    pub fn unread(&self, values: &Map) -> Vec<Vec<String>> {
        let mut unread = Vec::new();
        self.add_unread(values, &mut Vec::new(), &mut unread);
        unread
    }

    fn add_unread(&self, map: &Map, path: &mut Vec<String>, unread: &mut Vec<Vec<String>>) {
        for (key, value) in map {
            // Keys like these hold parts for anchors, by convention.
            if path.is_empty() && (key.starts_with("x-") || key.starts_with('.')) {
                continue;
            }
            path.push(key.clone());
            let keys: Vec<&str> = path.iter().map(String::as_str).collect();
            if !self.off.contains(path) {
                match value {
                    _ if self.of_value(&keys).is_empty() => {
                        // The user's own values of a subchart are values one by one.
                        match value {
                            Value::Map(inner) if self.subcharts.contains(path) => self.add_unread(inner, path, unread),
                            _ => unread.push(path.clone()),
                        }
                    }
                    Value::Map(inner) => self.add_unread(inner, path, unread),
                    _ => {}
                }
            }
            path.pop();
        }
    }
}

/// Whether a read sees anything of the value at a path.
fn reaches(read: &Read, path: &[String]) -> bool {
    let same = read.path.iter().zip(path).all(|(read, key)| read == ANY || read == key);
    same && (read.path.len() >= path.len() || read.whole)
}

/// A chart of the walk.
pub(crate) struct ChartPlace {
    /// Its values, as keys from the top chart's.
    pub(crate) keys: Path,
    /// `app/charts/db`
    pub(crate) path: String,
    /// Names of the charts in it, each with its place in the list.
    pub(crate) inner: Vec<(String, usize)>,
}

/// The charts in the order in which template files count them.
fn add_charts(chart: &bowline_chart::Chart, keys: &mut Path, path: &str, into: &mut Vec<ChartPlace>) {
    let own = into.len();
    into.push(ChartPlace { keys: keys.clone(), path: path.to_owned(), inner: Vec::new() });
    for subchart in &chart.dependencies {
        let place = into.len();
        into[own].inner.push((subchart.name().to_owned(), place));
        keys.push(subchart.name().to_owned());
        add_charts(subchart, keys, &format!("{path}/charts/{}", subchart.name()), into);
        keys.pop();
    }
}

/// What `Chart.yaml` reads: conditions, tags and imports; and the subcharts that may be off.
fn add_conditions(
    chart: &bowline_chart::Chart,
    keys: &mut Path,
    path: &str,
    reads: &mut BTreeSet<Read>,
    off: &mut Vec<Path>,
) {
    let file: Arc<str> = Arc::from(format!("{path}/Chart.yaml"));
    let mut add = |inner: Path, whole: bool| {
        let path = keys.iter().cloned().chain(inner).collect();
        reads.insert(Read { path, whole, file: Arc::clone(&file), line: 0 });
    };
    let split = |path: &str| path.split('.').map(str::to_owned).collect::<Path>();
    for dependency in chart.metadata.dependencies() {
        let name = if dependency.alias.is_empty() { &dependency.name } else { &dependency.alias };
        for condition in dependency.condition.split(',').map(str::trim).filter(|condition| !condition.is_empty()) {
            add(split(condition), false);
        }
        for tag in &dependency.tags {
            add(vec!["tags".to_owned(), tag.clone()], false);
        }
        for import in &dependency.import_values {
            let child = match import.as_str() {
                Some(key) => Some(format!("exports.{key}")),
                None => import.get("child").and_then(Value::as_str).map(str::to_owned),
            };
            if let Some(child) = child {
                add(std::iter::once(name.clone()).chain(split(&child)).collect(), true);
            }
        }
        off.push(keys.iter().chain([name]).cloned().collect());
    }
    for subchart in &chart.dependencies {
        keys.push(subchart.name().to_owned());
        add_conditions(subchart, keys, &format!("{path}/charts/{}", subchart.name()), reads, off);
        keys.pop();
    }
}
