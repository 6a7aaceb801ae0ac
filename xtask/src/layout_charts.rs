//! Lays out the charts of fetched repositories with their dependencies, as a folder for `BOWLINE_CHARTS`.
//!
//! A repository of charts rarely holds what its charts depend on under `charts/`: that is fetched. Here dependencies come
//! from charts of the same name beside them, whatever their version, and `Chart.yaml` is made to say that version. What is
//! found nowhere is taken out of `Chart.yaml`, so that the rest of the chart still renders.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use bowline_yaml::{Map, Value, emit, parse_first};

/// Charts by source and name: where they were unpacked.
type Charts = BTreeMap<(String, String), PathBuf>;

/// Lays out every chart of the sources, each a folder or a git directory, as `NAME=PATH` or `PATH`, below `to`.
pub(crate) fn run(sources: &[String], to: &Path) -> Result<(), String> {
    let unpacked = tempfile::tempdir().map_err(|e| format!("make a temporary folder: {e}"))?;
    let mut charts = Charts::new();
    for source in sources {
        let (name, path) = match source.split_once('=') {
            Some((name, path)) => (name.to_owned(), PathBuf::from(path)),
            None => (source_name(Path::new(source)), PathBuf::from(source)),
        };
        let folder = unpacked.path().join(&name);
        unpack(&path, &folder)?;
        let mut found = Vec::new();
        find_charts(&folder, &mut found)?;
        println!("{name}: {} charts", found.len());
        for chart in found {
            if let Some(chart_name) = chart_name(&chart) {
                let mut key = (name.clone(), chart_name);
                while charts.contains_key(&key) {
                    key.1.push_str("-again");
                }
                charts.insert(key, chart);
            }
        }
    }
    let mut layout = Layout { charts: &charts, missing: BTreeMap::new() };
    for ((source, name), from) in &charts {
        layout.lay_out(source, from, &to.join(source).join(name), &mut BTreeSet::new())?;
    }
    println!("{} charts are laid out in {}", charts.len(), to.display());
    for (name, count) in layout.missing {
        println!("  found nowhere, left out of {count} charts: {name}");
    }
    Ok(())
}

/// What a source is called: its folder, or that folder's parent where it is but a `repo` or `.git`.
fn source_name(path: &Path) -> String {
    let names: Vec<String> = path.components().map(|part| part.as_os_str().to_string_lossy().into_owned()).collect();
    let telling = names.iter().rev().find(|name| !matches!(name.as_str(), "repo" | ".git" | "."));
    telling.map_or_else(|| "charts".to_owned(), |name| name.trim_end_matches(".git").to_owned())
}

/// Copies a folder, or what a git directory's newest commit holds of charts.
fn unpack(path: &Path, folder: &Path) -> Result<(), String> {
    fs::create_dir_all(folder).map_err(|e| format!("create {}: {e}", folder.display()))?;
    let is_git = path.join("HEAD").exists() && path.join("objects").exists();
    if !is_git {
        return copy(path, folder);
    }
    let mut list = Command::new("git");
    list.arg("--git-dir").arg(path).args(["ls-tree", "-r", "--name-only", "-z", "HEAD"]);
    let listed = output(&mut list, "git ls-tree")?;
    let mut roots: BTreeSet<&str> = BTreeSet::new();
    let names = String::from_utf8_lossy(&listed).into_owned();
    for name in names.split('\0') {
        if name == "Chart.yaml" {
            roots.insert(".");
        } else if let Some(root) = name.strip_suffix("/Chart.yaml") {
            roots.insert(root);
        }
    }
    for root in roots {
        let mut archive = Command::new("git");
        archive.arg("--git-dir").arg(path).args(["archive", "HEAD", "--", root]).stdout(Stdio::piped());
        let mut archive = archive.spawn().map_err(|e| format!("run git archive: {e}"))?;
        let piped = archive.stdout.take().ok_or("git archive gives no output")?;
        let unpacked = Command::new("tar").arg("x").arg("-C").arg(folder).stdin(piped).status();
        let unpacked = unpacked.map_err(|e| format!("run tar: {e}"))?;
        let archived = archive.wait().map_err(|e| format!("wait for git archive: {e}"))?;
        if !archived.success() || !unpacked.success() {
            return Err(format!("git archive of {root} in {} failed", path.display()));
        }
    }
    Ok(())
}

fn output(command: &mut Command, what: &str) -> Result<Vec<u8>, String> {
    let output = command.output().map_err(|e| format!("run {what}: {e}"))?;
    if output.status.success() { Ok(output.stdout) } else { Err(format!("{what} failed")) }
}

fn copy(from: &Path, to: &Path) -> Result<(), String> {
    let from = from.join(".");
    let status = Command::new("cp").arg("-a").arg(&from).arg(to).status();
    let copied = status.map_err(|e| format!("run cp: {e}"))?;
    if copied.success() { Ok(()) } else { Err(format!("copying {} failed", from.display())) }
}

