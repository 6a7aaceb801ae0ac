//! A versioned key-value store with watch, in memory.
//!
//! ```text
//!   put, delete ──► Partition "pods"   ordered keys ─► get, list (now, or as of a revision)
//!   (preconditions) │                  log (ring)   ─► watch after a revision
//!                   └── one revision counter for all partitions of a Store
//! ```
//!
//! Reads: nothing but what it is given.
//! Produces: values with the revision that wrote them, pages of a consistent snapshot, ordered and lossless streams of events.
//! Never: looks into a value; blocks; keeps more history than its capacity, answers [`StoreError::Compacted`] instead.
#![forbid(unsafe_code)]

mod partition;
mod watcher;

pub use partition::{Entry, Event, EventKind, Expect, Page, Partition, Range};
pub use watcher::Watcher;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

/// Why the store did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// [`Expect::Absent`] and the key is there.
    #[error("key exists")]
    Exists,
    /// The key is not there.
    #[error("key not found")]
    Missing,
    /// [`Expect::Revision`] and the key was written since.
    #[error("key is at revision {current}")]
    Conflict {
        /// The revision that wrote the present value.
        current: u64,
    },
    /// The history asked for is no longer kept.
    #[error("revision {asked} has been compacted, oldest is {oldest}")]
    Compacted {
        /// The revision asked for.
        asked: u64,
        /// The oldest revision that can still be asked for.
        oldest: u64,
    },
    /// The revision asked for has not happened yet.
    #[error("revision {asked} is in the future, current is {current}")]
    Future {
        /// The revision asked for.
        asked: u64,
        /// The present revision.
        current: u64,
    },
}

/// A family of partitions that share one revision counter.
#[derive(Debug)]
pub struct Store<T> {
    revision: Arc<AtomicU64>,
    partitions: RwLock<BTreeMap<String, Partition<T>>>,
    history: usize,
}

impl<T: Clone> Store<T> {
    /// An empty store at revision 1 that keeps the last `history` events of each partition.
    pub fn new(history: usize) -> Self {
        Self { revision: Arc::new(AtomicU64::new(1)), partitions: RwLock::default(), history: history.max(1) }
    }

    /// The partition of that name, made empty where it is new. A cheap handle.
    pub fn partition(&self, name: &str) -> Partition<T> {
        if let Some(found) = self.partitions.read().unwrap_or_else(PoisonError::into_inner).get(name) {
            return found.clone();
        }
        let mut partitions = self.partitions.write().unwrap_or_else(PoisonError::into_inner);
        partitions
            .entry(name.to_owned())
            .or_insert_with(|| Partition::new(Arc::clone(&self.revision), self.history))
            .clone()
    }

    /// The revision of the last write to any partition.
    pub fn revision(&self) -> u64 {
        self.revision.load(Ordering::SeqCst)
    }
}
