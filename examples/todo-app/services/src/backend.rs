//! The API: tasks, health and metrics.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::header::{ALLOW, HeaderValue, ORIGIN, VARY};
use hyper::{Method, Request, Response, StatusCode};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::database::{Database, DatabaseError};
use crate::http::{Answer, Body, Service, State, error_answer, full, json_answer, serve};
use crate::log::{Level, Log, because};
use crate::settings::Settings;
use crate::tasks;

/// Longest request body, in bytes.
const LONGEST_BODY: usize = 64 * 1024;

/// The backend.
struct Backend {
    database: Database,
    settings: Settings,
    state: Arc<State>,
    log: Log,
    /// Adds up the error rate; every whole one is an error, so that the share is exact.
    owed: Mutex<f64>,
}

/// Serves the API until it is told to stop.
///
/// # Errors
/// Where it cannot start.
pub async fn run(settings: Settings, database_url: &str, log: Log) -> Result<(), Box<dyn std::error::Error>> {
    if settings.faults.crash_on_start {
        return Err("crashing on start, as CRASH_ON_START asks".into());
    }
    let database = Database::new(database_url, log)?;
    if let Err(error) = database.ping().await {
        // not a reason to end: readiness tells, and the database may come
        log.line(Level::Warn, "starting without a database", &[because(&error)]);
    }
    let state = Arc::new(State::default());
    let backend = Backend { database, settings, state: Arc::clone(&state), log, owed: Mutex::new(0.0) };
    let backend = Arc::new(backend);
    Ok(serve(Arc::clone(&backend), state, &backend.settings, log).await?)
}

