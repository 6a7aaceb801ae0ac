//! Charts made in memory or in a temporary directory: loading, and what becomes of values.
#![allow(clippy::unwrap_used)]

use bowline_chart::{Chart, Compat, Error, UserValues, ValueSources};
use bowline_yaml::{Value, emit};

fn chart(files: &[(&str, &str)]) -> Chart {
    load(files).unwrap()
}

fn load(files: &[(&str, &str)]) -> Result<Chart, Error> {
    Chart::from_files(files.iter().map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec())))
}

fn user(set: &[&str]) -> UserValues {
    let set = set.iter().map(|text| (*text).to_owned()).collect();
    UserValues::load(&ValueSources { set, ..ValueSources::default() }).unwrap()
}

fn values(chart: &Chart, set: &[&str]) -> String {
    emit(&Value::Map(chart.prepare(&user(set)).unwrap().values)).unwrap()
}

const UMBRELLA: &[(&str, &str)] = &[
    (
        "Chart.yaml",
        "apiVersion: v2\nname: app\nversion: 0.1.0\ndependencies:\n\
         - {name: db, version: '>=1', alias: store, condition: store.enabled}\n\
         - {name: web, version: 1.x, tags: [front], import-values: [data, {child: net, parent: imported.net}]}\n",
    ),
    ("values.yaml", "global:\n  region: eu\n  deep: {shared: {a: 1}}\nstore:\n  size: 5\nplain: {x: 1, y: null}\n"),
    ("charts/db/Chart.yaml", "apiVersion: v2\nname: db\nversion: 1.2.3\n"),
    ("charts/db/values.yaml", "size: 1\nenabled: true\nglobal:\n  deep: {shared: {b: 2}}\n  own: 1\n"),
    ("charts/web/Chart.yaml", "apiVersion: v2\nname: web\nversion: 1.0.0\n"),
    ("charts/web/values.yaml", "exports:\n  data: {port: 80}\nnet: {host: h}\nnothing: null\n"),
];

