use bowline_manifest::GroupVersionKind;

use crate::connect::chain;

/// What the API server said of one field of an object it refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldProblem {
    /// Path of the field, `spec.template.spec.containers[0].image`; empty where the server names none.
    pub field: String,
    /// The server's words.
    pub message: String,
}

/// Why a request did not do what was asked. Every message starts with what was being done.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ClusterError {
    /// The API server answered with an error.
    #[error("{doing}: {message}")]
    Api {
        /// What was being done: `apply Deployment/web in namespace demo`.
        doing: String,
        /// HTTP status code.
        code: u16,
        /// The Status object's reason: `NotFound`, `Conflict`, `Forbidden`, …; may be empty.
        reason: String,
        /// The Status object's message.
        message: String,
        /// Field by field, where the server says so.
        causes: Vec<FieldProblem>,
    },
    /// No answer: refused, reset, timed out, or not understood.
    #[error("{doing}: no answer from the api server: {cause}")]
    Unreachable {
        /// What was being done.
        doing: String,
        /// The chain of causes.
        cause: String,
    },
    /// The server answered with something else than Kubernetes would.
    #[error("{doing}: the api server's answer is not understood: {cause}")]
    Answer {
        /// What was being done.
        doing: String,
        /// What is wrong with it.
        cause: String,
    },
    /// The server does not know this kind.
    #[error(
        "{doing}: no matches for kind \"{}\" in version \"{}\"; a custom kind needs its CustomResourceDefinition first",
        gvk.kind,
        gvk.api_version()
    )]
    UnknownKind {
        /// What was being done.
        doing: String,
        /// The kind nobody serves.
        gvk: GroupVersionKind,
    },
    /// The value handed over is no Kubernetes object.
    #[error("{doing}: object has no {field}")]
    NoObject {
        /// What was being done.
        doing: String,
        /// The missing field.
        field: &'static str,
    },
    /// No cluster is configured, or the configuration is unusable.
    #[error("find the cluster: {cause}")]
    Config {
        /// The chain of causes.
        cause: String,
    },
}

impl ClusterError {
    pub(crate) fn from_kube(doing: &str, error: kube::Error) -> Self {
        let doing = doing.to_owned();
        match error {
            kube::Error::Api(status) => {
                let causes = status.details.map(|d| d.causes).unwrap_or_default();
                let causes = causes.into_iter().map(|c| FieldProblem { field: c.field, message: c.message }).collect();
                // What kube-rs puts in where the answer was no Status; it says nothing.
                let reason = if status.reason.starts_with("Failed to parse") { String::new() } else { status.reason };
                let message = match (status.message.trim(), reason.as_str()) {
                    ("", "") => format!("the api server answered {}", status.code),
                    ("", reason) => format!("the api server answered {} ({reason})", status.code),
                    (message, _) => message.to_owned(),
                };
                Self::Api { doing, code: status.code, reason, message, causes }
            }
            kube::Error::SerdeError(cause) => Self::Answer { doing, cause: chain(&cause) },
            kube::Error::FromUtf8(cause) => Self::Answer { doing, cause: chain(&cause) },
            other => Self::Unreachable { doing, cause: chain(&other) },
        }
    }

    /// The Status object's reason, empty where there is no Status.
    pub fn reason(&self) -> &str {
        match self {
            Self::Api { reason, .. } => reason,
            _ => "",
        }
    }

    /// The HTTP status code, where the server answered.
    pub fn code(&self) -> Option<u16> {
        match self {
            Self::Api { code, .. } => Some(*code),
            _ => None,
        }
    }

    /// Nothing of that name is there.
    pub fn is_not_found(&self) -> bool {
        self.code() == Some(404)
    }

    /// Something of that name is there already.
    pub fn is_already_exists(&self) -> bool {
        self.reason() == "AlreadyExists"
    }

    /// Somebody else changed it meanwhile, or owns the field.
    pub fn is_conflict(&self) -> bool {
        self.code() == Some(409) && !self.is_already_exists()
    }

    /// The server's history does not reach back that far.
    pub fn is_expired(&self) -> bool {
        self.code() == Some(410)
    }

    /// Not permitted.
    pub fn is_forbidden(&self) -> bool {
        self.code() == Some(403)
    }

    /// Trying the same again may help: the server was out of reach, overloaded or restarting.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Unreachable { .. } => true,
            Self::Api { code, .. } => matches!(code, 408 | 429) || *code >= 500,
            _ => false,
        }
    }
}
