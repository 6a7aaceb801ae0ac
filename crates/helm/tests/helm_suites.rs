//! Helm's own suites, run from its downloaded Go module: what its tests expect of the commands that Bowline carries out.
//! Nothing of it is copied: the tables of the Go tests are read when this runs.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::disallowed_methods)]

#[allow(dead_code, reason = "each test file uses a part of it")]
mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::rc::Rc;

use bowline_chart::{Compat, UserValues, ValueSources};
use bowline_gotemplate::{Text, Traced, Value};
use bowline_render::Nowhere;
use bowline_render::functions::{Host, program};
use bowline_yaml::Value as Yaml;
use support::go::{Go, Record, records};
use support::{Bench, COMPAT, IS_HELM3, words};

/// Commands whose tests are not run, and why.
const ELSEWHERE: [(&str, &str); 15] = [
    ("search hub", "its server is started by the Go program; sources.rs has one of its own"),
    ("get", "a command of releases"),
    ("history", "a command of releases"),
    ("install", "a command of releases"),
    ("list", "a command of releases"),
    ("rollback", "a command of releases"),
    ("status", "a command of releases"),
    ("test", "a command of releases"),
    ("uninstall", "a command of releases"),
    ("upgrade", "a command of releases"),
    ("plugin", "Bowline runs no plugins of Helm"),
    ("docs", "a hidden command that writes Helm's own documentation"),
    ("__complete", "completion is not carried out"),
    ("__completeNoDesc", "completion is not carried out"),
    ("completion", "completion is not carried out"),
];

/// Helm's module.
fn module() -> Option<PathBuf> {
    match IS_HELM3 {
        true => bowline_peers::go_module("helm.sh/helm/v3", "v3.22.0"),
        false => bowline_peers::go_module("helm.sh/helm/v4", "v4.3.1"),
    }
}

/// Where the commands and their tests are in it.
const COMMANDS: &str = if IS_HELM3 { "cmd/helm" } else { "pkg/cmd" };

/// A copy of the module's packages to run commands in: some of them write.
fn copy_of_module() -> Option<(tempfile::TempDir, PathBuf)> {
    let module = module()?;
    let folder = tempfile::tempdir().unwrap();
    copy(&module.join("pkg"), &folder.path().join("pkg"));
    if IS_HELM3 {
        copy(&module.join("cmd"), &folder.path().join("cmd"));
    }
    let root = folder.path().to_owned();
    Some((folder, root))
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            copy(&path, &target);
        } else {
            // Files of a module are read-only, and copied so; what was read and written is not.
            fs::write(&target, fs::read(&path).unwrap()).unwrap();
        }
    }
}

/// A file of Go, with the new name of the type that Helm 3 calls by its old one.
fn go_source(path: &Path) -> String {
    fs::read_to_string(path).unwrap().replace("interface{}", "any")
}

fn sources(folder: &Path) -> Vec<(String, String)> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let is_test = |path: &PathBuf| path.to_string_lossy().ends_with("_test.go");
    let read = |path: PathBuf| (path.file_name().unwrap().to_string_lossy().into_owned(), go_source(&path));
    files.into_iter().filter(is_test).map(read).collect()
}

/// Every line of the tables in `pkg/cmd` that has an expected output.
#[test]
fn outputs_are_what_helms_tests_expect() {
    let Some((_folder, root)) = copy_of_module() else { return };
    let cmd = root.join(COMMANDS);
    let (mut passed, mut failures) = (0, Vec::new());
    let mut left_out: BTreeMap<&str, usize> = BTreeMap::new();
    for (file, source) in sources(&cmd) {
        for record in records(&source, &["cmd"]) {
            let Some(line) = record.text("cmd") else {
                *left_out.entry("the line is worked out by Go code").or_default() += 1;
                continue;
            };
            let line_words = words(line);
            let completes = line_words.iter().any(|word| word.starts_with("__complete"));
            let plain = line_words.iter().find(|word| !word.starts_with('-')).map_or("", String::as_str);
            let verb = match plain {
                _ if completes => "__complete",
                "search" if line_words.get(1).is_some_and(|word| word == "hub") => "search hub",
                plain => plain,
            };
            if let Some((_, why)) = ELSEWHERE.iter().find(|(name, _)| *name == verb) {
                *left_out.entry(why).or_default() += 1;
                continue;
            }
            let expected = match record.fields.get("golden") {
                Some(Some(Go::Text(golden))) if !golden.is_empty() => {
                    // A table may name a file that the archive of the module does not hold.
                    match fs::read_to_string(cmd.join("testdata").join(golden)) {
                        Ok(text) => Some(text.replace("\r\n", "\n")),
                        Err(_) => {
                            *left_out.entry("the module holds no such expected output").or_default() += 1;
                            continue;
                        }
                    }
                }
                Some(None) => {
                    *left_out.entry("the expected output is worked out by Go code").or_default() += 1;
                    continue;
                }
                _ => None,
            };
            if file == "repo_add_test.go" || file == "pull_test.go" || file == "push_test.go" {
                *left_out.entry("the test runs a server of its own").or_default() += 1;
                continue;
            }
            match run(&cmd, &line_words, verb, expected.as_deref(), &record) {
                Ok(()) => passed += 1,
                Err(why) => failures.push(format!("{file}: helm {line}\n{why}")),
            }
        }
    }
    println!("{COMMANDS}: {passed} passed, {} failed; left out: {left_out:?}", failures.len());
    assert!(passed >= 50, "only {passed} lines were found");
    assert!(failures.is_empty(), "{} of {} differ:\n{}", failures.len(), passed + failures.len(), failures.join("\n"));
}

