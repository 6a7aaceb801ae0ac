//! A hook with a fixed name whose object can be left over, so that the next run meets it.

use bowline_graph::{Graph, Node, Section};
use bowline_manifest::DeletePolicy;

use crate::rule::Found;
use crate::{Rule, Severity};

pub(crate) const RULE: Rule = Rule {
    id: "hook-retry-blocked",
    title: "Left-over hook blocks the next run",
    sources: &[
        "pkg/action/hooks.go of Helm 4: before-hook-creation is the default only where no policy is written",
        "https://helm.sh/docs/topics/charts_hooks/#hook-deletion-policies",
        "https://github.com/helm/helm/issues/9206",
    ],
    look,
};

const ANNOTATION: &str = "/metadata/annotations/helm.sh~1hook-delete-policy";

fn look(graph: &Graph, found: &mut Vec<Found>) {
    for node in graph.nodes().iter().filter(|node| node.place.section == Section::Hooks) {
        let Some(hook) = &node.manifest.hook else { continue };
        let policies = &hook.delete_policies;
        let has = |policy| policies.contains(&policy);
        if policies.is_empty() || has(DeletePolicy::BeforeHookCreation) || node.key.kind == "CustomResourceDefinition" {
            continue;
        }
        let when = match (has(DeletePolicy::HookSucceeded), has(DeletePolicy::HookFailed)) {
            (true, false) => "when it fails",
            (false, true) => "when it succeeds",
            _ => "when a run is interrupted",
        };
        let written: Vec<&str> = policies.iter().map(|policy| name(*policy)).collect();
        let message = format!(
            "{} is a hook with a fixed name and the delete policy {}, which leaves it behind {when}: {}",
            node.key,
            written.join(","),
            consequence(node)
        );
        let runs = matches!(node.key.kind.as_str(), "Job" | "Pod");
        let severity = if runs && when != "when a run is interrupted" { Severity::Error } else { Severity::Warning };
        let hint = format!("write helm.sh/hook-delete-policy: before-hook-creation,{}", written.join(","));
        found.push(Found::at(node, ANNOTATION, severity, message, hint));
    }
}

fn name(policy: DeletePolicy) -> &'static str {
    match policy {
        DeletePolicy::BeforeHookCreation => "before-hook-creation",
        DeletePolicy::HookSucceeded => "hook-succeeded",
        DeletePolicy::HookFailed => "hook-failed",
    }
}

fn consequence(node: &Node) -> &'static str {
    match node.key.kind.as_str() {
        "Job" | "Pod" => "the next attempt meets the old one, which is done and does not run again, or is refused",
        _ => "the next attempt is refused because the name is taken (Helm 3), or keeps fields of the old one",
    }
}
