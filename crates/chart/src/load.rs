//! Charts from directories and archives.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use bowline_yaml::{Decoder, Map, Node, Target, parse_first};

use crate::archive::{self, MAX_SIZE};
use crate::error::{Error, Place, go_io_error};
use crate::values_file::parse_values;
use crate::{Chart, Metadata, directory};

/// A file of a chart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Path inside of the chart, with `/`.
    pub name: Arc<str>,
    /// Content, without a byte order mark.
    pub data: Arc<[u8]>,
    /// When it was last changed, as its directory or archive says; `None` for files made in memory.
    pub modified: Option<SystemTime>,
}

impl File {
    pub(crate) fn new(name: impl AsRef<str>, data: &[u8]) -> Self {
        Self { name: Arc::from(name.as_ref()), data: Arc::from(data), modified: None }
    }

    /// The content as text; what is no UTF-8 is replaced.
    pub fn text(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(&self.data)
    }
}

impl Chart {
    /// Loads a chart from a directory or an archive.
    ///
    /// # Errors
    /// In Helm's words; [`Error::place`] says which file and line.
    pub fn load(path: &Path) -> Result<Self, Error> {
        let shown = path.to_string_lossy();
        let Ok(found) = fs::metadata(path) else { return Err(Error::NotFound { path: shown.into_owned() }) };
        if !found.is_dir() {
            return load_archive(path, &shown);
        }
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let manifest = path.join("Chart.yaml");
        let data = fs::read(&manifest).map_err(|error| {
            let manifest = manifest.to_string_lossy();
            Error::chart(format!("unable to detect chart at {manifest}: {}", go_io_error("open", &manifest, &error)))
        })?;
        let origin = Origin { shown: shown.trim_end_matches('/').to_owned(), nesting: 0 };
        check_api_version(&String::from_utf8_lossy(&data), &origin)?;
        from_files(directory::read(&path)?, &origin)
    }

    /// A chart from files in memory, paths relative to the chart.
    ///
    /// # Errors
    /// In Helm's words.
    pub fn from_files(files: impl IntoIterator<Item = (String, Vec<u8>)>) -> Result<Self, Error> {
        let files = files.into_iter().map(|(name, data)| File::new(name, &data)).collect();
        from_files(files, &Origin { shown: String::new(), nesting: 0 })
    }

    /// A chart from a `.tgz` in memory.
    ///
    /// # Errors
    /// In Helm's words.
    pub fn from_archive(data: &[u8]) -> Result<Self, Error> {
        from_files(archive::read(data)?, &Origin { shown: String::new(), nesting: 0 })
    }
}

/// The files of a chart's directory in lexical order, less what its `.helmignore` names: what goes into its archive.
///
/// # Errors
/// In Helm's words.
pub fn directory_files(directory: &Path) -> Result<Vec<File>, Error> {
    directory::read(directory)
}

/// The files of a chart's archive, paths relative to the chart. Archives that are too large, or that name a place outside
/// of the chart, are refused.
///
/// # Errors
/// In Helm's words.
pub fn archive_files(data: &[u8]) -> Result<Vec<File>, Error> {
    archive::read(data)
}

/// How deep charts may lie in each other, as folders or archives. Folders end at about 450 (4,096 bytes of a path); an
/// archive could hold itself.
const MAX_NESTING: usize = 200;

/// What a user calls the chart that is being loaded, and how many charts it lies in.
struct Origin {
    shown: String,
    nesting: usize,
}

impl Origin {
    fn file(&self, name: &str) -> String {
        if self.shown.is_empty() { name.to_owned() } else { format!("{}/{name}", self.shown) }
    }

    fn inner(&self, directory: &str) -> Self {
        Self { shown: self.file(directory), nesting: self.nesting + 1 }
    }

    fn error(&self, doing: &str, name: &str, error: &bowline_yaml::Error) -> Error {
        Error::yaml_in_chart(doing, &self.file(name), error)
    }
}

