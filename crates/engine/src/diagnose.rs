//! Finds out why an object is not there: down its owners to the pod, its container, and what that is missing.

use std::time::Duration;

use bowline_cluster::{LogOptions, Metadata, ObjectEvent, ObjectRef, Selection};
use bowline_graph::Section;
use bowline_manifest::GroupVersionKind;
use bowline_plan::Order;
use serde_json::Value;

use crate::Phase;
use crate::cause::Step;
use crate::health::{Health, condition, pod_trouble};
use crate::pods::image_of;
use crate::run::{Run, Trouble};
use crate::wait::{Ended, Until, WaitEnd};

/// How many of a container's last lines are shown.
const LOG_LINES: u32 = 20;
/// The longest time that looking for a cause may take.
const PATIENCE: Duration = Duration::from_secs(15);
/// As above, with somebody who wants it to end.
const IMPATIENCE: Duration = Duration::from_secs(3);

/// Steps found so far, and what to do.
#[derive(Default)]
struct Finding {
    steps: Vec<Step>,
    hint: Option<String>,
}

impl Run {
    /// The trouble that a wait's end means; `doing` as in `pre-install hook Job/migrate`.
    pub(crate) async fn explain(&self, doing: String, timeout: Duration, end: WaitEnd) -> Trouble {
        let (object, health, live, others, until, ended) = match end {
            WaitEnd::Stopped(stop) => return stop.into(),
            WaitEnd::Cluster(error) => return Trouble::cluster(doing, &error),
            WaitEnd::NotThere { object, health, live, others, until, ended } => {
                (object, health, live, others, until, ended)
            }
        };
        let (reason, message) = health.why();
        let mut first = Step::new(self.name_of(&object), reason, message);
        let wanted = match until {
            Until::Ready | Until::JobsCompleted => "ready",
            Until::Completed => "done",
            Until::Gone => "gone",
        };
        match (ended, &health) {
            (Ended::TimedOut, _) => first.message = format!("not {wanted} after {}: {message}", seconds(timeout)),
            (Ended::Certain, Health::Waiting { .. }) => {
                first.message = format!("it will not be {wanted}: {message}");
            }
            (Ended::Certain, _) => {}
            (Ended::Interrupted, _) => first.message = format!("not {wanted} when it was interrupted: {message}"),
        }
        if others > 0 {
            first.message += &format!(" (and {others} more)");
        }
        first.phase = match self.phase {
            Some(phase @ Phase::Hooks(_)) => phase.to_string(),
            _ => String::new(),
        };
        let summary = format!("{}: {}", first.object, first.message);
        let mut finding = Finding { steps: vec![first], hint: None };
        // The object may be gone, or the server: then the first step is all there is to say.
        let patience = if ended == Ended::Interrupted { IMPATIENCE } else { PATIENCE };
        let _ = tokio::time::timeout(patience, self.descend(&object, live.as_deref(), &health, &mut finding)).await;
        let kind = object.gvk.kind.to_lowercase();
        let root = finding.steps.last().filter(|_| finding.steps.len() > 1).map(|step| {
            let told: Vec<&str> = [step.reason.as_str(), &step.message].into_iter().filter(|t| !t.is_empty()).collect();
            format!(" ({}: {})", step.object, told.join(": "))
        });
        let hint = finding
            .hint
            .unwrap_or_else(|| format!("kubectl --namespace {} describe {kind} {}", self.namespace, object.name));
        Trouble {
            doing,
            message: summary + &root.unwrap_or_default(),
            steps: finding.steps,
            hint: Some(hint),
            timed_out: ended == Ended::TimedOut,
            interrupted: ended == Ended::Interrupted,
            ..Trouble::default()
        }
    }

