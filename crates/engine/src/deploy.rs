//! Installs or upgrades a release.

use std::borrow::Cow;
use std::sync::Arc;

use bowline_clock::Timestamp;
use bowline_cluster::ObjectRef;
use bowline_graph::Graph;
use bowline_manifest::ManifestSet;
use bowline_plan::{DeployInput, DeployKind, DeployOptions, Plan};
use bowline_release::{Release, Status};
use jiff::SignedDuration;

use crate::operations::Work;
use crate::ownership::Owner;
use crate::run::{Run, Trouble};
use crate::stored::previous_objects;
use crate::{
    Cancel, DeployRequest, Engine, EngineError, FIELD_MANAGER, Happening, Outcome, Undone, UninstallRequest, record,
};

/// How long a pending record of another program is taken for a run that is still alive.
const PATIENCE_WITH_OTHERS: SignedDuration = SignedDuration::from_mins(10);

impl Engine {
    /// Installs a release, or upgrades it where it exists.
    ///
    /// # Errors
    /// [`EngineError::Failed`] where the run began and failed; every other variant means that nothing was changed, but
    /// for the namespace that it may have created.
    pub async fn deploy(&self, request: DeployRequest, cancel: &Cancel) -> Result<Outcome, EngineError> {
        let request = DeployRequest { manifests: request.manifests.with_argo_hooks(), ..request };
        let set = deployable(&request.manifests)?;
        self.ensure_namespace(&request, &set).await?;
        let names = (request.release.as_str(), request.namespace.as_str());
        let mut run = Run::begin(self, names, "deploy", &request.options, cancel).await?;
        run.schemas.clone_from(&request.schemas);
        let result = self.deploy_locked(&mut run, &request, &set).await;
        let message = match &result {
            Ok(outcome) => Ok(outcome.release.info.description.clone()),
            Err(error) => Err(error.to_string()),
        };
        run.end(message).await;
        result
    }

    /// The namespace holds the lock and the records, so it comes before everything. Where the chart has a manifest for
    /// it, that one is applied, marked as the release's: Helm would refuse it as foreign right after creating it.
    async fn ensure_namespace(&self, request: &DeployRequest, set: &ManifestSet) -> Result<(), EngineError> {
        let namespace = request.namespace.as_str();
        let object = ObjectRef::new("v1", "Namespace", "", namespace);
        let doing = format!("see to namespace {namespace}");
        let failed = |doing: &str| EngineError::cluster(doing.to_owned());
        if self.cluster.get(&object).await.map_err(failed(&doing))?.is_some() {
            return Ok(());
        }
        if !request.create_namespace {
            return Err(EngineError::NamespaceMissing { namespace: namespace.to_owned() });
        }
        let body = match Run::namespace_object(set, namespace) {
            Some(mut manifest) => {
                Owner { release: &request.release, namespace }.sign(&mut manifest);
                manifest
            }
            None => Run::bare_namespace(namespace),
        };
        let how = bowline_cluster::Apply { field_manager: FIELD_MANAGER.to_owned(), force: false, dry_run: false };
        self.cluster.apply(&object, &body, &how).await.map_err(failed(&doing))?;
        Ok(())
    }

