//! What the pods of a workload say of it while it is waited for.

use std::collections::{BTreeMap, BTreeSet};

use bowline_cluster::{Metadata, ObjectRef, WatchEvent};
use serde_json::Value;

use crate::health::pod_trouble;
use crate::run::Run;

/// Where a node of the embedded cluster says what runs its pods: `process` for local programs.
const NODE_RUNS: &str = "bowline.dev/pods";
/// The most of a log line that is shown in a message, in characters.
const LINE_LENGTH: usize = 200;

/// The pods of the namespaces that are waited for, and what was asked about them.
#[derive(Default)]
pub(crate) struct Pods {
    pods: BTreeMap<(String, String), Value>,
    asked: BTreeSet<Question>,
    /// Nodes on which an image is a program named by `bowline.yaml`: there a missing one stays missing.
    local_nodes: BTreeSet<String>,
    last_words: BTreeMap<Crash, String>,
    /// Pods whose state is of this wait, by uid: what was listed at its begin may be of a node as it was before.
    heard_of: BTreeSet<String>,
    /// The nodes have had the time to look at every pod.
    pub(crate) settled: bool,
}

/// Something that the pods themselves do not tell; each is asked once.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Question {
    /// Whether images of this node are local programs.
    Node(String),
    /// The last line that a container wrote before it ended.
    LastWords(Crash),
}

/// The answer, if it was to be had.
pub(crate) type Answer = (Question, Option<String>);

/// One end of a container.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Crash {
    namespace: String,
    pod: String,
    uid: String,
    container: String,
    restarts: i64,
    code: i64,
    /// The kubelet waits before it starts it again.
    looping: bool,
}

/// What a pod in trouble says.
pub(crate) struct Word {
    pub(crate) reason: String,
    pub(crate) message: String,
    /// It will stay so, whatever is waited for.
    pub(crate) certain: bool,
}

impl Pods {
    pub(crate) fn take(&mut self, event: WatchEvent) {
        let place = |pod: &Value| (pod.namespace().to_owned(), pod.name().to_owned());
        match event {
            WatchEvent::Listed(pods) => {
                if let Some(namespace) = pods.first().map(|pod| pod.namespace().to_owned()) {
                    self.pods.retain(|(of, _), _| *of != namespace);
                }
                self.pods.extend(pods.into_iter().map(|pod| (place(&pod), pod)));
            }
            WatchEvent::Changed(pod) => {
                self.heard_of.insert(pod.uid().to_owned());
                self.pods.insert(place(&pod), pod);
            }
            WatchEvent::Deleted(pod) => {
                self.pods.remove(&place(&pod));
            }
            WatchEvent::Interrupted(_) => {}
        }
    }

    /// What a pod of a workload has to say, if one is in trouble: one whose trouble is certain, else the newest.
    pub(crate) fn say(&self, workload: &Value) -> Option<Word> {
        self.of(workload)
            .filter_map(|pod| Some((pod, self.word(workload, pod)?)))
            .max_by(|(a, said), (b, told)| {
                let age = |pod: &Value| pod["metadata"]["creationTimestamp"].as_str().unwrap_or_default().to_owned();
                (said.certain, age(a)).cmp(&(told.certain, age(b)))
            })
            .map(|(_, word)| word)
    }

    /// What is to be asked about the pods of a workload, and was not yet.
    pub(crate) fn questions(&mut self, workload: &Value) -> Vec<Question> {
        let wanted = self.of(workload).filter_map(|pod| match crash_of(pod) {
            Some(crash) => Some(Question::LastWords(crash)),
            None => lacks_image(pod).then(|| Question::Node(node_of(pod).to_owned())),
        });
        let new: Vec<Question> = wanted.filter(|question| !self.asked.contains(question)).collect();
        self.asked.extend(new.iter().cloned());
        new
    }

    pub(crate) fn learn(&mut self, (question, answer): Answer) {
        match (question, answer) {
            (Question::Node(node), Some(runs)) if runs == "process" => {
                self.local_nodes.insert(node);
            }
            (Question::LastWords(crash), Some(line)) => {
                self.last_words.insert(crash, line);
            }
            _ => {}
        }
    }

    fn of<'a>(&'a self, workload: &'a Value) -> impl Iterator<Item = &'a Value> {
        let selector = workload["spec"]["selector"]["matchLabels"].as_object();
        let own = (workload.kind() == "Pod").then_some(workload);
        let selected = self.pods.values().filter(move |pod| {
            let selects = |wanted: &serde_json::Map<String, Value>| {
                wanted.iter().all(|(label, value)| pod.label(label) == value.as_str())
            };
            pod.namespace() == workload.namespace() && !pod.is_terminating() && selector.is_some_and(selects)
        });
        own.into_iter().chain(selected)
    }

