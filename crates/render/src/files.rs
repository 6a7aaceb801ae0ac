//! `.Files`

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bowline_chart::Chart;
use bowline_gotemplate::{Element, Failure, List, Map, MapKind, Method, Text, Type, Value};
use bowline_yaml::emit;

use crate::pattern::Pattern;

/// `engine.files`
static FILES: MapKind = MapKind {
    name: "engine.files",
    element: Element::Bytes,
    methods: &[
        Method { name: "Get", params: &[Type::Text], returns: Type::Text, call: get },
        Method { name: "GetBytes", params: &[Type::Text], returns: Type::Named("[]uint8"), call: get_bytes },
        Method { name: "Glob", params: &[Type::Text], returns: Type::Named("engine.files"), call: glob },
        Method { name: "Lines", params: &[Type::Text], returns: Type::Named("[]string"), call: lines },
        Method { name: "AsConfig", params: &[], returns: Type::Text, call: as_config },
        Method { name: "AsSecrets", params: &[], returns: Type::Text, call: as_secrets },
    ],
    plain: false,
};

/// The files of a chart that are neither templates nor what makes it a chart.
pub(crate) fn files(chart: &Chart) -> Value {
    let entry = |file: &bowline_chart::File| (Text::from(&*file.name), Value::Bytes(Text::from(&*file.data)));
    Value::Map(Map::of(&FILES, chart.files.iter().map(entry).collect()))
}

fn content(files: &Map, args: &[Value]) -> Text {
    let Some(Value::Text(name)) = args.first() else { return Text::default() };
    match files.get(name) {
        Some(Value::Bytes(bytes)) => bytes,
        _ => Text::default(),
    }
}

type Answer = Result<Value, Failure>;

fn get(files: &Map, args: &[Value]) -> Answer {
    Ok(Value::Text(content(files, args)))
}

fn get_bytes(files: &Map, args: &[Value]) -> Answer {
    Ok(Value::Bytes(content(files, args)))
}

fn glob(files: &Map, args: &[Value]) -> Answer {
    let pattern = match args.first() {
        Some(Value::Text(text)) => Pattern::parse(&text.to_str()),
        _ => None,
    };
    // Helm takes a pattern that it cannot read for "everything".
    let matches = |name: &Text| pattern.as_ref().is_none_or(|pattern| pattern.matches(&name.to_str()));
    let found: BTreeMap<Text, Value> = files.to_vec().into_iter().filter(|(name, _)| matches(name)).collect();
    Ok(Value::Map(Map::of(&FILES, found)))
}

fn lines(files: &Map, args: &[Value]) -> Answer {
    let text = content(files, args);
    let text = text.as_bytes();
    if text.is_empty() {
        return Ok(Value::List(List::texts(Vec::<Text>::new())));
    }
    // A line break at the end starts no line.
    let text = text.strip_suffix(b"\n").unwrap_or(text);
    Ok(Value::List(List::texts(text.split(|b| *b == b'\n'))))
}

fn as_config(files: &Map, _: &[Value]) -> Answer {
    as_yaml(files, |bytes| String::from_utf8_lossy(bytes).into_owned())
}

fn as_secrets(files: &Map, _: &[Value]) -> Answer {
    as_yaml(files, |bytes| STANDARD.encode(bytes))
}

/// File names without directories, and what becomes of the contents.
fn as_yaml(files: &Map, content: impl Fn(&[u8]) -> String) -> Answer {
    let mut map = bowline_yaml::Map::new();
    for (name, bytes) in files.to_vec() {
        if let Value::Bytes(bytes) = bytes {
            let name = name.to_str();
            let base = name.rsplit('/').next().unwrap_or_default();
            map.insert(base.to_owned(), bowline_yaml::Value::String(content(&bytes)));
        }
    }
    let text = emit(&bowline_yaml::Value::Map(map)).unwrap_or_default();
    Ok(Value::text(text.strip_suffix('\n').unwrap_or(&text)))
}
