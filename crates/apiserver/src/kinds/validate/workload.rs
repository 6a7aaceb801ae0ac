//! Workloads: what runs pods.

use serde_json::{Value, json};

use super::causes::{Causes, str};
use super::{metadata, pod};
use crate::LabelSelector;

pub(super) fn check(plural: &str, object: &Value, causes: &mut Causes) {
    let spec = &object["spec"];
    match plural {
        "deployments" => {
            causes.not_negative("spec.replicas", &spec["replicas"]);
            selected_template(spec, causes);
            strategy(spec, causes);
            for field in ["minReadySeconds", "revisionHistoryLimit", "progressDeadlineSeconds"] {
                causes.not_negative(&format!("spec.{field}"), &spec[field]);
            }
            let (deadline, ready) = (spec["progressDeadlineSeconds"].as_i64(), spec["minReadySeconds"].as_i64());
            if deadline.is_some_and(|deadline| deadline <= ready.unwrap_or(0)) {
                let why = "must be greater than minReadySeconds";
                causes.invalid("spec.progressDeadlineSeconds", &spec["progressDeadlineSeconds"], why);
            }
        }
        "replicasets" | "statefulsets" => {
            causes.not_negative("spec.replicas", &spec["replicas"]);
            selected_template(spec, causes);
        }
        "daemonsets" => selected_template(spec, causes),
        "jobs" => job(spec, "spec", causes),
        "cronjobs" => {
            schedule(str(spec, "schedule"), causes);
            let policies = ["Allow", "Forbid", "Replace"];
            if !policies.contains(&str(spec, "concurrencyPolicy")) {
                causes.unsupported("spec.concurrencyPolicy", &spec["concurrencyPolicy"], &policies);
            }
            job(&spec["jobTemplate"]["spec"], "spec.jobTemplate.spec", causes);
        }
        _ => {}
    }
}

fn selected_template(spec: &Value, causes: &mut Causes) {
    let selector = &spec["selector"];
    if selector.is_null() {
        causes.required("spec.selector", "");
    } else if selector.as_object().is_none_or(serde_json::Map::is_empty) {
        causes.invalid("spec.selector", selector, "empty selector is invalid for deployment");
    }
    let labels = &spec["template"]["metadata"]["labels"];
    if selector.is_null() || !LabelSelector::of(selector).matches_labels(labels) {
        causes.invalid("spec.template.metadata.labels", labels, "`selector` does not match template `labels`");
    }
    metadata::labels(labels, "spec.template.labels", causes);
    let template = &spec["template"]["spec"];
    pod::check(template, "spec.template.spec", causes);
    if !matches!(str(template, "restartPolicy"), "Always" | "") {
        causes.unsupported("spec.template.spec.restartPolicy", &template["restartPolicy"], &["Always"]);
    }
}

/// The amount of a number or a percentage; whether it is none at all.
fn is_zero(value: &Value) -> bool {
    match value {
        Value::String(text) => text.trim_end_matches('%').parse::<i64>() == Ok(0),
        other => other.as_i64() == Some(0),
    }
}

fn strategy(spec: &Value, causes: &mut Causes) {
    let strategy = &spec["strategy"];
    let rolling = &strategy["rollingUpdate"];
    match str(strategy, "type") {
        "Recreate" => {
            if !rolling.is_null() {
                let why = "may not be specified when strategy `type` is 'Recreate'";
                causes.forbidden("spec.strategy.rollingUpdate", why);
            }
        }
        "RollingUpdate" => {
            for field in ["maxUnavailable", "maxSurge"] {
                let (value, place) = (&rolling[field], format!("spec.strategy.rollingUpdate.{field}"));
                causes.not_negative(&place, value);
                let percent = value.as_str().map(|t| t.strip_suffix('%').and_then(|n| n.parse::<u32>().ok()));
                match percent {
                    Some(None) => {
                        let why = "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')";
                        causes.invalid(place, value, why);
                    }
                    Some(Some(101..)) if field == "maxUnavailable" => {
                        causes.invalid(place, value, "must not be greater than 100%");
                    }
                    _ => {}
                }
            }
            if is_zero(&rolling["maxUnavailable"]) && is_zero(&rolling["maxSurge"]) {
                let why = "may not be 0 when `maxSurge` is 0";
                causes.invalid("spec.strategy.rollingUpdate.maxUnavailable", &rolling["maxUnavailable"], why);
            }
        }
        _ => {
            let whole = json!({"Type": strategy["type"], "RollingUpdate": rolling});
            causes.unsupported("spec.strategy", &whole, &["Recreate", "RollingUpdate"]);
        }
    }
}

