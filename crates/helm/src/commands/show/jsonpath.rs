//! `--jsonpath`: kubectl's templates of JSONPath expressions in braces.

use bowline_gotemplate::fmt;
use bowline_render::convert::from_yaml;
use bowline_render::functions::to_json;
use bowline_yaml::{Map, Value};

use crate::failure::Failure;

/// A step of an expression.
#[derive(Clone, Debug)]
enum Step {
    /// Text, which stands for itself.
    Text(String),
    Int(i64),
    Float(f64),
    Bool(bool),
    Field(String),
    /// `[start:end:step]`; `derived`: the end follows from the start.
    Slice {
        start: Option<i64>,
        end: Option<i64>,
        step: Option<i64>,
        derived: bool,
    },
    Wildcard,
    Recursive,
    Union(Vec<Vec<Step>>),
    Filter {
        left: Vec<Step>,
        operator: String,
        right: Vec<Step>,
    },
    /// `range`, `end`.
    Word(String),
}

/// A part of the template: text outside of braces, or what stands in a pair of them.
#[derive(Clone, Debug)]
enum Part {
    Text(String),
    Action(Vec<Step>),
}

/// The values that a template shows. What goes wrong while they are looked up shows nothing, as in Helm.
pub(super) fn print(template: &str, values: &Map) -> Result<String, Failure> {
    let parts = Parser::new(template)
        .parse()
        .map_err(|reason| Failure::new(format!("error parsing jsonpath {template}: {reason}")))?;
    let root = Value::Map(values.clone());
    let mut out = String::new();
    if let Some(results) = evaluate(&parts, &root) {
        results.iter().for_each(|result| write(&mut out, result));
    }
    Ok(out)
}

fn write(out: &mut String, results: &[Value]) {
    for (at, value) in results.iter().enumerate() {
        if at > 0 {
            out.push(' ');
        }
        match value {
            Value::Null => out.push_str("null"),
            Value::Map(_) | Value::Seq(_) => {
                out.push_str(&String::from_utf8_lossy(&to_json(&from_yaml(value)).unwrap_or_default()));
            }
            value => out.push_str(&String::from_utf8_lossy(&fmt::sprint(&[from_yaml(value)]))),
        }
    }
}

/// The results of all parts; `None` where one fails.
fn evaluate(parts: &[Part], root: &Value) -> Option<Vec<Vec<Value>>> {
    let mut results = Vec::new();
    let mut at = 0;
    while let Some(part) = parts.get(at) {
        at += 1;
        let steps = match part {
            Part::Text(text) => {
                results.push(vec![Value::String(text.clone())]);
                continue;
            }
            Part::Action(steps) => steps,
        };
        match steps.first() {
            Some(Step::Word(word)) if word == "range" => {
                let end = end_of_range(&parts[at..]);
                for value in walk(&steps[1..], vec![root.clone()])? {
                    results.extend(evaluate(&parts[at..at + end], &value)?);
                }
                at += end + 1;
            }
            Some(Step::Word(_)) => return None,
            _ => results.push(walk(steps, vec![root.clone()])?),
        }
    }
    Some(results)
}

/// How many parts stand before the `end` that closes a range.
fn end_of_range(parts: &[Part]) -> usize {
    let mut open = 0;
    for (at, part) in parts.iter().enumerate() {
        let Part::Action(steps) = part else { continue };
        match steps.first() {
            Some(Step::Word(word)) if word == "range" => open += 1,
            Some(Step::Word(word)) if word == "end" && open == 0 => return at,
            Some(Step::Word(word)) if word == "end" => open -= 1,
            _ => {}
        }
    }
    parts.len()
}

fn walk(steps: &[Step], input: Vec<Value>) -> Option<Vec<Value>> {
    steps.iter().try_fold(input, |values, step| step.walk(values))
}

