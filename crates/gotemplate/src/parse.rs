//! The parser: tokens to [`Tree`]s, with the grammar and the messages of `text/template/parse`.

use crate::Text;
use crate::ast::{
    Branch, Chain, Command, Expr, FunctionRef, Names, Node, Pipe, Quoted, Target, TemplateCall, Tree, Variable, deep,
};
use crate::error::ParseError;
use crate::fmt::quoted;
use crate::lex::{Kind, Lexer, Token};
use crate::literal;
use crate::node_text::Shown;
use foldhash::{HashMap, HashMapExt};
use std::sync::Arc;

/// How deep parentheses may nest, as in Go.
const MAX_PARENS: u32 = 10_000;

/// How deep `if`, `with`, `range`, `block` and `define` may nest; an `else if` nests in its `if`.
const MAX_BLOCKS: u32 = 25_000;

/// Finds a function by its name.
pub(crate) type Resolve<'a> = &'a dyn Fn(&str) -> Option<(&'static str, FunctionRef)>;

/// Parses `source` as the template `name`; gives it and all that it defines, each name once.
pub(crate) fn parse(name: &str, source: &Text, resolve: Resolve<'_>) -> Result<Vec<Arc<Tree>>, ParseError> {
    let file: Arc<str> = Arc::from(name);
    let mut lexer = Lexer::new(source);
    let mut shared = Shared {
        file: Arc::clone(&file),
        source: source.clone(),
        resolve,
        trees: Vec::new(),
        nodes: Vec::new(),
        commands: Vec::new(),
        words: Vec::new(),
        by_name: HashMap::new(),
        blocks: 0,
    };
    let mut parser = Parser::new(&mut lexer, &mut shared);
    let body = parser.parse_file()?;
    parser.add(file, body)?;
    Ok(shared.trees)
}

/// What the bodies of one file have in common.
struct Shared<'a> {
    file: Arc<str>,
    source: Text,
    resolve: Resolve<'a>,
    trees: Vec<Arc<Tree>>,
    /// What was read of the lists that are open at present, the inner ones last: a list gets its memory when its length is
    /// known.
    nodes: Vec<Node>,
    commands: Vec<Command>,
    words: Vec<Expr>,
    by_name: HashMap<Arc<str>, usize>,
    /// How deep blocks are nested at present.
    blocks: u32,
}

/// Parses one body: the file's own, or that of a `define` or `block` (which reads on from the same lexer).
struct Parser<'p, 'a> {
    lexer: &'p mut Lexer<'a>,
    shared: &'p mut Shared<'a>,
    tokens: [Token<'a>; 3],
    peeked: usize,
    /// Variables in scope as the parser checks them: assignments count too, as in Go.
    known: Vec<Arc<str>>,
    /// Variables in scope as they stand on the executor's stack.
    slots: Vec<Arc<str>>,
    action_line: u32,
    /// Where the last action begins.
    action_at: u32,
    ranges: u32,
    parens: u32,
    late_variables: bool,
}

/// What ends a list of nodes.
enum End {
    End,
    Else,
}

impl End {
    fn describe(&self) -> &'static str {
        match self {
            Self::End => "{{end}}",
            Self::Else => "{{else}}",
        }
    }
}

enum Item {
    Node(Node),
    End(End),
}

type Parsed<T> = Result<T, ParseError>;

impl<'p, 'a> Parser<'p, 'a> {
    fn new(lexer: &'p mut Lexer<'a>, shared: &'p mut Shared<'a>) -> Self {
        let none = Token { kind: Kind::Error, at: 0, text: &[], line: 0 };
        let dollar: Arc<str> = Arc::from("$");
        Self {
            lexer,
            shared,
            tokens: [none; 3],
            peeked: 0,
            known: vec![Arc::clone(&dollar)],
            slots: vec![dollar],
            action_line: 0,
            action_at: 0,
            ranges: 0,
            parens: 0,
            late_variables: false,
        }
    }

