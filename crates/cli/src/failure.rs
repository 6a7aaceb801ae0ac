//! What a failed run tells its user: what failed, the cause, where, and a hint that is a command.

use std::error::Error;
use std::fmt::Write as _;

use bowline_engine::EngineError;
use bowline_render::Problem;

use crate::exit::Exit;
use crate::report;

/// A failed run.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    /// What it means for the exit code.
    pub(crate) exit: Exit,
    /// What failed, in one sentence.
    pub(crate) message: String,
    /// What caused it, outermost first.
    pub(crate) causes: Vec<String>,
    /// Where: a source line with a caret, a causal chain, last log lines; printed as it is.
    pub(crate) details: Option<String>,
    /// What to do about it.
    pub(crate) hints: Vec<String>,
    /// What is wrong one by one, each with its places; printed before everything else.
    pub(crate) problems: Box<[Problem]>,
}

impl Failure {
    /// Something failed.
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self {
            exit,
            message: message.into(),
            causes: Vec::new(),
            details: None,
            hints: Vec::new(),
            problems: Box::default(),
        }
    }

    /// Something failed while doing `doing` because of `error`.
    pub(crate) fn because(exit: Exit, doing: impl Into<String>, error: &dyn Error) -> Self {
        let mut failure = Self::new(exit, doing);
        let mut error = Some(error);
        while let Some(cause) = error {
            let text = cause.to_string();
            // Wrapped errors often repeat their source: say each thing once.
            if !failure.causes.last().is_some_and(|outer| outer.contains(&text)) {
                failure.causes.push(text);
            }
            error = cause.source();
        }
        failure
    }

    /// The engine did not do what was asked.
    pub(crate) fn of_engine(doing: impl Into<String>, error: &EngineError) -> Self {
        let exit = match error {
            _ if error.is_interrupted() => Exit::Interrupted,
            _ if error.is_timed_out() => Exit::TimedOut,
            _ => Exit::Failed,
        };
        let mut failure = Self::because(exit, doing, error);
        failure.details = error.failure().map(|failure| failure.cause.render());
        failure.hints.extend(error.hint());
        failure
    }

    /// With something to do about it.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// With lines that show where or why.
    pub(crate) fn details(mut self, details: impl Into<String>) -> Self {
        self.details = Some(details.into());
        self
    }

    /// With what is wrong, one by one.
    pub(crate) fn problems(mut self, problems: Vec<Problem>) -> Self {
        self.problems = problems.into();
        self
    }

    /// The text for stderr.
    pub(crate) fn render(&self) -> String {
        let mut text = String::new();
        for problem in &self.problems {
            text.push_str(&report::of_problem(problem));
            text.push('\n');
        }
        let _ = writeln!(text, "error: {}", self.message);
        for cause in &self.causes {
            let _ = writeln!(text, "  cause: {}", cause.replace('\n', "\n         "));
        }
        if let Some(details) = &self.details {
            let _ = write!(text, "\n{}\n", details.trim_end());
        }
        for hint in &self.hints {
            let _ = write!(text, "\nhint: {hint}\n");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_why_and_what_to_do() {
        let cause = std::io::Error::other("no such file");
        let failure = Failure::because(Exit::Usage, "read the chart", &cause).hint("bowline template --help");
        assert_eq!(failure.render(), "error: read the chart\n  cause: no such file\n\nhint: bowline template --help\n");
    }
}
