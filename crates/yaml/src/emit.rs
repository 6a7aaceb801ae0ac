//! Values to text, byte for byte as `sigs.k8s.io/yaml` marshals them.
//!
//! Go marshals to JSON, reads that as YAML and emits the result. Here that is one pass: the few values which the detour
//! changes (floats that are whole, text that JSON or YAML cannot hold) are treated where they are written.

use std::cmp::Ordering;

use crate::number::{format_float, format_json_float};
use crate::resolve::{Resolved, is_base60, resolve};
use crate::style::{Analysis, Style};
use crate::{Value, number};

/// Why a value cannot be written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EmitError {
    /// JSON has no infinity and no NaN; the text is Go's.
    #[error("error marshaling into JSON: json: unsupported value: {0}")]
    NotJson(&'static str),
    /// JSON has nothing for a type of Go's.
    #[error("error marshaling into JSON: json: unsupported type: {0}")]
    NoType(&'static str),
    /// A key goes on behind a next-line character, which to the reader ends a line: with the number of such before.
    #[error("yaml: line {0}: did not find expected ',' or '}}'")]
    KeyBreak(usize),
    /// The reader refuses what the JSON writer lets through.
    #[error("yaml: control characters are not allowed")]
    Control,
}

/// A value that can be written as YAML without being copied into a [`Value`] first.
pub trait Emit {
    /// Calls the one method of `to` that fits.
    ///
    /// # Errors
    /// Passes on what `to` returns.
    fn emit(&self, to: &mut Emitter) -> Result<(), EmitError>;
}

impl Emit for Value {
    fn emit(&self, to: &mut Emitter) -> Result<(), EmitError> {
        match self {
            Self::Null => to.null(),
            Self::Bool(value) => to.bool(*value),
            Self::Int(value) => to.int(*value),
            Self::Float(value) => to.float(*value)?,
            Self::String(text) => to.string(text)?,
            Self::Seq(items) => to.seq(items)?,
            Self::Map(map) => to.map(map.iter().map(|(key, value)| (key.as_str(), value)).collect())?,
        }
        Ok(())
    }
}

impl<T: Emit + ?Sized> Emit for &T {
    fn emit(&self, to: &mut Emitter) -> Result<(), EmitError> {
        (**self).emit(to)
    }
}

/// The text of a value, with the line break at its end: `sigs.k8s.io/yaml.Marshal`. Helm's `toYaml` cuts that break off.
///
/// # Errors
/// Where Go's `Marshal` fails: not-a-number, infinity, control characters.
pub fn emit(value: &(impl Emit + ?Sized)) -> Result<String, EmitError> {
    let mut emitter = Emitter::new();
    value.emit(&mut emitter)?;
    Ok(emitter.finish())
}

/// The text of a value as `goyaml.v3` writes it with an indentation of two, which is Helm's `toYamlPretty`: sequences are
/// indented under their keys, lines are not folded, floats keep their exponents.
///
/// # Errors
/// Where Go fails: control characters.
pub fn emit_pretty(value: &(impl Emit + ?Sized)) -> Result<String, EmitError> {
    let mut emitter = Emitter::new();
    emitter.pretty = true;
    value.emit(&mut emitter)?;
    Ok(emitter.finish())
}

/// Key order of Go's YAML: letters after other characters, runs of digits by their number.
pub fn natural_order(a: &str, b: &str) -> Ordering {
    let bytes = a.bytes().zip(b.bytes());
    // Where two ASCII letters make the difference nothing else matters; that is nearly always.
    for (x, y) in bytes {
        if x != y {
            if x.is_ascii_alphabetic() && y.is_ascii_alphabetic() {
                return x.cmp(&y);
            }
            return natural_order_of_chars(a, b, false);
        }
    }
    a.len().cmp(&b.len())
}

/// The order of [`emit_pretty`]: there a letter right behind a digit comes before what is none.
fn pretty_order(a: &str, b: &str) -> Ordering {
    natural_order_of_chars(a, b, true)
}

fn natural_order_of_chars(a: &str, b: &str, pretty: bool) -> Ordering {
    let a: Vec<char> = a.chars().collect();
    let b: Vec<char> = b.chars().collect();
    // Go's digits are Unicode's, its numbers wrap; keys hold neither other digits nor such numbers.
    let run = |text: &[char], from: usize, start: i64| {
        let mut number = start;
        let mut at = from;
        while let Some(digit) = text.get(at).filter(|c| c.is_ascii_digit()) {
            number = number.wrapping_mul(10).wrapping_add(i64::from(*digit as u32 - '0' as u32));
            at += 1;
        }
        (number, at)
    };
    let Some(i) = a.iter().zip(&b).position(|(x, y)| x != y) else { return a.len().cmp(&b.len()) };
    let (x, y) = (a[i], b[i]);
    let letter_first = pretty && i > 0 && a[i - 1].is_numeric();
    match (x.is_alphabetic(), y.is_alphabetic()) {
        (true, true) => return x.cmp(&y),
        (true, false) if letter_first => return Ordering::Less,
        (false, true) if letter_first => return Ordering::Greater,
        (true, false) => return Ordering::Greater,
        (false, true) => return Ordering::Less,
        (false, false) => {}
    }
    // A zero inside a number is a digit like others; at its start it does not count.
    let mut start = 0;
    if x == '0' || y == '0' {
        let before = a[..i].iter().rev().take_while(|c| c.is_ascii_digit());
        if before.into_iter().any(|c| *c != '0') {
            start = 1;
        }
    }
    let (a_number, a_end) = run(&a, i, start);
    let (b_number, b_end) = run(&b, i, start);
    a_number.cmp(&b_number).then(a_end.cmp(&b_end)).then(x.cmp(&y))
}

/// In what a node stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Context {
    Root,
    Item,
    Value,
    SimpleKey,
}

