use memchr::memmem;
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
    files: Vec<Arc<str>>,
    /// How large the text will probably be.
    expected: usize,
}

/// A piece of the text up to the start of the next.
#[derive(Clone, Copy, Debug)]
struct Piece {
    start: u32,
    /// Its place among the files.
    file: u32,
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
        // There are few files, and the same one often comes again at once.
        let known = self.files.iter().rposition(|file| Arc::ptr_eq(file, origin.file));
        let file = known.unwrap_or_else(|| {
            self.files.push(Arc::clone(origin.file));
            self.files.len() - 1
        });
        if self.text.capacity() == 0 {
            self.text.reserve(self.expected.max(text.len()));
        }
        let piece =
            Piece { start: self.text.len() as u32, file: file as u32, line: origin.line, verbatim: origin.verbatim };
        self.pieces.push(piece);
        self.text.extend_from_slice(text);
    }
}

impl Traced {
    /// Nothing yet, with room for so many bytes once there is something.
    pub fn expecting(bytes: usize) -> Self {
        Self { expected: bytes, ..Self::default() }
    }

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
        let removed: Vec<usize> = memmem::find_iter(&self.text, needle).collect();
        if removed.is_empty() || needle.is_empty() {
            return;
        }
        let mut kept = Vec::with_capacity(self.text.len());
        let mut from = 0;
        for &start in &removed {
            kept.extend_from_slice(&self.text[from..start]);
            from = start + needle.len();
        }
        kept.extend_from_slice(&self.text[from..]);
        let (mut passed, mut gone) = (0, 0);
        for piece in &mut self.pieces {
            let piece_start = piece.start as usize;
            while removed.get(passed).is_some_and(|start| start + needle.len() <= piece_start) {
                gone += needle.len();
                passed += 1;
            }
            let partly = removed.get(passed).map_or(0, |start| piece_start.saturating_sub(*start));
            piece.start -= (gone + partly) as u32;
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
            let end = memchr::memchr(b'\n', &self.text[start..]).map_or(self.text.len(), |at| start + at + 1);
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
        while pieces.get(self.piece + 1).is_some_and(|next| next.start as usize <= offset) {
            self.piece += 1;
            self.counted = 0;
            self.passed = 0;
        }
        let found = pieces.get(self.piece)?;
        if found.verbatim {
            let from = self.counted.max(found.start as usize);
            self.passed += memchr::memchr_iter(b'\n', &self.traced.text[from..offset]).count() as u32;
            self.counted = offset;
        }
        let file = self.traced.files.get(found.file as usize)?;
        Some(LineOrigin { file: Arc::clone(file), line: found.line + self.passed })
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