fn run(cmd: &Path, line: &[String], verb: &str, expected: Option<&str>, record: &Record) -> Result<(), String> {
    let mut arguments = line.to_vec();
    // A test build of Helm takes another version of Kubernetes for granted.
    if matches!(verb, "template" | "lint") && !line.iter().any(|word| word.starts_with("--kube-version")) {
        arguments.extend(["--kube-version".to_owned(), "v1.20.0".to_owned()]);
    }
    if verb == "search" {
        let home = "testdata/helmhome/helm";
        arguments.extend(["--repository-config".to_owned(), format!("{home}/repositories.yaml")]);
        arguments.extend(["--repository-cache".to_owned(), format!("{home}/repository")]);
    }
    let home = cmd.join("home");
    // One pipe for both, as the tests of Helm have it.
    let output = Command::new("sh")
        .args(["-c", "exec \"$0\" \"$@\" 2>&1", env!("CARGO_BIN_EXE_helm")])
        .args(&arguments)
        .current_dir(cmd)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", &home)
        .env(COMPAT.0, COMPAT.1)
        .output()
        .unwrap();
    let failed = !output.status.success();
    if failed != record.is_on("wantError") {
        return Err(format!("  failed: {failed}\n{}", String::from_utf8_lossy(&output.stdout)));
    }
    let Some(expected) = expected else { return Ok(()) };
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    // What Helm logs goes past the tests; and they know neither the version of Go nor the patch of Helm's.
    let text: String = text.split_inclusive('\n').filter(|line| !is_log(line)).collect();
    let text = if verb == "version" {
        text.replace("v4.3.1", "v4.3")
            .replace("v3.22.0", "v3.22")
            .replace("GoVersion:\"go1.26.8\"", "GoVersion:\"\"")
            .replace("v1.37", "v1.20")
    } else {
        text
    };
    if text == expected {
        return Ok(());
    }
    let same = text.lines().zip(expected.lines()).take_while(|(a, b)| a == b).count();
    let some = |text: &str| text.lines().skip(same).take(3).map(|line| format!("      {line}\n")).collect::<String>();
    Err(format!("  from line {}:\n    expected:\n{}    ours:\n{}", same + 1, some(expected), some(&text)))
}

/// What Helm logs: in Helm 3 with its place in Helm's source, and warnings past the tests too.
fn is_log(line: &str) -> bool {
    let place = line.split_once(": ").and_then(|(place, _)| place.split_once(".go:"));
    line.starts_with("level=")
        || IS_HELM3
            && (place.is_some_and(|(_, line)| line.parse::<u32>().is_ok())
                || line.starts_with("WARNING: This chart is deprecated"))
}

/// Charts that come out otherwise, and why.
const DIFFERENT: [(&str, &str); 3] = [
    ("rules/testdata/malformed-template", "begins with `{`: Helm reads it as JSON first, and tells JSON's error"),
    ("util/testdata/dotdotname", "a chart of the experimental format v3"),
    ("getter/testdata/empty-0.0.1.tgz", "an archive with nothing in it is told in other words"),
];

/// Every chart that lies in the module's test data: shown, linted and rendered by both.
#[test]
fn charts_of_helms_tests_come_out_alike() {
    let Some((_folder, root)) = copy_of_module() else { return };
    let Some(mut bench) = Bench::new() else { return };
    let mut charts = Vec::new();
    find_charts(&root, &mut charts);
    charts.sort();
    assert!(charts.len() > if IS_HELM3 { 80 } else { 100 }, "only {} charts were found", charts.len());
    // A half of them by default: the other half is nearly the same.
    let all = std::env::var_os("BOWLINE_CHARTS_ALL").is_some();
    // Helm 3's are the same charts: a third of them.
    let step = if IS_HELM3 && !all { 3 } else { 1 };
    for (at, chart) in charts.iter().enumerate().step_by(step) {
        let chart = chart.to_str().unwrap();
        if chart.contains(' ') || DIFFERENT.iter().any(|(path, _)| chart.ends_with(path)) {
            continue;
        }
        bench.compare(&format!("lint {chart}"));
        if all || at % 2 == 0 {
            bench.compare(&format!("show all {chart}"));
        }
        if all || at % 2 == 1 {
            bench.compare_if_constant(&["template", chart, "--include-crds"]);
        }
    }
    println!("charts of the module: {} charts, {} commands compared", charts.len(), bench.compared);
    bench.finish();
}

fn find_charts(folder: &Path, into: &mut Vec<PathBuf>) {
    for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            if path.join("Chart.yaml").exists() && path.to_string_lossy().contains("testdata") {
                into.push(path);
            } else {
                find_charts(&path, into);
            }
        } else if path.extension().is_some_and(|extension| extension == "tgz") {
            into.push(path);
        }
    }
}