impl Step {
    fn walk(&self, input: Vec<Value>) -> Option<Vec<Value>> {
        match self {
            Self::Text(text) => Some(vec![Value::String(text.clone())]),
            Self::Int(number) => Some(input.iter().map(|_| Value::Int(*number)).collect()),
            Self::Float(number) => Some(input.iter().map(|_| Value::Float(*number)).collect()),
            Self::Bool(value) => Some(input.iter().map(|_| Value::Bool(*value)).collect()),
            Self::Field(name) => {
                if input.is_empty() {
                    return Some(input);
                }
                let found: Vec<Value> = input.iter().filter_map(|value| value.get(name).cloned()).collect();
                (!found.is_empty()).then_some(found)
            }
            Self::Slice { start, end, step, derived } => {
                let mut found = Vec::new();
                for value in &input {
                    match value {
                        Value::Null => {}
                        Value::Seq(items) => found.extend(slice(items, *start, *end, *step, *derived)?),
                        _ => return None,
                    }
                }
                Some(found)
            }
            Self::Wildcard => Some(input.iter().flat_map(children).collect()),
            Self::Recursive => Some(input.iter().flat_map(descendants).collect()),
            Self::Union(lists) => {
                let mut found = Vec::new();
                for list in lists {
                    found.extend(walk(list, input.clone())?);
                }
                Some(found)
            }
            Self::Filter { left, operator, right } => {
                let mut found = Vec::new();
                for value in &input {
                    let Value::Seq(items) = value else { return None };
                    for item in items {
                        if passes(item, left, operator, right)? {
                            found.push(item.clone());
                        }
                    }
                }
                Some(found)
            }
            Self::Word(_) => None,
        }
    }
}

fn children(value: &Value) -> Vec<Value> {
    match value {
        Value::Map(map) => map.values().cloned().collect(),
        Value::Seq(items) => items.clone(),
        _ => Vec::new(),
    }
}

fn descendants(value: &Value) -> Vec<Value> {
    let children = children(value);
    if children.is_empty() {
        return Vec::new();
    }
    std::iter::once(value.clone()).chain(children.iter().flat_map(descendants)).collect()
}

fn slice(
    items: &[Value],
    start: Option<i64>,
    end: Option<i64>,
    step: Option<i64>,
    derived: bool,
) -> Option<Vec<Value>> {
    let length = items.len() as i64;
    let mut start = start.unwrap_or(0);
    let mut end = end.unwrap_or(length);
    if start < 0 {
        start += length;
    }
    if end < 0 || (end == 0 && derived) {
        end += length;
    }
    if start == end {
        return Some(Vec::new());
    }
    if start >= length || start < 0 || end > length || end < 0 || start > end {
        return None;
    }
    let step = usize::try_from(step.unwrap_or(1)).ok().filter(|step| *step > 0)?;
    Some(items[start as usize..end as usize].iter().step_by(step).cloned().collect())
}

/// `None` where the two cannot be compared.
fn passes(item: &Value, left: &[Step], operator: &str, right: &[Step]) -> Option<bool> {
    let lefts = walk(left, vec![item.clone()]);
    if operator == "exists" {
        return Some(lefts.is_some_and(|lefts| !lefts.is_empty()));
    }
    let lefts = lefts?;
    let [left] = lefts.as_slice() else { return lefts.is_empty().then_some(false) };
    let rights = walk(right, vec![item.clone()])?;
    let [right] = rights.as_slice() else { return rights.is_empty().then_some(false) };
    let order = match (left, right) {
        (Value::Int(a), Value::Int(b)) => a.partial_cmp(b),
        (Value::Float(a), Value::Float(b)) => a.partial_cmp(b),
        (Value::String(a), Value::String(b)) => Some(a.cmp(b)),
        (Value::Bool(a), Value::Bool(b)) if matches!(operator, "==" | "!=") => Some(a.cmp(b)),
        _ => return None,
    };
    match operator {
        "<" => Some(order == Some(std::cmp::Ordering::Less)),
        ">" => Some(order == Some(std::cmp::Ordering::Greater)),
        "==" => Some(order == Some(std::cmp::Ordering::Equal)),
        "!=" => Some(order != Some(std::cmp::Ordering::Equal)),
        "<=" => Some(order.is_some_and(std::cmp::Ordering::is_le)),
        ">=" => Some(order.is_some_and(std::cmp::Ordering::is_ge)),
        _ => None,
    }
}

struct Parser<'t> {
    rest: &'t str,
    parts: Vec<Part>,
}

impl<'t> Parser<'t> {
    fn new(text: &'t str) -> Self {
        Self { rest: text, parts: Vec::new() }
    }

    fn parse(mut self) -> Result<Vec<Part>, String> {
        while let Some(open) = self.rest.find('{') {
            if open > 0 {
                self.parts.push(Part::Text(self.rest[..open].to_owned()));
            }
            self.rest = &self.rest[open + 1..];
            let mut steps = Vec::new();
            self.action(&mut steps)?;
            self.parts.push(Part::Action(steps));
        }
        if !self.rest.is_empty() {
            self.parts.push(Part::Text(self.rest.to_owned()));
        }
        Ok(self.parts)
    }

