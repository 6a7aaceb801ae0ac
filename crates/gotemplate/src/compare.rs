//! `eq`, `lt` and the rest: Go compares only what has the same basic kind.

use crate::Value;
use std::rc::Rc;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Basic {
    None,
    Bool,
    Complex,
    Int,
    Uint,
    Float,
    Text,
}

fn basic(value: &Value) -> Basic {
    match value {
        Value::Bool(_) => Basic::Bool,
        Value::Complex(..) => Basic::Complex,
        Value::Int(_) | Value::Int64(_) | Value::Duration(_) => Basic::Int,
        Value::Uint8(_) | Value::Uint64(_) => Basic::Uint,
        Value::Float(_) => Basic::Float,
        Value::Text(_) => Basic::Text,
        Value::Object(object) if object.as_int().is_some() => Basic::Int,
        _ => Basic::None,
    }
}

const BAD_TYPE: &str = "invalid type for comparison";

/// Whether `first` equals any of `others`.
pub(crate) fn equal(first: &Value, others: &[Value]) -> Result<bool, String> {
    if others.is_empty() {
        return Err("missing argument for comparison".to_owned());
    }
    for other in others {
        if equal_one(first, other)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn equal_one(one: &Value, two: &Value) -> Result<bool, String> {
    let (kind, other_kind) = (basic(one), basic(two));
    if kind != other_kind {
        return match (one.signed(), two.unsigned(), one.unsigned(), two.signed()) {
            (Some(signed), Some(unsigned), ..) | (_, _, Some(unsigned), Some(signed)) => {
                Ok(u64::try_from(signed).is_ok_and(|signed| signed == unsigned))
            }
            _ if matches!(one, Value::Nil) || matches!(two, Value::Nil) => Ok(false),
            _ => Err(incompatible(one, two)),
        };
    }
    Ok(match (one, two) {
        (Value::Bool(one), Value::Bool(two)) => one == two,
        (Value::Float(one), Value::Float(two)) => one == two,
        (Value::Complex(a, b), Value::Complex(c, d)) => a == c && b == d,
        (Value::Text(one), Value::Text(two)) => one == two,
        _ if kind == Basic::Int => one.signed() == two.signed(),
        _ if kind == Basic::Uint => one.unsigned() == two.unsigned(),
        _ => return equal_other(one, two),
    })
}

fn equal_other(one: &Value, two: &Value) -> Result<bool, String> {
    let comparable = one.kind() == two.kind() || matches!(one, Value::Nil) || matches!(two, Value::Nil);
    if !comparable {
        // Go's own message has the operands in this order.
        return Err(format!(
            "non-comparable types {}: {}, {}: {}",
            shown(b"%s", one),
            one.type_name(),
            two.type_name(),
            shown(b"%v", two)
        ));
    }
    if one.is_nil() || two.is_nil() {
        return Ok(one.is_nil() == two.is_nil());
    }
    match (one, two) {
        (Value::Object(one), Value::Object(two)) if one.is_comparable() && two.is_comparable() => {
            Ok(Rc::ptr_eq(one, two) || one.equals(two.as_ref()))
        }
        _ => Err(format!("non-comparable type {}: {}", shown(b"%s", two), two.type_name())),
    }
}

fn shown(format: &[u8], value: &Value) -> String {
    String::from_utf8_lossy(&crate::fmt::sprintf(format, std::slice::from_ref(value))).into_owned()
}

fn incompatible(one: &Value, two: &Value) -> String {
    format!("incompatible types for comparison: {} and {}", one.type_name(), two.type_name())
}

/// Whether `one` comes before `two`.
pub(crate) fn less(one: &Value, two: &Value) -> Result<bool, String> {
    let (kind, other_kind) = (basic(one), basic(two));
    if kind == Basic::None || other_kind == Basic::None {
        return Err(BAD_TYPE.to_owned());
    }
    if kind != other_kind {
        return match (one.signed(), two.unsigned(), one.unsigned(), two.signed()) {
            (Some(one), Some(two), ..) => Ok(u64::try_from(one).map_or(true, |one| one < two)),
            (_, _, Some(one), Some(two)) => Ok(u64::try_from(two).is_ok_and(|two| one < two)),
            _ => Err(incompatible(one, two)),
        };
    }
    match (one, two) {
        (Value::Float(one), Value::Float(two)) => Ok(one < two),
        (Value::Text(one), Value::Text(two)) => Ok(one < two),
        _ if kind == Basic::Int => Ok(one.signed() < two.signed()),
        _ if kind == Basic::Uint => Ok(one.unsigned() < two.unsigned()),
        _ => Err(BAD_TYPE.to_owned()),
    }
}

/// Whether `one` comes before `two` or equals it.
pub(crate) fn less_or_equal(one: &Value, two: &Value) -> Result<bool, String> {
    if less(one, two)? { Ok(true) } else { equal_one(one, two) }
}
