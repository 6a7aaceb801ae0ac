//! Networking, access, storage and extension.

use serde_json::Value;

use super::core::count;
use super::text::or_none;
use super::{Column, Printer, Row, boolean, column, name_column, wide};

pub(super) fn printer(plural: &str) -> Option<&'static Printer> {
    Some(match plural {
        "ingresses" => &INGRESSES,
        "ingressclasses" => &INGRESS_CLASSES,
        "networkpolicies" => &POLICIES,
        "roles" | "clusterroles" | "customresourcedefinitions" => &CREATED,
        "rolebindings" | "clusterrolebindings" => &BINDINGS,
        "storageclasses" => &STORAGE_CLASSES,
        "priorityclasses" => &PRIORITY_CLASSES,
        "mutatingwebhookconfigurations" | "validatingwebhookconfigurations" => &WEBHOOKS,
        _ => return None,
    })
}

static CREATED: Printer = Printer {
    columns: &[name_column(), Column { name: "Created At", r#type: "date", format: "", priority: 0 }],
    cells: |row| vec![row.name(), Value::from(row.str("/metadata/creationTimestamp"))],
};

static INGRESSES: Printer = Printer {
    columns: &[name_column(), column("Class"), column("Hosts"), column("Address"), column("Ports"), column("Age")],
    cells: |row| {
        let hosts: Vec<&str> = row
            .list("/spec/rules")
            .iter()
            .filter_map(|r| r.get("host").and_then(Value::as_str))
            .filter(|h| !h.is_empty())
            .collect();
        let hosts = match hosts.len() {
            0 => "*".to_owned(),
            1..=3 => hosts.join(","),
            more => format!("{} + {} more...", hosts[..3].join(","), more - 3),
        };
        let ingress = row.list("/status/loadBalancer/ingress").iter();
        let address = |i: &Value| {
            let text = |field: &str| i.get(field).and_then(Value::as_str).map(str::to_owned);
            text("ip").or_else(|| text("hostname"))
        };
        let addresses: Vec<String> = ingress.filter_map(address).collect();
        let ports = if row.list("/spec/tls").is_empty() { "80" } else { "80, 443" };
        vec![
            row.name(),
            row.or_none("/spec/ingressClassName"),
            Value::from(hosts),
            Value::from(addresses.join(",")),
            Value::from(ports),
            row.age(),
        ]
    },
};

static INGRESS_CLASSES: Printer = Printer {
    columns: &[name_column(), column("Controller"), column("Parameters"), column("Age")],
    cells: |row| {
        let parameters = match (row.str("/spec/parameters/kind"), row.str("/spec/parameters/apiGroup")) {
            ("", _) => "<none>".to_owned(),
            (kind, "") => format!("{kind}/{}", row.str("/spec/parameters/name")),
            (kind, group) => format!("{kind}.{group}/{}", row.str("/spec/parameters/name")),
        };
        vec![row.name(), Value::from(row.str("/spec/controller")), Value::from(parameters), row.age()]
    },
};

static POLICIES: Printer = Printer {
    columns: &[name_column(), column("Pod-Selector"), column("Age")],
    cells: |row| vec![row.name(), row.selector("/spec/podSelector"), row.age()],
};

fn subjects(row: &Row<'_>, kind: &str) -> Value {
    let of_kind = row.list("/subjects").iter().filter(|s| s.get("kind").and_then(Value::as_str) == Some(kind));
    let text = |subject: &Value, field: &str| subject.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
    let names = of_kind.map(|s| {
        if kind == "ServiceAccount" { format!("{}/{}", text(s, "namespace"), text(s, "name")) } else { text(s, "name") }
    });
    Value::from(names.collect::<Vec<_>>().join(", "))
}

static BINDINGS: Printer = Printer {
    columns: &[name_column(), column("Role"), column("Age"), wide("Users"), wide("Groups"), wide("ServiceAccounts")],
    cells: |row| {
        let role = format!("{}/{}", row.str("/roleRef/kind"), row.str("/roleRef/name"));
        let [users, groups, accounts] = ["User", "Group", "ServiceAccount"].map(|kind| subjects(row, kind));
        vec![row.name(), Value::from(role), row.age(), users, groups, accounts]
    },
};

static STORAGE_CLASSES: Printer = Printer {
    columns: &[
        name_column(),
        column("Provisioner"),
        column("ReclaimPolicy"),
        column("VolumeBindingMode"),
        column("AllowVolumeExpansion"),
        column("Age"),
    ],
    cells: |row| {
        let default = row.at("/metadata/annotations").get("storageclass.kubernetes.io/is-default-class");
        let default = default.and_then(Value::as_str) == Some("true");
        let name = row.str("/metadata/name");
        let grows = if row.at("/allowVolumeExpansion").as_bool() == Some(true) { "true" } else { "false" };
        vec![
            Value::from(if default { format!("{name} (default)") } else { name.to_owned() }),
            Value::from(row.str("/provisioner")),
            Value::from(row.str("/reclaimPolicy")),
            Value::from(row.str("/volumeBindingMode")),
            Value::from(grows),
            row.age(),
        ]
    },
};

static PRIORITY_CLASSES: Printer = Printer {
    columns: &[name_column(), count("Value"), boolean("Global-Default"), column("Age"), column("PreemptionPolicy")],
    cells: |row| {
        let default = row.at("/globalDefault").as_bool() == Some(true);
        let policy = Value::from(or_none(row.str("/preemptionPolicy")));
        vec![row.name(), Value::from(row.int("/value")), Value::from(default), row.age(), policy]
    },
};

static WEBHOOKS: Printer = Printer {
    columns: &[name_column(), count("Webhooks"), column("Age")],
    cells: |row| vec![row.name(), Value::from(row.list("/webhooks").len()), row.age()],
};
