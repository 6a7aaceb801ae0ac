//! Defaults of what runs pods.

use serde_json::{Value, json};

use super::defaults::claim;
use super::pods::pod_spec;
use super::{made, object, str, unless_set};

/// Sets them in a workload of group `apps` or `batch`, or a replication controller.
pub(super) fn set(plural: &str, value: &mut Value) {
    match plural {
        "deployments" => deployment(value),
        "replicasets" => replicas(value),
        "replicationcontrollers" => {
            replicas(value);
            let labels = value.pointer("/spec/template/metadata/labels").cloned().unwrap_or(Value::Null);
            if labels.is_object() {
                if let Some(spec) = object(value, "/spec") {
                    unless_set(spec, "selector", labels.clone());
                }
                if let Some(metadata) = crate::metadata::of(value) {
                    unless_set(metadata, "labels", labels);
                }
            }
        }
        "statefulsets" => stateful_set(value),
        "daemonsets" => daemon_set(value),
        "jobs" => job(value),
        "cronjobs" => cron_job(value),
        _ => return,
    }
    let template = if plural == "cronjobs" { "/spec/jobTemplate/spec/template/spec" } else { "/spec/template/spec" };
    if let Some(spec) = object(value, template) {
        pod_spec(spec);
    }
}

fn replicas(value: &mut Value) {
    if let Some(spec) = object(value, "/spec") {
        unless_set(spec, "replicas", 1);
    }
}

fn deployment(value: &mut Value) {
    replicas(value);
    let Some(spec) = object(value, "/spec") else { return };
    unless_set(spec, "revisionHistoryLimit", 10);
    unless_set(spec, "progressDeadlineSeconds", 600);
    if let Some(strategy) = made(spec, "strategy") {
        unless_set(strategy, "type", "RollingUpdate");
        if str(strategy, "type") == "RollingUpdate"
            && let Some(rolling) = made(strategy, "rollingUpdate")
        {
            unless_set(rolling, "maxUnavailable", "25%");
            unless_set(rolling, "maxSurge", "25%");
        }
    }
}

fn stateful_set(value: &mut Value) {
    replicas(value);
    let Some(spec) = object(value, "/spec") else { return };
    unless_set(spec, "podManagementPolicy", "OrderedReady");
    unless_set(spec, "revisionHistoryLimit", 10);
    if let Some(strategy) = made(spec, "updateStrategy") {
        unless_set(strategy, "type", "RollingUpdate");
        if str(strategy, "type") == "RollingUpdate"
            && let Some(rolling) = made(strategy, "rollingUpdate")
        {
            unless_set(rolling, "partition", 0);
        }
    }
    if let Some(policy) = made(spec, "persistentVolumeClaimRetentionPolicy") {
        unless_set(policy, "whenDeleted", "Retain");
        unless_set(policy, "whenScaled", "Retain");
    }
    for template in spec.get_mut("volumeClaimTemplates").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(fields) = template.as_object_mut() {
            unless_set(fields, "apiVersion", "v1");
            unless_set(fields, "kind", "PersistentVolumeClaim");
        }
        claim(template);
    }
}

fn daemon_set(value: &mut Value) {
    let Some(spec) = object(value, "/spec") else { return };
    unless_set(spec, "revisionHistoryLimit", 10);
    if let Some(strategy) = made(spec, "updateStrategy") {
        unless_set(strategy, "type", "RollingUpdate");
        if str(strategy, "type") == "RollingUpdate"
            && let Some(rolling) = made(strategy, "rollingUpdate")
        {
            unless_set(rolling, "maxUnavailable", 1);
            unless_set(rolling, "maxSurge", 0);
        }
    }
}

/// The labels of the template, where the object has none of its own.
pub(super) fn default_labels(value: &mut Value) {
    let labels = value.pointer("/spec/template/metadata/labels").cloned().unwrap_or(Value::Null);
    if labels.as_object().is_some_and(|l| !l.is_empty())
        && let Some(metadata) = crate::metadata::of(value)
    {
        unless_set(metadata, "labels", labels);
    }
}

fn job(value: &mut Value) {
    default_labels(value);
    let Some(spec) = object(value, "/spec") else { return };
    if spec.get("completions").is_none() && spec.get("parallelism").is_none() {
        unless_set(spec, "completions", 1);
    }
    unless_set(spec, "parallelism", 1);
    unless_set(spec, "completionMode", "NonIndexed");
    unless_set(spec, "suspend", false);
    unless_set(spec, "manualSelector", false);
    let per_index = spec.get("backoffLimitPerIndex").is_some();
    unless_set(spec, "backoffLimit", if per_index { i64::from(i32::MAX) } else { 6 });
    let failure_policy = spec.get("podFailurePolicy").cloned();
    let replacement = if failure_policy.is_some() { "Failed" } else { "TerminatingOrFailed" };
    unless_set(spec, "podReplacementPolicy", replacement);
    if let Some(rules) = spec.get_mut("podFailurePolicy").and_then(|p| p.get_mut("rules")).and_then(Value::as_array_mut)
    {
        for pattern in
            rules.iter_mut().filter_map(|r| r.get_mut("onPodConditions")).filter_map(Value::as_array_mut).flatten()
        {
            if let Some(pattern) = pattern.as_object_mut() {
                unless_set(pattern, "status", "True");
            }
        }
    }
}

fn cron_job(value: &mut Value) {
    let Some(spec) = object(value, "/spec") else { return };
    unless_set(spec, "concurrencyPolicy", "Allow");
    unless_set(spec, "suspend", json!(false));
    unless_set(spec, "successfulJobsHistoryLimit", 3);
    unless_set(spec, "failedJobsHistoryLimit", 1);
}