    fn word(&self, workload: &Value, pod: &Value) -> Option<Word> {
        let named = |message: &str| format!("Pod/{}: {message}", pod.name());
        if let Some(crash) = crash_of(pod) {
            let mut message = named(&format!("exit code {}", crash.code));
            if let Some(line) = self.last_words.get(&crash) {
                message += &format!(": {line}");
            }
            let reason = if crash.looping { "CrashLoopBackOff" } else { "Error" };
            return Some(Word { reason: reason.to_owned(), message, certain: false });
        }
        let (reason, message) = pod_trouble(pod)?;
        let is_fresh = self.settled || self.heard_of.contains(pod.uid());
        let certain = is_fresh
            && hopeless_containers(pod, self.local_nodes.contains(node_of(pod))).any(|name| {
                // A pod of an earlier revision is on its way out.
                let (own, wanted) = (container_of(&pod["spec"], name), container_of(template(workload), name));
                let same = |field: &str| own.map(|c| &c[field]) == wanted.map(|c| &c[field]);
                same("image") && same("imagePullPolicy")
            });
        // What follows the first line is a snippet for the hint.
        let message = named(message.lines().next().unwrap_or_default());
        Some(Word { reason, message, certain })
    }
}

impl Run {
    pub(crate) async fn answer(&self, question: Question) -> Answer {
        let answer = match &question {
            Question::Node(name) => self.node_runs(name).await,
            Question::LastWords(crash) => {
                let lines = self.log_lines(&crash.namespace, &crash.pod, &crash.container, crash.looping, 5).await;
                let last = lines.into_iter().rev().find(|line| !line.trim().is_empty());
                last.map(|line| shortened(line.trim()))
            }
        };
        (question, answer)
    }

    /// What runs the pods of a node, where it is one of the embedded cluster's. Whoever may not read nodes learns nothing.
    async fn node_runs(&self, name: &str) -> Option<String> {
        let node = self.engine.cluster.get(&ObjectRef::new("v1", "Node", "", name)).await.ok()??;
        node.annotation(NODE_RUNS).map(str::to_owned)
    }

    /// Whether the pod's images are programs named by `bowline.yaml`.
    pub(crate) async fn runs_local_programs(&self, pod: &Value) -> bool {
        self.node_runs(node_of(pod)).await.is_some_and(|runs| runs == "process")
    }
}

fn template(workload: &Value) -> &Value {
    if workload.kind() == "Pod" { &workload["spec"] } else { &workload["spec"]["template"]["spec"] }
}

/// The image of a container in a pod's spec.
pub(crate) fn image_of<'a>(spec: &'a Value, container: &str) -> Option<&'a str> {
    container_of(spec, container)?["image"].as_str()
}

fn container_of<'a>(spec: &'a Value, name: &str) -> Option<&'a Value> {
    let lists = ["initContainers", "containers"];
    let mut containers = lists.iter().flat_map(|list| spec[*list].as_array().into_iter().flatten());
    containers.find(|container| container["name"] == name)
}

fn node_of(pod: &Value) -> &str {
    pod["spec"]["nodeName"].as_str().unwrap_or_default()
}

fn statuses(pod: &Value) -> impl Iterator<Item = &Value> {
    let lists = ["initContainerStatuses", "containerStatuses"];
    lists.into_iter().flat_map(|list| pod["status"][list].as_array().into_iter().flatten())
}

fn waiting_reason(status: &Value) -> &str {
    status["state"]["waiting"]["reason"].as_str().unwrap_or_default()
}

fn is_pull(reason: &str) -> bool {
    matches!(reason, "ErrImagePull" | "ImagePullBackOff")
}

fn lacks_image(pod: &Value) -> bool {
    statuses(pod).any(|status| is_pull(waiting_reason(status)))
}

/// Containers that no time will start: their image has no valid name, may not be pulled, or has no local program. An image
/// that cannot be pulled from a registry may be there in a moment.
fn hopeless_containers(pod: &Value, local: bool) -> impl Iterator<Item = &str> {
    statuses(pod)
        .filter(move |status| match waiting_reason(status) {
            "InvalidImageName" | "ErrImageNeverPull" => true,
            reason => local && is_pull(reason),
        })
        .filter_map(|status| status["name"].as_str())
}