/// Writes one document. Callers only see the methods that take one value each.
pub struct Emitter {
    out: String,
    column: usize,
    /// Spaces before the current collection's entries; `None` above the root.
    indent: Option<usize>,
    /// The last character was white space or a line's start.
    whitespace: bool,
    /// Only indentation and indicators stand on this line.
    indention: bool,
    context: Context,
    /// As [`emit_pretty`] says.
    pretty: bool,
    /// Next-line characters written so far.
    next_lines: usize,
}

/// Lines are folded at the first space after this column.
const WIDTH: usize = 80;
/// A key longer than this many bytes is written after a `?`.
const SIMPLE_KEY: usize = 128;
const INDENT: usize = 2;

impl Emitter {
    fn new() -> Self {
        Self {
            out: String::with_capacity(256),
            column: 0,
            indent: None,
            whitespace: true,
            indention: true,
            context: Context::Root,
            pretty: false,
            next_lines: 0,
        }
    }

    fn width(&self) -> usize {
        if self.pretty { usize::MAX } else { WIDTH }
    }

    fn finish(mut self) -> String {
        self.write_indent();
        self.out
    }

    /// `nil`
    pub fn null(&mut self) {
        self.verbatim("null");
    }

    /// `bool`
    pub fn bool(&mut self, value: bool) {
        self.verbatim(if value { "true" } else { "false" });
    }

    /// Any signed integer.
    pub fn int(&mut self, value: i64) {
        self.verbatim(&value.to_string());
    }

    /// `uint64`
    pub fn uint(&mut self, value: u64) {
        self.verbatim(&value.to_string());
    }

    /// `float64`: whole ones that fit 64 bits come out as integers.
    ///
    /// # Errors
    /// Infinity and NaN.
    pub fn float(&mut self, value: f64) -> Result<(), EmitError> {
        if self.pretty {
            self.verbatim(&format_float(value));
            return Ok(());
        }
        let json = format_json_float(value).ok_or_else(|| EmitError::NotJson(number::go_special(value)))?;
        match resolve(&json) {
            Resolved::Int(value) => self.int(value),
            Resolved::Uint(value) => self.uint(value),
            _ => self.verbatim(&format_float(value)),
        }
        Ok(())
    }

