//! Which fields of an object of the cluster a manifest would change.
//!
//! The cluster's copy has more than the manifest says (defaults, status, other owners' fields), so only what the manifest
//! states is compared, and what the last revision stated and this one no longer does. Values are compared as the API
//! server stores them: `"0.5"` of CPU is `500m`, `stringData` is `data`, an empty list is no list.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use crate::FieldChange;
use crate::quantity::same_quantity;

/// What a masked value is shown as.
const MASK: &str = "\"***\"";

/// The fields in which `live` differs from `desired`, and the ones of `previous` that go away, by pointer.
pub(crate) fn changes(desired: &Value, live: &Value, previous: Option<&Value>) -> Vec<FieldChange> {
    let is_secret = desired.get("kind").and_then(Value::as_str) == Some("Secret");
    let (desired, previous) = (as_stored(desired, is_secret), previous.map(|p| as_stored(p, is_secret)));
    let mut compare = Compare { is_secret, found: Vec::new() };
    compare.stated("", &desired, Some(live));
    if let Some(previous) = &previous {
        compare.dropped("", previous, Some(&desired), Some(live));
    }
    compare.found.sort_by(|a, b| a.pointer.cmp(&b.pointer));
    compare.found
}

/// The object as the API server would store it, as far as that matters here.
fn as_stored(object: &Value, is_secret: bool) -> Value {
    let mut object = object.clone();
    let Some(map) = object.as_object_mut() else { return object };
    // identity is no difference; the version is only how the object is written
    for field in ["apiVersion", "kind", "status"] {
        map.remove(field);
    }
    if let Some(metadata) = map.get_mut("metadata").and_then(Value::as_object_mut) {
        for field in ["name", "namespace", "creationTimestamp", "resourceVersion", "uid", "managedFields", "generation"]
        {
            metadata.remove(field);
        }
    }
    if is_secret && let Some(Value::Object(texts)) = map.remove("stringData") {
        let data = map.entry("data").or_insert_with(|| Value::Object(Map::new()));
        if let Some(data) = data.as_object_mut() {
            data.extend(texts.into_iter().filter_map(|(k, v)| Some((k, STANDARD.encode(v.as_str()?).into()))));
        }
    }
    object
}

struct Compare {
    is_secret: bool,
    found: Vec<FieldChange>,
}

impl Compare {
    fn report(&mut self, pointer: &str, before: Option<&Value>, after: Option<&Value>) {
        let secret = self.is_secret && (pointer == "/data" || pointer.starts_with("/data/"));
        let applied = pointer.ends_with("last-applied-configuration");
        let show = |value: &Value| if secret || applied { MASK.to_owned() } else { value.to_string() };
        let change = FieldChange { pointer: pointer.to_owned(), before: before.map(show), after: after.map(show) };
        if !self.found.contains(&change) {
            self.found.push(change);
        }
    }

    /// Everything `desired` states against `live`.
    fn stated(&mut self, pointer: &str, desired: &Value, live: Option<&Value>) {
        let live = live.filter(|value| !value.is_null());
        match (desired, live) {
            // null deletes a field; an empty collection is how the API server returns none
            (Value::Null, None) => {}
            (Value::Null, Some(live)) if !is_empty(live) => self.report(pointer, Some(live), None),
            (desired, None) if is_empty(desired) => {}
            (Value::Object(desired), Some(Value::Object(live))) => {
                for (key, value) in desired {
                    self.stated(&child(pointer, key), value, live.get(key));
                }
            }
            (Value::Object(desired), None) => {
                for (key, value) in desired {
                    self.stated(&child(pointer, key), value, None);
                }
            }
            (Value::Array(desired), Some(Value::Array(live))) => self.lists(pointer, desired, live),
            (desired, Some(live)) if same_scalar(pointer, desired, live) => {}
            (Value::Null, Some(_)) => {}
            (desired, live) => self.report(pointer, live, Some(desired)),
        }
    }

