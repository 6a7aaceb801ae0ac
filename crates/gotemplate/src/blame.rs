//! What Go's error texts leave out: which part of which text failed, through which calls, and which values it had read.
//! Noted where an error is made, so that executions without one pay nothing for it.

use crate::ast::{At, Command, Expr, Name, Names, Node, Pipe, TemplateCall};
use crate::exec::{Frame, Operand};
use crate::{Map, Text, Value};
use std::ops::Range;
use std::sync::Arc;

/// The part of a template's text at fault, or a call on the way to it.
#[derive(Clone, Debug)]
pub struct Step {
    /// The file that the text stands in; the name of the set for texts given to `tpl`.
    pub file: Arc<str>,
    /// The whole text.
    pub source: Text,
    /// The template being executed: the file, or what `define` named.
    pub template: Arc<str>,
    /// The part of the text, in bytes.
    pub span: Range<usize>,
    /// Go's message, up to the cause; empty for a `{{template}}` action on the way.
    pub message: String,
}

/// An entry of a map that a failing expression read, whether there is one or not.
#[derive(Clone)]
pub struct Subject {
    /// The map.
    pub holder: Map,
    /// The key.
    pub key: Text,
    /// Where the key stands in the text of the first step, in bytes.
    pub span: Range<usize>,
}

/// How many steps of an endless recursion are kept; the last of them is the outermost.
const MAX_STEPS: usize = 64;

/// How an execution failed.
#[derive(Clone, Default)]
pub struct Blame {
    /// From the part at fault outwards, call by call.
    pub steps: Vec<Step>,
    /// What the part at fault had read.
    pub subjects: Vec<Subject>,
}

/// The bytes of a name.
fn span_of(name: Name) -> Range<usize> {
    name.from as usize..name.to as usize
}

/// The bytes of a path of names with the dot before it; `at` where there are none.
fn extent_of_names(names: Names, at: u32, before: usize) -> Range<usize> {
    if names.is_empty() {
        return at as usize..at as usize + before.max(1);
    }
    (names.from as usize).saturating_sub(before)..names.to as usize
}

fn extent_of_expr(expr: &Expr) -> Range<usize> {
    let at = expr.at() as usize;
    match expr {
        Expr::Field { names, at } => extent_of_names(*names, *at, 0),
        Expr::Variable(variable) => extent_of_names(variable.names, variable.at, variable.name.len()),
        Expr::Chain(chain) => {
            let names = extent_of_names(chain.names, chain.at, 0);
            extent_of_expr(&chain.start).start..names.end
        }
        Expr::Pipe(pipe) => extent_of_pipe(pipe),
        Expr::Function { name, .. } => at..at + name.len(),
        Expr::Dot { .. } => at..at + 1,
        Expr::Nil { .. } => at..at + "nil".len(),
        Expr::Bool { value, .. } => at..at + value.to_string().len(),
        Expr::Number(number) => at..at + number.written.len(),
        Expr::Text(quoted) => at..quoted.to as usize,
    }
}

fn extent_of_command(command: &Command) -> Range<usize> {
    match (command.words.first(), command.words.last()) {
        (Some(first), Some(last)) => extent_of_expr(first).start..extent_of_expr(last).end,
        _ => command.at as usize..command.at as usize + 1,
    }
}

fn extent_of_pipe(pipe: &Pipe) -> Range<usize> {
    match (pipe.commands.first(), pipe.commands.last()) {
        (Some(first), Some(last)) => extent_of_command(first).start..extent_of_command(last).end,
        _ => pipe.at as usize..pipe.at as usize + 1,
    }
}

fn extent_of_call(call: &TemplateCall) -> Range<usize> {
    // The name stands there as a quoted string.
    let start = call.at as usize;
    start..start + call.name.len() + 2
}

