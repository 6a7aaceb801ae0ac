//! What an index may hold: Helm refuses fields it does not know, and what is of another type than Go's structs have.

use bowline_chart::{Dependency, Maintainer, Metadata};
use bowline_yaml::{Node, NodeKind, Value, quote};

use crate::error::Error;
use crate::time::check_time;

const INDEX_FIELDS: [&str; 6] = ["serverInfo", "apiVersion", "generated", "entries", "publicKeys", "annotations"];
/// What an entry has beside the fields of `Chart.yaml`.
const ENTRY_FIELDS: [&str; 8] = ["urls", "created", "removed", "digest", "checksum", "engine", "tillerVersion", "url"];

/// Helm reads an index strictly: a field it does not know, or one that is there twice, is an error.
pub(crate) fn check_fields(node: &Node) -> Result<(), Error> {
    check_unique(node)?;
    known(node, &INDEX_FIELDS)?;
    let entry_fields = [&Metadata::FIELDS[..], &ENTRY_FIELDS].concat();
    let Some(NodeKind::Map(entries)) = node.get("entries").map(|node| &node.kind) else { return Ok(()) };
    for (_, versions) in entries {
        let NodeKind::Seq(versions) = &versions.kind else { continue };
        for version in versions {
            known(version, &entry_fields)?;
            for (list, fields) in [("maintainers", &Maintainer::FIELDS[..]), ("dependencies", &Dependency::FIELDS)] {
                if let Some(NodeKind::Seq(items)) = version.get(list).map(|node| &node.kind) {
                    items.iter().try_for_each(|item| known(item, fields))?;
                }
            }
        }
    }
    Ok(())
}

fn known(node: &Node, fields: &[&str]) -> Result<(), Error> {
    let NodeKind::Map(entries) = &node.kind else { return Ok(()) };
    let unknown = entries
        .iter()
        .filter_map(|(key, _)| key.as_str())
        .find(|key| !fields.iter().any(|field| field.eq_ignore_ascii_case(key)));
    unknown.map_or(Ok(()), |key| {
        let key = quote(key);
        Err(Error::Invalid(format!("error unmarshaling JSON: while decoding JSON: json: unknown field {key}")))
    })
}

fn check_unique(node: &Node) -> Result<(), Error> {
    match &node.kind {
        NodeKind::Scalar(_) => Ok(()),
        NodeKind::Seq(items) => items.iter().try_for_each(check_unique),
        NodeKind::Map(entries) => {
            let mut keys: Vec<(&str, u32)> =
                entries.iter().filter_map(|(key, _)| Some((key.as_str()?, key.span.start.line))).collect();
            keys.sort_unstable();
            if let Some(twice) = keys.windows(2).find(|pair| pair[0].0 == pair[1].0) {
                let (key, line) = (quote(twice[1].0), twice[1].1);
                let what = "error converting YAML to JSON: yaml: unmarshal errors";
                return Err(Error::Invalid(format!("{what}:\n  line {line}: key {key} already set in map")));
            }
            entries.iter().try_for_each(|(_, value)| check_unique(value))
        }
    }
}

/// The texts of `Chart.yaml`.
const TEXTS: [&str; 11] = [
    "name",
    "home",
    "version",
    "description",
    "icon",
    "apiVersion",
    "condition",
    "tags",
    "appVersion",
    "kubeVersion",
    "type",
];

/// The first value of a wrong type, in Go's words. In YAML the fields of the entry itself take any scalar as text, those of
/// `Chart.yaml` do not: Go's YAML does not look for them where they are.
pub(crate) fn check_types(node: &Node, is_yaml: bool) -> Result<(), String> {
    let Some(NodeKind::Map(entries)) = node.get("entries").map(|node| &node.kind) else { return Ok(()) };
    let mut charts: Vec<&Node> = entries.iter().map(|(_, versions)| versions).collect();
    charts
        .sort_by_key(|versions| entries.iter().find(|(_, v)| std::ptr::eq(v, *versions)).and_then(|(k, _)| k.as_str()));
    for versions in charts {
        let NodeKind::Seq(versions) = &versions.kind else { continue };
        versions.iter().try_for_each(|version| check_version(version, is_yaml))?;
    }
    Ok(())
}

