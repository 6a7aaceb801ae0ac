//! Test support: manifests from a text, as a rendering gives them, places and all.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used, clippy::panic)]

use std::sync::Arc;

use bowline_manifest::{Hook, Manifest, ManifestSet, Source};
use bowline_yaml::{Node, NodeKind, Value as Yaml};
use serde_json::Value;

/// Documents separated by `---`, in the order given. A first line `# Source: file` names the template (else `test.yaml`).
/// Definitions go to `crds` where that line says `crds/`, hooks to `hooks`, the rest to `manifests`.
pub fn set(text: &str) -> ManifestSet {
    let mut set = ManifestSet::default();
    for document in format!("\n{text}").split("\n---\n") {
        let document = document.trim_start_matches('\n');
        let Some(node) = bowline_yaml::parse_first(document).unwrap() else { continue };
        let template = document.strip_prefix("# Source: ").and_then(|rest| rest.lines().next()).unwrap_or("test.yaml");
        let object = json(&node);
        let hook = Hook::of(&object);
        let source = Source { chart: "test".into(), template: template.into(), lines: Arc::new([]) };
        let list = match (&hook, template.starts_with("crds/")) {
            (_, true) => &mut set.crds,
            (Some(_), _) => &mut set.hooks,
            (None, _) => &mut set.manifests,
        };
        list.push(Manifest { text: document.into(), object, node: Arc::new(node), source, hook });
    }
    set
}

fn json(node: &Node) -> Value {
    match &node.kind {
        NodeKind::Scalar(Yaml::Null) => Value::Null,
        NodeKind::Scalar(Yaml::Bool(value)) => (*value).into(),
        NodeKind::Scalar(Yaml::Int(value)) => (*value).into(),
        NodeKind::Scalar(Yaml::Float(value)) => (*value).into(),
        NodeKind::Scalar(Yaml::String(value)) => value.as_str().into(),
        NodeKind::Scalar(_) => panic!("a collection is no scalar"),
        NodeKind::Seq(items) => items.iter().map(json).collect(),
        NodeKind::Map(entries) => entries.iter().map(|(k, v)| (k.as_str().unwrap().to_owned(), json(v))).collect(),
    }
}
