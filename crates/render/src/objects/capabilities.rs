//! `.Capabilities`: what the cluster, or the one imagined, can do.

use super::structure::Struct;
use bowline_chart::Compat;
use bowline_gotemplate::{Element, List, ListKind, Method, Type, Value};

/// What Helm imagines where there is no cluster: its own Kubernetes client's version and API groups.
const DEFAULT_API_VERSIONS: &str = include_str!("api_versions.txt");
/// The version of Kubernetes that Helm imagines, 3.22.0 as well as 4.3.1.
const DEFAULT_KUBE_VERSION: &str = "v1.37.0";
/// The version of Go that it is built with.
pub const GO_VERSION: &str = "go1.26.8";
/// The version of Kubernetes that its client is made for.
pub const KUBE_CLIENT_VERSION: &str = "v1.37";

/// The version that Helm gives for itself.
pub fn helm_release(compat: Compat) -> &'static str {
    compat.either("v3.22.0", "v4.3.1")
}

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

impl KubeVersion {
    /// The version that `--kube-version` gives: Helm 3 forgets what follows the numbers.
    ///
    /// # Errors
    /// As [`KubeVersion::parse`].
    pub fn of_flag(text: &str, compat: Compat) -> Result<Self, String> {
        let mut parsed = Self::parse(text)?;
        if compat.is_helm3() {
            parsed.version.clone_from(&parsed.normalized);
        }
        Ok(parsed)
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
    pub fn value(&self, compat: Compat) -> Value {
        let versions = self.api_versions.iter().map(|version| Value::from(version.as_str())).collect();
        let set = compat.either(&VERSION_SET_OF_HELM3, &VERSION_SET);
        let fields = vec![
            ("KubeVersion", kube_version(&self.kube_version, compat)),
            ("APIVersions", Value::List(List::of(set, versions))),
            ("HelmVersion", helm_version(compat)),
        ];
        Value::object(Struct::new(compat.either("*chartutil.Capabilities", "*common.Capabilities"), fields))
    }
}

/// `common.VersionSet`
static VERSION_SET: ListKind = ListKind { name: "common.VersionSet", element: Element::Text, methods: &[HAS] };
/// The same in Helm 3.
static VERSION_SET_OF_HELM3: ListKind = ListKind { name: "chartutil.VersionSet", ..VERSION_SET };

const HAS: Method<List> = Method {
    name: "Has",
    params: &[Type::Text],
    returns: Type::Bool,
    call: |set, args| {
        let wanted = args[0].as_text().cloned().unwrap_or_default();
        Ok(set.with(|items| items.iter().any(|item| item.as_text() == Some(&wanted))).into())
    },
};

fn kube_version(version: &KubeVersion, compat: Compat) -> Value {
    let mut text = version.comparable().to_owned();
    let KubeVersion { version, normalized, major, minor } = version;
    let mut fields = vec![
        ("Version", version.as_str().into()),
        ("normalizedVersion", normalized.as_str().into()),
        ("Major", major.as_str().into()),
        ("Minor", minor.as_str().into()),
    ];
    if compat.is_helm3() {
        fields.remove(1);
        text.clone_from(version);
    }
    let type_name = compat.either("chartutil.KubeVersion", "common.KubeVersion");
    Value::object(Struct { text: Some(text), ..Struct::new(type_name, fields) })
}

/// `.Capabilities.HelmVersion`: what Helm tells about its build.
pub fn helm_version(compat: Compat) -> Value {
    let mut fields = vec![
        ("Version", helm_release(compat).into()),
        ("GitCommit", "".into()),
        ("GitTreeState", "".into()),
        ("GoVersion", GO_VERSION.into()),
    ];
    if compat == Compat::Helm4 {
        fields.push(("KubeClientVersion", KUBE_CLIENT_VERSION.into()));
    }
    let json = &[
        ("version", false),
        ("git_commit", false),
        ("git_tree_state", false),
        ("go_version", false),
        ("kube_client_version", true),
    ];
    Value::object(Struct { json, ..Struct::new("version.BuildInfo", fields) })
}
