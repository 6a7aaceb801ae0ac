//! Pods, Services and the other kinds of the core.

use serde_json::Value;

use super::text::{duration, or_none};
use super::{Column, Printer, Row, column, name_column, number, wide};

pub(super) fn printer(plural: &str) -> Option<&'static Printer> {
    Some(match plural {
        "pods" => &PODS,
        "services" => &SERVICES,
        "configmaps" => &CONFIG_MAPS,
        "secrets" => &SECRETS,
        "endpoints" => &ENDPOINTS,
        "endpointslices" => &ENDPOINT_SLICES,
        "events" => &EVENTS,
        "namespaces" => &NAMESPACES,
        "nodes" => &NODES,
        "persistentvolumeclaims" => &CLAIMS,
        "persistentvolumes" => &VOLUMES,
        "replicationcontrollers" => super::workloads::printer("replicasets")?,
        "resourcequotas" => &QUOTAS,
        "limitranges" => &LIMITS,
        "podtemplates" => &POD_TEMPLATES,
        "leases" => &LEASES,
        _ => return None,
    })
}

static PODS: Printer = Printer {
    columns: &[
        name_column(),
        column("Ready"),
        column("Status"),
        column("Restarts"),
        column("Age"),
        wide("IP"),
        wide("Node"),
        wide("Nominated Node"),
        wide("Readiness Gates"),
    ],
    cells: |row| {
        let pod = pod_summary(row);
        let gates = row.list("/spec/readinessGates");
        let met = |gate: &&Value| gate.get("conditionType").and_then(Value::as_str).is_some_and(|t| row.condition(t));
        let gates_cell = if gates.is_empty() {
            "<none>".to_owned()
        } else {
            format!("{}/{}", gates.iter().filter(met).count(), gates.len())
        };
        let total =
            row.list("/spec/containers").len() + row.list("/spec/initContainers").iter().filter(is_sidecar).count();
        let ip = row.list("/status/podIPs").first().and_then(|ip| ip.get("ip")).and_then(Value::as_str);
        vec![
            row.name(),
            Value::from(format!("{}/{total}", pod.ready)),
            Value::from(pod.status),
            Value::from(pod.restarts),
            row.age(),
            Value::from(or_none(ip.unwrap_or_else(|| row.str("/status/podIP")))),
            row.or_none("/spec/nodeName"),
            row.or_none("/status/nominatedNodeName"),
            Value::from(gates_cell),
        ]
    },
};

fn is_sidecar(container: &&Value) -> bool {
    container.get("restartPolicy").and_then(Value::as_str) == Some("Always")
}

struct PodSummary {
    ready: usize,
    status: String,
    restarts: String,
}

/// What a container's state says, where it says why it does not run.
fn trouble(state: &Value, prefix: &str) -> Option<String> {
    let reason = |of: &Value| of.get("reason").and_then(Value::as_str).unwrap_or_default().to_owned();
    if let Some(waiting) = state.get("waiting") {
        return Some(reason(waiting)).filter(|r| !r.is_empty() && (prefix.is_empty() || r != "PodInitializing"));
    }
    let terminated = state.get("terminated")?;
    let number = |field: &str| terminated.get(field).and_then(Value::as_i64).unwrap_or(0);
    Some(match reason(terminated) {
        reason if !reason.is_empty() => reason,
        _ if number("signal") != 0 => format!("Signal:{}", number("signal")),
        _ => format!("ExitCode:{}", number("exitCode")),
    })
}

