//! HTTP: one tower service, in process or behind TLS.
//!
//! ```text
//!   http::Request ─► route (path, query) ─► body (JSON, YAML, protobuf) ─► Api ─► answer (object, list, Table, stream)
//! ```

mod answer;
mod body;
mod discovery;
mod dispatch;
mod openapi;
mod openapi_v2;
mod review;
mod route;
pub(crate) mod scale;
mod stream;
mod views;

pub use answer::Body;

use std::convert::Infallible;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Limited};

use crate::{Api, Status};

/// The largest body that is read (the real server's limit too).
const LARGEST_BODY: usize = 3 * 1024 * 1024;

/// Who is asking. A request without it in its extensions comes from this process and may do everything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Name, as in `system:serviceaccount:default:web`.
    pub name: String,
    /// Groups, as in `system:masters`.
    pub groups: Vec<String>,
}

impl User {
    /// The owner of the cluster.
    pub fn admin() -> Self {
        Self { name: "admin".into(), groups: vec!["system:masters".into(), "system:authenticated".into()] }
    }
}

/// The API as a `tower` service, for clients in the same process (`kube::Client::new`) and for the TLS server.
#[derive(Clone, Debug)]
pub struct ApiService {
    api: Api,
}

impl Api {
    /// The API as HTTP, without sockets.
    pub fn service(&self) -> ApiService {
        ApiService { api: self.clone() }
    }
}

impl<B> tower::Service<Request<B>> for ApiService
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let api = self.api.clone();
        Box::pin(async move {
            let (head, body) = request.into_parts();
            let body = match Limited::new(body, LARGEST_BODY).collect().await {
                Ok(body) => body.to_bytes(),
                Err(error) => return Ok(answer::status(&unreadable(&*error))),
            };
            // The verbs are synchronous: one catch here keeps every panic from the client, and from the connection.
            let answered = std::panic::catch_unwind(AssertUnwindSafe(|| dispatch::answer(&api, &head, &body)));
            Ok(answered.unwrap_or_else(|_| {
                tracing::error!(method = %head.method, path = head.uri.path(), "a request panicked");
                answer::status(&Status::internal("the server met a fault of its own while it answered"))
            }))
        })
    }
}

fn unreadable(error: &(dyn std::error::Error + Send + Sync + 'static)) -> Status {
    if error.is::<http_body_util::LengthLimitError>() {
        let message = format!("Request entity too large: limit is {LARGEST_BODY}");
        return Status::new(413, "RequestEntityTooLarge", message);
    }
    Status::bad_request(format!("could not read the body of the request: {error}"))
}

/// An error as an answer.
pub(crate) fn refuse(status: &Status) -> Response<Body> {
    answer::status(status)
}
