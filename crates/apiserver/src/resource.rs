use std::borrow::Cow;
use std::fmt;

/// Which resource: API group and plural name. The version is no part of it: every version is a view of the same objects.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ResourceId {
    /// API group; empty for the core group.
    pub group: Cow<'static, str>,
    /// Plural name, as in `deployments`.
    pub plural: Cow<'static, str>,
}

impl ResourceId {
    /// Of a built-in resource.
    pub const fn of(group: &'static str, plural: &'static str) -> Self {
        Self { group: Cow::Borrowed(group), plural: Cow::Borrowed(plural) }
    }

    /// Of any resource.
    pub fn new(group: impl Into<String>, plural: impl Into<String>) -> Self {
        Self { group: Cow::Owned(group.into()), plural: Cow::Owned(plural.into()) }
    }
}

impl fmt::Display for ResourceId {
    /// `deployments.apps`, `pods`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&crate::status::qualified(&self.group, &self.plural))
    }
}

/// The built-in resources.
pub mod resources {
    use super::ResourceId;

    macro_rules! resources {
        ($($name:ident = $group:literal / $plural:literal;)*) => {
            $(#[doc = concat!("`", $plural, "` of group `", $group, "`")]
            pub static $name: ResourceId = ResourceId::of($group, $plural);)*
        };
    }

    resources! {
        PODS = "" / "pods";
        SERVICES = "" / "services";
        ENDPOINTS = "" / "endpoints";
        NAMESPACES = "" / "namespaces";
        NODES = "" / "nodes";
        EVENTS = "" / "events";
        CONFIG_MAPS = "" / "configmaps";
        SECRETS = "" / "secrets";
        SERVICE_ACCOUNTS = "" / "serviceaccounts";
        PERSISTENT_VOLUME_CLAIMS = "" / "persistentvolumeclaims";
        PERSISTENT_VOLUMES = "" / "persistentvolumes";
        REPLICATION_CONTROLLERS = "" / "replicationcontrollers";
        POD_TEMPLATES = "" / "podtemplates";
        LIMIT_RANGES = "" / "limitranges";
        RESOURCE_QUOTAS = "" / "resourcequotas";
        DEPLOYMENTS = "apps" / "deployments";
        REPLICA_SETS = "apps" / "replicasets";
        STATEFUL_SETS = "apps" / "statefulsets";
        DAEMON_SETS = "apps" / "daemonsets";
        CONTROLLER_REVISIONS = "apps" / "controllerrevisions";
        JOBS = "batch" / "jobs";
        CRON_JOBS = "batch" / "cronjobs";
        ENDPOINT_SLICES = "discovery.k8s.io" / "endpointslices";
        LEASES = "coordination.k8s.io" / "leases";
        HORIZONTAL_POD_AUTOSCALERS = "autoscaling" / "horizontalpodautoscalers";
        POD_DISRUPTION_BUDGETS = "policy" / "poddisruptionbudgets";
        INGRESSES = "networking.k8s.io" / "ingresses";
        INGRESS_CLASSES = "networking.k8s.io" / "ingressclasses";
        NETWORK_POLICIES = "networking.k8s.io" / "networkpolicies";
        ROLES = "rbac.authorization.k8s.io" / "roles";
        ROLE_BINDINGS = "rbac.authorization.k8s.io" / "rolebindings";
        CLUSTER_ROLES = "rbac.authorization.k8s.io" / "clusterroles";
        CLUSTER_ROLE_BINDINGS = "rbac.authorization.k8s.io" / "clusterrolebindings";
        STORAGE_CLASSES = "storage.k8s.io" / "storageclasses";
        PRIORITY_CLASSES = "scheduling.k8s.io" / "priorityclasses";
        VALIDATING_WEBHOOK_CONFIGURATIONS = "admissionregistration.k8s.io" / "validatingwebhookconfigurations";
        MUTATING_WEBHOOK_CONFIGURATIONS = "admissionregistration.k8s.io" / "mutatingwebhookconfigurations";
        CUSTOM_RESOURCE_DEFINITIONS = "apiextensions.k8s.io" / "customresourcedefinitions";
    }
}
