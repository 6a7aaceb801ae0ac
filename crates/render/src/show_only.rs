//! `--show-only`: documents by the template that they come from.

use bowline_chart::{Compat, glob_match};

use crate::split::split;

/// A document of the output.
pub struct Document<'t> {
    /// Without the separator before it.
    pub text: &'t str,
    /// Path of its template below the chart, where a comment names it.
    pub template: Option<&'t str>,
}

impl Document<'_> {
    /// Whether its template is the one, or one of those, that the pattern names.
    pub fn comes_from(&self, pattern: &str) -> bool {
        self.template.is_some_and(|template| glob_match(pattern, template).unwrap_or(false))
    }
}

/// The documents of an output, as Helm takes it apart again.
pub fn documents(output: &str, compat: Compat) -> Vec<Document<'_>> {
    if compat.is_helm3() {
        let parts = split(output, compat).into_iter();
        return parts.map(|part| Document { text: part.text, template: template(part.text) }).collect();
    }
    let mut documents = Vec::new();
    let mut start = 0;
    let output = output.trim_start();
    let mut line = 0;
    loop {
        let at_separator = output[line..].starts_with("---");
        if at_separator {
            push(&mut documents, &output[start..line]);
            start = line + 3;
        }
        match output[line..].find('\n') {
            Some(offset) => line += offset + 1,
            None => break,
        }
    }
    push(&mut documents, &output[start.min(output.len())..]);
    documents
}

fn push<'t>(documents: &mut Vec<Document<'t>>, piece: &'t str) {
    let text = piece.trim_start();
    if !text.is_empty() {
        documents.push(Document { text, template: template(text) });
    }
}

/// What stands behind the chart's name in the first `# Source:` that has one.
fn template(text: &str) -> Option<&str> {
    text.split("# Source: ").skip(1).find_map(|rest| {
        let slash = rest.find('/').filter(|slash| *slash > 0)?;
        let path = rest[slash + 1..].split('\n').next()?;
        (!path.is_empty()).then_some(path)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_know_their_template() {
        let output =
            "---\n# Source: app/templates/a.yaml\nkind: A\n---\n# Source: app/charts/db/templates/b.yaml\nkind: B\n";
        let documents = documents(output, Compat::Helm4);
        assert_eq!(documents.len(), 2);
        assert_eq!(documents[0].text, "# Source: app/templates/a.yaml\nkind: A\n");
        assert!(documents[0].comes_from("templates/*.yaml"));
        assert!(documents[1].comes_from("charts/db/templates/b.yaml"));
        assert!(!documents[1].comes_from("templates/*.yaml"));
    }
}
