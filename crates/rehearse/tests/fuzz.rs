//! Manifests nobody would write: none makes the graph, the checks, the plan or a rehearsal panic or hang.
#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "../../../fuzz/mod.rs"]
mod fuzz;

use std::collections::BTreeMap;
use std::rc::Rc;

use bowline_chart::{Chart, UserValues};
use bowline_check::check;
use bowline_controlplane::node::Scripts;
use bowline_engine::DeployRequest;
use bowline_graph::{Graph, Journey};
use bowline_manifest::ManifestSet;
use bowline_plan::{DeployInput, DeployKind, DeployOptions, Order, Plan, UninstallInput};
use bowline_rehearse::Scenario;
use bowline_render::{Environment, Nowhere, Options, render};
use fuzz::{cases, jumble, mutated_text};
use proptest::prelude::*;

const OBJECTS: &[&str] = &[
    "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\n  annotations: {a: b}\nspec:\n  replicas: 2\n  selector: {matchLabels: {app: web}}\n  template:\n    metadata: {labels: {app: web}}\n    spec:\n      serviceAccountName: sa\n      initContainers: [{name: i, image: i}]\n      containers:\n      - name: c\n        image: i:1\n        env:\n        - {name: A, valueFrom: {secretKeyRef: {name: s, key: k}}}\n        - {name: U, value: \"http://db.demo.svc:80\"}\n        envFrom: [{configMapRef: {name: c}}]\n        ports: [{containerPort: 80, name: http}]\n        readinessProbe: {httpGet: {path: /, port: http}}\n        resources: {limits: {cpu: 100m, memory: 1Gi}}\n        volumeMounts: [{name: v, mountPath: /v}]\n      volumes: [{name: v, configMap: {name: c}}, {name: p, persistentVolumeClaim: {claimName: d}}]\n",
    "---\napiVersion: v1\nkind: Service\nmetadata: {name: db}\nspec:\n  selector: {app: web}\n  ports: [{port: 80, targetPort: http}]\n---\napiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {k: v}\n",
    "---\napiVersion: batch/v1\nkind: Job\nmetadata:\n  name: j\n  annotations:\n    helm.sh/hook: pre-install,post-upgrade\n    helm.sh/hook-weight: \"-5\"\n    helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded\n    helm.sh/resource-policy: keep\nspec:\n  backoffLimit: 1\n  template:\n    spec:\n      restartPolicy: Never\n      containers: [{name: c, image: i, command: [a]}]\n",
    "---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: g}\nspec:\n  rules: [{host: a.b, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: db, port: {number: 80}}}}]}}]\n---\napiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {name: r}\nroleRef: {kind: Role, name: x, apiGroup: rbac.authorization.k8s.io}\nsubjects: [{kind: ServiceAccount, name: sa}]\n---\n# only a comment\n",
    "---\napiVersion: v1\nkind: List\nitems: [{apiVersion: v1, kind: ConfigMap, metadata: {name: c}}, ~, 1]\n---\napiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: ws.e.io}\nspec: {group: e.io, scope: Cluster, names: {plural: ws, kind: W}, versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}]}\n---\napiVersion: e.io/v1\nkind: W\nmetadata: {name: w}\n",
    "---\napiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: h}\nspec: {scaleTargetRef: {kind: Deployment, name: web, apiVersion: apps/v1}, maxReplicas: 3}\n---\napiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: b}\nspec: {minAvailable: 50%, selector: {matchExpressions: [{key: app, operator: In, values: [web]}]}}\n",
];

