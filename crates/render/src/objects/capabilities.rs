//! `.Capabilities`: what the cluster, or the one imagined, can do.

use bowline_gotemplate::{Element, Failure, Kind, List, ListKind, Method, MethodType, Object, Text, Type, Value};
use std::any::Any;
use std::borrow::Cow;
use std::rc::Rc;

/// What Helm imagines where there is no cluster: its own Kubernetes client's version and API groups.
const DEFAULT_API_VERSIONS: &str = include_str!("api_versions.txt");
/// The version of Kubernetes that Helm 4.3.1 imagines.
const DEFAULT_KUBE_VERSION: &str = "v1.37.0";
/// The version that Helm 4.3.1 gives for itself.
pub const HELM_VERSION: &str = "v4.3.1";
/// The version of Go that it is built with.
pub const GO_VERSION: &str = "go1.26.8";
/// The version of Kubernetes that its client is made for.
pub const KUBE_CLIENT_VERSION: &str = "v1.37";

/// A version of Kubernetes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KubeVersion {
    /// As given, with a `v` in front: `v1.33.4-gke.1245000`.
    pub version: String,
    /// Without what follows the numbers: `v1.33.4`; empty where a server told its version.
    pub normalized: String,
    /// `1`
    pub major: String,
    /// `33`
    pub minor: String,
}

impl KubeVersion {
    /// Reads a version such as `1.33`, `v1.33.4` or `v1.33.4-gke.1245000`.
    ///
    /// # Errors
    /// With the text that Helm gives after `invalid kube version '…': `.
    pub fn parse(text: &str) -> Result<Self, String> {
        let quoted = || bowline_gotemplate::fmt::quoted(text.as_bytes());
        let trimmed = text.trim_matches([' ', '\t', '\n', '\r']);
        let body = trimmed.strip_prefix('v').unwrap_or(trimmed);
        let numbers_end = body.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(body.len());
        let numbers = body[..numbers_end].trim_end_matches('.');
        let parts: Vec<&str> = numbers.split('.').collect();
        if parts.iter().any(|part| part.is_empty()) {
            return Err(format!("could not parse {} as version", quoted()));
        }
        if parts.len() < 2 {
            return Err(format!("illegal version string {}", quoted()));
        }
        let mut components = Vec::new();
        for (at, part) in parts.iter().enumerate() {
            let shown = bowline_gotemplate::fmt::quoted(part.as_bytes());
            if at == 0 && part.len() > 1 && part.starts_with('0') {
                return Err(format!("illegal zero-prefixed version component {shown} in {}", quoted()));
            }
            let component = part.parse::<u64>().map_err(|_| {
                let cause = format!("strconv.ParseUint: parsing {shown}: value out of range");
                format!("illegal non-numeric version component {shown} in {}: {cause}", quoted())
            })?;
            components.push(component);
        }
        let joined = components.iter().map(u64::to_string).collect::<Vec<_>>().join(".");
        Ok(Self {
            version: if text.starts_with('v') { text.to_owned() } else { format!("v{text}") },
            normalized: format!("v{joined}"),
            major: components[0].to_string(),
            minor: components[1].to_string(),
        })
    }

    /// As an API server tells it: nothing is read out of its version, and so nothing is normalized.
    pub fn of_server(git_version: &str, major: &str, minor: &str) -> Self {
        let (version, normalized) = (git_version.to_owned(), String::new());
        Self { version, normalized, major: major.to_owned(), minor: minor.to_owned() }
    }

    /// What a chart's `kubeVersion` is compared with.
    pub fn comparable(&self) -> &str {
        if self.normalized.is_empty() { &self.version } else { &self.normalized }
    }
}

/// What `.Capabilities` shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// The version of Kubernetes.
    pub kube_version: KubeVersion,
    /// API versions, and kinds with them: `apps/v1`, `apps/v1/Deployment`.
    pub api_versions: Vec<String>,
}

impl Default for Capabilities {
    fn default() -> Self {
        let kube_version = KubeVersion {
            version: DEFAULT_KUBE_VERSION.to_owned(),
            normalized: DEFAULT_KUBE_VERSION.to_owned(),
            major: "1".to_owned(),
            minor: "37".to_owned(),
        };
        Self { kube_version, api_versions: DEFAULT_API_VERSIONS.lines().map(str::to_owned).collect() }
    }
}

impl Capabilities {
    /// `.Capabilities`
    pub fn value(&self) -> Value {
        let versions = self.api_versions.iter().map(|version| Value::from(version.as_str())).collect();
        Value::object(Struct {
            type_name: "*common.Capabilities",
            fields: vec![
                ("KubeVersion", kube_version(&self.kube_version)),
                ("APIVersions", Value::List(List::of(&VERSION_SET, versions))),
                ("HelmVersion", helm_version()),
            ],
            json: &[],
            text: None,
        })
    }
}

