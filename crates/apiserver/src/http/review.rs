//! Reviews: who am I, and what may I do?

use serde_json::{Value, json};

use super::User;
use crate::Api;

/// Fills in the status of a review; `None` for a kind that is none.
pub(super) fn answer(api: &Api, user: &User, plural: &str, mut review: Value) -> Option<Value> {
    let everything = |user: &User| user.groups.iter().any(|g| g == "system:masters");
    let info = json!({"username": user.name, "groups": user.groups});
    let status = match plural {
        "selfsubjectaccessreviews" => access(everything(user)),
        "subjectaccessreviews" | "localsubjectaccessreviews" => {
            let groups = review.pointer("/spec/groups").and_then(Value::as_array);
            let masters = groups.into_iter().flatten().any(|g| g == "system:masters");
            access(masters || review.pointer("/spec/user").and_then(Value::as_str) == Some("admin"))
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

fn access(allowed: bool) -> Value {
    if allowed { json!({"allowed": true}) } else { json!({"allowed": false, "reason": "no rule allows it"}) }
}
