//! Objects seen through their schema: which fields they set, how two differ, how one is merged into another.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::set::Set;
use crate::catalog::Resource;
use crate::schema::{Shape, Topology, TypeId, schema};

/// What a value is to field ownership.
#[derive(Clone, Copy, Debug)]
pub(super) enum View<'a> {
    /// Owned as a whole.
    Leaf,
    /// A struct: fields by name.
    Fields(TypeId),
    /// A map: entries by key.
    Map(&'static Shape),
    /// A list of different scalars.
    Values,
    /// A list of objects by keys.
    Keyed(&'static [String], &'static Shape),
    /// A custom resource, or an object in one, by its structural schema.
    Custom(&'a Value),
    /// A list in a custom resource, by its schema.
    CustomList(&'a Value),
    /// Anything: maps by key, lists as a whole.
    Free,
}

impl<'a> View<'a> {
    /// Of a resource's objects.
    pub(super) fn of(resource: &'a Resource) -> Self {
        match (resource.schema(), &resource.custom) {
            (Some(of), _) => Self::Fields(of),
            (None, Some(custom)) => Self::Custom(&custom.schema),
            (None, None) => Self::Free,
        }
    }

    fn custom(schema: &'a Value) -> Self {
        let text = |field: &str| schema.get(field).and_then(Value::as_str).unwrap_or_default();
        match (text("type"), text("x-kubernetes-list-type")) {
            ("object", _) if text("x-kubernetes-map-type") == "atomic" => Self::Leaf,
            ("object", _) => Self::Custom(schema),
            ("array", "map" | "set") => Self::CustomList(schema),
            ("", _) => Self::Free,
            _ => Self::Leaf,
        }
    }

    fn new(shape: &'static Shape, topology: &'static Topology) -> Self {
        match (shape, topology) {
            (_, Topology::Atomic) => Self::Leaf,
            (Shape::Struct(of), _) if schema().get(*of).atomic => Self::Leaf,
            (Shape::Struct(of), _) => Self::Fields(*of),
            (Shape::Map(item), _) => Self::Map(item),
            (Shape::List(_), Topology::Set) => Self::Values,
            (Shape::List(item), Topology::Keyed(keys)) => Self::Keyed(keys, item),
            _ => Self::Leaf,
        }
    }

    fn field(self, name: &str) -> Self {
        match self {
            Self::Fields(of) => {
                schema().get(of).field(name).map_or(Self::Free, |field| Self::new(&field.shape, &field.topology))
            }
            Self::Map(item) => Self::new(item, &Topology::Usual),
            // At the root of a custom resource only: nothing else has a schema without its metadata described.
            Self::Custom(schema)
                if name == "metadata" && schema.pointer("/properties/metadata/properties").is_none() =>
            {
                crate::schema::schema().by_name("meta.v1.ObjectMeta").map_or(Self::Free, Self::Fields)
            }
            Self::Custom(schema) => {
                let property = schema.get("properties").and_then(|p| p.get(name));
                let others = schema.get("additionalProperties").filter(|o| o.is_object());
                property.or(others).map_or(Self::Free, Self::custom)
            }
            _ => Self::Free,
        }
    }

    /// Whether the name is a field that the type has, not a key that somebody chose.
    fn names(self, name: &str) -> bool {
        match self {
            Self::Fields(of) => schema().get(of).field(name).is_some(),
            Self::Custom(schema) => {
                name == "metadata" || schema.get("properties").is_some_and(|p| p.get(name).is_some())
            }
            _ => false,
        }
    }

    fn is_map(self) -> bool {
        matches!(self, Self::Fields(_) | Self::Map(_) | Self::Custom(_) | Self::Free)
    }

    /// The view of list items.
    fn item(self) -> Self {
        match self {
            Self::Keyed(_, Shape::Struct(of)) => Self::Fields(*of),
            Self::CustomList(schema) => schema.get("items").map_or(Self::Free, Self::custom),
            _ => Self::Leaf,
        }
    }

    /// What the items of a list are called.
    fn steps(self, list: &[Value]) -> Vec<String> {
        list.iter().map(|item| self.step(item)).collect()
    }

    fn step(self, item: &Value) -> String {
        match self {
            Self::Keyed(keys, shape) => {
                let mut named = Map::new();
                for key in keys {
                    let default = || match shape {
                        Shape::Struct(of) => schema().get(*of).field(key).and_then(|f| f.default.clone()),
                        _ => None,
                    };
                    let value = item.get(key).cloned().or_else(default);
                    named.extend(value.map(|value| (key.clone(), value)));
                }
                format!("k:{}", Value::Object(named))
            }
            Self::CustomList(schema) if schema.get("x-kubernetes-list-map-keys").is_some() => {
                let keys = schema.get("x-kubernetes-list-map-keys").and_then(Value::as_array).into_iter().flatten();
                let named = keys.filter_map(Value::as_str).filter_map(|key| {
                    let default = || schema.pointer(&format!("/items/properties/{key}/default")).cloned();
                    item.get(key).cloned().or_else(default).map(|value| (key.to_owned(), value))
                });
                format!("k:{}", Value::Object(named.collect()))
            }
            _ => format!("v:{item}"),
        }
    }
}

/// The fields that an object sets.
pub(super) fn fields(view: View<'_>, value: &Value) -> Set {
    let mut set = Set::default();
    collect(view, value, &mut Vec::new(), &mut set);
    set
}

fn collect(view: View<'_>, value: &Value, path: &mut Vec<String>, set: &mut Set) {
    match (view, value) {
        (view, Value::Object(map)) if view.is_map() => {
            for (name, value) in map {
                path.push(format!("f:{name}"));
                let empty = value.is_null() || value.as_object().is_some_and(Map::is_empty);
                if empty || !view.names(name) {
                    set.insert(path);
                }
                collect(view.field(name), value, path, set);
                path.pop();
            }
        }
        (View::Values | View::Keyed(..) | View::CustomList(_), Value::Array(list)) => {
            for (step, item) in view.steps(list).into_iter().zip(list) {
                path.push(step);
                collect(view.item(), item, path, set);
                set.insert(path);
                path.pop();
            }
        }
        _ => set.insert(path),
    }
}

/// How an object differs from another.
#[derive(Debug, Default)]
pub(super) struct Comparison {
    pub(super) added: Set,
    pub(super) modified: Set,
    pub(super) removed: Set,
}

impl Comparison {
    pub(super) fn of(view: View<'_>, old: &Value, new: &Value) -> Self {
        let mut comparison = Self::default();
        comparison.compare(view, Some(old), Some(new), &mut Vec::new());
        comparison
    }

    fn compare(&mut self, view: View<'_>, old: Option<&Value>, new: Option<&Value>, path: &mut Vec<String>) {
        let map = |value: Option<&'_ Value>| value.and_then(Value::as_object).filter(|map| !map.is_empty()).cloned();
        let list = |value: Option<&'_ Value>| value.and_then(Value::as_array).filter(|list| !list.is_empty()).cloned();
        let fits = |value: Option<&Value>, map: bool| match value {
            None | Some(Value::Null) => true,
            Some(Value::Object(_)) => map,
            Some(Value::Array(_)) => !map,
            _ => false,
        };
        if view.is_map() && fits(old, true) && fits(new, true) {
            let (old_map, new_map) = (map(old), map(new));
            if old_map.is_some() || new_map.is_some() {
                let (old_map, new_map) = (old_map.unwrap_or_default(), new_map.unwrap_or_default());
                let names: BTreeSet<&String> = old_map.keys().chain(new_map.keys()).collect();
                for name in names {
                    path.push(format!("f:{name}"));
                    self.compare(view.field(name), old_map.get(name), new_map.get(name), path);
                    path.pop();
                }
                return self.inner(old, new, path);
            }
        } else if matches!(view, View::Values | View::Keyed(..) | View::CustomList(_))
            && fits(old, false)
            && fits(new, false)
        {
            let (old_list, new_list) = (list(old), list(new));
            if old_list.is_some() || new_list.is_some() {
                let (old_list, new_list) = (old_list.unwrap_or_default(), new_list.unwrap_or_default());
                let by_step = |list: &'_ [Value]| -> BTreeMap<String, Value> {
                    view.steps(list).into_iter().zip(list.iter().cloned()).collect()
                };
                let (old_items, new_items) = (by_step(&old_list), by_step(&new_list));
                let steps: BTreeSet<&String> = old_items.keys().chain(new_items.keys()).collect();
                for step in steps {
                    path.push(step.clone());
                    self.compare(view.item(), old_items.get(step), new_items.get(step), path);
                    path.pop();
                }
                return self.inner(old, new, path);
            }
        }
        match (old, new) {
            (None, _) => self.added.insert(path),
            (_, None) => self.removed.insert(path),
            (Some(old), Some(new)) if old != new => self.modified.insert(path),
            _ => {}
        }
    }

    fn inner(&mut self, old: Option<&Value>, new: Option<&Value>, path: &[String]) {
        if old.is_none() {
            self.added.insert(path);
        } else if new.is_none() {
            self.removed.insert(path);
        }
    }
}

/// The object with everything that `config` sets.
pub(super) fn merge(view: View<'_>, object: Option<&Value>, config: &Value) -> Value {
    match (view, object, config) {
        (view, Some(Value::Object(own)), Value::Object(config)) if view.is_map() => {
            let mut merged = own.clone();
            for (name, value) in config {
                let value = merge(view.field(name), own.get(name), value);
                merged.insert(name.clone(), value);
            }
            Value::Object(merged)
        }
        (View::Values | View::Keyed(..) | View::CustomList(_), Some(Value::Array(own)), Value::Array(config)) => {
            Value::Array(merge_lists(view, own, config))
        }
        _ => config.clone(),
    }
}

/// Items that both have come in the order of `config`; the others keep their place.
fn merge_lists(view: View<'_>, own: &[Value], config: &[Value]) -> Vec<Value> {
    let (own_steps, config_steps) = (view.steps(own), view.steps(config));
    let place = |steps: &[String], step: &String| steps.iter().position(|s| s == step);
    let mut shared: std::collections::VecDeque<&String> =
        config_steps.iter().filter(|s| place(&own_steps, s).is_some()).collect();
    let mut merged_steps = BTreeSet::new();
    let mut merged = Vec::new();
    let (mut left, mut right) = (0, 0);
    while left < own.len() || right < config.len() {
        if let Some(step) = own_steps.get(left) {
            let in_config = place(&config_steps, step).is_some();
            if !in_config {
                merged.push(own[left].clone());
                left += 1;
                continue;
            }
            let next_in_config = config_steps.get(right);
            let waits = next_in_config.is_some() && next_in_config != Some(step);
            if merged_steps.contains(step) || (waits && shared.front().is_some_and(|next| *next != step)) {
                left += 1;
                continue;
            }
        }
        if let Some(step) = config_steps.get(right) {
            if shared.front() == Some(&step) {
                shared.pop_front();
            }
            if merged_steps.insert(step.clone()) {
                let present = place(&own_steps, step).map(|at| &own[at]);
                merged.push(merge(view.item(), present, &config[right]));
            }
            right += 1;
        }
    }
    merged
}

/// The object without what is in the set.
pub(super) fn without(view: View<'_>, value: &Value, set: &Set) -> Value {
    match (view, value) {
        (view, Value::Object(map)) if view.is_map() => {
            let kept = map.iter().filter_map(|(name, value)| {
                let step = format!("f:{name}");
                if set.has(&step) {
                    return None;
                }
                let value = match set.below(&step) {
                    Some(below) => without(view.field(name), value, below),
                    None => value.clone(),
                };
                Some((name.clone(), value))
            });
            let kept: Map<String, Value> = kept.collect();
            if kept.is_empty() && !map.is_empty() { Value::Null } else { Value::Object(kept) }
        }
        (View::Values | View::Keyed(..) | View::CustomList(_), Value::Array(list)) => {
            let kept = view.steps(list).into_iter().zip(list).filter_map(|(step, item)| {
                if set.has(&step) {
                    return None;
                }
                Some(set.below(&step).map_or_else(|| item.clone(), |below| without(view.item(), item, below)))
            });
            let kept: Vec<Value> = kept.collect();
            if kept.is_empty() && !list.is_empty() { Value::Null } else { Value::Array(kept) }
        }
        _ => value.clone(),
    }
}

/// The set with every named field on its paths as a member, so that removing an emptied struct removes its field.
pub(super) fn with_named_fields(view: View<'_>, set: &Set) -> Set {
    let mut full = set.clone();
    let steps: Vec<String> = set.steps().into_iter().cloned().collect();
    for step in steps {
        let Some(below) = set.below(&step) else { continue };
        let inner = match step.strip_prefix("f:") {
            Some(name) => {
                if view.names(name) {
                    full.make_member(&step);
                }
                view.field(name)
            }
            None => view.item(),
        };
        let below = with_named_fields(inner, below);
        if let Some(child) = full.child_mut(&step) {
            *child = below;
        }
    }
    full
}
