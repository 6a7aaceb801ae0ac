//! Rendering, beside the real Helm.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use super::{Bench, Row, median, megabytes, milliseconds, time};

/// Helm does not take longer for the smaller charts than for starting.
const RUNS: usize = 60;

/// A chart to render with both.
struct Chart {
    measure: String,
    path: PathBuf,
    /// `--include-crds`
    crds: bool,
    /// How many times faster than Helm it is meant to be.
    factor: f64,
    /// Whether memory is compared too.
    memory: bool,
}

impl Bench {
    /// Time and peak memory of `bowline template` and `bowline helm template`, each beside `helm template`.
    pub(super) fn templates(&self) -> Result<Vec<Row>, String> {
        let helm = bowline_peers::find("helm");
        let mut rows = Vec::new();
        for chart in self.charts(helm.as_deref())? {
            rows.extend(self.beside_helm(&chart, helm.as_deref())?);
        }
        Ok(rows)
    }

    fn charts(&self, helm: Option<&Path>) -> Result<Vec<Chart>, String> {
        let mut charts = Vec::new();
        let small = |measure: &str, path, factor| Chart {
            measure: measure.to_owned(),
            path,
            crds: false,
            factor,
            memory: true,
        };
        if let Some(public) = bowline_peers::charts_in(&self.root.join("target/tmp")) {
            let path = public.join("prometheus-community+helm-charts/kube-prometheus-stack");
            charts.push(Chart { crds: true, ..small("kube-prometheus-stack with CRDs", path, 20.0) });
        }
        charts.push(small("a generated chart of 250 services", self.generated()?, 20.0));
        if let Some(helm) = helm {
            let mut create = Command::new(helm);
            create.args(["create", "starter"]).current_dir(&self.home).stdout(Stdio::null());
            time(create)?;
            charts.push(small("starter chart of `helm create`", self.home.join("starter"), 12.0));
        }
        let todo = self.root.join("examples/todo-app/chart");
        charts.push(Chart { memory: false, ..small("todo-app", todo, 10.0) });
        Ok(charts)
    }

    fn beside_helm(&self, chart: &Chart, helm: Option<&Path>) -> Result<Vec<Row>, String> {
        let crds: &[&str] = if chart.crds { &["--include-crds"] } else { &[] };
        let path = chart.path.to_string_lossy();
        let native = [&["template", &*path, "--name", "bench"], crds].concat();
        let theirs = [&["template", "bench", &*path], crds].concat();
        let drop_in = [&["helm"], theirs.as_slice()].concat();
        let helm_command = || {
            let mut command = Command::new(helm?);
            command.args(&theirs).current_dir(&self.root);
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            Some(command)
        };
        let (mut native_times, mut drop_in_times, mut their_times) = (Vec::new(), Vec::new(), Vec::new());
        for round in 0..RUNS {
            // What runs after Helm finds caches full of Helm: each of the three runs after each of the others as often.
            for turn in 0..3 {
                let turn = if round / 3 % 2 == 0 { turn } else { 3 - turn };
                let (arguments, times) = match (round + turn) % 3 {
                    0 => (&native, &mut native_times),
                    1 => (&drop_in, &mut drop_in_times),
                    _ => {
                        if let Some(command) = helm_command() {
                            their_times.push(time(command)?.0);
                        }
                        continue;
                    }
                };
                let (time, code) = self.time(arguments)?;
                if code != 0 {
                    return Err(format!("bowline {} ended with {code}", arguments.join(" ")));
                }
                times.push(time);
            }
        }
        let output = self.command(&native).output().map_err(|e| format!("run bowline template: {e}"))?;
        let size = output.stdout.len() / 1000;
        let their_time = (!their_times.is_empty()).then(|| median(&mut their_times));
        let mut rows = Vec::new();
        for (of, times) in [("template", &mut native_times), ("helm template", &mut drop_in_times)] {
            rows.push(Self::speed(
                chart,
                &format!("`{of}`: {}, {size} KB of text", chart.measure),
                median(times),
                their_time,
            ));
        }
        if chart.memory {
            let ours = peak_memory(&self.command(&native))?;
            let theirs = helm_command().map(|command| peak_memory(&command)).transpose()?;
            rows.push(Row {
                measure: format!("peak memory of that: {}", chart.measure),
                wanted: "≤ ¼ of helm".to_owned(),
                bowline: megabytes(ours),
                peer: theirs.map_or_else(String::new, |theirs| format!("helm {}", megabytes(theirs))),
                met: theirs.is_some_and(|theirs| ours * 4 <= theirs),
            });
        }
        Ok(rows)
    }

