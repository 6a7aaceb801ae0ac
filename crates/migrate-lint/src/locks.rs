//! Which locks a change takes on tables, and what work is done under them; by PostgreSQL's manual, "Explicit Locking" and
//! `ALTER TABLE`.

use serde::Serialize;

use crate::statement::{Change, ConstraintKind, What};

/// A table lock of PostgreSQL, weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum LockMode {
    /// Reads.
    AccessShare,
    /// `SELECT … FOR UPDATE`.
    RowShare,
    /// Writes.
    RowExclusive,
    /// Stops other changes of the schema only.
    ShareUpdateExclusive,
    /// Stops writes.
    Share,
    /// Stops writes, and itself.
    ShareRowExclusive,
    /// Stops writes and `SELECT … FOR UPDATE`.
    Exclusive,
    /// Stops everything, reads too.
    AccessExclusive,
}

impl LockMode {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::AccessShare,
        Self::RowShare,
        Self::RowExclusive,
        Self::ShareUpdateExclusive,
        Self::Share,
        Self::ShareRowExclusive,
        Self::Exclusive,
        Self::AccessExclusive,
    ];

    /// As `pg_locks` names it: `AccessExclusiveLock`.
    pub fn of_pg_locks(name: &str) -> Option<Self> {
        let name = name.strip_suffix("Lock")?;
        Self::ALL.into_iter().find(|mode| mode.to_string().replace(' ', "").eq_ignore_ascii_case(name))
    }

    /// What others cannot do meanwhile.
    pub fn stops(self) -> &'static str {
        match self {
            Self::AccessShare | Self::RowShare | Self::RowExclusive => "nothing that an application does",
            Self::ShareUpdateExclusive => "other changes of the schema",
            Self::Share | Self::ShareRowExclusive | Self::Exclusive => "writes",
            Self::AccessExclusive => "reads and writes",
        }
    }
}

impl std::fmt::Display for LockMode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::AccessShare => "ACCESS SHARE",
            Self::RowShare => "ROW SHARE",
            Self::RowExclusive => "ROW EXCLUSIVE",
            Self::ShareUpdateExclusive => "SHARE UPDATE EXCLUSIVE",
            Self::Share => "SHARE",
            Self::ShareRowExclusive => "SHARE ROW EXCLUSIVE",
            Self::Exclusive => "EXCLUSIVE",
            Self::AccessExclusive => "ACCESS EXCLUSIVE",
        })
    }
}

/// What is done under a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Work {
    /// Catalogs are written: milliseconds, once it has the lock.
    Brief,
    /// Every row is read.
    Scan,
    /// Every row is written.
    Rewrite,
}

/// A lock that a migration takes on a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LockUse {
    /// The table, as the migration names it.
    pub table: String,
    /// The lock.
    pub mode: LockMode,
    /// What is done under it.
    pub work: Work,
}

/// The locks of a change on tables that exist. `rewrites` says that a new column's default is computed for each row.
pub(crate) fn of(change: &Change, rewrites: bool) -> Vec<LockUse> {
    use LockMode::{AccessExclusive, RowExclusive, Share, ShareRowExclusive, ShareUpdateExclusive};
    let on = |table: &str, mode, work| LockUse { table: table.to_owned(), mode, work };
    if let What::Truncate { tables } = &change.what {
        return tables.iter().map(|table| on(table, AccessExclusive, Work::Brief)).collect();
    }
    let Some(table) = change.table.as_deref().filter(|table| !table.is_empty()) else { return Vec::new() };
    let one = |mode, work| vec![on(table, mode, work)];
    match &change.what {
        What::AddColumn { .. } if rewrites => one(AccessExclusive, Work::Rewrite),
        What::ChangeType { .. } => one(AccessExclusive, Work::Rewrite),
        What::SetNotNull { .. } => one(AccessExclusive, Work::Scan),
        What::AddConstraint { kind: ConstraintKind::ForeignKey, validated, other, .. } => {
            let work = if *validated { Work::Scan } else { Work::Brief };
            let mut locks = one(ShareRowExclusive, work);
            locks.extend(other.iter().map(|other| on(other, ShareRowExclusive, work)));
            locks
        }
        What::AddConstraint { kind: ConstraintKind::UsingIndex, .. } | What::AddConstraint { validated: false, .. } => {
            one(AccessExclusive, Work::Brief)
        }
        What::AddConstraint { .. } => one(AccessExclusive, Work::Scan),
        What::ValidateConstraint { .. } => one(ShareUpdateExclusive, Work::Scan),
        What::CreateIndex { concurrently: true, .. } => one(ShareUpdateExclusive, Work::Scan),
        What::CreateIndex { .. } => one(Share, Work::Scan),
        What::AddColumn { .. }
        | What::DropTable
        | What::RenameTable { .. }
        | What::DropColumn { .. }
        | What::RenameColumn { .. }
        | What::DropNotNull { .. }
        | What::SetDefault { .. }
        | What::DropDefault { .. }
        | What::DropConstraint { .. }
        | What::AlterOther => one(AccessExclusive, Work::Brief),
        What::Update { whole: true } | What::Delete { whole: true } => one(RowExclusive, Work::Rewrite),
        What::Update { .. } | What::Delete { .. } | What::Insert => one(RowExclusive, Work::Brief),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_pg_locks_are_known() {
        assert_eq!(LockMode::of_pg_locks("AccessExclusiveLock"), Some(LockMode::AccessExclusive));
        assert_eq!(LockMode::of_pg_locks("ShareUpdateExclusiveLock"), Some(LockMode::ShareUpdateExclusive));
        assert_eq!(LockMode::of_pg_locks("SIReadLock"), None);
    }
}
