//! Arguments to settings, one file per command, printing.
//!
//! ```text
//!  argv ─► args ─► commands/<verb>.rs ─► the crates below ─► printer (stdout: data, stderr: the rest)
//!                                              └─► Failure ─► cause, hint, exit code
//! ```
//!
//! Reads: arguments, environment variables (`environment.rs`), `bowline.yaml`, the state of a running cluster.
//! Produces: output for people and programs, exit codes.
//! Never: holds logic that a library user would want; that belongs in the crates below.
#![forbid(unsafe_code)]

mod application;
mod args;
mod commands;
mod databases;
mod detached;
mod downs;
mod embedded;
mod environment;
mod exit;
mod failure;
mod generated;
mod home;
mod identity;
mod images;
mod interrupt;
mod printer;
mod progress;
mod record;
mod reference;
mod report;
mod schema;
mod services;
mod target;

use std::path::Path;
use std::process::ExitCode;

pub use reference::reference;

use args::{Arguments, ClusterCommand, Color, Command};
use bowline_controlplane::node::shim;
use clap::Parser;
use exit::Exit;
use failure::Failure;
use printer::Printer;
use tracing_subscriber::EnvFilter;

/// The command that is a drop-in for Helm, and the program's name that asks for it alone.
const HELM: &str = "helm";

/// The whole program: reads the process's arguments and returns its exit code.
pub fn main() -> ExitCode {
    let mut arguments = std::env::args_os();
    let called = arguments.next().unwrap_or_default();
    if Path::new(&called).file_name().is_some_and(|name| name == HELM) {
        return bowline_helm::main(arguments);
    }
    match arguments.next() {
        Some(first) if first == shim::ARGUMENT => return shim::run(arguments),
        // Its arguments are Helm's, whatever they look like.
        Some(first) if first == HELM => return bowline_helm::main(arguments),
        _ => {}
    }
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version go to stdout and are no failure; a closed pipe is none either.
            let _ = error.print();
            return if error.use_stderr() { Exit::Usage.into() } else { Exit::Ok.into() };
        }
    };
    match arguments.global.color {
        Color::Auto => {}
        Color::Always => anstream::ColorChoice::Always.write_global(),
        Color::Never => anstream::ColorChoice::Never.write_global(),
    }
    trace();
    let printer = Printer::new(arguments.global.quiet);
    match run(&arguments, printer) {
        Ok(code) => code,
        Err(failure) => {
            printer.error(&failure.render());
            failure.exit.into()
        }
    }
}

fn run(arguments: &Arguments, printer: Printer) -> Result<ExitCode, Failure> {
    let cluster = arguments.global.cluster.as_str();
    let exit = match &arguments.command {
        // Helm has exit codes of its own.
        Command::Helm(arguments) => return Ok(bowline_helm::main(arguments.arguments.iter().cloned())),
        // What needs no cluster needs no runtime: its start would be a good part of their time.
        Command::Template(arguments) => commands::template::run(arguments, cluster, printer),
        Command::Values(arguments) => commands::values::run(arguments, printer),
        Command::Check(arguments) => commands::check::run(arguments, printer),
        Command::Rehearse(arguments) => commands::rehearse::run(arguments, printer),
        Command::Migrate(arguments) => commands::migrate::run(arguments, cluster, printer),
        Command::Cluster(ClusterCommand::Kubeconfig) => commands::cluster::kubeconfig(cluster, printer),
        Command::Cluster(ClusterCommand::Status) => commands::cluster::status(cluster, printer),
        Command::Up(arguments) => wait(commands::up::run(arguments, cluster, printer)),
        Command::Down(arguments) => wait(commands::down::run(arguments, cluster, printer)),
        Command::Deploy(arguments) => wait(commands::deploy::run(arguments, cluster, printer)),
        Command::Rollback(arguments) => wait(commands::rollback::run(arguments, cluster, printer)),
        Command::History(arguments) => wait(commands::history::run(arguments, cluster, printer)),
        Command::Status(arguments) => wait(commands::status::run(arguments, cluster, printer)),
        Command::List(arguments) => wait(commands::list::run(arguments, cluster, printer)),
        Command::Uninstall(arguments) => wait(commands::uninstall::run(arguments, cluster, printer)),
        Command::Logs(arguments) => wait(commands::logs::run(arguments, cluster, printer)),
        Command::Cluster(ClusterCommand::Start(arguments)) => {
            wait(commands::cluster::start(arguments, cluster, printer))
        }
    };
    exit.map(ExitCode::from)
}

fn wait<T>(command: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.map_err(|error| Failure::because(Exit::Failed, "start the runtime", &error))?;
    let result = runtime.block_on(command);
    // What still runs in the background has nothing to say any more.
    runtime.shutdown_background();
    result
}

fn trace() {
    if let Ok(filter) = EnvFilter::try_from_env(environment::LOG) {
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    }
}
