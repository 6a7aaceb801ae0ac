//! Who may do what: the owners of the cluster everything, the others what roles give them.

use serde_json::Value;

use crate::http::User;
use crate::metadata::text;
use crate::{Api, ListOptions, ResourceId, Status, resources};

/// What somebody wants to do.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Attributes<'a> {
    /// As in `get`, `list`, `deletecollection`.
    pub(crate) verb: &'a str,
    pub(crate) group: &'a str,
    pub(crate) resource: &'a str,
    pub(crate) subresource: &'a str,
    /// Empty for the whole cluster.
    pub(crate) namespace: &'a str,
    pub(crate) name: &'a str,
    /// For what is no resource: the path.
    pub(crate) path: &'a str,
}

/// Whether the user may do that.
pub(crate) fn allows(api: &Api, user: &User, wanted: &Attributes<'_>) -> bool {
    if user.groups.iter().any(|group| group == "system:masters") {
        return true;
    }
    if is_for_everybody(wanted) {
        return true;
    }
    let bindings = |id: &ResourceId, namespace: Option<&str>| {
        api.list(id, namespace, &ListOptions::default()).map(|list| list.items).unwrap_or_default()
    };
    let cluster = bindings(&resources::CLUSTER_ROLE_BINDINGS, None).into_iter();
    let own = if wanted.namespace.is_empty() {
        Vec::new()
    } else {
        bindings(&resources::ROLE_BINDINGS, Some(wanted.namespace))
    };
    cluster.chain(own).any(|binding| {
        let namespace = text(&binding, "namespace");
        let subjects = binding.get("subjects").and_then(Value::as_array).into_iter().flatten();
        subjects.into_iter().any(|subject| is_subject(user, subject, namespace))
            && rules(api, &binding, namespace).iter().any(|rule| rule_allows(rule, wanted))
    })
}

/// Everybody who is known may look around and ask about himself.
fn is_for_everybody(wanted: &Attributes<'_>) -> bool {
    let about_oneself = ["selfsubjectaccessreviews", "selfsubjectrulesreviews", "selfsubjectreviews"];
    let asks = wanted.verb == "create" && about_oneself.contains(&wanted.resource);
    let roots = ["/api", "/apis", "/openapi", "/version", "/healthz", "/livez", "/readyz"];
    let looks = wanted.verb == "get"
        && roots
            .iter()
            .any(|root| wanted.path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')));
    asks || looks
}

fn is_subject(user: &User, subject: &Value, namespace: &str) -> bool {
    let field = |name: &str| subject.get(name).and_then(Value::as_str).unwrap_or_default();
    match field("kind") {
        "User" => field("name") == user.name,
        "Group" => user.groups.iter().any(|group| group == field("name")),
        "ServiceAccount" => {
            let own = if field("namespace").is_empty() { namespace } else { field("namespace") };
            user.name == format!("system:serviceaccount:{own}:{}", field("name"))
        }
        _ => false,
    }
}

fn rules(api: &Api, binding: &Value, namespace: &str) -> Vec<Value> {
    let field =
        |name: &str| binding.get("roleRef").and_then(|r| r.get(name)).and_then(Value::as_str).unwrap_or_default();
    let role = match field("kind") {
        "ClusterRole" => api.get(&resources::CLUSTER_ROLES, "", field("name")),
        _ => api.get(&resources::ROLES, namespace, field("name")),
    };
    let rules = role.ok().and_then(|role| role.get("rules").and_then(Value::as_array).cloned());
    rules.unwrap_or_default()
}

fn rule_allows(rule: &Value, wanted: &Attributes<'_>) -> bool {
    let has = |field: &str, accepts: &dyn Fn(&str) -> bool| {
        let list = rule.get(field).and_then(Value::as_array).into_iter().flatten();
        list.into_iter().filter_map(Value::as_str).any(accepts)
    };
    if !has("verbs", &|verb| verb == "*" || verb == wanted.verb) {
        return false;
    }
    if !wanted.path.is_empty() {
        return has("nonResourceURLs", &|url| match url.strip_suffix('*') {
            Some(prefix) => wanted.path.starts_with(prefix),
            None => url == wanted.path,
        });
    }
    let whole = if wanted.subresource.is_empty() {
        wanted.resource.to_owned()
    } else {
        format!("{}/{}", wanted.resource, wanted.subresource)
    };
    let names = rule.get("resourceNames").and_then(Value::as_array).is_some_and(|names| !names.is_empty());
    has("apiGroups", &|group| group == "*" || group == wanted.group)
        && has("resources", &|resource| {
            resource == "*" || resource == whole || resource.strip_prefix("*/").is_some_and(|s| s == wanted.subresource)
        })
        && (!names || has("resourceNames", &|name| name == wanted.name))
}

/// 403 in the real server's words.
pub(crate) fn refusal(user: &User, wanted: &Attributes<'_>) -> Status {
    if !wanted.path.is_empty() {
        let why = format!("User {:?} cannot {} path {:?}", user.name, wanted.verb, wanted.path);
        return Status::new(403, "Forbidden", format!("forbidden: {why}"));
    }
    let whole = if wanted.subresource.is_empty() {
        wanted.resource.to_owned()
    } else {
        format!("{}/{}", wanted.resource, wanted.subresource)
    };
    let place = if wanted.namespace.is_empty() {
        "at the cluster scope".to_owned()
    } else {
        format!("in the namespace {:?}", wanted.namespace)
    };
    let why = format!(
        "User {:?} cannot {} resource {whole:?} in API group {:?} {place}",
        user.name, wanted.verb, wanted.group
    );
    Status::forbidden(wanted.group, wanted.resource, wanted.name, &why)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn wanted<'a>(verb: &'a str, resource: &'a str, name: &'a str) -> Attributes<'a> {
        Attributes { verb, resource, namespace: "default", name, ..Attributes::default() }
    }

    #[test]
    fn rules_allow_what_they_name() {
        let rule = json!({"verbs": ["get", "list"], "apiGroups": [""], "resources": ["pods", "pods/log"]});
        assert!(rule_allows(&rule, &wanted("get", "pods", "a")));
        assert!(rule_allows(&rule, &Attributes { subresource: "log", ..wanted("get", "pods", "a") }));
        assert!(!rule_allows(&rule, &wanted("delete", "pods", "a")));
        assert!(!rule_allows(&rule, &wanted("get", "secrets", "a")));
        assert!(!rule_allows(&rule, &Attributes { group: "apps", ..wanted("get", "pods", "a") }));
        let named = json!({"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"], "resourceNames": ["a"]});
        assert!(rule_allows(&named, &wanted("delete", "secrets", "a")));
        assert!(!rule_allows(&named, &wanted("delete", "secrets", "b")));
        let path = json!({"verbs": ["get"], "nonResourceURLs": ["/metrics*"]});
        assert!(rule_allows(&path, &Attributes { verb: "get", path: "/metrics/x", ..Attributes::default() }));
    }
}
