//! Whole plans: which steps, in which order, after which, and why.
#![allow(clippy::unwrap_used)]

#[path = "../../graph/tests/support/mod.rs"]
mod support;

use std::collections::BTreeMap;

use bowline_graph::Graph;
use bowline_manifest::{ManifestSet, ObjectKey};
use bowline_plan::{Action, DeployInput, DeployKind, DeployOptions, Order, Plan, UninstallInput};
use serde_json::{Value, json};
use support::set;

const APP: &str = "
apiVersion: v1
kind: Secret
metadata: { name: db }
data: { URL: eA== }
---
apiVersion: v1
kind: ConfigMap
metadata: { name: config }
---
apiVersion: v1
kind: ConfigMap
metadata: { name: more }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
spec: { replicas: 1 }
---
apiVersion: v1
kind: Service
metadata: { name: after, annotations: { helm.sh/hook: post-install } }
---
apiVersion: batch/v1
kind: Job
metadata:
  name: migrate
  annotations:
    helm.sh/hook: pre-install,pre-upgrade
    helm.sh/hook-weight: '-5'
    helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
spec: { template: { spec: { containers: [{ name: c, envFrom: [{ secretRef: { name: db } }] }] } } }
---
apiVersion: v1
kind: Secret
metadata:
  name: own
  annotations: { helm.sh/hook: pre-install, helm.sh/hook-weight: '-9', helm.sh/hook-delete-policy: 'hook-succeeded,hook-failed' }
";

struct Case {
    set: ManifestSet,
    live: Vec<Value>,
    previous: Vec<Value>,
    kind: DeployKind,
    order: Order,
    options: DeployOptions,
}

impl Case {
    fn new(text: &str, kind: DeployKind, order: Order) -> Self {
        Self { set: set(text), live: Vec::new(), previous: Vec::new(), kind, order, options: DeployOptions::default() }
    }

    fn plan(&self) -> Plan {
        let graph = Graph::build(&self.set, "shop");
        let live: BTreeMap<ObjectKey, Value> =
            self.live.iter().map(|o| (graph.keys().object(o).unwrap(), o.clone())).collect();
        let plan = Plan::deploy(&DeployInput {
            desired: &self.set,
            graph: &graph,
            live: &live,
            previous: &self.previous,
            kind: self.kind,
            order: self.order,
            options: self.options,
        });
        check_shape(&plan);
        plan
    }
}

/// What holds for every plan.
fn check_shape(plan: &Plan) {
    for (index, operation) in plan.operations.iter().enumerate() {
        assert_eq!(operation.id.0, index);
        assert!(operation.depends_on.iter().all(|id| id.0 < index), "{operation:?}");
        assert!(index == 0 || !operation.depends_on.is_empty(), "only the first step waits for nothing: {operation:?}");
        assert_eq!(operation.key.is_some(), !operation.api_version.is_empty(), "{operation:?}");
        assert!(!operation.reason.is_empty());
    }
    let saved = serde_json::to_string(plan).unwrap();
    assert_eq!(&serde_json::from_str::<Plan>(&saved).unwrap(), plan, "a saved plan is the plan");
}

/// Steps as `action object`, with the numbers they wait for where those are not just the one before.
fn steps(plan: &Plan) -> Vec<String> {
    let show = |operation: &bowline_plan::Operation| {
        let mut text = match &operation.action {
            Action::CreateNamespace => "create-namespace".to_owned(),
            Action::CreateCrd => "create-crd".to_owned(),
            Action::Record { stage } => format!("record {stage:?}"),
            Action::RunHook { event, weight, delete_before, delete_on_failure } => {
                let mut text = format!("hook {event} {weight}");
                text.push_str(if *delete_before { " delete-before" } else { "" });
                text.push_str(if *delete_on_failure { " delete-on-failure" } else { "" });
                text
            }
            Action::DeleteHook { .. } => "delete-hook".to_owned(),
            Action::TakeBackSchema => "take-back-schema".to_owned(),
            Action::CheckSchema => "check-schema".to_owned(),
            Action::Create => "create".to_owned(),
            Action::Update { changes } => {
                format!("update {}", changes.iter().map(|c| c.pointer.as_str()).collect::<Vec<_>>().join(","))
            }
            Action::Unchanged => "unchanged".to_owned(),
            Action::Delete => "delete".to_owned(),
            Action::Keep => "keep".to_owned(),
            Action::WaitReady { keys } => format!("wait {}", keys.len()),
            Action::WaitDeleted { keys } => format!("wait-deleted {}", keys.len()),
        };
        if let Some(key) = &operation.key {
            text.push_str(&format!(" {key}"));
        }
        let usual = operation.depends_on.iter().map(|id| id.0).eq(operation.id.0.checked_sub(1));
        if !usual {
            text.push_str(&format!(" after {:?}", operation.depends_on.iter().map(|id| id.0).collect::<Vec<_>>()));
        }
        text
    };
    plan.operations.iter().map(show).collect()
}

