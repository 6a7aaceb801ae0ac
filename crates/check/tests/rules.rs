//! Each rule on a chart that breaks it and on the same chart put right.

#[path = "../../graph/tests/support/mod.rs"]
mod support;

use bowline_check::{Finding, Severity, check, rules};
use bowline_graph::Graph;

/// What `rule` finds in the documents of `text`, released into the namespace `shop`.
fn found(rule: &str, text: &str) -> Vec<Finding> {
    assert!(rules().iter().any(|known| known.id == rule), "no rule {rule}");
    let all = check(&Graph::build(&support::set(text), "shop"));
    all.into_iter().filter(|finding| finding.rule == rule).collect()
}

fn one(rule: &str, text: &str) -> Finding {
    let mut found = found(rule, text);
    assert_eq!(found.len(), 1, "{found:#?}");
    found.remove(0)
}

const SECRET: &str = "
# Source: templates/secret.yaml
apiVersion: v1
kind: Secret
metadata:
  name: db
data: { URL: eA== }
";

fn job(annotations: &str, spec: &str) -> String {
    format!(
        "
# Source: templates/job.yaml
apiVersion: batch/v1
kind: Job
metadata:
  name: migrate
  annotations: {{ {annotations} }}
spec:
  template:
    spec: {spec}
"
    )
}

const PRE: &str = "helm.sh/hook: 'pre-install,pre-upgrade', helm.sh/hook-weight: '-5'";
const ENV: &str = "{ containers: [{ name: m, image: 'm:1', env: [{ name: U, valueFrom: { secretKeyRef: { name: db, key: URL } } }] }] }";

#[test]
fn a_hook_that_needs_an_object_of_a_later_phase() {
    let rule = "hook-needs-later-object";
    let finding = one(rule, &format!("{SECRET}---{}", job(PRE, ENV)));
    assert_eq!((finding.severity, finding.location.file.as_str()), (Severity::Error, "templates/job.yaml"));
    assert_eq!(finding.location.line, 9, "the line of the reference: {}", finding.location);
    assert_eq!(finding.related[0].location.to_string(), "templates/secret.yaml:5:9");
    assert!(finding.message.contains("Job/migrate (pre-install hook, weight -5) needs Secret/db"), "{finding}");

    let sooner =
        SECRET.replace("name: db", "name: db\n  annotations: { helm.sh/hook: pre-install, helm.sh/hook-weight: '-6' }");
    assert!(found(rule, &format!("{sooner}---{}", job(PRE, ENV))).is_empty(), "a Secret of lower weight");
    let optional = ENV.replace("key: URL", "key: URL, optional: true");
    assert!(found(rule, &format!("{SECRET}---{}", job(PRE, &optional))).is_empty(), "an optional one");
    assert!(found(rule, &job(PRE, ENV)).is_empty(), "one of the cluster");
    assert!(found(rule, &format!("{SECRET}---{}", job("helm.sh/hook: post-install", ENV))).is_empty(), "a later hook");
}

#[test]
fn the_order_of_hooks_among_themselves_counts() {
    let later =
        SECRET.replace("name: db", "name: db\n  annotations: { helm.sh/hook: pre-install, helm.sh/hook-weight: '5' }");
    let finding = one("hook-needs-later-object", &format!("{later}---{}", job(PRE, ENV)));
    assert!(finding.message.contains("only later, as pre-install hook, weight 5"), "{finding}");
}

#[test]
fn a_hook_of_upgrades_alone_gets_the_object_of_the_revision_before() {
    let finding = one("hook-needs-later-object", &format!("{SECRET}---{}", job("helm.sh/hook: pre-upgrade", ENV)));
    assert_eq!(finding.severity, Severity::Warning);
}

#[test]
fn every_way_to_need_an_object_counts() {
    let documents = "
apiVersion: v1
kind: ServiceAccount
metadata: { name: runner }
---
apiVersion: v1
kind: ConfigMap
metadata: { name: settings }
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: { name: disk }
---";
    for spec in [
        "{ serviceAccountName: runner, containers: [] }",
        "{ containers: [{ name: a, envFrom: [{ configMapRef: { name: settings } }] }] }",
        "{ volumes: [{ name: v, persistentVolumeClaim: { claimName: disk } }] }",
        "{ volumes: [{ name: v, projected: { sources: [{ configMap: { name: settings } }] } }] }",
        "{ initContainers: [{ name: a, env: [{ name: A, valueFrom: { configMapKeyRef: { name: settings, key: a, optional: false } } }] }] }",
    ] {
        assert_eq!(found("hook-needs-later-object", &format!("{documents}{}", job(PRE, spec))).len(), 1, "{spec}");
    }
}

#[test]
fn an_ordinary_pod_that_needs_the_product_of_a_post_hook() {
    let deployment = job("a: b", ENV).replace("batch/v1", "apps/v1").replace("Job", "Deployment");
    let product = SECRET.replace("name: db", "name: db\n  annotations: { helm.sh/hook: post-install }");
    let finding = one("hook-needs-later-object", &format!("{deployment}---{product}"));
    assert!(finding.message.contains("only as a post-install hook"), "{finding}");
}

