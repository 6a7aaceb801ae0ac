//! The forms in which `bowline template` prints, and what it compares with.

use std::fs;

use crate::bowline::{Home, Run};

const CHART: &str = "examples/todo-app/chart";

fn template(home: &Home, arguments: &[&str]) -> Run {
    home.run(&[&["template", CHART, "--name", "todo-app", "--namespace", "todo-app"], arguments].concat())
}

#[test]
fn objects_know_chart_template_and_line() {
    let home = Home::new();
    let names = template(&home, &["--output", "name"]).expect(0).stdout;
    assert!(names.lines().any(|line| line == "deployment.apps/todo-backend"), "{names}");
    let json: serde_json::Value =
        serde_json::from_str(&template(&home, &["--output", "json"]).expect(0).stdout).unwrap();
    let entries = json.as_array().unwrap();
    assert_eq!(entries.len(), names.lines().count());
    let entry = entries.iter().find(|entry| entry["kind"] == "Deployment").unwrap();
    let source = &entry["source"];
    assert_eq!(source["chart"], "todo-app");
    // The line really is the one of the template that says which kind it is.
    let template_path = source["template"].as_str().unwrap().replacen("todo-app/", &format!("{CHART}/"), 1);
    let text = fs::read_to_string(crate::bowline::root().join(template_path)).unwrap();
    let line = text.lines().nth(source["line"].as_u64().unwrap() as usize - 1).unwrap();
    assert!(line.starts_with("kind: Deployment"), "{line}");
    assert!(entries.iter().any(|entry| entry["hook"]["events"][0].is_string()));
    let yaml = template(&home, &["--output", "yaml"]).expect(0).stdout;
    assert!(yaml.starts_with("- apiVersion: "), "{yaml}");
}

#[test]
fn show_only_takes_patterns_as_helm_does_and_knows_what_was_meant() {
    let home = Home::new();
    let all = template(&home, &["--show-only", "templates/*.yaml", "--output", "name"]).expect(0).stdout;
    assert!(all.lines().count() > 3, "{all}");
    let run = template(&home, &["--show-only", "templates/migration-jobs.yaml"]).expect(1);
    assert!(run.stderr.contains("could not find template templates/migration-jobs.yaml in chart"), "{}", run.stderr);
    assert!(run.stderr.contains("hint: --show-only templates/migration-job.yaml"), "{}", run.stderr);
    let Some(helm) = bowline_peers::find("helm") else { return };
    for patterns in [&["templates/*-job.yaml"][..], &["templates/*deploy*", "templates/migration-job.yaml"]] {
        let flags: Vec<&str> = patterns.iter().flat_map(|pattern| ["--show-only", pattern]).collect();
        let ours = template(&home, &flags);
        let mut command = std::process::Command::new(&helm);
        command.args(["template", "todo-app", CHART, "--namespace", "todo-app"]).args(&flags);
        let theirs = Run::of(&command.current_dir(crate::bowline::root()).output().unwrap());
        assert_eq!((ours.code, ours.stdout), (theirs.code, theirs.stdout), "{patterns:?}");
    }
}

#[test]
fn files_are_laid_out_as_helm_lays_them_out() {
    let home = Home::new();
    let ours = home.path().join("ours");
    let run = template(&home, &["--output-dir", &ours.to_string_lossy()]).expect(0);
    assert!(run.stdout.contains("wrote "), "{}", run.stdout);
    let Some(helm) = bowline_peers::find("helm") else { return };
    let theirs = home.path().join("theirs");
    let mut command = std::process::Command::new(&helm);
    command.args(["template", "todo-app", CHART, "--namespace", "todo-app", "--output-dir"]).arg(&theirs);
    Run::of(&command.current_dir(crate::bowline::root()).output().unwrap()).expect(0);
    let list = |folder: &std::path::Path| {
        let folder = folder.join("todo-app/templates");
        let mut names: Vec<_> = fs::read_dir(&folder).unwrap().map(|e| e.unwrap().file_name()).collect();
        names.sort();
        let text = |name: &std::ffi::OsString| fs::read_to_string(folder.join(name)).unwrap().trim_end().to_owned();
        names.into_iter().map(|name| (name.clone(), text(&name))).collect::<Vec<_>>()
    };
    assert_eq!(list(&ours), list(&theirs));
}

#[test]
fn a_rendering_is_compared_with_a_file() {
    let home = Home::new();
    let file = home.path().join("before.yaml");
    fs::write(&file, template(&home, &[]).expect(0).stdout).unwrap();
    let file = file.to_string_lossy().into_owned();
    let same = template(&home, &["--diff", &file]).expect(0);
    assert_eq!(same.stdout, "no differences\n");
    let run = template(&home, &["--diff", &file, "--set", "backend.replicas=3"]).expect(3);
    insta::assert_snapshot!("difference", run.stdout);
    let run = template(&home, &["--diff", "no-such.yaml"]).expect(2);
    assert!(run.stderr.contains("no-such.yaml"), "{}", run.stderr);
}

#[test]
fn a_schema_violation_shows_the_line_that_set_the_value() {
    let home = Home::new();
    let files = [
        ("app/Chart.yaml", "apiVersion: v2\nname: app\nversion: 1.0.0\n"),
        ("app/values.yaml", "replicas: 1\nimage:\n  tag: v1\n"),
        (
            "app/values.schema.json",
            r#"{"type": "object", "additionalProperties": false, "properties": {"replicas": {"type": "integer"},
               "image": {"type": "object", "required": ["tag"], "properties": {"tag": {"type": "string"}}}}}"#,
        ),
        ("prod.yaml", "# production\nreplicas: many\nimage:\n  tag: null\nreplica: 2\n"),
    ];
    for (path, text) in files {
        let path = home.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let mut command = home.command(&["template", "app", "-f", "prod.yaml"]);
    let run = Run::of(&command.current_dir(home.path()).output().unwrap()).expect(1);
    insta::assert_snapshot!("schema_violations", run.stderr);
}

#[test]
fn values_may_lie_on_the_web() {
    use std::io::{Read as _, Write as _};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/values.yaml", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for mut socket in listener.incoming().flatten() {
            let _ = socket.read(&mut [0; 4096]);
            let _ = socket.write_all(
                b"HTTP/1.1 200 OK\r\nContent-Length: 26\r\nConnection: close\r\n\r\nbackend:\n  replicas: 7\n  \n",
            );
        }
    });
    let home = Home::new();
    let run = template(&home, &["--values", &address]).expect(0);
    assert!(run.stdout.contains("replicas: 7"), "{}", run.stdout);
    let lost = template(&home, &["--values", "http://127.0.0.1:1/values.yaml"]).expect(2);
    assert!(lost.stderr.contains("connect: connection refused"), "{}", lost.stderr);
}
