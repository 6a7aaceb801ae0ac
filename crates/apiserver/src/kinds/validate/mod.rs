//! Whether objects are valid, in the words of the real API server.

mod causes;
mod config;
mod metadata;
mod pod;
mod service;
mod workload;

use serde_json::Value;

use self::causes::Causes;
use crate::catalog::Resource;
use crate::metadata::text;
use crate::{Cause, Status};

/// Refuses a new object that is not valid.
///
/// # Errors
/// 422 with a cause for each field that is wrong.
pub(crate) fn validate_new(resource: &Resource, object: &Value) -> Result<(), Status> {
    if let Some(custom) = &resource.custom {
        custom.validate(resource, object)?;
    }
    let mut causes = Causes::default();
    metadata::check(resource, object, &mut causes);
    match (&*resource.id.group, &*resource.id.plural) {
        ("", "configmaps") => config::config_map(object, &mut causes),
        ("", "secrets") => config::secret(object, &mut causes),
        ("", "services") => service::check(object, &mut causes),
        ("", "pods") => pod::check(&object["spec"], "spec", &mut causes),
        ("apps" | "batch", plural) => workload::check(plural, object, &mut causes),
        ("apiextensions.k8s.io", "customresourcedefinitions") => definition(object, &mut causes),
        _ => {}
    }
    finish(resource, object, causes)
}

/// Refuses a change that is not valid.
///
/// # Errors
/// 422 with a cause for each field that is wrong.
pub(crate) fn validate_changed(
    resource: &Resource,
    subresource: Option<&str>,
    old: &Value,
    new: &Value,
) -> Result<(), Status> {
    if let Some(custom) = &resource.custom {
        custom.validate(resource, new)?;
    }
    let mut causes = Causes::default();
    metadata::check(resource, new, &mut causes);
    metadata::check_changed(old, new, &mut causes);
    if subresource == Some("status") {
        return finish(resource, new, causes);
    }
    match (&*resource.id.group, &*resource.id.plural) {
        ("", "configmaps") => {
            config::config_map(new, &mut causes);
            config::immutable(old, new, &["data", "binaryData"], &mut causes);
        }
        ("", "secrets") => {
            if old.get("type") != new.get("type") {
                causes.invalid("type", &new["type"], "field is immutable");
            }
            config::immutable(old, new, &["data"], &mut causes);
            config::secret(new, &mut causes);
        }
        ("", "services") => {
            service::check_changed(old, new, &mut causes);
            service::check(new, &mut causes);
        }
        ("", "pods") if subresource.is_none() => pod::check_changed(old, new, &mut causes),
        ("apps" | "batch", plural) => {
            workload::check(plural, new, &mut causes);
            workload::check_changed(plural, old, new, &mut causes);
        }
        ("rbac.authorization.k8s.io", "rolebindings" | "clusterrolebindings") if old["roleRef"] != new["roleRef"] => {
            causes.invalid("roleRef", &new["roleRef"], "cannot change roleRef");
        }
        _ => {}
    }
    finish(resource, new, causes)
}

/// A definition's name is made of its plural and its group, and one version is stored.
fn definition(object: &Value, causes: &mut Causes) {
    let spec = &object["spec"];
    let (group, plural) = (causes::str(spec, "group"), causes::str(&spec["names"], "plural"));
    let wanted = format!("{plural}.{group}");
    if text(object, "name") != wanted {
        let why = "must be spec.names.plural+\".\"+spec.group";
        causes.invalid_text("metadata.name", text(object, "name"), why);
    }
    for (field, value) in
        [("spec.group", group), ("spec.names.plural", plural), ("spec.names.kind", causes::str(&spec["names"], "kind"))]
    {
        if value.is_empty() {
            causes.required(field, "");
        }
    }
    if !matches!(causes::str(spec, "scope"), "Cluster" | "Namespaced") {
        causes.unsupported("spec.scope", &spec["scope"], &["Cluster", "Namespaced"]);
    }
    let stored = causes::list(spec, "versions").filter(|(_, v)| v["storage"].as_bool() == Some(true)).count();
    if stored != 1 {
        causes.invalid("spec.versions", &spec["versions"], "must have exactly one version marked as storage version");
    }
}

fn finish(resource: &Resource, object: &Value, causes: Causes) -> Result<(), Status> {
    let causes: Vec<Cause> = causes.into_list();
    if causes.is_empty() {
        return Ok(());
    }
    Err(Status::invalid(&resource.id.group, &resource.kind, text(object, "name"), causes))
}