const ACCOUNT: &str = "
apiVersion: v1
kind: ServiceAccount
metadata: { name: runner, annotations: { helm.sh/hook: pre-install, helm.sh/hook-weight: '-9' } }
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: { name: runs }
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: { name: may-run }
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: Role, name: runs }
subjects: [{ kind: ServiceAccount, name: runner }]
---";

#[test]
fn a_hook_whose_permissions_come_later() {
    let rule = "hook-permissions-later";
    let hook = job(PRE, "{ serviceAccountName: runner, containers: [] }");
    let finding = one(rule, &format!("{ACCOUNT}{hook}"));
    assert!(finding.message.contains("RoleBinding/may-run"), "{finding}");
    let sooner = ACCOUNT.replace(
        "name: may-run",
        "name: may-run, annotations: { helm.sh/hook: pre-install, helm.sh/hook-weight: '-8' }",
    );
    assert!(found(rule, &format!("{sooner}{hook}")).is_empty());
}

#[test]
fn a_left_over_hook_blocks_the_next_run() {
    let rule = "hook-retry-blocked";
    let with = |policy: &str| job(&format!("{PRE}, helm.sh/hook-delete-policy: '{policy}'"), "{ containers: [] }");
    assert_eq!(one(rule, &with("hook-succeeded")).severity, Severity::Error);
    assert!(one(rule, &with("hook-succeeded")).message.contains("leaves it behind when it fails"));
    assert!(one(rule, &with("hook-failed")).message.contains("leaves it behind when it succeeds"));
    assert_eq!(one(rule, &with("hook-succeeded,hook-failed")).severity, Severity::Warning);
    assert!(found(rule, &with("before-hook-creation,hook-succeeded")).is_empty());
    assert!(found(rule, &job(PRE, "{ containers: [] }")).is_empty(), "the default");
}

#[test]
fn two_namespaces_where_one_is_meant() {
    let rule = "namespace-mismatch";
    let moved = SECRET.replace("name: db", "name: db\n  namespace: todo");
    let finding = one(rule, &format!("{moved}---{}", job(PRE, ENV)));
    assert!(finding.message.contains("Job/migrate is in namespace shop and looks there for Secret/db"), "{finding}");
    assert!(finding.message.contains("in namespace todo"), "{finding}");
    assert!(found(rule, &format!("{SECRET}---{}", job(PRE, ENV))).is_empty());

    let elsewhere = job(PRE, "{ containers: [] }").replace("name: migrate", "name: migrate\n  namespace: other");
    assert_eq!(one(rule, &elsewhere).severity, Severity::Warning);
}

#[test]
fn a_release_that_owns_its_namespace() {
    let rule = "namespace-of-release";
    let namespace = "apiVersion: v1\nkind: Namespace\nmetadata: { name: shop }\n";
    assert_eq!(one(rule, namespace).location.line, 3);
    assert!(found(rule, &namespace.replace("shop", "other")).is_empty());
    let kept = namespace.replace("name: shop", "name: shop, annotations: { helm.sh/resource-policy: keep }");
    assert!(found(rule, &kept).is_empty());
}

#[test]
fn a_moving_tag_that_is_never_pulled_again() {
    let rule = "image-kept-stale";
    let with = |image: &str, policy: &str| {
        job("a: b", &format!("{{ containers: [{{ name: c, image: '{image}', imagePullPolicy: {policy} }}] }}"))
    };
    assert_eq!(found(rule, &with("app:latest", "IfNotPresent")).len(), 1);
    assert_eq!(found(rule, &with("app", "Never")).len(), 1);
    assert!(found(rule, &with("app:latest", "Always")).is_empty());
    assert!(found(rule, &with("app:3.0.0", "IfNotPresent")).is_empty());
    assert!(found(rule, &job("a: b", "{ containers: [{ name: c, image: app }] }")).is_empty(), "pulls by default");
}

#[test]
fn a_key_that_is_not_there() {
    let rule = "key-missing";
    let wrong = ENV.replace("key: URL", "key: URI");
    let finding = one(rule, &format!("{SECRET}---{}", job(PRE, &wrong)));
    assert!(finding.message.contains("the key URI from Secret/db"), "{finding}");
    assert!(found(rule, &format!("{SECRET}---{}", job(PRE, ENV))).is_empty());
    let items = "{ volumes: [{ name: v, secret: { secretName: db, items: [{ key: nope, path: p }] } }] }";
    assert_eq!(found(rule, &format!("{SECRET}---{}", job(PRE, items))).len(), 1);
    let texts = SECRET.replace("data:", "stringData:");
    assert!(found(rule, &format!("{texts}---{}", job(PRE, ENV))).is_empty());
}

const SERVICE: &str = "
apiVersion: v1
kind: Service
metadata: { name: api }
spec: { selector: { app: api }, ports: [{ port: 80 }] }
";

