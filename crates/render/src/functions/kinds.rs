//! Types and kinds, and deep equality.

use super::arguments::bytes;
use super::extent::{ENDLESS, has_end};
use super::{Host, pure};
use bowline_gotemplate::Type::{Any, Bool, Text};
use bowline_gotemplate::{Function, List, Map, Value, with_stack};
use std::cell::Cell;
use std::rc::Rc;

pub(super) fn table() -> Vec<Function<Host>> {
    vec![
        pure("typeOf", &[Any], Text, |args| Ok(Value::text(args[0].type_name()))),
        pure("typeIs", &[Text, Any], Bool, |args| Ok((bytes(&args[0]) == args[1].type_name().as_bytes()).into())),
        pure("typeIsLike", &[Text, Any], Bool, |args| {
            let (wanted, name) = (bytes(&args[0]), args[1].type_name());
            let name = name.as_bytes();
            Ok((wanted == name || name.strip_prefix(b"*") == Some(wanted)).into())
        }),
        pure("kindOf", &[Any], Text, |args| Ok(Value::from(args[0].kind().name()))),
        pure("kindIs", &[Text, Any], Bool, |args| Ok((bytes(&args[0]) == args[1].kind().name().as_bytes()).into())),
        pure("deepEqual", &[Any, Any], Bool, |args| Ok(deep_equal(&args[0], &args[1]).into())),
        pure("deepCopy", &[Any], Any, |args| copied(&args[0])),
        pure("mustDeepCopy", &[Any], Any, |args| copied(&args[0])),
    ]
}

/// How deep values are followed: a map that holds itself would never end.
const MAX_DEPTH: usize = 1000;

/// How many values are compared, for the same reason.
const MAX_VALUES: usize = 1 << 20;

/// `reflect.DeepEqual`: the same types and contents throughout.
pub(super) fn deep_equal(one: &Value, two: &Value) -> bool {
    equal(one, two, 0, &Cell::new(MAX_VALUES))
}

fn equal(one: &Value, two: &Value, depth: usize, left: &Cell<usize>) -> bool {
    if depth > MAX_DEPTH || left.get() == 0 {
        return true;
    }
    left.set(left.get() - 1);
    let next = |one: &Value, two: &Value| with_stack(|| equal(one, two, depth + 1, left));
    match (one, two) {
        (Value::Nil, Value::Nil) => true,
        (Value::Bool(one), Value::Bool(two)) => one == two,
        (Value::Int(one), Value::Int(two))
        | (Value::Int64(one), Value::Int64(two))
        | (Value::Duration(one), Value::Duration(two)) => one == two,
        (Value::Uint8(one), Value::Uint8(two)) => one == two,
        (Value::Uint64(one), Value::Uint64(two)) => one == two,
        (Value::Float(one), Value::Float(two)) => one == two,
        (Value::Complex(a, b), Value::Complex(c, d)) => a == c && b == d,
        (Value::Text(one), Value::Text(two)) | (Value::Bytes(one), Value::Bytes(two)) => one == two,
        (Value::List(one), Value::List(two)) => {
            std::ptr::eq(one.kind(), two.kind())
                && one.is_nil() == two.is_nil()
                && one.len() == two.len()
                && one.with(|one| two.with(|two| one.iter().zip(two).all(|(one, two)| next(one, two))))
        }
        (Value::Map(one), Value::Map(two)) => {
            std::ptr::eq(one.kind(), two.kind())
                && one.is_nil() == two.is_nil()
                && one.len() == two.len()
                && (one.is_same(two)
                    || one.with(|one| {
                        two.with(|two| one.iter().all(|(key, one)| two.get(key).is_some_and(|two| next(one, two))))
                    }))
        }
        (Value::Object(one), Value::Object(two)) => Rc::ptr_eq(one, two) || one.equals(two.as_ref()),
        _ => false,
    }
}

/// A copy that shares no list and no map with the original.
pub(super) fn deep_copy(value: &Value, depth: usize) -> Result<Value, bowline_gotemplate::Failure> {
    if depth > MAX_DEPTH {
        return super::fail("value is nested too deeply");
    }
    let copy = |value: &Value| with_stack(|| deep_copy(value, depth + 1));
    Ok(match value {
        Value::List(list) if !list.is_nil() => {
            Value::List(List::of(list.kind(), list.with(|items| items.iter().map(copy).collect::<Result<_, _>>())?))
        }
        Value::Map(map) if !map.is_nil() => Value::Map(Map::of(
            map.kind(),
            map.with(|entries| {
                entries.iter().map(|(key, value)| Ok((key.clone(), copy(value)?))).collect::<Result<_, _>>()
            })?,
        )),
        Value::Object(object) => match object.as_any().downcast_ref::<super::semver::Version>() {
            Some(version) => Value::object(version.without_parts()),
            None => crate::objects::without_hidden_fields(object.as_ref()).unwrap_or_else(|| value.clone()),
        },
        other => other.clone(),
    })
}

fn copied(value: &Value) -> super::Answer {
    if matches!(value, Value::Nil) {
        return super::fail("reflect: call of reflect.Value.Type on zero Value");
    }
    if !has_end(value) {
        return super::fail(ENDLESS);
    }
    deep_copy(value, 0)
}
