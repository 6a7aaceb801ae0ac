//! Which values templates read, found without rendering.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use bowline_chart::{Chart, UserValues, ValueSources};
use bowline_manifest::TemplateOutput;
use bowline_render::{Environment, Nowhere, Options, Reads, Templates};
use bowline_yaml::{Map, Value};

const CHART_YAML: &str = "apiVersion: v2\nname: app\nversion: 1.0.0\n";

fn chart(files: &[(&str, &str)]) -> Chart {
    Chart::from_files(files.iter().map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec()))).unwrap()
}

/// The keys of `set` that no template of a chart reads.
fn unread(files: &[(&str, &str)], set: &str) -> Vec<String> {
    let chart = chart(files);
    let sources = ValueSources { set: vec![set.to_owned()], ..ValueSources::default() };
    let user = UserValues::load(&sources).unwrap();
    let prepared = chart.prepare(&user).unwrap();
    let reads = Reads::of(&prepared, &chart);
    reads.unread(user.values()).into_iter().map(|path| path.join(".")).collect()
}

fn in_template(text: &str, set: &str) -> Vec<String> {
    unread(&[("Chart.yaml", CHART_YAML), ("templates/a.yaml", text)], set)
}

#[test]
fn values_are_followed_to_where_they_are_read() {
    let none: [&str; 0] = [];
    assert_eq!(in_template("{{ .Values.a.b }}", "a.b=1,a.c=2,d=3"), ["a.c", "d"]);
    assert_eq!(in_template("{{ with .Values.a }}{{ .b }}{{ $.Values.d }}{{ end }}", "a.b=1,a.c=2,d=3"), ["a.c"]);
    assert_eq!(in_template("{{ range $k, $v := .Values.a }}{{ $v.x }}{{ end }}", "a.b.x=1,a.b.y=2"), ["a.b.y"]);
    assert_eq!(in_template("{{ range .Values.a }}{{ .x }}{{ end }}", "a[0].x=1"), none);
    assert_eq!(in_template("{{ $v := .Values.a }}{{ $v.b }}", "a.b=1,a.c=2"), ["a.c"]);
    assert_eq!(in_template("{{ toYaml .Values.a }}", "a.b=1,a.c.d=2"), none);
    assert_eq!(in_template("{{ if .Values.a }}x{{ end }}", "a.b=1"), ["a.b"]);
    assert_eq!(in_template("{{ index .Values \"a\" \"b-c\" }}", "a.b-c=1,a.x=2"), ["a.x"]);
    assert_eq!(in_template("{{ index .Values.a .Release.Name }}", "a.b=1"), none);
    assert_eq!(in_template("{{ dig \"a\" \"b\" 1 .Values.AsMap }}", "a.b=1"), none);
    assert_eq!(in_template("{{ (.Values.a | default dict).b }}", "a.b=1,a.c=2"), ["a.c"]);
    assert_eq!(in_template("{{ .Values | toYaml }}", "a.b=1,a.c=2"), none);
    assert_eq!(in_template("{{/* .Values.a */}}", "a=1"), ["a"]);
    assert_eq!(in_template("{{ if false }}{{ .Values.a }}{{ end }}", "a=1"), none);
    assert_eq!(
        in_template("{{ $x := dict }}{{ if .Values.on }}{{ $x = .Values.a }}{{ end }}{{ $x.b }}", "a.b=1"),
        none
    );
    assert_eq!(in_template("{{ range $x := .Values.l }}{{ $_ := set $.Values \"z\" $x }}{{ end }}", "l={a}"), none);
}

