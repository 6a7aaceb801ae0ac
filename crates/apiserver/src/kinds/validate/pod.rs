//! Pods and pod templates.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::super::names;
use super::causes::{Causes, list, str};
use crate::schema::quantity_nanos;

const PULL: [&str; 3] = ["Always", "IfNotPresent", "Never"];
const RESTART: [&str; 3] = ["Always", "Never", "OnFailure"];
const DNS: [&str; 4] = ["ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"];
const PROTOCOLS: [&str; 3] = ["SCTP", "TCP", "UDP"];
/// What one probe can do.
const HANDLERS: [&str; 4] = ["exec", "httpGet", "tcpSocket", "grpc"];

/// The specification at `field`.
pub(super) fn check(spec: &Value, field: &str, causes: &mut Causes) {
    let volumes = volumes(spec, field, causes);
    let mut names = BTreeSet::new();
    if list(spec, "containers").next().is_none() {
        causes.required(format!("{field}.containers"), "");
    }
    for (at, container) in list(spec, "containers") {
        let place = format!("{field}.containers[{at}]");
        self::container(container, &place, &volumes, causes);
        if !names.insert(str(container, "name")) {
            causes.duplicate(format!("{place}.name"), &container["name"]);
        }
    }
    for (at, container) in list(spec, "initContainers") {
        let place = format!("{field}.initContainers[{at}]");
        self::container(container, &place, &volumes, causes);
        if !names.insert(str(container, "name")) {
            causes.duplicate(format!("{place}.name"), &container["name"]);
        }
        let sidecar = str(container, "restartPolicy") == "Always";
        for probe in ["livenessProbe", "readinessProbe", "startupProbe", "lifecycle"] {
            if !sidecar && container.get(probe).is_some() {
                let why = "may not be set for init containers without restartPolicy=Always";
                causes.forbidden(format!("{place}.{probe}"), why);
            }
        }
    }
    if !RESTART.contains(&str(spec, "restartPolicy")) {
        causes.unsupported(format!("{field}.restartPolicy"), &spec["restartPolicy"], &RESTART);
    }
    if !DNS.contains(&str(spec, "dnsPolicy")) {
        causes.unsupported(format!("{field}.dnsPolicy"), &spec["dnsPolicy"], &DNS);
    }
    super::metadata::labels(&spec["nodeSelector"], &format!("{field}.nodeSelector"), causes);
    let account = str(spec, "serviceAccountName");
    if !account.is_empty()
        && let Some(why) = names::subdomain(account)
    {
        causes.invalid_text(format!("{field}.serviceAccountName"), account, &why);
    }
    causes.not_negative(&format!("{field}.terminationGracePeriodSeconds"), &spec["terminationGracePeriodSeconds"]);
    if spec["activeDeadlineSeconds"].as_i64().is_some_and(|n| n < 1) {
        let why = "must be between 1 and 2147483647, inclusive";
        causes.invalid(format!("{field}.activeDeadlineSeconds"), &spec["activeDeadlineSeconds"], why);
    }
}

fn volumes<'a>(spec: &'a Value, field: &str, causes: &mut Causes) -> BTreeSet<&'a str> {
    let mut known = BTreeSet::new();
    for (at, volume) in list(spec, "volumes") {
        let place = format!("{field}.volumes[{at}]");
        let sources: Vec<&String> =
            volume.as_object().into_iter().flat_map(|v| v.keys()).filter(|k| *k != "name").collect();
        if sources.len() > 1 {
            // The real server looks at the kinds in an order of its own and names the later ones.
            let order =
                ["emptyDir", "hostPath", "secret", "persistentVolumeClaim", "configMap", "downwardAPI", "projected"];
            let rank = |source: &&String| order.iter().position(|o| o == source).unwrap_or(order.len());
            let mut sorted = sources.clone();
            sorted.sort_by_key(rank);
            for source in sorted.iter().skip(1) {
                causes.forbidden(format!("{place}.{source}"), "may not specify more than 1 volume type");
            }
            continue;
        }
        let name = str(volume, "name");
        match name {
            "" => causes.required(format!("{place}.name"), ""),
            name => {
                if let Some(why) = names::label_name(name) {
                    causes.invalid_text(format!("{place}.name"), name, &why);
                }
            }
        }
        for (source, key) in [("secret", "secretName"), ("persistentVolumeClaim", "claimName"), ("configMap", "name")] {
            if volume.get(source).is_some_and(|s| str(s, key).is_empty()) {
                causes.required(format!("{place}.{source}.{key}"), "");
            }
        }
        if !known.insert(name) {
            causes.duplicate(format!("{place}.name"), &volume["name"]);
        }
    }
    known
}

