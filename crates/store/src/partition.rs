use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use tokio::sync::watch;

use crate::{StoreError, Watcher};

/// A value and the revisions that wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry<T> {
    /// The value.
    pub value: T,
    /// The revision that created the key.
    pub created: u64,
    /// The revision that wrote this value.
    pub modified: u64,
}

/// What a write takes for granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// Nothing.
    Any,
    /// The key does not exist.
    Absent,
    /// The key's present value was written by that revision.
    Revision(u64),
}

/// What an event did to its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// Created or changed.
    Put,
    /// Deleted.
    Delete,
}

/// One write.
#[derive(Clone, Debug)]
pub struct Event<T> {
    /// Its revision.
    pub revision: u64,
    /// The key it wrote.
    pub key: Arc<str>,
    /// Put or delete.
    pub kind: EventKind,
    /// The value written; of a delete, the last value as the deleter saw it off.
    pub value: T,
    /// What the key held before.
    pub previous: Option<Entry<T>>,
}

/// What to list.
#[derive(Clone, Debug, Default)]
pub struct Range<'a> {
    /// Only keys that start so.
    pub prefix: &'a str,
    /// Only keys behind this one.
    pub after: Option<&'a str>,
    /// At most so many entries; 0 for all.
    pub limit: usize,
    /// The state as of this revision; the present state where absent.
    pub at: Option<u64>,
}

/// A piece of a snapshot, in the order of keys.
#[derive(Clone, Debug)]
pub struct Page<T> {
    /// Keys and entries.
    pub entries: Vec<(Arc<str>, Entry<T>)>,
    /// The revision whose state this is.
    pub revision: u64,
    /// The last key listed, where the limit cut the page and more entries follow.
    pub next: Option<Arc<str>>,
    /// How many entries follow behind the limit, selected or not.
    pub remaining: usize,
}

#[derive(Debug)]
pub(crate) struct State<T> {
    entries: BTreeMap<Arc<str>, Entry<T>>,
    /// The last events, in the order of revisions.
    log: VecDeque<Event<T>>,
    /// The revision of the last event that fell out of the log, or that the partition started at.
    compacted: u64,
}

#[derive(Debug)]
struct Shared<T> {
    revision: Arc<AtomicU64>,
    state: RwLock<State<T>>,
    history: usize,
    /// Wakes watchers; carries the partition's last revision.
    written: watch::Sender<u64>,
}

/// One ordered key space with its history: a cheap handle.
#[derive(Debug)]
pub struct Partition<T>(Arc<Shared<T>>);

impl<T> Clone for Partition<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T: Clone> Partition<T> {
    pub(crate) fn new(revision: Arc<AtomicU64>, history: usize) -> Self {
        // History is complete from the start: nothing was ever written here.
        let state = State { entries: BTreeMap::new(), log: VecDeque::new(), compacted: 0 };
        Self(Arc::new(Shared { revision, state: RwLock::new(state), history, written: watch::Sender::new(0) }))
    }

    fn read(&self) -> RwLockReadGuard<'_, State<T>> {
        self.0.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State<T>> {
        self.0.state.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// The present value of a key.
    pub fn get(&self, key: &str) -> Option<Entry<T>> {
        self.read().entries.get(key).cloned()
    }

    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.read().entries.len()
    }

    /// Whether there is no key.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The store's revision as this partition sees it: every event of this partition up to it is in the log.
    pub fn revision(&self) -> u64 {
        let _state = self.read();
        self.0.revision.load(Ordering::SeqCst)
    }

    /// Writes the value that `make` gives for the write's revision.
    ///
    /// # Errors
    /// [`StoreError::Exists`], [`StoreError::Missing`] or [`StoreError::Conflict`], as `expect` asks; then nothing was
    /// written, no revision was used and `make` did not run.
    pub fn put(&self, key: &str, expect: Expect, make: impl FnOnce(u64) -> T) -> Result<Entry<T>, StoreError> {
        let mut state = self.write();
        let previous = state.check(key, expect)?;
        let revision = self.0.revision.fetch_add(1, Ordering::SeqCst) + 1;
        let created = previous.as_ref().map_or(revision, |p| p.created);
        let entry = Entry { value: make(revision), created, modified: revision };
        let key: Arc<str> = match state.entries.get_key_value(key) {
            Some((known, _)) => Arc::clone(known),
            None => Arc::from(key),
        };
        state.entries.insert(Arc::clone(&key), entry.clone());
        let value = entry.value.clone();
        self.record(state, Event { revision, key, kind: EventKind::Put, value, previous });
        Ok(entry)
    }

    /// Deletes a key; `make` gives the value that watchers see last, from the present value and the delete's revision.
    ///
    /// # Errors
    /// [`StoreError::Missing`] where the key is not there, [`StoreError::Conflict`] as `expect` asks; then nothing was
    /// deleted.
    pub fn delete(&self, key: &str, expect: Expect, make: impl FnOnce(&T, u64) -> T) -> Result<Entry<T>, StoreError> {
        let mut state = self.write();
        let previous = state.check(key, expect)?.ok_or(StoreError::Missing)?;
        let revision = self.0.revision.fetch_add(1, Ordering::SeqCst) + 1;
        let (known, _) = state.entries.remove_entry(key).ok_or(StoreError::Missing)?;
        let value = make(&previous.value, revision);
        let gone = Entry { value: value.clone(), created: previous.created, modified: revision };
        let event = Event { revision, key: known, kind: EventKind::Delete, value, previous: Some(previous) };
        self.record(state, event);
        Ok(gone)
    }

