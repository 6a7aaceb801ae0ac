//! Reads the references out of one object, by the tables.

use bowline_manifest::{GroupVersionKind, ObjectKey};
use serde_json::Value;

use crate::hostname::hosts;
use crate::pods::{containers, pod_pointer};
use crate::pointer::{child, expand, parent};
use crate::reference::{KeyUse, Reference, Relation, Wanted};
use crate::selector::Selector;
use crate::table::{BUILT_IN, FIELDS, Field, On, SELECTORS, TEXTS, To};
use crate::{KeyOf, Node, NodeId};

/// The references of `node`, in the order of the tables, their targets still empty.
pub(crate) fn references(node: &Node, keys: &KeyOf) -> Vec<Reference> {
    let mut found = Vec::new();
    let at = At { node, object: &node.manifest.object, keys };
    at.fields(&mut found);
    at.selectors(&mut found);
    at.hostnames(&mut found);
    at.namespace(&mut found);
    found
}

struct At<'a> {
    node: &'a Node,
    object: &'a Value,
    keys: &'a KeyOf,
}

impl At<'_> {
    fn reference(&self, pointer: String, relation: Relation, wanted: Wanted) -> Reference {
        Reference {
            from: self.node.id,
            pointer,
            relation,
            wanted,
            optional: false,
            keys: Vec::new(),
            targets: Vec::<NodeId>::new(),
            built_in: false,
        }
    }

    fn fields(&self, found: &mut Vec<Reference>) {
        let (group, kind) = (self.node.key.group.as_str(), self.node.key.kind.as_str());
        let pod_spec = pod_pointer(group, kind).map(|pod| format!("{pod}/spec"));
        for field in FIELDS {
            let base = match field.on {
                On::Pods => pod_spec.as_deref(),
                On::Kinds(kinds) => kinds.contains(&(group, kind)).then_some(""),
            };
            let Some(base) = base else { continue };
            for (pointer, name) in expand(self.object, base, field.path) {
                found.extend(name.as_str().and_then(|name| self.field(field, pointer, name)));
            }
        }
    }

    fn field(&self, field: &Field, pointer: String, name: &str) -> Option<Reference> {
        if name.is_empty() {
            return None;
        }
        let around = parent(&pointer).to_owned();
        let beside = |key: &str| self.object.pointer(&child(&around, key));
        let text = |key: &str| beside(key).and_then(Value::as_str);
        let (group, kind) = match field.to {
            To::Kind(group, kind) => {
                // `kind` beside the name chooses; the table knows only the usual one. An object's own kind is no choice.
                if !around.is_empty() && text("kind").is_some_and(|stated| stated != kind) {
                    return None;
                }
                (group.to_owned(), kind.to_owned())
            }
            To::Beside => {
                let kind = text("kind")?;
                let group = text("apiGroup").map(str::to_owned);
                let group = group.or_else(|| text("apiVersion").map(|v| GroupVersionKind::new(v, kind).group));
                if matches!(kind, "User" | "Group") {
                    return None;
                }
                (group.unwrap_or_default(), kind.to_owned())
            }
        };
        let own = &self.node.key.namespace;
        let namespace = if around.is_empty() { None } else { text("namespace") }.unwrap_or(own).to_owned();
        let key = self.keys.resolve(ObjectKey { group, kind, namespace, name: name.to_owned() });
        let built_in = is_built_in(&key);
        let optional = beside("optional").and_then(Value::as_bool).unwrap_or(false);
        let keys = match field.relation {
            Relation::Env | Relation::Volume => self.keys_used(&around),
            _ => Vec::new(),
        };
        Some(Reference { optional, keys, built_in, ..self.reference(pointer, field.relation, Wanted::Object(key)) })
    }

    /// `key`, or `items/*/key`, beside a name.
    fn keys_used(&self, around: &str) -> Vec<KeyUse> {
        let single = expand(self.object, around, "/key");
        let items = expand(self.object, around, "/items/*/key");
        let all = single.into_iter().chain(items);
        all.filter_map(|(pointer, key)| Some(KeyUse { key: key.as_str()?.to_owned(), pointer })).collect()
    }

    fn selectors(&self, found: &mut Vec<Reference>) {
        for (group, kind, path, is_selector) in SELECTORS {
            if (*group, *kind) != (self.node.key.group.as_str(), self.node.key.kind.as_str()) {
                continue;
            }
            for (pointer, value) in expand(self.object, "", path) {
                let selector = if *is_selector { Selector::of_selector(value) } else { Selector::of_labels(value) };
                if selector.is_empty() && !is_selector {
                    continue;
                }
                let wanted = Wanted::Pods { namespace: self.node.key.namespace.clone(), selector };
                found.push(self.reference(pointer, Relation::Selector, wanted));
            }
        }
    }

    fn hostnames(&self, found: &mut Vec<Reference>) {
        let (group, kind) = (self.node.key.group.as_str(), self.node.key.kind.as_str());
        let mut texts: Vec<(String, &str, &str)> = Vec::new();
        for container in containers(self.object, group, kind) {
            for (pointer, value) in expand(self.object, &container.pointer, "/env/*/value") {
                let name = self.object.pointer(&child(parent(&pointer), "name")).and_then(Value::as_str);
                texts.extend(value.as_str().map(|text| (pointer, name.unwrap_or_default(), text)));
            }
            for (pointer, value) in expand(self.object, &container.pointer, "/command|args/*") {
                texts.extend(value.as_str().map(|text| (pointer, "", text)));
            }
        }
        for (_, _, path) in TEXTS.iter().filter(|(g, k, _)| (*g, *k) == (group, kind)) {
            let data = expand(self.object, "", parent(path)).into_iter().filter_map(|(p, v)| Some((p, v.as_object()?)));
            for (base, map) in data {
                texts.extend(map.iter().filter_map(|(k, v)| Some((child(&base, k), k.as_str(), v.as_str()?))));
            }
        }
        for (pointer, label, text) in texts {
            for host in hosts(label, text) {
                let namespace = host.namespace.unwrap_or(&self.node.key.namespace).to_owned();
                let key =
                    ObjectKey { group: String::new(), kind: "Service".into(), namespace, name: host.service.into() };
                let mut reference = self.reference(pointer.clone(), Relation::Hostname, Wanted::Object(key));
                // a word that only looks like a Service counts where the chart has that Service
                reference.optional = !host.certain;
                found.push(reference);
            }
        }
    }

    fn namespace(&self, found: &mut Vec<Reference>) {
        let namespace = &self.node.key.namespace;
        if namespace.is_empty() {
            return;
        }
        let key = ObjectKey {
            group: String::new(),
            kind: "Namespace".into(),
            namespace: String::new(),
            name: namespace.clone(),
        };
        let built_in = is_built_in(&key) || namespace == self.keys.release_namespace();
        let wanted = Wanted::Object(key);
        found.push(Reference { built_in, ..self.reference("/metadata/namespace".into(), Relation::Namespace, wanted) });
    }
}

fn is_built_in(key: &ObjectKey) -> bool {
    BUILT_IN.iter().any(|(kind, name)| {
        *kind == key.kind && name.strip_suffix('*').map_or(*name == key.name, |head| key.name.starts_with(head))
    })
}