fn check_version(version: &Node, is_yaml: bool) -> Result<(), String> {
    for (key, value) in sorted(version) {
        let of_chart = |name: &str| format!("ChartVersion.entries.Metadata.{name}");
        let own = |name: &str| format!("ChartVersion.entries.{name}");
        if let Some(name) = TEXTS.into_iter().find(|name| name.eq_ignore_ascii_case(key)) {
            text(value, &of_chart(name), false)?;
            continue;
        }
        match key.to_ascii_lowercase().as_str() {
            "sources" => texts(value, &of_chart("sources"), false)?,
            "keywords" => texts(value, &of_chart("keywords"), false)?,
            "deprecated" => boolean(value, &of_chart("deprecated"))?,
            "annotations" => {
                let at = of_chart("annotations");
                expect(value, &at, "map[string]string", |kind| matches!(kind, NodeKind::Map(_)))?;
                sorted(value).into_iter().try_for_each(|(_, value)| text(value, &at, false))?;
            }
            "maintainers" => {
                for (key, value) in items(value, &of_chart("maintainers"), "[]*v2.Maintainer")?.iter().flat_map(sorted)
                {
                    text(value, &format!("Maintainer.entries.Metadata.maintainers.{key}"), false)?;
                }
            }
            "dependencies" => {
                for (key, value) in items(value, &of_chart("dependencies"), "[]*v2.Dependency")?.iter().flat_map(sorted)
                {
                    let at = format!("Dependency.entries.Metadata.dependencies.{key}");
                    match key {
                        "tags" => texts(value, &at, false)?,
                        "enabled" => boolean(value, &at)?,
                        "import-values" => {}
                        _ => text(value, &at, false)?,
                    }
                }
            }
            "urls" => texts(value, &own("urls"), is_yaml)?,
            "removed" => boolean(value, &own("removed"))?,
            "created" => {
                if let NodeKind::Scalar(Value::String(time)) = &value.kind {
                    check_time(time)?;
                } else if !value.is_null() {
                    return Err("Time.UnmarshalJSON: input is not a JSON string".to_owned());
                }
            }
            "digest" | "checksum" | "engine" | "tillerversion" | "url" => text(value, &own(key), is_yaml)?,
            _ => {}
        }
    }
    Ok(())
}

fn sorted(node: &Node) -> Vec<(&str, &Node)> {
    let NodeKind::Map(entries) = &node.kind else { return Vec::new() };
    let mut fields: Vec<_> = entries.iter().map(|(key, value)| (key.as_str().unwrap_or_default(), value)).collect();
    fields.sort_by_key(|(key, _)| *key);
    fields
}

fn expect(node: &Node, at: &str, go_type: &str, fits: impl Fn(&NodeKind) -> bool) -> Result<(), String> {
    if node.is_null() || fits(&node.kind) {
        return Ok(());
    }
    let kind = match &node.kind {
        NodeKind::Seq(_) => "array",
        NodeKind::Map(_) => "object",
        NodeKind::Scalar(Value::Bool(_)) => "bool",
        NodeKind::Scalar(Value::Int(_) | Value::Float(_)) => "number",
        NodeKind::Scalar(_) => "string",
    };
    Err(format!("json: cannot unmarshal {kind} into Go struct field {at} of type {go_type}"))
}

fn text(node: &Node, at: &str, any_scalar: bool) -> Result<(), String> {
    expect(node, at, "string", |kind| match kind {
        NodeKind::Scalar(Value::String(_)) => true,
        NodeKind::Scalar(_) => any_scalar,
        _ => false,
    })
}

fn boolean(node: &Node, at: &str) -> Result<(), String> {
    expect(node, at, "bool", |kind| matches!(kind, NodeKind::Scalar(Value::Bool(_))))
}

fn items<'n>(node: &'n Node, at: &str, go_type: &str) -> Result<&'n [Node], String> {
    expect(node, at, go_type, |kind| matches!(kind, NodeKind::Seq(_)))?;
    Ok(if let NodeKind::Seq(items) = &node.kind { items } else { &[] })
}

fn texts(node: &Node, at: &str, any_scalar: bool) -> Result<(), String> {
    items(node, at, "[]string")?.iter().try_for_each(|item| text(item, at, any_scalar))
}