fn job(spec: &Value, place: &str, causes: &mut Causes) {
    for field in ["parallelism", "completions", "activeDeadlineSeconds", "backoffLimit", "ttlSecondsAfterFinished"] {
        causes.not_negative(&format!("{place}.{field}"), &spec[field]);
    }
    if str(spec, "completionMode") == "Indexed" && spec["completions"].is_null() {
        causes.required(format!("{place}.completions"), "when completion mode is Indexed");
    }
    let template = &spec["template"]["spec"];
    let field = format!("{place}.template.spec");
    pod::check(template, &field, causes);
    match str(template, "restartPolicy") {
        "OnFailure" | "Never" => {}
        "Always" | "" => {
            causes.required(format!("{field}.restartPolicy"), "valid values: \"OnFailure\", \"Never\"");
        }
        _ => causes.unsupported(format!("{field}.restartPolicy"), &template["restartPolicy"], &["OnFailure", "Never"]),
    }
}

fn schedule(text: &str, causes: &mut Causes) {
    if text.is_empty() {
        return causes.required("spec.schedule", "");
    }
    let fields: Vec<&str> = text.split_whitespace().collect();
    if !text.starts_with('@') && fields.len() != 5 {
        let why = format!("expected exactly 5 fields, found {}: [{}]", fields.len(), fields.join(" "));
        causes.invalid_text("spec.schedule", text, &why);
    }
}

/// What of a Job's template cannot change: before it first starts, where it runs still can.
fn fixed(template: &Value, suspended: bool) -> Value {
    let mut template = template.clone();
    if suspended {
        for (part, fields) in [
            ("metadata", &["labels", "annotations"][..]),
            ("spec", &["nodeSelector", "affinity", "tolerations", "schedulingGates"][..]),
        ] {
            if let Some(part) = template.get_mut(part).and_then(Value::as_object_mut) {
                part.retain(|field, _| !fields.contains(&field.as_str()));
            }
        }
    }
    template
}

/// What must stay as it was.
pub(super) fn check_changed(plural: &str, old: &Value, new: &Value, causes: &mut Causes) {
    let (before, after) = (&old["spec"], &new["spec"]);
    let immutable = "field is immutable";
    match plural {
        "deployments" | "replicasets" | "daemonsets" if before["selector"] != after["selector"] => {
            causes.invalid("spec.selector", &after["selector"], immutable);
        }
        "jobs" => {
            for field in ["completions", "selector", "completionMode"] {
                if before[field] != after[field] {
                    let indexed = field == "completions" && str(after, "completionMode") == "Indexed";
                    if !indexed {
                        causes.invalid(format!("spec.{field}"), &after[field], immutable);
                    }
                }
            }
            let suspended = before["suspend"] == json!(true) && old["status"]["startTime"].is_null();
            let (had, has) = (fixed(&before["template"], suspended), fixed(&after["template"], suspended));
            if had["spec"] != has["spec"] {
                causes.invalid("spec.template.spec", &after["template"]["spec"], immutable);
            } else if had != has {
                causes.invalid("spec.template", &after["template"], immutable);
            }
        }
        "statefulsets" => {
            let kept = |spec: &Value| {
                let mut spec = spec.clone();
                if let Some(fields) = spec.as_object_mut() {
                    for field in [
                        "replicas",
                        "ordinals",
                        "template",
                        "updateStrategy",
                        "revisionHistoryLimit",
                        "persistentVolumeClaimRetentionPolicy",
                        "minReadySeconds",
                    ] {
                        fields.remove(field);
                    }
                }
                spec
            };
            if kept(before) != kept(after) {
                causes.forbidden("spec", "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden");
            }
        }
        _ => {}
    }
}
