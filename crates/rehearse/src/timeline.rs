use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bowline_engine::{Event, EventSink};
use serde::Serialize;
use serde_json::Value;
use tokio::time::Instant;

/// Something that happened in a rehearsal, and when.
#[derive(Clone, Debug, Serialize)]
pub struct Moment {
    /// Virtual time since the beginning.
    pub after: Duration,
    /// What.
    #[serde(flatten)]
    pub entry: Entry,
}

/// What happened: to the release, or to a pod.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "source", rename_all = "kebab-case")]
pub enum Entry {
    /// The engine's own events.
    Engine {
        /// The event.
        #[serde(flatten)]
        event: Box<Event>,
    },
    /// A pod's state, whenever it changes.
    Pod {
        /// Its name.
        pod: String,
        /// As kubectl's STATUS column says it, with `, ready` where it is.
        state: String,
        /// The waiting container's message, empty where there is none.
        message: String,
    },
}

/// Collects moments in the order in which they happen.
#[derive(Clone, Debug)]
pub(crate) struct Timeline {
    start: Instant,
    moments: Arc<Mutex<Vec<Moment>>>,
    pods: Arc<Mutex<BTreeMap<String, (String, String)>>>,
}

impl Timeline {
    pub(crate) fn starting_now() -> Self {
        Self { start: Instant::now(), moments: Arc::default(), pods: Arc::default() }
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    /// Takes in a pod as a watch delivers it; says nothing where its state is as before.
    pub(crate) fn pod(&self, pod: &Value, deleted: bool) {
        let name = pod["metadata"]["name"].as_str().unwrap_or_default().to_owned();
        let now = if deleted { ("gone".to_owned(), String::new()) } else { pod_state(pod) };
        let mut pods = self.pods.lock().unwrap_or_else(PoisonError::into_inner);
        if pods.get(&name) != Some(&now) {
            let (state, message) = now.clone();
            pods.insert(name.clone(), now);
            self.push(Entry::Pod { pod: name, state, message });
        }
    }

    pub(crate) fn into_moments(self) -> Vec<Moment> {
        std::mem::take(&mut *self.moments.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn push(&self, entry: Entry) {
        let moment = Moment { after: self.elapsed(), entry };
        self.moments.lock().unwrap_or_else(PoisonError::into_inner).push(moment);
    }
}

impl EventSink for Timeline {
    fn event(&self, event: &Event) {
        self.push(Entry::Engine { event: Box::new(event.clone()) });
    }
}

/// A pod's state in a word or two, and the message of the container that waits.
fn pod_state(pod: &Value) -> (String, String) {
    let statuses = ["initContainerStatuses", "containerStatuses"].map(|field| pod["status"][field].as_array());
    let containers = || statuses.iter().flatten().flat_map(|list| list.iter());
    if pod["metadata"]["deletionTimestamp"].is_string() {
        return ("Terminating".to_owned(), String::new());
    }
    for container in containers() {
        let waiting = &container["state"]["waiting"];
        if let Some(reason) = waiting["reason"].as_str() {
            return (reason.to_owned(), waiting["message"].as_str().unwrap_or_default().to_owned());
        }
        let ended = &container["state"]["terminated"];
        if ended["exitCode"].as_i64().is_some_and(|code| code != 0) {
            let (reason, code) = (ended["reason"].as_str().unwrap_or("Error"), &ended["exitCode"]);
            return (reason.to_owned(), format!("exit code {code}"));
        }
    }
    let phase = pod["status"]["phase"].as_str().unwrap_or("Pending");
    let conditions = pod["status"]["conditions"].as_array().into_iter().flatten();
    let ready = conditions.filter(|c| c["type"] == "Ready").any(|c| c["status"] == "True");
    (if ready { format!("{phase}, ready") } else { phase.to_owned() }, String::new())
}
