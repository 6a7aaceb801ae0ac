use bowline_engine::{Engine, RollbackRequest};

use crate::args;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::identity;
use crate::interrupt;
use crate::printer::Printer;
use crate::progress;
use crate::target::Target;

/// Goes back to an earlier revision, as a new one.
pub(crate) async fn run(arguments: &args::Rollback, cluster: &str, printer: Printer) -> Result<Exit, Failure> {
    let mut release = arguments.release.clone();
    let mut revision = arguments.revision;
    // `bowline rollback 3`: a number alone is the revision, since releases' names are no numbers as a rule.
    if revision.is_none()
        && let Some(number) = release.release.as_ref().and_then(|word| word.parse().ok())
    {
        (release.release, revision) = (None, Some(number));
    }
    let target = Target::connect(&arguments.target, cluster).await?;
    let named = target.release(&release).await?;
    printer.progress(&format!("rolling back {} in {} on {}", named.name, named.namespace, target.title));
    let sink = progress::sink(arguments.output, printer);
    let engine = Engine::new(target.cluster.clone(), target.clock.clone(), identity::of_this_run(), sink);
    let mut request = RollbackRequest::new(&named.name, &named.namespace, revision);
    request.options.timeout = arguments.timeout;
    let outcome = engine.rollback(request, &interrupt::signal()).await;
    let outcome = outcome.map_err(|error| Failure::of_engine(format!("roll back {}", named.name), &error))?;
    let (revision, description) = (outcome.release.version, &outcome.release.info.description);
    printer.progress(&format!("{} is deployed as revision {revision}: {description}", named.name));
    Ok(Exit::Ok)
}