#[test]
fn values_of_an_umbrella_chart() {
    let text = values(&chart(UMBRELLA), &["store.size=7"]);
    insta::assert_snapshot!(text, @r"
    global:
      deep:
        shared:
          a: 1
          b: 2
      region: eu
    imported:
      net:
        host: h
    plain:
      x: 1
    port: 80
    store:
      enabled: true
      global:
        deep:
          shared:
            a: 1
            b: 2
        own: 1
        region: eu
      size: 7
    web:
      exports:
        data:
          port: 80
      global:
        deep:
          shared:
            a: 1
            b: 2
        region: eu
      net:
        host: h
    ");
}

#[test]
fn conditions_and_tags_switch_subcharts_off() {
    let names = |set: &[&str]| -> Vec<String> {
        let prepared = chart(UMBRELLA).prepare(&user(set)).unwrap();
        prepared.chart.dependencies.iter().map(|chart| chart.name().to_owned()).collect()
    };
    assert_eq!(names(&[]), ["store", "web"]);
    assert_eq!(names(&["store.enabled=false"]), ["web"]);
    assert_eq!(names(&["tags.front=false"]), ["store"]);
    assert_eq!(names(&["tags.front=false,store.enabled=false"]), Vec::<String>::new());
}

#[test]
fn a_null_deletes() {
    let chart = chart(UMBRELLA);
    assert!(!values(&chart, &["plain.x=null"]).contains("x: 1"));
    let global = chart.prepare(&user(&["global.region=null"])).unwrap().values["global"].clone();
    assert_eq!(global.get("region"), None);
}

#[test]
fn a_subchart_whose_values_are_no_table_is_an_error() {
    let error = chart(UMBRELLA).prepare(&user(&["web=1"])).unwrap_err();
    assert_eq!(error.to_string(), "chart dependencies processing failed: type mismatch on web: %!t(int64=1)");
}

#[test]
fn broken_charts_say_what_and_where() {
    let message = |files: &[(&str, &str)]| load(files).unwrap_err().to_string();
    assert_eq!(message(&[("values.yaml", "a: 1")]), "Chart.yaml file is missing");
    let fine = ("Chart.yaml", "apiVersion: v2\nname: a\nversion: 0.1.0\n");
    assert_eq!(
        message(&[fine, ("values.yaml", "a: b: c")]),
        "cannot load values.yaml: cannot unmarshal yaml document: error converting YAML to JSON: yaml: mapping values are \
         not allowed in this context"
    );
    assert_eq!(
        message(&[("Chart.yaml", "apiVersion: v2\nname: a\n")]),
        "validation: chart.metadata.version is required"
    );
    assert_eq!(
        message(&[("Chart.yaml", "apiVersion: v2\nname: [a]\nversion: 1.0.0\n")]),
        "cannot load Chart.yaml: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal array into Go struct \
         field Metadata.name of type string"
    );
}

#[test]
fn directories_are_loaded_with_their_ignore_rules() {
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = directory.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write("Chart.yaml", "apiVersion: v2\nname: a\nversion: 1\nappVersion: 1.10\n");
    write(".helmignore", "*.bak\n");
    write("templates/x.yaml", "a: 1\n");
    write("templates/x.yaml.bak", "a: 1\n");
    write("templates/.hidden", "a: 1\n");
    write("crds/c.yaml", "kind: CustomResourceDefinition\n");
    let chart = Chart::load(directory.path()).unwrap();
    let names: Vec<&str> = chart.templates.iter().chain(&chart.files).map(|file| &*file.name).collect();
    assert_eq!(names, ["templates/x.yaml", ".helmignore", "crds/c.yaml"]);
    assert_eq!((chart.metadata.version.as_str(), chart.metadata.app_version.as_str()), ("1", "1.1"));
    assert_eq!(chart.crds(chart.name())[0].source, "a/crds/c.yaml");

    write("values.yaml", "a: 1\nb\n");
    let error = Chart::load(directory.path()).unwrap_err();
    let place = error.place().unwrap();
    assert!(place.file.ends_with("/values.yaml") && place.line > 0, "{place}");
    let error = Chart::load(&directory.path().join("none")).unwrap_err();
    assert!(error.to_string().starts_with("path \"") && error.to_string().ends_with("/none\" not found"), "{error}");
}

#[test]
fn links_lead_anywhere_for_helm_and_into_the_repository_for_others() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path().canonicalize().unwrap();
    let write = |name: &str, text: &str| {
        std::fs::create_dir_all(root.join(name).parent().unwrap()).unwrap();
        std::fs::write(root.join(name), text).unwrap();
    };
    let link = |target: &str, name: &str| std::os::unix::fs::symlink(target, root.join(name)).unwrap();
    write("outside/secret.txt", "s3cret\n");
    write("repository/shared/helpers.tpl", "shared\n");
    write("repository/chart/Chart.yaml", "apiVersion: v2\nname: a\nversion: 1.0.0\n");
    write("repository/chart/own.txt", "own\n");
    let chart = root.join("repository/chart");
    let contained = || {
        Chart::load_contained(&chart, Compat::Helm4).map(|chart| chart.files.len()).map_err(|error| error.to_string())
    };
    link("own.txt", "repository/chart/inside.txt");
    assert_eq!(contained(), Ok(2), "a link within the chart");
    link("../shared", "repository/chart/shared");
    let refused = contained().unwrap_err();
    let wanted = "shared is a link to ROOT/repository/shared, which lies outside of ROOT/repository/chart";
    assert!(refused.replace(&*root.to_string_lossy(), "ROOT").ends_with(wanted), "{refused}");
    // In a repository, what is in the repository is one's own.
    std::fs::create_dir(root.join("repository/.git")).unwrap();
    assert_eq!(contained(), Ok(3));
    // A chart that is reached over a link is where it really is.
    link("repository/chart", "elsewhere");
    assert!(Chart::load_contained(&root.join("elsewhere"), Compat::Helm4).is_ok());
    link("../../outside/secret.txt", "repository/shared/secret.txt");
    assert!(contained().unwrap_err().contains("shared/secret.txt is a link to"));
    assert_eq!(Chart::load(&chart).unwrap().files.len(), 4, "Helm follows it");
    // What is ignored is not read, wherever it leads.
    write("repository/chart/.helmignore", "secret.txt\n");
    assert_eq!(contained(), Ok(4));
}
