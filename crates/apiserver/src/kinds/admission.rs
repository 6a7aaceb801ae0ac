//! What the cluster adds to new objects.

use serde_json::{Value, json};

use super::prepare::select_by_uid;
use super::{object, str, unless_set};
use crate::catalog::Resource;
use crate::metadata::text;
use crate::{Api, Status, resources};

/// Completes a new object, or refuses it.
pub(crate) fn admit_new(api: &Api, resource: &Resource, value: &mut Value) -> Result<(), Status> {
    match (&*resource.id.group, &*resource.id.plural) {
        ("", "pods") => pod(api, value),
        ("apiextensions.k8s.io", "customresourcedefinitions") => {
            crate::custom::complete(value, &api.clock().rfc3339());
            Ok(())
        }
        ("batch", "jobs") => {
            select_by_uid(value);
            Ok(())
        }
        ("", "persistentvolumeclaims") => {
            if let Some(metadata) = crate::metadata::of(value) {
                unless_set(metadata, "finalizers", json!(["kubernetes.io/pvc-protection"]));
            }
            Ok(())
        }
        ("", "namespaces") => {
            // A generated name is known only now.
            super::default(resource, value);
            if let Some(spec) = object(value, "/spec") {
                spec.insert("finalizers".to_owned(), json!(["kubernetes"]));
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

fn pod(api: &Api, pod: &mut Value) -> Result<(), Status> {
    let (namespace, name) = (text(pod, "namespace").to_owned(), text(pod, "name").to_owned());
    let Some(spec) = object(pod, "/spec") else { return Ok(()) };
    unless_set(spec, "serviceAccountName", "default");
    let account = str(spec, "serviceAccountName").to_owned();
    spec.insert("serviceAccount".to_owned(), Value::from(account.as_str()));
    // Every namespace is about to have its default account; another one must be there.
    if account != "default" {
        api.get(&resources::SERVICE_ACCOUNTS, &namespace, &account).map_err(|_| {
            let why =
                format!("error looking up service account {namespace}/{account}: serviceaccount {account:?} not found");
            Status::forbidden("", "pods", &name, &why)
        })?;
    }
    if let Ok(account) = api.get(&resources::SERVICE_ACCOUNTS, &namespace, &account)
        && let Some(secrets) = account.get("imagePullSecrets").cloned()
    {
        unless_set(spec, "imagePullSecrets", secrets);
    }
    priority(api, &name, spec)?;
    tolerations(spec);
    Ok(())
}

fn priority(api: &Api, pod: &str, spec: &mut serde_json::Map<String, Value>) -> Result<(), Status> {
    let class = str(spec, "priorityClassName").to_owned();
    let system = match class.as_str() {
        "system-node-critical" => Some(2_000_001_000),
        "system-cluster-critical" => Some(2_000_000_000),
        _ => None,
    };
    let (value, policy) = if class.is_empty() {
        (0, Value::from("PreemptLowerPriority"))
    } else if let Some(value) = system {
        (value, Value::from("PreemptLowerPriority"))
    } else {
        let found = api.get(&resources::PRIORITY_CLASSES, "", &class).map_err(|_| {
            Status::forbidden("", "pods", pod, &format!("no PriorityClass with name {class} was found"))
        })?;
        let value = found.get("value").and_then(Value::as_i64).unwrap_or(0);
        (value, found.get("preemptionPolicy").cloned().unwrap_or(Value::Null))
    };
    spec.insert("priority".to_owned(), Value::from(value));
    unless_set(spec, "preemptionPolicy", policy);
    Ok(())
}

/// A pod outlives its node's silence by five minutes, unless it says otherwise.
fn tolerations(spec: &mut serde_json::Map<String, Value>) {
    unless_set(spec, "tolerations", json!([]));
    let Some(list) = spec.get_mut("tolerations").and_then(Value::as_array_mut) else { return };
    for key in ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"] {
        let tolerated = list.iter().any(|toleration| {
            let text = |field: &str| toleration.get(field).and_then(Value::as_str).unwrap_or_default();
            matches!(text("key"), own if own == key || own.is_empty()) && matches!(text("effect"), "NoExecute" | "")
        });
        if !tolerated {
            list.push(json!({"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}));
        }
    }
}
