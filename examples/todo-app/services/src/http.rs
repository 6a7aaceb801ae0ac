//! The part of a server that both have: accepting, request ids, logs, metrics, and stopping without losing a request.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{CONNECTION, CONTENT_TYPE, HeaderValue};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use crate::log::{Level, Log, because};
use crate::metrics::Metrics;
use crate::settings::Settings;

/// A body that may be streamed.
pub(crate) type Body = BoxBody<Bytes, hyper::Error>;

/// Header with the id that follows a request through logs.
pub(crate) const REQUEST_ID: &str = "x-request-id";

/// An answer and the pattern it was found by, for metrics.
pub(crate) struct Answer {
    pub(crate) response: Response<Body>,
    pub(crate) route: &'static str,
}

/// What a server answers with.
pub(crate) trait Service: Send + Sync + 'static {
    /// Answers one request; `id` is in its header too.
    fn answer(&self, request: Request<Incoming>, id: &str) -> impl Future<Output = Answer> + Send;
}

/// State of a running server that its service looks at.
#[derive(Default)]
pub(crate) struct State {
    /// Told to stop: no longer ready.
    pub(crate) stopping: AtomicBool,
    pub(crate) metrics: Metrics,
    requests: AtomicU64,
}

/// A whole body of text.
pub(crate) fn full(status: StatusCode, content_type: &'static str, text: impl Into<Bytes>) -> Response<Body> {
    let body = Full::new(text.into()).map_err(|never: Infallible| match never {}).boxed();
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// A JSON body.
pub(crate) fn json_answer(status: StatusCode, value: &Value) -> Response<Body> {
    full(status, "application/json", value.to_string())
}

/// An error as the API says it.
pub(crate) fn error_answer(status: StatusCode, code: &str, message: &str, id: &str) -> Response<Body> {
    json_answer(status, &json!({"error": {"code": code, "message": message, "request_id": id}}))
}

/// Serves until SIGTERM or SIGINT. Then: not ready any more but still answering for `shutdown_delay`, so that everybody who
/// sends requests hears of it; then no new connections, and requests under way get `shutdown_grace` to end.
///
/// # Errors
/// Where the address cannot be listened on or signals cannot be heard.
pub(crate) async fn serve<S: Service>(
    service: Arc<S>,
    state: Arc<State>,
    settings: &Settings,
    log: Log,
) -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let listener = TcpListener::bind((settings.host.as_str(), settings.port)).await.map_err(|error| {
        io::Error::new(error.kind(), format!("cannot listen on {}:{}: {error}", settings.host, settings.port))
    })?;
    log.info("listening", &[("address", json!(listener.local_addr()?.to_string()))]);

    let (stop, stopped) = watch::channel(false);
    let mut connections = JoinSet::new();
    let mut until = Box::pin(async {
        tokio::select! { _ = terminate.recv() => {} _ = interrupt.recv() => {} }
        state.stopping.store(true, Ordering::SeqCst);
        log.info("stopping", &[("answering_for_ms", json!(settings.shutdown_delay.as_millis() as u64))]);
        sleep(settings.shutdown_delay).await;
    });
    loop {
        tokio::select! {
            biased;
            () = &mut until => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    _ = connections.spawn(connection(stream, Arc::clone(&service), Arc::clone(&state), stopped.clone(), log));
                }
                // out of file descriptors, or a client that went away already: neither is a reason to end
                Err(error) => {
                    log.line(Level::Warn, "cannot accept a connection", &[because(&error)]);
                    sleep(Duration::from_millis(50)).await;
                }
            },
            Some(_) = connections.join_next() => {}
        }
    }
    drop(listener);
    _ = stop.send(true);
    let all = async { while connections.join_next().await.is_some() {} };
    let clean = timeout(settings.shutdown_grace, all).await.is_ok();
    log.info("stopped", &[("clean", json!(clean)), ("cut_off", json!(connections.len()))]);
    Ok(())
}

async fn connection<S: Service>(
    stream: TcpStream,
    service: Arc<S>,
    state: Arc<State>,
    mut stopped: watch::Receiver<bool>,
    log: Log,
) {
    _ = stream.set_nodelay(true);
    let handler = service_fn(|request| {
        let (service, state) = (Arc::clone(&service), Arc::clone(&state));
        async move { Ok::<_, Infallible>(handle(service.as_ref(), &state, log, request).await) }
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_secs(30))
        .serve_connection(TokioIo::new(stream), handler);
    let mut connection = std::pin::pin!(connection);
    loop {
        tokio::select! {
            // a client that breaks off is its own business
            _ = connection.as_mut() => return,
            changed = stopped.changed() => {
                connection.as_mut().graceful_shutdown();
                if changed.is_err() {
                    _ = connection.as_mut().await;
                    return;
                }
            }
        }
    }
}

async fn handle<S: Service>(service: &S, state: &State, log: Log, mut request: Request<Incoming>) -> Response<Body> {
    let started = Instant::now();
    let number = state.requests.fetch_add(1, Ordering::Relaxed) + 1;
    let given = request.headers().get(REQUEST_ID).and_then(|value| value.to_str().ok());
    let is_sane = |id: &&str| !id.is_empty() && id.len() <= 100 && id.chars().all(|c| c.is_ascii_graphic());
    let id = given.filter(is_sane).map_or_else(|| format!("{:x}-{number:x}", std::process::id()), str::to_owned);
    if let Ok(value) = HeaderValue::from_str(&id) {
        request.headers_mut().insert(REQUEST_ID, value);
    }
    let (method, path) = (request.method().to_string(), request.uri().path().to_owned());
    let Answer { mut response, route } = service.answer(request, &id).await;
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    if state.stopping.load(Ordering::SeqCst) {
        // so that nobody sends the next request into a connection that is about to close
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    let (status, took) = (response.status(), started.elapsed());
    state.metrics.record(&method, route, status.as_u16(), took);
    let is_probe = route.starts_with("/health") || route == "/metrics";
    let level = match status.as_u16() {
        500.. => Level::Error,
        _ if is_probe => Level::Debug,
        _ => Level::Info,
    };
    log.line(
        level,
        "request",
        &[
            ("request_id", json!(id)),
            ("method", json!(method)),
            ("path", json!(path)),
            ("status", json!(status.as_u16())),
            ("duration_ms", json!((took.as_secs_f64() * 100_000.0).round() / 100.0)),
        ],
    );
    response
}