    fn speed(chart: &Chart, measure: &str, ours: Duration, theirs: Option<Duration>) -> Row {
        let factor = theirs.map(|theirs| theirs.as_secs_f64() / ours.as_secs_f64());
        Row {
            measure: measure.to_owned(),
            wanted: format!("≥ {} × helm", chart.factor),
            bowline: milliseconds(ours),
            peer: theirs.map_or_else(String::new, |theirs| {
                format!("helm {} ({:.1} ×)", milliseconds(theirs), factor.unwrap_or_default())
            }),
            met: factor.is_some_and(|factor| factor >= chart.factor),
        }
    }

    /// What a library user gets: a second rendering with other values, and very many calls.
    pub(super) fn library(&self) -> Result<Vec<Row>, String> {
        let program = self.root.join("target/release/examples/rendering");
        if !program.exists() {
            return Err("target/release/examples/rendering is missing: run `make bench`, which builds it".to_owned());
        }
        let ask = |arguments: &[&str]| -> Result<Vec<Duration>, String> {
            let output =
                Command::new(&program).args(arguments).output().map_err(|e| format!("run {program:?}: {e}"))?;
            let text = String::from_utf8_lossy(&output.stdout);
            let numbers: Vec<Duration> =
                text.split_whitespace().filter_map(|word| word.parse().ok()).map(Duration::from_nanos).collect();
            if output.status.success() {
                Ok(numbers)
            } else {
                Err(String::from_utf8_lossy(&output.stderr).into_owned())
            }
        };
        let mut rows = Vec::new();
        let mut charts = vec![("the generated chart", self.generated()?)];
        if let Some(public) = bowline_peers::charts_in(&self.root.join("target/tmp")) {
            charts
                .push(("kube-prometheus-stack", public.join("prometheus-community+helm-charts/kube-prometheus-stack")));
        }
        for (name, path) in charts {
            if let [first, second] = ask(&["again", &path.to_string_lossy()])?.as_slice() {
                let factor = first.as_secs_f64() / second.as_secs_f64();
                rows.push(Row {
                    measure: format!("second rendering of {name}, with other values"),
                    wanted: "≥ 3 × the first".to_owned(),
                    bowline: milliseconds(*second),
                    peer: format!("the first {} ({factor:.1} ×)", milliseconds(*first)),
                    met: factor >= 3.0,
                });
            }
        }
        for function in ["include", "tpl"] {
            if let [fewer, more] = ask(&["calls", function])?.as_slice() {
                let growth = more.as_secs_f64() / fewer.as_secs_f64();
                rows.push(Row {
                    measure: format!("100,000 calls of `{function}`"),
                    wanted: "≈ 10 × of 10,000".to_owned(),
                    bowline: milliseconds(*more),
                    peer: format!("10,000: {} ({growth:.1} ×)", milliseconds(*fewer)),
                    // Twice that would be no noise any more.
                    met: growth < 20.0,
                });
            }
        }
        Ok(rows)
    }