#[test]
fn values_are_followed_through_templates_and_texts() {
    let none: [&str; 0] = [];
    let helpers = "{{ define \"x\" }}{{ .v.b }}{{ .root.Values.c }}{{ end }}\
                   {{ define \"dot\" }}{{ .Values.a.b }}{{ end }}";
    let with_helpers = |text: &str, set: &str| {
        unread(&[("Chart.yaml", CHART_YAML), ("templates/_h.tpl", helpers), ("templates/a.yaml", text)], set)
    };
    let call = "{{ include \"x\" (dict \"v\" .Values.a \"root\" $) }}";
    assert_eq!(with_helpers(call, "a.b=1,a.c=2,c=3,d=4"), ["a.c", "d"]);
    assert_eq!(with_helpers("{{ template \"dot\" . }}", "a.b=1,a.c=2"), ["a.c"]);
    assert_eq!(with_helpers("{{ include (printf \"%s\" \"dot\") . }}", "a.b=1,a.c=2"), ["a.c"]);
    assert_eq!(with_helpers("{{ include .Release.Name . }}", "a.b=1"), none);
    let text = ("values.yaml", "text: '{{ .Values.a.b }}'\n");
    let files = [("Chart.yaml", CHART_YAML), text, ("templates/a.yaml", "{{ tpl .Values.text . }}")];
    assert_eq!(unread(&files, "a.b=1,a.c=2"), ["a.c"]);
    let by_path = "{{ include (print $.Template.BasePath \"/b.yaml\") . | sha256sum }}";
    let files = [("Chart.yaml", CHART_YAML), ("templates/a.yaml", by_path), ("templates/b.yaml", "{{ .Values.b }}")];
    assert_eq!(unread(&files, "b=1,c=2"), ["c"]);
}

#[test]
fn values_of_subcharts_globals_and_conditions_are_read_where_they_are() {
    let parent = "apiVersion: v2\nname: app\nversion: 1.0.0\ndependencies:\n\
                  - {name: db, version: 1.0.0, condition: db.enabled, tags: [back]}\n\
                  - {name: idle, version: 1.0.0, condition: idle.enabled}\n";
    let files = [
        ("Chart.yaml", parent),
        ("values.yaml", "idle: {enabled: false}\n"),
        ("charts/db/Chart.yaml", "apiVersion: v2\nname: db\nversion: 1.0.0\n"),
        ("charts/db/templates/a.yaml", "{{ .Values.port }}{{ .Values.global.zone }}"),
        ("charts/idle/Chart.yaml", "apiVersion: v2\nname: idle\nversion: 1.0.0\n"),
        ("templates/a.yaml", "{{ .Subcharts.db.Values.size }}"),
    ];
    let set = "db.enabled=true,tags.back=true,db.port=1,db.size=2,db.typo=3,global.zone=a,global.none=b,idle.x=1";
    assert_eq!(unread(&files, set), ["db.typo", "global.none"]);
}

/// Every value that is said to be unread is given another one: the output stays what it was.
#[test]
fn what_public_charts_are_said_not_to_read_changes_nothing() {
    let Some(folder) = bowline_peers::charts_in(Path::new(env!("CARGO_TARGET_TMPDIR"))) else { return };
    let all = std::env::var_os("BOWLINE_CHARTS_ALL").is_some();
    let nowhere: Rc<dyn Environment> = Rc::new(Nowhere);
    let mut charts: Vec<PathBuf> = Vec::new();
    find_charts(&folder, 4, &mut charts);
    charts.sort();
    let (mut tried, mut wrong) = (0, BTreeMap::new());
    for path in charts {
        let Ok(chart) = Chart::load(&path) else { continue };
        let defaults = UserValues::default();
        let Ok(prepared) = chart.prepare(&defaults) else { continue };
        let reads = Reads::of(&prepared, &chart);
        let unread = reads.unread(&chart.values);
        let templates = Templates::new(chart);
        let options = Options { skip_schema_validation: true, ..Options::default() };
        let text = |values: &UserValues| {
            let rendered = templates.template(values, &options, &nowhere, TemplateOutput::default());
            rendered.map(|rendered| rendered.text()).map_err(|error| error.to_string())
        };
        let before = text(&defaults);
        for keys in unread.iter().take(if all { usize::MAX } else { 3 }) {
            let mut values = UserValues::default();
            let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
            values.set(&keys, Value::Map(Map::from([("another".to_owned(), Value::from("value"))])));
            tried += 1;
            if text(&values) != before {
                wrong.insert(format!("{} {}", path.display(), keys.join(".")), ());
            }
        }
    }
    assert!(tried > 0, "no chart has a value that it does not read");
    assert!(wrong.is_empty(), "{} of {tried}: {:#?}", wrong.len(), wrong.keys().collect::<Vec<_>>());
}

fn find_charts(folder: &Path, depth: usize, into: &mut Vec<PathBuf>) {
    if folder.join("Chart.yaml").exists() {
        into.push(folder.to_owned());
        return;
    }
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    for entry in entries.filter(|entry| depth > 0 && entry.is_dir()) {
        find_charts(&entry, depth - 1, into);
    }
}
