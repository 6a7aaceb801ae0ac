//! Where kinds keep their pod templates.

use std::collections::BTreeMap;

use serde_json::Value;

/// Kinds that make pods, and the JSON pointer of the pod (its `metadata` and `spec`) in them.
const TEMPLATES: &[(&str, &str, &str)] = &[
    ("", "Pod", ""),
    ("", "ReplicationController", "/spec/template"),
    ("apps", "DaemonSet", "/spec/template"),
    ("apps", "Deployment", "/spec/template"),
    ("apps", "ReplicaSet", "/spec/template"),
    ("apps", "StatefulSet", "/spec/template"),
    ("batch", "CronJob", "/spec/jobTemplate/spec/template"),
    ("batch", "Job", "/spec/template"),
];

/// The JSON pointer of the pod in objects of a kind; `None` for kinds that make no pods. Empty for a Pod itself.
pub fn pod_pointer(group: &str, kind: &str) -> Option<&'static str> {
    TEMPLATES.iter().find(|(g, k, _)| *g == group && *k == kind).map(|(_, _, pointer)| *pointer)
}

/// A container of a pod template and where it stands.
#[derive(Clone, Debug)]
pub struct Container<'a> {
    /// JSON pointer of the container in its object.
    pub pointer: String,
    /// Its name; empty where it has none.
    pub name: &'a str,
    /// Whether it is an init container.
    pub init: bool,
    /// The container.
    pub value: &'a Value,
}

/// The containers of an object's pod template, init containers first; empty for kinds that make no pods.
pub fn containers<'a>(object: &'a Value, group: &str, kind: &str) -> Vec<Container<'a>> {
    let Some(pod) = pod_pointer(group, kind) else { return Vec::new() };
    let of = |field: &str, init: bool| -> Vec<Container<'a>> {
        let pointer = format!("{pod}/spec/{field}");
        let list = object.pointer(&pointer).and_then(Value::as_array);
        list.into_iter()
            .flatten()
            .enumerate()
            .map(|(i, value)| Container {
                pointer: format!("{pointer}/{i}"),
                name: value.get("name").and_then(Value::as_str).unwrap_or_default(),
                init,
                value,
            })
            .collect()
    };
    let mut all = of("initContainers", true);
    all.extend(of("containers", false));
    all
}

/// Labels under a `metadata`; values that are not strings are left out, as the API server refuses them.
pub(crate) fn labels(metadata: Option<&Value>) -> BTreeMap<String, String> {
    let map = metadata.and_then(|m| m.get("labels")).and_then(Value::as_object);
    map.into_iter().flatten().filter_map(|(k, v)| Some((k.clone(), v.as_str()?.to_owned()))).collect()
}
