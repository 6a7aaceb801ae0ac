use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use bowline_clock::{Clock, Random};
use bowline_store::{Partition, Range, Store, StoreError};
use serde_json::{Value, json};

use crate::catalog::{Catalog, Resource};
use crate::http::User;
use crate::watch::Watch;
use crate::{List, ListOptions, LogOptions, LogSource, LogStream, ResourceId, Status, WatchOptions, logs, resources};

/// How many events of each resource are kept for watchers that come late or are slow.
const HISTORY: usize = 8192;

/// The Kubernetes API in process: a cheap handle to one cluster's state. All verbs are synchronous and take effect
/// before they return; what comes over HTTP goes through the same ones.
#[derive(Clone, Debug)]
pub struct Api(pub(crate) Arc<Inner>);

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) clock: Clock,
    pub(crate) random: Random,
    pub(crate) store: Store<Arc<Value>>,
    catalog: RwLock<Arc<Catalog>>,
    logs: RwLock<Option<Arc<dyn LogSource>>>,
    /// What Services hold.
    pub(crate) addresses: Mutex<crate::kinds::Addresses>,
    /// Who each token stands for, and until when.
    pub(crate) tokens: Mutex<BTreeMap<String, (User, bowline_clock::Timestamp)>>,
}

impl Api {
    /// An API with the namespaces and roles that every cluster has, and otherwise empty. Its uids and suffixes come from
    /// `random`: hand it a fork of its own.
    pub fn new(clock: Clock, random: Random) -> Self {
        let api = Self(Arc::new(Inner {
            clock,
            random,
            store: Store::new(HISTORY),
            catalog: RwLock::new(Arc::new(Catalog::built_in())),
            logs: RwLock::default(),
            addresses: Mutex::default(),
            tokens: Mutex::default(),
        }));
        api.create_what_every_cluster_has();
        api
    }

