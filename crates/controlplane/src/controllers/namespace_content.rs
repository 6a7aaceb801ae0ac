//! What every namespace holds from the start: a default ServiceAccount, and the certificate of the API server's authority.
//!
//! Source of the rules: `pkg/controller/serviceaccount`, `pkg/controller/certificates/rootcacertpublisher` of Kubernetes 1.36.

use serde_json::{Value, json};

use crate::control_loop::{Change, Cluster, Context, Controller, Key};
use crate::error::Error;
use crate::kind;
use crate::object::Fields;

/// The ConfigMap with the certificate authority.
const ROOT_CA: &str = "kube-root-ca.crt";
const DESCRIPTION: &str = "kubernetes.io/description";
const ABOUT: &str = "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.";

/// Keeps both in every namespace that is not being deleted.
#[derive(Debug)]
pub(crate) struct NamespaceContent {
    root_ca: String,
}

impl NamespaceContent {
    /// With the authority's certificate, PEM; empty where there is none, then there is no ConfigMap either.
    pub(crate) fn new(root_ca: &str) -> Self {
        Self { root_ca: root_ca.to_owned() }
    }

    fn ensure_root_ca(&self, context: &Context<'_>, namespace: &str) -> Result<(), Error> {
        let Some(present) = context.cluster.get(kind::CONFIG_MAP, &Key::new(namespace, ROOT_CA)) else {
            let wanted = json!({
                "apiVersion": "v1", "kind": "ConfigMap",
                "metadata": {"name": ROOT_CA, "namespace": namespace, "annotations": {DESCRIPTION: ABOUT}},
                "data": {"ca.crt": self.root_ca},
            });
            return made(context.cluster.create(kind::CONFIG_MAP, wanted));
        };
        let data = json!({"ca.crt": self.root_ca});
        if present["data"] != data || present.annotation(DESCRIPTION).is_none_or(str::is_empty) {
            let mut changed = Value::clone(&present);
            changed.put("/data", data);
            changed.annotate(DESCRIPTION, ABOUT);
            context.cluster.update(kind::CONFIG_MAP, changed)?;
        }
        Ok(())
    }
}

/// Whoever made it, it is there; and in a namespace that is being deleted nothing has to be.
fn made<T>(result: Result<T, Error>) -> Result<(), Error> {
    match result {
        Err(error) if !error.is_already_exists() && !error.is_namespace_terminating() => Err(error),
        _ => Ok(()),
    }
}

impl Controller for NamespaceContent {
    fn name(&self) -> &'static str {
        "service-account-controller"
    }

    fn keys(&mut self, change: &Change, _cluster: &Cluster) -> Vec<Key> {
        if change.is(kind::NAMESPACE) {
            return vec![change.key()];
        }
        let of_ours = |name: &str| change.object().is_some_and(|o| o.name() == name);
        let account = change.is(kind::SERVICE_ACCOUNT) && of_ours("default") && change.new.is_none();
        let authority = change.is(kind::CONFIG_MAP) && of_ours(ROOT_CA);
        if account || authority { vec![Key::new("", &change.key().namespace)] } else { Vec::new() }
    }

    fn reconcile(&mut self, context: &mut Context<'_>, key: &Key) -> Result<(), Error> {
        let Some(namespace) = context.cluster.get(kind::NAMESPACE, key) else { return Ok(()) };
        if namespace.is_terminating() || namespace.text("/status/phase") == "Terminating" {
            return Ok(());
        }
        if context.cluster.get(kind::SERVICE_ACCOUNT, &Key::new(&key.name, "default")).is_none() {
            let wanted = json!({"apiVersion": "v1", "kind": "ServiceAccount",
                "metadata": {"name": "default", "namespace": key.name}});
            made(context.cluster.create(kind::SERVICE_ACCOUNT, wanted))?;
        }
        if self.root_ca.is_empty() { Ok(()) } else { self.ensure_root_ca(context, &key.name) }
    }
}
