//! What differs between two sets of manifests, object by object. How a document is written is no difference, only what it
//! says; the values of Secrets never show.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};
use similar::TextDiff;

use crate::{Manifest, ManifestSet, ObjectKey, Source, json_to_value};

/// What becomes of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Change {
    /// Only the new set has it.
    Added,
    /// Both have it, and they differ.
    Changed,
    /// Only the old set has it.
    Removed,
}

impl Change {
    /// `+`, `~` or `-`.
    pub fn sign(self) -> char {
        match self {
            Self::Added => '+',
            Self::Changed => '~',
            Self::Removed => '-',
        }
    }
}

/// An object that is not the same in two sets.
#[derive(Clone, Debug)]
pub struct Difference {
    /// What becomes of it.
    pub change: Change,
    /// The object.
    pub key: ObjectKey,
    /// Where it is written: in the new set, or in the old one where it is gone.
    pub source: Source,
    /// The lines that go and come, with three lines around each, in the form of unified diffs without a heading.
    pub text: String,
}

impl Difference {
    /// The line of the template in which the object begins, from 1; 0 where it is not known.
    pub fn line(&self) -> u32 {
        self.source.lines.first().copied().unwrap_or_default()
    }
}

impl ManifestSet {
    /// The objects in which this set differs from an older one, by kind, namespace and name. Objects without a namespace are
    /// taken to be in `namespace`, whatever the kind. Lists count item by item.
    pub fn differences_from(&self, old: &Self, namespace: &str) -> Vec<Difference> {
        let (new, old) = (by_key(self, namespace), by_key(old, namespace));
        let mut differences = Vec::new();
        for (key, manifest) in &new {
            match old.get(key) {
                None => differences.push(difference(Change::Added, key, manifest, None, Some(&manifest.object))),
                Some(before) => {
                    let found =
                        difference(Change::Changed, key, manifest, Some(&before.object), Some(&manifest.object));
                    if !found.text.is_empty() {
                        differences.push(found);
                    }
                }
            }
        }
        for (key, manifest) in old.iter().filter(|(key, _)| !new.contains_key(*key)) {
            differences.push(difference(Change::Removed, key, manifest, Some(&manifest.object), None));
        }
        let rank = |key: &ObjectKey| (key.kind.clone(), key.namespace.clone(), key.name.clone());
        differences.sort_by_key(|difference| rank(&difference.key));
        differences
    }
}

fn by_key(set: &ManifestSet, namespace: &str) -> BTreeMap<ObjectKey, Manifest> {
    let set = set.flattened();
    let all = set.crds.iter().chain(&set.manifests).chain(&set.hooks);
    let named = all.filter_map(|manifest| {
        let mut key = manifest.key()?;
        if key.namespace.is_empty() {
            namespace.clone_into(&mut key.namespace);
        }
        Some((key, manifest.clone()))
    });
    named.collect()
}

fn difference(
    change: Change,
    key: &ObjectKey,
    manifest: &Manifest,
    old: Option<&Value>,
    new: Option<&Value>,
) -> Difference {
    let (old, new) = masked(old, new);
    let text = |value: Option<&Value>| {
        // A value of JSON always has a text.
        value.map(|value| bowline_yaml::emit(&json_to_value(value)).unwrap_or_default()).unwrap_or_default()
    };
    let (old, new) = (text(old.as_ref()), text(new.as_ref()));
    let diff = TextDiff::from_lines(&old, &new);
    let text = if old == new { String::new() } else { diff.unified_diff().context_radius(3).to_string() };
    Difference { change, key: key.clone(), source: manifest.source.clone(), text }
}

/// The objects with the values of Secrets hidden, so that it still shows which of them change.
fn masked(old: Option<&Value>, new: Option<&Value>) -> (Option<Value>, Option<Value>) {
    let is_secret = |value: Option<&Value>| value.is_some_and(|value| value["kind"] == "Secret");
    let (mut old_hidden, mut new_hidden) = (old.cloned(), new.cloned());
    if is_secret(old) || is_secret(new) {
        let (before, after) = (data(old), data(new));
        hide(&mut old_hidden, &before, &after, "before");
        hide(&mut new_hidden, &after, &before, "after");
    }
    (old_hidden, new_hidden)
}

/// What a Secret holds, encoded, whichever way it is written.
fn data(secret: Option<&Value>) -> Map<String, Value> {
    let entries = |field: &str| secret.and_then(|s| s[field].as_object()).cloned().unwrap_or_default();
    let mut data = entries("data");
    let plain = entries("stringData").into_iter();
    data.extend(plain.map(|(key, value)| {
        let encoded = value.as_str().map(|text| Value::String(STANDARD.encode(text)));
        (key, encoded.unwrap_or(value))
    }));
    data
}

fn hide(secret: &mut Option<Value>, own: &Map<String, Value>, other: &Map<String, Value>, side: &str) {
    let Some(Value::Object(secret)) = secret else { return };
    for field in ["data", "stringData"] {
        let Some(Value::Object(entries)) = secret.get_mut(field) else { continue };
        for (key, value) in entries {
            let same = other.get(key).is_none_or(|other| own.get(key) == Some(other));
            *value = Value::String(if same { "***".to_owned() } else { format!("*** ({side})") });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::to_json;

    fn set(text: &str) -> ManifestSet {
        let manifests = bowline_yaml::parse(text).unwrap().into_iter().map(|node| Manifest {
            text: Arc::from(""),
            object: to_json(&node),
            node: Arc::new(node),
            source: Source { chart: "app".into(), template: "app/templates/a.yaml".into(), lines: Arc::from([7]) },
            hook: None,
        });
        ManifestSet { manifests: manifests.collect(), ..ManifestSet::default() }
    }

    #[test]
    fn only_what_documents_say_differs() {
        let old = set("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {x: '1', y: '2'}\n---\n\
             apiVersion: v1\nkind: ConfigMap\nmetadata: {name: gone}\n");
        let new = set(
            "kind: ConfigMap\napiVersion: v1\nmetadata:\n  name: a\n  namespace: ns\ndata:\n  y: \"2\"\n  x: \"1\"\n---\n\
             apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: ConfigMap, metadata: {name: new}}\n",
        );
        let found = new.differences_from(&old, "ns");
        let told: Vec<_> = found.iter().map(|d| (d.change, d.key.name.as_str())).collect();
        // The namespace that is now written is the one that it was in.
        assert_eq!(told, [(Change::Changed, "a"), (Change::Removed, "gone"), (Change::Added, "new")]);
        assert!(found[0].text.contains("+  namespace: ns"), "{}", found[0].text);
        assert!(!found[0].text.contains("y:"), "{}", found[0].text);
        assert_eq!((found[0].line(), found[0].source.template.as_str()), (7, "app/templates/a.yaml"));
        assert!(new.differences_from(&new, "ns").is_empty());
    }

    #[test]
    fn values_of_secrets_never_show_but_their_changes_do() {
        let secret = |data: &str| set(&format!("apiVersion: v1\nkind: Secret\nmetadata: {{name: s}}\n{data}\n"));
        let old = secret("data: {same: aHVzaA==, other: aHVzaA==}");
        let new = secret("stringData: {same: hush, other: hushed}");
        let found = new.differences_from(&old, "ns");
        let text = &found[0].text;
        assert!(text.contains("-  other: '*** (before)'") && text.contains("+  other: '*** (after)'"), "{text}");
        assert!(text.contains("  same: '***'") && !text.contains("hush") && !text.contains("aHVz"), "{text}");
        assert!(!secret("stringData: {a: hush}").differences_from(&set(""), "ns")[0].text.contains("hush"));
    }
}
