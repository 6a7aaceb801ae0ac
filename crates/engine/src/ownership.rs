//! Whose an object is: Helm's label and annotations.

use bowline_cluster::{Metadata, ObjectRef};
use serde_json::{Value, json};

const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
const HELM: &str = "Helm";
const RELEASE_NAME: &str = "meta.helm.sh/release-name";
const RELEASE_NAMESPACE: &str = "meta.helm.sh/release-namespace";

/// A release, as objects name their owner.
#[derive(Clone, Copy)]
pub(crate) struct Owner<'a> {
    pub(crate) release: &'a str,
    pub(crate) namespace: &'a str,
}

impl Owner<'_> {
    /// Marks an object as this release's.
    pub(crate) fn sign(self, object: &mut Value) {
        let metadata = &mut object["metadata"];
        for (map, entries) in [
            ("labels", vec![(MANAGED_BY, HELM)]),
            ("annotations", vec![(RELEASE_NAME, self.release), (RELEASE_NAMESPACE, self.namespace)]),
        ] {
            // A chart may render `labels:` without anything under it.
            if !metadata[map].is_object() {
                metadata[map] = json!({});
            }
            for (key, value) in entries {
                metadata[map][key] = json!(value);
            }
        }
    }

    /// What is missing for an object of the cluster to be this release's, in Helm's words.
    ///
    /// The rule and the text are `checkOwnership` in Helm 4's `pkg/action/validate.go`.
    pub(crate) fn objection(self, object: &Value) -> Option<String> {
        let objections = [
            ("label", MANAGED_BY, object.label(MANAGED_BY), HELM),
            ("annotation", RELEASE_NAME, object.annotation(RELEASE_NAME), self.release),
            ("annotation", RELEASE_NAMESPACE, object.annotation(RELEASE_NAMESPACE), self.namespace),
        ]
        .into_iter()
        .filter_map(|(what, key, found, wanted)| match found {
            Some(found) if found == wanted => None,
            Some(found) => {
                Some(format!("{what} validation error: key {key:?} must equal {wanted:?}: current value is {found:?}"))
            }
            None => Some(format!("{what} validation error: missing key {key:?}: must be set to {wanted:?}")),
        });
        let objections: Vec<String> = objections.collect();
        (!objections.is_empty()).then(|| format!("invalid ownership metadata; {}", objections.join("; ")))
    }

    /// The sentence about an object that exists and is somebody else's.
    pub(crate) fn conflict(self, object: &ObjectRef, live: &Value) -> Option<String> {
        let objection = self.objection(live)?;
        let ObjectRef { gvk, namespace, name } = object;
        Some(format!(
            "{} {name:?} in namespace {namespace:?} exists and cannot be imported into the current release: {objection}",
            gvk.kind
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_signed_is_owned_and_the_rest_is_named() {
        let owner = Owner { release: "web", namespace: "demo" };
        let mut map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "m", "labels": null}});
        let object = ObjectRef::of(&map).unwrap();
        assert_eq!(
            owner.conflict(&object, &map).unwrap(),
            "ConfigMap \"m\" in namespace \"\" exists and cannot be imported into the current release: invalid ownership \
             metadata; label validation error: missing key \"app.kubernetes.io/managed-by\": must be set to \"Helm\"; \
             annotation validation error: missing key \"meta.helm.sh/release-name\": must be set to \"web\"; annotation \
             validation error: missing key \"meta.helm.sh/release-namespace\": must be set to \"demo\""
        );
        owner.sign(&mut map);
        assert_eq!(owner.objection(&map), None);
        let other = Owner { release: "api", namespace: "demo" };
        assert_eq!(
            other.objection(&map).unwrap(),
            "invalid ownership metadata; annotation validation error: key \"meta.helm.sh/release-name\" must equal \"api\": \
             current value is \"web\""
        );
    }
}
