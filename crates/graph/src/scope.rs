//! What an object is called once the release's namespace is filled in, and where in the set it stands.

use std::collections::BTreeSet;

use bowline_manifest::{GroupKind, Manifest, ManifestSet, ObjectKey};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Which list of a [`ManifestSet`] a manifest stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Section {
    /// `crds`
    Crds,
    /// `manifests`
    Manifests,
    /// `hooks`
    Hooks,
}

/// A manifest of a [`ManifestSet`], by place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ManifestRef {
    /// The list.
    pub section: Section,
    /// The index in that list, from 0.
    pub index: usize,
}

impl ManifestRef {
    /// The manifest, where `set` is the set this was taken from.
    pub fn of(self, set: &ManifestSet) -> Option<&Manifest> {
        match self.section {
            Section::Crds => set.crds.get(self.index),
            Section::Manifests => set.manifests.get(self.index),
            Section::Hooks => set.hooks.get(self.index),
        }
    }
}

/// Cluster-scoped kinds of Kubernetes itself, by group, sorted. Taken from the discovery documents of Kubernetes 1.36.
const CLUSTER_SCOPED: &[(&str, &str)] = &[
    ("", "Namespace"),
    ("", "Node"),
    ("", "PersistentVolume"),
    ("admissionregistration.k8s.io", "MutatingAdmissionPolicy"),
    ("admissionregistration.k8s.io", "MutatingAdmissionPolicyBinding"),
    ("admissionregistration.k8s.io", "MutatingWebhookConfiguration"),
    ("admissionregistration.k8s.io", "ValidatingAdmissionPolicy"),
    ("admissionregistration.k8s.io", "ValidatingAdmissionPolicyBinding"),
    ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration"),
    ("apiextensions.k8s.io", "CustomResourceDefinition"),
    ("apiregistration.k8s.io", "APIService"),
    ("certificates.k8s.io", "CertificateSigningRequest"),
    ("flowcontrol.apiserver.k8s.io", "FlowSchema"),
    ("flowcontrol.apiserver.k8s.io", "PriorityLevelConfiguration"),
    ("gateway.networking.k8s.io", "GatewayClass"),
    ("networking.k8s.io", "IPAddress"),
    ("networking.k8s.io", "IngressClass"),
    ("networking.k8s.io", "ServiceCIDR"),
    ("node.k8s.io", "RuntimeClass"),
    ("rbac.authorization.k8s.io", "ClusterRole"),
    ("rbac.authorization.k8s.io", "ClusterRoleBinding"),
    ("resource.k8s.io", "DeviceClass"),
    ("resource.k8s.io", "ResourceSlice"),
    ("scheduling.k8s.io", "PriorityClass"),
    ("storage.k8s.io", "CSIDriver"),
    ("storage.k8s.io", "CSINode"),
    ("storage.k8s.io", "StorageClass"),
    ("storage.k8s.io", "VolumeAttachment"),
    ("storage.k8s.io", "VolumeAttributesClass"),
];

/// Names objects as the cluster will: the release's namespace where a namespaced object states none, no namespace at
/// all where the kind has none.
#[derive(Clone, Debug, Default)]
pub struct KeyOf {
    release_namespace: String,
    cluster_scoped: BTreeSet<GroupKind>,
}

impl KeyOf {
    /// For a release into `release_namespace`; cluster-scoped custom resources are learnt from the definitions in `set`.
    pub fn new(set: &ManifestSet, release_namespace: &str) -> Self {
        let definitions = set.crds.iter().chain(&set.manifests).chain(&set.hooks).map(|m| &m.object);
        Self {
            release_namespace: release_namespace.to_owned(),
            cluster_scoped: definitions.filter_map(cluster_scoped_by).collect(),
        }
    }

    /// The namespace that stands in for a missing one.
    pub fn release_namespace(&self) -> &str {
        &self.release_namespace
    }

    /// Whether a kind has no namespaces. A kind nobody defined counts as namespaced.
    pub fn is_cluster_scoped(&self, group: &str, kind: &str) -> bool {
        CLUSTER_SCOPED.binary_search(&(group, kind)).is_ok()
            || self.cluster_scoped.contains(&GroupKind { group: group.to_owned(), kind: kind.to_owned() })
    }

    /// The key of an object; `None` without `apiVersion`, `kind` or name (`generateName` is none).
    pub fn object(&self, object: &Value) -> Option<ObjectKey> {
        ObjectKey::of(object).map(|key| self.resolve(key))
    }

    /// `key` with the namespace the cluster would use.
    pub fn resolve(&self, mut key: ObjectKey) -> ObjectKey {
        if self.is_cluster_scoped(&key.group, &key.kind) {
            key.namespace.clear();
        } else if key.namespace.is_empty() {
            key.namespace.clone_from(&self.release_namespace);
        }
        key
    }
}

/// The kind that a CustomResourceDefinition makes cluster-scoped, where it does.
fn cluster_scoped_by(object: &Value) -> Option<GroupKind> {
    let spec = object.get("spec")?;
    if object.get("kind")?.as_str()? != "CustomResourceDefinition" || spec.get("scope")?.as_str()? != "Cluster" {
        return None;
    }
    let text = |pointer: &str| spec.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    Some(GroupKind { group: text("/group")?, kind: text("/names/kind")? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_table_is_sorted_for_its_binary_search() {
        assert!(CLUSTER_SCOPED.is_sorted());
    }

    #[test]
    fn fills_in_the_namespace_only_where_the_kind_has_one() {
        let keys = KeyOf::new(&ManifestSet::default(), "shop");
        let key = |object: Value| keys.object(&object).unwrap();
        assert_eq!(key(json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}})).namespace, "shop");
        let stated = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a", "namespace": "other"}});
        assert_eq!(key(stated).namespace, "other");
        let odd = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "a", "namespace": "other"}});
        assert_eq!(key(odd).namespace, "");
        assert_eq!(keys.object(&json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"generateName": "a-"}})), None);
    }
}
