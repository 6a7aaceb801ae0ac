//! What every cluster must show under this engine: the same scenarios, with the same assertions, for the real control
//! plane and the embedded one. For tests only (feature `test-support`); a scenario that does not hold panics.
//!
//! A cluster says how its pods are made to end well or badly ([`World::play`]); the rest is Kubernetes.

// Test code outside of a test crate.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bowline_clock::Clock;
use bowline_cluster::{Cluster, Metadata, ObjectRef, Selection};
use bowline_manifest::{GroupVersionKind, Hook, HookEvent, Manifest, ManifestSet, Source};
use bowline_plan::Order;
use bowline_release::{ChartRecord, HookPhase, Lock, LockOptions, Release, ReleaseStore, Status};
use serde_json::{Value, json};

use crate::{
    Cancel, Change, DeployRequest, Engine, EngineError, Event, EventSink, Happening, RollbackRequest, Undone,
    UninstallRequest,
};

mod documents;
mod migrations;

pub use documents::odd_documents;
pub use migrations::{
    argo_migration_outlives_its_job, migration_leaves_evidence, rollback_knows_the_schema, schema_gate,
};

/// How the containers of a pod fare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Play {
    /// They start, become ready, and stay.
    Serve,
    /// They end with exit code 0; for Jobs.
    Complete,
    /// They end with exit code 1; for Jobs.
    Fail,
    /// They start, and never become ready (Deployments) or never end (Jobs).
    Hang,
    /// They end with exit code 3, again and again.
    Crash,
    /// They cannot start before this Secret is there; then they do as under `Complete`.
    NeedSecret(&'static str),
}

/// A cluster to play on.
#[derive(Clone)]
pub struct World {
    /// The cluster.
    pub cluster: Cluster,
    /// Its clock.
    pub clock: Clock,
    /// Changes a pod template (`metadata`, `spec`) so that its containers fare that way.
    pub play: fn(&mut Value, Play),
    /// Whether pods really wait for the Secrets they name.
    pub checks_references: bool,
    /// Whether containers' logs can be read, and `Fail` and `Crash` write some.
    pub has_logs: bool,
    /// How long a wait may take that is to fail. Under a paused clock it costs nothing.
    pub patience: Duration,
}

/// Keeps what was said.
#[derive(Clone, Debug, Default)]
pub struct Recorder(Arc<Mutex<Vec<Event>>>);

impl Recorder {
    /// What was said so far.
    pub fn events(&self) -> Vec<Event> {
        self.0.lock().unwrap().clone()
    }

    fn has(&self, wanted: impl Fn(&Happening) -> bool) -> bool {
        self.events().iter().any(|event| wanted(&event.what))
    }
}

impl EventSink for Recorder {
    fn event(&self, event: &Event) {
        let line = serde_json::to_string(event).unwrap();
        assert_eq!(serde_json::from_str::<Event>(&line).unwrap(), *event, "an event survives its own JSON");
        self.0.lock().unwrap().push(event.clone());
    }
}

/// A release in a namespace of its own.
pub struct Stage {
    world: World,
    namespace: String,
    /// What the engine said.
    pub said: Recorder,
    engine: Engine,
}

impl Stage {
    /// In a new world's namespace, which nobody uses yet.
    pub fn new(world: &World, namespace: &str) -> Self {
        let said = Recorder::default();
        let engine = Engine::new(world.cluster.clone(), world.clock.clone(), "tester@here", Arc::new(said.clone()));
        Self { world: world.clone(), namespace: namespace.to_owned(), said, engine }
    }

