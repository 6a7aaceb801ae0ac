//! Rules for templates and what they render to.

use std::fs;

use bowline_render::Templates;
use bowline_yaml::{Decoder, Target, parse_first, quote};

use super::Severity::{Error, Warning};
use super::object::{Head, documents};
use super::{Linter, deprecation, name};
use crate::chart::{load_plain, log_warnings};
use crate::machine;

const FOLDER: &str = "templates/";

pub(super) fn check(linter: &mut Linter<'_>) {
    let found = fs::metadata(linter.folder.join("templates"));
    let exists = found.as_ref().map(|_| ()).map_err(|_| "directory does not exist".to_owned());
    if !linter.check(Warning, FOLDER, exists) {
        return;
    }
    let is_folder = found.is_ok_and(|found| found.is_dir());
    if !linter.check(Error, FOLDER, if is_folder { Ok(()) } else { Err("not a directory".to_owned()) }) {
        return;
    }
    let chart = match load_plain(linter.folder) {
        Ok(chart) => chart,
        Err(failure) => {
            linter.check(Error, FOLDER, Err(failure.message));
            return;
        }
    };
    // What is wrong with values here is not said.
    let Ok(prepared) = chart.prepare(linter.values) else { return };
    log_warnings(&prepared.warnings);
    let Ok(prepared) = prepared.coalesced_again() else { return };
    log_warnings(&prepared.warnings);
    let templates = Templates::new(chart);
    let rendered = match templates.files(&prepared, linter.options, &machine::environment(false)) {
        Ok(rendered) => rendered,
        Err(error) => {
            linter.check(Error, FOLDER, Err(error.to_string()));
            return;
        }
    };
    for file in &prepared.chart.templates {
        let file = &*file.name;
        linter.check(Error, file, extension(file));
        let yaml = file.rsplit_once('.').map(|(_, extension)| extension.to_lowercase());
        if !matches!(yaml.as_deref(), Some("yaml" | "yml")) {
            continue;
        }
        let path = format!("{}/{file}", prepared.chart.name());
        let Some(rendered) = rendered.iter().find(|rendered| *rendered.path == *path) else { continue };
        let content = String::from_utf8_lossy(&rendered.content);
        if !content.trim().is_empty() && !content_of(linter, file, &content) {
            return;
        }
    }
}

/// Whether the rules go on with the next file.
fn content_of(linter: &mut Linter<'_>, file: &str, content: &str) -> bool {
    linter.check(Warning, file, indent(content));
    for document in documents(content) {
        let head = document.and_then(Head::read).map_err(|reason| format!("unable to parse YAML: {reason}"));
        let head = match head {
            Ok(head) => head,
            Err(reason) => return linter.check(Error, file, Err(reason)),
        };
        let Some(head) = head else { continue };
        linter.check(Warning, file, name::check(&head.kind, &head.name));
        linter.check(Warning, file, deprecation::check(&head.api_version, &head.kind, linter.kube_version));
        linter.check(Error, file, selector(&head, content));
        linter.check(Error, file, list(&head, content));
    }
    true
}

fn extension(file: &str) -> Result<(), String> {
    let base = file.rsplit('/').next().unwrap_or_default();
    let extension = base.rfind('.').map_or("", |dot| &base[dot..]);
    if matches!(extension, ".yaml" | ".yml" | ".tpl" | ".txt") {
        return Ok(());
    }
    Err(format!("file extension '{extension}' not valid. Valid extensions are .yaml, .yml, .tpl, or .txt"))
}

fn indent(content: &str) -> Result<(), String> {
    let first = content.lines().find(|line| !line.trim().is_empty());
    match first.filter(|line| line.starts_with([' ', '\t'])) {
        Some(line) => {
            Err(format!("document starts with an illegal indent: {}, which may cause parsing problems", quote(line)))
        }
        None => Ok(()),
    }
}

/// Looked for in all of the file, not in the object.
fn selector(head: &Head, content: &str) -> Result<(), String> {
    let needs = matches!(head.kind.as_str(), "Deployment" | "ReplicaSet" | "DaemonSet" | "StatefulSet");
    if !needs || content.contains("matchLabels") || content.contains("matchExpressions") {
        return Ok(());
    }
    let name = quote(&head.name);
    Err(format!("a {} must contain matchLabels or matchExpressions, and {name} does not", head.kind))
}

/// Read from the file's first document, whichever the list is in.
fn list(head: &Head, content: &str) -> Result<(), String> {
    if head.kind != "List" {
        return Ok(());
    }
    let reason = |error: bowline_yaml::Error| format!("unable to parse YAML: {error}");
    let Some(node) = parse_first(content).map_err(reason)? else { return Ok(()) };
    let mut decoder = Decoder::new();
    let mut kept = false;
    let at = |path| Target { structure: "", path };
    let annotations_type = "[]struct { Metadata struct { Annotations map[string]string } }";
    for (_, items) in decoder
        .root(&node, "struct { Items []struct { Metadata struct { Annotations map[string]string } } }")
        .into_iter()
        .filter(|(key, _)| key.eq_ignore_ascii_case("items"))
    {
        for item in decoder.items(items, at("Items"), annotations_type) {
            let annotations = item.get("metadata").and_then(|metadata| metadata.get("annotations"));
            if let Some(annotations) = annotations.filter(|annotations| !annotations.is_null()) {
                let annotations = decoder.string_map(annotations, at("Items.Metadata.Annotations"));
                kept |= annotations.iter().any(|(key, _)| key == "helm.sh/resource-policy");
            }
        }
    }
    decoder.finish(()).map_err(reason)?;
    if kept { Err("annotation 'helm.sh/resource-policy' within List objects are ignored".to_owned()) } else { Ok(()) }
}