fn container(container: &Value, place: &str, volumes: &BTreeSet<&str>, causes: &mut Causes) {
    match str(container, "name") {
        "" => causes.required(format!("{place}.name"), ""),
        name => {
            if let Some(why) = names::label_name(name) {
                causes.invalid_text(format!("{place}.name"), name, &why);
            }
        }
    }
    let image = str(container, "image");
    if image.is_empty() {
        causes.required(format!("{place}.image"), "");
    } else if image.trim() != image {
        causes.invalid_text(format!("{place}.image"), image, "must not have leading or trailing whitespace");
    }
    ports(container, place, causes);
    environment(container, place, causes);
    let mut paths = BTreeSet::new();
    for (at, mount) in list(container, "volumeMounts") {
        let field = format!("{place}.volumeMounts[{at}]");
        let name = str(mount, "name");
        if name.is_empty() {
            causes.required(format!("{field}.name"), "");
        }
        if str(mount, "mountPath").is_empty() {
            causes.required(format!("{field}.mountPath"), "");
        }
        if !volumes.contains(name) {
            causes.not_found(format!("{field}.name"), name);
        }
        if !paths.insert(str(mount, "mountPath")) {
            causes.invalid(format!("{field}.mountPath"), &mount["mountPath"], "must be unique");
        }
    }
    for name in ["livenessProbe", "readinessProbe", "startupProbe"] {
        if let Some(probe) = container.get(name) {
            self::probe(probe, &format!("{place}.{name}"), name != "readinessProbe", causes);
        }
    }
    if !PULL.contains(&str(container, "imagePullPolicy")) {
        causes.unsupported(format!("{place}.imagePullPolicy"), &container["imagePullPolicy"], &PULL);
    }
    resources(&container["resources"], &format!("{place}.resources"), causes);
}

fn ports(container: &Value, place: &str, causes: &mut Causes) {
    let mut names_seen = BTreeSet::new();
    for (at, port) in list(container, "ports") {
        let field = format!("{place}.ports[{at}]");
        let name = str(port, "name");
        if !name.is_empty() {
            let wrong = names::port_name(name);
            if wrong.is_empty() && !names_seen.insert(name) {
                causes.duplicate(format!("{field}.name"), &port["name"]);
            }
            for why in wrong {
                causes.invalid_text(format!("{field}.name"), name, &why);
            }
        }
        match port["containerPort"].as_i64() {
            Some(0) | None => causes.required(format!("{field}.containerPort"), ""),
            _ => causes.port(format!("{field}.containerPort"), &port["containerPort"]),
        }
        if !PROTOCOLS.contains(&str(port, "protocol")) {
            causes.unsupported(format!("{field}.protocol"), &port["protocol"], &PROTOCOLS);
        }
    }
}

fn environment(container: &Value, place: &str, causes: &mut Causes) {
    for (at, variable) in list(container, "env") {
        let field = format!("{place}.env[{at}]");
        let name = str(variable, "name");
        if name.is_empty() {
            causes.required(format!("{field}.name"), "");
        } else if name.contains('=') || !name.chars().all(|c| c.is_ascii_graphic() || c == ' ') {
            let why =
                "a valid environment variable name must consist only of printable ASCII characters other than '='";
            causes.invalid_text(format!("{field}.name"), name, why);
        }
        let Some(from) = variable.get("valueFrom") else { continue };
        if !str(variable, "value").is_empty() {
            causes.invalid_text(format!("{field}.valueFrom"), "", "may not be specified when `value` is not empty");
        }
        for source in ["configMapKeyRef", "secretKeyRef"] {
            let Some(reference) = from.get(source) else { continue };
            for key in ["name", "key"] {
                if str(reference, key).is_empty() {
                    causes.required(format!("{field}.valueFrom.{source}.{key}"), "");
                }
            }
        }
        if from.as_object().is_none_or(serde_json::Map::is_empty) {
            let why = "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`";
            causes.invalid_text(format!("{field}.valueFrom"), "", why);
        }
    }
}

