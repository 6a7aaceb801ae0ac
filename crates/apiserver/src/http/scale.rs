//! The `scale` subresource.

use serde_json::{Value, json};

use crate::metadata::text;
use crate::{LabelSelector, Status};

/// The scale of a workload.
pub(crate) fn of(object: &Value) -> Value {
    let replicas = |pointer| object.pointer(pointer).and_then(Value::as_i64).unwrap_or(0);
    let mut metadata = json!({});
    for field in ["name", "namespace", "uid", "resourceVersion", "creationTimestamp"] {
        let value = text(object, field);
        if !value.is_empty() {
            metadata[field] = Value::from(value);
        }
    }
    let mut spec = json!({});
    if replicas("/spec/replicas") != 0 {
        spec["replicas"] = Value::from(replicas("/spec/replicas"));
    }
    let mut status = json!({"replicas": replicas("/status/replicas")});
    let selector = object.pointer("/spec/selector").cloned().unwrap_or(Value::Null);
    // Replication controllers select by plain labels.
    let selector = if selector.get("matchLabels").is_some() || selector.get("matchExpressions").is_some() {
        LabelSelector::of(&selector)
    } else {
        LabelSelector::equal(&selector)
    };
    if !selector.is_everything() {
        status["selector"] = Value::from(selector.to_string());
    }
    json!({"kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": metadata, "spec": spec, "status": status})
}

/// The workload with the scale's wish.
pub(crate) fn apply(object: &Value, scale: &Value) -> Result<Value, Status> {
    let replicas = scale.pointer("/spec/replicas").map_or(Some(0), Value::as_i64);
    let name = text(object, "name");
    let replicas = replicas.filter(|r| i32::try_from(*r).is_ok()).ok_or_else(|| {
        Status::bad_request("Scale in version \"v1\" cannot be handled as a Scale: spec.replicas is not an int32")
    })?;
    if replicas < 0 {
        let message = format!("Invalid value: {replicas}: must be greater than or equal to 0");
        let cause = crate::Cause::new("FieldValueInvalid", "spec.replicas", message);
        return Err(Status::invalid("autoscaling", "Scale", name, vec![cause]));
    }
    let mut object = object.clone();
    if let Some(spec) = object.get_mut("spec").and_then(Value::as_object_mut) {
        spec.insert("replicas".to_owned(), Value::from(replicas));
    }
    let version = text(scale, "resourceVersion").to_owned();
    crate::metadata::set(&mut object, "resourceVersion", version);
    Ok(object)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scale_is_read_and_written() {
        let web = json!({"metadata": {"name": "web"}, "spec": {"replicas": 2, "selector": {"matchLabels": {"app": "web"},
            "matchExpressions": [{"key": "tier", "operator": "In", "values": ["b", "a"]}]}}});
        let scale = of(&web);
        assert_eq!(scale["spec"]["replicas"], 2);
        assert_eq!(scale["status"]["selector"], "app=web,tier in (a,b)");
        assert_eq!(apply(&web, &json!({"spec": {"replicas": 3}})).unwrap()["spec"]["replicas"], 3);
        assert_eq!(apply(&web, &json!({"spec": {"replicas": -1}})).unwrap_err().code, 422);
    }
}
