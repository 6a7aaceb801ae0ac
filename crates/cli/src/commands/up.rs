use bowline_engine::Engine;

use crate::application::{self, Application};
use crate::args::{self, EventOutput};
use crate::detached;
use crate::embedded::Embedded;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::identity;
use crate::images;
use crate::interrupt;
use crate::printer::Printer;
use crate::progress;
use crate::services;

/// Starts a cluster in this process and brings the application up on it; takes everything down when asked to stop.
pub(crate) async fn run(arguments: &args::Up, cluster: &str, printer: Printer) -> Result<Exit, Failure> {
    if arguments.detach {
        return detached::start(cluster, printer).await;
    }
    if arguments.detached {
        detached::leave_terminal();
    }
    let mut application = application::load(&arguments.application)?;
    images::build(&application.app, arguments.build, printer).await?;
    let stop = interrupt::signal();
    let mut embedded = tokio::select! {
        biased;
        () = stop.cancelled() => return Ok(Exit::Interrupted),
        embedded = Embedded::start(cluster, &application, arguments, printer) => embedded?,
    };
    let came_up = tokio::select! {
        biased;
        // The engine is told too, and says how far it came; this is for what comes before and after it.
        result = bring_up(&mut application, &mut embedded, arguments, &stop, printer) => result,
    };
    let exit = match came_up {
        Ok(()) => {
            if !arguments.detached {
                printer.progress("Press Ctrl-C to take everything down.");
            }
            stop.cancelled().await;
            printer.progress("taking everything down …");
            Ok(Exit::Ok)
        }
        Err(failure) => Err(failure),
    };
    embedded.shutdown().await?;
    exit
}

async fn bring_up(
    application: &mut Application,
    embedded: &mut Embedded,
    arguments: &args::Up,
    stop: &bowline_engine::Cancel,
    printer: Printer,
) -> Result<(), Failure> {
    application.use_embedded(embedded.placeholders());
    let cluster = embedded.cluster();
    let sink = progress::sink(arguments.output, printer);
    let engine = Engine::new(cluster.clone(), embedded.clock(), identity::of_this_run(), sink);
    let mut request = application.render_for(&engine).await?.request;
    request.options.timeout = arguments.carry.timeout;
    request.options.order = arguments.carry.order.into();
    printer.progress(&format!("deploying {} into namespace {}", application.name, application.namespace));
    let outcome = engine.deploy(request, stop).await;
    outcome.map_err(|error| Failure::of_engine(format!("bring {} up", application.name), &error))?;
    let overview = services::overview(&cluster, &application.namespace, &application.name).await;
    let overview = overview.map_err(|error| Failure::because(Exit::Failed, "read the state of the release", &error))?;
    embedded.is_ready()?;
    if arguments.output == EventOutput::Text && !arguments.detached {
        print_where(&application.namespace, &overview.services, printer);
    }
    Ok(())
}

/// The table, and how to look further.
pub(crate) fn print_where(namespace: &str, services: &[services::Service], printer: Printer) {
    printer.progress("");
    printer.data(&services::service_table(services));
    printer.progress(&format!(
        "\nLook further, in another terminal:\n  \
         bowline status\n  \
         bowline logs NAME\n  \
         kubectl --kubeconfig \"$(bowline cluster kubeconfig)\" --namespace {namespace} get pods,svc,jobs\n"
    ));
}