#[test]
fn helms_order_of_an_install() {
    let plan = Case::new(APP, DeployKind::Install, Order::Helm).plan();
    assert_eq!(
        steps(&plan),
        [
            "create-namespace Namespace/shop",
            "record Pending",
            "hook pre-install -9 delete-on-failure Secret/own",
            "hook pre-install -5 delete-before Job/migrate",
            "delete-hook Job/migrate",
            "delete-hook Secret/own",
            "create Secret/db",
            "create ConfigMap/config",
            "create ConfigMap/more after [6]",
            "create Deployment/web after [7, 8]",
            "wait 4",
            "hook post-install 0 delete-before Service/after",
            "record Final",
        ]
    );
    assert_eq!(plan.summary().to_string(), "5 to create, 0 to update, 0 to delete, 3 hooks");
}

#[test]
fn the_graphs_order_brings_what_a_hook_needs_before_it() {
    let plan = Case::new(APP, DeployKind::Install, Order::Graph).plan();
    assert_eq!(
        steps(&plan)[2..8],
        [
            "hook pre-install -9 delete-on-failure Secret/own",
            "create Secret/db",
            "hook pre-install -5 delete-before Job/migrate",
            "delete-hook Job/migrate",
            "delete-hook Secret/own",
            "create ConfigMap/config",
        ]
    );
    assert_eq!(plan.operations[3].reason, "not in the cluster; needed by pre-install hook Job/migrate");
    assert_eq!(plan.summary(), Case::new(APP, DeployKind::Install, Order::Helm).plan().summary(), "nothing twice");
}

#[test]
fn databases_come_after_the_first_hooks_and_before_everything_else() {
    for order in [Order::Helm, Order::Graph] {
        let mut case = Case::new(APP, DeployKind::Install, order);
        case.options = DeployOptions { schema_downs: true, schema_gate: true, ..DeployOptions::default() };
        let plan = case.plan();
        let steps = steps(&plan);
        let at =
            |step: &str| steps.iter().position(|s| s.starts_with(step)).unwrap_or_else(|| panic!("{step}: {steps:?}"));
        assert!(at("delete-hook Secret/own") < at("take-back-schema"), "{steps:?}");
        assert_eq!(at("take-back-schema") + 1, at("check-schema"), "{steps:?}");
        assert!(at("check-schema") < at("create ConfigMap/config"), "{steps:?}");
        assert!(plan.summary().to_string().ends_with("hooks, schema gate"), "{}", plan.summary());
    }
}

#[test]
fn options_leave_steps_out() {
    let mut case = Case::new(APP, DeployKind::Install, Order::Graph);
    case.options =
        DeployOptions { create_namespace: false, crds: true, hooks: false, wait: false, ..DeployOptions::default() };
    assert_eq!(
        steps(&case.plan()),
        [
            "record Pending",
            "create Secret/db",
            "create ConfigMap/config",
            "create ConfigMap/more after [1]",
            "create Deployment/web after [2, 3]",
            "record Final",
        ]
    );
}

