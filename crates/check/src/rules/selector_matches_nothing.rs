//! A Service (or PodDisruptionBudget) that selects none of the chart's pods.

use bowline_graph::{Graph, Relation, Wanted};

use crate::rule::Found;
use crate::{Rule, Severity};

pub(crate) const RULE: Rule = Rule {
    id: "selector-matches-nothing",
    title: "Selects no pods",
    sources: &[
        "https://kubernetes.io/docs/concepts/services-networking/service/#defining-a-service",
        "the same as dangling-service of kube-linter",
    ],
    look,
};

fn look(graph: &Graph, found: &mut Vec<Found>) {
    for reference in graph.references().iter().filter(|r| r.relation == Relation::Selector && r.targets.is_empty()) {
        let Some(node) = graph.node(reference.from) else { continue };
        let Wanted::Pods { namespace, selector } = &reference.wanted else { continue };
        if !matches!(node.key.kind.as_str(), "Service" | "PodDisruptionBudget") {
            continue;
        }
        let consequence =
            if node.key.kind == "Service" { "connections to it are refused" } else { "it protects nothing" };
        let message = format!(
            "{} selects pods with {selector} in namespace {namespace}; no pod template of this chart has these labels: {consequence}",
            node.key
        );
        let hint = "compare the selector with the labels under spec.template.metadata of the workload it is meant for"
            .to_owned();
        found.push(Found::at(node, &reference.pointer, Severity::Warning, message, hint));
    }
}
