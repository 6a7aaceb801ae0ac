use std::io::Write;

use bowline_render::TemplateText;
use owo_colors::OwoColorize;
use serde::Serialize;

/// Where output goes: data to stdout, everything else to stderr. A closed pipe ends printing quietly.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Printer {
    quiet: bool,
}

impl Printer {
    /// `quiet` keeps progress to itself; data and errors are printed all the same.
    pub(crate) fn new(quiet: bool) -> Self {
        Self { quiet }
    }

    /// Whether only what was asked for is wanted.
    pub(crate) fn is_quiet(self) -> bool {
        self.quiet
    }

    /// Data: what the command was asked for.
    pub(crate) fn data(self, text: &str) {
        let mut out = anstream::stdout().lock();
        let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    }

    /// What `helm template` prints, byte for byte.
    pub(crate) fn rendered(self, text: &TemplateText) {
        let _ = text.write_to(&mut std::io::stdout().lock());
    }

    /// Data as one JSON document.
    pub(crate) fn json(self, value: &impl Serialize) {
        // Types of ours, with string keys: they always serialise.
        if let Ok(text) = serde_json::to_string_pretty(value) {
            self.data(&(text + "\n"));
        }
    }

    /// A line of progress.
    pub(crate) fn progress(self, line: &str) {
        if !self.quiet {
            let _ = writeln!(anstream::stderr().lock(), "{line}");
        }
    }

    /// A question; whoever is asked sees it even where progress is unwanted.
    pub(crate) fn ask(self, question: &str) {
        let mut err = anstream::stderr().lock();
        let _ = err.write_all(question.as_bytes()).and_then(|()| err.flush());
    }

    /// Something that the user should know, though the command goes on.
    pub(crate) fn warn(self, line: &str) {
        let _ = writeln!(anstream::stderr().lock(), "{} {line}", "warning:".yellow().bold());
    }

    /// An error's text, its first word set off.
    pub(crate) fn error(self, text: &str) {
        let mut err = anstream::stderr().lock();
        let _ = match text.strip_prefix("error:") {
            Some(rest) => write!(err, "{}{rest}", "error:".red().bold()),
            None => write!(err, "{text}"),
        };
    }
}

/// Columns as wide as their widest cell, two spaces apart, without trailing blanks.
pub(crate) fn table(header: &[&str], rows: &[Vec<String>]) -> String {
    let mut widths: Vec<usize> = header.iter().map(|cell| cell.chars().count()).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let header: Vec<String> = header.iter().map(|&cell| cell.to_owned()).collect();
    let mut text = String::new();
    for row in std::iter::once(&header).chain(rows) {
        let line: Vec<String> =
            row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}", width = *width)).collect();
        text.push_str(line.join("  ").trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_align() {
        let rows = vec![vec!["todo-frontend".into(), "1/1".into()], vec!["db".into(), "1/1".into()]];
        assert_eq!(
            table(&["SERVICE", "READY"], &rows),
            "SERVICE        READY\ntodo-frontend  1/1\ndb             1/1\n"
        );
    }
}
