//! Expressions: commands, variables, fields and constants.

use crate::ast::{At, Command, Expr, FunctionRef, Names, Number, Target, Variable, deep};
use crate::exec::{Exec, Frame, Operand};
use crate::program::MissingKey;
use crate::{Kind, Type, Value};

impl<'t, H> Frame<'t, '_, H> {
    /// Evaluates a command; `piped` is the value of the command before it.
    pub(crate) fn command(&mut self, dot: &Operand, command: &'t Command, piped: Option<Operand>) -> Exec<Operand> {
        let (first, args) = (&command.words[0], &command.words[1..]);
        match first {
            Expr::Field { names, .. } => {
                self.at = At::Expr(first);
                self.fields(dot, dot.clone(), *names, At::Expr(first), args, piped)
            }
            Expr::Chain(chain) => {
                self.at = At::Expr(first);
                if let Expr::Nil { .. } = chain.start {
                    return self.fail(format!("indirection through explicit nil in {}", self.shown(first)));
                }
                let start = self.arg(dot, None, &chain.start)?;
                self.fields(dot, start, chain.names, At::Expr(first), args, piped)
            }
            Expr::Function { name, function, .. } => {
                self.at = At::Expr(first);
                self.function(dot, *function, At::Command(command), name, args, piped)
            }
            Expr::Pipe(pipe) => {
                self.not_a_function(first, args, piped.as_ref())?;
                deep(|| self.pipe(dot, pipe))
            }
            Expr::Variable(variable) => self.variable(dot, first, variable, args, piped),
            _ => {
                self.at = At::Expr(first);
                self.not_a_function(first, args, piped.as_ref())?;
                match first {
                    Expr::Nil { .. } => self.fail("nil is not a command"),
                    _ => self.constant(dot, first),
                }
            }
        }
    }

    fn not_a_function(&self, first: &Expr, args: &[Expr], piped: Option<&Operand>) -> Exec<()> {
        if args.is_empty() && piped.is_none() {
            return Ok(());
        }
        // Go prints the operand itself here, with its parentheses left out.
        self.fail(format!("can't give argument to non-function {}", self.shown(first)))
    }

    fn function(
        &mut self,
        dot: &Operand,
        function: FunctionRef,
        node: At<'t>,
        name: &str,
        args: &'t [Expr],
        piped: Option<Operand>,
    ) -> Exec<Operand> {
        match function {
            FunctionRef::Builtin(builtin) => self.builtin(dot, builtin, node, name, args, piped),
            FunctionRef::Host(index) => self.host_function(dot, index, node, name, args, piped),
        }
    }

    fn variable(
        &mut self,
        dot: &Operand,
        expr: &'t Expr,
        variable: &'t Variable,
        args: &'t [Expr],
        piped: Option<Operand>,
    ) -> Exec<Operand> {
        self.at = At::Expr(expr);
        let value = match self.find(&variable.name, variable.slot) {
            Some(slot) => self.vars[slot].1.clone(),
            None => return self.fail(format!("undefined variable: {}", variable.name)),
        };
        if variable.names.is_empty() {
            self.not_a_function(expr, args, piped.as_ref())?;
            return Ok(value);
        }
        self.fields(dot, value, variable.names, At::Expr(expr), args, piped)
    }

    /// The place of a variable on the stack: known when parsing, unless declarations may be skipped at run time.
    fn find(&self, name: &str, slot: u32) -> Option<usize> {
        if self.tree.late_variables {
            return self.vars.iter().rposition(|(known, _)| *known == name);
        }
        Some(slot as usize).filter(|slot| *slot < self.vars.len())
    }

    pub(crate) fn assign(&mut self, target: &'t Target, value: Operand) -> Exec<()> {
        match self.find(&target.name, target.slot) {
            Some(slot) => {
                self.vars[slot].1 = value;
                Ok(())
            }
            None => self.fail(format!("undefined variable: {}", target.name)),
        }
    }

    /// Follows `.a.b.c` from `receiver`; the last may be a method with arguments.
    fn fields(
        &mut self,
        dot: &Operand,
        mut receiver: Operand,
        names: Names,
        node: At<'t>,
        args: &'t [Expr],
        piped: Option<Operand>,
    ) -> Exec<Operand> {
        let source: &'t [u8] = &self.tree.source;
        let mut names = names.of(source);
        let Some(mut name) = names.next() else { return Ok(receiver) };
        for next in names {
            receiver = self.field(dot, &receiver, name.of(source), node, &[], None)?;
            name = next;
        }
        self.field(dot, &receiver, name.of(source), node, args, piped)
    }

    fn field(
        &mut self,
        dot: &Operand,
        receiver: &Operand,
        key: &'t [u8],
        node: At<'t>,
        args: &'t [Expr],
        piped: Option<Operand>,
    ) -> Exec<Operand> {
        let strict = self.scope.program.missing_key == MissingKey::Error;
        if receiver.is_none() {
            if strict {
                return self.fail_field(
                    dot,
                    node,
                    key,
                    format!("nil data; no entry for key {}", crate::fmt::quoted(key)),
                );
            }
            return Ok(Operand::none());
        }
        let has_args = !args.is_empty() || piped.is_some();
        // Names consist of letters and digits.
        let name = std::str::from_utf8(key).unwrap_or_default();
        match &receiver.value {
            Value::Nil => {
                return self.fail_field(dot, node, key, format!("nil pointer evaluating interface {{}}.{name}"));
            }
            Value::Map(map) => {
                if let Some(method) = map.kind().methods.iter().find(|method| method.name == name) {
                    let call = |args: &[Value]| (method.call)(map, args);
                    return self.method(dot, name, method.params, method.returns, node, args, piped, call);
                }
                if has_args {
                    return self.fail_field(dot, node, key, format!("{name} is not a method but has arguments"));
                }
                let element = map.kind().element;
                return match map.get(key) {
                    Some(value) => Ok(Operand::element(value, element)),
                    None => match self.scope.program.missing_key {
                        MissingKey::Invalid => Ok(Operand::none()),
                        MissingKey::Zero => Ok(Operand::element(element.zero(), element)),
                        MissingKey::Error => self.fail_field(
                            dot,
                            node,
                            key,
                            format!("map has no entry for key {}", crate::fmt::quoted(key)),
                        ),
                    },
                };
            }
            Value::List(list) => {
                if let Some(method) = list.kind().methods.iter().find(|method| method.name == name) {
                    let call = |args: &[Value]| (method.call)(list, args);
                    return self.method(dot, name, method.params, method.returns, node, args, piped, call);
                }
            }
            Value::Duration(nanoseconds) => {
                if let Some((params, returns)) = crate::duration::method(name) {
                    let call = |args: &[Value]| crate::duration::call(*nanoseconds, name, args);
                    return self.method(dot, name, params, returns, node, args, piped, call);
                }
            }
            Value::Object(object) => {
                // A copy has no methods of a pointer.
                let is_copy = receiver.boxed && object.string().is_none() && object.shown().is_some();
                if !is_copy && let Some(method) = object.method(name) {
                    let call = |args: &[Value]| object.call(name, args);
                    return self.method(dot, name, method.params, method.returns, node, args, piped, call);
                }
                let is_struct = matches!(object.kind(), Kind::Struct | Kind::Ptr);
                let unexported = name.starts_with(char::is_lowercase);
                if is_struct && unexported && object.fields().iter().any(|(field, _)| field == name) {
                    let typed = receiver.type_name();
                    return self.fail_field(
                        dot,
                        node,
                        key,
                        format!("{name} is an unexported field of struct type {typed}"),
                    );
                }
                if is_struct && let Some(value) = object.field(name) {
                    if has_args {
                        return self.fail_field(
                            dot,
                            node,
                            key,
                            format!("{name} has arguments but cannot be invoked as function"),
                        );
                    }
                    return Ok(Operand::plain(value));
                }
            }
            _ => {}
        }
        self.fail_field(dot, node, key, format!("can't evaluate field {name} in type {}", receiver.type_name()))
    }

    /// An error at one field of a path.
    #[cold]
    fn fail_field<T>(&self, dot: &Operand, node: At<'t>, key: &[u8], message: impl Into<String>) -> Exec<T> {
        let failed = self.fail(message);
        self.note_field(dot, node, key);
        failed
    }

    /// A constant or dot where nothing says which type is wanted.
    fn constant(&mut self, dot: &Operand, expr: &'t Expr) -> Exec<Operand> {
        self.at = At::Expr(expr);
        Ok(match expr {
            Expr::Dot { .. } => dot.clone(),
            Expr::Bool { value, .. } => Operand::plain(Value::Bool(*value)),
            Expr::Text(text) => Operand::plain(Value::Text(text.text.clone())),
            Expr::Number(number) => Operand::plain(self.ideal(number)?),
            _ => {
                return self.fail(format!(
                    "can't evaluate command {}",
                    crate::fmt::quoted(self.shown(expr).to_string().as_bytes())
                ));
            }
        })
    }

    /// A number of the type its writing suggests.
    fn ideal(&self, number: &Number) -> Exec<Value> {
        if let Some((real, imaginary)) = number.complex {
            return Ok(Value::Complex(real, imaginary));
        }
        let written = number.written.as_str();
        let hex = written.len() > 2
            && (written.starts_with("0x") || written.starts_with("0X"))
            && !written.contains(['p', 'P']);
        let is_float = !hex && !written.starts_with('\'') && written.contains(['.', 'e', 'E', 'p', 'P']);
        match (number.float, number.int) {
            (Some(float), _) if is_float => Ok(Value::Float(float)),
            (_, Some(int)) => Ok(Value::Int(int)),
            _ if number.uint.is_some() => self.fail(format!("{written} overflows int")),
            _ => Ok(Value::Nil),
        }
    }

    /// Evaluates an argument for a parameter of type `wanted`.
    pub(crate) fn arg(&mut self, dot: &Operand, wanted: Option<Type>, expr: &'t Expr) -> Exec<Operand> {
        self.at = At::Expr(expr);
        let operand = match expr {
            Expr::Dot { .. } => dot.clone(),
            Expr::Nil { .. } => {
                return match wanted {
                    Some(wanted) if wanted.takes_nil() => Ok(zero(wanted)),
                    Some(wanted) => self.fail(format!("cannot assign nil to {wanted}")),
                    None => Ok(Operand::none()),
                };
            }
            Expr::Field { names, .. } => self.fields(dot, dot.clone(), *names, At::Expr(expr), &[], None)?,
            Expr::Variable(variable) => self.variable(dot, expr, variable, &[], None)?,
            Expr::Pipe(pipe) => deep(|| self.pipe(dot, pipe))?,
            Expr::Function { name, function, .. } => self.function(dot, *function, At::Expr(expr), name, &[], None)?,
            Expr::Chain(chain) => {
                if let Expr::Nil { .. } = chain.start {
                    return self.fail(format!("indirection through explicit nil in {}", self.shown(expr)));
                }
                let start = self.arg(dot, None, &chain.start)?;
                self.fields(dot, start, chain.names, At::Expr(expr), &[], None)?
            }
            Expr::Bool { .. } | Expr::Number(_) | Expr::Text(_) => return self.constant_as(dot, wanted, expr),
        };
        match wanted {
            Some(wanted) => self.validate(operand, wanted).inspect_err(|_| self.note_read(dot, expr, None)),
            None => Ok(operand),
        }
    }

    /// A constant as the type that the parameter asks for.
    fn constant_as(&mut self, dot: &Operand, wanted: Option<Type>, expr: &'t Expr) -> Exec<Operand> {
        let wanted = wanted.unwrap_or(Type::Any);
        let value = match (wanted, expr) {
            (Type::Any | Type::Reflect, _) => return self.constant(dot, expr),
            (Type::Text, Expr::Text(text)) => Some(Value::Text(text.text.clone())),
            (Type::Bool, Expr::Bool { value, .. }) => Some(Value::Bool(*value)),
            (Type::Int, Expr::Number(number)) => number.int.map(Value::Int),
            (Type::Int64, Expr::Number(number)) => number.int.map(Value::Int64),
            (Type::Uint32 | Type::Uint64, Expr::Number(number)) => number.uint.map(Value::Uint64),
            (Type::Float, Expr::Number(number)) => number.float.map(Value::Float),
            _ => None,
        };
        if let Some(value) = value {
            return Ok(Operand::plain(value));
        }
        let expected = match wanted {
            Type::Text => "string",
            Type::Bool => "bool",
            Type::Int | Type::Int64 => "integer",
            Type::Uint32 | Type::Uint64 => "unsigned integer",
            Type::Float => "float",
            _ => return self.fail(format!("can't handle {} for arg of type {wanted}", self.shown(expr))),
        };
        self.fail(format!("expected {expected}; found {}", self.shown(expr)))
    }

    /// Checks that a value can be given to a parameter of type `wanted`.
    pub(crate) fn validate(&self, operand: Operand, wanted: Type) -> Exec<Operand> {
        if operand.is_none() {
            if wanted.takes_nil() {
                return Ok(zero(wanted));
            }
            return self.fail(format!("invalid value; expected {wanted}"));
        }
        let fits = match (wanted, &operand.value) {
            (Type::Any | Type::Reflect, _)
            | (Type::Text, Value::Text(_))
            | (Type::Bool, Value::Bool(_))
            | (Type::Int, Value::Int(_))
            | (Type::Int64, Value::Int64(_))
            | (Type::Uint64, Value::Uint64(_))
            | (Type::Float, Value::Float(_)) => true,
            (Type::Map, Value::Map(map)) => {
                if map.kind().plain && !std::ptr::eq(map.kind(), &crate::containers::MAP) {
                    // The function sees the underlying type.
                    return Ok(Operand::plain(Value::Map(map.cast(&crate::containers::MAP))));
                }
                map.kind().plain
            }
            (Type::List, Value::List(list)) => std::ptr::eq(list.kind(), &crate::containers::LIST),
            (Type::Named(name) | Type::Pointer(name), Value::Object(_) | Value::Duration(_)) => {
                operand.value.type_name() == name
            }
            _ => false,
        };
        if fits {
            return Ok(operand);
        }
        let got = match &operand.value {
            Value::Nil => "interface {}".into(),
            value => value.type_name(),
        };
        self.fail(format!("wrong type for value; expected {wanted}; got {got}"))
    }
}

/// The nil of a type.
fn zero(wanted: Type) -> Operand {
    match wanted {
        Type::Any => Operand::boxed(Value::Nil),
        Type::Map => Operand::plain(Value::Map(crate::Map::nil())),
        Type::List => Operand::plain(Value::List(crate::List::nil())),
        _ => Operand::none(),
    }
}
