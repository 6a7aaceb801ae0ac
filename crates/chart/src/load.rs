//! Charts from directories and archives.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::time::SystemTime;

use bowline_yaml::{Decoder, Map, Node, Target, parse_first};

use crate::archive::{self, MAX_SIZE};
use crate::content_type;
use crate::directory::Links;
use crate::error::{Error, Place, go_io_error};
use crate::metadata::Nulls;
use crate::values_file::ValuesFile;
use crate::{Chart, Compat, Dependency, Metadata, directory, go_time};

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
        // To tell that nothing is to be replaced is much faster than to look for what is.
        std::str::from_utf8(&self.data).map_or_else(|_| String::from_utf8_lossy(&self.data), Into::into)
    }
}

impl Chart {
    /// Loads a chart from a directory or an archive.
    ///
    /// # Errors
    /// In Helm's words; [`Error::place`] says which file and line.
    pub fn load(path: &Path) -> Result<Self, Error> {
        Self::load_as(path, Compat::default())
    }

    /// The same, as that Helm reads it, and to be rendered as it renders.
    ///
    /// # Errors
    /// In the words of that Helm; [`Error::place`] says which file and line.
    pub fn load_as(path: &Path, compat: Compat) -> Result<Self, Error> {
        Self::load_within(path, compat, false)
    }

    /// The same for a chart that is not to read what is not its own: symbolic links of a directory may lead into the
    /// repository (the folder with `.git`) that the chart is part of, and where it is part of none, into the chart alone.
    ///
    /// # Errors
    /// As [`Chart::load_as`], and where a link leads out.
    pub fn load_contained(path: &Path, compat: Compat) -> Result<Self, Error> {
        Self::load_within(path, compat, true)
    }

    fn load_within(path: &Path, compat: Compat, contained: bool) -> Result<Self, Error> {
        let shown = path.to_string_lossy();
        let Ok(found) = fs::metadata(path) else { return Err(Error::NotFound { path: shown.into_owned() }) };
        if !found.is_dir() {
            return load_archive(path, &shown, compat);
        }
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let bound = if contained { directory::repository(&path).ok() } else { None };
        let links = bound.as_deref().map_or(Links::Anywhere, Links::Within);
        if compat.is_helm3() {
            let origin = Origin::of(shown.trim_end_matches('/'), compat);
            return from_files(directory::read(&path, links, compat)?, &origin);
        }
        let manifest = path.join("Chart.yaml");
        let data = fs::read(&manifest).map_err(|error| {
            let manifest = manifest.to_string_lossy();
            Error::chart(format!("unable to detect chart at {manifest}: {}", go_io_error("open", &manifest, &error)))
        })?;
        let origin = Origin::of(shown.trim_end_matches('/'), compat);
        let is_v3 = check_api_version(&String::from_utf8_lossy(&data), &origin)?;
        refuse_v3(is_v3, from_files(directory::read(&path, links, compat)?, &origin)?)
    }

    /// A chart from files in memory, paths relative to the chart.
    ///
    /// # Errors
    /// In Helm's words.
    pub fn from_files(files: impl IntoIterator<Item = (String, Vec<u8>)>) -> Result<Self, Error> {
        Self::from_files_as(files, Compat::default())
    }

    /// The same, as that Helm reads it, and to be rendered as it renders.
    ///
    /// # Errors
    /// In the words of that Helm.
    pub fn from_files_as(files: impl IntoIterator<Item = (String, Vec<u8>)>, compat: Compat) -> Result<Self, Error> {
        let files = files.into_iter().map(|(name, data)| File::new(name, &data)).collect();
        from_files(files, &Origin::of("", compat))
    }

    /// A chart from a `.tgz` in memory.
    ///
    /// # Errors
    /// In Helm's words.
    pub fn from_archive(data: &[u8]) -> Result<Self, Error> {
        let origin = Origin::of("", Compat::default());
        from_files(origin.unpack(data)?, &origin)
    }
}

/// The files of a chart's directory in lexical order, less what its `.helmignore` names: what goes into its archive.
///
/// # Errors
/// In Helm's words.
pub fn directory_files(directory: &Path) -> Result<Vec<File>, Error> {
    directory::read(directory, Links::Anywhere, Compat::default())
}

/// The same for a chart that was loaded before: nobody is told of its links once more.
///
/// # Errors
/// In Helm's words.
pub fn directory_files_again(directory: &Path) -> Result<Vec<File>, Error> {
    directory::read(directory, Links::Known, Compat::default())
}

