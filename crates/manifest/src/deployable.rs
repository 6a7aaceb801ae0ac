//! What of a set goes to the API server: lists taken apart, comments left out, and every object with what it needs.

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::{Location, Manifest, ManifestError, ManifestSet};

impl ManifestSet {
    /// The set with the items of lists (`kind: List`, `ConfigMapList`, whatever has `items`) in place of each list, as
    /// Helm deploys them. A hook stays as it is. The record of a release keeps the lists.
    pub fn flattened(&self) -> Cow<'_, Self> {
        if !self.manifests.iter().chain(&self.crds).any(|manifest| is_list(&manifest.object)) {
            return Cow::Borrowed(self);
        }
        let flat = |manifests: &[Manifest]| manifests.iter().flat_map(items).collect();
        Cow::Owned(Self { crds: flat(&self.crds), manifests: flat(&self.manifests), ..self.clone() })
    }

    /// Why objects of a [flattened](Self::flattened) set cannot be deployed. A document of comments alone is no object.
    pub fn incomplete(&self) -> Vec<ManifestError> {
        let ordinary = self.crds.iter().chain(&self.manifests).filter(|manifest| !manifest.object.is_null());
        let hooks = self.hooks.iter().filter_map(|hook| {
            // Nothing would tell which of the items the hook waits for.
            let list = is_list(&hook.object).then(|| ManifestError::HookList { location: hook.locate("") });
            list.or_else(|| lack(hook))
        });
        ordinary.filter_map(lack).chain(hooks).collect()
    }
}

fn is_list(object: &Value) -> bool {
    object["items"].is_array() && object["kind"].as_str().is_some_and(|kind| kind.ends_with("List"))
}

/// The items of a list, and of lists in it; the manifest itself where it is none.
fn items(manifest: &Manifest) -> Vec<Manifest> {
    if !is_list(&manifest.object) {
        return vec![manifest.clone()];
    }
    // Items of `ConfigMapList` need not say what they are; those of `List` must.
    let kind = manifest.object["kind"].as_str().and_then(|kind| kind.strip_suffix("List")).filter(|k| !k.is_empty());
    let all = manifest.object["items"].as_array().into_iter().flatten().enumerate();
    all.flat_map(|(index, item)| {
        let mut object = item.clone();
        if let (Some(kind), true) = (kind, object.is_object()) {
            for (field, value) in [("kind", &json!(kind)), ("apiVersion", &manifest.object["apiVersion"])] {
                if object[field].is_null() {
                    object[field] = value.clone();
                }
            }
        }
        let node = manifest.node.pointer(&format!("/items/{index}"));
        items(&Manifest {
            text: item.to_string().into(),
            node: node.map_or_else(|| Arc::clone(&manifest.node), |node| Arc::new(node.clone())),
            object,
            source: manifest.source.clone(),
            hook: None,
        })
    })
    .collect()
}

fn lack(manifest: &Manifest) -> Option<ManifestError> {
    let object = &manifest.object;
    let location = || -> Location { manifest.locate("") };
    let has = |value: &Value| value.as_str().is_some_and(|text| !text.is_empty());
    let missing = |field| Some(ManifestError::MissingField { location: location(), field });
    let metadata = &object["metadata"];
    if !has(&object["apiVersion"]) {
        missing("apiVersion")
    } else if !has(&object["kind"]) {
        missing("kind")
    } else if has(&metadata["name"]) {
        None
    } else if has(&metadata["generateName"]) {
        let kind = object["kind"].as_str().unwrap_or_default().to_owned();
        Some(ManifestError::GeneratedName { location: manifest.locate("/metadata/generateName"), kind })
    } else {
        missing("metadata.name")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(text: &str) -> Manifest {
        let node = bowline_yaml::parse_first(text).unwrap().unwrap();
        let object = crate::to_json(&node);
        let source = crate::Source { template: "web/templates/a.yaml".into(), ..Default::default() };
        Manifest { text: text.into(), object, node: Arc::new(node), source, hook: None }
    }

    #[test]
    fn lists_are_taken_apart_and_their_items_keep_their_places() {
        let list = "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Secret\n  metadata: {name: s}\n\
                    - apiVersion: v1\n  kind: ConfigMapList\n  items:\n  - metadata:\n      name: m\n";
        let set = ManifestSet { manifests: vec![manifest(list), manifest("kind: X\n")], ..ManifestSet::default() };
        let flat = set.flattened();
        let told: Vec<(String, String, u32)> = flat.manifests[..2]
            .iter()
            .map(|m| {
                let text = |value: &Value| value.as_str().unwrap().to_owned();
                (text(&m.object["kind"]), text(&m.object["metadata"]["name"]), m.locate("/metadata/name").line)
            })
            .collect();
        assert_eq!(told, [("Secret".into(), "s".into(), 6), ("ConfigMap".into(), "m".into(), 11)]);
        assert_eq!((flat.manifests.len(), &flat.manifests[1].object["apiVersion"]), (3, &json!("v1")));
        assert!(matches!(flat.flattened(), Cow::Borrowed(_)));
    }

    #[test]
    fn what_cannot_be_deployed_is_named_with_its_place() {
        let cases = [
            ("apiVersion: v1\nkind: A\nmetadata: {name: a}\n", ""),
            ("null\n", ""),
            ("kind: A\nmetadata: {name: a}\n", "web/templates/a.yaml:1:1: document has no apiVersion"),
            ("apiVersion: v1\nkind: A\n", "web/templates/a.yaml:1:1: document has no metadata.name"),
            ("text\n", "web/templates/a.yaml:1:1: document has no apiVersion"),
            (
                "apiVersion: v1\nkind: A\nmetadata:\n  generateName: a-\n",
                "web/templates/a.yaml:4:17: A has metadata.generateName and no metadata.name: a release's objects are found \
                 again by their names",
            ),
        ];
        for (text, expected) in cases {
            let set = ManifestSet { manifests: vec![manifest(text)], ..ManifestSet::default() };
            let told: Vec<String> = set.incomplete().iter().map(ToString::to_string).collect();
            assert_eq!(told.join("; "), expected, "{text}");
        }
        let list = manifest("apiVersion: v1\nkind: List\nitems: []\n");
        let set = ManifestSet { hooks: vec![list], ..ManifestSet::default() };
        assert!(matches!(set.incomplete()[..], [ManifestError::HookList { .. }]));
    }
}