fn deployment(label: &str, env: &str) -> String {
    format!(
        "
apiVersion: apps/v1
kind: Deployment
metadata: {{ name: api }}
spec:
  template:
    metadata: {{ labels: {{ app: {label} }} }}
    spec: {{ containers: [{{ name: c, image: 'i:1', env: [{env}] }}] }}
"
    )
}

#[test]
fn a_service_that_selects_nothing() {
    let rule = "selector-matches-nothing";
    assert_eq!(one(rule, &format!("{SERVICE}---{}", deployment("ap1", ""))).object.name, "api");
    assert!(found(rule, &format!("{SERVICE}---{}", deployment("api", ""))).is_empty());
    let by_hand = SERVICE.replace("selector: { app: api }, ", "");
    assert!(found(rule, &by_hand).is_empty(), "a Service without selector has its endpoints from elsewhere");
    let foreign = SERVICE.replace("name: api", "name: api, namespace: kube-system");
    assert!(found(rule, &foreign).is_empty(), "pods of another namespace are not the chart's");
    let operated = format!("{SERVICE}---\napiVersion: db.example.com/v1\nkind: Cluster\nmetadata: {{ name: api }}\n");
    assert!(found(rule, &operated).is_empty(), "an operator makes the pods");
}

#[test]
fn a_cluster_address_for_browsers() {
    let rule = "browser-address";
    let with = |name: &str, value: &str| {
        format!("{SERVICE}---{}", deployment("api", &format!("{{ name: {name}, value: '{value}' }}")))
    };
    assert_eq!(found(rule, &with("NEXT_PUBLIC_API_URL", "http://api.shop.svc.cluster.local:80")).len(), 1);
    assert_eq!(found(rule, &with("NEXT_PUBLIC_API_URL", "http://api:80")).len(), 1);
    assert!(found(rule, &with("NEXT_PUBLIC_API_URL", "https://api.example.com")).is_empty());
    assert!(found(rule, &with("BACKEND_URL", "http://api:80")).is_empty());
}

#[test]
fn one_job_for_the_migrations_of_several_databases() {
    let rule = "migration-job-shared";
    let of = |database: &str, name: &str| {
        let env =
            format!("env: [{{ name: DATABASE_URL, valueFrom: {{ secretKeyRef: {{ name: {database}, key: URL }} }} }}]");
        let spec = format!("{{ containers: [{{ name: m, image: 'm:1', command: [goose, up], {env} }}] }}");
        job(PRE, &spec).replace("name: migrate\n", &format!("name: {name}\n"))
    };
    let shared =
        format!("{}---{}---{}", of("identity-db", "migrate"), of("auth-db", "migrate"), of("legal-db", "legal"));
    let finding = one(rule, &shared);
    assert!(finding.message.contains("identity-db/URL") && finding.message.contains("auth-db/URL"), "{finding}");
    assert!(finding.hint.contains("migrate-auth-db"), "{finding}");
    assert_eq!(finding.related.len(), 1);
    assert!(found(rule, &format!("{}---{}", of("identity-db", "identity"), of("auth-db", "auth"))).is_empty());
}

#[test]
fn a_migration_whose_evidence_is_removed() {
    let rule = "migration-evidence-lost";
    let spec = "{ containers: [{ name: m, image: 'm:1', command: [alembic, upgrade, head] }] }";
    let with = |ttl: &str| job(PRE, spec).replace("spec:\n  template", &format!("spec:\n  {ttl}\n  template"));
    let finding = one(rule, &with("ttlSecondsAfterFinished: 300"));
    assert!(finding.message.contains("300s after"), "{finding}");
    assert_eq!(finding.location.line, 8);
    assert!(found(rule, &with("ttlSecondsAfterFinished: 86400")).is_empty());
    assert!(found(rule, &with("backoffLimit: 3")).is_empty());
    let deleted = job(&format!("{PRE}, helm.sh/hook-delete-policy: 'before-hook-creation,hook-failed'"), spec);
    assert!(one(rule, &deleted).message.contains("deleted when it fails"));
    let other = "{ containers: [{ name: m, image: 'm:1', command: [./report] }] }";
    assert!(
        found(rule, &job(PRE, other).replace("spec:\n  template", "spec:\n  ttlSecondsAfterFinished: 1\n  template"))
            .is_empty()
    );
}

#[test]
fn every_rule_names_its_sources_and_is_explained() {
    let page = include_str!("../../../docs/checks.md");
    for rule in rules() {
        assert!(!rule.sources.is_empty(), "{} has no source", rule.id);
        assert!(page.contains(&format!("\n## {}\n", rule.id)), "docs/checks.md does not explain {}", rule.id);
    }
    let ids: Vec<&str> = rules().iter().map(|rule| rule.id).collect();
    assert!(ids.is_sorted() && !ids.is_empty());
    let headings = page.lines().filter(|line| line.starts_with("## ")).count();
    assert_eq!(headings, ids.len(), "docs/checks.md explains rules that do not exist");
}
