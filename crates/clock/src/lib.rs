//! Time and randomness, handed down from the command line so that virtual time works end to end.
//!
//! ```text
//!            cli ── Clock::system() ──────────┐
//!                                             ├──► store, apiserver, controlplane, release, engine
//!  rehearse ── Clock::starting_at(t) ─────────┘     (now(), tokio::time::sleep)
//!           └─ Random::seeded(n).fork("node") ─►    (uids, suffixes, jitter)
//! ```
//!
//! Reads: tokio's timer, and the machine's clock and entropy once, in [`Clock::system`] and [`Random::from_entropy`].
//! Produces: timestamps, and repeatable random values.
//! Never: reads the machine's clock after its start, so that a paused tokio runtime carries every timestamp with it.
#![forbid(unsafe_code)]

mod random;

pub use jiff::Timestamp;
pub use random::Random;

use jiff::SignedDuration;
use tokio::time::Instant;

/// Wall time as *start + elapsed on tokio's timer*: under `start_paused` it is virtual time.
#[derive(Clone, Debug)]
pub struct Clock {
    start: Timestamp,
    origin: Instant,
}

impl Clock {
    /// A clock that shows the machine's time. Only the command line calls this; everything below is handed a clock.
    pub fn system() -> Self {
        // The one place where the machine's clock is read.
        #[allow(clippy::disallowed_methods)]
        let now = Timestamp::now();
        Self::starting_at(now)
    }

    /// A clock that shows `start` now and runs with tokio's timer from here on.
    pub fn starting_at(start: Timestamp) -> Self {
        Self { start, origin: Instant::now() }
    }

    /// The present wall time.
    pub fn now(&self) -> Timestamp {
        let elapsed = SignedDuration::try_from(self.origin.elapsed()).unwrap_or(SignedDuration::MAX);
        self.start.checked_add(elapsed).unwrap_or(Timestamp::MAX)
    }

    /// The present time as Kubernetes writes `metav1.Time`: RFC 3339, UTC, whole seconds (`2026-01-31T12:00:00Z`).
    pub fn rfc3339(&self) -> String {
        self.now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
    }

    /// The present time as Kubernetes writes `metav1.MicroTime`: RFC 3339, UTC, six decimals.
    pub fn rfc3339_micro(&self) -> String {
        self.now().strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[tokio::test(start_paused = true)]
    async fn follows_virtual_time() {
        let clock = Clock::starting_at("2026-01-31T12:00:00Z".parse().unwrap());
        tokio::time::sleep(Duration::from_secs(300)).await;
        assert_eq!(clock.rfc3339(), "2026-01-31T12:05:00Z");
        assert_eq!(clock.rfc3339_micro(), "2026-01-31T12:05:00.000000Z");
    }
}
