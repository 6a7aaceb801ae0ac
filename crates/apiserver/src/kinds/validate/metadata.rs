//! Names, labels, annotations, owners and finalizers, which every object may have.

use serde_json::{Value, json};

use super::super::names;
use super::causes::{Causes, list, str};
use crate::catalog::Resource;
use crate::metadata::{finalizers, is_deleting, text};

/// All annotations together hold at most so many bytes.
const ANNOTATIONS: usize = 256 * 1024;

pub(super) fn check(resource: &Resource, object: &Value, causes: &mut Causes) {
    let name = text(object, "name");
    if name.is_empty() {
        return causes.required("metadata.name", "name or generateName is required");
    }
    let wrong = match (&*resource.id.group, &*resource.id.plural) {
        ("", "services" | "namespaces") => names::label_name(name),
        ("rbac.authorization.k8s.io", _) => names::path_segment(name),
        _ => names::subdomain(name),
    };
    if let Some(why) = wrong {
        causes.invalid_text("metadata.name", name, &why);
    }
    labels(&object["metadata"]["labels"], "metadata.labels", causes);
    let annotations = object.pointer("/metadata/annotations").and_then(Value::as_object);
    let mut size = 0;
    for (key, value) in annotations.into_iter().flatten() {
        size += key.len() + value.as_str().unwrap_or_default().len();
        if let Some(why) = names::qualified(&key.to_lowercase()) {
            causes.invalid_text("metadata.annotations", key, &why);
        }
    }
    if size > ANNOTATIONS {
        causes.invalid(
            "metadata.annotations",
            &json!("<omitted>"),
            &format!("may not be more than {ANNOTATIONS} bytes"),
        );
    }
    for (_, owner) in list(&object["metadata"], "ownerReferences") {
        for field in ["apiVersion", "kind", "name", "uid"] {
            if str(owner, field).is_empty() {
                let why = if field == "apiVersion" { "version must not be empty" } else { "must not be empty" };
                causes.invalid_text(format!("metadata.ownerReferences.{field}"), "", why);
            }
        }
    }
    for (at, finalizer) in finalizers(object).into_iter().enumerate() {
        let field = format!("metadata.finalizers[{at}]");
        if let Some(why) = names::qualified(finalizer) {
            causes.invalid_text(field, finalizer, &why);
        } else if !finalizer.contains('/') && !matches!(finalizer, "orphan" | "foregroundDeletion" | "kubernetes") {
            let why = "name is neither a standard finalizer name nor is it fully qualified";
            causes.invalid_text(field, finalizer, why);
        }
    }
}

/// Keys and values of labels.
pub(super) fn labels(labels: &Value, field: &str, causes: &mut Causes) {
    for (key, value) in labels.as_object().into_iter().flatten() {
        if let Some(why) = names::qualified(key) {
            causes.invalid_text(field, key, &why);
        }
        let value = value.as_str().unwrap_or_default();
        if let Some(why) = names::label_value(value) {
            causes.invalid_text(field, value, &why);
        }
    }
}

/// An object that is on its way out gets no new finalizers.
pub(super) fn check_changed(old: &Value, new: &Value, causes: &mut Causes) {
    if !is_deleting(old) {
        return;
    }
    let before = finalizers(old);
    let added: Vec<&str> = finalizers(new).into_iter().filter(|f| !before.contains(f)).collect();
    if !added.is_empty() {
        let list: Vec<String> = added.iter().map(|f| format!("{f:?}")).collect();
        let why = format!(
            "no new finalizers can be added if the object is being deleted, found new finalizers []string{{{}}}",
            list.join(", ")
        );
        // The real server finds it twice, and says it twice.
        causes.forbidden("metadata.finalizers", &why);
        causes.forbidden("metadata.finalizers", &why);
    }
}
