use std::path::Path;
use std::sync::Arc;

use bowline_app::App;
use bowline_clock::Random;
use bowline_migrate::{Fate, Member, Options, Runner, Table, Target, WavesReport, up_in_waves};

use super::output;
use super::settings::Settings;
use crate::args::Output;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::printer::Printer;

/// The databases of a `bowline.yaml`, migrated in waves.
pub(crate) async fn up(
    path: &Path,
    take_back: bool,
    settings: &Settings,
    format: Output,
    printer: Printer,
) -> Result<Exit, Failure> {
    let app = App::load(path).map_err(|error| Failure::because(Exit::Usage, "read the databases", &error))?;
    if app.databases.is_empty() {
        let message = format!("{} has no databases", path.display());
        return Err(Failure::new(Exit::Usage, message)
            .hint("add `databases: { NAME: { migrations: FOLDER, env: VARIABLE, wave: 0 } }` to bowline.yaml"));
    }
    let variables = |name: &str| settings.variable(name);
    let random = Random::from_entropy();
    let mut members = Vec::new();
    for (name, database) in &app.databases {
        let variable = database.variable(name);
        let wrong = |why: String| Failure::new(Exit::Usage, format!("database {name}: {why}"));
        let address = variables(&variable).ok_or_else(|| {
            wrong(format!("the environment variable {variable}, which is to hold its address, is not set"))
        })?;
        let target = Target::from_url(&address).map_err(|error| wrong(error.to_string()))?;
        let table = match &database.table {
            Some(table) => Table::new(table).map_err(wrong)?,
            None => settings.options.table.clone(),
        };
        let options = Options { table, ..settings.options.clone() };
        let label = name.clone();
        let listener = Arc::new(move |event| output::event(&event, Some(label.as_str()), printer));
        let runner = Runner::new(target, &database.migrations, options, &variables, random.fork(name), listener);
        members.push(Member { name: name.clone(), wave: database.wave, runner });
    }
    let report = up_in_waves(members, take_back).await;
    print(&report, format, printer);
    match report.failure {
        None => Ok(Exit::Ok),
        Some((name, error)) => {
            let mut failure = output::failure(&format!("migrate {name}"), &error);
            if !take_back && report.databases.iter().any(|member| matches!(member.fate, Fate::NotReached)) {
                failure
                    .hints
                    .push(format!("bowline migrate up --app {}, when that is put right, goes on", path.display()));
            }
            Err(failure)
        }
    }
}

fn print(report: &WavesReport, format: Output, printer: Printer) {
    if matches!(format, Output::Json) {
        printer.json(report);
        return;
    }
    let versions = |versions: &[i64]| match versions {
        [] => "nothing of this run is left".to_owned(),
        some => format!("this run left {}", some.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")),
    };
    let rows: Vec<Vec<String>> = report
        .databases
        .iter()
        .map(|member| {
            let (state, more) = match &member.fate {
                Fate::Migrated(outcome) => {
                    ("migrated", format!("{} applied, version {}", outcome.applied.len(), outcome.version))
                }
                Fate::Failed { applied, .. } => ("FAILED", versions(applied)),
                Fate::NotReached => ("not reached", String::new()),
                Fate::TakenBack(outcome) => ("taken back", format!("version {}", outcome.version)),
                Fate::NotTakenBack { error, applied } => ("NOT TAKEN BACK", format!("{}: {error}", versions(applied))),
            };
            vec![member.wave.to_string(), member.name.clone(), state.to_owned(), more]
        })
        .collect();
    printer.data(&crate::printer::table(&["WAVE", "DATABASE", "STATE", ""], &rows));
}