/// The files of a chart's archive, paths relative to the chart. Archives that are too large, or that name a place outside
/// of the chart, are refused.
///
/// # Errors
/// In Helm's words.
pub fn archive_files(data: &[u8]) -> Result<Vec<File>, Error> {
    archive::read(data, &Cell::new(MAX_UNPACKED), Compat::default())
}

/// How deep charts may lie in each other, as folders or archives. Folders end at about 450 (4,096 bytes of a path); an
/// archive could hold itself.
const MAX_NESTING: usize = 200;

/// All archives of a chart, those within it too, may unpack to this much: one alone is within its own limit, but there may be
/// thousands of them in it, and archives in those.
const MAX_UNPACKED: usize = 4 * MAX_SIZE;

/// What a user calls the chart that is being loaded, how many charts it lies in, what is left to unpack, and which Helm
/// reads it.
struct Origin {
    shown: String,
    nesting: usize,
    left: Rc<Cell<usize>>,
    compat: Compat,
}

impl Origin {
    fn of(shown: &str, compat: Compat) -> Self {
        Self { shown: shown.to_owned(), nesting: 0, left: Rc::new(Cell::new(MAX_UNPACKED)), compat }
    }

    fn unpack(&self, archive: &[u8]) -> Result<Vec<File>, Error> {
        archive::read(archive, &self.left, self.compat)
    }

    fn file(&self, name: &str) -> String {
        if self.shown.is_empty() { name.to_owned() } else { format!("{}/{name}", self.shown) }
    }

    fn inner(&self, directory: &str) -> Self {
        Self {
            shown: self.file(directory),
            nesting: self.nesting + 1,
            left: Rc::clone(&self.left),
            compat: self.compat,
        }
    }

    fn error(&self, doing: &str, name: &str, error: &bowline_yaml::Error) -> Error {
        let error = Error::yaml_in_chart(doing, &self.file(name), error);
        match error {
            // Go names types by their package, which is another one in Helm 3.
            Error::Chart { message, place } if self.compat.is_helm3() => {
                let message = message.replace(" of type v2.", " of type chart.").replace("[]*v2.", "[]*chart.");
                Error::Chart { message, place }
            }
            error => error,
        }
    }
}

fn load_archive(path: &Path, shown: &str, compat: Compat) -> Result<Chart, Error> {
    let mut data = Vec::new();
    let opened = fs::File::open(path).and_then(|file| file.take(MAX_SIZE as u64 + 1).read_to_end(&mut data));
    opened.map_err(|error| Error::chart(go_io_error("open", shown, &error)))?;
    if data.len() > MAX_SIZE {
        return Err(archive::too_large(compat));
    }
    if !data.starts_with(b"\x1f\x8b\x08") {
        let message = if shown.ends_with(".yml") || shown.ends_with(".yaml") {
            format!("file '{shown}' seems to be a YAML file, but expected a gzipped archive")
        } else {
            let kind = content_type::of(&data);
            format!("file '{shown}' does not appear to be a gzipped archive; got '{kind}'")
        };
        return Err(Error::chart(message));
    }
    let origin = Origin::of(shown, compat);
    if compat.is_helm3() {
        return from_files(origin.unpack(&data)?, &origin);
    }
    // Helm keeps the reason to itself; here it is the cause.
    let unable =
        |cause: Error| Error::Archive { message: "unable to load chart archive".to_owned(), cause: Box::new(cause) };
    let files = origin.unpack(&data).map_err(unable)?;
    let Some(manifest) = files.iter().find(|file| &*file.name == "Chart.yaml") else {
        return Err(Error::chart("unable to detect chart version, no Chart.yaml found"));
    };
    let is_v3 = check_api_version(&manifest.text(), &origin)?;
    let chart = from_files(files, &origin).map_err(|error| match error.to_string() {
        // Helm takes the error of an archive inside for one of the archive itself.
        text if text.ends_with(archive::INVALID_HEADER) => {
            Error::chart(format!("file '{shown}' does not appear to be a valid chart file (details: {text})"))
        }
        _ => error,
    })?;
    refuse_v3(is_v3, chart)
}

/// Helm reads charts of this coming version, and then does nothing with them.
fn refuse_v3(is_v3: bool, chart: Chart) -> Result<Chart, Error> {
    if is_v3 { Err(Error::chart("invalid chart apiVersion")) } else { Ok(chart) }
}

