//! Rules for `Chart.yaml`.

use std::fs;

use bowline_chart::{Compat, Constraint, Dependency, Maintainer, Metadata, Version};
use bowline_yaml::{Node, NodeKind, Value, parse_first, quote};

use super::Severity::{Error, Info, Warning};
use super::{Linter, address};

const FILE: &str = "Chart.yaml";

pub(super) fn check(linter: &mut Linter<'_>) {
    let path = linter.folder.join(FILE);
    let is_folder = fs::metadata(&path).is_ok_and(|found| found.is_dir());
    let not_folder = if is_folder { Err("should be a file, not a directory".to_owned()) } else { Ok(()) };
    linter.check(Error, FILE, not_folder);
    let text = fs::read(&path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).map_err(|error| {
        let operation = if is_folder { "read" } else { "open" };
        format!("{operation} {}: {}", path.to_string_lossy(), bowline_chart::go_io_reason(&error))
    });
    let read = text.and_then(|text| read(&text, linter.compat).map(|(metadata, node)| (text, metadata, node)));
    let (text, metadata, node) = match read {
        Ok(read) => read,
        Err(reason) => {
            linter.check(Error, FILE, Err(format!("unable to parse YAML\n\t{reason}")));
            return;
        }
    };
    // Helm 3 is not so strict.
    let strict = if linter.compat.is_helm3() { Ok(()) } else { strictly(&text, node.as_ref()) };
    linter.check(
        Warning,
        FILE,
        strict.map_err(|reason| format!("failed to strictly parse chart metadata file\n\t{reason}")),
    );
    linter.check(Error, FILE, name(&metadata));
    linter.check(Error, FILE, api_version(&metadata));
    linter.check(Error, FILE, is_text(node.as_ref(), "version"));
    linter.check(Error, FILE, version(&metadata));
    linter.check(Error, FILE, is_text(node.as_ref(), "appVersion"));
    linter.check(Error, FILE, maintainers(&metadata, node.as_ref()));
    linter.check(Error, FILE, sources(&metadata));
    linter.check(Info, FILE, if metadata.icon.is_empty() { Err("icon is recommended".to_owned()) } else { Ok(()) });
    linter.check(Error, FILE, icon(&metadata));
    linter.check(Error, FILE, kind(&metadata));
    linter.check(Error, FILE, dependencies(&metadata));
    if !linter.compat.is_helm3() {
        linter.check(Warning, FILE, strict_version(&metadata));
    }
}

fn read(text: &str, compat: Compat) -> Result<(Metadata, Option<Node>), String> {
    let mut metadata = Metadata::default();
    let node = parse_first(text).map_err(|error| error.to_string())?;
    if let Some(node) = &node {
        // The package that Go names types by.
        let package = compat.either("chart.", "v2.");
        metadata.read(node).map_err(|error| {
            error
                .to_string()
                .replace(" of type v2.", &format!(" of type {package}"))
                .replace("*v2.", &format!("*{package}"))
        })?;
    }
    Ok((metadata, node))
}

/// No key twice, and none that is not known.
fn strictly(text: &str, node: Option<&Node>) -> Result<(), String> {
    let Some(node) = node else { return Ok(()) };
    let mut twice = Vec::new();
    duplicates(node, &mut twice);
    if !twice.is_empty() {
        let lines: Vec<String> =
            twice.iter().map(|(key, line)| format!("  line {line}: key {} already set in map", quote(key))).collect();
        let _ = text;
        return Err(format!("error converting YAML to JSON: yaml: unmarshal errors:\n{}", lines.join("\n")));
    }
    match unknown(node) {
        Some(key) => Err(format!("error unmarshaling JSON: while decoding JSON: json: unknown field {}", quote(&key))),
        None => Ok(()),
    }
}

fn duplicates(node: &Node, found: &mut Vec<(String, u32)>) {
    match &node.kind {
        NodeKind::Map(entries) => {
            for (at, (key, value)) in entries.iter().enumerate() {
                let name = key.as_str().map(str::to_owned);
                if name.is_some() && entries[..at].iter().any(|(other, _)| other.as_str() == key.as_str()) {
                    found.push((name.unwrap_or_default(), key.span.start.line));
                }
                duplicates(value, found);
            }
        }
        NodeKind::Seq(items) => items.iter().for_each(|item| duplicates(item, found)),
        NodeKind::Scalar(_) => {}
    }
}

/// The first unknown key, in the order in which the JSON decoder meets them: sorted.
fn unknown(node: &Node) -> Option<String> {
    for (key, value) in sorted(node) {
        if !known(key, &Metadata::FIELDS) {
            return Some(key.to_owned());
        }
        let fields: &[&str] = match key.to_ascii_lowercase().as_str() {
            "maintainers" => &Maintainer::FIELDS,
            "dependencies" => &Dependency::FIELDS,
            _ => continue,
        };
        if let NodeKind::Seq(items) = &value.kind {
            let inner = items.iter().flat_map(sorted).find(|(key, _)| !known(key, fields));
            if let Some((key, _)) = inner {
                return Some(key.to_owned());
            }
        }
    }
    None
}

