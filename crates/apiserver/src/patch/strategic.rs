//! Strategic merge patches: JSON merge patches in which lists of objects are merged by a key of theirs, with directives
//! (`$patch`, `$retainKeys`, `$setElementOrder/list`, `$deleteFromPrimitiveList/list`).

use serde_json::{Map, Value};

use crate::schema::{Field, Shape, Strategy, TypeId, schema};

const PATCH: &str = "$patch";
const RETAIN: &str = "$retainKeys";
const ORDER: &str = "$setElementOrder/";
const DELETE: &str = "$deleteFromPrimitiveList/";

/// Merges a patch into an object of a type.
pub(super) fn merge(of: TypeId, object: &mut Value, patch: Value) -> Result<(), String> {
    let Value::Object(patch) = patch else { return Err("a strategic merge patch must be an object".to_owned()) };
    if !object.is_object() {
        *object = Value::Object(Map::new());
    }
    match object {
        Value::Object(fields) => map(Some(&Shape::Struct(of)), fields, patch),
        _ => Ok(()),
    }
}

fn field_of<'a>(shape: Option<&'a Shape>, name: &str) -> (Option<&'a Field>, Option<&'a Shape>) {
    match shape {
        Some(Shape::Struct(of)) => {
            let field = schema().get(*of).field(name);
            (field, field.map(|f| &f.shape))
        }
        Some(Shape::Map(item)) => (None, Some(item)),
        _ => (None, None),
    }
}

fn map(shape: Option<&Shape>, object: &mut Map<String, Value>, mut patch: Map<String, Value>) -> Result<(), String> {
    match patch.remove(PATCH).as_ref().map(|d| d.as_str().unwrap_or_default()) {
        None => {}
        Some("replace") => {
            *object = Map::new();
        }
        Some("delete") => {
            *object = Map::new();
            return Ok(());
        }
        Some("merge") => {}
        Some(other) => return Err(format!("unknown patch type: {other}")),
    }
    if let Some(keys) = patch.remove(RETAIN) {
        let keys = keys.as_array().ok_or("$retainKeys must be a list")?;
        let kept = |name: &str| keys.iter().any(|k| k.as_str() == Some(name));
        if let Some(stray) =
            patch.iter().find(|(name, value)| !value.is_null() && !name.starts_with('$') && !kept(name))
        {
            return Err(format!("the retainKeys directive does not list {}", stray.0));
        }
        object.retain(|name, _| kept(name));
    }
    let (directives, fields): (Vec<_>, Vec<_>) = patch.into_iter().partition(|(name, _)| name.starts_with('$'));
    let server: Map<String, Value> = object.clone();
    let mut orders: std::collections::BTreeMap<String, Vec<Value>> = std::collections::BTreeMap::new();
    for (name, directive) in &directives {
        if let Some(list) = name.strip_prefix(DELETE) {
            let gone = directive.as_array().ok_or(format!("{name} must be a list"))?;
            if let Some(Value::Array(list)) = object.get_mut(list) {
                list.retain(|item| !gone.contains(item));
            }
        } else if !name.starts_with(ORDER) {
            return Err(format!("unknown directive {name}"));
        }
    }
    for (name, value) in fields {
        // Without a word on it, the order is that of the patch.
        if let Value::Array(items) = &value {
            orders.insert(name.clone(), items.clone());
        }
        merge_field(shape, object, name, value)?;
    }
    for (name, order) in directives {
        if let Some(list) = name.strip_prefix(ORDER) {
            let order = order.as_array().ok_or(format!("{name} must be a list"))?;
            orders.insert(list.to_owned(), order.clone());
        }
    }
    for (list, order) in orders {
        let key = match field_of(shape, &list).0.map(|f| &f.strategy) {
            Some(Strategy::MergeBy(key)) => Some(key.as_str()),
            Some(Strategy::Merge) => None,
            _ => continue,
        };
        let replaced = order.iter().any(|item| item.get(PATCH).and_then(Value::as_str) == Some("replace"));
        if let (Some(Value::Array(items)), before, false) = (object.get_mut(&list), server.get(&list), replaced) {
            let before = before.and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
            reorder(items, &order, before, key);
        }
    }
    Ok(())
}

fn merge_field(
    shape: Option<&Shape>,
    object: &mut Map<String, Value>,
    name: String,
    value: Value,
) -> Result<(), String> {
    let (field, shape) = field_of(shape, &name);
    let strategy = field.map_or(&Strategy::Usual, |f| &f.strategy);
    match value {
        Value::Null => {
            object.remove(&name);
        }
        Value::Object(patch) => {
            let present = object.entry(name).or_insert_with(|| Value::Object(Map::new()));
            if !present.is_object() || *strategy == Strategy::Replace {
                *present = Value::Object(Map::new());
            }
            if let Value::Object(present) = present {
                map(shape, present, patch)?;
            }
        }
        Value::Array(patch) => {
            let item = match shape {
                Some(Shape::List(item)) => Some(&**item),
                _ => None,
            };
            let present = object.entry(name).or_insert_with(|| Value::Array(Vec::new()));
            if !present.is_array() {
                *present = Value::Array(Vec::new());
            }
            if let Value::Array(present) = present {
                match strategy {
                    Strategy::MergeBy(key) => list(item, present, patch, key)?,
                    Strategy::Merge => {
                        for value in patch {
                            if !present.contains(&value) {
                                present.push(value);
                            }
                        }
                    }
                    Strategy::Usual | Strategy::Replace => *present = patch,
                }
            }
        }
        other => {
            object.insert(name, other);
        }
    }
    Ok(())
}