fn load_archive(path: &Path, shown: &str) -> Result<Chart, Error> {
    let mut data = Vec::new();
    let opened = fs::File::open(path).and_then(|file| file.take(MAX_SIZE as u64 + 1).read_to_end(&mut data));
    opened.map_err(|error| Error::chart(go_io_error("open", shown, &error)))?;
    if data.len() > MAX_SIZE {
        return Err(Error::chart(format!("decompressed chart is larger than the maximum size {MAX_SIZE}")));
    }
    if !data.starts_with(b"\x1f\x8b\x08") {
        let message = if shown.ends_with(".yml") || shown.ends_with(".yaml") {
            format!("file '{shown}' seems to be a YAML file, but expected a gzipped archive")
        } else {
            let kind = content_type(&data);
            format!("file '{shown}' does not appear to be a gzipped archive; got '{kind}'")
        };
        return Err(Error::chart(message));
    }
    let files = archive::read(&data).map_err(|error| error.wrapped("unable to load chart archive"))?;
    let origin = Origin { shown: shown.to_owned(), nesting: 0 };
    let Some(manifest) = files.iter().find(|file| &*file.name == "Chart.yaml") else {
        return Err(Error::chart("unable to detect chart version, no Chart.yaml found"));
    };
    check_api_version(&manifest.text(), &origin)?;
    from_files(files, &origin)
}

/// What Go's `http.DetectContentType` says, as far as it is text or not.
fn content_type(data: &[u8]) -> &'static str {
    // Helm looks at 512 bytes, zeros behind the end of a short file among them.
    let Some(head) = data.get(..512) else { return "application/octet-stream" };
    let binary = head.iter().any(|b| matches!(b, 0..=8 | 0x0b | 0x0e..=0x1a | 0x1c..=0x1f));
    if binary { "application/octet-stream" } else { "text/plain; charset=utf-8" }
}

/// Helm looks at the version alone before it looks at anything else.
fn check_api_version(text: &str, origin: &Origin) -> Result<(), Error> {
    let failed = |error: &bowline_yaml::Error| origin.error("cannot load Chart.yaml", "Chart.yaml", error);
    let Some(node) = parse_first(text).map_err(|error| failed(&error))? else { return Ok(()) };
    let mut decoder = Decoder::new();
    let mut version = String::new();
    for (key, value) in decoder.root(&node, "loader.chartBase") {
        if key.eq_ignore_ascii_case("apiVersion") {
            version = decoder.string(value, Target { structure: "chartBase", path: "apiVersion" });
        }
    }
    decoder.finish(()).map_err(|error| failed(&error))?;
    if matches!(version.as_str(), "" | "v1" | "v2") {
        Ok(())
    } else {
        let at = node.get("apiVersion").map(|node| node.span.start).unwrap_or_default();
        let place = Place { file: origin.file("Chart.yaml"), line: at.line, column: at.column };
        Err(Error::Chart { message: "unsupported chart version".to_owned(), place: Some(place) })
    }
}

/// How many charts a file lies in, by its path.
fn nesting(mut name: &str) -> usize {
    let mut depth = 0;
    while let Some((_, inner)) = name.strip_prefix("charts/").and_then(|below| below.split_once('/')) {
        depth += 1;
        name = inner;
    }
    depth
}

