//! Services.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::super::names;
use super::causes::{Causes, list, str};

const PROTOCOLS: [&str; 3] = ["SCTP", "TCP", "UDP"];
const TYPES: [&str; 4] = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"];

pub(super) fn check(object: &Value, causes: &mut Causes) {
    let spec = &object["spec"];
    let kind = str(spec, "type");
    let headless = str(spec, "clusterIP") == "None";
    let count = list(spec, "ports").count();
    if count == 0 && !headless && kind != "ExternalName" {
        causes.required("spec.ports", "");
    }
    match kind {
        "LoadBalancer" if headless => {
            causes.invalid("spec.clusterIPs[0]", &json!("None"), "may not be set to 'None' for LoadBalancer services");
        }
        "NodePort" if headless => {
            causes.invalid("spec.clusterIPs[0]", &json!("None"), "may not be set to 'None' for NodePort services");
        }
        "ExternalName" => match str(spec, "externalName") {
            "" => causes.required("spec.externalName", ""),
            name => {
                if let Some(why) = names::subdomain(name.trim_end_matches('.')) {
                    causes.invalid_text("spec.externalName", name, &why);
                }
            }
        },
        _ => {}
    }
    let (mut seen_names, mut seen_ports) = (BTreeSet::new(), BTreeSet::new());
    for (at, port) in list(spec, "ports") {
        let field = format!("spec.ports[{at}]");
        let name = str(port, "name");
        if name.is_empty() {
            if count > 1 {
                causes.required(format!("{field}.name"), "");
            }
        } else if let Some(why) = names::label_name(name) {
            causes.invalid_text(format!("{field}.name"), name, &why);
        } else if !seen_names.insert(name) {
            causes.duplicate(format!("{field}.name"), &json!(name));
        }
        causes.port(format!("{field}.port"), &port["port"]);
        let protocol = str(port, "protocol");
        if !PROTOCOLS.contains(&protocol) {
            causes.unsupported(format!("{field}.protocol"), &port["protocol"], &PROTOCOLS);
        }
        causes.port_or_name(&format!("{field}.targetPort"), &port["targetPort"]);
        if !seen_ports.insert((protocol, port["port"].as_i64())) {
            causes.duplicate(field, &json!({"port": port["port"], "protocol": protocol}));
        }
    }
    super::metadata::labels(&spec["selector"], "spec.selector", causes);
    if !matches!(str(spec, "sessionAffinity"), "ClientIP" | "None") {
        causes.unsupported("spec.sessionAffinity", &spec["sessionAffinity"], &["ClientIP", "None"]);
    }
    if !TYPES.contains(&kind) {
        causes.unsupported("spec.type", &spec["type"], &TYPES);
    }
}

/// The address stays while the Service has one.
pub(super) fn check_changed(old: &Value, new: &Value, causes: &mut Causes) {
    let (before, after) = (&old["spec"], &new["spec"]);
    if str(before, "type") == "ExternalName" || str(after, "type") == "ExternalName" {
        return;
    }
    let (had, has) = (str(before, "clusterIP"), str(after, "clusterIP"));
    if !had.is_empty() && !has.is_empty() && had != has {
        causes.invalid("spec.clusterIPs[0]", &json!([has]), "may not change once set");
    }
}
