/// Where a command's words go. The command line prints them; a library user may drop them.
pub trait Console: Sync {
    /// Text for standard output, line breaks included.
    fn out(&self, text: &str);
    /// A warning for the log: what is the matter, and the names and values that belong to it.
    fn warn(&self, message: &str, facts: &[(&str, &str)]);
    /// A line for the log of libraries, which Go prints after the time of day.
    fn log(&self, text: &str);
    /// A remark for those who asked for details (`--debug`).
    fn debug(&self, _message: &str, _facts: &[(&str, &str)]) {}
}

/// A console that says nothing.
pub struct Silent;

impl Console for Silent {
    fn out(&self, _text: &str) {}
    fn warn(&self, _message: &str, _facts: &[(&str, &str)]) {}
    fn log(&self, _text: &str) {}
}
