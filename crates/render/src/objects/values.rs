//! `common.Values`, the named map type of `.Values` and `.Template`.

use crate::functions::to_yaml;
use bowline_chart::Compat;
use bowline_gotemplate::{Element, Failure, MAP, Map, MapKind, Method, Type, Value};

/// `common.Values`: a `map[string]interface {}` with methods of its own.
static VALUES: MapKind = MapKind {
    name: "common.Values",
    element: Element::Any,
    plain: true,
    methods: &[
        AS_MAP,
        YAML,
        Method { name: "Table", params: &[Type::Text], returns: Type::Named("common.Values"), call: table },
        PATH_VALUE,
    ],
};

/// `chartutil.Values`: the same in Helm 3.
static VALUES_OF_HELM3: MapKind = MapKind {
    name: "chartutil.Values",
    methods: &[
        AS_MAP,
        YAML,
        Method { name: "Table", params: &[Type::Text], returns: Type::Named("chartutil.Values"), call: table },
        PATH_VALUE,
    ],
    ..VALUES
};

const AS_MAP: Method<Map> = Method { name: "AsMap", params: &[], returns: Type::Map, call: as_map };
const YAML: Method<Map> = Method { name: "YAML", params: &[], returns: Type::Text, call: yaml };
const PATH_VALUE: Method<Map> =
    Method { name: "PathValue", params: &[Type::Text], returns: Type::Any, call: path_value };

/// The map as `common.Values`; the entries stay shared.
pub fn values(map: &Map, compat: Compat) -> Value {
    Value::Map(map.cast(compat.either(&VALUES_OF_HELM3, &VALUES)))
}

fn as_map(map: &Map, _: &[Value]) -> Result<Value, Failure> {
    Ok(Value::Map(if map.is_empty() { Map::new() } else { map.cast(&MAP) }))
}

fn yaml(map: &Map, _: &[Value]) -> Result<Value, Failure> {
    match to_yaml(&Value::Map(map.clone())) {
        Ok(text) => Ok(Value::from(text + "\n")),
        Err(error) => Err(Failure::new(error.to_string())),
    }
}

fn find_table(map: &Map, path: &[&str]) -> Result<Map, Failure> {
    path.iter().try_fold(map.clone(), |map, name| match map.get(name.as_bytes()) {
        Some(Value::Map(inner)) if inner.kind().plain => Ok(inner),
        _ => Err(Failure::new(format!("{} is not a table", bowline_gotemplate::fmt::quoted(name.as_bytes())))),
    })
}

fn table(map: &Map, args: &[Value]) -> Result<Value, Failure> {
    let path = args[0].as_text().cloned().unwrap_or_default();
    let path = path.to_str();
    let found = find_table(map, &path.split('.').collect::<Vec<_>>())?;
    Ok(Value::Map(found.cast(map.kind())))
}

fn path_value(map: &Map, args: &[Value]) -> Result<Value, Failure> {
    let path = args[0].as_text().cloned().unwrap_or_default();
    let path = path.to_str();
    if path.is_empty() {
        return Err(Failure::new("YAML path cannot be empty"));
    }
    let names: Vec<&str> = path.split('.').collect();
    let (last, tables) = match names.split_last() {
        Some((last, tables)) => (*last, tables),
        None => ("", &names[..]),
    };
    let is_table = |value: &Value| matches!(value, Value::Map(map) if std::ptr::eq(map.kind(), &MAP));
    match find_table(map, tables).ok().and_then(|table| table.get(last.as_bytes())) {
        Some(value) if !is_table(&value) => Ok(value),
        _ => Err(Failure::new(format!("{} is not a value", bowline_gotemplate::fmt::quoted(last.as_bytes())))),
    }
}
