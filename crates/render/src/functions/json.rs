//! JSON as Go's `encoding/json` writes and reads it.

mod read;
mod write;

use super::arguments::bytes;
use super::{Answer, Host, fail, pure};
use bowline_gotemplate::Type::{Any, List as ListType, Map as MapType, Text};
use bowline_gotemplate::{Function, Map, Value};

pub use read::from_json;
pub use write::to_json;

use read::Wanted;
use write::Style;

pub(super) fn table() -> Vec<Function<Host>> {
    vec![
        pure("toJson", &[Any], Text, |args| Ok(or_nothing(write::written(&args[0], Style::Escaped)))),
        pure("mustToJson", &[Any], Text, |args| must(write::written(&args[0], Style::Escaped))),
        pure("toPrettyJson", &[Any], Text, |args| Ok(or_nothing(write::written(&args[0], Style::Pretty)))),
        pure("mustToPrettyJson", &[Any], Text, |args| must(write::written(&args[0], Style::Pretty))),
        pure("toRawJson", &[Any], Text, |args| must(write::written(&args[0], Style::Raw))),
        pure("mustToRawJson", &[Any], Text, |args| must(write::written(&args[0], Style::Raw))),
        pure("fromJson", &[Text], MapType, |args| {
            let (value, error) = read::read(bytes(&args[0]), Wanted::Map);
            let map = match value {
                Value::Map(map) => map,
                _ => Map::new(),
            };
            if let Some(error) = error {
                if map.is_nil() {
                    return fail("assignment to entry in nil map");
                }
                map.set("Error", Value::from(error))?;
            }
            Ok(Value::Map(map))
        }),
        pure("fromJsonArray", &[Text], ListType, |args| {
            Ok(match read::read(bytes(&args[0]), Wanted::List) {
                (value, None) => value,
                (_, Some(error)) => Value::list(vec![Value::from(error)]),
            })
        }),
        pure("mustFromJson", &[Text], Any, |args| match read::read(bytes(&args[0]), Wanted::Any) {
            (value, None) => Ok(value),
            (_, Some(error)) => fail(error),
        }),
    ]
}

fn or_nothing(written: Result<Vec<u8>, String>) -> Value {
    Value::from(written.unwrap_or_default())
}

fn must(written: Result<Vec<u8>, String>) -> Answer {
    written.map(Value::from).map_err(bowline_gotemplate::Failure::new)
}
