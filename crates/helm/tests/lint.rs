//! `lint`: rules, texts and exit codes side by side with the real helm.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::disallowed_methods)]

#[allow(dead_code, reason = "each test file uses a part of it")]
mod support;

use support::{Bench, charts};

#[test]
fn charts_of_every_kind_are_linted() {
    let Some(mut bench) = Bench::new() else { return };
    charts::write(&bench);
    let names = [
        "app",
        "app/charts/db",
        "fails",
        "nil",
        "parse",
        "badyaml",
        "library",
        "oldkind",
        "deprecated",
        "incomplete",
        "tooold",
        "noname",
        "noversion",
        "badversion",
        "v9",
        "notyaml",
        "empty",
        "unknownhook",
        "aliens",
        "bare",
        "nochart",
        "nosuch",
        "./app/",
        "text.txt",
        "nosuch.tgz",
        "app/Chart.yaml",
    ];
    for name in names {
        bench.compare(&format!("lint {name}"));
        bench.compare(&format!("lint {name} --strict"));
        bench.compare(&format!("lint {name} --quiet"));
    }
    for line in [
        "app bare fails",
        "app bare --quiet",
        "app --with-subcharts",
        "app bare --with-subcharts --strict --quiet",
        "app --kube-version 1.19",
        "app --kube-version x",
        "app --set replicas=2",
        "app --set image=1",
        "app --set a",
        "app -f nosuch.yaml",
        "app -f a.yaml --set-string x=1",
        "app --set-json '{\"replicas\": 3}'",
        "app -n space",
        "app --skip-schema-validation",
        "app --set db=1",
        "app --set replicas=null",
    ] {
        bench.compare(&format!("lint {line}"));
    }
    bench.finish();
}

#[test]
fn every_field_of_chart_yaml_has_its_rule() {
    let Some(mut bench) = Bench::new() else { return };
    let base = "apiVersion: v2\nname: field\nversion: 1.0.0\n";
    let texts = [
        "icon: https://example.com/x.png\n",
        "icon: not an address\n",
        "icon: ://x\n",
        "icon: /path\n",
        "icon: data:image/png;base64,xx\n",
        "sources: [https://example.com, example.com]\n",
        "sources: ['']\n",
        "maintainers: [{name: a, email: a@b.co, url: https://x.y}]\n",
        "maintainers: [{email: a@b.co}]\n",
        "maintainers: [{name: a, email: a@b}]\n",
        "maintainers: [{name: a, email: 'a b@c.de'}]\n",
        "maintainers: [{name: a, url: 'x y'}]\n",
        "maintainers: [{name: a, url: example.com}]\n",
        "maintainers: [{name: a, url: 'https://'}]\n",
        "maintainers: [{name: a}, {unknown: 1, name: b}]\n",
        "maintainers: {name: a}\n",
        "maintainers: [a]\n",
        "appVersion: 1.0\n",
        "appVersion: 1\n",
        "appVersion: true\n",
        "appVersion: [1]\n",
        "appVersion: {a: 1}\n",
        "appVersion: null\n",
        "type: library\n",
        "type: sauce\n",
        "unknown: 1\nother: 2\n",
        "name: again\n",
        "description: a\ndescription: b\n",
        "dependencies: [{name: a, version: 1.0.0, repository: 'https://x.y'}]\n",
        "dependencies: [{name: a, version: 1.0.0, repository: '', extra: 1}]\n",
        "dependencies: [{name: a, version: 1.0.0, repository: ''}, {name: a, version: 1.0.0, repository: ''}]\n",
        "dependencies: [{name: a, alias: b, version: 1.0.0, repository: ''}, {name: b, version: 1.0.0, repository: ''}]\n",
        "annotations: {a: 1}\n",
        "keywords: a\n",
        "deprecated: yes\n",
        "deprecated: maybe\n",
        "kubeVersion: '>= 1.0'\n",
        "tags: 1\n",
    ];
    for (at, text) in texts.iter().enumerate() {
        bench.write(&format!("field{at}/Chart.yaml"), &format!("{base}{text}"));
    }
    let wholes = [
        "apiVersion: v1\nname: a\nversion: 1.0.0\ntype: application\n",
        "apiVersion: v1\nname: a\nversion: 1.0.0\ndependencies: [{name: a, version: 1.0.0, repository: ''}]\n",
        "name: a\nversion: 1.0.0\n",
        "apiVersion: v2\nname: a/b\nversion: 1.0.0\n",
        "apiVersion: v2\nname: ..\nversion: 1.0.0\n",
        "apiVersion: v2\nname: 5\nversion: 1\n",
        "apiVersion: v2\nname: a\nversion: '1'\n",
        "apiVersion: v2\nname: a\nversion: v1.2.3\n",
        "apiVersion: v2\nname: a\nversion: 1.2\n",
        "apiVersion: v2\nname: a\nversion: 1.2.3-01\n",
        "apiVersion: v2\nname: a\nversion: 1.2.3-rc.1+build.5\n",
        "apiVersion: v2\nname: a\nversion: 01.2.3\n",
        "apiVersion: v2\nname: a\nversion: 0.0.0\n",
        "apiVersion: v2\nname: a\nversion: 0.0.0-0\n",
        "apiVersion: v2\nname: a\nversion: ''\n",
        "apiVersion: v3\nname: a\nversion: 1.0.0\n",
        "- a\n",
        "text\n",
        "{}\n",
        "a: b: c\n",
        "# only a comment\n",
    ];
    for (at, text) in wholes.iter().enumerate() {
        bench.write(&format!("whole{at}/Chart.yaml"), text);
    }
    bench.write("folder/Chart.yaml/x", "");
    for at in 0..texts.len() {
        bench.compare(&format!("lint field{at}"));
    }
    for at in 0..wholes.len() {
        bench.compare(&format!("lint whole{at} --strict"));
    }
    bench.compare("lint folder");
    bench.finish();
}

