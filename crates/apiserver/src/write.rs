//! Creating and changing objects.

use std::sync::Arc;

use bowline_store::{Expect, StoreError};
use serde_json::Value;

use crate::api::key;
use crate::catalog::Resource;
use crate::delete::is_held_namespace;
use crate::metadata::{self, finalizers, is_deleting, set, text, wants_changed};
use crate::{Api, Patch, ResourceId, Status, WriteOptions, resources};

/// How often a name is generated anew where it is taken.
const GENERATE_TRIES: usize = 8;

impl Api {
    /// Creates an object.
    ///
    /// # Errors
    /// 409 where it exists, 404 where its namespace does not, 400 and 422 where it is not valid.
    pub fn create(
        &self,
        id: &ResourceId,
        namespace: &str,
        mut object: Value,
        options: &WriteOptions,
    ) -> Result<Arc<Value>, Status> {
        let resource = self.resource(id)?;
        check_type(&resource, &mut object)?;
        check_namespace(&resource, namespace, &mut object)?;
        let generated = text(&object, "name").is_empty() && !text(&object, "generateName").is_empty();
        for _ in 0..GENERATE_TRIES {
            let mut attempt = object.clone();
            metadata::begin(&self.0, &resource, &mut attempt)?;
            let name = text(&attempt, "name").to_owned();
            if name.is_empty() {
                let cause = crate::Cause::new(
                    "FieldValueRequired",
                    "metadata.name",
                    "Required value: name or generateName is required",
                );
                return Err(Status::invalid(&id.group, &resource.kind, "", vec![cause]));
            }
            self.check_namespace_exists(&resource, namespace, &name)?;
            if options.dry_run {
                return Ok(Arc::new(attempt));
            }
            let put = self.partition(id).put(&key(&resource, namespace, &name), Expect::Absent, |revision| {
                set(&mut attempt, "resourceVersion", revision.to_string());
                Arc::new(attempt)
            });
            match put {
                Ok(entry) => return Ok(entry.value),
                Err(StoreError::Exists) if generated => {}
                Err(StoreError::Exists) => return Err(Status::already_exists(&id.group, &id.plural, &name)),
                Err(other) => return Err(Status::internal(other)),
            }
        }
        Err(Status::already_exists(&id.group, &id.plural, text(&object, "generateName")))
    }

    /// Replaces an object, or its `status`. With a `resourceVersion` only the version that the caller saw.
    ///
    /// # Errors
    /// 404 where it is not there, 409 where it changed meanwhile, 400 and 422 where it is not valid.
    pub fn update(
        &self,
        id: &ResourceId,
        namespace: &str,
        name: &str,
        subresource: Option<&str>,
        mut object: Value,
        options: &WriteOptions,
    ) -> Result<Arc<Value>, Status> {
        let resource = self.resource(id)?;
        check_type(&resource, &mut object)?;
        check_namespace(&resource, namespace, &mut object)?;
        let own = text(&object, "name");
        if own != name {
            return Err(Status::bad_request(format!(
                "the name of the object ({own}) does not match the name on the URL ({name})"
            )));
        }
        self.modify(&resource, namespace, name, subresource, options, |_| Ok(object.clone()))
    }

    /// Changes an object, or its `status`.
    ///
    /// # Errors
    /// As [`Api::update`].
    pub fn patch(
        &self,
        id: &ResourceId,
        namespace: &str,
        name: &str,
        subresource: Option<&str>,
        patch: &Patch,
        options: &WriteOptions,
    ) -> Result<Arc<Value>, Status> {
        let resource = self.resource(id)?;
        self.modify(&resource, namespace, name, subresource, options, |old| {
            let mut new = old.clone();
            match patch {
                Patch::Merge(patch) | Patch::Strategic(patch) | Patch::Apply(patch) => {
                    json_patch::merge(&mut new, patch);
                }
                Patch::Json(operations) => {
                    let operations: json_patch::Patch = serde_json::from_value(operations.clone())
                        .map_err(|error| Status::bad_request(error.to_string()))?;
                    json_patch::patch(&mut new, &operations).map_err(|error| {
                        Status::new(
                            422,
                            "Invalid",
                            format!("the server rejected our request due to an error in our request: {error}"),
                        )
                    })?;
                }
            }
            Ok(new)
        })
    }

