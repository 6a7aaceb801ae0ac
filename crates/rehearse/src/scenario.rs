use std::sync::Arc;
use std::time::Duration;

use bowline_apiserver::{Api, WatchEventKind, WatchOptions, resources};
use bowline_check::Finding;
use bowline_clock::{Clock, Random, Timestamp};
use bowline_cluster::{Client, Cluster};
use bowline_controlplane::node::{NodeConfig, Pods, Scripts};
use bowline_controlplane::{Config, ControlPlane};
use bowline_engine::{Cancel, DeployRequest, Engine, EngineError, Failure};
use bowline_graph::Graph;

use crate::timeline::Timeline;
use crate::{Outcome, Rehearsal};

/// What every rehearsal's clock shows at its beginning, so that the same seed gives the same report on every day.
const BEGINNING: Timestamp = Timestamp::constant(1_767_225_600, 0);
/// How long pods get to end after the rehearsal is over; virtual.
const GRACE: Duration = Duration::from_secs(30);

/// A first install to be played.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// What is deployed, and how: timeout, order, rollback.
    pub request: DeployRequest,
    /// How pods behave.
    pub scripts: Scripts,
    /// Decides everything random.
    pub seed: u64,
}

/// Why nothing could be rehearsed.
#[derive(Debug, thiserror::Error)]
pub enum RehearseError {
    /// The runtime could not be built.
    #[error("start the rehearsal's runtime: {0}")]
    Runtime(std::io::Error),
    /// The control plane did not start or stop.
    #[error("rehearse on the embedded control plane: {0}")]
    ControlPlane(#[from] bowline_controlplane::Error),
}

impl Scenario {
    /// Plays it, in virtual time, on a thread of its own runtime.
    ///
    /// # Errors
    /// Where the embedded cluster does not work; never for what the rehearsal shows.
    pub fn play(self) -> Result<Rehearsal, RehearseError> {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        let runtime = builder.enable_time().start_paused(true).build().map_err(RehearseError::Runtime)?;
        runtime.block_on(self.play_here())
    }

    async fn play_here(self) -> Result<Rehearsal, RehearseError> {
        let graph =
            Graph::build(&self.request.manifests.clone().with_argo_hooks().flattened(), &self.request.namespace);
        let clock = Clock::starting_at(BEGINNING);
        let random = Random::seeded(self.seed);
        let node = NodeConfig { name: "rehearsal".to_owned(), pods: Pods::Scripted(self.scripts) };
        let config = Config { clock: clock.clone(), random, root_ca: String::new(), node: Some(node) };
        let control_plane = ControlPlane::start(config).await?;
        let api = control_plane.api().clone();
        let timeline = Timeline::starting_now();
        let watching = tokio::spawn(watch_pods(api.clone(), timeline.clone()));

        let client = Client::new(api.service(), self.request.namespace.clone());
        let engine = Engine::new(Cluster::new(client), clock, "rehearsal", Arc::new(timeline.clone()));
        let outcome = match engine.deploy(self.request, &Cancel::never()).await {
            Ok(outcome) => Outcome::Deployed { revision: outcome.release.version },
            Err(EngineError::Failed(failure)) if failure.timed_out => Outcome::Hang(failure),
            Err(EngineError::Failed(failure)) => Outcome::Fail(failure),
            Err(error) => Outcome::Refused(error.to_string()),
        };
        let duration = timeline.elapsed();
        watching.abort();
        control_plane.shutdown(GRACE).await?;
        let explanation = outcome.failure().map(|failure| explain(&graph, failure)).unwrap_or_default();
        Ok(Rehearsal { outcome, timeline: timeline.into_moments(), duration, explanation })
    }
}

async fn watch_pods(api: Api, timeline: Timeline) {
    let Ok(mut watch) = api.watch(&resources::PODS, None, &WatchOptions::default()) else { return };
    while let Ok(event) = watch.next().await {
        match event.kind {
            WatchEventKind::Added | WatchEventKind::Modified => timeline.pod(&event.object, false),
            WatchEventKind::Deleted => timeline.pod(&event.object, true),
            _ => {}
        }
    }
}

/// The findings about objects of the chain of causes: they say where in the chart the reason lies.
fn explain(graph: &Graph, failure: &Failure) -> Vec<Finding> {
    let in_chain = |finding: &Finding| failure.cause.steps.iter().any(|step| step.object == finding.object.to_string());
    let mut findings = bowline_check::check(graph);
    findings.retain(in_chain);
    findings
}
