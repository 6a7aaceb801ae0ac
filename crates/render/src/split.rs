//! Rendered files to documents.

/// A document of a rendered file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Document<'t> {
    /// Without the separator and without white space before it.
    pub(crate) text: &'t str,
    /// Where it starts in the file, in bytes.
    pub(crate) start: usize,
    /// Lines of the file before it.
    pub(crate) lines_before: usize,
}

/// Splits at every `---` that starts a line, as Helm 4 does: whatever follows it on its line belongs to the next document.
/// Documents of white space are left out.
pub(crate) fn split(file: &str) -> Vec<Document<'_>> {
    let mut documents = Vec::new();
    let mut lines = 0;
    let mut start = 0;
    let mut add = |from: usize, to: usize| {
        let piece = &file[from..to];
        let text = piece.trim_start_matches(is_space);
        let space = &piece[..piece.len() - text.len()];
        let lines_before = lines + count_lines(space);
        lines += count_lines(piece);
        if !text.is_empty() {
            documents.push(Document { text, start: to - text.len(), lines_before });
        }
    };
    // A separator has to stand at the start of a line, or of all but the white space at the very beginning.
    let mut at = file.len() - file.trim_start_matches(is_space).len();
    let mut candidate = Some(at);
    while let Some(line) = candidate {
        if file[line..].starts_with("---") {
            add(start, line);
            start = line + 3;
            start += file[start..].len() - file[start..].trim_start_matches([' ', '\t']).len();
            at = start;
        } else {
            at = line;
        }
        candidate = memchr::memmem::find(&file.as_bytes()[at..], b"\n---").map(|offset| at + offset + 1);
    }
    add(start, file.len());
    documents
}

fn count_lines(text: &str) -> usize {
    memchr::memchr_iter(b'\n', text.as_bytes()).count()
}

/// Go's `unicode.IsSpace`.
pub(crate) fn is_space(c: char) -> bool {
    c.is_whitespace() && !matches!(c, '\u{1c}'..='\u{1f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(file: &str) -> Vec<(&str, usize)> {
        split(file).into_iter().map(|document| (document.text, document.lines_before)).collect()
    }

    #[test]
    fn documents_end_where_helm_ends_them() {
        assert_eq!(texts("a: 1\n---\nb: 2\n"), [("a: 1\n", 0), ("b: 2\n", 2)]);
        assert_eq!(texts("\n \n--- \n# c\n\n---a: 1\n --- x\n"), [("# c\n\n", 3), ("a: 1\n --- x\n", 5)]);
        assert_eq!(texts("a: |\n  x\n---"), [("a: |\n  x\n", 0)]);
        assert_eq!(texts(" \n---\n---\n"), []);
        assert_eq!(texts("----\n"), [("-\n", 0)]);
        assert_eq!(texts("   a: 1"), [("a: 1", 0)]);
    }
}