    /// A string, quoted where it would not read back as one.
    ///
    /// # Errors
    /// Control characters that Go's JSON writes and its YAML refuses.
    pub fn string(&mut self, text: &str) -> Result<(), EmitError> {
        let folded;
        let text = if !self.pretty && text.contains('\u{85}') {
            self.next_lines += text.matches('\u{85}').count();
            folded = fold_next_lines(text);
            &folded
        } else {
            text
        };
        let analysis = Analysis::of(text, self.pretty);
        if analysis.unreadable {
            return Err(EmitError::Control);
        }
        self.analysed(text, &analysis);
        Ok(())
    }

    /// A sequence.
    ///
    /// # Errors
    /// Those of its items.
    pub fn seq<'a, T: Emit + 'a>(&mut self, items: impl IntoIterator<Item = &'a T>) -> Result<(), EmitError> {
        let mut items = items.into_iter().peekable();
        if items.peek().is_none() {
            self.verbatim_flow("[]");
            return Ok(());
        }
        let outer = self.indent;
        let indentless = self.context == Context::Value && !self.indention && !self.pretty;
        self.indent = Some(outer.map_or(0, |indent| if indentless { indent } else { indent + INDENT }));
        for item in items {
            self.write_indent();
            self.indicator("-", true);
            self.context = Context::Item;
            item.emit(self)?;
        }
        self.indent = outer;
        Ok(())
    }

    /// Bytes that are no UTF-8, in [pretty](emit_pretty) YAML: their base64, in lines of 70 where it is longer.
    pub fn binary(&mut self, base64: &str) {
        const LINE: usize = 70;
        let lines: Vec<&str> =
            base64.as_bytes().chunks(LINE).map(|line| std::str::from_utf8(line).unwrap_or_default()).collect();
        self.verbatim("!!binary");
        let outer = self.indent;
        self.indent = Some(outer.map_or(INDENT, |indent| indent + INDENT));
        match lines[..] {
            [_, _, ..] if self.context != Context::SimpleKey => self.literal(&(lines.join("\n") + "\n")),
            _ => self.verbatim(base64),
        }
        self.indent = outer;
    }

    /// A point in time, in [pretty](emit_pretty) YAML.
    pub fn timestamp(&mut self, text: &str) {
        self.verbatim(text);
    }

    /// A mapping; the entries are sorted here.
    ///
    /// # Errors
    /// Those of its keys and values.
    pub fn map<T: Emit>(&mut self, mut entries: Vec<(&str, T)>) -> Result<(), EmitError> {
        let order = if self.pretty { pretty_order } else { natural_order };
        entries.sort_by(|(a, _), (b, _)| order(a, b));
        self.fields(&entries)
    }

    /// A mapping whose entries stay in order, as a struct's do.
    ///
    /// # Errors
    /// Those of its keys and values.
    pub fn fields<T: Emit>(&mut self, entries: &[(&str, T)]) -> Result<(), EmitError> {
        if entries.is_empty() {
            self.verbatim_flow("{}");
            return Ok(());
        }
        let outer = self.indent;
        self.indent = Some(outer.map_or(0, |indent| indent + INDENT));
        for (key, value) in entries {
            self.write_indent();
            if !self.pretty && key.contains('\u{85}') {
                return Err(EmitError::KeyBreak(self.next_lines + key.matches('\u{85}').count()));
            }
            let analysis = Analysis::of(key, self.pretty);
            if analysis.unreadable {
                return Err(EmitError::Control);
            }
            if !analysis.multiline && key.len() <= SIMPLE_KEY {
                self.context = Context::SimpleKey;
                self.analysed(key, &analysis);
                self.put_str(":");
                self.whitespace = false;
                self.indention = false;
            } else {
                self.indicator("?", true);
                self.context = Context::Value;
                self.analysed(key, &analysis);
                self.write_indent();
                self.indicator(":", true);
            }
            self.context = Context::Value;
            value.emit(self)?;
        }
        self.indent = outer;
        Ok(())
    }

