//! Manifests out of a release record, for rollback, uninstall, and to see what left the chart.

use std::collections::BTreeMap;
use std::sync::Arc;

use bowline_manifest::{Hook, Manifest, ManifestSet, Source};
use bowline_release::{Release, Status};
use bowline_yaml::{Node, NodeKind};
use serde_json::{Map, Number, Value};

use crate::EngineError;

/// What a revision deployed, lists taken apart; CRDs are not in its record.
///
/// # Errors
/// A stored document that is no YAML.
pub fn manifest_set(release: &Release) -> Result<ManifestSet, EngineError> {
    let broken =
        |cause: String| EngineError::StoredManifest { release: release.name.clone(), revision: release.version, cause };
    let mut set = ManifestSet { notes: release.info.notes.clone(), ..ManifestSet::default() };
    for (template, text) in split(&release.manifest) {
        set.manifests.extend(read(&template, &text).map_err(&broken)?);
    }
    for hook in &release.hooks {
        let Some(mut manifest) = read(&hook.path, &hook.manifest).map_err(&broken)? else { continue };
        manifest.hook = manifest.hook.or_else(|| Hook::of_argo(&manifest.object));
        set.hooks.push(manifest);
    }
    Ok(set.flattened().into_owned())
}

/// The ordinary objects that may be in the cluster for a release: those of the revision in force, and of the revisions
/// that were tried since and failed half way. Of several versions of an object the newest.
pub(crate) fn previous_objects(history: &[Release]) -> Result<Vec<Value>, EngineError> {
    let in_force = history.iter().rposition(|r| r.info.status == Status::Deployed);
    let since = in_force.unwrap_or(history.len().saturating_sub(1));
    let mut objects: Vec<Value> = Vec::new();
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    for release in history.iter().skip(since).filter(|r| r.info.status != Status::Uninstalled) {
        for manifest in manifest_set(release)?.manifests {
            let metadata = &manifest.object["metadata"];
            let api_group =
                manifest.object["apiVersion"].as_str().unwrap_or_default().split_once('/').map_or("", |g| g.0);
            let key = format!("{api_group} {} {} {}", manifest.object["kind"], metadata["namespace"], metadata["name"]);
            match places.get(&key) {
                Some(&place) => objects[place] = manifest.object,
                None => {
                    places.insert(key, objects.len());
                    objects.push(manifest.object);
                }
            }
        }
    }
    Ok(objects)
}

/// Documents with the template that Helm notes above each.
fn split(text: &str) -> Vec<(String, String)> {
    let mut documents = Vec::new();
    let mut template = String::new();
    let mut document = String::new();
    let mut finish = |template: &mut String, document: &mut String| {
        if !document.trim().is_empty() {
            documents.push((std::mem::take(template), std::mem::take(document)));
        }
        document.clear();
    };
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("---") {
            finish(&mut template, &mut document);
            if !rest.trim().is_empty() {
                document.push_str(rest);
                document.push('\n');
            }
        } else if let Some(path) = line.strip_prefix("# Source: ").filter(|_| document.trim().is_empty()) {
            path.trim().clone_into(&mut template);
        } else {
            document.push_str(line);
            document.push('\n');
        }
    }
    finish(&mut template, &mut document);
    documents
}

/// `None` for a document without an object: only comments.
fn read(template: &str, text: &str) -> Result<Option<Manifest>, String> {
    let node = bowline_yaml::parse_first(text).map_err(|e| format!("{template}: {e}"))?;
    let Some(node) = node.filter(|node| !node.is_null()) else { return Ok(None) };
    let object = json_of(&node);
    let chart = template.split('/').next().unwrap_or_default().to_owned();
    Ok(Some(Manifest {
        text: text.trim_end_matches('\n').into(),
        hook: Hook::of(&object),
        object,
        node: Arc::new(node),
        source: Source { chart, template: template.to_owned(), lines: Arc::default() },
    }))
}

/// The JSON that the API server would be sent: whole numbers stay whole.
fn json_of(node: &Node) -> Value {
    use bowline_yaml::Value as Scalar;
    match &node.kind {
        NodeKind::Scalar(Scalar::Bool(value)) => Value::Bool(*value),
        NodeKind::Scalar(Scalar::Int(value)) => Value::from(*value),
        NodeKind::Scalar(Scalar::Float(value)) => Number::from_f64(*value).map_or(Value::Null, Value::Number),
        NodeKind::Scalar(Scalar::String(value)) => Value::String(value.clone()),
        NodeKind::Scalar(_) => Value::Null,
        NodeKind::Seq(items) => Value::Array(items.iter().map(json_of).collect()),
        NodeKind::Map(entries) => {
            let pairs = entries.iter().filter_map(|(key, value)| Some((key.as_str()?.to_owned(), json_of(value))));
            Value::Object(pairs.collect::<Map<String, Value>>())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn documents_come_back_with_their_templates() {
        let text = "---\n# Source: web/templates/a.yaml\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\ndata:\n  m: 1.5\n\
                    ---\n# Source: web/templates/b.yaml\n# nothing\n---\n# Source: web/templates/c.yaml\nkind: Secret\n";
        let release = Release { manifest: text.into(), ..Release::default() };
        let set = manifest_set(&release).unwrap();
        let found: Vec<_> = set.manifests.iter().map(|m| (m.source.template.as_str(), m.object.clone())).collect();
        assert_eq!(
            found,
            [
                (
                    "web/templates/a.yaml",
                    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"m": 1.5}})
                ),
                ("web/templates/c.yaml", json!({"kind": "Secret"})),
            ]
        );
    }

    #[test]
    fn what_failed_revisions_left_counts_too() {
        let revision = |version: u32, status: Status, names: &[&str]| {
            let documents =
                names.iter().map(|n| format!("---\nkind: ConfigMap\nmetadata: {{name: {n}}}\nv: {version}\n"));
            let mut release = Release { version, manifest: documents.collect(), ..Release::default() };
            release.info.status = status;
            release
        };
        let history = [
            revision(1, Status::Superseded, &["old"]),
            revision(2, Status::Deployed, &["a", "b"]),
            revision(3, Status::Failed, &["b", "c"]),
        ];
        let found = previous_objects(&history).unwrap();
        let found: Vec<_> =
            found.iter().map(|o| (o["metadata"]["name"].as_str().unwrap(), o["v"].as_i64().unwrap())).collect();
        assert_eq!(found, [("a", 2), ("b", 3), ("c", 3)]);
        assert!(previous_objects(&[]).unwrap().is_empty());
    }
}