fn value(go: &Go) -> Value {
    match go {
        Go::Text(text) => Value::text(text.as_str()),
        Go::Int(number) => Value::Int(*number),
        Go::Float(number) => Value::Float(*number),
        Go::Bool(on) => Value::Bool(*on),
        Go::Nil => Value::Nil,
        Go::Map(_, entries) => {
            let entry = |(key, value_of): &(Go, Go)| match key {
                Go::Text(key) => (Text::from(key.as_str()), value(value_of)),
                other => panic!("a key of {other:?}"),
            };
            Value::Map(entries.iter().map(entry).collect())
        }
        Go::List(_, items) => Value::list(items.iter().map(value).collect()),
    }
}

/// The tables of `pkg/engine` that execute one template on one value.
#[test]
fn functions_give_what_helms_tests_expect() {
    let Some(module) = module() else { return };
    let source = go_source(&module.join("pkg/engine/funcs_test.go"));
    let (mut passed, mut left_out, mut failures) = (0, 0, Vec::new());
    for record in records(&source, &["tpl"]) {
        let (Some(template), Some(expected)) = (record.text("tpl"), record.text("expect")) else {
            left_out += 1;
            continue;
        };
        let data = match record.fields.get("vars") {
            None => Value::Nil,
            // Other types than these print differently, and no chart has them.
            Some(Some(go)) if !matches!(go, Go::Map(name, _) if name != "map[string]any") => value(go),
            Some(_) => {
                left_out += 1;
                continue;
            }
        };
        let mut program = program(if IS_HELM3 { Compat::Helm3 } else { Compat::Helm4 });
        let parsed = program.parse("test", Text::from(template)).map_err(|error| error.to_string());
        let mut out = Traced::default();
        let mut session = program.session(Host::new(Rc::new(Nowhere)));
        let result = parsed.and_then(|()| session.execute("test", data, &mut out).map_err(|error| error.to_string()));
        let got = String::from_utf8_lossy(out.text()).into_owned();
        if result.is_ok() && got == expected {
            passed += 1;
        } else {
            failures
                .push(format!("{}: {template}\n  expected {expected:?}\n  got {got:?} {result:?}", record.function));
        }
    }
    println!("pkg/engine: {passed} passed, {} failed, {left_out} left out", failures.len());
    assert!(passed >= if IS_HELM3 { 20 } else { 45 }, "only {passed} cases were found");
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

fn yaml(go: &Go) -> Yaml {
    match go {
        Go::Text(text) => Yaml::String(text.clone()),
        Go::Int(number) => Yaml::Int(*number),
        Go::Float(number) => Yaml::Float(*number),
        Go::Bool(on) => Yaml::Bool(*on),
        Go::Nil => Yaml::Null,
        Go::Map(_, entries) => {
            let entry = |(key, value): &(Go, Go)| match key {
                Go::Text(key) => (key.clone(), yaml(value)),
                other => panic!("a key of {other:?}"),
            };
            Yaml::Map(entries.iter().map(entry).collect())
        }
        Go::List(_, items) => Yaml::Seq(items.iter().map(yaml).collect()),
    }
}

/// The tables of `pkg/strvals`: what the flags that set values make of a text.
#[test]
fn values_of_flags_are_what_helms_tests_expect() {
    let Some(module) = module() else { return };
    let (mut passed, mut left_out, mut failures) = (0, 0, Vec::new());
    for file in ["parser_test.go", "literal_parser_test.go"] {
        let source = go_source(&module.join("pkg/strvals").join(file));
        for record in records(&source, &["str", "expect"]) {
            let Some(text) = record.text("str") else {
                left_out += 1;
                continue;
            };
            let text = vec![text.to_owned()];
            let sources = match (record.function.as_str(), record.table.as_str()) {
                ("TestParseSet", "testsString") => ValueSources { string: text, ..ValueSources::default() },
                ("TestParseSet", _) => ValueSources { set: text, ..ValueSources::default() },
                ("TestParseLiteral", _) => ValueSources { literal: text, ..ValueSources::default() },
                _ => {
                    left_out += 1;
                    continue;
                }
            };
            let compat = if IS_HELM3 { Compat::Helm3 } else { Compat::Helm4 };
            let got = UserValues::load(&ValueSources { compat, ..sources.clone() });
            let matches = match (&got, record.is_on("err")) {
                (Err(_), true) => true,
                (Ok(got), false) => match record.fields.get("expect") {
                    Some(Some(expected)) => Yaml::Map(got.values().clone()) == yaml(expected),
                    _ => {
                        left_out += 1;
                        continue;
                    }
                },
                _ => false,
            };
            if matches {
                passed += 1;
            } else {
                failures.push(format!("{} {}: {sources:?}\n  got {got:?}", record.function, record.table));
            }
        }
    }
    println!("pkg/strvals: {passed} passed, {} failed, {left_out} left out", failures.len());
    assert!(passed >= 45, "only {passed} cases were found");
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
