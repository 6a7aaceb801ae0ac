//! Tasks in PostgreSQL.

use serde_json::{Value, json};
use tokio_postgres::Row;
use tokio_postgres::error::SqlState;

use crate::database::{Database, DatabaseError};

/// What the API gives for one task.
const COLUMNS: &str = "id, title, completed, \
     to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"') AS created_at";

/// Longest title, in characters.
pub(crate) const LONGEST: usize = 200;

fn task(row: &Row) -> Result<Value, tokio_postgres::Error> {
    Ok(json!({
        "id": row.try_get::<_, i64>("id")?,
        "title": row.try_get::<_, String>("title")?,
        "completed": row.try_get::<_, bool>("completed")?,
        "created_at": row.try_get::<_, String>("created_at")?,
    }))
}

pub(crate) async fn list(database: &Database) -> Result<Vec<Value>, DatabaseError> {
    let statement = format!("SELECT {COLUMNS} FROM tasks ORDER BY id");
    let statement = statement.as_str();
    database.with(|client| async move { client.query(statement, &[]).await?.iter().map(task).collect() }).await
}

pub(crate) async fn add(database: &Database, title: &str) -> Result<Value, DatabaseError> {
    let statement = format!("INSERT INTO tasks (title) VALUES ($1) RETURNING {COLUMNS}");
    let statement = statement.as_str();
    database.with(|client| async move { task(&client.query_one(statement, &[&title]).await?) }).await
}

/// Changes what is given; `None` where there is no such task.
pub(crate) async fn change(
    database: &Database,
    id: i64,
    title: Option<&str>,
    completed: Option<bool>,
) -> Result<Option<Value>, DatabaseError> {
    let statement = format!(
        "UPDATE tasks SET title = coalesce($2, title), completed = coalesce($3, completed) WHERE id = $1 RETURNING {COLUMNS}"
    );
    let statement = statement.as_str();
    let work = |client: std::sync::Arc<tokio_postgres::Client>| async move {
        client.query_opt(statement, &[&id, &title, &completed]).await?.as_ref().map(task).transpose()
    };
    database.with(work).await
}

/// Whether there was such a task.
pub(crate) async fn delete(database: &Database, id: i64) -> Result<bool, DatabaseError> {
    let statement = "DELETE FROM tasks WHERE id = $1";
    Ok(database.with(|client| async move { client.execute(statement, &[&id]).await }).await? == 1)
}

/// Whether an error says that the tables are not there.
pub(crate) fn is_unmigrated(error: &DatabaseError) -> bool {
    matches!(error, DatabaseError::Statement(e) if e.code() == Some(&SqlState::UNDEFINED_TABLE)
        || e.code() == Some(&SqlState::UNDEFINED_COLUMN))
}
