//! A hook whose account gets its permissions only after the hook.

use bowline_graph::{Graph, Journey, Phase, pod_pointer};

use crate::rule::Found;
use crate::{Rule, Severity};

pub(crate) const RULE: Rule = Rule {
    id: "hook-permissions-later",
    title: "Hook runs before its permissions exist",
    sources: &[
        "pkg/action/install.go of Helm 4: pre hooks run before any Role or RoleBinding of the chart is applied",
        "https://github.com/helm/helm/issues/10292",
    ],
    look,
};

fn look(graph: &Graph, found: &mut Vec<Found>) {
    let journey = Journey::Install;
    for hook in graph.hooks(journey.events().0).iter().filter_map(|&id| graph.node(id)) {
        let Some(pod) = pod_pointer(&hook.key.group, &hook.key.kind) else { continue };
        let Some(&when) = graph.phases(hook.id, journey).first() else { continue };
        for needed in graph.prerequisites(hook.id).into_iter().filter_map(|id| graph.node(id)) {
            let is_later = graph.phases(needed.id, journey).first().is_some_and(|&phase| phase > when);
            if !is_later || !matches!(needed.key.kind.as_str(), "RoleBinding" | "ClusterRoleBinding") {
                continue;
            }
            let message = format!(
                "{} ({}) runs under an account whose {} this chart creates only later: its requests to the API are refused",
                hook.key,
                when.title(journey),
                needed.key
            );
            let weight = if let Phase::Pre { weight, .. } = when { weight } else { 0 };
            let hint = format!(
                "give the account, {} and its role helm.sh/hook: pre-install,pre-upgrade and a weight below {weight}, \
                 or deploy in the order of the graph: bowline deploy --order graph",
                needed.key
            );
            let result = Found::at(hook, &format!("{pod}/spec/serviceAccountName"), Severity::Warning, message, hint);
            found.push(result.with(needed, "/metadata/name", "comes later"));
        }
    }
}
