//! Chart archives: written as Helm writes them, and laid out.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use bowline_chart::{Chart, File, Metadata, archive_files, directory_files_again};
use bowline_yaml::quote;
use flate2::{Compression, GzBuilder};
use jiff::Timestamp;

use crate::encode;
use crate::error::Error;
use crate::lock::Lock;

/// What every archive of Helm carries in its gzip header: a subfield of 40 bytes.
const EXTRA: &[u8] = b"rr\x28\x00aHR0cHM6Ly95b3V0dS5iZS96OVV6MWljandyTQo=";
const COMMENT: &str = "Helm";
const BLOCK: usize = 512;

/// A chart with its files as they lie on disk, to be archived.
#[derive(Clone, Debug)]
pub struct Source {
    /// `Chart.yaml`; what is changed here goes into the archive.
    pub metadata: Metadata,
    files: Vec<File>,
    charts: Vec<Source>,
    lock: Option<Lock>,
}

impl Source {
    /// Reads a chart's directory.
    ///
    /// # Errors
    /// It is no chart.
    pub fn of_directory(directory: &Path) -> Result<Self, Error> {
        if !directory.is_dir() {
            let manifest = directory.join("Chart.yaml");
            let Err(error) = fs::File::open(&manifest) else { return Err(Error::Invalid("no directory".to_owned())) };
            let doing = format!("unable to detect chart at {}", manifest.display());
            return Err(Error::io("open", &manifest, &error).after(doing));
        }
        let chart = Chart::load(directory)?;
        Self::new(
            chart.metadata,
            directory_files_again(&std::path::absolute(directory).unwrap_or_else(|_| directory.to_owned()))?,
        )
    }

    fn new(metadata: Metadata, files: Vec<File>) -> Result<Self, Error> {
        let mut own = Vec::new();
        let mut below: BTreeMap<String, Vec<File>> = BTreeMap::new();
        for file in files {
            match file.name.strip_prefix("charts/").filter(|_| !file.name.ends_with(".prov")) {
                None => own.push(file),
                Some(inner) => {
                    let name = inner.split('/').next().unwrap_or_default().to_owned();
                    let inner = File { name: inner.into(), ..file };
                    below.entry(name).or_default().push(inner);
                }
            }
        }
        let mut charts = Vec::new();
        for (name, files) in below {
            if name.starts_with(['_', '.']) {
                continue;
            }
            let files = if name.ends_with(".tgz") {
                archive_files(&files[0].data)?
            } else {
                let inner = files.into_iter().filter_map(|file| {
                    let (_, inner) = file.name.split_once('/')?;
                    Some(File { name: inner.into(), ..file.clone() })
                });
                inner.collect()
            };
            let chart = Chart::from_files(files.iter().map(|file| (file.name.to_string(), file.data.to_vec())))?;
            charts.push(Self::new(chart.metadata, files)?);
        }
        let lock = own.iter().rfind(|file| matches!(&*file.name, "Chart.lock" | "requirements.lock"));
        let lock = lock.map(|file| Lock::parse(&file.text())).transpose()?;
        Ok(Self { metadata, files: own, charts, lock })
    }

    /// Gives all files the same time, so that the archive is the same every time.
    pub fn stamp(&mut self, time: Timestamp) {
        let modified = Some(SystemTime::from(time));
        self.files.iter_mut().for_each(|file| file.modified = modified);
        if let Some(lock) = &mut self.lock {
            lock.generated = time.to_string();
        }
        self.charts.iter_mut().for_each(|chart| chart.stamp(time));
    }

    /// Writes the archive `NAME-VERSION.tgz` into a folder, which is made where it is missing, and says where it is.
    ///
    /// # Errors
    /// The chart is not valid, or the file cannot be written.
    pub fn save(&mut self, folder: &Path, now: Timestamp) -> Result<PathBuf, Error> {
        self.metadata.validate().map_err(|error| Error::from(error).after("chart validation"))?;
        let path = folder.join(format!("{}-{}.tgz", self.metadata.name, self.metadata.version));
        match fs::metadata(folder) {
            Ok(found) if !found.is_dir() => {
                return Err(Error::Invalid(format!("is not a directory: {}", folder.display())));
            }
            Ok(_) => {}
            Err(_) => fs::create_dir_all(folder).map_err(|error| Error::io("mkdir", folder, &error))?,
        }
        let mut tar = Vec::new();
        self.write(&mut tar, "", SystemTime::from(now))?;
        tar.extend_from_slice(&[0; 2 * BLOCK]);
        let failed = |error: std::io::Error| Error::io("open", &path, &error);
        let file = fs::File::create(&path).map_err(failed)?;
        let mut gzip =
            GzBuilder::new().extra(EXTRA).comment(COMMENT).operating_system(255).write(file, Compression::default());
        let written = gzip.write_all(&tar).and_then(|()| gzip.finish().map(|_| ()));
        written.map_err(|error| {
            let _ = fs::remove_file(&path);
            failed(error)
        })?;
        Ok(path)
    }

