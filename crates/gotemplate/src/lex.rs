//! The lexer: template text to tokens, with Go's trim markers, and its errors word for word.

use crate::fmt::unicode_name;
use crate::text::first_rune;
use memchr::memmem;

/// The kinds of token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Error,
    Eof,
    Bool,
    Char,
    CharConstant,
    Complex,
    Assign,
    Declare,
    Field,
    Identifier,
    LeftDelim,
    LeftParen,
    Number,
    Pipe,
    RawString,
    RightDelim,
    RightParen,
    Space,
    Str,
    Text,
    Variable,
    // Keywords.
    Block,
    Break,
    Continue,
    Dot,
    Define,
    Else,
    End,
    If,
    Nil,
    Range,
    Template,
    With,
}

impl Kind {
    fn is_keyword(self) -> bool {
        self as u8 >= Self::Block as u8
    }
}

/// A token: its place, its text, the line it starts on. An error's text is the lexer's.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Token<'a> {
    pub(crate) kind: Kind,
    pub(crate) at: u32,
    pub(crate) text: &'a [u8],
    pub(crate) line: u32,
}

impl Token<'_> {
    /// The token as error messages name it.
    pub(crate) fn describe(&self) -> String {
        let text = String::from_utf8_lossy(self.text);
        match self.kind {
            Kind::Eof => "EOF".to_owned(),
            Kind::Error => String::new(),
            kind if kind.is_keyword() => format!("<{text}>"),
            _ if self.text.len() > 10 => {
                let cut: String = text.chars().take(10).collect();
                format!("{}...", crate::fmt::quoted(cut.as_bytes()))
            }
            _ => crate::fmt::quoted(self.text),
        }
    }

    pub(crate) fn str(&self) -> String {
        String::from_utf8_lossy(self.text).into_owned()
    }

    /// Where the source has the very text that a string constant stands for; `None` where the two differ.
    pub(crate) fn verbatim(&self) -> Option<(u32, u32)> {
        let inner = self.text.get(1..self.text.len().checked_sub(1)?)?;
        let same = match self.kind {
            Kind::RawString => memchr::memchr(b'\r', inner).is_none(),
            Kind::Str => memchr::memchr(b'\\', inner).is_none() && std::str::from_utf8(inner).is_ok(),
            _ => false,
        };
        same.then_some((self.at + 1, self.at + 1 + inner.len() as u32))
    }
}

enum State {
    Text,
    LeftDelim,
    Comment,
    RightDelim,
    InsideAction,
    Space,
    Quote,
    RawQuote,
    Char,
    Number,
    Identifier,
    Field,
    Variable,
}

enum Step<'a> {
    Emit(Token<'a>),
    Go(State),
}

/// Cuts a template into tokens.
pub(crate) struct Lexer<'a> {
    input: &'a [u8],
    at: usize,
    start: usize,
    line: u32,
    start_line: u32,
    parens: i32,
    inside: bool,
    left: memmem::Finder<'static>,
    /// Why the last token is an error.
    pub(crate) message: String,
}

const LEFT: &[u8; 2] = b"{{";
const RIGHT: &[u8; 2] = b"}}";

impl<'a> Lexer<'a> {
    pub(crate) fn new(input: &'a [u8]) -> Self {
        Self {
            input,
            at: 0,
            start: 0,
            line: 1,
            start_line: 1,
            parens: 0,
            inside: false,
            left: memmem::Finder::new(LEFT),
            message: String::new(),
        }
    }