/// The status column: the first init container that is not done, else the first container that has something to say,
/// else the phase.
fn pod_summary(row: &Row<'_>) -> PodSummary {
    let phase = row.str("/status/phase");
    let mut status = Some(row.str("/status/reason")).filter(|r| !r.is_empty()).unwrap_or(phase).to_owned();
    let gated = row.list("/status/conditions").iter().any(|c| {
        c.get("type").and_then(Value::as_str) == Some("PodScheduled")
            && c.get("reason").and_then(Value::as_str) == Some("SchedulingGated")
    });
    if gated {
        "SchedulingGated".clone_into(&mut status);
    }
    let (mut ready, mut restarts) = (0, 0);
    let note_restarts = |container: &'_ Value, restarts: &mut i64, last: &mut String| {
        *restarts += container.get("restartCount").and_then(Value::as_i64).unwrap_or(0);
        let finished =
            container.pointer("/lastState/terminated/finishedAt").and_then(Value::as_str).unwrap_or_default();
        if finished > last.as_str() {
            finished.clone_into(last);
        }
    };
    let mut last = String::new();
    let is_ready = |c: &Value| c.get("ready").and_then(Value::as_bool) == Some(true);
    let inits = row.list("/spec/initContainers");
    let mut initializing = false;
    for (at, container) in row.list("/status/initContainerStatuses").iter().enumerate() {
        note_restarts(container, &mut restarts, &mut last);
        let state = container.get("state").unwrap_or(&Value::Null);
        let sidecar = inits.get(at).is_some_and(|spec| is_sidecar(&spec));
        if state.pointer("/terminated/exitCode").and_then(Value::as_i64) == Some(0) {
            continue;
        }
        if sidecar && container.get("started").and_then(Value::as_bool) == Some(true) {
            ready += usize::from(is_ready(container));
            continue;
        }
        status = match trouble(state, "Init:") {
            Some(reason) => format!("Init:{reason}"),
            None => format!("Init:{at}/{}", inits.len()),
        };
        initializing = true;
        break;
    }
    if !initializing || row.condition("Initialized") {
        if !initializing {
            restarts = row.list("/status/initContainerStatuses").iter().enumerate().fold(0, |sum, (at, c)| {
                let sidecar = inits.get(at).is_some_and(|spec| is_sidecar(&spec));
                sum + if sidecar { c.get("restartCount").and_then(Value::as_i64).unwrap_or(0) } else { 0 }
            });
        }
        let mut running = false;
        for container in row.list("/status/containerStatuses").iter().rev() {
            note_restarts(container, &mut restarts, &mut last);
            let state = container.get("state").unwrap_or(&Value::Null);
            match trouble(state, "") {
                Some(reason) => status = reason,
                None if is_ready(container) && state.get("running").is_some() => {
                    running = true;
                    ready += 1;
                }
                None => {}
            }
        }
        if status == "Completed" && running {
            if row.condition("Ready") { "Running" } else { "NotReady" }.clone_into(&mut status);
        }
    }
    if !row.str("/metadata/deletionTimestamp").is_empty() {
        if row.str("/status/reason") == "NodeLost" {
            "Unknown".clone_into(&mut status);
        } else if !matches!(phase, "Failed" | "Succeeded") {
            "Terminating".clone_into(&mut status);
        }
    }
    let restarts = if restarts != 0 && !last.is_empty() {
        format!("{restarts} ({} ago)", row.since(&last))
    } else {
        restarts.to_string()
    };
    PodSummary { ready, status, restarts }
}

static SERVICES: Printer = Printer {
    columns: &[
        name_column(),
        column("Type"),
        column("Cluster-IP"),
        column("External-IP"),
        column("Port(s)"),
        column("Age"),
        wide("Selector"),
    ],
    cells: |row| {
        let addresses = |pointer: &str| -> Vec<&str> { row.list(pointer).iter().filter_map(Value::as_str).collect() };
        let externals = addresses("/spec/externalIPs");
        let external = match row.str("/spec/type") {
            "ExternalName" => row.str("/spec/externalName").to_owned(),
            "LoadBalancer" => {
                let field = |i: &'_ Value, f: &str| i.get(f).and_then(Value::as_str).map(str::to_owned);
                let ingress = row.list("/status/loadBalancer/ingress").iter();
                let mut all: Vec<String> =
                    ingress.filter_map(|i| field(i, "ip").or_else(|| field(i, "hostname"))).collect();
                all.extend(externals.iter().map(|ip| (*ip).to_owned()));
                if all.is_empty() { "<pending>".to_owned() } else { all.join(",") }
            }
            _ => or_none(&externals.join(",")).to_owned(),
        };
        let ports: Vec<String> = row
            .list("/spec/ports")
            .iter()
            .map(|port| {
                let number = |field: &str| port.get(field).and_then(Value::as_i64).unwrap_or(0);
                let protocol = port.get("protocol").and_then(Value::as_str).unwrap_or("TCP");
                match number("nodePort") {
                    0 => format!("{}/{protocol}", number("port")),
                    node => format!("{}:{node}/{protocol}", number("port")),
                }
            })
            .collect();
        let first = addresses("/spec/clusterIPs").first().copied().unwrap_or_else(|| row.str("/spec/clusterIP"));
        vec![
            row.name(),
            Value::from(row.str("/spec/type")),
            Value::from(or_none(first)),
            Value::from(external),
            Value::from(or_none(&ports.join(","))),
            row.age(),
            row.labels("/spec/selector"),
        ]
    },
};

