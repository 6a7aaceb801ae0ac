//! Defaults and choices.

use super::{Host, pure, variadic};
use bowline_gotemplate::Type::{Any, Bool};
use bowline_gotemplate::{Function, Kind, Value};

pub(super) fn table() -> Vec<Function<Host>> {
    vec![
        variadic("default", &[Any, Any], Any, |args| {
            Ok(args.get(1).filter(|given| !is_empty(given)).unwrap_or(&args[0]).clone())
        }),
        pure("empty", &[Any], Bool, |args| Ok(is_empty(&args[0]).into())),
        variadic("coalesce", &[Any], Any, |args| {
            Ok(args.iter().find(|arg| !is_empty(arg)).cloned().unwrap_or_default())
        }),
        variadic("all", &[Any], Bool, |args| Ok(args.iter().all(|arg| !is_empty(arg)).into())),
        variadic("any", &[Any], Bool, |args| Ok(args.iter().any(|arg| !is_empty(arg)).into())),
        pure("ternary", &[Any, Any, Bool], Any, |args| Ok(args[usize::from(!args[2].truth())].clone())),
    ]
}

/// Whether a value counts as not given: nil, zero, false, or without content; structs never do.
pub(super) fn is_empty(value: &Value) -> bool {
    match value {
        Value::Object(object) if matches!(object.kind(), Kind::Struct | Kind::Ptr) => false,
        _ => !value.truth(),
    }
}
