//! Goes back to an earlier revision, as a new one.

use std::sync::Arc;

use bowline_graph::Graph;
use bowline_plan::{DeployInput, DeployKind, DeployOptions, Plan};
use bowline_release::{ApplyMethod, HookExecution, Info, Release, Status};

use crate::deploy::deployable;
use crate::operations::Work;
use crate::run::Run;
use crate::stored::{manifest_set, previous_objects};
use crate::{Cancel, Engine, EngineError, Outcome, RollbackRequest, Undone};

impl Engine {
    /// Brings a release back to the manifests of an earlier revision.
    ///
    /// # Errors
    /// [`EngineError::NoRevision`] where there is none to go back to; as [`Engine::deploy`] otherwise.
    pub async fn rollback(&self, request: RollbackRequest, cancel: &Cancel) -> Result<Outcome, EngineError> {
        let RollbackRequest { release, namespace, to, downs, options } = request;
        let history = self.releases(&namespace).history(&release).await?;
        if history.is_empty() {
            return Err(EngineError::NoRelease { release, namespace });
        }
        let mut run = Run::begin(self, (&release, &namespace), "rollback", &options, cancel).await?;
        run.downs = downs;
        let result = self.rollback_locked(&mut run, to).await;
        let result = match result {
            Ok(outcome) => run.take_back_rest(outcome).await,
            Err(error) => Err(error),
        };
        let message = match &result {
            Ok(outcome) => Ok(outcome.release.info.description.clone()),
            Err(error) => Err(error.to_string()),
        };
        run.end(message).await;
        result
    }

    /// The revision that a rollback goes back to: the one asked for, else the newest good one before the newest.
    ///
    /// # Errors
    /// [`EngineError::NoRelease`], [`EngineError::NoRevision`].
    pub async fn rollback_target(&self, namespace: &str, release: &str, to: Option<u32>) -> Result<u32, EngineError> {
        let history = self.releases(namespace).history(release).await?;
        if history.is_empty() {
            return Err(EngineError::NoRelease { release: release.to_owned(), namespace: namespace.to_owned() });
        }
        let revision = to.unwrap_or_else(|| by_itself(&history));
        match history.iter().any(|r| r.version == revision) {
            true => Ok(revision),
            false => Err(EngineError::NoRevision { release: release.to_owned(), revision }),
        }
    }

    pub(crate) async fn rollback_locked(&self, run: &mut Run, to: Option<u32>) -> Result<Outcome, EngineError> {
        let mut history = run.store.history(&run.release).await?;
        run.settle_pending(&mut history).await?;
        let Some(last) = history.last() else {
            return Err(EngineError::NoRelease { release: run.release.clone(), namespace: run.namespace.clone() });
        };
        let to = to.unwrap_or_else(|| by_itself(&history));
        let Some(target) = history.iter().find(|r| r.version == to) else {
            return Err(EngineError::NoRevision { release: run.release.clone(), revision: to });
        };
        run.revision = last.version + 1;
        run.recorded = false;
        let stored = manifest_set(target)?;
        let set = deployable(&stored)?;
        let previous = previous_objects(&history)?;
        let graph = Arc::new(Graph::build(&set, &run.namespace));
        run.graph = Some(Arc::clone(&graph));
        let live = self.live_objects(&graph, &previous).await?;
        if !run.options.take_ownership {
            self.refuse_foreign(&graph, &previous, &live, run.owner(), "rollback")?;
        }
        let plan = Plan::deploy(&DeployInput {
            desired: &set,
            graph: &graph,
            live: &live,
            previous: &previous,
            kind: DeployKind::Rollback,
            order: run.options.order,
            options: DeployOptions {
                create_namespace: false,
                crds: false,
                hooks: run.options.hooks,
                wait: run.options.wait,
                schema_downs: run.downs.is_some(),
                schema_gate: run.options.schema_gate.is_some(),
            },
        });
        let described = run.options.description.clone().unwrap_or_else(|| format!("Rollback to {to}"));
        let mut release = Release {
            version: run.revision,
            info: Info {
                first_deployed: last.info.first_deployed,
                last_deployed: Some(run.now()),
                status: Status::PendingRollback,
                description: described.clone(),
                notes: target.info.notes.clone(),
                rollback_revision: to,
                ..Info::default()
            },
            apply_method: Some(ApplyMethod::ServerSide),
            created_at: None,
            writer: None,
            ..target.clone()
        };
        for hook in &mut release.hooks {
            hook.last_run = HookExecution::default();
        }
        let kept = self.schemas(&run.namespace, &run.release).await?;
        run.schemas = kept.into_iter().filter(|(revision, _)| *revision == to).map(|(_, record)| record).collect();
        let work = Work { plan: &plan, set: &set, graph: &graph, live: &live };
        if let Err(trouble) = run.carry_out(&work, &mut release).await {
            if !trouble.lock_lost && run.recorded {
                let text = format!("Rollback {:?} failed: {}: {}", run.release, trouble.doing, trouble.message);
                run.record_failure(&mut release, text).await;
            }
            let status = if run.recorded { release.info.status } else { Status::Unknown };
            return Err(run.failure(trouble, status, Undone::Nothing));
        }
        let finished = run.finish(&mut release, &history, &described).await;
        finished.map_err(|trouble| run.failure(trouble, Status::Unknown, Undone::Nothing))?;
        Ok(Outcome { release, summary: plan.summary(), kept: std::mem::take(&mut run.kept) })
    }
}

/// The revision that is gone back to where none is named. Helm takes the one before the newest, even if that one failed.
fn by_itself(history: &[Release]) -> u32 {
    let good = |r: &&Release| matches!(r.info.status, Status::Deployed | Status::Superseded);
    let before = history.iter().rev().skip(1);
    before.clone().find(good).or(before.clone().next()).map_or(0, |r| r.version)
}
