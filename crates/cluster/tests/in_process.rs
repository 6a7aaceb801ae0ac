//! The client over a tower service in this process, under a paused clock: what a rehearsal stands on.
#![allow(clippy::unwrap_used)]

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bowline_cluster::{Client, Cluster, ClusterError, Metadata, Selection, WatchEvent, WatchStream};
use bowline_manifest::GroupVersionKind;
use futures::StreamExt;
use http::{Request, Response, StatusCode};
use serde_json::{Value, json};
use tokio::time::Instant;

/// Answers each request with the next of its answers, and notes what was asked.
#[derive(Clone)]
struct Server {
    answers: Arc<Mutex<VecDeque<(u16, String)>>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
    fn new(answers: impl IntoIterator<Item = (u16, Value)>) -> (Self, Cluster) {
        let answers = answers.into_iter().map(|(code, body)| (code, lines(&body))).collect();
        let server = Self { answers: Arc::new(Mutex::new(answers)), asked: Arc::default() };
        let this = server.clone();
        let service = tower::service_fn(move |request: Request<kube::client::Body>| {
            this.asked.lock().unwrap().push(request.uri().to_string());
            let answer = this.answers.lock().unwrap().pop_front();
            async move {
                let Some((code, body)) = answer else {
                    std::future::pending::<()>().await;
                    unreachable!()
                };
                Ok::<_, Infallible>(Response::builder().status(StatusCode::from_u16(code).unwrap()).body(body).unwrap())
            }
        });
        (server, Cluster::new(Client::new(service, "default")))
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

/// A list is a stream of lines, everything else one document.
fn lines(body: &Value) -> String {
    match body {
        Value::Array(events) => events.iter().map(|event| format!("{event}\n")).collect(),
        other => other.to_string(),
    }
}

fn kinds() -> (u16, Value) {
    (
        200,
        json!({"kind": "APIResourceList", "resources": [{"name": "pods", "kind": "Pod", "namespaced": true, "verbs": ["list"]}]}),
    )
}

fn pod(name: &str, version: u32) -> Value {
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "resourceVersion": version.to_string()}})
}

fn list(version: u32, pods: &[Value]) -> (u16, Value) {
    (200, json!({"kind": "PodList", "metadata": {"resourceVersion": version.to_string()}, "items": pods}))
}

fn status(code: u16, reason: &str) -> Value {
    json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reason, "message": reason})
}

async fn watch(cluster: &Cluster) -> WatchStream {
    let pods = cluster.resource(&GroupVersionKind::new("v1", "Pod")).await.unwrap();
    cluster.watch(&pods, &Selection::namespace("demo"))
}

async fn next(events: &mut WatchStream) -> String {
    match events.next().await {
        None => "end".into(),
        Some(Err(error)) => format!("error {error}"),
        Some(Ok(WatchEvent::Listed(items))) => {
            format!("listed {}", items.iter().map(Metadata::name).collect::<Vec<_>>().join(","))
        }
        Some(Ok(WatchEvent::Changed(object))) => format!("changed {}", object.name()),
        Some(Ok(WatchEvent::Deleted(object))) => format!("deleted {}", object.name()),
        Some(Ok(WatchEvent::Interrupted(error))) => format!("interrupted {}", error.reason()),
    }
}

#[tokio::test(start_paused = true)]
async fn a_watch_lists_again_where_the_server_forgot() {
    let (server, cluster) = Server::new([
        kinds(),
        list(5, &[pod("a", 3)]),
        (
            200,
            json!([
                {"type": "ADDED", "object": pod("b", 6)},
                {"type": "BOOKMARK", "object": {"apiVersion": "v1", "kind": "Pod", "metadata": {"resourceVersion": "9"}}},
            ]),
        ),
        // Taken up where it stopped, at the bookmark; by then that is too long ago.
        (200, json!([{"type": "ERROR", "object": status(410, "Expired")}])),
        list(20, &[pod("c", 19)]),
        (200, json!([{"type": "DELETED", "object": pod("c", 21)}])),
    ]);
    let mut events = watch(&cluster).await;
    for expected in ["listed a", "changed b", "listed c", "deleted c"] {
        assert_eq!(next(&mut events).await, expected);
    }
    let versions: Vec<String> = server
        .asked()
        .iter()
        .filter(|uri| uri.contains("watch=true"))
        .map(|uri| uri.split("resourceVersion=").nth(1).unwrap().split('&').next().unwrap().to_owned())
        .collect();
    assert_eq!(versions, ["5", "9", "20"]);
}

#[tokio::test(start_paused = true)]
async fn a_watch_comes_again_with_a_growing_pause_and_no_jitter() {
    let busy = || (503, status(503, "ServiceUnavailable"));
    let (_, cluster) = Server::new([kinds(), busy(), busy(), busy(), list(5, &[]), (403, status(403, "Forbidden"))]);
    let start = Instant::now();
    let mut events = watch(&cluster).await;
    for _ in 0..3 {
        assert_eq!(next(&mut events).await, "interrupted ServiceUnavailable");
    }
    assert_eq!(next(&mut events).await, "listed ");
    let elapsed = start.elapsed();
    assert!(
        (Duration::from_millis(1400)..Duration::from_millis(1410)).contains(&elapsed),
        "{elapsed:?}: 0.2 + 0.4 + 0.8 s"
    );
    assert_eq!(next(&mut events).await, "error watch pods in namespace demo: Forbidden");
    assert_eq!(next(&mut events).await, "end", "what trying again cannot mend ends it");
}

#[tokio::test(start_paused = true)]
async fn lists_come_in_pages_and_kinds_are_asked_for_once() {
    let first = json!({"metadata": {"resourceVersion": "5", "continue": "next page"}, "items": [
        {"metadata": {"name": "a"}}]});
    let (server, cluster) = Server::new([kinds(), (200, first), list(5, &[pod("b", 2)])]);
    let pods = cluster.resource(&GroupVersionKind::new("v1", "Pod")).await.unwrap();
    let found = cluster.list(&pods, &Selection::default()).await.unwrap();
    assert_eq!(found[0], json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}}), "kinds are filled in");
    assert_eq!(found[1].name(), "b");
    cluster.resource(&GroupVersionKind::new("v1", "Pod")).await.unwrap();
    assert_eq!(server.asked(), ["/api/v1", "/api/v1/pods?limit=500", "/api/v1/pods?limit=500&continue=next%20page"]);
}

#[tokio::test(start_paused = true)]
async fn errors_say_what_was_being_done_in_the_servers_words() {
    let (_, cluster) = Server::new([kinds(), (409, status(409, "AlreadyExists")), (404, json!("404 page not found"))]);
    let error = cluster.create(&pod("a", 1)).await.unwrap_err();
    assert!(error.is_already_exists() && !error.is_conflict());
    assert_eq!(error.to_string(), "create Pod/a: AlreadyExists");
    let pods = cluster.resource(&GroupVersionKind::new("v1", "Pod")).await.unwrap();
    let error = cluster.list(&pods, &Selection::namespace("demo")).await.unwrap_err();
    assert!(
        error.is_not_found() && matches!(&error, ClusterError::Api { reason, .. } if reason.is_empty()),
        "{error:?}"
    );
}