    fn write(&self, tar: &mut Vec<u8>, prefix: &str, now: SystemTime) -> Result<(), Error> {
        let base =
            if prefix.is_empty() { self.metadata.name.clone() } else { format!("{prefix}/{}", self.metadata.name) };
        let is_v1 = self.metadata.api_version == "v1";
        let mut metadata = self.metadata.clone();
        if is_v1 {
            // They stand in requirements.yaml, which goes along as it is.
            metadata.dependencies = None;
        }
        let text = encode::chart_yaml(&metadata);
        let text = text.map_err(|error| Error::Invalid(error.to_string()))?;
        let mut put = |name: &str, data: &[u8], modified: Option<SystemTime>| {
            append(tar, &format!("{base}/{name}"), data, modified.unwrap_or(now));
        };
        let own = |name: &str| self.files.iter().find(|file| &*file.name == name);
        put("Chart.yaml", text.as_bytes(), own("Chart.yaml").and_then(|file| file.modified));
        if let Some(lock) = self.lock.as_ref().filter(|_| !is_v1) {
            let generated = lock.generated.parse::<Timestamp>().ok().map(SystemTime::from);
            put("Chart.lock", lock.to_yaml()?.as_bytes(), generated);
        }
        if let Some(file) = own("values.yaml") {
            put("values.yaml", &file.data, file.modified);
        }
        if let Some(file) = own("values.schema.json") {
            if serde_json::from_slice::<serde_json::Value>(&file.data).is_err() {
                return Err(Error::Invalid("invalid JSON in values.schema.json".to_owned()));
            }
            put("values.schema.json", &file.data, file.modified);
        }
        let written = ["Chart.yaml", "Chart.lock", "values.yaml", "values.schema.json"];
        let is_template = |file: &&File| file.name.starts_with("templates/");
        let other = |file: &&File| {
            let old = matches!(&*file.name, "requirements.yaml" | "requirements.lock");
            !is_template(file) && !written.contains(&&*file.name) && (!old || is_v1)
        };
        for file in self.files.iter().filter(is_template).chain(self.files.iter().filter(other)) {
            put(&file.name, &file.data, file.modified);
        }
        for chart in &self.charts {
            chart.write(tar, &format!("{base}/charts"), now)?;
        }
        Ok(())
    }

    /// Dependencies of `Chart.yaml` that are not under `charts/`.
    ///
    /// # Errors
    /// Some are missing; in Helm's words.
    pub fn check_dependencies(&self) -> Result<(), Error> {
        let there = |name: &str| self.charts.iter().any(|chart| chart.metadata.name == name);
        let missing: Vec<&str> =
            self.metadata.dependencies().iter().map(|d| d.name.as_str()).filter(|name| !there(name)).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let missing = missing.join(", ");
        Err(Error::Invalid(format!("found in Chart.yaml, but missing in charts/ directory: {missing}")))
    }
}

/// Appends a file as Go's `archive/tar` does: ustar where name and size fit into it, otherwise with a pax header.
fn append(tar: &mut Vec<u8>, name: &str, data: &[u8], modified: SystemTime) {
    let time = seconds(modified);
    let split = ustar_split(name);
    if split.is_none() {
        let record = pax_record("path", name);
        let (folder, base) = name.rsplit_once('/').unwrap_or(("", name));
        let pax =
            format!("{}PaxHeaders.0/{base}", if folder.is_empty() { String::new() } else { format!("{folder}/") });
        let pax: String = pax.chars().filter(char::is_ascii).take(100).collect();
        block(tar, "", pax.trim_end_matches('/'), b'x', record.len(), None);
        body(tar, record.as_bytes());
    }
    let ascii: String = name.chars().filter(char::is_ascii).take(100).collect();
    let (prefix, short) = split.unwrap_or(("", ascii.as_str()));
    block(tar, prefix, short, b'0', data.len(), Some(time));
    body(tar, data);
}

/// Whole seconds, rounded as Go rounds them.
fn seconds(time: SystemTime) -> u64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    (since + Duration::from_millis(500)).as_secs()
}

/// Prefix and name of a path that fits into a ustar header.
fn ustar_split(name: &str) -> Option<(&str, &str)> {
    if !name.is_ascii() {
        return None;
    }
    if name.len() <= 100 {
        return Some(("", name));
    }
    let length = name.len().min(156);
    let slash = name[..length].rfind('/').filter(|at| *at > 0)?;
    let rest = name.len() - slash - 1;
    (rest > 0 && rest <= 100 && slash <= 155).then(|| (&name[..slash], &name[slash + 1..]))
}

fn pax_record(key: &str, value: &str) -> String {
    // The length counts its own digits.
    let content = key.len() + value.len() + 3;
    let mut length = content + content.to_string().len();
    if length.to_string().len() != content.to_string().len() {
        length = content + length.to_string().len();
    }
    format!("{length} {key}={value}\n")
}

