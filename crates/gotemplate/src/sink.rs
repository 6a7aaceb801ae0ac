use std::sync::Arc;

/// Where a piece of output came from.
#[derive(Clone, Copy, Debug)]
pub struct Origin<'a> {
    /// The file whose text or action wrote it.
    pub file: &'a Arc<str>,
    /// The line in that file, from 1, where the text or action starts.
    pub line: u32,
    /// The template's own text, so that its line goes on with every line end; otherwise the value of an action.
    pub verbatim: bool,
}

/// Takes what a template writes, piece by piece.
pub trait Sink {
    /// Takes the next piece.
    fn write(&mut self, origin: Origin<'_>, text: &[u8]);
}

/// Keeps the text alone.
impl Sink for Vec<u8> {
    fn write(&mut self, _: Origin<'_>, text: &[u8]) {
        self.extend_from_slice(text);
    }
}

/// Keeps the text, and which line of which file wrote every part of it.
#[derive(Clone, Debug, Default)]
pub struct Traced {
    text: Vec<u8>,
    pieces: Vec<Piece>,
}

/// A piece of the text up to the start of the next.
#[derive(Clone, Debug)]
struct Piece {
    start: usize,
    file: Arc<str>,
    line: u32,
    verbatim: bool,
}

/// The line of a template that wrote a line of output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineOrigin {
    /// The file.
    pub file: Arc<str>,
    /// The line in that file, from 1.
    pub line: u32,
}

impl Sink for Traced {
    fn write(&mut self, origin: Origin<'_>, text: &[u8]) {
        if text.is_empty() {
            return;
        }
        let piece = Piece {
            start: self.text.len(),
            file: Arc::clone(origin.file),
            line: origin.line,
            verbatim: origin.verbatim,
        };
        self.pieces.push(piece);
        self.text.extend_from_slice(text);
    }
}

impl Traced {
    /// The text so far.
    pub fn text(&self) -> &[u8] {
        &self.text
    }

    /// The text alone.
    pub fn into_text(self) -> Vec<u8> {
        self.text
    }

    /// Removes every occurrence of `needle` (Helm deletes `<no value>`), and keeps the origins of the rest.
    pub fn remove(&mut self, needle: &[u8]) {
        if needle.is_empty() || self.text.len() < needle.len() {
            return;
        }
        let mut kept = Vec::with_capacity(self.text.len());
        let mut removed: Vec<usize> = Vec::new();
        let mut at = 0;
        while at < self.text.len() {
            if self.text[at] == needle[0] && self.text[at..].starts_with(needle) {
                removed.push(at);
                at += needle.len();
            } else {
                kept.push(self.text[at]);
                at += 1;
            }
        }
        if removed.is_empty() {
            return;
        }
        // Pieces and removals are both in order: one walk over the two.
        let mut passed = 0;
        let mut gone = 0;
        for piece in &mut self.pieces {
            while removed.get(passed).is_some_and(|start| start + needle.len() <= piece.start) {
                gone += needle.len();
                passed += 1;
            }
            let partly = removed.get(passed).map_or(0, |start| piece.start.saturating_sub(*start));
            piece.start -= gone + partly;
        }
        self.text = kept;
    }

    /// For each line of the text, the template line that wrote its first character that is not white space, or else its
    /// first character. A text without a final line end counts its last line too.
    pub fn line_origins(&self) -> Vec<Option<LineOrigin>> {
        let mut origins = Vec::new();
        let mut reader = OriginReader { traced: self, piece: 0, counted: 0, passed: 0 };
        let mut start = 0;
        while start < self.text.len() {
            let end =
                self.text[start..].iter().position(|byte| *byte == b'\n').map_or(self.text.len(), |at| start + at + 1);
            let line = &self.text[start..end];
            let lead = line.iter().position(|byte| !byte.is_ascii_whitespace()).unwrap_or(0);
            origins.push(reader.origin_of(start + lead));
            start = end;
        }
        origins
    }
}

/// Finds origins of ever larger offsets, looking at every byte of the text once.
struct OriginReader<'t> {
    traced: &'t Traced,
    piece: usize,
    /// Up to here in the text, `passed` line ends of the piece are counted.
    counted: usize,
    passed: u32,
}

impl OriginReader<'_> {
    fn origin_of(&mut self, offset: usize) -> Option<LineOrigin> {
        let pieces = &self.traced.pieces;
        while pieces.get(self.piece + 1).is_some_and(|next| next.start <= offset) {
            self.piece += 1;
            self.counted = 0;
            self.passed = 0;
        }
        let found = pieces.get(self.piece)?;
        if found.verbatim {
            let from = self.counted.max(found.start);
            self.passed += self.traced.text[from..offset].iter().filter(|byte| **byte == b'\n').count() as u32;
            self.counted = offset;
        }
        Some(LineOrigin { file: Arc::clone(&found.file), line: found.line + self.passed })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_knows_who_wrote_it() {
        let (a, b): (Arc<str>, Arc<str>) = (Arc::from("a"), Arc::from("b"));
        let mut traced = Traced::default();
        traced.write(Origin { file: &a, line: 1, verbatim: true }, b"x:\n  y: <no value>");
        traced.write(Origin { file: &b, line: 7, verbatim: false }, b"1\n2\n");
        traced.write(Origin { file: &a, line: 4, verbatim: true }, b"\nz");
        traced.remove(b"<no value>");
        assert_eq!(traced.text(), b"x:\n  y: 1\n2\n\nz");
        let lines: Vec<_> =
            traced.line_origins().into_iter().flatten().map(|origin| (origin.file.to_string(), origin.line)).collect();
        let want = [("a", 1), ("a", 2), ("b", 7), ("a", 4), ("a", 5)].map(|(file, line)| (file.to_owned(), line));
        assert_eq!(lines, want);
    }
}