const PIECES: &[&str] = &[
    "---\n",
    "apiVersion: v1\n",
    "apiVersion: ~\n",
    "apiVersion: a/b/c\n",
    "kind: Pod\n",
    "kind: Job\n",
    "kind: List\n",
    "kind: 1\n",
    "kind: \"\"\n",
    "metadata:\n",
    "metadata: ~\n",
    "metadata: []\n",
    "  name: a\n",
    "  name: 1\n",
    "  name: \"\"\n",
    "  namespace: ~\n",
    "  labels: []\n",
    "  annotations:\n",
    "    helm.sh/hook: test\n",
    "    helm.sh/hook: \"\"\n",
    "    helm.sh/hook: crd-install\n",
    "    helm.sh/hook-weight: \"99999999999999999999\"\n",
    "    helm.sh/hook-weight: x\n",
    "    helm.sh/hook-delete-policy: \",,\"\n",
    "spec:\n",
    "spec: []\n",
    "spec: 1\n",
    "  containers:\n",
    "  containers: ~\n",
    "  - name: c\n",
    "  - ~\n",
    "  - 1\n",
    "  template: {spec: {containers: {}}}\n",
    "  replicas: -1\n",
    "  selector: 5\n",
    "# c\n",
    "data: ~\n",
    "data: {a: 1}\n",
    "items: ~\n",
    "items: [[]]\n",
];

fn manifests(text: &str) -> Option<ManifestSet> {
    let files = [
        ("Chart.yaml", "apiVersion: v2\nname: web\nversion: 1.2.3\n"),
        ("templates/a.yaml", text),
        ("crds/a.yaml", text),
        ("templates/empty.yaml", "# nothing\n"),
    ];
    let chart = Chart::from_files(files.map(|(name, text)| (name.to_owned(), text.as_bytes().to_vec()))).ok()?;
    let nowhere: Rc<dyn Environment> = Rc::new(Nowhere);
    render(&chart, &UserValues::default(), &Options { release_name: "rel".to_owned(), ..Options::default() }, &nowhere)
        .ok()
}

/// All that is made of manifests before anything is changed.
fn reason(set: &ManifestSet) -> String {
    let graph = Graph::build(set, "demo");
    let mut said = format!("{:?}", check(&graph));
    let live: BTreeMap<_, _> = graph
        .nodes()
        .iter()
        .take(2)
        .filter_map(|node| Some((node.key.clone(), set.manifests.first()?.object.clone())))
        .collect();
    let previous: Vec<_> = set.manifests.iter().map(|manifest| manifest.object.clone()).collect();
    for journey in [Journey::Install, Journey::Upgrade] {
        said.push_str(&graph.to_text(journey));
        said.push_str(&graph.to_dot(journey));
    }
    for (kind, previous) in
        [(DeployKind::Install, &[][..]), (DeployKind::Upgrade, &previous[..]), (DeployKind::Upgrade, &[][..])]
    {
        for order in [Order::Helm, Order::Graph] {
            let plan = Plan::deploy(&DeployInput {
                desired: set,
                graph: &graph,
                live: &live,
                previous,
                kind,
                order,
                options: DeployOptions::default(),
            });
            said.push_str(&format!("{plan:?} {:?}", plan.summary()));
        }
    }
    let plan = Plan::uninstall(&UninstallInput { release: set, graph: &graph, hooks: true, wait: true });
    said + &format!("{plan:?}")
}

proptest! {
    #![proptest_config(cases(150))]

    #[test]
    fn changed_manifests_are_reasoned_about(texts in prop::collection::vec(mutated_text(OBJECTS), 1..4)) {
        if let Some(set) = manifests(&texts.concat()) {
            prop_assert_eq!(reason(&set), reason(&set));
        }
    }

    #[test]
    fn manifests_of_odd_shapes_are_reasoned_about(text in jumble(PIECES, 25)) {
        if let Some(set) = manifests(&text) {
            prop_assert_eq!(reason(&set), reason(&set));
        }
    }
}

proptest! {
    #![proptest_config(cases(24))]

    #[test]
    fn changed_manifests_are_rehearsed(text in prop_oneof![mutated_text(OBJECTS), jumble(PIECES, 15)]) {
        if let Some(set) = manifests(&text) {
            let scenario = Scenario { request: DeployRequest::new("rel", "demo", set), scripts: Scripts::default(), seed: 1 };
            scenario.play().unwrap();
        }
    }
}

#[test]
fn the_manifests_that_are_changed_are_manifests() {
    for text in OBJECTS {
        let set = manifests(text).unwrap();
        assert!(!set.manifests.is_empty() || !set.hooks.is_empty(), "{text}");
        assert!(!reason(&set).is_empty());
    }
}
