use bowline_engine::Engine;

use crate::application;
use crate::args;
use crate::databases;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::identity;
use crate::interrupt;
use crate::printer::Printer;
use crate::progress;
use crate::schema;
use crate::services;
use crate::target::Target;

/// Installs the application's release, or upgrades it.
pub(crate) async fn run(arguments: &args::Deploy, cluster: &str, printer: Printer) -> Result<Exit, Failure> {
    let mut application = application::load(&arguments.application)?;
    let target = Target::connect(&arguments.target, cluster).await?;
    printer.progress(&format!("deploying {} into {} on {}", application.name, application.namespace, target.title));
    if let Some(state) = &target.embedded {
        application.use_embedded(&state.placeholders);
    }
    let engine = Engine::new(
        target.cluster.clone(),
        target.clock.clone(),
        identity::of_this_run(),
        progress::sink(arguments.output, printer),
    );
    let mut request = application.render_for(&engine).await?.request;
    request.options.timeout = arguments.carry.timeout;
    request.options.order = arguments.carry.order.into();
    request.options.description.clone_from(&arguments.description);
    request.rollback_on_failure = !arguments.no_rollback;
    let named = (application.name.as_str(), application.namespace.as_str());
    let folders = databases::folders(&application.app, &arguments.migrations);
    request.schemas = schema::prepare(&engine, named, &folders, arguments.accept_schema).await?;
    if !arguments.skip_schema_gate {
        request.options.schema_gate = application.schema_gate(&target.cluster, printer)?;
    }
    let notes = request.manifests.notes.clone();
    let (release, namespace) = (application.name.clone(), application.namespace.clone());
    let outcome = engine.deploy(request, &interrupt::signal()).await;
    let outcome = outcome.map_err(|error| Failure::of_engine(format!("deploy {release}"), &error))?;
    let overview = services::overview(&target.cluster, &namespace, &release).await;
    let overview = overview.map_err(|error| Failure::because(Exit::Failed, "read the state of the release", &error))?;
    if arguments.output == args::EventOutput::Text {
        printer.progress(&format!("{release} is deployed as revision {}\n", outcome.release.version));
        printer.data(&services::service_table(&overview.services));
        if !notes.trim().is_empty() {
            printer.data(&format!("\n{}\n", notes.trim_end()));
        }
    }
    Ok(Exit::Ok)
}
