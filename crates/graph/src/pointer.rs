//! Walks an object along a path with alternatives and wildcards, and keeps the JSON pointer of what it finds.

use serde_json::Value;

/// Every value of `object` that `path` leads to, with its JSON pointer, in document order.
///
/// A path is a JSON pointer below `base` whose tokens may be `*` (each element of a list, each member of a mapping) or
/// alternatives, `containers|initContainers`.
pub(crate) fn expand<'a>(object: &'a Value, base: &str, path: &str) -> Vec<(String, &'a Value)> {
    let Some(start) = object.pointer(base) else { return Vec::new() };
    let mut found = vec![(base.to_owned(), start)];
    for token in path.split('/').skip(1) {
        found = found.into_iter().flat_map(|(pointer, value)| step(&pointer, value, token)).collect();
    }
    found
}

fn step<'a>(pointer: &str, value: &'a Value, token: &str) -> Vec<(String, &'a Value)> {
    match (token, value) {
        ("*", Value::Array(items)) => items.iter().enumerate().map(|(i, v)| (format!("{pointer}/{i}"), v)).collect(),
        ("*", Value::Object(map)) => map.iter().map(|(k, v)| (child(pointer, k), v)).collect(),
        (_, Value::Object(map)) => {
            token.split('|').filter_map(|name| map.get(name).map(|v| (child(pointer, name), v))).collect()
        }
        _ => Vec::new(),
    }
}

/// `pointer` one member deeper, escaped as RFC 6901 asks.
pub(crate) fn child(pointer: &str, name: &str) -> String {
    format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"))
}

/// `pointer` without its last token.
pub(crate) fn parent(pointer: &str) -> &str {
    pointer.rsplit_once('/').map_or("", |(head, _)| head)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn expands_wildcards_and_alternatives_in_document_order() {
        let pod = json!({"spec": {"containers": [{"name": "a"}, {"name": "b"}], "initContainers": [{"name": "i"}]}});
        let found = expand(&pod, "/spec", "/initContainers|containers/*/name");
        let pointers: Vec<&str> = found.iter().map(|(p, _)| p.as_str()).collect();
        assert_eq!(pointers, ["/spec/initContainers/0/name", "/spec/containers/0/name", "/spec/containers/1/name"]);
        assert!(expand(&pod, "/spec", "/volumes/*/name").is_empty());
        let config = json!({"data": {"a/b": "x"}});
        assert_eq!(expand(&config, "", "/data/*")[0].0, "/data/a~1b");
        assert_eq!(parent("/data/a~1b"), "/data");
    }
}
