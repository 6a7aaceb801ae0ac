//! Rules for templates and what they render to.

use std::fs;

use bowline_chart::Compat;
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
    let compat = linter.compat;
    let exists = found.as_ref().map(|_| ()).map_err(|_| "directory does not exist".to_owned());
    if !compat.is_helm3() && !linter.check(Warning, FOLDER, exists) {
        return;
    }
    // Helm 3 does without the folder.
    let is_folder = found.map_or(compat.is_helm3(), |found| found.is_dir());
    let is_folder = if is_folder { Ok(()) } else { Err("not a directory".to_owned()) };
    if !linter.check(compat.either(Warning, Error), FOLDER, is_folder) {
        return;
    }
    let chart = match load_plain(linter.folder, compat) {
        Ok(chart) => chart,
        Err(failure) => {
            linter.check(Error, FOLDER, Err(failure.message));
            return;
        }
    };
    // What is wrong with values here is not said.
    let Ok(prepared) = chart.prepare(linter.values) else { return };
    log_warnings(&prepared.warnings, compat);
    let Ok(prepared) = prepared.coalesced_again() else { return };
    log_warnings(&prepared.warnings, compat);
    let templates = Templates::new(chart);
    let rendered = match templates.files(&prepared, linter.options, &machine::environment(false, compat)) {
        Ok(rendered) => rendered,
        Err(error) => {
            linter.check(Error, FOLDER, Err(error.to_string()));
            return;
        }
    };
    for manifest in &prepared.chart.templates {
        let file = &*manifest.name;
        linter.check(Error, file, extension(file));
        let yaml = file.rsplit_once('.').map(|(_, extension)| extension);
        let is_yaml = match compat {
            Compat::Helm3 => {
                linter.check(Warning, file, no_crd_hook(&manifest.text()));
                linter.check(Error, file, no_release_time(&manifest.text()));
                yaml == Some("yaml")
            }
            Compat::Helm4 => yaml.is_some_and(|e| e.eq_ignore_ascii_case("yaml") || e.eq_ignore_ascii_case("yml")),
        };
        if !is_yaml {
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
        // Helm 3 has this type in capitals.
        let name = linter.compat.either("K8sYamlStruct", "k8sYamlStruct");
        let head = document.and_then(Head::read);
        let head = head.map_err(|reason| format!("unable to parse YAML: {}", reason.replace("k8sYamlStruct", name)));
        let head = match head {
            Ok(head) => head,
            Err(reason) => return linter.check(Error, file, Err(reason)),
        };
        let Some(head) = head else { continue };
        linter.check(Warning, file, name::check(&head.kind, &head.name));
        linter.check(Warning, file, deprecation::check(&head.api_version, &head.kind, linter.kube_version));
        linter.check(Error, file, selector(&head, content));
        linter.check(Error, file, list(&head, content, linter.compat));
    }
    true
}

/// A hook of Helm 2, in the template as it is written.
fn no_crd_hook(text: &str) -> Result<(), String> {
    let is_hook = text.match_indices("helm.sh/hook").any(|(at, name)| {
        let rest = &text[at + name.len()..];
        let value = rest.strip_prefix('"').unwrap_or(rest).strip_prefix(':');
        value.is_some_and(|value| value.trim_start() != value && value.trim_start().starts_with("crd-install"))
    });
    if is_hook {
        return Err("manifest is a crd-install hook. This hook is no longer supported in v3 and all CRDs should also \
                    exist the crds/ directory at the top level of the chart"
            .to_owned());
    }
    Ok(())
}

/// A field that Helm 2 had.
fn no_release_time(text: &str) -> Result<(), String> {
    if text.contains(".Release.Time") {
        return Err(
            ".Release.Time has been removed in v3, please replace with the `now` function in your templates".to_owned()
        );
    }
    Ok(())
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
fn list(head: &Head, content: &str, compat: Compat) -> Result<(), String> {
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
    let what = compat.either("Annotation", "annotation");
    if kept { Err(format!("{what} 'helm.sh/resource-policy' within List objects are ignored")) } else { Ok(()) }
}
