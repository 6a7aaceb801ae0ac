//! What a Deployment asks for.

use serde_json::Value;

use crate::object::{Fields, Rounding, int_or_percent};

/// The number that stands for "no limit" in `progressDeadlineSeconds` and `revisionHistoryLimit`.
const UNLIMITED: i64 = i32::MAX as i64;

/// The replicas of a Deployment or a ReplicaSet; 1 where nothing is said.
pub(super) fn replicas(object: &Value) -> i64 {
    object.int("/spec/replicas").unwrap_or(1)
}

/// Does it replace pods step by step? (The other strategy is `Recreate`.)
pub(super) fn is_rolling(deployment: &Value) -> bool {
    deployment.text("/spec/strategy/type") != "Recreate"
}

/// How many pods there may be more, and how many fewer than asked for, while rolling. Never both zero, or a rollout could
/// not begin.
fn fenceposts(deployment: &Value) -> (i64, i64) {
    let total = replicas(deployment);
    let surge = int_or_percent(deployment.pointer("/spec/strategy/rollingUpdate/maxSurge"), total, Rounding::Up);
    let unavailable =
        int_or_percent(deployment.pointer("/spec/strategy/rollingUpdate/maxUnavailable"), total, Rounding::Down);
    if surge == 0 && unavailable == 0 { (0, 1) } else { (surge, unavailable) }
}

/// How many pods there may be beyond the replicas.
pub(super) fn max_surge(deployment: &Value) -> i64 {
    if is_rolling(deployment) { fenceposts(deployment).0 } else { 0 }
}

/// How many of the replicas may be missing.
pub(super) fn max_unavailable(deployment: &Value) -> i64 {
    let total = replicas(deployment);
    if !is_rolling(deployment) || total == 0 { 0 } else { fenceposts(deployment).1.min(total) }
}

/// After how many seconds without progress a rollout counts as failed; `None` for never.
pub(super) fn progress_deadline(deployment: &Value) -> Option<i64> {
    deployment.int("/spec/progressDeadlineSeconds").filter(|seconds| *seconds != UNLIMITED)
}

/// How many old ReplicaSets are kept; `None` for all.
pub(super) fn history_limit(deployment: &Value) -> Option<i64> {
    deployment.int("/spec/revisionHistoryLimit").filter(|limit| *limit != UNLIMITED)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn rolling(replicas: i64, surge: impl Into<Value>, unavailable: impl Into<Value>) -> (i64, i64) {
        let (surge, unavailable): (Value, Value) = (surge.into(), unavailable.into());
        let deployment = json!({"spec": {"replicas": replicas, "strategy": {"type": "RollingUpdate",
            "rollingUpdate": {"maxSurge": surge, "maxUnavailable": unavailable}}}});
        (max_surge(&deployment), max_unavailable(&deployment))
    }

    #[test]
    fn fenceposts_as_kubernetes_resolves_them() {
        assert_eq!(rolling(2, "0%", "1%"), (0, 1));
        assert_eq!(rolling(2, "1%", "25%"), (1, 0));
        assert_eq!(rolling(10, "25%", "25%"), (3, 2));
        assert_eq!(rolling(1, 0, 5), (0, 1));
        assert_eq!(rolling(0, "25%", "25%"), (0, 0));
        let recreate = json!({"spec": {"replicas": 3, "strategy": {"type": "Recreate"}}});
        assert_eq!((max_surge(&recreate), max_unavailable(&recreate)), (0, 0));
    }
}
