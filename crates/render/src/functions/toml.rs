//! TOML as Helm's library writes and reads it.

mod read;
mod write;

use super::arguments::bytes;
use super::{Host, fail, pure};
use bowline_gotemplate::Type::{Any, Map as MapType, Text};
use bowline_gotemplate::{Function, Map, Value};

pub(super) fn table() -> Vec<Function<Host>> {
    vec![
        // The error is the answer, but for a value that Go cannot look at.
        pure("toToml", &[Any], Text, |args| match &args[0] {
            Value::Nil => fail(NO_VALUE),
            value => Ok(Value::from(write::to_toml(value).unwrap_or_else(String::into_bytes))),
        }),
        pure("mustToToml", &[Any], Text, |args| match &args[0] {
            Value::Nil => fail(NO_VALUE),
            value => write::to_toml(value).map(Value::from).map_err(bowline_gotemplate::Failure::new),
        }),
        pure("fromToml", &[Text], MapType, |args| match read::from_toml(bytes(&args[0])) {
            Ok(map) => Ok(Value::Map(map)),
            Err(read::Failed::Panic(message)) => fail(message),
            Err(read::Failed::Error(error)) => {
                let map = Map::new();
                map.set("Error", Value::from(error))?;
                Ok(Value::Map(map))
            }
        }),
    ]
}

const NO_VALUE: &str = "reflect: call of reflect.Value.Type on zero Value";