#[test]
fn an_upgrade_compares_with_the_cluster_and_with_the_revision_before() {
    let mut case = Case::new(APP, DeployKind::Upgrade, Order::Helm);
    let object = |kind: &str, name: &str, rest: Value| {
        let mut object = json!({"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "namespace": "shop"}});
        object.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        object
    };
    let kept =
        json!({"metadata": {"name": "kept", "namespace": "shop", "annotations": {"helm.sh/resource-policy": "keep"}}});
    case.previous = vec![
        object("Secret", "db", json!({"data": {"URL": "eA==", "OLD": "eQ=="}})),
        object("ConfigMap", "gone", json!({})),
        object("ConfigMap", "gone-already", json!({})),
        object("ConfigMap", "kept", json!({})),
    ];
    case.live = vec![
        object("Secret", "db", json!({"data": {"URL": "eQ==", "OLD": "eQ=="}})),
        object("ConfigMap", "config", json!({})),
        object("ConfigMap", "gone", json!({})),
        object("ConfigMap", "kept", kept),
    ];
    let plan = case.plan();
    assert_eq!(
        steps(&plan),
        [
            "record Pending",
            "hook pre-upgrade -5 delete-before Job/migrate",
            "delete-hook Job/migrate",
            "update /data/OLD,/data/URL Secret/db",
            "unchanged ConfigMap/config",
            "create ConfigMap/more",
            "create Deployment/web",
            "delete ConfigMap/gone",
            "keep ConfigMap/kept",
            "wait 4",
            "record Final",
        ]
    );
    assert_eq!(plan.operations[3].reason, "2 fields differ");
    assert_eq!(plan.summary().to_string(), "2 to create, 1 to update, 1 to delete, 1 hook");
    assert!(!format!("{plan:?}").contains("eQ=="), "no value of a Secret is in a plan");
}

#[test]
fn the_release_namespace_in_the_chart_comes_first_in_the_graphs_order() {
    let text = "
apiVersion: v1
kind: Namespace
metadata: { name: shop, labels: { team: sails } }
---
apiVersion: v1
kind: ConfigMap
metadata: { name: config }
";
    let graph = Case::new(text, DeployKind::Install, Order::Graph).plan();
    assert_eq!(steps(&graph)[..3], ["create Namespace/shop", "record Pending", "create ConfigMap/config"]);
    let helm = Case::new(text, DeployKind::Install, Order::Helm).plan();
    assert_eq!(
        steps(&helm)[..3],
        ["create-namespace Namespace/shop", "record Pending", "update /metadata/labels/team Namespace/shop"]
    );
}

#[test]
fn definitions_come_first_once_and_on_install_only() {
    let text = "
# Source: crds/a.yaml
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: { name: as.example.com }
---
# Source: crds/b.yaml
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: { name: bs.example.com }
";
    let mut case = Case::new(text, DeployKind::Install, Order::Helm);
    case.live = vec![
        json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "bs.example.com"}}),
    ];
    assert_eq!(
        steps(&case.plan())[..3],
        [
            "create-crd CustomResourceDefinition/as.example.com",
            "keep CustomResourceDefinition/bs.example.com",
            "wait 1"
        ]
    );
    case.kind = DeployKind::Upgrade;
    assert_eq!(steps(&case.plan()), ["record Pending", "record Final"]);
}

#[test]
fn an_object_that_became_a_hook_is_deleted_by_helm_and_left_to_its_hook_by_the_graph() {
    let mut case = Case::new(APP, DeployKind::Upgrade, Order::Graph);
    let migrate =
        json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "migrate", "namespace": "shop"}});
    case.previous = vec![migrate.clone()];
    case.live = vec![migrate];
    assert!(!steps(&case.plan()).contains(&"delete Job/migrate".to_owned()));
    case.order = Order::Helm;
    assert!(steps(&case.plan()).contains(&"delete Job/migrate".to_owned()));
}

#[test]
fn a_removal_goes_in_helms_order_and_keeps_what_asks_for_it() {
    let text = "
apiVersion: v1
kind: Namespace
metadata: { name: extra }
---
apiVersion: v1
kind: Secret
metadata: { name: kept, annotations: { helm.sh/resource-policy: keep } }
---
apiVersion: v1
kind: Secret
metadata: { name: db }
---
apiVersion: v1
kind: Service
metadata: { name: web }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
---
apiVersion: example.com/v1
kind: Thing
metadata: { name: t }
---
apiVersion: batch/v1
kind: Job
metadata: { name: save, annotations: { helm.sh/hook: pre-delete, helm.sh/hook-delete-policy: hook-succeeded } }
";
    let set = set(text);
    let graph = Graph::build(&set, "shop");
    let plan = Plan::uninstall(&UninstallInput { release: &set, graph: &graph, hooks: true, wait: true });
    check_shape(&plan);
    assert_eq!(
        steps(&plan),
        [
            "hook pre-delete 0 Job/save",
            "delete-hook Job/save",
            "record Pending",
            "delete Service/web",
            "delete Deployment/web",
            "delete Secret/db",
            "delete Namespace/extra",
            "delete Thing/t",
            "keep Secret/kept",
            "wait-deleted 5",
            "record Final",
        ]
    );
    assert_eq!(plan.summary().to_string(), "0 to create, 0 to update, 5 to delete, 1 hook");
}
