//! `verify` and `wait`: whether a database has what a program needs.

use bowline_migrate::tree::MigrationTree;
use bowline_migrate::{Patience, Verdict, VerifyOptions};

use super::output;
use super::settings::Settings;
use crate::args::{MigrateSettings, Output, Required};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::printer::Printer;

/// Asks once.
pub(super) async fn verify(
    settings: &Settings,
    arguments: &MigrateSettings,
    required: &Required,
    printer: Printer,
) -> Result<Exit, Failure> {
    let target = settings.target()?;
    let wanted = wanted(settings, arguments, required)?;
    let verdict = bowline_migrate::verify(&target, &wanted, &options(arguments)).await;
    let verdict = verdict.map_err(|error| output::failure("verify the database", &error))?;
    say(&verdict, arguments.output, printer);
    Ok(if verdict.is_satisfied() { Exit::Ok } else { Exit::Pending })
}

/// Asks until the answer is yes, or the time is over.
pub(super) async fn wait(
    settings: &Settings,
    arguments: &MigrateSettings,
    required: &Required,
    patience: Patience,
    printer: Printer,
) -> Result<Exit, Failure> {
    let target = settings.target()?;
    let wanted = wanted(settings, arguments, required)?;
    let says = |what: &str| printer.progress(&format!("waiting: {what}"));
    let last = bowline_migrate::wait(&target, &wanted, &options(arguments), patience, says).await;
    let waited = format!("waited {}s for the database", patience.deadline.as_secs());
    match last {
        Ok(verdict) => {
            if verdict.is_satisfied() {
                say(&verdict, arguments.output, printer);
                return Ok(Exit::Ok);
            }
            if arguments.output == Output::Json {
                printer.json(&verdict);
            }
            let mut failure = Failure::new(Exit::TimedOut, waited).hint("bowline migrate verify");
            failure.causes.push(verdict.sentence());
            Err(failure)
        }
        Err(error) => {
            let mut failure = output::failure(&waited, &error);
            failure.exit = Exit::TimedOut;
            Err(failure)
        }
    }
}

fn options(arguments: &MigrateSettings) -> VerifyOptions {
    VerifyOptions { table: arguments.table.clone().filter(|table| !table.is_empty()) }
}

/// All of the folder, or the versions that are named. Without a folder of its own, names alone do.
fn wanted(
    settings: &Settings,
    arguments: &MigrateSettings,
    required: &Required,
) -> Result<bowline_migrate::Required, Failure> {
    if !required.require.is_empty() && arguments.dir.is_none() {
        return Ok(bowline_migrate::Required::versions(required.require.clone(), required.tool));
    }
    let tree = MigrationTree::read(&settings.folder, required.tool).map_err(|error| {
        Failure::because(Exit::Usage, "read the migrations that are required", &error)
            .hint("bowline migrate --dir FOLDER verify")
            .hint("bowline migrate verify --require VERSION,VERSION")
    })?;
    let all = bowline_migrate::Required::folder(&tree);
    Ok(if required.require.is_empty() { all } else { all.narrowed(&required.require) })
}

fn say(verdict: &Verdict, format: Output, printer: Printer) {
    match format {
        Output::Json => printer.json(verdict),
        Output::Text => printer.data(&format!("{}\n", verdict.sentence())),
    }
}
