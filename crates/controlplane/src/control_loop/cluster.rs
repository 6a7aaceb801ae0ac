use std::collections::{BTreeMap, BTreeSet};
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use bowline_apiserver::{
    Api, DeleteOptions, Propagation, ResourceId, Watch, WatchEventKind, WatchOptions, WriteOptions, resources,
};
use serde_json::{Value, json};

use super::Key;
use crate::error::Error;
use crate::kind::Kind;
use crate::object::{Fields, Selector, owner};

/// Who writes, as managed fields name it.
const MANAGER: &str = "kube-controller-manager";

/// One change of one object.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    /// Which resource.
    pub(crate) resource: ResourceId,
    /// Before; `None` of a new object.
    pub(crate) old: Option<Arc<Value>>,
    /// After; `None` of a deleted object.
    pub(crate) new: Option<Arc<Value>>,
}

impl Change {
    /// The key of the object.
    pub(crate) fn key(&self) -> Key {
        self.object().map_or_else(|| Key::new("", ""), |o| Key::of(o))
    }

    /// The object after the change, or before it where it was deleted.
    pub(crate) fn object(&self) -> Option<&Arc<Value>> {
        self.new.as_ref().or(self.old.as_ref())
    }

    /// The object, where it was deleted.
    pub(crate) fn gone(&self) -> Option<&Arc<Value>> {
        if self.new.is_none() { self.old.as_ref() } else { None }
    }

    /// Is the object of that kind?
    pub(crate) fn is(&self, kind: Kind) -> bool {
        kind.is(&self.resource)
    }
}

/// The objects of one resource by key, and by the uid of their controller.
#[derive(Debug, Default)]
struct Table {
    by_key: BTreeMap<Key, Arc<Value>>,
    /// Under (uid of the controller or empty, namespace).
    by_controller: BTreeMap<(String, String), BTreeSet<Key>>,
}

impl Table {
    fn index(object: &Value) -> (String, String) {
        let controller = owner::controller_of(object).map_or("", |r| r.text("/uid"));
        (controller.to_owned(), object.namespace().to_owned())
    }

    fn put(&mut self, key: Key, object: Option<&Arc<Value>>) -> Option<Arc<Value>> {
        let old = match object {
            Some(new) => self.by_key.insert(key.clone(), Arc::clone(new)),
            None => self.by_key.remove(&key),
        };
        let (before, after) = (old.as_deref().map(Self::index), object.map(|o| Self::index(o)));
        if before != after {
            if let Some(index) = before
                && let Some(keys) = self.by_controller.get_mut(&index)
            {
                keys.remove(&key);
                if keys.is_empty() {
                    self.by_controller.remove(&index);
                }
            }
            if let Some(index) = after {
                self.by_controller.entry(index).or_default().insert(key);
            }
        }
        old
    }

    fn indexed(&self, controller: &str, namespace: &str) -> Vec<Arc<Value>> {
        let keys = self.by_controller.get(&(controller.to_owned(), namespace.to_owned()));
        keys.into_iter().flatten().filter_map(|key| self.by_key.get(key)).cloned().collect()
    }
}

/// The cluster as controllers see it: everything there is, as of the last [`Cluster::take_changes`], and the writes.
///
/// Writes take effect before they return, and changes are taken before every reconciliation: a controller always sees what
/// all controllers did before it, and needs no expectations.
#[derive(Debug)]
pub(crate) struct Cluster {
    api: Api,
    tables: BTreeMap<ResourceId, Table>,
    watches: BTreeMap<ResourceId, Watch>,
}

impl Cluster {
    /// A view that is empty until changes are taken.
    pub(crate) fn new(api: Api) -> Self {
        Self { api, tables: BTreeMap::new(), watches: BTreeMap::new() }
    }

    /// The API below.
    pub(crate) fn api(&self) -> &Api {
        &self.api
    }

    /// Events are many, and nothing is owned by one.
    fn is_watched(resource: &ResourceId) -> bool {
        resource.plural != "events"
    }

    /// Opens what is not watched yet, and forgets what is no longer served.
    fn follow_catalog(&mut self) {
        let catalog = self.api.catalog();
        let served = |id: &ResourceId| catalog.get(id).is_some();
        self.watches.retain(|id, _| served(id));
        for resource in catalog.iter() {
            let listable = resource.verbs.iter().any(|verb| verb == "watch");
            if listable && Self::is_watched(&resource.id) && !self.watches.contains_key(&resource.id) {
                match self.api.watch(&resource.id, None, &WatchOptions::default()) {
                    Ok(watch) => drop(self.watches.insert(resource.id.clone(), watch)),
                    Err(error) => tracing::warn!(resource = %resource.id, %error, "could not watch"),
                }
            }
        }
    }

