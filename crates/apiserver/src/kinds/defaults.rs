//! Defaults, kind by kind, as the API reference gives them.

use serde_json::{Map, Value, json};

use super::pods::{pod, pod_spec};
use super::workloads;
use super::{items, made, object, str, unless_set};

/// Sets them in an object of a built-in resource.
pub(super) fn set(group: &str, plural: &str, value: &mut Value) {
    match (group, plural) {
        ("", "pods") => {
            if let Some(spec) = object(value, "/spec") {
                pod(spec);
            }
        }
        ("", "podtemplates") => {
            if let Some(spec) = object(value, "/template/spec") {
                pod_spec(spec);
            }
        }
        ("", "services") => {
            if let Some(spec) = object(value, "/spec") {
                service(spec);
            }
        }
        ("", "secrets") => {
            if let Some(secret) = value.as_object_mut() {
                secret_data(secret);
            }
        }
        ("", "namespaces") => {
            let name = crate::metadata::text(value, "name").to_owned();
            if let Some(labels) = crate::metadata::of(value).and_then(|m| made(m, "labels"))
                && !name.is_empty()
            {
                unless_set(labels, "kubernetes.io/metadata.name", name);
            }
            if value.pointer("/metadata/labels").and_then(Value::as_object).is_some_and(Map::is_empty) {
                crate::metadata::set(value, "labels", Value::Null);
            }
            if let Some(status) = object(value, "/status") {
                unless_set(status, "phase", "Active");
            }
        }
        ("", "endpoints") => {
            if let Some(endpoints) = value.as_object_mut() {
                items(endpoints, "subsets").for_each(|subset| protocols(subset, "ports"));
            }
        }
        ("", "persistentvolumeclaims") => claim(value),
        ("", "persistentvolumes") => {
            if let Some(spec) = object(value, "/spec") {
                unless_set(spec, "persistentVolumeReclaimPolicy", "Retain");
                unless_set(spec, "volumeMode", "Filesystem");
            }
            if let Some(status) = object(value, "/status") {
                unless_set(status, "phase", "Pending");
            }
        }
        ("", "limitranges") => {
            if let Some(spec) = object(value, "/spec") {
                items(spec, "limits").for_each(limits);
            }
        }
        ("", "replicationcontrollers") | ("apps" | "batch", _) => workloads::set(plural, value),
        ("autoscaling", "horizontalpodautoscalers") => autoscaler(value),
        ("networking.k8s.io", "networkpolicies") => policy(value),
        ("rbac.authorization.k8s.io", "rolebindings" | "clusterrolebindings") => binding(value),
        ("storage.k8s.io", "storageclasses") => {
            if let Some(class) = value.as_object_mut() {
                unless_set(class, "reclaimPolicy", "Delete");
                unless_set(class, "volumeBindingMode", "Immediate");
            }
        }
        ("scheduling.k8s.io", "priorityclasses") => {
            if let Some(class) = value.as_object_mut() {
                unless_set(class, "preemptionPolicy", "PreemptLowerPriority");
            }
        }
        ("discovery.k8s.io", "endpointslices") => {
            if let Some(slice) = value.as_object_mut() {
                for port in items(slice, "ports") {
                    unless_set(port, "name", "");
                    unless_set(port, "protocol", "TCP");
                }
            }
        }
        ("admissionregistration.k8s.io", _) => webhooks(value),
        ("apiextensions.k8s.io", "customresourcedefinitions") => crate::custom::default_definition(value),
        _ => {}
    }
}

/// `protocol: TCP` in a list of ports.
pub(super) fn protocols(map: &mut Map<String, Value>, list: &str) {
    items(map, list).for_each(|port| unless_set(port, "protocol", "TCP"));
}

/// A claim, on its own or as a template.
pub(super) fn claim(value: &mut Value) {
    if let Some(spec) = object(value, "/spec") {
        unless_set(spec, "volumeMode", "Filesystem");
    }
    if let Some(status) = object(value, "/status") {
        unless_set(status, "phase", "Pending");
    }
}

/// A container's default request is its default limit, and both its maximum.
fn limits(limit: &mut Map<String, Value>) {
    if str(limit, "type") != "Container" {
        return;
    }
    for (from, to) in [("max", "default"), ("default", "defaultRequest"), ("min", "defaultRequest")] {
        let Some(Value::Object(amounts)) = limit.get(from).cloned() else { continue };
        if let Some(target) = made(limit, to) {
            amounts.into_iter().for_each(|(name, amount)| unless_set(target, &name, amount));
        }
    }
}

