use serde::Serialize;

use crate::args;
use crate::exit::Exit;
use crate::failure::Failure;
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