    /// The engine, as `tester@here`.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    fn store(&self) -> ReleaseStore {
        self.engine.releases(&self.namespace)
    }

    /// A deployment of these manifests as release `web`, quick to give up.
    pub fn request(&self, set: ManifestSet) -> DeployRequest {
        let mut request = DeployRequest::new("web", &self.namespace, set);
        request.options.timeout = Duration::from_secs(60);
        request.options.lock.heartbeat = Duration::from_secs(1);
        request.chart = chart();
        request
    }

    async fn deploy(&self, set: ManifestSet) -> Release {
        let outcome = self.engine.deploy(self.request(set), &Cancel::never()).await;
        outcome.unwrap_or_else(|error| panic!("{error}\n{}", cause_of(&error))).release
    }

    async fn deploy_fails(&self, request: DeployRequest) -> EngineError {
        match self.engine.deploy(request, &Cancel::never()).await {
            Ok(outcome) => panic!("revision {} succeeded", outcome.release.version),
            Err(error) => error,
        }
    }

    async fn get(&self, api_version: &str, kind: &str, name: &str) -> Option<Value> {
        self.world.cluster.get(&ObjectRef::new(api_version, kind, &self.namespace, name)).await.unwrap()
    }

    async fn map(&self, name: &str) -> Option<Value> {
        self.get("v1", "ConfigMap", name).await
    }

    async fn statuses(&self) -> Vec<(u32, Status)> {
        self.store().history("web").await.unwrap().iter().map(|r| (r.version, r.info.status)).collect()
    }

    fn deployment(&self, name: &str, replicas: u32, play: Play) -> Value {
        let mut object = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name},
            "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": name}}, "template": self.pod(name, play)}});
        object["spec"]["strategy"] = json!({"type": "RollingUpdate"});
        object
    }

    fn job(&self, name: &str, play: Play, annotations: &Value) -> Value {
        let mut template = self.pod(name, play);
        template["spec"]["restartPolicy"] = json!("Never");
        json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name, "annotations": annotations},
            "spec": {"backoffLimit": 0, "template": template}})
    }

    fn pod(&self, name: &str, play: Play) -> Value {
        let container = match play {
            Play::NeedSecret(secret) => json!({"name": "main", "image": "main:1",
                "envFrom": [{"secretRef": {"name": secret}}]}),
            _ => json!({"name": "main", "image": "main:1"}),
        };
        let mut template = json!({"metadata": {"labels": {"app": name}}, "spec": {"containers": [container]}});
        (self.world.play)(&mut template, play);
        template
    }
}

/// The whole life of a release: install, upgrade, rollback, uninstall; hooks, removal, what is kept.
pub async fn life(world: &World, namespace: &str) {
    let stage = Stage::new(world, namespace);
    let hook = json!({"helm.sh/hook": "pre-install,pre-upgrade", "helm.sh/hook-weight": "-5",
        "helm.sh/hook-delete-policy": "before-hook-creation,hook-succeeded"});
    let set = |color: &str, replicas: u32, more: Vec<Value>| {
        let mut objects = vec![config_map("colors", color)];
        objects.extend(more);
        let service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"},
            "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]}});
        objects.extend([service, stage.deployment("web", replicas, Play::Serve)]);
        manifests(objects, vec![stage.job("migrate", Play::Complete, &hook)])
    };
    let mut kept = config_map("kept", "x");
    kept["metadata"]["annotations"] = json!({"helm.sh/resource-policy": "keep"});

    let next = stage.engine.next("web", namespace).await.unwrap();
    assert_eq!((next.revision, next.is_install), (1, true));
    let first = stage.deploy(set("red", 1, vec![config_map("old", "x"), kept])).await;
    assert_eq!((first.version, first.info.status), (1, Status::Deployed));
    assert_eq!(first.info.description, "Install complete");
    assert_eq!(first.hooks[0].last_run.phase, HookPhase::Succeeded);
    assert!(stage.get("batch/v1", "Job", "migrate").await.is_none(), "hook-succeeded");
    let colors = stage.map("colors").await.unwrap();
    assert_eq!(colors.label("app.kubernetes.io/managed-by"), Some("Helm"));
    assert_eq!(colors.annotation("meta.helm.sh/release-name"), Some("web"));
    let web = stage.get("apps/v1", "Deployment", "web").await.unwrap();
    assert_eq!(web["status"]["readyReplicas"], 1);
    let (_, objects) = stage.engine.status("web", namespace).await.unwrap();
    assert!(objects.iter().all(|o| o.health.as_ref().is_some_and(crate::Health::is_ready)), "{objects:?}");
    let order = |wanted: &str| {
        let events = stage.said.events();
        events.iter().position(|e| serde_json::to_value(&e.what).unwrap()["event"] == wanted).unwrap_or(usize::MAX)
    };
    let row = ["release-locked", "planned", "revision-recorded", "hook-started", "hook-succeeded", "object-applied"];
    assert!(row.windows(2).all(|pair| order(pair[0]) < order(pair[1])), "{:#?}", stage.said.events());

    let plan = stage.engine.plan(&stage.request(set("blue", 2, vec![]))).await.unwrap();
    assert_eq!((plan.summary().update, plan.summary().delete, plan.summary().keep), (2, 1, 1), "{plan:#?}");
    let second = stage.deploy(set("blue", 2, vec![])).await;
    assert_eq!((second.version, second.info.description.as_str()), (2, "Upgrade complete"));
    assert_eq!(second.info.first_deployed, first.info.first_deployed);
    assert_eq!(stage.statuses().await, [(1, Status::Superseded), (2, Status::Deployed)]);
    assert_eq!(stage.map("colors").await.unwrap()["data"]["v"], "blue");
    assert!(stage.map("old").await.is_none() && stage.map("kept").await.is_some());
    let service = "Service/web".to_owned();
    assert!(stage.said.has(|w| *w == Happening::ObjectApplied { object: service.clone(), change: Change::Unchanged }));

    let request = RollbackRequest::new("web", namespace, None);
    let third = stage.engine.rollback(request, &Cancel::never()).await.unwrap().release;
    assert_eq!((third.version, third.info.description.as_str(), third.info.rollback_revision), (3, "Rollback to 1", 1));
    assert_eq!(stage.map("colors").await.unwrap()["data"]["v"], "red");
    assert!(stage.map("old").await.is_some(), "what had left is back");
    let nowhere = RollbackRequest::new("web", namespace, Some(9));
    let error = stage.engine.rollback(nowhere, &Cancel::never()).await.unwrap_err();
    assert!(matches!(error, EngineError::NoRevision { revision: 9, .. }), "{error}");

    let request = UninstallRequest::new("web", namespace);
    let outcome = stage.engine.uninstall(request.clone(), &Cancel::never()).await.unwrap();
    assert_eq!(outcome.kept.len(), 1, "{:?}", outcome.kept);
    assert!(stage.map("colors").await.is_none() && stage.map("kept").await.is_some());
    assert!(stage.get("apps/v1", "Deployment", "web").await.is_none());
    let pods = world.cluster.resource(&GroupVersionKind::new("v1", "Pod")).await.unwrap();
    let pods = world.cluster.list(&pods, &Selection::namespace(namespace)).await.unwrap();
    assert_eq!(pods, Vec::<Value>::new(), "nothing runs any more");
    assert_eq!(stage.statuses().await, []);
    let error = stage.engine.uninstall(request, &Cancel::never()).await.unwrap_err();
    assert!(matches!(error, EngineError::NoRelease { .. }), "{error}");
}

