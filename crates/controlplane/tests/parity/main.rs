//! The same Deployment and Jobs on the real control plane (with kwok as its node) and on Bowline's: what an observer sees must
//! be the same, but for times, uids and the letters of hashes.

// A test may panic, wherever its code stands; the real programs run in real time.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::disallowed_methods)]

mod embedded;
mod real;

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// What was seen of a scenario: every state of some kinds of objects, in order, and the events at its end.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// By kind.
    pub(crate) states: BTreeMap<String, Vec<Value>>,
    pub(crate) events: Vec<Value>,
}

/// A rolling update step by step: one pod more, none fewer.
pub(crate) fn deployment(image: &str) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": {
        "replicas": 3, "selector": {"matchLabels": {"app": "web"}}, "progressDeadlineSeconds": 600,
        "revisionHistoryLimit": 10,
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
        "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "main", "image": image}]}},
    }})
}

/// A Job whose pod completes, or with the label fails.
pub(crate) fn job(name: &str, fails: bool) -> Value {
    let labels = if fails { json!({bowline_peers::kubernetes::OUTCOME_LABEL: "fail"}) } else { json!({}) };
    json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name}, "spec": {
        "backoffLimit": 0, "parallelism": 1, "completions": 1,
        "template": {"metadata": {"labels": labels}, "spec": {
            "restartPolicy": "Never", "containers": [{"name": "main", "image": "job"}]}},
    }})
}

/// A pod that fits on no node.
pub(crate) fn huge_pod() -> Value {
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "huge"}, "spec": {"containers": [
        {"name": "main", "image": "huge", "resources": {"requests": {"cpu": "9999"}}}]}})
}

impl Seen {
    /// ReplicaSets by name: `web-1` and `web-2` in the order of their revisions.
    fn names(&self) -> BTreeMap<String, String> {
        let name = |o: &Value| o["metadata"]["name"].as_str().unwrap().to_owned();
        let mut names = BTreeMap::new();
        for set in &self.states["ReplicaSet"] {
            let next = format!("web-{}", names.len() + 1);
            names.entry(name(set)).or_insert(next);
        }
        names
    }

    fn rename(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (name, new) in self.names() {
            text = text.replace(&name, &new);
        }
        // The suffix of a pod's name is five letters by chance.
        let words = text.split(' ').map(|word| match word.rsplit_once('-') {
            Some((owner, suffix)) if suffix.len() == 5 && suffix.chars().all(char::is_alphanumeric) => {
                format!("{owner}-POD")
            }
            _ => word.to_owned(),
        });
        words.collect::<Vec<_>>().join(" ")
    }

    /// `reason: message` of the events about objects of a kind, in order.
    fn events_of(&self, kind: &str) -> Vec<String> {
        let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
        let events = self.events.iter().filter(|e| e["involvedObject"]["kind"] == kind);
        events
            .map(|e| self.rename(&format!("{} {}: {}", text(&e["type"]), text(&e["reason"]), text(&e["message"]))))
            .collect()
    }

    /// The states that a condition went through, repetitions left out.
    fn condition(&self, kind: &str, condition: &str) -> Vec<String> {
        let mut seen: Vec<String> = Vec::new();
        for state in &self.states[kind] {
            let conditions = state["status"]["conditions"].as_array().cloned().unwrap_or_default();
            for found in conditions.iter().filter(|c| c["type"] == condition) {
                let text = |field: &str| found[field].as_str().unwrap_or_default().to_owned();
                let line = self.rename(&format!("{} {} {}", text("status"), text("reason"), text("message")));
                if seen.last() != Some(&line) {
                    seen.push(line);
                }
            }
        }
        seen
    }

    /// The states of the status of an object, without times and uids, repetitions left out.
    fn statuses(&self, kind: &str, name: &str) -> Vec<Value> {
        let mut seen: Vec<Value> = Vec::new();
        for state in self.states[kind].iter().filter(|s| s["metadata"]["name"] == name) {
            let mut status = plain(&state["status"]);
            // How long a pod is seen ready depends on how long it runs.
            status.as_object_mut().unwrap().remove("ready");
            if seen.last() != Some(&status) {
                seen.push(status);
            }
        }
        seen
    }

    /// The last states of the objects of a kind, by name: labels, annotations, generation, status.
    fn last(&self, kind: &str) -> BTreeMap<String, Value> {
        let mut last = BTreeMap::new();
        for state in &self.states[kind] {
            let metadata = &state["metadata"];
            let kept = json!({"annotations": metadata["annotations"], "generation": metadata["generation"],
                              "status": plain(&state["status"])});
            let text = self.rename(&kept.to_string());
            last.insert(self.rename(metadata["name"].as_str().unwrap()), serde_json::from_str(&text).unwrap());
        }
        last
    }
}

/// Times and uids as words, the order of conditions as of their types.
fn plain(value: &Value) -> Value {
    match value {
        Value::Object(fields) => fields
            .iter()
            .map(|(key, value)| match key.as_str() {
                "lastTransitionTime" | "lastUpdateTime" | "lastProbeTime" | "startTime" | "completionTime" => {
                    (key.clone(), json!("TIME"))
                }
                "succeeded" | "failed" if value.is_array() => (key.clone(), json!(value.as_array().unwrap().len())),
                _ => (key.clone(), plain(value)),
            })
            .collect(),
        Value::Array(items) => {
            let mut items: Vec<Value> = items.iter().map(plain).collect();
            items.sort_by_key(|item| item["type"].as_str().unwrap_or_default().to_owned());
            Value::Array(items)
        }
        Value::Null => json!({}),
        other => other.clone(),
    }
}

#[test]
fn a_rollout_and_jobs_go_as_on_the_real_control_plane() {
    let Some(real) = real::run() else { return };
    let embedded = embedded::run();
    for kind in ["Deployment", "Job"] {
        assert_eq!(embedded.events_of(kind), real.events_of(kind), "events of {kind}");
    }
    let sorted = |mut events: Vec<String>| {
        events.sort();
        events
    };
    assert_eq!(sorted(embedded.events_of("ReplicaSet")), sorted(real.events_of("ReplicaSet")));
    let progressing = embedded.condition("Deployment", "Progressing");
    assert_eq!(progressing, real.condition("Deployment", "Progressing"));
    assert_eq!(progressing.len(), 6, "{progressing:#?}");
    assert_eq!(embedded.last("Deployment"), real.last("Deployment"));
    assert_eq!(embedded.last("ReplicaSet"), real.last("ReplicaSet"));
    let unscheduled = |seen: &Seen| {
        let mut events = seen.events_of("Pod");
        events.retain(|e| e.contains("FailedScheduling"));
        events.dedup();
        events
    };
    assert_eq!(unscheduled(&embedded), unscheduled(&real));
    assert_eq!(unscheduled(&real).len(), 1);
    for name in ["good", "bad"] {
        assert_eq!(embedded.statuses("Job", name), real.statuses("Job", name), "states of job {name}");
    }
}
