//! Waits for objects: by watching them, with a deadline, and always able to say for what.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bowline_cluster::{ClusterError, Metadata, ObjectRef, Selection, WatchEvent};
use bowline_manifest::GroupVersionKind;
use futures::FutureExt;
use futures::future::BoxFuture;
use futures::stream::{FuturesUnordered, SelectAll, StreamExt, select_all};
use serde_json::Value;
use tokio::time::Instant;

use crate::health::{Health, completion_of, health_of, job_completed};
use crate::pods::{Answer, Pods, Question, Word};
use crate::run::{Run, Stop};
use crate::{Happening, Waiting};

/// After how long what pods say is taken for what their nodes say now: a node that has just started looks at them first.
const SETTLING: Duration = Duration::from_secs(3);

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Until {
    /// Ready by the rule of its kind.
    Ready,
    /// Ready, and Jobs completed.
    JobsCompleted,
    /// Run to its end, as hooks are.
    Completed,
    /// Gone.
    Gone,
}

/// When a wait ended without what it was for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// The deadline passed.
    TimedOut,
    /// Waiting longer would not help.
    Certain,
    /// It was asked to stop: most often because something hangs.
    Interrupted,
}

/// Why a wait ended without what it was for.
pub(crate) enum WaitEnd {
    NotThere {
        object: ObjectRef,
        health: Health,
        /// Its last state, where there is one.
        live: Option<Box<Value>>,
        /// Other objects that are not there either.
        others: usize,
        until: Until,
        ended: Ended,
    },
    Stopped(Stop),
    Cluster(ClusterError),
}

/// What the watches have shown so far.
struct View<'a> {
    targets: &'a [ObjectRef],
    until: Until,
    groups: Vec<(GroupVersionKind, String)>,
    listed: BTreeSet<usize>,
    objects: BTreeMap<ObjectRef, Value>,
    /// Objects that were there, and went away while they were waited for.
    lost: BTreeSet<ObjectRef>,
    pods: Pods,
}

type Watches = SelectAll<futures::stream::BoxStream<'static, (Source, Result<WatchEvent, ClusterError>)>>;

enum Heard {
    Settled,
    Watch(Option<(Source, Result<WatchEvent, ClusterError>)>),
    Answer(Answer),
}

#[derive(Clone, Copy)]
enum Source {
    /// The targets of a group, by index.
    Targets(usize),
    /// Pods, which tell why a workload is not ready.
    Pods,
}

impl Run {
    /// Waits until all of `targets` are as wanted. Ends early where one cannot become so.
    pub(crate) async fn wait_for(&self, targets: &[ObjectRef], until: Until, timeout: Duration) -> Result<(), WaitEnd> {
        if targets.is_empty() {
            return Ok(());
        }
        let deadline = Instant::now() + timeout;
        let settled = Instant::now() + SETTLING;
        let mut view = View::of(targets, until);
        let mut watches = self.watches(&view).await.map_err(WaitEnd::Cluster)?;
        let mut said: Option<Waiting> = None;
        let mut answers: FuturesUnordered<BoxFuture<'_, Answer>> = FuturesUnordered::new();
        loop {
            let event = tokio::select! {
                biased;
                stop = self.stopped() => return Err(match stop {
                    Stop::Cancelled => view.end(Ended::Interrupted),
                    lost @ Stop::LockLost(_) => WaitEnd::Stopped(lost),
                }),
                () = tokio::time::sleep_until(deadline) => return Err(view.end(Ended::TimedOut)),
                () = tokio::time::sleep_until(settled), if !view.pods.settled => Heard::Settled,
                Some(answer) = answers.next() => Heard::Answer(answer),
                event = watches.next() => Heard::Watch(event),
            };
            match event {
                Heard::Settled => view.pods.settled = true,
                Heard::Answer(answer) => view.pods.learn(answer),
                Heard::Watch(event) => match event {
                    Some((Source::Targets(group), Ok(event))) => {
                        if let WatchEvent::Interrupted(error) = &event {
                            self.say(Happening::Interrupted { message: error.to_string() });
                        }
                        view.take(group, event);
                    }
                    Some((Source::Pods, Ok(event))) => view.pods.take(event),
                    // Its kind went with its definition, and everything of it.
                    Some((Source::Targets(group), Err(error))) if until == Until::Gone && error.is_not_found() => {
                        view.take(group, WatchEvent::Listed(Vec::new()));
                    }
                    Some((Source::Targets(_), Err(error))) => return Err(WaitEnd::Cluster(error)),
                    // Without a look at pods the wait goes on; it only knows less.
                    Some((Source::Pods, Err(_))) => {}
                    None => return Err(view.end(Ended::TimedOut)),
                },
            }
            if view.listed.len() < view.groups.len() {
                continue;
            }
            if view.is_done() {
                return Ok(());
            }
            if view.failed() {
                return Err(view.end(Ended::Certain));
            }
            for question in view.questions() {
                answers.push(self.answer(question).boxed());
            }
            let mut now = view.waiting(self);
            now.seconds_left = said.as_ref().map_or(0, |last| last.seconds_left);
            if said.as_ref() != Some(&now) {
                now.seconds_left = deadline.saturating_duration_since(Instant::now()).as_secs();
                self.say(Happening::Waiting(now.clone()));
                said = Some(now);
            }
        }
    }