/// A hook that fails stops the install, says why, and is no obstacle to the next try, whatever its delete policy.
pub async fn failed_hook(world: &World, namespace: &str) {
    let stage = Stage::new(world, namespace);
    // Without before-hook-creation: Helm would take the failed Job for the next run's.
    let hook = json!({"helm.sh/hook": "pre-install,pre-upgrade", "helm.sh/hook-delete-policy": "hook-succeeded"});
    let set = |play| manifests(vec![config_map("colors", "red")], vec![stage.job("migrate", play, &hook)]);
    let error = stage.deploy_fails(stage.request(set(Play::Fail))).await;
    let failure = error.failure().unwrap_or_else(|| panic!("{error}"));
    let objects: Vec<&str> = failure.cause.steps.iter().map(|step| step.object.as_str()).collect();
    assert_eq!(
        (objects[0], objects[1], objects.len()),
        ("release web", "Job/migrate", 4),
        "{}",
        failure.cause.render()
    );
    assert!(objects[2].starts_with("Pod/migrate") && objects[3] == "container main", "{objects:?}");
    assert_eq!(failure.cause.steps[1].phase, "pre-install hook");
    assert_eq!(failure.cause.steps[1].reason, "BackoffLimitExceeded");
    assert!(failure.cause.steps[3].message.contains("exit code 1"), "{}", failure.cause.render());
    assert_eq!(failure.cause.steps[3].log_tail.is_empty(), !world.has_logs, "{}", failure.cause.render());
    assert!(error.hint().is_some_and(|hint| hint.contains("logs")), "{:?}", error.hint());
    assert_eq!((failure.status, &failure.undone, failure.timed_out), (Status::Failed, &Undone::Nothing, false));
    assert!(stage.map("colors").await.is_none(), "nothing was applied after the hook");
    let record = stage.store().get("web", 1).await.unwrap().unwrap();
    assert_eq!((record.info.status, record.hooks[0].last_run.phase), (Status::Failed, HookPhase::Failed));
    assert!(record.info.description.starts_with("Release \"web\" failed: pre-install hook"), "{:?}", record.info);

    let second = stage.deploy(set(Play::Complete)).await;
    assert_eq!((second.version, second.info.status), (2, Status::Deployed));
    assert!(stage.map("colors").await.is_some());
}