fn service(spec: &mut Map<String, Value>) {
    unless_set(spec, "sessionAffinity", "None");
    unless_set(spec, "type", "ClusterIP");
    if str(spec, "sessionAffinity") == "ClientIP"
        && let Some(client) = made(spec, "sessionAffinityConfig").and_then(|c| made(c, "clientIP"))
    {
        unless_set(client, "timeoutSeconds", 10800);
    }
    for port in items(spec, "ports") {
        unless_set(port, "protocol", "TCP");
        let unset = port.get("targetPort").is_none_or(|t| t.is_null() || *t == json!(0) || *t == json!(""));
        if unset && let Some(number) = port.get("port").cloned() {
            port.insert("targetPort".to_owned(), number);
        }
    }
    let kind = str(spec, "type").to_owned();
    if matches!(kind.as_str(), "NodePort" | "LoadBalancer") {
        unless_set(spec, "externalTrafficPolicy", "Cluster");
    }
    if kind != "ExternalName" {
        unless_set(spec, "internalTrafficPolicy", "Cluster");
    }
    if kind == "LoadBalancer" {
        unless_set(spec, "allocateLoadBalancerNodePorts", true);
    }
}

/// `stringData` is for writing only.
fn secret_data(secret: &mut Map<String, Value>) {
    use base64::Engine;
    unless_set(secret, "type", "Opaque");
    let Some(Value::Object(plain)) = secret.remove("stringData") else { return };
    if plain.is_empty() {
        return;
    }
    if let Some(data) = made(secret, "data") {
        for (key, value) in plain {
            let text = value.as_str().unwrap_or_default();
            data.insert(key, Value::from(base64::engine::general_purpose::STANDARD.encode(text)));
        }
    }
}

fn autoscaler(value: &mut Value) {
    let Some(spec) = object(value, "/spec") else { return };
    unless_set(spec, "minReplicas", 1);
    if spec.get("metrics").and_then(Value::as_array).is_none_or(Vec::is_empty) {
        let cpu = json!([{"type": "Resource", "resource": {"name": "cpu",
            "target": {"type": "Utilization", "averageUtilization": 80}}}]);
        spec.insert("metrics".to_owned(), cpu);
    }
    let Some(behavior) = spec.get_mut("behavior").and_then(Value::as_object_mut) else { return };
    let pods = json!({"type": "Pods", "value": 4, "periodSeconds": 15});
    let percent = json!({"type": "Percent", "value": 100, "periodSeconds": 15});
    for (direction, window, policies) in
        [("scaleUp", Value::from(0), json!([pods, percent])), ("scaleDown", Value::Null, json!([percent]))]
    {
        let Some(rules) = made(behavior, direction) else { continue };
        unless_set(rules, "selectPolicy", "Max");
        if !window.is_null() {
            unless_set(rules, "stabilizationWindowSeconds", window);
        }
        if rules.get("policies").and_then(Value::as_array).is_none_or(Vec::is_empty) {
            rules.insert("policies".to_owned(), policies);
        }
    }
}

fn policy(value: &mut Value) {
    let Some(spec) = object(value, "/spec") else { return };
    for direction in ["ingress", "egress"] {
        items(spec, direction).for_each(|rule| protocols(rule, "ports"));
    }
    if spec.get("policyTypes").and_then(Value::as_array).is_none_or(Vec::is_empty) {
        let egress = spec.get("egress").and_then(Value::as_array).is_some_and(|rules| !rules.is_empty());
        let types = if egress { json!(["Ingress", "Egress"]) } else { json!(["Ingress"]) };
        spec.insert("policyTypes".to_owned(), types);
    }
}

fn binding(value: &mut Value) {
    const GROUP: &str = "rbac.authorization.k8s.io";
    let Some(binding) = value.as_object_mut() else { return };
    for subject in items(binding, "subjects") {
        if matches!(str(subject, "kind"), "User" | "Group") && str(subject, "apiGroup").is_empty() {
            subject.insert("apiGroup".to_owned(), Value::from(GROUP));
        }
    }
    if let Some(role) = binding.get_mut("roleRef").and_then(Value::as_object_mut)
        && str(role, "apiGroup").is_empty()
    {
        role.insert("apiGroup".to_owned(), Value::from(GROUP));
    }
}

fn webhooks(value: &mut Value) {
    let Some(configuration) = value.as_object_mut() else { return };
    let mutating = str(configuration, "kind").starts_with("Mutating");
    for hook in items(configuration, "webhooks") {
        unless_set(hook, "failurePolicy", "Fail");
        unless_set(hook, "matchPolicy", "Equivalent");
        unless_set(hook, "namespaceSelector", json!({}));
        unless_set(hook, "objectSelector", json!({}));
        unless_set(hook, "timeoutSeconds", 10);
        if mutating {
            unless_set(hook, "reinvocationPolicy", "Never");
        }
        items(hook, "rules").for_each(|rule| unless_set(rule, "scope", "*"));
        if let Some(service) =
            hook.get_mut("clientConfig").and_then(|c| c.get_mut("service")).and_then(Value::as_object_mut)
        {
            unless_set(service, "port", 443);
        }
    }
}
