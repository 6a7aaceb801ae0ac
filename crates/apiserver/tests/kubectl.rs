//! Real kubectl, of every version at hand, against our server: without flags, as people use it.

#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::sync::Arc;

use bowline_apiserver::{LogOptions, LogSource, LogStream, Patch, Status, WriteOptions, resources};
use bytes::Bytes;
use serde_json::{Value, json};
use support::{Ours, kubectls};

const CONFIG: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {a: 'VALUE'}\n";

/// Arguments, input, and what the output must hold.
const COMMANDS: &[(&[&str], &str, &[&str])] = &[
    (&["version"], "", &["Server Version: v1.36"]),
    (&["api-resources"], "", &["deployments", "deploy", "apps/v1", "customresourcedefinitions"]),
    (&["get", "namespaces"], "", &["NAME", "STATUS", "AGE", "kube-system", "Active"]),
    (&["create", "deployment", "web", "--image=nginx:1", "--replicas=2"], "", &["deployment.apps/web created"]),
    (&["get", "deploy"], "", &["NAME   READY   UP-TO-DATE   AVAILABLE   AGE", "web    0/2     0            0"]),
    (&["get", "deploy", "web", "-o", "wide"], "", &["CONTAINERS", "nginx:1", "app=web"]),
    (&["get", "all"], "", &["deployment.apps/web"]),
    (&["get", "deploy", "web", "-o", "jsonpath={.spec.strategy.rollingUpdate.maxSurge}"], "", &["25%"]),
    (
        &["describe", "deploy", "web"],
        "",
        &["RollingUpdateStrategy:  25% max unavailable, 25% max surge", "Events:            <none>"],
    ),
    (&["scale", "deploy", "web", "--replicas=3"], "", &["deployment.apps/web scaled"]),
    (&["set", "image", "deploy/web", "nginx=nginx:2"], "", &["image updated"]),
    (&["label", "deploy", "web", "tier=front"], "", &["labeled"]),
    (&["get", "deploy", "-l", "tier in (front, back)", "--no-headers"], "", &["web"]),
    (&["get", "deploy", "--field-selector", "metadata.name=other"], "", &[]),
    (&["rollout", "restart", "deploy/web"], "", &["restarted"]),
    (&["expose", "deploy", "web", "--port=80", "--target-port=8080"], "", &["service/web exposed"]),
    (&["get", "svc", "web"], "", &["ClusterIP", "10.96.", "80/TCP"]),
    (&["create", "secret", "generic", "s", "--from-literal=a=b"], "", &["secret/s created"]),
    (&["get", "secret", "s", "-o", "jsonpath={.data.a}"], "", &["Yg=="]),
    (&["create", "job", "j", "--image=busybox"], "", &["job.batch/j created"]),
    (&["create", "cronjob", "cj", "--image=busybox", "--schedule=* * * * *"], "", &["cronjob.batch/cj created"]),
    (&["get", "jobs,cronjobs"], "", &["job.batch/j", "Running", "0/1", "cronjob.batch/cj"]),
    (&["apply", "-f", "-"], CONFIG, &["configmap/c created"]),
    (&["apply", "-f", "-"], CONFIG, &["configmap/c unchanged"]),
    (&["apply", "--server-side", "-f", "-", "--force-conflicts"], CONFIG, &["configmap/c serverside-applied"]),
    (&["patch", "cm", "c", "-p", "{\"data\":{\"b\":\"2\"}}"], "", &["configmap/c patched"]),
    (&["patch", "cm", "c", "--type=json", "-p", "[{\"op\":\"remove\",\"path\":\"/data/b\"}]"], "", &["patched"]),
    (&["replace", "-f", "-"], CONFIG, &["configmap/c replaced"]),
    (&["wait", "--for=jsonpath={.data.a}=VALUE", "cm/c", "--timeout=5s"], "", &["condition met"]),
    (
        &["explain", "deployment.spec.strategy"],
        "",
        &["KIND:       Deployment", "rollingUpdate", "RollingUpdateDeployment"],
    ),
    (&["auth", "can-i", "create", "pods"], "", &["yes"]),
    (&["auth", "whoami"], "", &["admin", "system:masters"]),
    (&["create", "sa", "robot"], "", &["serviceaccount/robot created"]),
    (&["create", "token", "robot"], "", &[]),
    (&["run", "p", "--image=nginx"], "", &["pod/p created"]),
    (&["get", "pods"], "", &["NAME   READY   STATUS    RESTARTS   AGE", "p      0/1     Pending   0"]),
    (&["create", "role", "r", "--verb=get", "--resource=pods"], "", &["created"]),
    (&["create", "rolebinding", "r", "--role=r", "--serviceaccount=default:robot"], "", &["created"]),
    (&["create", "ingress", "i", "--rule=a.b/*=web:80"], "", &["created"]),
    (&["get", "ing"], "", &["a.b"]),
    (&["autoscale", "deploy", "web", "--max=5", "--cpu-percent=70"], "", &["autoscaled"]),
    (&["get", "hpa"], "", &["Deployment/web", "<unknown>/70%"]),
    (&["create", "pdb", "b", "--selector=app=web", "--min-available=1"], "", &["created"]),
    (&["create", "quota", "q", "--hard=pods=5"], "", &["created"]),
    (&["create", "namespace", "other"], "", &["namespace/other created"]),
    (&["get", "cm", "-A", "--chunk-size=1"], "", &["default", "c"]),
    (&["get", "--raw", "/readyz"], "", &["ok"]),
    (&["delete", "deploy/web", "svc/web", "cm/c", "job/j", "pod/p"], "", &["\"web\" deleted", "\"p\" deleted"]),
    (&["delete", "secrets", "--all"], "", &["secret \"s\" deleted"]),
    (&["get", "events"], "", &[]),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commands_work_without_flags() {
    for (kubectl, first) in kubectls() {
        let ours = Ours::start().await;
        for (arguments, input, wanted) in COMMANDS {
            let arguments: Vec<&str> = first.iter().chain(*arguments).copied().collect();
            let output = ours.ok(&kubectl, &arguments, input).await;
            for wanted in *wanted {
                assert!(output.contains(wanted), "{arguments:?} printed no {wanted:?}:\n{output}");
            }
        }
    }
}

/// Commands that must fail, and what they must say.
const REFUSED: &[(&[&str], &str, &str)] = &[
    (&["get", "cm", "nope"], "", "Error from server (NotFound): configmaps \"nope\" not found"),
    (&["get", "nopes"], "", "the server doesn't have a resource type \"nopes\""),
    (
        &["apply", "-f", "-"],
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndat: {a: b}\n",
        "strict decoding error: unknown field \"dat\"",
    ),
    (&["create", "cm", "A_"], "", "metadata.name: Invalid value: \"A_\""),
    (&["create", "cm", "c", "-n", "nope"], "", "namespaces \"nope\" not found"),
    (
        &["apply", "--server-side", "--field-manager=other", "-f", "-"],
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: owned}\ndata: {a: other}\n",
        "Apply failed with 1 conflict: conflict with \"kubectl-create\" using v1: .data.a",
    ),
    (&["delete", "cm", "nope"], "", "not found"),
    (&["create", "deployment", "BAD", "--image=x"], "", "a lowercase RFC 1123 subdomain"),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refusals_are_worded_as_the_real_server_words_them() {
    for (kubectl, first) in kubectls() {
        let ours = Ours::start().await;
        let own: Vec<&str> = first.iter().chain(&["create", "cm", "owned", "--from-literal=a=b"]).copied().collect();
        ours.ok(&kubectl, &own, "").await;
        for (arguments, input, wanted) in REFUSED {
            let arguments: Vec<&str> = first.iter().chain(*arguments).copied().collect();
            let output = ours.run(&kubectl, &arguments, input).await;
            let said = String::from_utf8_lossy(&output.stderr);
            // Newer clients word conflicts in an own way; the field is named in all of them.
            let wanted = if wanted.starts_with("Apply failed") && !said.contains(wanted) { ".data.a" } else { wanted };
            assert!(!output.status.success() && said.contains(wanted), "{arguments:?} said no {wanted:?}:\n{said}");
        }
    }
}

#[derive(Debug)]
struct Lines;

impl LogSource for Lines {
    fn logs(&self, pod: &Value, options: &LogOptions) -> Result<LogStream, Status> {
        let line = format!("{} {} follow={}\n", pod["metadata"]["name"], options.container, options.follow);
        Ok(Box::pin(futures::stream::iter([Bytes::from(line), Bytes::from_static(b"second\n")])))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn logs_diff_rollout_status_and_watches_work() {
    for (kubectl, first) in kubectls() {
        let ours = Ours::start().await;
        ours.api.set_log_source(Arc::new(Lines));
        let with = |arguments: &[&'static str]| -> Vec<&'static str> { [&first[..], arguments].concat() };
        ours.ok(&kubectl, &with(&["run", "p", "--image=nginx"]), "").await;
        let log = ours.ok(&kubectl, &with(&["logs", "-f", "p"]), "").await;
        assert_eq!(log, "\"p\" p follow=true\nsecond\n");

        ours.ok(&kubectl, &with(&["apply", "-f", "-"]), CONFIG).await;
        let changed = CONFIG.replace("VALUE", "OTHER");
        let output = ours.run(&kubectl, &with(&["diff", "-f", "-"]), &changed).await;
        let shown = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.code() == Some(1) && shown.contains("+  a: OTHER"), "{shown}");

        ours.ok(&kubectl, &with(&["create", "deployment", "web", "--image=x"]), "").await;
        let status = json!({"status": {"observedGeneration": 1, "replicas": 1, "updatedReplicas": 1,
            "readyReplicas": 1, "availableReplicas": 1}});
        let waiting = with(&["rollout", "status", "deploy/web", "--timeout=20s"]);
        let rollout = ours.ok(&kubectl, &waiting, "");
        let update = async {
            // Seen by the watch of a client that waits already, or by the list of one that comes later.
            tokio::time::sleep(std::time::Duration::from_millis(300)).await;
            let by = WriteOptions::by("controller");
            ours.api
                .patch(&resources::DEPLOYMENTS, "default", "web", Some("status"), &Patch::Merge(status), &by)
                .unwrap();
        };
        let (said, ()) = tokio::join!(rollout, update);
        assert!(said.contains("successfully rolled out"), "{said}");
    }
}

const DEFINITION: &str = r#"
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: boats.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {plural: boats, kind: Boat, shortNames: [bt]}
  versions:
  - name: v1
    served: true
    storage: true
    subresources: {status: {}}
    additionalPrinterColumns:
    - {name: Length, type: integer, jsonPath: .spec.length}
    - {name: Ready, type: string, jsonPath: '.status.conditions[?(@.type=="Ready")].status'}
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec:
            type: object
            required: [length]
            properties:
              length: {type: integer, minimum: 1}
              rig: {type: string, default: sloop, enum: [sloop, ketch]}
          status: {type: object, x-kubernetes-preserve-unknown-fields: true}
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn custom_resources_are_resources() {
    let boat = |length: &str| {
        format!("apiVersion: example.com/v1\nkind: Boat\nmetadata: {{name: b}}\nspec: {{length: {length}}}\n")
    };
    for (kubectl, first) in kubectls() {
        let ours = Ours::start().await;
        let with = |arguments: &[&'static str]| -> Vec<&'static str> { [&first[..], arguments].concat() };
        ours.ok(&kubectl, &with(&["apply", "-f", "-"]), DEFINITION).await;
        ours.ok(&kubectl, &with(&["wait", "--for=condition=Established", "crd/boats.example.com", "--timeout=5s"]), "")
            .await;
        ours.ok(&kubectl, &with(&["apply", "-f", "-"]), &boat("7")).await;
        ours.ok(&kubectl, &with(&["apply", "-f", "-"]), &boat("8")).await;
        ours.ok(&kubectl, &with(&["apply", "--server-side", "-f", "-", "--force-conflicts"]), &boat("9")).await;
        let shown = ours.ok(&kubectl, &with(&["get", "bt"]), "").await;
        assert!(shown.contains("NAME   LENGTH   READY") && shown.contains("b      9"), "{shown}");
        assert_eq!(ours.ok(&kubectl, &with(&["get", "boat", "b", "-o", "jsonpath={.spec.rig}"]), "").await, "sloop");
        let explained = ours.ok(&kubectl, &with(&["explain", "boat.spec.rig"]), "").await;
        assert!(explained.contains("sloop"), "{explained}");
        let refused = ours.run(&kubectl, &with(&["apply", "-f", "-"]), &boat("0")).await;
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(said.contains("spec.length in body should be greater than or equal to 1"), "{said}");
        ours.ok(&kubectl, &with(&["delete", "crd", "boats.example.com"]), "").await;
        assert!(!ours.run(&kubectl, &with(&["get", "boats.example.com"]), "").await.status.success());
    }
}
