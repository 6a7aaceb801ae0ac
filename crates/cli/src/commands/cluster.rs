use crate::args;
use crate::embedded::Embedded;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::home::{ClusterFolder, State};
use crate::interrupt;
use crate::printer::Printer;

/// Prints the path of the running cluster's kubeconfig.
pub(crate) fn kubeconfig(cluster: &str, printer: Printer) -> Result<Exit, Failure> {
    running(cluster)?;
    printer.data(&format!("{}\n", ClusterFolder::of(cluster).kubeconfig().display()));
    Ok(Exit::Ok)
}

/// Says whether the cluster runs, where, and how its pods are isolated.
pub(crate) fn status(cluster: &str, printer: Printer) -> Result<Exit, Failure> {
    let state = running(cluster)?;
    let folder = ClusterFolder::of(cluster);
    let readiness = if state.ready { "ready" } else { "starting" };
    let mut lines = vec![
        format!("cluster     {cluster}, {readiness}"),
        format!("process     {}", state.pid),
        format!("server      {}", state.server),
        format!("kubeconfig  {}", folder.kubeconfig().display()),
        format!("folder      {}", folder.path().display()),
        format!("node        {}", state.node),
    ];
    if !state.release.is_empty() {
        lines.push(format!("release     {} in namespace {}", state.release, state.namespace));
    }
    printer.data(&(lines.join("\n") + "\n"));
    Ok(Exit::Ok)
}

/// Runs a cluster without an application until it is asked to stop.
pub(crate) async fn start(arguments: &args::ClusterStart, cluster: &str, printer: Printer) -> Result<Exit, Failure> {
    let stop = interrupt::signal();
    let mut embedded = Embedded::bare(cluster, arguments).await?;
    embedded.is_ready()?;
    printer.progress(&format!("cluster {cluster} is ready"));
    printer.progress(&format!("export KUBECONFIG={}", ClusterFolder::of(cluster).kubeconfig().display()));
    stop.cancelled().await;
    embedded.shutdown().await?;
    Ok(Exit::Ok)
}

fn running(cluster: &str) -> Result<State, Failure> {
    ClusterFolder::of(cluster).running().ok_or_else(|| {
        Failure::new(Exit::Failed, format!("cluster {cluster} is not up"))
            .hint("bowline up PATH --detach, or bowline cluster start")
    })
}