/// Puts a chart together from its files.
fn from_files(files: Vec<File>, origin: &Origin) -> Result<Chart, Error> {
    if origin.nesting + files.iter().map(|file| nesting(&file.name)).max().unwrap_or(0) > MAX_NESTING {
        return Err(Error::chart(format!("charts are nested more than {MAX_NESTING} deep")));
    }
    let mut metadata: Option<Metadata> = None;
    for file in files.iter().filter(|file| &*file.name == "Chart.yaml") {
        let read = metadata.get_or_insert_default();
        read_metadata(read, file, origin)?;
        if read.api_version.is_empty() {
            "v1".clone_into(&mut read.api_version);
        }
    }
    let mut chart = Chart { origin: origin.shown.clone(), ..Chart::default() };
    let mut subcharts: BTreeMap<String, Vec<File>> = BTreeMap::new();
    for file in files {
        match &*file.name {
            "Chart.yaml" => {}
            "values.yaml" => {
                let text = file.text();
                let values = parse_values(&text)
                    .map_err(|(message, line, column)| Error::Chart {
                        message: format!("cannot load values.yaml: {message}"),
                        place: Some(Place { file: origin.file("values.yaml"), line, column }),
                    })?
                    .to_map();
                chart.values = Arc::new(values);
                chart.values_text = Some(Arc::from(text.as_ref()));
            }
            "values.schema.json" => chart.schema = Some(file.data),
            "requirements.yaml" => {
                let read = metadata.get_or_insert_default();
                read_metadata(read, &file, origin)?;
                if read.api_version == "v1" {
                    chart.files.push(file);
                }
            }
            "Chart.lock" | "requirements.lock" => {
                let old = &*file.name == "requirements.lock";
                check_lock(&file, origin)?;
                if old && metadata.as_ref().is_some_and(|m| m.api_version == "v1") {
                    chart.files.push(file.clone());
                }
                chart.lock = Some(file.data);
            }
            name if name.starts_with("templates/") => chart.templates.push(file),
            name if name.starts_with("charts/") && !name.ends_with(".prov") => {
                let inner = &name["charts/".len()..];
                let subchart = inner.split('/').next().unwrap_or_default().to_owned();
                let data = Arc::clone(&file.data);
                let modified = file.modified;
                subcharts.entry(subchart).or_default().push(File { name: Arc::from(inner), data, modified });
            }
            _ => chart.files.push(file),
        }
    }
    let Some(mut metadata) = metadata else { return Err(Error::chart("Chart.yaml file is missing")) };
    metadata.validate().map_err(|error| {
        let place = Place { file: origin.file("Chart.yaml"), line: 0, column: 0 };
        Error::Chart { message: error.to_string(), place: Some(place) }
    })?;
    chart.metadata = metadata;
    for (name, files) in subcharts {
        if name.starts_with(['_', '.']) {
            continue;
        }
        let subchart = load_subchart(&name, &files, &origin.inner(&format!("charts/{name}")), &chart);
        let doing = format!("error unpacking subchart {name} in {}", chart.name());
        chart.dependencies.push(subchart.map_err(|error| error.wrapped(&doing))?);
    }
    Ok(chart)
}

fn load_subchart(name: &str, files: &[File], origin: &Origin, parent: &Chart) -> Result<Chart, Error> {
    if name.ends_with(".tgz") {
        let file = &files[0];
        if &*file.name != name {
            let parent = parent.name();
            let found = &file.name;
            return Err(Error::chart(format!(
                "error unpacking subchart tar in {parent}: expected {name}, got {found}"
            )));
        }
        return from_files(archive::read(&file.data)?, origin);
    }
    // A file in charts/ that belongs to no directory is no chart.
    let inner = files.iter().filter_map(|file| {
        let (_, inner) = file.name.split_once('/')?;
        Some(File { name: Arc::from(inner), data: Arc::clone(&file.data), modified: file.modified })
    });
    from_files(inner.collect(), origin)
}

fn read_metadata(metadata: &mut Metadata, file: &File, origin: &Origin) -> Result<(), Error> {
    let read = parse_first(&file.text()).and_then(|node| node.map_or(Ok(()), |node| metadata.read(&node)));
    read.map_err(|error| origin.error(&format!("cannot load {}", file.name), &file.name, &error))
}

/// The lock counts when dependencies are fetched; here it only has to be readable.
fn check_lock(file: &File, origin: &Origin) -> Result<(), Error> {
    let read = parse_first(&file.text()).and_then(|node: Option<Node>| {
        let mut decoder = Decoder::new();
        if let Some(node) = &node {
            decoder.root(node, "v2.Lock");
        }
        decoder.finish(())
    });
    read.map_err(|error| origin.error(&format!("cannot load {}", file.name), &file.name, &error))
}

impl Default for Chart {
    fn default() -> Self {
        Self {
            metadata: Metadata::default(),
            values: Arc::new(Map::new()),
            values_text: None,
            schema: None,
            lock: None,
            templates: Vec::new(),
            files: Vec::new(),
            dependencies: Vec::new(),
            origin: String::new(),
        }
    }
}