    /// Takes in everything that changed since the last time. Gives the changes in the order in which they were written.
    pub(crate) fn take_changes(&mut self) -> Vec<Change> {
        if self.watches.is_empty() {
            self.follow_catalog();
        }
        let mut changes = Vec::new();
        loop {
            let mut events: Vec<(u64, ResourceId, WatchEventKind, Arc<Value>)> = Vec::new();
            let mut lost = Vec::new();
            for (id, watch) in &mut self.watches {
                loop {
                    match watch.try_next() {
                        Ok(Some(event)) => {
                            let revision = event.object.resource_version().parse().unwrap_or(0);
                            events.push((revision, id.clone(), event.kind, event.object));
                        }
                        Ok(None) => break,
                        Err(error) => {
                            tracing::debug!(resource = %id, %error, "watch lost, listing anew");
                            lost.push(id.clone());
                            break;
                        }
                    }
                }
            }
            if events.is_empty() && lost.is_empty() {
                return changes;
            }
            events.sort_by_key(|(revision, ..)| *revision);
            let mut kinds_changed = false;
            for (_, resource, kind, object) in events {
                kinds_changed |= resource == resources::CUSTOM_RESOURCE_DEFINITIONS;
                let new = match kind {
                    WatchEventKind::Bookmark => continue,
                    WatchEventKind::Deleted => None,
                    WatchEventKind::Added | WatchEventKind::Modified => Some(Arc::clone(&object)),
                };
                changes.extend(self.apply(resource, &Key::of(&object), new));
            }
            for resource in lost {
                changes.extend(self.list_anew(&resource));
            }
            if kinds_changed {
                self.follow_catalog();
            }
        }
    }

    fn apply(&mut self, resource: ResourceId, key: &Key, new: Option<Arc<Value>>) -> Option<Change> {
        let old = self.tables.entry(resource.clone()).or_default().put(key.clone(), new.as_ref());
        let same = old.as_ref().map(|o| o.resource_version()) == new.as_ref().map(|o| o.resource_version());
        (!same).then_some(Change { resource, old, new })
    }

    /// After a watch was lost: what is there now, and what vanished unseen.
    fn list_anew(&mut self, resource: &ResourceId) -> Vec<Change> {
        self.watches.remove(resource);
        let mut watch = match self.api.watch(resource, None, &WatchOptions::default()) {
            Ok(watch) => watch,
            Err(error) => {
                tracing::warn!(%resource, %error, "could not watch");
                return Vec::new();
            }
        };
        let mut present = BTreeMap::new();
        while let Ok(Some(event)) = watch.try_next() {
            let key = Key::of(&event.object);
            match event.kind {
                WatchEventKind::Deleted => drop(present.remove(&key)),
                _ => drop(present.insert(key, event.object)),
            }
        }
        self.watches.insert(resource.clone(), watch);
        let known = self.tables.get(resource).map(|t| t.by_key.keys().cloned().collect::<Vec<_>>()).unwrap_or_default();
        let vanished = known.into_iter().filter(|key| !present.contains_key(key)).map(|key| (key, None));
        let changes: Vec<_> = vanished.collect::<Vec<_>>();
        let all = changes.into_iter().chain(present.into_iter().map(|(key, object)| (key, Some(object))));
        all.filter_map(|(key, new)| self.apply(resource.clone(), &key, new)).collect()
    }

    /// Waits until something changed. Gives the changes, those it waited for included.
    pub(crate) async fn changed(&mut self) -> Vec<Change> {
        let first = {
            let mut waits: Vec<_> =
                self.watches.iter_mut().map(|(id, watch)| (id.clone(), Box::pin(watch.next()))).collect();
            let mut any = pin!(poll_fn(|context| {
                for (id, wait) in &mut waits {
                    if let Poll::Ready(event) = wait.as_mut().poll(context) {
                        return Poll::Ready((id.clone(), event));
                    }
                }
                Poll::Pending
            }));
            any.as_mut().await
        };
        let mut changes = Vec::new();
        match first {
            (resource, Ok(event)) => {
                let key = Key::of(&event.object);
                if resource == resources::CUSTOM_RESOURCE_DEFINITIONS {
                    self.follow_catalog();
                }
                match event.kind {
                    WatchEventKind::Bookmark => {}
                    WatchEventKind::Deleted => changes.extend(self.apply(resource, &key, None)),
                    _ => changes.extend(self.apply(resource, &key, Some(event.object))),
                }
            }
            (resource, Err(_)) => changes.extend(self.list_anew(&resource)),
        }
        changes.extend(self.take_changes());
        changes
    }

    fn table(&self, kind: Kind) -> Option<&Table> {
        self.tables.get(&kind.resource())
    }

    /// An object as last seen.
    pub(crate) fn get(&self, kind: Kind, key: &Key) -> Option<Arc<Value>> {
        self.table(kind)?.by_key.get(key).cloned()
    }