    fn analysed(&mut self, text: &str, analysis: &Analysis) {
        let simple_key = self.context == Context::SimpleKey;
        let style = if text.contains('\n') {
            Style::Literal
        } else if resolve(text) == Resolved::Text && !is_base60(text) {
            Style::Plain
        } else {
            Style::Double
        };
        let outer = self.indent;
        self.indent = Some(outer.map_or(INDENT, |indent| indent + INDENT));
        match analysis.allow(style, simple_key) {
            Style::Plain => self.plain(text, !simple_key),
            Style::Single => self.single_quoted(text, !simple_key),
            Style::Double => self.double_quoted(text, !simple_key),
            Style::Literal => self.literal(text),
        }
        self.indent = outer;
    }

    fn put(&mut self, c: char) {
        self.out.push(c);
        self.column += 1;
    }

    /// For ASCII.
    fn put_str(&mut self, text: &str) {
        self.out.push_str(text);
        self.column += text.len();
    }

    fn put_break(&mut self) {
        self.out.push('\n');
        self.column = 0;
    }

    /// Copies a character; a break of whatever kind starts a line.
    fn put_from(&mut self, c: char) {
        if c == '\n' {
            self.put_break();
        } else {
            self.put(c);
            if is_break(c) {
                self.column = 0;
            }
        }
    }

    fn write_indent(&mut self) {
        let indent = self.indent.unwrap_or(0);
        if !self.indention || self.column > indent || (self.column == indent && !self.whitespace) {
            self.put_break();
        }
        while self.column < indent {
            self.put(' ');
        }
        self.whitespace = true;
        self.indention = true;
    }

    fn indicator(&mut self, text: &str, keeps_indention: bool) {
        self.space();
        self.put_str(text);
        self.whitespace = false;
        self.indention = self.indention && keeps_indention;
    }

    fn space(&mut self) {
        if !self.whitespace {
            self.put(' ');
        }
    }

    /// A scalar that needs no quotes and has no spaces.
    fn verbatim(&mut self, text: &str) {
        self.space();
        self.put_str(text);
        self.whitespace = false;
        self.indention = false;
    }

    /// `[]` and `{}`
    fn verbatim_flow(&mut self, text: &str) {
        self.verbatim(text);
    }

    fn plain(&mut self, text: &str, may_break: bool) {
        self.space();
        if self.column + text.len() <= self.width() || !may_break {
            self.out.push_str(text);
            self.column += text.chars().count();
        } else {
            let mut spaces = false;
            let mut rest = text.chars();
            while let Some(c) = rest.next() {
                if c == ' ' {
                    if !spaces && self.column > self.width() && !rest.as_str().starts_with(' ') {
                        self.write_indent();
                    } else {
                        self.put(c);
                    }
                    spaces = true;
                } else {
                    self.put(c);
                    self.indention = false;
                    spaces = false;
                }
            }
        }
        self.whitespace = false;
        self.indention = false;
    }

    fn single_quoted(&mut self, text: &str, may_break: bool) {
        self.indicator("'", false);
        let mut spaces = false;
        let mut breaks = false;
        let mut rest = text.chars();
        let mut first = true;
        while let Some(c) = rest.next() {
            if c == ' ' {
                let inside = !first && !rest.as_str().is_empty();
                if may_break && !spaces && self.column > self.width() && inside && !rest.as_str().starts_with(' ') {
                    self.write_indent();
                } else {
                    self.put(c);
                }
                spaces = true;
            } else if is_break(c) {
                if !breaks && c == '\n' {
                    self.put_break();
                }
                self.put_from(c);
                self.indention = true;
                breaks = true;
            } else {
                if breaks {
                    self.write_indent();
                }
                if c == '\'' {
                    self.put(c);
                }
                self.put(c);
                self.indention = false;
                spaces = false;
                breaks = false;
            }
            first = false;
        }
        self.put('\'');
        self.whitespace = false;
        self.indention = false;
    }

