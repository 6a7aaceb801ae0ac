//! Migrations of databases among a release's hooks, and what a rollback knows of them.

use std::sync::Arc;

use bowline_cluster::ObjectRef;
use bowline_release::Status;
use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::json;

use super::{Play, Stage, World, cause_of, config_map, manifests};
use crate::{
    Cancel, EngineError, Happening, RollbackRequest, SchemaGate, SchemaMigration, SchemaRecord, Undone,
    UninstallRequest,
};

/// A hook that migrates says which database, streams what it writes, and leaves evidence that outlives its Job and goes
/// with the revision's record.
pub async fn migration_leaves_evidence(world: &World, namespace: &str) {
    let stage = Stage::new(world, namespace);
    let hook = json!({"helm.sh/hook": "pre-install,pre-upgrade", "bowline.dev/migration": "identity",
        "helm.sh/hook-delete-policy": "before-hook-creation,hook-succeeded,hook-failed"});
    let set = |play| manifests(vec![config_map("colors", "red")], vec![stage.job("identity-migrate", play, &hook)]);
    let error = stage.deploy_fails(stage.request(set(Play::Fail))).await;
    assert!(error.to_string().contains("pre-install hook Job/identity-migrate"), "{error}");
    let gone = stage.get("batch/v1", "Job", "identity-migrate").await.is_none();
    assert!(gone, "hook-failed");
    stage.deploy(set(Play::Complete)).await;

    let started = Happening::MigrationStarted {
        object: "Job/identity-migrate".into(),
        tool: "declared".into(),
        database: "identity".into(),
    };
    assert!(stage.said.has(|what| *what == started));
    let kept = stage.engine.migrations(namespace, "web").await.unwrap();
    let ends: Vec<(u32, bool)> = kept.iter().map(|(revision, evidence)| (*revision, evidence.succeeded)).collect();
    assert_eq!(ends, [(1, false), (2, true)]);
    let (_, failed) = &kept[0];
    assert_eq!((failed.database.as_str(), failed.object.as_str()), ("identity", "Job/identity-migrate"));
    assert_eq!(failed.pods.len(), 1, "{failed:?}");
    if world.has_logs {
        assert_eq!(failed.pods[0].exit_code, Some(1));
        let lines: Vec<&str> = failed.pods[0].lines.iter().map(String::as_str).collect();
        let line = lines.last().copied().unwrap_or_default();
        assert!(line.starts_with("ERROR: "), "{lines:?}");
        let said = |what: &Happening| matches!(what, Happening::MigrationLog { line: said, .. } if said == line);
        let told = stage.said.events().iter().filter(|event| event.revision == 1 && said(&event.what)).count();
        assert_eq!(told, 1, "each line is told once");
    }
    let secret = "bowline.migration.v1.web.v1.identity-migrate".to_owned();
    let finished = |what: &Happening| matches!(what, Happening::MigrationFinished { succeeded: false, evidence: Some(kept), .. } if *kept == secret);
    assert!(stage.said.has(finished));

    let request = UninstallRequest::new("web", namespace);
    stage.engine.uninstall(request, &Cancel::never()).await.unwrap();
    let secret = ObjectRef::new("v1", "Secret", namespace, &secret);
    for _ in 0..60 {
        if world.cluster.get(&secret).await.unwrap().is_none() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    }
    panic!("the evidence stays after its revision's record");
}

/// A migration that Argo CD would run before a sync runs before an install and an upgrade, and what it said is kept although
/// Kubernetes deletes it as soon as it has ended.
pub async fn argo_migration_outlives_its_job(world: &World, namespace: &str) {
    let stage = Stage::new(world, namespace);
    let argo = json!({"argocd.argoproj.io/hook": "PreSync", "argocd.argoproj.io/sync-wave": "-5",
        "bowline.dev/migration": "identity"});
    let set = |play, color: &str| {
        let mut job = stage.job("identity-migrate", play, &argo);
        job["spec"]["ttlSecondsAfterFinished"] = json!(0);
        // As a chart has it: among its ordinary objects.
        manifests(vec![config_map("colors", color), job], vec![])
    };
    stage.deploy(set(Play::Complete, "red")).await;
    stage.deploy(set(Play::Complete, "blue")).await;
    let error = stage.deploy_fails(stage.request(set(Play::Fail, "green"))).await;
    assert!(error.to_string().contains("pre-upgrade hook Job/identity-migrate"), "{error}");
    assert_eq!(stage.map("colors").await.unwrap()["data"]["v"], "blue", "the migration comes before everything else");
    for _ in 0..60 {
        if stage.get("batch/v1", "Job", "identity-migrate").await.is_none() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    }
    assert!(stage.get("batch/v1", "Job", "identity-migrate").await.is_none(), "Kubernetes has deleted it");

    let kept = stage.engine.migrations(namespace, "web").await.unwrap();
    let ends: Vec<(u32, bool)> = kept.iter().map(|(revision, evidence)| (*revision, evidence.succeeded)).collect();
    assert_eq!(ends, [(1, true), (2, true), (3, false)]);
    assert!(kept.iter().all(|(_, evidence)| evidence.database == "identity"));
    if world.has_logs {
        let said = |index: usize| {
            let pod = kept[index].1.pods.last().unwrap_or_else(|| panic!("no pod was seen: {kept:?}"));
            (pod.exit_code, pod.lines.last().cloned().unwrap_or_default())
        };
        // What pods write is not the same on every cluster; that it is told and kept is.
        let ((first, line), (second, error)) = (said(1), said(2));
        assert_eq!((first, second), (Some(0), Some(1)));
        assert!(!line.is_empty() && error.starts_with("ERROR: "), "{kept:?}");
        assert!(stage.said.has(|what| matches!(what, Happening::MigrationLog { line: told, .. } if *told == line)));
    }
    // It is recorded as the hook that it was; a rollback does not run it again.
    let record = stage.engine.releases(namespace).history("web").await.unwrap().pop().unwrap();
    assert_eq!(record.hooks[0].events, ["pre-install", "pre-upgrade"]);
    assert_eq!(record.hooks[0].weight, -5);
    stage.engine.rollback(RollbackRequest::new("web", namespace, Some(1)), &Cancel::never()).await.unwrap();
    assert_eq!(stage.map("colors").await.unwrap()["data"]["v"], "red");
    assert_eq!(stage.engine.migrations(namespace, "web").await.unwrap().len(), 3);
}

