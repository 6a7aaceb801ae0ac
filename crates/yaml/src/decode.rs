//! Fields of a struct as `sigs.k8s.io/yaml` fills them in: numbers and booleans become text where text is wanted, keys
//! match whatever their case, and the first value of a wrong type is the error.

use crate::{Error, Node, NodeKind, Span, Value, number};

/// Reads the fields of one document into Go's types, and remembers the first that does not fit.
///
/// As in Go, reading goes on after an error, so that all other fields are filled.
pub struct Decoder {
    error: Option<Error>,
}

/// Where in Go's types a value goes: what error texts name.
#[derive(Clone, Copy)]
pub struct Target<'a> {
    /// Name of the innermost struct; empty for an anonymous one.
    pub structure: &'a str,
    /// Fields from the outermost struct on, with dots between.
    pub path: &'a str,
}

impl Decoder {
    /// A decoder without an error yet.
    #[allow(clippy::new_without_default)]
    pub fn new() -> Self {
        Self { error: None }
    }

    /// What was read, or the first error.
    ///
    /// # Errors
    /// The first value whose type did not fit, in Go's words.
    pub fn finish<T>(self, value: T) -> Result<T, Error> {
        self.error.map_or(Ok(value), Err)
    }

    /// The entries of a document's top mapping, sorted and without duplicates; none for `null`.
    /// `go_type` is how Go prints the struct's type.
    pub fn root<'n>(&mut self, node: &'n Node, go_type: &str) -> Vec<(&'n str, &'n Node)> {
        match &node.kind {
            NodeKind::Map(entries) => sorted(entries),
            NodeKind::Scalar(Value::Null) => Vec::new(),
            _ => {
                let text = format!("cannot unmarshal {} into Go value of type {go_type}", kind(node));
                self.fail(&text, node.span);
                Vec::new()
            }
        }
    }

    /// The entries of a mapping; `go_type` is the type of the field.
    pub fn entries<'n>(&mut self, node: &'n Node, at: Target<'_>, go_type: &str) -> Vec<(&'n str, &'n Node)> {
        match &node.kind {
            NodeKind::Map(entries) => sorted(entries),
            _ => {
                self.mismatch(node, at, go_type);
                Vec::new()
            }
        }
    }

    /// The items of a sequence.
    pub fn items<'n>(&mut self, node: &'n Node, at: Target<'_>, go_type: &str) -> &'n [Node] {
        match &node.kind {
            NodeKind::Seq(items) => items,
            _ => {
                self.mismatch(node, at, go_type);
                &[]
            }
        }
    }

    /// Text; `null` leaves it empty.
    pub fn string(&mut self, node: &Node, at: Target<'_>) -> String {
        match &node.kind {
            NodeKind::Scalar(Value::String(text)) => text.clone(),
            NodeKind::Scalar(Value::Bool(value)) => value.to_string(),
            NodeKind::Scalar(Value::Int(value)) => value.to_string(),
            NodeKind::Scalar(Value::Float(value)) => number::format_float32(*value),
            _ => {
                self.mismatch(node, at, "string");
                String::new()
            }
        }
    }

    /// A boolean; `null` leaves it false.
    pub fn bool(&mut self, node: &Node, at: Target<'_>) -> bool {
        if let NodeKind::Scalar(Value::Bool(value)) = &node.kind {
            return *value;
        }
        self.mismatch(node, at, "bool");
        false
    }

    /// A list of text.
    pub fn strings(&mut self, node: &Node, at: Target<'_>) -> Vec<String> {
        self.items(node, at, "[]string").iter().map(|item| self.string(item, at)).collect()
    }

    /// A mapping from text to text.
    pub fn string_map(&mut self, node: &Node, at: Target<'_>) -> Vec<(String, String)> {
        let entries = self.entries(node, at, "map[string]string");
        entries.into_iter().map(|(key, value)| (key.to_owned(), self.string(value, at))).collect()
    }

    fn mismatch(&mut self, node: &Node, at: Target<'_>, go_type: &str) {
        if !node.is_null() {
            let Target { structure, path } = at;
            let text =
                format!("cannot unmarshal {} into Go struct field {structure}.{path} of type {go_type}", kind(node));
            self.fail(&text, node.span);
        }
    }

    fn fail(&mut self, text: &str, span: Span) {
        if self.error.is_none() {
            let message = format!("error unmarshaling JSON: while decoding JSON: json: {text}");
            self.error = Some(Error { message, line: span.start.line, column: span.start.column });
        }
    }
}

/// What JSON calls the value.
fn kind(node: &Node) -> &'static str {
    match &node.kind {
        NodeKind::Seq(_) => "array",
        NodeKind::Map(_) => "object",
        NodeKind::Scalar(Value::Bool(_)) => "bool",
        NodeKind::Scalar(Value::Int(_) | Value::Float(_)) => "number",
        NodeKind::Scalar(_) => "string",
    }
}

/// The error of a document that should have been a mapping (`map[string]interface {}`), where it is none.
///
/// # Errors
/// A document that is neither a mapping nor `null`.
pub fn require_map(node: &Node) -> Result<(), Error> {
    let mut decoder = Decoder::new();
    decoder.root(node, "map[string]interface {}");
    decoder.finish(())
}

fn sorted(entries: &[(Node, Node)]) -> Vec<(&str, &Node)> {
    let mut fields: Vec<(&str, &Node)> =
        entries.iter().map(|(key, value)| (key.as_str().unwrap_or_default(), value)).collect();
    // Stable: of equal keys the last stays behind, and that is the one that counts.
    fields.sort_by_key(|(name, _)| *name);
    fields.reverse();
    fields.dedup_by(|(a, _), (b, _)| a == b);
    fields.reverse();
    fields
}
