//! The executor: walks a template's body and writes its output.

use crate::ast::{At, Branch, Node, Pipe, TemplateCall, Tree, deep};
use crate::blame::Blame;
use crate::budget::Budget;
use crate::containers::Element;
use crate::node_text::Shown;
use crate::program::Scope;
use crate::{ExecError, Failure, Kind, Origin, Sink, Text, Value};
use foldhash::{HashMap, HashMapExt};
use std::cell::RefCell;
use std::sync::Arc;

/// How deep templates may invoke templates, as in Go.
const MAX_DEPTH: u32 = 100_000;

/// What all frames of one execution share.
pub(crate) struct Runtime<H> {
    pub(crate) host: H,
    /// Templates given as text, parsed.
    pub(crate) parsed: HashMap<Text, Arc<[Arc<Tree>]>>,
    /// Argument lists for reuse.
    pub(crate) spare: Vec<Vec<Value>>,
    pub(crate) budget: Budget,
    /// How many functions are executing templates inside of each other.
    pub(crate) calls: u32,
    depth: u32,
    /// What led to the error that is being passed on.
    pub(crate) blame: RefCell<Blame>,
}

impl<H> Runtime<H> {
    pub(crate) fn new(host: H) -> Self {
        Self {
            host,
            parsed: HashMap::new(),
            spare: Vec::new(),
            budget: Budget::default(),
            calls: 0,
            depth: 0,
            blame: RefCell::default(),
        }
    }
}

/// A value, and whether its static type is `interface {}`: such a nil is not "no value", and shows in error texts.
#[derive(Clone)]
pub(crate) struct Operand {
    pub(crate) value: Value,
    pub(crate) boxed: bool,
}

impl Operand {
    /// A value of its own type.
    pub(crate) fn plain(value: Value) -> Self {
        Self { value, boxed: false }
    }

    /// A value in an `interface {}`.
    pub(crate) fn boxed(value: Value) -> Self {
        Self { value, boxed: true }
    }

    /// No value at all.
    pub(crate) fn none() -> Self {
        Self::plain(Value::Nil)
    }

    /// An element of a list or map.
    pub(crate) fn element(value: Value, element: Element) -> Self {
        Self { value, boxed: element == Element::Any }
    }

    /// Whether it is no value at all, as opposed to a nil in an interface.
    pub(crate) fn is_none(&self) -> bool {
        !self.boxed && matches!(self.value, Value::Nil)
    }

    /// The name of the static type.
    pub(crate) fn type_name(&self) -> String {
        if self.boxed { "interface {}".to_owned() } else { self.value.type_name().into_owned() }
    }
}

/// The execution of one template.
pub(crate) struct Frame<'t, 'r, H> {
    pub(crate) scope: &'t Scope<'t, H>,
    pub(crate) tree: &'t Tree,
    pub(crate) runtime: &'r mut Runtime<H>,
    pub(crate) vars: Vec<(&'t str, Operand)>,
    /// Where the execution is, for error texts.
    pub(crate) at: At<'t>,
    /// The line of the action being executed.
    pub(crate) line: u32,
    sink: &'r mut dyn Sink,
}

pub(crate) type Exec<T> = Result<T, Box<ExecError>>;

/// How a list of nodes ended.
#[derive(PartialEq, Eq)]
enum Flow {
    Next,
    Break,
    Continue,
}

const NOWHERE: Node = Node::Break;

impl<'t, 'r, H> Frame<'t, 'r, H> {
    pub(crate) fn new(
        scope: &'t Scope<'t, H>,
        tree: &'t Tree,
        runtime: &'r mut Runtime<H>,
        sink: &'r mut dyn Sink,
        data: Value,
    ) -> Self {
        let mut vars = Vec::with_capacity(4);
        vars.push(("$", Operand::plain(data)));
        Self { scope, tree, runtime, vars, at: At::Node(&NOWHERE), line: 0, sink }
    }

    pub(crate) fn run(mut self) -> Exec<()> {
        let dot = self.vars[0].1.clone();
        deep(|| self.walk(&dot, &self.tree.body))?;
        Ok(())
    }

    /// A node as error texts show it.
    pub(crate) fn shown<T>(&self, node: T) -> Shown<'t, T> {
        Shown::new(node, &self.tree.source)
    }

    /// An error at the present node.
    pub(crate) fn fail<T>(&self, message: impl Into<String>) -> Exec<T> {
        Err(self.error(message.into(), None))
    }

    #[cold]
    pub(crate) fn error(&self, message: String, cause: Option<Box<Failure>>) -> Box<ExecError> {
        self.note_step(&message);
        let before = &self.tree.source[..(self.at.at() as usize).min(self.tree.source.len())];
        let column = before.iter().rposition(|byte| *byte == b'\n').map_or(before.len(), |at| before.len() - at - 1);
        Box::new(ExecError {
            file: Arc::clone(&self.tree.file),
            line: 1 + before.iter().filter(|byte| **byte == b'\n').count() as u32,
            column: column as u32,
            template: Arc::clone(&self.tree.name),
            node: self.shown(self.at).to_string(),
            message,
            cause,
        })
    }

