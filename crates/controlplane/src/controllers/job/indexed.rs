//! Indexed Jobs: every completion has a number, which its pod knows.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Value, json};

use super::spec;
use crate::object::{Fields, template};

const INDEX: &str = "batch.kubernetes.io/job-completion-index";

/// Has every completion a number?
pub(super) fn is_indexed(job: &Value) -> bool {
    job.text("/spec/completionMode") == "Indexed" && spec::completions(job).is_some()
}

/// The number of a pod, where it is one of the Job's.
pub(super) fn index(job: &Value, pod: &Value) -> Option<i64> {
    let index: i64 = pod.annotation(INDEX)?.parse().ok()?;
    (0..spec::completions(job).unwrap_or(0)).contains(&index).then_some(index)
}

/// The numbers done: those the status tells, and those of the pods that succeeded.
pub(super) fn done(job: &Value, pods: &[Arc<Value>]) -> BTreeSet<i64> {
    let end = spec::completions(job).unwrap_or(0);
    let mut done: BTreeSet<i64> = parse(job.text("/status/completedIndexes")).filter(|i| *i < end).collect();
    let succeeded = pods.iter().filter(|p| p.text("/status/phase") == "Succeeded");
    done.extend(succeeded.filter_map(|p| index(job, p)));
    done
}

/// The lowest numbers that are neither done nor being worked on.
pub(super) fn pending(job: &Value, done: &BTreeSet<i64>, active: &[Arc<Value>], count: usize) -> Vec<i64> {
    let worked_on: BTreeSet<i64> = active.iter().filter_map(|p| index(job, p)).collect();
    let all = 0..spec::completions(job).unwrap_or(0);
    all.filter(|i| !done.contains(i) && !worked_on.contains(i)).take(count).collect()
}

/// Of the active pods those that have no number of the Job's, or one that another has already.
pub(super) fn superfluous(job: &Value, active: &[Arc<Value>]) -> Vec<Arc<Value>> {
    let mut seen = BTreeSet::new();
    active.iter().filter(|p| index(job, p).is_none_or(|i| !seen.insert(i))).cloned().collect()
}

/// `0-2,5`, as in `status.completedIndexes`.
pub(super) fn format(indexes: &BTreeSet<i64>) -> String {
    let mut ranges: Vec<(i64, i64)> = Vec::new();
    for index in indexes {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == *index => *last = *index,
            _ => ranges.push((*index, *index)),
        }
    }
    let range = |(first, last): (i64, i64)| if first == last { first.to_string() } else { format!("{first}-{last}") };
    ranges.into_iter().map(range).collect::<Vec<_>>().join(",")
}

fn parse(text: &str) -> impl Iterator<Item = i64> + '_ {
    text.split(',')
        .filter_map(|range| {
            let (first, last) = range.split_once('-').unwrap_or((range, range));
            Some(first.parse::<i64>().ok()?..=last.parse::<i64>().ok()?)
        })
        .flatten()
}

/// Tells a pod its number: by name, host name, label, annotation and environment.
pub(super) fn number(pod: &mut Value, job: &Value, index: i64) {
    let text = index.to_string();
    pod.put("/metadata/generateName", format!("{}-{index}-", job.name()));
    pod.put("/spec/hostname", format!("{}-{index}", job.name()));
    pod.annotate(INDEX, &text);
    *pod = template::with_label(pod, "/metadata/labels", INDEX, &text);
    let variable = json!({"name": "JOB_COMPLETION_INDEX",
        "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": format!("metadata.labels['{INDEX}']")}}});
    for path in ["/spec/initContainers", "/spec/containers"] {
        let mut containers = pod.items(path).to_vec();
        for container in &mut containers {
            let mut env = container.items("/env").to_vec();
            if !env.iter().any(|e| e.text("/name") == "JOB_COMPLETION_INDEX") {
                env.push(variable.clone());
                container.put("/env", env);
            }
        }
        if !containers.is_empty() {
            pod.put(path, containers);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_of_indexes() {
        let indexes: BTreeSet<i64> = [0, 1, 2, 5, 7, 8].into();
        assert_eq!(format(&indexes), "0-2,5,7-8");
        assert_eq!(parse("0-2,5,7-8").collect::<BTreeSet<_>>(), indexes);
        assert_eq!((format(&BTreeSet::new()).as_str(), parse("").count()), ("", 0));
    }
}