/// `common.VersionSet`
static VERSION_SET: ListKind = ListKind {
    name: "common.VersionSet",
    element: Element::Text,
    methods: &[Method {
        name: "Has",
        params: &[Type::Text],
        returns: Type::Bool,
        call: |set, args| {
            let wanted = args[0].as_text().cloned().unwrap_or_default();
            Ok(set.with(|items| items.iter().any(|item| item.as_text() == Some(&wanted))).into())
        },
    }],
};

fn kube_version(version: &KubeVersion) -> Value {
    let text = version.comparable().to_owned();
    let KubeVersion { version, normalized, major, minor } = version;
    Value::object(Struct {
        type_name: "common.KubeVersion",
        fields: vec![
            ("Version", version.as_str().into()),
            ("normalizedVersion", normalized.as_str().into()),
            ("Major", major.as_str().into()),
            ("Minor", minor.as_str().into()),
        ],
        json: &[],
        text: Some(text),
    })
}

/// `.Capabilities.HelmVersion`: what Helm tells about its build.
pub fn helm_version() -> Value {
    Value::object(Struct {
        type_name: "version.BuildInfo",
        fields: vec![
            ("Version", HELM_VERSION.into()),
            ("GitCommit", "".into()),
            ("GitTreeState", "".into()),
            ("GoVersion", GO_VERSION.into()),
            ("KubeClientVersion", KUBE_CLIENT_VERSION.into()),
        ],
        json: &["version", "git_commit", "git_tree_state", "go_version", "kube_client_version"],
        text: None,
    })
}

/// A Go struct of strings and other structs.
struct Struct {
    type_name: &'static str,
    fields: Vec<(&'static str, Value)>,
    /// Names in JSON, where they differ from the fields'; empty ones are left out.
    json: &'static [&'static str],
    /// What its pointer's `String` method gives.
    text: Option<String>,
}

/// What a copy of a struct is that only takes what others can see; `None` where the object is no such struct.
pub(crate) fn without_hidden_fields(object: &dyn Object) -> Option<Value> {
    let whole = object.as_any().downcast_ref::<Struct>()?;
    let kept = |(name, value): &(&'static str, Value)| match value {
        Value::Text(_) if !name.starts_with(char::is_uppercase) => (*name, Value::from("")),
        Value::Object(inner) => (*name, without_hidden_fields(inner.as_ref()).unwrap_or_else(|| value.clone())),
        Value::List(list) => (*name, Value::List(List::of(list.kind(), list.to_vec()))),
        _ => (*name, value.clone()),
    };
    // A version of Kubernetes that has no normalized form shows the one that was given.
    let text = whole.text.as_ref().and_then(|_| whole.field("Version")?.as_text().map(Text::to_string));
    Some(Value::object(Struct { fields: whole.fields.iter().map(kept).collect(), text, ..*whole }))
}

impl Object for Struct {
    fn type_name(&self) -> Cow<'static, str> {
        Cow::Borrowed(self.type_name)
    }

    fn kind(&self) -> Kind {
        if self.type_name.starts_with('*') { Kind::Ptr } else { Kind::Struct }
    }

    fn fields(&self) -> Vec<(Cow<'static, str>, Value)> {
        self.fields.iter().map(|(name, value)| (Cow::Borrowed(*name), value.clone())).collect()
    }

    fn field(&self, name: &str) -> Option<Value> {
        self.fields.iter().find(|(field, _)| *field == name).map(|(_, value)| value.clone())
    }

    fn method(&self, name: &str) -> Option<MethodType> {
        let known = self.text.is_some() && matches!(name, "String" | "GitVersion");
        known.then_some(MethodType { params: &[], returns: Type::Text })
    }

    fn call(&self, name: &str, _: &[Value]) -> Result<Value, Failure> {
        match (name, &self.text) {
            ("String", Some(text)) => Ok(text.as_str().into()),
            _ => Ok(self.field("Version").unwrap_or_default()),
        }
    }

    fn shown(&self) -> Option<String> {
        self.text.clone()
    }

    fn copied(&self) -> Option<Value> {
        self.text.as_ref()?;
        Some(Value::object(Self { fields: self.fields.clone(), text: None, ..*self }))
    }

    fn json_fields(&self) -> Vec<(Cow<'static, str>, Value)> {
        let all = self.fields().into_iter();
        if self.json.is_empty() {
            return all.filter(|(name, _)| name.starts_with(char::is_uppercase)).collect();
        }
        let renamed = self.json.iter().zip(all).map(|(name, (_, value))| (Cow::Borrowed(*name), value));
        renamed.filter(|(name, value)| value.truth() || name == "kube_client_version").collect()
    }

    fn equals(&self, other: &dyn Object) -> bool {
        let Some(other) = other.as_any().downcast_ref::<Self>() else { return false };
        let text = |value: &Value| value.as_text().cloned();
        self.type_name == other.type_name
            && self.fields.len() == other.fields.len()
            && self.fields.iter().zip(&other.fields).all(|((_, one), (_, two))| match (one, two) {
                (Value::Object(one), Value::Object(two)) => Rc::ptr_eq(one, two) || one.equals(two.as_ref()),
                (one, two) => text(one) == text(two),
            })
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
