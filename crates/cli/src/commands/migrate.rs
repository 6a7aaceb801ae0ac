mod databases;
mod gate;
mod lint;
mod manifests;
mod output;
mod settings;

use std::path::Path;
use std::sync::Arc;

use bowline_app::HookStyle;
use bowline_clock::{Clock, Random};
use bowline_migrate::{DownTo, MigrateError, Outcome, Runner, UpTo};

use crate::args::{Migrate, MigrateCommand, Output};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::interrupt;
use crate::printer::Printer;
use settings::Settings;

/// `bowline migrate`: one thread is enough, and its start is a good part of a short run.
pub(crate) fn run(arguments: &Migrate, cluster: &str, printer: Printer) -> Result<Exit, Failure> {
    let settings = Settings::read(&arguments.settings)?;
    match &arguments.command {
        MigrateCommand::Create { name, kind, sequential } => create(&settings.folder, name, kind, *sequential, printer),
        MigrateCommand::Job { databases, app, argo } => {
            let style = if *argo { HookStyle::Argo } else { HookStyle::Helm };
            manifests::job(app, databases, style, arguments.settings.output, printer)
        }
        MigrateCommand::Gate { databases, app } => manifests::gate(app, databases, arguments.settings.output, printer),
        MigrateCommand::Fix => fix(&settings.folder, printer),
        MigrateCommand::Validate { verbose } => validate(&settings, *verbose, arguments.settings.output, printer),
        command => {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let runtime = runtime.map_err(|error| Failure::because(Exit::Failed, "start the runtime", &error))?;
            if let MigrateCommand::Lint(how) = command {
                // It drops its scratch database before it ends.
                return runtime.block_on(lint::run(&settings, &arguments.settings, how, printer));
            }
            runtime.block_on(async {
                tokio::select! {
                    biased;
                    done = with_database(&settings, arguments, cluster, printer) => done,
                    // The connection ends with the process: the server undoes what is under way and frees the lock.
                    () = interrupt::requested() => Err(Failure::new(Exit::Interrupted, "interrupted")
                        .hint("bowline migrate status")),
                }
            })
        }
    }
}

async fn with_database(
    settings: &Settings,
    arguments: &Migrate,
    cluster: &str,
    printer: Printer,
) -> Result<Exit, Failure> {
    let (command, format) = (&arguments.command, arguments.settings.output);
    match command {
        MigrateCommand::Up { app, each, take_back } if app.is_some() || !each.is_empty() => {
            let several = databases::several(app.as_deref(), each, settings, cluster)?;
            return databases::up(several, app.as_deref(), *take_back, settings, (format, printer)).await;
        }
        MigrateCommand::Verify { required } => {
            return gate::verify(settings, &arguments.settings, required, printer).await;
        }
        MigrateCommand::Wait { required, timeout, interval } => {
            let patience = bowline_migrate::Patience { deadline: *timeout, interval: *interval };
            return gate::wait(settings, &arguments.settings, required, patience, printer).await;
        }
        _ => {}
    }
    let target = settings.target()?;
    let variables = |name: &str| settings.variable(name);
    let listener = Arc::new(move |event| output::event(&event, None, printer));
    let (folder, options) = (&settings.folder, settings.options.clone());
    let runner = Runner::new(target, folder, options, &variables, Random::from_entropy(), listener);
    let failed = |doing: &str| {
        let doing = doing.to_owned();
        move |error: MigrateError| output::failure(&doing, &error)
    };
    let outcome = match command {
        MigrateCommand::Up { .. } => runner.up(UpTo::Last).await.map_err(failed("migrate up"))?,
        MigrateCommand::UpByOne => runner.up(UpTo::Next).await.map_err(failed("migrate up by one"))?,
        MigrateCommand::UpTo { version } => {
            runner.up(UpTo::Version(*version)).await.map_err(failed(&format!("migrate up to {version}")))?
        }
        MigrateCommand::Down => runner.down(DownTo::Previous).await.map_err(failed("migrate down"))?,
        MigrateCommand::DownTo { version } => {
            runner.down(DownTo::Version(*version)).await.map_err(failed(&format!("migrate down to {version}")))?
        }
        MigrateCommand::Redo => runner.redo().await.map_err(failed("migrate again"))?,
        MigrateCommand::Reset => runner.down(DownTo::Nothing).await.map_err(failed("migrate down to nothing"))?,
        MigrateCommand::Status => {
            let status = runner.status().await.map_err(failed("read the state of migrations"))?;
            output::status(&status, format, printer);
            return Ok(Exit::Ok);
        }
        MigrateCommand::Version => {
            let version = runner.version().await.map_err(failed("read the database's version"))?;
            output::version(version, format, printer);
            return Ok(Exit::Ok);
        }
        // handled before
        MigrateCommand::Create { .. }
        | MigrateCommand::Fix
        | MigrateCommand::Job { .. }
        | MigrateCommand::Gate { .. }
        | MigrateCommand::Validate { .. }
        | MigrateCommand::Lint(_)
        | MigrateCommand::Verify { .. }
        | MigrateCommand::Wait { .. } => Outcome::default(),
    };
    output::outcome(&outcome, format, printer);
    Ok(Exit::Ok)
}

fn create(folder: &Path, name: &str, kind: &str, sequential: bool, printer: Printer) -> Result<Exit, Failure> {
    if kind != "sql" {
        let message = format!("cannot create a migration of type '{kind}': only sql");
        return Err(Failure::new(Exit::Usage, message).hint(format!("bowline migrate create {name} sql")));
    }
    let now = Clock::system().now().strftime("%Y%m%d%H%M%S").to_string();
    let number = if sequential { None } else { now.parse().ok() };
    let path =
        bowline_migrate::create(folder, name, number).map_err(|error| output::failure("create a migration", &error))?;
    printer.data(&format!("Created new file: {}\n", path.display()));
    Ok(Exit::Ok)
}

fn fix(folder: &Path, printer: Printer) -> Result<Exit, Failure> {
    let renamed = bowline_migrate::fix(folder).map_err(|error| output::failure("number the files", &error))?;
    for (old, new) in renamed {
        printer.data(&format!("RENAMED {old} => {new}\n"));
    }
    Ok(Exit::Ok)
}

fn validate(settings: &Settings, verbose: bool, format: Output, printer: Printer) -> Result<Exit, Failure> {
    let variables = |name: &str| settings.variable(name);
    let validation = bowline_migrate::validate(&settings.folder, &variables)
        .map_err(|error| output::failure("check the migrations", &error))?;
    output::validation(&validation, verbose, format, printer);
    if validation.errors.is_empty() {
        return Ok(Exit::Ok);
    }
    let mut failure = Failure::new(Exit::Failed, "some migrations are not what goose takes");
    failure.causes.extend(validation.errors.iter().map(ToString::to_string));
    Err(failure)
}
