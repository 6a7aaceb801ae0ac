//! `bowline values`: what the values are, where they came from, who reads them.

use std::fs;

use crate::bowline::{Home, Run};

const FILES: [(&str, &str); 8] = [
    ("app/Chart.yaml", "apiVersion: v2\nname: app\nversion: 1.0.0\n"),
    (
        "app/values.yaml",
        "image:\n  repository: nginx\n  tag: v1\nconfig: |\n  a: 1\n  b: 2\nhosts: [a, b]\nempty: {}\npassword: default\n",
    ),
    ("app/charts/db/Chart.yaml", "apiVersion: v2\nname: db\nversion: 1.0.0\n"),
    ("app/charts/db/values.yaml", "# the database\nport: 5432\n"),
    ("app/charts/db/templates/s.yaml", "port: {{ .Values.port }}\n"),
    (
        "app/templates/a.yaml",
        "image: {{ .Values.image.repository }}:{{ .Values.image.tag }}\n{{ with .Values.config }}\n\
         config: {{ . | quote }}{{ end }}\npassword: {{ .Values.password }}\n",
    ),
    ("app/templates/b.yaml", "tag: {{ .Values.image.tag }}\nhosts: {{ toJson .Values.hosts }}\n"),
    ("prod.yaml", "image:\n  tag: v2\n  repositry: other\npassword: hush\n"),
];

fn run(home: &Home, arguments: &[&str]) -> Run {
    for (path, text) in FILES {
        let path = home.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    Run::of(&home.command(arguments).current_dir(home.path()).output().unwrap())
}

#[test]
fn every_value_shows_where_it_came_from_and_who_reads_it() {
    let home = Home::new();
    let all = run(&home, &["values", "app", "-f", "prod.yaml", "--set", "db.port=1"]).expect(0);
    assert!(!all.stdout.contains("hush") && !all.stderr.contains("hush"), "{all:?}");
    let one = run(&home, &["values", "app", "image.tag", "-f", "prod.yaml"]).expect(0);
    let yaml = run(&home, &["values", "app", "-f", "prod.yaml", "--output", "yaml"]).expect(0);
    insta::assert_snapshot!("values", format!("{}\n{}\n{}\n{}", all.stdout, all.stderr, one.stdout, yaml.stdout));
    // What is printed as a values file is one, and gives the same values.
    let again = home.path().join("again.yaml");
    let shown = run(&home, &["values", "app", "-f", "prod.yaml", "--output", "yaml", "--show-secrets"]).expect(0);
    fs::write(&again, shown.stdout).unwrap();
    let values = |file: &str| {
        let run = run(&home, &["values", "app", "-f", file, "--output", "json", "--show-secrets"]).expect(0);
        let json: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
        let entry = |entry: &serde_json::Value| (entry["key"].clone(), entry["value"].clone());
        json["values"].as_array().unwrap().iter().map(entry).collect::<Vec<_>>()
    };
    assert_eq!(values("prod.yaml"), values("again.yaml"));
}

#[test]
fn json_has_places_and_readers() {
    let home = Home::new();
    let run = run(&home, &["values", "app", "image.tag", "-f", "prod.yaml", "--output", "json"]).expect(0);
    let json: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    let tag = &json["values"][0];
    assert_eq!((tag["key"].as_str(), tag["value"].as_str()), (Some("image.tag"), Some("v2")));
    assert_eq!(
        tag["from"],
        serde_json::json!({"kind": "file", "place": {"file": "prod.yaml", "line": 2, "column": 8}})
    );
    assert_eq!(
        tag["readBy"],
        serde_json::json!([
            {"template": "app/templates/a.yaml", "line": 1},
            {"template": "app/templates/b.yaml", "line": 1}
        ])
    );
    assert_eq!(json["unused"][0]["key"], "image.repositry");
}

#[test]
fn values_that_nobody_reads_are_warned_about_or_refused() {
    let home = Home::new();
    let warning = "no template reads `image.repositry` (prod.yaml:3:14); did you mean `image.repository`?";
    let template = run(&home, &["template", "app", "-f", "prod.yaml"]).expect(0);
    assert_eq!(template.stderr, format!("warning: {warning}\n"));
    let plain = run(&home, &["template", "app", "-f", "prod.yaml", "--quiet"]).expect(0);
    assert_eq!((plain.stdout, plain.stderr.as_str()), (template.stdout, ""));
    for command in ["template", "values"] {
        let strict = run(&home, &[command, "app", "-f", "prod.yaml", "--strict"]).expect(1);
        assert!(strict.stderr.contains(warning), "{}", strict.stderr);
        run(&home, &[command, "app", "--set", "image.tag=v3", "--strict"]).expect(0);
    }
    assert_eq!(run(&home, &["template", "app"]).expect(0).stderr, "");
    let missing = run(&home, &["values", "app", "image.tga"]).expect(1);
    assert!(missing.stderr.contains("there is no value `image.tga`"), "{}", missing.stderr);
    assert!(missing.stderr.contains("did you mean `image.tag`?"), "{}", missing.stderr);
}
