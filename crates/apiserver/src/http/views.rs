//! Older and newer versions of the same objects: what is stored in one form is shown in another.

use serde_json::{Map, Value, json};

use crate::catalog::Resource;
use crate::schema::{Report, normal, schema};

/// The fields of an event in `events.k8s.io/v1`, and what they are called where events are stored.
const EVENT: [(&str, &str); 7] = [
    ("regarding", "involvedObject"),
    ("note", "message"),
    ("reportingController", "reportingComponent"),
    ("deprecatedSource", "source"),
    ("deprecatedFirstTimestamp", "firstTimestamp"),
    ("deprecatedLastTimestamp", "lastTimestamp"),
    ("deprecatedCount", "count"),
];

const CPU: &str = "targetCPUUtilizationPercentage";

/// The object as it is stored.
pub(super) fn to_stored(shown: &Resource, stored: &Resource, mut object: Value) -> Value {
    if let Some(fields) = object.as_object_mut() {
        match &*shown.id.plural {
            "events" => rename(fields, EVENT),
            "horizontalpodautoscalers" => {
                if let Some(spec) = fields.get_mut("spec").and_then(Value::as_object_mut)
                    && let Some(percent) = spec.remove(CPU)
                {
                    let target = json!({"type": "Utilization", "averageUtilization": percent});
                    spec.insert(
                        "metrics".into(),
                        json!([{"type": "Resource", "resource": {"name": "cpu", "target": target}}]),
                    );
                }
                if let Some(status) = fields.get_mut("status").and_then(Value::as_object_mut)
                    && let Some(percent) = status.remove("currentCPUUtilizationPercentage")
                {
                    let current = json!({"averageUtilization": percent});
                    status.insert(
                        "currentMetrics".into(),
                        json!([{"type": "Resource", "resource": {"name": "cpu", "current": current}}]),
                    );
                }
            }
            _ => {}
        }
        typed(fields, stored);
    }
    object
}

/// The object as the version of `shown` has it.
pub(super) fn to_shown(shown: &Resource, mut object: Value) -> Value {
    if let Some(fields) = object.as_object_mut() {
        match &*shown.id.plural {
            "events" => rename(fields, EVENT.map(|(shown, stored)| (stored, shown))),
            "horizontalpodautoscalers" => {
                for (part, list, at, to) in [
                    ("spec", "metrics", "target", CPU),
                    ("status", "currentMetrics", "current", "currentCPUUtilizationPercentage"),
                ] {
                    let Some(part) = fields.get_mut(part).and_then(Value::as_object_mut) else { continue };
                    let metrics = part.remove(list).unwrap_or(Value::Null);
                    part.remove("behavior");
                    part.remove("conditions");
                    let percent = metrics.as_array().into_iter().flatten().find_map(|metric| {
                        let of_cpu = metric.pointer("/resource/name").and_then(Value::as_str) == Some("cpu");
                        of_cpu.then(|| metric.pointer(&format!("/resource/{at}/averageUtilization")).cloned())?
                    });
                    part.extend(percent.map(|percent| (to.to_owned(), percent)));
                }
            }
            _ => {}
        }
        typed(fields, shown);
    }
    match shown.schema() {
        Some(of) => normal(schema(), of, object, &mut Report::default()),
        None => object,
    }
}

/// The path of a field selector as it is stored.
pub(super) fn stored_path(shown: &Resource, path: &str) -> Option<String> {
    let (first, rest) = path.split_once('.').map_or((path, None), |(first, rest)| (first, Some(rest)));
    let (_, stored) = EVENT.iter().find(|(name, _)| shown.id.plural == "events" && *name == first)?;
    Some(rest.map_or((*stored).to_owned(), |rest| format!("{stored}.{rest}")))
}

fn typed(fields: &mut Map<String, Value>, resource: &Resource) {
    fields.insert("apiVersion".to_owned(), Value::from(resource.api_version()));
    fields.insert("kind".to_owned(), Value::from(resource.kind.as_str()));
}

fn rename<const N: usize>(fields: &mut Map<String, Value>, names: [(&str, &str); N]) {
    for (from, to) in names {
        if let Some(value) = fields.remove(from) {
            fields.insert(to.to_owned(), value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Catalog;

    #[test]
    fn views_go_there_and_back() {
        let catalog = Catalog::built_in();
        let of = |group: &str, version: &str, plural: &str| catalog.find(group, version, plural).unwrap();
        let (shown, stored) = (of("events.k8s.io", "v1", "events"), of("", "v1", "events"));
        let event =
            json!({"apiVersion": "events.k8s.io/v1", "kind": "Event", "note": "n", "regarding": {"kind": "Pod"}});
        let kept = to_stored(shown, stored, event.clone());
        let wanted = json!({"apiVersion": "v1", "kind": "Event", "message": "n", "involvedObject": {"kind": "Pod"}});
        let back = to_shown(shown, kept.clone());
        assert_eq!((&kept, &back["note"], &back["regarding"]), (&wanted, &event["note"], &event["regarding"]));
        assert_eq!(stored_path(shown, "regarding.name").as_deref(), Some("involvedObject.name"));
        let plural = "horizontalpodautoscalers";
        let (shown, stored) = (of("autoscaling", "v1", plural), of("autoscaling", "v2", plural));
        let scaler = json!({"apiVersion": "autoscaling/v1", "kind": "HorizontalPodAutoscaler",
            "spec": {"maxReplicas": 3, "targetCPUUtilizationPercentage": 70}});
        let kept = to_stored(shown, stored, scaler.clone());
        assert_eq!(kept["spec"]["metrics"][0]["resource"]["target"]["averageUtilization"], 70);
        assert_eq!(to_shown(shown, kept)["spec"]["targetCPUUtilizationPercentage"], 70);
    }
}
