use std::collections::BTreeMap;
use std::fmt;

use bowline_manifest::{GroupVersionKind, ObjectKey};
use serde_json::Value;

use crate::ClusterError;

/// Which object of which kind, in which version it is spoken of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectRef {
    /// Group, version and kind.
    pub gvk: GroupVersionKind,
    /// Namespace; empty for cluster-scoped kinds.
    pub namespace: String,
    /// `metadata.name`
    pub name: String,
}

impl ObjectRef {
    /// From its parts; `api_version` as in `apps/v1`.
    pub fn new(api_version: &str, kind: &str, namespace: &str, name: &str) -> Self {
        Self { gvk: GroupVersionKind::new(api_version, kind), namespace: namespace.to_owned(), name: name.to_owned() }
    }

    /// Of an object, as it stands.
    ///
    /// # Errors
    /// [`ClusterError::NoObject`] where `apiVersion`, `kind` or `metadata.name` is missing.
    pub fn of(object: &Value) -> Result<Self, ClusterError> {
        let missing = |field| ClusterError::NoObject { doing: "read an object".to_owned(), field };
        let gvk = GroupVersionKind::of(object).ok_or_else(|| missing("apiVersion and kind"))?;
        let name = object.name();
        if name.is_empty() {
            return Err(missing("metadata.name"));
        }
        Ok(Self { gvk, namespace: object.namespace().to_owned(), name: name.to_owned() })
    }

    /// Without the version.
    pub fn key(&self) -> ObjectKey {
        ObjectKey {
            group: self.gvk.group.clone(),
            kind: self.gvk.kind.clone(),
            namespace: self.namespace.clone(),
            name: self.name.clone(),
        }
    }

    /// `verb Kind/name in namespace x`, as errors say it.
    pub(crate) fn doing(&self, verb: &str) -> String {
        if self.namespace.is_empty() {
            format!("{verb} {self}")
        } else {
            format!("{verb} {self} in namespace {}", self.namespace)
        }
    }
}

impl fmt::Display for ObjectRef {
    /// `Kind/name`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.gvk.kind, self.name)
    }
}

/// What every object carries, read without a type for its kind. Missing text reads as empty.
pub trait Metadata {
    /// `metadata.name`
    fn name(&self) -> &str;
    /// `metadata.namespace`
    fn namespace(&self) -> &str;
    /// `metadata.uid`
    fn uid(&self) -> &str;
    /// `metadata.resourceVersion`
    fn resource_version(&self) -> &str;
    /// `metadata.generation`, 0 where absent
    fn generation(&self) -> i64;
    /// `kind`
    fn kind(&self) -> &str;
    /// `metadata.annotations[key]`
    fn annotation(&self, key: &str) -> Option<&str>;
    /// `metadata.labels[key]`
    fn label(&self, key: &str) -> Option<&str>;
    /// `metadata.labels`
    fn labels(&self) -> BTreeMap<String, String>;
    /// The uid of the controlling owner, where there is one.
    fn controller_uid(&self) -> Option<&str>;
    /// Deletion was asked for, and something still holds it.
    fn is_terminating(&self) -> bool;
}

impl Metadata for Value {
    fn name(&self) -> &str {
        self["metadata"]["name"].as_str().unwrap_or_default()
    }

    fn namespace(&self) -> &str {
        self["metadata"]["namespace"].as_str().unwrap_or_default()
    }

    fn uid(&self) -> &str {
        self["metadata"]["uid"].as_str().unwrap_or_default()
    }

    fn resource_version(&self) -> &str {
        self["metadata"]["resourceVersion"].as_str().unwrap_or_default()
    }

    fn generation(&self) -> i64 {
        self["metadata"]["generation"].as_i64().unwrap_or_default()
    }

    fn kind(&self) -> &str {
        self["kind"].as_str().unwrap_or_default()
    }

    fn annotation(&self, key: &str) -> Option<&str> {
        self["metadata"]["annotations"].get(key)?.as_str()
    }

    fn label(&self, key: &str) -> Option<&str> {
        self["metadata"]["labels"].get(key)?.as_str()
    }

    fn labels(&self) -> BTreeMap<String, String> {
        let labels = self["metadata"]["labels"].as_object().into_iter().flatten();
        labels.filter_map(|(k, v)| Some((k.clone(), v.as_str()?.to_owned()))).collect()
    }

    fn controller_uid(&self) -> Option<&str> {
        let owners = self["metadata"]["ownerReferences"].as_array()?;
        owners.iter().find(|o| o["controller"] == true)?["uid"].as_str()
    }

    fn is_terminating(&self) -> bool {
        self["metadata"]["deletionTimestamp"].is_string()
    }
}