    /// Takes from the session's budget.
    pub(crate) fn within(&mut self, take: impl FnOnce(&mut Budget) -> Result<(), String>) -> Exec<()> {
        match take(&mut self.runtime.budget) {
            Ok(()) => Ok(()),
            Err(message) => self.fail(message),
        }
    }

    fn walk(&mut self, dot: &Operand, nodes: &'t [Node]) -> Exec<Flow> {
        for node in nodes {
            self.within(Budget::step)?;
            match node {
                Node::Text { line, from, to } => {
                    let text = &self.tree.source[*from as usize..*to as usize];
                    self.within(|budget| budget.text(text.len()))?;
                    self.sink.write(Origin { file: &self.tree.file, line: *line, verbatim: true }, text);
                }
                Node::Literal { line, from, to } => {
                    self.at = At::Node(node);
                    let text = &self.tree.source[*from as usize..*to as usize];
                    self.within(|budget| budget.text(text.len()))?;
                    self.sink.write(Origin { file: &self.tree.file, line: *line, verbatim: false }, text);
                }
                Node::Action { line, pipe, .. } => {
                    self.at = At::Node(node);
                    self.line = *line;
                    let value = self.pipe(dot, pipe)?;
                    if pipe.targets.is_empty() {
                        self.at = At::Node(node);
                        self.print(&value, *line)?;
                    }
                }
                Node::If(branch) => {
                    self.at = At::Node(node);
                    match self.branch(dot, branch, false)? {
                        Flow::Next => {}
                        flow => return Ok(flow),
                    }
                }
                Node::With(branch) => {
                    self.at = At::Node(node);
                    match self.branch(dot, branch, true)? {
                        Flow::Next => {}
                        flow => return Ok(flow),
                    }
                }
                Node::Range(branch) => {
                    self.at = At::Node(node);
                    match self.range(dot, branch)? {
                        Flow::Next => {}
                        flow => return Ok(flow),
                    }
                }
                Node::Template(call) => self.template(dot, node, call)?,
                Node::Break => return Ok(Flow::Break),
                Node::Continue => return Ok(Flow::Continue),
            }
        }
        Ok(Flow::Next)
    }

    fn print(&mut self, operand: &Operand, line: u32) -> Exec<()> {
        let origin = Origin { file: &self.tree.file, line, verbatim: false };
        let value = &operand.value;
        match value {
            Value::Text(text) => {
                self.within(|budget| budget.text(text.len()))?;
                self.sink.write(origin, text);
            }
            Value::Nil => self.sink.write(origin, b"<no value>"),
            _ if value.kind() == Kind::Func => {
                return self.fail(format!("can't print {} of type {}", self.shown(self.at), value.type_name()));
            }
            Value::Object(object) => {
                // What is in an interface is a copy.
                let shown = if operand.boxed { object.string() } else { object.shown() };
                if let Some(text) = shown {
                    self.sink.write(origin, text.as_bytes());
                } else {
                    // What a pointer points to is printed, not the pointer.
                    let text = crate::fmt::sprint(std::slice::from_ref(value));
                    self.sink.write(origin, text.strip_prefix(b"&").unwrap_or(&text));
                }
            }
            _ => match crate::fmt::checked(|printer| printer.print(std::slice::from_ref(value))) {
                Ok(text) => {
                    self.within(|budget| budget.text(text.len()))?;
                    self.sink.write(origin, &text);
                }
                Err(message) => return self.fail(message),
            },
        }
        Ok(())
    }

    fn branch(&mut self, dot: &Operand, branch: &'t Branch, is_with: bool) -> Exec<Flow> {
        let mark = self.vars.len();
        self.line = branch.line;
        let value = self.pipe(dot, &branch.pipe)?;
        let flow = if value.value.truth() {
            let dot = if is_with { &value } else { dot };
            self.nested(dot, &branch.body)?
        } else if let Some(otherwise) = &branch.otherwise {
            self.nested(dot, otherwise)?
        } else {
            Flow::Next
        };
        self.vars.truncate(mark);
        Ok(flow)
    }

    fn nested(&mut self, dot: &Operand, nodes: &'t [Node]) -> Exec<Flow> {
        deep(|| self.walk(dot, nodes))
    }

