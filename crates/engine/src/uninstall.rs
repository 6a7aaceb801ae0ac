//! Removes a release.

use std::collections::BTreeMap;
use std::sync::Arc;

use bowline_graph::Graph;
use bowline_manifest::{Manifest, ManifestSet};
use bowline_plan::{Plan, UninstallInput};
use bowline_release::{Release, Status};

use crate::operations::Work;
use crate::run::Run;
use crate::stored::manifest_set;
use crate::{Cancel, Engine, EngineError, Outcome, Undone, UninstallRequest};

impl Engine {
    /// Removes a release's objects, and its records unless they are to be kept. Definitions of `crds/` stay, as does what
    /// carries `helm.sh/resource-policy: keep` or belongs to somebody else.
    ///
    /// # Errors
    /// [`EngineError::NoRelease`] where there is none; [`EngineError::Failed`] where it began and failed: uninstalling
    /// once more goes on with it.
    pub async fn uninstall(&self, request: UninstallRequest, cancel: &Cancel) -> Result<Outcome, EngineError> {
        let UninstallRequest { release, namespace, .. } = &request;
        if self.releases(namespace).history(release).await?.is_empty() {
            return Err(EngineError::NoRelease { release: release.clone(), namespace: namespace.clone() });
        }
        let mut run = Run::begin(self, (release, namespace), "uninstall", &request.options, cancel).await?;
        let result = self.uninstall_locked(&mut run, &request).await;
        let message = match &result {
            Ok(outcome) => Ok(outcome.release.info.description.clone()),
            Err(error) => Err(error.to_string()),
        };
        run.end(message).await;
        result
    }

    pub(crate) async fn uninstall_locked(
        &self,
        run: &mut Run,
        request: &UninstallRequest,
    ) -> Result<Outcome, EngineError> {
        let mut history = run.store.history(&request.release).await?;
        run.settle_pending(&mut history).await?;
        let Some(last) = history.last() else {
            return Err(EngineError::NoRelease {
                release: request.release.clone(),
                namespace: request.namespace.clone(),
            });
        };
        run.revision = last.version;
        let mut release = last.clone();
        let set = everything_of(&history)?;
        let graph = Arc::new(Graph::build(&set, &run.namespace));
        run.graph = Some(Arc::clone(&graph));
        let options = &request.options;
        let input = UninstallInput { release: &set, graph: &graph, hooks: options.hooks, wait: options.wait };
        let plan = Plan::uninstall(&input);
        if release.info.status != Status::Uninstalled {
            let live = BTreeMap::new();
            let work = Work { plan: &plan, set: &set, graph: &graph, live: &live };
            if let Err(trouble) = run.carry_out(&work, &mut release).await {
                if release.info.status == Status::Uninstalling && !trouble.lock_lost {
                    let text = format!("Deletion failed: {}: {}", trouble.doing, trouble.message);
                    release.set_status(Status::Uninstalling, text);
                    if let Err(second) = run.record(&release).await {
                        tracing::warn!(error = %second.message, "a failed removal could not be recorded");
                    }
                }
                return Err(run.failure(trouble, release.info.status, Undone::Nothing));
            }
        }
        let described = options.description.as_deref().unwrap_or("Uninstallation complete");
        release.set_status(Status::Uninstalled, described);
        self.forget(run, request, &release, &history).await?;
        Ok(Outcome { release, summary: plan.summary(), kept: std::mem::take(&mut run.kept) })
    }

    /// Removes the records, or leaves them with nothing deployed.
    async fn forget(
        &self,
        run: &Run,
        request: &UninstallRequest,
        release: &Release,
        history: &[Release],
    ) -> Result<(), EngineError> {
        if !request.keep_history {
            for old in history {
                run.store.delete(&old.name, old.version).await?;
            }
            return Ok(());
        }
        run.store.update(release).await?;
        run.say_recorded(release);
        let deployed = history.iter().filter(|r| r.info.status == Status::Deployed && r.version != release.version);
        for old in deployed {
            let mut old = old.clone();
            old.info.status = Status::Superseded;
            run.store.update(&old).await?;
        }
        Ok(())
    }
}

/// The newest revision's manifests and hooks, and what the revisions before it left: that of the one in force where the
/// newest failed half way.
fn everything_of(history: &[Release]) -> Result<ManifestSet, EngineError> {
    let Some((last, before)) = history.split_last() else { return Ok(ManifestSet::default()) };
    let mut set = manifest_set(last)?;
    if last.info.status == Status::Deployed {
        return Ok(set);
    }
    let name = |m: &Manifest| {
        let mut key = m.key();
        if let Some(key) = &mut key {
            key.namespace = if key.namespace.is_empty() { last.namespace.clone() } else { key.namespace.clone() };
        }
        key
    };
    let in_force = before.iter().rposition(|r| r.info.status == Status::Deployed).unwrap_or(before.len());
    for old in before.iter().skip(in_force) {
        for manifest in manifest_set(old)?.manifests {
            if !set.manifests.iter().any(|known| name(known) == name(&manifest)) {
                set.manifests.push(manifest);
            }
        }
    }
    Ok(set)
}
