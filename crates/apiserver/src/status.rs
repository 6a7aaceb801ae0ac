use std::fmt;

use serde_json::{Map, Value, json};

/// The error of every verb: a Kubernetes `Status` with the code, reason and words of the real API server.
#[derive(Clone, Debug, PartialEq)]
pub struct Status {
    /// HTTP status code.
    pub code: u16,
    /// Machine-readable reason, as in `NotFound`.
    pub reason: &'static str,
    /// What clients print.
    pub message: String,
    /// What the error is about.
    pub details: Option<Box<Details>>,
}

/// What a [`Status`] is about.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Details {
    /// Name of the object.
    pub name: String,
    /// API group.
    pub group: String,
    /// Resource (`pods`) or kind (`Pod`), whichever the real server puts there.
    pub kind: String,
    /// Uid of the object.
    pub uid: String,
    /// Single reasons, one for a field each.
    pub causes: Vec<Cause>,
    /// After how many seconds a client should try again.
    pub retry_after_seconds: u32,
}

/// One reason of several.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cause {
    /// Machine-readable reason, as in `FieldValueRequired`.
    pub reason: &'static str,
    /// What is wrong.
    pub message: String,
    /// Path of the field, as in `spec.containers[0].name`.
    pub field: String,
}

impl std::error::Error for Status {}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// `deployments.apps`, `pods`: a resource as messages name it.
pub(crate) fn qualified(group: &str, resource: &str) -> String {
    if group.is_empty() { resource.to_owned() } else { format!("{resource}.{group}") }
}

impl Status {
    /// A status without details.
    pub fn new(code: u16, reason: &'static str, message: impl Into<String>) -> Self {
        Self { code, reason, message: message.into(), details: None }
    }

    fn with(mut self, details: Details) -> Self {
        self.details = Some(Box::new(details));
        self
    }

    fn about(group: &str, kind: &str, name: &str) -> Details {
        Details { name: name.to_owned(), group: group.to_owned(), kind: kind.to_owned(), ..Details::default() }
    }

    /// 404: the object is not there.
    pub fn not_found(group: &str, resource: &str, name: &str) -> Self {
        Self::new(404, "NotFound", format!("{} {name:?} not found", qualified(group, resource)))
            .with(Self::about(group, resource, name))
    }

    /// 404: there is no such resource or path.
    pub fn no_such_resource() -> Self {
        Self::new(404, "NotFound", "the server could not find the requested resource").with(Details::default())
    }

    /// 409: the object is there already.
    pub fn already_exists(group: &str, resource: &str, name: &str) -> Self {
        Self::new(409, "AlreadyExists", format!("{} {name:?} already exists", qualified(group, resource)))
            .with(Self::about(group, resource, name))
    }

    /// 409: the object was changed by somebody else, or is otherwise not in the state asked for.
    pub fn conflict(group: &str, resource: &str, name: &str, why: &str) -> Self {
        let what = qualified(group, resource);
        Self::new(409, "Conflict", format!("Operation cannot be fulfilled on {what} {name:?}: {why}"))
            .with(Self::about(group, resource, name))
    }

    /// 409 of an update with an old resourceVersion.
    pub fn modified(group: &str, resource: &str, name: &str) -> Self {
        let why = "the object has been modified; please apply your changes to the latest version and try again";
        Self::conflict(group, resource, name, why)
    }

    /// 400
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message)
    }

    /// 403: not allowed to do that to the object.
    pub fn forbidden(group: &str, resource: &str, name: &str, why: &str) -> Self {
        let what = qualified(group, resource);
        let message = if name.is_empty() {
            format!("{what} is forbidden: {why}")
        } else {
            format!("{what} {name:?} is forbidden: {why}")
        };
        Self::new(403, "Forbidden", message).with(Self::about(group, resource, name))
    }

    /// 422: the object is not valid.
    pub fn invalid(group: &str, kind: &str, name: &str, causes: Vec<Cause>) -> Self {
        // What is wrong twice is said once.
        let mut lines: Vec<String> = Vec::new();
        for cause in &causes {
            let line = format!("{}: {}", cause.field, cause.message);
            if !lines.contains(&line) {
                lines.push(line);
            }
        }
        let whole = match lines.as_slice() {
            [] => String::from("<nil>"),
            [one] => one.clone(),
            several => format!("[{}]", several.join(", ")),
        };
        let what = qualified(group, kind);
        let message = format!("{what} {name:?} is invalid: {whole}");
        Self::new(422, "Invalid", message).with(Details { causes, ..Self::about(group, kind, name) })
    }

    /// 405
    pub fn method_not_allowed(group: &str, resource: &str, verb: &str) -> Self {
        let what = qualified(group, resource);
        Self::new(405, "MethodNotAllowed", format!("{verb} is not supported on resources of kind {what:?}"))
            .with(Self::about(group, resource, ""))
    }

    /// 410: the resource version asked for is too old.
    pub fn expired(message: impl Into<String>) -> Self {
        Self::new(410, "Expired", message)
    }

    /// 415
    pub fn unsupported_media_type(message: impl Into<String>) -> Self {
        Self::new(415, "UnsupportedMediaType", message)
    }

    /// 500
    pub fn internal(message: impl fmt::Display) -> Self {
        Self::new(500, "InternalError", format!("Internal error occurred: {message}")).with(Details {
            causes: vec![Cause { message: message.to_string(), ..Cause::default() }],
            ..Details::default()
        })
    }

    /// Whether this is 404 `NotFound`.
    pub fn is_not_found(&self) -> bool {
        self.reason == "NotFound"
    }

    /// Whether this is 409 `Conflict`.
    pub fn is_conflict(&self) -> bool {
        self.reason == "Conflict"
    }

    /// Whether this is 409 `AlreadyExists`.
    pub fn is_already_exists(&self) -> bool {
        self.reason == "AlreadyExists"
    }

    /// Whether this is 410: list anew.
    pub fn is_expired(&self) -> bool {
        self.code == 410
    }

    /// The object that goes over the wire.
    pub fn to_value(&self) -> Value {
        let mut object = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {},
            "status": "Failure", "message": self.message, "code": self.code,
        });
        if !self.reason.is_empty() {
            object["reason"] = Value::from(self.reason);
        }
        if let Some(details) = &self.details {
            object["details"] = details.to_value();
        }
        object
    }
}

impl Details {
    fn to_value(&self) -> Value {
        let mut map = Map::new();
        let text = [("name", &self.name), ("group", &self.group), ("kind", &self.kind), ("uid", &self.uid)];
        for (key, value) in text.into_iter().filter(|(_, value)| !value.is_empty()) {
            map.insert(key.to_owned(), Value::from(value.as_str()));
        }
        if !self.causes.is_empty() {
            map.insert("causes".to_owned(), self.causes.iter().map(Cause::to_value).collect());
        }
        if self.retry_after_seconds != 0 {
            map.insert("retryAfterSeconds".to_owned(), Value::from(self.retry_after_seconds));
        }
        Value::Object(map)
    }
}

impl Cause {
    /// A field error; `kind` is its reason (`FieldValueInvalid`), `message` its words.
    pub(crate) fn new(reason: &'static str, field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { reason, message: message.into(), field: field.into() }
    }

    fn to_value(&self) -> Value {
        let mut map = Map::new();
        for (key, value) in [("reason", self.reason), ("message", &self.message), ("field", &self.field)] {
            if !value.is_empty() {
                map.insert(key.to_owned(), Value::from(value));
            }
        }
        Value::Object(map)
    }
}