    async fn deploy_locked(
        &self,
        run: &mut Run,
        request: &DeployRequest,
        set: &ManifestSet,
    ) -> Result<Outcome, EngineError> {
        let mut history = run.store.history(&request.release).await?;
        run.settle_pending(&mut history).await?;
        let due = history.last().map_or(1, |last| last.version + 1);
        if let Some(expected) = request.expected_revision.filter(|expected| *expected != due) {
            return Err(EngineError::Moved { release: request.release.clone(), expected, due });
        }
        run.revision = due;
        let kind = kind_of(&history);
        let previous = if kind == DeployKind::Install { Vec::new() } else { previous_objects(&history)? };
        let graph = Arc::new(Graph::build(set, &request.namespace));
        run.graph = Some(Arc::clone(&graph));
        let live = self.live_objects(&graph, &previous).await?;
        if !request.options.take_ownership {
            let doing = if kind == DeployKind::Install { "install" } else { "update" };
            self.refuse_foreign(&graph, &previous, &live, run.owner(), doing)?;
        }
        let plan = Plan::deploy(&DeployInput {
            desired: set,
            graph: &graph,
            live: &live,
            previous: &previous,
            kind,
            order: request.options.order,
            options: DeployOptions {
                create_namespace: request.create_namespace,
                crds: request.crds,
                hooks: request.options.hooks,
                wait: request.options.wait,
                schema_downs: false,
                schema_gate: request.options.schema_gate.is_some(),
            },
        });
        let mut release = record::of_request(request, due, run.now());
        match kind {
            DeployKind::Install => release.set_status(Status::PendingInstall, "Initial install underway"),
            DeployKind::Upgrade | DeployKind::Rollback => {
                release.set_status(Status::PendingUpgrade, "Preparing upgrade");
            }
        }
        if let Some(last) = history.last() {
            let mut labels = last.labels.clone();
            labels.extend(release.labels);
            labels.retain(|_, value| value != "null");
            release.labels = labels;
            if kind != DeployKind::Install {
                release.info.first_deployed = last.info.first_deployed;
            }
        }
        if let (DeployKind::Install, Some(removed)) = (kind, history.last_mut()) {
            removed.set_status(Status::Superseded, "superseded by new release");
            run.store.update(removed).await?;
        }
        let work = Work { plan: &plan, set, graph: &graph, live: &live };
        match run.carry_out(&work, &mut release).await {
            Ok(()) => {}
            Err(trouble) => return Err(self.deploy_failed(run, request, kind, release, trouble).await),
        }
        let described = match kind {
            DeployKind::Install => "Install complete",
            DeployKind::Upgrade | DeployKind::Rollback => "Upgrade complete",
        };
        let described = request.options.description.as_deref().unwrap_or(described);
        let finished = run.finish(&mut release, &history, described).await;
        finished.map_err(|trouble| run.failure(trouble, Status::Unknown, Undone::Nothing))?;
        Ok(Outcome { release, summary: plan.summary(), kept: std::mem::take(&mut run.kept) })
    }

    /// Records the failure, and undoes it where that is asked for.
    async fn deploy_failed(
        &self,
        run: &mut Run,
        request: &DeployRequest,
        kind: DeployKind,
        mut release: Release,
        trouble: Trouble,
    ) -> EngineError {
        if trouble.lock_lost || !run.recorded {
            return run.failure(trouble, Status::Unknown, Undone::Nothing);
        }
        let text = format!("{}: {}", trouble.doing, trouble.message);
        let description = match kind {
            DeployKind::Install => format!("Release {:?} failed: {text}", request.release),
            DeployKind::Upgrade | DeployKind::Rollback => format!("Upgrade {:?} failed: {text}", request.release),
        };
        run.record_failure(&mut release, description).await;
        if !request.rollback_on_failure || trouble.interrupted {
            return run.failure(trouble, release.info.status, Undone::Nothing);
        }
        let revision = run.revision;
        let undone = match kind {
            DeployKind::Install => {
                run.say(Happening::RollingBack { to: None });
                let uninstall = UninstallRequest {
                    options: request.options.clone(),
                    ..UninstallRequest::new(&request.release, &request.namespace)
                };
                match self.uninstall_locked(run, &uninstall).await {
                    Ok(_) => {
                        run.say(Happening::RolledBack { to: None });
                        Undone::Uninstalled
                    }
                    Err(error) => Undone::Failed { doing: "uninstall".into(), message: error.to_string() },
                }
            }
            DeployKind::Upgrade | DeployKind::Rollback => self.roll_back_failed(run).await,
        };
        run.revision = revision;
        run.failure(trouble, Status::Failed, undone)
    }

