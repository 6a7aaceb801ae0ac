use crate::Mark;

/// Why a text is not the YAML that was asked for; `Display` is Go's message word for word.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    /// The whole message as `sigs.k8s.io/yaml` gives it: `error converting YAML to JSON: yaml: line 3: …`.
    ///
    /// Go's line is not always the one at fault: parser errors are one short, and line 1 is left out.
    pub message: String,
    /// The line at fault, from 1; 0 where unknown.
    pub line: u32,
    /// The column at fault, from 1; 0 where unknown.
    pub column: u32,
}

impl Error {
    /// An error of the YAML package proper.
    pub(crate) fn yaml(text: impl std::fmt::Display, at: Mark) -> Self {
        Self { message: format!("error converting YAML to JSON: yaml: {text}"), line: at.line, column: at.column }
    }

    /// An error of the conversion to JSON.
    pub(crate) fn conversion(text: impl std::fmt::Display, at: Mark) -> Self {
        Self { message: format!("error converting YAML to JSON: {text}"), line: at.line, column: at.column }
    }

    /// What is wrong, without what was being done and without Go's line, which is not always the one at fault.
    pub fn reason(&self) -> &str {
        let text = self.yaml_message();
        let text = text.strip_prefix("error unmarshaling JSON: while decoding JSON: json: ").unwrap_or(text);
        let text = text.strip_prefix("yaml: ").unwrap_or(text);
        match text.strip_prefix("line ").and_then(|rest| rest.split_once(": ")) {
            Some((line, reason)) if line.bytes().all(|b| b.is_ascii_digit()) => reason,
            _ => text,
        }
    }

    /// The message without the prefix of the conversion: what `go.yaml.in/yaml` itself says.
    pub fn yaml_message(&self) -> &str {
        self.message.strip_prefix("error converting YAML to JSON: ").unwrap_or(&self.message)
    }
}
