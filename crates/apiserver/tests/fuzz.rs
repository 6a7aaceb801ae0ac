//! Requests nobody would send: none makes the API panic, hang or answer that it is the server's fault.
#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "../../../fuzz/mod.rs"]
mod fuzz;

use bowline_apiserver::Api;
use bowline_clock::{Clock, Random};
use bytes::Bytes;
use futures::FutureExt;
use fuzz::{cases, jumble, mutated, mutated_text, on_a_small_stack};
use http::Request;
use http_body_util::{BodyExt, Full};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::Value;
use tower::Service;

fn api() -> Api {
    let api = Api::new(Clock::starting_at("2026-01-31T12:00:00Z".parse().unwrap()), Random::seeded(1));
    for (path, body) in [
        ("/api/v1/namespaces/default/pods", POD),
        ("/api/v1/namespaces/default/services", SERVICE),
        ("/apis/apps/v1/namespaces/default/deployments", DEPLOYMENT),
        ("/api/v1/namespaces/default/configmaps", CONFIG),
        ("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", CRD),
    ] {
        let (code, answer) = send(&api, "POST", path, "application/json", body.as_bytes()).unwrap();
        assert_eq!(code, 201, "{answer}");
    }
    api
}

const POD: &str = r#"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p","labels":{"app":"p"},"annotations":{"a":"b"}},
"spec":{"containers":[{"name":"c","image":"i:1","ports":[{"containerPort":80,"name":"http"}],"env":[{"name":"A","value":"b"},
{"name":"B","valueFrom":{"secretKeyRef":{"name":"s","key":"k"}}}],"resources":{"limits":{"cpu":"100m","memory":"1Gi"}},
"readinessProbe":{"httpGet":{"path":"/","port":"http"},"periodSeconds":5},"volumeMounts":[{"name":"v","mountPath":"/v"}]}],
"volumes":[{"name":"v","configMap":{"name":"c","items":[{"key":"a","path":"b"}]}}],"restartPolicy":"Always"}}"#;
const SERVICE: &str = r#"{"apiVersion":"v1","kind":"Service","metadata":{"name":"s"},"spec":{"selector":{"app":"p"},"type":"NodePort",
"ports":[{"port":80,"targetPort":"http","nodePort":30080,"protocol":"TCP","name":"a"},{"port":81,"name":"b"}]}}"#;
const DEPLOYMENT: &str = r#"{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"d"},"spec":{"replicas":2,
"selector":{"matchLabels":{"app":"d"},"matchExpressions":[{"key":"x","operator":"DoesNotExist"}]},"strategy":{"type":
"RollingUpdate","rollingUpdate":{"maxSurge":"25%","maxUnavailable":1}},"template":{"metadata":{"labels":{"app":"d"}},
"spec":{"containers":[{"name":"c","image":"i","imagePullPolicy":"Always"}],"initContainers":[{"name":"j","image":"i"}]}}}}"#;
const CONFIG: &str = r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"c","finalizers":["a.example/b"],
"ownerReferences":[{"apiVersion":"v1","kind":"Pod","name":"p","uid":"u"}]},"data":{"a":"1"},"binaryData":{"b":"AAA="}}"#;
const CRD: &str = r#"{"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","metadata":{"name":"ws.e.io"},
"spec":{"group":"e.io","scope":"Namespaced","names":{"plural":"ws","singular":"w","kind":"W","listKind":"WList"},"versions":
[{"name":"v1","served":true,"storage":true,"subresources":{"status":{},"scale":{"specReplicasPath":".spec.n","statusReplicasPath":
".status.n"}},"additionalPrinterColumns":[{"name":"N","type":"integer","jsonPath":".spec.n"}],"schema":{"openAPIV3Schema":
{"type":"object","properties":{"spec":{"type":"object","x-kubernetes-preserve-unknown-fields":true,"properties":{"n":
{"type":"integer","default":1,"minimum":0}}}}}}}]}}"#;

