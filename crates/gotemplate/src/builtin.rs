//! The functions every Go template has.

use crate::ast::{At, Expr};
use crate::compare;
use crate::escape;
use crate::exec::{Exec, Frame, Operand};
use crate::{Failure, Type, Value};

/// A built-in function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Builtin {
    And,
    Call,
    Html,
    Index,
    Slice,
    Js,
    Len,
    Not,
    Or,
    Print,
    Printf,
    Println,
    UrlQuery,
    Eq,
    Ge,
    Gt,
    Le,
    Lt,
    Ne,
}

impl Builtin {
    const NAMES: [&'static str; 19] = [
        "and", "call", "html", "index", "slice", "js", "len", "not", "or", "print", "printf", "println", "urlquery",
        "eq", "ge", "gt", "le", "lt", "ne",
    ];

    /// All of them, with their names.
    pub(crate) fn all() -> impl Iterator<Item = (&'static str, Self)> {
        use Builtin::*;
        const ALL: [Builtin; 19] =
            [And, Call, Html, Index, Slice, Js, Len, Not, Or, Print, Printf, Println, UrlQuery, Eq, Ge, Gt, Le, Lt, Ne];
        Self::NAMES.into_iter().zip(ALL)
    }

    /// The parameters, and whether the last takes any number of arguments.
    fn signature(self) -> (&'static [Type], bool) {
        use Type::{Any, Reflect, Text};
        match self {
            Self::And | Self::Or | Self::Call | Self::Index | Self::Slice | Self::Eq => (&[Reflect, Reflect], true),
            Self::Html | Self::Js | Self::UrlQuery | Self::Print | Self::Println => (&[Any], true),
            Self::Printf => (&[Text, Any], true),
            Self::Len | Self::Not => (&[Reflect], false),
            Self::Ge | Self::Gt | Self::Le | Self::Lt | Self::Ne => (&[Reflect, Reflect], false),
        }
    }
}

impl<'t, H> Frame<'t, '_, H> {
    pub(crate) fn builtin(
        &mut self,
        dot: &Operand,
        builtin: Builtin,
        node: At<'t>,
        name: &str,
        args: &'t [Expr],
        piped: Option<Operand>,
    ) -> Exec<Operand> {
        let (params, variadic) = builtin.signature();
        self.check_count(name, params, variadic, args.len(), piped.is_some())?;
        match builtin {
            Builtin::And => return self.short_circuit(dot, args, piped, false),
            Builtin::Or => return self.short_circuit(dot, args, piped, true),
            Builtin::Len => {
                let operand = match args.first() {
                    Some(arg) => self.arg(dot, Some(Type::Reflect), arg)?,
                    None => piped.unwrap_or_else(Operand::none),
                };
                return match length(&operand) {
                    Ok(length) => Ok(Operand::plain(Value::Int(length as i64))),
                    Err(message) => Err(self.call_error(dot, node, name, Failure::Message(message))),
                };
            }
            _ => {}
        }
        let callee = match (builtin, args.first()) {
            (Builtin::Call, Some(arg)) => self.shown(arg).to_string(),
            (Builtin::Call, None) => piped.as_ref().map(piped_name).unwrap_or_default(),
            _ => String::new(),
        };
        let values = self.values(dot, params, args, piped)?;
        let text = |text: Vec<u8>| Ok(Operand::plain(Value::Text(text.into())));
        let truth = |truth: Result<bool, String>| truth.map(|truth| Operand::plain(Value::Bool(truth)));
        let result: Result<Operand, String> = match builtin {
            Builtin::And | Builtin::Or | Builtin::Len => Ok(Operand::none()),
            Builtin::Not => truth(Ok(!values[0].truth())),
            Builtin::Eq => truth(compare::equal(&values[0], &values[1..])),
            Builtin::Ne => truth(compare::equal(&values[0], &values[1..]).map(|equal| !equal)),
            Builtin::Lt => truth(compare::less(&values[0], &values[1])),
            Builtin::Le => truth(compare::less_or_equal(&values[0], &values[1])),
            Builtin::Gt => truth(compare::less_or_equal(&values[0], &values[1]).map(|less| !less)),
            Builtin::Ge => truth(compare::less(&values[0], &values[1]).map(|less| !less)),
            Builtin::Index => index(&values[0], &values[1..]),
            Builtin::Slice => slice(&values[0], &values[1..]).map(Operand::plain),
            Builtin::Print => crate::fmt::checked(|printer| printer.print(&values)).and_then(text),
            Builtin::Println => crate::fmt::checked(|printer| printer.println(&values)).and_then(text),
            Builtin::Printf => {
                let format = values[0].as_text().cloned().unwrap_or_default();
                crate::fmt::checked(|printer| printer.printf(&format, &values[1..])).and_then(text)
            }
            Builtin::Html => text(escape::html(&escape::joined(&values))),
            Builtin::Js => text(escape::js(&escape::joined(&values))),
            Builtin::UrlQuery => text(escape::url_query(&escape::joined(&values))),
            Builtin::Call => Err(if matches!(values[0], Value::Nil) {
                "call of nil".to_owned()
            } else {
                // No value that a template meets is a function.
                format!("non-function {callee} of type {}", values[0].type_name())
            }),
        };
        self.recycle(values);
        if let (Ok(operand), false) = (&result, builtin == Builtin::Index) {
            self.within(|budget| budget.value(&operand.value))?;
        }
        result.map_err(|message| self.call_error(dot, node, name, Failure::Message(message)))
    }

    /// `and` and `or`: the arguments up to the first that decides.
    fn short_circuit(&mut self, dot: &Operand, args: &'t [Expr], piped: Option<Operand>, until: bool) -> Exec<Operand> {
        let mut value = Operand::none();
        for arg in args {
            value = self.arg(dot, Some(Type::Reflect), arg)?;
            if value.value.truth() == until {
                return Ok(value);
            }
        }
        Ok(piped.unwrap_or(value))
    }
}

