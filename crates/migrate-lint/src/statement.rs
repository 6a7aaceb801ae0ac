//! What the statements of a text do to a schema; the only place that knows squawk's syntax tree.

use std::ops::Range;

use squawk_syntax::ast::{self, AstNode};
use squawk_syntax::{Parse, SourceFile, SyntaxNode};

/// One change; an `ALTER TABLE` may make several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    /// Its own place, in bytes.
    pub(crate) range: Range<usize>,
    /// Its statement's.
    pub(crate) statement: Range<usize>,
    /// The table that it is about, as written, without quotes.
    pub(crate) table: Option<String>,
    pub(crate) what: What,
}

/// What a change does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum What {
    CreateTable,
    DropTable,
    Truncate {
        tables: Vec<String>,
    },
    RenameTable {
        to: String,
    },
    AddColumn {
        column: String,
        /// `NOT NULL` without a default: what does not name it cannot be inserted.
        required: bool,
        /// The rest of its definition.
        definition: String,
    },
    DropColumn {
        column: String,
    },
    RenameColumn {
        column: String,
        to: String,
    },
    ChangeType {
        column: String,
        to: String,
    },
    SetNotNull {
        column: String,
    },
    DropNotNull {
        column: String,
    },
    SetDefault {
        column: String,
    },
    DropDefault {
        column: String,
    },
    AddConstraint {
        kind: ConstraintKind,
        name: Option<String>,
        /// Existing rows are looked at.
        validated: bool,
        /// As written, without `ADD`.
        definition: String,
        /// The table that a foreign key points to.
        other: Option<String>,
    },
    ValidateConstraint {
        name: String,
    },
    DropConstraint {
        name: String,
    },
    CreateIndex {
        name: Option<String>,
        unique: bool,
        concurrently: bool,
        if_not_exists: bool,
    },
    DropIndex {
        names: Vec<String>,
        concurrently: bool,
    },
    Insert,
    Update {
        /// Without `WHERE`.
        whole: bool,
    },
    Delete {
        whole: bool,
    },
    CreateOther,
    /// Of views, functions, types, schemas, …
    DropOther {
        kind: &'static str,
    },
    RenameOther,
    AlterOther,
    Begin,
    Commit,
    Other,
}

/// The kind of a table's constraint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ConstraintKind {
    Check,
    ForeignKey,
    Unique,
    /// A unique or primary key on an index that is there.
    UsingIndex,
    PrimaryKey,
    Exclude,
    NotNull,
    Other,
}

fn range(node: &SyntaxNode) -> Range<usize> {
    let text = node.text_range();
    let first = node.children_with_tokens().find(|child| !child.kind().is_trivia());
    let start = first.map_or(text.start(), |child| child.text_range().start());
    usize::from(start)..usize::from(text.end())
}

/// A name as written, without quotes; folded to small letters where it has none.
fn plain(name: &str) -> String {
    let part = |part: &str| {
        let part = part.trim();
        match part.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
            Some(quoted) => quoted.replace("\"\"", "\""),
            None => part.to_lowercase(),
        }
    };
    name.split('.').map(part).collect::<Vec<_>>().join(".")
}

fn name_of<N: AstNode>(node: Option<N>) -> String {
    node.map(|node| plain(&node.syntax().to_string())).unwrap_or_default()
}

/// The changes of a text, in order.
pub(crate) fn changes(parse: &Parse<SourceFile>) -> Vec<Change> {
    parse.tree().stmts().flat_map(|statement| of_statement(&statement)).collect()
}

