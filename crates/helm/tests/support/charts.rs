//! Small charts that show one behaviour each.

use super::Bench;

/// Writes all of them below the bench's folder.
pub(crate) fn write(bench: &Bench) {
    bench.write("app/Chart.yaml", APP);
    bench.write("app/values.yaml", VALUES);
    bench.write("app/README.md", "# App\n\nOne *chart*.\n");
    bench.write("app/.helmignore", "*.bak\n");
    bench.write("app/crds/things.yaml", CRD);
    bench.write("app/templates/config.yaml", CONFIG);
    bench.write("app/templates/deployment.yaml", DEPLOYMENT);
    bench.write("app/templates/hook.yaml", HOOK);
    bench.write("app/templates/tests/test.yaml", TEST);
    bench.write("app/templates/two.yaml", TWO);
    bench.write("app/templates/_helpers.tpl", "{{- define \"app.name\" -}}{{ .Release.Name }}-app{{- end -}}\n");
    bench.write("app/templates/NOTES.txt", "Thank you for {{ .Chart.Name }}.\n");
    bench.write("app/charts/db/Chart.yaml", "apiVersion: v2\nname: db\nversion: 1.2.3\n");
    bench.write("app/charts/db/values.yaml", "port: 5432\n");
    bench.write(
        "app/charts/db/templates/config.yaml",
        "kind: ConfigMap\napiVersion: v1\nmetadata: {name: db}\ndata: {port: {{ .Values.port | quote }}}\n",
    );
    bench.write("app/charts/db/crds/more.yaml", "---\nkind: CustomResourceDefinition\n");
    for (name, chart, template) in [
        ("fails", "apiVersion: v2\nname: fails\nversion: 1.0.0\n", "a: {{ fail \"no luck\" }}\n"),
        ("nil", "apiVersion: v2\nname: nil\nversion: 1.0.0\n", "a: {{ .Values.a.b.c }}\n"),
        ("parse", "apiVersion: v2\nname: parse\nversion: 1.0.0\n", "a: {{ nosuch }}\n"),
        ("badyaml", "apiVersion: v2\nname: badyaml\nversion: 1.0.0\n", "a: [\nb\n"),
        ("library", "apiVersion: v2\nname: library\nversion: 1.0.0\ntype: library\n", "a: 1\n"),
        ("oldkind", "apiVersion: v2\nname: oldkind\nversion: 1.0.0\ntype: sauce\n", "a: 1\n"),
        ("deprecated", "apiVersion: v2\nname: deprecated\nversion: 1.0.0\ndeprecated: true\n", "kind: A\n"),
        (
            "incomplete",
            "apiVersion: v2\nname: incomplete\nversion: 1.0.0\ndependencies:\n- {name: one, version: 1.0.0, repository: ''}\n- {name: two, version: 1.0.0, repository: ''}\n",
            "a: 1\n",
        ),
        ("tooold", "apiVersion: v2\nname: tooold\nversion: 1.0.0\nkubeVersion: '>= 99'\n", "a: 1\n"),
        ("noname", "apiVersion: v2\nversion: 1.0.0\n", "a: 1\n"),
        ("noversion", "apiVersion: v2\nname: noversion\n", "a: 1\n"),
        ("badversion", "apiVersion: v2\nname: badversion\nversion: one\n", "a: 1\n"),
        ("v9", "apiVersion: v9\nname: v9\nversion: 1.0.0\n", "a: 1\n"),
        ("notyaml", "name: [\n", "a: 1\n"),
        ("empty", "", "a: 1\n"),
        (
            "unknownhook",
            "apiVersion: v2\nname: unknownhook\nversion: 1.0.0\n",
            "kind: Job\nmetadata: {name: x, annotations: {helm.sh/hook: nosuch}}\n",
        ),
        (
            "aliens",
            "apiVersion: v2\nname: aliens\nversion: 1.0.0\nunknown: field\nappVersion: 1.0\n",
            "kind: A\nmetadata: {name: Not_A_Name}\n",
        ),
    ] {
        bench.write(&format!("{name}/Chart.yaml"), chart);
        bench.write(&format!("{name}/templates/a.yaml"), template);
    }
    bench.write("bare/Chart.yaml", "apiVersion: v1\nname: bare\nversion: 0.0.1\n");
    bench.write("nochart/values.yaml", "a: 1\n");
    bench.write("a.yaml", "replicas: 3\nimage: {tag: v2}\n");
    bench.write("b.yaml", "image: {tag: v3}\nnested: {list: [1, 2]}\n");
    bench.write("bad.yaml", "a: [\n");
    bench.write("text.txt", "some text\nin lines\n");
}

const APP: &str = "apiVersion: v2
name: app
version: 0.1.0
appVersion: \"1.16\"
description: >-
  An application, described at some length, so that the line has to be folded when it is written again by a program.
home: https://example.com
icon: https://example.com/icon.png
keywords: [one, two]
sources: [https://example.com/source]
maintainers:
- {name: Someone, email: someone@example.com}
annotations: {category: Test, example.com/number: '5'}
kubeVersion: '>= 1.20.0-0'
";

const VALUES: &str = "# Values of the chart.
replicas: 1
image:
  repository: example
  tag: v1   # the tag
big: 1000000
empty: null
list: [a, b, {c: d}]
items:
- {name: one, port: 80}
- {name: two, port: 8080}
db: {port: 5433}
";

const CRD: &str = "apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: things.example.com}
";

const CONFIG: &str = "apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ include \"app.name\" . }}
  namespace: {{ .Release.Namespace }}
data:
  values: {{ .Values | toJson | quote }}
  kube: {{ .Capabilities.KubeVersion }} {{ .Capabilities.KubeVersion.Major }}.{{ .Capabilities.KubeVersion.Minor }}
  has: {{ .Capabilities.APIVersions.Has \"example.com/v1\" | quote }} {{ .Capabilities.APIVersions.Has \"other.io/v2\" }}
  install: {{ .Release.IsInstall | quote }}
  upgrade: {{ .Release.IsUpgrade | quote }}
  revision: {{ .Release.Revision | quote }}
  dns: {{ getHostByName \"localhost\" | empty | quote }}
";

const DEPLOYMENT: &str = "apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ include \"app.name\" . }}
spec:
  replicas: {{ .Values.replicas }}
  selector: {matchLabels: {app: x}}
  template:
    metadata: {labels: {app: x}}
    spec:
      containers:
      - {name: main, image: '{{ .Values.image.repository }}:{{ .Values.image.tag }}'}
";

const HOOK: &str = "apiVersion: batch/v1
kind: Job
metadata:
  name: before
  annotations: {helm.sh/hook: pre-install}
";

const TEST: &str = "apiVersion: v1
kind: Pod
metadata:
  name: test
  annotations: {helm.sh/hook: test}
---
apiVersion: v1
kind: Pod
metadata:
  name: other
  annotations: {helm.sh/hook: 'test,post-install'}
";

const TWO: &str = "{{- range .Values.items }}
---
apiVersion: v1
kind: Service
metadata: {name: {{ .name }}}
spec: {ports: [{port: {{ .port }}}]}
{{- end }}
";
