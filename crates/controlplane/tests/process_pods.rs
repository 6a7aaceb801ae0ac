//! Pods as real processes: environment, volumes, logs, probes, termination, and nothing left behind.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::print_stdout, clippy::needless_pass_by_value)]

#[allow(dead_code)]
mod support;

use std::time::Duration;

use bowline_apiserver::{DeleteOptions, resources};
use bowline_controlplane::node::NetworkMode;
use serde_json::{Value, json};
use support::{Cluster, ended, example, ready};

async fn host() -> Cluster {
    Cluster::start(NetworkMode::Host, &[]).await.unwrap()
}

#[tokio::test]
async fn a_job_runs_with_its_environment_and_volumes_and_its_output_is_kept() {
    let cluster = host().await;
    cluster.create(
        &resources::CONFIG_MAPS,
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "conf"}, "data": {"app.conf": "level=info"}}),
    );
    let mount = cluster.directory.path().join("mounted/etc");
    let script = format!("echo $GREETING $0; cat {}/app.conf; echo; echo oops >&2; pwd; exit 3", mount.display());
    cluster.pod(
        "job",
        json!({"restartPolicy": "Never",
            "containers": [{"name": "c", "image": "shell:1", "args": [script, "$(GREETING)!"],
                "terminationMessagePolicy": "FallbackToLogsOnError",
                "env": [{"name": "GREETING", "value": "hello"}],
                "workingDir": "/tmp",
                "volumeMounts": [{"name": "conf", "mountPath": mount}]}],
            "volumes": [{"name": "conf", "configMap": {"name": "conf"}}]}),
    );
    cluster.until("job", ended).await;
    let status = cluster.status("job");
    let terminated = &status["containerStatuses"][0]["state"]["terminated"];
    assert_eq!((status["phase"].as_str(), terminated["exitCode"].as_i64()), (Some("Failed"), Some(3)));
    let logs = cluster.logs("job").await;
    // Output and error output come through pipes of their own.
    assert_eq!(logs.replacen("oops\n", "", 1), "hello hello!\nlevel=info\n/tmp\n", "{:?}", cluster.events());
    assert!(terminated["message"].as_str().unwrap().contains("oops"));
    assert!(!mount.exists(), "the mount is seen by the pod only");
    cluster.node.shutdown(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn a_service_is_probed_and_ends_with_all_of_its_processes() {
    let cluster = host().await;
    let files = cluster.directory.path().join("pids");
    let script = format!(
        "trap 'echo bye; exit 0' TERM; (setsid sleep 1000 & echo $! > {}); while :; do sleep 0.05; done",
        files.display()
    );
    cluster.pod(
        "svc",
        json!({"containers": [{"name": "c", "image": "shell", "args": [script],
            "readinessProbe": {"exec": {"command": ["test", "-s", files]}, "periodSeconds": 1}}]}),
    );
    cluster.until("svc", ready).await;
    let log = cluster.api.logs("default", "svc", &bowline_apiserver::LogOptions { follow: true, ..Default::default() });
    cluster.api.delete(&resources::PODS, "default", "svc", &DeleteOptions::default()).unwrap();
    cluster.until("svc", Value::is_null).await;
    use futures::StreamExt as _;
    let rest: Vec<_> = log.unwrap().collect().await;
    assert_eq!(rest.concat(), b"bye\n");
    assert_eq!(processes_with("sleep\u{0}1000", cluster.directory.path()), Vec::<u32>::new());
    cluster.node.shutdown(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn what_cannot_start_says_why() {
    let cluster = host().await;
    cluster.pod("no-image", json!({"containers": [{"name": "c", "image": "ghcr.io/org/api:1"}]}));
    cluster.pod(
        "no-file",
        json!({"restartPolicy": "Never", "containers": [{"name": "c", "image": "shell", "command": ["/no/such"]}]}),
    );
    cluster.until("no-image", |s| s["containerStatuses"][0]["state"]["waiting"]["reason"] == "ErrImagePull").await;
    let message = cluster.status("no-image")["containerStatuses"][0]["state"]["waiting"]["message"].clone();
    assert!(message.as_str().unwrap().contains("add it to local.images in bowline.yaml"), "{message}");
    cluster.until("no-file", ended).await;
    let terminated = cluster.status("no-file")["containerStatuses"][0]["state"]["terminated"].clone();
    assert_eq!(terminated["reason"], "StartError");
    assert_eq!(terminated["message"], "exec: \"/no/such\": no such file or directory");
    cluster.node.shutdown(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn the_node_ends_its_pods_in_time() {
    let cluster = host().await;
    cluster.pod(
        "deaf",
        json!({"containers": [{"name": "c", "image": "shell", "args": ["trap '' TERM; while :; do sleep 0.1; done"]}]}),
    );
    cluster.until("deaf", ready).await;
    let directory = cluster.directory.path().to_owned();
    let begun = tokio::time::Instant::now();
    cluster.node.shutdown(Duration::from_secs(1)).await;
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    assert_eq!(processes_with("trap '' TERM", &directory), Vec::<u32>::new());
}

/// kill -9 of the process that holds the node leaves nothing behind, not even what has left its session.
#[tokio::test]
async fn a_killed_node_leaves_no_process_behind() {
    let directory = tempfile::tempdir().unwrap();
    let mark = directory.path().join("mark").display().to_string();
    let script = format!(
        "MARK={mark}; export MARK; echo x > {mark}; setsid sh -c 'sleep 5432; true' & (sleep 5432 & sleep 5432 & wait) & wait"
    );
    let mut host = tokio::process::Command::new(example("node-host"))
        .args([directory.path().join("node").as_os_str(), script.as_ref()])
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let env = format!("MARK={mark}");
    eventually("the pod's processes run", || with_environment(&env).len() >= 4).await;
    // Shims too: their command line holds the name of the binary that acts as shim.
    let all = || {
        let mut pids = with_environment(&env);
        pids.extend(processes_with("sandbox-shim", directory.path()));
        pids
    };
    host.start_kill().unwrap();
    host.wait().await.unwrap();
    eventually("nothing is left", || all().is_empty()).await;
}

async fn eventually(what: &str, is: impl Fn() -> bool) {
    let begun = tokio::time::Instant::now();
    while !is() {
        assert!(begun.elapsed() < Duration::from_secs(10), "never so: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Processes with this text in their command line that were started by tests in this directory.
fn processes_with(text: &str, directory: &std::path::Path) -> Vec<u32> {
    let directory = directory.display().to_string();
    processes(|path| {
        let read =
            |file: &str| String::from_utf8_lossy(&std::fs::read(path.join(file)).unwrap_or_default()).into_owned();
        read("cmdline").contains(text) && (read("environ").contains(&directory) || read("cmdline").contains(&directory))
    })
}

fn with_environment(variable: &str) -> Vec<u32> {
    processes(|path| {
        let environment = std::fs::read(path.join("environ")).unwrap_or_default();
        environment.split(|byte| *byte == 0).any(|entry| entry == variable.as_bytes())
    })
}

fn processes(matches: impl Fn(&std::path::Path) -> bool) -> Vec<u32> {
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    entries.filter(|e| matches(&e.path())).filter_map(|e| e.file_name().to_str()?.parse().ok()).collect()
}