const PATHS: &[&str] = &[
    "/api/v1/namespaces/default/pods",
    "/api/v1/namespaces/default/pods/p",
    "/api/v1/namespaces/default/pods/p/status",
    "/api/v1/namespaces/default/pods/p/log",
    "/api/v1/namespaces/default/pods/p/binding",
    "/api/v1/namespaces/default/pods/p/eviction",
    "/api/v1/namespaces/default/services/s",
    "/api/v1/namespaces/default/configmaps/c",
    "/api/v1/namespaces/default/serviceaccounts/default/token",
    "/api/v1/namespaces/default/events",
    "/api/v1/namespaces",
    "/api/v1/nodes",
    "/apis/apps/v1/namespaces/default/deployments",
    "/apis/apps/v1/namespaces/default/deployments/d",
    "/apis/apps/v1/namespaces/default/deployments/d/scale",
    "/apis/apps/v1/deployments",
    "/apis/batch/v1/namespaces/default/jobs",
    "/apis/batch/v1/namespaces/default/cronjobs",
    "/apis/rbac.authorization.k8s.io/v1/clusterroles",
    "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
    "/apis/authentication.k8s.io/v1/tokenreviews",
    "/apis/coordination.k8s.io/v1/namespaces/default/leases",
    "/apis/networking.k8s.io/v1/namespaces/default/ingresses",
    "/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers",
    "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
    "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/ws.e.io",
    "/apis/e.io/v1/namespaces/default/ws",
    "/apis/e.io/v1/namespaces/default/ws/w/scale",
    "/api",
    "/apis",
    "/openapi/v2",
    "/openapi/v3",
    "/openapi/v3/apis/apps/v1",
    "/version",
    "/readyz",
];

const TYPES: &[&str] = &[
    "application/json",
    "application/yaml",
    "application/vnd.kubernetes.protobuf",
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
    "application/apply-patch+yaml",
    "text/plain",
    "",
];

/// What the API answers; nothing where the request itself cannot be made, or what it asks for goes on for ever.
fn send(api: &Api, method: &str, uri: &str, content_type: &str, body: &[u8]) -> Option<(u16, String)> {
    let accept = if uri.len().is_multiple_of(3) {
        "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"
    } else {
        "application/json"
    };
    let request =
        Request::builder().method(method).uri(uri).header("content-type", content_type).header("accept", accept);
    let request = request.body(Full::new(Bytes::copy_from_slice(body))).ok()?;
    let response = api.service().call(request).now_or_never().unwrap().unwrap();
    let code = response.status().as_u16();
    let is_json = response.headers().get("content-type").is_some_and(|kind| kind == "application/json");
    let body = response.into_body().collect().now_or_never()?.unwrap().to_bytes();
    let text = String::from_utf8_lossy(&body).into_owned();
    assert!(code < 500 || code == 503 || code == 501, "{method} {uri} {content_type}: {code} {text}");
    if code >= 400 {
        assert!(!text.is_empty(), "{method} {uri}: {code} without a word");
        if is_json {
            let status: Value = serde_json::from_str(&text).unwrap();
            assert_eq!(status["code"], code, "{text}");
        }
    }
    Some((code, text))
}

const OBJECTS: &[&str] = &[POD, SERVICE, DEPLOYMENT, CONFIG, CRD];

const PATCHES: &[&str] = &[
    r#"[{"op":"add","path":"/metadata/labels/x","value":"y"},{"op":"remove","path":"/spec/containers/0/env/1"},{"op":"test","path":"/kind","value":"Pod"},{"op":"move","from":"/metadata/labels","path":"/metadata/annotations"},{"op":"copy","from":"/spec","path":"/status"},{"op":"replace","path":"","value":null}]"#,
    r#"{"metadata":{"labels":{"a":null,"b":"c"},"finalizers":null},"spec":{"replicas":null,"template":null},"data":{"x":1}}"#,
    r#"{"spec":{"template":{"spec":{"$setElementOrder/containers":[{"name":"c"}],"containers":[{"name":"c","$patch":"delete"},{"name":"n","image":"i"}],"volumes":[{"$patch":"replace"}],"$retainKeys":["containers"]}}}}"#,
    r#"{"$patch":"replace","metadata":{"$deleteFromPrimitiveList/finalizers":["a.example/b"],"ownerReferences":[{"uid":"u","$patch":"merge"}]}}"#,
    DEPLOYMENT,
    POD,
    SERVICE,
    CONFIG,
];

