//! A container's environment: values, ConfigMaps, Secrets, pod fields and Services, resolved as the kubelet does it.

use std::collections::BTreeMap;

use base64::Engine as _;
use serde_json::Value;

use super::pod::{Container, EnvSource, Pod, ResourceFieldRef};

/// Why a container cannot be configured yet. The texts are the kubelet's; they end up as the message of
/// `CreateContainerConfigError`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)]
pub(crate) enum ConfigError {
    #[error("{kind} {name:?} not found")]
    NotFound { kind: &'static str, name: String },
    #[error("couldn't find key {key} in {kind} {namespace}/{name}")]
    NoKey { kind: &'static str, namespace: String, name: String, key: String },
    #[error("{kind} {namespace}/{name}: value of key {key} is not base64")]
    BadSecret { kind: &'static str, namespace: String, name: String, key: String },
    #[error("unsupported fieldPath: {0}")]
    BadField(String),
    #[error("unsupported container resource: {0}")]
    BadResource(String),
    #[error("{0}")]
    Other(String),
}

/// Where ConfigMaps and Secrets of the pod's namespace come from.
pub(crate) trait ConfigSource {
    /// The ConfigMap of that name, or `None`.
    fn config_map(&self, name: &str) -> Option<Value>;
    /// The Secret of that name, or `None`.
    fn secret(&self, name: &str) -> Option<Value>;
}

/// What of the pod's surroundings can be asked for by `fieldRef`.
#[derive(Clone, Debug, Default)]
pub(crate) struct PodFacts {
    /// The pod's address.
    pub(crate) pod_ip: String,
    /// The node's address.
    pub(crate) host_ip: String,
    /// The node's name.
    pub(crate) node_name: String,
}

/// The keys and values of a ConfigMap, in key order.
pub(crate) fn config_map_data(object: &Value) -> BTreeMap<String, Vec<u8>> {
    let mut data: BTreeMap<String, Vec<u8>> = strings(&object["data"]).map(|(k, v)| (k, v.into_bytes())).collect();
    for (key, value) in strings(&object["binaryData"]) {
        if let Ok(bytes) = base64::engine::general_purpose::STANDARD.decode(value) {
            data.insert(key, bytes);
        }
    }
    data
}

/// The keys and decoded values of a Secret, in key order; a value that is not base64 is an error that names its key.
pub(crate) fn secret_data(object: &Value) -> Result<BTreeMap<String, Vec<u8>>, String> {
    strings(&object["data"])
        .map(|(key, value)| match base64::engine::general_purpose::STANDARD.decode(value) {
            Ok(bytes) => Ok((key, bytes)),
            Err(_) => Err(key),
        })
        .collect()
}

fn strings(value: &Value) -> impl Iterator<Item = (String, String)> + '_ {
    value.as_object().into_iter().flatten().filter_map(|(k, v)| Some((k.clone(), v.as_str()?.to_owned())))
}

/// Resolves a container's `env` and `envFrom` on top of `services` (variables the node offers, of the lowest rank).
pub(crate) fn resolve(
    pod: &Pod,
    container: &Container,
    source: &dyn ConfigSource,
    facts: &PodFacts,
    services: &BTreeMap<String, String>,
) -> Result<BTreeMap<String, String>, ConfigError> {
    let mut resolved: BTreeMap<String, String> = BTreeMap::new();
    for from in &container.env_from {
        if let Some(reference) = &from.config_map_ref {
            let Some(object) = find(source, Kind::ConfigMap, &reference.name, reference.optional)? else { continue };
            for (key, value) in config_map_data(&object) {
                resolved.insert(format!("{}{key}", from.prefix), text(value));
            }
        }
        if let Some(reference) = &from.secret_ref {
            let Some(object) = find(source, Kind::Secret, &reference.name, reference.optional)? else { continue };
            let data = secret_data(&object).map_err(|key| bad_secret(pod, &reference.name, key))?;
            for (key, value) in data {
                resolved.insert(format!("{}{key}", from.prefix), text(value));
            }
        }
    }
    for var in &container.env {
        let value = match (&var.value, &var.value_from) {
            (Some(value), _) if !value.is_empty() => {
                expand(value, |name| resolved.get(name).or_else(|| services.get(name)).map(String::as_str))
            }
            (_, Some(from)) => match from_source(pod, container, from, source, facts)? {
                Some(value) => value,
                None => continue,
            },
            _ => String::new(),
        };
        resolved.insert(var.name.clone(), value);
    }
    for (name, value) in services {
        resolved.entry(name.clone()).or_insert_with(|| value.clone());
    }
    Ok(resolved)
}

#[derive(Clone, Copy)]
enum Kind {
    ConfigMap,
    Secret,
}

fn find(source: &dyn ConfigSource, kind: Kind, name: &str, optional: bool) -> Result<Option<Value>, ConfigError> {
    let (found, kind) = match kind {
        Kind::ConfigMap => (source.config_map(name), "configmap"),
        Kind::Secret => (source.secret(name), "secret"),
    };
    match found {
        None if !optional => Err(ConfigError::NotFound { kind, name: name.to_owned() }),
        found => Ok(found),
    }
}

fn bad_secret(pod: &Pod, name: &str, key: String) -> ConfigError {
    ConfigError::BadSecret { kind: "Secret", namespace: pod.metadata.namespace.clone(), name: name.to_owned(), key }
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned())
}

fn from_source(
    pod: &Pod,
    container: &Container,
    from: &EnvSource,
    source: &dyn ConfigSource,
    facts: &PodFacts,
) -> Result<Option<String>, ConfigError> {
    let no_key = |kind, name: &str, key: &str| ConfigError::NoKey {
        kind,
        namespace: pod.metadata.namespace.clone(),
        name: name.to_owned(),
        key: key.to_owned(),
    };
    if let Some(field) = &from.field_ref {
        return pod_field(pod, &field.field_path, facts).map(Some);
    }
    if let Some(resource) = &from.resource_field_ref {
        return resource_field(pod, container, resource).map(Some);
    }
    if let Some(key) = &from.config_map_key_ref {
        let Some(object) = find(source, Kind::ConfigMap, &key.name, key.optional)? else { return Ok(None) };
        return match config_map_data(&object).remove(&key.key) {
            Some(value) => Ok(Some(text(value))),
            None if key.optional => Ok(None),
            None => Err(no_key("ConfigMap", &key.name, &key.key)),
        };
    }
    if let Some(key) = &from.secret_key_ref {
        let Some(object) = find(source, Kind::Secret, &key.name, key.optional)? else { return Ok(None) };
        let mut data = secret_data(&object).map_err(|bad| bad_secret(pod, &key.name, bad))?;
        return match data.remove(&key.key) {
            Some(value) => Ok(Some(text(value))),
            None if key.optional => Ok(None),
            None => Err(no_key("Secret", &key.name, &key.key)),
        };
    }
    Ok(Some(String::new()))
}

/// The value of a downward API field of the pod.
pub(crate) fn pod_field(pod: &Pod, path: &str, facts: &PodFacts) -> Result<String, ConfigError> {
    if let Some((map, key)) = subscript(path) {
        let map = match map {
            "metadata.labels" => &pod.metadata.labels,
            "metadata.annotations" => &pod.metadata.annotations,
            _ => return Err(ConfigError::BadField(path.to_owned())),
        };
        return Ok(map.get(key).cloned().unwrap_or_default());
    }
    let lines = |map: &BTreeMap<String, String>| {
        map.iter().map(|(k, v)| format!("{k}={}", Value::from(v.as_str()))).collect::<Vec<_>>().join("\n")
    };
    Ok(match path {
        "metadata.name" => pod.metadata.name.clone(),
        "metadata.namespace" => pod.metadata.namespace.clone(),
        "metadata.uid" => pod.metadata.uid.clone(),
        "metadata.labels" => lines(&pod.metadata.labels),
        "metadata.annotations" => lines(&pod.metadata.annotations),
        "spec.nodeName" => facts.node_name.clone(),
        "spec.serviceAccountName" => pod.spec.service_account_name.clone(),
        "status.podIP" | "status.podIPs" => facts.pod_ip.clone(),
        "status.hostIP" | "status.hostIPs" => facts.host_ip.clone(),
        _ => return Err(ConfigError::BadField(path.to_owned())),
    })
}

fn subscript(path: &str) -> Option<(&str, &str)> {
    let (map, rest) = path.split_once('[')?;
    let key = rest.strip_suffix(']')?;
    Some((map, key.trim_matches(|c| c == '\'' || c == '"')))
}

/// The value of a resource limit or request, divided by the divisor and rounded up, as the kubelet prints it.
pub(crate) fn resource_field(
    pod: &Pod,
    container: &Container,
    field: &ResourceFieldRef,
) -> Result<String, ConfigError> {
    let target = match field.container_name.as_str() {
        "" => container,
        name => pod.container(name).ok_or_else(|| ConfigError::Other(format!("container {name} not found")))?,
    };
    let bad = || ConfigError::BadResource(field.resource.clone());
    let (list, name) = field.resource.split_once('.').ok_or_else(bad)?;
    let values = match list {
        "limits" => &target.resources.limits,
        "requests" => &target.resources.requests,
        _ => return Err(bad()),
    };
    let quantity = |value: &Value| match value {
        Value::String(text) => quantity(text),
        other => other.as_f64(),
    };
    let divisor = field.divisor.as_ref().and_then(quantity).filter(|d| *d > 0.0).unwrap_or(1.0);
    let amount = values.get(name).and_then(quantity).unwrap_or(0.0);
    Ok(format!("{}", (amount / divisor).ceil() as i64))
}

/// A Kubernetes quantity (`250m`, `1.5Gi`, `2e3`) as a number; `None` where it is not one.
pub(crate) fn quantity(text: &str) -> Option<f64> {
    let end = text.find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | '+' | '-'))).unwrap_or(text.len());
    let (number, suffix) = text.split_at(end);
    let factor = match suffix {
        "" => 1.0,
        "n" => 1e-9,
        "u" => 1e-6,
        "m" => 1e-3,
        "k" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        "T" => 1e12,
        "P" => 1e15,
        "E" => 1e18,
        "Ki" => 1024.0,
        "Mi" => 1_048_576.0,
        "Gi" => 1_073_741_824.0,
        "Ti" => 1_099_511_627_776.0,
        "Pi" => 1_125_899_906_842_624.0,
        "Ei" => 1_152_921_504_606_846_976.0,
        _ => return text.parse().ok(),
    };
    Some(number.parse::<f64>().ok()? * factor)
}

