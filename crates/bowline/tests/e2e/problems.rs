//! What `bowline template` says about charts and values that are wrong: every problem, with its places.

use std::fs;

use crate::bowline::{Home, Run};

/// Writes files below the home and runs the binary there.
fn run(home: &Home, files: &[(&str, &str)], arguments: &[&str]) -> Run {
    for (path, text) in files {
        let path = home.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    Run::of(&home.command(arguments).current_dir(home.path()).output().unwrap())
}

const CHART: (&str, &str) = ("app/Chart.yaml", "apiVersion: v2\nname: app\nversion: 1.0.0\n");

const VALUES: (&str, &str) = (
    "app/values.yaml",
    "image:\n  repository: nginx\n  tag: v1\nservice:\n  port: 80\nextra: |\n  first: line\n  second: {{ .Values.imge.x }}\n",
);

#[test]
fn every_failing_template_is_reported_with_its_chain_and_the_values_behind_it() {
    let home = Home::new();
    let files = [
        CHART,
        VALUES,
        ("app/charts/db/Chart.yaml", "apiVersion: v2\nname: db\nversion: 1.0.0\n"),
        ("app/charts/db/values.yaml", "port: {a: 1}\n"),
        ("app/charts/db/templates/x.yaml", "a: {{ trunc 3 .Values.port }}\n"),
        (
            "app/templates/_helpers.tpl",
            "{{- define \"app.labels\" -}}\napp: {{ .Values.image.tag.name }}\n{{- end }}\n\
             {{- define \"app.all\" }}{{ template \"app.labels\" . }}{{ end }}\n",
        ),
        ("app/templates/chain.yaml", "kind: ConfigMap\nlabels: {{- include \"app.all\" . | nindent 2 }}\n"),
        ("app/templates/again.yaml", "kind: ConfigMap\nlabels: {{- include \"app.all\" . | nindent 2 }}\n"),
        ("app/templates/tpl.yaml", "data: {{ tpl .Values.extra . }}\n"),
        ("app/templates/key.yaml", "data: {{ .Values.imge.tag }}\n"),
        ("app/templates/name.yaml", "data: {{ include \"app.lables\" . }}\n"),
        ("app/templates/required.yaml", "data: {{ required \"a name is needed\" .Values.service.name }}\n"),
        ("app/templates/yaml.yaml", "kind: ConfigMap\n{{- range .Values.service }}\ndata: a: b {{ . }}\n{{- end }}\n"),
        ("app/templates/type.yaml", "data: {{ .Values.service.port | b64enc }}\n"),
        ("app/templates/fine.yaml", "kind: ConfigMap\n"),
        ("prod.yaml", "# production\nimage:\n  tag: null\n"),
    ];
    let run = run(&home, &files, &["template", "app", "-f", "prod.yaml", "--set", "service.port=443"]).expect(1);
    assert_eq!(run.stdout, "");
    insta::assert_snapshot!("every_failing_template", run.stderr);
}

#[test]
fn every_template_that_does_not_parse_is_reported_with_its_column() {
    let home = Home::new();
    let files = [
        CHART,
        ("app/templates/function.yaml", "a: 1\nb: {{ inclde \"x\" . }}\n"),
        ("app/templates/open.yaml", "{{ if .Values.a }}\n{{ with .b }}\nx: 1\n{{ end }}\n"),
        ("app/templates/quote.yaml", "a: {{ print \"x }}\n"),
        ("app/templates/token.yaml", "ä: {{ .Values.a = 1 }}\n"),
    ];
    let run = run(&home, &files, &["template", "app"]).expect(1);
    insta::assert_snapshot!("every_parse_error", run.stderr);
}

#[test]
fn files_and_flags_that_cannot_be_read_show_the_place() {
    let home = Home::new();
    let files = [CHART, VALUES, ("broken.yaml", "a: 1\nb: [1, 2\nc: 3\n")];
    let mut text = String::new();
    let broken_chart = ("bad/Chart.yaml", "apiVersion: v2\nname: [bad]\nversion: 1.0.0\n");
    for arguments in [
        &["template", "app", "-f", "broken.yaml"][..],
        &["template", "app", "-f", "brokn.yaml"],
        &["template", "app", "--set", "a=1,b[x]=2"],
        &["template", "app", "--set-json", "a={\"x\": }"],
        &["template", "ap"],
        &["template", "bad"],
        &["template", "app", "--shw-only", "x"],
    ] {
        let run = run(&home, &[&files[..], &[broken_chart]].concat(), arguments).expect(2);
        text.push_str(&format!("$ bowline {}\n{}\n", arguments.join(" "), run.stderr));
    }
    insta::assert_snapshot!("files_and_flags", text.replace(&home.path().display().to_string(), "HOME"));
}

#[test]
fn the_values_of_secrets_are_not_shown() {
    let home = Home::new();
    let files = [
        CHART,
        ("app/templates/a.yaml", "a: {{ .Values.password | add1 | b64enc }}{{ .Values.password.x }}\n"),
        ("app/templates/b.yaml", "a: {{ .Values.dbPassword.x }}\n"),
        ("secret.yaml", "password: hush-a\ndbPassword: hush-b\n"),
    ];
    let run = run(&home, &files, &["template", "app", "-f", "secret.yaml", "--set", "password=hush-c"]).expect(1);
    assert!(!run.stderr.contains("hush"), "{}", run.stderr);
    assert!(run.stderr.contains("secret.yaml:2"), "{}", run.stderr);
}
