//! What Bowline adds to a chart for the databases of its `bowline.yaml`: a Job for each one that says with which image, and
//! init containers for the workloads that wait for it.

use std::sync::Arc;

use bowline_app::{App, GenerateError, HookStyle};
use bowline_manifest::{Hook, Manifest, ManifestSet, Source, json_to_value};
use bowline_render::suggest;
use serde_json::Value;

use crate::exit::Exit;
use crate::failure::Failure;

/// Where what is added comes from, as a template is named.
const TEMPLATE: &str = "bowline.yaml";

/// Adds it.
///
/// # Errors
/// Where `bowline.yaml` does not say what is needed, or names a workload that the chart does not have.
pub(crate) fn add(app: &App, release: &str, set: &mut ManifestSet) -> Result<(), Failure> {
    for job in app.migration_jobs(release, &[], HookStyle::Helm).map_err(|error| refused(&error))? {
        let hook = Hook::of(&job);
        set.hooks.push(Manifest { hook, ..manifest(job, TEMPLATE, "")? });
    }
    let mut gated: Vec<_> = app.databases.iter().filter(|(_, database)| !database.pods.is_empty()).collect();
    // Each one's is put before what is there: the first database's comes first in the end.
    gated.sort_by_key(|(name, database)| std::cmp::Reverse((database.wave, *name)));
    for (name, database) in gated {
        let containers = app.wait_containers(std::slice::from_ref(name)).map_err(|error| refused(&error))?;
        for workload in &database.pods {
            let is_it = |m: &&mut Manifest| m.object["metadata"]["name"] == **workload && runs_pods(&m.object);
            let mut found = set.manifests.iter_mut().filter(is_it).peekable();
            if found.peek().is_none() {
                drop(found);
                return Err(no_workload(name, workload, set));
            }
            for place in found {
                let mut object = place.object.clone();
                let spec = &mut object["spec"]["template"]["spec"]["initContainers"];
                // They come first: what the chart has there may need the database.
                let own = spec.as_array().cloned().unwrap_or_default();
                *spec = Value::Array(containers.iter().cloned().chain(own).collect());
                *place = manifest(object, &place.source.template, &place.source.chart)?;
            }
        }
    }
    Ok(())
}

/// A failure of what could not be made.
pub(crate) fn refused(error: &GenerateError) -> Failure {
    let failure = Failure::new(Exit::Usage, error.to_string());
    match error.hint() {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

fn runs_pods(object: &Value) -> bool {
    let kind = object["kind"].as_str().unwrap_or_default();
    matches!(kind, "Deployment" | "StatefulSet" | "DaemonSet" | "Job" | "ReplicaSet")
}

fn manifest(object: Value, template: &str, chart: &str) -> Result<Manifest, Failure> {
    let unwritable = |why: String| Failure::new(Exit::Failed, format!("write {}: {why}", object["metadata"]["name"]));
    let text = bowline_yaml::emit(&json_to_value(&object)).map_err(|error| unwritable(error.to_string()))?;
    let node = bowline_yaml::parse_first(&text).map_err(|error| unwritable(error.to_string()))?;
    let node = node.ok_or_else(|| unwritable("it is empty".to_owned()))?;
    let source = Source { chart: chart.to_owned(), template: template.to_owned(), lines: Arc::default() };
    Ok(Manifest { text: text.trim_end().into(), hook: None, object, node: Arc::new(node), source })
}

fn no_workload(database: &str, workload: &str, set: &ManifestSet) -> Failure {
    let names: Vec<&str> = set
        .manifests
        .iter()
        .filter(|m| runs_pods(&m.object))
        .filter_map(|m| m.object["metadata"]["name"].as_str())
        .collect();
    let failure = Failure::new(
        Exit::Usage,
        format!(
            "database {database}: pods of {workload} are to wait for it, and the chart has no workload of that name"
        ),
    );
    match suggest::nearest(workload, names.iter().copied()) {
        Some(near) => failure.hint(format!("did you mean {near}?")),
        None => failure.hint(format!("the chart has {}", names.join(", "))),
    }
}
