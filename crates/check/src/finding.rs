//! What a rule found.

use std::fmt;

use bowline_manifest::{Location, ObjectKey};
use serde::Serialize;

/// How bad it is; worse compares less, so that it sorts first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// It cannot work.
    Error,
    /// It works until something else happens.
    Warning,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
        })
    }
}

/// Another place that belongs to a finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Related {
    /// What is there.
    pub message: String,
    /// Where.
    pub location: Location,
}

/// Something that a rule found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The rule's name, as in `hook-needs-later-object`.
    pub rule: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// The rule in a few words.
    pub title: &'static str,
    /// The object it is about.
    pub object: ObjectKey,
    /// What is wrong here, and what will happen.
    pub message: String,
    /// Where.
    pub location: Location,
    /// Other places that belong to it.
    pub related: Vec<Related>,
    /// What to do.
    pub hint: String,
    /// The page and heading that explain the rule.
    pub docs: String,
}

impl fmt::Display for Finding {
    /// As a compiler says it: severity and rule, message, place, related places, hint.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}[{}]: {}", self.severity, self.rule, self.message)?;
        writeln!(f, "  --> {}", self.location)?;
        for related in &self.related {
            writeln!(f, "  --> {}: {}", related.location, related.message)?;
        }
        write!(f, "  hint: {}", self.hint)
    }
}
