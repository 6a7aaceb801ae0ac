//! One object's need of another.

use std::fmt;

use bowline_manifest::ObjectKey;
use serde::{Deserialize, Serialize};

use crate::{NodeId, Selector};

/// In which way one object needs another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Relation {
    /// An environment variable takes its value from a key of it.
    Env,
    /// All its keys become environment variables.
    EnvFrom,
    /// It is mounted.
    Volume,
    /// Pods run under it.
    ServiceAccount,
    /// Images are pulled with it.
    PullSecret,
    /// A class (priority, storage, ingress, gateway, runtime).
    Class,
    /// A role that a binding grants.
    Role,
    /// An account that a binding grants to.
    Subject,
    /// Traffic goes to it.
    Backend,
    /// A certificate.
    Tls,
    /// It is scaled.
    ScaleTarget,
    /// The API server calls it.
    Webhook,
    /// Pods are selected by label.
    Selector,
    /// Its host name stands in an environment value, an argument or a configuration.
    Hostname,
    /// It is the namespace to live in.
    Namespace,
    /// It defines the kind.
    Definition,
}

impl Relation {
    /// Whether a pod that lacks it does not start: it is refused, stays pending, or its containers cannot be created.
    pub fn blocks_start(self) -> bool {
        matches!(self, Self::Env | Self::EnvFrom | Self::Volume | Self::ServiceAccount | Self::Namespace)
    }

    /// Whether it has to exist before the other is of use. Selectors and host names are looked up again and again at
    /// run time instead.
    pub fn comes_first(self) -> bool {
        !matches!(self, Self::Selector | Self::Hostname | Self::Backend | Self::ScaleTarget | Self::Subject)
    }

    /// How messages say it, as in `env of Secret/db`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Env => "env",
            Self::EnvFrom => "envFrom",
            Self::Volume => "volume",
            Self::ServiceAccount => "serviceAccount",
            Self::PullSecret => "imagePullSecret",
            Self::Class => "class",
            Self::Role => "role",
            Self::Subject => "subject",
            Self::Backend => "backend",
            Self::Tls => "tls",
            Self::ScaleTarget => "scaleTarget",
            Self::Webhook => "webhook",
            Self::Selector => "selector",
            Self::Hostname => "hostname",
            Self::Namespace => "namespace",
            Self::Definition => "definition",
        }
    }
}

impl fmt::Display for Relation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a reference asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// This object.
    Object(ObjectKey),
    /// Any pods with these labels.
    Pods {
        /// Where.
        namespace: String,
        /// Which.
        selector: Selector,
    },
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Object(key) => key.fmt(f),
            Self::Pods { selector, .. } => write!(f, "pods with {selector}"),
        }
    }
}

/// A key of a Secret or ConfigMap that a reference uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyUse {
    /// The key.
    pub key: String,
    /// JSON pointer of the place that names it.
    pub pointer: String,
}

/// A place in an object that needs another object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// The object with the need.
    pub from: NodeId,
    /// JSON pointer of the place in it.
    pub pointer: String,
    /// In which way.
    pub relation: Relation,
    /// What it asks for.
    pub wanted: Wanted,
    /// Whether the manifest says it may be absent (`optional: true`).
    pub optional: bool,
    /// The keys it uses; empty where it uses all or none in particular.
    pub keys: Vec<KeyUse>,
    /// The objects of the set that fit; empty where the chart has none.
    pub targets: Vec<NodeId>,
    /// Whether every cluster has it (`ServiceAccount/default`), or the release's own set-up creates it.
    pub built_in: bool,
}

impl Reference {
    /// Whether the chart does not bring it; it may be in the cluster.
    pub fn is_missing(&self) -> bool {
        self.targets.is_empty() && !self.built_in
    }

    /// The object asked for, where it is a single one.
    pub fn object(&self) -> Option<&ObjectKey> {
        match &self.wanted {
            Wanted::Object(key) => Some(key),
            Wanted::Pods { .. } => None,
        }
    }
}
