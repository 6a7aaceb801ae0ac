//! Creating and changing objects.
//!
//! ```text
//!   read (types, unknown fields) → default → prepare → own fields → admit → validate → store
//! ```

use std::sync::Arc;

use bowline_store::{Expect, StoreError};
use serde_json::{Value, json};

use crate::api::key;
use crate::catalog::Resource;
use crate::delete::is_held_namespace;
use crate::managed::{self, Context};
use crate::metadata::{self, finalizers, is_deleting, set, text, wants_changed};
use crate::schema::{Report, normal, schema};
use crate::{Api, FieldValidation, Patch, ResourceId, Status, WriteOptions, kinds, patch, resources};

/// How often a name is generated anew where it is taken.
const GENERATE_TRIES: usize = 8;

/// Who says who owns what after a write.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ownership {
    /// The writer owns what changed.
    Update,
    /// An apply has said it already.
    Applied,
}

impl Api {
    /// Creates an object.
    ///
    /// # Errors
    /// 409 where it exists, 404 where its namespace does not, 400 and 422 where it is not valid.
    pub fn create(
        &self,
        id: &ResourceId,
        namespace: &str,
        object: Value,
        options: &WriteOptions,
    ) -> Result<Arc<Value>, Status> {
        let resource = self.resource(id)?;
        let object = checked_type(&resource, object)?;
        self.create_owned(&resource, namespace, object, options, Ownership::Update)
    }

    fn create_owned(
        &self,
        resource: &Resource,
        namespace: &str,
        object: Value,
        options: &WriteOptions,
        ownership: Ownership,
    ) -> Result<Arc<Value>, Status> {
        let ResourceId { group, plural } = &resource.id;
        let object = read(resource, object, options)?;
        let mut object = checked_namespace(resource, namespace, object)?;
        kinds::default(resource, &mut object);
        kinds::prepare_new(resource, &mut object);
        if ownership == Ownership::Update {
            managed::update(&self.context(resource, None, options), &empty(resource), &mut object);
        }
        let generated = text(&object, "name").is_empty() && !text(&object, "generateName").is_empty();
        for _ in 0..GENERATE_TRIES {
            let mut attempt = object.clone();
            metadata::begin(&self.0, resource, &mut attempt)?;
            let name = text(&attempt, "name").to_owned();
            self.check_namespace_exists(resource, namespace, &name)?;
            kinds::admit_new(self, resource, &mut attempt)?;
            kinds::validate_new(resource, &attempt)?;
            let key = key(resource, namespace, &name);
            if self.partition(&resource.id).get(&key).is_some() {
                if generated {
                    continue;
                }
                return Err(Status::already_exists(group, plural, &name));
            }
            let held = kinds::allocate(self, resource, None, &mut attempt, options.dry_run)?;
            if options.dry_run {
                return Ok(Arc::new(attempt));
            }
            let put = self.partition(&resource.id).put(&key, Expect::Absent, |revision| {
                set(&mut attempt, "resourceVersion", revision.to_string());
                Arc::new(attempt)
            });
            match put {
                Ok(entry) => {
                    self.written(resource, &entry.value);
                    return Ok(entry.value);
                }
                Err(StoreError::Exists) => {
                    held.give_back(self);
                    if !generated {
                        return Err(Status::already_exists(group, plural, &name));
                    }
                }
                Err(other) => {
                    held.give_back(self);
                    return Err(Status::internal(other));
                }
            }
        }
        let name = text(&object, "generateName");
        let mut status = Status::already_exists(group, plural, name);
        status.message.push_str(", the server was not able to generate a unique name for the object");
        Err(status)
    }

    /// Replaces an object, or a part of it (`status`). With a `resourceVersion` only the version that the caller saw.
    ///
    /// # Errors
    /// 404 where it is not there, 409 where it changed meanwhile, 400 and 422 where it is not valid.
    pub fn update(
        &self,
        id: &ResourceId,
        namespace: &str,
        name: &str,
        subresource: Option<&str>,
        object: Value,
        options: &WriteOptions,
    ) -> Result<Arc<Value>, Status> {
        let resource = self.resource(id)?;
        let object = checked_namespace(&resource, namespace, checked_type(&resource, object)?)?;
        let own = text(&object, "name");
        if own != name {
            return Err(Status::bad_request(format!(
                "the name of the object ({own}) does not match the name on the URL ({name})"
            )));
        }
        let done = self.modify(&resource, namespace, name, subresource, options, |_| Ok(object.clone()))?;
        Ok(done)
    }

