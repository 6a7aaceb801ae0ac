//! Templates as trees to look at, for those who ask what a template may do without executing it.

use crate::ast;
use crate::with_stack;
use std::sync::Arc;

/// A template of a set.
pub struct Template {
    /// Its name.
    pub name: Arc<str>,
    /// The file that it stands in.
    pub file: Arc<str>,
    /// Its body.
    pub body: Vec<Node>,
}

/// A part of a body; text is left out.
pub enum Node {
    /// `{{pipeline}}`
    Action {
        /// The line, from 1.
        line: u32,
        /// What is evaluated.
        pipe: Pipe,
    },
    /// `if`, `range` or `with`.
    Branch {
        /// Which.
        kind: BranchKind,
        /// The line, from 1.
        line: u32,
        /// What decides.
        pipe: Pipe,
        /// What is executed then.
        body: Vec<Node>,
        /// What is executed otherwise.
        otherwise: Vec<Node>,
    },
    /// `{{template "name" pipeline}}`
    Template {
        /// The line, from 1.
        line: u32,
        /// The name.
        name: Arc<str>,
        /// Its dot.
        pipe: Option<Pipe>,
    },
}

/// The kinds of [`Node::Branch`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum BranchKind {
    If,
    Range,
    With,
}

/// A pipeline.
pub struct Pipe {
    /// Names of the variables that it declares or assigns, with their `$`.
    pub targets: Vec<Arc<str>>,
    /// Whether it assigns to variables that are there.
    pub assign: bool,
    /// Its commands; the value of each is the last argument of the next.
    pub commands: Vec<Vec<Expr>>,
}

/// An operand.
pub enum Expr {
    /// `.`
    Dot,
    /// `.a.b`
    Field(Vec<String>),
    /// `$x.a.b`
    Variable(Arc<str>, Vec<String>),
    /// `(pipeline).a.b`
    Chain(Box<Expr>, Vec<String>),
    /// A function's name.
    Function(&'static str),
    /// `(pipeline)`
    Pipe(Box<Pipe>),
    /// A string constant.
    Text(String),
    /// Any other constant.
    Constant,
}

struct Reader<'t> {
    source: &'t [u8],
}

/// A template as a tree to look at.
pub(crate) fn template(tree: &ast::Tree) -> Template {
    let reader = Reader { source: &tree.source };
    Template { name: Arc::clone(&tree.name), file: Arc::clone(&tree.file), body: reader.nodes(&tree.body) }
}

impl Reader<'_> {
    fn nodes(&self, nodes: &[ast::Node]) -> Vec<Node> {
        with_stack(|| nodes.iter().filter_map(|node| self.node(node)).collect())
    }

    fn node(&self, node: &ast::Node) -> Option<Node> {
        Some(match node {
            ast::Node::Action { line, pipe, .. } => Node::Action { line: *line, pipe: self.pipe(pipe) },
            ast::Node::If(branch) => self.branch(BranchKind::If, branch),
            ast::Node::Range(branch) => self.branch(BranchKind::Range, branch),
            ast::Node::With(branch) => self.branch(BranchKind::With, branch),
            ast::Node::Template(call) => Node::Template {
                line: call.line,
                name: Arc::clone(&call.name),
                pipe: call.pipe.as_ref().map(|pipe| self.pipe(pipe)),
            },
            _ => return None,
        })
    }

    fn branch(&self, kind: BranchKind, branch: &ast::Branch) -> Node {
        Node::Branch {
            kind,
            line: branch.line,
            pipe: self.pipe(&branch.pipe),
            body: self.nodes(&branch.body),
            otherwise: branch.otherwise.as_deref().map(|nodes| self.nodes(nodes)).unwrap_or_default(),
        }
    }

    fn pipe(&self, pipe: &ast::Pipe) -> Pipe {
        with_stack(|| Pipe {
            targets: pipe.targets.iter().map(|target| Arc::clone(&target.name)).collect(),
            assign: pipe.assign,
            commands: pipe.commands.iter().map(|c| c.words.iter().map(|word| self.expr(word)).collect()).collect(),
        })
    }

    fn expr(&self, expr: &ast::Expr) -> Expr {
        match expr {
            ast::Expr::Dot { .. } => Expr::Dot,
            ast::Expr::Field { names, .. } => Expr::Field(self.names(*names)),
            ast::Expr::Variable(variable) => Expr::Variable(Arc::clone(&variable.name), self.names(variable.names)),
            ast::Expr::Chain(chain) => Expr::Chain(Box::new(self.expr(&chain.start)), self.names(chain.names)),
            ast::Expr::Function { name, .. } => Expr::Function(name),
            ast::Expr::Pipe(pipe) => Expr::Pipe(Box::new(self.pipe(pipe))),
            ast::Expr::Text(quoted) => Expr::Text(quoted.text.to_string()),
            ast::Expr::Nil { .. } | ast::Expr::Bool { .. } | ast::Expr::Number(_) => Expr::Constant,
        }
    }

    fn names(&self, names: ast::Names) -> Vec<String> {
        names.of(self.source).map(|name| String::from_utf8_lossy(name.of(self.source)).into_owned()).collect()
    }
}