fn sorted(node: &Node) -> Vec<(&str, &Node)> {
    let NodeKind::Map(entries) = &node.kind else { return Vec::new() };
    let mut entries: Vec<(&str, &Node)> =
        entries.iter().filter_map(|(key, value)| Some((key.as_str()?, value))).collect();
    entries.sort_by_key(|(key, _)| *key);
    entries
}

fn known(key: &str, fields: &[&str]) -> bool {
    fields.iter().any(|field| field.eq_ignore_ascii_case(key))
}

fn name(metadata: &Metadata) -> Result<(), String> {
    if metadata.name.is_empty() {
        return Err("name is required".to_owned());
    }
    if crate::place::base(&metadata.name) != metadata.name {
        return Err(format!("chart name {} is invalid", quote(&metadata.name)));
    }
    Ok(())
}

fn api_version(metadata: &Metadata) -> Result<(), String> {
    match metadata.api_version.as_str() {
        "v1" | "v2" => Ok(()),
        "" => Err("apiVersion is required. The value must be either \"v1\" or \"v2\"".to_owned()),
        version => Err(format!("apiVersion '{version}' is not valid. The value must be either \"v1\" or \"v2\"")),
    }
}

fn is_text(node: Option<&Node>, key: &str) -> Result<(), String> {
    let go_type = match node.and_then(|node| node.get(key)).map(|node| &node.kind) {
        None | Some(NodeKind::Scalar(Value::String(_))) => return Ok(()),
        Some(NodeKind::Scalar(Value::Null)) => "<nil>",
        Some(NodeKind::Scalar(Value::Bool(_))) => "bool",
        Some(NodeKind::Scalar(_)) => "float64",
        Some(NodeKind::Seq(_)) => "[]interface {}",
        Some(NodeKind::Map(_)) => "map[string]interface {}",
    };
    Err(format!("{key} should be of type string but it's of type {go_type}"))
}

fn version(metadata: &Metadata) -> Result<(), String> {
    let text = &metadata.version;
    if text.is_empty() {
        return Err("version is required".to_owned());
    }
    let Some(version) = Version::parse(text) else { return Err(format!("version '{text}' is not a valid SemVer")) };
    match Constraint::parse(">0.0.0-0") {
        Ok(above) if !above.check(&version) => {
            Err(format!("version {} is less than or equal to \"0.0.0-0\"", quote(text)))
        }
        _ => Ok(()),
    }
}

/// Three numbers, no `v` before them.
fn strict_version(metadata: &Metadata) -> Result<(), String> {
    let text = &metadata.version;
    let core = text.split(['-', '+']).next().unwrap_or_default();
    let number = |part: &str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()) && (part == "0" || !part.starts_with('0'))
    };
    let parts: Vec<&str> = core.split('.').collect();
    if parts.len() == 3 && parts.into_iter().all(number) && Version::parse(text).is_some() {
        Ok(())
    } else {
        Err(format!("version '{text}' is not a valid SemVerV2"))
    }
}

fn maintainers(metadata: &Metadata, node: Option<&Node>) -> Result<(), String> {
    let nodes = node.and_then(|node| node.get("maintainers"));
    for (at, maintainer) in metadata.maintainers.iter().enumerate() {
        let empty = nodes.is_some_and(
            |nodes| matches!(&nodes.kind, NodeKind::Seq(items) if items.get(at).is_some_and(Node::is_null)),
        );
        let (name, email, url) = (&maintainer.name, &maintainer.email, &maintainer.url);
        if empty {
            return Err("a maintainer entry is empty".to_owned());
        }
        if name.is_empty() {
            return Err("each maintainer requires a name".to_owned());
        }
        if !email.is_empty() && !address::is_email(email) {
            return Err(format!("invalid email '{email}' for maintainer '{name}'"));
        }
        if !url.is_empty() && !address::is_url(url) {
            return Err(format!("invalid url '{url}' for maintainer '{name}'"));
        }
    }
    Ok(())
}

fn sources(metadata: &Metadata) -> Result<(), String> {
    match metadata.sources.iter().find(|source| !address::is_request_url(source)) {
        Some(source) => Err(format!("invalid source URL '{source}'")),
        None => Ok(()),
    }
}

fn icon(metadata: &Metadata) -> Result<(), String> {
    let icon = &metadata.icon;
    if icon.is_empty() || address::is_request_url(icon) { Ok(()) } else { Err(format!("invalid icon URL '{icon}'")) }
}

fn kind(metadata: &Metadata) -> Result<(), String> {
    if metadata.kind.is_empty() || metadata.api_version == "v2" {
        return Ok(());
    }
    let version = &metadata.api_version;
    Err(format!("chart type is not valid in apiVersion '{version}'. It is valid in apiVersion 'v2'"))
}

fn dependencies(metadata: &Metadata) -> Result<(), String> {
    if metadata.dependencies().is_empty() || metadata.api_version == "v2" {
        return Ok(());
    }
    let version = &metadata.api_version;
    Err(format!(
        "dependencies are not valid in the Chart file with apiVersion '{version}'. They are valid in apiVersion 'v2'"
    ))
}
