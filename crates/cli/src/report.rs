//! Problems with the lines they stand in, for people.

use std::borrow::Cow;

use annotate_snippets::{AnnotationKind, Element, Group, Level, Origin, Renderer, Snippet};
use bowline_render::{Excerpt, Mark, Problem};

/// A problem as a terminal shows it: its message, the lines behind it, notes and hints.
pub(crate) fn of_problem(problem: &Problem) -> String {
    let message = printable(&problem.message);
    // Helm's messages may have several lines: the first is the title.
    let (title, rest) = message.split_once('\n').unwrap_or((&message, ""));
    let mut first = Group::with_title(Level::ERROR.primary_title(title));
    let mut excerpts = problem.excerpts.iter();
    if let Some(excerpt) = excerpts.next() {
        first = first.element(element(excerpt));
    }
    if !rest.trim().is_empty() {
        first = first.element(Level::NOTE.message(rest.trim().to_owned()));
    }
    for note in &problem.notes {
        first = first.element(Level::NOTE.message(note.as_str()));
    }
    for hint in &problem.hints {
        first = first.element(Level::HELP.message(hint.as_str()));
    }
    let others = excerpts.map(|excerpt| {
        Group::with_title(Level::NOTE.secondary_title(excerpt.title.as_str())).element(element(excerpt))
    });
    let groups: Vec<Group<'_>> = std::iter::once(first).chain(others).collect();
    Renderer::styled().render(&groups) + "\n"
}

/// A line of a file alone, with a caret below its column.
pub(crate) fn of_place(file: &str, line: u32, column: u32, text: Option<String>) -> String {
    let mark = (column > 0).then(|| Mark { column, width: 1, label: String::new() });
    let marks = mark.into_iter().collect();
    let excerpt = Excerpt { title: String::new(), file: file.to_owned(), line, text, marks };
    Renderer::styled().render(&[Group::with_level(Level::ERROR).element(element(&excerpt))])
}

fn element(excerpt: &Excerpt) -> Element<'_> {
    let Some(text) = &excerpt.text else {
        let mut origin = Origin::path(excerpt.file.as_str());
        if excerpt.line > 0 {
            origin = origin.line(excerpt.line as usize);
            if let Some(mark) = excerpt.marks.first() {
                origin = origin.char_column(mark.column as usize);
            }
        }
        return origin.into();
    };
    let byte = |column: u32| text.char_indices().nth(column as usize - 1).map_or(text.len(), |(at, _)| at);
    let marks = excerpt.marks.iter().enumerate().map(|(i, mark)| {
        let kind = if i == 0 { AnnotationKind::Primary } else { AnnotationKind::Context };
        let span = byte(mark.column.max(1))..byte(mark.column.max(1) + mark.width);
        kind.span(span).label((!mark.label.is_empty()).then(|| Cow::from(mark.label.as_str())))
    });
    let snippet = Snippet::source(text.as_str()).line_start(excerpt.line as usize).path(excerpt.file.as_str());
    let snippet = snippet.fold(false).annotations(marks);
    snippet.into()
}

/// A message without what could control a terminal.
fn printable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: &str) -> String {
        anstream::adapter::strip_str(text).to_string()
    }

    #[test]
    fn a_caret_stands_below_its_column() {
        let text = plain(&of_place("values.yaml", 12, 3, Some("ä: [".to_owned())));
        assert_eq!(text, "  --> values.yaml:12:3\n   |\n12 | ä: [\n   |   ^");
        assert_eq!(plain(&of_place("values.yaml", 12, 0, None)), "--> values.yaml:12");
    }

    #[test]
    fn a_problem_shows_its_places_notes_and_hints() {
        let mark = |column, width, label: &str| Mark { column, width, label: label.to_owned() };
        let excerpt = |title: &str, file: &str, line, text: &str, marks| Excerpt {
            title: title.to_owned(),
            file: file.to_owned(),
            line,
            text: Some(text.to_owned()),
            marks,
        };
        let problem = Problem {
            message: "nil pointer evaluating interface {}.tag".to_owned(),
            excerpts: vec![
                excerpt("", "t.yaml", 3, "a: {{ .imge.tag }}", vec![mark(13, 3, ""), mark(8, 4, "there is no `imge`")]),
                excerpt("`x` is executed here", "u.yaml", 1, "{{ include \"x\" . }}", vec![mark(4, 13, "")]),
            ],
            notes: vec!["a note".to_owned()],
            hints: vec!["did you mean `image`?".to_owned()],
        };
        assert_eq!(
            plain(&of_problem(&problem)),
            "error: nil pointer evaluating interface {}.tag\n\
             \x20--> t.yaml:3:13\n  |\n3 | a: {{ .imge.tag }}\n  |        ---- ^^^\n  |        |\n  |        there is no `imge`\n  |\n\
             \x20 = note: a note\n  = help: did you mean `image`?\n\
             note: `x` is executed here\n --> u.yaml:1:4\n  |\n1 | {{ include \"x\" . }}\n  |    ^^^^^^^^^^^^^\n"
        );
    }
}
