//! `.Capabilities`

use std::any::Any;
use std::borrow::Cow;

use bowline_gotemplate::{Element, Failure, Kind, List, ListKind, Method, MethodType, Object, Type, Value};

use crate::{KubeVersion, Options};

/// Group versions that Helm 4.3.1 takes for served where there is no cluster.
pub const DEFAULT_API_VERSIONS: &[&str] = &[
    "v1",
    "admissionregistration.k8s.io/v1",
    "admissionregistration.k8s.io/v1alpha1",
    "admissionregistration.k8s.io/v1beta1",
    "internal.apiserver.k8s.io/v1alpha1",
    "apps/v1",
    "apps/v1beta1",
    "apps/v1beta2",
    "authentication.k8s.io/v1",
    "authentication.k8s.io/v1alpha1",
    "authentication.k8s.io/v1beta1",
    "authorization.k8s.io/v1",
    "authorization.k8s.io/v1beta1",
    "autoscaling/v1",
    "autoscaling/v2",
    "batch/v1",
    "batch/v1beta1",
    "certificates.k8s.io/v1",
    "certificates.k8s.io/v1beta1",
    "certificates.k8s.io/v1alpha1",
    "coordination.k8s.io/v1alpha2",
    "coordination.k8s.io/v1beta1",
    "coordination.k8s.io/v1",
    "discovery.k8s.io/v1",
    "discovery.k8s.io/v1beta1",
    "events.k8s.io/v1",
    "events.k8s.io/v1beta1",
    "extensions/v1beta1",
    "flowcontrol.apiserver.k8s.io/v1",
    "flowcontrol.apiserver.k8s.io/v1beta1",
    "flowcontrol.apiserver.k8s.io/v1beta2",
    "flowcontrol.apiserver.k8s.io/v1beta3",
    "lifecycle.k8s.io/v1alpha1",
    "networking.k8s.io/v1",
    "networking.k8s.io/v1beta1",
    "node.k8s.io/v1",
    "node.k8s.io/v1alpha1",
    "node.k8s.io/v1beta1",
    "policy/v1",
    "policy/v1beta1",
    "rbac.authorization.k8s.io/v1",
    "rbac.authorization.k8s.io/v1beta1",
    "rbac.authorization.k8s.io/v1alpha1",
    "resource.k8s.io/v1",
    "resource.k8s.io/v1beta2",
    "resource.k8s.io/v1beta1",
    "resource.k8s.io/v1alpha3",
    "scheduling.k8s.io/v1alpha3",
    "scheduling.k8s.io/v1beta1",
    "scheduling.k8s.io/v1",
    "storage.k8s.io/v1beta1",
    "storage.k8s.io/v1",
    "storage.k8s.io/v1alpha1",
    "storagemigration.k8s.io/v1",
    "storagemigration.k8s.io/v1beta1",
    "apiextensions.k8s.io/v1beta1",
    "apiextensions.k8s.io/v1",
];

/// What `.Capabilities.HelmVersion` says: the version whose rendering this is, and what it was built with.
const HELM_VERSION: [(&str, &str); 5] = [
    ("Version", "v4.3"),
    ("GitCommit", ""),
    ("GitTreeState", ""),
    ("GoVersion", "go1.26.8"),
    ("KubeClientVersion", "v1.37"),
];

/// `common.VersionSet`
static VERSION_SET: ListKind = ListKind {
    name: "common.VersionSet",
    element: Element::Text,
    methods: &[Method { name: "Has", params: &[Type::Text], returns: Type::Bool, call: has }],
};

fn has(set: &List, args: &[Value]) -> Result<Value, Failure> {
    let Some(Value::Text(wanted)) = args.first() else { return Ok(Value::Bool(false)) };
    let found = set.with(|items| items.iter().any(|item| matches!(item, Value::Text(text) if text == wanted)));
    Ok(Value::Bool(found))
}

/// `.Capabilities` of a rendering.
pub(crate) fn capabilities(options: &Options) -> Value {
    let defaults = if options.only_api_versions { &[][..] } else { DEFAULT_API_VERSIONS };
    let versions = defaults.iter().copied().chain(options.api_versions.iter().map(String::as_str));
    let versions = List::of(&VERSION_SET, versions.map(Value::text).collect());
    let fields = vec![
        ("KubeVersion", Value::object(KubeVersionObject(options.kube_version.clone()))),
        ("APIVersions", Value::List(versions)),
        ("HelmVersion", Value::object(HelmVersion)),
    ];
    Value::object(Capabilities { fields })
}

/// `*common.Capabilities`
struct Capabilities {
    fields: Vec<(&'static str, Value)>,
}

impl Object for Capabilities {
    fn type_name(&self) -> Cow<'static, str> {
        "*common.Capabilities".into()
    }

    fn kind(&self) -> Kind {
        Kind::Ptr
    }

    fn fields(&self) -> Vec<(Cow<'static, str>, Value)> {
        self.fields.iter().map(|(name, value)| (Cow::Borrowed(*name), value.clone())).collect()
    }

    fn field(&self, name: &str) -> Option<Value> {
        self.fields.iter().find(|(field, _)| *field == name).map(|(_, value)| value.clone())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// `common.KubeVersion`
struct KubeVersionObject(KubeVersion);

impl Object for KubeVersionObject {
    fn type_name(&self) -> Cow<'static, str> {
        "common.KubeVersion".into()
    }

    fn fields(&self) -> Vec<(Cow<'static, str>, Value)> {
        let KubeVersion { version, normalized, major, minor } = &self.0;
        let fields = [("Version", version), ("normalizedVersion", normalized), ("Major", major), ("Minor", minor)];
        fields.into_iter().map(|(name, text)| (name.into(), Value::text(text.as_str()))).collect()
    }

    fn field(&self, name: &str) -> Option<Value> {
        let KubeVersion { version, major, minor, .. } = &self.0;
        let text = match name {
            "Version" => version,
            "Major" => major,
            "Minor" => minor,
            _ => return None,
        };
        Some(Value::text(text.as_str()))
    }

    fn method(&self, name: &str) -> Option<MethodType> {
        matches!(name, "GitVersion" | "String").then_some(MethodType { params: &[], returns: Type::Text })
    }

    fn call(&self, name: &str, _: &[Value]) -> Result<Value, Failure> {
        let KubeVersion { version, normalized, .. } = &self.0;
        Ok(Value::text(if name == "GitVersion" { version.as_str() } else { normalized.as_str() }))
    }

    fn string(&self) -> Option<String> {
        Some(self.0.normalized.clone())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// `version.BuildInfo`
struct HelmVersion;

impl Object for HelmVersion {
    fn type_name(&self) -> Cow<'static, str> {
        "version.BuildInfo".into()
    }

    fn fields(&self) -> Vec<(Cow<'static, str>, Value)> {
        HELM_VERSION.iter().map(|(name, text)| (Cow::Borrowed(*name), Value::text(*text))).collect()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