    fn double_quoted(&mut self, text: &str, may_break: bool) {
        self.indicator("\"", false);
        // Go asks whether the text, not the character, is a byte order mark.
        let escape_all = text.starts_with('\u{feff}');
        let mut spaces = false;
        let mut first = true;
        let mut rest = text.chars();
        while let Some(c) = rest.next() {
            if escape_all || !is_printable(c) || is_break(c) || c == '"' || c == '\\' {
                self.escaped(c);
                spaces = false;
            } else if c == ' ' {
                if may_break && !spaces && self.column > self.width() && !first && !rest.as_str().is_empty() {
                    self.write_indent();
                    if rest.as_str().starts_with(' ') {
                        self.put('\\');
                    }
                } else {
                    self.put(c);
                }
                spaces = true;
            } else {
                self.put(c);
                spaces = false;
            }
            first = false;
        }
        self.put('"');
        self.whitespace = false;
        self.indention = false;
    }

    fn escaped(&mut self, c: char) {
        let short = match c {
            '\0' => "\\0",
            '\x07' => "\\a",
            '\x08' => "\\b",
            '\t' => "\\t",
            '\n' => "\\n",
            '\x0b' => "\\v",
            '\x0c' => "\\f",
            '\r' => "\\r",
            '\x1b' => "\\e",
            '"' => "\\\"",
            '\\' => "\\\\",
            '\u{85}' => "\\N",
            '\u{a0}' => "\\_",
            '\u{2028}' => "\\L",
            '\u{2029}' => "\\P",
            _ => {
                let code = c as u32;
                let escape = match code {
                    0..=0xff => format!("\\x{code:02X}"),
                    0x100..=0xffff => format!("\\u{code:04X}"),
                    _ => format!("\\U{code:08X}"),
                };
                self.put_str(&escape);
                return;
            }
        };
        self.put_str(short);
    }

    fn literal(&mut self, text: &str) {
        self.indicator("|", false);
        if text.starts_with(|c| c == ' ' || is_break(c)) {
            self.put('2');
        }
        let mut backwards = text.chars().rev();
        match (backwards.next(), backwards.next()) {
            (Some(last), _) if !is_break(last) => self.put('-'),
            (_, None) => self.put('+'),
            (_, Some(before)) if is_break(before) => self.put('+'),
            _ => {}
        }
        self.put_break();
        self.indention = true;
        self.whitespace = true;
        let mut breaks = true;
        for c in text.chars() {
            if is_break(c) {
                self.put_from(c);
                self.indention = true;
                breaks = true;
            } else {
                if breaks {
                    self.write_indent();
                }
                self.put(c);
                self.indention = false;
                breaks = false;
            }
        }
    }
}

/// A line break of YAML 1.1.
pub(crate) fn is_break(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// On Go's detour over JSON a next-line character (U+0085) stands in quotes as it is, where YAML takes it for the end of a
/// line and folds it: one becomes a blank, of several the first is dropped.
fn fold_next_lines(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\u{85}') {
        out.push_str(rest[..at].trim_end_matches(' '));
        let after = rest[at..].trim_start_matches(['\u{85}', ' ']);
        match rest[at..rest.len() - after.len()].matches('\u{85}').count() {
            1 => out.push(' '),
            lines => out.extend(std::iter::repeat_n('\n', lines - 1)),
        }
        rest = after;
    }
    out + rest
}

/// What Go's emitter writes unescaped: nothing beyond the basic plane.
pub(crate) fn is_printable(c: char) -> bool {
    matches!(c, '\n' | ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}') && c != '\u{feff}'
}
