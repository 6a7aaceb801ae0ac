//! Maps.

use super::arguments::{bytes, map, text_of};
use super::{Answer, Host, TEXTS, fail, merge, pure, variadic};
use bowline_gotemplate::Type::{Any, Bool, List as ListType, Map as MapType, Text};
use bowline_gotemplate::{Failure, Function, List, Map, Value};

pub(super) fn table() -> Vec<Function<Host>> {
    vec![
        variadic("dict", &[Any], MapType, dict),
        pure("get", &[MapType, Text], Any, |args| {
            Ok(map(&args[0]).get(bytes(&args[1])).unwrap_or_else(|| Value::from("")))
        }),
        pure("set", &[MapType, Text, Any], MapType, |args| {
            map(&args[0]).set(bytes(&args[1]), args[2].clone())?;
            Ok(args[0].clone())
        }),
        pure("unset", &[MapType, Text], MapType, |args| {
            map(&args[0]).remove(bytes(&args[1]));
            Ok(args[0].clone())
        }),
        pure("hasKey", &[MapType, Text], Bool, |args| Ok(map(&args[0]).has(bytes(&args[1])).into())),
        variadic("pluck", &[Text, MapType], ListType, |args| {
            Ok(Value::list(args[1..].iter().filter_map(|dict| map(dict).get(bytes(&args[0]))).collect()))
        }),
        // Go gives keys and values in random order; here the order is always the same.
        variadic("keys", &[MapType], TEXTS, |args| {
            Ok(Value::List(List::texts(args.iter().flat_map(|dict| map(dict).to_vec()).map(|(key, _)| key))))
        }),
        pure("values", &[MapType], ListType, |args| {
            Ok(Value::list(map(&args[0]).to_vec().into_iter().map(|(_, value)| value).collect()))
        }),
        variadic("pick", &[MapType, Text], MapType, |args| {
            let dict = map(&args[0]);
            let pick = |key: &Value| Some((text_of(key), dict.get(bytes(key))?));
            Ok(Value::Map(args[1..].iter().filter_map(pick).collect()))
        }),
        variadic("omit", &[MapType, Text], MapType, |args| {
            let keeps = |key: &[u8]| !args[1..].iter().any(|omit| bytes(omit) == key);
            Ok(Value::Map(map(&args[0]).to_vec().into_iter().filter(|(key, _)| keeps(key)).collect()))
        }),
        variadic("dig", &[Any], Any, dig),
        variadic("merge", &[MapType, MapType], Any, |args| merge::all(args, false)),
        variadic("mustMerge", &[MapType, MapType], Any, |args| merge::all(args, false)),
        variadic("mergeOverwrite", &[MapType, MapType], Any, |args| merge::all(args, true)),
        variadic("mustMergeOverwrite", &[MapType, MapType], Any, |args| merge::all(args, true)),
    ]
}

fn dict(args: &[Value]) -> Answer {
    let value = |pair: &[Value]| pair.get(1).cloned().unwrap_or_else(|| Value::from(""));
    Ok(Value::Map(args.chunks(2).map(|pair| (text_of(&pair[0]), value(pair))).collect()))
}

/// The error of a Go type assertion.
fn not_a(value: &Value, wanted: &str) -> Failure {
    let name = match value {
        Value::Nil => "nil".into(),
        value => value.type_name(),
    };
    Failure::new(format!("interface conversion: interface {{}} is {name}, not {wanted}"))
}

/// A `map[string]interface {}`, and no other type that resembles it.
fn exact_map(value: &Value) -> Result<&Map, Failure> {
    match value {
        Value::Map(map) if std::ptr::eq(map.kind(), &bowline_gotemplate::MAP) => Ok(map),
        other => Err(not_a(other, "map[string]interface {}")),
    }
}

fn dig(args: &[Value]) -> Answer {
    let [keys @ .., default, dict] = args else { return fail("dig needs at least three arguments") };
    if keys.is_empty() {
        return fail("dig needs at least three arguments");
    }
    let mut current = exact_map(dict)?.clone();
    if let Some(wrong) = keys.iter().find(|key| !matches!(key, Value::Text(_))) {
        return Err(not_a(wrong, "string"));
    }
    for (i, key) in keys.iter().enumerate() {
        let Some(found) = current.get(bytes(key)) else { return Ok(default.clone()) };
        if i + 1 == keys.len() {
            return Ok(found);
        }
        current = exact_map(&found)?.clone();
    }
    Ok(default.clone())
}
