//! The three programs as processes, on a real PostgreSQL.

mod support;

use serde_json::json;
use support::{Postgres, Program, ask, eventually, migrate};

const BACKEND: &str = env!("CARGO_BIN_EXE_todo-backend");
const FRONTEND: &str = env!("CARGO_BIN_EXE_todo-frontend");
/// A port nobody listens on.
const NOBODY: &str = "postgresql://todo@127.0.0.1:9/todo";

#[test]
fn the_backend_keeps_tasks_in_the_database() {
    let Some(postgres) = Postgres::start() else { return };
    let url = postgres.url();
    let backend = Program::start(BACKEND, &[], &[("DATABASE_URL", &url)]);
    let at = backend.address();

    let early = ask(&at, "GET", "/api/tasks", None).unwrap();
    assert_eq!((early.status, &early.json()["error"]["code"]), (503, &json!("database_not_migrated")));
    migrate(&url);

    let added = ask(&at, "POST", "/api/tasks", Some(&json!({"title": "  tie a knot "}))).unwrap();
    assert_eq!(
        (added.status, &added.json()["title"], &added.json()["completed"]),
        (201, &json!("tie a knot"), &json!(false))
    );
    let id = added.json()["id"].as_i64().unwrap();
    let path = format!("/api/tasks/{id}");
    let done = ask(&at, "PATCH", &path, Some(&json!({"completed": true}))).unwrap();
    assert_eq!(
        (done.status, &done.json()["completed"], &done.json()["title"]),
        (200, &json!(true), &json!("tie a knot"))
    );
    let list = ask(&at, "GET", "/api/tasks", None).unwrap().json();
    assert_eq!(list["tasks"].as_array().unwrap().len(), 1);
    assert_eq!(postgres.psql("SELECT title, completed FROM tasks").unwrap(), "tie a knot|t");
    assert_eq!(ask(&at, "DELETE", &path, None).unwrap().status, 204);
    assert_eq!(ask(&at, "DELETE", &path, None).unwrap().status, 404);
    assert_eq!(ask(&at, "PATCH", &path, Some(&json!({"completed": true}))).unwrap().status, 404);

    for wrong in [
        json!({}),
        json!({"title": ""}),
        json!({"title": 1}),
        json!([]),
        json!({"title": "x".repeat(201)}),
        json!({"title": "a\0b"}),
    ] {
        let refused = ask(&at, "POST", "/api/tasks", Some(&wrong)).unwrap();
        assert_eq!((refused.status, &refused.json()["error"]["code"]), (400, &json!("invalid")), "{wrong}");
    }
    let long = ask(&at, "POST", "/api/tasks", Some(&json!({"title": "x".repeat(70_000)}))).unwrap();
    assert_eq!(long.status, 413);
    assert_eq!(ask(&at, "PATCH", "/api/tasks/x", Some(&json!({}))).unwrap().status, 404);
    assert_eq!(ask(&at, "PUT", "/api/tasks", None).unwrap().status, 405);
    assert_eq!(ask(&at, "GET", "/nowhere", None).unwrap().status, 404);

    let metrics = ask(&at, "GET", "/metrics", None).unwrap().body;
    let created = "http_requests_total{method=\"POST\",route=\"/api/tasks\",status=\"201\"} 1";
    assert!(metrics.contains(created), "{metrics}");
    let request = backend.log("request").into_iter().find(|line| line["status"] == 201).unwrap();
    assert!(request["request_id"].is_string() && request["duration_ms"].is_number(), "{request}");
}

#[test]
fn readiness_follows_the_database_and_liveness_does_not() {
    let Some(mut postgres) = Postgres::start() else { return };
    migrate(&postgres.url());
    let backend = Program::start(BACKEND, &[], &[("DATABASE_URL", &postgres.url())]);
    let at = backend.address();
    let status = |path: &str| ask(&at, "GET", path, None).unwrap().status;
    assert_eq!((status("/health"), status("/health/live"), status("/health/ready")), (200, 200, 200));

    postgres.halt();
    eventually("it is not ready", || status("/health/ready") == 503);
    assert_eq!((status("/health"), status("/health/live")), (200, 200));
    let failed = ask(&at, "GET", "/api/tasks", None).unwrap();
    assert_eq!((failed.status, &failed.json()["error"]["code"]), (503, &json!("database_unavailable")));

    postgres.run();
    eventually("it is ready again", || status("/health/ready") == 200);
    assert_eq!(status("/api/tasks"), 200);
}

