use crate::Value;

/// A place in a text. Lines and columns count from 1, columns in characters; `offset` counts bytes from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default, Hash)]
pub struct Mark {
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// Byte offset, from 0.
    pub offset: usize,
}

/// Where something stands in a text: from `start` up to, not including, `end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Hash)]
pub struct Span {
    /// First character.
    pub start: Mark,
    /// One past the last character.
    pub end: Mark,
}

/// A parsed YAML node with its place in the text.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// What it is.
    pub kind: NodeKind,
    /// Where it stands.
    pub span: Span,
}

/// What a [`Node`] is. Aliases and merge keys are resolved by then, and keys are text, as JSON wants them.
#[derive(Clone, Debug, PartialEq)]
pub enum NodeKind {
    /// A resolved scalar; never a [`Value::Seq`] or [`Value::Map`].
    Scalar(Value),
    /// A sequence.
    Seq(Vec<Node>),
    /// A mapping in the order of the text. Duplicate keys stay; the last one counts.
    Map(Vec<(Node, Node)>),
}

impl Node {
    /// The value as Go has it after the detour over JSON that every values file takes: all numbers are floats.
    pub fn to_value(&self) -> Value {
        match &self.kind {
            NodeKind::Scalar(Value::Int(value)) => Value::Float(*value as f64),
            NodeKind::Scalar(value) => value.clone(),
            NodeKind::Seq(items) => Value::Seq(items.iter().map(Self::to_value).collect()),
            NodeKind::Map(entries) => {
                let text = |key: &Self| {
                    if let NodeKind::Scalar(Value::String(text)) = &key.kind { text.clone() } else { String::new() }
                };
                Value::Map(entries.iter().map(|(key, value)| (text(key), value.to_value())).collect())
            }
        }
    }

    /// The value under `key` of a mapping.
    pub fn get(&self, key: &str) -> Option<&Node> {
        Some(&self.entry(key)?.1)
    }

    /// The entry, key and value, under `key` of a mapping.
    pub fn entry(&self, key: &str) -> Option<&(Node, Node)> {
        let NodeKind::Map(entries) = &self.kind else { return None };
        entries.iter().rev().find(|(name, _)| name.as_str() == Some(key))
    }

    /// The text, where this is a string.
    pub fn as_str(&self) -> Option<&str> {
        if let NodeKind::Scalar(Value::String(text)) = &self.kind { Some(text) } else { None }
    }

    /// Whether this is `null`.
    pub fn is_null(&self) -> bool {
        self.kind == NodeKind::Scalar(Value::Null)
    }

    /// The node at a JSON pointer (RFC 6901) such as `/spec/containers/0/env`, and the empty pointer is this node.
    pub fn pointer(&self, pointer: &str) -> Option<&Node> {
        let mut node = self;
        for token in pointer.split('/').skip(1) {
            let token = token.replace("~1", "/").replace("~0", "~");
            node = match &node.kind {
                NodeKind::Scalar(_) => return None,
                NodeKind::Seq(items) => items.get(token.parse::<usize>().ok()?)?,
                NodeKind::Map(_) => node.get(&token)?,
            };
        }
        Some(node)
    }
}
