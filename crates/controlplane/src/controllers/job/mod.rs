//! Jobs: pods that end, as many successes as asked for, and not more failures than allowed.
//!
//! Source of the rules: `pkg/controller/job` of Kubernetes 1.36. Not served yet: pod failure policies, success policies,
//! back-off limits per index.

mod backoff;
mod indexed;
mod spec;
mod status;

use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::{pods, ranking};
use crate::control_loop::{
    Backoff, Change, Cluster, Context, Controller, Key, add_finalizer, has_finalizer, remove_finalizer, unless_gone,
};
use crate::error::Error;
use crate::kind;
use crate::object::{Fields, Selector, owner, pod, template};

/// How many pods one pass makes or deletes at most.
const BURST: usize = 500;

/// Reconciles Jobs.
#[derive(Debug, Default)]
pub(crate) struct JobController {
    failures: backoff::Records,
}

impl Controller for JobController {
    fn name(&self) -> &'static str {
        "job-controller"
    }

    fn keys(&mut self, change: &Change, cluster: &Cluster) -> Vec<Key> {
        if change.is(kind::JOB) {
            if let Some(gone) = change.gone() {
                self.failures.remove(gone.uid());
            }
            return vec![change.key()];
        }
        if !change.is(kind::POD) {
            return Vec::new();
        }
        let mut keys = pods::owners(change, kind::JOB, cluster);
        // A pod that lost its Job is let go by the pass over the name of that Job.
        if let Some(pod) = &change.new
            && has_finalizer(pod, spec::TRACKING)
            && owner::controller_of(pod).is_none()
            && let Some(job) = pod.label("batch.kubernetes.io/job-name")
        {
            keys.push(Key::new(pod.namespace(), job));
        }
        keys
    }

    fn backoff(&self) -> Backoff {
        Backoff { first: Duration::from_secs(1), most: Duration::from_secs(60) }
    }

    fn reconcile(&mut self, context: &mut Context<'_>, key: &Key) -> Result<(), Error> {
        let job = context.cluster.get(kind::JOB, key);
        let Some(job) = job.filter(|job| spec::finished(job).is_none()) else {
            let finished = context.cluster.get(kind::JOB, key);
            release_pods(context, key)?;
            return finished.map_or(Ok(()), |job| {
                self.failures.remove(job.uid());
                expire(context, &job)
            });
        };
        let manager = job.text("/spec/managedBy");
        if !manager.is_empty() && manager != "kubernetes.io/job-controller" {
            return Ok(());
        }
        let mut job = Value::clone(&job);
        if !job.has("/status/uncountedTerminatedPods") {
            job.put("/status/uncountedTerminatedPods", json!({}));
        }
        let selector = match job.pointer("/spec/selector") {
            Some(selector) => Selector::of(Some(selector)),
            None => Selector::of_map(Some(&json!({"batch.kubernetes.io/controller-uid": job.uid()}))),
        };
        let mut found = context.cluster.controlled_by(kind::POD, &job);
        found.extend(context.cluster.uncontrolled(kind::POD, job.namespace()));
        let pods = context.cluster.claim(kind::POD, found, kind::JOB, &job, &selector, Some(spec::TRACKING))?;
        Pass { context, job, pods, failures: &mut self.failures }.run()
    }
}

/// Lets go of pods whose Job is gone or has ended: nobody will count them.
fn release_pods(context: &Context<'_>, key: &Key) -> Result<(), Error> {
    for pod in context.cluster.list(kind::POD, &key.namespace) {
        let owned = match owner::controller_of(&pod) {
            Some(reference) => reference.text("/kind") == "Job" && reference.text("/name") == key.name,
            None => pod.label("batch.kubernetes.io/job-name") == Some(key.name.as_str()),
        };
        if owned && has_finalizer(&pod, spec::TRACKING) {
            let mut released = Value::clone(&pod);
            remove_finalizer(&mut released, spec::TRACKING);
            unless_gone(context.cluster.update(kind::POD, released))?;
        }
    }
    Ok(())
}

/// Deletes a Job that has ended, once its time to live has passed.
fn expire(context: &mut Context<'_>, job: &Value) -> Result<(), Error> {
    let Some(seconds) = job.int("/spec/ttlSecondsAfterFinished").filter(|_| !job.is_terminating()) else {
        return Ok(());
    };
    let ended =
        spec::finished(job).and_then(|c| c.text("/lastTransitionTime").parse::<bowline_clock::Timestamp>().ok());
    let Some(ended) = ended else { return Ok(()) };
    let left = ended.duration_since(context.clock.now()) + SignedDuration::from_secs(seconds);
    if left > SignedDuration::ZERO {
        context.again_after(left);
        return Ok(());
    }
    context.cluster.delete_with(&kind::JOB.resource(), job, bowline_apiserver::Propagation::Foreground)
}