fn entries(row: &Row<'_>, fields: &[&str]) -> Value {
    let count = |field: &&str| row.at(field).as_object().map_or(0, serde_json::Map::len);
    Value::from(fields.iter().map(count).sum::<usize>())
}

static CONFIG_MAPS: Printer = Printer {
    columns: &[name_column(), column("Data"), column("Age")],
    cells: |row| vec![row.name(), entries(row, &["/data", "/binaryData"]), row.age()],
};

static SECRETS: Printer = Printer {
    columns: &[name_column(), column("Type"), column("Data"), column("Age")],
    cells: |row| vec![row.name(), Value::from(row.str("/type")), entries(row, &["/data"]), row.age()],
};

fn shortened(all: &[String], shown: usize) -> String {
    let more = all.len().saturating_sub(shown);
    let list = all.iter().take(shown).map(String::as_str).collect::<Vec<_>>().join(",");
    if more > 0 { format!("{list} + {more} more...") } else { or_none(&list).to_owned() }
}

static ENDPOINTS: Printer = Printer {
    columns: &[name_column(), column("Endpoints"), column("Age")],
    cells: |row| {
        let mut all = Vec::new();
        for subset in row.list("/subsets") {
            let of = |field: &str| subset.get(field).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
            for address in of("addresses") {
                let ip = address.get("ip").and_then(Value::as_str).unwrap_or_default();
                let ports = of("ports").iter().filter_map(|p| p.get("port").and_then(Value::as_i64));
                all.extend(ports.map(|port| format!("{ip}:{port}")));
            }
        }
        vec![row.name(), Value::from(shortened(&all, 3)), row.age()]
    },
};

static ENDPOINT_SLICES: Printer = Printer {
    columns: &[name_column(), column("AddressType"), column("Ports"), column("Endpoints"), column("Age")],
    cells: |row| {
        let ports: Vec<String> = row
            .list("/ports")
            .iter()
            .filter_map(|p| p.get("port").and_then(Value::as_i64))
            .map(|p| p.to_string())
            .collect();
        let addresses = row.list("/endpoints").iter().filter_map(|e| e.get("addresses").and_then(Value::as_array));
        let addresses: Vec<String> = addresses.flatten().filter_map(Value::as_str).map(str::to_owned).collect();
        let unset = |text: String| if text == "<none>" { "<unset>".to_owned() } else { text };
        vec![
            row.name(),
            Value::from(row.str("/addressType")),
            Value::from(unset(shortened(&ports, 3))),
            Value::from(unset(shortened(&addresses, 3))),
            row.age(),
        ]
    },
};

