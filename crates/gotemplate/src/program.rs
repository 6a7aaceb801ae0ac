use crate::ast::{FunctionRef, Tree};
use crate::builtin::Builtin;
use crate::error::ExecuteError;
use crate::exec::{Frame, Runtime};
use crate::{Blame, ExecError, Function, ParseError, Sink, Text, Value};
use foldhash::{HashMap, HashMapExt};
use memchr::memmem;
use std::sync::{Arc, OnceLock};

/// What a missing map key gives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MissingKey {
    /// No value at all (Go's default).
    #[default]
    Invalid,
    /// The zero value of the map's elements (Helm).
    Zero,
    /// An error (Helm's strict mode).
    Error,
}

/// A text that was parsed: its own template and those that it defines.
pub struct Compiled(Vec<Arc<Tree>>);

/// A set of templates that know each other, and the functions they call. Parsed once, executed as often as wanted.
///
/// `H` is the state of the host that functions see.
pub struct Program<H> {
    pub(crate) name: Arc<str>,
    pub(crate) missing_key: MissingKey,
    pub(crate) functions: Vec<Function<H>>,
    function_names: HashMap<&'static str, FunctionRef>,
    templates: HashMap<Arc<str>, Arc<Tree>>,
    deferred: HashMap<Arc<str>, Deferred>,
}

/// A text that is parsed by whoever first needs it.
struct Deferred {
    text: Text,
    parsed: OnceLock<Result<Arc<Tree>, ParseError>>,
}

impl<H> Program<H> {
    /// A set without templates. Its name shows in error texts, and is the name of templates given as text.
    pub fn new(name: &str, functions: Vec<Function<H>>) -> Self {
        // A function of the host replaces a built-in one.
        let built_in = Builtin::all().map(|(name, builtin)| (name, FunctionRef::Builtin(builtin)));
        let own = functions.iter().enumerate().map(|(i, function)| (function.name, FunctionRef::Host(i as u32)));
        let function_names = built_in.chain(own).collect();
        Self {
            name: Arc::from(name),
            missing_key: MissingKey::default(),
            functions,
            function_names,
            templates: HashMap::new(),
            deferred: HashMap::new(),
        }
    }

    /// The same set with another answer to missing keys.
    #[must_use]
    pub fn missing_key(mut self, missing_key: MissingKey) -> Self {
        self.missing_key = missing_key;
        self
    }

    fn resolve(&self, name: &str) -> Option<(&'static str, FunctionRef)> {
        self.function_names.get_key_value(name).map(|(name, function)| (*name, *function))
    }

    pub(crate) fn parse_text(&self, text: &Text) -> Result<Arc<[Arc<Tree>]>, ParseError> {
        crate::parse::parse(&self.name, text, &|name| self.resolve(name)).map(Arc::from)
    }

    /// Parses `text` as the template `name` and adds it with all that it defines. What is defined again replaces what
    /// was there, unless it is blank.
    ///
    /// # Errors
    /// When the text does not parse, or defines a name twice.
    pub fn parse(&mut self, name: &str, text: impl Into<Text>) -> Result<(), ParseError> {
        let compiled = self.compile(name, text)?;
        self.add(compiled);
        Ok(())
    }

    /// Parses `text` as the template `name` without adding it: several texts can be parsed at the same time.
    ///
    /// # Errors
    /// When the text does not parse, or defines a name twice.
    pub fn compile(&self, name: &str, text: impl Into<Text>) -> Result<Compiled, ParseError> {
        crate::parse::parse(name, &text.into(), &|name| self.resolve(name)).map(Compiled)
    }

    /// Adds what was compiled by a program with the same functions, as [`Program::parse`] does.
    pub fn add(&mut self, compiled: Compiled) {
        for tree in compiled.0 {
            if !(tree.is_blank() && self.templates.contains_key(&tree.name)) {
                self.templates.insert(Arc::clone(&tree.name), tree);
            }
        }
    }

    /// Adds `text` as the template `name`, to be parsed when it is first executed or [`Program::parse_deferred`] asks for it,
    /// on whatever thread that is: nobody has to wait for texts that are executed late. False, and nothing is added, where
    /// that would tell: the name is known, or the text seems to define templates.
    pub fn defer(&mut self, name: &str, text: impl Into<Text>) -> bool {
        let text = text.into();
        if self.has(name) || may_define(&text) {
            return false;
        }
        self.deferred.insert(Arc::from(name), Deferred { text, parsed: OnceLock::new() });
        true
    }

    /// Parses the text that was deferred under that name, unless that is done.
    ///
    /// # Errors
    /// When the text does not parse.
    pub fn parse_deferred(&self, name: &str) -> Result<(), ParseError> {
        match self.deferred.get(name) {
            Some(deferred) => self.deferred_tree(name, deferred).as_ref().map(|_| ()).map_err(Clone::clone),
            None => Ok(()),
        }
    }

    /// Whether a deferred text's name has been given to another template.
    pub fn is_replaced(&self, name: &str) -> bool {
        self.deferred.contains_key(name) && self.templates.contains_key(name)
    }

