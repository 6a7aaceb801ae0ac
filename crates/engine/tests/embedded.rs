//! The engine's scenarios on the embedded control plane: in process, scripted pods, virtual time.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::time::Duration;

use bowline_clock::{Clock, Random};
use bowline_cluster::{Client, Cluster};
use bowline_controlplane::node::{NodeConfig, Pods, Script, Scripts};
use bowline_controlplane::{Config, ControlPlane};
use bowline_engine::scenario::{self, Play, World};
use serde_json::{Value, json};

const FOREVER: Duration = Duration::from_secs(1_000_000);

async fn start() -> (ControlPlane, World) {
    let clock = Clock::starting_at("2026-01-31T12:00:00Z".parse().unwrap());
    let ends = |exit_code: i32, log: &str| Script {
        exit_after: Some(Duration::from_secs(1)),
        exit_code,
        log: vec![log.to_owned()],
        ..Script::default()
    };
    let by_image = BTreeMap::from([
        ("complete".to_owned(), ends(0, "done")),
        ("fail".to_owned(), ends(1, "ERROR: no such table")),
        ("crash".to_owned(), Script { ready_after: FOREVER, ..ends(3, "ERROR: no configuration") }),
        ("hang".to_owned(), Script { ready_after: FOREVER, exit_after: Some(FOREVER), ..Script::default() }),
    ]);
    let scripts = Scripts { by_image, default: Script::default() };
    let node = NodeConfig { name: "node-0".to_owned(), pods: Pods::Scripted(scripts) };
    let config = Config { clock: clock.clone(), random: Random::seeded(7), root_ca: String::new(), node: Some(node) };
    let control_plane = ControlPlane::start(config).await.unwrap();
    let cluster = Cluster::new(Client::new(control_plane.api().service(), "default"));
    let world =
        World { cluster, clock, play, checks_references: true, has_logs: true, patience: Duration::from_secs(60) };
    (control_plane, world)
}

/// The scripted runtime goes by the image.
fn play(template: &mut Value, play: Play) {
    let container = &mut template["spec"]["containers"][0];
    container["image"] = json!(match play {
        Play::Serve => "serve:1",
        Play::Complete | Play::NeedSecret(_) => "complete:1",
        Play::Fail => "fail:1",
        Play::Hang => "hang:1",
        Play::Crash => "crash:1",
    });
    if matches!(play, Play::Serve | Play::Hang | Play::Crash) {
        container["readinessProbe"] = json!({"tcpSocket": {"port": 80}, "periodSeconds": 1});
    }
}

macro_rules! scenarios {
    ($($name:ident),* $(,)?) => {$(
        #[tokio::test(start_paused = true)]
        async fn $name() {
            let (control_plane, world) = start().await;
            scenario::$name(&world, &stringify!($name).replace('_', "-")).await;
            control_plane.shutdown(Duration::from_secs(30)).await.unwrap();
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
);
