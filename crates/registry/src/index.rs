//! `index.yaml`: the charts that a repository has.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use bowline_chart::{Chart, Constraint, Metadata, Version};
use bowline_yaml::{Decoder, Node, NodeKind, Target, Value, parse_first};
use jiff::Timestamp;

use crate::console::Console;
use crate::encode::{self, Ordered};
use crate::error::Error;
use crate::index_schema::{check_fields, check_types};
use crate::provenance::digest_of_file;
use crate::repositories::{NO_TIME, write_atomically};
use crate::time::time;
use crate::url;

/// An index may be this large. The largest public ones have about 20 MB.
pub const MAX_INDEX: usize = 256 * 1024 * 1024;

/// The charts of a repository.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Index {
    /// `v1`.
    pub api_version: String,
    /// When it was made; RFC 3339.
    pub generated: String,
    /// By name, the versions of each chart, newest first once sorted.
    pub entries: BTreeMap<String, Vec<IndexEntry>>,
    /// Keys, for others.
    pub public_keys: Vec<String>,
    /// Anything else, for others.
    pub annotations: Vec<(String, String)>,
    /// What chartmuseum says of itself.
    server_info: Option<Value>,
}

/// One version of a chart.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct IndexEntry {
    /// Its `Chart.yaml`.
    pub metadata: Metadata,
    /// Where its archive is; relative ones are seen from the repository. See [`IndexEntry::urls`].
    pub urls: Option<Vec<String>>,
    /// When it was added; RFC 3339.
    pub created: String,
    /// Whether it is gone.
    pub removed: bool,
    /// SHA-256 of the archive, in hexadecimal digits; may begin with `sha256:`.
    pub digest: String,
    /// Nothing stood where a version should.
    absent: bool,
    /// Fields of Helm 2, which are written as they were read.
    old: Vec<(&'static str, String)>,
}

const OLD_FIELDS: [&str; 4] = ["checksum", "engine", "tillerVersion", "url"];

impl Index {
    /// An index without charts, made now.
    pub fn new(now: Timestamp) -> Self {
        Self { api_version: "v1".to_owned(), generated: now.to_string(), ..Self::default() }
    }

    /// Reads an index from a file.
    ///
    /// # Errors
    /// It cannot be read, or is no index.
    pub fn load(path: &Path, console: &dyn Console) -> Result<Self, Error> {
        let found = fs::metadata(path).map_err(|error| Error::io("open", path, &error))?;
        let loading = || format!("error loading {}", path.display());
        if found.len() > MAX_INDEX as u64 {
            return Err(Error::Invalid(format!("{}: larger than {MAX_INDEX} bytes", loading())));
        }
        let data = fs::read(path).map_err(|error| Error::io("open", path, &error))?;
        Self::parse(&data, &path.display().to_string(), console).map_err(|error| error.after(loading()))
    }

    /// Reads an index. Entries that are no charts are left out, with a warning; `source` names it there.
    ///
    /// # Errors
    /// It is no index.
    pub fn parse(data: &[u8], source: &str, console: &dyn Console) -> Result<Self, Error> {
        if data.is_empty() {
            return Err(Error::Invalid("empty index.yaml file".to_owned()));
        }
        let invalid = |error: bowline_yaml::Error| Error::Invalid(error.to_string());
        // JSON reads much faster as what it is, and unknown fields are no error there.
        let (node, strict) = match serde_json::from_slice::<serde_json::Value>(data) {
            Ok(json) => (Some(from_json(json)), false),
            Err(_) => (parse_first(&String::from_utf8_lossy(data)).map_err(invalid)?, true),
        };
        let mut index = Self::default();
        if let Some(node) = node {
            if strict {
                check_fields(&node)?;
            }
            check_types(&node, strict).map_err(|why| {
                let doing = if strict { "error unmarshaling JSON: while decoding JSON: " } else { "" };
                Error::Invalid(format!("{doing}{why}"))
            })?;
            index.read(&node).map_err(invalid)?;
        }
        index.drop_invalid(source, console);
        index.sort();
        if index.api_version.is_empty() {
            return Err(Error::Invalid("no API version specified".to_owned()));
        }
        Ok(index)
    }