static EVENTS: Printer = Printer {
    columns: &[
        column("Last Seen"),
        column("Type"),
        column("Reason"),
        column("Object"),
        wide("Subobject"),
        wide("Source"),
        column("Message"),
        wide("First Seen"),
        wide("Count"),
        Column { name: "Name", r#type: "string", format: "name", priority: 1 },
    ],
    cells: |row| {
        let first = Some(row.str("/firstTimestamp")).filter(|t| !t.is_empty()).unwrap_or_else(|| row.str("/eventTime"));
        let last = [row.str("/series/lastObservedTime"), row.str("/lastTimestamp"), first];
        let last = last.into_iter().find(|t| !t.is_empty()).unwrap_or_default();
        let source = match (row.str("/source/component"), row.str("/source/host")) {
            ("", _) => row.str("/reportingComponent").to_owned(),
            (component, "") => component.to_owned(),
            (component, host) => format!("{component}, {host}"),
        };
        let kind = row.str("/involvedObject/kind").to_lowercase();
        let count = row.at("/series/count").as_i64().or_else(|| row.at("/count").as_i64()).unwrap_or(1);
        vec![
            Value::from(row.since(last)),
            Value::from(row.str("/type")),
            Value::from(row.str("/reason")),
            Value::from(format!("{kind}/{}", row.str("/involvedObject/name"))),
            Value::from(row.str("/involvedObject/fieldPath")),
            Value::from(source),
            Value::from(row.str("/message").trim()),
            Value::from(row.since(first)),
            Value::from(count),
            row.name(),
        ]
    },
};

static NAMESPACES: Printer = Printer {
    columns: &[name_column(), column("Status"), column("Age")],
    cells: |row| vec![row.name(), Value::from(row.str("/status/phase")), row.age()],
};

static NODES: Printer = Printer {
    columns: &[
        name_column(),
        column("Status"),
        column("Roles"),
        column("Age"),
        column("Version"),
        wide("Internal-IP"),
        wide("External-IP"),
        wide("OS-Image"),
        wide("Kernel-Version"),
        wide("Container-Runtime"),
    ],
    cells: |row| {
        let known =
            row.list("/status/conditions").iter().any(|c| c.get("type").and_then(Value::as_str) == Some("Ready"));
        let ready = match (row.condition("Ready"), known) {
            (true, _) => "Ready",
            (false, true) => "NotReady",
            (false, false) => "Unknown",
        };
        let cordoned = row.at("/spec/unschedulable").as_bool() == Some(true);
        let status = if cordoned { format!("{ready},SchedulingDisabled") } else { ready.to_owned() };
        let labels = row.at("/metadata/labels").as_object();
        let roles: Vec<&str> = labels
            .into_iter()
            .flat_map(|l| l.keys())
            .filter_map(|key| key.strip_prefix("node-role.kubernetes.io/"))
            .filter(|role| !role.is_empty())
            .collect();
        let address = |kind: &str| {
            let of_kind = |a: &&Value| a.get("type").and_then(Value::as_str) == Some(kind);
            let found = row.list("/status/addresses").iter().find(of_kind);
            Value::from(or_none(found.and_then(|a| a.get("address")).and_then(Value::as_str).unwrap_or_default()))
        };
        let unknown =
            |pointer: &str| Value::from(Some(row.str(pointer)).filter(|t| !t.is_empty()).unwrap_or("<unknown>"));
        vec![
            row.name(),
            Value::from(status),
            Value::from(or_none(&roles.join(","))),
            row.age(),
            Value::from(row.str("/status/nodeInfo/kubeletVersion")),
            address("InternalIP"),
            address("ExternalIP"),
            unknown("/status/nodeInfo/osImage"),
            unknown("/status/nodeInfo/kernelVersion"),
            unknown("/status/nodeInfo/containerRuntimeVersion"),
        ]
    },
};

fn access_modes(row: &Row<'_>, pointer: &str) -> Value {
    let short = |mode: &Value| match mode.as_str().unwrap_or_default() {
        "ReadWriteOnce" => "RWO",
        "ReadOnlyMany" => "ROX",
        "ReadWriteMany" => "RWX",
        "ReadWriteOncePod" => "RWOP",
        _ => "",
    };
    Value::from(row.list(pointer).iter().map(short).filter(|m| !m.is_empty()).collect::<Vec<_>>().join(","))
}

fn unset(row: &Row<'_>, pointer: &str) -> Value {
    Value::from(Some(row.str(pointer)).filter(|t| !t.is_empty()).unwrap_or("<unset>"))
}

static CLAIMS: Printer = Printer {
    columns: &[
        name_column(),
        column("Status"),
        column("Volume"),
        column("Capacity"),
        column("Access Modes"),
        column("StorageClass"),
        column("VolumeAttributesClass"),
        column("Age"),
        wide("VolumeMode"),
    ],
    cells: |row| {
        let phase =
            if row.str("/metadata/deletionTimestamp").is_empty() { row.str("/status/phase") } else { "Terminating" };
        let bound = !row.str("/spec/volumeName").is_empty();
        vec![
            row.name(),
            Value::from(phase),
            Value::from(row.str("/spec/volumeName")),
            Value::from(if bound { row.str("/status/capacity/storage") } else { "" }),
            if bound { access_modes(row, "/status/accessModes") } else { Value::from("") },
            Value::from(row.str("/spec/storageClassName")),
            unset(row, "/spec/volumeAttributesClassName"),
            row.age(),
            unset(row, "/spec/volumeMode"),
        ]
    },
};

static VOLUMES: Printer = Printer {
    columns: &[
        name_column(),
        column("Capacity"),
        column("Access Modes"),
        column("Reclaim Policy"),
        column("Status"),
        column("Claim"),
        column("StorageClass"),
        column("VolumeAttributesClass"),
        column("Reason"),
        column("Age"),
        wide("VolumeMode"),
    ],
    cells: |row| {
        let claim = match row.str("/spec/claimRef/name") {
            "" => String::new(),
            name => format!("{}/{name}", row.str("/spec/claimRef/namespace")),
        };
        let phase =
            if row.str("/metadata/deletionTimestamp").is_empty() { row.str("/status/phase") } else { "Terminating" };
        vec![
            row.name(),
            Value::from(row.str("/spec/capacity/storage")),
            access_modes(row, "/spec/accessModes"),
            Value::from(row.str("/spec/persistentVolumeReclaimPolicy")),
            Value::from(phase),
            Value::from(claim),
            Value::from(row.str("/spec/storageClassName")),
            unset(row, "/spec/volumeAttributesClassName"),
            Value::from(row.str("/status/reason")),
            row.age(),
            unset(row, "/spec/volumeMode"),
        ]
    },
};

static QUOTAS: Printer = Printer {
    columns: &[name_column(), column("Request"), column("Limit"), column("Age")],
    cells: |row| {
        let (mut requests, mut limits) = (Vec::new(), Vec::new());
        for (resource, hard) in row.at("/status/hard").as_object().into_iter().flatten() {
            let used = row.at("/status/used").get(resource).and_then(Value::as_str).unwrap_or("0");
            let cell = format!("{resource}: {used}/{}", hard.as_str().unwrap_or_default());
            if resource.starts_with("limits") { limits.push(cell) } else { requests.push(cell) }
        }
        vec![row.name(), Value::from(requests.join(", ")), Value::from(limits.join(", ")), row.age()]
    },
};

static LIMITS: Printer = Printer {
    columns: &[name_column(), Column { name: "Created At", r#type: "date", format: "", priority: 0 }],
    cells: |row| vec![row.name(), Value::from(row.str("/metadata/creationTimestamp"))],
};

static POD_TEMPLATES: Printer = Printer {
    columns: &[name_column(), column("Containers"), column("Images"), column("Pod Labels")],
    cells: |row| {
        let [names, images] = row.containers("/template/spec/containers");
        vec![row.name(), names, images, row.labels("/template/metadata/labels")]
    },
};

static LEASES: Printer = Printer {
    columns: &[name_column(), column("Holder"), column("Age")],
    cells: |row| vec![row.name(), Value::from(row.str("/spec/holderIdentity")), row.age()],
};

/// Seconds between two times of an object, as a cell.
pub(super) fn between(from: &str, to: &str) -> String {
    match (from.parse::<jiff::Timestamp>(), to.parse::<jiff::Timestamp>()) {
        (Ok(from), Ok(to)) => duration(to.as_second() - from.as_second()),
        _ => String::new(),
    }
}

/// For [`super::workloads`]: a count column that is a number.
pub(super) const fn count(name: &'static str) -> Column {
    number(name)
}