const QUERY: &[&str] = &[
    "labelSelector=",
    "fieldSelector=",
    "a%3Db",
    "app+in+(a,b)",
    "!x",
    "a!=b",
    "metadata.name=p",
    "spec.nodeName=",
    "status.phase!=",
    "&",
    "=",
    "limit=1",
    "limit=-1",
    "continue=",
    "eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6MSwic3RhcnQiOiJhIn0",
    "resourceVersion=0",
    "resourceVersion=99999999999999999999",
    "resourceVersionMatch=Exact",
    "dryRun=All",
    "dryRun=x",
    "fieldManager=a",
    "force=true",
    "fieldValidation=Strict",
    "fieldValidation=Warn",
    "propagationPolicy=Orphan",
    "gracePeriodSeconds=-1",
    "pretty=true",
    "watch=false",
    "timeoutSeconds=1",
    "tailLines=5",
    "container=c",
    "%",
    "%zz",
    "%00",
    "%ff",
    "+",
    "(",
    ")",
    ",",
    "notin",
];

proptest! {
    #![proptest_config(cases(30))]

    #[test]
    fn any_json_body_is_answered(
        bodies in prop::collection::vec((mutated_text(OBJECTS), select(PATHS), select(vec!["POST", "PUT", "DELETE"]), select(TYPES)), 1..6)
    ) {
        let api = api();
        for (body, path, method, content_type) in &bodies {
            send(&api, method, path, content_type, body.as_bytes());
            send(&api, method, path, "application/json", body.as_bytes());
        }
        for path in PATHS {
            send(&api, "GET", path, "", b"");
        }
    }

    #[test]
    fn any_patch_is_answered(
        patches in prop::collection::vec((mutated_text(PATCHES), select(PATHS), select(&TYPES[3..7])), 1..6)
    ) {
        let api = api();
        for (body, path, content_type) in &patches {
            send(&api, "PATCH", &format!("{path}?fieldManager=fuzz&force=true"), content_type, body.as_bytes());
        }
        for path in PATHS {
            send(&api, "GET", path, "", b"");
        }
    }

    #[test]
    fn any_patch_of_the_kind_is_answered(
        patches in prop::collection::vec((select(PATCHES), select(PATHS), select(&TYPES[3..7])), 1..6)
    ) {
        let api = api();
        for (body, path, content_type) in &patches {
            send(&api, "PATCH", &format!("{path}?fieldManager=fuzz&force=true"), content_type, body.as_bytes());
        }
    }
}

/// A `Pod` in protobuf, behind Kubernetes' magic number.
fn protobuf() -> Vec<u8> {
    let field = |number: u8, bytes: &[u8]| [&[number << 3 | 2, bytes.len() as u8][..], bytes].concat();
    let meta = [field(1, b"pb"), field(11, &[field(1, b"app"), field(2, b"x")].concat())].concat();
    let container = [field(1, b"c"), field(2, b"image"), field(6, &[0x18, 0x50])].concat();
    let pod = [field(1, &meta), field(2, &field(2, &container))].concat();
    let unknown = [field(1, &[field(1, b"v1"), field(2, b"Pod")].concat()), field(2, &pod)].concat();
    [b"k8s\0".as_slice(), &unknown].concat()
}

