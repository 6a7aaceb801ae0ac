//! The documents of a file, and what the rules read of an object.

use bowline_yaml::{Decoder, Node, Target, parse_first};

/// The documents of a file: each text, or why the file cannot be taken apart there.
pub(super) fn documents(file: &str) -> Vec<Result<&str, String>> {
    let mut documents = Vec::new();
    let (mut start, mut at) = (0, 0);
    for line in file.split_inclusive('\n') {
        if let Some(rest) = line.strip_prefix("---") {
            let rest = rest.trim();
            if !rest.is_empty() && !rest.starts_with('#') {
                documents.push(Err(format!("invalid Yaml document separator: {rest}")));
                return documents;
            }
            if at > start {
                documents.push(Ok(&file[start..at]));
            }
            start = at + line.len();
        }
        at += line.len();
    }
    if at > start {
        documents.push(Ok(&file[start..]));
    }
    documents
}

/// What the rules read of an object.
#[derive(Debug, Default)]
pub(super) struct Head {
    pub(super) api_version: String,
    pub(super) kind: String,
    pub(super) name: String,
}

impl Head {
    /// `None` for a document with nothing in it; else Go's reason why it cannot be read.
    pub(super) fn read(text: &str) -> Result<Option<Self>, String> {
        let Some(node) = parse_first(text).map_err(|error| error.to_string())? else { return Ok(None) };
        if node.is_null() {
            return Ok(None);
        }
        Self::of(&node).map(Some)
    }

    fn of(node: &Node) -> Result<Self, String> {
        let mut decoder = Decoder::new();
        let mut head = Self::default();
        let at = |path| Target { structure: "k8sYamlStruct", path };
        for (key, value) in decoder.root(node, "rules.k8sYamlStruct") {
            match key.to_ascii_lowercase().as_str() {
                "apiversion" => head.api_version = decoder.string(value, at("apiVersion")),
                "kind" => head.kind = decoder.string(value, at("Kind")),
                "metadata" if !value.is_null() => {
                    for (key, value) in decoder.entries(value, at("Metadata"), "rules.k8sYamlMetadata") {
                        let at = |path| Target { structure: "k8sYamlMetadata", path };
                        match key.to_ascii_lowercase().as_str() {
                            "namespace" => _ = decoder.string(value, at("Metadata.Namespace")),
                            "name" => head.name = decoder.string(value, at("Metadata.Name")),
                            _ => {}
                        }
                    }
                }
                _ => {}
            }
        }
        decoder.finish(head).map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_separator_may_have_a_comment() {
        assert_eq!(documents("a: 1\n--- # next\nb: 2\n"), [Ok("a: 1\n"), Ok("b: 2\n")]);
        assert_eq!(documents("---\n---\n"), []);
        assert!(documents("--- x\n")[0].is_err());
    }
}
