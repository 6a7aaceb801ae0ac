use bowline_manifest::GroupVersionKind;
use serde_json::Value;

use crate::{Cluster, ClusterError, ObjectRef, Selection};

/// Something the cluster noted about an object (a Kubernetes Event).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectEvent {
    /// `Warning` or `Normal`
    pub severity: String,
    /// `FailedScheduling`, `Unhealthy`, …
    pub reason: String,
    /// In words.
    pub message: String,
    /// How often it was noted.
    pub count: i64,
    /// When it was noted last, RFC 3339; may be empty.
    pub last: String,
}

impl Cluster {
    /// What the cluster noted about an object, oldest first; of any life of that name where `uid` is empty.
    ///
    /// # Errors
    /// [`ClusterError`], whatever it is.
    pub async fn events_of(&self, object: &ObjectRef, uid: &str) -> Result<Vec<ObjectEvent>, ClusterError> {
        let resource = self.resource(&GroupVersionKind::new("v1", "Event")).await?;
        // Events about cluster-scoped objects are kept in `default`.
        let namespace = if object.namespace.is_empty() { "default" } else { &object.namespace };
        let mut selection = Selection::namespace(namespace);
        selection.fields = format!("involvedObject.kind={},involvedObject.name={}", object.gvk.kind, object.name);
        let found = match self.list(&resource, &selection).await {
            // A server that cannot select by these fields.
            Err(ClusterError::Api { code: 400, .. }) => self.list(&resource, &Selection::namespace(namespace)).await?,
            other => other?,
        };
        let about = |event: &&Value| {
            let involved = &event["involvedObject"];
            involved["kind"] == object.gvk.kind.as_str()
                && involved["name"] == object.name.as_str()
                && (uid.is_empty() || involved["uid"].as_str().is_none_or(|u| u == uid))
        };
        let mut events: Vec<ObjectEvent> = found.iter().filter(about).map(read).collect();
        events.sort_by(|a, b| a.last.cmp(&b.last));
        Ok(events)
    }
}

fn read(event: &Value) -> ObjectEvent {
    let text = |field: &str| event[field].as_str().unwrap_or_default().to_owned();
    let series = &event["series"];
    let times = [&event["lastTimestamp"], &series["lastObservedTime"], &event["eventTime"], &event["firstTimestamp"]];
    ObjectEvent {
        severity: text("type"),
        reason: text("reason"),
        message: text("message"),
        count: event["count"].as_i64().or(series["count"].as_i64()).unwrap_or(1),
        last: times.iter().find_map(|t| t.as_str()).unwrap_or_default().to_owned(),
    }
}
