//! The page, and everything under `/api` forwarded to the backend.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::header::{CACHE_CONTROL, CONNECTION, HOST, HeaderMap, HeaderName, HeaderValue, TRANSFER_ENCODING, UPGRADE};
use hyper::{Method, Request, Response, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};

use crate::http::{Answer, Body, Service, State, error_answer, full, json_answer, serve};
use crate::log::{Level, Log, because};
use crate::settings::Settings;

/// How long one attempt to connect may take.
const CONNECT: Duration = Duration::from_secs(2);
/// How long to go on trying to connect: a backend that is just being replaced is there again by then.
const CONNECT_ALL: Duration = Duration::from_secs(3);
/// How long the backend may take until its answer begins.
const ANSWER: Duration = Duration::from_secs(10);

/// Files of the page: path, type, content.
const PAGE: &[(&str, &str, &str)] = &[
    ("/", "text/html; charset=utf-8", include_str!("page/index.html")),
    ("/app.js", "text/javascript; charset=utf-8", include_str!("page/app.js")),
    ("/style.css", "text/css; charset=utf-8", include_str!("page/style.css")),
    ("/icon.svg", "image/svg+xml", include_str!("page/icon.svg")),
];

/// Nothing from elsewhere runs on the page.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

struct Frontend {
    /// `host:port` of the backend.
    backend: String,
    state: Arc<State>,
    log: Log,
    never_ready: bool,
}

/// Serves the page until it is told to stop. `backend_url` is `http://host:port`.
///
/// # Errors
/// Where it cannot start.
pub async fn run(settings: Settings, backend_url: &str, log: Log) -> Result<(), Box<dyn std::error::Error>> {
    if settings.faults.crash_on_start {
        return Err("crashing on start, as CRASH_ON_START asks".into());
    }
    let backend =
        authority(backend_url).ok_or_else(|| format!("BACKEND_URL '{backend_url}' is not http://host:port"))?;
    log.info("forwarding /api", &[("backend", json!(backend))]);
    let state = Arc::new(State::default());
    let never_ready = settings.faults.never_ready;
    let frontend = Arc::new(Frontend { backend, state: Arc::clone(&state), log, never_ready });
    Ok(serve(frontend, state, &settings, log).await?)
}

/// `host:port` of an `http` address without a path.
fn authority(url: &str) -> Option<String> {
    let uri: Uri = url.parse().ok()?;
    if uri.scheme_str() != Some("http") || !matches!(uri.path(), "" | "/") || uri.query().is_some() {
        return None;
    }
    let authority = uri.authority()?;
    Some(format!("{}:{}", authority.host(), authority.port_u16().unwrap_or(80)))
}

impl Service for Frontend {
    async fn answer(&self, request: Request<Incoming>, id: &str) -> Answer {
        let path = request.uri().path();
        let (route, response) = if path == "/api" || path.starts_with("/api/") {
            ("/api", self.forward(request, id).await)
        } else {
            self.own(path, request.method(), id)
        };
        Answer { response, route }
    }
}

impl Frontend {
    fn own(&self, path: &str, method: &Method, id: &str) -> (&'static str, Response<Body>) {
        if !matches!(*method, Method::GET | Method::HEAD) {
            let answer = error_answer(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "only GET here", id);
            return ("other", answer);
        }
        match path {
            "/health" => ("/health", json_answer(StatusCode::OK, &json!({"status": "ok", "service": "todo-frontend"}))),
            "/health/live" => ("/health/live", json_answer(StatusCode::OK, &json!({"status": "alive"}))),
            "/health/ready" => {
                // The backend is no part of this: the page says itself what it cannot reach.
                let ready = !self.never_ready && !self.state.stopping.load(Ordering::SeqCst);
                let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
                ("/health/ready", json_answer(status, &json!({"status": if ready { "ready" } else { "not ready" }})))
            }
            "/metrics" => {
                let text = self.state.metrics.render();
                ("/metrics", full(StatusCode::OK, "text/plain; version=0.0.4", text))
            }
            _ => match PAGE.iter().find(|(known, ..)| *known == path) {
                Some((known, content_type, content)) => {
                    let mut response = full(StatusCode::OK, content_type, *content);
                    let headers = response.headers_mut();
                    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
                    headers.insert("content-security-policy", HeaderValue::from_static(POLICY));
                    headers.insert("x-content-type-options", HeaderValue::from_static("nosniff"));
                    (known, response)
                }
                None => ("other", error_answer(StatusCode::NOT_FOUND, "not_found", "there is no such page", id)),
            },
        }
    }

