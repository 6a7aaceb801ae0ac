//! Lists.

use super::arguments::{elements, int};
use super::cast::to_int;
use super::defaults::is_empty;
use super::kinds::deep_equal;
use super::{Answer, Host, fail, pure, variadic};
use bowline_gotemplate::Type::{Any, Bool, Int, List as ListType};
use bowline_gotemplate::{Failure, Function, LISTS, List, Type, Value};

/// The text of Go's panic for a nil where a type is asked of it.
pub(super) const NIL_POINTER: &str = "runtime error: invalid memory address or nil pointer dereference";

/// The most elements of a list that a function makes up.
pub(super) const MAX_ELEMENTS: usize = 1 << 26;

pub(super) fn table() -> Vec<Function<Host>> {
    let mut table = vec![
        variadic("list", &[Any], ListType, |args| Ok(Value::list(args.to_vec()))),
        variadic("tuple", &[Any], ListType, |args| Ok(Value::list(args.to_vec()))),
        pure("has", &[Any, Any], Bool, has),
        pure("mustHas", &[Any, Any], Bool, has),
        variadic("concat", &[Any], Any, concat),
    ];
    let mut both = |name, must, params: &'static [Type], returns, body: fn(&[Value]) -> Answer| {
        table.push(pure(name, params, returns, body));
        table.push(pure(must, params, returns, body));
    };
    both("append", "mustAppend", &[Any, Any], ListType, push);
    both("push", "mustPush", &[Any, Any], ListType, push);
    both("prepend", "mustPrepend", &[Any, Any], ListType, prepend);
    both("first", "mustFirst", &[Any], Any, |args| {
        Ok(items(&args[0], "find first on")?.first().cloned().unwrap_or_default())
    });
    both("last", "mustLast", &[Any], Any, |args| {
        Ok(items(&args[0], "find last on")?.last().cloned().unwrap_or_default())
    });
    both("rest", "mustRest", &[Any], ListType, |args| Ok(part(&items(&args[0], "find rest on")?, |items| &items[1..])));
    both("initial", "mustInitial", &[Any], ListType, |args| {
        Ok(part(&items(&args[0], "find initial on")?, |items| &items[..items.len() - 1]))
    });
    both("reverse", "mustReverse", &[Any], ListType, |args| {
        Ok(Value::list(items(&args[0], "find reverse on")?.into_iter().rev().collect()))
    });
    both("compact", "mustCompact", &[Any], ListType, |args| {
        Ok(Value::list(items(&args[0], "compact on")?.into_iter().filter(|item| !is_empty(item)).collect()))
    });
    both("uniq", "mustUniq", &[Any], ListType, uniq);
    both("chunk", "mustChunk", &[Int, Any], Type::Named("[][]interface {}"), chunk);
    for name in ["without", "mustWithout"] {
        table.push(variadic(name, &[Any, Any], ListType, without));
    }
    for name in ["slice", "mustSlice"] {
        table.push(variadic(name, &[Any, Any], Any, slice));
    }
    table
}

/// The elements, or the error of the function that does `doing`.
fn items(value: &Value, doing: &str) -> Result<Vec<Value>, Failure> {
    match elements(value) {
        Some(items) => Ok(items),
        None if matches!(value, Value::Nil) => fail(NIL_POINTER),
        None => fail(format!("Cannot {doing} type {}", value.kind().name())),
    }
}

/// A part of a list; of an empty one it is nil.
fn part(items: &[Value], of: fn(&[Value]) -> &[Value]) -> Value {
    if items.is_empty() { Value::List(List::nil()) } else { Value::list(of(items).to_vec()) }
}

fn push(args: &[Value]) -> Answer {
    let mut items = items(&args[0], "push on")?;
    items.push(args[1].clone());
    Ok(Value::list(items))
}

fn prepend(args: &[Value]) -> Answer {
    let mut items = items(&args[0], "prepend on")?;
    items.insert(0, args[1].clone());
    Ok(Value::list(items))
}

fn contains(items: &[Value], wanted: &Value) -> bool {
    items.iter().any(|item| deep_equal(item, wanted))
}

fn uniq(args: &[Value]) -> Answer {
    let mut kept: Vec<Value> = Vec::new();
    for item in items(&args[0], "find uniq on")? {
        if !contains(&kept, &item) {
            kept.push(item);
        }
    }
    Ok(Value::list(kept))
}

fn without(args: &[Value]) -> Answer {
    let items = items(&args[0], "find without on")?;
    Ok(Value::list(items.into_iter().filter(|item| !contains(&args[1..], item)).collect()))
}

fn has(args: &[Value]) -> Answer {
    if matches!(args[1], Value::Nil) {
        return Ok(false.into());
    }
    Ok(contains(&items(&args[1], "find has on")?, &args[0]).into())
}

fn concat(args: &[Value]) -> Answer {
    let mut all = None;
    for list in args {
        let items = match elements(list) {
            Some(items) => items,
            None if matches!(list, Value::Nil) => return fail(NIL_POINTER),
            None => return fail(format!("Cannot concat type {} as list", list.kind().name())),
        };
        if !items.is_empty() {
            all.get_or_insert_with(Vec::new).extend(items);
        }
    }
    Ok(all.map_or_else(|| Value::List(List::nil()), Value::list))
}

fn chunk(args: &[Value]) -> Answer {
    let items = items(&args[1], "chunk")?;
    let size = int(&args[0]);
    if size <= 0 {
        // A size that makes no sense gives the number of chunks that Go computes for it: too many, none, or one.
        let count = ((items.len() as f64 - 1.0) / size as f64).floor() + 1.0;
        return match (items.len(), size) {
            (1, ..0) => Ok(Value::List(List::of(&LISTS, vec![Value::list(items)]))),
            (1.., ..0) if count == 0.0 => Ok(Value::List(List::of(&LISTS, Vec::new()))),
            _ => fail("runtime error: makeslice: len out of range"),
        };
    }
    let chunks = items.chunks(size as usize).map(|chunk| Value::list(chunk.to_vec())).collect();
    Ok(Value::List(List::of(&LISTS, chunks)))
}

fn slice(args: &[Value]) -> Answer {
    let length = match &args[0] {
        Value::List(list) => list.len(),
        Value::Bytes(bytes) => bytes.len(),
        Value::Nil => return fail(NIL_POINTER),
        other => return fail(format!("list should be type of slice or array but {}", other.kind().name())),
    };
    if length == 0 {
        return Ok(Value::Nil);
    }
    let start = args.get(1).map_or(0, to_int);
    let end = args.get(2).map_or(length as i64, to_int);
    if start < 0 || end < start || end > length as i64 {
        return fail("reflect.Value.Slice: slice index out of bounds");
    }
    let range = start as usize..end as usize;
    Ok(match &args[0] {
        Value::List(list) => Value::List(List::of(list.kind(), list.with(|items| items[range].to_vec()))),
        Value::Bytes(bytes) => Value::Bytes(bytes[range].into()),
        other => other.clone(),
    })
}
