//! What kinds have of their own: defaults, what clients cannot set, allocation, admission, validation. What is not said
//! here is the same for every kind.

mod admission;
mod defaults;
mod names;
mod pods;
mod prepare;
mod services;
mod validate;
mod workloads;

pub(crate) use admission::admit_new;
pub(crate) use prepare::{convert_changed, prepare_changed, prepare_new};
pub(crate) use services::{Addresses, allocate, give_back_changed};
use workloads::default_labels;

pub(crate) use validate::{validate_changed, validate_new};

use serde_json::{Map, Value};

use crate::Api;
use crate::catalog::Resource;

/// Sets the fields that were left out to what the kind's documentation says.
pub(crate) fn default(resource: &Resource, object: &mut Value) {
    defaults::set(&resource.id.group, &resource.id.plural, object);
}

impl Api {
    /// After an object was written.
    pub(crate) fn written(&self, resource: &Resource, object: &Value) {
        if resource.id == crate::resources::CUSTOM_RESOURCE_DEFINITIONS {
            self.define(object);
        }
    }

    /// After an object is gone: what it held is free again.
    pub(crate) fn released(&self, resource: &Resource, object: &Value) {
        services::released(self, resource, object);
        if resource.id == crate::resources::CUSTOM_RESOURCE_DEFINITIONS {
            self.undefine(object);
        }
    }
}

/// The object at a pointer, where there is one.
fn object<'a>(value: &'a mut Value, pointer: &str) -> Option<&'a mut Map<String, Value>> {
    value.pointer_mut(pointer)?.as_object_mut()
}

/// The object in a field, made where it is missing.
fn made<'a>(map: &'a mut Map<String, Value>, field: &str) -> Option<&'a mut Map<String, Value>> {
    let value = map.entry(field).or_insert_with(|| Value::Object(Map::new()));
    if value.is_null() {
        *value = Value::Object(Map::new());
    }
    value.as_object_mut()
}

/// The items of a list in a field.
fn items<'a>(map: &'a mut Map<String, Value>, field: &str) -> impl Iterator<Item = &'a mut Map<String, Value>> {
    map.get_mut(field).and_then(Value::as_array_mut).into_iter().flatten().filter_map(Value::as_object_mut)
}

/// Sets a field that is absent or null.
fn unless_set(map: &mut Map<String, Value>, field: &str, value: impl Into<Value>) {
    if map.get(field).is_none_or(Value::is_null) {
        map.insert(field.to_owned(), value.into());
    }
}

/// Text in a field; empty where absent.
fn str<'a>(map: &'a Map<String, Value>, field: &str) -> &'a str {
    map.get(field).and_then(Value::as_str).unwrap_or_default()
}
