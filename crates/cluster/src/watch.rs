use std::pin::Pin;
use std::time::Duration;

use futures::Stream;
use futures::stream::{self, BoxStream, StreamExt};
use http::Request;
use kube::core::WatchEvent as Raw;
use serde_json::Value;

use crate::verbs::{listing, malformed};
use crate::{Cluster, ClusterError, Metadata, Resource, Selection};

/// What a watch reports.
#[derive(Clone, Debug)]
pub enum WatchEvent {
    /// All selected objects as they are now: first of all, and again after the server lost track of this watcher. What is
    /// not in it is gone.
    Listed(Vec<Value>),
    /// An object appeared or changed.
    Changed(Value),
    /// An object is gone; its last state.
    Deleted(Value),
    /// The connection was lost and is being taken up again.
    Interrupted(ClusterError),
}

/// Endless, but for an error that trying again cannot mend (forbidden, unknown kind), which ends it.
pub type WatchStream = BoxStream<'static, Result<WatchEvent, ClusterError>>;

const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

type RawStream = Pin<Box<dyn Stream<Item = Result<Raw<Value>, kube::Error>> + Send>>;

enum State {
    Listing,
    Connecting { version: String },
    Streaming { version: String, events: RawStream },
    Ended,
}

struct Watcher {
    cluster: Cluster,
    resource: Resource,
    selection: Selection,
    state: State,
    pause: Duration,
}

impl Cluster {
    /// Lists the selected objects, then reports every change. Reconnects by itself, with a growing pause without jitter;
    /// lists again where the server's history no longer reaches back (410).
    pub fn watch(&self, resource: &Resource, selection: &Selection) -> WatchStream {
        let watcher = Watcher {
            cluster: self.clone(),
            resource: resource.clone(),
            selection: selection.clone(),
            state: State::Listing,
            pause: Duration::ZERO,
        };
        stream::unfold(watcher, |mut watcher| async move { watcher.next().await.map(|event| (event, watcher)) }).boxed()
    }
}

impl Watcher {
    async fn next(&mut self) -> Option<Result<WatchEvent, ClusterError>> {
        loop {
            match std::mem::replace(&mut self.state, State::Ended) {
                State::Ended => return None,
                State::Listing => {
                    tokio::time::sleep(self.pause).await;
                    match self.cluster.list_at(&self.resource, &self.selection).await {
                        Ok((items, version)) => {
                            self.state = State::Connecting { version };
                            return Some(Ok(WatchEvent::Listed(items)));
                        }
                        Err(error) => return Some(self.interrupted(error, State::Listing)),
                    }
                }
                State::Connecting { version } => {
                    tokio::time::sleep(self.pause).await;
                    match self.open(&version).await {
                        Ok(events) => self.state = State::Streaming { version, events },
                        Err(error) if error.is_expired() => self.state = State::Listing,
                        Err(error) => return Some(self.interrupted(error, State::Connecting { version })),
                    }
                }
                State::Streaming { version, mut events } => match events.next().await {
                    // The server ends a watch after some minutes; it is taken up where it stopped.
                    None => {
                        self.pause = (self.pause * 2).clamp(Duration::from_millis(1), LONGEST_PAUSE);
                        self.state = State::Connecting { version };
                    }
                    Some(Ok(Raw::Bookmark(mark))) => {
                        self.state = State::Streaming { version: mark.metadata.resource_version, events };
                    }
                    Some(Ok(Raw::Added(object) | Raw::Modified(object))) => {
                        self.pause = Duration::ZERO;
                        self.state = State::Streaming { version: object.resource_version().to_owned(), events };
                        return Some(Ok(WatchEvent::Changed(object)));
                    }
                    Some(Ok(Raw::Deleted(object))) => {
                        self.pause = Duration::ZERO;
                        self.state = State::Streaming { version: object.resource_version().to_owned(), events };
                        return Some(Ok(WatchEvent::Deleted(object)));
                    }
                    Some(Ok(Raw::Error(status))) if status.code == 410 => self.state = State::Listing,
                    Some(Ok(Raw::Error(status))) => {
                        let error = ClusterError::from_kube(&self.doing(), kube::Error::Api(status));
                        return Some(self.interrupted(error, State::Connecting { version }));
                    }
                    Some(Err(error)) => {
                        let error = ClusterError::from_kube(&self.doing(), error);
                        let again = if error.is_expired() { State::Listing } else { State::Connecting { version } };
                        return Some(self.interrupted(error, again));
                    }
                },
            }
        }
    }

    fn doing(&self) -> String {
        listing(&self.resource, &self.selection).replacen("list", "watch", 1)
    }

    /// Goes on from `again` after a pause, where that can help; else this is the end.
    fn interrupted(&mut self, error: ClusterError, again: State) -> Result<WatchEvent, ClusterError> {
        let mends = error.is_passing() || error.is_expired() || matches!(error, ClusterError::Answer { .. });
        if !mends {
            return Err(error);
        }
        self.pause = (self.pause * 2).clamp(FIRST_PAUSE, LONGEST_PAUSE);
        self.state = again;
        Ok(WatchEvent::Interrupted(error))
    }

    async fn open(&mut self, version: &str) -> Result<RawStream, ClusterError> {
        let query = self
            .selection
            .parameters()
            .with("watch", "true")
            .with("allowWatchBookmarks", "true")
            .with("resourceVersion", version)
            .with("timeoutSeconds", "290");
        let path = query.after(&self.resource.collection(&self.selection.namespace));
        let request = Request::get(path).body(Vec::new()).map_err(|e| malformed(&self.doing(), &e))?;
        let events = self.cluster.client.request_events::<Value>(request).await;
        let events = events.map_err(|e| ClusterError::from_kube(&self.doing(), e))?;
        Ok(Box::pin(events))
    }
}
