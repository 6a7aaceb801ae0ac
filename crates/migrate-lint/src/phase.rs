//! Expand and contract: whether code of before a change still runs after it.

use serde::{Deserialize, Serialize};

use crate::statement::{Change, ConstraintKind, What};

/// Which part of an expand/contract change a migration is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Nothing that code could notice: comments, rights, settings.
    Neutral,
    /// Adds what old code does not know, and can do without.
    Expand,
    /// Changes data.
    Backfill,
    /// Takes away or tightens what old code may use.
    Contract,
}

impl Phase {
    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Neutral => "neutral",
            Self::Expand => "expand",
            Self::Backfill => "backfill",
            Self::Contract => "contract",
        }
    }

    /// The phase of one change.
    pub(crate) fn of(change: &Change) -> Self {
        match &change.what {
            // What is not validated binds new rows only, and an index that is there has bound them before.
            What::AddConstraint { validated: false, .. }
            | What::AddConstraint { kind: ConstraintKind::UsingIndex, .. } => Self::Expand,
            What::AddColumn { required: true, .. }
            | What::DropTable
            | What::DropColumn { .. }
            | What::RenameTable { .. }
            | What::RenameColumn { .. }
            | What::ChangeType { .. }
            | What::SetNotNull { .. }
            | What::DropDefault { .. }
            | What::AddConstraint { .. }
            | What::CreateIndex { unique: true, .. }
            | What::DropOther { .. }
            | What::Truncate { .. }
            | What::RenameOther => Self::Contract,
            What::CreateTable
            | What::AddColumn { .. }
            | What::DropNotNull { .. }
            | What::SetDefault { .. }
            | What::ValidateConstraint { .. }
            | What::DropConstraint { .. }
            | What::CreateIndex { .. }
            | What::DropIndex { .. }
            | What::CreateOther => Self::Expand,
            What::Insert | What::Update { .. } | What::Delete { .. } => Self::Backfill,
            What::AlterOther | What::Begin | What::Commit | What::Other => Self::Neutral,
        }
    }
}

impl std::fmt::Display for Phase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for Phase {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let all = [Self::Neutral, Self::Expand, Self::Backfill, Self::Contract];
        let found = all.into_iter().find(|phase| phase.as_str() == text);
        found.ok_or_else(|| format!("{text:?} is no phase: neutral, expand, backfill, contract"))
    }
}