/// A hook's object is deleted as its policies say, before, after success, after failure.
pub async fn hook_policies(world: &World, namespace: &str) {
    let stage = Stage::new(world, namespace);
    let policies = |policy: &str, weight: i64| {
        json!({"helm.sh/hook": "post-install", "helm.sh/hook-weight": weight.to_string(),
            "helm.sh/hook-delete-policy": policy})
    };
    let hooks = vec![
        stage.job("first-goes", Play::Complete, &policies("hook-succeeded", 1)),
        stage.job("second-stays", Play::Complete, &policies("before-hook-creation", 2)),
        stage.job("third-fails", Play::Fail, &policies("hook-failed", 3)),
        stage.job("never-runs", Play::Complete, &policies("before-hook-creation", 4)),
    ];
    let error = stage.deploy_fails(stage.request(manifests(vec![config_map("colors", "red")], hooks))).await;
    assert!(error.to_string().contains("post-install hook Job/third-fails"), "{error}");
    let there = |name: &'static str| async { stage.get("batch/v1", "Job", name).await.is_some() };
    assert_eq!(
        (there("first-goes").await, there("second-stays").await, there("third-fails").await, there("never-runs").await),
        (false, true, false, false)
    );
    let root = error.failure().unwrap().cause.root().unwrap().clone();
    assert_eq!(root.log_tail.is_empty(), !world.has_logs, "the log was read before the Job went: {root:?}");
    let started: Vec<String> = stage
        .said
        .events()
        .iter()
        .filter_map(|e| match &e.what {
            Happening::HookStarted { object, hook: HookEvent::PostInstall, .. } => Some(object.clone()),
            _ => None,
        })
        .collect();
    assert_eq!(started, ["Job/first-goes", "Job/second-stays", "Job/third-fails"]);
}

/// In Helm's order a hook that needs a Secret of its own chart waits until its deadline, and the cause says so; in the
/// graph's order the Secret comes first.
pub async fn hook_needs_a_secret_of_its_chart(world: &World, namespace: &str) {
    let stage = Stage::new(world, namespace);
    let hook = json!({"helm.sh/hook": "pre-install,pre-upgrade"});
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "db"}, "stringData": {"URL": "x"}});
    let set = || manifests(vec![secret.clone()], vec![stage.job("migrate", Play::NeedSecret("db"), &hook)]);
    let mut request = stage.request(set());
    request.options.order = Order::Helm;
    request.options.timeout = world.patience;
    let error = stage.deploy_fails(request).await;
    assert!(error.is_timed_out(), "{error}");
    let cause = &error.failure().unwrap().cause;
    let [.., container, missing] = cause.steps.as_slice() else { panic!("{}", cause.render()) };
    assert_eq!(container.reason, "CreateContainerConfigError", "{}", cause.render());
    assert_eq!((missing.object.as_str(), missing.reason.as_str()), ("Secret/db", "Missing"), "{}", cause.render());
    assert!(
        missing.message.contains("part of this release, but comes only after the pre-install hooks"),
        "{}",
        cause.render()
    );
    assert!(stage.said.has(|w| matches!(w, Happening::Waiting(w) if w.reason == "CreateContainerConfigError")));
    if world.checks_references {
        let second = stage.deploy(set()).await;
        assert_eq!((second.version, second.info.status), (2, Status::Deployed));
    }
}

