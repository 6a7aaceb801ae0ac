//! A StatefulSet's revisions: every pod template it had, as ControllerRevisions.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Value, json};

use super::pods;
use crate::control_loop::Context;
use crate::error::Error;
use crate::kind;
use crate::object::{Fields, Selector, owner, template};

const HASH_LABEL: &str = "controller.kubernetes.io/hash";

/// The revisions that pods may be made of.
pub(super) struct Revisions {
    /// All, from old to new.
    all: Vec<Arc<Value>>,
    /// Of the pods that are not updated yet.
    pub(super) current: Arc<Value>,
    /// Of what the set asks for now.
    pub(super) update: Arc<Value>,
    /// How often two templates had one name.
    pub(super) collisions: i64,
}

/// The pod template of a revision.
pub(super) fn pods_of(revision: &Value) -> Value {
    let mut pods = revision["data"]["spec"]["template"].clone();
    pods.put("/$patch", Value::Null);
    pods
}

/// Finds the set's revisions, and makes the one of its present template where that is new. One that comes again gets the
/// highest number.
pub(super) fn find(context: &Context<'_>, set: &Value, selector: &Selector) -> Result<Revisions, Error> {
    let cluster = context.cluster;
    let mut found = cluster.controlled_by(kind::CONTROLLER_REVISION, set);
    found.extend(cluster.uncontrolled(kind::CONTROLLER_REVISION, set.namespace()));
    let mut all = cluster.claim(kind::CONTROLLER_REVISION, found, kind::STATEFUL_SET, set, selector, None)?;
    sort(&mut all);
    let mut collisions = set.int("/status/collisionCount").unwrap_or(0);
    let next = all.last().and_then(|r| r.int("/revision")).unwrap_or(0) + 1;
    let wanted = &set["spec"]["template"];
    let same = all.iter().rposition(|r| template::same(&pods_of(r), wanted));
    let update = match same {
        Some(at) if at + 1 == all.len() => Arc::clone(&all[at]),
        Some(at) => {
            let mut again = Value::clone(&all[at]);
            again.put("/revision", next);
            let written = cluster.update(kind::CONTROLLER_REVISION, again)?;
            all[at] = Arc::clone(&written);
            sort(&mut all);
            written
        }
        None => loop {
            match cluster.create(kind::CONTROLLER_REVISION, new(set, next, collisions)) {
                Err(error) if error.is_already_exists() => collisions += 1,
                made => {
                    let made = made?;
                    all.push(Arc::clone(&made));
                    break made;
                }
            }
        },
    };
    let named = set.text("/status/currentRevision");
    let current = all.iter().find(|r| r.name() == named).cloned().unwrap_or_else(|| Arc::clone(&update));
    Ok(Revisions { all, current, update, collisions })
}

fn sort(revisions: &mut [Arc<Value>]) {
    revisions.sort_by(|a, b| {
        let key = |r: &Value| (r.int("/revision").unwrap_or(0), r.created().to_owned(), r.name().to_owned());
        key(a).cmp(&key(b))
    });
}

fn new(set: &Value, number: i64, collisions: i64) -> Value {
    let hash = template::hash(&set["spec"]["template"], Some(collisions));
    let mut data = json!({"spec": {"template": set["spec"]["template"]}});
    data.put("/spec/template/$patch", "replace");
    let mut revision = json!({
        "apiVersion": kind::CONTROLLER_REVISION.api_version(), "kind": kind::CONTROLLER_REVISION.kind,
        "metadata": {
            "name": format!("{}-{hash}", set.name()), "namespace": set.namespace(),
            "labels": set["spec"]["template"]["metadata"]["labels"],
            "ownerReferences": [owner::controller_reference(kind::STATEFUL_SET, set)],
        },
        "data": data, "revision": number,
    });
    revision.put("/metadata/annotations", set["metadata"]["annotations"].clone());
    template::with_label(&revision, "/metadata/labels", HASH_LABEL, &hash)
}

impl Revisions {
    /// Deletes the oldest revisions that no pod is made of, beyond the history limit.
    pub(super) fn truncate(&self, context: &Context<'_>, set: &Value, present: &[Arc<Value>]) -> Result<(), Error> {
        let mut live: BTreeSet<&str> = present.iter().map(|p| pods::revision(p)).collect();
        live.extend([self.current.name(), self.update.name()]);
        let history: Vec<&Arc<Value>> = self.all.iter().filter(|r| !live.contains(r.name())).collect();
        let limit = usize::try_from(set.int("/spec/revisionHistoryLimit").unwrap_or(10)).unwrap_or(0);
        for revision in history.iter().take(history.len().saturating_sub(limit)) {
            context.cluster.delete(kind::CONTROLLER_REVISION, revision)?;
        }
        Ok(())
    }
}
