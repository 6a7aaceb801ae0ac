use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use tokio::time::Instant;

/// Namespace and name of what is to be reconciled; the namespace is empty for cluster-scoped objects.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Key {
    pub(crate) namespace: String,
    pub(crate) name: String,
}

impl Key {
    pub(crate) fn new(namespace: &str, name: &str) -> Self {
        Self { namespace: namespace.to_owned(), name: name.to_owned() }
    }

    /// Of an object by its metadata.
    pub(crate) fn of(object: &serde_json::Value) -> Self {
        use crate::object::Fields;
        Self::new(object.namespace(), object.name())
    }
}

/// A piece of work: a key of one controller, by the controller's place in the list.
pub(crate) type Work = (usize, Key);

/// How long a failing key waits: doubling from `first` up to `most`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Backoff {
    pub(crate) first: Duration,
    pub(crate) most: Duration,
}

impl Backoff {
    /// client-go's default for controllers.
    pub(crate) const DEFAULT: Self = Self { first: Duration::from_millis(5), most: Duration::from_secs(1000) };

    fn after(self, failures: u32) -> Duration {
        self.first.saturating_mul(1u32.checked_shl(failures.min(31)).unwrap_or(u32::MAX)).min(self.most)
    }
}

/// What is to be done: each piece of work at most once, a controller's in the order in which it was asked for, and a
/// controller's only when those before it in the list have nothing to do.
///
/// One queue serves all controllers, so that the order of their work is a fact of the run and not of a scheduler; and those
/// that make and delete pods go first, so that a Deployment never takes a step before its last one has reached its pods.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    ready: BTreeMap<usize, VecDeque<Key>>,
    queued: BTreeSet<Work>,
    delayed: BTreeSet<(Instant, u64, Work)>,
    due: BTreeMap<Work, (Instant, u64)>,
    failures: BTreeMap<Work, u32>,
    sequence: u64,
}

impl Queue {
    /// Adds work that can be done now; nothing where it is queued already.
    pub(crate) fn add(&mut self, work: Work) {
        if self.queued.insert(work.clone()) {
            self.ready.entry(work.0).or_default().push_back(work.1);
        }
    }

    /// Adds work for later. Where it waits already, the earlier time holds.
    pub(crate) fn add_at(&mut self, work: Work, at: Instant) {
        if let Some((earlier, sequence)) = self.due.get(&work).copied() {
            if earlier <= at {
                return;
            }
            self.delayed.remove(&(earlier, sequence, work.clone()));
        }
        self.sequence += 1;
        self.due.insert(work.clone(), (at, self.sequence));
        self.delayed.insert((at, self.sequence, work));
    }

    /// Adds work that failed, after its back-off.
    pub(crate) fn add_failed(&mut self, work: Work, backoff: Backoff, now: Instant) {
        let failures = self.failures.entry(work.clone()).or_insert(0);
        let delay = backoff.after(*failures);
        *failures = failures.saturating_add(1);
        self.add_at(work, now + delay);
    }

    /// Forgets that the work ever failed.
    pub(crate) fn forget(&mut self, work: &Work) {
        self.failures.remove(work);
    }

    /// The next piece of work, where one is ready at `now`.
    pub(crate) fn next(&mut self, now: Instant) -> Option<Work> {
        while self.delayed.first().is_some_and(|(at, _, _)| *at <= now) {
            if let Some((_, _, work)) = self.delayed.pop_first() {
                self.due.remove(&work);
                self.add(work);
            }
        }
        let (place, key) = self.ready.iter_mut().find_map(|(place, keys)| Some((*place, keys.pop_front()?)))?;
        let work = (place, key);
        self.queued.remove(&work);
        Some(work)
    }

    /// When the next delayed work becomes ready.
    pub(crate) fn next_due(&self) -> Option<Instant> {
        self.delayed.first().map(|(at, _, _)| *at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn work(controller: usize, name: &str) -> Work {
        (controller, Key::new("default", name))
    }

    #[tokio::test(start_paused = true)]
    async fn work_is_done_once_and_in_order() {
        let now = Instant::now();
        let mut queue = Queue::default();
        queue.add(work(1, "z"));
        for name in ["b", "a", "b", "c"] {
            queue.add(work(0, name));
        }
        let order: Vec<String> = std::iter::from_fn(|| queue.next(now)).map(|(_, key)| key.name).collect();
        assert_eq!(order, ["b", "a", "c", "z"]);
    }

    #[tokio::test(start_paused = true)]
    async fn the_earlier_of_two_delays_holds() {
        let now = Instant::now();
        let mut queue = Queue::default();
        queue.add_at(work(0, "a"), now + Duration::from_secs(5));
        queue.add_at(work(0, "a"), now + Duration::from_secs(9));
        assert_eq!(queue.next_due(), Some(now + Duration::from_secs(5)));
        queue.add_at(work(0, "a"), now + Duration::from_secs(2));
        assert_eq!(queue.next(now + Duration::from_secs(1)), None);
        assert_eq!(queue.next(now + Duration::from_secs(2)), Some(work(0, "a")));
        assert_eq!((queue.next(now + Duration::from_secs(60)), queue.next_due()), (None, None));
    }

    #[tokio::test(start_paused = true)]
    async fn failures_wait_twice_as_long_each_time_up_to_a_limit() {
        let now = Instant::now();
        let mut queue = Queue::default();
        let backoff = Backoff { first: Duration::from_secs(1), most: Duration::from_secs(3) };
        let mut delays = Vec::new();
        for _ in 0..3 {
            queue.add_failed(work(0, "a"), backoff, now);
            delays.push(queue.next_due().unwrap() - now);
            queue.next(now + Duration::from_secs(60));
        }
        assert_eq!(delays, [1, 2, 3].map(Duration::from_secs));
        queue.forget(&work(0, "a"));
        queue.add_failed(work(0, "a"), backoff, now);
        assert_eq!(queue.next_due(), Some(now + Duration::from_secs(1)));
        assert_eq!(Backoff::DEFAULT.after(60), Duration::from_secs(1000));
    }
}