/// How Go names a value that is not a string when it is asked for one.
fn piped_name(piped: &Operand) -> String {
    match &piped.value {
        Value::Text(text) => text.to_str().into_owned(),
        Value::Nil => "<invalid Value>".to_owned(),
        other => format!("<{} Value>", other.type_name()),
    }
}

fn length(operand: &Operand) -> Result<usize, String> {
    match &operand.value {
        Value::Nil if operand.boxed => Err("len of nil pointer".to_owned()),
        Value::Nil => Err("reflect: call of reflect.Value.Type on zero Value".to_owned()),
        value => value.length().ok_or_else(|| format!("len of type {}", value.type_name().trim_start_matches('*'))),
    }
}

/// An index as a position up to `limit`.
fn position(index: &Value, limit: usize) -> Result<usize, String> {
    let number = match (index.signed(), index.unsigned()) {
        (Some(number), _) => number,
        (_, Some(number)) => number as i64,
        _ if matches!(index, Value::Nil) => return Err("cannot index slice/array with nil".to_owned()),
        _ => return Err(format!("cannot index slice/array with type {}", index.type_name())),
    };
    usize::try_from(number)
        .ok()
        .filter(|position| *position <= limit)
        .ok_or_else(|| format!("index out of range: {number}"))
}

fn index(item: &Value, indexes: &[Value]) -> Result<Operand, String> {
    if matches!(item, Value::Nil) {
        return Err("index of untyped nil".to_owned());
    }
    let mut item = Operand::plain(item.clone());
    for index in indexes {
        let next = match &item.value {
            Value::Nil => return Err("index of nil pointer".to_owned()),
            Value::Text(text) | Value::Bytes(text) => {
                let at = position(index, text.len())?;
                let kind = if matches!(item.value, Value::Text(_)) { "string" } else { "slice" };
                let byte = text.get(at).ok_or_else(|| format!("reflect: {kind} index out of range"))?;
                Operand::plain(Value::Uint8(*byte))
            }
            Value::List(list) => {
                let at = position(index, list.len())?;
                let value = list.get(at).ok_or_else(|| "reflect: slice index out of range".to_owned())?;
                Operand::element(value, list.kind().element)
            }
            Value::Map(map) => {
                let key = match index {
                    Value::Text(key) => key,
                    Value::Nil => return Err("value is nil; should be of type string".to_owned()),
                    other => return Err(format!("value has type {}; should be string", other.type_name())),
                };
                let element = map.kind().element;
                Operand::element(map.get(key).unwrap_or_else(|| element.zero()), element)
            }
            // What a pointer points to is looked at.
            other => return Err(format!("can't index item of type {}", other.type_name().trim_start_matches('*'))),
        };
        item = next;
    }
    Ok(item)
}

fn slice(item: &Value, indexes: &[Value]) -> Result<Value, String> {
    if matches!(item, Value::Nil) {
        return Err("slice of untyped nil".to_owned());
    }
    if indexes.len() > 3 {
        return Err(format!("too many slice indexes: {}", indexes.len()));
    }
    let length = match item {
        Value::Text(_) if indexes.len() == 3 => return Err("cannot 3-index slice a string".to_owned()),
        Value::Text(text) | Value::Bytes(text) => text.len(),
        Value::List(list) => list.len(),
        other => return Err(format!("can't slice item of type {}", other.type_name())),
    };
    let mut bounds = [0, length, length];
    for (bound, index) in bounds.iter_mut().zip(indexes) {
        *bound = position(index, length)?;
    }
    let [from, to, limit] = bounds;
    if from > to {
        return Err(format!("invalid slice index: {from} > {to}"));
    }
    if indexes.len() == 3 && to > limit {
        return Err(format!("invalid slice index: {to} > {limit}"));
    }
    Ok(match item {
        Value::Text(text) => Value::Text(text[from..to].into()),
        Value::Bytes(bytes) => Value::Bytes(bytes[from..to].into()),
        Value::List(list) => Value::List(crate::List::of(list.kind(), list.with(|items| items[from..to].to_vec()))),
        other => other.clone(),
    })
}