/// Helm looks at the version alone before it looks at anything else. True for `v3`.
fn check_api_version(text: &str, origin: &Origin) -> Result<bool, Error> {
    let failed = |error: &bowline_yaml::Error| origin.error("cannot load Chart.yaml", "Chart.yaml", error);
    let Some(node) = parse_first(text).map_err(|error| failed(&error))? else { return Ok(false) };
    let mut decoder = Decoder::new();
    let mut version = String::new();
    for (key, value) in decoder.root(&node, "loader.chartBase") {
        if key.eq_ignore_ascii_case("apiVersion") {
            version = decoder.string(value, Target { structure: "chartBase", path: "apiVersion" });
        }
    }
    decoder.finish(()).map_err(|error| failed(&error))?;
    if matches!(version.as_str(), "" | "v1" | "v2" | "v3") {
        Ok(version == "v3")
    } else {
        let at = node.get("apiVersion").map(|node| node.span.start).unwrap_or_default();
        let place = Place { file: origin.file("Chart.yaml"), line: at.line, column: at.column };
        Err(Error::Chart { message: "unsupported chart version".to_owned(), place: Some(place) })
    }
}

/// The files of a chart, taken apart in one go into its own and those of each chart in it.
#[derive(Default)]
struct Folder {
    files: Vec<File>,
    charts: BTreeMap<String, Inner>,
}

/// What lies under a name in `charts/`.
#[derive(Default)]
struct Inner {
    folder: Folder,
    /// The files under that very name, or in it where it is an archive's.
    direct: Vec<File>,
}

impl Folder {
    /// # Errors
    /// Where charts nest too deep; `outer` charts lie around this one.
    fn new(files: Vec<File>, outer: usize) -> Result<Self, Error> {
        let mut root = Self::default();
        for mut file in files {
            let (mut folder, mut depth, mut start) = (&mut root, outer, 0);
            let name = Arc::clone(&file.name);
            loop {
                let rest = &name[start..];
                let Some(below) = rest.strip_prefix("charts/").filter(|_| !rest.ends_with(".prov")) else {
                    if start > 0 {
                        file.name = Arc::from(rest);
                    }
                    folder.files.push(file);
                    break;
                };
                let (chart, inside) = below.split_once('/').map_or((below, None), |(chart, rest)| (chart, Some(rest)));
                let inner = folder.charts.entry(chart.to_owned()).or_default();
                let Some(inside) = inside.filter(|_| !chart.ends_with(".tgz")) else {
                    file.name = Arc::from(below);
                    inner.direct.push(file);
                    break;
                };
                depth += 1;
                if depth > MAX_NESTING {
                    return Err(Error::chart(format!("charts are nested more than {MAX_NESTING} deep")));
                }
                start = name.len() - inside.len();
                folder = &mut inner.folder;
            }
        }
        Ok(root)
    }
}

fn from_files(files: Vec<File>, origin: &Origin) -> Result<Chart, Error> {
    from_folder(Folder::new(files, origin.nesting)?, origin)
}