/// An upgrade whose pods do not become ready goes back to the revision before, whole.
pub async fn failed_upgrade_rolls_back(world: &World, namespace: &str) {
    let stage = Stage::new(world, namespace);
    let set = |color: &str, play, more: Vec<Value>| {
        let mut objects = vec![config_map("colors", color), stage.deployment("web", 1, play)];
        objects.extend(more);
        manifests(objects, vec![])
    };
    stage.deploy(set("red", Play::Serve, vec![])).await;
    let mut request = stage.request(set("blue", Play::Crash, vec![config_map("new", "x")]));
    request.options.timeout = world.patience;
    request.rollback_on_failure = true;
    let error = stage.deploy_fails(request).await;
    let failure = error.failure().unwrap_or_else(|| panic!("{error}"));
    assert_eq!(failure.undone, Undone::RolledBack { to: 1, revision: 3 }, "{error}");
    assert!(failure.timed_out && failure.revision == 2, "{error}");
    let container = failure.cause.root().unwrap();
    assert_eq!(container.reason, "CrashLoopBackOff", "{}", failure.cause.render());
    assert!(container.message.contains("exit code 3"), "{}", failure.cause.render());
    assert_eq!(container.log_tail.is_empty(), !world.has_logs, "{}", failure.cause.render());
    let told = |w: &Happening| match w {
        Happening::Waiting(w) => {
            w.message.starts_with("Pod/web-")
                && w.message.contains("exit code 3")
                && (!world.has_logs || w.message.contains("exit code 3: "))
        }
        _ => false,
    };
    assert!(stage.said.has(told), "{:#?}", stage.said.events());
    let expected = [(1, Status::Superseded), (2, Status::Failed), (3, Status::Deployed)];
    assert_eq!(stage.statuses().await, expected);
    assert_eq!(stage.map("colors").await.unwrap()["data"]["v"], "red");
    assert!(stage.map("new").await.is_none(), "what the failed revision brought is gone");
    assert!(stage.said.has(|w| *w == Happening::RolledBack { to: Some(1) }));
}

/// An upgrade that failed and was left so: what it brought and the next revision does not have goes then.
pub async fn failed_upgrade_leaves_no_orphans(world: &World, namespace: &str) {
    let stage = Stage::new(world, namespace);
    let set = |play, more: Vec<Value>| {
        let mut objects = vec![config_map("colors", "red"), stage.deployment("web", 1, play)];
        objects.extend(more);
        manifests(objects, vec![])
    };
    stage.deploy(set(Play::Serve, vec![])).await;
    let mut request = stage.request(set(Play::Hang, vec![config_map("orphan", "x")]));
    request.options.timeout = world.patience;
    let error = stage.deploy_fails(request).await;
    assert!(error.is_timed_out() && error.to_string().contains("recorded as failed"), "{error}");
    assert_eq!(stage.statuses().await, [(1, Status::Deployed), (2, Status::Failed)]);
    assert!(stage.map("orphan").await.is_some());
    stage.deploy(set(Play::Serve, vec![])).await;
    assert!(stage.map("orphan").await.is_none());
    let expected = [(1, Status::Superseded), (2, Status::Failed), (3, Status::Deployed)];
    assert_eq!(stage.statuses().await, expected);
    // Without a revision named, one that failed is not gone back to.
    let request = RollbackRequest::new("web", namespace, None);
    let fourth = stage.engine.rollback(request, &Cancel::never()).await.unwrap().release;
    assert_eq!((fourth.version, fourth.info.rollback_revision), (4, 1));
}

/// A first install that fails, undone where asked for: nothing of it is left, no record either.
pub async fn failed_install_is_removed(world: &World, namespace: &str) {
    let stage = Stage::new(world, namespace);
    let set = manifests(vec![config_map("colors", "red"), stage.deployment("web", 1, Play::Hang)], vec![]);
    let mut request = stage.request(set);
    request.options.timeout = world.patience;
    request.rollback_on_failure = true;
    let error = stage.deploy_fails(request).await;
    assert_eq!(error.failure().unwrap().undone, Undone::Uninstalled, "{error}");
    assert!(error.to_string().contains("Deployment/web"), "{error}");
    assert!(stage.map("colors").await.is_none());
    assert_eq!(stage.statuses().await, []);
    assert_eq!(stage.engine.next("web", namespace).await.unwrap().revision, 1);
}

/// An upgrade that fails where the first install failed before it: there is nothing to go back to, and that is said.
pub async fn failed_twice(world: &World, namespace: &str) {
    let stage = Stage::new(world, namespace);
    let hanging = || manifests(vec![stage.deployment("web", 1, Play::Hang)], vec![]);
    for (revision, undone) in [(1, Undone::Nothing), (2, Undone::NoGoodRevision)] {
        let mut request = stage.request(hanging());
        request.options.timeout = world.patience;
        request.rollback_on_failure = revision == 2;
        let error = stage.deploy_fails(request).await;
        assert_eq!(error.failure().unwrap().undone, undone, "{error}");
    }
    assert_eq!(stage.statuses().await, [(1, Status::Failed), (2, Status::Failed)]);
}