    async fn descend(&self, object: &ObjectRef, live: Option<&Value>, health: &Health, finding: &mut Finding) {
        let Some(live) = live else { return };
        match object.gvk.kind.as_str() {
            "Pod" => self.look_at_pod(live, finding).await,
            "Deployment" => {
                let sets = self.owned("apps/v1", "ReplicaSet", live).await;
                let revision = |set: &Value| {
                    let text = set.annotation("deployment.kubernetes.io/revision").unwrap_or_default();
                    text.parse::<i64>().unwrap_or_default()
                };
                let newest = sets.iter().max_by_key(|set| revision(set));
                match newest {
                    Some(set) => self.look_below(set, finding).await,
                    None => self.look_at_events(object, live.uid(), finding).await,
                }
            }
            "StatefulSet" | "DaemonSet" | "ReplicaSet" | "Job" => self.look_below(live, finding).await,
            _ if matches!(health, Health::Ready) => {}
            _ => self.look_at_events(object, live.uid(), finding).await,
        }
    }

    /// Goes on with the pod of a workload that tells most, or with why there is none.
    async fn look_below(&self, workload: &Value, finding: &mut Finding) {
        let pods = self.owned("v1", "Pod", workload).await;
        // The newest of those in trouble: its retries have had the same.
        let told = pods.iter().filter(|pod| !pod.is_terminating() || pods.len() == 1).max_by_key(|pod| {
            let trouble = pod_trouble(pod).is_some() || pod["status"]["phase"] == "Failed";
            let unready = condition(pod, "Ready").is_none_or(|c| !c.is_true);
            (trouble, unready, pod["metadata"]["creationTimestamp"].as_str().unwrap_or_default().to_owned())
        });
        match (told, ObjectRef::of(workload)) {
            (Some(pod), _) => self.look_at_pod(pod, finding).await,
            (None, Ok(object)) => self.look_at_events(&object, workload.uid(), finding).await,
            (None, Err(_)) => {}
        }
    }

    async fn look_at_pod(&self, pod: &Value, finding: &mut Finding) {
        let phase = pod["status"]["phase"].as_str().unwrap_or("Pending");
        let name = format!("Pod/{}", pod.name());
        let describe = format!("kubectl --namespace {} describe pod {}", pod.namespace(), pod.name());
        if let Some(unscheduled) = condition(pod, "PodScheduled").filter(|c| !c.is_true) {
            finding.steps.push(Step::new(name, unscheduled.reason, unscheduled.message));
            finding.hint = Some(describe);
            return;
        }
        let told = pod["status"]["message"].as_str().unwrap_or_default();
        // What the wait was for may be this very pod.
        if finding.steps.last().is_none_or(|step| step.object != name) {
            finding.steps.push(Step::new(name, phase, told));
        }
        let events = self.events(pod).await;
        let Some((container, state)) = troubled_container(pod) else {
            if let Some(event) = last_warning(&events) {
                finding.steps.push(Step::new("event", &event.reason, &event.message));
            }
            finding.hint.get_or_insert(describe);
            return;
        };
        let mut step = Step { object: format!("container {container}"), ..Step::default() };
        let logs = format!("kubectl --namespace {} logs {} --container {container}", pod.namespace(), pod.name());
        match state {
            Broken::Waiting { reason, message } => {
                let hint = self.hint_of_image(pod, &container, &reason).await;
                step.message = match message.split_once(", as in\n") {
                    // The hint has the snippet.
                    Some((first, _)) if hint.is_some() => first.to_owned(),
                    _ => message,
                };
                step.reason = reason;
                finding.hint.get_or_insert(hint.unwrap_or(describe));
            }
            Broken::Creating => {
                let event = last_warning(&events);
                step.reason = event.map_or("ContainerCreating", |e| e.reason.as_str()).to_owned();
                step.message = event.map_or("it is being created", |e| e.message.as_str()).to_owned();
                finding.hint.get_or_insert(describe);
            }
            Broken::Crashed { looping, code, reason, message, restarts } => {
                step.reason = if looping { "CrashLoopBackOff".to_owned() } else { reason.clone() };
                step.message = format!("it ended with exit code {code}");
                if looping && !reason.is_empty() && reason != "Error" {
                    step.message += &format!(" ({reason})");
                }
                if restarts > 0 {
                    step.message += &format!(" and was restarted {restarts} times");
                }
                if !message.is_empty() {
                    step.message += &format!(": {message}");
                }
                step.log_tail = self.log_tail(pod, &container, looping).await;
                finding.hint.get_or_insert(if looping { logs + " --previous" } else { logs });
            }
            Broken::Initializing => {
                step.reason = "Initializing".to_owned();
                step.message = "it runs, and the containers after it wait until it has ended".to_owned();
                step.log_tail = self.log_tail(pod, &container, false).await;
                finding.hint.get_or_insert(logs);
            }
            Broken::Unready => {
                let unhealthy = events.iter().rev().find(|event| event.reason == "Unhealthy");
                step.reason = unhealthy.map_or("NotReady", |e| e.reason.as_str()).to_owned();
                step.message = unhealthy
                    .map_or("it runs, but its readiness probe has not passed", |e| e.message.as_str())
                    .to_owned();
                step.log_tail = self.log_tail(pod, &container, false).await;
                finding.hint.get_or_insert(logs);
            }
        }
        let message = step.message.clone();
        finding.steps.push(step);
        if let Some((kind, missing)) = missing_object(&message) {
            self.look_at_missing(kind, missing, pod.namespace(), finding);
        }
    }

