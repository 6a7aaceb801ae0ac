//! Bad input and faults: what failed, the cause, and a hint that is a command.

use std::fs;
use std::io::{BufRead, Read};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::bowline::{Home, Run};
use crate::kill::nix_kill;

/// A Service of its own that answers every request; the shell of the container decides what it does before.
pub(crate) const DEPLOYMENT: &str = r#"
apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
spec:
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec:
      terminationGracePeriodSeconds: 1
      containers:
        - name: web
          image: IMAGE
          command: ["sh", "-c", {{ .Values.script | quote }}]
          PROBE
"#;

/// An application of one chart whose containers are shell scripts.
pub(crate) struct Sample {
    folder: tempfile::TempDir,
}

impl Sample {
    pub(crate) fn new(templates: &[(&str, &str)], values: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let chart = folder.path().join("chart");
        fs::create_dir_all(chart.join("templates")).unwrap();
        fs::write(chart.join("Chart.yaml"), "apiVersion: v2\nname: sample\nversion: 0.1.0\n").unwrap();
        fs::write(chart.join("values.yaml"), values).unwrap();
        for (name, text) in templates {
            fs::write(chart.join("templates").join(name), text).unwrap();
        }
        let app = "name: sample\nchart: chart\nlocal:\n  images:\n    shell: { command: [sh] }\n";
        fs::write(folder.path().join("bowline.yaml"), app).unwrap();
        Self { folder }
    }