/// The outermost charts below a folder: what lies in a chart belongs to it.
fn find_charts(folder: &Path, into: &mut Vec<PathBuf>) -> Result<(), String> {
    if folder.join("Chart.yaml").is_file() {
        into.push(folder.to_owned());
        return Ok(());
    }
    let entries = fs::read_dir(folder).map_err(|e| format!("read {}: {e}", folder.display()))?;
    let mut folders: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    folders.retain(|path| path.is_dir() && !path.is_symlink());
    folders.sort();
    folders.iter().try_for_each(|path| find_charts(path, into))
}

fn read_map(path: &Path) -> Option<Map> {
    let text = fs::read_to_string(path).ok()?;
    match parse_first(&text).ok()??.to_value() {
        Value::Map(map) => Some(map),
        _ => None,
    }
}

fn text<'m>(map: &'m Map, key: &str) -> Option<&'m str> {
    map.get(key).and_then(Value::as_str)
}

fn chart_name(chart: &Path) -> Option<String> {
    let name = text(&read_map(&chart.join("Chart.yaml"))?, "name")?.to_owned();
    (!name.is_empty() && !name.contains(['/', '\0'])).then_some(name)
}

struct Layout<'c> {
    charts: &'c Charts,
    /// Dependencies that are nowhere, and of how many charts.
    missing: BTreeMap<String, usize>,
}

impl Layout<'_> {
    /// Copies a chart and puts its dependencies under `charts/`.
    fn lay_out(&mut self, source: &str, from: &Path, to: &Path, outer: &mut BTreeSet<PathBuf>) -> Result<(), String> {
        if !outer.insert(from.to_owned()) {
            return Ok(());
        }
        fs::create_dir_all(to).map_err(|e| format!("create {}: {e}", to.display()))?;
        copy(from, to)?;
        for file in ["Chart.yaml", "requirements.yaml"] {
            let Some(mut described) = read_map(&to.join(file)) else { continue };
            let Some(Value::Seq(dependencies)) = described.get_mut("dependencies") else { continue };
            let mut kept = Vec::new();
            for mut dependency in std::mem::take(dependencies) {
                let Some(fields) = dependency.as_map_mut() else { continue };
                let Some(name) = text(fields, "name").map(str::to_owned) else { continue };
                let inside = to.join("charts").join(&name);
                if !self.provide(source, from, &name, text(fields, "repository"), &inside, outer)? {
                    *self.missing.entry(name).or_default() += 1;
                    continue;
                }
                let vendored =
                    read_map(&inside.join("Chart.yaml")).and_then(|map| text(&map, "version").map(Value::from));
                if let Some(version) = vendored {
                    fields.insert("version".to_owned(), version);
                }
                kept.push(dependency);
            }
            *dependencies = kept;
            let written = emit(&Value::Map(described)).map_err(|e| format!("write {file}: {e}"))?;
            fs::write(to.join(file), written).map_err(|e| format!("write {}: {e}", to.join(file).display()))?;
        }
        outer.remove(from);
        Ok(())
    }

    /// Sees to a dependency: in the chart already, beside it, in the same source, or in another. False: nowhere.
    fn provide(
        &mut self,
        source: &str,
        from: &Path,
        name: &str,
        repository: Option<&str>,
        inside: &Path,
        outer: &mut BTreeSet<PathBuf>,
    ) -> Result<bool, String> {
        if inside.join("Chart.yaml").exists() || is_archived(inside, name) {
            return Ok(true);
        }
        let local = repository.and_then(|url| url.strip_prefix("file://")).map(|path| from.join(path));
        let local = local.filter(|path| path.join("Chart.yaml").exists());
        let own = || self.charts.get(&(source.to_owned(), name.to_owned())).cloned();
        let any = || self.charts.iter().find(|((_, known), _)| known == name).map(|(_, path)| path.clone());
        let Some(found) = local.or_else(own).or_else(any) else { return Ok(false) };
        if outer.contains(&found) {
            return Ok(false);
        }
        let source = self.charts.iter().find(|(_, path)| **path == found).map_or(source, |((source, _), _)| source);
        self.lay_out(source, &found, inside, outer)?;
        Ok(true)
    }
}

/// Whether an archive of the chart lies beside where its folder would be.
fn is_archived(inside: &Path, name: &str) -> bool {
    let entries = inside.parent().and_then(|charts| fs::read_dir(charts).ok());
    entries.into_iter().flatten().flatten().any(|entry| {
        let file = entry.file_name().to_string_lossy().into_owned();
        file.ends_with(".tgz") && file.strip_prefix(name).is_some_and(|rest| rest.starts_with('-'))
    })
}