/// Answers what it is told to.
struct Says(Result<String, String>);

impl SchemaGate for Says {
    fn check(&self) -> BoxFuture<'_, Result<String, String>> {
        std::future::ready(self.0.clone()).boxed()
    }
}

/// Nothing of a revision is promoted before its databases have what it needs.
pub async fn schema_gate(world: &World, namespace: &str) {
    let stage = Stage::new(world, namespace);
    let hook = json!({"helm.sh/hook": "pre-install,pre-upgrade"});
    let set = || manifests(vec![config_map("colors", "red")], vec![stage.job("migrate", Play::Complete, &hook)]);
    let mut request = stage.request(set());
    request.options.schema_gate = Some(Arc::new(Says(Err("db: 1 of 2 required migrations are not applied: 2".into()))));
    let error = stage.deploy_fails(request).await;
    let failure = error.failure().unwrap_or_else(|| panic!("{error}"));
    assert_eq!(failure.doing, "check that the required migrations are applied");
    assert!(failure.message.contains("not promoted") && failure.message.ends_with("not applied: 2"), "{failure}");
    assert_eq!(error.hint().as_deref(), Some("bowline migrate up"));
    assert!(stage.said.has(|w| matches!(w, Happening::HookSucceeded { .. })), "the migration itself has run before");
    assert!(stage.map("colors").await.is_none(), "nothing is applied");
    assert_eq!(stage.statuses().await, [(1, Status::Failed)]);

    let mut request = stage.request(set());
    request.options.schema_gate = Some(Arc::new(Says(Ok("db: all 2 required migrations are applied".into()))));
    stage.engine.deploy(request, &Cancel::never()).await.unwrap_or_else(|e| panic!("{}", cause_of(&e)));
    assert!(stage.map("colors").await.is_some());
    assert!(stage.said.has(|w| matches!(w, Happening::SchemaChecked { message } if message.contains("all 2"))));
}

fn schema(steps: &[(&str, &str)]) -> Vec<SchemaRecord> {
    let migrations = steps.iter().map(|(version, phase)| SchemaMigration {
        version: (*version).to_owned(),
        file: format!("{version}_x.sql"),
        phase: Some((*phase).to_owned()),
        takes: if *phase == "contract" { vec!["it drops column users.name".to_owned()] } else { Vec::new() },
        down: true,
        restores: false,
    });
    vec![SchemaRecord { database: "shop".into(), migrations: migrations.collect() }]
}

/// Who rolls back knows whether the earlier revision runs on the present schema; a failed upgrade is not rolled back to
/// one that does not.
pub async fn rollback_knows_the_schema(world: &World, namespace: &str) {
    let stage = Stage::new(world, namespace);
    let request = |color: &str, replicas: u32, play: Play, steps: &[(&str, &str)]| {
        let set = manifests(vec![config_map("colors", color), stage.deployment("web", replicas, play)], vec![]);
        let mut request = stage.request(set);
        request.options.timeout = world.patience;
        request.rollback_on_failure = true;
        request.schemas = schema(steps);
        request
    };
    let deploy = async |request| {
        let outcome = stage.engine.deploy(request, &Cancel::never()).await;
        outcome.unwrap_or_else(|error: EngineError| panic!("{}", cause_of(&error)));
    };
    deploy(request("red", 1, Play::Serve, &[("1", "expand")])).await;
    // An upgrade that only adds is rolled back although its migrations stay.
    let error = stage.deploy_fails(request("blue", 1, Play::Crash, &[("1", "expand"), ("2", "expand")])).await;
    assert!(matches!(error.failure().unwrap().undone, Undone::RolledBack { to: 1, .. }), "{error}");
    let runs: Vec<bool> = stage
        .engine
        .schema_verdicts(namespace, "web", 1)
        .await
        .unwrap()
        .iter()
        .map(crate::SchemaVerdict::runs)
        .collect();
    assert_eq!(runs, [true]);

    let error = stage
        .deploy_fails(request("green", 1, Play::Crash, &[("1", "expand"), ("2", "expand"), ("3", "contract")]))
        .await;
    let Undone::Failed { message, .. } = &error.failure().unwrap().undone else { panic!("{error}") };
    assert!(message.contains("does not run on the present schema: 3_x.sql: it drops column users.name"), "{message}");
    assert!(message.contains("does not bring its data back"), "{message}");
    assert_eq!(stage.map("colors").await.unwrap()["data"]["v"], "green", "it is left as it is");
    let verdicts = stage.engine.schema_verdicts(namespace, "web", 3).await.unwrap();
    assert!(verdicts.len() == 1 && !verdicts[0].runs(), "{verdicts:?}");

    // Asked for, it is done; what the target was built with is recorded for the new revision.
    let rollback = RollbackRequest::new("web", namespace, Some(3));
    let back = stage.engine.rollback(rollback, &Cancel::never()).await.unwrap().release;
    let last = stage.engine.schemas(namespace, "web").await.unwrap().pop().unwrap();
    assert_eq!((last.0, last.1.migrations.len()), (back.version, 1));
}
