//! Which pods go first when there are too many.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

use bowline_clock::Timestamp;
use serde_json::Value;

use crate::object::{Fields, pod};

/// What a pod may carry to be spared or preferred; lower goes first.
const DELETION_COST: &str = "controller.kubernetes.io/pod-deletion-cost";

/// Sorts pods so that those to delete come first: not placed, not running, not ready, cheap, crowded on their node, ready or
/// made only lately, restarted often. `related` are the pods of all ReplicaSets of the same owner. Ages are compared by their
/// logarithm, and of like age the uid decides, which spreads the choice.
pub(crate) fn sort_for_deletion(pods: &mut [Arc<Value>], related: &[Arc<Value>], now: Timestamp) {
    let mut crowd: BTreeMap<&str, usize> = BTreeMap::new();
    for pod in related.iter().filter(|p| pod::is_active(p)) {
        *crowd.entry(pod.text("/spec/nodeName")).or_default() += 1;
    }
    let crowded = |pod: &Value| crowd.get(pod.text("/spec/nodeName")).copied().unwrap_or(0);
    pods.sort_by(|a, b| {
        let placed = |p: &Value| !p.text("/spec/nodeName").is_empty();
        placed(a)
            .cmp(&placed(b))
            .then_with(|| phase(a).cmp(&phase(b)))
            .then_with(|| pod::is_ready(a).cmp(&pod::is_ready(b)))
            .then_with(|| cost(a).cmp(&cost(b)))
            .then_with(|| crowded(b).cmp(&crowded(a)))
            .then_with(|| younger_first(pod::ready_since(a), pod::ready_since(b), a, b, now))
            .then_with(|| pod::most_restarts(b).cmp(&pod::most_restarts(a)))
            .then_with(|| younger_first(a.created().parse().ok(), b.created().parse().ok(), a, b, now))
            .then_with(|| a.uid().cmp(b.uid()))
    });
}

fn phase(pod: &Value) -> u8 {
    match pod.text("/status/phase") {
        "Running" => 2,
        "Unknown" => 1,
        _ => 0,
    }
}

fn cost(pod: &Value) -> i64 {
    pod.annotation(DELETION_COST).and_then(|c| c.parse().ok()).unwrap_or(0)
}

fn younger_first(a: Option<Timestamp>, b: Option<Timestamp>, pod: &Value, other: &Value, now: Timestamp) -> Ordering {
    if a == b {
        return Ordering::Equal;
    }
    let magnitude = |since: Option<Timestamp>| {
        let age = now.duration_since(since?).as_nanos();
        Some(if age > 0 { i64::from(age.ilog2()) } else { -1 })
    };
    // A time that is not known counts as the youngest.
    magnitude(a).cmp(&magnitude(b)).then_with(|| pod.uid().cmp(other.uid()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn pod(name: &str, phase: &str, ready: Option<&str>) -> Arc<Value> {
        let mut pod = json!({"metadata": {"name": name, "uid": name, "creationTimestamp": "2026-01-31T10:00:00Z"},
            "spec": {"nodeName": "n"}, "status": {"phase": phase}});
        if let Some(since) = ready {
            pod.put("/status/conditions", json!([{"type": "Ready", "status": "True", "lastTransitionTime": since}]));
        }
        Arc::new(pod)
    }

    fn order(mut pods: Vec<Arc<Value>>) -> Vec<String> {
        let related = pods.clone();
        sort_for_deletion(&mut pods, &related, "2026-01-31T12:00:00Z".parse().unwrap());
        pods.iter().map(|p| p.name().to_owned()).collect()
    }

    #[test]
    fn the_least_useful_pod_goes_first() {
        let unplaced = {
            let mut pod = Value::clone(&pod("unplaced", "Pending", None));
            pod.put("/spec/nodeName", Value::Null);
            Arc::new(pod)
        };
        let cheap = {
            let mut pod = Value::clone(&pod("cheap", "Running", Some("2026-01-31T10:00:05Z")));
            pod.annotate(DELETION_COST, "-5");
            Arc::new(pod)
        };
        let pods = vec![
            pod("old", "Running", Some("2026-01-31T10:00:05Z")),
            pod("young", "Running", Some("2026-01-31T11:59:00Z")),
            pod("unready", "Running", None),
            pod("pending", "Pending", None),
            cheap,
            unplaced,
        ];
        assert_eq!(order(pods), ["unplaced", "pending", "unready", "cheap", "young", "old"]);
    }

    #[test]
    fn pods_of_like_age_are_chosen_by_uid() {
        let pods =
            vec![pod("b", "Running", Some("2026-01-31T10:00:05Z")), pod("a", "Running", Some("2026-01-31T10:00:04Z"))];
        assert_eq!(order(pods), ["a", "b"]);
    }
}
