use std::sync::Arc;

use bowline_engine::{Engine, NoEvents};
use serde::Serialize;
use serde_json::json;

use crate::args;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::identity;
use crate::printer::{Printer, table};
use crate::target::Target;

#[derive(Serialize)]
struct Row {
    revision: u32,
    updated: String,
    status: &'static str,
    chart: String,
    app_version: String,
    description: String,
}

/// Lists the revisions of a release, oldest first.
pub(crate) async fn run(arguments: &args::History, cluster: &str, printer: Printer) -> Result<Exit, Failure> {
    let target = Target::connect(&arguments.target, cluster).await?;
    let release = target.release(&arguments.release).await?;
    if arguments.migrations {
        return migrations(arguments, &target, &release.name, &release.namespace, printer).await;
    }
    let history = target.releases(&release.namespace).history(&release.name).await;
    let history =
        history.map_err(|e| Failure::because(Exit::Failed, format!("read the history of {}", release.name), &e))?;
    let rows: Vec<Row> = history
        .iter()
        .map(|revision| Row {
            revision: revision.version,
            updated: revision
                .info
                .last_deployed
                .map_or_else(String::new, |at| at.strftime("%Y-%m-%d %H:%M:%S").to_string()),
            status: revision.info.status.as_str(),
            chart: revision.chart.title(),
            app_version: revision.chart.app_version().to_owned(),
            description: revision.info.description.clone(),
        })
        .collect();
    match arguments.output {
        args::Output::Json => printer.json(&rows),
        args::Output::Text => {
            let cells = |row: &Row| {
                vec![
                    row.revision.to_string(),
                    row.updated.clone(),
                    row.status.to_owned(),
                    row.chart.clone(),
                    row.app_version.clone(),
                    row.description.clone(),
                ]
            };
            let header = ["REVISION", "UPDATED", "STATUS", "CHART", "APP VERSION", "DESCRIPTION"];
            printer.data(&table(&header, &rows.iter().map(cells).collect::<Vec<_>>()));
        }
    }
    Ok(Exit::Ok)
}

/// Prints how the migrations of each revision went.
async fn migrations(
    arguments: &args::History,
    target: &Target,
    release: &str,
    namespace: &str,
    printer: Printer,
) -> Result<Exit, Failure> {
    let engine = Engine::new(target.cluster.clone(), target.clock.clone(), identity::of_this_run(), Arc::new(NoEvents));
    let kept = engine.migrations(namespace, release).await;
    let kept = kept.map_err(|error| Failure::of_engine(format!("read the migrations of {release}"), &error))?;
    if arguments.output == args::Output::Json {
        let rows: Vec<_> =
            kept.iter().map(|(revision, evidence)| json!({"revision": revision, "migration": evidence})).collect();
        printer.json(&rows);
        return Ok(Exit::Ok);
    }
    for (revision, evidence) in &kept {
        let (object, database, tool) = (&evidence.object, &evidence.database, &evidence.tool);
        let end = if evidence.succeeded { "succeeded" } else { "failed" };
        let seconds = evidence.finished_at.duration_since(evidence.started_at).as_secs();
        let at = evidence.started_at.strftime("%Y-%m-%d %H:%M:%S");
        printer.data(&format!(
            "revision {revision}: {object} ({tool}) migrates {database}: {end} after {seconds}s, {at}\n"
        ));
        for pod in &evidence.pods {
            let code = pod.exit_code.map_or_else(|| "did not end".to_owned(), |code| format!("exit code {code}"));
            printer.data(&format!("  {}: {code}\n", pod.name));
            for line in &pod.lines {
                printer.data(&format!("    {line}\n"));
            }
        }
    }
    if kept.is_empty() {
        printer.data(&format!("no migrations of {release} are recorded\n"));
    }
    Ok(Exit::Ok)
}
