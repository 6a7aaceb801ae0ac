//! The real controller manager, scheduler and kwok on our API server: if they work, client-go does, with protobuf,
//! watch-list, leases and all.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::path::Path;

use support::{Ours, supervise};

const NODE: &str = "apiVersion: v1\nkind: Node\nmetadata: {name: n1, labels: {type: kwok}}\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_real_controllers_roll_out_on_our_api() {
    let (Some(kubernetes), Some(kwok)) = (bowline_peers::find("kubernetes"), bowline_peers::find("kwok")) else {
        return;
    };
    let ours = Ours::start().await;
    let file = |name: &str| ours.home.path().join(name);
    let kubeconfig = format!("--kubeconfig={}", ours.kubeconfig().display());
    let start = |program: &Path, arguments: &[&str], log: &str| {
        let arguments: Vec<String> = arguments.iter().map(|a| (*a).to_owned()).chain([kubeconfig.clone()]).collect();
        supervise(program, &arguments, &file(log))
    };
    let alone = ["--leader-elect=false", "--secure-port=0"];
    let _programs = [
        start(&kubernetes, &[&["kube-controller-manager"], &alone[..]].concat(), "manager.log"),
        start(&kubernetes, &[&["kube-scheduler"], &alone[..]].concat(), "scheduler.log"),
        start(&kwok, &["--manage-all-nodes=true"], "kwok.log"),
    ];
    let kubectl = |arguments: &'static str, input: &'static str| {
        let (ours, kubernetes) = (&ours, &kubernetes);
        async move {
            let arguments: Vec<&str> = ["kubectl"].into_iter().chain(arguments.split(' ')).collect();
            ours.ok(kubernetes, &arguments, input).await
        }
    };
    kubectl("apply -f -", NODE).await;
    kubectl("create deployment web --image=nginx:1 --replicas=3", "").await;
    kubectl("expose deployment web --port=80", "").await;
    kubectl("rollout status deployment/web --timeout=50s", "").await;
    kubectl("set image deployment/web nginx=nginx:2", "").await;
    assert!(kubectl("rollout status deployment/web --timeout=50s", "").await.contains("successfully rolled out"));
    let images = kubectl("get pods -o jsonpath={.items[*].spec.containers[*].image}", "").await;
    assert!(images.split(' ').any(|image| image == "nginx:2"), "{images}");
    let addresses = kubectl("get endpointslices -o jsonpath={.items[*].endpoints[*].addresses[0]}", "").await;
    assert!(!addresses.is_empty());
    let events = kubectl("get events --field-selector reason=ScalingReplicaSet", "").await;
    assert!(events.contains("Scaled up replica set"), "{events}");
    kubectl("create namespace gone", "").await;
    kubectl("create configmap left -n gone", "").await;
    kubectl("delete namespace gone --timeout=50s", "").await;
    kubectl("delete deployment web --cascade=foreground --timeout=50s", "").await;
    assert_eq!(kubectl("get replicasets -o name", "").await, "", "dependents went first");
}
