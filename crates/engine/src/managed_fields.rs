//! Hands the fields that helm wrote client-side over to server-side apply. Without it they would belong to two managers
//! of one name, and a field that leaves the chart would stay in the cluster.

use bowline_cluster::Metadata;
use serde_json::{Value, json};

/// A JSON patch that merges `manager`'s client-side entry of `metadata.managedFields` into its server-side one; `None`
/// where there is nothing to hand over. The rule is client-go's `csaupgrade`.
pub(crate) fn handover(object: &Value, manager: &str) -> Option<Value> {
    let entries = object["metadata"]["managedFields"].as_array()?;
    let is = |entry: &Value, operation: &str| {
        entry["manager"] == manager
            && entry["operation"] == operation
            && entry["subresource"].as_str().unwrap_or_default().is_empty()
    };
    let client_side: Vec<&Value> = entries.iter().filter(|e| is(e, "Update")).collect();
    let newest = client_side.last()?;
    let applied = entries.iter().find(|e| is(e, "Apply"));
    let mut merged = (*applied.unwrap_or(newest)).clone();
    merged["operation"] = json!("Apply");
    for entry in &client_side {
        union(&mut merged["fieldsV1"], &entry["fieldsV1"]);
    }
    let mut result: Vec<Value> = entries.iter().filter(|e| !is(e, "Update") && !is(e, "Apply")).cloned().collect();
    result.push(merged);
    Some(json!([
        {"op": "replace", "path": "/metadata/managedFields", "value": result},
        // Refused where somebody changed the object meanwhile.
        {"op": "replace", "path": "/metadata/resourceVersion", "value": object.resource_version()},
    ]))
}

/// The set of fields in either: `fieldsV1` nests sets as objects.
fn union(into: &mut Value, from: &Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                union(into.entry(key.clone()).or_insert_with(|| json!({})), value);
            }
        }
        (into, from) if into.is_null() => from.clone_into(into),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn client_side_fields_join_the_applied_ones() {
        let entry = |manager: &str, operation: &str, subresource: &str, fields: Value| {
            json!({"manager": manager, "operation": operation, "subresource": subresource, "apiVersion": "v1",
                "fieldsType": "FieldsV1", "fieldsV1": fields})
        };
        let object = json!({"metadata": {"resourceVersion": "7", "managedFields": [
            entry("helm", "Apply", "", json!({"f:data": {"f:a": {}}})),
            entry("helm", "Update", "", json!({"f:data": {"f:b": {}}, "f:immutable": {}})),
            entry("kubectl", "Update", "", json!({"f:data": {"f:c": {}}})),
            entry("helm", "Update", "status", json!({"f:status": {}})),
        ]}});
        let patch = handover(&object, "helm").unwrap();
        let result = &patch[0]["value"];
        assert_eq!(result[0]["manager"], "kubectl");
        assert_eq!(result[1]["subresource"], "status");
        assert_eq!(result[2]["fieldsV1"], json!({"f:data": {"f:a": {}, "f:b": {}}, "f:immutable": {}}));
        assert_eq!((&result[2]["operation"], result.as_array().unwrap().len()), (&json!("Apply"), 3));
        let after = json!({"metadata": {"managedFields": result}});
        assert_eq!(handover(&after, "helm"), None);
    }
}