    fn lists(&mut self, pointer: &str, desired: &[Value], live: &[Value]) {
        if let (Some(wanted), Some(there)) = (by_key(pointer, desired), by_key(pointer, live)) {
            for (key, (index, value)) in &wanted {
                let live = there.get(key).map(|(_, value)| *value);
                match live {
                    Some(live) => self.stated(&format!("{pointer}/{index}"), value, Some(live)),
                    None => self.report(&format!("{pointer}/{index}"), None, Some(value)),
                }
            }
        } else if desired.len() == live.len() {
            for (index, (desired, live)) in desired.iter().zip(live).enumerate() {
                self.stated(&format!("{pointer}/{index}"), desired, Some(live));
            }
        } else {
            let whole = |items: &[Value]| Value::Array(items.to_vec());
            self.report(pointer, Some(&whole(live)), Some(&whole(desired)));
        }
    }

    /// Everything `previous` stated, `desired` no longer does, and `live` still has.
    fn dropped(&mut self, pointer: &str, previous: &Value, desired: Option<&Value>, live: Option<&Value>) {
        let Some(live) = live.filter(|value| !is_empty(value)) else { return };
        let desired = desired.filter(|value| !value.is_null());
        match (previous, desired, live) {
            (Value::Object(previous), Some(Value::Object(desired)), Value::Object(live)) => {
                for (key, value) in previous {
                    self.dropped(&child(pointer, key), value, desired.get(key), live.get(key));
                }
            }
            (Value::Array(previous), Some(Value::Array(desired)), Value::Array(live)) => {
                let (Some(previous), Some(desired), Some(live)) =
                    (by_key(pointer, previous), by_key(pointer, desired), by_key(pointer, live))
                else {
                    return;
                };
                for (key, (_, value)) in &previous {
                    let Some((index, live)) = live.get(key) else { continue };
                    self.dropped(&format!("{pointer}/{index}"), value, desired.get(key).map(|(_, v)| *v), Some(live));
                }
            }
            (Value::Null, ..) => {}
            (_, None, live) => self.report(pointer, Some(live), None),
            _ => {}
        }
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => map.is_empty(),
        _ => false,
    }
}

fn same_scalar(pointer: &str, a: &Value, b: &Value) -> bool {
    if a == b {
        return true;
    }
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
        (Value::String(_) | Value::Number(_), Value::String(_) | Value::Number(_)) => {
            let text = |v: &Value| v.as_str().map_or_else(|| v.to_string(), str::to_owned);
            let measured =
                ["/limits/", "/requests/", "/capacity/", "/hard/", "/sizeLimit", "/averageValue", "/overhead/"];
            measured.iter().any(|part| pointer.contains(part)) && same_quantity(&text(a), &text(b))
        }
        _ => false,
    }
}

/// Fields that identify an entry of a list, by the list's own name: the merge keys of the Kubernetes API
/// (`x-kubernetes-list-map-keys` of its OpenAPI documents), where they matter to what charts write.
const LIST_KEYS: &[(&str, &[&str])] = &[
    ("containers", &["name"]),
    ("initContainers", &["name"]),
    ("ephemeralContainers", &["name"]),
    ("volumes", &["name"]),
    ("env", &["name"]),
    ("imagePullSecrets", &["name"]),
    ("volumeMounts", &["mountPath"]),
    ("volumeDevices", &["devicePath"]),
    ("hostAliases", &["ip"]),
    ("ports", &["containerPort", "port", "protocol"]),
    ("topologySpreadConstraints", &["topologyKey", "whenUnsatisfiable"]),
    ("webhooks", &["name"]),
    ("versions", &["name"]),
];

/// The entries of a list by what identifies them, with their index; `None` where the list has no such field, or two
/// entries are the same by it.
fn by_key<'a>(pointer: &str, items: &'a [Value]) -> Option<BTreeMap<String, (usize, &'a Value)>> {
    let list = pointer.rsplit('/').next().unwrap_or_default();
    let (_, fields) = LIST_KEYS.iter().find(|(name, _)| *name == list)?;
    let mut map = BTreeMap::new();
    for (index, item) in items.iter().enumerate() {
        let mut key = String::new();
        for field in *fields {
            match (item.get(field), *field) {
                (Some(value), _) => key.push_str(&value.to_string()),
                // the API server's default
                (None, "protocol") => key.push_str("\"TCP\""),
                (None, _) => {}
            }
            key.push('\0');
        }
        if map.insert(key, (index, item)).is_some() {
            return None;
        }
    }
    Some(map)
}

