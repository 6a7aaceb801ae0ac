use serde_json::{Map, Value};

const NO_ITEMS: &[Value] = &[];

/// Reads and writes fields of a dynamic object by JSON pointer (`/spec/replicas`).
///
/// Absent and wrongly typed fields read as empty: the API server has validated what matters, and a controller must not fall
/// over what a custom object holds.
pub(crate) trait Fields {
    /// The string at `path`, empty where absent.
    fn text(&self, path: &str) -> &str;
    /// The integer at `path`.
    fn int(&self, path: &str) -> Option<i64>;
    /// The boolean at `path`, false where absent.
    fn flag(&self, path: &str) -> bool;
    /// The items of the list at `path`, none where absent.
    fn items(&self, path: &str) -> &[Value];
    /// Is there a value other than null at `path`?
    fn has(&self, path: &str) -> bool;
    /// Sets the value at `path`, making the objects on the way. Null removes the field.
    fn put(&mut self, path: &str, value: impl Into<Value>);

    /// `metadata.name`
    fn name(&self) -> &str {
        self.text("/metadata/name")
    }
    /// `metadata.namespace`, empty for cluster-scoped objects.
    fn namespace(&self) -> &str {
        self.text("/metadata/namespace")
    }
    /// `metadata.uid`
    fn uid(&self) -> &str {
        self.text("/metadata/uid")
    }
    /// `metadata.resourceVersion`
    fn resource_version(&self) -> &str {
        self.text("/metadata/resourceVersion")
    }
    /// Has deletion been asked for?
    fn is_terminating(&self) -> bool {
        self.has("/metadata/deletionTimestamp")
    }
    /// `metadata.creationTimestamp`, in whole seconds; RFC 3339 in UTC sorts as text.
    fn created(&self) -> &str {
        self.text("/metadata/creationTimestamp")
    }
    /// The label, where it is set.
    fn label(&self, name: &str) -> Option<&str>;
    /// The annotation, where it is set.
    fn annotation(&self, name: &str) -> Option<&str>;
    /// Sets an annotation; true where that changed something.
    fn annotate(&mut self, name: &str, value: &str) -> bool;
}

impl Fields for Value {
    fn text(&self, path: &str) -> &str {
        self.pointer(path).and_then(Value::as_str).unwrap_or_default()
    }

    fn int(&self, path: &str) -> Option<i64> {
        self.pointer(path).and_then(Value::as_i64)
    }

    fn flag(&self, path: &str) -> bool {
        self.pointer(path).and_then(Value::as_bool).unwrap_or_default()
    }

    fn items(&self, path: &str) -> &[Value] {
        self.pointer(path).and_then(Value::as_array).map_or(NO_ITEMS, Vec::as_slice)
    }

    fn has(&self, path: &str) -> bool {
        self.pointer(path).is_some_and(|v| !v.is_null())
    }

    fn put(&mut self, path: &str, value: impl Into<Value>) {
        let value = value.into();
        let Some((parents, last)) = path.rsplit_once('/') else { return };
        let mut place = self;
        for step in parents.split('/').skip(1) {
            if !place.is_object() {
                *place = Value::Object(Map::new());
            }
            let Some(map) = place.as_object_mut() else { return };
            place = map.entry(step).or_insert(Value::Null);
        }
        if !place.is_object() {
            if value.is_null() {
                return;
            }
            *place = Value::Object(Map::new());
        }
        let Some(map) = place.as_object_mut() else { return };
        if value.is_null() {
            map.remove(last);
        } else {
            map.insert(last.to_owned(), value);
        }
    }

    fn label(&self, name: &str) -> Option<&str> {
        self.pointer("/metadata/labels")?.get(name)?.as_str()
    }

    fn annotation(&self, name: &str) -> Option<&str> {
        self.pointer("/metadata/annotations")?.get(name)?.as_str()
    }

    fn annotate(&mut self, name: &str, value: &str) -> bool {
        if self.annotation(name) == Some(value) {
            return false;
        }
        if !self.pointer("/metadata/annotations").is_some_and(Value::is_object) {
            self.put("/metadata/annotations", Value::Object(Map::new()));
        }
        if let Some(map) = self.pointer_mut("/metadata/annotations").and_then(Value::as_object_mut) {
            map.insert(name.to_owned(), Value::from(value));
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn put_makes_the_way_and_null_removes() {
        let mut object = json!({"spec": null});
        object.put("/spec/strategy/type", "Recreate");
        object.put("/status/replicas", 3);
        assert_eq!(object, json!({"spec": {"strategy": {"type": "Recreate"}}, "status": {"replicas": 3}}));
        object.put("/status/replicas", Value::Null);
        assert_eq!(object.int("/status/replicas"), None);
        assert!(object.annotate("a/b", "1") && !object.annotate("a/b", "1"));
        assert_eq!(object.annotation("a/b"), Some("1"));
    }
}
