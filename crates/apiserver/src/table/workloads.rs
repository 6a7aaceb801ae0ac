//! Workloads: what runs pods.

use serde_json::Value;

use super::core::{between, count};
use super::text::{duration, or_none};
use super::{Printer, Row, boolean, column, name_column, wide};

pub(super) fn printer(plural: &str) -> Option<&'static Printer> {
    Some(match plural {
        "deployments" => &DEPLOYMENTS,
        "replicasets" => &REPLICA_SETS,
        "statefulsets" => &STATEFUL_SETS,
        "daemonsets" => &DAEMON_SETS,
        "controllerrevisions" => &REVISIONS,
        "jobs" => &JOBS,
        "cronjobs" => &CRON_JOBS,
        "horizontalpodautoscalers" => &AUTOSCALERS,
        "poddisruptionbudgets" => &BUDGETS,
        _ => return None,
    })
}

const TEMPLATE: &str = "/spec/template/spec/containers";

fn with_containers(row: &Row<'_>, mut cells: Vec<Value>, pointer: &str) -> Vec<Value> {
    cells.extend(row.containers(pointer));
    cells
}

static DEPLOYMENTS: Printer = Printer {
    columns: &[
        name_column(),
        column("Ready"),
        column("Up-to-date"),
        column("Available"),
        column("Age"),
        wide("Containers"),
        wide("Images"),
        wide("Selector"),
    ],
    cells: |row| {
        let ready = format!("{}/{}", row.int("/status/readyReplicas"), row.int("/spec/replicas"));
        let (updated, available) = (row.int("/status/updatedReplicas"), row.int("/status/availableReplicas"));
        let cells = vec![row.name(), Value::from(ready), Value::from(updated), Value::from(available), row.age()];
        let mut cells = with_containers(row, cells, TEMPLATE);
        cells.push(row.selector("/spec/selector"));
        cells
    },
};

static REPLICA_SETS: Printer = Printer {
    columns: &[
        name_column(),
        count("Desired"),
        count("Current"),
        count("Ready"),
        column("Age"),
        wide("Containers"),
        wide("Images"),
        wide("Selector"),
    ],
    cells: |row| {
        let number = |pointer| Value::from(row.int(pointer));
        let counts = [number("/spec/replicas"), number("/status/replicas"), number("/status/readyReplicas")];
        let mut cells = vec![row.name()];
        cells.extend(counts);
        cells.push(row.age());
        let mut cells = with_containers(row, cells, TEMPLATE);
        let plain =
            row.at("/spec/selector/matchLabels").is_null() && row.at("/spec/selector/matchExpressions").is_null();
        cells.push(if plain { row.labels("/spec/selector") } else { row.selector("/spec/selector") });
        cells
    },
};

static STATEFUL_SETS: Printer = Printer {
    columns: &[name_column(), column("Ready"), column("Age"), wide("Containers"), wide("Images")],
    cells: |row| {
        let ready = format!("{}/{}", row.int("/status/readyReplicas"), row.int("/spec/replicas"));
        with_containers(row, vec![row.name(), Value::from(ready), row.age()], TEMPLATE)
    },
};

static DAEMON_SETS: Printer = Printer {
    columns: &[
        name_column(),
        count("Desired"),
        count("Current"),
        count("Ready"),
        count("Up-to-date"),
        count("Available"),
        column("Node Selector"),
        column("Age"),
        wide("Containers"),
        wide("Images"),
        wide("Selector"),
    ],
    cells: |row| {
        let mut cells = vec![row.name()];
        let fields = [
            "desiredNumberScheduled",
            "currentNumberScheduled",
            "numberReady",
            "updatedNumberScheduled",
            "numberAvailable",
        ];
        cells.extend(fields.map(|field| Value::from(row.int(&format!("/status/{field}")))));
        cells.push(row.labels("/spec/template/spec/nodeSelector"));
        cells.push(row.age());
        let mut cells = with_containers(row, cells, TEMPLATE);
        cells.push(row.selector("/spec/selector"));
        cells
    },
};

static REVISIONS: Printer = Printer {
    columns: &[name_column(), column("Controller"), column("Revision"), column("Age")],
    cells: |row| {
        let owners = row.list("/metadata/ownerReferences").iter();
        let mut controllers = owners.filter(|o| o.get("controller").and_then(Value::as_bool) == Some(true));
        let controller = controllers.next().map_or_else(
            || "<none>".to_owned(),
            |owner| {
                let text = |field: &str| owner.get(field).and_then(Value::as_str).unwrap_or_default();
                let kind = text("kind").to_lowercase();
                match text("apiVersion").split_once('/') {
                    Some((group, _)) => format!("{kind}.{group}/{}", text("name")),
                    None => format!("{kind}/{}", text("name")),
                }
            },
        );
        vec![row.name(), Value::from(controller), Value::from(row.int("/revision")), row.age()]
    },
};

