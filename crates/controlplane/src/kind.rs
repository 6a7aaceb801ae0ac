use std::fmt;

use bowline_apiserver::ResourceId;

/// A built-in kind that controllers work with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Kind {
    /// API group; empty for the core group.
    pub(crate) group: &'static str,
    /// API version.
    pub(crate) version: &'static str,
    /// Kind, as in `Pod`.
    pub(crate) kind: &'static str,
    /// Resource, as in `pods`.
    pub(crate) plural: &'static str,
}

impl Kind {
    const fn new(group: &'static str, version: &'static str, kind: &'static str, plural: &'static str) -> Self {
        Self { group, version, kind, plural }
    }

    /// As in an object's `apiVersion`.
    pub(crate) fn api_version(self) -> String {
        if self.group.is_empty() { self.version.to_owned() } else { format!("{}/{}", self.group, self.version) }
    }

    /// What the API calls its objects' resource.
    pub(crate) fn resource(self) -> ResourceId {
        ResourceId::of(self.group, self.plural)
    }

    /// Is this the kind of that resource?
    pub(crate) fn is(self, resource: &ResourceId) -> bool {
        resource.group == self.group && resource.plural == self.plural
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind)
    }
}

pub(crate) const CONFIG_MAP: Kind = Kind::new("", "v1", "ConfigMap", "configmaps");
pub(crate) const CONTROLLER_REVISION: Kind = Kind::new("apps", "v1", "ControllerRevision", "controllerrevisions");
pub(crate) const DEPLOYMENT: Kind = Kind::new("apps", "v1", "Deployment", "deployments");
pub(crate) const ENDPOINTS: Kind = Kind::new("", "v1", "Endpoints", "endpoints");
pub(crate) const ENDPOINT_SLICE: Kind = Kind::new("discovery.k8s.io", "v1", "EndpointSlice", "endpointslices");
pub(crate) const EVENT: Kind = Kind::new("", "v1", "Event", "events");
pub(crate) const JOB: Kind = Kind::new("batch", "v1", "Job", "jobs");
pub(crate) const NAMESPACE: Kind = Kind::new("", "v1", "Namespace", "namespaces");
pub(crate) const NODE: Kind = Kind::new("", "v1", "Node", "nodes");
pub(crate) const PERSISTENT_VOLUME_CLAIM: Kind = Kind::new("", "v1", "PersistentVolumeClaim", "persistentvolumeclaims");
pub(crate) const POD: Kind = Kind::new("", "v1", "Pod", "pods");
pub(crate) const REPLICA_SET: Kind = Kind::new("apps", "v1", "ReplicaSet", "replicasets");
pub(crate) const SERVICE: Kind = Kind::new("", "v1", "Service", "services");
pub(crate) const SERVICE_ACCOUNT: Kind = Kind::new("", "v1", "ServiceAccount", "serviceaccounts");
pub(crate) const STATEFUL_SET: Kind = Kind::new("apps", "v1", "StatefulSet", "statefulsets");