    fn deployment(image: &str, probe: &str, script: &str) -> Self {
        let text = DEPLOYMENT.replace("IMAGE", image).replace("PROBE", probe);
        Self::new(&[("web.yaml", &text)], &format!("script: {script:?}\n"))
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    fn up(&self, home: &Home, more: &[&str]) -> Run {
        let mut arguments = vec!["up", self.path().to_str().unwrap()];
        arguments.extend(more);
        home.run(&arguments)
    }
}

#[track_caller]
pub(crate) fn says(run: &Run, parts: &[&str]) {
    for part in parts {
        assert!(run.stderr.contains(part), "{part:?} is not in\n{}", run.stderr);
    }
}

#[test]
fn a_missing_chart() {
    let run = Home::new().run(&["template", "nowhere"]).expect(2);
    says(&run, &["error: read the application nowhere", "no bowline.yaml and no Chart.yaml", "hint: bowline"]);
}

#[test]
fn a_misspelt_field_of_bowline_yaml() {
    let sample = Sample::new(&[], "");
    fs::write(sample.path().join("bowline.yaml"), "name: sample\nchrat: chart\n").unwrap();
    let run = sample.up(&Home::new(), &[]).expect(2);
    says(&run, &["bowline.yaml:2:1", "chrat", "2 | chrat: chart"]);
}

#[test]
fn a_template_error_shows_the_message_of_go_and_the_line() {
    let sample = Sample::new(&[("a.yaml", "a: 1\nb: {{ .Values.image.tag.name }}\n")], "image: {}\n");
    let run = Home::new().run(&["template", sample.path().to_str().unwrap()]).expect(1);
    says(
        &run,
        &[
            "nil pointer evaluating interface {}.name",
            "chart/templates/a.yaml:2:",
            "2 | b: {{ .Values.image.tag.name }}",
            "^",
        ],
    );
}

#[test]
fn a_required_value_that_is_missing() {
    let sample = Sample::new(&[("a.yaml", "a: {{ required \"set the tag\" .Values.tag }}\n")], "");
    let run = Home::new().run(&["template", sample.path().to_str().unwrap()]).expect(1);
    says(&run, &["set the tag", "chart/templates/a.yaml:1:"]);
}

#[test]
fn a_values_file_that_is_no_yaml() {
    let sample = Sample::new(&[], "");
    let values = sample.path().join("bad.yaml");
    fs::write(&values, "a: 1\nb: [1, 2\n").unwrap();
    let arguments = ["template", sample.path().to_str().unwrap(), "-f", values.to_str().unwrap()];
    let run = Home::new().run(&arguments).expect(2);
    says(&run, &["bad.yaml", "error: the values cannot be read"]);
}

#[test]
fn an_image_without_a_mapping() {
    let sample = Sample::deployment("unheard-of:1", "", "sleep 1000");
    // No time brings it, so that nobody has to wait for the deadline.
    let begun = std::time::Instant::now();
    let home = Home::new();
    let run = sample.up(&home, &["--timeout", "120s"]).expect(1);
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
    says(&run, &["local.images", "Deployment/web", "it will not be ready"]);
    says(&run, &["hint: add a program for it to bowline.yaml", "    unheard-of: { command: [\"./program\"] }"]);
    // With it added, the next one works, whatever the cluster still has of the first.
    let app = sample.path().join("bowline.yaml");
    fs::write(&app, fs::read_to_string(&app).unwrap() + "    unheard-of: { command: [sh] }\n").unwrap();
    sample.up(&home, &["--detach"]).expect(0);
}

#[test]
fn a_port_that_is_in_use() {
    let service = "apiVersion: v1\nkind: Service\nmetadata: { name: web }\nspec:\n  type: LoadBalancer\n  selector: { app: web }\n  ports: [{ port: 80 }]\n";
    let text = DEPLOYMENT.replace("IMAGE", "shell:1").replace("PROBE", "");
    let sample = Sample::new(&[("web.yaml", &text), ("service.yaml", service)], "script: sleep 1000\n");
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let run = sample.up(&Home::new(), &["--timeout", "6s", "--port", &format!("web={port}")]);
    assert!(matches!(run.code, Some(1 | 4)), "{run:?}");
    says(&run, &[&format!("127.0.0.1:{port}"), "in use", "--port web="]);
}

#[test]
fn a_postgresql_of_another_version() {
    let sample = Sample::deployment("shell:1", "", "sleep 1000");
    let app = sample.path().join("bowline.yaml");
    let text = fs::read_to_string(&app).unwrap() + "  stores:\n    db: { kind: postgres }\n";
    fs::write(&app, text).unwrap();
    let home = Home::new();
    let data = home.path().join("clusters/default/stores/sample/db/data");
    fs::create_dir_all(&data).unwrap();
    fs::write(data.join("PG_VERSION"), "8.4\n").unwrap();
    let run = sample.up(&home, &[]).expect(1);
    says(&run, &["start the data store 'db'", "8.4", "install PostgreSQL 8.4"]);
}

#[test]
fn a_postgresql_that_is_not_installed() {
    // The server's programs are hidden from this one run, in a mount namespace of its own.
    let hide = "mount -t tmpfs none /usr/lib/postgresql && exec \"$@\"";
    let can_hide = Path::new("/usr/lib/postgresql").exists()
        && std::process::Command::new("unshare")
            .args(["-rm", "sh", "-c", hide, "sh", "true"])
            .status()
            .is_ok_and(|status| status.success());
    if !can_hide {
        return bowline_peers::skip("needs PostgreSQL as Debian installs it, and a mount namespace to hide it in");
    }
    let home = Home::new();
    let up = home.command(&["up", "examples/todo-app"]);
    let mut hidden = std::process::Command::new("unshare");
    hidden.args(["-rm", "sh", "-c", hide, "sh"]).arg(up.get_program()).args(up.get_args());
    hidden.current_dir(up.get_current_dir().unwrap()).env("BOWLINE_HOME", home.path());
    let run = Run::of(&hidden.output().unwrap()).expect(2);
    says(&run, &["start the data store 'db'", "are not installed", "hint: sudo apt-get install postgresql"]);
}

#[test]
fn a_migration_that_fails() {
    let job = r#"
apiVersion: batch/v1
kind: Job
metadata:
  name: migrate
  annotations:
    helm.sh/hook: pre-install
    helm.sh/hook-delete-policy: before-hook-creation,hook-failed
spec:
  backoffLimit: 0
  template:
    spec:
      restartPolicy: Never
      containers:
        - name: migrate
          image: shell:1
          command: ["sh", "-c", "echo applying 0002; echo 'relation \"tasks\" already exists' >&2; exit 3"]
"#;
    let sample = Sample::new(&[("job.yaml", job)], "");
    let run = sample.up(&Home::new(), &["--timeout", "20s"]).expect(1);
    says(&run, &["Job/migrate", "pre-install", "exit code 3", "relation \"tasks\" already exists", "hint: "]);
}

#[test]
fn a_service_that_crashes_at_its_start() {
    // Without a probe a pod is ready as soon as it runs, and so is the release: so it is on every cluster.
    let probe = "readinessProbe: { exec: { command: ['true'] }, initialDelaySeconds: 1 }";
    let sample = Sample::deployment("shell:1", probe, "echo no configuration; exit 7");
    let run = sample.up(&Home::new(), &["--timeout", "6s"]);
    assert!(matches!(run.code, Some(1 | 4)), "{run:?}");
    says(&run, &["Deployment/web", "CrashLoopBackOff", "exit code 7", "no configuration"]);
    // While it is waited for too.
    says(&run, &["waiting for Deployment/web (0/1 ready): Pod/web-", "exit code 7: no configuration"]);
}

#[test]
fn a_probe_that_never_passes() {
    let probe = "readinessProbe: { exec: { command: [sh, -c, 'echo not yet; exit 1'] }, periodSeconds: 1 }";
    let sample = Sample::deployment("shell:1", probe, "sleep 1000");
    let run = sample.up(&Home::new(), &["--timeout", "6s"]).expect(4);
    says(&run, &["Deployment/web", "Readiness probe failed", "not yet"]);
}

#[test]
fn an_interrupted_wait_names_what_it_was_for() {
    let probe = "readinessProbe: { exec: { command: [sh, -c, 'echo not yet; exit 1'] }, periodSeconds: 1 }";
    let sample = Sample::deployment("shell:1", probe, "sleep 1000");
    let home = Home::new();
    let mut up = home.start(&["up", sample.path().to_str().unwrap()]);
    let mut told = String::new();
    let mut errors = std::io::BufReader::new(up.stderr.take().unwrap());
    while !told.contains("waiting for Deployment/web (0/1 ready): 0/1 pods ready") {
        assert!(errors.read_line(&mut told).unwrap() > 0, "{told}");
    }
    nix_kill(up.id(), "INT");
    errors.read_to_string(&mut told).unwrap();
    assert_eq!(up.wait().unwrap().code(), Some(130), "{told}");
    for part in ["revision 1 was interrupted", "Deployment/web", "not ready when it was interrupted", "Pod/web-"] {
        assert!(told.contains(part), "{part:?} is not in\n{told}");
    }
}

#[test]
fn an_uninstall_waits_for_pods_that_end_slowly() {
    let sample = Sample::deployment("shell:1", "", "trap '' TERM; while :; do sleep 0.2; done");
    let home = Home::new();
    home.run(&["up", sample.path().to_str().unwrap(), "--detach"]).expect(0);
    let run = home.run(&["uninstall", "sample"]).expect(0);
    says(&run, &["waiting for Pod/web-", "it is ending, and has 1s for that"]);
}

#[test]
fn a_second_deployment_at_the_same_time_is_told_who_holds_the_lock() {
    let job = r#"
apiVersion: batch/v1
kind: Job
metadata: { name: slow, annotations: { helm.sh/hook: pre-upgrade } }
spec:
  template:
    spec:
      restartPolicy: Never
      containers: [{ name: slow, image: "shell:1", command: [sh, -c, "sleep 4"] }]
"#;
    let text = DEPLOYMENT.replace("IMAGE", "shell:1").replace("PROBE", "");
    let sample = Sample::new(&[("web.yaml", &text), ("job.yaml", job)], "script: sleep 1000\n");
    let path = sample.path().to_str().unwrap().to_owned();
    let home = Home::new();
    home.run(&["up", &path, "--detach"]).expect(0);
    let mut first = home.command(&["deploy", &path]);
    let mut first = first.env("BOWLINE_IDENTITY", "ada@laptop").stderr(std::process::Stdio::null()).spawn().unwrap();
    std::thread::sleep(Duration::from_millis(1500));
    let second = home.run(&["deploy", &path]).expect(1);
    says(&second, &["ada@laptop"]);
    assert!(first.wait().unwrap().success());
    home.run(&["deploy", &path]).expect(0);
}

#[test]
fn what_is_not_up_says_how_to_start_it() {
    let home = Home::new();
    says(&home.run(&["cluster", "kubeconfig"]).expect(1), &["cluster default is not up", "hint: bowline up"]);
    home.run(&["down"]).expect(0);
    says(&home.run(&["bogus"]).expect(2), &["bogus"]);
}

#[test]
fn a_second_up_is_told_of_the_first() {
    let sample = Sample::deployment("shell:1", "", "sleep 1000");
    let path: PathBuf = sample.path().into();
    let home = Home::new();
    home.run(&["up", path.to_str().unwrap(), "--detach"]).expect(0);
    says(&home.run(&["up", path.to_str().unwrap()]).expect(1), &["is up already, as process", "hint: bowline down"]);
    says(&home.run(&["status", "smaple"]).expect(1), &["no release 'smaple'", "did you mean 'sample'"]);
}
