//! Rendered files to documents.

use bowline_chart::Compat;

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

/// Splits a file as that Helm does.
pub(crate) fn split(file: &str, compat: Compat) -> Vec<Document<'_>> {
    match compat {
        Compat::Helm3 => split_as_helm3(file),
        Compat::Helm4 => split_as_helm4(file),
    }
}

/// Helm 3 takes all white space on both sides of `---` for a part of the separator, but for that before the line break
/// which has to stand in front of it, or the file's beginning: behind a separator that took the line break away, another
/// one is text.
fn split_as_helm3(file: &str) -> Vec<Document<'_>> {
    let mut documents = Vec::new();
    let mut add = |from: usize, to: usize| {
        // What is empty is left out; what turns out to be empty is not.
        if from < to {
            let text = file[from..to].trim_start_matches(is_space);
            let start = to - text.len();
            let text = text.trim_end_matches(is_space);
            documents.push(Document { text, start, lines_before: count_lines(&file[..start]) });
        }
    };
    let end = file.trim_end_matches(is_space).len();
    let mut start = (file.len() - file.trim_start_matches(is_space).len()).min(end);
    let mut separator = file[start..end].starts_with("---").then_some(start);
    loop {
        let found = separator.take().map(|at| (at, at)).or_else(|| {
            let line = start + memchr::memmem::find(&file.as_bytes()[start..end], b"\n---")? + 1;
            Some((start + file[start..line].trim_end_matches(is_re2_space).len(), line))
        });
        let Some((before, dashes)) = found else { break };
        add(start, before);
        let rest = &file[dashes + 3..end];
        start = end - rest.trim_start_matches(is_re2_space).len();
    }
    add(start, end);
    documents
}

/// `\s` of Go's regular expressions.
fn is_re2_space(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\x0c' | '\r' | ' ')
}

/// Splits at every `---` that starts a line, as Helm 4 does: whatever follows it on its line belongs to the next document.
/// Documents of white space are left out.
fn split_as_helm4(file: &str) -> Vec<Document<'_>> {
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
        split_as_helm4(file).into_iter().map(|document| (document.text, document.lines_before)).collect()
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

    #[test]
    fn helm_3_ends_them_elsewhere() {
        let texts = |file| {
            split_as_helm3(file).into_iter().map(|document| (document.text, document.lines_before)).collect::<Vec<_>>()
        };
        assert_eq!(texts("a: 1\n \n---\n\nb: 2\n\n"), [("a: 1", 0), ("b: 2", 4)]);
        assert_eq!(texts("\n---\n---\nb: 2\n"), [("---\nb: 2", 2)]);
        assert_eq!(texts("a: 1\n---b: 2\n--- # c\n"), [("a: 1", 0), ("b: 2", 1), ("# c", 2)]);
        assert_eq!(texts("---\n"), []);
        assert_eq!(texts("a\n---\n\u{a0}\n---\nb"), [("a", 0), ("", 2), ("b", 4)]);
    }
}
