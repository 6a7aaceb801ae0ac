//! What a template sees as dot: one mapping for each chart.

use std::sync::Arc;

use bowline_chart::{Chart, Compat, Prepared};
use bowline_gotemplate::{Map, Text, Value};

use crate::Options;
use crate::convert::from_yaml_map;
use crate::objects::{files, metadata, values};

/// A template file of a chart or of one below it.
#[derive(Clone, Debug)]
pub(crate) struct TemplateFile {
    /// As Helm names it: `app/charts/db/templates/service.yaml`.
    pub(crate) path: Arc<str>,
    pub(crate) text: Arc<[u8]>,
    /// Place of its chart in [`Context::charts`].
    pub(crate) chart: usize,
    /// Only there to be included.
    pub(crate) partial: bool,
}

/// A chart as its templates see it.
pub(crate) struct ChartContext {
    pub(crate) name: String,
    /// `app/charts/db`
    pub(crate) path: String,
    /// Dot.
    pub(crate) dot: Map,
    compat: Compat,
}

impl ChartContext {
    /// Dot of one of the chart's templates.
    pub(crate) fn enter(&self, file: &TemplateFile) -> Value {
        let template =
            map([("Name", Value::text(&*file.path)), ("BasePath", Value::text(format!("{}/templates", self.path)))]);
        // The mapping was made for this rendering, so it is not the nil map.
        let _ = self.dot.set("Template", values(&template, self.compat));
        values(&self.dot, self.compat)
    }
}

/// All charts of a rendering and their templates.
pub(crate) struct Context {
    pub(crate) charts: Vec<ChartContext>,
}

impl Context {
    pub(crate) fn new(prepared: &Prepared, options: &Options) -> Self {
        let release = [
            ("Name", Value::text(options.release_name.as_str())),
            ("Namespace", Value::text(options.namespace.as_str())),
            ("IsUpgrade", Value::Bool(options.is_upgrade)),
            // For `lint` it is neither.
            ("IsInstall", Value::Bool(!options.is_upgrade && !options.lint)),
            ("Revision", Value::Int(options.revision)),
            ("Service", Value::text("Helm")),
        ];
        let compat = prepared.chart.compat;
        let capabilities = options.capabilities().value(compat);
        let shared = Shared { release: Value::Map(map(release)), capabilities, compat };
        let mut context = Self { charts: Vec::new() };
        let values = from_yaml_map(&prepared.values);
        share_globals(&values, &prepared.chart);
        context.add(&prepared.chart, prepared.chart.name(), &values, true, &shared);
        context
    }

    fn add(&mut self, chart: &Chart, path: &str, own: &Map, root: bool, shared: &Shared) -> Map {
        let subcharts = Map::new();
        let dot = map([
            ("Chart", metadata(&chart.metadata, root, shared.compat)),
            ("Files", files(chart.files.iter().map(|file| (&*file.name, Arc::clone(&file.data))))),
            ("Release", shared.release.clone()),
            ("Capabilities", shared.capabilities.clone()),
            ("Values", values(own, shared.compat)),
            ("Subcharts", Value::Map(subcharts.clone())),
        ]);
        self.charts.push(ChartContext {
            name: chart.name().to_owned(),
            path: path.to_owned(),
            dot: dot.clone(),
            compat: shared.compat,
        });
        for subchart in &chart.dependencies {
            let name = subchart.name();
            let inner = match own.get(name.as_bytes()) {
                Some(Value::Map(inner)) => inner,
                _ => Map::new(),
            };
            let inner_path = chart.inner_path(path, name);
            let inner_dot = self.add(subchart, &inner_path, &inner, false, shared);
            // The mapping was made here, so it is not the nil map.
            let _ = subcharts.set(name, Value::Map(inner_dot));
        }
        dot
    }
}

/// The template files of a chart and of all below it, in the order in which [`Context`] numbers the charts.
pub(crate) fn template_files(chart: &Chart) -> Vec<TemplateFile> {
    let mut files = Vec::new();
    let mut number = 0;
    collect(chart, chart.name(), &mut number, &mut files);
    // Two files of one name can only come from an archive, or from two subcharts of one name: the last counts.
    let mut last: std::collections::HashMap<Arc<str>, usize> = std::collections::HashMap::new();
    for (at, file) in files.iter().enumerate() {
        last.insert(Arc::clone(&file.path), at);
    }
    if last.len() < files.len() {
        let mut at = 0;
        files.retain(|file| {
            at += 1;
            last.get(&file.path) == Some(&(at - 1))
        });
    }
    files
}

fn collect(chart: &Chart, path: &str, number: &mut usize, into: &mut Vec<TemplateFile>) {
    let own = *number;
    *number += 1;
    for subchart in &chart.dependencies {
        collect(subchart, &chart.inner_path(path, subchart.name()), number, into);
    }
    for file in &chart.templates {
        let partial = file.name.rsplit('/').next().is_some_and(|base| base.starts_with('_'));
        if partial || !chart.metadata.is_library() {
            let path = Arc::from(format!("{path}/{}", file.name));
            into.push(TemplateFile { path, text: Arc::clone(&file.data), chart: own, partial });
        }
    }
}

struct Shared {
    release: Value,
    capabilities: Value,
    compat: Compat,
}

fn map<const N: usize>(entries: [(&str, Value); N]) -> Map {
    entries.into_iter().map(|(key, value)| (Text::from(key), value)).collect()
}

/// A table two levels below `global` is one and the same for a chart and its subcharts: a template that changes it changes
/// it for all.
fn share_globals(values: &Map, chart: &Chart) {
    let Some(Value::Map(globals)) = values.get(b"global") else { return };
    for subchart in &chart.dependencies {
        let Some(Value::Map(inner)) = values.get(subchart.name().as_bytes()) else { continue };
        if let Some(Value::Map(own)) = inner.get(b"global") {
            for (key, table) in globals.to_vec() {
                let (Value::Map(table), Some(Value::Map(own_table))) = (table, own.get(&key)) else { continue };
                for (inner_key, shared) in table.to_vec() {
                    if let (Value::Map(_), Some(Value::Map(_))) = (&shared, own_table.get(&inner_key)) {
                        let _ = own_table.set(inner_key, shared);
                    }
                }
            }
        }
        share_globals(&inner, subchart);
    }
}
