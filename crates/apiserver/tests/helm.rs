//! Real helm against our server: server-side apply, its release Secrets, upgrade, rollback.

#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::fs;

use bowline_apiserver::resources;
use support::Ours;

const TEMPLATE: &str = r#"
apiVersion: v1
kind: ConfigMap
metadata: {name: "{{ .Release.Name }}-config"}
data: {message: {{ .Values.message | quote }} {{- if .Values.extra }}, extra: "1"{{ end }} }
---
apiVersion: v1
kind: Secret
metadata: {name: "{{ .Release.Name }}-secret"}
stringData: {password: hunter2}
---
apiVersion: v1
kind: Service
metadata: {name: "{{ .Release.Name }}"}
spec:
  selector: {app: web}
  ports: [{port: 80, targetPort: http}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: "{{ .Release.Name }}"}
spec:
  replicas: {{ .Values.replicas }}
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: web
        image: nginx:1
        ports: [{name: http, containerPort: 8080}]
        envFrom: [{configMapRef: {name: "{{ .Release.Name }}-config"}}]
        resources: {limits: {cpu: 0.5, memory: 1024Mi}}
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_release_lives_its_life() {
    let Some(helm) = bowline_peers::find("helm") else { return };
    let ours = Ours::start().await;
    let chart = ours.home.path().join("chart");
    fs::create_dir_all(chart.join("templates")).unwrap();
    fs::write(chart.join("Chart.yaml"), "apiVersion: v2\nname: tiny\nversion: 0.1.0\n").unwrap();
    fs::write(chart.join("values.yaml"), "replicas: 1\nmessage: hello\nextra: true\n").unwrap();
    fs::write(chart.join("templates/all.yaml"), TEMPLATE).unwrap();
    let chart = chart.display().to_string();
    let run = |arguments: Vec<String>| {
        let (ours, helm) = (&ours, &helm);
        async move {
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            ours.ok(helm, &arguments, "").await
        }
    };
    let words = |text: &str| text.replace("CHART", &chart).split(' ').map(str::to_owned).collect::<Vec<_>>();
    let get = |id, name| ours.api.get(id, "default", name).unwrap();

    assert!(run(words("install t CHART")).await.contains("STATUS: deployed"));
    assert_eq!(get(&resources::CONFIG_MAPS, "t-config")["data"]["extra"], "1");
    assert_eq!(get(&resources::SECRETS, "t-secret")["data"]["password"], "aHVudGVyMg==");

    assert!(run(words("upgrade t CHART --set replicas=2,message=bye,extra=false")).await.contains("REVISION: 2"));
    let config = get(&resources::CONFIG_MAPS, "t-config");
    assert_eq!(config["data"], serde_json::json!({"message": "bye"}), "what the chart no longer names is gone");
    assert_eq!(get(&resources::DEPLOYMENTS, "t")["spec"]["replicas"], 2);
    let manager = &config["metadata"]["managedFields"][0];
    assert_eq!((manager["manager"].as_str(), manager["operation"].as_str()), (Some("helm"), Some("Apply")));

    run(words("rollback t 1")).await;
    assert_eq!(get(&resources::CONFIG_MAPS, "t-config")["data"]["extra"], "1");
    let history = run(words("history t -o json")).await;
    let history: serde_json::Value = serde_json::from_str(&history).unwrap();
    let states: Vec<_> = history.as_array().unwrap().iter().map(|r| r["status"].as_str().unwrap()).collect();
    assert_eq!(states, ["superseded", "superseded", "deployed"]);
    assert!(run(words("list")).await.contains("tiny-0.1.0"));
    assert!(run(words("get manifest t")).await.contains("kind: Deployment"));

    run(words("uninstall t")).await;
    assert!(ours.api.get(&resources::DEPLOYMENTS, "default", "t").unwrap_err().is_not_found());
    let left = ours.api.list(&resources::SECRETS, Some("default"), &Default::default()).unwrap();
    assert!(left.items.is_empty(), "{:?}", left.items);
}
