use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bowline_app::App;
use bowline_engine::{Engine, RollbackRequest, SchemaRecord, SchemaVerdict};

use crate::args;
use crate::databases;
use crate::downs::TakesBack;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::identity;
use crate::interrupt;
use crate::printer::Printer;
use crate::progress;
use crate::target::{Named, Target};

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
    let verdicts = look_at_schema(&engine, (&named.name, &named.namespace), to, arguments, printer).await?;
    let mut request = RollbackRequest::new(&named.name, &named.namespace, Some(to));
    request.options.timeout = arguments.timeout;
    if let Some(app) = application(arguments, &target, &named)? {
        let placeholders = target.embedded.as_ref().map(|state| &state.placeholders);
        let place = (&target.cluster, named.namespace.as_str());
        let records = recorded(&engine, &named, to).await?;
        if let Some(which) = arguments.downs {
            let back = TakesBack::find(&app, placeholders, place, &records, &verdicts, which).await?;
            if back.count() == 0 {
                printer.progress("no migration has to be taken back");
            } else {
                confirm(&back, to, arguments.yes, printer)?;
                request.downs = Some(Arc::new(back));
            }
        }
        request.options.schema_gate = databases::recorded_gate(&app, placeholders, place, &records)?;
    }
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
) -> Result<Vec<SchemaVerdict>, Failure> {
    let verdicts = engine.schema_verdicts(namespace, release, to).await;
    let verdicts =
        verdicts.map_err(|error| Failure::of_engine("read which migrations revisions were built with", &error))?;
    for verdict in &verdicts {
        printer.progress(&verdict.sentence(to));
        let breaks = verdict.breaking().next().is_some();
        if !breaks || arguments.accept_schema || arguments.downs.is_some() {
            continue;
        }
        let mut failure = Failure::new(Exit::Pending, verdict.sentence(to));
        if verdict.since.iter().skip_while(|m| m.phase.as_deref() != Some("contract")).all(|m| m.down) {
            failure = failure.hint(format!(
                "bowline rollback {release} {to} --downs   takes back what is in the way, when you have seen what is lost"
            ));
        }
        return Err(failure.hint(format!("bowline rollback {release} {to} --accept-schema")));
    }
    Ok(verdicts)
}

/// The `bowline.yaml` that says where the databases are: the one named, that of the release that is up, or the one here.
fn application(arguments: &args::Rollback, target: &Target, named: &Named) -> Result<Option<App>, Failure> {
    let up =
        target.embedded.as_ref().filter(|state| (&state.release, &state.namespace) == (&named.name, &named.namespace));
    let path = arguments.app.clone().or_else(|| up.map(|state| state.application.clone()));
    let path = match path {
        Some(path) => path,
        None if Path::new(bowline_app::FILE_NAME).is_file() => PathBuf::from("."),
        None if arguments.downs.is_some() => {
            return Err(Failure::new(
                Exit::Usage,
                "take migrations back: which databases? There is no bowline.yaml here",
            )
            .hint("bowline rollback --downs --app PATH"));
        }
        None => return Ok(None),
    };
    let app = App::load(&path);
    if app.is_err() && arguments.app.is_none() && arguments.downs.is_none() {
        // It was not asked for, and only serves to ask the databases.
        return Ok(None);
    }
    app.map(Some).map_err(|error| Failure::because(Exit::Usage, "read the databases", &error))
}

/// What the revision was built with.
async fn recorded(engine: &Engine, named: &Named, to: u32) -> Result<Vec<SchemaRecord>, Failure> {
    let records = engine.schemas(&named.namespace, &named.name).await;
    let records =
        records.map_err(|error| Failure::of_engine("read which migrations revisions were built with", &error))?;
    Ok(records.into_iter().filter(|(revision, _)| *revision == to).map(|(_, record)| record).collect())
}

/// Shows what is taken back and what is lost, and asks; without a terminal it takes a flag.
fn confirm(back: &TakesBack, to: u32, is_confirmed: bool, printer: Printer) -> Result<(), Failure> {
    let (count, list) = (back.count(), back.list(to));
    if is_confirmed {
        printer.progress(list.trim_end());
        return Ok(());
    }
    let migrations = if count == 1 { "1 migration".to_owned() } else { format!("{count} migrations") };
    if !std::io::stdin().is_terminal() {
        return Err(Failure::new(
            Exit::Usage,
            format!("the rollback takes {migrations} back, and nobody is there to ask"),
        )
        .details(list)
        .hint("--yes takes them back without asking"));
    }
    printer.ask(&format!("{list}Take {migrations} back? Type yes: "));
    let mut answer = String::new();
    let read = std::io::stdin().read_line(&mut answer);
    match read {
        Ok(_) if answer.trim() == "yes" => Ok(()),
        _ => Err(Failure::new(Exit::Failed, "not confirmed; nothing is changed")),
    }
}
