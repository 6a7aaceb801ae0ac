//! What deleted workloads leave for a while: ReplicaSets and Jobs of theirs, and pods that are given time to end.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bowline_cluster::{Metadata, ObjectRef, Selection};
use bowline_manifest::GroupVersionKind;
use serde_json::Value;
use tokio::time::Instant;

use crate::run::{Run, Trouble};
use crate::wait::Until;

/// Who controls the pods of deleted workloads.
#[derive(Debug, Default)]
pub(crate) struct Leftovers {
    /// Namespace → uids of the controllers.
    controllers: BTreeMap<String, BTreeSet<String>>,
    /// Controllers that no manifest names: they go after their owner.
    between: Vec<ObjectRef>,
}

impl Run {
    /// Notes who controls the pods of a workload that is about to be deleted: afterwards nothing tells whose they were.
    pub(crate) async fn note_pods_of(&mut self, object: &ObjectRef) {
        let between = match (object.gvk.group.as_str(), object.gvk.kind.as_str()) {
            ("apps", "Deployment") => Some(("apps/v1", "ReplicaSet")),
            ("batch", "CronJob") => Some(("batch/v1", "Job")),
            ("apps" | "batch", _) | ("", "ReplicationController") => None,
            _ => return,
        };
        let Ok(Some(live)) = self.engine.cluster.get(object).await else { return };
        let controllers = match between {
            Some((api_version, kind)) => self.owned(api_version, kind, &live).await,
            None => vec![live],
        };
        for controller in controllers {
            let of_namespace = self.leftovers.controllers.entry(object.namespace.clone()).or_default();
            of_namespace.insert(controller.uid().to_owned());
            if let Some((api_version, kind)) = between {
                let place = ObjectRef::new(api_version, kind, &object.namespace, controller.name());
                self.leftovers.between.push(place);
            }
        }
    }

    /// Waits until nothing runs any more that a deleted workload started.
    pub(crate) async fn wait_for_leftovers(&mut self, doing: &str, deadline: Instant) -> Result<(), Trouble> {
        let Leftovers { controllers, between } = std::mem::take(&mut self.leftovers);
        // As long as a controller is there, it may start another pod.
        self.wait_until_gone(&between, doing, deadline).await?;
        let mut pods = Vec::new();
        for (namespace, uids) in controllers {
            // Who may delete workloads but not see pods is not kept from it.
            for pod in self.pods_in(&namespace).await {
                if pod.controller_uid().is_some_and(|uid| uids.contains(uid)) {
                    pods.push(ObjectRef::new("v1", "Pod", &namespace, pod.name()));
                }
            }
        }
        self.wait_until_gone(&pods, doing, deadline).await
    }

    async fn wait_until_gone(&self, objects: &[ObjectRef], doing: &str, deadline: Instant) -> Result<(), Trouble> {
        let left = deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
        match self.wait_for(objects, Until::Gone, left).await {
            Ok(()) => Ok(()),
            Err(end) => Err(self.explain(doing.to_owned(), self.options.timeout, end).await),
        }
    }

    async fn pods_in(&self, namespace: &str) -> Vec<Value> {
        let Ok(pods) = self.engine.cluster.resource(&GroupVersionKind::new("v1", "Pod")).await else {
            return Vec::new();
        };
        self.engine.cluster.list(&pods, &Selection::namespace(namespace)).await.unwrap_or_default()
    }
}
