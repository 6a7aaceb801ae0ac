//! What pods have of their own: binding and eviction.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::metadata::{is_deleting, text};
use crate::{Api, DeleteOptions, Deletion, Status, WriteOptions, resources};

impl Api {
    /// Binds a pod to a node, as the scheduler does.
    ///
    /// # Errors
    /// 404 where there is no such pod, 409 where it is bound already or on its way out.
    pub fn bind(&self, namespace: &str, name: &str, node: &str) -> Result<Arc<Value>, Status> {
        let resource = self.resource(&resources::PODS)?;
        let conflict = |why: String| Status::conflict("", "pods/binding", name, &why);
        if node.is_empty() {
            let cause = crate::Cause::new("FieldValueRequired", "target.name", "Required value");
            return Err(Status::invalid("", "Binding", name, vec![cause]));
        }
        self.modify(&resource, namespace, name, Some("binding"), &WriteOptions::by("scheduler"), |pod| {
            if is_deleting(pod) {
                return Err(conflict(format!("pod {name} is being deleted, cannot be assigned to a host")));
            }
            let bound = pod.pointer("/spec/nodeName").and_then(Value::as_str).unwrap_or_default();
            if !bound.is_empty() {
                return Err(conflict(format!("pod {name} is already assigned to node {bound:?}")));
            }
            let mut pod = pod.clone();
            pod["spec"]["nodeName"] = Value::from(node);
            set_scheduled(&mut pod, &self.0.clock.rfc3339());
            Ok(pod)
        })
    }

    /// Evicts a pod: deletes it where no disruption budget is against it.
    ///
    /// # Errors
    /// 404 where there is no such pod, 429 where a disruption budget forbids it.
    pub fn evict(&self, namespace: &str, name: &str, options: &DeleteOptions) -> Result<Deletion, Status> {
        let pod = self.get(&resources::PODS, namespace, name)?;
        let budgets = self.list(&resources::POD_DISRUPTION_BUDGETS, Some(namespace), &Default::default())?;
        for budget in budgets.items {
            let selector = budget.pointer("/spec/selector").cloned().unwrap_or(Value::Null);
            let allowed = budget.pointer("/status/disruptionsAllowed").and_then(Value::as_i64).unwrap_or(0);
            let ready = pod.pointer("/status/phase").and_then(Value::as_str) == Some("Running");
            if ready && !selector.is_null() && crate::LabelSelector::of(&selector).matches(&pod) && allowed < 1 {
                let why = "Cannot evict pod as it would violate the pod's disruption budget.";
                let mut status = Status::new(429, "TooManyRequests", why);
                let of = text(&budget, "name");
                let cause = crate::Cause {
                    reason: "DisruptionBudget",
                    message: format!("The disruption budget {of} needs more healthy pods than there are"),
                    field: String::new(),
                };
                status.details = Some(Box::new(crate::Details { causes: vec![cause], ..Default::default() }));
                return Err(status);
            }
        }
        self.delete(&resources::PODS, namespace, name, options)
    }
}

fn set_scheduled(pod: &mut Value, now: &str) {
    let condition = json!({"type": "PodScheduled", "status": "True", "lastProbeTime": null, "lastTransitionTime": now});
    if !pod["status"].is_object() {
        pod["status"] = json!({});
    }
    let status = &mut pod["status"];
    if !status["conditions"].is_array() {
        status["conditions"] = json!([]);
    }
    if let Some(conditions) = status["conditions"].as_array_mut() {
        conditions.retain(|c| c.get("type").and_then(Value::as_str) != Some("PodScheduled"));
        conditions.push(condition);
    }
}