    pub(crate) fn next_token(&mut self) -> Token<'a> {
        if self.inside
            && let Some(token) = self.frequent()
        {
            return token;
        }
        let mut state = if self.inside { State::InsideAction } else { State::Text };
        loop {
            match self.step(&state) {
                Step::Emit(token) => return token,
                Step::Go(next) => state = next,
            }
        }
    }

    /// The tokens that most actions consist of: one space, words and fields of ASCII letters. Whatever else stands there is
    /// left to the states.
    fn frequent(&mut self) -> Option<Token<'a>> {
        let rest = self.rest();
        let (&first, after) = rest.split_first()?;
        match first {
            b' ' => {
                // More space, or a trim marker, may follow.
                if matches!(after.first(), None | Some(b' ' | b'\t' | b'\r' | b'\n' | b'-')) {
                    return None;
                }
                self.at += 1;
                Some(self.token(Kind::Space))
            }
            b'.' | b'$' | b'a'..=b'z' | b'A'..=b'Z' | b'_' => {
                let length = after.iter().position(|byte| !IS_WORD[usize::from(*byte)])?;
                let kind = match first {
                    b'.' if length == 0 || after[0].is_ascii_digit() => return None,
                    b'.' => Kind::Field,
                    b'$' => Kind::Variable,
                    _ => keyword(&rest[..=length]),
                };
                let ends = match after[length] {
                    b' ' | b'\t' | b'\r' | b'\n' | b'.' | b',' | b'|' | b':' | b')' | b'(' => true,
                    _ => after[length..].starts_with(RIGHT),
                };
                if !ends {
                    return None;
                }
                self.at += 1 + length;
                Some(self.token(kind))
            }
            _ => None,
        }
    }

    fn step(&mut self, state: &State) -> Step<'a> {
        match state {
            State::Text => self.text(),
            State::LeftDelim => self.left_delim(),
            State::Comment => self.comment(),
            State::RightDelim => self.right_delim(),
            State::InsideAction => self.inside_action(),
            State::Space => self.space(),
            State::Quote => self.quote(b'"', "unterminated quoted string", Kind::Str),
            State::Char => self.quote(b'\'', "unterminated character constant", Kind::CharConstant),
            State::RawQuote => self.raw_quote(),
            State::Number => self.number(),
            State::Identifier => self.identifier(),
            State::Field => self.field_or_variable(Kind::Field),
            State::Variable => {
                if self.at_terminator() {
                    return self.emit(Kind::Variable);
                }
                self.field_or_variable(Kind::Variable)
            }
        }
    }

    fn rest(&self) -> &'a [u8] {
        &self.input[self.at..]
    }

    fn peek(&self) -> Option<char> {
        first_rune(self.rest()).map(|(rune, _)| rune)
    }

    fn next(&mut self) -> Option<char> {
        let (rune, width) = first_rune(self.rest())?;
        self.at += width;
        if rune == '\n' {
            self.line += 1;
        }
        Some(rune)
    }

    fn emit(&mut self, kind: Kind) -> Step<'a> {
        Step::Emit(self.token(kind))
    }

    fn token(&mut self, kind: Kind) -> Token<'a> {
        let token =
            Token { kind, at: self.start as u32, text: &self.input[self.start..self.at], line: self.start_line };
        self.start = self.at;
        self.start_line = self.line;
        token
    }

    /// Skips what was passed over without [`Self::next`], counting its lines.
    fn ignore(&mut self) {
        self.line += lines(&self.input[self.start..self.at]);
        self.start = self.at;
        self.start_line = self.line;
    }

    fn error(&mut self, message: impl Into<String>) -> Step<'a> {
        let token = Token { kind: Kind::Error, at: self.start as u32, text: &[], line: self.start_line };
        self.message = message.into();
        self.input = &[];
        self.at = 0;
        self.start = 0;
        Step::Emit(token)
    }

    fn accept(&mut self, valid: &[u8]) -> bool {
        let found = self.rest().first().is_some_and(|byte| valid.contains(byte));
        if found {
            self.at += 1;
        }
        found
    }

    fn accept_run(&mut self, valid: &[u8]) {
        while self.accept(valid) {}
    }

    fn text(&mut self) -> Step<'a> {
        let Some(found) = self.left.find(self.rest()) else {
            self.at = self.input.len();
            if self.at > self.start {
                self.line += lines(&self.input[self.start..self.at]);
                return self.emit(Kind::Text);
            }
            return Step::Emit(Token { kind: Kind::Eof, at: self.at as u32, text: b"EOF", line: self.start_line });
        };
        if found > 0 {
            self.at += found;
            let trim = if left_trim_marker(&self.input[self.at + LEFT.len()..]) {
                trailing_space(&self.input[self.start..self.at])
            } else {
                0
            };
            self.at -= trim;
            self.line += lines(&self.input[self.start..self.at]);
            let token = self.token(Kind::Text);
            self.at += trim;
            self.ignore();
            if !token.text.is_empty() {
                return Step::Emit(token);
            }
        }
        Step::Go(State::LeftDelim)
    }

    /// Whether a right delimiter comes next, and whether it has a trim marker.
    fn at_right_delim(&self) -> (bool, bool) {
        let rest = self.rest();
        if right_trim_marker(rest) && rest[2..].starts_with(RIGHT) {
            return (true, true);
        }
        (rest.starts_with(RIGHT), false)
    }

    fn left_delim(&mut self) -> Step<'a> {
        self.at += LEFT.len();
        let marker = if left_trim_marker(self.rest()) { 2 } else { 0 };
        if self.rest()[marker..].starts_with(b"/*") {
            self.at += marker;
            self.ignore();
            return Step::Go(State::Comment);
        }
        let token = self.token(Kind::LeftDelim);
        self.inside = true;
        self.at += marker;
        self.ignore();
        self.parens = 0;
        Step::Emit(token)
    }

    fn comment(&mut self) -> Step<'a> {
        self.at += 2;
        let Some(found) = memmem::find(self.rest(), b"*/") else { return self.error("unclosed comment") };
        self.at += found + 2;
        let (delim, trim) = self.at_right_delim();
        if !delim {
            return self.error("comment ends before closing delimiter");
        }
        if trim {
            self.at += 2;
        }
        self.at += RIGHT.len();
        if trim {
            self.at += leading_space(self.rest());
        }
        self.ignore();
        Step::Go(State::Text)
    }

    fn right_delim(&mut self) -> Step<'a> {
        let (_, trim) = self.at_right_delim();
        if trim {
            self.at += 2;
            self.ignore();
        }
        self.at += RIGHT.len();
        let token = self.token(Kind::RightDelim);
        if trim {
            self.at += leading_space(self.rest());
            self.ignore();
        }
        self.inside = false;
        Step::Emit(token)
    }

    fn inside_action(&mut self) -> Step<'a> {
        if self.at_right_delim().0 {
            return if self.parens == 0 { Step::Go(State::RightDelim) } else { self.error("unclosed left paren") };
        }
        let Some(rune) = self.peek() else { return self.error("unclosed action") };
        match rune {
            ' ' | '\t' | '\r' | '\n' => return Step::Go(State::Space),
            '+' | '-' | '0'..='9' => return Step::Go(State::Number),
            '.' => match self.rest().get(1) {
                Some(b'0'..=b'9') | None => return Step::Go(State::Number),
                Some(_) => {
                    self.at += 1;
                    return Step::Go(State::Field);
                }
            },
            rune if is_alphanumeric(rune) => return Step::Go(State::Identifier),
            _ => {}
        }
        self.next();
        match rune {
            '=' => self.emit(Kind::Assign),
            ':' => {
                if self.next() == Some('=') {
                    self.emit(Kind::Declare)
                } else {
                    self.error("expected :=")
                }
            }
            '|' => self.emit(Kind::Pipe),
            '"' => Step::Go(State::Quote),
            '`' => Step::Go(State::RawQuote),
            '$' => Step::Go(State::Variable),
            '\'' => Step::Go(State::Char),
            '(' => {
                self.parens += 1;
                self.emit(Kind::LeftParen)
            }
            ')' => {
                self.parens -= 1;
                if self.parens < 0 { self.error("unexpected right paren") } else { self.emit(Kind::RightParen) }
            }
            rune if rune.is_ascii_graphic() => self.emit(Kind::Char),
            rune => self.error(format!("unrecognized character in action: {}", unicode_name(rune))),
        }
    }

    fn space(&mut self) -> Step<'a> {
        let mut count = 0;
        while self.peek().is_some_and(is_space) {
            self.next();
            count += 1;
        }
        // A trim marker needs the last space for itself.
        let tail = &self.input[self.at - 1..];
        if right_trim_marker(tail) && tail[2..].starts_with(RIGHT) {
            self.at -= 1;
            if self.input[self.at] == b'\n' {
                self.line -= 1;
            }
            if count == 1 {
                return Step::Go(State::RightDelim);
            }
        }
        self.emit(Kind::Space)
    }

    fn identifier(&mut self) -> Step<'a> {
        self.skip_word();
        if !self.at_terminator() {
            return self.bad_character();
        }
        self.emit(keyword(&self.input[self.start..self.at]))
    }

    /// Passes over letters, digits and underscores.
    fn skip_word(&mut self) {
        loop {
            let ascii = self.rest().iter().position(|byte| !IS_WORD[usize::from(*byte)]);
            self.at += ascii.unwrap_or(self.input.len() - self.at);
            match self.rest().first() {
                Some(0x80..) if self.peek().is_some_and(is_alphanumeric) => {
                    self.next();
                }
                _ => return,
            }
        }
    }

    fn bad_character(&mut self) -> Step<'a> {
        let name = self.peek().map(unicode_name).unwrap_or_default();
        self.error(format!("bad character {name}"))
    }

    fn field_or_variable(&mut self, kind: Kind) -> Step<'a> {
        if self.at_terminator() {
            return self.emit(if kind == Kind::Variable { kind } else { Kind::Dot });
        }
        self.skip_word();
        if !self.at_terminator() {
            return self.bad_character();
        }
        self.emit(kind)
    }

    fn at_terminator(&self) -> bool {
        match self.rest().first() {
            None | Some(b' ' | b'\t' | b'\r' | b'\n' | b'.' | b',' | b'|' | b':' | b')' | b'(') => true,
            Some(_) => self.rest().starts_with(RIGHT),
        }
    }

    fn number(&mut self) -> Step<'a> {
        if !self.scan_number() {
            return self.bad_number();
        }
        if matches!(self.peek(), Some('+' | '-')) {
            // A complex number: 1+2i, without spaces.
            if !self.scan_number() || self.input[self.at - 1] != b'i' {
                return self.bad_number();
            }
            return self.emit(Kind::Complex);
        }
        self.emit(Kind::Number)
    }

    fn bad_number(&mut self) -> Step<'a> {
        let text = crate::fmt::quoted(&self.input[self.start..self.at]);
        self.error(format!("bad number syntax: {text}"))
    }

    fn scan_number(&mut self) -> bool {
        const DECIMAL: &[u8] = b"0123456789_";
        const HEX: &[u8] = b"0123456789abcdefABCDEF_";
        self.accept(b"+-");
        let mut digits = DECIMAL;
        if self.accept(b"0") {
            if self.accept(b"xX") {
                digits = HEX;
            } else if self.accept(b"oO") {
                digits = b"01234567_";
            } else if self.accept(b"bB") {
                digits = b"01_";
            }
        }
        self.accept_run(digits);
        if self.accept(b".") {
            self.accept_run(digits);
        }
        if (digits == DECIMAL && self.accept(b"eE")) || (digits == HEX && self.accept(b"pP")) {
            self.accept(b"+-");
            self.accept_run(DECIMAL);
        }
        self.accept(b"i");
        if self.peek().is_some_and(is_alphanumeric) {
            self.next();
            return false;
        }
        true
    }

    fn quote(&mut self, end: u8, unterminated: &str, kind: Kind) -> Step<'a> {
        loop {
            let Some(found) = memchr::memchr3(end, b'\\', b'\n', self.rest()) else { return self.error(unterminated) };
            self.at += found + 1;
            match self.input[self.at - 1] {
                byte if byte == end => return self.emit(kind),
                b'\\' if !matches!(self.rest().first(), None | Some(b'\n')) => self.at += 1,
                _ => return self.error(unterminated),
            }
        }
    }

    fn raw_quote(&mut self) -> Step<'a> {
        let Some(found) = memchr::memchr(b'`', self.rest()) else {
            return self.error("unterminated raw quoted string");
        };
        self.line += lines(&self.rest()[..found]);
        self.at += found + 1;
        self.emit(Kind::RawString)
    }
}

