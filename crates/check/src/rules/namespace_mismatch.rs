//! A reference by name to an object that the chart has, but in another namespace.

use std::collections::BTreeSet;

use bowline_graph::{Graph, Relation, Section};

use crate::rule::Found;
use crate::{Rule, Severity};

pub(crate) const RULE: Rule = Rule {
    id: "namespace-mismatch",
    title: "Two namespaces where one is meant",
    sources: &[
        "https://kubernetes.io/docs/concepts/overview/working-with-objects/namespaces/: names are looked up in the own namespace",
        "https://helm.sh/docs/chart_best_practices/templates/",
    ],
    look,
};

fn look(graph: &Graph, found: &mut Vec<Found>) {
    let mut said = BTreeSet::new();
    for reference in graph.references() {
        let (Some(node), Some(wanted)) = (graph.node(reference.from), reference.object()) else { continue };
        let silent = matches!(reference.relation, Relation::Namespace | Relation::Hostname | Relation::Definition);
        if !reference.is_missing() || silent || wanted.namespace.is_empty() {
            continue;
        }
        let elsewhere = |key: &bowline_manifest::ObjectKey| {
            key.kind == wanted.kind && key.group == wanted.group && key.name == wanted.name
        };
        let Some(other) = graph.nodes().iter().find(|other| elsewhere(&other.key)) else { continue };
        if !said.insert((reference.from, other.id)) {
            continue;
        }
        let role = if node.place.section == Section::Hooks { "the hook " } else { "" };
        let message = format!(
            "{role}{} is in namespace {} and looks there for {}, which this chart creates in namespace {}",
            node.key, node.key.namespace, wanted, other.key.namespace
        );
        let hint = format!(
            "give both the same namespace: {{{{ .Release.Namespace }}}} in every template, and --namespace {} on the command line",
            other.key.namespace
        );
        let result = Found::at(node, &reference.pointer, Severity::Error, message, hint);
        let result =
            result.with(node, "/metadata/namespace", format!("namespace {} comes from here", node.key.namespace));
        let place = format!("{} is in namespace {}", other.key, other.key.namespace);
        found.push(result.with(other, "/metadata/namespace", place));
        said.insert((reference.from, reference.from));
    }
    let release = graph.release_namespace();
    for hook in graph.nodes().iter().filter(|node| node.place.section == Section::Hooks) {
        let own = &hook.key.namespace;
        if own.is_empty() || own == release || said.contains(&(hook.id, hook.id)) {
            continue;
        }
        let message = format!(
            "the hook {} runs in namespace {own}, the release is in {release}: nothing shows with the release where it failed",
            hook.key
        );
        let hint = "write namespace: {{ .Release.Namespace }}, or leave the field out".to_owned();
        found.push(Found::at(hook, "/metadata/namespace", Severity::Warning, message, hint));
    }
}