    fn record(&self, mut state: RwLockWriteGuard<'_, State<T>>, event: Event<T>) {
        let revision = event.revision;
        state.log.push_back(event);
        while state.log.len() > self.0.history {
            if let Some(dropped) = state.log.pop_front() {
                state.compacted = dropped.revision;
            }
        }
        drop(state);
        // Two writers may arrive here in either order: watchers only take it as "look again".
        self.0.written.send_replace(revision);
    }

    /// A page of the entries that `keep` accepts, all of one revision.
    ///
    /// # Errors
    /// [`StoreError::Compacted`] or [`StoreError::Future`] where the state of `range.at` cannot be told.
    pub fn list(&self, range: &Range<'_>, mut keep: impl FnMut(&T) -> bool) -> Result<Page<T>, StoreError> {
        let state = self.read();
        let current = self.0.revision.load(Ordering::SeqCst);
        let revision = range.at.unwrap_or(current);
        let past = state.undo(range.prefix, revision, current)?;
        let limit = if range.limit == 0 { usize::MAX } else { range.limit };
        let mut page = Page { entries: Vec::new(), revision, next: None, remaining: 0 };
        let mut take = |key: &Arc<str>, entry: &Entry<T>| {
            if page.entries.len() >= limit {
                page.remaining += 1;
            } else if keep(&entry.value) {
                page.entries.push((Arc::clone(key), entry.clone()));
            }
        };
        let from = match range.after {
            Some(after) if after >= range.prefix => Bound::Excluded(after),
            _ => Bound::Included(range.prefix),
        };
        let now =
            state.entries.range::<str, _>((from, Bound::Unbounded)).take_while(|(k, _)| k.starts_with(range.prefix));
        if past.is_empty() {
            now.for_each(|(key, entry)| take(key, entry));
        } else {
            let mut then: Past<'_, T> = now.map(|(k, e)| (&**k, (k, Some(e)))).collect();
            then.extend(past.range::<str, _>((from, Bound::Unbounded)).map(|(k, held)| (*k, *held)));
            then.values().filter_map(|(k, e)| e.map(|e| (*k, e))).for_each(|(key, entry)| take(key, entry));
        }
        if page.remaining > 0 {
            page.next = page.entries.last().map(|(key, _)| Arc::clone(key));
        }
        Ok(page)
    }

    /// The events behind revision `after` whose keys start with `prefix`, from now on and for ever.
    ///
    /// # Errors
    /// [`StoreError::Compacted`] where events behind `after` are no longer kept, [`StoreError::Future`] where `after`
    /// has not happened.
    pub fn watch(&self, prefix: &str, after: u64) -> Result<Watcher<T>, StoreError> {
        let written = self.0.written.subscribe();
        let state = self.read();
        let current = self.0.revision.load(Ordering::SeqCst);
        if after > current {
            return Err(StoreError::Future { asked: after, current });
        }
        state.kept(after)?;
        drop(state);
        Ok(Watcher::new(self.clone(), prefix.to_owned(), after, written))
    }

    /// Up to `limit` events behind `after`, and the revision up to which they are complete.
    pub(crate) fn events(&self, prefix: &str, after: u64, limit: usize) -> Result<(Vec<Event<T>>, u64), StoreError> {
        let state = self.read();
        let current = self.0.revision.load(Ordering::SeqCst);
        state.kept(after)?;
        let start = state.log.partition_point(|event| event.revision <= after);
        let mut events = Vec::new();
        for event in state.log.range(start..) {
            if event.key.starts_with(prefix) {
                events.push(event.clone());
                if events.len() == limit {
                    let complete = event.revision;
                    return Ok((events, complete));
                }
            }
        }
        Ok((events, current))
    }
}

impl<T: Clone> State<T> {
    fn check(&self, key: &str, expect: Expect) -> Result<Option<Entry<T>>, StoreError> {
        let present = self.entries.get(key);
        match (expect, present) {
            (Expect::Absent, Some(_)) => Err(StoreError::Exists),
            (Expect::Revision(_), None) => Err(StoreError::Missing),
            (Expect::Revision(wanted), Some(entry)) if wanted != entry.modified => {
                Err(StoreError::Conflict { current: entry.modified })
            }
            _ => Ok(present.cloned()),
        }
    }

    fn kept(&self, after: u64) -> Result<(), StoreError> {
        if after < self.compacted {
            return Err(StoreError::Compacted { asked: after, oldest: self.compacted });
        }
        Ok(())
    }

    /// What the keys written after `revision` held at it, by key.
    fn undo(&self, prefix: &str, revision: u64, current: u64) -> Result<Past<'_, T>, StoreError> {
        if revision > current {
            return Err(StoreError::Future { asked: revision, current });
        }
        self.kept(revision)?;
        let start = self.log.partition_point(|event| event.revision <= revision);
        let mut past = Past::new();
        for event in self.log.range(start..).rev().filter(|e| e.key.starts_with(prefix)) {
            past.insert(&event.key, (&event.key, event.previous.as_ref()));
        }
        Ok(past)
    }
}

/// For each key: the key as shared, and what it held.
type Past<'a, T> = BTreeMap<&'a str, (&'a Arc<str>, Option<&'a Entry<T>>)>;
