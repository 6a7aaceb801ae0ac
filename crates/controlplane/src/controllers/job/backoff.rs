use std::collections::BTreeMap;
use std::sync::Arc;

use bowline_clock::Timestamp;
use jiff::SignedDuration;
use serde_json::Value;

use crate::object::pod;

/// How long a Job waits after its first failed pod, and at most; twice as long after each further one.
const FIRST: SignedDuration = SignedDuration::from_secs(10);
const MOST: SignedDuration = SignedDuration::from_mins(10);

/// The failures of one Job since its last success.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Failures {
    count: u32,
    last: Option<Timestamp>,
}

impl Failures {
    /// With the pods that ended since.
    pub(super) fn with(self, succeeded: &[Arc<Value>], failed: &[Arc<Value>]) -> Self {
        let ends = |pods: &[Arc<Value>]| pods.iter().filter_map(|p| pod::finished_at(p)).collect::<Vec<_>>();
        let (success, failures) = (ends(succeeded).into_iter().max(), ends(failed));
        let before = if success.is_some() { Self::default() } else { self };
        let counted = failures.iter().filter(|at| success.is_none_or(|success| **at > success));
        Self {
            count: before.count.saturating_add(u32::try_from(counted.clone().count()).unwrap_or(u32::MAX)),
            last: counted.max().copied().or(before.last),
        }
    }

    /// How long the Job has to wait until it may make a pod again.
    pub(super) fn wait(self, now: Timestamp) -> SignedDuration {
        let Some(last) = self.last.filter(|_| self.count > 0) else { return SignedDuration::ZERO };
        let factor = 1i32.checked_shl((self.count - 1).min(30)).unwrap_or(i32::MAX);
        let backoff = FIRST.checked_mul(factor).unwrap_or(MOST).min(MOST);
        (backoff - now.duration_since(last)).max(SignedDuration::ZERO)
    }
}

/// The failures of all Jobs, by uid.
pub(super) type Records = BTreeMap<String, Failures>;

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn ended(at: &str) -> Arc<Value> {
        Arc::new(json!({"status": {"containerStatuses": [{"state": {"terminated": {"finishedAt": at}}}]}}))
    }

    #[test]
    fn the_wait_doubles_and_a_success_ends_it() {
        let at = |s: &str| s.parse::<Timestamp>().unwrap();
        let one = Failures::default().with(&[], &[ended("2026-01-31T12:00:00Z")]);
        assert_eq!(one.wait(at("2026-01-31T12:00:04Z")), SignedDuration::from_secs(6));
        let three = one.with(&[], &[ended("2026-01-31T12:01:00Z"), ended("2026-01-31T12:02:00Z")]);
        assert_eq!(three.wait(at("2026-01-31T12:02:00Z")), SignedDuration::from_secs(40));
        let success = [ended("2026-01-31T12:02:30Z")];
        assert_eq!(three.with(&success, &[]), Failures::default());
        let after = three.with(&success, &[ended("2026-01-31T12:02:00Z"), ended("2026-01-31T12:03:00Z")]);
        assert_eq!(after.wait(at("2026-01-31T12:03:00Z")), SignedDuration::from_secs(10));
        let many = (0..20).fold(Failures::default(), |f, _| f.with(&[], &[ended("2026-01-31T12:00:00Z")]));
        assert_eq!(many.wait(at("2026-01-31T12:00:00Z")), SignedDuration::from_mins(10));
    }
}