fn list(item: Option<&Shape>, present: &mut Vec<Value>, patch: Vec<Value>, key: &str) -> Result<(), String> {
    let directive = |value: &Value| value.get(PATCH).and_then(Value::as_str).map(str::to_owned);
    if patch.iter().any(|value| directive(value).as_deref() == Some("replace")) {
        *present = patch.into_iter().filter(|value| value.get(PATCH).is_none()).collect();
        return Ok(());
    }
    for value in patch {
        let Value::Object(mut fields) = value else { return Err("a list of objects has an item that is none".into()) };
        let id = fields.get(key).cloned().ok_or_else(|| {
            format!("map: {} does not contain declared merge key: {key}", Value::Object(fields.clone()))
        })?;
        let same = |value: &Value| value.get(key) == Some(&id);
        if fields.get(PATCH).and_then(Value::as_str) == Some("delete") {
            present.retain(|value| !same(value));
            continue;
        }
        match present.iter_mut().find(|value| same(value)) {
            Some(Value::Object(found)) => map(item, found, fields)?,
            _ => {
                let mut made = Map::new();
                fields.remove(PATCH);
                map(item, &mut made, fields)?;
                present.push(Value::Object(made));
            }
        }
    }
    Ok(())
}

/// Puts the items that the patch speaks of into its order; the others keep their place among those that were there.
fn reorder(items: &mut Vec<Value>, order: &[Value], before: &[Value], key: Option<&str>) {
    let id = |value: &Value| key.map_or_else(|| value.clone(), |key| value.get(key).cloned().unwrap_or(Value::Null));
    let place = |list: &[Value], value: &Value| list.iter().position(|other| id(other) == id(value));
    let (mut spoken, others): (Vec<Value>, Vec<Value>) =
        std::mem::take(items).into_iter().partition(|value| place(order, value).is_some());
    spoken.sort_by_key(|value| place(order, value));
    let (mut spoken, mut others) = (spoken.into_iter().peekable(), others.into_iter().peekable());
    loop {
        let other_first = match (others.peek(), spoken.peek()) {
            (None, None) => return,
            (Some(_), None) => true,
            (None, Some(_)) => false,
            (Some(other), Some(spoken)) => match (place(before, other), place(before, spoken)) {
                (Some(other), Some(spoken)) => other < spoken,
                _ => false,
            },
        };
        items.extend(if other_first { others.next() } else { spoken.next() });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn patch(kind: &str, mut object: Value, patch: Value) -> Value {
        merge(schema().by_name(kind).unwrap(), &mut object, patch).unwrap();
        object
    }

    #[test]
    fn lists_merge_by_their_key() {
        let pod = json!({"spec": {"containers": [
            {"name": "a", "image": "1", "env": [{"name": "X", "value": "1"}, {"name": "Y", "value": "2"}], "args": ["x"]},
            {"name": "b", "image": "1"}]}});
        let change = json!({"spec": {"containers": [
            {"name": "a", "image": "2", "args": ["y"], "env": [{"name": "X", "$patch": "delete"}, {"name": "Z", "value": "3"}]},
            {"name": "c", "image": "1"}]}});
        let wanted = json!({"spec": {"containers": [
            {"name": "a", "image": "2", "env": [{"name": "Z", "value": "3"}, {"name": "Y", "value": "2"}], "args": ["y"]},
            {"name": "c", "image": "1"}, {"name": "b", "image": "1"}]}});
        assert_eq!(patch("core.v1.Pod", pod, change), wanted);
    }

    #[test]
    fn directives_are_obeyed() {
        let deployment = json!({"spec": {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}}});
        let change = json!({"spec": {"strategy": {"$retainKeys": ["type"], "type": "Recreate"}}});
        assert_eq!(
            patch("apps.v1.Deployment", deployment, change),
            json!({"spec": {"strategy": {"type": "Recreate"}}})
        );
        let object = json!({"metadata": {"finalizers": ["a", "b", "c"], "labels": {"x": "1"}}});
        let change = json!({"metadata": {"$deleteFromPrimitiveList/finalizers": ["b"], "finalizers": ["d", "a"],
            "$setElementOrder/finalizers": ["d", "a"], "labels": {"$patch": "replace", "y": "2"}}});
        let wanted = json!({"metadata": {"finalizers": ["d", "a", "c"], "labels": {"y": "2"}}});
        assert_eq!(patch("core.v1.ConfigMap", object, change), wanted);
        let pod = json!({"spec": {"containers": [{"name": "a"}, {"name": "s"}, {"name": "b"}]}});
        let change = json!({"spec": {"$setElementOrder/containers": [{"name": "b"}, {"name": "a"}],
            "containers": [{"name": "b", "image": "2"}]}});
        let wanted = json!({"spec": {"containers": [{"name": "s"}, {"name": "b", "image": "2"}, {"name": "a"}]}});
        assert_eq!(patch("core.v1.Pod", pod, change), wanted, "s stood before b");
        let pod = json!({"spec": {"containers": [{"name": "a"}]}});
        let change = json!({"spec": {"containers": [{"$patch": "replace"}, {"name": "z"}]}});
        assert_eq!(patch("core.v1.Pod", pod, change), json!({"spec": {"containers": [{"name": "z"}]}}));
    }

    #[test]
    fn a_bad_patch_is_refused() {
        let pod = schema().by_name("core.v1.Pod").unwrap();
        for bad in [
            json!([]),
            json!({"spec": {"containers": [{"image": "x"}]}}),
            json!({"spec": {"containers": ["x"]}}),
            json!({"spec": {"$patch": "nonsense"}}),
        ] {
            assert!(merge(pod, &mut json!({"spec": {"containers": []}}), bad.clone()).is_err(), "{bad}");
        }
    }
}
