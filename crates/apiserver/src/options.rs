use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;

use crate::selector::{FieldSelector, LabelSelector};

/// Which objects, and how many.
#[derive(Clone, Debug, Default)]
pub struct ListOptions {
    /// Only objects whose labels match.
    pub label_selector: LabelSelector,
    /// Only objects whose fields match.
    pub field_selector: FieldSelector,
    /// At most so many; 0 for all.
    pub limit: usize,
    /// Where the page before ended ([`List::continue_token`]); empty for the first page.
    pub continue_token: String,
    /// The state as of exactly this revision; the present state where absent.
    pub resource_version: Option<u64>,
}

/// Objects in the order of their keys.
#[derive(Clone, Debug)]
pub struct List {
    /// The objects, with `apiVersion` and `kind`.
    pub items: Vec<Arc<Value>>,
    /// The revision whose state this is; watch from here.
    pub resource_version: u64,
    /// Not empty where more objects follow.
    pub continue_token: String,
    /// How many follow, where that is known (not under a selector).
    pub remaining: Option<u64>,
}

/// How unknown and duplicate fields are taken (`fieldValidation`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FieldValidation {
    /// Dropped in silence.
    Ignore,
    /// Dropped with a warning.
    #[default]
    Warn,
    /// Refused.
    Strict,
}

/// What goes with a create, update or patch.
#[derive(Clone, Debug, Default)]
pub struct WriteOptions {
    /// Do everything but keep it.
    pub dry_run: bool,
    /// Who owns the fields written (`fieldManager`); needed by [`Patch::Apply`].
    pub field_manager: String,
    /// Take fields over from other managers instead of refusing ([`Patch::Apply`] only).
    pub force: bool,
    /// How unknown fields are taken.
    pub field_validation: FieldValidation,
    /// What was noticed on the way in, and what the client is told besides the answer.
    pub notes: Notes,
}

/// Remarks that travel beside a write. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Notes(Arc<Mutex<Remarks>>);

#[derive(Debug, Default)]
struct Remarks {
    duplicates: Vec<String>,
    warnings: Vec<String>,
}

impl Notes {
    fn remarks(&self) -> MutexGuard<'_, Remarks> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes fields that the body gave twice.
    pub(crate) fn note_duplicates(&self, paths: Vec<String>) {
        self.remarks().duplicates.extend(paths);
    }

    /// The fields that the body gave twice.
    pub(crate) fn duplicates(&self) -> Vec<String> {
        self.remarks().duplicates.clone()
    }

    /// Adds a warning, once.
    pub(crate) fn warn(&self, warning: String) {
        let mut remarks = self.remarks();
        if !remarks.warnings.contains(&warning) {
            remarks.warnings.push(warning);
        }
    }

    /// The warnings so far; afterwards there are none.
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.remarks().warnings)
    }
}

impl WriteOptions {
    /// As the manager of that name, otherwise as default.
    pub fn by(field_manager: &str) -> Self {
        Self { field_manager: field_manager.to_owned(), ..Self::default() }
    }
}

/// What happens to an object's dependents (`propagationPolicy`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Propagation {
    /// They stay, without their owner.
    Orphan,
    /// They are deleted afterwards, by the garbage collector.
    Background,
    /// They are deleted first; the object stays until then.
    Foreground,
}

/// What goes with a delete.
#[derive(Clone, Debug, Default)]
pub struct DeleteOptions {
    /// What happens to dependents; the kind's default where absent.
    pub propagation: Option<Propagation>,
    /// Seconds a pod has to end; its own `terminationGracePeriodSeconds` where absent, at once where 0.
    pub grace_period: Option<i64>,
    /// Only if the object has this uid.
    pub uid: Option<String>,
    /// Only if the object has this resource version.
    pub resource_version: Option<String>,
    /// Do everything but keep it.
    pub dry_run: bool,
}

/// What a delete came to.
#[derive(Clone, Debug)]
pub struct Deletion {
    /// The object: as it was last, or as it stays until finalizers or the node let it go.
    pub object: Arc<Value>,
    /// Whether it is gone.
    pub gone: bool,
}

/// A change to an object.
#[derive(Clone, Debug)]
pub enum Patch {
    /// RFC 7386.
    Merge(Value),
    /// Kubernetes' own: lists are merged by key, with directives.
    Strategic(Value),
    /// RFC 6902.
    Json(Value),
    /// Server-side apply: the fields that `WriteOptions::field_manager` wants.
    Apply(Value),
}

/// What to watch, and from when.
#[derive(Clone, Debug, Default)]
pub struct WatchOptions {
    /// Only objects whose labels match; one that ceases to match is seen deleted.
    pub label_selector: LabelSelector,
    /// Only objects whose fields match.
    pub field_selector: FieldSelector,
    /// Events behind this revision. `None` or 0: the present objects first, as `Added` events, then what follows.
    pub resource_version: Option<u64>,
    /// Whether the client understands bookmarks.
    pub bookmarks: bool,
    /// The present objects first, then a bookmark that says so, then what follows (watch-list).
    pub send_initial_events: bool,
}