/// What exists and belongs to somebody else is refused before anything is done, and is never deleted.
pub async fn foreign_objects(world: &World, namespace: &str) {
    let stage = Stage::new(world, namespace);
    stage.deploy(manifests(vec![config_map("colors", "red")], vec![])).await;
    let mut foreign = config_map("foreign", "mine");
    foreign["metadata"]["namespace"] = json!(namespace);
    world.cluster.create(&foreign).await.unwrap();
    let both = || manifests(vec![config_map("colors", "blue"), config_map("foreign", "theirs")], vec![]);
    let error = stage.deploy_fails(stage.request(both())).await;
    assert_eq!(
        error.to_string(),
        format!(
            "unable to continue with update: ConfigMap \"foreign\" in namespace \"{namespace}\" exists and cannot be \
             imported into the current release: invalid ownership metadata; label validation error: missing key \
             \"app.kubernetes.io/managed-by\": must be set to \"Helm\"; annotation validation error: missing key \
             \"meta.helm.sh/release-name\": must be set to \"web\"; annotation validation error: missing key \
             \"meta.helm.sh/release-namespace\": must be set to \"{namespace}\""
        )
    );
    assert_eq!(stage.statuses().await, [(1, Status::Deployed)], "nothing was recorded");
    assert_eq!(stage.map("colors").await.unwrap()["data"]["v"], "red", "nothing was changed");
    let mut taking = stage.request(both());
    taking.options.take_ownership = true;
    taking.options.force_conflicts = true;
    stage.engine.deploy(taking, &Cancel::never()).await.unwrap();
    assert_eq!(stage.map("foreign").await.unwrap()["data"]["v"], "theirs");
}

/// The second of two runs at one time is told who holds the lock; a dead run's lock and pending revision are passed over.
pub async fn locked_and_dead_runs(world: &World, namespace: &str) {
    let stage = Stage::new(world, namespace);
    let set = |color: &str| manifests(vec![config_map("colors", color)], vec![]);
    stage.deploy(set("red")).await;
    let options =
        LockOptions { heartbeat: Duration::from_secs(1), deadline: Duration::from_secs(3), ..LockOptions::default() };
    let place = (namespace, "web");
    let take = || Lock::acquire(&world.cluster, &world.clock, place, "ann@laptop", "upgrade", &options, &|_| {});
    let held = take().await.unwrap();
    let error = stage.deploy_fails(stage.request(set("blue"))).await;
    let EngineError::Release(inner) = &error else { panic!("{error}") };
    assert!(matches!(**inner, bowline_release::ReleaseError::Held(_)), "{error}");
    assert!(error.to_string().contains("locked by ann@laptop, doing: upgrade, since "), "{error}");
    held.release().await.unwrap();

    // A run that was killed in the middle of an upgrade: its record is pending, its lease runs out.
    let mut half = stage.store().get("web", 1).await.unwrap().unwrap();
    half.version = 2;
    half.writer = Some("dead@laptop".into());
    half.set_status(Status::PendingUpgrade, "Preparing upgrade");
    stage.store().create(&mut half, 10).await.unwrap();
    let now = world.clock.rfc3339_micro();
    let lease = json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
        "metadata": {"name": "bowline.web", "namespace": namespace},
        "spec": {"holderIdentity": "dead@laptop", "leaseDurationSeconds": 1, "acquireTime": now, "renewTime": now}});
    world.cluster.create(&lease).await.unwrap();
    let third = stage.engine.deploy(stage.request(set("blue")), &Cancel::never()).await.unwrap().release;
    assert_eq!((third.version, third.info.status), (3, Status::Deployed));
    let expected = [(1, Status::Superseded), (2, Status::Failed), (3, Status::Deployed)];
    assert_eq!(stage.statuses().await, expected);
    assert!(stage.store().get("web", 2).await.unwrap().unwrap().info.description.contains("dead@laptop"));
    assert!(stage.said.has(|w| matches!(w, Happening::LockAwaited { holder, .. } if holder == "dead@laptop")));
    assert!(
        stage
            .said
            .has(|w| matches!(w, Happening::ReleaseLocked { taken_over_from: Some(who), .. } if who == "dead@laptop"))
    );

    // One that helm left, a moment ago, may still be alive.
    let mut theirs = third;
    theirs.version = 4;
    theirs.set_status(Status::PendingUpgrade, "Preparing upgrade");
    theirs.info.last_deployed = Some(world.clock.now());
    stage.store().create(&mut theirs, 10).await.unwrap();
    let error = stage.deploy_fails(stage.request(set("green"))).await;
    assert!(matches!(error, EngineError::Busy { revision: 4, .. }), "{error}");
}