fn of_statement(statement: &ast::Stmt) -> Vec<Change> {
    let whole = range(statement.syntax());
    let one = |table: Option<String>, what: What| {
        vec![Change { range: whole.clone(), statement: whole.clone(), table, what }]
    };
    let relation = |relation: Option<ast::RelationName>| relation.map(|r| name_of(r.relation_name_ref()));
    match statement {
        ast::Stmt::CreateTable(create) => one(Some(name_of(create.table_name())), What::CreateTable),
        ast::Stmt::CreateTableAs(create) => one(Some(name_of(create.table_name())), What::CreateTable),
        ast::Stmt::DropTable(drop) => {
            drop.table_name_refs().flat_map(|table| one(Some(name_of(Some(table))), What::DropTable)).collect()
        }
        ast::Stmt::Truncate(truncate) => {
            let tables: Vec<String> = truncate
                .table_list()
                .map(|list| list.table_relation_names().map(|t| name_of(t.table_name_ref())).collect())
                .unwrap_or_default();
            one(tables.first().cloned(), What::Truncate { tables })
        }
        ast::Stmt::AlterTable(alter) => {
            let table = alter.table_relation_name().map(|relation| name_of(relation.table_name_ref()));
            let change = |action: ast::AlterTableAction| Change {
                range: range(action.syntax()),
                statement: whole.clone(),
                table: table.clone(),
                what: of_action(&action),
            };
            alter.actions().map(change).collect()
        }
        ast::Stmt::CreateIndex(create) => {
            let table = create.table_relation_name().map(|relation| name_of(relation.table_name_ref()));
            one(
                table,
                What::CreateIndex {
                    name: create.index().map(|index| name_of(Some(index))),
                    unique: create.unique_token().is_some(),
                    concurrently: create.concurrently_token().is_some(),
                    if_not_exists: create.if_not_exists().is_some(),
                },
            )
        }
        ast::Stmt::DropIndex(drop) => one(
            None,
            What::DropIndex {
                names: drop.index_refs().map(|index| name_of(Some(index))).collect(),
                concurrently: drop.concurrently_token().is_some(),
            },
        ),
        ast::Stmt::Insert(insert) => one(Some(name_of(insert.relation_name_ref())), What::Insert),
        ast::Stmt::Update(update) => {
            let whole = update.where_clause_or_current_of().is_none();
            one(relation(update.relation_name()), What::Update { whole })
        }
        ast::Stmt::Delete(delete) => {
            let whole = delete.where_clause_or_current_of().is_none();
            one(relation(delete.relation_name()), What::Delete { whole })
        }
        ast::Stmt::Begin(_) => one(None, What::Begin),
        ast::Stmt::Commit(_) | ast::Stmt::Rollback(_) => one(None, What::Commit),
        other => one(None, of_words(&other.syntax().to_string())),
    }
}

/// Of statements whose first words tell enough.
fn of_words(statement: &str) -> What {
    const NEUTRAL: [&str; 6] = ["trigger", "policy", "rule", "event", "publication", "subscription"];
    let is_comment = |line: &&str| !line.trim_start().starts_with("--");
    let text = statement.lines().filter(is_comment).collect::<Vec<_>>().join(" ").to_lowercase();
    let mut words = text.split_whitespace();
    let (first, second) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    match (first, second) {
        ("create", _) => What::CreateOther,
        ("drop", "materialized") => What::DropOther { kind: "materialized view" },
        ("drop", kind) if !NEUTRAL.contains(&kind) => {
            const KINDS: [&str; 10] = [
                "view",
                "function",
                "procedure",
                "type",
                "schema",
                "sequence",
                "domain",
                "database",
                "extension",
                "role",
            ];
            KINDS.into_iter().find(|known| *known == kind).map_or(What::Other, |kind| What::DropOther { kind })
        }
        ("alter", "type" | "view" | "function" | "schema" | "sequence" | "materialized" | "domain")
            if text.contains(" rename ") =>
        {
            What::RenameOther
        }
        ("alter", _) => What::AlterOther,
        _ => What::Other,
    }
}

fn of_action(action: &ast::AlterTableAction) -> What {
    match action {
        ast::AlterTableAction::AddColumn(add) => {
            let mut not_null = false;
            let mut filled = false;
            for constraint in add.constraints() {
                match constraint {
                    ast::Constraint::NotNullConstraint(_) | ast::Constraint::PrimaryKeyConstraint(_) => not_null = true,
                    ast::Constraint::DefaultConstraint(_) | ast::Constraint::GeneratedConstraint(_) => filled = true,
                    _ => {}
                }
            }
            let ty = add.ty().map(|ty| ty.syntax().to_string()).unwrap_or_default();
            let serial = ty.to_lowercase().contains("serial");
            What::AddColumn {
                column: name_of(add.column_name()),
                required: not_null && !filled && !serial,
                definition: ty,
            }
        }
        ast::AlterTableAction::DropColumn(drop) => What::DropColumn { column: name_of(drop.column_name_ref()) },
        ast::AlterTableAction::RenameColumn(rename) => {
            What::RenameColumn { column: name_of(rename.column_name_ref()), to: name_of(rename.column_name()) }
        }
        ast::AlterTableAction::TableRenameTo(rename) => What::RenameTable { to: name_of(rename.table_name()) },
        ast::AlterTableAction::AlterColumn(alter) => {
            let column = name_of(alter.column_name_ref());
            match alter.option() {
                Some(ast::AlterColumnOption::SetType(set)) => {
                    What::ChangeType { column, to: set.ty().map(|ty| ty.syntax().to_string()).unwrap_or_default() }
                }
                Some(ast::AlterColumnOption::SetNotNull(_)) => What::SetNotNull { column },
                Some(ast::AlterColumnOption::DropNotNull(_)) => What::DropNotNull { column },
                Some(ast::AlterColumnOption::SetDefault(_)) => What::SetDefault { column },
                Some(ast::AlterColumnOption::DropDefault(_)) => What::DropDefault { column },
                _ => What::AlterOther,
            }
        }
        ast::AlterTableAction::AddConstraint(add) => of_constraint(add.constraint()),
        ast::AlterTableAction::ValidateConstraint(validate) => {
            What::ValidateConstraint { name: name_of(validate.constraint_name_ref()) }
        }
        ast::AlterTableAction::DropConstraint(drop) => {
            What::DropConstraint { name: name_of(drop.constraint_name_ref()) }
        }
        _ => What::AlterOther,
    }
}

