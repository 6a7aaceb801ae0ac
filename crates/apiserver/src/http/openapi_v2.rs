//! OpenAPI version 2: one document of everything, as JSON, or in protobuf (gnostic's message numbers), which is the form
//! that kubectl falls back to.

use std::collections::BTreeSet;

use http::Response;
use serde_json::{Map, Value, json};

use super::answer::{self, Body};
use super::openapi::{add_paths, closure, of_type, published, scalars};
use crate::Api;
use crate::schema::schema;

const PROTOBUF: &str = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf";

pub(super) fn answer(api: &Api, accept: &str) -> Response<Body> {
    let document = document(api);
    // The name of the type has been written with and without an @ in its history.
    if accept.contains("proto-openapi.spec.v2") {
        return answer::bytes(200, PROTOBUF, encode(&document));
    }
    answer::json(200, &document)
}

fn document(api: &Api) -> Value {
    let catalog = api.catalog();
    let (mut paths, mut roots) = (Map::new(), BTreeSet::new());
    for resource in catalog.served() {
        add_paths(resource, &mut paths, false);
        roots.extend(resource.schema());
    }
    let mut definitions = Map::new();
    for id in closure(roots) {
        let of = schema().get(id);
        definitions.insert(published(&of.name), of_type(of, "#/definitions/", catalog.served().map(|r| &**r)));
    }
    for (name, value) in scalars(false) {
        definitions.insert(name.to_owned(), value);
    }
    json!({"swagger": "2.0", "info": {"title": "Kubernetes", "version": "v1.36.3"}, "paths": paths,
        "definitions": definitions})
}

/// Writes messages: numbers and lengths.
#[derive(Default)]
struct Output(Vec<u8>);

impl Output {
    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push((value as u8) | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    fn bytes(&mut self, number: u32, bytes: &[u8]) {
        self.varint(u64::from(number) << 3 | 2);
        self.varint(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }

    fn text(&mut self, number: u32, value: Option<&Value>) {
        if let Some(text) = value.and_then(Value::as_str) {
            self.bytes(number, text.as_bytes());
        }
    }

    fn flag(&mut self, number: u32, value: bool) {
        if value {
            self.varint(u64::from(number) << 3);
            self.varint(1);
        }
    }

    fn message(&mut self, number: u32, write: impl FnOnce(&mut Self)) {
        let mut inner = Self::default();
        write(&mut inner);
        self.bytes(number, &inner.0);
    }

    /// `NamedX { name = 1, value = 2 }`
    fn named(&mut self, number: u32, name: &str, write: impl FnOnce(&mut Self)) {
        self.message(number, |entry| {
            entry.bytes(1, name.as_bytes());
            entry.message(2, write);
        });
    }

    /// `Any { yaml = 2 }`; JSON is YAML.
    fn any(&mut self, number: u32, value: &Value) {
        self.message(number, |any| any.bytes(2, value.to_string().as_bytes()));
    }

    fn extensions(&mut self, number: u32, of: &Value) {
        for (name, value) in of.as_object().into_iter().flatten().filter(|(name, _)| name.starts_with("x-")) {
            self.named(number, name, |any| any.bytes(2, value.to_string().as_bytes()));
        }
    }

    fn schema(&mut self, of: &Value) {
        self.text(1, of.get("$ref"));
        self.text(2, of.get("format"));
        if let Some(default) = of.get("default") {
            self.any(5, default);
        }
        for name in of.get("required").and_then(Value::as_array).into_iter().flatten() {
            self.text(19, Some(name));
        }
        for value in of.get("enum").and_then(Value::as_array).into_iter().flatten() {
            self.any(20, value);
        }
        if let Some(values) = of.get("additionalProperties") {
            self.message(21, |item| item.message(1, |inner| inner.schema(values)));
        }
        if of.get("type").is_some() {
            self.message(22, |item| item.text(1, of.get("type")));
        }
        if let Some(items) = of.get("items") {
            self.message(23, |item| item.message(1, |inner| inner.schema(items)));
        }
        if let Some(properties) = of.get("properties").and_then(Value::as_object) {
            self.message(25, |all| {
                for (name, property) in properties {
                    all.named(1, name, |value| value.schema(property));
                }
            });
        }
        self.extensions(31, of);
    }

    fn operation(&mut self, of: &Value) {
        self.text(5, of.get("operationId"));
        for parameter in of.get("parameters").and_then(Value::as_array).into_iter().flatten() {
            // ParametersItem → Parameter → NonBodyParameter → QueryParameterSubSchema
            self.message(8, |item| {
                item.message(1, |parameter_item| {
                    parameter_item.message(2, |non_body| {
                        non_body.message(3, |query| {
                            query.text(2, parameter.get("in"));
                            query.text(4, parameter.get("name"));
                            query.text(6, parameter.get("type"));
                            query.flag(19, true);
                        });
                    });
                });
            });
        }
        if let Some(responses) = of.get("responses").and_then(Value::as_object) {
            self.message(9, |all| {
                for (code, response) in responses {
                    all.named(1, code, |value| {
                        value.message(1, |inner| {
                            inner.text(1, response.get("description"));
                            if let Some(schema) = response.get("schema") {
                                inner.message(2, |item| item.message(1, |out| out.schema(schema)));
                            }
                        });
                    });
                }
            });
        }
        self.extensions(13, of);
    }
}

fn encode(document: &Value) -> Vec<u8> {
    let mut out = Output::default();
    out.text(1, document.get("swagger"));
    out.message(2, |info| {
        info.text(1, document.pointer("/info/title"));
        info.text(2, document.pointer("/info/version"));
    });
    out.message(8, |paths| {
        for (path, item) in document.get("paths").and_then(Value::as_object).into_iter().flatten() {
            paths.named(2, path, |value| {
                for (method, number) in [("get", 2), ("put", 3), ("post", 4), ("delete", 5), ("patch", 8)] {
                    if let Some(operation) = item.get(method) {
                        value.message(number, |inner| inner.operation(operation));
                    }
                }
            });
        }
    });
    out.message(9, |definitions| {
        for (name, schema) in document.get("definitions").and_then(Value::as_object).into_iter().flatten() {
            definitions.named(1, name, |value| value.schema(schema));
        }
    });
    out.0
}