    fn deferred_tree<'p>(&self, name: &str, deferred: &'p Deferred) -> &'p Result<Arc<Tree>, ParseError> {
        deferred.parsed.get_or_init(|| {
            let trees = crate::parse::parse(name, &deferred.text, &|name| self.resolve(name))?;
            // It defines nothing, so its own is the only one.
            let unread = || ParseError {
                template: Arc::from(name),
                line: 1,
                message: "unexpected definition".to_owned(),
                span: 0..0,
                unclosed: None,
                source: deferred.text.clone(),
            };
            trees.into_iter().find(|tree| *tree.name == *name).ok_or_else(unread)
        })
    }

    fn tree(&self, name: &str) -> Option<&Arc<Tree>> {
        match self.templates.get(name) {
            Some(tree) => Some(tree),
            // Where it does not parse, there is no such template.
            None => self.deferred.get_key_value(name).and_then(|(name, it)| self.deferred_tree(name, it).as_ref().ok()),
        }
    }

    /// Whether there is a template of that name.
    pub fn has(&self, name: &str) -> bool {
        self.templates.contains_key(name) || self.deferred.contains_key(name)
    }

    /// The template of that name, to look at.
    pub fn syntax(&self, name: &str) -> Option<crate::syntax::Template> {
        self.tree(name).map(|tree| crate::syntax::template(tree))
    }

    /// A text as `tpl` reads it, to look at: its own template first, then those that it defines.
    ///
    /// # Errors
    /// When the text does not parse.
    pub fn syntax_of_text(&self, text: &Text) -> Result<Vec<crate::syntax::Template>, ParseError> {
        let trees = self.parse_text(text)?;
        let (own, defined): (Vec<_>, Vec<_>) = trees.iter().partition(|tree| *tree.name == *self.name);
        Ok(own.into_iter().chain(defined).map(|tree| crate::syntax::template(tree)).collect())
    }

    /// The names of all templates, in order.
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.templates.keys().chain(self.deferred.keys()).map(AsRef::as_ref).collect();
        names.sort_unstable();
        names
    }

    /// The names of the functions that templates may call, the built-in ones too, in order.
    pub fn function_names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.function_names.keys().copied().collect();
        names.sort_unstable();
        names
    }

    /// Begins executing templates of this set with the host's state.
    pub fn session(&self, host: H) -> Session<'_, H> {
        Session { scope: Scope { program: self, parent: None, local: &[] }, runtime: Runtime::new(host) }
    }
}

/// Executions of one program's templates that share the host's state, one after the other.
pub struct Session<'p, H> {
    scope: Scope<'p, H>,
    runtime: Runtime<H>,
}

impl<H> Session<'_, H> {
    /// The host's state.
    pub fn host(&mut self) -> &mut H {
        &mut self.runtime.host
    }

    /// What led to the last error of [`Self::execute`].
    pub fn blame(&self) -> Blame {
        self.runtime.blame.borrow().clone()
    }

    /// Executes the template `name` with `data` as dot.
    ///
    /// What was written before an error stays in the sink.
    ///
    /// # Errors
    /// When there is no such template, or its execution fails.
    pub fn execute(&mut self, name: &str, data: Value, sink: &mut dyn Sink) -> Result<(), ExecuteError> {
        *self.runtime.blame.borrow_mut() = Blame::default();
        match self.scope.lookup(name) {
            Some(tree) => run(&self.scope, tree, &mut self.runtime, data, sink).map_err(ExecuteError::Failed),
            None => Err(ExecuteError::Missing { name: name.to_owned(), set: self.scope.program.name.to_string() }),
        }
    }
}

/// Whether a text may define templates: `define` or `block` stands right behind a delimiter.
fn may_define(text: &[u8]) -> bool {
    let begins_action = |before: &[u8]| {
        let before = before.trim_ascii_end();
        before.ends_with(b"{{") || before.ends_with(b"{{-")
    };
    [&b"define"[..], b"block"].iter().any(|word| memmem::find_iter(text, word).any(|at| begins_action(&text[..at])))
}

/// The templates that an execution sees: the program's, and those that texts around it define.
pub(crate) struct Scope<'s, H> {
    pub(crate) program: &'s Program<H>,
    pub(crate) parent: Option<&'s Scope<'s, H>>,
    pub(crate) local: &'s [Arc<Tree>],
}

impl<'s, H> Scope<'s, H> {
    pub(crate) fn lookup(&self, name: &str) -> Option<&'s Tree> {
        let mut blank = None;
        let mut scope = self;
        loop {
            match scope.local.iter().find(|tree| *tree.name == *name) {
                // A blank definition does not replace what is there.
                Some(tree) if tree.is_blank() => blank = Some(&**tree),
                Some(tree) => return Some(tree),
                None => {}
            }
            match scope.parent {
                Some(parent) => scope = parent,
                None => return self.program.tree(name).map(Arc::as_ref).or(blank),
            }
        }
    }
}

/// Executes `tree` with variables of its own.
pub(crate) fn run<H>(
    scope: &Scope<'_, H>,
    tree: &Tree,
    runtime: &mut Runtime<H>,
    data: Value,
    sink: &mut dyn Sink,
) -> Result<(), Box<ExecError>> {
    Frame::new(scope, tree, runtime, sink, data).run()
}
