//! Pod templates: equality, hash, and the pods made from them.

use serde_json::{Map, Value, json};

use super::Fields;

/// The label by which a Deployment's ReplicaSets and pods are told apart.
pub(crate) const HASH_LABEL: &str = "pod-template-hash";

/// Are two values the same to Kubernetes, to which absent, null and empty are one?
pub(crate) fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Object(a), Value::Object(b)) => {
            a.iter().all(|(k, v)| b.get(k).map_or_else(|| is_empty(v), |w| same(v, w)))
                && b.iter().all(|(k, w)| a.contains_key(k) || is_empty(w))
        }
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(v, w)| same(v, w)),
        _ => a == b || is_empty(a) && is_empty(b),
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(map) => map.values().all(is_empty),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}

/// Are two pod templates the same but for the hash label that a Deployment adds?
pub(crate) fn same_template(a: &Value, b: &Value) -> bool {
    same(&without_hash(a), &without_hash(b))
}

/// The template without the hash label.
pub(crate) fn without_hash(template: &Value) -> Value {
    let mut template = template.clone();
    if let Some(labels) = template.pointer_mut("/metadata/labels").and_then(Value::as_object_mut) {
        labels.remove(HASH_LABEL);
    }
    template
}

/// The hash that names a template's ReplicaSet, in the alphabet and length of Kubernetes' own.
///
/// The real one hashes Go's print of a Go struct, which nothing outside Go can know; this one hashes the canonical JSON, so
/// the letters differ and everything else is as there: equal templates have equal hashes, and `collisions` changes it.
pub(crate) fn hash(template: &Value, collisions: Option<i64>) -> String {
    let mut hash = 0x811c_9dc5_u32; // FNV-1a, 32 bits
    let mut feed = |bytes: &[u8]| {
        for byte in bytes {
            hash = (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193);
        }
    };
    feed(canonical(template).to_string().as_bytes());
    if let Some(collisions) = collisions {
        feed(&collisions.to_le_bytes());
    }
    hash.to_string().bytes().map(|digit| char::from(b"bcdfghjklmnpqrstvwxz2456789"[usize::from(digit) % 27])).collect()
}

/// Without empty fields and with sorted keys, so that equal templates print equally.
fn canonical(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut fields: Vec<(&String, &Value)> = map.iter().filter(|(_, v)| !is_empty(v)).collect();
            fields.sort_by_key(|(k, _)| *k);
            Value::Object(fields.into_iter().map(|(k, v)| (k.clone(), canonical(v))).collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(canonical).collect()),
        other => other.clone(),
    }
}

/// Adds a label to a template or selector's map at `path`.
pub(crate) fn with_label(object: &Value, path: &str, name: &str, value: &str) -> Value {
    let mut object = object.clone();
    let mut labels = object.pointer(path).and_then(Value::as_object).cloned().unwrap_or_else(Map::new);
    labels.insert(name.to_owned(), Value::from(value));
    object.put(path, Value::Object(labels));
    object
}

/// A pod made from a template, controlled by `reference`; its name is made from `prefix` by the API server.
pub(crate) fn pod_of(template: &Value, prefix: &str, namespace: &str, reference: &Value) -> Value {
    let mut metadata = json!({
        "generateName": format!("{prefix}-"),
        "namespace": namespace,
        "ownerReferences": [reference],
    });
    for field in ["labels", "annotations", "finalizers"] {
        if let Some(value) = template.pointer(&format!("/metadata/{field}")) {
            metadata.put(&format!("/{field}"), value.clone());
        }
    }
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": metadata,
        "spec": template.get("spec").cloned().unwrap_or_else(|| json!({})),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equality_and_hash_ignore_what_kubernetes_ignores() {
        let a = json!({"metadata": {"labels": {"app": "web"}, "creationTimestamp": null},
                       "spec": {"containers": [{"name": "c"}], "volumes": []}});
        let b = json!({"spec": {"containers": [{"name": "c", "resources": {}}]},
                       "metadata": {"labels": {"app": "web", "pod-template-hash": "x"}}});
        assert!(same_template(&a, &b));
        assert_eq!(hash(&a, None), hash(&without_hash(&b), None));
        assert_ne!(hash(&a, None), hash(&a, Some(1)));
        let c = json!({"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "d"}]}});
        assert!(!same_template(&a, &c));
        assert_ne!(hash(&a, None), hash(&c, None));
    }
}
