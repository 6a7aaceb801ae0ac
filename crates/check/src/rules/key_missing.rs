//! A key that the Secret or ConfigMap of the same chart does not have.

use bowline_graph::{Graph, Relation};

use crate::rule::Found;
use crate::{Rule, Severity};

pub(crate) const RULE: Rule = Rule {
    id: "key-missing",
    title: "Key that is not there",
    sources: &[
        "https://kubernetes.io/docs/concepts/configuration/secret/: a pod that names a missing key does not start (CreateContainerConfigError)",
    ],
    look,
};

fn look(graph: &Graph, found: &mut Vec<Found>) {
    for reference in
        graph.references().iter().filter(|r| !r.optional && matches!(r.relation, Relation::Env | Relation::Volume))
    {
        let Some(node) = graph.node(reference.from) else { continue };
        let targets: Vec<_> = reference.targets.iter().filter_map(|&id| graph.node(id)).collect();
        // what a controller makes of a SealedSecret or ExternalSecret is not known here
        if targets.is_empty()
            || targets.iter().any(|target| !matches!(target.key.kind.as_str(), "Secret" | "ConfigMap"))
        {
            continue;
        }
        for used in &reference.keys {
            let has = |field: &str| {
                let holds = |map: &serde_json::Value| map.get(&used.key).is_some();
                targets.iter().any(|target| target.manifest.object.get(field).is_some_and(holds))
            };
            let (Some(target), false) = (targets.first(), has("data") || has("stringData") || has("binaryData")) else {
                continue;
            };
            let message = format!(
                "{} takes the key {} from {}, which has no such key: its pods do not start",
                node.key, used.key, target.key
            );
            let hint = format!("add {} to {}, or mark the reference optional: true", used.key, target.key);
            let result = Found::at(node, &used.pointer, Severity::Error, message, hint);
            found.push(result.with(target, "/data", format!("{} is made here", target.key)));
        }
    }
}