    /// Changes an object, or a part of it (`status`). An apply creates it where it does not exist.
    ///
    /// # Errors
    /// As [`Api::update`]; 409 for an apply against another manager's fields.
    pub fn patch(
        &self,
        id: &ResourceId,
        namespace: &str,
        name: &str,
        subresource: Option<&str>,
        patch: &Patch,
        options: &WriteOptions,
    ) -> Result<Arc<Value>, Status> {
        self.patch_or_create(id, namespace, name, subresource, patch, options).map(|(object, _)| object)
    }

    /// As [`Api::patch`], and whether the object was created.
    pub(crate) fn patch_or_create(
        &self,
        id: &ResourceId,
        namespace: &str,
        name: &str,
        subresource: Option<&str>,
        patch: &Patch,
        options: &WriteOptions,
    ) -> Result<(Arc<Value>, bool), Status> {
        let resource = self.resource(id)?;
        let Patch::Apply(config) = patch else {
            let change = |old: &Value| patch::patched(resource.schema(), old, patch);
            let done = self.modify(&resource, namespace, name, subresource, options, change)?;
            return Ok((done, false));
        };
        managed::check_config(config)?;
        let unnamed = text(config, "namespace").to_owned();
        let config = checked_namespace(&resource, namespace, checked_type(&resource, config.clone())?)?;
        let mut config = config;
        if text(&config, "name").is_empty() {
            set(&mut config, "name", name);
        }
        if text(&config, "name") != name {
            let own = text(&config, "name");
            return Err(Status::bad_request(format!(
                "the name of the object ({own}) does not match the name on the URL ({name})"
            )));
        }
        check_applied(&resource, &config, &unnamed, options)?;
        loop {
            let context = self.context(&resource, subresource, options);
            let change = |old: &Value| managed::apply(&context, old, &config, options.force);
            let done = self.modify_owned(&resource, namespace, name, subresource, options, Ownership::Applied, change);
            match done {
                Err(status) if status.is_not_found() && subresource.is_none() => {}
                other => return other.map(|object| (object, false)),
            }
            if !text(&config, "uid").is_empty() {
                return Err(Status::not_found(&id.group, &id.plural, name));
            }
            let made = managed::apply(&context, &empty(&resource), &config, options.force)?;
            match self.create_owned(&resource, namespace, made, options, Ownership::Applied) {
                // Somebody else created it meanwhile: apply to that.
                Err(status) if status.is_already_exists() => {}
                other => return other.map(|object| (object, true)),
            }
        }
    }

    /// Changes `spec.replicas` through the `scale` of a workload.
    ///
    /// # Errors
    /// As [`Api::update`].
    pub(crate) fn rescale(
        &self,
        id: &ResourceId,
        namespace: &str,
        name: &str,
        options: &WriteOptions,
        change: impl Fn(&Value) -> Result<Value, Status>,
    ) -> Result<Arc<Value>, Status> {
        let resource = self.resource(id)?;
        self.modify(&resource, namespace, name, Some("scale"), options, |old| {
            crate::http::scale::apply(old, &change(&crate::http::scale::of(old))?)
        })
    }