/// Why a request is not answered as asked.
struct Refusal(StatusCode, &'static str, String);

impl From<DatabaseError> for Refusal {
    fn from(error: DatabaseError) -> Self {
        if tasks::is_unmigrated(&error) {
            let message = format!("the database is not migrated, its migrations have to run before ({error})");
            return Self(StatusCode::SERVICE_UNAVAILABLE, "database_not_migrated", message);
        }
        Self(StatusCode::SERVICE_UNAVAILABLE, "database_unavailable", error.to_string())
    }
}

impl Service for Backend {
    async fn answer(&self, request: Request<Incoming>, id: &str) -> Answer {
        let origin = request.headers().get(ORIGIN).cloned();
        let mut answer = self.route(request, id).await;
        if let Some(origin) = origin {
            self.allow(&origin, &mut answer.response);
        }
        answer
    }
}

impl Backend {
    async fn route(&self, request: Request<Incoming>, id: &str) -> Answer {
        let path = request.uri().path().to_owned();
        let as_route = |route, response| Answer { response, route };
        match path.trim_end_matches('/') {
            "/health" => {
                as_route("/health", json_answer(StatusCode::OK, &json!({"status": "ok", "service": "todo-backend"})))
            }
            "/health/live" => as_route("/health/live", json_answer(StatusCode::OK, &json!({"status": "alive"}))),
            "/health/ready" => as_route("/health/ready", self.ready().await),
            "/metrics" => {
                let text = self.state.metrics.render();
                as_route("/metrics", full(StatusCode::OK, "text/plain; version=0.0.4", text))
            }
            rest => match self.api(rest, request, id).await {
                (route, Ok(response)) => as_route(route, response),
                (route, Err(Refusal(status, code, message))) => {
                    if status.is_server_error() {
                        self.log.line(Level::Error, "failed", &[("request_id", json!(id)), ("error", json!(message))]);
                    }
                    as_route(route, error_answer(status, code, &message, id))
                }
            },
        }
    }

    async fn ready(&self) -> Response<Body> {
        let unready =
            |why: String| json_answer(StatusCode::SERVICE_UNAVAILABLE, &json!({"status": "not ready", "reason": why}));
        if self.state.stopping.load(Ordering::SeqCst) {
            return unready("stopping".to_owned());
        }
        if self.settings.faults.never_ready {
            return unready("FAULT_READY=fail".to_owned());
        }
        match self.database.ping().await {
            Ok(()) => json_answer(StatusCode::OK, &json!({"status": "ready", "database": "up"})),
            Err(error) => unready(error.to_string()),
        }
    }

    async fn api(
        &self,
        path: &str,
        request: Request<Incoming>,
        id: &str,
    ) -> (&'static str, Result<Response<Body>, Refusal>) {
        let task = path.strip_prefix("/api/tasks/");
        let route = match (path, task) {
            ("/api/tasks", _) => "/api/tasks",
            (_, Some(_)) => "/api/tasks/{id}",
            _ => return ("other", Err(Refusal(StatusCode::NOT_FOUND, "not_found", format!("there is no {path}")))),
        };
        if request.method() == Method::OPTIONS {
            let methods = if task.is_some() { "PATCH, DELETE, OPTIONS" } else { "GET, POST, OPTIONS" };
            let mut response = full(StatusCode::NO_CONTENT, "text/plain", "");
            response.headers_mut().insert(ALLOW, HeaderValue::from_static(methods));
            return (route, Ok(response));
        }
        if let Some(refusal) = self.fault().await {
            return (route, Err(refusal));
        }
        let result = match task {
            None => self.collection(request, id).await,
            Some(task) => match task.parse::<i64>() {
                Ok(number) => self.single(number, request).await,
                Err(_) => Err(no_task(task)),
            },
        };
        (route, result)
    }

    /// The delay and the error that the environment asks for.
    async fn fault(&self) -> Option<Refusal> {
        let faults = self.settings.faults;
        if !faults.latency.is_zero() {
            sleep(faults.latency).await;
        }
        let mut owed = self.owed.lock().unwrap_or_else(PoisonError::into_inner);
        *owed += faults.error_rate;
        if *owed < 1.0 {
            return None;
        }
        *owed -= 1.0;
        let message = "an error on purpose (FAULT_ERROR_RATE)".to_owned();
        Some(Refusal(StatusCode::INTERNAL_SERVER_ERROR, "injected", message))
    }

    async fn collection(&self, request: Request<Incoming>, id: &str) -> Result<Response<Body>, Refusal> {
        match *request.method() {
            Method::GET | Method::HEAD => {
                let tasks = tasks::list(&self.database).await?;
                Ok(json_answer(StatusCode::OK, &json!({"tasks": tasks})))
            }
            Method::POST => {
                let body = body(request).await?;
                let title = title(body.get("title").unwrap_or(&Value::Null))?;
                let task = tasks::add(&self.database, &title).await?;
                self.log.info("task added", &[("request_id", json!(id)), ("task", task["id"].clone())]);
                Ok(json_answer(StatusCode::CREATED, &task))
            }
            _ => Err(wrong_method()),
        }
    }

    async fn single(&self, number: i64, request: Request<Incoming>) -> Result<Response<Body>, Refusal> {
        match *request.method() {
            Method::PATCH => {
                let body = body(request).await?;
                let title = body.get("title").map(title).transpose()?;
                let completed = match body.get("completed") {
                    None => None,
                    Some(Value::Bool(completed)) => Some(*completed),
                    Some(_) => return Err(invalid("completed has to be true or false")),
                };
                let task = tasks::change(&self.database, number, title.as_deref(), completed).await?;
                task.map(|task| json_answer(StatusCode::OK, &task)).ok_or_else(|| no_task(&number.to_string()))
            }
            Method::DELETE if tasks::delete(&self.database, number).await? => {
                Ok(full(StatusCode::NO_CONTENT, "application/json", ""))
            }
            Method::DELETE => Err(no_task(&number.to_string())),
            _ => Err(wrong_method()),
        }
    }

    /// Lets pages of allowed origins read the answer.
    fn allow(&self, origin: &HeaderValue, response: &mut Response<Body>) {
        let allowed = &self.settings.allowed_origins;
        let headers = response.headers_mut();
        headers.append(VARY, HeaderValue::from_static("Origin"));
        if allowed.iter().any(|known| known == "*" || known.as_bytes() == origin.as_bytes()) {
            headers.insert("access-control-allow-origin", origin.clone());
            headers.insert("access-control-allow-methods", HeaderValue::from_static("GET, POST, PATCH, DELETE"));
            headers.insert("access-control-allow-headers", HeaderValue::from_static("content-type, x-request-id"));
        }
    }
}

async fn body(request: Request<Incoming>) -> Result<Value, Refusal> {
    let collected = Limited::new(request.into_body(), LONGEST_BODY).collect().await;
    let bytes = collected.map_err(|error| {
        if error.is::<http_body_util::LengthLimitError>() {
            let message = format!("the body is longer than {LONGEST_BODY} bytes");
            Refusal(StatusCode::PAYLOAD_TOO_LARGE, "too_large", message)
        } else {
            invalid("the body ended too early")
        }
    })?;
    match serde_json::from_slice(&bytes.to_bytes()) {
        Ok(value @ Value::Object(_)) => Ok(value),
        Ok(_) => Err(invalid("the body has to be a JSON object")),
        Err(error) => Err(invalid(&format!("the body is no JSON: {error}"))),
    }
}

fn title(value: &Value) -> Result<String, Refusal> {
    let title = value.as_str().map(str::trim).ok_or_else(|| invalid("title has to be a text"))?;
    match title.chars().count() {
        0 => Err(invalid("title is empty")),
        n if n > tasks::LONGEST => Err(invalid(&format!("title is longer than {} characters", tasks::LONGEST))),
        // PostgreSQL's text cannot hold it
        _ if title.contains('\0') => Err(invalid("title contains a NUL character")),
        _ => Ok(title.to_owned()),
    }
}

fn invalid(message: &str) -> Refusal {
    Refusal(StatusCode::BAD_REQUEST, "invalid", message.to_owned())
}

fn no_task(id: &str) -> Refusal {
    Refusal(StatusCode::NOT_FOUND, "not_found", format!("there is no task {id}"))
}

fn wrong_method() -> Refusal {
    Refusal(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "this address does not know the method".to_owned())
}