#[test]
fn every_rule_for_values_and_templates_is_helms() {
    let Some(mut bench) = Bench::new() else { return };
    let chart = "apiVersion: v2\nname: rules\nversion: 1.0.0\nicon: https://example.com/x.png\n";
    let values = [
        "a: 1\n",
        "a: [\n",
        "- a\n",
        "text\n",
        "",
        "# comment\n",
        "a: 1\na: 2\n",
        "a: null\n",
        "1: 2\n",
        "{a: 1}: b\n",
        "a: 1\n---\nb: 2\n",
    ];
    for (at, text) in values.iter().enumerate() {
        bench.write(&format!("values{at}/Chart.yaml"), chart);
        bench.write(&format!("values{at}/values.yaml"), text);
        bench.write(
            &format!("values{at}/templates/a.yaml"),
            "kind: A\nmetadata: {name: a}\nb: {{ .Values.b | default 1 }}\n",
        );
    }
    let schemas = [
        "{\"type\": \"object\", \"required\": [\"b\"]}",
        "{\"properties\": {\"a\": {\"type\": \"string\"}}}",
        "{\"properties\": {\"a\": {\"type\": \"integer\"}}}",
        "{",
        "[]",
    ];
    for (at, text) in schemas.iter().enumerate() {
        bench.write(&format!("schema{at}/Chart.yaml"), chart);
        bench.write(&format!("schema{at}/values.yaml"), "a: 1\n");
        bench.write(&format!("schema{at}/values.schema.json"), text);
        bench.write(&format!("schema{at}/templates/a.yaml"), "kind: A\nmetadata: {name: a}\n");
    }
    let names = ["a", "A", "a.b", "a_b", "-a", "", "1a", "a/b", "a%b", "..", "é", &"x".repeat(64), &"x".repeat(254)];
    let kinds = ["Pod", "Service", "Namespace", "ServiceAccount", "Role", "CertificateSigningRequest", "Custom"];
    let mut objects: Vec<String> = Vec::new();
    for kind in kinds {
        for name in names {
            objects.push(format!("kind: {kind}\nmetadata: {{name: '{name}'}}\n"));
        }
    }
    let templates = [
        "  kind: A\n  metadata: {name: a}\n",
        "\n\t\nkind: A\n",
        "kind: Deployment\nmetadata: {name: a}\n",
        "kind: DaemonSet\nmetadata: {name: a}\n# matchLabels\n",
        "kind: List\nitems:\n- metadata: {annotations: {helm.sh/resource-policy: keep}}\n",
        "kind: List\nitems:\n- metadata: {annotations: {a: 1}}\n",
        "kind: List\nmetadata: {name: a}\nitems: x\n",
        "kind: A\n--- x\nkind: B\n",
        "kind: A\nmetadata: {name: a}\n--- # comment\nkind: B\nmetadata: {name: b}\n",
        "kind: [A]\n",
        "kind: A\nmetadata: text\n",
        "kind: A\nmetadata: {name: [a]}\n",
        "kind: A\nmetadata: {namespace: {a: b}}\n",
        "apiVersion: 1\nkind: 2\nmetadata: {name: 3}\n",
        "- kind: A\n",
        "text\n",
        "a: b: c\n",
        "a: [\n",
        "---\n---\n",
        "# comment\n",
        "{{ required \"a is needed\" .Values.nosuch }}\n",
        "a: {{ required \"b is needed\" \"\" }}\n",
        "a: {{ fail \"no luck\" }}\n",
        "a: {{ .Release.IsInstall }}{{ .Release.IsUpgrade }}{{ .Release.Revision }}\nkind: {{ .Release.Name }}\nmetadata: {name: '{{ .Release.Namespace }}'}\n",
        "a: {{ .Values.nosuch.field }}\n",
        "{{ nosuch }}\n",
        "a: {{ lookup \"v1\" \"Pod\" \"\" \"\" }}\nmetadata: {name: a}\n",
        "kind: A\nmetadata: {name: a}\n\u{feff}",
    ];
    objects.extend(templates.iter().map(|text| (*text).to_owned()));
    // Several templates a chart keep the number of runs down; a fault of YAML ends the look at a chart.
    for (at, text) in objects.iter().enumerate() {
        let name =
            if at < names.len() * kinds.len() { format!("names{}", at / names.len()) } else { format!("object{at}") };
        bench.write(&format!("{name}/Chart.yaml"), chart);
        bench.write(&format!("{name}/values.yaml"), "a: 1\n");
        bench.write(&format!("{name}/templates/object{at}.yaml"), text);
    }
    for (at, file) in ["a.json", "b.yml", "c.tpl", "d.txt", "e", "f.YAML", "_g.yaml"].iter().enumerate() {
        bench.write(&format!("files/templates/{file}"), &format!("kind: A\nmetadata: {{name: N{at}}}\n"));
    }
    bench.write("files/Chart.yaml", chart);
    for (at, text) in [
        "kind: CustomResourceDefinition\napiVersion: apiextensions.k8s.io/v1\n---\nkind: Other\napiVersion: v1\n",
        "a: {{ if }}\n",
        "a: [\n",
        "# comment\n",
        "- a\n",
    ]
    .iter()
    .enumerate()
    {
        bench.write(&format!("crds{at}/Chart.yaml"), chart);
        bench.write(&format!("crds{at}/values.yaml"), "");
        bench.write(&format!("crds{at}/templates/a.yaml"), "kind: A\nmetadata: {name: a}\n");
        bench.write(&format!("crds{at}/crds/a.yaml"), text);
    }
    bench.write("crdfile/Chart.yaml", chart);
    bench.write("crdfile/crds", "text");
    bench.write("crdfile/templates", "text");
    for at in 0..values.len() {
        bench.compare(&format!("lint values{at}"));
    }
    bench.compare("lint values0 --set a=null --set b=null");
    bench.compare("lint values0 --set a.b=1");
    for at in 0..schemas.len() {
        bench.compare(&format!("lint schema{at}"));
        bench.compare(&format!("lint schema{at} --skip-schema-validation"));
    }
    bench.compare("lint schema0 --set b=1");
    bench.compare("lint schema1 --set-string a=1");
    for at in 0..kinds.len() {
        bench.compare(&format!("lint names{at} --strict"));
    }
    for at in names.len() * kinds.len()..objects.len() {
        bench.compare(&format!("lint object{at}"));
    }
    bench.compare("lint files");
    for at in 0..5 {
        bench.compare(&format!("lint crds{at}"));
    }
    bench.compare("lint crdfile");
    bench.finish();
}

/// All kinds that are out of date at one time or another, in versions before and after.
#[test]
fn kinds_go_out_of_date_when_helm_says_so() {
    let Some(mut bench) = Bench::new() else { return };
    let table = include_str!("../src/commands/lint/deprecations.txt");
    bench.write("old/Chart.yaml", "apiVersion: v2\nname: old\nversion: 1.0.0\n");
    for (at, line) in table.lines().enumerate() {
        let mut words = line.split(' ');
        let (version, kind) = (words.next().unwrap(), words.next().unwrap());
        let text = format!(
            "apiVersion: {version}\nkind: {kind}\nmetadata: {{name: a}}\nspec: {{selector: {{matchLabels: {{}}}}}}\n"
        );
        bench.write(&format!("old/templates/{at:03}.yaml"), &text);
    }
    for minor in [5, 8, 9, 14, 16, 19, 21, 22, 23, 26, 29, 31, 33, 34, 35, 36, 37, 38, 40] {
        bench.compare(&format!("lint old --kube-version 1.{minor}"));
    }
    bench.compare("lint old");
    bench.compare("lint old --kube-version 0.0");
    bench.compare("lint old --kube-version 2.0");
    bench.finish();
}
