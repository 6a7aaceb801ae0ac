//! Services over real TCP: routing to ready pods, rolling replacement without a failed request, ports in use, and pods
//! with a network of their own.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::print_stdout, clippy::needless_pass_by_value)]

#[allow(dead_code)]
mod support;

use std::time::Duration;

use bowline_apiserver::{DeleteOptions, resources};
use bowline_controlplane::node::{Mode, NetworkMode};
use serde_json::{Value, json};
use support::clients::{Clients, get};
use support::{Cluster, ready};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

async fn rolling_replacement(network: NetworkMode) {
    let Some(cluster) = Cluster::start(network, &[]).await else { return };
    cluster.service("web", "10.96.0.20", "ClusterIP", 80);
    cluster.echo("web-0", json!([]));
    cluster.until("web-0", ready).await;
    cluster.endpoints("web");
    let address = cluster.node.service_address("default", "web", 80).unwrap();
    assert_eq!(get(address, "/").await, "web-0");
    let clients = Clients::start(address);
    for round in 1..4 {
        let (old, new) = (format!("web-{}", round - 1), format!("web-{round}"));
        cluster.echo(&new, json!([]));
        cluster.until(&new, ready).await;
        // The node leads traffic away by itself: the slice still lists the old pod as ready when it is deleted.
        cluster.endpoints("web");
        cluster.api.delete(&resources::PODS, "default", &old, &DeleteOptions::default()).unwrap();
        cluster.until(&old, Value::is_null).await;
        cluster.endpoints("web");
    }
    assert_eq!(get(address, "/").await, "web-3");
    let (asked, failures) = clients.stop().await;
    assert!(asked > 20, "only {asked} requests");
    assert_eq!(failures, Vec::<String>::new(), "of {asked} requests");
    cluster.node.shutdown(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn rolling_replacement_fails_no_request() {
    rolling_replacement(NetworkMode::Host).await;
}

#[tokio::test]
async fn rolling_replacement_fails_no_request_between_namespaces() {
    rolling_replacement(NetworkMode::Namespace).await;
}

#[tokio::test]
async fn in_host_mode_services_are_called_through_the_environment() {
    let cluster = Cluster::start(NetworkMode::Host, &[]).await.unwrap();
    assert!(
        matches!(cluster.node.mode(), Mode::Process { network: NetworkMode::Host, degraded } if !degraded.is_empty())
    );
    cluster.service("api", "10.96.0.21", "ClusterIP", 8000);
    cluster.echo("api-0", json!([]));
    cluster.pod(
        "call-0",
        json!({"restartPolicy": "Never", "containers": [{"name": "c", "image": "shell", "args": ["echo $API $API_SERVICE_HOST:$API_SERVICE_PORT"],
            "env": [{"name": "API", "value": "http://api:8000/x"}]}]}),
    );
    cluster.until("call-0", support::ended).await;
    let address = cluster.node.service_address("default", "api", 8000).unwrap();
    assert_eq!(cluster.logs("call-0").await, format!("http://{address}/x {address}\n"));
    cluster.until("api-0", ready).await;
    cluster.endpoints("api");
    assert_eq!(get(address, "/").await, "api-0");
    cluster.node.shutdown(Duration::from_secs(5)).await;
}

/// A server of the machine.
async fn store(address: &str) -> u16 {
    let store = tokio::net::TcpListener::bind((address, 0)).await.unwrap();
    let port = store.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = store.accept().await {
            // The request first: a connection that is closed with unread bytes is reset.
            let mut request = [0; 1024];
            let _ = stream.read(&mut request).await;
            let _ = stream.write_all(b"HTTP/1.0 200 OK\r\n\r\nstore").await;
        }
    });
    port
}

#[tokio::test]
async fn pods_of_one_port_call_each_other_by_name_and_reach_the_machine() {
    let (store_port, named, other) = (store("127.0.0.1").await, store("127.0.0.1").await, store("127.0.0.2").await);
    let Some(cluster) = Cluster::start(NetworkMode::Namespace, &[store_port]).await else { return };
    assert_eq!(cluster.node.mode(), &Mode::Process { network: NetworkMode::Namespace, degraded: Vec::new() });
    cluster.service("front", "10.96.0.30", "ClusterIP", 80);
    cluster.service("back", "10.96.0.31", "ClusterIP", 7860);
    for name in ["front", "back"] {
        let env = json!([{"name": "PORT", "value": "7860"}, {"name": "DATABASE_URL", "value": format!("postgres://u:p@localhost:{named}/db")},
            {"name": "OTHER", "value": format!("http://127.0.0.2:{other}")}]);
        cluster.echo(&format!("{name}-0"), env);
    }
    for name in ["front", "back"] {
        cluster.until(&format!("{name}-0"), ready).await;
        cluster.endpoints(name);
    }
    let front = cluster.node.service_address("default", "front", 80).unwrap();
    assert_eq!(get(front, "/fetch/back:7860/").await, "back-0");
    assert_eq!(get(front, "/fetch/back.default.svc.cluster.local:7860/").await, "back-0");
    assert_eq!(get(front, "/fetch/10.96.0.31:7860/").await, "back-0");
    let back_ip = cluster.status("back-0")["podIP"].as_str().unwrap().to_owned();
    assert_eq!(get(front, &format!("/fetch/{back_ip}:7860/")).await, "back-0");
    // Declared ports of the machine, and what the environment names of the outside.
    for address in [format!("127.0.0.1:{store_port}"), format!("localhost:{named}"), format!("127.0.0.2:{other}")] {
        assert_eq!(get(front, &format!("/fetch/{address}/")).await, "store", "{address}");
    }
    // A Service that comes later is known at once, a headless one by an address of its own.
    cluster.service("late", "None", "ClusterIP", 80);
    cluster.echo("late-0", json!([]));
    cluster.until("late-0", ready).await;
    cluster.endpoints("late");
    assert_eq!(get(front, "/fetch/late:80/").await, "late-0");
    cluster.node.shutdown(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn a_load_balancer_has_its_port_or_says_who_has_it() {
    let cluster = Cluster::start(NetworkMode::Host, &[]).await.unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    cluster.service("busy", "10.96.0.40", "LoadBalancer", port);
    assert_ne!(cluster.node.service_address("default", "busy", port).unwrap().port(), port);
    let events = cluster.events();
    let said = events.iter().find(|e| e.starts_with("SyncLoadBalancerFailed")).unwrap();
    assert!(said.contains(&format!("port {port} is in use by ")), "{said}");
    assert!(said.contains(&format!("(pid {})", std::process::id())), "{said}");
    assert!(said.contains("choose another with `--port busy=PORT`"), "{said}");

    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    cluster.service("free", "10.96.0.41", "LoadBalancer", free);
    assert_eq!(cluster.node.service_address("default", "free", free).unwrap().port(), free);
    let status = cluster.api.get(&resources::SERVICES, "default", "free").unwrap()["status"].clone();
    assert_eq!(status["loadBalancer"]["ingress"][0]["ip"], "127.0.0.1");
    assert_eq!(status["loadBalancer"]["ingress"][0]["ports"][0]["port"], free);
    cluster.node.shutdown(Duration::from_secs(5)).await;
}