    /// An object as it is now.
    pub(crate) fn fetch(&self, kind: Kind, key: &Key) -> Result<Arc<Value>, Error> {
        Ok(self.api.get(&kind.resource(), &key.namespace, &key.name)?)
    }

    /// The objects of a namespace in the order of their names; all objects of a cluster-scoped kind with an empty namespace.
    pub(crate) fn list(&self, kind: Kind, namespace: &str) -> Vec<Arc<Value>> {
        let Some(table) = self.table(kind) else { return Vec::new() };
        let from = Key::new(namespace, "");
        table.by_key.range(from..).take_while(|(k, _)| k.namespace == namespace).map(|(_, o)| Arc::clone(o)).collect()
    }

    /// All objects of a kind, of all namespaces.
    pub(crate) fn list_all(&self, kind: Kind) -> Vec<Arc<Value>> {
        self.table(kind).into_iter().flat_map(|t| t.by_key.values()).cloned().collect()
    }

    /// The objects of `owner`'s namespace whose controller it is.
    pub(crate) fn controlled_by(&self, kind: Kind, owner: &Value) -> Vec<Arc<Value>> {
        self.controlled_by_uid(kind, owner.uid(), owner.namespace())
    }

    /// The objects of a namespace whose controller has that uid.
    pub(crate) fn controlled_by_uid(&self, kind: Kind, uid: &str, namespace: &str) -> Vec<Arc<Value>> {
        self.table(kind).map(|t| t.indexed(uid, namespace)).unwrap_or_default()
    }

    /// The objects of a namespace that have no controller.
    pub(crate) fn uncontrolled(&self, kind: Kind, namespace: &str) -> Vec<Arc<Value>> {
        self.table(kind).map(|t| t.indexed("", namespace)).unwrap_or_default()
    }

    /// Creates an object.
    pub(crate) fn create(&self, kind: Kind, object: Value) -> Result<Arc<Value>, Error> {
        let namespace = object.namespace().to_owned();
        Ok(self.api.create(&kind.resource(), &namespace, object, &WriteOptions::by(MANAGER))?)
    }

    /// Replaces an object, all but its status, if nobody changed it meanwhile.
    pub(crate) fn update(&self, kind: Kind, object: Value) -> Result<Arc<Value>, Error> {
        self.write(&kind.resource(), None, object)
    }

    /// Replaces an object's status (and annotations), if nobody changed it meanwhile.
    pub(crate) fn update_status(&self, kind: Kind, object: Value) -> Result<Arc<Value>, Error> {
        self.write(&kind.resource(), Some("status"), object)
    }

    /// Replaces an object of any kind, or one of its parts.
    pub(crate) fn write(&self, resource: &ResourceId, part: Option<&str>, object: Value) -> Result<Arc<Value>, Error> {
        let Key { namespace, name } = Key::of(&object);
        Ok(self.api.update(resource, &namespace, &name, part, object, &WriteOptions::by(MANAGER))?)
    }

    /// Gives a pod its node.
    pub(crate) fn bind(&self, pod: &Value, node: &str) -> Result<(), Error> {
        self.api.bind(pod.namespace(), pod.name(), node)?;
        Ok(())
    }

    /// Deletes this very object; its dependents afterwards. One that is gone already is no error.
    pub(crate) fn delete(&self, kind: Kind, object: &Value) -> Result<(), Error> {
        self.delete_with(&kind.resource(), object, Propagation::Background)
    }

