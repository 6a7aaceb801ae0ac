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
    let known = engine.rollback_target(&named.namespace, &named.name, revision).await;
    let to = known.map_err(|error| Failure::of_engine(format!("roll back {}", named.name), &error))?;
    look_at_schema(&engine, (&named.name, &named.namespace), to, arguments, printer).await?;
    let mut request = RollbackRequest::new(&named.name, &named.namespace, Some(to));
    request.options.timeout = arguments.timeout;
    let outcome = engine.rollback(request, &interrupt::signal()).await;
    let outcome = outcome.map_err(|error| Failure::of_engine(format!("roll back {}", named.name), &error))?;
    let (revision, description) = (outcome.release.version, &outcome.release.info.description);
    printer.progress(&format!("{} is deployed as revision {revision}: {description}", named.name));
    Ok(Exit::Ok)
}

/// Says whether the revision runs on the present schema; stops where it is known not to, unless that is accepted.
async fn look_at_schema(
    engine: &Engine,
    (release, namespace): (&str, &str),
    to: u32,
    arguments: &args::Rollback,
    printer: Printer,
) -> Result<(), Failure> {
    let verdicts = engine.schema_verdicts(namespace, release, to).await;
    let verdicts =
        verdicts.map_err(|error| Failure::of_engine("read which migrations revisions were built with", &error))?;
    for verdict in &verdicts {
        printer.progress(&verdict.sentence(to));
        let Some(first) = verdict.breaking().next() else { continue };
        if arguments.accept_schema {
            continue;
        }
        let mut failure = Failure::new(Exit::Pending, verdict.sentence(to));
        if verdict.since.iter().all(|migration| migration.down) {
            // Going back loses what was written since: that is for a person to decide, never for this command.
            let kept = verdict.since.iter().take_while(|m| m.version != first.version).last();
            let kept = kept.map_or_else(|| "VERSION".to_owned(), |migration| migration.version.clone());
            failure = failure.hint(format!("bowline migrate down-to {kept}   (loses what was written there since)"));
        }
        return Err(failure.hint(format!("bowline rollback {release} {to} --accept-schema")));
    }
    Ok(())
}
