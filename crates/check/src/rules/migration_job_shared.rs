//! One Job name for the migrations of several databases: only one of them runs.

use bowline_graph::{Graph, Node};
use bowline_manifest::MigrationJob;

use crate::rule::Found;
use crate::{Rule, Severity};

pub(crate) const RULE: Rule = Rule {
    id: "migration-job-shared",
    title: "One Job name for several databases",
    sources: &[
        "https://kubernetes.io/docs/concepts/overview/working-with-objects/names/",
        "pkg/action/hooks.go of Helm 4: before-hook-creation deletes what has the name of the next hook",
    ],
    look,
};

fn look(graph: &Graph, found: &mut Vec<Found>) {
    let migrations: Vec<(&Node, MigrationJob)> =
        graph.nodes().iter().filter_map(|node| Some((node, MigrationJob::of(&node.manifest.object)?))).collect();
    for (index, (node, migration)) in migrations.iter().enumerate() {
        let same = |(other, of): &&(&Node, MigrationJob)| other.key == node.key && of.database != migration.database;
        let Some((first, of)) = migrations.iter().take(index).find(same) else { continue };
        let message = format!(
            "{} migrates {} here and {} elsewhere: the second deletes the first, or is refused, or is taken for it",
            node.key, migration.database, of.database
        );
        let hint = format!("name each after its database: {}-{}", node.key.name, word(&migration.database));
        let finding = Found::at(node, "/metadata/name", Severity::Error, message, hint);
        found.push(finding.with(first, "/metadata/name", format!("the migration of {}", of.database)));
    }
}

/// What a database's name gives for an object's.
fn word(database: &str) -> String {
    let first = database.split('/').next().unwrap_or(database);
    first.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect()
}
