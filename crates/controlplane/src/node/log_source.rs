//! The node's side of `kubectl logs`.

use bowline_apiserver::{LogOptions, LogSource, LogStream, Status};
use bowline_clock::{Clock, Timestamp};
use jiff::SignedDuration;
use serde_json::Value;

use super::logs::{NoLog, PodLogs, Selection};

/// Serves the logs of a node's pods.
#[derive(Debug)]
pub(crate) struct NodeLogs {
    logs: PodLogs,
    clock: Clock,
}

impl NodeLogs {
    pub(crate) fn new(logs: PodLogs, clock: Clock) -> Self {
        Self { logs, clock }
    }
}

impl LogSource for NodeLogs {
    fn logs(&self, pod: &Value, options: &LogOptions) -> Result<LogStream, Status> {
        let text = |field: &str| pod["metadata"][field].as_str().unwrap_or_default();
        let (namespace, name, container) = (text("namespace"), text("name"), options.container.as_str());
        let log = self.logs.get(namespace, name, container, options.previous).map_err(|missing| {
            Status::bad_request(match missing {
                NoLog::NoPrevious => format!("previous terminated container {container:?} in pod {name:?} not found"),
                NoLog::NotStarted if options.previous => {
                    format!("previous terminated container {container:?} in pod {name:?} not found")
                }
                NoLog::NotStarted => {
                    format!(
                        "container {container:?} in pod {name:?} is waiting to start: {}",
                        waiting_reason(pod, container)
                    )
                }
            })
        })?;
        let since = match (options.since_seconds, &options.since_time) {
            (Some(seconds), _) => self.clock.now().checked_sub(SignedDuration::from_secs(seconds)).ok(),
            (None, Some(time)) => Some(
                time.parse::<Timestamp>()
                    .map_err(|error| Status::bad_request(format!("sinceTime {time:?}: {error}")))?,
            ),
            (None, None) => None,
        };
        let count = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        Ok(Box::pin(log.stream(Selection {
            follow: options.follow,
            tail: options.tail_lines.map(count),
            since,
            timestamps: options.timestamps,
            limit_bytes: options.limit_bytes.map(count),
        })))
    }
}

fn waiting_reason(pod: &Value, container: &str) -> String {
    let statuses = ["initContainerStatuses", "containerStatuses"];
    let mut all = statuses.iter().filter_map(|field| pod["status"][*field].as_array()).flatten();
    let status = all.find(|status| status["name"] == container);
    match status.and_then(|status| status["state"]["waiting"]["reason"].as_str()) {
        Some("ErrImagePull" | "ImagePullBackOff") => "trying and failing to pull image".to_owned(),
        Some(reason) => reason.to_owned(),
        None => "ContainerCreating".to_owned(),
    }
}