/// Asked to stop in the middle of a wait, a run stops, records the revision as failed, and gives its lock back.
pub async fn interrupted(world: &World, namespace: &str) {
    let stage = Stage::new(world, namespace);
    let hook = json!({"helm.sh/hook": "pre-install,pre-upgrade"});
    let set = |play| manifests(vec![config_map("colors", "red")], vec![stage.job("migrate", play, &hook)]);
    let (trigger, cancel) = Cancel::new();
    let trigger = Mutex::new(Some(trigger));
    let said = stage.said.clone();
    // Stops as soon as the hook is waited for.
    let sink = move |event: &Event| {
        said.event(event);
        if matches!(&event.what, Happening::Waiting(waiting) if waiting.reason == "Running")
            && let Some(trigger) = trigger.lock().unwrap().take()
        {
            trigger.cancel();
        }
    };
    let engine = Engine::new(world.cluster.clone(), world.clock.clone(), "tester@here", Arc::new(sink));
    let error = engine.deploy(stage.request(set(Play::Hang)), &cancel).await.unwrap_err();
    assert!(error.is_interrupted() && error.to_string().contains("recorded as failed"), "{error}");
    let steps = &error.failure().unwrap().cause.steps;
    assert_eq!((steps[0].message.as_str(), steps[1].object.as_str()), ("revision 1 was interrupted", "Job/migrate"));
    assert!(steps[1].message.starts_with("not done when it was interrupted: "), "{}", cause_of(&error));
    assert_eq!(stage.statuses().await, [(1, Status::Failed)]);
    assert!(stage.said.has(|w| matches!(w, Happening::Finished { succeeded: false, .. })));
    // Before it began, nothing is recorded.
    let error = engine.deploy(stage.request(set(Play::Complete)), &cancel).await.unwrap_err();
    assert!(error.is_interrupted() && error.to_string().contains("not recorded"), "{error}");
    assert_eq!(stage.statuses().await, [(1, Status::Failed)]);
    let second = stage.deploy(set(Play::Complete)).await;
    assert_eq!((second.version, second.info.status), (2, Status::Deployed));
}

