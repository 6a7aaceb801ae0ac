use crate::ast::Tree;
use crate::exec::Runtime;
use crate::program::Scope;
use crate::{Failure, Text, Type, Value};
use crate::{Sink, program};
use std::sync::Arc;

/// How deeply functions that execute templates may be nested. Go has no such limit but the size of its stack, where it
/// ends without an error.
const MAX_CALLS: u32 = 5_000;

/// A function that templates can call.
pub struct Function<H> {
    /// Its name in templates.
    pub name: &'static str,
    /// The types of its parameters; of a variadic function the last is the type of each further argument.
    pub params: &'static [Type],
    /// Whether the last parameter takes any number of arguments.
    pub variadic: bool,
    /// The type of its result.
    pub returns: Type,
    /// What it does.
    pub body: Body<H>,
}

/// What a function does. Arguments are checked against its parameters before the call.
pub enum Body<H> {
    /// From arguments to a result.
    Pure(fn(&[Value]) -> Result<Value, Failure>),
    /// With the host's state, or executing templates.
    Host(fn(&mut Call<'_, H>) -> Result<Value, Failure>),
}

impl<H> Clone for Body<H> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<H> Copy for Body<H> {}

/// A call of a host function in progress.
pub struct Call<'c, H> {
    pub(crate) args: &'c [Value],
    pub(crate) scope: &'c Scope<'c, H>,
    pub(crate) runtime: &'c mut Runtime<H>,
    pub(crate) file: &'c Arc<str>,
    pub(crate) line: u32,
}

impl<'c, H> Call<'c, H> {
    /// The arguments.
    pub fn args(&self) -> &'c [Value] {
        self.args
    }

    /// The host's state.
    pub fn host(&mut self) -> &mut H {
        &mut self.runtime.host
    }

    /// The file and line of the action that makes the call.
    pub fn place(&self) -> (&'c Arc<str>, u32) {
        (self.file, self.line)
    }

    /// Executes the template `name` of the same set, with variables of its own.
    ///
    /// # Errors
    /// When there is no such template, or its execution fails.
    pub fn execute(&mut self, name: &[u8], data: Value, sink: &mut dyn Sink) -> Result<(), Failure> {
        let text = String::from_utf8_lossy(name);
        let Some(tree) = self.scope.lookup(&text) else {
            let (name, set) = (crate::fmt::quoted(name), crate::fmt::quoted(self.scope.program.name.as_bytes()));
            return Err(Failure::new(format!("template: no template {name} associated with template {set}")));
        };
        self.nested(self.scope, tree, data, sink)
    }

    /// Executes inside of the call, as long as calls are not nested too deeply.
    fn nested(&mut self, scope: &Scope<'_, H>, tree: &Tree, data: Value, sink: &mut dyn Sink) -> Result<(), Failure> {
        if self.runtime.calls == MAX_CALLS {
            return Err(Failure::new(format!("exceeded maximum template depth ({MAX_CALLS})")));
        }
        self.runtime.calls += 1;
        let result = program::run(scope, tree, self.runtime, data, sink);
        self.runtime.calls -= 1;
        result.map_err(Failure::Exec)
    }

    /// Parses `text` as a template and executes it in a copy of the set: what it defines is gone afterwards.
    ///
    /// # Errors
    /// [`Failure::Parse`] when the text does not parse, [`Failure::Exec`] when its execution fails.
    pub fn execute_text(&mut self, text: &Text, data: Value, sink: &mut dyn Sink) -> Result<(), Failure> {
        let program = self.scope.program;
        let trees = match self.runtime.parsed.get(text) {
            Some(trees) => Arc::clone(trees),
            None => {
                let trees = program.parse_text(text).map_err(Failure::Parse)?;
                self.runtime.parsed.insert(text.clone(), Arc::clone(&trees));
                trees
            }
        };
        let Some(main) = trees.iter().find(|tree| *tree.name == *program.name) else { return Ok(()) };
        let scope = Scope { program, parent: Some(self.scope), local: &trees };
        self.nested(&scope, main, data, sink)
    }
}
