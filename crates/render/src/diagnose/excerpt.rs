use std::ops::Range;

/// A part of a line that an [`Excerpt`] points at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Its first character, from 1.
    pub column: u32,
    /// How many characters it is wide, at least 1.
    pub width: u32,
    /// What is to be said about it; may be empty.
    pub label: String,
}

/// A line of a file that a user can open, or of a text that has no file, and what is to be seen there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excerpt {
    /// What is to be seen; empty for the place at fault, about which the problem's message says it.
    pub title: String,
    /// The file as a user would write it, or what the text is.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
    /// The line's text, where it may be shown.
    pub text: Option<String>,
    /// The parts it points at; the first is the one that matters. Empty where only the line is known.
    pub marks: Vec<Mark>,
}

impl Excerpt {
    /// The line of `source` in which `span`, in bytes, begins; the part of the span in that line is marked.
    pub(super) fn of_span(file: String, source: &[u8], span: &Range<usize>) -> Self {
        let start = span.start.min(source.len());
        let line_start = source[..start].iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let line_end = source[start..].iter().position(|byte| *byte == b'\n').map_or(source.len(), |at| start + at);
        let text = |range: Range<usize>| String::from_utf8_lossy(&source[range]).into_owned();
        let columns = |range: Range<usize>| text(range).chars().count() as u32;
        let end = span.end.clamp(start, line_end);
        Self {
            title: String::new(),
            file,
            line: 1 + source[..line_start].iter().filter(|byte| **byte == b'\n').count() as u32,
            text: Some(text(line_start..line_end).trim_end_matches('\r').to_owned()),
            marks: vec![Mark {
                column: 1 + columns(line_start..start),
                width: columns(start..end).max(1),
                label: String::new(),
            }],
        }
    }

    /// A place of which line and column, from 1, are known; the rest of the value there is marked, the whole line where
    /// the column is 0.
    pub(super) fn of_place(file: String, text: Option<&str>, line: u32, column: u32) -> Self {
        let text = text.and_then(|text| text.lines().nth((line as usize).checked_sub(1)?)).map(str::to_owned);
        let mark = if column == 0 {
            text.as_deref().filter(|text| !text.trim().is_empty()).map(|text| {
                let column = 1 + text.chars().take_while(|c| c.is_whitespace()).count() as u32;
                Mark { column, width: text.trim().chars().count() as u32, label: String::new() }
            })
        } else {
            let rest = text.iter().flat_map(|text| text.chars().skip(column as usize - 1));
            let width = rest.take_while(|c| !matches!(c, ',' | ']' | '}' | '#')).collect::<String>();
            Some(Mark { column, width: (width.trim_end().chars().count() as u32).max(1), label: String::new() })
        };
        Self { title: String::new(), file, line, text, marks: mark.into_iter().collect() }
    }

    pub(super) fn titled(mut self, title: impl Into<String>) -> Self {
        self.title = title.into();
        self
    }

    /// The column of what matters; 0 where only the line is known.
    pub(super) fn column(&self) -> u32 {
        self.marks.first().map_or(0, |mark| mark.column)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters() {
        let source = "a\nä: {{ .x\n  }}\r\n";
        let at = source.find(".x").unwrap();
        let excerpt = Excerpt::of_span("f".into(), source.as_bytes(), &(at..at + 8));
        assert_eq!((excerpt.line, excerpt.text.as_deref()), (2, Some("ä: {{ .x")));
        assert_eq!(excerpt.marks, [Mark { column: 7, width: 2, label: String::new() }]);
        let end = Excerpt::of_span("f".into(), source.as_bytes(), &(source.len()..source.len()));
        assert_eq!((end.line, end.marks[0].column), (4, 1));
        let place = Excerpt::of_place("v".into(), Some("a: [b, c]"), 1, 5);
        assert_eq!(place.marks[0].width, 1);
        let line = Excerpt::of_place("v".into(), Some("  a: b "), 1, 0);
        assert_eq!((line.marks[0].column, line.marks[0].width), (3, 4));
    }
}
