//! Deleting: at once, or in steps that finalizers and the node finish.

use std::sync::Arc;

use bowline_store::{Expect, StoreError};
use jiff::ToSpan;
use serde_json::{Value, json};

use crate::api::key;
use crate::catalog::Resource;
use crate::metadata::{finalizers, is_deleting, set, text};
use crate::{Api, DeleteOptions, Deletion, ListOptions, Propagation, ResourceId, Status};

const ORPHAN: &str = "orphan";
const FOREGROUND: &str = "foregroundDeletion";

impl Api {
    /// Deletes an object, or begins to: with finalizers, and for pods that still run, the object stays with a
    /// `deletionTimestamp`. Deleting a pod again with grace period 0 ends it at once.
    ///
    /// # Errors
    /// 404 where it is not there, 409 where a precondition does not hold.
    pub fn delete(
        &self,
        id: &ResourceId,
        namespace: &str,
        name: &str,
        options: &DeleteOptions,
    ) -> Result<Deletion, Status> {
        let resource = self.resource(id)?;
        let (partition, key) = (self.partition(id), key(&resource, namespace, name));
        loop {
            let missing = || Status::not_found(&id.group, &id.plural, name);
            let entry = partition.get(&key).ok_or_else(missing)?;
            let old = &entry.value;
            check_preconditions(id, name, old, options)?;
            let expect = Expect::Revision(entry.modified);
            let step = self.deletion_step(&resource, old, options);
            let done = match step {
                Step::Gone => {
                    if options.dry_run {
                        return Ok(Deletion { object: Arc::clone(old), gone: true });
                    }
                    let deleted = partition.delete(&key, expect, |last, revision| {
                        let mut last = Value::clone(last);
                        set(&mut last, "resourceVersion", revision.to_string());
                        if resource.id == crate::resources::PODS {
                            set(&mut last, "deletionTimestamp", self.0.clock.rfc3339());
                            set(&mut last, "deletionGracePeriodSeconds", 0);
                        }
                        Arc::new(last)
                    });
                    deleted.map(|entry| Deletion { object: entry.value, gone: true })
                }
                Step::Unchanged => return Ok(Deletion { object: Arc::clone(old), gone: false }),
                Step::Marked(marked) => {
                    if options.dry_run {
                        return Ok(Deletion { object: Arc::new(marked), gone: false });
                    }
                    let put = partition.put(&key, expect, |revision| {
                        let mut marked = marked;
                        set(&mut marked, "resourceVersion", revision.to_string());
                        Arc::new(marked)
                    });
                    put.map(|entry| Deletion { object: entry.value, gone: false })
                }
            };
            match done {
                Ok(deletion) => {
                    if deletion.gone {
                        self.released(&resource, &deletion.object);
                    }
                    return Ok(deletion);
                }
                Err(StoreError::Conflict { .. }) => {}
                Err(StoreError::Missing) => return Err(missing()),
                Err(other) => return Err(Status::internal(other)),
            }
        }
    }

    /// Deletes everything that is selected. Gives what was there.
    ///
    /// # Errors
    /// As [`Api::list`] and [`Api::delete`]; objects that vanish meanwhile are no error.
    pub fn delete_collection(
        &self,
        id: &ResourceId,
        namespace: Option<&str>,
        list: &ListOptions,
        options: &DeleteOptions,
    ) -> Result<crate::List, Status> {
        let found = self.list(id, namespace, list)?;
        for object in &found.items {
            match self.delete(id, text(object, "namespace"), text(object, "name"), options) {
                Err(error) if !error.is_not_found() => return Err(error),
                _ => {}
            }
        }
        Ok(found)
    }

    fn deletion_step(&self, resource: &Resource, old: &Value, options: &DeleteOptions) -> Step {
        let mut new = old.clone();
        let mut wanted: Vec<String> = finalizers(old).into_iter().map(str::to_owned).collect();
        // Jobs and replication controllers let go of their pods, as they always did, where nobody says otherwise.
        let lets_go = [&crate::resources::JOBS, &crate::resources::REPLICATION_CONTROLLERS].contains(&&resource.id);
        let chosen = wanted.iter().any(|f| f == ORPHAN || f == FOREGROUND);
        let usual = (lets_go && !chosen).then_some(Propagation::Orphan);
        if let Some(propagation) = options.propagation.or(usual) {
            wanted.retain(|f| f != ORPHAN && f != FOREGROUND);
            match propagation {
                Propagation::Orphan => wanted.push(ORPHAN.to_owned()),
                Propagation::Foreground => wanted.push(FOREGROUND.to_owned()),
                Propagation::Background => {}
            }
        }
        set(&mut new, "finalizers", if wanted.is_empty() { Value::Null } else { json!(wanted) });
        let grace = if resource.id == crate::resources::PODS { pod_grace(old, options) } else { 0 };
        let held = !wanted.is_empty() || is_held_namespace(resource, old);
        if grace == 0 && !held {
            return Step::Gone;
        }
        let shortens = match old.pointer("/metadata/deletionGracePeriodSeconds").and_then(Value::as_i64) {
            Some(present) => grace < present,
            None => true,
        };
        if !is_deleting(old) || shortens {
            let now = self.0.clock.now();
            let at = now.checked_add(grace.seconds()).unwrap_or(now);
            set(&mut new, "deletionTimestamp", at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
            set(&mut new, "deletionGracePeriodSeconds", grace);
            if !is_deleting(old)
                && let Some(generation) = old.pointer("/metadata/generation").and_then(Value::as_i64)
            {
                set(&mut new, "generation", generation + 1);
            }
        }
        if resource.id == crate::resources::NAMESPACES
            && let Some(object) = new.as_object_mut()
        {
            object.insert("status".to_owned(), json!({"phase": "Terminating"}));
        }
        if new == *old { Step::Unchanged } else { Step::Marked(new) }
    }
}

enum Step {
    Gone,
    Marked(Value),
    Unchanged,
}

/// A namespace goes when its content is gone: `spec.finalizers` says so.
pub(crate) fn is_held_namespace(resource: &Resource, object: &Value) -> bool {
    resource.id == crate::resources::NAMESPACES
        && object.pointer("/spec/finalizers").and_then(Value::as_array).is_some_and(|list| !list.is_empty())
}

fn pod_grace(pod: &Value, options: &DeleteOptions) -> i64 {
    let own = pod.pointer("/spec/terminationGracePeriodSeconds").and_then(Value::as_i64).unwrap_or(30);
    let unscheduled = pod.pointer("/spec/nodeName").and_then(Value::as_str).unwrap_or_default().is_empty();
    let phase = pod.pointer("/status/phase").and_then(Value::as_str).unwrap_or_default();
    if unscheduled || matches!(phase, "Failed" | "Succeeded") {
        return 0;
    }
    options.grace_period.unwrap_or(own).max(0)
}

fn check_preconditions(id: &ResourceId, name: &str, object: &Value, options: &DeleteOptions) -> Result<(), Status> {
    let check = |what: &str, wanted: &Option<String>, field: &str, hint: &str| match wanted {
        Some(wanted) if wanted != text(object, field) => {
            let present = text(object, field);
            let why = format!(
                "the {what} in the precondition ({wanted}) does not match the {what} in record ({present}). {hint}"
            );
            let kind = object.get("kind").and_then(Value::as_str).unwrap_or(&id.plural);
            Err(Status::conflict(&id.group, kind, name, &why))
        }
        _ => Ok(()),
    };
    check("UID", &options.uid, "uid", "The object might have been deleted and then recreated")?;
    check("ResourceVersion", &options.resource_version, "resourceVersion", "The object might have been modified")
}
