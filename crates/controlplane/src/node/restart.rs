//! Back-off between attempts, as the kubelet keeps it for restarts and image pulls.

use std::time::Duration;

use tokio::time::Instant;

/// First delay of a back-off.
pub(crate) const INITIAL: Duration = Duration::from_secs(10);
/// Longest delay of a back-off.
pub(crate) const LONGEST: Duration = Duration::from_secs(300);
/// A back-off that was not extended for this long starts over.
pub(crate) const FORGOTTEN_AFTER: Duration = Duration::from_secs(600);

/// A delay that doubles from 10 s to 5 min and is forgotten after 10 min without another attempt.
#[derive(Clone, Debug, Default)]
pub(crate) struct Backoff {
    delay: Option<Duration>,
    extended: Option<Instant>,
}

impl Backoff {
    /// Until when an attempt has to wait, counted from `since` (the end of the last one); `None`: not at all.
    pub(crate) fn blocked_until(&self, since: Instant, now: Instant) -> Option<Instant> {
        if self.forgotten(now) {
            return None;
        }
        let until = since + self.delay?;
        (now < until).then_some(until)
    }

    /// The present delay; zero before the first attempt.
    pub(crate) fn delay(&self) -> Duration {
        self.delay.unwrap_or(Duration::ZERO)
    }

    /// Notes an attempt: the next one has to wait twice as long.
    pub(crate) fn extend(&mut self, now: Instant) {
        let next = match self.delay {
            Some(delay) if !self.forgotten(now) => (delay * 2).min(LONGEST),
            _ => INITIAL,
        };
        self.delay = Some(next);
        self.extended = Some(now);
    }

    fn forgotten(&self, now: Instant) -> bool {
        self.extended.is_some_and(|at| now.duration_since(at) > FORGOTTEN_AFTER)
    }
}

/// A duration as Go prints it (`10s`, `1m20s`, `5m0s`), for messages that repeat the kubelet's.
pub(crate) fn go_duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, s) => format!("{s}s"),
        (0, m, s) => format!("{m}m{s}s"),
        (h, m, s) => format!("{h}h{m}m{s}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn doubles_to_five_minutes_and_is_forgotten_after_ten() {
        let mut backoff = Backoff::default();
        let start = Instant::now();
        assert_eq!(backoff.blocked_until(start, start), None);
        let mut delays = Vec::new();
        for _ in 0..7 {
            backoff.extend(Instant::now());
            delays.push(backoff.delay().as_secs());
            tokio::time::advance(backoff.delay()).await;
        }
        assert_eq!(delays, [10, 20, 40, 80, 160, 300, 300]);
        tokio::time::advance(FORGOTTEN_AFTER).await;
        assert_eq!(backoff.blocked_until(Instant::now(), Instant::now()), None);
        backoff.extend(Instant::now());
        assert_eq!(backoff.delay(), INITIAL);
    }

    #[test]
    fn durations_read_as_in_go() {
        let text = |s| go_duration(Duration::from_secs(s));
        assert_eq!(
            (text(10), text(80), text(300), text(3661)),
            ("10s".into(), "1m20s".into(), "5m0s".into(), "1h1m1s".into())
        );
    }
}