    /// Reads, changes and writes, again where somebody else was faster.
    pub(crate) fn modify(
        &self,
        resource: &Resource,
        namespace: &str,
        name: &str,
        subresource: Option<&str>,
        options: &WriteOptions,
        change: impl Fn(&Value) -> Result<Value, Status>,
    ) -> Result<Arc<Value>, Status> {
        let ResourceId { group, plural } = &resource.id;
        let (partition, key) = (self.partition(&resource.id), key(resource, namespace, name));
        loop {
            let missing = || Status::not_found(group, plural, name);
            let entry = partition.get(&key).ok_or_else(missing)?;
            let old = &entry.value;
            let mut new = change(old)?;
            metadata::carry_over(resource, old, &mut new)?;
            keep_other_parts(resource, subresource, old, &mut new);
            if resource.counts_generations && wants_changed(old, &new) {
                let generation = old.pointer("/metadata/generation").and_then(Value::as_i64).unwrap_or(0);
                set(&mut new, "generation", generation + 1);
            }
            set(&mut new, "resourceVersion", text(old, "resourceVersion"));
            if new == **old {
                return Ok(Arc::clone(old));
            }
            if options.dry_run {
                return Ok(Arc::new(new));
            }
            let expect = Expect::Revision(entry.modified);
            let gone = is_deleting(&new)
                && finalizers(&new).is_empty()
                && !is_held_namespace(resource, &new)
                && new.pointer("/metadata/deletionGracePeriodSeconds").and_then(Value::as_i64).unwrap_or(0) == 0;
            let versioned = |revision: u64| {
                let mut new = new.clone();
                set(&mut new, "resourceVersion", revision.to_string());
                Arc::new(new)
            };
            let written = if gone {
                partition.delete(&key, expect, |_, revision| versioned(revision))
            } else {
                partition.put(&key, expect, versioned)
            };
            match written {
                Ok(entry) => {
                    if gone {
                        self.released(resource, &entry.value);
                    }
                    return Ok(entry.value);
                }
                Err(StoreError::Conflict { .. }) => {}
                Err(StoreError::Missing) => return Err(missing()),
                Err(other) => return Err(Status::internal(other)),
            }
        }
    }

    fn check_namespace_exists(&self, resource: &Resource, namespace: &str, name: &str) -> Result<(), Status> {
        if !resource.namespaced {
            return Ok(());
        }
        let found = self.get(&resources::NAMESPACES, "", namespace)?;
        if is_deleting(&found) {
            let why = format!("unable to create new content in namespace {namespace} because it is being terminated");
            let mut status = Status::forbidden(&resource.id.group, &resource.id.plural, name, &why);
            if let Some(details) = &mut status.details {
                details.causes.push(crate::Cause {
                    reason: "NamespaceTerminating",
                    message: format!("namespace {namespace} is being terminated"),
                    field: "metadata.namespace".to_owned(),
                });
            }
            return Err(status);
        }
        Ok(())
    }
}

fn check_type(resource: &Resource, object: &mut Value) -> Result<(), Status> {
    let Some(map) = object.as_object_mut() else {
        return Err(Status::bad_request("the body of the request is not an object"));
    };
    map.entry("apiVersion").or_insert_with(|| Value::from(resource.api_version()));
    map.entry("kind").or_insert_with(|| Value::from(resource.kind.as_str()));
    Ok(())
}

fn check_namespace(resource: &Resource, namespace: &str, object: &mut Value) -> Result<(), Status> {
    if !resource.namespaced {
        set(object, "namespace", Value::Null);
        return Ok(());
    }
    let own = text(object, "namespace");
    if !own.is_empty() && own != namespace {
        return Err(Status::bad_request(
            "the namespace of the provided object does not match the namespace sent on the request",
        ));
    }
    set(object, "namespace", namespace);
    Ok(())
}

/// A write to `status` changes nothing else, and any other write does not change the status.
fn keep_other_parts(resource: &Resource, subresource: Option<&str>, old: &Value, new: &mut Value) {
    let has_status = resource.subresource("status").is_some();
    let Some(fields) = new.as_object_mut() else { return };
    let copy = |fields: &mut serde_json::Map<String, Value>, key: &str| match old.get(key) {
        Some(value) => {
            fields.insert(key.to_owned(), value.clone());
        }
        None => {
            fields.remove(key);
        }
    };
    if subresource == Some("binding") {
        // Binding writes a part of both.
    } else if subresource == Some("status") {
        let names: Vec<String> =
            fields.keys().chain(old.as_object().into_iter().flat_map(|o| o.keys())).cloned().collect();
        for name in names.iter().filter(|n| !matches!(n.as_str(), "metadata" | "status")) {
            copy(fields, name);
        }
    } else if has_status {
        copy(fields, "status");
    }
}