    fn read(&mut self, node: &Node) -> Result<(), bowline_yaml::Error> {
        let mut decoder = Decoder::new();
        let at = |path| Target { structure: "IndexFile", path };
        let mut failed = None;
        for (key, value) in decoder.root(node, "repo.IndexFile") {
            match key.to_ascii_lowercase().as_str() {
                "apiversion" => self.api_version = decoder.string(value, at("apiVersion")),
                "generated" => self.generated = time(&decoder.string(value, at("generated"))),
                "publickeys" if !value.is_null() => self.public_keys = decoder.strings(value, at("publicKeys")),
                "annotations" if !value.is_null() => self.annotations = decoder.string_map(value, at("annotations")),
                "serverinfo" if !value.is_null() => self.server_info = Some(value.to_value()),
                "entries" if !value.is_null() => {
                    for (name, versions) in decoder.entries(value, at("entries"), "map[string]repo.ChartVersions") {
                        let versions = if versions.is_null() {
                            &[][..]
                        } else {
                            decoder.items(versions, at("entries"), "repo.ChartVersions")
                        };
                        let mut read = Vec::with_capacity(versions.len());
                        for version in versions {
                            // What is empty stays until the warning about it.
                            let mut entry = IndexEntry { absent: version.is_null(), ..IndexEntry::default() };
                            if let Err(error) = entry.read(version) {
                                failed.get_or_insert(error);
                            }
                            read.push(entry);
                        }
                        self.entries.insert(name.to_owned(), read);
                    }
                }
                _ => {}
            }
        }
        decoder.finish(())?;
        failed.map_or(Ok(()), Err)
    }

    fn drop_invalid(&mut self, source: &str, console: &dyn Console) {
        for (name, versions) in &mut self.entries {
            let mut warnings = Vec::new();
            versions.retain_mut(|entry| {
                if entry.absent {
                    warnings.push((String::new(), None));
                    return false;
                }
                if entry.metadata.api_version.is_empty() {
                    "v1".clone_into(&mut entry.metadata.api_version);
                }
                let Err(error) = entry.metadata.validate() else { return true };
                let error = error.to_string();
                // Some servers lose the aliases of dependencies; that is no harm here.
                if error.starts_with("validation: more than one dependency with name or alias") {
                    return true;
                }
                warnings.push((entry.metadata.version.clone(), Some(error)));
                false
            });
            // Helm goes through the versions from the end.
            for (version, error) in warnings.iter().rev() {
                match error {
                    None => {
                        let what = "skipping loading invalid entry for chart: empty entry";
                        console.warn(what, &[("name", name), ("source", source)]);
                    }
                    Some(error) => {
                        let facts =
                            [("name", name.as_str()), ("version", version), ("source", source), ("error", error)];
                        console.warn("skipping loading invalid entry for chart", &facts);
                    }
                }
            }
        }
    }

    /// Sorts the versions of every chart, newest first.
    pub fn sort(&mut self) {
        for versions in self.entries.values_mut() {
            let mut keyed: Vec<(Option<Version>, IndexEntry)> =
                versions.drain(..).map(|entry| (Version::parse(&entry.metadata.version), entry)).collect();
            keyed.sort_by(|(a, _), (b, _)| match (a, b) {
                (Some(a), Some(b)) => b.compare(a),
                (Some(_), None) => std::cmp::Ordering::Less,
                (None, Some(_)) => std::cmp::Ordering::Greater,
                (None, None) => std::cmp::Ordering::Equal,
            });
            versions.extend(keyed.into_iter().map(|(_, entry)| entry));
        }
    }

