//! Serves the API. Needs `DATABASE_URL`; listens on `PORT`, 7860.

use std::process::ExitCode;

use serde_json::json;
use todo_app::{Level, Log, Settings, backend};

#[tokio::main]
async fn main() -> ExitCode {
    let log = Log::from_env("todo-backend");
    match start(log).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            log.line(Level::Error, "todo-backend ended", &[("error", json!(error.to_string()))]);
            ExitCode::FAILURE
        }
    }
}

async fn start(log: Log) -> Result<(), Box<dyn std::error::Error>> {
    let settings = Settings::from_env(7860)?;
    let url = todo_app::required("DATABASE_URL")?;
    backend::run(settings, &url, log).await
}
