use std::fmt::Write;

use serde::{Deserialize, Serialize};

/// Why something failed, from the release down to the root: each step is caused by the next.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Cause {
    /// The chain, release first.
    pub steps: Vec<Step>,
    /// What to do about it: a command.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// One link of a [`Cause`].
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Step {
    /// What it is about: `release todo-app`, `Job/migrate`, `Pod/migrate-x7k2p`, `container migrate`.
    pub object: String,
    /// The moment it belongs to, where there is one: `pre-install hook`, `wait`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub phase: String,
    /// A word as Kubernetes has it: `CreateContainerConfigError`, `BackoffLimitExceeded`; empty where it has none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// In words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// The last lines it wrote.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub log_tail: Vec<String>,
}

impl Step {
    /// About an object, with a reason and words.
    pub(crate) fn new(object: impl Into<String>, reason: impl Into<String>, message: impl Into<String>) -> Self {
        Self { object: object.into(), reason: reason.into(), message: message.into(), ..Self::default() }
    }

    fn line(&self) -> String {
        let mut line = self.object.clone();
        if !self.phase.is_empty() {
            let _ = write!(line, " ({})", self.phase);
        }
        let told = [self.reason.as_str(), self.message.as_str()];
        let told: Vec<&str> = told.into_iter().filter(|text| !text.is_empty()).collect();
        if !told.is_empty() {
            let _ = write!(line, ": {}", told.join(": "));
        }
        line
    }
}

impl Cause {
    /// The chain as an indented text of several lines, without a line end, and without the hint.
    pub fn render(&self) -> String {
        let mut text = String::new();
        for (depth, step) in self.steps.iter().enumerate() {
            let indent = "   ".repeat(depth.saturating_sub(1));
            let arm = if depth == 0 { "" } else { "└─ " };
            let below = "   ".repeat(depth);
            if depth > 0 {
                text.push('\n');
            }
            let line = step.line().replace('\n', &format!("\n{below}"));
            let _ = write!(text, "{indent}{arm}{line}");
            for log in &step.log_tail {
                let _ = write!(text, "\n{below}  │ {log}");
            }
        }
        text
    }

    /// The root: the last step.
    pub fn root(&self) -> Option<&Step> {
        self.steps.last()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_reads_from_the_release_down() {
        let mut job = Step::new("Job/migrate", "BackoffLimitExceeded", "Job has reached the specified backoff limit");
        job.phase = "pre-install hook".into();
        let mut container = Step::new("container migrate", "Error", "exit code 1");
        container.log_tail = vec!["connecting".into(), "ERROR: no such table".into()];
        let cause =
            Cause { steps: vec![Step::new("release web", "", "revision 1 failed"), job, container], hint: None };
        assert_eq!(
            cause.render(),
            "release web: revision 1 failed\n\
             └─ Job/migrate (pre-install hook): BackoffLimitExceeded: Job has reached the specified backoff limit\n   \
             └─ container migrate: Error: exit code 1\n        \
             │ connecting\n        │ ERROR: no such table"
        );
    }
}