    /// What to do about an image that no time will bring; `None` where time may.
    async fn hint_of_image(&self, pod: &Value, container: &str, reason: &str) -> Option<String> {
        let image = image_of(&pod["spec"], container)?;
        if matches!(reason, "ErrImagePull" | "ImagePullBackOff" | "ErrImageNeverPull")
            && self.runs_local_programs(pod).await
        {
            return Some(format!(
                "add a program for it to bowline.yaml, then start again with bowline up:\n\
                 local:\n  images:\n    {}: {{ command: [\"./program\"] }}",
                repository(image)
            ));
        }
        match reason {
            "InvalidImageName" => Some(format!("bowline template shows where {image:?} comes from")),
            "ErrImageNeverPull" => Some(format!(
                "set imagePullPolicy: IfNotPresent for container {container}, or load {image} into the node"
            )),
            _ => None,
        }
    }

    /// Says of an object that a pod misses whether it is part of the release, and when it would come.
    fn look_at_missing(&self, kind: &'static str, name: &str, namespace: &str, finding: &mut Finding) {
        let node = self.graph.as_deref().and_then(|graph| {
            graph.nodes().iter().find(|n| n.key.kind == kind && n.key.name == name && n.key.namespace == namespace)
        });
        let mut step = Step::new(format!("{kind}/{name}"), "Missing", "");
        match node {
            Some(node) if self.applied.contains(&node.key) => {
                step.message = "it was applied by this run, and is gone".to_owned();
            }
            Some(node) => {
                let place = node.manifest.locate("/metadata/name");
                let moment = match (self.phase, node.place.section) {
                    (Some(Phase::Hooks(event)), Section::Manifests) => format!("after the {event} hooks"),
                    (_, Section::Hooks) => "by a hook of another moment".to_owned(),
                    _ => "later".to_owned(),
                };
                step.message = format!("it is part of this release, but comes only {moment} ({place})");
                finding.hint = Some(match self.options.order {
                    Order::Helm => format!("bowline deploy --order graph applies {kind}/{name} before the hook"),
                    Order::Graph => "bowline check".to_owned(),
                });
            }
            None => {
                step.message = format!("it is not in namespace {namespace}, and is no part of this release");
                finding.hint = Some(format!("kubectl --namespace {namespace} get {}", kind.to_lowercase()));
            }
        }
        finding.steps.push(step);
    }

    async fn look_at_events(&self, object: &ObjectRef, uid: &str, finding: &mut Finding) {
        let events = self.engine.cluster.events_of(object, uid).await.unwrap_or_default();
        if let Some(event) = last_warning(&events) {
            let about = self.name_of(object);
            finding.steps.push(Step::new(about, &event.reason, &event.message));
        }
    }

    async fn events(&self, object: &Value) -> Vec<ObjectEvent> {
        match ObjectRef::of(object) {
            Ok(reference) => self.engine.cluster.events_of(&reference, object.uid()).await.unwrap_or_default(),
            Err(_) => Vec::new(),
        }
    }