fn child(pointer: &str, key: &str) -> String {
    format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn pointers(desired: &Value, live: &Value, previous: Option<&Value>) -> Vec<String> {
        changes(desired, live, previous).into_iter().map(|c| c.pointer).collect()
    }

    #[test]
    fn defaults_and_status_of_the_cluster_are_no_difference() {
        let desired = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a"},
            "spec": {"replicas": 2, "template": {"spec": {"containers": [
                {"name": "c", "image": "i", "ports": [{"containerPort": 80}], "resources": {"limits": {"cpu": 0.5, "memory": "1024Mi"}}}],
                "volumes": []}}}});
        let live = json!({"apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "a", "uid": "x", "resourceVersion": "1", "labels": {"app.kubernetes.io/managed-by": "Helm"}},
            "spec": {"replicas": 2, "progressDeadlineSeconds": 600, "template": {"spec": {"containers": [
                {"name": "c", "image": "i", "imagePullPolicy": "IfNotPresent", "ports": [{"containerPort": 80, "protocol": "TCP"}],
                 "resources": {"limits": {"cpu": "500m", "memory": "1Gi"}}}]}}},
            "status": {"replicas": 2}});
        assert_eq!(pointers(&desired, &live, None), Vec::<String>::new());
    }

    #[test]
    fn finds_changed_added_and_dropped_fields() {
        let object = |image: &str, env: Value, replicas: Value| {
            json!({"kind": "Deployment", "spec": {"replicas": replicas, "template": {"spec": {"containers": [
                {"name": "side", "image": "s"}, {"name": "c", "image": image, "env": env}]}}}})
        };
        let live = object("i:1", json!([{"name": "A", "value": "1"}, {"name": "OLD", "value": "x"}]), json!(3));
        let previous = object("i:1", json!([{"name": "A", "value": "1"}, {"name": "OLD", "value": "x"}]), json!(3));
        let mut desired = object("i:2", json!([{"name": "A", "value": "1"}, {"name": "NEW", "value": "y"}]), json!(3));
        desired["spec"].as_object_mut().unwrap().remove("replicas");
        let container = "/spec/template/spec/containers/1";
        assert_eq!(
            pointers(&desired, &live, Some(&previous)),
            [
                "/spec/replicas",
                &format!("{container}/env/1"),
                &format!("{container}/env/1"),
                &format!("{container}/image")
            ]
        );
    }

    #[test]
    fn secrets_are_compared_as_stored_and_never_shown() {
        let desired = json!({"kind": "Secret", "stringData": {"A": "same", "B": "new"}});
        let live = json!({"kind": "Secret", "data": {"A": STANDARD.encode("same"), "B": STANDARD.encode("old")}});
        let found = changes(&desired, &live, None);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].pointer.as_str(), found[0].after.as_deref()), ("/data/B", Some(MASK)));
        assert!(!format!("{found:?}").contains(&STANDARD.encode("new")));
        let whole = changes(&desired, &json!({"kind": "Secret"}), None);
        assert!(whole.iter().all(|c| c.after.as_deref() == Some(MASK)), "{whole:?}");
    }

    #[test]
    fn null_deletes_and_empty_is_nothing() {
        assert_eq!(pointers(&json!({"spec": {"a": null}}), &json!({"spec": {"a": 1}}), None), ["/spec/a"]);
        assert_eq!(pointers(&json!({"spec": {"a": null}}), &json!({"spec": {}}), None), Vec::<String>::new());
        assert_eq!(pointers(&json!({"spec": {"a": {}}}), &json!({"spec": {}}), None), Vec::<String>::new());
        assert_eq!(pointers(&json!({"spec": {"a": [1, 2]}}), &json!({"spec": {"a": [1]}}), None), ["/spec/a"]);
    }
}
