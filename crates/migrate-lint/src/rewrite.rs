//! How a change is made without stopping the application.

use crate::statement::{Change, ConstraintKind, What};

/// The safe form of a change; `None` where it is safe, or none is known.
pub(crate) fn of(change: &Change) -> Option<String> {
    let table = change.table.as_deref().map(quoted).unwrap_or_default();
    let bare = change.table.as_deref().and_then(|table| table.rsplit('.').next()).unwrap_or_default();
    Some(match &change.what {
        What::ChangeType { column, to } => {
            let (new, column) = (quoted(&format!("{column}_new")), quoted(column));
            format!(
                "1. expand:   ALTER TABLE {table} ADD COLUMN {new} {to};  and code, or a trigger, that writes both\n\
                 2. backfill: UPDATE {table} SET {new} = {column} WHERE {new} IS NULL AND id BETWEEN … AND …;  in batches\n\
                 3. code reads {new}\n\
                 4. contract: ALTER TABLE {table} DROP COLUMN {column};  in a later release"
            )
        }
        What::RenameColumn { column, to } => {
            let (column, to) = (quoted(column), quoted(to));
            format!(
                "1. expand:   ALTER TABLE {table} ADD COLUMN {to} …;  and code, or a trigger, that writes both\n\
                 2. backfill: UPDATE {table} SET {to} = {column} WHERE {to} IS NULL AND id BETWEEN … AND …;  in batches\n\
                 3. contract: ALTER TABLE {table} DROP COLUMN {column};  when no live revision reads {column}"
            )
        }
        What::RenameTable { to } => {
            let to = quoted(to);
            format!(
                "ALTER TABLE {table} RENAME TO {to};\n\
                 CREATE VIEW {table} AS SELECT * FROM {to};  in the same transaction: old code goes on through the view\n\
                 contract: DROP VIEW {table};  when no live revision uses the old name"
            )
        }
        What::DropColumn { column } => format!(
            "release code that does not use {bare}.{column}; then, in a later release, this file with\n\
             -- bowline:phase contract\n\
             -- bowline:after VERSION   (the migration whose code no longer needs it)"
        ),
        What::DropTable => format!(
            "release code that does not use {bare}; then, in a later release, this file with\n\
             -- bowline:phase contract\n\
             -- bowline:after VERSION   (the migration whose code no longer needs it)"
        ),
        What::SetNotNull { column } => {
            let name = quoted(&format!("{bare}_{column}_not_null"));
            let column = quoted(column);
            format!(
                "1. ALTER TABLE {table} ADD CONSTRAINT {name} CHECK ({column} IS NOT NULL) NOT VALID;\n\
                 2. ALTER TABLE {table} VALIDATE CONSTRAINT {name};  in another transaction\n\
                 3. ALTER TABLE {table} ALTER COLUMN {column} SET NOT NULL;  the constraint spares the scan (PostgreSQL 12)\n\
                 4. ALTER TABLE {table} DROP CONSTRAINT {name};"
            )
        }
        What::AddColumn { column, required: true, definition } => {
            let column = quoted(column);
            format!(
                "ALTER TABLE {table} ADD COLUMN {column} {definition};  without NOT NULL, or with a constant default;\n\
                 NOT NULL later, by a CHECK constraint that is validated"
            )
        }
        What::AddColumn { column, definition, .. } => {
            let column = quoted(column);
            format!(
                "1. ALTER TABLE {table} ADD COLUMN {column} {definition};\n\
                 2. ALTER TABLE {table} ALTER COLUMN {column} SET DEFAULT …;  for new rows only\n\
                 3. UPDATE {table} SET {column} = … WHERE {column} IS NULL AND id BETWEEN … AND …;  in batches"
            )
        }
        What::AddConstraint { kind: kind @ (ConstraintKind::Unique | ConstraintKind::PrimaryKey), name, definition, .. } => {
            let word = if *kind == ConstraintKind::Unique { "UNIQUE" } else { "PRIMARY KEY" };
            let name = quoted(name.as_deref().unwrap_or(&format!("{bare}_key")));
            let columns = definition.find('(').and_then(|at| definition.get(at..)).unwrap_or("(…)");
            format!(
                "-- +goose NO TRANSACTION, in a file of its own:\n\
                 CREATE UNIQUE INDEX CONCURRENTLY {name} ON {table} {columns};\n\
                 then: ALTER TABLE {table} ADD CONSTRAINT {name} {word} USING INDEX {name};"
            )
        }
        What::AddConstraint { validated: true, name, definition, kind, .. } if *kind != ConstraintKind::UsingIndex => {
            let validate = match name {
                Some(name) => format!("ALTER TABLE {table} VALIDATE CONSTRAINT {};", quoted(name)),
                None => format!("ALTER TABLE {table} VALIDATE CONSTRAINT …;"),
            };
            format!(
                "ALTER TABLE {table} ADD {definition} NOT VALID;\n{validate}  in another transaction: it stops nobody"
            )
        }
        What::CreateIndex { concurrently: false, .. } => {
            "-- +goose NO TRANSACTION, in a file of its own: CREATE INDEX CONCURRENTLY …".to_owned()
        }
        What::CreateIndex { name: Some(name), concurrently: true, .. } => {
            let name = quoted(name);
            format!("DROP INDEX CONCURRENTLY IF EXISTS {name};\nCREATE INDEX CONCURRENTLY {name} …;")
        }
        What::DropIndex { names, concurrently: false } => {
            let names: Vec<String> = names.iter().map(|name| quoted(name)).collect();
            format!(
                "-- +goose NO TRANSACTION, in a file of its own: DROP INDEX CONCURRENTLY IF EXISTS {};",
                names.join(", ")
            )
        }
        What::Update { whole: true } | What::Delete { whole: true } => {
            "in batches, each in its own transaction, in a file of its own:\n… WHERE id BETWEEN … AND … ;  until no row is left"
                .to_owned()
        }
        _ => return None,
    })
}

/// A name as SQL has it: quoted only where it must be.
fn quoted(name: &str) -> String {
    let part = |part: &str| {
        let is_plain = part.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
            && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
        if is_plain { part.to_owned() } else { format!("\"{}\"", part.replace('"', "\"\"")) }
    };
    name.split('.').map(part).collect::<Vec<_>>().join(".")
}
