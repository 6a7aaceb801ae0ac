//! Calls of functions and methods.

use crate::ast::{At, Expr};
use crate::exec::{Exec, Frame, Operand};
use crate::function::{Body, Call};
use crate::{Failure, Type, Value};

/// What a call takes.
#[derive(Clone, Copy)]
struct Signature {
    params: &'static [Type],
    variadic: bool,
}

impl<'t, H> Frame<'t, '_, H> {
    pub(crate) fn host_function(
        &mut self,
        dot: &Operand,
        index: u32,
        node: At<'t>,
        name: &str,
        args: &'t [Expr],
        piped: Option<Operand>,
    ) -> Exec<Operand> {
        let function = &self.scope.program.functions[index as usize];
        let signature = Signature { params: function.params, variadic: function.variadic };
        let values = self.args(dot, name, signature, args, piped)?;
        let result = match function.body {
            Body::Pure(body) => body(&values),
            Body::Host(body) => body(&mut Call {
                args: &values,
                scope: self.scope,
                runtime: &mut *self.runtime,
                file: &self.tree.file,
                line: self.line,
            }),
        };
        self.recycle(values);
        self.finish(dot, result, function.returns, node, name)
    }

    #[allow(clippy::too_many_arguments)]
    pub(crate) fn method(
        &mut self,
        dot: &Operand,
        name: &str,
        params: &'static [Type],
        returns: Type,
        node: At<'t>,
        args: &'t [Expr],
        piped: Option<Operand>,
        call: impl FnOnce(&[Value]) -> Result<Value, Failure>,
    ) -> Exec<Operand> {
        let values = self.args(dot, name, Signature { params, variadic: false }, args, piped)?;
        let result = call(&values);
        self.recycle(values);
        self.finish(dot, result, returns, node, name)
    }

    fn finish(
        &mut self,
        dot: &Operand,
        result: Result<Value, Failure>,
        returns: Type,
        node: At<'t>,
        name: &str,
    ) -> Exec<Operand> {
        match result {
            Ok(value) => {
                self.within(|budget| budget.value(&value))?;
                Ok(Operand { value, boxed: returns == Type::Any })
            }
            Err(failure) => Err(self.call_error(dot, node, name, failure)),
        }
    }

    #[cold]
    pub(crate) fn call_error(
        &mut self,
        dot: &Operand,
        node: At<'t>,
        name: &str,
        failure: Failure,
    ) -> Box<crate::ExecError> {
        self.at = node;
        if let (At::Command(command), Failure::Message(_)) = (node, &failure) {
            self.note_reads(dot, command);
        }
        self.error(format!("error calling {name}"), Some(Box::new(failure)))
    }

    pub(crate) fn recycle(&mut self, mut values: Vec<Value>) {
        values.clear();
        self.runtime.spare.push(values);
    }

    pub(crate) fn check_count(
        &self,
        name: &str,
        params: &[Type],
        variadic: bool,
        args: usize,
        piped: bool,
    ) -> Exec<()> {
        let count = args + usize::from(piped);
        if variadic {
            let least = params.len() - 1;
            if count < least {
                return self.fail(format!("wrong number of args for {name}: want at least {least} got {args}"));
            }
        } else if count != params.len() {
            return self.fail(format!("wrong number of args for {name}: want {} got {count}", params.len()));
        }
        Ok(())
    }

    /// Evaluates the arguments in order, the piped one last.
    pub(crate) fn values(
        &mut self,
        dot: &Operand,
        params: &'static [Type],
        args: &'t [Expr],
        piped: Option<Operand>,
    ) -> Exec<Vec<Value>> {
        let mut values = self.runtime.spare.pop().unwrap_or_default();
        let wanted = |i: usize| params.get(i).or(params.last()).copied();
        for (i, arg) in args.iter().enumerate() {
            values.push(self.arg(dot, wanted(i), arg)?.value);
        }
        if let Some(piped) = piped {
            let value = match wanted(values.len()) {
                Some(wanted) => self.validate(piped, wanted)?.value,
                None => piped.value,
            };
            values.push(value);
        }
        Ok(values)
    }

    fn args(
        &mut self,
        dot: &Operand,
        name: &str,
        signature: Signature,
        args: &'t [Expr],
        piped: Option<Operand>,
    ) -> Exec<Vec<Value>> {
        self.check_count(name, signature.params, signature.variadic, args.len(), piped.is_some())?;
        self.values(dot, signature.params, args, piped)
    }
}
