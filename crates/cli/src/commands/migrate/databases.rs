use std::path::{Path, PathBuf};
use std::sync::Arc;

use bowline_app::App;
use bowline_clock::Random;
use bowline_migrate::{Fate, Member, Options, Runner, Table, Target, WavesReport, up_in_waves};

use super::output;
use super::settings::Settings;
use crate::args::{Each, Output};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::home::ClusterFolder;
use crate::printer::Printer;

/// One of several databases, with its address.
pub(crate) struct Several {
    name: String,
    folder: PathBuf,
    wave: i32,
    table: Option<String>,
    target: Target,
}

/// The databases of a `bowline.yaml`, and those that flags name; a flag wins over an entry of its name. An address is that
/// of the flag, else the variable's; on the embedded cluster that runs the application, else that of `local.databases`.
pub(crate) fn several(
    path: Option<&Path>,
    flags: &[String],
    settings: &Settings,
    cluster: &str,
) -> Result<Vec<Several>, Failure> {
    let mut found = Vec::new();
    let read = |flag: &String| flag.parse::<Each>().map_err(|why| Failure::new(Exit::Usage, format!("--each: {why}")));
    let each: Vec<Each> = flags.iter().map(read).collect::<Result<_, Failure>>()?;
    let variables = |name: &str| settings.variable(name).filter(|url| !url.is_empty());
    let wrong = |name: &str, why: String| Failure::new(Exit::Usage, format!("database {name}: {why}"));
    let target = |name: &str, url: &str| Target::from_url(url).map_err(|error| wrong(name, error.to_string()));
    let unset = |name: &str, variable: &str| {
        wrong(name, format!("the environment variable {variable}, which is to hold its address, is not set"))
            .hint(format!("export {variable}=postgres://USER:PASSWORD@HOST/NAME"))
    };
    if let Some(path) = path {
        let app = App::load(path).map_err(|error| Failure::because(Exit::Usage, "read the databases", &error))?;
        if app.databases.is_empty() {
            let message = format!("{} has no databases", path.display());
            return Err(Failure::new(Exit::Usage, message)
                .hint("add `databases: { NAME: { migrations: FOLDER, env: VARIABLE, wave: 0 } }` to bowline.yaml"));
        }
        let state = ClusterFolder::of(cluster).running().filter(|state| state.release == app.name);
        for (name, database) in app.databases.iter().filter(|(name, _)| each.iter().all(|each| each.name != **name)) {
            let variable = database.variable(name);
            let target = match (variables(&variable), app.local.databases.get(name), &state) {
                (Some(url), ..) => target(name, &url)?,
                (None, Some(text), Some(state)) => {
                    let url = bowline_app::fill(text, &state.placeholders);
                    target(name, &url.map_err(|error| wrong(name, error.to_string()))?)?
                }
                (None, ..) => return Err(unset(name, &variable)),
            };
            let (name, folder) = (name.clone(), database.migrations.clone());
            found.push(Several { name, folder, wave: database.wave, table: database.table.clone(), target });
        }
    }
    for (index, flag) in each.iter().enumerate() {
        let Each { name, folder, wave, env, table, url } = flag.clone();
        if each.iter().take(index).any(|before| before.name == name) {
            return Err(wrong(&name, "it is named twice".into()).hint("give each database a name of its own"));
        }
        let variable = bowline_app::variable(&name, env.as_deref());
        let url = url.or_else(|| variables(&variable));
        let target = target(&name, &url.ok_or_else(|| unset(&name, &variable))?)?;
        found.push(Several { name, folder, wave, table, target });
    }
    Ok(found)
}

/// Several databases, migrated in waves.
pub(crate) async fn up(
    databases: Vec<Several>,
    path: Option<&Path>,
    take_back: bool,
    settings: &Settings,
    (format, printer): (Output, Printer),
) -> Result<Exit, Failure> {
    let variables = |name: &str| settings.variable(name);
    let random = Random::from_entropy();
    let mut members = Vec::new();
    for Several { name, folder, wave, table, target } in databases {
        let table = match &table {
            Some(table) => {
                Table::new(table).map_err(|why| Failure::new(Exit::Usage, format!("database {name}: {why}")))?
            }
            None => settings.options.table.clone(),
        };
        let options = Options { table, ..settings.options.clone() };
        let label = name.clone();
        let listener = Arc::new(move |event| output::event(&event, Some(label.as_str()), printer));
        let runner = Runner::new(target, folder, options, &variables, random.fork(&name), listener);
        members.push(Member { name, wave, runner });
    }
    let report = up_in_waves(members, take_back).await;
    print(&report, format, printer);
    match report.failure {
        None => Ok(Exit::Ok),
        Some((name, error)) => {
            let mut failure = output::failure(&format!("migrate {name}"), &error);
            if !take_back && report.databases.iter().any(|member| matches!(member.fate, Fate::NotReached)) {
                let same = path.map_or_else(String::new, |path| format!(" --app {}", path.display()));
                failure.hints.push(format!("bowline migrate up{same} …, when that is put right, goes on"));
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