    /// The objects of a kind that an object controls.
    pub(crate) async fn owned(&self, api_version: &str, kind: &str, owner: &Value) -> Vec<Value> {
        let Ok(resource) = self.engine.cluster.resource(&GroupVersionKind::new(api_version, kind)).await else {
            return Vec::new();
        };
        let all = self.engine.cluster.list(&resource, &Selection::namespace(owner.namespace())).await;
        let mut owned = all.unwrap_or_default();
        owned.retain(|object| object.controller_uid() == Some(owner.uid()));
        owned
    }

    /// The last lines of a container; empty where they cannot be had.
    pub(crate) async fn log_tail(&self, pod: &Value, container: &str, previous: bool) -> Vec<String> {
        self.log_lines(pod.namespace(), pod.name(), container, previous, LOG_LINES).await
    }

    /// As above, at most `count`.
    pub(crate) async fn log_lines(
        &self,
        namespace: &str,
        name: &str,
        container: &str,
        previous: bool,
        count: u32,
    ) -> Vec<String> {
        let mut options = LogOptions { container: container.to_owned(), tail: Some(count), previous, follow: false };
        let read = async {
            match self.engine.cluster.logs(namespace, name, &options).await {
                // Nothing is kept of the run before.
                Ok(lines) if lines.is_empty() && previous => {}
                Err(_) if previous => {}
                found => return found.unwrap_or_default(),
            }
            options.previous = false;
            self.engine.cluster.logs(namespace, name, &options).await.unwrap_or_default()
        };
        tokio::time::timeout(PATIENCE, read).await.unwrap_or_default()
    }

    /// What the pods of a hook wrote: the last lines of each container of its newest pod.
    pub(crate) async fn hook_log(&self, object: &ObjectRef) -> Vec<String> {
        let Ok(Some(live)) = self.engine.cluster.get(object).await else { return Vec::new() };
        let pods = if object.gvk.kind == "Pod" { vec![live] } else { self.owned("v1", "Pod", &live).await };
        let created = |pod: &&Value| pod["metadata"]["creationTimestamp"].as_str().unwrap_or_default().to_owned();
        let Some(pod) = pods.iter().max_by_key(created) else { return Vec::new() };
        let mut lines = Vec::new();
        for container in pod["spec"]["containers"].as_array().into_iter().flatten() {
            lines.extend(self.log_tail(pod, container["name"].as_str().unwrap_or_default(), false).await);
        }
        lines
    }
}

/// What is wrong with a container.
enum Broken {
    Waiting {
        reason: String,
        message: String,
    },
    Creating,
    /// An init container that has not ended.
    Initializing,
    Crashed {
        looping: bool,
        code: i64,
        reason: String,
        message: String,
        restarts: i64,
    },
    Unready,
}

/// The first container in trouble, init containers first.
fn troubled_container(pod: &Value) -> Option<(String, Broken)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let status = &pod["status"];
    let lists = ["initContainerStatuses", "containerStatuses"];
    let mut creating = None;
    let mut unready = None;
    // A sidecar among the init containers does not end, and holds nobody up once it has started.
    let holds_up = |container: &Value| {
        let is_sidecar = |spec: &Value| spec["name"] == container["name"] && spec["restartPolicy"] == "Always";
        container["state"]["running"].is_object()
            && status["initContainerStatuses"].as_array().into_iter().flatten().any(|c| c["name"] == container["name"])
            && !pod["spec"]["initContainers"].as_array().into_iter().flatten().any(is_sidecar)
    };
    for container in lists.iter().flat_map(|list| status[*list].as_array().into_iter().flatten()) {
        if holds_up(container) {
            return Some((text(&container["name"]), Broken::Initializing));
        }
        let name = text(&container["name"]);
        let crashed = |looping: bool, ended: &Value| Broken::Crashed {
            looping,
            code: ended["exitCode"].as_i64().unwrap_or_default(),
            reason: text(&ended["reason"]),
            message: text(&ended["message"]).trim().to_owned(),
            restarts: container["restartCount"].as_i64().unwrap_or_default(),
        };
        let (waiting, ended) = (&container["state"]["waiting"], &container["state"]["terminated"]);
        if waiting.is_object() {
            match waiting["reason"].as_str().unwrap_or_default() {
                "CrashLoopBackOff" => return Some((name, crashed(true, &container["lastState"]["terminated"]))),
                "" | "ContainerCreating" | "PodInitializing" => {
                    creating.get_or_insert((name, Broken::Creating));
                }
                reason => {
                    let (reason, message) = (reason.to_owned(), text(&waiting["message"]));
                    return Some((name, Broken::Waiting { reason, message }));
                }
            }
        } else if ended.is_object() {
            if ended["exitCode"].as_i64().unwrap_or_default() != 0 {
                return Some((name, crashed(false, ended)));
            }
        } else if container["ready"] != true {
            let last = &container["lastState"]["terminated"];
            let was_killed = last["exitCode"].as_i64().is_some_and(|code| code != 0);
            unready.get_or_insert((name, if was_killed { crashed(false, last) } else { Broken::Unready }));
        }
    }
    creating.or(unready)
}