    /// Goes back to the newest revision that was good.
    async fn roll_back_failed(&self, run: &mut Run) -> Undone {
        let doing = "rollback".to_owned();
        let history = match run.store.history(&run.release).await {
            Ok(history) => history,
            Err(error) => return Undone::Failed { doing, message: error.to_string() },
        };
        let good = |r: &&Release| matches!(r.info.status, Status::Deployed | Status::Superseded);
        let Some(to) = history.iter().rev().find(good).map(|r| r.version) else {
            return Undone::NoGoodRevision;
        };
        match self.schema_verdicts(&run.namespace, &run.release, to).await {
            // Code that does not fit its database would fail as well, and in more ways.
            Ok(verdicts) => {
                if let Some(verdict) = verdicts.iter().find(|verdict| verdict.breaking().next().is_some()) {
                    return Undone::Failed {
                        doing: format!("rollback to revision {to}"),
                        message: verdict.sentence(to),
                    };
                }
            }
            Err(error) => return Undone::Failed { doing, message: error.to_string() },
        }
        run.say(Happening::RollingBack { to: Some(to) });
        // It was asked about the revision that failed.
        run.options.schema_gate = None;
        match self.rollback_locked(run, Some(to)).await {
            Ok(outcome) => {
                run.say(Happening::RolledBack { to: Some(to) });
                Undone::RolledBack { to, revision: outcome.release.version }
            }
            Err(error) => Undone::Failed { doing: format!("rollback to revision {to}"), message: error.to_string() },
        }
    }
}

/// The objects of a set, lists taken apart.
pub(crate) fn deployable(set: &ManifestSet) -> Result<Cow<'_, ManifestSet>, EngineError> {
    let flat = set.flattened();
    let problems: Vec<String> = flat.incomplete().iter().map(ToString::to_string).collect();
    if problems.is_empty() { Ok(flat) } else { Err(EngineError::Incomplete { problems }) }
}

/// A release that was never installed, or was removed with its history kept, is installed.
pub(crate) fn kind_of(history: &[Release]) -> DeployKind {
    match history.last() {
        None => DeployKind::Install,
        Some(last) if last.info.status == Status::Uninstalled => DeployKind::Install,
        Some(_) => DeployKind::Upgrade,
    }
}

impl Run {
    /// A revision that is still pending was left by a run that died: this one holds the lock. It is marked as failed, and
    /// no longer in anybody's way. Helm does not know the lock, so that a pending record of its own is given time first.
    pub(crate) async fn settle_pending(&self, history: &mut [Release]) -> Result<(), EngineError> {
        let Some(last) = history.last_mut().filter(|last| last.info.status.is_pending()) else { return Ok(()) };
        let since: Option<Timestamp> = last.info.last_deployed;
        let age = since.map(|since| self.now().duration_since(since));
        if last.writer.is_none() && age.is_some_and(|age| age < PATIENCE_WITH_OTHERS) {
            return Err(EngineError::Busy {
                release: last.name.clone(),
                revision: last.version,
                status: last.info.status,
                since: since.map(|t| t.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()).unwrap_or_default(),
            });
        }
        let who = last.writer.take().unwrap_or_else(|| "helm".to_owned());
        let description = format!("Interrupted: the run of {who} ended without finishing ({})", last.info.status);
        last.set_status(Status::Failed, description);
        self.store.update(last).await?;
        self.say_recorded(last);
        Ok(())
    }

    /// Supersedes what was in force and records the revision as deployed.
    pub(crate) async fn finish(
        &mut self,
        release: &mut Release,
        history: &[Release],
        description: &str,
    ) -> Result<(), Trouble> {
        for old in history.iter().filter(|r| r.info.status == Status::Deployed) {
            let mut old = old.clone();
            old.info.status = Status::Superseded;
            match self.store.update(&old).await {
                // Pruned by this very run's record.
                Err(bowline_release::ReleaseError::Cluster { source, .. }) if source.is_not_found() => {}
                result => result?,
            }
        }
        release.set_status(Status::Deployed, description);
        release.writer = None;
        self.record(release).await
    }

    /// Records a failed revision. An error of that is only noted: there is another one to tell of.
    pub(crate) async fn record_failure(&mut self, release: &mut Release, description: String) {
        release.set_status(Status::Failed, description);
        release.writer = None;
        if let Err(trouble) = self.record(release).await {
            tracing::warn!(error = %trouble.message, "a failed revision could not be recorded");
        }
    }
}
