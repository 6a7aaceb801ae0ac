use std::time::Duration;

use bowline_cluster::Cluster;
use bowline_engine::Engine;
use tokio::time::{Instant, sleep};

use crate::application::{self, Application};
use crate::args::{self, EventOutput};
use crate::databases;
use crate::detached;
use crate::embedded::Embedded;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::identity;
use crate::images;
use crate::interrupt;
use crate::printer::Printer;
use crate::progress;
use crate::schema;
use crate::services::{self, Service};

/// How long Services may take to get an address on this machine.
const ADDRESS: Duration = Duration::from_secs(10);
const LOOK: Duration = Duration::from_millis(20);

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
    let named = (application.name.as_str(), application.namespace.as_str());
    request.schemas = schema::prepare(&engine, named, &databases::folders(&application.app, &[]), false).await?;
    printer.progress(&format!("deploying {} into namespace {}", application.name, application.namespace));
    request.options.schema_gate = application.schema_gate(&cluster, printer)?;
    let outcome = engine.deploy(request, stop).await;
    outcome.map_err(|error| Failure::of_engine(format!("bring {} up", application.name), &error))?;
    let services = addressed(&cluster, &application.namespace, &application.name).await?;
    embedded.is_ready()?;
    if arguments.output == EventOutput::Text && !arguments.detached {
        print_where(&application.namespace, &services, printer);
    }
    Ok(())
}

/// The release's Services as soon as all that are to be reached from outside have their address. A port that is taken is
/// a failure here, where a person waits for the page; elsewhere an address may come later.
async fn addressed(cluster: &Cluster, namespace: &str, release: &str) -> Result<Vec<Service>, Failure> {
    let failed = |error: bowline_cluster::ClusterError| {
        Failure::because(Exit::Failed, format!("read the state of release {release}"), &error)
    };
    let deadline = Instant::now() + ADDRESS;
    loop {
        let services = services::overview(cluster, namespace, release).await.map_err(failed)?.services;
        let Some(open) = services.iter().find(|service| service.is_load_balancer && service.url.is_none()) else {
            return Ok(services);
        };
        let refused = services::refused_address(cluster, namespace, open).await.map_err(failed)?;
        if refused.is_some() || Instant::now() >= deadline {
            let mut failure =
                Failure::new(Exit::Failed, format!("Service {} has no address on this machine", open.name));
            failure.causes.extend(refused);
            return Err(failure.hint(format!("bowline up … --port {}=0   takes any free port", open.name)));
        }
        sleep(LOOK).await;
    }
}

/// The table, and how to look further.
pub(crate) fn print_where(namespace: &str, services: &[Service], printer: Printer) {
    printer.progress("");
    printer.data(&services::service_table(services));
    printer.progress(&format!(
        "\nLook further, in another terminal:\n  \
         bowline status\n  \
         bowline logs NAME\n  \
         kubectl --kubeconfig \"$(bowline cluster kubeconfig)\" --namespace {namespace} get pods,svc,jobs\n"
    ));
}
