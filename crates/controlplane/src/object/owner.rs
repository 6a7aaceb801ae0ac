//! Owner references: who made an object, and who must outlive it.

use serde_json::{Value, json};

use super::Fields;
use crate::kind::Kind;

/// The owner reference that controls the object, where there is one.
pub(crate) fn controller_of(object: &Value) -> Option<&Value> {
    object.items("/metadata/ownerReferences").iter().find(|r| r.flag("/controller"))
}

/// Is `owner` the controller of `object`?
pub(crate) fn is_controlled_by(object: &Value, owner: &Value) -> bool {
    controller_of(object).is_some_and(|r| r.text("/uid") == owner.uid())
}

/// The reference by which `owner`, of `kind`, controls what it creates.
pub(crate) fn controller_reference(kind: Kind, owner: &Value) -> Value {
    json!({
        "apiVersion": kind.api_version(), "kind": kind.kind, "name": owner.name(), "uid": owner.uid(),
        "controller": true, "blockOwnerDeletion": true,
    })
}
