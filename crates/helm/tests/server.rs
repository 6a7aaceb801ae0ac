//! `template --dry-run=server`, side by side with the real helm, on a real API server.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::disallowed_methods)]

#[allow(dead_code, reason = "each test file uses a part of it")]
mod support;

use std::path::Path;

use bowline_peers::kubernetes::ControlPlane;
use support::Bench;

/// Charts by name, with the text of their one template.
const CHARTS: &[(&str, &str)] = &[
    (
        "look",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: look}\ndata:\n\
         \x20 version: {{ .Capabilities.KubeVersion | quote }} {{ .Capabilities.KubeVersion.Minor | quote }}\n\
         \x20 served: {{ .Capabilities.APIVersions | sortAlpha | toJson | quote }}\n\
         \x20 one: {{ lookup \"v1\" \"Namespace\" \"\" \"default\" | toJson | quote }}\n\
         \x20 placed: {{ lookup \"v1\" \"Namespace\" \"kube-system\" \"default\" | dig \"metadata\" \"name\" \"\" | quote }}\n\
         \x20 none: {{ lookup \"v1\" \"Secret\" \"default\" \"nope\" | toJson | quote }}\n\
         \x20 all: '{{ range (lookup \"v1\" \"Namespace\" \"\" \"\").items }}{{ .metadata.name }} {{ .kind }} {{ end }}'\n\
         \x20 list: {{ omit (lookup \"v1\" \"Namespace\" \"\" \"\") \"items\" \"metadata\" | toJson | quote }}\n\
         \x20 port: {{ kindOf (index (lookup \"v1\" \"Service\" \"default\" \"kubernetes\").spec.ports 0).port }}\n\
         \x20 unserved: {{ omit (lookup \"v1\" \"Bar\" \"ns\" \"\") \"serverAddressByClientCIDRs\" | toJson | quote }}\n\
         \x20 unserved: {{ lookup \"v1\" \"Bar\" \"\" \"x\" | toJson | quote }}\n",
    ),
    ("no-group", "a: {{ lookup \"foo/v1\" \"Bar\" \"\" \"x\" }}\n"),
    ("no-version", "a: {{ lookup \"a/b/c\" \"Bar\" \"ns\" \"\" }}\n"),
    ("slash", "a: {{ lookup \"v1\" \"Secret\" \"ns\" \"a/b\" }}\n"),
    (
        "unknown-kinds",
        "apiVersion: foo.example.com/v1\nkind: Bar\nmetadata: {name: x}\n---\napiVersion: v1\nkind: Baz\nmetadata: {name: y}\n---\n\
         apiVersion: v1\nkind: Baz\nmetadata: {name: y}\n---\napiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Foo\n\
         \x20 metadata: {name: z}\n",
    ),
    (
        "unknown-field",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndataa: {a: b}\n---\napiVersion: apps/v1\nkind: Deployment\n\
         metadata: {name: d}\nspec: {replicas: \"x\", foo: 1}\n",
    ),
    ("no-name", "apiVersion: v1\nkind: ConfigMap\ndata: {a: b}\n"),
    ("no-kind", "apiVersion: v1\nmetadata: {name: x}\n"),
    ("no-version-of-api", "kind: ConfigMap\nmetadata: {name: x}\n"),
    ("nothing-of-it", "a: b\n"),
    ("there-already", "apiVersion: v1\nkind: Namespace\nmetadata: {name: default}\n"),
    (
        "generated",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {generateName: x-}\n---\napiVersion: v1\nkind: ConfigMap\n\
         metadata: {generateName: x-, name: x}\n",
    ),
    (
        "types",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: 12, labels: {a: 1}}\n---\napiVersion: apps/v1\nkind: Deployment\n\
         metadata: {name: d, annotations: {a: true}}\n---\nkind: 5\napiVersion: v1\nmetadata: {}\n",
    ),
    (
        "hooks",
        "apiVersion: foo/v1\nkind: Nope\nmetadata: {name: h, annotations: {\"helm.sh/hook\": pre-install}}\n---\n\
         apiVersion: v1\nkind: ConfigMap\nmetadata: {name: free}\n",
    ),
    ("old", "a: b\n"),
    ("with-crds", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: free}\n"),
];

fn write(bench: &Bench) {
    for (name, template) in CHARTS {
        let old = if *name == "old" { "kubeVersion: \"<1.20\"\n" } else { "" };
        bench.write(&format!("{name}/Chart.yaml"), &format!("apiVersion: v2\nname: {name}\nversion: 0.1.0\n{old}"));
        bench.write(&format!("{name}/templates/a.yaml"), template);
    }
    bench.write(
        "with-crds/crds/a.yaml",
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: bars.foo.example.com}\n",
    );
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

#[test]
fn a_real_server_is_asked_as_helm_asks_it() {
    let (Some(mut bench), Some(plane)) = (Bench::new(), ControlPlane::shared()) else { return };
    write(&bench);
    bench.set("KUBECONFIG", text(plane.kubeconfig()));
    for (name, _) in CHARTS {
        bench.compare(&format!("template {name} --dry-run=server"));
    }
    for line in [
        "template look --validate",
        "template look --dry-run=server -n elsewhere -a foo/v1",
        "template rel there-already --dry-run=server --is-upgrade",
        "template rel there-already --dry-run=server --take-ownership",
        "template rel there-already --dry-run=server -n other",
        "template no-kind --dry-run=server --disable-openapi-validation",
        "template unknown-kinds --dry-run=server --disable-openapi-validation",
        "template with-crds --dry-run=server --include-crds",
        "template with-crds --dry-run=server --skip-crds",
        "template old --dry-run=server --kube-version 1.19",
        "template look --dry-run=server --kube-as-user bob",
        "template look --dry-run=server --kube-as-user bob --kube-as-group system:masters",
        "template look --dry-run=server --kube-token wrong",
        "template look --dry-run=server --kube-context nope",
        "template look --dry-run=server --kube-apiserver https://127.0.0.1:1",
        "template look --dry-run=server --kube-ca-file /nope",
        "template look --dry-run=server --kubeconfig /nope",
        "template Bad_Name look --dry-run=server",
        "template look --dry-run=server --output-dir out",
    ] {
        bench.compare(line);
    }
    bench.finish();
}

#[test]
fn a_server_that_is_not_there_is_told_as_helm_tells_it() {
    let Some(mut bench) = Bench::new() else { return };
    write(&bench);
    bench.write("broken", ": [");
    bench.write("empty", "apiVersion: v1\nkind: Config\nclusters: []\ncurrent-context: x\n");
    for line in [
        "template look --dry-run=server",
        "template look --dry-run=server --kubeconfig broken",
        "template look --dry-run=server --kubeconfig empty",
        "template look --dry-run=server --kube-apiserver 127.0.0.1:1",
    ] {
        bench.compare(line);
    }
    bench.finish();
}