proptest! {
    #![proptest_config(cases(200))]

    #[test]
    fn any_protobuf_is_answered(body in mutated(vec![protobuf()]), path in select(&PATHS[..10])) {
        thread_local! { static API: Api = api(); }
        API.with(|api| {
            send(api, "POST", path, "application/vnd.kubernetes.protobuf", &body);
            send(api, "DELETE", path, "application/vnd.kubernetes.protobuf", &body);
        });
    }

    #[test]
    fn any_path_and_query_is_answered(
        path in select(PATHS), more in jumble(&["/", "//", "..", "%2f", "%", "pods", "status", "watch", "a", "api", "v1"], 5), query in jumble(QUERY, 10),
        method in select(vec!["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"]),
    ) {
        thread_local! { static API: Api = api(); }
        API.with(|api| {
            // What comes out must be the same while nothing is written.
            let first = send(api, "GET", &format!("{path}?{query}"), "", b"");
            prop_assert_eq!(send(api, "GET", &format!("{path}?{query}"), "", b""), first);
            send(api, method, &format!("{path}{more}?{query}"), "", b"");
            Ok(())
        })?;
    }
}

#[test]
fn the_protobuf_that_is_changed_is_a_pod() {
    let (code, text) = send(&api(), "POST", PATHS[0], "application/vnd.kubernetes.protobuf", &protobuf()).unwrap();
    assert_eq!(code, 201, "{text}");
}

#[test]
fn deep_and_lying_bodies_are_refused_on_a_small_stack() {
    let deep = 200_000;
    let nested = |open: &str, close: &str| [open.repeat(deep), close.repeat(deep)].concat().into_bytes();
    let mut bomb = String::from("a: &a0 [x,x,x,x,x,x,x,x,x]\n");
    for i in 1..30 {
        bomb.push_str(&format!("b{i}: &a{i} [{}]\n", vec![format!("*a{}", i - 1); 9].join(",")));
    }
    let mut pb = b"k8s\0".to_vec();
    pb.extend([0x12, 0xff, 0xff, 0xff, 0xff, 0x0f].repeat(1000));
    // A CRD whose schema nests as deep as JSON may.
    let schema = format!("{}{{}}{}", "{\"type\":\"object\",\"properties\":{\"a\":".repeat(40), "}}".repeat(40));
    let crd = CRD.replace(
        "{\"type\":\"object\",\"properties\":{\"spec\"",
        &format!("{{\"type\":\"object\",\"properties\":{{\"deep\":{schema},\"spec\""),
    );
    let bodies = [
        nested("[", "]"),
        nested("{\"a\":", "}"),
        nested("{a: ", "}"),
        nested("- ", ""),
        bomb.into_bytes(),
        pb,
        crd.into_bytes(),
    ];
    for body in bodies {
        on_a_small_stack(move || {
            let api = api();
            for content_type in TYPES {
                for path in
                    ["/api/v1/namespaces/default/configmaps", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"]
                {
                    send(&api, "POST", path, content_type, &body);
                }
                send(&api, "PATCH", "/api/v1/namespaces/default/configmaps/c?fieldManager=a", content_type, &body);
            }
        });
    }
}

#[test]
fn patches_that_multiply_an_object_are_refused() {
    let copy = r#"{"op":"copy","from":"/data","path":"/data/x"}"#;
    let patch = format!("[{}]", vec![copy; 60].join(","));
    on_a_small_stack(move || {
        let api = api();
        let path = "/api/v1/namespaces/default/configmaps/c";
        let (code, text) = send(&api, "PATCH", path, "application/json-patch+json", patch.as_bytes()).unwrap();
        assert!((400..500).contains(&code), "{code}: {} bytes", text.len());
    });
}

#[test]
fn an_apply_of_a_scale_is_not_the_server_s_fault() {
    let path = "/apis/apps/v1/namespaces/default/deployments/d/scale?fieldManager=a";
    let answer = send(&api(), "PATCH", path, "application/apply-patch+yaml", b"spec: {replicas: 3}");
    assert_eq!(answer.unwrap().0, 415);
}

#[test]
fn selectors_and_tokens_that_are_huge_are_answered() {
    let api = api();
    for query in ["labelSelector=", "fieldSelector=", "continue=", "resourceVersion="] {
        for piece in ["a,", "(", "a%20in%20(", "!", "%2C", "=", "a%3Db,", "9"] {
            let uri = format!("{}?{query}{}", PATHS[0], piece.repeat(5_000));
            send(&api, "GET", &uri, "", b"");
        }
    }
}
