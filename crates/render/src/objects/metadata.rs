//! `.Chart`: what `Chart.yaml` says. In Helm 4 a mapping with Go's field names, in Helm 3 Go's struct itself.

use super::structure::{JsonField, Struct};
use crate::convert::from_yaml;
use bowline_chart::{Compat, Dependency, Metadata};
use bowline_gotemplate::{Element, List, ListKind, Map, TEXT_MAP, TEXTS, Text, Value};

/// `.Chart` of a chart; `root`: it lies in no other.
pub(crate) fn metadata(metadata: &Metadata, root: bool, compat: Compat) -> Value {
    let text = |text: &str| Value::text(text);
    let texts: fn(&[String]) -> Value = match compat {
        Compat::Helm3 => typed_texts,
        Compat::Helm4 => untyped_texts,
    };
    let list = |kind, items| match compat {
        Compat::Helm3 => typed_list(kind, items),
        Compat::Helm4 => Value::list(items),
    };
    let maintainers = metadata.maintainers.iter().map(|m| {
        let fields = vec![("Name", text(&m.name)), ("Email", text(&m.email)), ("URL", text(&m.url))];
        record("*chart.Maintainer", fields, MAINTAINER, compat)
    });
    let annotations = match &metadata.annotations {
        None => Map::nil().cast(&TEXT_MAP),
        Some(entries) => {
            let entry = |(key, value): &(String, String)| (Text::from(key.as_str()), text(value));
            Map::of(&TEXT_MAP, entries.iter().map(entry).collect())
        }
    };
    let dependencies = metadata.dependencies().iter().map(|found| dependency(found, texts, compat)).collect();
    let mut fields = vec![
        ("Name", text(&metadata.name)),
        ("Home", text(&metadata.home)),
        ("Sources", texts(&metadata.sources)),
        ("Version", text(&metadata.version)),
        ("Description", text(&metadata.description)),
        ("Keywords", texts(&metadata.keywords)),
        ("Maintainers", list(&MAINTAINERS, maintainers.collect())),
        ("Icon", text(&metadata.icon)),
        ("APIVersion", text(&metadata.api_version)),
        ("Condition", text(&metadata.condition)),
        ("Tags", text(&metadata.tags)),
        ("AppVersion", text(&metadata.app_version)),
        ("Deprecated", Value::Bool(metadata.deprecated)),
        ("Annotations", Value::Map(annotations)),
        ("KubeVersion", text(&metadata.kube_version)),
        ("Dependencies", list(&DEPENDENCIES, dependencies)),
        ("Type", text(&metadata.kind)),
    ];
    match compat {
        Compat::Helm4 => {
            fields.push(("IsRoot", Value::Bool(root)));
            record("", fields, &[], compat)
        }
        Compat::Helm3 => {
            let embedded = record("chart.Metadata", fields, METADATA, compat);
            let fields = vec![("Metadata", embedded), ("IsRoot", Value::Bool(root))];
            let type_name = "struct { chart.Metadata; IsRoot bool }";
            Value::object(Struct { embeds: true, ..Struct::new(type_name, fields) })
        }
    }
}

/// `[]*chart.Maintainer`
static MAINTAINERS: ListKind = ListKind { name: "[]*chart.Maintainer", element: Element::Any, methods: &[] };
/// `[]*chart.Dependency`
static DEPENDENCIES: ListKind = ListKind { name: "[]*chart.Dependency", element: Element::Any, methods: &[] };

const MAINTAINER: &[JsonField] = &[("name", false), ("email", false), ("url", false)];
const DEPENDENCY: &[JsonField] = &[
    ("name", true),
    ("version", false),
    ("repository", true),
    ("condition", false),
    ("tags", false),
    ("enabled", false),
    ("import-values", false),
    ("alias", false),
];
const METADATA: &[JsonField] = &[
    ("name", false),
    ("home", false),
    ("sources", false),
    ("version", false),
    ("description", false),
    ("keywords", false),
    ("maintainers", false),
    ("icon", false),
    ("apiVersion", false),
    ("condition", false),
    ("tags", false),
    ("appVersion", false),
    ("deprecated", false),
    ("annotations", false),
    ("kubeVersion", false),
    ("dependencies", false),
    ("type", false),
];

fn dependency(dependency: &Dependency, texts: fn(&[String]) -> Value, compat: Compat) -> Value {
    let text = |text: &str| Value::text(text);
    let import = |value: &bowline_yaml::Value| match from_yaml(value) {
        Value::Map(paths) => Value::Map(paths.cast(&TEXT_MAP)),
        other => other,
    };
    let imports: Vec<Value> = dependency.import_values.iter().map(import).collect();
    let nothing = compat.is_helm3() && imports.is_empty();
    let fields = vec![
        ("Name", text(&dependency.name)),
        ("Version", text(&dependency.version)),
        ("Repository", text(&dependency.repository)),
        ("Condition", text(&dependency.condition)),
        ("Tags", texts(&dependency.tags)),
        ("Enabled", Value::Bool(dependency.enabled)),
        ("ImportValues", if nothing { Value::List(List::nil()) } else { Value::list(imports) }),
        ("Alias", text(&dependency.alias)),
    ];
    record("*chart.Dependency", fields, DEPENDENCY, compat)
}

/// A struct of Helm 3, or the mapping that Helm 4 makes of it.
fn record(
    type_name: &'static str,
    fields: Vec<(&'static str, Value)>,
    json: &'static [JsonField],
    compat: Compat,
) -> Value {
    match compat {
        Compat::Helm3 => Value::object(Struct { json, ..Struct::new(type_name, fields) }),
        Compat::Helm4 => Value::Map(fields.into_iter().map(|(key, value)| (Text::from(key), value)).collect()),
    }
}

fn untyped_texts(items: &[String]) -> Value {
    Value::list(items.iter().map(|item| Value::text(item.as_str())).collect())
}

fn typed_texts(items: &[String]) -> Value {
    typed_list(&TEXTS, items.iter().map(|item| Value::text(item.as_str())).collect())
}

/// Go's slice of that type; without elements it is the nil one.
fn typed_list(kind: &'static ListKind, items: Vec<Value>) -> Value {
    Value::List(if items.is_empty() { List::nil_of(kind) } else { List::of(kind, items) })
}