    /// Sends a request on and streams the answer back. Each request has a connection of its own, so that a Service in
    /// between spreads them and none meets a backend that has left.
    async fn forward(&self, request: Request<Incoming>, id: &str) -> Response<Body> {
        let stream = match self.connect().await {
            Ok(stream) => stream,
            Err(why) => return self.failed(StatusCode::BAD_GATEWAY, "backend_unreachable", &why, id),
        };
        let (mut sender, connection) = match hyper::client::conn::http1::handshake(TokioIo::new(stream)).await {
            Ok(pair) => pair,
            Err(error) => return self.failed(StatusCode::BAD_GATEWAY, "backend_unreachable", &error.to_string(), id),
        };
        tokio::spawn(async move {
            // what breaks here shows at the answer
            _ = connection.await;
        });
        let (mut parts, body) = request.into_parts();
        parts.uri = parts.uri.path_and_query().map_or_else(|| Uri::from_static("/"), |path| path.clone().into());
        strip_hop_by_hop(&mut parts.headers);
        if let Ok(host) = HeaderValue::from_str(&self.backend) {
            parts.headers.insert(HOST, host);
        }
        match timeout(ANSWER, sender.send_request(Request::from_parts(parts, body))).await {
            Ok(Ok(response)) => {
                let (mut parts, body) = response.into_parts();
                strip_hop_by_hop(&mut parts.headers);
                Response::from_parts(parts, body.boxed())
            }
            Ok(Err(error)) => {
                self.log.line(Level::Warn, "the backend broke off", &[("request_id", json!(id)), because(&error)]);
                self.failed(StatusCode::BAD_GATEWAY, "backend_broke_off", "the backend ended the connection", id)
            }
            Err(_) => {
                let why = format!("the backend did not answer within {} seconds", ANSWER.as_secs());
                self.failed(StatusCode::GATEWAY_TIMEOUT, "backend_timeout", &why, id)
            }
        }
    }

    /// Tries again while nothing was sent yet, so that this is safe for every method.
    async fn connect(&self) -> Result<TcpStream, String> {
        let end = Instant::now() + CONNECT_ALL;
        let mut pause = Duration::from_millis(50);
        loop {
            let why = match timeout(CONNECT, TcpStream::connect(self.backend.as_str())).await {
                Ok(Ok(stream)) => {
                    _ = stream.set_nodelay(true);
                    return Ok(stream);
                }
                Ok(Err(error)) => error.to_string(),
                Err(_) => "no answer".to_owned(),
            };
            if Instant::now() + pause >= end || self.state.stopping.load(Ordering::SeqCst) {
                return Err(format!("cannot connect to {}: {why}", self.backend));
            }
            sleep(pause).await;
            pause *= 2;
        }
    }

    fn failed(&self, status: StatusCode, code: &str, why: &str, id: &str) -> Response<Body> {
        self.log.line(Level::Error, "cannot forward", &[("request_id", json!(id)), ("error", json!(why))]);
        error_answer(status, code, why, id)
    }
}

/// Removes what concerns one connection only (RFC 9110, 7.6.1).
fn strip_hop_by_hop(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in named {
        headers.remove(name);
    }
    for name in
        [CONNECTION, TRANSFER_ENCODING, UPGRADE, HeaderName::from_static("keep-alive"), HeaderName::from_static("te")]
    {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_plain_http_addresses_only() {
        assert_eq!(authority("http://todo-backend:7860").as_deref(), Some("todo-backend:7860"));
        assert_eq!(authority("http://todo-backend/").as_deref(), Some("todo-backend:80"));
        for wrong in ["https://a", "todo-backend:7860", "http://a/path", "", "http://a/?q"] {
            assert_eq!(authority(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn strips_what_the_connection_header_names() {
        let mut headers = HeaderMap::new();
        headers.insert(CONNECTION, HeaderValue::from_static("close, x-private"));
        headers.insert("x-private", HeaderValue::from_static("1"));
        headers.insert("x-kept", HeaderValue::from_static("1"));
        strip_hop_by_hop(&mut headers);
        assert_eq!(headers.keys().map(HeaderName::as_str).collect::<Vec<_>>(), ["x-kept"]);
    }
}
