//! `todo-migrate up` (or nothing) runs the migrations that have not run yet, `todo-migrate status` lists them. Needs
//! `DATABASE_URL`.

use std::process::ExitCode;

use serde_json::json;
use todo_app::migrate::{Limits, MIGRATIONS, applied, up};
use todo_app::{Level, Log, required, seconds};

#[tokio::main]
async fn main() -> ExitCode {
    let log = Log::from_env("todo-migrate");
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match words.as_slice() {
        [] | ["up"] => run(log, true).await,
        ["status"] => run(log, false).await,
        _ => {
            log.line(Level::Error, "usage: todo-migrate [up | status]", &[("arguments", json!(words))]);
            return ExitCode::from(2);
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            log.line(Level::Error, "todo-migrate failed", &[("error", json!(error.to_string()))]);
            ExitCode::FAILURE
        }
    }
}

async fn run(log: Log, change: bool) -> Result<(), Box<dyn std::error::Error>> {
    let url = required("DATABASE_URL")?;
    let limits =
        Limits { connect: seconds("MIGRATE_CONNECT_TIMEOUT", 30)?, lock: seconds("MIGRATE_LOCK_TIMEOUT", 60)? };
    if change {
        up(&url, MIGRATIONS, limits, log).await?;
        return Ok(());
    }
    let done = applied(&url, limits, log).await?;
    for migration in MIGRATIONS {
        let state = if done.contains(&migration.version) { "applied" } else { "pending" };
        log.info(state, &[("migration", json!(format!("{:03}_{}", migration.version, migration.name)))]);
    }
    Ok(())
}