/// An image without its tag and digest.
fn repository(image: &str) -> &str {
    let image = image.split_once('@').map_or(image, |(name, _)| name);
    match image.rsplit_once(':') {
        // A colon before a slash belongs to the registry's port.
        Some((name, tag)) if !tag.contains('/') => name,
        _ => image,
    }
}

fn last_warning(events: &[ObjectEvent]) -> Option<&ObjectEvent> {
    events.iter().rev().find(|event| event.severity == "Warning")
}

/// The object that a kubelet's message says is not there: `secret "x" not found`, `couldn't find key k in Secret ns/x`.
fn missing_object(message: &str) -> Option<(&'static str, &str)> {
    const KINDS: [(&str, &str); 4] = [
        ("secret", "Secret"),
        ("configmap", "ConfigMap"),
        ("serviceaccount", "ServiceAccount"),
        ("persistentvolumeclaim", "PersistentVolumeClaim"),
    ];
    KINDS.into_iter().find_map(|(word, kind)| {
        let start = message.find(&format!("{word} \""))? + word.len() + 2;
        let (name, rest) = message.get(start..)?.split_once('"')?;
        rest.trim_start().starts_with("not found").then_some((kind, name))
    })
}

fn seconds(duration: Duration) -> String {
    match (duration.as_secs() / 60, duration.as_secs() % 60) {
        (0, seconds) => format!("{seconds}s"),
        (minutes, 0) => format!("{minutes}m"),
        (minutes, seconds) => format!("{minutes}m{seconds}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn missing_objects_are_recognised() {
        assert_eq!(missing_object("secret \"db\" not found"), Some(("Secret", "db")));
        assert_eq!(missing_object("MountVolume.SetUp failed: configmap \"c\" not found"), Some(("ConfigMap", "c")));
        assert_eq!(missing_object("secret \"db\" is fine"), None);
        assert_eq!(missing_object("no such thing"), None);
    }

    #[test]
    fn the_first_container_in_trouble_is_found() {
        let pod = |statuses: Value| json!({"status": {"containerStatuses": statuses}});
        let looping = pod(json!([
            {"name": "ok", "ready": true, "state": {"running": {}}},
            {"name": "bad", "ready": false, "restartCount": 4, "state": {"waiting": {"reason": "CrashLoopBackOff"}},
             "lastState": {"terminated": {"exitCode": 3, "reason": "OOMKilled"}}},
        ]));
        assert!(
            matches!(troubled_container(&looping), Some((name, Broken::Crashed { looping: true, code: 3, .. })) if name == "bad")
        );
        let unready = pod(json!([{"name": "web", "ready": false, "state": {"running": {}}}]));
        assert!(matches!(troubled_container(&unready), Some((_, Broken::Unready))));
        let held_up = json!({"status": {
            "initContainerStatuses": [
                {"name": "wait", "ready": false, "state": {"running": {}}},
                {"name": "next", "ready": false, "state": {"waiting": {"reason": "PodInitializing"}}},
            ],
            "containerStatuses": [{"name": "web", "ready": false, "state": {"waiting": {"reason": "PodInitializing"}}}],
        }});
        assert!(matches!(troubled_container(&held_up), Some((name, Broken::Initializing)) if name == "wait"));
        let done = pod(json!([{"name": "job", "ready": false, "state": {"terminated": {"exitCode": 0}}}]));
        assert!(troubled_container(&done).is_none());
    }
}
