use bowline_engine::{Engine, UninstallRequest};

use crate::args;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::identity;
use crate::interrupt;
use crate::printer::Printer;
use crate::progress;
use crate::target::Target;

/// Deletes a release, its objects and its records.
pub(crate) async fn run(arguments: &args::Uninstall, cluster: &str, printer: Printer) -> Result<Exit, Failure> {
    let target = Target::connect(&arguments.target, cluster).await?;
    let named = target.release(&arguments.release).await?;
    printer.progress(&format!("uninstalling {} from {} on {}", named.name, named.namespace, target.title));
    let sink = progress::sink(arguments.output, printer);
    let engine = Engine::new(target.cluster.clone(), target.clock.clone(), identity::of_this_run(), sink);
    let mut request = UninstallRequest::new(&named.name, &named.namespace);
    request.options.timeout = arguments.timeout;
    let outcome = engine.uninstall(request, &interrupt::signal()).await;
    let outcome = outcome.map_err(|error| Failure::of_engine(format!("uninstall {}", named.name), &error))?;
    outcome.kept.iter().for_each(|kept| printer.warn(&format!("kept: {kept}")));
    printer.progress(&format!("{} is uninstalled", named.name));
    Ok(Exit::Ok)
}
