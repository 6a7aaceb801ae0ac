use bowline_cluster::{LogOptions, Metadata, Selection};
use bowline_manifest::GroupVersionKind;

use crate::args;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::printer::Printer;
use crate::target::Target;

/// Prints the logs of all containers of the pods that the name means.
pub(crate) async fn run(arguments: &args::Logs, cluster: &str, printer: Printer) -> Result<Exit, Failure> {
    let target = Target::connect(&arguments.target, cluster).await?;
    let of_up = target.embedded.as_ref().map(|state| state.namespace.clone());
    let namespace = arguments.namespace.clone().or(of_up);
    let namespace = namespace.unwrap_or_else(|| target.cluster.default_namespace().to_owned());
    let failed = |doing: String, error: &bowline_cluster::ClusterError| Failure::because(Exit::Failed, doing, error);
    let resource = target.cluster.resource(&GroupVersionKind::new("v1", "Pod")).await;
    let resource = resource.map_err(|e| failed("find pods".to_owned(), &e))?;
    let pods = target.cluster.list(&resource, &Selection::namespace(&namespace)).await;
    let pods = pods.map_err(|e| failed(format!("list the pods of namespace {namespace}"), &e))?;
    let mut names: Vec<(String, String)> = Vec::new();
    for pod in &pods {
        let name = pod.name();
        if name == arguments.name || name.strip_prefix(&arguments.name).is_some_and(|rest| rest.starts_with('-')) {
            let containers = pod["spec"]["containers"].as_array().into_iter().flatten();
            names.extend(containers.filter_map(|c| Some((name.to_owned(), c["name"].as_str()?.to_owned()))));
        }
    }
    if names.is_empty() {
        let known: Vec<&str> = pods.iter().map(Metadata::name).collect();
        let failure = Failure::new(Exit::Failed, format!("no pod '{}' in namespace {namespace}", arguments.name));
        return Err(if known.is_empty() { failure } else { failure.details(known.join("\n")) }.hint("bowline status"));
    }
    let several = names.len() > 1;
    for (pod, container) in names {
        let options = LogOptions {
            container: container.clone(),
            tail: arguments.tail,
            previous: arguments.previous,
            ..LogOptions::default()
        };
        let lines = target.cluster.logs(&namespace, &pod, &options).await;
        let lines = lines.map_err(|e| failed(format!("read the log of {pod}"), &e))?;
        for line in lines {
            // As kubectl prefixes the lines of several pods.
            printer.data(&if several { format!("[{pod}/{container}] {line}\n") } else { format!("{line}\n") });
        }
    }
    Ok(Exit::Ok)
}
