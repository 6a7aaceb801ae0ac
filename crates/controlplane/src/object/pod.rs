//! What controllers read off a pod.

use bowline_clock::Timestamp;
use jiff::SignedDuration;
use serde_json::Value;

use super::Fields;

/// Has every container ended for good?
pub(crate) fn is_finished(pod: &Value) -> bool {
    matches!(pod.text("/status/phase"), "Succeeded" | "Failed")
}

/// Does it count as a replica: neither finished nor being deleted?
pub(crate) fn is_active(pod: &Value) -> bool {
    !is_finished(pod) && !pod.is_terminating()
}

/// Is it being deleted and not finished yet?
pub(crate) fn is_leaving(pod: &Value) -> bool {
    !is_finished(pod) && pod.is_terminating()
}

/// The condition of a type, where the pod has it.
pub(crate) fn condition<'a>(pod: &'a Value, kind: &str) -> Option<&'a Value> {
    pod.items("/status/conditions").iter().find(|c| c.text("/type") == kind)
}

/// Is its Ready condition true?
pub(crate) fn is_ready(pod: &Value) -> bool {
    condition(pod, "Ready").is_some_and(|c| c.text("/status") == "True")
}

/// Since when it has been ready, where it is.
pub(crate) fn ready_since(pod: &Value) -> Option<Timestamp> {
    let ready = condition(pod, "Ready").filter(|c| c.text("/status") == "True")?;
    ready.text("/lastTransitionTime").parse().ok()
}

/// How long it still has to stay ready before it counts as available; zero where it does already, `None` where it is not
/// ready.
pub(crate) fn until_available(pod: &Value, min_ready_seconds: i64, now: Timestamp) -> Option<SignedDuration> {
    if !is_ready(pod) {
        return None;
    }
    if min_ready_seconds == 0 {
        return Some(SignedDuration::ZERO);
    }
    let since = ready_since(pod)?;
    let left = since.duration_since(now) + SignedDuration::from_secs(min_ready_seconds);
    Some(left.max(SignedDuration::ZERO))
}

/// Has it been ready for long enough?
pub(crate) fn is_available(pod: &Value, min_ready_seconds: i64, now: Timestamp) -> bool {
    until_available(pod, min_ready_seconds, now).is_some_and(|left| left.is_zero())
}

/// Is the init container a sidecar, which runs as long as the pod does?
pub(crate) fn is_sidecar(init_container: &Value) -> bool {
    init_container.text("/restartPolicy") == "Always"
}

/// The highest restart counts: of a regular container, and of a sidecar.
pub(crate) fn most_restarts(pod: &Value) -> (i64, i64) {
    let highest = |path: &str, counts: &dyn Fn(&str) -> bool| {
        let statuses = pod.items(path).iter().filter(|s| counts(s.text("/name")));
        statuses.filter_map(|s| s.int("/restartCount")).max().unwrap_or(0)
    };
    let sidecars: Vec<&str> =
        pod.items("/spec/initContainers").iter().filter(|c| is_sidecar(c)).map(|c| c.text("/name")).collect();
    (
        highest("/status/containerStatuses", &|_| true),
        highest("/status/initContainerStatuses", &|name| sidecars.contains(&name)),
    )
}

/// When it ended: its last container's end, else when it became unready, else when its deletion began, else its creation.
pub(crate) fn finished_at(pod: &Value) -> Option<Timestamp> {
    let parse = |text: &str| text.parse::<Timestamp>().ok();
    let statuses = pod.items("/status/containerStatuses");
    let ends: Option<Vec<Timestamp>> = statuses.iter().map(|s| parse(s.text("/state/terminated/finishedAt"))).collect();
    if let Some(last) = ends.and_then(|ends| ends.into_iter().max()) {
        return Some(last);
    }
    let unready = condition(pod, "Ready").filter(|c| c.text("/status") == "False");
    if let Some(at) = unready.and_then(|c| parse(c.text("/lastTransitionTime"))) {
        return Some(at);
    }
    if let Some(at) = parse(pod.text("/metadata/deletionTimestamp")) {
        let grace = pod.int("/metadata/deletionGracePeriodSeconds").unwrap_or(0);
        return at.checked_sub(SignedDuration::from_secs(grace)).ok();
    }
    parse(pod.created())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn availability_counts_from_readiness() {
        let pod = json!({"status": {"conditions": [
            {"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-31T12:00:00Z"}]}});
        let at = |s: &str| s.parse::<Timestamp>().unwrap();
        assert_eq!(until_available(&pod, 30, at("2026-01-31T12:00:10Z")), Some(SignedDuration::from_secs(20)));
        assert!(!is_available(&pod, 30, at("2026-01-31T12:00:29Z")));
        assert!(
            is_available(&pod, 30, at("2026-01-31T12:00:30Z")) && is_available(&pod, 0, at("2026-01-31T12:00:00Z"))
        );
        assert_eq!(until_available(&json!({}), 0, at("2026-01-31T12:00:30Z")), None);
    }

    #[test]
    fn a_pod_ends_with_its_last_container() {
        let ended = |a: &str, b: &str| {
            json!({"metadata": {"creationTimestamp": "2026-01-31T11:00:00Z"}, "status": {"containerStatuses": [
                {"state": {"terminated": {"finishedAt": a}}}, {"state": {"terminated": {"finishedAt": b}}}]}})
        };
        let at = |s: &str| s.parse::<Timestamp>().ok();
        let pod = ended("2026-01-31T12:00:00Z", "2026-01-31T12:00:05Z");
        assert_eq!(finished_at(&pod), at("2026-01-31T12:00:05Z"));
        assert_eq!(finished_at(&ended("2026-01-31T12:00:00Z", "")), at("2026-01-31T11:00:00Z"));
    }
}
