//! Serves the page and forwards `/api`. Needs `BACKEND_URL`; listens on `PORT`, 3000.

use std::process::ExitCode;

use serde_json::json;
use todo_app::{Level, Log, Settings, frontend};

#[tokio::main]
async fn main() -> ExitCode {
    let log = Log::from_env("todo-frontend");
    match start(log).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            log.line(Level::Error, "todo-frontend ended", &[("error", json!(error.to_string()))]);
            ExitCode::FAILURE
        }
    }
}

async fn start(log: Log) -> Result<(), Box<dyn std::error::Error>> {
    let settings = Settings::from_env(3000)?;
    let url = todo_app::required("BACKEND_URL")?;
    frontend::run(settings, &url, log).await
}
