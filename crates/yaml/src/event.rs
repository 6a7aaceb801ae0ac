//! The stream of events between the scanner's grammar and the tree builder.

use crate::Mark;

/// One event with its place.
#[derive(Debug)]
pub(crate) struct Event<'t> {
    pub(crate) kind: EventKind<'t>,
    pub(crate) start: Mark,
    pub(crate) end: Mark,
}

/// What happened.
#[derive(Debug)]
pub(crate) enum EventKind<'t> {
    StreamEnd,
    DocumentStart,
    DocumentEnd,
    Alias(Text<'t>),
    Scalar(Scalar<'t>),
    SequenceStart { anchor: Option<Text<'t>> },
    SequenceEnd,
    MappingStart { anchor: Option<Text<'t>> },
    MappingEnd,
}

/// Text that mostly stands in the source as it is.
pub(crate) type Text<'t> = std::borrow::Cow<'t, str>;

/// A scalar before resolution.
#[derive(Debug)]
pub(crate) struct Scalar<'t> {
    pub(crate) anchor: Option<Text<'t>>,
    pub(crate) tag: Option<Text<'t>>,
    pub(crate) value: Text<'t>,
    /// Plain and untagged: resolution decides.
    pub(crate) implicit: bool,
}