    fn range(&mut self, dot: &Operand, branch: &'t Branch) -> Exec<Flow> {
        let mark = self.vars.len();
        self.line = branch.line;
        let value = self.pipe(dot, &branch.pipe)?;
        let ran = match &value.value {
            Value::Int(count) | Value::Int64(count) | Value::Duration(count) => {
                let count = *count;
                self.check_single(branch, &value.value)?;
                let make: fn(i64) -> Value = match value.value {
                    Value::Int(_) => Value::Int,
                    Value::Int64(_) => Value::Int64,
                    _ => Value::Duration,
                };
                self.iterate(branch, (0..count.max(0)).map(|i| (Operand::none(), Operand::plain(make(i)))))?
            }
            Value::Uint8(count) => {
                self.check_single(branch, &value.value)?;
                self.iterate(branch, (0..*count).map(|i| (Operand::none(), Operand::plain(Value::Uint8(i)))))?
            }
            Value::Uint64(count) => {
                self.check_single(branch, &value.value)?;
                self.iterate(branch, (0..*count).map(|i| (Operand::none(), Operand::plain(Value::Uint64(i)))))?
            }
            Value::Bytes(bytes) => {
                let items = bytes.iter().enumerate();
                self.iterate(branch, items.map(|(i, byte)| (index(i), Operand::plain(Value::Uint8(*byte)))))?
            }
            Value::List(list) => {
                let element = list.kind().element;
                // The length is fixed when the loop begins; elements are read as it goes, as in Go.
                let items = (0..list.len()).map_while(|i| Some((i, list.get(i)?)));
                self.iterate(branch, items.map(|(i, item)| (index(i), Operand::element(item, element))))?
            }
            Value::Map(map) => {
                let element = map.kind().element;
                let entries = map.to_vec().into_iter();
                self.iterate(
                    branch,
                    entries.map(|(key, item)| (Operand::plain(Value::Text(key)), Operand::element(item, element))),
                )?
            }
            Value::Nil => false,
            other => {
                let text = String::from_utf8_lossy(&crate::fmt::sprint(std::slice::from_ref(other))).into_owned();
                branch.pipe.commands.iter().for_each(|command| self.note_reads(dot, command));
                return self.fail(format!("range can't iterate over {text}"));
            }
        };
        let flow = match &branch.otherwise {
            Some(otherwise) if !ran => self.nested(dot, otherwise)?,
            _ => Flow::Next,
        };
        self.vars.truncate(mark);
        Ok(flow)
    }

    fn check_single(&self, branch: &Branch, value: &Value) -> Exec<()> {
        if branch.pipe.targets.len() > 1 {
            let text = String::from_utf8_lossy(&crate::fmt::sprint(std::slice::from_ref(value))).into_owned();
            return self.fail(format!("can't use {text} to iterate over more than one variable"));
        }
        Ok(())
    }

    /// Walks the body for every item; whether there was any.
    fn iterate(&mut self, branch: &'t Branch, items: impl Iterator<Item = (Operand, Operand)>) -> Exec<bool> {
        let mark = self.vars.len();
        let targets = &branch.pipe.targets;
        let mut ran = false;
        for (index, item) in items {
            ran = true;
            self.within(Budget::step)?;
            if branch.pipe.assign {
                match &**targets {
                    [one] => self.assign(one, item.clone())?,
                    [one, two] => {
                        self.assign(one, index)?;
                        self.assign(two, item.clone())?;
                    }
                    _ => {}
                }
            } else {
                match targets.len() {
                    0 => {}
                    1 => self.vars[mark - 1].1 = item.clone(),
                    _ => {
                        self.vars[mark - 1].1 = item.clone();
                        self.vars[mark - 2].1 = index;
                    }
                }
            }
            let flow = self.nested(&item, &branch.body)?;
            self.vars.truncate(mark);
            if flow == Flow::Break {
                break;
            }
        }
        Ok(ran)
    }

    fn template(&mut self, dot: &Operand, node: &'t Node, call: &'t TemplateCall) -> Exec<()> {
        self.at = At::Node(node);
        self.line = call.line;
        let Some(tree) = self.scope.lookup(&call.name) else {
            return self.fail(format!("template {} not defined", crate::fmt::quoted(call.name.as_bytes())));
        };
        if self.runtime.depth == MAX_DEPTH {
            return self.fail(format!("exceeded maximum template depth ({MAX_DEPTH})"));
        }
        let data = match &call.pipe {
            Some(pipe) => self.pipe(dot, pipe)?,
            None => Operand::none(),
        };
        self.runtime.depth += 1;
        let mut frame = Frame::new(self.scope, tree, &mut *self.runtime, &mut *self.sink, data.value);
        frame.vars[0].1.boxed = data.boxed;
        let result = frame.run();
        self.runtime.depth -= 1;
        result.inspect_err(|_| self.note_template(call))
    }

    /// Evaluates a pipeline and sets the variables it declares or assigns.
    pub(crate) fn pipe(&mut self, dot: &Operand, pipe: &'t Pipe) -> Exec<Operand> {
        self.at = At::Pipe(pipe);
        let mut value = None;
        for (i, command) in pipe.commands.iter().enumerate() {
            let result = self.command(dot, command, value);
            let result = result.inspect_err(|_| self.note_piped(dot, &pipe.commands[..i]))?;
            // What is inside an interface counts from here on: a nil in one is no value any more.
            let copy = match &result.value {
                Value::Object(object) if result.boxed => object.copied(),
                _ => None,
            };
            value = Some(Operand::plain(copy.unwrap_or(result.value)));
        }
        let value = value.unwrap_or_else(Operand::none);
        for target in &pipe.targets {
            if pipe.assign {
                self.assign(target, value.clone())?;
            } else {
                self.vars.push((&target.name, value.clone()));
            }
        }
        Ok(value)
    }
}

fn index(index: usize) -> Operand {
    Operand::plain(Value::Int(index as i64))
}