/// One pass over one Job; `job` is kept as last written.
struct Pass<'a, 'c> {
    context: &'a mut Context<'c>,
    job: Value,
    pods: Vec<Arc<Value>>,
    failures: &'a mut backoff::Records,
}

/// What the pods come to, as a pass changes them.
struct Counts {
    active: Vec<Arc<Value>>,
    /// `active.len()` with what this pass made and deleted.
    active_now: i64,
    ready: i64,
    leaving: i64,
    succeeded: i64,
    failed: i64,
}

impl Pass<'_, '_> {
    fn run(mut self) -> Result<(), Error> {
        let (noted_succeeded, noted_failed) = status::uncounted(&self.job);
        let fresh = |p: &&Arc<Value>| {
            has_finalizer(p, spec::TRACKING) && !noted_succeeded.contains(p.uid()) && !noted_failed.contains(p.uid())
        };
        let succeeded: Vec<_> =
            self.pods.iter().filter(fresh).filter(|p| p.text("/status/phase") == "Succeeded").cloned().collect();
        let failed: Vec<_> =
            self.pods.iter().filter(fresh).filter(|p| spec::is_failed(&self.job, p)).cloned().collect();
        let active: Vec<_> = self.pods.iter().filter(|p| pod::is_active(p)).cloned().collect();
        let number = |field: &str| self.job.int(field).unwrap_or(0);
        let mut counts = Counts {
            active_now: active.len() as i64,
            ready: spec::count_ready(active.iter().map(|p| &**p)),
            leaving: self.pods.iter().filter(|p| pod::is_leaving(p)).count() as i64,
            succeeded: number("/status/succeeded") + (succeeded.len() + noted_succeeded.len()) as i64,
            failed: number("/status/failed") + (failed.len() + noted_failed.len()) as i64,
            active,
        };
        if indexed::is_indexed(&self.job) {
            counts.succeeded = indexed::done(&self.job, &self.pods).len() as i64;
        }
        if !self.job.has("/status/startTime") && !spec::is_suspended(&self.job) {
            let now = self.context.clock.rfc3339();
            self.job.put("/status/startTime", now);
        }
        let failures = self.failures.get(self.job.uid()).copied().unwrap_or_default().with(&succeeded, &failed);
        self.failures.insert(self.job.uid().to_owned(), failures);

        let mut finished = self.ending(&counts);
        let mut managed = Ok(());
        let mut noted = false;
        if finished.is_some() {
            managed = self.delete_active(&mut counts);
            if managed.is_err() {
                finished = None;
            }
        } else {
            if !self.job.is_terminating() {
                managed = self.manage(&mut counts, failures);
            }
            if self.is_complete(&counts) {
                let now = self.context.clock.rfc3339();
                let message = "Reached expected number of succeeded pods";
                finished = Some(status::condition("SuccessCriteriaMet", "True", "CompletionsReached", message, &now));
            } else if !self.job.is_terminating() {
                noted = self.note_suspension();
            }
        }
        let shown = [("/status/ready", counts.ready), ("/status/terminating", counts.leaving)];
        let mut changed = noted || self.job.int("/status/active").unwrap_or(0) != counts.active_now;
        changed |= shown.iter().any(|(field, n)| self.job.int(field) != Some(*n));
        let active = if counts.active_now == 0 { Value::Null } else { Value::from(counts.active_now) };
        self.job.put("/status/active", active);
        for (field, number) in shown {
            self.job.put(field, number);
        }
        status::track(&mut self, finished, changed)?;
        managed
    }

    /// The condition with which the Job ends, where it has to: as decided before, by too many failures, or by its deadline.
    fn ending(&mut self, counts: &Counts) -> Option<Value> {
        if let Some(decided) =
            spec::condition(&self.job, "SuccessCriteriaMet").or(spec::condition(&self.job, "FailureTarget"))
        {
            return Some(decided.clone());
        }
        let now = self.context.clock.rfc3339();
        let failure =
            |reason: &str, message: &str| Some(status::condition("FailureTarget", "True", reason, message, &now));
        let past_restarts = spec::is_past_restarts(&self.job, self.pods.iter().map(|p| &**p));
        if counts.failed > spec::backoff_limit(&self.job) || past_restarts {
            return failure("BackoffLimitExceeded", "Job has reached the specified backoff limit");
        }
        let left = spec::until_deadline(&self.job, self.context.clock.now())?;
        if left <= SignedDuration::ZERO {
            return failure("DeadlineExceeded", "Job was active longer than specified deadline");
        }
        self.context.again_after(left);
        None
    }

    fn is_complete(&self, counts: &Counts) -> bool {
        let enough = match spec::completions(&self.job) {
            None => counts.succeeded > 0,
            Some(wanted) => counts.succeeded >= wanted,
        };
        enough && counts.active_now == 0
    }

    fn delete_active(&mut self, counts: &mut Counts) -> Result<(), Error> {
        let mut failure = Ok(());
        for pod in counts.active.clone() {
            if let Err(error) = pods::delete(self.context, kind::JOB, &self.job, &pod) {
                failure = failure.and(Err(error));
            } else {
                counts.left(&pod);
            }
        }
        failure
    }

