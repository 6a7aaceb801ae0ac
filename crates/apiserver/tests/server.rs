//! The API behind TLS: who gets in, and what a hostile client gets.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::time::Duration;

use bowline_apiserver::{Api, Identity, Server, User};
use bowline_clock::{Clock, Random};
use http::Request;
use http_body_util::BodyExt;
use k8s_openapi::api::core::v1::{ConfigMap, Pod};
use kube::api::{ListParams, PostParams};
use serde_json::{Value, json};

async fn start() -> (Api, Identity, Server) {
    let api = Api::new(Clock::system(), Random::seeded(1));
    let identity = Identity::generate(&[]).unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = api.serve(listener, &identity).unwrap();
    (api, identity, server)
}

async fn client(identity: &Identity, server: &Server, token: Option<&str>) -> kube::Client {
    let kubeconfig = kube::config::Kubeconfig::from_yaml(&identity.kubeconfig(server.address(), "default")).unwrap();
    let mut config = kube::Config::from_custom_kubeconfig(kubeconfig, &Default::default()).await.unwrap();
    config.auth_info.token = token.map(|t| t.to_owned().into());
    kube::Client::try_from(config).unwrap()
}

async fn get(client: &kube::Client, path: &str) -> (u16, String) {
    let request = Request::get(path).body(kube::client::Body::empty()).unwrap();
    let response = client.send(request).await.unwrap();
    let code = response.status().as_u16();
    (code, String::from_utf8_lossy(&response.into_body().collect().await.unwrap().to_bytes()).into_owned())
}

#[tokio::test]
async fn only_those_who_are_known_get_in() {
    let (_api, identity, server) = start().await;
    let nobody = client(&identity, &server, None).await;
    for open in ["/readyz", "/livez", "/healthz", "/version"] {
        assert_eq!(get(&nobody, open).await.0, 200, "{open}");
    }
    for path in ["/api/v1/pods", "/apis", "/openapi/v2", "/", "/readyz/../api/v1/secrets", "//readyz"] {
        assert_eq!(get(&nobody, path).await.0, 401, "{path}");
    }
    let stranger = client(&identity, &server, Some("guess")).await;
    let (code, body) = get(&stranger, "/api/v1/pods").await;
    let status: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((code, &status["reason"], &status["message"]), (401, &json!("Unauthorized"), &json!("Unauthorized")));
    let owner = client(&identity, &server, Some(identity.token())).await;
    assert_eq!(get(&owner, "/api/v1/pods").await.0, 200);
    server.stop().await;
    let request = Request::get("/readyz").body(kube::client::Body::empty()).unwrap();
    assert!(owner.send(request).await.is_err(), "a stopped server answers nobody");
}

#[tokio::test]
async fn others_do_what_roles_give_them() {
    let (api, identity, server) = start().await;
    api.add_token("reader", User { name: "ann".into(), groups: vec!["system:authenticated".into()] });
    let reader = client(&identity, &server, Some("reader")).await;
    let maps: kube::Api<ConfigMap> = kube::Api::default_namespaced(reader.clone());
    let error = maps.list(&ListParams::default()).await.unwrap_err();
    let kube::Error::Api(status) = error else { panic!("{error}") };
    let wanted = "configmaps is forbidden: User \"ann\" cannot list resource \"configmaps\" in API group \"\" in the namespace \"default\"";
    assert_eq!((status.code, status.message.as_str()), (403, wanted));
    let binding = json!({"metadata": {"name": "b"}, "roleRef": {"kind": "ClusterRole", "name": "view"},
        "subjects": [{"kind": "User", "name": "ann"}]});
    let by = bowline_apiserver::WriteOptions::default();
    api.create(&bowline_apiserver::resources::ROLE_BINDINGS, "default", binding, &by).unwrap();
    maps.list(&ListParams::default()).await.unwrap();
    assert!(maps.create(&PostParams::default(), &ConfigMap::default()).await.is_err(), "may look, not touch");
    let elsewhere: kube::Api<Pod> = kube::Api::namespaced(reader, "kube-system");
    assert!(elsewhere.list(&ListParams::default()).await.is_err());
}

#[tokio::test]
async fn hostile_bodies_are_refused_and_the_server_lives() {
    let (_api, identity, server) = start().await;
    let owner = client(&identity, &server, Some(identity.token())).await;
    let post = |content_type: &'static str, body: Vec<u8>| {
        let owner = owner.clone();
        async move {
            let request = Request::post("/api/v1/namespaces/default/configmaps").header("content-type", content_type);
            owner.send(request.body(kube::client::Body::from(body)).unwrap()).await.map(|r| r.status().as_u16())
        }
    };
    let deep = [vec![b'['; 200_000], vec![b']'; 200_000]].concat();
    let nested = "{\"a\":".repeat(50_000).into_bytes();
    assert_eq!(post("application/json", deep.clone()).await.unwrap(), 400);
    assert_eq!(post("application/json", nested).await.unwrap(), 400);
    assert_eq!(post("application/yaml", deep).await.unwrap(), 400);
    let bomb = "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e]\ng: &g [*f,*f,*f,*f,*f,*f,*f,*f,*f]\n";
    assert_eq!(post("application/yaml", bomb.into()).await.unwrap(), 400);
    assert_eq!(
        post("application/vnd.kubernetes.protobuf", b"k8s\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff".to_vec())
            .await
            .unwrap(),
        400
    );
    // The answer may overtake the body, or the connection may be closed on it.
    if let Ok(code) = post("application/json", vec![b' '; 4 * 1024 * 1024]).await {
        assert_eq!(code, 413);
    }
    assert_eq!(get(&owner, "/readyz").await, (200, "ok".to_owned()));
}

#[tokio::test]
async fn a_watch_over_the_wire_brings_every_change() {
    let (_api, identity, server) = start().await;
    let owner = client(&identity, &server, Some(identity.token())).await;
    let maps: kube::Api<ConfigMap> = kube::Api::default_namespaced(owner);
    let mut events = Box::pin(maps.watch(&kube::api::WatchParams::default(), "0").await.unwrap());
    for at in 0..50 {
        let map = json!({"metadata": {"name": format!("m-{at}")}});
        maps.create(&PostParams::default(), &serde_json::from_value(map).unwrap()).await.unwrap();
    }
    for at in 0..50 {
        use futures::StreamExt;
        let event = tokio::time::timeout(Duration::from_secs(5), events.next()).await.unwrap().unwrap().unwrap();
        let kube::api::WatchEvent::Added(map) = event else { panic!("{event:?}") };
        assert_eq!(map.metadata.name.unwrap(), format!("m-{at}"));
    }
}