/// Replaces `$(NAME)` by what `lookup` knows; unknown names stay as written, `$$` stands for `$`.
pub(crate) fn expand<'a>(input: &str, lookup: impl Fn(&str) -> Option<&'a str>) -> String {
    let mut out = String::with_capacity(input.len());
    let mut rest = input;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        rest = match after.chars().next() {
            Some('$') => {
                out.push('$');
                &after[1..]
            }
            Some('(') => match after.find(')') {
                Some(close) => {
                    let name = &after[1..close];
                    match lookup(name) {
                        Some(value) => out.push_str(value),
                        None => out.push_str(&rest[at..=at + 1 + close]),
                    }
                    &after[close + 1..]
                }
                None => {
                    out.push_str("$(");
                    &after[1..]
                }
            },
            Some(other) => {
                out.push('$');
                out.push(other);
                &after[other.len_utf8()..]
            }
            None => {
                out.push('$');
                after
            }
        };
    }
    out.push_str(rest);
    out
}

/// The variables that announce a Service (`NAME_SERVICE_HOST`, `NAME_PORT_80_TCP`, …). `ports` are name, port, protocol.
pub(crate) fn service_variables(name: &str, host: &str, ports: &[(String, u16, String)]) -> BTreeMap<String, String> {
    let prefix = name.to_uppercase().replace('-', "_");
    let mut vars = BTreeMap::new();
    let Some((_, first, _)) = ports.first() else { return vars };
    vars.insert(format!("{prefix}_SERVICE_HOST"), host.to_owned());
    vars.insert(format!("{prefix}_SERVICE_PORT"), first.to_string());
    for (index, (port_name, port, protocol)) in ports.iter().enumerate() {
        if !port_name.is_empty() {
            let suffix = port_name.to_uppercase().replace('-', "_");
            vars.insert(format!("{prefix}_SERVICE_PORT_{suffix}"), port.to_string());
        }
        let lower = protocol.to_lowercase();
        let url = format!("{lower}://{host}:{port}");
        if index == 0 {
            vars.insert(format!("{prefix}_PORT"), url.clone());
        }
        let link = format!("{prefix}_PORT_{port}_{protocol}");
        vars.insert(format!("{link}_PROTO"), lower);
        vars.insert(format!("{link}_PORT"), port.to_string());
        vars.insert(format!("{link}_ADDR"), host.to_owned());
        vars.insert(link, url);
    }
    vars
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    struct Objects;
    impl ConfigSource for Objects {
        fn config_map(&self, name: &str) -> Option<Value> {
            (name == "cm").then(|| json!({"data": {"LEVEL": "info", "b": "2"}}))
        }
        fn secret(&self, name: &str) -> Option<Value> {
            (name == "s").then(|| json!({"data": {"URL": "cG9zdGdyZXM6Ly94"}}))
        }
    }

    fn pod(container: &Value) -> (Pod, Container) {
        let pod = Pod::from_value(&json!({
            "metadata": {"name": "p", "namespace": "ns", "uid": "u", "labels": {"app": "todo"}},
            "spec": {"containers": [container]},
        }))
        .unwrap();
        let container = pod.spec.containers[0].clone();
        (pod, container)
    }

    #[allow(clippy::needless_pass_by_value)]
    fn resolved(container: Value) -> Result<BTreeMap<String, String>, ConfigError> {
        let (pod, container) = pod(&container);
        let facts = PodFacts { pod_ip: "10.0.0.9".into(), host_ip: "127.0.0.1".into(), node_name: "here".into() };
        let services = BTreeMap::from([("API_SERVICE_HOST".to_owned(), "10.96.0.2".to_owned())]);
        resolve(&pod, &container, &Objects, &facts, &services)
    }

    #[test]
    fn all_sources_and_their_rank() {
        let env = resolved(json!({
            "name": "c",
            "envFrom": [{"configMapRef": {"name": "cm"}, "prefix": "CM_"}, {"secretRef": {"name": "s"}},
                        {"secretRef": {"name": "absent", "optional": true}}],
            "env": [
                {"name": "CM_b", "value": "overridden"},
                {"name": "TWO", "value": "$(URL)/$(CM_b)/$(NO)/$$(URL)/$(API_SERVICE_HOST)"},
                {"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
                {"name": "APP", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['app']"}}},
                {"name": "MEM", "valueFrom": {"resourceFieldRef": {"resource": "limits.memory", "divisor": "1Mi"}}},
                {"name": "GONE", "valueFrom": {"secretKeyRef": {"name": "s", "key": "no", "optional": true}}},
                {"name": "EMPTY"},
            ],
            "resources": {"limits": {"memory": "512Mi"}},
        }))
        .unwrap();
        assert_eq!(env["CM_LEVEL"], "info");
        assert_eq!(env["TWO"], "postgres://x/overridden/$(NO)/$(URL)/10.96.0.2");
        assert_eq!((env["IP"].as_str(), env["APP"].as_str(), env["MEM"].as_str()), ("10.0.0.9", "todo", "512"));
        assert_eq!((env.get("GONE"), env["EMPTY"].as_str()), (None, ""));
        assert_eq!(env["API_SERVICE_HOST"], "10.96.0.2");
    }

    #[test]
    fn what_is_missing_is_named_as_the_kubelet_names_it() {
        let message = |env: Value| resolved(json!({"name": "c", "env": [env]})).unwrap_err().to_string();
        assert_eq!(
            message(json!({"name": "A", "valueFrom": {"secretKeyRef": {"name": "todo", "key": "k"}}})),
            "secret \"todo\" not found"
        );
        assert_eq!(
            message(json!({"name": "A", "valueFrom": {"configMapKeyRef": {"name": "todo", "key": "k"}}})),
            "configmap \"todo\" not found"
        );
        assert_eq!(
            message(json!({"name": "A", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}})),
            "couldn't find key k in Secret ns/s"
        );
    }

    #[test]
    fn expansion_keeps_what_it_does_not_know() {
        let lookup = |name: &str| (name == "A").then_some("1");
        for (input, output) in [
            ("$(A)$(B)", "1$(B)"),
            ("$$(A)", "$(A)"),
            ("$(A", "$(A"),
            ("$", "$"),
            ("$x$(A)é", "$x1é"),
            ("a$$$$b", "a$$b"),
        ] {
            assert_eq!(expand(input, lookup), output, "{input}");
        }
    }

    #[test]
    fn quantities() {
        for (text, number) in [("250m", 0.25), ("1.5Gi", 1_610_612_736.0), ("2", 2.0), ("1e3", 1000.0)] {
            assert_eq!(quantity(text), Some(number), "{text}");
        }
        assert_eq!(quantity("x"), None);
    }

    #[test]
    fn services_are_announced() {
        let vars = service_variables("todo-api", "10.96.0.2", &[("http".into(), 80, "TCP".into())]);
        assert_eq!(vars["TODO_API_SERVICE_PORT_HTTP"], "80");
        assert_eq!(vars["TODO_API_PORT_80_TCP"], "tcp://10.96.0.2:80");
    }
}
