//! The fields that every object has.

use serde_json::{Map, Value};

use crate::api::Inner;
use crate::catalog::Resource;
use crate::{ResourceId, Status};

/// Length of a generated suffix, and of the longest name it is appended to.
const SUFFIX: usize = 5;
const LONGEST_GENERATED: usize = 63;

/// Text at `metadata.FIELD`; empty where absent.
pub(crate) fn text<'a>(object: &'a Value, field: &str) -> &'a str {
    object.get("metadata").and_then(|m| m.get(field)).and_then(Value::as_str).unwrap_or_default()
}

/// The object's `metadata`, made where it is missing; `None` where the object or its metadata is no object.
pub(crate) fn of(object: &mut Value) -> Option<&mut Map<String, Value>> {
    let metadata = object.as_object_mut()?.entry("metadata").or_insert_with(|| Value::Object(Map::new()));
    if metadata.is_null() {
        *metadata = Value::Object(Map::new());
    }
    metadata.as_object_mut()
}

/// Sets `metadata.FIELD`, or removes it where the value is null.
pub(crate) fn set(object: &mut Value, field: &str, value: impl Into<Value>) {
    let value = value.into();
    if let Some(metadata) = of(object) {
        if value.is_null() {
            metadata.remove(field);
        } else {
            metadata.insert(field.to_owned(), value);
        }
    }
}

/// The object's finalizers.
pub(crate) fn finalizers(object: &Value) -> Vec<&str> {
    let list = object.get("metadata").and_then(|m| m.get("finalizers")).and_then(Value::as_array);
    list.into_iter().flatten().filter_map(Value::as_str).collect()
}

/// Whether the object is on its way out.
pub(crate) fn is_deleting(object: &Value) -> bool {
    !text(object, "deletionTimestamp").is_empty()
}

/// What a client cannot choose is set for a new object.
pub(crate) fn begin(inner: &Inner, resource: &Resource, object: &mut Value) -> Result<(), Status> {
    let Some(metadata) = of(object) else {
        return Err(Status::bad_request("metadata: expected an object"));
    };
    for field in ["selfLink", "resourceVersion", "deletionTimestamp", "deletionGracePeriodSeconds", "generation"] {
        metadata.remove(field);
    }
    let named = metadata.get("name").and_then(Value::as_str).is_some_and(|name| !name.is_empty());
    let generate = metadata.get("generateName").and_then(Value::as_str).unwrap_or_default();
    if !named && !generate.is_empty() {
        let base: String = generate.chars().take(LONGEST_GENERATED - SUFFIX).collect();
        metadata.insert("name".to_owned(), Value::from(base + &inner.random.suffix(SUFFIX)));
    }
    metadata.insert("uid".to_owned(), Value::from(inner.random.uuid()));
    metadata.insert("creationTimestamp".to_owned(), Value::from(inner.clock.rfc3339()));
    if resource.counts_generations {
        metadata.insert("generation".to_owned(), Value::from(1));
    }
    Ok(())
}

/// What a client cannot change is taken over from the present object; conflicts are found.
pub(crate) fn carry_over(resource: &Resource, old: &Value, new: &mut Value) -> Result<(), Status> {
    let ResourceId { group, plural } = &resource.id;
    let name = text(old, "name").to_owned();
    let (asked, present) = (text(new, "resourceVersion"), text(old, "resourceVersion"));
    if !asked.is_empty() && asked != present {
        return Err(Status::modified(group, plural, &name));
    }
    let (asked, present) = (text(new, "uid"), text(old, "uid"));
    if !asked.is_empty() && asked != present {
        let why = format!("Precondition failed: UID in precondition: {asked}, UID in object meta: {present}");
        return Err(Status::conflict(group, plural, &name, &why));
    }
    for field in
        ["uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation", "generateName"]
    {
        let value = old.get("metadata").and_then(|m| m.get(field)).cloned().unwrap_or(Value::Null);
        set(new, field, value);
    }
    set(new, "selfLink", Value::Null);
    Ok(())
}

/// Whether anything but metadata and status differs. Of a Deployment annotations count too.
pub(crate) fn wants_changed(resource: &Resource, old: &Value, new: &Value) -> bool {
    let annotations = |object: &Value| object.get("metadata").and_then(|m| m.get("annotations")).cloned();
    if resource.id == crate::resources::DEPLOYMENTS && annotations(old) != annotations(new) {
        return true;
    }
    let of = |object: &Value| {
        let mut fields = object.as_object().cloned().unwrap_or_default();
        fields.retain(|key, _| !matches!(key.as_str(), "metadata" | "status"));
        fields
    };
    of(old) != of(new)
}
