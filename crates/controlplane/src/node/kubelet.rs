//! Hands the node's pods to their workers: one watch, one task per pod.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bowline_apiserver::{FieldSelector, ListOptions, Status, Watch, WatchEventKind, WatchOptions, resources};
use serde_json::Value;
use tokio::sync::{mpsc, oneshot};
use tokio::task::{Id, JoinSet};

use super::context::Context;
use super::pod::Pod;
use super::worker::{Message, Worker};

/// Runs until `stop` is sent; then ends all pods within the time sent.
pub(crate) async fn run(context: Arc<Context>, mut stop: oneshot::Receiver<Duration>) {
    let mut kubelet = Kubelet { context, pods: BTreeMap::new(), workers: JoinSet::new(), by_task: BTreeMap::new() };
    let grace = 'watching: loop {
        let mut watch = match kubelet.list() {
            Ok(watch) => watch,
            Err(error) => {
                tracing::error!(%error, "could not list the node's pods");
                tokio::select! {
                    biased;
                    grace = &mut stop => break grace,
                    () = tokio::time::sleep(Duration::from_secs(1)) => continue,
                }
            }
        };
        loop {
            tokio::select! {
                biased;
                grace = &mut stop => break 'watching grace,
                event = watch.next() => match event {
                    Ok(event) => kubelet.changed(event.kind, &event.object),
                    // Too slow or too old: list anew.
                    Err(_) => break,
                },
                Some(ended) = kubelet.workers.join_next_with_id() => kubelet.ended(match ended {
                    Ok((id, ())) => id,
                    Err(error) => {
                        tracing::error!(%error, "a pod's task failed");
                        error.id()
                    }
                }),
            }
        }
    };
    // Without a sender the node is being dropped: no time for grace.
    kubelet.shut_down(grace.unwrap_or(Duration::ZERO)).await;
}

struct Kubelet {
    context: Arc<Context>,
    pods: BTreeMap<String, mpsc::UnboundedSender<Message>>,
    workers: JoinSet<()>,
    by_task: BTreeMap<String, String>,
}

impl Kubelet {
    /// Lists all pods of the node, tells the workers of pods that are gone, and watches from there.
    fn list(&mut self) -> Result<Watch, Status> {
        let field_selector = FieldSelector::parse(&format!("spec.nodeName={}", self.context.node_name))?;
        let options = ListOptions { field_selector: field_selector.clone(), ..ListOptions::default() };
        let list = self.context.api.list(&resources::PODS, None, &options)?;
        let present: Vec<&str> = list.items.iter().filter_map(|pod| pod["metadata"]["uid"].as_str()).collect();
        for (uid, inbox) in &self.pods {
            if !present.contains(&uid.as_str()) {
                // A worker that has ended already needs no message.
                let _ = inbox.send(Message::Gone);
            }
        }
        for pod in &list.items {
            self.changed(WatchEventKind::Added, pod);
        }
        let from = Some(list.resource_version);
        let options = WatchOptions { field_selector, resource_version: from, ..WatchOptions::default() };
        self.context.api.watch(&resources::PODS, None, &options)
    }

    fn changed(&mut self, kind: WatchEventKind, object: &Value) {
        let pod = match Pod::from_value(object) {
            Ok(pod) => Arc::new(pod),
            Err(error) => {
                tracing::error!(%error, name = %object["metadata"]["name"], "could not read a pod");
                return;
            }
        };
        let uid = pod.metadata.uid.clone();
        match kind {
            WatchEventKind::Bookmark => {}
            WatchEventKind::Deleted => {
                if let Some(inbox) = self.pods.get(&uid) {
                    let _ = inbox.send(Message::Gone);
                }
            }
            WatchEventKind::Added | WatchEventKind::Modified => {
                if let Some(inbox) = self.pods.get(&uid)
                    && inbox.send(Message::Pod(pod.clone())).is_ok()
                {
                    return;
                }
                let (worker, inbox) = Worker::new(self.context.clone(), pod);
                let task = self.workers.spawn(worker.run()).id();
                self.by_task.insert(task.to_string(), uid.clone());
                self.pods.insert(uid, inbox);
            }
        }
    }

    fn ended(&mut self, task: Id) {
        if let Some(uid) = self.by_task.remove(&task.to_string())
            && self.pods.get(&uid).is_some_and(mpsc::UnboundedSender::is_closed)
        {
            self.pods.remove(&uid);
        }
    }

    async fn shut_down(mut self, grace: Duration) {
        for inbox in self.pods.values() {
            let _ = inbox.send(Message::Shutdown(grace));
        }
        // The workers kill what is left at the end of the grace; a little more time for that to be seen.
        let limit = grace + Duration::from_secs(3);
        let all = async { while self.workers.join_next().await.is_some() {} };
        if tokio::time::timeout(limit, all).await.is_err() {
            tracing::warn!("some pods have not ended in time");
        }
    }
}
