//! A pod that cannot start without an object which the same chart creates only after waiting for that pod.

use std::collections::BTreeMap;

use bowline_graph::{Graph, Journey, LaterReference, Node, NodeId, Phase};

use crate::rule::Found;
use crate::{Rule, Severity};

pub(crate) const RULE: Rule = Rule {
    id: "hook-needs-later-object",
    title: "Needed before it is created",
    sources: &[
        "pkg/action/install.go and upgrade.go of Helm 4: pre hooks run to their end before any manifest is applied",
        "https://github.com/helm/helm/issues/7447",
        "https://github.com/helm/helm/issues/9852",
        "https://github.com/airbytehq/airbyte/issues/10336",
        "https://github.com/hashicorp/consul-helm/issues/419",
    ],
    look,
};

fn look(graph: &Graph, found: &mut Vec<Found>) {
    report(graph, Journey::Install, Severity::Error, found);
    report(graph, Journey::Upgrade, Severity::Warning, found);
}

fn report(graph: &Graph, journey: Journey, severity: Severity, found: &mut Vec<Found>) {
    let mut by_pair: BTreeMap<(NodeId, NodeId), Vec<LaterReference<'_>>> = BTreeMap::new();
    for later in graph.later_references(journey) {
        let reference = later.reference;
        let awaited = matches!(later.from, Phase::Pre { .. }) || matches!(later.target, Phase::Post { .. });
        // an upgrade finds the object of the revision before; and what an install already says is said
        let on_install = graph.phases(reference.from, Journey::Install);
        let said =
            journey == Journey::Upgrade && on_install.iter().any(|p| matches!(p, Phase::Pre { .. } | Phase::Main));
        if let (true, true, false, false, Some(&target)) =
            (awaited, reference.relation.blocks_start(), reference.optional, said, reference.targets.first())
        {
            by_pair.entry((reference.from, target)).or_default().push(later);
        }
    }
    for ((from, target), references) in by_pair {
        let (Some(node), Some(needed), Some(first)) = (graph.node(from), graph.node(target), references.first()) else {
            continue;
        };
        let (pre, post) = journey.events();
        let (comes, consequence) = match (first.from, first.target) {
            (Phase::Pre { .. }, Phase::Pre { .. }) => {
                (format!("only later, as {}", first.target.title(journey)), outcome(journey))
            }
            (Phase::Pre { .. }, _) => (format!("only after all {pre} hooks"), outcome(journey)),
            _ => (format!("only as a {post} hook, after everything is ready"), outcome(journey)),
        };
        let who = match first.from {
            Phase::Main => node.key.to_string(),
            phase => format!("{} ({})", node.key, phase.title(journey)),
        };
        let message = format!(
            "{who} needs {} ({}), which this chart creates {comes}: {consequence}",
            needed.key, first.reference.relation
        );
        let weight = match first.from {
            Phase::Pre { weight, .. } => weight,
            _ => 0,
        };
        let hint = match first.from {
            Phase::Pre { .. } => format!(
                "give {} helm.sh/hook: {} and a helm.sh/hook-weight below {weight} (or a copy of it for the hook alone), \
                 or deploy in the order of the graph: bowline deploy --order graph",
                needed.key,
                events(node)
            ),
            _ => format!("make {} an ordinary object or a {pre} hook", needed.key),
        };
        let mut result = Found::at(node, &first.reference.pointer, severity, message, hint);
        for other in references.iter().skip(1) {
            result = result.with(node, &other.reference.pointer, format!("{} here too", other.reference.relation));
        }
        found.push(result.with(
            needed,
            "/metadata/name",
            format!("{} comes in the phase {}", needed.key, first.target.title(journey)),
        ));
    }
}

fn outcome(journey: Journey) -> &'static str {
    match journey {
        Journey::Upgrade => "an upgrade runs with the object of the revision before, and fails where that had none",
        _ => "the first install waits until its timeout",
    }
}

/// The moments of a hook, as its annotation has them.
fn events(node: &Node) -> String {
    let events = node.manifest.hook.iter().flat_map(|hook| &hook.events);
    events.map(|event| event.as_str()).collect::<Vec<_>>().join(",")
}
