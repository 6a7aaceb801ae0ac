//! Whether objects are valid.

use serde_json::Value;

use super::names;
use crate::catalog::Resource;
use crate::metadata::text;
use crate::{Cause, Status};

/// Refuses a new object that is not valid.
///
/// # Errors
/// 422 with a cause for each field that is wrong.
pub(crate) fn validate_new(resource: &Resource, object: &Value) -> Result<(), Status> {
    let mut causes = Vec::new();
    metadata(resource, object, &mut causes);
    finish(resource, object, causes)
}

/// Refuses a change that is not valid.
///
/// # Errors
/// 422 with a cause for each field that is wrong.
pub(crate) fn validate_changed(
    resource: &Resource,
    _subresource: Option<&str>,
    _old: &Value,
    new: &Value,
) -> Result<(), Status> {
    let mut causes = Vec::new();
    metadata(resource, new, &mut causes);
    finish(resource, new, causes)
}

fn finish(resource: &Resource, object: &Value, causes: Vec<Cause>) -> Result<(), Status> {
    if causes.is_empty() {
        return Ok(());
    }
    Err(Status::invalid(&resource.id.group, &resource.kind, text(object, "name"), causes))
}

fn metadata(resource: &Resource, object: &Value, causes: &mut Vec<Cause>) {
    let name = text(object, "name");
    if name.is_empty() {
        causes.push(Cause::new(
            "FieldValueRequired",
            "metadata.name",
            "Required value: name or generateName is required",
        ));
        return;
    }
    let wrong = match (&*resource.id.group, &*resource.id.plural) {
        ("", "services") => {
            names::label_name(name).and(names::label_name_1035(name)).or_else(|| names::label_name_1035(name))
        }
        ("", "namespaces") => names::label_name(name),
        ("rbac.authorization.k8s.io", _) => names::path_segment(name),
        _ => names::subdomain(name),
    };
    if let Some(why) = wrong {
        causes.push(Cause::new("FieldValueInvalid", "metadata.name", format!("Invalid value: {name:?}: {why}")));
    }
    for (key, value) in object.pointer("/metadata/labels").and_then(Value::as_object).into_iter().flatten() {
        if let Some(why) = names::qualified(key) {
            causes.push(Cause::new("FieldValueInvalid", "metadata.labels", format!("Invalid value: {key:?}: {why}")));
        }
        let value = value.as_str().unwrap_or_default();
        if let Some(why) = names::label_value(value) {
            causes.push(Cause::new("FieldValueInvalid", "metadata.labels", format!("Invalid value: {value:?}: {why}")));
        }
    }
    for key in object.pointer("/metadata/annotations").and_then(Value::as_object).into_iter().flat_map(|a| a.keys()) {
        if let Some(why) = names::qualified(&key.to_lowercase()) {
            causes.push(Cause::new(
                "FieldValueInvalid",
                "metadata.annotations",
                format!("Invalid value: {key:?}: {why}"),
            ));
        }
    }
}