/// What a word is.
fn keyword(word: &[u8]) -> Kind {
    match word {
        b"block" => Kind::Block,
        b"break" => Kind::Break,
        b"continue" => Kind::Continue,
        b"define" => Kind::Define,
        b"else" => Kind::Else,
        b"end" => Kind::End,
        b"if" => Kind::If,
        b"range" => Kind::Range,
        b"nil" => Kind::Nil,
        b"template" => Kind::Template,
        b"with" => Kind::With,
        b"true" | b"false" => Kind::Bool,
        _ => Kind::Identifier,
    }
}

/// Which bytes are ASCII letters, digits or underscores.
static IS_WORD: [bool; 256] = {
    let mut is_word = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        is_word[byte] = (byte as u8).is_ascii_alphanumeric() || byte as u8 == b'_';
        byte += 1;
    }
    is_word
};

fn lines(text: &[u8]) -> u32 {
    // Most texts between two actions are short.
    if text.len() < 32 {
        return text.iter().map(|byte| u32::from(*byte == b'\n')).sum();
    }
    memchr::memchr_iter(b'\n', text).count() as u32
}

fn is_space(rune: char) -> bool {
    matches!(rune, ' ' | '\t' | '\r' | '\n')
}

fn is_space_byte(byte: u8) -> bool {
    is_space(char::from(byte))
}

fn is_alphanumeric(rune: char) -> bool {
    rune == '_' || rune.is_alphanumeric()
}

fn leading_space(text: &[u8]) -> usize {
    text.iter().take_while(|byte| is_space_byte(**byte)).count()
}

fn trailing_space(text: &[u8]) -> usize {
    text.iter().rev().take_while(|byte| is_space_byte(**byte)).count()
}

fn left_trim_marker(text: &[u8]) -> bool {
    matches!(text, [b'-', space, ..] if is_space_byte(*space))
}

fn right_trim_marker(text: &[u8]) -> bool {
    matches!(text, [space, b'-', ..] if is_space_byte(*space))
}