/// The namespace is created where it may be, and named where it may not; an unexpected revision is refused.
pub async fn namespaces_and_moved_releases(world: &World, namespace: &str) {
    let stage = Stage::new(world, namespace);
    let set = || manifests(vec![config_map("colors", "red")], vec![]);
    let mut request = stage.request(set());
    request.create_namespace = false;
    let error = stage.deploy_fails(request.clone()).await;
    assert!(matches!(error, EngineError::NamespaceMissing { .. }), "{error}");
    assert!(error.hint().is_some_and(|hint| hint.contains(namespace)));
    request.create_namespace = true;
    request.expected_revision = Some(2);
    let error = stage.deploy_fails(request.clone()).await;
    assert!(matches!(error, EngineError::Moved { expected: 2, due: 1, .. }), "{error}");
    request.expected_revision = Some(1);
    stage.engine.deploy(request, &Cancel::never()).await.unwrap();
    let object = ObjectRef::new("v1", "Namespace", "", namespace);
    assert_eq!(world.cluster.get(&object).await.unwrap().unwrap().label("name"), Some(namespace));

    // A chart that brings its own namespace owns it.
    let own = format!("{namespace}-own");
    let with_own = manifests(
        vec![json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": own}}), config_map("colors", "red")],
        vec![],
    );
    let owning = Stage::new(world, &own);
    owning.deploy(with_own).await;
    let object = ObjectRef::new("v1", "Namespace", "", &own);
    let found = world.cluster.get(&object).await.unwrap().unwrap();
    assert_eq!(found.annotation("meta.helm.sh/release-name"), Some("web"));
}

/// Custom kinds: definitions of `crds/` come before everything and stay; one among the manifests is established before
/// objects of its kind come. For clusters that serve CustomResourceDefinitions.
pub async fn definitions_come_first(world: &World, namespace: &str) {
    let stage = Stage::new(world, namespace);
    let definition = |plural: &str, kind: &str| {
        json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {"name": format!("{plural}.bowline.test")},
            "spec": {"group": "bowline.test", "scope": "Namespaced", "names": {"plural": plural, "kind": kind},
                "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema":
                    {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}}]}})
    };
    let object = |kind: &str| json!({"apiVersion": "bowline.test/v1", "kind": kind, "metadata": {"name": "one"}});
    let set = || {
        let mut set = manifests(vec![definition("gadgets", "Gadget"), object("Gadget"), object("Widget")], vec![]);
        set.crds = manifests(vec![definition("widgets", "Widget")], vec![]).manifests;
        set
    };
    let unknown = manifests(vec![config_map("colors", "red"), object("Gizmo")], vec![]);
    let error = stage.deploy_fails(stage.request(unknown)).await;
    assert!(error.to_string().contains("no matches for kind \"Gizmo\" in version \"bowline.test/v1\""), "{error}");
    assert_eq!(stage.statuses().await, [], "nothing was begun");
    stage.deploy(set()).await;
    assert!(stage.get("bowline.test/v1", "Widget", "one").await.is_some());
    assert!(stage.get("bowline.test/v1", "Gadget", "one").await.is_some());
    stage.deploy(set()).await;
    stage.engine.uninstall(UninstallRequest::new("web", namespace), &Cancel::never()).await.unwrap();
    let definition = |name: &str| ObjectRef::new("apiextensions.k8s.io/v1", "CustomResourceDefinition", "", name);
    let widgets = world.cluster.get(&definition("widgets.bowline.test")).await.unwrap();
    assert!(widgets.is_some(), "a definition of crds/ is never deleted");
    assert!(world.cluster.get(&definition("gadgets.bowline.test")).await.unwrap().is_none());
}

/// Every scenario, each in a namespace of its own; for clusters that have nothing to do at the same time.
pub async fn all(world: &World) {
    life(world, "life").await;
    failed_hook(world, "failed-hook").await;
    hook_policies(world, "hook-policies").await;
    hook_needs_a_secret_of_its_chart(world, "needs-secret").await;
    failed_upgrade_rolls_back(world, "failed-upgrade").await;
    failed_upgrade_leaves_no_orphans(world, "orphans").await;
    failed_install_is_removed(world, "failed-install").await;
    failed_twice(world, "failed-twice").await;
    foreign_objects(world, "foreign").await;
    locked_and_dead_runs(world, "locked").await;
    interrupted(world, "interrupted").await;
    namespaces_and_moved_releases(world, "moved").await;
    odd_documents(world, "documents").await;
}

/// A set out of objects, in the order given.
pub fn manifests(objects: Vec<Value>, hooks: Vec<Value>) -> ManifestSet {
    let read = |object: Value| {
        let text = object.to_string();
        let node = bowline_yaml::parse_first(&text).unwrap().unwrap();
        let template = format!("web/templates/{}.yaml", object.name());
        Manifest {
            text: text.into(),
            hook: Hook::of(&object),
            object,
            node: Arc::new(node),
            source: Source { chart: "web".into(), template, lines: Arc::default() },
        }
    };
    ManifestSet {
        manifests: objects.into_iter().map(read).collect(),
        hooks: hooks.into_iter().map(read).collect(),
        ..ManifestSet::default()
    }
}

/// A ConfigMap with one entry, `v`.
pub fn config_map(name: &str, value: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"v": value}})
}

/// A chart as helm wants to find it in a record.
pub fn chart() -> ChartRecord {
    ChartRecord(json!({"metadata": {"name": "web", "version": "0.1.0", "apiVersion": "v2", "appVersion": "3.0.0"},
        "lock": null, "templates": [], "values": {}, "schema": null, "files": []}))
}

fn cause_of(error: &EngineError) -> String {
    error.failure().map(|failure| failure.cause.render()).unwrap_or_default()
}
