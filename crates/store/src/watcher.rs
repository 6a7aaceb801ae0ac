use std::collections::VecDeque;

use tokio::sync::watch;

use crate::{Event, Partition, StoreError};

/// How many events a watcher takes from the log at once.
const BATCH: usize = 256;

/// An ordered, lossless stream of a partition's events. It keeps a place in the partition's log, not a queue of its
/// own: one that falls behind by more than the log holds gets [`StoreError::Compacted`] and is over.
#[derive(Debug)]
pub struct Watcher<T> {
    partition: Partition<T>,
    prefix: String,
    /// Everything up to this revision has been taken from the log.
    taken: u64,
    pending: VecDeque<Event<T>>,
    written: watch::Receiver<u64>,
}

impl<T: Clone> Watcher<T> {
    pub(crate) fn new(partition: Partition<T>, prefix: String, after: u64, written: watch::Receiver<u64>) -> Self {
        Self { partition, prefix, taken: after, pending: VecDeque::new(), written }
    }

    /// The next event, if it has happened already.
    ///
    /// # Errors
    /// [`StoreError::Compacted`] once events were lost.
    pub fn try_next(&mut self) -> Result<Option<Event<T>>, StoreError> {
        if self.pending.is_empty() {
            let (events, complete) = self.partition.events(&self.prefix, self.taken, BATCH)?;
            self.pending.extend(events);
            self.taken = complete;
        }
        Ok(self.pending.pop_front())
    }

    /// Waits for the next event. Safe to drop and call again: no event is lost by that.
    ///
    /// # Errors
    /// [`StoreError::Compacted`] once events were lost.
    pub async fn next(&mut self) -> Result<Event<T>, StoreError> {
        loop {
            // Marked before the log is read, so that a write in between wakes the wait below.
            self.written.mark_unchanged();
            if let Some(event) = self.try_next()? {
                return Ok(event);
            }
            // The partition that this watcher holds keeps the sender alive.
            if self.written.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    /// The revision up to which every event has been handed out.
    pub fn revision(&self) -> u64 {
        self.pending.front().map_or(self.taken, |event| event.revision.saturating_sub(1))
    }
}
