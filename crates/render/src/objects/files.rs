//! `.Files`: the chart's other files.

use super::glob::Glob;
use crate::functions::{base64, to_yaml};
use bowline_gotemplate::{Element, Failure, List, Map, MapKind, Method, TEXT_MAP, Text, Type, Value};

/// `engine.files`: a `map[string][]uint8` with methods.
static FILES: MapKind = MapKind {
    name: "engine.files",
    element: Element::Bytes,
    plain: false,
    methods: &[
        Method {
            name: "Get",
            params: &[Type::Text],
            returns: Type::Text,
            call: |files, args| Ok(Value::Text(content(files, &args[0]))),
        },
        Method {
            name: "GetBytes",
            params: &[Type::Text],
            returns: Type::Named("[]uint8"),
            call: |files, args| Ok(Value::Bytes(content(files, &args[0]))),
        },
        Method { name: "Glob", params: &[Type::Text], returns: Type::Named("engine.files"), call: glob },
        Method { name: "Lines", params: &[Type::Text], returns: Type::Named("[]string"), call: lines },
        Method {
            name: "AsConfig",
            params: &[],
            returns: Type::Text,
            call: |files, _| Ok(flattened(files, |content| Value::Text(content.clone()))),
        },
        Method {
            name: "AsSecrets",
            params: &[],
            returns: Type::Text,
            call: |files, _| Ok(flattened(files, |content| Value::from(base64(content)))),
        },
    ],
};

/// `.Files` with these paths and contents.
pub fn files<T: Into<Text>>(files: impl IntoIterator<Item = (impl Into<Text>, T)>) -> Value {
    let entries = files.into_iter().map(|(path, content)| (path.into(), Value::Bytes(content.into())));
    Value::Map(Map::of(&FILES, entries.collect()))
}

fn content(files: &Map, path: &Value) -> Text {
    match path.as_text().and_then(|path| files.get(path)) {
        Some(Value::Bytes(content)) => content,
        _ => Text::default(),
    }
}

fn glob(files: &Map, args: &[Value]) -> Result<Value, Failure> {
    let pattern = args[0].as_text().cloned().unwrap_or_default();
    // A pattern that makes no sense matches everything.
    let glob = Glob::new(&pattern.to_str());
    let matches = |path: &Text| glob.as_ref().is_none_or(|glob| glob.matches(&path.to_str()));
    Ok(Value::Map(Map::of(&FILES, files.to_vec().into_iter().filter(|(path, _)| matches(path)).collect())))
}

fn lines(files: &Map, args: &[Value]) -> Result<Value, Failure> {
    let content = content(files, &args[0]);
    if content.is_empty() {
        return Ok(Value::List(List::texts(std::iter::empty::<&str>())));
    }
    let content = content.strip_suffix(b"\n").unwrap_or(&content);
    Ok(Value::List(List::texts(content.split(|byte| *byte == b'\n'))))
}

/// The files under their base names as YAML.
fn flattened(files: &Map, of: fn(&Text) -> Value) -> Value {
    let base = |path: &Text| Text::from(path.rsplit(|byte| *byte == b'/').next().unwrap_or(path));
    let entry = |(path, content): (Text, Value)| match content {
        Value::Bytes(content) => Some((base(&path), of(&content))),
        _ => None,
    };
    let map = Map::of(&TEXT_MAP, files.to_vec().into_iter().filter_map(entry).collect());
    Value::from(to_yaml(&Value::Map(map)).unwrap_or_default())
}
