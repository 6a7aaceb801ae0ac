//! Reviews: who am I, and what may I do?

use serde_json::{Value, json};

use super::User;
use crate::Api;
use crate::authorize::{self, Attributes};

/// Fills in the status of a review; `None` for a kind that is none.
pub(super) fn answer(api: &Api, user: &User, plural: &str, mut review: Value) -> Option<Value> {
    let everything = |user: &User| user.groups.iter().any(|g| g == "system:masters");
    let info = json!({"username": user.name, "groups": user.groups});
    let status = match plural {
        "selfsubjectaccessreviews" => access(api, user, &review),
        "subjectaccessreviews" | "localsubjectaccessreviews" => {
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let groups = review.pointer("/spec/groups").and_then(Value::as_array);
            let groups = groups.into_iter().flatten().map(text).collect();
            let name = review.pointer("/spec/user").map(text).unwrap_or_default();
            access(api, &User { name, groups }, &review)
        }
        "selfsubjectrulesreviews" if everything(user) => json!({
            "resourceRules": [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}],
            "nonResourceRules": [{"verbs": ["*"], "nonResourceURLs": ["*"]}], "incomplete": false}),
        "selfsubjectrulesreviews" => json!({"resourceRules": [], "nonResourceRules": [], "incomplete": false}),
        "selfsubjectreviews" => {
            crate::metadata::set(&mut review, "creationTimestamp", api.clock().rfc3339());
            json!({"userInfo": info})
        }
        "tokenreviews" => {
            let token = review.pointer("/spec/token").and_then(Value::as_str).unwrap_or_default();
            match api.user_of(token) {
                Some(user) => json!({"authenticated": true,
                    "user": {"username": user.name, "groups": user.groups}}),
                None => json!({"user": {}, "error": "invalid bearer token"}),
            }
        }
        _ => return None,
    };
    if let Some(fields) = review.as_object_mut() {
        fields.insert("status".to_owned(), status);
    }
    Some(review)
}

fn access(api: &Api, user: &User, review: &Value) -> Value {
    let of = |part: &str, field: &str| {
        let found = review.get("spec").and_then(|s| s.get(part)).and_then(|p| p.get(field)).and_then(Value::as_str);
        found.unwrap_or_default().to_owned()
    };
    let resource = |field: &str| of("resourceAttributes", field);
    let (group, plural, subresource) = (resource("group"), resource("resource"), resource("subresource"));
    let (namespace, name, path) = (resource("namespace"), resource("name"), of("nonResourceAttributes", "path"));
    let verb = if path.is_empty() { resource("verb") } else { of("nonResourceAttributes", "verb") };
    let wanted = Attributes {
        verb: &verb,
        group: &group,
        resource: &plural,
        subresource: &subresource,
        namespace: &namespace,
        name: &name,
        path: &path,
    };
    json!({"allowed": authorize::allows(api, user, &wanted)})
}