#[test]
fn the_backend_starts_without_a_database_and_is_told_apart_from_a_crash() {
    let backend = Program::start(BACKEND, &[], &[("DATABASE_URL", NOBODY)]);
    let at = backend.address();
    assert_eq!(ask(&at, "GET", "/health/live", None).unwrap().status, 200);
    let unready = ask(&at, "GET", "/health/ready", None).unwrap();
    assert_eq!(unready.status, 503);
    assert!(unready.body.contains("cannot be reached"), "{}", unready.body);

    for environment in
        [&[("DATABASE_URL", NOBODY), ("CRASH_ON_START", "1")][..], &[("DATABASE_URL", "nonsense://")], &[]]
    {
        let mut broken = Program::start(BACKEND, &[], environment);
        assert_eq!(broken.wait().code(), Some(1), "{environment:?}");
        eventually("it says why", || broken.log("todo-backend ended").len() == 1);
    }
}

#[test]
fn faults_are_injected_where_asked() {
    let Some(postgres) = Postgres::start() else { return };
    migrate(&postgres.url());
    let url = postgres.url();
    let environment = [("DATABASE_URL", url.as_str()), ("FAULT_ERROR_RATE", "0.25"), ("FAULT_READY", "fail")];
    let backend = Program::start(BACKEND, &[], &environment);
    let at = backend.address();
    let statuses: Vec<u16> = (0..8).map(|_| ask(&at, "GET", "/api/tasks", None).unwrap().status).collect();
    assert_eq!(statuses, [200, 200, 200, 500, 200, 200, 200, 500]);
    assert_eq!(ask(&at, "GET", "/health/ready", None).unwrap().status, 503);
    assert_eq!(ask(&at, "GET", "/health/live", None).unwrap().status, 200);
}

#[test]
fn sigterm_lets_requests_under_way_end() {
    let Some(postgres) = Postgres::start() else { return };
    migrate(&postgres.url());
    let url = postgres.url();
    let environment = [("DATABASE_URL", url.as_str()), ("FAULT_LATENCY_MS", "700"), ("SHUTDOWN_DELAY_MS", "200")];
    let mut backend = Program::start(BACKEND, &[], &environment);
    let at = backend.address();
    let slow = {
        let at = at.clone();
        std::thread::spawn(move || ask(&at, "GET", "/api/tasks", None).unwrap())
    };
    // it connected before the next one is answered; what it waits for is the injected delay
    eventually("it answers", || ask(&at, "GET", "/health/live", None).is_ok());
    backend.terminate();
    eventually("it is told", || !backend.log("stopping").is_empty());
    let unready = ask(&at, "GET", "/health/ready", None).unwrap();
    assert_eq!(unready.status, 503);
    assert!(unready.body.contains("stopping") && unready.head.contains("connection: close"), "{unready:?}");
    assert_eq!(slow.join().unwrap().status, 200);
    assert!(backend.wait().success());
    assert_eq!(backend.log("stopped")[0]["clean"], json!(true));
}

#[test]
fn the_frontend_serves_the_page_and_forwards_the_api() {
    let Some(postgres) = Postgres::start() else { return };
    migrate(&postgres.url());
    let mut backend = Program::start(BACKEND, &[], &[("DATABASE_URL", &postgres.url())]);
    let to = format!("http://{}", backend.address());
    let frontend = Program::start(FRONTEND, &[], &[("BACKEND_URL", &to)]);
    let at = frontend.address();

    let page = ask(&at, "GET", "/", None).unwrap();
    assert_eq!(page.status, 200);
    assert!(page.body.contains("data-testid=\"new-todo\"") && page.head.contains("content-security-policy"));
    assert!(!page.body.contains("http://") && !page.body.contains("https://"), "nothing from elsewhere");
    for file in ["/app.js", "/style.css", "/icon.svg"] {
        assert_eq!(ask(&at, "GET", file, None).unwrap().status, 200, "{file}");
    }
    assert_eq!(ask(&at, "GET", "/nowhere", None).unwrap().status, 404);

    let added = ask(&at, "POST", "/api/tasks", Some(&json!({"title": "through the page"}))).unwrap();
    assert_eq!(added.status, 201);
    let list = ask(&at, "GET", "/api/tasks", None).unwrap();
    assert_eq!(list.json()["tasks"][0]["title"], json!("through the page"));
    let here = frontend.log("request").into_iter().find(|line| line["status"] == 201).unwrap();
    let there = backend.log("request").into_iter().find(|line| line["status"] == 201).unwrap();
    assert_eq!(here["request_id"], there["request_id"], "one id through both");

    backend.terminate();
    assert!(backend.wait().success());
    let down = ask(&at, "GET", "/api/tasks", None).unwrap();
    assert_eq!((down.status, &down.json()["error"]["code"]), (502, &json!("backend_unreachable")));
    assert_eq!(ask(&at, "GET", "/health/ready", None).unwrap().status, 200, "the page itself is there");
}
