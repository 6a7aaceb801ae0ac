//! Answers: JSON, tables, text, streams.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use futures::{Stream, StreamExt};
use http::{HeaderValue, Response, header};
use http_body::Frame;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use serde::Serialize;
use serde::ser::{SerializeMap, SerializeSeq};
use serde_json::Value;

use crate::{List, Status};

/// The body of an answer: whole, or a stream that goes on.
pub type Body = UnsyncBoxBody<Bytes, Infallible>;

pub(super) const JSON: &str = "application/json";

fn respond(code: u16, content_type: &str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = http::StatusCode::from_u16(code).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
    let content_type = HeaderValue::from_str(content_type).unwrap_or(HeaderValue::from_static(JSON));
    response.headers_mut().insert(header::CONTENT_TYPE, content_type);
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache, private"));
    response
}

/// Bytes of a type.
pub(super) fn bytes(code: u16, content_type: &str, bytes: impl Into<Bytes>) -> Response<Body> {
    respond(code, content_type, Full::new(bytes.into()).boxed_unsync())
}

/// Plain text.
pub(super) fn text(code: u16, text: impl Into<Bytes>) -> Response<Body> {
    bytes(code, "text/plain; charset=utf-8", text)
}

/// Any JSON.
pub(super) fn json(code: u16, value: &impl Serialize) -> Response<Body> {
    json_as(code, JSON, value)
}

/// Any JSON under a more precise name.
pub(super) fn json_as(code: u16, content_type: &str, value: &impl Serialize) -> Response<Body> {
    match serde_json::to_vec(value) {
        Ok(body) => bytes(code, content_type, body),
        Err(error) => status(&Status::internal(error)),
    }
}

/// An error.
pub(super) fn status(status: &Status) -> Response<Body> {
    let body = serde_json::to_vec(&status.to_value()).unwrap_or_default();
    let mut response = bytes(status.code, JSON, body);
    if let Some(seconds) = status.details.as_ref().map(|d| d.retry_after_seconds).filter(|s| *s > 0) {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// A stream of pieces.
pub(super) fn stream(content_type: &str, pieces: Pin<Box<dyn Stream<Item = Bytes> + Send>>) -> Response<Body> {
    let frames = pieces.map(|piece| Ok::<_, Infallible>(Frame::data(piece)));
    respond(200, content_type, BodyExt::boxed_unsync(StreamBody::new(frames)))
}

/// Adds what the client should be told.
pub(super) fn warn(response: &mut Response<Body>, warnings: &[String]) {
    for warning in warnings {
        let quoted = warning.replace('\\', "\\\\").replace('"', "\\\"").replace(['\n', '\r'], " ");
        if let Ok(value) = HeaderValue::from_str(&format!("299 - \"{quoted}\"")) {
            response.headers_mut().append(header::WARNING, value);
        }
    }
}

/// A list as it goes over the wire: the items of typed lists do not repeat their kind.
pub(super) struct WireList<'a> {
    pub(super) list: &'a List,
    pub(super) api_version: String,
    pub(super) kind: String,
    /// Whether each item says its kind.
    pub(super) kinds_in_items: bool,
    /// Whether the kind is a built-in one.
    pub(super) typed: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ListMeta<'a> {
    resource_version: String,
    #[serde(rename = "continue", skip_serializing_if = "Option::is_none")]
    continue_token: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    remaining_item_count: Option<u64>,
}

impl Serialize for WireList<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(4))?;
        map.serialize_entry("kind", &self.kind)?;
        map.serialize_entry("apiVersion", &self.api_version)?;
        let meta = ListMeta {
            resource_version: self.list.resource_version.to_string(),
            // Lists of custom resources have the field even where it is empty.
            continue_token: Some(&*self.list.continue_token).filter(|token| !token.is_empty() || !self.typed),
            remaining_item_count: self.list.remaining,
        };
        map.serialize_entry("metadata", &meta)?;
        map.serialize_entry("items", &Items { items: &self.list.items, typed: !self.kinds_in_items })?;
        map.end()
    }
}

struct Items<'a> {
    items: &'a [Arc<Value>],
    typed: bool,
}

impl Serialize for Items<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut sequence = serializer.serialize_seq(Some(self.items.len()))?;
        for item in self.items {
            if self.typed {
                sequence.serialize_element(&WithoutType(item))?;
            } else {
                sequence.serialize_element(&**item)?;
            }
        }
        sequence.end()
    }
}

struct WithoutType<'a>(&'a Value);

impl Serialize for WithoutType<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Object(fields) => {
                serializer.collect_map(fields.iter().filter(|(key, _)| !matches!(key.as_str(), "apiVersion" | "kind")))
            }
            other => other.serialize(serializer),
        }
    }
}