    /// Deletes pods that are not to be counted.
    fn withdraw(&mut self, counts: &mut Counts, pods: &[Arc<Value>]) -> Result<(), Error> {
        for pod in pods {
            let mut released = Value::clone(pod);
            remove_finalizer(&mut released, spec::TRACKING);
            unless_gone(self.context.cluster.update(kind::POD, released))?;
            pods::delete(self.context, kind::JOB, &self.job, pod)?;
            counts.left(pod);
        }
        Ok(())
    }

    /// Makes pods where there are too few, and deletes some where there are too many.
    fn manage(&mut self, counts: &mut Counts, failures: backoff::Failures) -> Result<(), Error> {
        if spec::is_suspended(&self.job) {
            let all = counts.active.clone();
            return self.withdraw(counts, &all);
        }
        let wanted = match spec::completions(&self.job) {
            None if counts.succeeded > 0 => counts.active_now,
            None => spec::parallelism(&self.job),
            Some(completions) => (completions - counts.succeeded).min(spec::parallelism(&self.job)).max(0),
        };
        let surplus = self.surplus(counts, wanted);
        if !surplus.is_empty() {
            return self.withdraw(counts, &surplus);
        }
        let leaving = if spec::replaces_only_failed(&self.job) { counts.leaving } else { 0 };
        let missing = usize::try_from(wanted - leaving - counts.active_now).unwrap_or(0).min(BURST);
        if missing == 0 {
            return Ok(());
        }
        let wait = failures.wait(self.context.clock.now());
        if !wait.is_zero() {
            self.context.again_after(wait.max(SignedDuration::from_secs(1)));
            return Ok(());
        }
        let job = self.job.clone();
        let indexes = indexed::is_indexed(&job)
            .then(|| indexed::pending(&job, &indexed::done(&job, &self.pods), &counts.active, missing));
        let count = indexes.as_ref().map_or(missing, Vec::len);
        let made = pods::create(self.context, kind::JOB, &job, count, |number| {
            let mut pod = new_pod(&job);
            if let Some(index) = indexes.as_ref().and_then(|i| i.get(number)) {
                indexed::number(&mut pod, &job, *index);
            }
            pod
        });
        counts.active_now += made.made as i64;
        made.result
    }

    fn surplus(&self, counts: &Counts, wanted: i64) -> Vec<Arc<Value>> {
        let too_many = usize::try_from(counts.active_now - wanted).unwrap_or(0);
        let mut going =
            if indexed::is_indexed(&self.job) { indexed::superfluous(&self.job, &counts.active) } else { Vec::new() };
        if going.len() < too_many {
            let mut left: Vec<_> =
                counts.active.iter().filter(|p| !going.iter().any(|g| g.uid() == p.uid())).cloned().collect();
            ranking::sort_for_deletion(&mut left, &[], self.context.clock.now());
            going.extend(left.into_iter().take(too_many - going.len()));
        }
        going.truncate(BURST);
        going
    }

    /// Notes in a condition that the Job was suspended or resumed. True where that changed something.
    fn note_suspension(&mut self) -> bool {
        let now = self.context.clock.rfc3339();
        let job = &mut self.job;
        if spec::is_suspended(job) {
            let changed =
                status::ensure(job, status::condition("Suspended", "True", "JobSuspended", "Job suspended", &now));
            if changed {
                job.put("/status/startTime", Value::Null);
                self.context.event(kind::JOB, job, "Normal", "Suspended", "Job suspended");
            }
            return changed;
        }
        let changed = status::ensure(job, status::condition("Suspended", "False", "JobResumed", "Job resumed", &now));
        if changed {
            // The deadline counts from here.
            job.put("/status/startTime", now);
            self.context.event(kind::JOB, job, "Normal", "Resumed", "Job resumed");
        }
        changed
    }
}

impl Counts {
    /// Takes note of an active pod's deletion.
    fn left(&mut self, pod: &Value) {
        self.active_now -= 1;
        self.leaving += 1;
        self.ready -= i64::from(pod::is_ready(pod));
    }
}

/// A pod of the Job's template, with the labels that every pod of a Job has.
fn new_pod(job: &Value) -> Value {
    let reference = owner::controller_reference(kind::JOB, job);
    let mut pod = template::pod_of(&job["spec"]["template"], job.name(), job.namespace(), &reference);
    for (label, value) in [
        ("batch.kubernetes.io/controller-uid", job.uid()),
        ("batch.kubernetes.io/job-name", job.name()),
        ("controller-uid", job.uid()),
        ("job-name", job.name()),
    ] {
        if pod.label(label).is_none() {
            pod = template::with_label(&pod, "/metadata/labels", label, value);
        }
    }
    add_finalizer(&mut pod, spec::TRACKING);
    pod
}
