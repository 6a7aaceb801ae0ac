//! Runs one hook: clears its place, creates it, waits until it is done, cleans up as its policies say.

use bowline_cluster::{Apply, Delete, Metadata, ObjectRef};
use bowline_manifest::{DeletePolicy, HookEvent, Manifest, MigrationJob};
use bowline_release::{HookExecution, HookPhase, Release};
use serde_json::{Value, json};

use crate::cause::{Cause, Step};
use crate::health::{Health, completion_of};
use crate::record::policy_word;
use crate::run::{Run, Trouble};
use crate::wait::Until;
use crate::{FIELD_MANAGER, Happening, Phase};

/// A hook of the plan.
pub(crate) struct HookRun<'a> {
    pub(crate) event: HookEvent,
    pub(crate) weight: i64,
    /// Its place in the record.
    pub(crate) index: usize,
    pub(crate) manifest: &'a Manifest,
    pub(crate) object: ObjectRef,
    pub(crate) delete_before: bool,
    pub(crate) delete_on_failure: bool,
}

impl Run {
    /// Runs a hook to its end. Its logs are read before anything deletes it.
    pub(crate) async fn run_hook(&mut self, hook: &HookRun<'_>, record: &mut Release) -> Result<(), Trouble> {
        let object = &hook.object;
        let name = self.name_of(object);
        let doing = format!("{} hook {name}", hook.event);
        self.enter(Some(Phase::Hooks(hook.event)));
        self.clear_place(hook, &doing).await?;
        if let Some(entry) = record.hooks.get_mut(hook.index) {
            if entry.delete_policies.is_empty() {
                entry.delete_policies = vec![policy_word(DeletePolicy::BeforeHookCreation).to_owned()];
            }
            let started_at = Some(self.now());
            entry.last_run = HookExecution { started_at, completed_at: None, phase: HookPhase::Running };
        }
        self.store.update(record).await?;
        self.say(Happening::HookStarted { hook: hook.event, object: name.clone(), weight: hook.weight });
        let result = self.create_and_wait(hook, &doing).await;
        let succeeded = result.is_ok();
        let mut shows_log = false;
        if let Some(entry) = record.hooks.get_mut(hook.index) {
            entry.last_run.completed_at = Some(self.now());
            entry.last_run.phase = if succeeded { HookPhase::Succeeded } else { HookPhase::Failed };
            let policy = if succeeded { "hook-succeeded" } else { "hook-failed" };
            shows_log = entry.output_log_policies.iter().any(|p| p == policy);
        }
        if shows_log {
            let lines = self.hook_log(object).await;
            self.say(Happening::HookLog { object: name.clone(), lines });
        }
        match result {
            Ok(()) => {
                self.say(Happening::HookSucceeded { hook: hook.event, object: name });
                Ok(())
            }
            Err(trouble) => {
                let cause = Cause { steps: trouble.steps.clone(), hint: trouble.hint.clone() };
                self.say(Happening::HookFailed { hook: hook.event, object: name, cause });
                if hook.delete_on_failure
                    && !trouble.lock_lost
                    && let Err(second) = self.delete_hook(object, "hook-delete-policy: hook-failed").await
                {
                    // There is a failure to tell of already.
                    tracing::warn!(error = %second.message, "a failed hook could not be deleted");
                }
                Err(trouble)
            }
        }
    }

    async fn create_and_wait(&mut self, hook: &HookRun<'_>, doing: &str) -> Result<(), Trouble> {
        let live = self.get(&hook.object, doing).await?;
        self.apply(&hook.object, &hook.manifest.object, live.as_ref(), false).await.map_err(|mut trouble| {
            trouble.doing = doing.to_owned();
            trouble
        })?;
        let timeout = self.options.timeout;
        let wait = async {
            match self.wait_for(std::slice::from_ref(&hook.object), Until::Completed, timeout).await {
                Ok(()) => Ok(()),
                Err(end) => Err(self.explain(doing.to_owned(), timeout, end).await),
            }
        };
        match MigrationJob::of(&hook.manifest.object) {
            Some(migration) => self.watch_migration(hook, &migration, wait).await,
            None => wait.await,
        }
    }

    /// Deletes what stands where the hook is to stand: always under `before-hook-creation`; else only a Job or Pod of an
    /// earlier run that has ended. Applied over, such a one would not run again, and its old end would be taken for the
    /// new one's.
    async fn clear_place(&mut self, hook: &HookRun<'_>, doing: &str) -> Result<(), Trouble> {
        let Some(live) = self.get(&hook.object, doing).await? else { return Ok(()) };
        let ended = |object: &Value| match completion_of(object) {
            Health::Ready => matches!(object.kind(), "Job" | "Pod"),
            Health::Failed { .. } => true,
            Health::Waiting { .. } => false,
        };
        let reason = if hook.delete_before {
            "hook-delete-policy: before-hook-creation"
        } else if ended(&live) && live.annotation("helm.sh/hook").is_some() {
            "an earlier run of the hook left it"
        } else if matches!(live.kind(), "Job" | "Pod") && !self.can_become(hook, &live).await {
            "a run that ended before it left it, and it cannot be changed"
        } else {
            return Ok(());
        };
        self.delete_hook(&hook.object, reason).await
    }

    /// Whether a running hook that an interrupted run left can be gone on with: most of a Job cannot be changed.
    async fn can_become(&self, hook: &HookRun<'_>, live: &Value) -> bool {
        if live.annotation("helm.sh/hook").is_none() {
            return true;
        }
        let mut body = hook.manifest.object.clone();
        body["metadata"]["namespace"] = json!(hook.object.namespace);
        let how = Apply { field_manager: FIELD_MANAGER.to_owned(), force: true, dry_run: true };
        let tried = self.engine.cluster.apply(&hook.object, &body, &how).await;
        // Any other answer comes again when it is applied, and is told of then.
        !tried.is_err_and(|error| error.code() == Some(422))
    }

    /// Deletes a hook's object and waits until it is gone.
    pub(crate) async fn delete_hook(&mut self, object: &ObjectRef, reason: &str) -> Result<(), Trouble> {
        let doing = format!("delete {object}");
        let there = self.engine.cluster.delete(object, &Delete::default()).await;
        let there = there.map_err(|e| Trouble::cluster(&doing, &e))?;
        self.applied.remove(&object.key());
        if !there {
            return Ok(());
        }
        self.say(Happening::ObjectDeleted { object: self.name_of(object), reason: reason.to_owned() });
        let timeout = self.options.timeout;
        match self.wait_for(std::slice::from_ref(object), Until::Gone, timeout).await {
            Ok(()) => Ok(()),
            Err(end) => Err(self.explain(doing, timeout, end).await),
        }
    }

    pub(crate) async fn get(&self, object: &ObjectRef, doing: &str) -> Result<Option<Value>, Trouble> {
        self.engine.cluster.get(object).await.map_err(|e| {
            let mut trouble = Trouble::cluster(doing, &e);
            trouble.steps = vec![Step::new(object.to_string(), e.reason(), e.to_string())];
            trouble
        })
    }
}
