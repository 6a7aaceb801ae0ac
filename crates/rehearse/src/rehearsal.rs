use std::time::Duration;

use bowline_check::Finding;
use bowline_engine::Failure;

use crate::Moment;

/// What a rehearsal showed.
#[derive(Clone, Debug)]
pub struct Rehearsal {
    /// How it ended.
    pub outcome: Outcome,
    /// What happened, in order.
    pub timeline: Vec<Moment>,
    /// Virtual time from beginning to end.
    pub duration: Duration,
    /// Findings on the graph about the objects of the chain of causes: where in the chart the reason lies.
    pub explanation: Vec<Finding>,
}

/// How a rehearsal ended.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// The release would be deployed.
    Deployed {
        /// Its revision.
        revision: u32,
    },
    /// It would hang until its timeout.
    Hang(Box<Failure>),
    /// It would fail before that.
    Fail(Box<Failure>),
    /// It would be refused before anything is done.
    Refused(String),
}

impl Outcome {
    /// Whether all would be well.
    pub fn is_deployed(&self) -> bool {
        matches!(self, Self::Deployed { .. })
    }

    /// The failure with its chain of causes, where there is one.
    pub fn failure(&self) -> Option<&Failure> {
        match self {
            Self::Hang(failure) | Self::Fail(failure) => Some(failure),
            Self::Deployed { .. } | Self::Refused(_) => None,
        }
    }
}
