//! Values files: one or more YAML documents, merged.

use crate::Compat;
use bowline_yaml::{Map, Node, NodeKind, Value, parse_first, require_map};

/// The documents of a values file, each with the lines before it.
#[derive(Clone, Debug, Default)]
pub(crate) struct ValuesFile {
    documents: Vec<(Node, u32)>,
}

impl ValuesFile {
    /// Reads a values file. An error is Go's message and where, from 1, the fault is.
    pub(crate) fn read(text: &str, compat: Compat) -> Result<Self, (String, u32, u32)> {
        match compat {
            Compat::Helm3 => first_document(text),
            Compat::Helm4 => parse_values(text),
        }
    }
}

/// Helm 3 reads one document, and does not look at what follows it.
fn first_document(text: &str) -> Result<ValuesFile, (String, u32, u32)> {
    let read = parse_first(text).and_then(|node| {
        node.as_ref().map(require_map).transpose()?;
        Ok(node)
    });
    let node = read.map_err(|error| (error.to_string(), error.line, error.column))?;
    Ok(ValuesFile { documents: node.map(|node| (node, 0)).into_iter().collect() })
}

/// Helm 4 reads all documents, and lays later ones over earlier ones.
fn parse_values(text: &str) -> Result<ValuesFile, (String, u32, u32)> {
    let mut documents = Vec::new();
    let (split, wrong) = split_documents(text);
    for (document, lines_before) in split {
        let failed = |error: &bowline_yaml::Error| {
            let line = if error.line == 0 { 0 } else { error.line + lines_before };
            (format!("cannot unmarshal yaml document: {error}"), line, error.column)
        };
        if let Some(node) = parse_first(document).map_err(|error| failed(&error))? {
            require_map(&node).map_err(|error| failed(&error))?;
            documents.push((node, lines_before));
        }
    }
    match wrong {
        None => Ok(ValuesFile { documents }),
        Some((separator, line)) => {
            let message = format!("error reading yaml document: invalid Yaml document separator: {separator}");
            Err((message, line, 1))
        }
    }
}

/// What stands behind `---` in a line, and the line's number from 1.
type WrongLine = (String, u32);

/// A line that begins with `---` ends a document, unless nothing came before it; behind it only a comment may stand.
/// The documents with the lines before each, and the text of a line that is wrong with its number.
fn split_documents(text: &str) -> (Vec<(&str, u32)>, Option<WrongLine>) {
    let mut documents = Vec::new();
    let (mut start, mut start_line, mut at) = (0, 0, 0);
    for (number, line) in text.split_inclusive('\n').enumerate() {
        if let Some(rest) = line.strip_prefix("---") {
            let rest = rest.trim();
            if !rest.is_empty() && !rest.starts_with('#') {
                return (documents, Some((rest.to_owned(), number as u32 + 1)));
            }
            if at > start {
                documents.push((&text[start..at], start_line));
                start = at + line.len();
                start_line = number as u32 + 1;
            }
        }
        at += line.len();
    }
    if at > start {
        documents.push((&text[start..], start_line));
    }
    (documents, None)
}

impl ValuesFile {
    /// All documents as one mapping; later ones win, `null` included.
    pub(crate) fn to_map(&self) -> Map {
        let mut values = Map::new();
        for (node, _) in &self.documents {
            if let Value::Map(map) = node.to_value() {
                if values.is_empty() {
                    values = map;
                } else {
                    merge_maps(&mut values, map);
                }
            }
        }
        values
    }

    /// The documents in order, each with the lines before it.
    pub(crate) fn documents(&self) -> impl DoubleEndedIterator<Item = (&Node, u32)> {
        self.documents.iter().map(|(node, lines_before)| (node, *lines_before))
    }

    /// Calls back for every leaf with its JSON pointer and line, in order; what comes later overrides.
    pub(crate) fn leaves(&self, found: &mut impl FnMut(&str, u32, u32)) {
        for (node, lines_before) in &self.documents {
            let mut pointer = String::new();
            walk(node, &mut pointer, &mut |pointer, line, column| found(pointer, line + lines_before, column));
        }
    }
}

fn walk(node: &Node, pointer: &mut String, found: &mut impl FnMut(&str, u32, u32)) {
    match &node.kind {
        NodeKind::Map(entries) if !entries.is_empty() => {
            for (key, value) in entries {
                let length = pointer.len();
                push_token(pointer, key.as_str().unwrap_or_default());
                walk(value, pointer, found);
                pointer.truncate(length);
            }
        }
        _ => found(pointer, node.span.start.line, node.span.start.column),
    }
}

/// Appends a step to a JSON pointer.
pub(crate) fn push_token(pointer: &mut String, token: &str) {
    pointer.push('/');
    pointer.push_str(&token.replace('~', "~0").replace('/', "~1"));
}

/// Puts `over` over `base`: mappings are merged, all else is replaced.
pub(crate) fn merge_maps(base: &mut Map, over: Map) {
    for (key, value) in over {
        match (base.get_mut(&key), value) {
            (Some(Value::Map(inner)), Value::Map(over)) => merge_maps(inner, over),
            (_, value) => _ = base.insert(key, value),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_of_a_values_file_are_merged() {
        let file = parse_values("---\na: {x: 1, z: 2}\n--- # more\na: {z: 3}\nb: null\n").unwrap();
        let values = file.to_map();
        assert_eq!(values["a"].get("x"), Some(&Value::Float(1.0)));
        assert_eq!(values["a"].get("z"), Some(&Value::Float(3.0)));
        assert_eq!(values["b"], Value::Null);
        let mut lines = Vec::new();
        file.leaves(&mut |pointer, line, _| lines.push((pointer.to_owned(), line)));
        assert_eq!(lines, [("/a/x".into(), 2), ("/a/z".into(), 2), ("/a/z".into(), 4), ("/b".into(), 5)]);
    }

    #[test]
    fn faults_are_told_with_their_line_in_the_file() {
        let (message, line, _) = parse_values("a: 1\n---\nb: 1\n c: 2\n").unwrap_err();
        assert_eq!(line, 4);
        assert!(message.ends_with("yaml: line 2: mapping values are not allowed in this context"), "{message}");
        let (message, ..) = parse_values("- a\n").unwrap_err();
        assert!(message.contains("cannot unmarshal array into Go value of type map[string]interface {}"), "{message}");
    }
}
