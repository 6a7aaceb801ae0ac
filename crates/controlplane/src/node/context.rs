//! What all pods of a node share.

use std::sync::Arc;
use std::time::Duration;

use bowline_apiserver::{Api, resources};
use bowline_clock::Random;
use futures::future::BoxFuture;
use serde_json::Value;

use super::addresses::AddressPool;
use super::env::ConfigSource;
use super::events::Events;
use super::logs::PodLogs;
use super::runtime::Runtime;

/// What all pods of a node share.
pub(crate) struct Context {
    pub(crate) api: Api,
    pub(crate) random: Random,
    pub(crate) node_name: String,
    pub(crate) host_ip: String,
    pub(crate) runtime: Arc<dyn Runtime>,
    pub(crate) events: Events,
    pub(crate) logs: PodLogs,
    pub(crate) addresses: AddressPool,
    pub(crate) drain: Option<Arc<dyn Drain>>,
}

/// Whoever sends traffic to pods: told before a pod is asked to end.
pub(crate) trait Drain: Send + Sync {
    /// Sends nothing new to the pod and returns once what is under way has ended, at the latest after `limit`.
    fn drain(&self, namespace: &str, pod: &str, limit: Duration) -> BoxFuture<'static, ()>;
}

/// ConfigMaps and Secrets of one namespace.
pub(crate) struct NamespaceConfig<'a> {
    pub(crate) api: &'a Api,
    pub(crate) namespace: &'a str,
}

impl ConfigSource for NamespaceConfig<'_> {
    fn config_map(&self, name: &str) -> Option<Value> {
        self.api.get(&resources::CONFIG_MAPS, self.namespace, name).ok().map(|o| Value::clone(&o))
    }

    fn secret(&self, name: &str) -> Option<Value> {
        self.api.get(&resources::SECRETS, self.namespace, name).ok().map(|o| Value::clone(&o))
    }
}
