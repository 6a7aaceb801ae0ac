use serde::Serialize;

use crate::args;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::printer::{Printer, table};
use crate::target::Target;

#[derive(Serialize)]
struct Row {
    name: String,
    namespace: String,
    revision: u32,
    status: &'static str,
    chart: String,
    app_version: String,
}

/// Lists the releases of a namespace or of all.
pub(crate) async fn run(arguments: &args::List, cluster: &str, printer: Printer) -> Result<Exit, Failure> {
    let target = Target::connect(&arguments.target, cluster).await?;
    let releases = target.releases(arguments.namespace.as_deref().unwrap_or_default()).list().await;
    let releases =
        releases.map_err(|e| Failure::because(Exit::Failed, format!("list the releases of {}", target.title), &e))?;
    let rows: Vec<Row> = releases
        .iter()
        .map(|release| Row {
            name: release.name.clone(),
            namespace: release.namespace.clone(),
            revision: release.version,
            status: release.info.status.as_str(),
            chart: release.chart.title(),
            app_version: release.chart.app_version().to_owned(),
        })
        .collect();
    match arguments.output {
        args::Output::Json => printer.json(&rows),
        args::Output::Text => {
            let cells = |row: &Row| {
                let (name, namespace, chart) = (row.name.clone(), row.namespace.clone(), row.chart.clone());
                vec![name, namespace, row.revision.to_string(), row.status.to_owned(), chart, row.app_version.clone()]
            };
            let header = ["NAME", "NAMESPACE", "REVISION", "STATUS", "CHART", "APP VERSION"];
            printer.data(&table(&header, &rows.iter().map(cells).collect::<Vec<_>>()));
        }
    }
    Ok(Exit::Ok)
}