/// The bytes of a node in its source.
fn extent(at: At<'_>) -> Range<usize> {
    match at {
        At::Node(node) => match node {
            Node::Text { .. } | Node::Break | Node::Continue => 0..0,
            Node::Literal { from, to, .. } => from.saturating_sub(1) as usize..*to as usize + 1,
            Node::Action { pipe, .. } => extent_of_pipe(pipe),
            Node::If(branch) | Node::Range(branch) | Node::With(branch) => extent_of_pipe(&branch.pipe),
            Node::Template(call) => extent_of_call(call),
        },
        At::Pipe(pipe) => extent_of_pipe(pipe),
        At::Command(command) => extent_of_command(command),
        At::Expr(expr) => extent_of_expr(expr),
    }
}

impl<'t, H> Frame<'t, '_, H> {
    /// Notes a step of an error at the present node.
    #[cold]
    pub(crate) fn note_step(&self, message: &str) {
        self.note_span(extent(self.at), message);
    }

    /// Notes a `{{template}}` action that an error passes through.
    #[cold]
    pub(crate) fn note_template(&self, call: &TemplateCall) {
        self.note_span(extent_of_call(call), "");
    }

    fn note_span(&self, span: Range<usize>, message: &str) {
        let steps = &mut self.runtime.blame.borrow_mut().steps;
        steps.truncate(MAX_STEPS - 1);
        steps.push(Step {
            file: Arc::clone(&self.tree.file),
            source: self.tree.source.clone(),
            template: Arc::clone(&self.tree.name),
            span,
            message: message.to_owned(),
        });
    }

    /// Notes which field of a path failed, and the entry that it should have been read from.
    #[cold]
    pub(crate) fn note_field(&self, dot: &Operand, node: At<'t>, key: &[u8]) {
        let At::Expr(expr) = node else { return };
        // The key is a part of the source.
        let from = (key.as_ptr() as usize).wrapping_sub(self.tree.source.as_ptr() as usize);
        self.note_read(dot, expr, Some(from));
        if let Some(step) = self.runtime.blame.borrow_mut().steps.last_mut()
            && from + key.len() <= self.tree.source.len()
        {
            step.span = from..from + key.len();
        }
    }

    /// Notes the entry that an expression reads; with `until`, that of the name before the one that starts there.
    #[cold]
    pub(crate) fn note_read(&self, dot: &Operand, expr: &Expr, until: Option<usize>) {
        let (mut value, names) = match expr {
            Expr::Field { names, .. } => (dot.value.clone(), *names),
            Expr::Variable(variable) => {
                let known = self.vars.iter().rev().find(|(name, _)| *name == &*variable.name);
                let Some((_, operand)) = known else { return };
                (operand.value.clone(), variable.names)
            }
            Expr::Pipe(pipe) => return self.note_reads_of_pipe(dot, pipe),
            _ => return,
        };
        let mut subject = None;
        for name in names.of(&self.tree.source) {
            if until.is_some_and(|until| name.from as usize >= until) {
                break;
            }
            let Value::Map(holder) = value else { break };
            let key = name.of(&self.tree.source);
            value = holder.get(key).unwrap_or_default();
            subject = Some(Subject { holder, key: Text::from(key), span: span_of(name) });
        }
        self.runtime.blame.borrow_mut().subjects.extend(subject);
    }

    /// Notes the entries that a command reads, where no part of it noted any.
    #[cold]
    pub(crate) fn note_reads(&self, dot: &Operand, command: &Command) {
        for word in &command.words {
            self.note_read(dot, word, None);
        }
    }

    fn note_reads_of_pipe(&self, dot: &Operand, pipe: &Pipe) {
        for command in &pipe.commands {
            self.note_reads(dot, command);
        }
    }

    /// Notes what a pipeline had read up to its failing command, where nothing is noted yet.
    #[cold]
    pub(crate) fn note_piped(&self, dot: &Operand, before: &[Command]) {
        let blame = self.runtime.blame.borrow();
        // Only where the pipeline itself is at fault, not a template that it executes.
        let own = blame.steps.len() == 1 && blame.subjects.is_empty();
        drop(blame);
        if own {
            for command in before {
                self.note_reads(dot, command);
            }
        }
    }
}