    fn action(&mut self, steps: &mut Vec<Step>) -> Result<(), String> {
        loop {
            if let Some(rest) = self.rest.strip_prefix('}') {
                self.rest = rest;
                return Ok(());
            }
            if let Some(rest) = self.rest.strip_prefix("[?(") {
                self.rest = rest;
                steps.push(self.filter()?);
                continue;
            }
            if let Some(rest) = self.rest.strip_prefix("..") {
                if matches!(steps.last(), Some(Step::Recursive)) {
                    return Err("invalid multiple recursive descent".to_owned());
                }
                self.rest = rest;
                steps.push(Step::Recursive);
                if rest.starts_with(|c: char| c == '_' || c.is_alphanumeric()) {
                    steps.push(self.field());
                }
                continue;
            }
            let Some(next) = self.rest.chars().next().filter(|c| !matches!(c, '\r' | '\n')) else {
                return Err("unclosed action".to_owned());
            };
            match next {
                ' ' | '@' | '$' => self.rest = &self.rest[1..],
                '[' => self.array(steps)?,
                '"' | '\'' => steps.push(self.quoted(next)?),
                '.' => {
                    self.rest = &self.rest[1..];
                    steps.push(self.field());
                }
                '+' | '-' | '0'..='9' => steps.push(self.number()?),
                c if c == '_' || c.is_alphanumeric() => {
                    let end = self.rest.find(is_terminator).unwrap_or(self.rest.len());
                    let word = &self.rest[..end];
                    self.rest = &self.rest[end..];
                    steps.push(match word {
                        "true" => Step::Bool(true),
                        "false" => Step::Bool(false),
                        word => Step::Word(word.to_owned()),
                    });
                }
                c => {
                    let name = bowline_gotemplate::fmt::sprintf(
                        b"%#U",
                        &[bowline_gotemplate::Value::Int(i64::from(u32::from(c)))],
                    );
                    return Err(format!("unrecognized character in action: {}", String::from_utf8_lossy(&name)));
                }
            }
        }
    }

    fn field(&mut self) -> Step {
        let mut end = self.rest.len();
        let mut escaped = false;
        for (at, c) in self.rest.char_indices() {
            if escaped {
                escaped = false;
            } else if c == '\\' {
                escaped = true;
            } else if is_terminator(c) {
                end = at;
                break;
            }
        }
        let name = &self.rest[..end];
        self.rest = &self.rest[end..];
        if name == "*" { Step::Wildcard } else { Step::Field(name.replace('\\', "")) }
    }

    fn number(&mut self) -> Result<Step, String> {
        let sign = usize::from(self.rest.starts_with(['+', '-']));
        let digits = self.rest[sign..].find(|c: char| c != '.' && !c.is_ascii_digit());
        let end = digits.map_or(self.rest.len(), |digits| sign + digits);
        let text = &self.rest[..end];
        self.rest = &self.rest[end..];
        if let Ok(number) = text.trim_start_matches('+').parse() {
            return Ok(Step::Int(number));
        }
        text.parse().map(Step::Float).map_err(|_| format!("cannot parse number {text}"))
    }

    fn quoted(&mut self, quote: char) -> Result<Step, String> {
        let mut text = String::new();
        let mut characters = self.rest.char_indices().skip(1);
        while let Some((at, c)) = characters.next() {
            match c {
                '\n' => break,
                c if c == quote => {
                    self.rest = &self.rest[at + c.len_utf8()..];
                    return Ok(Step::Text(text));
                }
                '\\' => match characters.next() {
                    Some((_, 'n')) => text.push('\n'),
                    Some((_, 't')) => text.push('\t'),
                    Some((_, 'r')) => text.push('\r'),
                    Some((_, c)) => text.push(c),
                    None => break,
                },
                c => text.push(c),
            }
        }
        Err("unterminated quoted string".to_owned())
    }

