//! Helm's orders: of template files, and of kinds.

use std::cmp::Ordering;

use bowline_chart::Compat;

/// Kinds in the order in which they are installed. Kinds that are not here come last, by name.
const INSTALL_ORDER: [&str; 38] = [
    "PriorityClass",
    "Namespace",
    "NetworkPolicy",
    "ResourceQuota",
    "LimitRange",
    "PodSecurityPolicy",
    "PodDisruptionBudget",
    "ServiceAccount",
    "Secret",
    "SecretList",
    "ConfigMap",
    "StorageClass",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "CustomResourceDefinition",
    "ClusterRole",
    "ClusterRoleList",
    "ClusterRoleBinding",
    "ClusterRoleBindingList",
    "Role",
    "RoleList",
    "RoleBinding",
    "RoleBindingList",
    "Service",
    "DaemonSet",
    "Pod",
    "ReplicationController",
    "ReplicaSet",
    "Deployment",
    "HorizontalPodAutoscaler",
    "StatefulSet",
    "Job",
    "CronJob",
    "IngressClass",
    "Ingress",
    "APIService",
    "MutatingWebhookConfiguration",
    "ValidatingWebhookConfiguration",
];

/// How many of them Helm 3 knows: not the configurations of webhooks.
const KNOWN_TO_HELM3: usize = INSTALL_ORDER.len() - 2;

/// Where a kind stands in Helm's install order; sort by it, stably.
pub fn install_order(kind: &str, compat: Compat) -> (usize, &str) {
    let known = &INSTALL_ORDER[..compat.either(KNOWN_TO_HELM3, INSTALL_ORDER.len())];
    match known.iter().position(|known| *known == kind) {
        Some(place) => (place, ""),
        None => (known.len(), kind),
    }
}

/// Files are parsed and rendered from the deepest to the shallowest, and backwards by name: what is defined last wins, so
/// that a chart overrides the charts in it.
pub(crate) fn parse_order(a: &str, b: &str) -> Ordering {
    let depth = |path: &str| path.bytes().filter(|b| *b == b'/').count();
    depth(b).cmp(&depth(a)).then_with(|| b.cmp(a))
}