    /// The version of a chart that is called `version`, or else the newest that satisfies it as a constraint; the newest
    /// stable one for an empty constraint.
    ///
    /// # Errors
    /// No such chart or version; a constraint that makes no sense.
    pub fn get(&self, name: &str, version: &str, console: &dyn Console) -> Result<&IndexEntry, Error> {
        let missing = |what: &str| Error::NotFound(what.to_owned());
        let versions = self.entries.get(name).ok_or_else(|| missing("no chart name found"))?;
        if versions.is_empty() {
            return Err(missing("no chart version found"));
        }
        let constraint = Constraint::parse(if version.is_empty() { "*" } else { version }).map_err(Error::Invalid)?;
        if !version.is_empty()
            && let Some(exact) = versions.iter().find(|entry| entry.metadata.version == version)
        {
            return Ok(exact);
        }
        let satisfies = |entry: &&IndexEntry| {
            Version::parse(&entry.metadata.version).is_some_and(|version| constraint.check(&version))
        };
        let found = versions.iter().find(satisfies);
        let found = found.ok_or_else(|| Error::NotFound(format!("no chart version found for {name}-{version}")))?;
        if !version.is_empty() && !is_range(version) {
            let what = "unable to find exact version requested; falling back to closest available version";
            console.warn(what, &[("chart", name), ("requested", version), ("selected", &found.metadata.version)]);
        }
        Ok(found)
    }

    /// Takes over the charts and versions of another index that are not in this one.
    pub fn merge(&mut self, other: &Self) {
        for entry in other.entries.values().flatten() {
            let Metadata { name, version, .. } = &entry.metadata;
            if self.get(name, version, &crate::console::Silent).is_err() {
                self.entries.entry(name.clone()).or_default().push(entry.clone());
            }
        }
    }

    /// Adds an archive's chart.
    ///
    /// # Errors
    /// The chart is not valid.
    pub fn add(
        &mut self,
        mut metadata: Metadata,
        file: &str,
        base: &str,
        digest: String,
        now: Timestamp,
    ) -> Result<(), Error> {
        if metadata.api_version.is_empty() {
            "v1".clone_into(&mut metadata.api_version);
        }
        metadata.validate().map_err(|error| Error::from(error).after(format!("validate failed for {file}")))?;
        let address =
            if base.is_empty() { file.to_owned() } else { url::join(base, file.rsplit('/').next().unwrap_or(file)) };
        let name = metadata.name.clone();
        let entry = IndexEntry {
            metadata,
            urls: Some(vec![address]),
            created: now.to_string(),
            digest,
            ..IndexEntry::default()
        };
        self.entries.entry(name).or_default().push(entry);
        Ok(())
    }

    /// An index of the archives in a folder and in the folders right below it. Archives that are no charts are left out.
    ///
    /// # Errors
    /// A folder or an archive cannot be read.
    pub fn of_directory(folder: &Path, base: &str, now: Timestamp) -> Result<Self, Error> {
        let mut archives = archives_in(folder);
        for below in folders_in(folder) {
            archives.extend(archives_in(&below));
        }
        let mut index = Self::new(now);
        for archive in archives {
            let inner = archive.strip_prefix(folder).unwrap_or(&archive).to_string_lossy().into_owned();
            let (parent, file) = inner.rsplit_once('/').unwrap_or(("", &inner));
            let parent = url::join(base, parent);
            let Ok(chart) = Chart::load(&archive) else { continue };
            let digest = digest_of_file(&archive)?;
            let added = index.add(chart.metadata, file, &parent, digest, now);
            added.map_err(|error| error.after(format!("failed adding to {file} to index")))?;
        }
        Ok(index)
    }

    fn to_ordered(&self) -> Ordered {
        let mut fields: Vec<(&'static str, Ordered)> = Vec::new();
        if let Some(info) = &self.server_info {
            fields.push(("serverInfo", Ordered::Plain(info.clone())));
        }
        fields.push(("apiVersion", self.api_version.as_str().into()));
        fields.push(("generated", if self.generated.is_empty() { NO_TIME } else { &self.generated }.into()));
        let entries = self.entries.iter().map(|(name, versions)| {
            let versions = versions.iter().map(|entry| Ordered::Object(entry.fields()));
            (name.clone(), Ordered::List(versions.collect()))
        });
        fields.push(("entries", Ordered::Named(entries.collect())));
        if !self.public_keys.is_empty() {
            fields
                .push(("publicKeys", Ordered::List(self.public_keys.iter().map(|key| key.as_str().into()).collect())));
        }
        if !self.annotations.is_empty() {
            let map = self.annotations.iter().map(|(key, value)| (key.clone(), value.as_str().into())).collect();
            fields.push(("annotations", Ordered::Plain(Value::Map(map))));
        }
        Ordered::Object(fields)
    }

    /// The file's text, as YAML.
    ///
    /// # Errors
    /// Text in it that YAML cannot hold.
    pub fn to_yaml(&self) -> Result<String, Error> {
        self.to_ordered().to_yaml().map_err(|error| Error::Invalid(error.to_string()))
    }

    /// The file's text, as JSON.
    pub fn to_json(&self) -> String {
        self.to_ordered().to_indented_json()
    }

    /// Writes the file, as JSON or YAML.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write(&self, path: &Path, json: bool) -> Result<(), Error> {
        let text = if json { self.to_json() } else { self.to_yaml()? };
        write_atomically(path, text.as_bytes(), 0o644)
    }
}