    async fn watches(&self, view: &View<'_>) -> Result<Watches, ClusterError> {
        let mut watches = Vec::new();
        for (index, (gvk, namespace)) in view.groups.iter().enumerate() {
            let resource = self.engine.cluster.resource(gvk).await?;
            let mut selection = Selection::namespace(namespace);
            let mut names = view.targets.iter().filter(|t| t.gvk == *gvk && t.namespace == *namespace).map(|t| &t.name);
            if let (Some(name), None) = (names.next(), names.next()) {
                selection = selection.with_name(name);
            }
            let watch = self.engine.cluster.watch(&resource, &selection);
            watches.push(watch.map(move |event| (Source::Targets(index), event)).boxed());
        }
        if view.until != Until::Gone {
            let runs_pods = |gvk: &GroupVersionKind| matches!(gvk.group.as_str(), "apps" | "batch");
            let namespaces: BTreeSet<&String> =
                view.groups.iter().filter(|(gvk, _)| runs_pods(gvk)).map(|(_, namespace)| namespace).collect();
            let pods = self.engine.cluster.resource(&GroupVersionKind::new("v1", "Pod")).await?;
            for namespace in namespaces {
                let watch = self.engine.cluster.watch(&pods, &Selection::namespace(namespace));
                watches.push(watch.map(|event| (Source::Pods, event)).boxed());
            }
        }
        Ok(select_all(watches))
    }
}

impl<'a> View<'a> {
    fn of(targets: &'a [ObjectRef], until: Until) -> Self {
        let groups: BTreeSet<(GroupVersionKind, String)> =
            targets.iter().map(|t| (t.gvk.clone(), t.namespace.clone())).collect();
        Self {
            targets,
            until,
            groups: groups.into_iter().collect(),
            listed: BTreeSet::new(),
            objects: BTreeMap::new(),
            lost: BTreeSet::new(),
            pods: Pods::default(),
        }
    }

    fn take(&mut self, group: usize, event: WatchEvent) {
        let Some((gvk, namespace)) = self.groups.get(group).cloned() else { return };
        let target = |object: &Value| ObjectRef {
            gvk: gvk.clone(),
            namespace: namespace.clone(),
            name: object.name().to_owned(),
        };
        match event {
            WatchEvent::Listed(objects) => {
                self.listed.insert(group);
                let there: BTreeSet<ObjectRef> = objects.iter().map(&target).collect();
                let gone: Vec<ObjectRef> = self
                    .objects
                    .keys()
                    .filter(|o| o.gvk == gvk && o.namespace == namespace && !there.contains(*o))
                    .cloned()
                    .collect();
                gone.into_iter().for_each(|object| self.lose(object));
                for object in objects {
                    self.see(target(&object), object);
                }
            }
            WatchEvent::Changed(object) => self.see(target(&object), object),
            WatchEvent::Deleted(object) => self.lose(target(&object)),
            WatchEvent::Interrupted(_) => {}
        }
    }

    fn see(&mut self, target: ObjectRef, object: Value) {
        if self.targets.contains(&target) {
            self.lost.remove(&target);
            self.objects.insert(target, object);
        }
    }

    fn lose(&mut self, target: ObjectRef) {
        if self.objects.remove(&target).is_some() {
            self.lost.insert(target);
        }
    }

