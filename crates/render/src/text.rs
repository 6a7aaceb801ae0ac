use std::io::{self, ErrorKind, IoSlice, Write};

use bowline_chart::Crd;
use bowline_manifest::{Hook, TemplateOutput};

use crate::document::Document;

/// What `helm template` prints, and what it says besides.
pub struct TemplateText {
    /// The notes, which `helm template` does not print.
    pub notes: String,
    /// What belongs on standard error.
    pub warnings: Vec<String>,
    pub(crate) crds: Vec<Crd>,
    pub(crate) objects: Vec<Document>,
    pub(crate) hooks: Vec<(Document, Hook)>,
    pub(crate) parts: TemplateOutput,
}

impl TemplateText {
    /// Standard output in pieces that follow each other: large charts are printed without being copied.
    pub fn pieces(&self) -> Vec<&[u8]> {
        let crds = self.crds.iter().map(|crd| (crd.source.as_str(), &*crd.file.data));
        let objects = self.objects.iter().map(|document| (&*document.output.path, document.text()));
        let hooks = self.hooks.iter().map(|(document, hook)| (&*document.output.path, document.text(), hook));
        self.parts.pieces(crds, objects, hooks)
    }

    /// Writes standard output, byte for byte and without copying it together.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write_to(&self, out: &mut impl Write) -> io::Result<()> {
        let pieces = self.pieces();
        let mut slices: Vec<IoSlice<'_>> = pieces.iter().map(|piece| IoSlice::new(piece)).collect();
        let mut left = slices.as_mut_slice();
        while !left.is_empty() {
            match out.write_vectored(left) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(written) => IoSlice::advance_slices(&mut left, written),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        out.flush()
    }

    /// The CRDs that were asked for and the objects, without hooks: what Helm would send to a cluster.
    pub fn manifest(&self) -> String {
        let crds = self.crds.iter().map(|crd| (crd.source.as_str(), &*crd.file.data));
        let objects = self.objects.iter().map(|document| (&*document.output.path, document.text()));
        let parts = TemplateOutput { no_hooks: true, ..self.parts };
        String::from_utf8_lossy(&parts.pieces(crds, objects, []).concat()).into_owned()
    }

    /// Standard output as one text; what is no UTF-8 (a file of `crds/` may hold anything) is replaced.
    pub fn text(&self) -> String {
        let replaced = |error: std::string::FromUtf8Error| String::from_utf8_lossy(error.as_bytes()).into_owned();
        String::from_utf8(self.pieces().concat()).unwrap_or_else(replaced)
    }
}
