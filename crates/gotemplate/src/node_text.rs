//! Nodes as text, as Go's error messages show them (`at <.Values.image>`).

use crate::ast::{At, Branch, Command, Expr, Node, Pipe, deep};
use crate::fmt::quoted;
use std::fmt::{self, Display, Formatter, Write};

impl Display for At<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Node(node) => node.fmt(f),
            Self::Pipe(pipe) => pipe.fmt(f),
            Self::Command(command) => command.fmt(f),
            Self::Expr(expr) => expr.fmt(f),
        }
    }
}

impl Display for Node {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            // Text never fails; it is nowhere shown.
            Self::Text { .. } => Ok(()),
            Self::Action { pipe, .. } => write!(f, "{{{{{pipe}}}}}"),
            Self::If(branch) => write_branch(f, "if", branch),
            Self::Range(branch) => write_branch(f, "range", branch),
            Self::With(branch) => write_branch(f, "with", branch),
            Self::Template(call) => {
                write!(f, "{{{{template {}", quoted(call.name.as_bytes()))?;
                if let Some(pipe) = &call.pipe {
                    write!(f, " {pipe}")?;
                }
                f.write_str("}}")
            }
            Self::Break => f.write_str("{{break}}"),
            Self::Continue => f.write_str("{{continue}}"),
        }
    }
}

/// Only the head: what fails inside of a branch is shown by itself.
fn write_branch(f: &mut Formatter<'_>, keyword: &str, branch: &Branch) -> fmt::Result {
    write!(f, "{{{{{keyword} {}}}}}", branch.pipe)?;
    f.write_str("{{end}}")
}

impl Display for Pipe {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (i, target) in self.targets.iter().enumerate() {
            f.write_str(if i > 0 { ", " } else { "" })?;
            f.write_str(&target.name)?;
        }
        if !self.targets.is_empty() {
            f.write_str(if self.assign { " = " } else { " := " })?;
        }
        for (i, command) in self.commands.iter().enumerate() {
            f.write_str(if i > 0 { " | " } else { "" })?;
            deep(|| command.fmt(f))?;
        }
        Ok(())
    }
}

impl Display for Command {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (i, word) in self.words.iter().enumerate() {
            f.write_str(if i > 0 { " " } else { "" })?;
            write_operand(f, word)?;
        }
        Ok(())
    }
}

/// Parentheses belong to the command or chain around a pipeline, not to the pipeline's own text.
fn write_operand(f: &mut Formatter<'_>, expr: &Expr) -> fmt::Result {
    if let Expr::Pipe(pipe) = expr { write!(f, "({pipe})") } else { expr.fmt(f) }
}

fn write_names(f: &mut Formatter<'_>, names: &[Box<str>]) -> fmt::Result {
    for name in names {
        f.write_char('.')?;
        f.write_str(name)?;
    }
    Ok(())
}

impl Display for Expr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field { names, .. } => write_names(f, names),
            Self::Chain(chain) => {
                write_operand(f, &chain.start)?;
                write_names(f, &chain.names)
            }
            Self::Function { name, .. } => f.write_str(name),
            Self::Pipe(pipe) => pipe.fmt(f),
            Self::Variable(variable) => {
                f.write_str(&variable.name)?;
                write_names(f, &variable.names)
            }
            Self::Dot { .. } => f.write_char('.'),
            Self::Nil { .. } => f.write_str("nil"),
            Self::Bool { value, .. } => write!(f, "{value}"),
            Self::Number(number) => f.write_str(&number.written),
            Self::Text(text) => f.write_str(&text.written.to_str()),
        }
    }
}