    /// A chart of our own that gives more than 500 KB of text.
    fn generated(&self) -> Result<PathBuf, String> {
        let folder = self.home.join("generated");
        let write = |name: &str, text: &str| {
            let path = folder.join(name);
            fs::create_dir_all(path.parent().unwrap_or(&folder)).and_then(|()| fs::write(&path, text))
        };
        let mut values = String::from("image: {registry: registry.example.com, tag: v1.2.3}\nservices:\n");
        for number in 0..250 {
            values.push_str(&format!(
                "  - name: service-{number}\n    port: {}\n    replicas: {}\n    resources:\n      limits: {{cpu: 500m, \
                 memory: 256Mi}}\n      requests: {{cpu: 50m, memory: 64Mi}}\n    settings:\n      LOG_LEVEL: info\n      \
                 DATABASE: postgres://db/service-{number}\n      FEATURES: 'a,b,c'\n",
                8000 + number,
                1 + number % 3
            ));
        }
        let written = write("Chart.yaml", "apiVersion: v2\nname: generated\nversion: 1.0.0\nappVersion: '1.2.3'\n")
            .and_then(|()| write("values.yaml", &values))
            .and_then(|()| write("templates/_labels.tpl", LABELS))
            .and_then(|()| write("templates/services.yaml", SERVICES));
        written.map(|()| folder.clone()).map_err(|e| format!("write {}: {e}", folder.display()))
    }
}

const LABELS: &str = r#"{{- define "generated.labels" -}}
app.kubernetes.io/name: {{ .service.name }}
app.kubernetes.io/instance: {{ .top.Release.Name }}
app.kubernetes.io/version: {{ .top.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .top.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .top.Chart.Name .top.Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- end }}
"#;

const SERVICES: &str = r#"{{- range .Values.services }}
{{- $labels := include "generated.labels" (dict "service" . "top" $) }}
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ $.Release.Name }}-{{ .name }}
  labels:
    {{- $labels | nindent 4 }}
spec:
  replicas: {{ .replicas | default 1 }}
  selector:
    matchLabels:
      app.kubernetes.io/name: {{ .name }}
  template:
    metadata:
      labels:
        {{- $labels | nindent 8 }}
      annotations:
        checksum/config: {{ toYaml .settings | sha256sum }}
    spec:
      containers:
        - name: {{ .name }}
          image: "{{ $.Values.image.registry }}/{{ .name }}:{{ $.Values.image.tag }}"
          ports:
            - name: http
              containerPort: {{ .port }}
          envFrom:
            - configMapRef:
                name: {{ $.Release.Name }}-{{ .name }}
          {{- with .resources }}
          resources:
            {{- toYaml . | nindent 12 }}
          {{- end }}
          readinessProbe:
            httpGet: {path: /healthz, port: http}
---
apiVersion: v1
kind: Service
metadata:
  name: {{ $.Release.Name }}-{{ .name }}
  labels:
    {{- $labels | nindent 4 }}
spec:
  selector:
    app.kubernetes.io/name: {{ .name }}
  ports:
    - {name: http, port: 80, targetPort: http}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ $.Release.Name }}-{{ .name }}
  labels:
    {{- $labels | nindent 4 }}
data:
  {{- range $key, $value := .settings }}
  {{ $key }}: {{ tpl $value $ | quote }}
  {{- end }}
{{- end }}
"#;

/// The most memory that a command had, in kilobytes. A process of its own runs it: the system keeps one peak for all
/// children of a process.
fn peak_memory(command: &Command) -> Result<u64, String> {
    let this = std::env::current_exe().map_err(|e| format!("find this program: {e}"))?;
    let mut outer = Command::new(this);
    outer.arg("peak-memory").arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => outer.env(name, value),
            None => outer.env_remove(name),
        };
    }
    if let Some(folder) = command.get_current_dir() {
        outer.current_dir(folder);
    }
    let output = outer.output().map_err(|e| format!("run {outer:?}: {e}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    text.trim().parse().map_err(|_| format!("{outer:?} printed no number: {text}"))
}

/// Runs a command and prints the most memory that it had, in kilobytes.
pub(crate) fn print_peak_memory(command: &[String]) -> Result<(), String> {
    let (program, arguments) = command.split_first().ok_or("no command")?;
    let mut child = Command::new(program);
    child.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let status = child.status().map_err(|e| format!("run {child:?}: {e}"))?;
    if !status.success() {
        return Err(format!("{child:?} ended with {status}"));
    }
    let usage = nix::sys::resource::getrusage(nix::sys::resource::UsageWho::RUSAGE_CHILDREN);
    println!("{}", usage.map_err(|e| format!("ask for the use of memory: {e}"))?.max_rss());
    Ok(())
}