    fn context<'a>(
        &self,
        resource: &'a Resource,
        subresource: Option<&'a str>,
        options: &'a WriteOptions,
    ) -> Context<'a> {
        Context { resource, manager: &options.field_manager, subresource, now: self.0.clock.rfc3339() }
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
        self.modify_owned(resource, namespace, name, subresource, options, Ownership::Update, change)
    }

    #[allow(clippy::too_many_arguments)]
    fn modify_owned(
        &self,
        resource: &Resource,
        namespace: &str,
        name: &str,
        subresource: Option<&str>,
        options: &WriteOptions,
        ownership: Ownership,
        change: impl Fn(&Value) -> Result<Value, Status>,
    ) -> Result<Arc<Value>, Status> {
        let ResourceId { group, plural } = &resource.id;
        let (partition, key) = (self.partition(&resource.id), key(resource, namespace, name));
        loop {
            let missing = || Status::not_found(group, plural, name);
            let entry = partition.get(&key).ok_or_else(missing)?;
            let old = &entry.value;
            let mut new = read(resource, change(old)?, options)?;
            metadata::carry_over(resource, old, &mut new)?;
            kinds::default(resource, &mut new);
            keep_other_parts(resource, subresource, old, &mut new);
            kinds::convert_changed(resource, subresource, old, &mut new);
            set(&mut new, "resourceVersion", text(old, "resourceVersion"));
            let binds = subresource == Some("binding");
            let counts = resource.counts_generations && !binds && subresource != Some("status");
            if ownership == Ownership::Update && !binds {
                managed::update(&self.context(resource, subresource, options), old, &mut new);
            }
            kinds::prepare_changed(resource, subresource, old, &mut new);
            if counts && wants_changed(resource, old, &new) {
                let generation = old.pointer("/metadata/generation").and_then(Value::as_i64).unwrap_or(0);
                set(&mut new, "generation", generation + 1);
            }
            if new == **old {
                return Ok(Arc::clone(old));
            }
            kinds::validate_changed(resource, subresource, old, &new)?;
            let held = kinds::allocate(self, resource, Some(old), &mut new, options.dry_run)?;
            if options.dry_run {
                return Ok(Arc::new(new));
            }
            let expect = Expect::Revision(entry.modified);
            let gone = is_deleting(&new)
                && finalizers(&new).is_empty()
                && !is_held_namespace(resource, &new)
                && new.pointer("/metadata/deletionGracePeriodSeconds").and_then(Value::as_i64).unwrap_or(0) == 0;
            let versioned = |revision: u64| {
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
                    } else {
                        kinds::give_back_changed(self, resource, old, &entry.value);
                        self.written(resource, &entry.value);
                    }
                    return Ok(entry.value);
                }
                Err(StoreError::Conflict { .. }) => held.give_back(self),
                Err(StoreError::Missing) => {
                    held.give_back(self);
                    return Err(missing());
                }
                Err(other) => {
                    held.give_back(self);
                    return Err(Status::internal(other));
                }
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

/// The object of a kind in which nothing is set: what a create is compared with.
fn empty(resource: &Resource) -> Value {
    let object = json!({"apiVersion": resource.api_version(), "kind": resource.kind, "metadata": {}});
    match resource.schema() {
        Some(of) => normal(schema(), of, object, &mut Report::default()),
        None => object,
    }
}

/// The status of the empty object; null where there is none.
pub(crate) fn empty_status(resource: &Resource) -> Value {
    empty(resource).get("status").cloned().unwrap_or(Value::Null)
}

/// The object in the normal form of its kind; unknown fields are dropped, told or refused.
fn read(resource: &Resource, mut object: Value, options: &WriteOptions) -> Result<Value, Status> {
    let mut report = Report::default();
    let object = match resource.schema() {
        Some(of) => normal(schema(), of, object, &mut report),
        None => {
            // Of a custom resource only the metadata is known.
            if let (Some(fields), Some(of)) = (object.as_object_mut(), schema().by_name("meta.v1.ObjectMeta")) {
                let given = fields.remove("metadata").unwrap_or(Value::Null);
                let made = normal(schema(), of, given, &mut report);
                report.unknown.iter_mut().for_each(|path| path.insert_str(0, "metadata."));
                fields.insert("metadata".to_owned(), made);
            }
            if let Some(custom) = &resource.custom {
                custom.normal(&mut object, &mut report.unknown);
            }
            object
        }
    };
    judge(resource, &report, options)?;
    Ok(object)
}

fn judge(resource: &Resource, report: &Report, options: &WriteOptions) -> Result<(), Status> {
    let Resource { kind, version, .. } = resource;
    let cannot =
        |why: &str| Status::bad_request(format!("{kind} in version {version:?} cannot be handled as a {kind}: {why}"));
    if let Some(error) = &report.error {
        return Err(cannot(error));
    }
    let unknown = report.unknown.iter().map(|path| format!("unknown field {path:?}"));
    let twice = options.notes.duplicates().into_iter().map(|path| format!("duplicate field {path:?}"));
    let strict: Vec<String> = unknown.chain(twice).collect();
    match options.field_validation {
        FieldValidation::Strict if !strict.is_empty() => {
            Err(cannot(&format!("strict decoding error: {}", strict.join(", "))))
        }
        FieldValidation::Warn => {
            strict.into_iter().for_each(|warning| options.notes.warn(warning));
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Checks an apply's body against the types of its kind. The body itself stays as it was written: who writes `0.5` where
/// `500m` is stored has set another value, as far as ownership goes.
fn check_applied(resource: &Resource, config: &Value, namespace: &str, options: &WriteOptions) -> Result<(), Status> {
    let Some(of) = resource.schema() else { return Ok(()) };
    let mut report = Report::default();
    normal(schema(), of, config.clone(), &mut report);
    if report.error.is_none() && !report.unknown.is_empty() {
        let fields: Vec<String> =
            report.unknown.iter().map(|path| format!(".{path}: field not declared in schema")).collect();
        let (name, group, kind) = (text(config, "name"), &resource.id.group, &resource.kind);
        let version = &resource.version;
        let message = format!(
            "failed to create typed patch object ({namespace}/{name}; {group}/{version}, Kind={kind}): {}",
            fields.join("\n")
        );
        return Err(Status::new(500, "", message));
    }
    judge(resource, &report, options)
}

/// The object with `apiVersion` and `kind`, which must be the resource's where given.
pub(crate) fn checked_type(resource: &Resource, mut object: Value) -> Result<Value, Status> {
    let Some(fields) = object.as_object_mut() else {
        let kind = &resource.kind;
        return Err(Status::bad_request(format!(
            "the object provided is unrecognized (must be of type {kind}): the body is not an object"
        )));
    };
    let (wanted_version, wanted_kind) = (resource.api_version(), resource.kind.as_str());
    let given = |field: &str, wanted: &str| {
        let given = fields.get(field).and_then(Value::as_str).unwrap_or_default();
        if given.is_empty() { wanted.to_owned() } else { given.to_owned() }
    };
    let (version, kind) = (given("apiVersion", &wanted_version), given("kind", wanted_kind));
    if (version.as_str(), kind.as_str()) != (wanted_version.as_str(), wanted_kind) {
        let short = version.rsplit('/').next().unwrap_or_default();
        let (group, _) = version.rsplit_once('/').unwrap_or(("", &version));
        let why = if schema().of_kind(group, short, &kind).is_some() {
            let internal = |group: &str| if group.is_empty() { "core".to_owned() } else { group.to_owned() };
            let wanted = internal(&resource.id.group);
            format!("converting ({short}.{kind}) to ({wanted}.{wanted_kind}): unknown conversion")
        } else {
            format!("no kind {kind:?} is registered for version {version:?} in scheme \"pkg/runtime/scheme.go:111\"")
        };
        let message = format!("{kind} in version {short:?} cannot be handled as a {wanted_kind}: {why}");
        return Err(Status::bad_request(message));
    }
    fields.insert("apiVersion".to_owned(), Value::from(version));
    fields.insert("kind".to_owned(), Value::from(kind));
    Ok(object)
}

fn checked_namespace(resource: &Resource, namespace: &str, mut object: Value) -> Result<Value, Status> {
    if !resource.namespaced {
        set(&mut object, "namespace", Value::Null);
        return Ok(object);
    }
    let own = text(&object, "namespace");
    if !own.is_empty() && own != namespace {
        return Err(Status::bad_request(
            "the namespace of the provided object does not match the namespace sent on the request",
        ));
    }
    set(&mut object, "namespace", namespace);
    Ok(object)
}

/// A write to `status` changes nothing else, and any other write does not change the status.
fn keep_other_parts(resource: &Resource, subresource: Option<&str>, old: &Value, new: &mut Value) {
    let has_status = resource.subresource("status").is_some();
    let Some(fields) = new.as_object_mut() else { return };
    let keep = |fields: &mut serde_json::Map<String, Value>, name: &str| match old.get(name) {
        Some(value) => {
            fields.insert(name.to_owned(), value.clone());
        }
        None => {
            fields.remove(name);
        }
    };
    match subresource {
        // Binding writes a part of both.
        Some("binding") => {}
        Some("status") => {
            let names: Vec<String> =
                fields.keys().chain(old.as_object().into_iter().flat_map(|o| o.keys())).cloned().collect();
            for name in names.iter().filter(|n| !matches!(n.as_str(), "metadata" | "status")) {
                keep(fields, name);
            }
        }
        _ if has_status => keep(fields, "status"),
        _ => {}
    }
}
