//! `lookup`, as Helm's `pkg/engine/lookup_func.go` has it.

use bowline_cluster::{ClusterError, Resource};
use bowline_manifest::{GroupVersionKind, object_to_value};
use bowline_render::Lookup;
use bowline_yaml::{Map, Value};
use serde_json::{Value as Json, json};

use super::Server;

impl Server {
    /// The object, or the list of objects where no name is given; an empty map where there is none.
    pub(crate) fn lookup(&self, query: &Lookup<'_>) -> Result<Value, String> {
        let nothing = || Value::Map(Map::new());
        let found = match self.kind(query)? {
            Some(resource) if !query.name.is_empty() => {
                check_segment(query.name)?;
                let path = format!("{}/{}", resource.collection(query.namespace), query.name);
                self.ask(self.cluster.get_raw(&path))
            }
            Some(resource) => self
                .ask(self.cluster.get_raw(&resource.collection(query.namespace)))
                .map(|list| with_kinds(&resource.gvk, list)),
            // Helm asks for a resource without a name; what then comes back as a list is the server's list of versions.
            None if query.name.is_empty() => self.ask(self.cluster.get_raw("/api")).map(|mut versions| {
                versions["items"] = json!([]);
                versions
            }),
            None => return Ok(nothing()),
        };
        match found {
            Ok(found) => Ok(object_to_value(&found)),
            Err(error) if error.is_not_found() => Ok(nothing()),
            Err(error) => Err(self.text(&error)),
        }
    }

    /// The resource of a kind; `None` where its group version is served, and not it.
    fn kind(&self, query: &Lookup<'_>) -> Result<Option<Resource>, String> {
        // What is no group version is none at all.
        let api_version = if query.api_version.matches('/').count() > 1 { "" } else { query.api_version };
        let gvk = GroupVersionKind::new(api_version, query.kind);
        let failed = |why: String| {
            self.log("ERROR", "unable to retrieve resource list", &[("GroupVersion", api_version), ("error", &why)]);
            let shown = format!("{}/{}, Kind={}", gvk.group, gvk.version, gvk.kind);
            let facts = [("groupVersionKind", shown.as_str()), ("error", &why)];
            self.log("ERROR", "unable to get apiresource", &facts);
            Err(format!("unable to get apiresource from unstructured: {shown}: {why}"))
        };
        if api_version.is_empty() {
            return failed("groupVersion shouldn't be empty".to_owned());
        }
        match self.ask(self.cluster.resource(&gvk)) {
            Ok(resource) => Ok(Some(resource)),
            Err(ClusterError::UnknownKind { .. }) if self.ask(self.cluster.serves(api_version)) => Ok(None),
            Err(ClusterError::UnknownKind { .. }) => {
                failed("the server could not find the requested resource".to_owned())
            }
            Err(error) => failed(self.text(&error)),
        }
    }
}

/// A list as client-go reads it: it has items, and they have their kinds.
fn with_kinds(gvk: &GroupVersionKind, mut list: Json) -> Json {
    match list["items"].as_array_mut() {
        Some(items) => {
            for fields in items.iter_mut().filter_map(Json::as_object_mut) {
                fields.entry("apiVersion").or_insert_with(|| json!(gvk.api_version()));
                fields.entry("kind").or_insert_with(|| json!(gvk.kind));
            }
        }
        None => list["items"] = json!([]),
    }
    list
}

/// Names that cannot stand in a path are refused, not sent.
fn check_segment(name: &str) -> Result<(), String> {
    let why = match name {
        "." | ".." => format!("may not be '{name}'"),
        _ if name.contains('/') => "may not contain '/'".to_owned(),
        _ if name.contains('%') => "may not contain '%'".to_owned(),
        _ => return Ok(()),
    };
    Err(format!("invalid resource name {}: [{why}]", bowline_yaml::quote(name)))
}
