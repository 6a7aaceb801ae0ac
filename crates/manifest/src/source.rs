use std::fmt;
use std::sync::Arc;

use bowline_yaml::Node;
use serde_json::Value;

use crate::{Hook, ObjectKey};

/// A place in a file that a user can open.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub struct Location {
    /// Path as Helm names templates (`todo-app/templates/secret.yaml`), or as the user gave it.
    pub file: String,
    /// Line, from 1.
    pub line: u32,
    /// Column, from 1; 0 where only the line is known.
    pub column: u32,
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.column == 0 {
            write!(f, "{}:{}", self.file, self.line)
        } else {
            write!(f, "{}:{}:{}", self.file, self.line, self.column)
        }
    }
}

/// Where a manifest comes from.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Source {
    /// Name of the chart.
    pub chart: String,
    /// Template path as Helm prints it after `# Source:`, `todo-app/charts/db/templates/service.yaml`.
    pub template: String,
    /// For line *i* (from 0) of the document's text, the line (from 1) of `template` that wrote it; shorter than the
    /// text where that is not known.
    pub lines: Arc<[u32]>,
}

/// One rendered document: an object and where it comes from.
#[derive(Clone, Debug)]
pub struct Manifest {
    /// The document as rendered, without separator.
    pub text: Arc<str>,
    /// The object. JSON as the API server would be sent it.
    pub object: Value,
    /// The parsed text, for places.
    pub node: Arc<Node>,
    /// Chart and template.
    pub source: Source,
    /// Hook facts, where it is one.
    pub hook: Option<Hook>,
}

/// Why a document is not a manifest.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// `apiVersion`, `kind` or `metadata.name` is missing.
    #[error("{location}: document has no {field}")]
    MissingField {
        /// Where the document starts.
        location: Location,
        /// The missing field.
        field: &'static str,
    },
    /// The API server is to make the name up; then nobody finds the object again.
    #[error(
        "{location}: {kind} has metadata.generateName and no metadata.name: a release's objects are found again by their names"
    )]
    GeneratedName {
        /// Where the prefix stands.
        location: Location,
        /// The object's kind.
        kind: String,
    },
    /// A hook of several objects.
    #[error("{location}: a hook cannot be a list: make each of its items a hook")]
    HookList {
        /// Where the document starts.
        location: Location,
    },
}

impl Manifest {
    /// The object's identity, `namespace` standing in for a missing namespace only if the caller passes one.
    pub fn key(&self) -> Option<ObjectKey> {
        ObjectKey::of(&self.object)
    }

    /// Where the value at a JSON pointer (`/spec/template/spec/containers/0`) was written: the template's line where
    /// known, else the line of the rendered text. A pointer that leads nowhere is shortened until it leads somewhere.
    pub fn locate(&self, pointer: &str) -> Location {
        let mut pointer = pointer;
        let mark = loop {
            if let Some(node) = self.node.pointer(pointer) {
                break node.span.start;
            }
            pointer = pointer.rsplit_once('/').map_or("", |(head, _)| head);
        };
        match self.source.lines.get(mark.line.saturating_sub(1) as usize) {
            Some(&line) => Location { file: self.source.template.clone(), line, column: 0 },
            None => Location { file: self.source.template.clone(), line: mark.line, column: mark.column },
        }
    }
}
