//! A chart that brings the namespace it is itself released into.

use bowline_graph::{Graph, Section};
use serde_json::Value;

use crate::rule::Found;
use crate::{Rule, Severity};

pub(crate) const RULE: Rule = Rule {
    id: "namespace-of-release",
    title: "Release owns its own namespace",
    sources: &[
        "pkg/action/install.go of Helm 4: the record is stored in the namespace before the first manifest is applied",
        "pkg/action/uninstall.go of Helm 4: every manifest without helm.sh/resource-policy: keep is deleted",
    ],
    look,
};

fn look(graph: &Graph, found: &mut Vec<Found>) {
    let release = graph.release_namespace();
    for node in graph.nodes().iter().filter(|node| node.key.kind == "Namespace" && node.key.group.is_empty()) {
        let policy =
            node.manifest.object.pointer("/metadata/annotations/helm.sh~1resource-policy").and_then(Value::as_str);
        if node.key.name != release || node.place.section != Section::Manifests || policy == Some("keep") {
            continue;
        }
        let message = format!(
            "the chart creates namespace {release}, in which its own release is recorded: \
             a first install needs it before the chart can create it, and an uninstall deletes it with everything in it"
        );
        let hint = "leave it to --create-namespace, or keep it: helm.sh/resource-policy: keep".to_owned();
        found.push(Found::at(node, "/metadata/name", Severity::Warning, message, hint));
    }
}