fn block(tar: &mut Vec<u8>, prefix: &str, name: &str, kind: u8, size: usize, time: Option<u64>) {
    let mut header = [0u8; BLOCK];
    let mut put = |at: usize, text: &str| header[at..at + text.len()].copy_from_slice(text.as_bytes());
    put(0, name);
    let mode = if time.is_some() { 0o644 } else { 0 };
    put(100, &format!("{mode:07o}"));
    put(108, "0000000");
    put(116, "0000000");
    put(124, &format!("{size:011o}"));
    put(136, &format!("{:011o}", time.unwrap_or(0)));
    put(148, "        ");
    put(257, "ustar\0");
    put(263, "00");
    if time.is_some() {
        put(329, "0000000");
        put(337, "0000000");
    }
    put(345, prefix);
    header[156] = kind;
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..154].copy_from_slice(format!("{sum:06o}").as_bytes());
    header[154] = 0;
    header[155] = b' ';
    tar.extend_from_slice(&header);
}

fn body(tar: &mut Vec<u8>, data: &[u8]) {
    tar.extend_from_slice(data);
    tar.resize(tar.len().next_multiple_of(BLOCK), 0);
}

/// Lays an archive's chart out below a folder, in a folder of the chart's name.
///
/// # Errors
/// It is no chart, or would lie elsewhere, or cannot be written.
pub fn expand(archive: &[u8], folder: &Path) -> Result<(), Error> {
    let files = archive_files(archive)?;
    let chart = files.iter().find(|file| &*file.name == "Chart.yaml");
    let name = chart.map(chart_name).transpose()?.filter(|name| !name.is_empty());
    let name = name.ok_or_else(|| Error::Invalid("chart name not specified".to_owned()))?;
    if name == "." || name == ".." {
        return Err(Error::Invalid(format!("chart name {} is not allowed", quote(&name))));
    }
    if name.contains('/') {
        return Err(Error::Invalid(format!("chart name {} must not contain path separators", quote(&name))));
    }
    let root = folder.join(&name);
    for file in &files {
        let path = root.join(&*file.name);
        // A link that lies there from before must not lead out.
        let parent = path.parent().unwrap_or(&root);
        fs::create_dir_all(parent).map_err(|error| Error::io("mkdir", parent, &error))?;
        let real = |path: &Path| fs::canonicalize(path).map_err(|error| Error::io("open", path, &error));
        if !real(parent)?.starts_with(real(&root)?) || fs::symlink_metadata(&path).is_ok_and(|found| found.is_symlink())
        {
            return Err(Error::Invalid(format!("{} leads out of {}", path.display(), root.display())));
        }
        fs::write(&path, &file.data).map_err(|error| Error::io("open", &path, &error))?;
    }
    Ok(())
}

fn chart_name(file: &File) -> Result<String, Error> {
    let invalid = |error: bowline_yaml::Error| Error::Invalid(format!("cannot load Chart.yaml: {error}"));
    let mut metadata = Metadata::default();
    if let Some(node) = bowline_yaml::parse_first(&file.text()).map_err(invalid)? {
        metadata.read(&node).map_err(invalid)?;
    }
    Ok(metadata.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_are_split_or_get_a_header() {
        let long = format!("{}/{}", "d".repeat(90), "f".repeat(90));
        assert_eq!(ustar_split(&long), Some((&*"d".repeat(90), &*"f".repeat(90))));
        assert_eq!(ustar_split(&"x".repeat(101)), None);
        assert_eq!(ustar_split("a/é"), None);
        let record = pax_record("path", &"x".repeat(91));
        assert_eq!(record.len().to_string(), record.split(' ').next().unwrap());
        for length in 80..130 {
            let record = pax_record("path", &"x".repeat(length));
            assert_eq!(record.len().to_string(), record.split(' ').next().unwrap(), "{length}");
        }
    }

    #[test]
    fn nothing_is_laid_out_elsewhere() {
        let folder = tempfile::tempdir().unwrap();
        let archive = |name: &str| {
            let mut tar = Vec::new();
            append(&mut tar, "c/Chart.yaml", format!("name: {name}\n").as_bytes(), SystemTime::UNIX_EPOCH);
            append(&mut tar, "c/templates/a", b"x", SystemTime::UNIX_EPOCH);
            tar.extend_from_slice(&[0; 1024]);
            let mut gzip = flate2::write::GzEncoder::new(Vec::new(), Compression::fast());
            gzip.write_all(&tar).unwrap();
            gzip.finish().unwrap()
        };
        for name in ["..", ".", "a/b", "''"] {
            assert!(expand(&archive(name), folder.path()).is_err(), "{name}");
        }
        expand(&archive("fine"), folder.path()).unwrap();
        assert!(folder.path().join("fine/templates/a").exists());
        std::os::unix::fs::symlink("/tmp", folder.path().join("linked")).unwrap();
        fs::create_dir(folder.path().join("out")).unwrap();
        fs::create_dir(folder.path().join("trap")).unwrap();
        std::os::unix::fs::symlink(folder.path().join("out"), folder.path().join("trap/templates")).unwrap();
        assert!(expand(&archive("trap"), folder.path()).is_err());
        assert!(!folder.path().join("out/a").exists());
    }
}
