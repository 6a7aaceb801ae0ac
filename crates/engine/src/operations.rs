//! Carries the operations of a plan out, one after another.

use std::collections::BTreeMap;
use std::time::Duration;

use bowline_cluster::{ClusterError, Metadata, ObjectRef};
use bowline_graph::Graph;
use bowline_manifest::{GroupVersionKind, HookEvent, ManifestSet, ObjectKey};
use bowline_plan::{Action, Operation, Plan, PlanKind, RecordStage};
use bowline_release::{Release, Status};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::cause::Step;
use crate::hooks::HookRun;
use crate::run::{Run, Trouble};
use crate::wait::Until;
use crate::{Happening, Phase};

/// How long a definition may take until its kind is served; Helm's figure.
const DEFINITION_TIMEOUT: Duration = Duration::from_secs(60);

/// What a plan works on.
pub(crate) struct Work<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) set: &'a ManifestSet,
    pub(crate) graph: &'a Graph,
    pub(crate) live: &'a BTreeMap<ObjectKey, Value>,
}

impl Run {
    /// Carries a plan out up to its last record, which is the caller's. Writes the first one.
    pub(crate) async fn carry_out(&mut self, work: &Work<'_>, record: &mut Release) -> Result<(), Trouble> {
        self.say(Happening::Planned { kind: work.plan.kind, summary: work.plan.summary() });
        let mut ran: Vec<usize> = Vec::new();
        for operation in &work.plan.operations {
            if let Err(trouble) = self.operation(work, operation, record).await {
                if let Action::RunHook { event, .. } = operation.action
                    && !trouble.lock_lost
                {
                    let cleaned = self.clean_up_after(work, event, &ran).await;
                    // There is a failure to tell of already.
                    if let Err(second) = cleaned {
                        tracing::warn!(error = %second.message, "a hook could not be cleaned up");
                    }
                }
                return Err(trouble);
            }
            if matches!(operation.action, Action::RunHook { .. })
                && let Some(place) = operation.manifest
            {
                ran.push(place.index);
            }
        }
        Ok(())
    }

    async fn operation(&mut self, work: &Work<'_>, operation: &Operation, record: &mut Release) -> Result<(), Trouble> {
        self.check_stop().await?;
        self.enter(Some(phase_of(&operation.action)));
        self.say(Happening::OperationStarted {
            id: operation.id.0,
            action: word(&operation.action),
            object: operation.key.as_ref().map(ToString::to_string),
            reason: operation.reason.clone(),
        });
        self.perform(work, operation, record).await?;
        self.say(Happening::OperationFinished { id: operation.id.0 });
        Ok(())
    }

    async fn perform(&mut self, work: &Work<'_>, operation: &Operation, record: &mut Release) -> Result<(), Trouble> {
        match &operation.action {
            Action::TakeBackSchema => self.take_back_schema().await,
            Action::CheckSchema => self.check_schema().await,
            // The namespace was made before the lock, which lives in it.
            Action::CreateNamespace => Ok(()),
            Action::CreateCrd => self.create_definition(work, operation).await,
            Action::Record { stage: RecordStage::Pending } => self.begin_record(work.plan.kind, record).await,
            Action::Record { stage: RecordStage::Final } => Ok(()),
            Action::Create | Action::Update { .. } | Action::Unchanged => self.apply_planned(work, operation).await,
            Action::RunHook { event, weight, delete_before, delete_on_failure } => {
                let (Some(object), Some(place)) = (self.object_of(operation).await?, operation.manifest) else {
                    return Ok(());
                };
                let Some(manifest) = place.of(work.set) else { return Ok(()) };
                let hook = HookRun {
                    event: *event,
                    weight: *weight,
                    index: place.index,
                    manifest,
                    object,
                    delete_before: *delete_before,
                    delete_on_failure: *delete_on_failure,
                };
                self.run_hook(&hook, record).await
            }
            Action::DeleteHook { .. } => match self.object_of(operation).await? {
                Some(object) => self.delete_hook(&object, "hook-delete-policy: hook-succeeded").await,
                None => Ok(()),
            },
            Action::Delete => match self.object_if_served(operation).await? {
                Some(object) => {
                    if work.plan.kind == PlanKind::Uninstall && self.options.wait {
                        self.note_pods_of(&object).await;
                    }
                    self.delete_owned(&object, &operation.reason).await.map(drop)
                }
                None => Ok(()),
            },
            Action::Keep => {
                if let Some(object) = self.object_if_served(operation).await? {
                    self.keep(&object, &operation.reason);
                }
                Ok(())
            }
            Action::WaitReady { keys } => {
                let until = if self.options.wait_for_jobs { Until::JobsCompleted } else { Until::Ready };
                let timeout = match self.phase {
                    Some(Phase::Definitions) => DEFINITION_TIMEOUT,
                    _ => self.options.timeout,
                };
                self.wait_for_keys(work, keys, until, timeout, "wait until everything is ready").await
            }
            Action::WaitDeleted { keys } => {
                let timeout = self.options.timeout;
                let (doing, deadline) = ("wait until everything is gone", Instant::now() + timeout);
                self.wait_for_keys(work, keys, Until::Gone, timeout, doing).await?;
                self.wait_for_leftovers(doing, deadline).await
            }
        }
    }

