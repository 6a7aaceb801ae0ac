//! References, phases, prerequisites and circles of whole sets.
#![allow(clippy::unwrap_used)]

mod support;

use bowline_graph::{Graph, Journey, Relation};
use support::set;

/// The references as `from relation wanted [-> targets]`, namespaces left to the single tests.
fn lines(graph: &Graph) -> Vec<String> {
    let name = |id| graph.node(id).map(|node| node.key.to_string()).unwrap_or_default();
    let shown = graph.references().iter().filter(|r| r.relation != Relation::Namespace).map(|r| {
        let targets: Vec<String> = r.targets.iter().map(|&id| name(id)).collect();
        let optional = if r.optional && r.relation != Relation::Hostname { "?" } else { "" };
        let rest = if targets.is_empty() { String::new() } else { format!(" -> {}", targets.join(",")) };
        format!("{} {}{optional} {}{rest}", name(r.from), r.relation, r.wanted)
    });
    shown.collect()
}

#[test]
fn finds_references_by_every_kind_of_field() {
    let graph = Graph::build(
        &set("
apiVersion: v1
kind: Secret
metadata: { name: db }
---
apiVersion: v1
kind: ConfigMap
metadata: { name: config }
data: { QUEUE_URL: 'amqp://queue.mq.svc:5672', API_HOST: web }
---
apiVersion: v1
kind: Service
metadata: { name: web }
spec: { selector: { app: web } }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
spec:
  template:
    metadata: { labels: { app: web, tier: front } }
    spec:
      serviceAccountName: runner
      priorityClassName: system-node-critical
      imagePullSecrets: [{ name: registry }]
      initContainers:
        - { name: i, envFrom: [{ secretRef: { name: db, optional: true } }] }
      containers:
        - name: c
          args: ['--peer=web:80']
          env:
            - { name: A, valueFrom: { secretKeyRef: { name: db, key: URL } } }
            - { name: B, valueFrom: { configMapKeyRef: { name: config, key: B, optional: true } } }
      volumes:
        - { name: a, configMap: { name: config } }
        - { name: b, persistentVolumeClaim: { claimName: disk } }
        - { name: c, projected: { sources: [{ secret: { name: db, items: [{ key: CA, path: ca }] } }] } }
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: { name: web }
spec: { scaleTargetRef: { apiVersion: apps/v1, kind: Deployment, name: web } }
---
apiVersion: batch/v1
kind: CronJob
metadata: { name: nightly }
spec: { jobTemplate: { spec: { template: { spec: { containers: [{ name: c, envFrom: [{ configMapRef: { name: config } }] }] } } } } }
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: { name: web }
spec:
  tls: [{ secretName: tls }]
  rules: [{ http: { paths: [{ backend: { service: { name: web } } }] } }]
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: { name: web }
spec: { selector: { matchExpressions: [{ key: tier, operator: In, values: [front] }] } }
"),
        "shop",
    );
    assert_eq!(
        lines(&graph),
        [
            "ConfigMap/config hostname Service/web -> Service/web",
            "ConfigMap/config hostname Service/queue",
            "Service/web selector pods with app=web -> Deployment/web",
            "Deployment/web env Secret/db -> Secret/db",
            "Deployment/web env? ConfigMap/config -> ConfigMap/config",
            "Deployment/web envFrom? Secret/db -> Secret/db",
            "Deployment/web volume ConfigMap/config -> ConfigMap/config",
            "Deployment/web volume Secret/db -> Secret/db",
            "Deployment/web volume PersistentVolumeClaim/disk",
            "Deployment/web serviceAccount ServiceAccount/runner",
            "Deployment/web class PriorityClass/system-node-critical",
            "Deployment/web imagePullSecret Secret/registry",
            "Deployment/web hostname Service/web -> Service/web",
            "HorizontalPodAutoscaler/web scaleTarget Deployment/web -> Deployment/web",
            "CronJob/nightly envFrom ConfigMap/config -> ConfigMap/config",
            "Ingress/web backend Service/web -> Service/web",
            "Ingress/web tls Secret/tls",
            "PodDisruptionBudget/web selector pods with tier in (front) -> Deployment/web",
        ]
    );
    let missing = |name: &str| graph.references().iter().find(|r| r.wanted.to_string() == name).unwrap();
    assert!(missing("PersistentVolumeClaim/disk").is_missing(), "maybe in the cluster");
    assert!(!missing("PriorityClass/system-node-critical").is_missing(), "in every cluster");
    let keys = &missing("Secret/db").keys;
    assert_eq!(
        (keys[0].key.as_str(), keys[0].pointer.as_str()),
        ("URL", "/spec/template/spec/containers/0/env/0/valueFrom/secretKeyRef/key")
    );
    let place = graph.location(missing("PersistentVolumeClaim/disk")).unwrap();
    assert_eq!((place.file.as_str(), place.line), ("test.yaml", 21));
}

#[test]
fn custom_kinds_need_their_definition_and_secrets_may_have_a_maker() {
    let graph = Graph::build(
        &set("
# Source: crds/thing.yaml
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: { name: things.example.com }
spec: { group: example.com, scope: Cluster, names: { kind: Thing } }
---
apiVersion: example.com/v1
kind: Thing
metadata: { name: one }
---
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: { name: source }
spec: { target: { name: db } }
---
apiVersion: v1
kind: Pod
metadata: { name: p }
spec: { containers: [{ name: c, envFrom: [{ secretRef: { name: db } }] }] }
"),
        "shop",
    );
    assert_eq!(
        lines(&graph),
        [
            "Thing/one definition CustomResourceDefinition/things.example.com -> CustomResourceDefinition/things.example.com",
            "Pod/p envFrom Secret/db -> ExternalSecret/source",
        ]
    );
    assert_eq!(graph.nodes()[1].key.namespace, "", "a cluster-scoped custom kind");
}

const HOOKS: &str = "
apiVersion: v1
kind: ServiceAccount
metadata: { name: runner }
imagePullSecrets: [{ name: registry }]
---
apiVersion: v1
kind: Secret
metadata: { name: registry }
---
apiVersion: v1
kind: Secret
metadata: { name: unrelated }
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: { name: reads }
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: { name: may-read }
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: reads }
subjects: [{ kind: ServiceAccount, name: runner, namespace: shop }]
---
apiVersion: batch/v1
kind: Job
metadata: { name: b-first, annotations: { helm.sh/hook: 'pre-install,post-upgrade', helm.sh/hook-weight: '-1' } }
spec: { template: { spec: { serviceAccountName: runner } } }
---
apiVersion: batch/v1
kind: Job
metadata: { name: z, annotations: { helm.sh/hook: pre-install } }
---
apiVersion: v1
kind: Pod
metadata: { name: a, annotations: { helm.sh/hook: pre-install } }
";

#[test]
fn phases_follow_weight_then_name() {
    let graph = Graph::build(&set(HOOKS), "shop");
    let names = |event| -> Vec<&str> {
        graph.hooks(event).iter().map(|&id| graph.node(id).unwrap().key.name.as_str()).collect()
    };
    assert_eq!(names(bowline_manifest::HookEvent::PreInstall), ["b-first", "a", "z"]);
    assert_eq!(names(bowline_manifest::HookEvent::PreDelete), Vec::<&str>::new());
    let hook = graph.hooks(bowline_manifest::HookEvent::PostUpgrade)[0];
    let titles =
        |journey: Journey| -> Vec<String> { graph.phases(hook, journey).iter().map(|p| p.title(journey)).collect() };
    assert_eq!(titles(Journey::Install), ["pre-install hook, weight -1"]);
    assert_eq!(titles(Journey::Upgrade), ["post-upgrade hook, weight -1"]);
    assert!(titles(Journey::Rollback).is_empty());
}

#[test]
fn prerequisites_reach_over_accounts_to_bindings_and_roles() {
    let graph = Graph::build(&set(HOOKS), "shop");
    let hook = graph.hooks(bowline_manifest::HookEvent::PreInstall)[0];
    let needed: Vec<String> =
        graph.prerequisites(hook).iter().map(|&id| graph.node(id).unwrap().key.to_string()).collect();
    assert_eq!(
        needed,
        ["ServiceAccount/runner", "Secret/registry", "ClusterRole/reads", "ClusterRoleBinding/may-read"]
    );
    let later: Vec<String> =
        graph.later_references(Journey::Install).iter().map(|l| l.reference.wanted.to_string()).collect();
    assert_eq!(later, ["ServiceAccount/runner"]);
    assert!(graph.later_references(Journey::Upgrade).is_empty(), "after the upgrade everything is there");
    assert!(graph.cycles().is_empty());
}

#[test]
fn circles_are_found() {
    let graph = Graph::build(
        &set("
apiVersion: v1
kind: ServiceAccount
metadata: { name: a }
secrets: [{ name: b }]
---
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: { name: b, namespace: shop }
---
apiVersion: example.com/v1
kind: Other
metadata: { name: c }
"),
        "shop",
    );
    assert!(graph.cycles().is_empty());
    let others = "
apiVersion: v1
kind: PersistentVolumeClaim
metadata: { name: disk }
spec: { volumeName: vol }
---
apiVersion: v1
kind: PersistentVolume
metadata: { name: vol }
spec: { claimRef: { name: disk } }
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: { name: crds }
spec: { group: apiextensions.k8s.io, names: { kind: CustomResourceDefinition } }
";
    let graph = Graph::build(&set(others), "shop");
    let circles: Vec<Vec<String>> = graph
        .cycles()
        .iter()
        .map(|circle| circle.iter().map(|&id| graph.node(id).unwrap().key.to_string()).collect())
        .collect();
    assert_eq!(circles, [["CustomResourceDefinition/crds"]]);
}

#[test]
fn prints_phases_and_needs() {
    let graph = Graph::build(&set(HOOKS), "shop");
    assert_eq!(
        graph.to_text(Journey::Install),
        "\
pre-install hook, weight -1
  Job/b-first
    serviceAccount ServiceAccount/runner (later: install)
pre-install hook, weight 0
  Pod/a
  Job/z
install
  ServiceAccount/runner
    imagePullSecret Secret/registry
  Secret/registry
  Secret/unrelated
  ClusterRole/reads
  ClusterRoleBinding/may-read
    role ClusterRole/reads
    subject ServiceAccount/runner
"
    );
    let dot = graph.to_dot(Journey::Install);
    assert!(dot.contains("n5 -> n0 [label=\"serviceAccount\"]") && dot.ends_with("}\n"), "{dot}");
}
