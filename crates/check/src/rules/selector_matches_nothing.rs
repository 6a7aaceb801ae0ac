//! A Service (or PodDisruptionBudget) that selects none of the chart's pods.

use bowline_graph::{Graph, Relation, Selector, Wanted};

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
        let is_ours = namespace == graph.release_namespace();
        if !matches!(node.key.kind.as_str(), "Service" | "PodDisruptionBudget")
            || !is_ours
            || has_maker(graph, selector)
        {
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

/// Whether the selector names a custom resource of the chart: then an operator makes the pods.
fn has_maker(graph: &Graph, selector: &Selector) -> bool {
    let is_custom = |group: &str| group.contains('.') && !group.ends_with(".k8s.io");
    let mut makers = graph.nodes().iter().filter(|node| is_custom(&node.key.group)).map(|node| node.key.name.as_str());
    makers.any(|maker| selector.values().any(|value| value == maker))
}