    async fn create_definition(&mut self, work: &Work<'_>, operation: &Operation) -> Result<(), Trouble> {
        let Some((object, manifest)) = self.planned_object(work, operation).await? else { return Ok(()) };
        let change = self.apply(&object, manifest, None, false).await?;
        self.say(Happening::ObjectApplied { object: self.name_of(&object), change });
        Ok(())
    }

    async fn apply_planned(&mut self, work: &Work<'_>, operation: &Operation) -> Result<(), Trouble> {
        let Some((object, manifest)) = self.planned_object(work, operation).await? else { return Ok(()) };
        let live = operation.key.as_ref().and_then(|key| work.live.get(key));
        let change = self.apply(&object, manifest, live, true).await?;
        self.say(Happening::ObjectApplied { object: self.name_of(&object), change });
        if object.gvk.kind == "CustomResourceDefinition" {
            // Objects of its kind may come next, and are refused until it is established.
            let target = std::slice::from_ref(&object);
            if let Err(end) = self.wait_for(target, Until::Ready, DEFINITION_TIMEOUT).await {
                return Err(self.explain(format!("apply {object}"), DEFINITION_TIMEOUT, end).await);
            }
        }
        Ok(())
    }

    async fn planned_object<'w>(
        &self,
        work: &Work<'w>,
        operation: &Operation,
    ) -> Result<Option<(ObjectRef, &'w Value)>, Trouble> {
        let Some(manifest) = operation.manifest.and_then(|place| place.of(work.set)) else { return Ok(None) };
        Ok(self.object_of(operation).await?.map(|object| (object, &manifest.object)))
    }

    async fn object_of(&self, operation: &Operation) -> Result<Option<ObjectRef>, Trouble> {
        let Some(key) = &operation.key else { return Ok(None) };
        let doing = format!("{} {key}", word(&operation.action));
        self.locate(key, &operation.api_version).await.map(Some).map_err(|e| {
            let mut trouble = Trouble::cluster(doing, &e);
            trouble.steps = vec![Step::new(key.to_string(), "UnknownKind", e.to_string())];
            trouble
        })
    }

    /// As above; `None` too where its kind is not served any more, so that there can be nothing of it.
    async fn object_if_served(&self, operation: &Operation) -> Result<Option<ObjectRef>, Trouble> {
        let Some(key) = &operation.key else { return Ok(None) };
        match self.locate(key, &operation.api_version).await {
            Err(ClusterError::UnknownKind { .. }) => Ok(None),
            Err(error) => Err(Trouble::cluster(format!("{} {key}", word(&operation.action)), &error)),
            Ok(object) => Ok(Some(object)),
        }
    }

    async fn wait_for_keys(
        &mut self,
        work: &Work<'_>,
        keys: &[ObjectKey],
        until: Until,
        timeout: Duration,
        doing: &str,
    ) -> Result<(), Trouble> {
        let mut targets = Vec::new();
        for key in keys {
            let manifests = work.graph.find(key).iter().filter_map(|&id| work.graph.node(id));
            let Some(gvk) = manifests.filter_map(|node| GroupVersionKind::of(&node.manifest.object)).next() else {
                continue;
            };
            match self.locate(key, &gvk.api_version()).await {
                // Nothing of a kind that is not served can be there.
                Err(ClusterError::UnknownKind { .. }) if until == Until::Gone => {}
                Err(error) => return Err(Trouble::cluster(doing, &error)),
                Ok(object) => {
                    let name = self.name_of(&object);
                    let stays =
                        until == Until::Gone && self.kept.iter().any(|kept| kept.starts_with(&format!("{name}:")));
                    if !stays {
                        targets.push(object);
                    }
                }
            }
        }
        match self.wait_for(&targets, until, timeout).await {
            Ok(()) => Ok(()),
            Err(end) => Err(self.explain(doing.to_owned(), timeout, end).await),
        }
    }

    /// The first write of a run's record.
    async fn begin_record(&mut self, kind: PlanKind, record: &mut Release) -> Result<(), Trouble> {
        if kind == PlanKind::Uninstall {
            record.info.deleted = Some(self.now());
            record.set_status(Status::Uninstalling, "Deletion in progress (or silently failed)");
            return self.record(record).await;
        }
        record.writer = Some(self.writer());
        self.store.create(record, self.options.history_limit).await?;
        self.recorded = true;
        self.say_recorded(record);
        let schemas = std::mem::take(&mut self.schemas);
        self.record_schemas(&schemas).await
    }

    /// After a failed hook: those of its moment that ran and succeeded go, where their policies say so.
    async fn clean_up_after(&mut self, work: &Work<'_>, failed: HookEvent, ran: &[usize]) -> Result<(), Trouble> {
        for operation in &work.plan.operations {
            let is_of_moment = matches!(operation.action, Action::DeleteHook { event } if event == failed);
            if is_of_moment
                && operation.manifest.is_some_and(|place| ran.contains(&place.index))
                && let Some(object) = self.object_of(operation).await?
            {
                self.delete_hook(&object, "hook-delete-policy: hook-succeeded").await?;
            }
        }
        Ok(())
    }

    /// Sees to it that the release's namespace is there: the lock and the records live in it.
    pub(crate) fn namespace_object(set: &ManifestSet, namespace: &str) -> Option<Value> {
        let is_it = |object: &Value| object.kind() == "Namespace" && object.name() == namespace;
        set.manifests.iter().map(|m| &m.object).find(|object| is_it(object)).cloned()
    }

    /// The namespace as Helm makes it.
    pub(crate) fn bare_namespace(namespace: &str) -> Value {
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace, "labels": {"name": namespace}}})
    }
}

fn phase_of(action: &Action) -> Phase {
    match action {
        Action::CreateNamespace | Action::Record { stage: RecordStage::Pending } => Phase::Prepare,
        Action::CreateCrd => Phase::Definitions,
        Action::RunHook { event, .. } | Action::DeleteHook { event } => Phase::Hooks(*event),
        Action::TakeBackSchema | Action::CheckSchema => Phase::Schema,
        Action::Create | Action::Update { .. } | Action::Unchanged => Phase::Apply,
        Action::Delete | Action::Keep => Phase::Remove,
        Action::WaitReady { .. } | Action::WaitDeleted { .. } => Phase::Wait,
        Action::Record { stage: RecordStage::Final } => Phase::Finish,
    }
}

/// The action's name, as in a saved plan.
fn word(action: &Action) -> String {
    let name = serde_json::to_value(action).ok();
    name.and_then(|value| value["action"].as_str().map(str::to_owned)).unwrap_or_default()
}
