//! What every cluster has from the start: namespaces, and the roles that charts bind to.

use serde_json::{Value, json};

use crate::{Api, ResourceId, WriteOptions, resources};

/// Secrets, and who may do what: not for everybody to see.
const SENSITIVE: [&str; 5] = ["secrets", "roles", "rolebindings", "serviceaccounts", "bindings"];
const READ: [&str; 3] = ["get", "list", "watch"];
const WRITE: [&str; 8] = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];

impl Api {
    pub(crate) fn create_what_every_cluster_has(&self) {
        for name in ["default", "kube-node-lease", "kube-public", "kube-system"] {
            self.create_own(&resources::NAMESPACES, json!({"metadata": {"name": name}}));
        }
        let everything = json!([{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]},
            {"nonResourceURLs": ["*"], "verbs": ["*"]}]);
        self.create_role("cluster-admin", &everything);
        self.create_role("admin", &self.rules(&WRITE, |_| true));
        self.create_role("edit", &self.rules(&WRITE, |plural| !matches!(plural, "roles" | "rolebindings")));
        self.create_role("view", &self.rules(&READ, |plural| !SENSITIVE.contains(&plural)));
        let group = "rbac.authorization.k8s.io";
        let masters = json!({"metadata": {"name": "cluster-admin"},
            "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": "cluster-admin"},
            "subjects": [{"apiGroup": group, "kind": "Group", "name": "system:masters"}]});
        self.create_own(&resources::CLUSTER_ROLE_BINDINGS, masters);
    }

    fn create_role(&self, name: &str, rules: &Value) {
        let labels = json!({"kubernetes.io/bootstrapping": "rbac-defaults"});
        self.create_own(
            &resources::CLUSTER_ROLES,
            json!({"metadata": {"name": name, "labels": labels}, "rules": rules}),
        );
    }

    /// Rules for the namespaced resources and their parts, group by group.
    fn rules(&self, verbs: &[&str], includes: impl Fn(&str) -> bool) -> Value {
        let mut groups = std::collections::BTreeMap::<String, Vec<String>>::new();
        for resource in self.catalog().served().filter(|r| r.namespaced && includes(&r.id.plural)) {
            let list = groups.entry(resource.id.group.to_string()).or_default();
            list.push(resource.id.plural.to_string());
            list.extend(resource.subresources.iter().map(|part| format!("{}/{}", resource.id.plural, part.name)));
        }
        groups
            .into_iter()
            .map(|(group, resources)| json!({"apiGroups": [group], "resources": resources, "verbs": verbs}))
            .collect()
    }

    fn create_own(&self, id: &ResourceId, object: Value) {
        if let Err(error) = self.create(id, "", object, &WriteOptions::by("kube-apiserver")) {
            tracing::error!(%error, %id, "could not create what every cluster has");
        }
    }
}
