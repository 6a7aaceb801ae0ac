//! What a change does, in words.

use crate::statement::{Change, ConstraintKind, What};

/// `it drops column users.name`
pub(crate) fn of(change: &Change) -> String {
    let table = change.table.as_deref().filter(|table| !table.is_empty()).unwrap_or("a table");
    match &change.what {
        What::CreateTable => format!("it creates table {table}"),
        What::DropTable => format!("it drops table {table}"),
        What::Truncate { tables } => format!("it empties {}", tables.join(", ")),
        What::RenameTable { to } => format!("it renames table {table} to {to}"),
        What::AddColumn { column, required: true, .. } => {
            format!("it adds column {table}.{column}, which has to be given")
        }
        What::AddColumn { column, .. } => format!("it adds column {table}.{column}"),
        What::DropColumn { column } => format!("it drops column {table}.{column}"),
        What::RenameColumn { column, to } => format!("it renames column {table}.{column} to {to}"),
        What::ChangeType { column, to } => format!("it changes the type of {table}.{column} to {to}"),
        What::SetNotNull { column } => format!("it makes {table}.{column} NOT NULL"),
        What::DropNotNull { column } => format!("it lets {table}.{column} be NULL"),
        What::SetDefault { column } => format!("it sets the default of {table}.{column}"),
        What::DropDefault { column } => format!("it drops the default of {table}.{column}"),
        What::AddConstraint { kind, .. } => {
            let kind = match kind {
                ConstraintKind::Check => "a check",
                ConstraintKind::ForeignKey => "a foreign key",
                ConstraintKind::Unique | ConstraintKind::UsingIndex => "a unique constraint",
                ConstraintKind::PrimaryKey => "a primary key",
                ConstraintKind::Exclude => "an exclusion",
                ConstraintKind::NotNull => "a NOT NULL constraint",
                ConstraintKind::Other => "a constraint",
            };
            format!("it adds {kind} to {table}")
        }
        What::ValidateConstraint { name } => format!("it validates constraint {name} of {table}"),
        What::DropConstraint { name } => format!("it drops constraint {name} of {table}"),
        What::CreateIndex { unique: true, .. } => format!("it creates a unique index on {table}"),
        What::CreateIndex { .. } => format!("it creates an index on {table}"),
        What::DropIndex { names, .. } => format!("it drops index {}", names.join(", ")),
        What::Insert => format!("it inserts into {table}"),
        What::Update { whole: true } => format!("it updates every row of {table}"),
        What::Update { .. } => format!("it updates rows of {table}"),
        What::Delete { whole: true } => format!("it deletes every row of {table}"),
        What::Delete { .. } => format!("it deletes rows of {table}"),
        What::DropOther { kind } => format!("it drops a {kind}"),
        What::RenameOther => "it renames an object".to_owned(),
        What::CreateOther => "it creates an object".to_owned(),
        What::AlterOther => format!("it alters {table}"),
        What::Begin => "it begins a transaction".to_owned(),
        What::Commit => "it ends a transaction".to_owned(),
        What::Other => "it runs a statement".to_owned(),
    }
}
