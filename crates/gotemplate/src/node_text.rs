//! Nodes as text, as Go's error messages show them (`at <.Values.image>`).

use crate::ast::{At, Command, Expr, Name, Names, Node, Pipe, deep};
use crate::fmt::quoted;
use std::fmt::{self, Display, Formatter};

/// A node with the source that it was read from.
#[derive(Clone, Copy)]
pub(crate) struct Shown<'a, T> {
    pub(crate) node: T,
    pub(crate) source: &'a [u8],
}

impl<'a, T> Shown<'a, T> {
    pub(crate) fn new(node: T, source: &'a [u8]) -> Self {
        Self { node, source }
    }

    fn with<U>(&self, node: U) -> Shown<'a, U> {
        Shown { node, source: self.source }
    }

    fn names(&self, f: &mut Formatter<'_>, names: Names) -> fmt::Result {
        let path = Name { from: names.from, to: names.to };
        f.write_str(&String::from_utf8_lossy(path.of(self.source)))
    }

    /// Parentheses belong to the command or chain around a pipeline, not to the pipeline's own text.
    fn operand(&self, f: &mut Formatter<'_>, expr: &Expr) -> fmt::Result {
        match expr {
            Expr::Pipe(pipe) => write!(f, "({})", self.with(&**pipe)),
            expr => self.with(expr).fmt(f),
        }
    }
}

impl Display for Shown<'_, At<'_>> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.node {
            At::Node(node) => self.with(node).fmt(f),
            At::Pipe(pipe) => self.with(pipe).fmt(f),
            At::Command(command) => self.with(command).fmt(f),
            At::Expr(expr) => self.with(expr).fmt(f),
        }
    }
}

impl Display for Shown<'_, &Node> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.node {
            // Text never fails; it is nowhere shown.
            Node::Text { .. } => Ok(()),
            Node::Literal { from, to, .. } => {
                let written = Name { from: from.saturating_sub(1), to: to + 1 };
                write!(f, "{{{{{}}}}}", String::from_utf8_lossy(written.of(self.source)))
            }
            Node::Action { pipe, .. } => write!(f, "{{{{{}}}}}", self.with(pipe)),
            // What fails inside of a branch is shown by itself.
            Node::If(branch) => write!(f, "{{{{if {}}}}}", self.with(&branch.pipe)),
            Node::Range(branch) => write!(f, "{{{{range {}}}}}", self.with(&branch.pipe)),
            Node::With(branch) => write!(f, "{{{{with {}}}}}", self.with(&branch.pipe)),
            Node::Template(call) => {
                write!(f, "{{{{template {}", quoted(call.name.as_bytes()))?;
                if let Some(pipe) = &call.pipe {
                    write!(f, " {}", self.with(pipe))?;
                }
                f.write_str("}}")
            }
            Node::Break => f.write_str("{{break}}"),
            Node::Continue => f.write_str("{{continue}}"),
        }
    }
}

impl Display for Shown<'_, &Pipe> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let pipe = self.node;
        for (i, target) in pipe.targets.iter().enumerate() {
            f.write_str(if i > 0 { ", " } else { "" })?;
            f.write_str(&target.name)?;
        }
        if !pipe.targets.is_empty() {
            f.write_str(if pipe.assign { " = " } else { " := " })?;
        }
        for (i, command) in pipe.commands.iter().enumerate() {
            f.write_str(if i > 0 { " | " } else { "" })?;
            deep(|| self.with(command).fmt(f))?;
        }
        Ok(())
    }
}

impl Display for Shown<'_, &Command> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (i, word) in self.node.words.iter().enumerate() {
            f.write_str(if i > 0 { " " } else { "" })?;
            self.operand(f, word)?;
        }
        Ok(())
    }
}

impl Display for Shown<'_, &Expr> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.node {
            Expr::Field { names, .. } => self.names(f, *names),
            Expr::Chain(chain) => {
                self.operand(f, &chain.start)?;
                self.names(f, chain.names)
            }
            Expr::Function { name, .. } => f.write_str(name),
            Expr::Pipe(pipe) => self.with(&**pipe).fmt(f),
            Expr::Variable(variable) => {
                f.write_str(&variable.name)?;
                self.names(f, variable.names)
            }
            Expr::Dot { .. } => f.write_str("."),
            Expr::Nil { .. } => f.write_str("nil"),
            Expr::Bool { value, .. } => write!(f, "{value}"),
            Expr::Number(number) => f.write_str(&number.written),
            Expr::Text(text) => {
                let written = Name { from: text.at, to: text.to };
                f.write_str(&String::from_utf8_lossy(written.of(self.source)))
            }
        }
    }
}