    /// The resources there are now.
    pub fn catalog(&self) -> Arc<Catalog> {
        Arc::clone(&self.0.catalog.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn change_catalog(&self, change: impl FnOnce(&mut Catalog)) {
        let mut catalog = self.0.catalog.write().unwrap_or_else(PoisonError::into_inner);
        change(Arc::make_mut(&mut catalog));
    }

    /// Registers who serves the logs of pods: the node.
    pub fn set_log_source(&self, source: Arc<dyn LogSource>) {
        *self.0.logs.write().unwrap_or_else(PoisonError::into_inner) = Some(source);
    }

    /// The log of a container of a pod.
    ///
    /// # Errors
    /// 404 where there is no such pod, 400 where there is no such container or no node that could tell.
    pub fn logs(&self, namespace: &str, name: &str, options: &LogOptions) -> Result<LogStream, Status> {
        let pod = self.get(&resources::PODS, namespace, name)?;
        let options = LogOptions { container: logs::container(&pod, options)?, ..options.clone() };
        let source = self.0.logs.read().unwrap_or_else(PoisonError::into_inner).clone();
        source.ok_or_else(|| logs::no_source(&pod))?.logs(&pod, &options)
    }

    /// The clock that timestamps come from.
    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// The revision of the last write.
    pub fn revision(&self) -> u64 {
        self.0.store.revision()
    }

    pub(crate) fn resource(&self, id: &ResourceId) -> Result<Arc<Resource>, Status> {
        self.catalog().get(id).cloned().ok_or_else(Status::no_such_resource)
    }

    pub(crate) fn partition(&self, id: &ResourceId) -> Partition<Arc<Value>> {
        if id.group.is_empty() {
            self.0.store.partition(&id.plural)
        } else {
            self.0.store.partition(&format!("{}/{}", id.group, id.plural))
        }
    }

    /// One object.
    ///
    /// # Errors
    /// 404 where there is no such object or resource.
    pub fn get(&self, id: &ResourceId, namespace: &str, name: &str) -> Result<Arc<Value>, Status> {
        let resource = self.resource(id)?;
        let found = self.partition(id).get(&key(&resource, namespace, name));
        found.map(|entry| entry.value).ok_or_else(|| Status::not_found(&id.group, &id.plural, name))
    }

    /// The objects of a namespace, or of all.
    ///
    /// # Errors
    /// 404 where there is no such resource, 400 for a bad continue token, 410 for one that is too old.
    pub fn list(&self, id: &ResourceId, namespace: Option<&str>, options: &ListOptions) -> Result<List, Status> {
        let resource = self.resource(id)?;
        let prefix = prefix(&resource, namespace, options.field_selector.exact_name());
        let (mut at, mut after) = (options.resource_version, None);
        if !options.continue_token.is_empty() {
            let (revision, key) = parse_continue(&options.continue_token)?;
            (at, after) = (Some(revision), Some(key));
        }
        let range = Range { prefix: &prefix, after: after.as_deref(), limit: options.limit, at };
        let selects =
            |object: &Arc<Value>| options.label_selector.matches(object) && options.field_selector.matches(object);
        let page = self.partition(id).list(&range, selects).map_err(|error| match error {
            StoreError::Compacted { .. } if after.is_some() => Status::expired(CONTINUE_EXPIRED),
            StoreError::Compacted { asked, oldest } => {
                Status::expired(format!("too old resource version: {asked} ({oldest})"))
            }
            StoreError::Future { asked, current } => too_large(asked, current),
            other => Status::internal(other),
        })?;
        let selective = !options.label_selector.is_everything() || !options.field_selector.is_everything();
        let more = page.next.is_some();
        Ok(List {
            items: page.entries.into_iter().map(|(_, entry)| entry.value).collect(),
            resource_version: page.revision,
            continue_token: page.next.map(|key| format_continue(page.revision, &key)).unwrap_or_default(),
            remaining: (more && !selective).then_some(page.remaining as u64),
        })
    }

    /// Changes from now on, or from a revision on: ordered and lossless until the watcher is too slow.
    ///
    /// # Errors
    /// 404 where there is no such resource, 410 where the revision is too old.
    pub fn watch(&self, id: &ResourceId, namespace: Option<&str>, options: &WatchOptions) -> Result<Watch, Status> {
        let resource = self.resource(id)?;
        let prefix = prefix(&resource, namespace, options.field_selector.exact_name());
        Watch::open(&self.partition(id), &resource, &prefix, options)
    }
}

const CONTINUE_EXPIRED: &str = "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter.";

/// 504 for a revision that has not happened yet.
pub(crate) fn too_large(asked: u64, current: u64) -> Status {
    let mut status = Status::new(504, "Timeout", format!("Too large resource version: {asked}, current: {current}"));
    let cause = crate::Cause {
        reason: "ResourceVersionTooLarge",
        message: "Too large resource version".to_owned(),
        field: String::new(),
    };
    status.details =
        Some(Box::new(crate::Details { causes: vec![cause], retry_after_seconds: 1, ..Default::default() }));
    status
}

/// The key of an object within its resource.
pub(crate) fn key(resource: &Resource, namespace: &str, name: &str) -> String {
    if resource.namespaced { format!("{namespace}/{name}") } else { name.to_owned() }
}

/// What the keys of a namespace, or of one object, start with. A name narrows the range; the selector stays the judge.
fn prefix(resource: &Resource, namespace: Option<&str>, name: Option<&str>) -> String {
    match (namespace, name) {
        (Some(namespace), Some(name)) if resource.namespaced => format!("{namespace}/{name}"),
        (Some(namespace), None) if resource.namespaced => format!("{namespace}/"),
        (_, Some(name)) if !resource.namespaced => name.to_owned(),
        _ => String::new(),
    }
}

fn format_continue(revision: u64, key: &str) -> String {
    use base64::Engine;
    let token = json!({"v": "meta.k8s.io/v1", "rv": revision, "start": key});
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(token.to_string())
}

fn parse_continue(token: &str) -> Result<(u64, String), Status> {
    use base64::Engine;
    let read = || {
        let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(token).ok()?;
        let token: Value = serde_json::from_slice(&bytes).ok()?;
        Some((token.get("rv")?.as_u64()?, token.get("start")?.as_str()?.to_owned()))
    };
    read().ok_or_else(|| {
        Status::bad_request("invalid continue token: continue key is not valid: encoded start key is malformed")
    })
}
