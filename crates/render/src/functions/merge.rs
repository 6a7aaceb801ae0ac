//! Merging maps as mergo does it: nested maps are shared, and what counts as empty is replaced.

use super::arguments::map;
use super::extent::{ENDLESS, has_end};
use bowline_gotemplate::{Kind, Map, Value, with_stack};

/// How deep maps are followed: a map that holds itself would never end.
const MAX_DEPTH: usize = 1000;

/// Merges all further maps into the first, and gives the first.
///
/// # Errors
/// Where one of them has no end in practice.
pub(super) fn all(args: &[Value], overwrite: bool) -> super::Answer {
    if !args.iter().all(has_end) {
        return super::fail(ENDLESS);
    }
    let mut target = map(&args[0]);
    for source in &args[1..] {
        let source = map(source);
        if target.is_nil() && !source.is_nil() {
            target = Map::new();
        }
        into(&target, &source, overwrite, 0);
    }
    Ok(Value::Map(target))
}

fn into(target: &Map, source: &Map, overwrite: bool, depth: usize) {
    if target.is_same(source) || depth > MAX_DEPTH {
        return;
    }
    for (key, value) in source.to_vec() {
        entry(target, &key, value, overwrite, depth);
    }
}

fn entry(target: &Map, key: &bowline_gotemplate::Text, value: Value, overwrite: bool, depth: usize) {
    // A nil map takes nothing; only an empty chain of maps leads there.
    let put = |value: Value| {
        let _ = target.set(key.clone(), value);
    };
    if matches!(value, Value::Nil) {
        if overwrite {
            put(value);
        }
        return;
    }
    let present = target.get(key);
    match (&value, &present) {
        (Value::Map(source), Some(Value::Map(inner))) if !inner.is_nil() => {
            with_stack(|| into(inner, source, overwrite, depth + 1));
            if inner.is_empty() {
                put(value);
            }
            return;
        }
        (_, None) => return put(value),
        _ => {}
    }
    let present = present.unwrap_or_default();
    let is_slice = value.kind() == Kind::Slice;
    if is_slice && !is_empty(&present) && !overwrite {
        return;
    }
    if overwrite || is_empty(&present) {
        put(value);
    }
}

/// What mergo takes for empty: structs never are.
fn is_empty(value: &Value) -> bool {
    super::defaults::is_empty(value)
}
