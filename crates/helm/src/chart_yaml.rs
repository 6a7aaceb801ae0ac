//! `Chart.yaml` as Helm writes it: keys sorted, empty fields left out.

use bowline_chart::{Dependency, Metadata};
use bowline_yaml::{Map, Value};

use crate::failure::Failure;

/// The text of `Chart.yaml`.
pub(crate) fn chart_yaml(metadata: &Metadata) -> Result<String, Failure> {
    bowline_yaml::emit(&Value::Map(fields(metadata))).map_err(Failure::of)
}

fn fields(metadata: &Metadata) -> Map {
    let mut map = Map::new();
    let texts = [
        ("name", &metadata.name),
        ("home", &metadata.home),
        ("version", &metadata.version),
        ("description", &metadata.description),
        ("icon", &metadata.icon),
        ("apiVersion", &metadata.api_version),
        ("condition", &metadata.condition),
        ("tags", &metadata.tags),
        ("appVersion", &metadata.app_version),
        ("kubeVersion", &metadata.kube_version),
        ("type", &metadata.kind),
    ];
    texts.into_iter().for_each(|(key, text)| text_field(&mut map, key, text));
    list_field(&mut map, "sources", list(&metadata.sources));
    list_field(&mut map, "keywords", list(&metadata.keywords));
    let maintainers = metadata.maintainers.iter().map(|maintainer| {
        let mut map = Map::new();
        text_field(&mut map, "name", &maintainer.name);
        text_field(&mut map, "email", &maintainer.email);
        text_field(&mut map, "url", &maintainer.url);
        Value::Map(map)
    });
    list_field(&mut map, "maintainers", maintainers.collect());
    list_field(&mut map, "dependencies", metadata.dependencies().iter().map(dependency).collect());
    if metadata.deprecated {
        map.insert("deprecated".to_owned(), Value::Bool(true));
    }
    if let Some(annotations) = metadata.annotations.as_ref().filter(|annotations| !annotations.is_empty()) {
        let entries = annotations.iter().map(|(key, value)| (key.clone(), Value::String(value.clone())));
        map.insert("annotations".to_owned(), Value::Map(entries.collect()));
    }
    map
}

fn dependency(dependency: &Dependency) -> Value {
    let mut map = Map::new();
    // These two are written even where they are empty.
    map.insert("name".to_owned(), Value::String(dependency.name.clone()));
    map.insert("repository".to_owned(), Value::String(dependency.repository.clone()));
    text_field(&mut map, "version", &dependency.version);
    text_field(&mut map, "condition", &dependency.condition);
    text_field(&mut map, "alias", &dependency.alias);
    list_field(&mut map, "tags", list(&dependency.tags));
    list_field(&mut map, "import-values", dependency.import_values.clone());
    if dependency.enabled {
        map.insert("enabled".to_owned(), Value::Bool(true));
    }
    Value::Map(map)
}

fn list(texts: &[String]) -> Vec<Value> {
    texts.iter().map(|text| Value::String(text.clone())).collect()
}

fn text_field(map: &mut Map, key: &str, text: &str) {
    if !text.is_empty() {
        map.insert(key.to_owned(), Value::String(text.to_owned()));
    }
}

fn list_field(map: &mut Map, key: &str, items: Vec<Value>) {
    if !items.is_empty() {
        map.insert(key.to_owned(), Value::Seq(items));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_sorted_and_empty_ones_gone() {
        let metadata = Metadata {
            name: "app".to_owned(),
            version: "1.0.0".to_owned(),
            dependencies: Some(vec![Dependency { name: "db".to_owned(), ..Dependency::default() }]),
            ..Metadata::default()
        };
        let text = chart_yaml(&metadata).unwrap();
        assert_eq!(text, "dependencies:\n- name: db\n  repository: \"\"\nname: app\nversion: 1.0.0\n");
    }
}