    fn next(&mut self) -> Token<'a> {
        if self.peeked > 0 {
            self.peeked -= 1;
        } else {
            self.tokens[0] = self.lexer.next_token();
        }
        self.tokens[self.peeked]
    }

    fn backup(&mut self) {
        self.peeked += 1;
    }

    fn peek(&mut self) -> Token<'a> {
        if self.peeked == 0 {
            self.peeked = 1;
            self.tokens[0] = self.lexer.next_token();
        }
        self.tokens[self.peeked - 1]
    }

    fn next_non_space(&mut self) -> Token<'a> {
        loop {
            let token = self.next();
            if token.kind != Kind::Space {
                return token;
            }
        }
    }

    fn peek_non_space(&mut self) -> Token<'a> {
        let token = self.next_non_space();
        self.backup();
        token
    }

    fn fail<T>(&self, message: impl Into<String>) -> Parsed<T> {
        // The token that was handed out last, if it was not put back.
        self.fail_at(&self.tokens[self.peeked.min(2)], message)
    }

    #[cold]
    fn fail_at<T>(&self, token: &Token<'a>, message: impl Into<String>) -> Parsed<T> {
        let source = self.shared.source.clone();
        let start = (token.at as usize).min(source.len());
        Err(ParseError {
            template: Arc::clone(&self.shared.file),
            line: self.tokens[0].line,
            message: message.into(),
            span: start..(start + token.text.len()).min(source.len()),
            unclosed: None,
            source,
        })
    }

    fn unexpected<T>(&self, token: &Token<'a>, context: &str) -> Parsed<T> {
        if token.kind != Kind::Error {
            return self.fail_at(token, format!("unexpected {} in {context}", token.describe()));
        }
        let message = self.lexer.message.clone();
        let mut extra = String::new();
        if self.action_line != 0 && self.action_line != token.line {
            extra = format!(" in action started at {}:{}", self.shared.file, self.action_line);
            if message.ends_with(" action") {
                extra = extra.split_off(" in action".len());
            }
        }
        self.fail_at(token, message + &extra)
    }

    fn expect(&mut self, kind: Kind, context: &str) -> Parsed<Token<'a>> {
        let token = self.next_non_space();
        if token.kind == kind { Ok(token) } else { self.unexpected(&token, context) }
    }

    fn add(&mut self, name: Arc<str>, body: Box<[Node]>) -> Parsed<()> {
        let tree = Arc::new(Tree {
            name: Arc::clone(&name),
            file: Arc::clone(&self.shared.file),
            source: self.shared.source.clone(),
            body,
            late_variables: self.late_variables,
        });
        match self.shared.by_name.get(&name) {
            Some(&index) if !self.shared.trees[index].is_blank() => {
                if tree.is_blank() {
                    return Ok(());
                }
                self.fail(format!("template: multiple definition of template {}", quoted(name.as_bytes())))
            }
            Some(&index) => {
                self.shared.trees[index] = tree;
                Ok(())
            }
            None => {
                self.shared.by_name.insert(name, self.shared.trees.len());
                self.shared.trees.push(tree);
                Ok(())
            }
        }
    }

    fn parse_file(&mut self) -> Parsed<Box<[Node]>> {
        while self.peek().kind != Kind::Eof {
            if self.peek().kind == Kind::LeftDelim {
                let delim = self.next();
                if self.next_non_space().kind == Kind::Define {
                    self.definition()?;
                    continue;
                }
                self.tokens[1] = delim;
                self.peeked = 2;
            }
            match self.text_or_action()? {
                Item::Node(node) => self.shared.nodes.push(node),
                Item::End(end) => return self.fail(format!("unexpected {}", end.describe())),
            }
        }
        Ok(taken(&mut self.shared.nodes, 0))
    }

    fn nested(&mut self) -> Parser<'_, 'a> {
        Parser::new(self.lexer, self.shared)
    }

    fn definition(&mut self) -> Parsed<()> {
        const CONTEXT: &str = "define clause";
        let mut parser = self.nested();
        let token = parser.next_non_space();
        if !matches!(token.kind, Kind::Str | Kind::RawString) {
            return parser.unexpected(&token, CONTEXT);
        }
        parser.action_at = token.at;
        let name = parser.unquoted(&token)?;
        parser.expect(Kind::RightDelim, CONTEXT)?;
        parser.definition_body(name, CONTEXT, None)
    }

    fn open_block(&mut self) -> Parsed<()> {
        if self.shared.blocks == MAX_BLOCKS {
            return self.fail("max block depth exceeded");
        }
        self.shared.blocks += 1;
        Ok(())
    }

    /// `line` is where it is wrong that something else than `end` comes last, if not there.
    fn definition_body(&mut self, name: Arc<str>, context: &str, line: Option<u32>) -> Parsed<()> {
        self.open_block()?;
        let at = self.action_at;
        let (body, end) = self.item_list().map_err(|error| unclosed(error, at))?;
        self.shared.blocks -= 1;
        if !matches!(end, End::End) {
            let failed = self.fail(format!("unexpected {} in {context}", end.describe()));
            return failed.map_err(|error| ParseError { line: line.unwrap_or(error.line), ..error });
        }
        self.add(name, body)
    }

    fn unquoted(&mut self, token: &Token<'a>) -> Parsed<Arc<str>> {
        match literal::unquote(token.text) {
            Ok(text) => Ok(Arc::from(String::from_utf8_lossy(&text).as_ref())),
            Err(message) => self.fail(message),
        }
    }

    fn item_list(&mut self) -> Parsed<(Box<[Node]>, End)> {
        let mark = self.shared.nodes.len();
        while self.peek_non_space().kind != Kind::Eof {
            match self.text_or_action()? {
                Item::Node(node) => self.shared.nodes.push(node),
                Item::End(end) => return Ok((taken(&mut self.shared.nodes, mark), end)),
            }
        }
        let end = self.peek_non_space();
        self.fail_at(&Token { text: &[], ..end }, "unexpected EOF")
    }

    fn text_or_action(&mut self) -> Parsed<Item> {
        let token = self.next_non_space();
        match token.kind {
            Kind::Text => {
                let (from, to) = (token.at, token.at + token.text.len() as u32);
                Ok(Item::Node(Node::Text { line: token.line, from, to }))
            }
            Kind::LeftDelim => {
                (self.action_line, self.action_at) = (token.line, token.at);
                let item = deep(|| self.action())?;
                self.action_line = 0;
                Ok(item)
            }
            _ => self.unexpected(&token, "input"),
        }
    }

    fn action(&mut self) -> Parsed<Item> {
        let token = self.next_non_space();
        let node = match token.kind {
            Kind::Block => self.block()?,
            Kind::Break => self.jump("{{break}}", Node::Break)?,
            Kind::Continue => self.jump("{{continue}}", Node::Continue)?,
            Kind::Else => return self.otherwise().map(Item::End),
            Kind::End => {
                self.expect(Kind::RightDelim, "end")?;
                return Ok(Item::End(End::End));
            }
            Kind::If => Node::If(self.control("if")?),
            Kind::Range => Node::Range(self.control("range")?),
            Kind::With => Node::With(self.control("with")?),
            Kind::Template => self.template()?,
            _ => {
                if let Some((from, to)) = token.verbatim()
                    && self.ends_action(&token)
                {
                    return Ok(Item::Node(Node::Literal { line: token.line, from, to }));
                }
                self.backup();
                let token = self.peek();
                let pipe = self.pipeline("command", Kind::RightDelim)?;
                Node::Action { at: token.at, line: token.line, pipe }
            }
        };
        Ok(Item::Node(node))
    }

    /// Takes the end of the action where `token`, which was just read, is all that stands in it; otherwise what was
    /// looked at comes again.
    fn ends_action(&mut self, token: &Token<'a>) -> bool {
        let after = self.peek();
        if self.peek_non_space().kind == Kind::RightDelim {
            self.next();
            return true;
        }
        // What is peeked stands in reverse: one more call of `backup` gives `token` again.
        if after.kind == Kind::Space {
            self.tokens[1] = after;
            self.tokens[2] = *token;
            self.peeked = 2;
        } else {
            self.tokens[1] = *token;
        }
        false
    }

    fn jump(&mut self, name: &str, node: Node) -> Parsed<Node> {
        let token = self.next_non_space();
        if token.kind != Kind::RightDelim {
            return self.unexpected(&token, name);
        }
        if self.ranges == 0 {
            return self.fail(format!("{name} outside {{{{range}}}}"));
        }
        Ok(node)
    }

    fn otherwise(&mut self) -> Parsed<End> {
        let next = self.peek_non_space().kind;
        if matches!(next, Kind::If | Kind::With) {
            return Ok(End::Else);
        }
        self.expect(Kind::RightDelim, "else")?;
        Ok(End::Else)
    }

    fn control(&mut self, context: &'static str) -> Parsed<Box<Branch>> {
        self.open_block()?;
        let (known, slots, line) = (self.known.len(), self.slots.len(), self.action_line);
        let at = self.action_at;
        let pipe = self.pipeline(context, Kind::RightDelim)?;
        let is_range = context == "range";
        self.ranges += u32::from(is_range);
        let inner = self.slots.len();
        let (body, end) = self.item_list().map_err(|error| unclosed(error, at))?;
        self.ranges -= u32::from(is_range);
        self.slots.truncate(inner);
        let otherwise: Option<Box<[Node]>> = match end {
            End::End => None,
            End::Else => {
                let next = self.peek().kind;
                if context == "if" && next == Kind::If {
                    self.next();
                    Some(Box::new([Node::If(deep(|| self.control("if"))?)]))
                } else if context == "with" && next == Kind::With {
                    self.next();
                    Some(Box::new([Node::With(deep(|| self.control("with"))?)]))
                } else {
                    let (list, end) = self.item_list().map_err(|error| unclosed(error, at))?;
                    if !matches!(end, End::End) {
                        return self.fail(format!("expected end; found {}", end.describe()));
                    }
                    Some(list)
                }
            }
        };
        self.known.truncate(known);
        self.slots.truncate(slots);
        self.shared.blocks -= 1;
        Ok(Box::new(Branch { at: pipe.at, line, pipe, body, otherwise }))
    }

    fn block(&mut self) -> Parsed<Node> {
        const CONTEXT: &str = "block clause";
        let token = self.next_non_space();
        let name = self.template_name(&token, CONTEXT)?;
        let pipe = self.pipeline(CONTEXT, Kind::RightDelim)?;
        // Go's parser of the block's body is another one than that of the text around; this error is of the one around.
        let line = self.tokens[0].line;
        let mut parser = self.nested();
        parser.action_at = token.at;
        parser.definition_body(Arc::clone(&name), CONTEXT, Some(line))?;
        Ok(Node::Template(Box::new(TemplateCall { at: token.at, line: token.line, name, pipe: Some(pipe) })))
    }

    fn template(&mut self) -> Parsed<Node> {
        const CONTEXT: &str = "template clause";
        let token = self.next_non_space();
        let name = self.template_name(&token, CONTEXT)?;
        let pipe = if self.next_non_space().kind == Kind::RightDelim {
            None
        } else {
            self.backup();
            Some(self.pipeline(CONTEXT, Kind::RightDelim)?)
        };
        Ok(Node::Template(Box::new(TemplateCall { at: token.at, line: token.line, name, pipe })))
    }

    fn template_name(&mut self, token: &Token<'a>, context: &str) -> Parsed<Arc<str>> {
        if matches!(token.kind, Kind::Str | Kind::RawString) {
            self.unquoted(token)
        } else {
            self.unexpected(token, context)
        }
    }

    fn pipeline(&mut self, context: &'static str, end: Kind) -> Parsed<Pipe> {
        let at = self.peek_non_space().at;
        let (mut assign, mark) = (false, self.shared.commands.len());
        let mut names: Vec<Arc<str>> = Vec::new();
        while let variable = self.peek_non_space()
            && variable.kind == Kind::Variable
        {
            self.next();
            // Space is a token, so it takes three tokens of look-ahead to tell `$x foo` from `$x := foo`.
            let after = self.peek();
            let next = self.peek_non_space();
            if matches!(next.kind, Kind::Assign | Kind::Declare) {
                assign = next.kind == Kind::Assign;
                self.next_non_space();
                self.know(&variable, &mut names);
            } else if next.kind == Kind::Char && next.text == b"," {
                self.next_non_space();
                self.know(&variable, &mut names);
                if context == "range" && names.len() < 2 {
                    if matches!(self.peek_non_space().kind, Kind::Variable | Kind::RightDelim | Kind::RightParen) {
                        continue;
                    }
                    return self.fail("range can only initialize variables");
                }
                return self.fail(format!("too many declarations in {context}"));
            } else if after.kind == Kind::Space {
                self.tokens[1] = after;
                self.tokens[2] = variable;
                self.peeked = 3;
            } else {
                self.tokens[1] = variable;
                self.peeked = 2;
            }
            break;
        }
        loop {
            let token = self.next_non_space();
            match token.kind {
                kind if kind == end => {
                    let commands = taken(&mut self.shared.commands, mark);
                    self.check_pipeline(&commands, context)?;
                    let targets = self.declare(assign, names, context);
                    return Ok(Pipe { at, assign, targets, commands });
                }
                Kind::Bool
                | Kind::CharConstant
                | Kind::Complex
                | Kind::Dot
                | Kind::Field
                | Kind::Identifier
                | Kind::Number
                | Kind::Nil
                | Kind::RawString
                | Kind::Str
                | Kind::Variable
                | Kind::LeftParen => {
                    self.backup();
                    let command = self.command()?;
                    self.shared.commands.push(command);
                }
                _ => return self.unexpected(&token, context),
            }
        }
    }

    fn know(&mut self, variable: &Token<'a>, names: &mut Vec<Arc<str>>) {
        let name: Arc<str> = Arc::from(variable.str());
        self.known.push(Arc::clone(&name));
        names.push(name);
    }

    /// The executor pushes what a pipeline declares when its value is known: then the slots are taken.
    fn declare(&mut self, assign: bool, names: Vec<Arc<str>>, context: &str) -> Box<[Target]> {
        // Whether arguments of `and` and `or` are evaluated shows only at run time.
        self.late_variables |= !names.is_empty() && !assign && context == "parenthesized pipeline";
        let target = |name: Arc<str>| {
            let slot = if assign {
                // A name that is only known through an assignment has no slot; the executor reports it.
                self.slot(&name).unwrap_or(u32::MAX)
            } else {
                self.slots.push(Arc::clone(&name));
                self.slots.len() as u32 - 1
            };
            Target { name, slot }
        };
        names.into_iter().map(target).collect()
    }

    fn slot(&self, name: &str) -> Option<u32> {
        self.slots.iter().rposition(|known| **known == *name).map(|slot| slot as u32)
    }

    fn check_pipeline(&self, commands: &[Command], context: &str) -> Parsed<()> {
        if commands.is_empty() {
            return self.fail(format!("missing value for {context}"));
        }
        for (i, command) in commands.iter().enumerate().skip(1) {
            if matches!(
                command.words[0],
                Expr::Bool { .. } | Expr::Dot { .. } | Expr::Nil { .. } | Expr::Number(_) | Expr::Text(_)
            ) {
                return self.fail(format!("non executable command in pipeline stage {}", i + 1));
            }
        }
        Ok(())
    }

    fn command(&mut self) -> Parsed<Command> {
        let at = self.peek_non_space().at;
        let mark = self.shared.words.len();
        loop {
            self.peek_non_space();
            if let Some(word) = self.operand()? {
                self.shared.words.push(word);
            }
            let token = self.next();
            match token.kind {
                Kind::Space => continue,
                Kind::RightDelim | Kind::RightParen => self.backup(),
                Kind::Pipe => {}
                _ => return self.unexpected(&token, "operand"),
            }
            break;
        }
        if self.shared.words.len() == mark {
            return self.fail("empty command");
        }
        Ok(Command { at, words: taken(&mut self.shared.words, mark) })
    }

    fn operand(&mut self) -> Parsed<Option<Expr>> {
        let Some(term) = self.term()? else { return Ok(None) };
        let field = self.peek();
        if field.kind != Kind::Field {
            return Ok(Some(term));
        }
        let at = field.at;
        // Nothing stands between the fields of a path.
        let mut names = Names { from: at, to: at };
        while self.peek().kind == Kind::Field {
            names.to = end(&self.next());
        }
        Ok(Some(match term {
            Expr::Field { names: first, .. } => Expr::Field { at, names: Names { from: first.from, ..names } },
            Expr::Variable(variable) => Expr::Variable(Box::new(Variable { at, names, ..*variable })),
            Expr::Bool { .. } | Expr::Text(_) | Expr::Number(_) | Expr::Nil { .. } | Expr::Dot { .. } => {
                return self.fail(format!(
                    "unexpected . after term {}",
                    quoted(Shown::new(&term, &self.shared.source).to_string().as_bytes())
                ));
            }
            start => Expr::Chain(Box::new(Chain { at, start, names })),
        }))
    }

    fn term(&mut self) -> Parsed<Option<Expr>> {
        let token = self.next_non_space();
        let at = token.at;
        Ok(Some(match token.kind {
            Kind::Identifier => {
                let found = std::str::from_utf8(token.text).ok().and_then(|name| (self.shared.resolve)(name));
                let Some((name, function)) = found else {
                    return self.fail(format!("function {} not defined", quoted(token.text)));
                };
                Expr::Function { at, name, function }
            }
            Kind::Dot => Expr::Dot { at },
            Kind::Nil => Expr::Nil { at },
            Kind::Variable => {
                let Some(name) = self.known.iter().rev().find(|known| known.as_bytes() == token.text) else {
                    return self.fail(format!("undefined variable {}", quoted(token.text)));
                };
                let slot = self.slot(name).unwrap_or(u32::MAX);
                Expr::Variable(Box::new(Variable { at, name: Arc::clone(name), slot, names: Names::default() }))
            }
            Kind::Field => Expr::Field { at, names: Names { from: at, to: end(&token) } },
            Kind::Bool => Expr::Bool { at, value: token.text == b"true" },
            Kind::CharConstant | Kind::Complex | Kind::Number => {
                let number = match token.kind {
                    Kind::CharConstant => literal::character(at, token.text),
                    Kind::Complex => literal::complex(at, &token.str()),
                    _ => literal::number(at, &token.str()),
                };
                match number {
                    Ok(number) => Expr::Number(Box::new(number)),
                    Err(message) => return self.fail(message),
                }
            }
            Kind::LeftParen => {
                if self.parens >= MAX_PARENS {
                    return self.fail("max expression depth exceeded");
                }
                self.parens += 1;
                let pipe = deep(|| self.pipeline("parenthesized pipeline", Kind::RightParen))?;
                self.parens -= 1;
                Expr::Pipe(Box::new(pipe))
            }
            Kind::Str | Kind::RawString => {
                let text = match token.verbatim() {
                    Some((from, to)) => Ok(Text::from(&self.shared.source[from as usize..to as usize])),
                    None => literal::unquote(token.text).map(Text::from),
                };
                match text {
                    Ok(text) => Expr::Text(Box::new(Quoted { at, to: end(&token), text })),
                    Err(message) => return self.fail(message),
                }
            }
            _ => {
                self.backup();
                return Ok(None);
            }
        }))
    }
}

/// Notes the innermost block that a text leaves open.
#[cold]
fn unclosed(mut error: ParseError, at: u32) -> ParseError {
    if error.message == "unexpected EOF" {
        error.unclosed.get_or_insert(at as usize);
    }
    error
}

/// Where a token ends.
fn end(token: &Token<'_>) -> u32 {
    token.at + token.text.len() as u32
}

/// The items of a list that began at `mark`.
fn taken<T>(open: &mut Vec<T>, mark: usize) -> Box<[T]> {
    open.drain(mark..).collect()
}
