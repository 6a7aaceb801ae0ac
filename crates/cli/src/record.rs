//! Chart and values as Helm keeps them in a release's record.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bowline_chart::{Chart, File, Metadata};
use bowline_manifest::value_to_json;
use bowline_release::ChartRecord;
use bowline_yaml::Value as Yaml;
use serde_json::{Map, Value, json};

/// The chart as a record holds it: what it is, its templates, default values and files.
pub(crate) fn of_chart(chart: &Chart) -> ChartRecord {
    ChartRecord(json!({
        "metadata": metadata(&chart.metadata),
        "lock": null,
        "templates": chart.templates.iter().map(file).collect::<Vec<_>>(),
        "values": of_values(&chart.values),
        "schema": chart.schema.as_ref().map(|schema| STANDARD.encode(schema)),
        "files": chart.files.iter().map(file).collect::<Vec<_>>(),
    }))
}

/// The user's values as a record holds them.
pub(crate) fn of_values(values: &bowline_yaml::Map) -> Map<String, Value> {
    match value_to_json(&Yaml::Map(values.clone())) {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

fn file(file: &File) -> Value {
    json!({"name": &*file.name, "data": STANDARD.encode(&file.data)})
}

/// Fields in Helm's names; empty ones are left out as Go's `omitempty` does.
fn metadata(metadata: &Metadata) -> Value {
    let Metadata {
        name,
        home,
        sources,
        version,
        description,
        keywords,
        maintainers,
        icon,
        api_version,
        condition,
        tags,
        app_version,
        deprecated,
        annotations,
        kube_version,
        dependencies,
        kind,
    } = metadata;
    let mut map = Map::new();
    let texts = [
        ("name", name),
        ("home", home),
        ("version", version),
        ("description", description),
        ("icon", icon),
        ("apiVersion", api_version),
        ("condition", condition),
        ("tags", tags),
        ("appVersion", app_version),
        ("kubeVersion", kube_version),
        ("type", kind),
    ];
    for (key, text) in texts.into_iter().filter(|(_, text)| !text.is_empty()) {
        map.insert(key.to_owned(), Value::from(text.as_str()));
    }
    for (key, list) in [("sources", sources), ("keywords", keywords)].into_iter().filter(|(_, list)| !list.is_empty()) {
        map.insert(key.to_owned(), Value::from(list.clone()));
    }
    if !maintainers.is_empty() {
        let maintainers = maintainers.iter().map(|m| json!({"name": m.name, "email": m.email, "url": m.url}));
        map.insert("maintainers".to_owned(), maintainers.collect());
    }
    if *deprecated {
        map.insert("deprecated".to_owned(), Value::Bool(true));
    }
    if let Some(annotations) = annotations.as_ref().filter(|list| !list.is_empty()) {
        let annotations = annotations.iter().map(|(key, value)| (key.clone(), Value::from(value.as_str())));
        map.insert("annotations".to_owned(), Value::Object(annotations.collect()));
    }
    let dependencies = dependencies.iter().flatten().map(|d| {
        json!({"name": d.name, "version": d.version, "repository": d.repository, "condition": d.condition,
               "tags": d.tags, "enabled": d.enabled, "alias": d.alias})
    });
    let dependencies: Vec<Value> = dependencies.collect();
    if !dependencies.is_empty() {
        map.insert("dependencies".to_owned(), Value::Array(dependencies));
    }
    Value::Object(map)
}
