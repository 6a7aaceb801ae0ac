//! The engine's scenarios on the real control plane, with kwok's pods.
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use bowline_clock::Clock;
use bowline_cluster::{Cluster, ConnectOptions};
use bowline_engine::scenario::{self, Play, World};
use bowline_peers::kubernetes::{ControlPlane, MESSAGE_ANNOTATION, OUTCOME_LABEL, REASON_ANNOTATION};
use serde_json::{Value, json};

async fn world() -> Option<World> {
    let plane = ControlPlane::shared()?;
    let options = ConnectOptions { kubeconfig: Some(plane.kubeconfig().to_owned()), ..ConnectOptions::default() };
    let cluster = Cluster::connect(&options).await.unwrap();
    Some(World {
        cluster,
        clock: Clock::system(),
        play,
        checks_references: false,
        has_logs: true,
        patience: Duration::from_secs(2),
    })
}

/// kwok plays what a label asks for.
fn play(template: &mut Value, play: Play) {
    let outcome = match play {
        Play::Serve | Play::Complete => return,
        Play::Fail => "fail",

        Play::Hang => "unready",
        Play::Crash => "crash",
        Play::NeedSecret(secret) => {
            template["metadata"]["annotations"] = json!({
                REASON_ANNOTATION: "CreateContainerConfigError",
                MESSAGE_ANNOTATION: format!("secret \"{secret}\" not found"),
            });
            "waiting"
        }
    };
    template["metadata"]["labels"][OUTCOME_LABEL] = json!(outcome);
}

macro_rules! scenarios {
    ($($name:ident),* $(,)?) => {$(
        #[tokio::test]
        async fn $name() {
            if let Some(world) = world().await {
                scenario::$name(&world, &stringify!($name).replace('_', "-")).await;
            }
        }
    )*};
}

scenarios!(
    life,
    failed_hook,
    hook_policies,
    hook_needs_a_secret_of_its_chart,
    failed_upgrade_rolls_back,
    failed_upgrade_leaves_no_orphans,
    failed_install_is_removed,
    failed_twice,
    foreign_objects,
    locked_and_dead_runs,
    interrupted,
    namespaces_and_moved_releases,
    odd_documents,
    argo_migration_outlives_its_job,
    migration_leaves_evidence,
    schema_gate,
    rollback_knows_the_schema,
    definitions_come_first,
);
