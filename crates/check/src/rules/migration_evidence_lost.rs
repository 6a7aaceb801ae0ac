//! A migration whose Job is removed before anybody can read why it failed.

use bowline_graph::{Graph, Section};
use bowline_manifest::{DeletePolicy, MigrationJob};

use crate::rule::Found;
use crate::{Rule, Severity};

pub(crate) const RULE: Rule = Rule {
    id: "migration-evidence-lost",
    title: "Logs of a failed migration are removed",
    sources: &[
        "https://kubernetes.io/docs/concepts/workloads/controllers/ttlafterfinished/",
        "https://helm.sh/docs/topics/charts_hooks/#hook-deletion-policies",
        "https://github.com/argoproj/argo-cd/issues/6880",
    ],
    look,
};

/// From here on somebody has had the time to look.
const ENOUGH: i64 = 3600;

fn look(graph: &Graph, found: &mut Vec<Found>) {
    for node in graph.nodes() {
        let object = &node.manifest.object;
        let Some(migration) = MigrationJob::of(object) else { continue };
        let ttl = object["spec"]["ttlSecondsAfterFinished"].as_i64().filter(|seconds| *seconds < ENOUGH);
        if let Some(seconds) = ttl {
            let message = format!(
                "{} migrates {} and is removed {seconds}s after it ended, with its logs, failed or not; whoever waits for \
                 it and looks later finds nothing",
                node.key, migration.database
            );
            let hint = "leave ttlSecondsAfterFinished out: the next run replaces the Job".to_owned();
            found.push(Found::at(node, "/spec/ttlSecondsAfterFinished", Severity::Warning, message, hint));
        }
        let hook = node.manifest.hook.as_ref().filter(|_| node.place.section == Section::Hooks);
        if hook.is_some_and(|hook| hook.delete_policies.contains(&DeletePolicy::HookFailed)) {
            let message = format!(
                "{} migrates {} and is deleted when it fails, with its logs: nobody can say what became of the database",
                node.key, migration.database
            );
            let hint = "write helm.sh/hook-delete-policy: before-hook-creation".to_owned();
            let pointer = "/metadata/annotations/helm.sh~1hook-delete-policy";
            found.push(Found::at(node, pointer, Severity::Warning, message, hint));
        }
    }
}
