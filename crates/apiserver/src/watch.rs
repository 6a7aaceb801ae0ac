use std::collections::VecDeque;
use std::sync::Arc;

use bowline_store::{Event, EventKind, Partition, Range, StoreError, Watcher};
use serde_json::{Value, json};

use crate::api::too_large;
use crate::catalog::Resource;
use crate::{FieldSelector, LabelSelector, Status, WatchOptions};

/// What happened to an object, as the watcher's selectors see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WatchEventKind {
    /// Created, or selected from now on.
    Added,
    /// Changed.
    Modified,
    /// Deleted, or no longer selected.
    Deleted,
    /// Nothing: tells the revision only.
    Bookmark,
}

impl WatchEventKind {
    /// As on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Added => "ADDED",
            Self::Modified => "MODIFIED",
            Self::Deleted => "DELETED",
            Self::Bookmark => "BOOKMARK",
        }
    }
}

/// One change.
#[derive(Clone, Debug)]
pub struct WatchEvent {
    /// What happened.
    pub kind: WatchEventKind,
    /// The object after it; of a deleted one, its last state.
    pub object: Arc<Value>,
}

/// A stream of changes. Safe to drop a pending [`Watch::next`] and call it again.
#[derive(Debug)]
pub struct Watch {
    watcher: Watcher<Arc<Value>>,
    initial: VecDeque<WatchEvent>,
    labels: LabelSelector,
    fields: FieldSelector,
    api_version: String,
    kind: String,
}

impl Watch {
    pub(crate) fn open(
        partition: &Partition<Arc<Value>>,
        resource: &Resource,
        prefix: &str,
        options: &WatchOptions,
    ) -> Result<Self, Status> {
        let (labels, fields) = (options.label_selector.clone(), options.field_selector.clone());
        let (api_version, kind) = (resource.api_version(), resource.kind.clone());
        let asked = options.resource_version.unwrap_or(0);
        let mut initial = VecDeque::new();
        let after = if asked == 0 || options.send_initial_events {
            let range = Range { prefix, ..Range::default() };
            let page = partition.list(&range, |o| labels.matches(o) && fields.matches(o)).map_err(too_old)?;
            if asked > page.revision {
                return Err(too_large(asked, page.revision));
            }
            let added = page.entries.into_iter();
            initial.extend(added.map(|(_, e)| WatchEvent { kind: WatchEventKind::Added, object: e.value }));
            page.revision
        } else {
            asked
        };
        let watcher = partition.watch(prefix, after).map_err(too_old)?;
        let mut watch = Self { watcher, initial, labels, fields, api_version, kind };
        if options.send_initial_events && options.bookmarks {
            let end = json!({"k8s.io/initial-events-end": "true"});
            let bookmark = watch.bookmark_at(after, Some(end));
            watch.initial.push_back(bookmark);
        }
        Ok(watch)
    }

    /// The next change, if it has happened already.
    ///
    /// # Errors
    /// 410 once changes were lost; then list and watch anew.
    pub fn try_next(&mut self) -> Result<Option<WatchEvent>, Status> {
        if let Some(event) = self.initial.pop_front() {
            return Ok(Some(event));
        }
        while let Some(event) = self.watcher.try_next().map_err(too_old)? {
            if let Some(event) = self.seen(event) {
                return Ok(Some(event));
            }
        }
        Ok(None)
    }

    /// Waits for the next change.
    ///
    /// # Errors
    /// 410 once changes were lost; then list and watch anew.
    pub async fn next(&mut self) -> Result<WatchEvent, Status> {
        if let Some(event) = self.initial.pop_front() {
            return Ok(event);
        }
        loop {
            let event = self.watcher.next().await.map_err(too_old)?;
            if let Some(event) = self.seen(event) {
                return Ok(event);
            }
        }
    }

    /// A bookmark: every change up to its `resourceVersion` has been handed out.
    pub fn bookmark(&self) -> Option<WatchEvent> {
        self.initial.is_empty().then(|| self.bookmark_at(self.watcher.revision(), None))
    }

    fn bookmark_at(&self, revision: u64, annotations: Option<Value>) -> WatchEvent {
        let mut object = json!({"kind": self.kind, "apiVersion": self.api_version,
            "metadata": {"resourceVersion": revision.to_string()}});
        if let Some(annotations) = annotations {
            object["metadata"]["annotations"] = annotations;
        }
        WatchEvent { kind: WatchEventKind::Bookmark, object: Arc::new(object) }
    }

    fn selects(&self, object: &Value) -> bool {
        self.labels.matches(object) && self.fields.matches(object)
    }

    fn seen(&self, event: Event<Arc<Value>>) -> Option<WatchEvent> {
        let before = event.previous.as_ref().is_some_and(|p| self.selects(&p.value));
        let now = event.kind == EventKind::Put && self.selects(&event.value);
        let kind = match (before, now) {
            (false, true) => WatchEventKind::Added,
            (true, true) => WatchEventKind::Modified,
            (true, false) => WatchEventKind::Deleted,
            (false, false) => return None,
        };
        let object = match (kind, event.kind, event.previous) {
            // An object that left the selection is shown as it was last selected, at the revision that took it away.
            (WatchEventKind::Deleted, EventKind::Put, Some(previous)) => {
                let mut last = Value::clone(&previous.value);
                last["metadata"]["resourceVersion"] = Value::from(event.revision.to_string());
                Arc::new(last)
            }
            _ => event.value,
        };
        Some(WatchEvent { kind, object })
    }
}

fn too_old(error: StoreError) -> Status {
    match error {
        StoreError::Compacted { asked, oldest } => {
            Status::expired(format!("too old resource version: {asked} ({oldest})"))
        }
        StoreError::Future { asked, current } => too_large(asked, current),
        other => Status::internal(other),
    }
}