impl IndexEntry {
    /// Where its archive is; may be nowhere.
    pub fn urls(&self) -> &[String] {
        self.urls.as_deref().unwrap_or_default()
    }

    fn read(&mut self, node: &Node) -> Result<(), bowline_yaml::Error> {
        self.metadata.read(node)?;
        let mut decoder = Decoder::new();
        let at = |path| Target { structure: "ChartVersion", path };
        for (key, value) in decoder.root(node, "repo.ChartVersion") {
            match key.to_ascii_lowercase().as_str() {
                "urls" if !value.is_null() => self.urls = Some(decoder.strings(value, at("urls"))),
                "created" => self.created = time(&decoder.string(value, at("created"))),
                "removed" => self.removed = decoder.bool(value, at("removed")),
                "digest" => self.digest = decoder.string(value, at("digest")),
                old => {
                    if let Some(field) = OLD_FIELDS.into_iter().find(|field| field.eq_ignore_ascii_case(old)) {
                        let text = decoder.string(value, at(field));
                        if !text.is_empty() {
                            self.old.push((field, text));
                        }
                    }
                }
            }
        }
        decoder.finish(())
    }

    fn fields(&self) -> Vec<(&'static str, Ordered)> {
        let mut fields = encode::metadata(&self.metadata);
        let urls = self.urls.as_ref().map_or(Ordered::Plain(Value::Null), |urls| {
            Ordered::List(urls.iter().map(|url| url.as_str().into()).collect())
        });
        fields.push(("urls", urls));
        fields.push(("created", if self.created.is_empty() { NO_TIME } else { &self.created }.into()));
        if self.removed {
            fields.push(("removed", Ordered::Plain(Value::Bool(true))));
        }
        if !self.digest.is_empty() {
            fields.push(("digest", self.digest.as_str().into()));
        }
        fields.extend(self.old.iter().map(|(key, text)| (*key, text.as_str().into())));
        fields
    }
}

/// Whether it names several versions rather than one.
fn is_range(version: &str) -> bool {
    if version.contains(['^', '~', '<', '>', '=', '!', '*']) || version.contains("||") || version.contains(" - ") {
        return true;
    }
    version.split(['-', '+']).next().is_some_and(|core| core.contains(['x', 'X']))
}

fn sorted_entries(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

fn archives_in(folder: &Path) -> Vec<PathBuf> {
    let is_archive = |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().ends_with(".tgz"));
    sorted_entries(folder).into_iter().filter(is_archive).collect()
}

fn folders_in(folder: &Path) -> Vec<PathBuf> {
    sorted_entries(folder).into_iter().filter(|path| path.is_dir()).collect()
}

fn from_json(json: serde_json::Value) -> Node {
    let scalar = |value| NodeKind::Scalar(value);
    let kind = match json {
        serde_json::Value::Null => scalar(Value::Null),
        serde_json::Value::Bool(value) => scalar(Value::Bool(value)),
        serde_json::Value::Number(number) => scalar(match number.as_i64() {
            Some(value) => Value::Int(value),
            None => Value::Float(number.as_f64().unwrap_or_default()),
        }),
        serde_json::Value::String(text) => scalar(Value::String(text)),
        serde_json::Value::Array(items) => NodeKind::Seq(items.into_iter().map(from_json).collect()),
        serde_json::Value::Object(fields) => {
            let text = |key| Node { kind: NodeKind::Scalar(Value::String(key)), span: bowline_yaml::Span::default() };
            NodeKind::Map(fields.into_iter().map(|(key, value)| (text(key), from_json(value))).collect())
        }
    };
    Node { kind, span: bowline_yaml::Span::default() }
}