/// Puts a chart together from its files.
fn from_folder(Folder { files, charts }: Folder, origin: &Origin) -> Result<Chart, Error> {
    let mut metadata: Option<Metadata> = None;
    let mut nulls = Nulls::default();
    for file in files.iter().filter(|file| &*file.name == "Chart.yaml") {
        let read = metadata.get_or_insert_default();
        nulls = read_metadata(read, file, origin)?;
        if read.api_version.is_empty() {
            "v1".clone_into(&mut read.api_version);
        }
    }
    let mut chart = Chart { origin: origin.shown.clone(), compat: origin.compat, ..Chart::default() };
    for file in files {
        match &*file.name {
            "Chart.yaml" => {}
            "values.yaml" => {
                let text = file.text();
                let values = ValuesFile::read(&text, origin.compat)
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
                let required = read_metadata(read, &file, origin)?;
                nulls.dependencies = required.dependencies.or(nulls.dependencies);
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
            _ => chart.files.push(file),
        }
    }
    let Some(mut metadata) = metadata else { return Err(Error::chart("Chart.yaml file is missing")) };
    metadata.validate_noted(nulls).map_err(|error| {
        let place = Place { file: origin.file("Chart.yaml"), line: 0, column: 0 };
        Error::Chart { message: error.to_string(), place: Some(place) }
    })?;
    chart.metadata = metadata;
    for (name, inner) in charts.into_iter().filter(|(name, _)| !name.starts_with(['_', '.'])) {
        if let Some(file) = inner.direct.first().filter(|file| name.ends_with(".tgz") && *file.name != *name) {
            let (parent, found) = (chart.name(), &file.name);
            let message = format!("error unpacking subchart tar in {parent}: expected {name}, got {found}");
            return Err(Error::chart(message));
        }
        let origin = origin.inner(&format!("charts/{name}"));
        let subchart = load_subchart(&name, inner, &origin);
        let doing = format!("error unpacking subchart {name} in {}", chart.name());
        chart.dependencies.push(subchart.map_err(|error| error.wrapped(&doing))?);
    }
    Ok(chart)
}

/// A file in `charts/` that belongs to no directory is no chart.
fn load_subchart(name: &str, inner: Inner, origin: &Origin) -> Result<Chart, Error> {
    match inner.direct.first().filter(|_| name.ends_with(".tgz")) {
        Some(file) => from_files(origin.unpack(&file.data)?, origin),
        None => from_folder(inner.folder, origin),
    }
}

fn read_metadata(metadata: &mut Metadata, file: &File, origin: &Origin) -> Result<Nulls, Error> {
    let read = parse_first(&file.text());
    let read = read.and_then(|node| node.map_or_else(|| Ok(Nulls::default()), |node| metadata.read_noting(&node)));
    read.map_err(|error| origin.error(&format!("cannot load {}", file.name), &file.name, &error))
}

/// The lock counts when dependencies are fetched; here it only has to be readable.
fn check_lock(file: &File, origin: &Origin) -> Result<(), Error> {
    let doing = format!("cannot load {}", file.name);
    let read = parse_first(&file.text()).and_then(|node: Option<Node>| {
        let mut decoder = Decoder::new();
        let mut generated = None;
        for (key, value) in node.iter().flat_map(|node| decoder.root(node, "v2.Lock")).collect::<Vec<_>>() {
            match key.to_ascii_lowercase().as_str() {
                "digest" => _ = decoder.string(value, Target { structure: "Lock", path: "digest" }),
                "dependencies" if !value.is_null() => _ = Dependency::read_all(&mut decoder, value, "Lock"),
                "generated" if !value.is_null() => generated = Some(value.clone()),
                _ => {}
            }
        }
        decoder.finish(generated)
    });
    let generated = read.map_err(|error| origin.error(&doing, &file.name, &error))?;
    let Some(generated) = generated else { return Ok(()) };
    go_time::check(generated.as_str()).map_err(|why| {
        let at = generated.span.start;
        let place = Place { file: origin.file(&file.name), line: at.line, column: at.column };
        let message = format!("{doing}: error unmarshaling JSON: while decoding JSON: {why}");
        Error::Chart { message, place: Some(place) }
    })
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
            compat: Compat::default(),
            loaded_as: None,
            left_at: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A `.tgz` of one file.
    fn archive(name: &str, data: &[u8]) -> Vec<u8> {
        let mut header = [0u8; 512];
        header[..name.len()].copy_from_slice(name.as_bytes());
        header[124..135].copy_from_slice(format!("{:011o}", data.len()).as_bytes());
        header[156] = b'0';
        header[148..156].copy_from_slice(b"        ");
        let sum: u32 = header.iter().map(|b| u32::from(*b)).sum();
        header[148..154].copy_from_slice(format!("{sum:06o}").as_bytes());
        let mut tar = [&header[..], data].concat();
        tar.resize(tar.len().div_ceil(512) * 512 + 1024, 0);
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        std::io::Write::write_all(&mut gzip, &tar).unwrap();
        gzip.finish().unwrap()
    }

    #[test]
    fn archives_within_archives_share_what_may_be_unpacked() {
        let inner = archive("sub/Chart.yaml", b"apiVersion: v2\nname: sub\nversion: 1.0.0\n");
        let file = |name: &str, data: &[u8]| File::new(name, data);
        let manifest = file("Chart.yaml", b"apiVersion: v2\nname: app\nversion: 1.0.0\n");
        let files: Vec<File> =
            std::iter::once(manifest).chain((0..3).map(|at| file(&format!("charts/{at}.tgz"), &inner))).collect();
        let load = |left: usize| {
            let origin = Origin { left: Rc::new(Cell::new(left)), ..Origin::of("", Compat::default()) };
            from_files(files.clone(), &origin).map(|chart| chart.dependencies.len()).map_err(|error| error.to_string())
        };
        // Each unpacks to a header, a block and the end.
        assert_eq!(load(3 * 2048), Ok(3));
        let refused = load(3 * 2048 - 1).unwrap_err();
        assert!(refused.contains("error unpacking subchart 2.tgz in app: decompressed chart is larger"), "{refused}");
    }
}