/// The first container that ended badly and does not run now.
fn crash_of(pod: &Value) -> Option<Crash> {
    statuses(pod).find_map(|status| {
        let looping = waiting_reason(status) == "CrashLoopBackOff";
        let end = if looping { &status["lastState"]["terminated"] } else { &status["state"]["terminated"] };
        let code = end["exitCode"].as_i64().filter(|code| looping || *code != 0)?;
        Some(Crash {
            namespace: pod.namespace().to_owned(),
            pod: pod.name().to_owned(),
            uid: pod.uid().to_owned(),
            container: status["name"].as_str().unwrap_or_default().to_owned(),
            restarts: status["restartCount"].as_i64().unwrap_or_default(),
            code,
            looping,
        })
    })
}

fn shortened(line: &str) -> String {
    match line.char_indices().nth(LINE_LENGTH) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn deployment(image: &str) -> Value {
        json!({"kind": "Deployment", "metadata": {"name": "web", "namespace": "demo"},
            "spec": {"selector": {"matchLabels": {"app": "web"}},
                "template": {"spec": {"containers": [{"name": "main", "image": image}]}}}})
    }

    fn pod(name: &str, image: &str, status: &Value) -> Value {
        let mut status = status.clone();
        status["name"] = json!("main");
        json!({"kind": "Pod", "metadata": {"name": name, "namespace": "demo", "uid": name, "labels": {"app": "web"},
                "creationTimestamp": "2026-01-31T12:00:00Z"},
            "spec": {"nodeName": "node-0", "containers": [{"name": "main", "image": image}]},
            "status": {"phase": "Pending", "containerStatuses": [status]}})
    }

    fn waiting(reason: &str) -> Value {
        json!({"state": {"waiting": {"reason": reason, "message": "no such image\nlocal:\n"}}})
    }

    #[test]
    fn what_stays_as_it_is_is_told_from_what_may_come() {
        let cases = [
            ("InvalidImageName", false, "a:1", true),
            ("ErrImageNeverPull", false, "a:1", true),
            ("ImagePullBackOff", false, "a:1", false),
            ("ErrImagePull", true, "a:1", true),
            ("ImagePullBackOff", true, "a:1", true),
            // A pod of the revision before, which the next one replaces.
            ("ImagePullBackOff", true, "b:1", false),
            ("CreateContainerConfigError", true, "a:1", false),
        ];
        for (reason, local, image, certain) in cases {
            let mut pods = Pods::default();
            pods.take(WatchEvent::Changed(pod("web-1", image, &waiting(reason))));
            if local {
                pods.learn((Question::Node("node-0".into()), Some("process".into())));
            }
            let word = pods.say(&deployment("a:1")).unwrap();
            // Of before the wait, until the node had time to look.
            let mut stale = Pods { local_nodes: pods.local_nodes.clone(), ..Pods::default() };
            stale.take(WatchEvent::Listed(vec![pod("web-1", image, &waiting(reason))]));
            assert!(!stale.say(&deployment("a:1")).unwrap().certain);
            stale.settled = true;
            assert_eq!(stale.say(&deployment("a:1")).unwrap().certain, certain);
            assert_eq!(
                (word.certain, word.message.as_str()),
                (certain, "Pod/web-1: no such image"),
                "{reason} {local}"
            );
        }
    }

    #[test]
    fn a_crash_is_told_with_its_last_words_and_asked_about_once_per_restart() {
        let crash = |restarts: i64| {
            let status = json!({"restartCount": restarts, "state": {"waiting": {"reason": "CrashLoopBackOff",
                "message": "back-off 10s restarting failed container"}}, "lastState": {"terminated": {"exitCode": 1}}});
            pod("web-1", "a:1", &status)
        };
        let (mut pods, workload) = (Pods::default(), deployment("a:1"));
        pods.take(WatchEvent::Changed(crash(1)));
        let [question] = pods.questions(&workload).try_into().unwrap();
        assert!(pods.questions(&workload).is_empty());
        assert_eq!(pods.say(&workload).unwrap().message, "Pod/web-1: exit code 1");
        pods.learn((question, Some("cannot listen on 0.0.0.0:3000".into())));
        let word = pods.say(&workload).unwrap();
        assert_eq!(word.message, "Pod/web-1: exit code 1: cannot listen on 0.0.0.0:3000");
        assert_eq!((word.reason.as_str(), word.certain), ("CrashLoopBackOff", false));
        pods.take(WatchEvent::Changed(crash(2)));
        assert_eq!(pods.questions(&workload).len(), 1);
    }
}