fn probe(probe: &Value, place: &str, once: bool, causes: &mut Causes) {
    let handlers: Vec<&str> = HANDLERS.into_iter().filter(|h| probe.get(h).is_some()).collect();
    for handler in handlers.iter().skip(1) {
        causes.forbidden(format!("{place}.{handler}"), "may not specify more than 1 handler type");
    }
    match handlers.first() {
        None => causes.required(place, "must specify a handler type"),
        Some(&"exec") if list(&probe["exec"], "command").next().is_none() => {
            causes.required(format!("{place}.exec.command"), "");
        }
        Some(&"httpGet") => {
            let get = &probe["httpGet"];
            causes.port_or_name(&format!("{place}.httpGet.port"), &get["port"]);
            if !matches!(str(get, "scheme"), "HTTP" | "HTTPS") {
                causes.unsupported(format!("{place}.httpGet.scheme"), &get["scheme"], &["HTTP", "HTTPS"]);
            }
        }
        Some(&"tcpSocket") => causes.port_or_name(&format!("{place}.tcpSocket.port"), &probe["tcpSocket"]["port"]),
        _ => {}
    }
    for field in ["initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold"] {
        causes.not_negative(&format!("{place}.{field}"), &probe[field]);
    }
    if once && probe["successThreshold"].as_i64().is_some_and(|n| n != 1) {
        causes.invalid(format!("{place}.successThreshold"), &probe["successThreshold"], "must be 1");
    }
}

fn resources(resources: &Value, place: &str, causes: &mut Causes) {
    for (name, request) in resources.get("requests").and_then(Value::as_object).into_iter().flatten() {
        let limit = resources.get("limits").and_then(|l| l.get(name)).and_then(Value::as_str);
        let amount = |text: Option<&str>| text.and_then(quantity_nanos);
        if let (Some(request_amount), Some(limit_amount), Some(limit)) =
            (amount(request.as_str()), amount(limit), limit)
            && request_amount > limit_amount
        {
            let why = format!("must be less than or equal to {name} limit of {limit}");
            causes.invalid(format!("{place}.requests"), request, &why);
        }
    }
}

const CHANGEABLE: &str = "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";

/// A pod that exists changes only its images, deadline and tolerations.
pub(super) fn check_changed(old: &Value, new: &Value, causes: &mut Causes) {
    let bare = |pod: &Value| {
        let mut spec = pod["spec"].clone();
        for containers in ["containers", "initContainers", "ephemeralContainers"] {
            let list = spec.get_mut(containers).and_then(Value::as_array_mut);
            for container in list.into_iter().flatten().filter_map(Value::as_object_mut) {
                container.remove("image");
            }
        }
        if let Some(spec) = spec.as_object_mut() {
            for field in ["activeDeadlineSeconds", "tolerations", "schedulingGates"] {
                spec.remove(field);
            }
        }
        spec
    };
    let (before, after) = (bare(old), bare(new));
    if before != after {
        let fields = before.as_object().into_iter().flatten().map(|(k, _)| k);
        let fields = fields.chain(after.as_object().into_iter().flatten().map(|(k, _)| k));
        let changed: BTreeSet<&String> = fields.filter(|k| before.get(*k) != after.get(*k)).collect();
        let lines: Vec<String> = changed
            .into_iter()
            .map(|k| {
                format!(
                    "\n- {k:?}: {}\n+ {k:?}: {}",
                    before.get(k).unwrap_or(&json!(null)),
                    after.get(k).unwrap_or(&json!(null))
                )
            })
            .collect();
        causes.forbidden("spec", &format!("{CHANGEABLE}{}", lines.concat()));
    }
    check(&new["spec"], "spec", causes);
}
