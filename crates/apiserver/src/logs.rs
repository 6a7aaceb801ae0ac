//! The logs of pods, which the node keeps.

use std::fmt::Debug;
use std::pin::Pin;

use bytes::Bytes;
use futures::Stream;
use serde_json::Value;

use crate::Status;

/// Pieces of a log as they are written.
pub type LogStream = Pin<Box<dyn Stream<Item = Bytes> + Send>>;

/// Which part of which log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogOptions {
    /// The container; empty where the pod has only one.
    pub container: String,
    /// Go on with what is written from now on, until the container ends.
    pub follow: bool,
    /// The container's run before the present one.
    pub previous: bool,
    /// Only lines of the last so many seconds.
    pub since_seconds: Option<i64>,
    /// Only lines from this time (RFC 3339) on.
    pub since_time: Option<String>,
    /// Put the time (RFC 3339, nanoseconds) and a space before each line.
    pub timestamps: bool,
    /// Only the last so many lines.
    pub tail_lines: Option<u64>,
    /// At most so many bytes.
    pub limit_bytes: Option<u64>,
}

/// Who can tell what a container wrote.
pub trait LogSource: Send + Sync + Debug {
    /// The log of `options.container`, which is one of the pod's.
    ///
    /// # Errors
    /// 400 where the container has not started, or has no previous run.
    fn logs(&self, pod: &Value, options: &LogOptions) -> Result<LogStream, Status>;
}

/// The container that is meant, checked against the pod's.
pub(crate) fn container(pod: &Value, options: &LogOptions) -> Result<String, Status> {
    let of = |field: &str| -> Vec<&str> {
        let list = pod.get("spec").and_then(|s| s.get(field)).and_then(Value::as_array);
        list.into_iter().flatten().filter_map(|c| c.get("name").and_then(Value::as_str)).collect()
    };
    let name = crate::metadata::text(pod, "name");
    let (containers, init) = (of("containers"), of("initContainers"));
    if options.container.is_empty() {
        return match containers.as_slice() {
            [only] if init.is_empty() => Ok((*only).to_owned()),
            _ => {
                let mut why = format!(
                    "a container name must be specified for pod {name}, choose one of: [{}]",
                    containers.join(" ")
                );
                if !init.is_empty() {
                    why.push_str(&format!(" or one of the init containers: [{}]", init.join(" ")));
                }
                Err(Status::bad_request(why))
            }
        };
    }
    let known = containers.iter().chain(&init).any(|c| *c == options.container);
    if known {
        return Ok(options.container.clone());
    }
    Err(Status::bad_request(format!("container {} is not valid for pod {name}", options.container)))
}

pub(crate) fn no_source(pod: &Value) -> Status {
    let name = crate::metadata::text(pod, "name");
    Status::bad_request(format!("pod {name} does not run on a node that keeps logs"))
}