    /// Deletes this very object of any kind. One that is gone already is no error.
    pub(crate) fn delete_with(
        &self,
        resource: &ResourceId,
        object: &Value,
        propagation: Propagation,
    ) -> Result<(), Error> {
        let options = DeleteOptions {
            propagation: Some(propagation),
            uid: Some(object.uid().to_owned()),
            ..DeleteOptions::default()
        };
        match self.api.delete(resource, object.namespace(), object.name(), &options) {
            Err(error) if !error.is_not_found() => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// Of the objects found, those that are `owner`'s: its own that match the selector, and those without controller that do,
    /// which it adopts (giving them the finalizer). Its own that no longer match are released.
    pub(crate) fn claim(
        &self,
        kind: Kind,
        found: Vec<Arc<Value>>,
        owner_kind: Kind,
        owner: &Value,
        selector: &Selector,
        finalizer: Option<&str>,
    ) -> Result<Vec<Arc<Value>>, Error> {
        let mut claimed = Vec::with_capacity(found.len());
        for object in found {
            let matches = selector.matches(&object);
            match owner::controller_of(&object) {
                Some(reference) if reference.text("/uid") != owner.uid() => {}
                Some(_) if matches => claimed.push(object),
                Some(_) if owner.is_terminating() => {}
                Some(_) => {
                    let mut released = Value::clone(&object);
                    let mut references = object.items("/metadata/ownerReferences").to_vec();
                    references.retain(|r| r.text("/uid") != owner.uid());
                    released.put("/metadata/ownerReferences", or_null(references));
                    if let Some(finalizer) = finalizer {
                        remove_finalizer(&mut released, finalizer);
                    }
                    unless_gone(self.update(kind, released))?;
                }
                None if !matches || owner.is_terminating() || object.is_terminating() => {}
                None => {
                    let mut adopted = Value::clone(&object);
                    let mut references = object.items("/metadata/ownerReferences").to_vec();
                    references.push(owner::controller_reference(owner_kind, owner));
                    adopted.put("/metadata/ownerReferences", references);
                    if let Some(finalizer) = finalizer {
                        add_finalizer(&mut adopted, finalizer);
                    }
                    claimed.extend(unless_gone(self.update(kind, adopted))?);
                }
            }
        }
        Ok(claimed)
    }
}

fn or_null(items: Vec<Value>) -> Value {
    if items.is_empty() { Value::Null } else { Value::from(items) }
}

/// The result of a write to an object that may have gone meanwhile.
pub(crate) fn unless_gone(written: Result<Arc<Value>, Error>) -> Result<Option<Arc<Value>>, Error> {
    match written {
        Ok(object) => Ok(Some(object)),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}

/// Adds a finalizer, where it is missing.
pub(crate) fn add_finalizer(object: &mut Value, finalizer: &str) {
    let mut finalizers = object.items("/metadata/finalizers").to_vec();
    if !finalizers.iter().any(|f| f.as_str() == Some(finalizer)) {
        finalizers.push(json!(finalizer));
        object.put("/metadata/finalizers", finalizers);
    }
}

/// Removes a finalizer. True where it was there.
pub(crate) fn remove_finalizer(object: &mut Value, finalizer: &str) -> bool {
    let mut finalizers = object.items("/metadata/finalizers").to_vec();
    let before = finalizers.len();
    finalizers.retain(|f| f.as_str() != Some(finalizer));
    let removed = finalizers.len() < before;
    if removed {
        object.put("/metadata/finalizers", or_null(finalizers));
    }
    removed
}

/// Does the object carry the finalizer?
pub(crate) fn has_finalizer(object: &Value, finalizer: &str) -> bool {
    object.items("/metadata/finalizers").iter().any(|f| f.as_str() == Some(finalizer))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kind::CONFIG_MAP;
    use bowline_clock::{Clock, Random};

    fn map(name: &str, controller: Option<&Value>) -> Value {
        let mut map =
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "default"}});
        if let Some(owner) = controller {
            map.put("/metadata/ownerReferences", vec![owner::controller_reference(CONFIG_MAP, owner)]);
        }
        map
    }

    fn told(changes: &[Change]) -> Vec<(String, bool, bool)> {
        let of_maps = changes.iter().filter(|c| c.is(CONFIG_MAP));
        of_maps.map(|c| (c.key().name, c.old.is_some(), c.new.is_some())).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn changes_come_in_the_order_of_writes_and_a_lost_watch_is_made_up_for() {
        let clock = Clock::starting_at("2026-01-31T12:00:00Z".parse().unwrap());
        let mut cluster = Cluster::new(Api::new(clock, Random::seeded(1)));
        cluster.take_changes();
        let gone = cluster.create(CONFIG_MAP, map("gone", None)).unwrap();
        let kept = cluster.create(CONFIG_MAP, map("a", Some(&gone))).unwrap();
        assert_eq!(told(&cluster.take_changes()), [("gone".to_owned(), false, true), ("a".to_owned(), false, true)]);
        assert_eq!(cluster.controlled_by(CONFIG_MAP, &gone), std::slice::from_ref(&kept));
        assert_eq!(cluster.uncontrolled(CONFIG_MAP, "default"), std::slice::from_ref(&gone));

        cluster.delete(CONFIG_MAP, &gone).unwrap();
        let mut changed = Value::clone(&kept);
        changed.put("/metadata/ownerReferences", Value::Null);
        cluster.update(CONFIG_MAP, changed).unwrap();
        cluster.create(CONFIG_MAP, map("new", None)).unwrap();
        let changes = cluster.list_anew(&CONFIG_MAP.resource());
        let all = [("gone", true, false), ("a", true, true), ("new", false, true)];
        assert_eq!(told(&changes), all.map(|(name, old, new)| (name.to_owned(), old, new)));
        assert_eq!(cluster.take_changes().len(), 0);
        assert_eq!(cluster.uncontrolled(CONFIG_MAP, "default").len(), 2);
        assert!(cluster.controlled_by(CONFIG_MAP, &gone).is_empty());
    }
}