fn of_constraint(constraint: Option<ast::Constraint>) -> What {
    let Some(constraint) = constraint else { return What::AlterOther };
    let mut other = None;
    let kind = match &constraint {
        ast::Constraint::CheckConstraint(_) => ConstraintKind::Check,
        ast::Constraint::ForeignKeyConstraint(key) => {
            other = key.table_name_ref().map(|table| name_of(Some(table)));
            ConstraintKind::ForeignKey
        }
        ast::Constraint::UniqueConstraint(key) if key.using_index().is_some() => ConstraintKind::UsingIndex,
        ast::Constraint::PrimaryKeyConstraint(key) if key.using_index().is_some() => ConstraintKind::UsingIndex,
        ast::Constraint::UniqueConstraint(_) => ConstraintKind::Unique,
        ast::Constraint::PrimaryKeyConstraint(_) => ConstraintKind::PrimaryKey,
        ast::Constraint::ExcludeConstraint(_) => ConstraintKind::Exclude,
        ast::Constraint::NotNullConstraint(_) => ConstraintKind::NotNull,
        _ => ConstraintKind::Other,
    };
    What::AddConstraint {
        kind,
        name: constraint.constraint_name().map(|name| name_of(Some(name))),
        validated: !constraint.is_not_valid(),
        definition: constraint.syntax().to_string().trim().to_owned(),
        other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whats(sql: &str) -> Vec<(Option<String>, What)> {
        let parse = SourceFile::parse(sql);
        assert!(parse.errors().is_empty(), "{sql}: {:?}", parse.errors());
        changes(&parse).into_iter().map(|change| (change.table, change.what)).collect()
    }

    #[test]
    fn statements_are_told_apart() {
        let sql = "ALTER TABLE \"Users\" ADD COLUMN a int NOT NULL, ADD b text DEFAULT 'x' NOT NULL, DROP COLUMN c,\n\
                   ALTER d TYPE bigint, ALTER e SET NOT NULL;\n\
                   ALTER TABLE public.users RENAME COLUMN a TO b; ALTER TABLE users RENAME TO people;\n\
                   ALTER TABLE o ADD CONSTRAINT fk FOREIGN KEY (u) REFERENCES users (id) NOT VALID;\n\
                   CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS i ON users (a);\n\
                   DROP TABLE a, b; UPDATE users SET a = 1; DELETE FROM users WHERE a = 2; DROP VIEW v;";
        let found = whats(sql);
        let expected = [
            What::AddColumn { column: "a".into(), required: true, definition: "int".into() },
            What::AddColumn { column: "b".into(), required: false, definition: "text".into() },
            What::DropColumn { column: "c".into() },
            What::ChangeType { column: "d".into(), to: "bigint".into() },
            What::SetNotNull { column: "e".into() },
            What::RenameColumn { column: "a".into(), to: "b".into() },
            What::RenameTable { to: "people".into() },
            What::AddConstraint {
                kind: ConstraintKind::ForeignKey,
                name: Some("fk".into()),
                validated: false,
                definition: "CONSTRAINT fk FOREIGN KEY (u) REFERENCES users (id) NOT VALID".into(),
                other: Some("users".into()),
            },
            What::CreateIndex { name: Some("i".into()), unique: true, concurrently: true, if_not_exists: true },
            What::DropTable,
            What::DropTable,
            What::Update { whole: true },
            What::Delete { whole: false },
            What::DropOther { kind: "view" },
        ];
        assert_eq!(found.iter().map(|(_, what)| what.clone()).collect::<Vec<_>>(), expected);
        let tables: Vec<_> = found.iter().filter_map(|(table, _)| table.as_deref()).collect();
        assert_eq!(tables[0], "Users");
        assert_eq!(tables[5], "public.users");
        assert_eq!(tables[8..12], ["users", "a", "b", "users"]);
    }
}