static JOBS: Printer = Printer {
    columns: &[
        name_column(),
        column("Status"),
        column("Completions"),
        column("Duration"),
        column("Age"),
        wide("Containers"),
        wide("Images"),
        wide("Selector"),
    ],
    cells: |row| {
        let deleting = !row.str("/metadata/deletionTimestamp").is_empty();
        let status = match () {
            () if row.condition("Complete") => "Complete",
            () if row.condition("Failed") => "Failed",
            () if deleting => "Terminating",
            () if row.condition("Suspended") => "Suspended",
            () if row.condition("FailureTarget") => "FailureTarget",
            () if row.condition("SuccessCriteriaMet") => "SuccessCriteriaMet",
            () => "Running",
        };
        let done = row.int("/status/succeeded");
        let completions = match (row.at("/spec/completions").as_i64(), row.int("/spec/parallelism")) {
            (Some(wanted), _) => format!("{done}/{wanted}"),
            (None, parallel @ 2..) => format!("{done}/1 of {parallel}"),
            (None, _) => format!("{done}/1"),
        };
        let (start, end) = (row.str("/status/startTime"), row.str("/status/completionTime"));
        let lasted = match (start.parse::<jiff::Timestamp>(), end) {
            (Ok(start), "") => duration(row.now.as_second() - start.as_second()),
            (Ok(_), end) => between(start, end),
            (Err(_), _) => String::new(),
        };
        let cells = vec![row.name(), Value::from(status), Value::from(completions), Value::from(lasted), row.age()];
        let mut cells = with_containers(row, cells, TEMPLATE);
        cells.push(row.selector("/spec/selector"));
        cells
    },
};

static CRON_JOBS: Printer = Printer {
    columns: &[
        name_column(),
        column("Schedule"),
        column("Timezone"),
        boolean("Suspend"),
        count("Active"),
        column("Last Schedule"),
        column("Age"),
        wide("Containers"),
        wide("Images"),
        wide("Selector"),
    ],
    cells: |row| {
        let suspend = match row.at("/spec/suspend").as_bool() {
            Some(true) => "True",
            Some(false) => "False",
            None => "<unset>",
        };
        let last = match row.str("/status/lastScheduleTime") {
            "" => "<none>".to_owned(),
            time => row.since(time),
        };
        let cells = vec![
            row.name(),
            Value::from(row.str("/spec/schedule")),
            row.or_none("/spec/timeZone"),
            Value::from(suspend),
            Value::from(row.list("/status/active").len()),
            Value::from(last),
            row.age(),
        ];
        let mut cells = with_containers(row, cells, "/spec/jobTemplate/spec/template/spec/containers");
        cells.push(row.selector("/spec/jobTemplate/spec/selector"));
        cells
    },
};

static AUTOSCALERS: Printer = Printer {
    columns: &[
        name_column(),
        column("Reference"),
        column("Targets"),
        column("MinPods"),
        column("MaxPods"),
        column("Replicas"),
        column("Age"),
    ],
    cells: |row| {
        let reference = format!("{}/{}", row.str("/spec/scaleTargetRef/kind"), row.str("/spec/scaleTargetRef/name"));
        let current = row.list("/status/currentMetrics");
        let targets: Vec<String> =
            row.list("/spec/metrics").iter().enumerate().map(|(at, metric)| target(metric, current.get(at))).collect();
        let min = row.at("/spec/minReplicas").as_i64().map_or("<unset>".to_owned(), |n| n.to_string());
        vec![
            row.name(),
            Value::from(reference),
            Value::from(or_none(&targets.join(", "))),
            Value::from(min),
            Value::from(row.int("/spec/maxReplicas")),
            Value::from(row.int("/status/currentReplicas")),
            row.age(),
        ]
    },
};

/// `cpu: 20%/80%`
fn target(metric: &Value, current: Option<&Value>) -> String {
    let kind = metric.get("type").and_then(Value::as_str).unwrap_or_default();
    let field = {
        let mut letters = kind.chars();
        letters.next().map_or(String::new(), |first| first.to_lowercase().collect::<String>() + letters.as_str())
    };
    let spec = metric.get(&field).unwrap_or(&Value::Null);
    let now = current.and_then(|c| c.get(&field)).and_then(|c| c.get("current")).unwrap_or(&Value::Null);
    let wanted = spec.get("target").unwrap_or(&Value::Null);
    let name = spec.get("name").or_else(|| spec.pointer("/metric/name")).and_then(Value::as_str);
    let text = |of: &Value, key: &str| of.get(key).and_then(Value::as_str).map(str::to_owned);
    let (now, wanted) = match wanted.get("averageUtilization").and_then(Value::as_i64) {
        Some(percent) => {
            let now = now.get("averageUtilization").and_then(Value::as_i64).map(|n| format!("{n}%"));
            (now, format!("{percent}%"))
        }
        None => {
            let amount = |of: &Value| text(of, "averageValue").or_else(|| text(of, "value"));
            (amount(now), amount(wanted).unwrap_or_default())
        }
    };
    let now = now.unwrap_or_else(|| "<unknown>".to_owned());
    match (kind, name) {
        ("Resource" | "ContainerResource", Some(name)) => format!("{name}: {now}/{wanted}"),
        _ => format!("{now}/{wanted}"),
    }
}

static BUDGETS: Printer = Printer {
    columns: &[
        name_column(),
        column("Min Available"),
        column("Max Unavailable"),
        count("Allowed Disruptions"),
        column("Age"),
    ],
    cells: |row| {
        let bound = |pointer: &str| match row.at(pointer) {
            Value::Null => Value::from("N/A"),
            Value::String(text) => Value::from(text.as_str()),
            number => Value::from(number.to_string()),
        };
        vec![
            row.name(),
            bound("/spec/minAvailable"),
            bound("/spec/maxUnavailable"),
            Value::from(row.int("/status/disruptionsAllowed")),
            row.age(),
        ]
    },
};
