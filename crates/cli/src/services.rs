//! The Services of a release: how many of their pods are ready, and where they are reached from here.

use bowline_cluster::{Cluster, ClusterError, Metadata, ObjectRef, Selection};
use bowline_manifest::GroupVersionKind;
use serde::Serialize;
use serde_json::Value;

use crate::printer::table;

const WORKLOADS: [&str; 3] = ["Deployment", "StatefulSet", "DaemonSet"];

/// One Service of a release.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Service {
    pub(crate) name: String,
    /// Ready pods of the workloads it selects.
    pub(crate) ready: i64,
    /// Pods that those workloads are to have.
    pub(crate) wanted: i64,
    /// Where it is reached from outside of the cluster, when it can be.
    pub(crate) url: Option<String>,
    /// Whether it is to have an address outside of the cluster.
    #[serde(skip)]
    pub(crate) is_load_balancer: bool,
    #[serde(skip)]
    uid: String,
}

/// One workload of a release.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Workload {
    pub(crate) kind: &'static str,
    pub(crate) name: String,
    pub(crate) ready: i64,
    pub(crate) wanted: i64,
    /// Images of its containers.
    pub(crate) images: Vec<String>,
    #[serde(skip)]
    labels: Value,
}

/// What of a release runs and serves.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Overview {
    pub(crate) services: Vec<Service>,
    pub(crate) workloads: Vec<Workload>,
}

/// Reads the Services and workloads that belong to `release` in `namespace`.
pub(crate) async fn overview(cluster: &Cluster, namespace: &str, release: &str) -> Result<Overview, ClusterError> {
    let mut workloads = Vec::new();
    for kind in WORKLOADS {
        for object in owned(cluster, "apps/v1", kind, namespace, release).await? {
            workloads.push(workload(kind, &object));
        }
    }
    let services = owned(cluster, "v1", "Service", namespace, release).await?;
    let services = services.iter().map(|object| service(object, &workloads)).collect();
    Ok(Overview { services, workloads })
}

/// Why a Service of type LoadBalancer has no address: the last warning about it, `None` where there is none (yet).
pub(crate) async fn refused_address(
    cluster: &Cluster,
    namespace: &str,
    service: &Service,
) -> Result<Option<String>, ClusterError> {
    let object = ObjectRef::new("v1", "Service", namespace, &service.name);
    let events = cluster.events_of(&object, &service.uid).await?;
    Ok(events.into_iter().rev().find(|event| event.severity == "Warning").map(|event| event.message))
}

/// The table of Services as `up` and `status` print it.
pub(crate) fn service_table(services: &[Service]) -> String {
    let row = |service: &Service| {
        let ready = format!("{}/{}", service.ready, service.wanted);
        vec![service.name.clone(), ready, service.url.clone().unwrap_or_default()]
    };
    table(&["SERVICE", "READY", "URL"], &services.iter().map(row).collect::<Vec<_>>())
}

async fn owned(
    cluster: &Cluster,
    api_version: &str,
    kind: &str,
    namespace: &str,
    release: &str,
) -> Result<Vec<Value>, ClusterError> {
    let resource = cluster.resource(&GroupVersionKind::new(api_version, kind)).await?;
    let mut objects = cluster.list(&resource, &Selection::namespace(namespace)).await?;
    objects.retain(|object| object.annotation("meta.helm.sh/release-name") == Some(release));
    Ok(objects)
}

fn workload(kind: &'static str, object: &Value) -> Workload {
    let number = |pointer: &str| object.pointer(pointer).and_then(Value::as_i64);
    let (ready, wanted) = match kind {
        "DaemonSet" => (number("/status/numberReady"), number("/status/desiredNumberScheduled")),
        _ => (number("/status/readyReplicas"), number("/spec/replicas").or(Some(1))),
    };
    let containers = object.pointer("/spec/template/spec/containers").and_then(Value::as_array);
    Workload {
        kind,
        name: object.name().to_owned(),
        ready: ready.unwrap_or(0),
        wanted: wanted.unwrap_or(0),
        images: containers.into_iter().flatten().filter_map(|c| Some(c["image"].as_str()?.to_owned())).collect(),
        labels: object.pointer("/spec/template/metadata/labels").cloned().unwrap_or_default(),
    }
}

fn service(object: &Value, workloads: &[Workload]) -> Service {
    let selector = object.pointer("/spec/selector").and_then(Value::as_object);
    let selects = |workload: &&Workload| {
        selector.is_some_and(|s| !s.is_empty() && s.iter().all(|(key, value)| workload.labels.get(key) == Some(value)))
    };
    let selected: Vec<&Workload> = workloads.iter().filter(selects).collect();
    Service {
        name: object.name().to_owned(),
        ready: selected.iter().map(|workload| workload.ready).sum(),
        wanted: selected.iter().map(|workload| workload.wanted).sum(),
        url: url(object),
        is_load_balancer: object.pointer("/spec/type").and_then(Value::as_str) == Some("LoadBalancer"),
        uid: object.uid().to_owned(),
    }
}

/// `http://HOST:PORT` of the first address that a load balancer gave the Service.
fn url(service: &Value) -> Option<String> {
    let ingress = service.pointer("/status/loadBalancer/ingress/0")?;
    let host = ingress["ip"].as_str().or(ingress["hostname"].as_str())?;
    // The embedded node says on which port it listens; elsewhere it is the Service's own.
    let listening = ingress.pointer("/ports/0/port").and_then(Value::as_i64);
    let port = listening.or_else(|| service.pointer("/spec/ports/0/port").and_then(Value::as_i64))?;
    let scheme = if port == 443 { "https" } else { "http" };
    Some(if matches!(port, 80 | 443) { format!("{scheme}://{host}") } else { format!("{scheme}://{host}:{port}") })
}
