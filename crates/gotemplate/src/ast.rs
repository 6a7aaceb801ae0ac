//! The compiled template: what the parser builds and the executor walks.

use crate::Text;
use crate::builtin::Builtin;
use std::sync::Arc;

/// One parsed template body: a file, or a `define` inside one.
pub(crate) struct Tree {
    /// The template's name.
    pub(crate) name: Arc<str>,
    /// The name of the file it stands in, for error texts.
    pub(crate) file: Arc<str>,
    /// The file's text; positions of nodes count its bytes.
    pub(crate) source: Text,
    /// The body.
    pub(crate) body: Box<[Node]>,
    /// A variable may be declared or not at run time (inside arguments of `and` and `or`): look variables up by name.
    pub(crate) late_variables: bool,
}

impl Tree {
    /// Whether the body is nothing but white space.
    pub(crate) fn is_blank(&self) -> bool {
        self.body.iter().all(|node| match node {
            Node::Text { from, to, .. } => is_space(&self.source[*from as usize..*to as usize]),
            _ => false,
        })
    }
}

fn is_space(text: &[u8]) -> bool {
    String::from_utf8_lossy(text).trim().is_empty()
}

/// A part of a template's body.
pub(crate) enum Node {
    /// Text of the template itself: bytes of its source.
    Text {
        line: u32,
        from: u32,
        to: u32,
    },
    /// An action that is one string constant: bytes of the source between the quotes.
    Literal {
        line: u32,
        from: u32,
        to: u32,
    },
    Action {
        at: u32,
        line: u32,
        pipe: Pipe,
    },
    If(Box<Branch>),
    Range(Box<Branch>),
    With(Box<Branch>),
    Template(Box<TemplateCall>),
    Break,
    Continue,
}

/// `if`, `range` or `with`.
pub(crate) struct Branch {
    pub(crate) at: u32,
    pub(crate) line: u32,
    pub(crate) pipe: Pipe,
    pub(crate) body: Box<[Node]>,
    pub(crate) otherwise: Option<Box<[Node]>>,
}

/// `{{template "name" pipeline}}`
pub(crate) struct TemplateCall {
    pub(crate) at: u32,
    pub(crate) line: u32,
    pub(crate) name: Arc<str>,
    pub(crate) pipe: Option<Pipe>,
}

/// A pipeline: `$a, $b := command | command`.
pub(crate) struct Pipe {
    pub(crate) at: u32,
    pub(crate) assign: bool,
    pub(crate) targets: Box<[Target]>,
    pub(crate) commands: Box<[Command]>,
}

/// A variable that a pipeline declares or assigns.
pub(crate) struct Target {
    pub(crate) name: Arc<str>,
    pub(crate) slot: u32,
}

/// A command: an operand, or a function or method with arguments.
pub(crate) struct Command {
    pub(crate) at: u32,
    pub(crate) words: Box<[Expr]>,
}

/// An operand.
pub(crate) enum Expr {
    Field { at: u32, names: Names },
    Chain(Box<Chain>),
    Function { at: u32, name: &'static str, function: FunctionRef },
    Pipe(Box<Pipe>),
    Variable(Box<Variable>),
    Dot { at: u32 },
    Nil { at: u32 },
    Bool { at: u32, value: bool },
    Number(Box<Number>),
    Text(Box<Quoted>),
}

/// A name of a field: where it stands in the source, without its dot.
#[derive(Clone, Copy)]
pub(crate) struct Name {
    pub(crate) from: u32,
    pub(crate) to: u32,
}

impl Name {
    /// The name in the source that it was read from.
    pub(crate) fn of(self, source: &[u8]) -> &[u8] {
        source.get(self.from as usize..self.to as usize).unwrap_or_default()
    }
}

/// A path of fields, `.a.b.c`: where it stands in the source, its first dot included.
#[derive(Clone, Copy, Default)]
pub(crate) struct Names {
    pub(crate) from: u32,
    pub(crate) to: u32,
}

impl Names {
    pub(crate) fn is_empty(self) -> bool {
        self.from == self.to
    }

    /// The names, of the source that they were read from.
    pub(crate) fn of(self, source: &[u8]) -> impl Iterator<Item = Name> + '_ {
        let mut at = self.from;
        std::iter::from_fn(move || {
            let from = at + 1;
            let rest = source.get(from as usize..self.to as usize).filter(|rest| !rest.is_empty())?;
            let length = rest.iter().position(|byte| *byte == b'.').unwrap_or(rest.len());
            at = from + length as u32;
            Some(Name { from, to: at })
        })
    }
}

/// `(pipeline).field.field`
pub(crate) struct Chain {
    pub(crate) at: u32,
    pub(crate) start: Expr,
    pub(crate) names: Names,
}

/// `$name.field.field`
pub(crate) struct Variable {
    pub(crate) at: u32,
    pub(crate) name: Arc<str>,
    pub(crate) slot: u32,
    pub(crate) names: Names,
}

/// A string constant: where the source has it, quotes included, and what it means.
pub(crate) struct Quoted {
    pub(crate) at: u32,
    pub(crate) to: u32,
    pub(crate) text: Text,
}

/// A number: whatever types its digits allow.
#[derive(Default)]
pub(crate) struct Number {
    pub(crate) at: u32,
    pub(crate) written: String,
    pub(crate) int: Option<i64>,
    pub(crate) uint: Option<u64>,
    pub(crate) float: Option<f64>,
    pub(crate) complex: Option<(f64, f64)>,
}

/// A function, resolved when parsing.
#[derive(Clone, Copy)]
pub(crate) enum FunctionRef {
    Builtin(Builtin),
    Host(u32),
}

/// The node that the executor was at when something failed.
#[derive(Clone, Copy)]
pub(crate) enum At<'t> {
    Node(&'t Node),
    Pipe(&'t Pipe),
    Command(&'t Command),
    Expr(&'t Expr),
}

/// Runs `work` with room on the stack, however deeply nodes are nested.
pub fn deep<R>(work: impl FnOnce() -> R) -> R {
    stacker::maybe_grow(128 * 1024, 2 * 1024 * 1024, work)
}

impl Drop for Branch {
    fn drop(&mut self) {
        let (body, otherwise) = (std::mem::take(&mut self.body), self.otherwise.take());
        deep(move || drop((body, otherwise)));
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        let commands = std::mem::take(&mut self.commands);
        deep(move || drop(commands));
    }
}

impl Expr {
    /// The position of the node in the source.
    pub(crate) fn at(&self) -> u32 {
        match self {
            Self::Field { at, .. }
            | Self::Function { at, .. }
            | Self::Dot { at }
            | Self::Nil { at }
            | Self::Bool { at, .. } => *at,
            Self::Chain(chain) => chain.at,
            Self::Pipe(pipe) => pipe.at,
            Self::Variable(variable) => variable.at,
            Self::Number(number) => number.at,
            Self::Text(quoted) => quoted.at,
        }
    }
}

impl At<'_> {
    /// The position of the node in the source.
    pub(crate) fn at(self) -> u32 {
        match self {
            Self::Node(node) => match node {
                Node::Text { .. } | Node::Break | Node::Continue => 0,
                Node::Literal { from, .. } => from.saturating_sub(1),
                Node::Action { at, .. } => *at,
                Node::If(branch) | Node::Range(branch) | Node::With(branch) => branch.at,
                Node::Template(call) => call.at,
            },
            Self::Pipe(pipe) => pipe.at,
            Self::Command(command) => command.at,
            Self::Expr(expr) => expr.at(),
        }
    }
}
