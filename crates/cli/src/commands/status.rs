use std::fmt::Write as _;

use crate::args;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::printer::{Printer, table};
use crate::services::{self, Overview};
use crate::target::Target;

/// Shows a release: its last revision, its Services and its workloads.
pub(crate) async fn run(arguments: &args::Status, cluster: &str, printer: Printer) -> Result<Exit, Failure> {
    let target = Target::connect(&arguments.target, cluster).await?;
    let named = target.release(&arguments.release).await?;
    let doing = || format!("read the state of release {}", named.name);
    let history = target.releases(&named.namespace).history(&named.name).await;
    let history = history.map_err(|error| Failure::because(Exit::Failed, doing(), &error))?;
    let Some(last) = history.last() else {
        return Err(Failure::new(Exit::Failed, format!("release {} is gone", named.name)).hint("bowline list"));
    };
    let overview = services::overview(&target.cluster, &named.namespace, &named.name).await;
    let overview = overview.map_err(|error| Failure::because(Exit::Failed, doing(), &error))?;
    let updated =
        last.info.last_deployed.map_or_else(String::new, |at| at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string());
    match arguments.output {
        args::Output::Json => printer.json(&serde_json::json!({
            "name": named.name,
            "namespace": named.namespace,
            "revision": last.version,
            "status": last.info.status.as_str(),
            "updated": updated,
            "chart": last.chart.title(),
            "description": last.info.description,
            "services": overview.services,
            "workloads": overview.workloads,
        })),
        args::Output::Text => {
            let mut text = String::new();
            let _ = writeln!(text, "{} in {} on {}", named.name, named.namespace, target.title);
            let _ = writeln!(
                text,
                "revision {}, {}, {}, {updated}: {}\n",
                last.version,
                last.info.status.as_str(),
                last.chart.title(),
                last.info.description
            );
            printer.data(&(text + &overview_text(&overview)));
        }
    }
    Ok(Exit::Ok)
}

fn overview_text(overview: &Overview) -> String {
    let row = |workload: &services::Workload| {
        let ready = format!("{}/{}", workload.ready, workload.wanted);
        vec![format!("{}/{}", workload.kind, workload.name), ready, workload.images.join(", ")]
    };
    let workloads = table(&["WORKLOAD", "READY", "IMAGES"], &overview.workloads.iter().map(row).collect::<Vec<_>>());
    format!("{}\n{workloads}", services::service_table(&overview.services))
}