    fn health(&self, target: &ObjectRef) -> Health {
        let Some(object) = self.objects.get(target) else {
            return match self.until {
                Until::Gone => Health::Ready,
                // A finished Job may be cleaned away by its time to live, but whether it succeeded nobody can tell then.
                _ if self.lost.contains(target) => Health::Failed {
                    reason: "Deleted".into(),
                    message: "it was deleted while it was waited for".into(),
                },
                _ => Health::Waiting { reason: "Missing".into(), message: "it is not in the cluster".into() },
            };
        };
        match self.until {
            Until::Gone => {
                let held = object["metadata"]["finalizers"].as_array().filter(|list| !list.is_empty());
                let by = held.map(|list| list.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", "));
                let grace =
                    object["metadata"]["deletionGracePeriodSeconds"].as_u64().filter(|_| object.kind() == "Pod");
                let message = match (by, grace) {
                    (Some(by), _) => format!("it is held by {by}"),
                    (None, Some(seconds)) => format!("it is ending, and has {seconds}s for that"),
                    (None, None) => "it is still there".to_owned(),
                };
                Health::Waiting { reason: "Terminating".into(), message }
            }
            Until::Completed => completion_of(object),
            Until::JobsCompleted if object.kind() == "Job" => job_completed(object),
            Until::Ready | Until::JobsCompleted => health_of(object),
        }
    }

    fn is_done(&self) -> bool {
        self.targets.iter().all(|target| self.health(target).is_ready())
    }

    fn failed(&self) -> bool {
        self.targets.iter().any(|target| match self.health(target) {
            Health::Failed { .. } => true,
            Health::Waiting { .. } => self.pod_says(target).is_some_and(|word| word.certain),
            Health::Ready => false,
        })
    }

    /// What to ask about the pods of what is not there.
    fn questions(&mut self) -> Vec<Question> {
        if self.until == Until::Gone {
            return Vec::new();
        }
        let open: Vec<&ObjectRef> = self.targets.iter().filter(|target| !self.health(target).is_ready()).collect();
        let Self { objects, pods, .. } = self;
        open.into_iter().filter_map(|target| objects.get(target)).flat_map(|live| pods.questions(live)).collect()
    }

    /// Of everything that is not there: what failed, else what tells most.
    fn worst(&self) -> Option<(&'a ObjectRef, Health)> {
        let open = self.targets.iter().map(|target| (target, self.health(target))).filter(|(_, h)| !h.is_ready());
        // Of equals, max_by_key takes the last.
        open.rev().max_by_key(|(target, health)| match (health, self.pod_says(target)) {
            (Health::Failed { .. }, _) => 4,
            (_, Some(Word { certain: true, .. })) => 3,
            (_, Some(_)) => 2,
            _ => 1,
        })
    }

    fn pod_says(&self, target: &ObjectRef) -> Option<Word> {
        if self.until == Until::Gone {
            return None;
        }
        self.pods.say(self.objects.get(target)?)
    }

    fn waiting(&self, run: &Run) -> Waiting {
        let ready = self.targets.iter().filter(|target| self.health(target).is_ready()).count();
        let (object, reason, message) = match self.worst() {
            Some((target, health)) => {
                let (reason, message) = health.why();
                let told = self.pod_says(target).map(|word| (word.reason, word.message));
                let (reason, message) = told.unwrap_or_else(|| (reason.to_owned(), message.to_owned()));
                (run.name_of(target), reason, message)
            }
            None => Default::default(),
        };
        Waiting { object, reason, message, ready, of: self.targets.len(), seconds_left: 0 }
    }

    fn end(&self, ended: Ended) -> WaitEnd {
        let open = self.targets.iter().filter(|target| !self.health(target).is_ready()).count();
        let (object, health) = match self.worst() {
            Some((object, health)) => (object.clone(), health),
            // Everything came in the very moment the deadline passed, or the server never answered a list.
            None => match self.targets.first() {
                Some(first) => (
                    first.clone(),
                    Health::Waiting { reason: "Unknown".into(), message: "the api server did not list it".into() },
                ),
                None => return WaitEnd::Stopped(Stop::Cancelled),
            },
        };
        let live = self.objects.get(&object).cloned().map(Box::new);
        WaitEnd::NotThere { object, health, live, others: open.saturating_sub(1), until: self.until, ended }
    }
}
