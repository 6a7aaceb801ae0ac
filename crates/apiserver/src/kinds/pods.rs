//! Defaults of pods and pod templates.

use serde_json::{Map, Value, json};

use super::{items, made, str, unless_set};

/// A pod on its own: what a template does not get yet.
pub(super) fn pod(spec: &mut Map<String, Value>) {
    unless_set(spec, "enableServiceLinks", true);
    pod_spec(spec);
    for list in ["initContainers", "containers"] {
        for container in items(spec, list) {
            // A limit without a request is a request too.
            let Some(resources) = container.get_mut("resources").and_then(Value::as_object_mut) else { continue };
            let Some(Value::Object(limits)) = resources.get("limits").cloned() else { continue };
            if let Some(requests) = made(resources, "requests") {
                for (name, limit) in limits {
                    unless_set(requests, &name, limit);
                }
            }
        }
    }
}

/// The specification of a pod, wherever it stands.
pub(super) fn pod_spec(spec: &mut Map<String, Value>) {
    unless_set(spec, "dnsPolicy", "ClusterFirst");
    unless_set(spec, "restartPolicy", "Always");
    unless_set(spec, "schedulerName", "default-scheduler");
    unless_set(spec, "securityContext", json!({}));
    unless_set(spec, "terminationGracePeriodSeconds", 30);
    // The old name of the service account follows the new one.
    let account = match str(spec, "serviceAccountName") {
        "" => str(spec, "serviceAccount").to_owned(),
        name => name.to_owned(),
    };
    if !account.is_empty() {
        spec.insert("serviceAccountName".to_owned(), Value::from(account.as_str()));
        spec.insert("serviceAccount".to_owned(), Value::from(account));
    }
    let host_network = spec.get("hostNetwork").and_then(Value::as_bool) == Some(true);
    for list in ["initContainers", "containers", "ephemeralContainers"] {
        for container in items(spec, list) {
            self::container(container);
            for port in items(container, "ports").filter(|_| host_network) {
                let own = port.get("containerPort").cloned().unwrap_or(Value::Null);
                unless_set(port, "hostPort", own);
            }
        }
    }
    items(spec, "volumes").for_each(volume);
}

fn container(container: &mut Map<String, Value>) {
    let image = str(container, "image").to_owned();
    unless_set(container, "imagePullPolicy", pull_policy(&image));
    unless_set(container, "terminationMessagePath", "/dev/termination-log");
    unless_set(container, "terminationMessagePolicy", "File");
    super::defaults::protocols(container, "ports");
    for name in ["livenessProbe", "readinessProbe", "startupProbe"] {
        let Some(probe) = container.get_mut(name).and_then(Value::as_object_mut) else { continue };
        unless_set(probe, "timeoutSeconds", 1);
        unless_set(probe, "periodSeconds", 10);
        unless_set(probe, "successThreshold", 1);
        unless_set(probe, "failureThreshold", 3);
        http_get(probe);
        if let Some(grpc) = probe.get_mut("grpc").and_then(Value::as_object_mut) {
            unless_set(grpc, "service", "");
        }
    }
    for hook in ["postStart", "preStop"] {
        let lifecycle = container.get_mut("lifecycle").and_then(|l| l.get_mut(hook));
        if let Some(handler) = lifecycle.and_then(Value::as_object_mut) {
            http_get(handler);
        }
    }
    for variable in items(container, "env") {
        if let Some(field) =
            variable.get_mut("valueFrom").and_then(|v| v.get_mut("fieldRef")).and_then(Value::as_object_mut)
        {
            unless_set(field, "apiVersion", "v1");
        }
        if let Some(resource) =
            variable.get_mut("valueFrom").and_then(|v| v.get_mut("resourceFieldRef")).and_then(Value::as_object_mut)
        {
            unless_set(resource, "divisor", "0");
        }
        if let Some(file) =
            variable.get_mut("valueFrom").and_then(|v| v.get_mut("fileKeyRef")).and_then(Value::as_object_mut)
        {
            unless_set(file, "optional", false);
        }
    }
}

fn http_get(handler: &mut Map<String, Value>) {
    if let Some(get) = handler.get_mut("httpGet").and_then(Value::as_object_mut) {
        unless_set(get, "path", "/");
        unless_set(get, "scheme", "HTTP");
    }
}

/// `Always` for what can change under its name: no tag, or `latest`.
fn pull_policy(image: &str) -> &'static str {
    let last = image.rsplit('/').next().unwrap_or_default();
    let (name, digest) = last.split_once('@').map_or((last, false), |(name, _)| (name, true));
    match name.split_once(':') {
        Some((_, tag)) if tag != "latest" => "IfNotPresent",
        None if digest => "IfNotPresent",
        _ => "Always",
    }
}

fn volume(volume: &mut Map<String, Value>) {
    if volume.keys().all(|key| key == "name") {
        volume.insert("emptyDir".to_owned(), json!({}));
    }
    let fields = |of: &mut Map<String, Value>| {
        for item in items(of, "items") {
            if let Some(field) = item.get_mut("fieldRef").and_then(Value::as_object_mut) {
                unless_set(field, "apiVersion", "v1");
            }
            if let Some(resource) = item.get_mut("resourceFieldRef").and_then(Value::as_object_mut) {
                unless_set(resource, "divisor", "0");
            }
        }
    };
    for kind in ["configMap", "downwardAPI", "projected", "secret"] {
        if let Some(source) = volume.get_mut(kind).and_then(Value::as_object_mut) {
            unless_set(source, "defaultMode", 420);
            fields(source);
            for part in items(source, "sources") {
                if let Some(token) = part.get_mut("serviceAccountToken").and_then(Value::as_object_mut) {
                    unless_set(token, "expirationSeconds", 3600);
                }
                if let Some(downward) = part.get_mut("downwardAPI").and_then(Value::as_object_mut) {
                    fields(downward);
                }
            }
        }
    }
    if let Some(path) = volume.get_mut("hostPath").and_then(Value::as_object_mut) {
        unless_set(path, "type", "");
    }
    if let Some(spec) = volume
        .get_mut("ephemeral")
        .and_then(|e| e.get_mut("volumeClaimTemplate"))
        .and_then(|t| t.get_mut("spec"))
        .and_then(Value::as_object_mut)
    {
        unless_set(spec, "volumeMode", "Filesystem");
    }
}

#[cfg(test)]
mod tests {
    use super::pull_policy;

    #[test]
    fn only_a_fixed_tag_needs_no_pull() {
        for (image, wanted) in [
            ("nginx", "Always"),
            ("nginx:latest", "Always"),
            ("nginx:1.25", "IfNotPresent"),
            ("localhost:5000/app", "Always"),
            ("localhost:5000/app:1", "IfNotPresent"),
            ("app@sha256:abc", "IfNotPresent"),
        ] {
            assert_eq!(pull_policy(image), wanted, "{image}");
        }
    }
}
