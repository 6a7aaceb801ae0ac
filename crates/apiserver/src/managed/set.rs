//! Sets of field paths, as `managedFields` writes them (`FieldsV1`).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

/// A tree of steps: `f:name` a field, `k:{…}` the list item with these keys, `v:…` the list item of this value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Set {
    /// Steps that are in the set themselves.
    members: BTreeSet<String>,
    /// What is in the set below a step.
    children: BTreeMap<String, Set>,
}

impl Set {
    pub(super) fn is_empty(&self) -> bool {
        self.members.is_empty() && self.children.values().all(Self::is_empty)
    }

    pub(super) fn insert(&mut self, path: &[String]) {
        match path {
            [] => {}
            [last] => {
                self.members.insert(last.clone());
            }
            [first, rest @ ..] => self.children.entry(first.clone()).or_default().insert(rest),
        }
    }

    pub(super) fn has(&self, step: &str) -> bool {
        self.members.contains(step)
    }

    pub(super) fn below(&self, step: &str) -> Option<&Self> {
        self.children.get(step).filter(|child| !child.is_empty())
    }

    /// Every step that is in the set or leads into it.
    pub(super) fn steps(&self) -> BTreeSet<&String> {
        self.members.iter().chain(self.children.keys()).collect()
    }

    pub(super) fn make_member(&mut self, step: &str) {
        self.members.insert(step.to_owned());
    }

    pub(super) fn child_mut(&mut self, step: &str) -> Option<&mut Self> {
        self.children.get_mut(step)
    }

    pub(super) fn union(mut self, other: &Self) -> Self {
        self.members.extend(other.members.iter().cloned());
        for (step, child) in &other.children {
            let own = self.children.remove(step).unwrap_or_default();
            self.children.insert(step.clone(), own.union(child));
        }
        self
    }

    pub(super) fn difference(&self, other: &Self) -> Self {
        self.combined(other, true)
    }

    pub(super) fn intersection(&self, other: &Self) -> Self {
        self.combined(other, false)
    }

    fn combined(&self, other: &Self, without: bool) -> Self {
        let members = self.members.iter().filter(|step| other.members.contains(*step) != without).cloned().collect();
        let nothing = Self::default();
        let children = self.children.iter().map(|(step, child)| {
            let theirs = other.children.get(step).unwrap_or(&nothing);
            (step.clone(), child.combined(theirs, without))
        });
        Self { members, children: children.filter(|(_, child)| !child.is_empty()).collect() }
    }

    /// Takes a step away with all that is below it.
    pub(super) fn remove(&mut self, path: &[&str]) {
        match path {
            [] => {}
            [last] => {
                self.members.remove(*last);
                self.children.remove(*last);
            }
            [first, rest @ ..] => {
                if let Some(child) = self.children.get_mut(*first) {
                    child.remove(rest);
                    if child.is_empty() {
                        self.children.remove(*first);
                    }
                }
            }
        }
    }

    /// Takes a step away, not what is below it.
    pub(super) fn remove_member(&mut self, step: &str) {
        self.members.remove(step);
    }

    /// Every path in the set.
    pub(super) fn paths(&self) -> Vec<Vec<String>> {
        let mut paths: Vec<Vec<String>> = self.members.iter().map(|step| vec![step.clone()]).collect();
        for (step, child) in &self.children {
            paths.extend(child.paths().into_iter().map(|rest| [vec![step.clone()], rest].concat()));
        }
        paths.sort();
        paths
    }

    pub(super) fn parse(fields: &Value) -> Self {
        let mut set = Self::default();
        for (step, below) in fields.as_object().into_iter().flatten().filter(|(step, _)| *step != ".") {
            let below_is_empty = below.as_object().is_none_or(Map::is_empty);
            if below_is_empty || below.get(".").is_some() {
                set.members.insert(step.clone());
            }
            if !below_is_empty {
                set.children.insert(step.clone(), Self::parse(below));
            }
        }
        set
    }

    pub(super) fn to_value(&self) -> Value {
        let mut fields = Map::new();
        for step in self.steps() {
            let mut below = match self.below(step).map(Self::to_value) {
                Some(Value::Object(below)) => below,
                _ => Map::new(),
            };
            if !below.is_empty() && self.has(step) {
                below.insert(".".to_owned(), Value::Object(Map::new()));
            }
            fields.insert(step.clone(), Value::Object(below));
        }
        Value::Object(fields)
    }
}

/// A path as messages write it: `.spec.containers[name="a"].image`.
pub(super) fn written(path: &[String]) -> String {
    let mut text = String::new();
    for step in path {
        match step.split_once(':') {
            Some(("f", name)) => {
                text.push('.');
                text.push_str(name);
            }
            Some(("k", keys)) => {
                let keys: Map<String, Value> = serde_json::from_str(keys).unwrap_or_default();
                let keys: Vec<String> = keys.iter().map(|(key, value)| format!("{key}={value}")).collect();
                text.push_str(&format!("[{}]", keys.join(",")));
            }
            Some(("v", value)) => text.push_str(&format!("[={value}]")),
            _ => text.push_str(&format!("[{step}]")),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn fields_are_read_and_written() {
        let fields = json!({"f:data": {".": {}, "f:x": {}}, "f:spec": {"f:ports": {"k:{\"port\":80}": {".": {}, "f:name": {}}}},
            "f:metadata": {"f:finalizers": {"v:\"a\"": {}}}});
        let set = Set::parse(&fields);
        assert_eq!(set.to_value(), fields);
        let paths: Vec<String> = set.paths().iter().map(|p| written(p)).collect();
        let wanted =
            [".data", ".data.x", ".metadata.finalizers[=\"a\"]", ".spec.ports[port=80]", ".spec.ports[port=80].name"];
        assert_eq!(paths, wanted);
        let less = set.difference(&Set::parse(&json!({"f:data": {"f:x": {}}})));
        assert_eq!(less.to_value()["f:data"], json!({}));
        assert_eq!(set.intersection(&less), less);
        assert_eq!(less.union(&set), set);
    }
}
