//! Which fields of which kinds name other objects: the whole knowledge of kinds, as data.
//!
//! To teach the graph a kind, add a line here (and in `pods.rs` where the kind makes pods). Sources: the Kubernetes 1.36
//! API reference for built-in kinds; the Gateway API, cert-manager and External Secrets references for theirs.

use crate::Relation;

/// On which objects a field is looked for.
pub(crate) enum On {
    /// The `spec` of every pod template; paths start there.
    Pods,
    /// Objects of these kinds (group, kind); paths start at the object.
    Kinds(&'static [(&'static str, &'static str)]),
}

/// What a name in a field names.
pub(crate) enum To {
    /// An object of this group and kind.
    Kind(&'static str, &'static str),
    /// An object whose kind stands beside the name: `kind` with `apiGroup` or `apiVersion`.
    Beside,
}

/// A field that names another object. Fields beside it may refine: `namespace`, `optional`, `key`, `items/*/key`.
pub(crate) struct Field {
    pub(crate) on: On,
    pub(crate) path: &'static str,
    pub(crate) to: To,
    pub(crate) relation: Relation,
}

const fn pods(path: &'static str, kind: &'static str, relation: Relation) -> Field {
    Field { on: On::Pods, path, to: To::Kind("", kind), relation }
}

const fn of(
    kinds: &'static [(&'static str, &'static str)],
    path: &'static str,
    to: (&'static str, &'static str),
    relation: Relation,
) -> Field {
    Field { on: On::Kinds(kinds), path, to: To::Kind(to.0, to.1), relation }
}

const fn beside(kinds: &'static [(&'static str, &'static str)], path: &'static str, relation: Relation) -> Field {
    Field { on: On::Kinds(kinds), path, to: To::Beside, relation }
}

const SECRET: (&str, &str) = ("", "Secret");
const SERVICE: (&str, &str) = ("", "Service");
const RBAC: &str = "rbac.authorization.k8s.io";
const ADMISSION: &str = "admissionregistration.k8s.io";
const GATEWAY: &str = "gateway.networking.k8s.io";
const INGRESS: &[(&str, &str)] = &[("networking.k8s.io", "Ingress")];
const BINDINGS: &[(&str, &str)] = &[(RBAC, "RoleBinding"), (RBAC, "ClusterRoleBinding")];
const ROUTES: &[(&str, &str)] =
    &[(GATEWAY, "HTTPRoute"), (GATEWAY, "GRPCRoute"), (GATEWAY, "TCPRoute"), (GATEWAY, "TLSRoute")];

/// Fields that name objects.
pub(crate) const FIELDS: &[Field] = &[
    // what a pod cannot start without
    pods("/initContainers|containers/*/env/*/valueFrom/secretKeyRef/name", "Secret", Relation::Env),
    pods("/initContainers|containers/*/env/*/valueFrom/configMapKeyRef/name", "ConfigMap", Relation::Env),
    pods("/initContainers|containers/*/envFrom/*/secretRef/name", "Secret", Relation::EnvFrom),
    pods("/initContainers|containers/*/envFrom/*/configMapRef/name", "ConfigMap", Relation::EnvFrom),
    pods("/volumes/*/secret/secretName", "Secret", Relation::Volume),
    pods("/volumes/*/configMap/name", "ConfigMap", Relation::Volume),
    pods("/volumes/*/projected/sources/*/secret/name", "Secret", Relation::Volume),
    pods("/volumes/*/projected/sources/*/configMap/name", "ConfigMap", Relation::Volume),
    pods("/volumes/*/csi/nodePublishSecretRef/name", "Secret", Relation::Volume),
    pods("/volumes/*/persistentVolumeClaim/claimName", "PersistentVolumeClaim", Relation::Volume),
    pods("/serviceAccountName", "ServiceAccount", Relation::ServiceAccount),
    Field {
        on: On::Pods,
        path: "/priorityClassName",
        to: To::Kind("scheduling.k8s.io", "PriorityClass"),
        relation: Relation::Class,
    },
    Field {
        on: On::Pods,
        path: "/runtimeClassName",
        to: To::Kind("node.k8s.io", "RuntimeClass"),
        relation: Relation::Class,
    },
    pods("/imagePullSecrets/*/name", "Secret", Relation::PullSecret),
    // accounts and roles
    of(&[("", "ServiceAccount")], "/imagePullSecrets|secrets/*/name", SECRET, Relation::PullSecret),
    beside(BINDINGS, "/roleRef/name", Relation::Role),
    beside(BINDINGS, "/subjects/*/name", Relation::Subject),
    // storage
    of(&[("", "PersistentVolumeClaim")], "/spec/storageClassName", ("storage.k8s.io", "StorageClass"), Relation::Class),
    of(&[("", "PersistentVolumeClaim")], "/spec/volumeName", ("", "PersistentVolume"), Relation::Volume),
    // traffic
    of(&[("apps", "StatefulSet")], "/spec/serviceName", SERVICE, Relation::Backend),
    of(INGRESS, "/spec/defaultBackend/service/name", SERVICE, Relation::Backend),
    of(INGRESS, "/spec/rules/*/http/paths/*/backend/service/name", SERVICE, Relation::Backend),
    of(INGRESS, "/spec/tls/*/secretName", SECRET, Relation::Tls),
    of(INGRESS, "/spec/ingressClassName", ("networking.k8s.io", "IngressClass"), Relation::Class),
    of(ROUTES, "/spec/rules/*/backendRefs/*/name", SERVICE, Relation::Backend),
    of(ROUTES, "/spec/parentRefs/*/name", (GATEWAY, "Gateway"), Relation::Backend),
    of(&[(GATEWAY, "Gateway")], "/spec/listeners/*/tls/certificateRefs/*/name", SECRET, Relation::Tls),
    of(&[(GATEWAY, "Gateway")], "/spec/gatewayClassName", (GATEWAY, "GatewayClass"), Relation::Class),
    // scaling
    beside(&[("autoscaling", "HorizontalPodAutoscaler")], "/spec/scaleTargetRef/name", Relation::ScaleTarget),
    beside(&[("keda.sh", "ScaledObject")], "/spec/scaleTargetRef/name", Relation::ScaleTarget),
    // the API server's own calls
    of(
        &[(ADMISSION, "MutatingWebhookConfiguration"), (ADMISSION, "ValidatingWebhookConfiguration")],
        "/webhooks/*/clientConfig/service/name",
        SERVICE,
        Relation::Webhook,
    ),
    of(
        &[("apiextensions.k8s.io", "CustomResourceDefinition")],
        "/spec/conversion/webhook/clientConfig/service/name",
        SERVICE,
        Relation::Webhook,
    ),
    of(&[("apiregistration.k8s.io", "APIService")], "/spec/service/name", SERVICE, Relation::Webhook),
];

/// Selectors of pods: kind, path, and whether it is a `LabelSelector` (else a plain mapping of labels). An empty plain
/// mapping selects nothing, an empty `LabelSelector` everything.
pub(crate) const SELECTORS: &[(&str, &str, &str, bool)] = &[
    ("", "Service", "/spec/selector", false),
    ("policy", "PodDisruptionBudget", "/spec/selector", true),
    ("networking.k8s.io", "NetworkPolicy", "/spec/podSelector", true),
    ("monitoring.coreos.com", "PodMonitor", "/spec/selector", true),
];

/// Kinds whose controller makes a Secret: kind and the field with its name; `/metadata/name` where that is absent.
pub(crate) const SECRET_MAKERS: &[(&str, &str, &str)] = &[
    ("bitnami.com", "SealedSecret", "/spec/template/metadata/name"),
    ("cert-manager.io", "Certificate", "/spec/secretName"),
    ("external-secrets.io", "ExternalSecret", "/spec/target/name"),
];

/// Texts in which a host name may name a Service, besides environment values, arguments and commands of containers.
pub(crate) const TEXTS: &[(&str, &str, &str)] = &[("", "ConfigMap", "/data/*"), ("", "Secret", "/stringData/*")];

/// Objects every cluster has: kind and name; a trailing `*` stands for any rest.
pub(crate) const BUILT_IN: &[(&str, &str)] = &[
    ("ClusterRole", "admin"),
    ("ClusterRole", "cluster-admin"),
    ("ClusterRole", "edit"),
    ("ClusterRole", "system:*"),
    ("ClusterRole", "view"),
    ("ConfigMap", "kube-root-ca.crt"),
    ("Namespace", "default"),
    ("Namespace", "kube-node-lease"),
    ("Namespace", "kube-public"),
    ("Namespace", "kube-system"),
    ("PriorityClass", "system-cluster-critical"),
    ("PriorityClass", "system-node-critical"),
    ("Role", "extension-apiserver-authentication-reader"),
    ("Service", "kube-dns"),
    ("Service", "kubernetes"),
    ("ServiceAccount", "default"),
];