    fn array(&mut self, steps: &mut Vec<Step>) -> Result<(), String> {
        let end = self.rest.find([']', '\n']).filter(|end| self.rest[*end..].starts_with(']'));
        let Some(end) = end else { return Err("unterminated array".to_owned()) };
        let text = match &self.rest[1..end] {
            "*" => ":",
            text => text,
        };
        self.rest = &self.rest[end + 1..];
        if text.contains(',') {
            let lists: Result<Vec<Vec<Step>>, String> =
                text.split(',').map(|part| steps_of(&format!("[{}]", part.trim_matches(' ')))).collect();
            steps.push(Step::Union(lists?));
            return Ok(());
        }
        let key = text.strip_prefix('\'').and_then(|text| text.strip_suffix('\'')).filter(|key| !key.contains('\''));
        if let Some(key) = key {
            steps.extend(steps_of(&format!(".{key}"))?);
            return Ok(());
        }
        let parts: Vec<&str> = text.split(':').collect();
        let is_number = |text: &str| {
            let digits = text.strip_prefix('-').unwrap_or(text);
            digits.bytes().all(|b| b.is_ascii_digit())
        };
        if parts.len() > 3 || !parts.iter().all(|part| is_number(part)) {
            return Err(format!("invalid array index {text}"));
        }
        let number = |at: usize| match parts.get(at) {
            None | Some(&"") => Ok(None),
            Some(text) => text.parse().map(Some).map_err(|_| format!("array index {text} is not a number")),
        };
        let (start, end, step) = (number(0)?, number(1)?, number(2)?);
        let derived = parts.len() == 1;
        let end = if derived { Some(start.unwrap_or(0) + 1) } else { end };
        steps.push(Step::Slice { start, end, step, derived });
        Ok(())
    }

    fn filter(&mut self) -> Result<Step, String> {
        let (mut begin, mut end, mut pair, mut before) = (false, false, '\0', '\0');
        let mut close = None;
        for (at, c) in self.rest.char_indices() {
            match c {
                '\n' => break,
                '"' | '\'' if !begin => (begin, pair) = (true, c),
                '"' | '\'' if before != '\\' && c == pair => end = true,
                ')' if begin == end => {
                    close = Some(at);
                    break;
                }
                _ => {}
            }
            before = c;
        }
        let Some(close) = close else { return Err("unterminated filter".to_owned()) };
        let text = &self.rest[..close];
        let Some(rest) = self.rest[close + 1..].strip_prefix(']') else {
            return Err("unclosed array expect ]".to_owned());
        };
        self.rest = rest;
        let is_operator = |c: char| matches!(c, '!' | '<' | '>' | '=');
        let start = text.find(is_operator).filter(|start| *start > 0);
        let split = start.map(|start| {
            let length = text[start..].find(|c| !is_operator(c)).unwrap_or(text.len() - start);
            (&text[..start], &text[start..start + length], &text[start + length..])
        });
        match split.filter(|(_, _, right)| !right.is_empty()) {
            Some((left, operator, right)) => {
                Ok(Step::Filter { left: steps_of(left)?, operator: operator.to_owned(), right: steps_of(right)? })
            }
            None => Ok(Step::Filter { left: steps_of(text)?, operator: "exists".to_owned(), right: Vec::new() }),
        }
    }
}

fn steps_of(text: &str) -> Result<Vec<Step>, String> {
    let braced = format!("{{{text}}}");
    let parts = Parser::new(&braced).parse()?;
    Ok(parts
        .into_iter()
        .find_map(|part| if let Part::Action(steps) = part { Some(steps) } else { None })
        .unwrap_or_default())
}

fn is_terminator(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n' | '.' | ',' | '[' | ']' | '$' | '@' | '{' | '}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(template: &str) -> String {
        let text = "a: {b: 1, c: [p, q, r]}\nlist: [{k: one, v: 2.0}, {k: two, v: 3.0}]\n";
        let Value::Map(map) = bowline_yaml::parse(text).unwrap()[0].to_value() else { panic!() };
        print(template, &map).unwrap()
    }

    #[test]
    fn paths_find_values() {
        assert_eq!(shown("{.a.b}"), "1");
        assert_eq!(shown("{$.a.c[0]} {.a.c[-1:]}"), "p r");
        assert_eq!(shown("{.a.c[*]}"), "p q r");
        assert_eq!(shown("{.a}"), r#"{"b":1,"c":["p","q","r"]}"#);
        assert_eq!(shown("{.list[?(@.k==\"two\")].v}"), "3");
        assert_eq!(shown("{range .list[*]}{.k}={.v}{\"\\n\"}{end}."), "one=2\ntwo=3\n.");
        assert_eq!(shown("{.list[*]['k','v']}"), "one two 2 3");
        assert_eq!(shown("before {.nope}"), "");
    }

    #[test]
    fn faults_of_the_template_are_told() {
        let fault = |template: &str| print(template, &Map::new()).unwrap_err().message;
        assert_eq!(fault("{.a"), "error parsing jsonpath {.a: unclosed action");
        assert_eq!(fault("{.a[x]}"), "error parsing jsonpath {.a[x]}: invalid array index x");
    }
}
