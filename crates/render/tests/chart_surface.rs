//! Everything a chart may be made of, right and wrong: directories and archives judged by the real Helm and by us.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use support::{Case, Said, difference};

/// A file of a chart, and what is in it.
type Files<'t> = &'t [(&'t str, &'t str)];

const CHART: &str = "apiVersion: v2\nname: app\nversion: 0.1.0\n";
const SUB: &str = "apiVersion: v2\nname: sub\nversion: 1.2.3\n";
const SHOWS: &str = "kind: Shown\nvalues: {{ .Values | toJson }}\nchart: {{ .Chart.Name }} {{ .Chart.Version }} {{ .Chart.Type }} \
                     {{ .Chart.Dependencies | toJson }}\nfiles: {{ range $name, $_ := .Files }}{{ $name }} {{ end }}\n\
                     subcharts: {{ keys .Subcharts | sortAlpha | join \" \" }}\n";

fn write(folder: &Path, files: Files<'_>) {
    for (name, text) in files {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

/// Paths of this run are named alike.
fn said(said: Said, folder: &Path) -> Said {
    let plain = |text: String| text.replace(&*folder.to_string_lossy(), "DIR");
    said.map(plain).map_err(plain)
}

/// Compares a chart on its own, and packed; `sets` are `--set` texts to try.
fn compare(helm: &Path, what: &str, files: Files<'_>, sets: &[&str], different: &mut Vec<String>) {
    let directory = tempfile::tempdir().unwrap();
    let chart = directory.path().join("app");
    write(&chart, files);
    let archive = directory.path().join("app.tgz");
    let packed =
        Command::new("tar").arg("czf").arg(&archive).arg("-C").arg(directory.path()).arg("app").status().unwrap();
    assert!(packed.success());
    // Each chart meets some of the values, and all of them where everything is asked for.
    let all = std::env::var_os("BOWLINE_CHARTS_ALL").is_some();
    let first = files.iter().map(|(name, text)| name.len() + text.len()).sum::<usize>() % 5;
    let some: Vec<&str> =
        sets.iter().copied().skip(if all { 0 } else { first }).step_by(if all { 1 } else { 5 }).collect();
    // Helm 3 reads archives as folders are read; what is special about them has a test of its own.
    let packed: &[&PathBuf] = if support::IS_HELM3 && !all { &[] } else { &[&archive] };
    for (path, sets) in [(&chart, some.as_slice())].into_iter().chain(packed.iter().map(|path| (*path, &[][..]))) {
        for set in std::iter::once(&"").chain(sets) {
            let case = if set.is_empty() { Case::new(path) } else { Case::new(path).set(set) };
            check(helm, &format!("{what} {set} {}", path.extension().is_some()), &case, directory.path(), different);
        }
    }
}

fn check(helm: &Path, what: &str, case: &Case, folder: &Path, different: &mut Vec<String>) {
    let (theirs, ours) = (said(case.helm(helm), folder), said(case.ours(), folder));
    if theirs != ours {
        different.push(format!("{what}: {}", difference(&theirs, &ours)));
    }
}

fn finish(different: &[String]) {
    assert!(different.is_empty(), "{} differ\n{}", different.len(), different.join("\n"));
}

#[test]
fn metadata_right_and_wrong() {
    let Some(helm) = support::helm() else { return };
    let mut different = Vec::new();
    for chart in [
        CHART,
        "",
        "null\n",
        "5\n",
        "- a\n",
        "a: b: c\n",
        "name: app\nversion: 0.1.0\n",
        "apiVersion: v1\nname: app\nversion: 0.1.0\n",
        "apiVersion: v3\nname: app\nversion: 0.1.0\n",
        "apiVersion: v9\nname: app\nversion: 0.1.0\n",
        "apiVersion: 5\nname: app\nversion: 0.1.0\n",
        "apiVersion: [v2]\nname: app\nversion: 0.1.0\n",
        "apiVersion: v2\nversion: 0.1.0\n",
        "apiVersion: v2\nname: app\n",
        "apiVersion: v2\nname: a/b\nversion: 0.1.0\n",
        "apiVersion: v2\nname: ..\nversion: 0.1.0\n",
        "apiVersion: v2\nname: .\nversion: 0.1.0\n",
        "apiVersion: v2\nname: 'A b é'\nversion: 0.1.0\n",
        "apiVersion: v2\nname: \"a\\tb\\u0007\"\nversion: 0.1.0\n",
        "apiVersion: v2\nname: app\nversion: x\n",
        "apiVersion: v2\nname: app\nversion: 1\n",
        "apiVersion: v2\nname: app\nversion: 1.2\n",
        "apiVersion: v2\nname: app\nversion: '1.2'\n",
        "apiVersion: v2\nname: app\nversion: v1.2.3\n",
        "apiVersion: v2\nname: app\nversion: 1.2.3-01\n",
        "apiVersion: v2\nname: app\nversion: 1.2.3+a_b\n",
        "apiVersion: v2\nname: app\nversion: ' 1.2.3'\n",
        "apiVersion: v2\nname: app\nversion: 0.1.0\ntype: library\n",
        "apiVersion: v2\nname: app\nversion: 0.1.0\ntype: Library\n",
        "apiVersion: v2\nname: app\nversion: 0.1.0\ntype: application\n",
        "apiVersion: v2\nname: app\nversion: 0.1.0\ntype: other\n",
        "apiVersion: v1\nname: app\nversion: 0.1.0\ntype: library\n",
        "apiVersion: v2\nname: app\nversion: 0.1.0\nkubeVersion: '>=1.20.0-0'\n",
        "apiVersion: v2\nname: app\nversion: 0.1.0\nkubeVersion: '<1.20'\n",
        "apiVersion: v2\nname: app\nversion: 0.1.0\nkubeVersion: 'x y z'\n",
        "apiVersion: v2\nname: app\nversion: 0.1.0\nkubeVersion: 1.20\n",
        "apiVersion: v2\nname: app\nversion: 0.1.0\ndeprecated: true\nicon: 5\n",
        "apiVersion: v2\nname: app\nversion: 0.1.0\ndeprecated: 'yes'\n",
        "apiVersion: v2\nname: app\nversion: 0.1.0\nkeywords: a\n",
        "apiVersion: v2\nname: app\nversion: 0.1.0\nkeywords: [a, 5, null]\nsources: [x]\n",
        "apiVersion: v2\nname: app\nversion: 0.1.0\nmaintainers: [{name: a}, {email: b}]\n",
        "apiVersion: v2\nname: app\nversion: 0.1.0\nmaintainers: [null]\n",
        "apiVersion: v2\nname: app\nversion: 0.1.0\nmaintainers: a\n",
        "apiVersion: v2\nname: app\nversion: 0.1.0\nannotations: {a: b, c: 5}\n",
        "apiVersion: v2\nname: app\nversion: 0.1.0\nannotations: {a: b}\nhome: h\ndescription: \"d\\ne\"\nunknown: 1\n",
        "apiVersion: v2\nNAME: app\nVersion: 0.1.0\n",
        "apiVersion: v2\nname: app\nname: other\nversion: 0.1.0\n",
        "apiVersion: v2\nname: app\nversion: 0.1.0\nappVersion: 1.10\n",
        "apiVersion: v2\nname: app\nversion: 0.1.0\nappVersion: '1.10'\n",
        "apiVersion: v2\nname: app\nversion: 0.1.0\n---\nname: other\n",
        "\u{feff}apiVersion: v2\nname: app\nversion: 0.1.0\n",
        "apiVersion: v2\nname: app\nversion: 0.1.0\ntags: x\ncondition: y\n",
        "apiVersion: v2\nname: app\nversion: 0.1.0\ndependencies:\n",
        "apiVersion: v2\nname: app\nversion: 0.1.0\ndependencies: {}\n",
        "apiVersion: v2\nname: app\nversion: 0.1.0\ndependencies: [null]\n",
        "apiVersion: v2\nname: app\nversion: 0.1.0\ndependencies: [{}]\n",
        "apiVersion: v2\nname: app\nversion: 0.1.0\ndependencies: [a]\n",
        "apiVersion: v2\nname: app\nversion: 0.1.0\ndependencies: [{name: a}, {name: a}]\n",
        "apiVersion: v2\nname: app\nversion: 0.1.0\ndependencies: [{name: a}, {name: b, alias: a}]\n",
        "apiVersion: v2\nname: app\nversion: 0.1.0\ndependencies: [{name: a, alias: 'x y'}]\n",
        "apiVersion: v2\nname: app\nversion: 0.1.0\ndependencies: [{name: a, alias: a.b}]\n",
        "apiVersion: v2\nname: app\nversion: 0.1.0\ndependencies: [{name: a, version: 1}]\n",
        "apiVersion: v2\nname: app\nversion: 0.1.0\ndependencies: [{name: a, tags: x}]\n",
        "apiVersion: v2\nname: app\nversion: 0.1.0\ndependencies: [{name: a, enabled: x}]\n",
        "apiVersion: v2\nname: app\nversion: 0.1.0\ndependencies: [{name: a, version: 1.x}, {name: b}, {name: c}]\n",
    ] {
        compare(&helm, chart, &[("Chart.yaml", chart), ("templates/a.yaml", SHOWS)], &[], &mut different);
    }
    compare(&helm, "none", &[("templates/a.yaml", SHOWS)], &[], &mut different);
    compare(&helm, "only", &[("Chart.yaml", CHART)], &[], &mut different);
    finish(&different);
}

#[test]
fn values_and_their_documents() {
    let Some(helm) = support::helm() else { return };
    let mut different = Vec::new();
    for values in [
        "",
        "null\n",
        "5\n",
        "[]\n",
        "a: 1\n---\nb: 2\n---\na: null\n",
        "---\na: 1\n",
        "---\n---\na: 1\n",
        "a: 1\n--- # comment\nb: 2\n",
        "a: 1\n--- b\nc: 2\n",
        "a: 1\n---x\nc: 2\n",
        "a: 1\n...\nb: 2\n",
        "a: {x: {y: 1}}\n---\na: {x: {z: 2}}\n",
        "a: 1\n---\n[]\n",
        "a: &x {b: 1}\nc: *x\nd: {<<: *x, e: 2}\n",
        "a: 1\n b: 2\n",
        "\ta: 1\n",
        "a: !!str 5\nb: !!int '7'\nc: !custom x\n",
        "a: 0777\nb: 0o17\nc: 0x1F\nd: 1_000\ne: .5\nf: 1e3\ng: 12345678901234567890\nh: 2020-01-01\n",
        "yes: 1\non: 2\n5: x\n1.5: y\nnull: z\n",
        "? [a]\n: b\n",
        "\u{feff}a: 1\n",
        "a: 'é'\r\nb: 2\r\n",
        "a: \"\\x41\"\nb: |\n  x\n  y\nc: >-\n  p\n  q\n",
        "%YAML 1.1\n---\na: 1\n",
        "a: 1",
        "a: 1\n---",
        "# only a comment\n",
        "a: [1, {b: null}]\nn: null\nm: {n: null, k: 1}\n",
    ] {
        let files = [("Chart.yaml", CHART), ("values.yaml", values), ("templates/a.yaml", SHOWS)];
        compare(&helm, values, &files, &["a=null", "m.k=null,z=1"], &mut different);
    }
    finish(&different);
}

#[test]
fn dependencies_of_all_kinds() {
    let Some(helm) = support::helm() else { return };
    let mut different = Vec::new();
    let depends = |text: &str| format!("{CHART}dependencies:\n{text}");
    let sub: Files<'_> = &[
        ("charts/sub/Chart.yaml", SUB),
        (
            "charts/sub/values.yaml",
            "on: 1\nglobal: {own: 1}\nexports: {data: {e: 5}, list: [1]}\nx: {y: {z: 1}}\nn: null\n",
        ),
        ("charts/sub/templates/s.yaml", SHOWS),
    ];
    let sets: &[&str] = &[
        "sub.enabled=false",
        "sub.enabled=null,sub.x=null",
        "tags.t=false",
        "tags.t=false,sub.enabled=true",
        "other.on=1,first.on=2",
        "sub=5",
        "sub.x.y=5",
        "sub.x.y=null,sub.on=null",
        "global.g=1,sub.global.h=2",
        "global=5",
        "sub.global=5",
        "tags=5",
        "sub.enabled=text",
        "x.y=null,e=null",
    ];
    for text in [
        "- {name: sub, version: 1.2.3}\n",
        "- {name: sub, version: '>=1', condition: sub.enabled}\n",
        "- {name: sub, version: '*', condition: 'none.such, sub.enabled'}\n",
        "- {name: sub, version: '*', condition: 'none.such,sub.enabled', tags: [t]}\n",
        "- {name: sub, version: '^1', tags: [t, u]}\n",
        "- {name: sub, version: '~1.2', alias: other}\n",
        "- {name: sub, version: '1.x', alias: first, condition: first.on}\n- {name: sub, version: 1.2.3, alias: second}\n",
        "- {name: sub, version: 1.2.3}\n- {name: sub, version: 1.2.3, alias: second}\n",
        "- {name: sub, version: 2.0.0}\n",
        "- {name: sub, version: 'not a version'}\n",
        "- {name: sub}\n",
        "- {name: missing, version: 1.0.0}\n- {name: sub, version: 1.2.3}\n- {name: gone, version: 1.0.0}\n",
        "- {name: missing, version: 1.0.0, condition: missing.enabled}\n",
        "- {name: sub, version: 1.2.3, import-values: [data]}\n",
        "- {name: sub, version: 1.2.3, import-values: [data, none, list]}\n",
        "- {name: sub, version: 1.2.3, import-values: [{child: x, parent: mine}]}\n",
        "- {name: sub, version: 1.2.3, import-values: [{child: x.y, parent: .}, {child: none, parent: a}]}\n",
        "- {name: sub, version: 1.2.3, import-values: [{child: x}, 5, null, [a]]}\n",
        "- {name: sub, version: 1.2.3, import-values: [{child: x, parent: a.b.c}], alias: other}\n",
        "- {name: sub, version: 1.2.3, import-values: {a: b}}\n",
        "- {name: sub, version: 1.2.3, import-values: data}\n",
        "- {name: sub, version: 1.2.3, repository: 'file://../sub'}\n",
    ] {
        let chart = depends(text);
        let files: Vec<(&str, &str)> = [
            ("Chart.yaml", chart.as_str()),
            ("values.yaml", "sub: {on: 2, extra: {a: 1}}\nother: {on: 3}\nx: {own: 1}\nglobal: {top: {a: 1}}\n"),
            ("templates/a.yaml", SHOWS),
        ]
        .into_iter()
        .chain(sub.iter().copied())
        .collect();
        compare(&helm, text, &files, sets, &mut different);
    }
    let lock = [
        "dependencies: []\ndigest: sha256:0\ngenerated: '2020-01-01T00:00:00Z'\n",
        "dependencies: [{name: sub, version: 9.9.9}]\ndigest: x\ngenerated: 2020-01-01T00:00:00Z\n",
        "generated: yesterday\n",
        "- a\n",
        "dependencies: 5\n",
        "digest: 5\n",
        "",
        "a: b: c\n",
    ];
    for text in lock {
        let chart = depends("- {name: sub, version: 1.2.3}\n");
        let files: Vec<(&str, &str)> =
            [("Chart.yaml", chart.as_str()), ("Chart.lock", text), ("templates/a.yaml", SHOWS)]
                .into_iter()
                .chain(sub.iter().copied())
                .collect();
        compare(&helm, text, &files, &[], &mut different);
        let v1 = "apiVersion: v1\nname: app\nversion: 0.1.0\n";
        for chart in [v1, CHART] {
            let files: Vec<(&str, &str)> = [
                ("Chart.yaml", chart),
                ("requirements.yaml", "dependencies:\n- {name: sub, version: 1.2.3, alias: req}\n"),
                ("requirements.lock", text),
                ("templates/a.yaml", SHOWS),
            ]
            .into_iter()
            .chain(sub.iter().copied())
            .collect();
            compare(&helm, &format!("requirements {chart} {text}"), &files, &[], &mut different);
        }
    }
    finish(&different);
}

#[test]
fn charts_in_charts() {
    let Some(helm) = support::helm() else { return };
    let mut different = Vec::new();
    let library = "apiVersion: v2\nname: lib\nversion: 0.1.0\ntype: library\n";
    let own = format!("{CHART}dependencies: [{{name: lib, version: 0.1.0}}]\n");
    compare(
        &helm,
        "library",
        &[
            ("Chart.yaml", &own),
            ("templates/a.yaml", "kind: A\nfrom: {{ include \"lib.x\" . }}\nv: {{ .Values | toJson }}\n"),
            ("charts/lib/Chart.yaml", library),
            ("charts/lib/values.yaml", "l: 1\n"),
            ("charts/lib/templates/_x.tpl", "{{ define \"lib.x\" }}library {{ .Values.l }}{{ end }}"),
            ("charts/lib/templates/never.yaml", "kind: Never\n"),
            ("charts/lib/crds/c.yaml", "kind: CustomResourceDefinition\n"),
        ],
        &["lib.l=2"],
        &mut different,
    );
    // One chart under two names, with a chart in it that it names, names otherwise, and does not name.
    let twice = "dependencies: [{name: sub, version: 1.x, alias: one}, {name: sub, version: 1.x, alias: two}]\n";
    let twice = format!("{CHART}{twice}");
    for (what, dependencies) in [
        ("named", "dependencies: [{name: leaf, version: 1.x}]\n"),
        ("named otherwise", "dependencies: [{name: leaf, version: 1.x, alias: lf}]\n"),
        ("not named", ""),
    ] {
        let sub = format!("{SUB}{dependencies}");
        let mut files = vec![
            ("Chart.yaml", twice.as_str()),
            ("templates/a.yaml", SHOWS),
            ("charts/sub/Chart.yaml", &sub),
            ("charts/sub/values.yaml", "s: 1\n"),
            ("charts/sub/templates/a.yaml", SHOWS),
            ("charts/sub/charts/leaf/Chart.yaml", "apiVersion: v2\nname: leaf\nversion: 1.0.0\n"),
            ("charts/sub/charts/leaf/values.yaml", "l: 1\n"),
            ("charts/sub/charts/leaf/templates/a.yaml", "{{ .Template.Name }}: {{ .Values.l }}\n"),
            ("charts/sub/charts/leaf/charts/deep/Chart.yaml", "apiVersion: v2\nname: deep\nversion: 1.0.0\n"),
            ("charts/sub/charts/leaf/charts/deep/templates/a.yaml", "{{ .Template.BasePath }}: 1\n"),
        ];
        // For Helm 3 the innermost chart then lies in the one that the other alias has: nobody means that.
        if support::IS_HELM3 && what == "named otherwise" {
            files.truncate(files.len() - 2);
        }
        compare(&helm, what, &files, &["one.leaf.l=2", "two.leaf.l=3", "one.lf.l=2,two.lf.l=3"], &mut different);
    }
    let mut files: Vec<(String, String)> =
        vec![("Chart.yaml".into(), CHART.into()), ("templates/a.yaml".into(), SHOWS.into())];
    let mut path = String::new();
    for depth in 0..6 {
        path.push_str(&format!("charts/d{depth}/"));
        files.push((format!("{path}Chart.yaml"), format!("apiVersion: v2\nname: d{depth}\nversion: 0.1.0\n")));
        files.push((
            format!("{path}values.yaml"),
            format!("own: {depth}\nglobal: {{l{depth}: {{deep: {{a: {depth}}}}}}}\n"),
        ));
        files.push((format!("{path}templates/t.yaml"), SHOWS.into()));
        files.push((format!("{path}templates/NOTES.txt"), "notes".into()));
    }
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let sets = ["d0.d1.d2.own=9", "global.l3.deep.b=1", "d0.d1.d2.d3=null", "d0.d1=5", "global.l1=null,d0.global.x=1"];
    compare(&helm, "deep", &files, &sets, &mut different);
    for (what, extra) in [
        ("stray file", ("charts/README.md", "x")),
        ("no chart", ("charts/none/values.yaml", "a: 1\n")),
        ("hidden", ("charts/.hidden/values.yaml", "a: 1\n")),
        ("underscore", ("charts/_old/values.yaml", "a: 1\n")),
        ("not an archive", ("charts/x.tgz", "no archive")),
        ("archive's folder", ("charts/x.tgz/Chart.yaml", SUB)),
        ("bad chart", ("charts/bad/Chart.yaml", "apiVersion: v2\nname: bad\n")),
        ("bad yaml", ("charts/bad/Chart.yaml", "a: b: c\n")),
        ("bad version", ("charts/bad/Chart.yaml", "apiVersion: v7\nname: bad\nversion: 1.0.0\n")),
        ("provenance", ("charts/sub.tgz.prov", "x")),
        ("application in a library's place", ("charts/sub/Chart.yaml", SUB)),
        ("wrong values", ("values.yaml", "sub: 5\n")),
    ] {
        compare(&helm, what, &[("Chart.yaml", CHART), ("templates/a.yaml", SHOWS), extra], &["sub=1"], &mut different);
    }
    // A chart packed in charts/.
    let directory = tempfile::tempdir().unwrap();
    let chart = directory.path().join("app");
    write(&chart, &[("Chart.yaml", CHART), ("templates/a.yaml", SHOWS), ("charts/x/none", "")]);
    write(
        &directory.path().join("sub"),
        &[("Chart.yaml", SUB), ("templates/a.yaml", SHOWS), ("values.yaml", "a: 1\n")],
    );
    fs::remove_dir_all(chart.join("charts/x")).unwrap();
    for name in ["sub-1.2.3.tgz", "other.tgz"] {
        let archive = chart.join("charts").join(name);
        // Of two charts of one name Helm takes one at random.
        let _ = fs::remove_file(chart.join("charts/sub-1.2.3.tgz"));
        let packed =
            Command::new("tar").arg("czf").arg(&archive).arg("-C").arg(directory.path()).arg("sub").status().unwrap();
        assert!(packed.success());
        check(&helm, name, &Case::new(&chart).set("sub.a=2"), directory.path(), &mut different);
    }
    finish(&different);
}

#[test]
fn ignored_files_and_odd_names() {
    let Some(helm) = support::helm() else { return };
    let mut different = Vec::new();
    let base: Files<'_> = &[
        ("Chart.yaml", CHART),
        ("templates/a.yaml", SHOWS),
        ("templates/b.txt", "kind: B\n"),
        ("templates/.c.yaml", "kind: Hidden\n"),
        ("templates/d.yaml.bak", "kind: Backup\n"),
        ("templates/sub/e.tpl", "kind: E\n"),
        ("templates/tests/f.yaml", "kind: F\n"),
        ("templates/_g.yaml", "kind: G\n"),
        ("templates/sub/_h/i.yaml", "kind: I\n"),
        ("docs/x.md", "x"),
        ("docs/deep/y.md", "y"),
        ("file with space.txt", "s"),
        ("é.txt", "e"),
        ("ci/values.yaml", "a: 1\n"),
        ("top.md", "t"),
    ];
    for rules in [
        "",
        "*.md\n",
        "docs/\n",
        "/docs/\n",
        "docs\n",
        "docs/*.md\n",
        "/*.md\n",
        "!top.md\n",
        "*.md\n!top.md\n",
        "**/x.md\n",
        "[\n",
        "# comment\n\n  top.md  \n",
        "templates/\n",
        "templates/sub\n",
        "Chart.yaml\n",
        "*.yaml\n",
        "?op.md\n",
        "t[a-p]p.md\n",
        "t[^o]p.md\n",
        "docs/deep\n",
        "deep/\n",
        "deep\n",
        "file with space.txt\n",
        "é.txt\n",
        "\\*.md\n",
        "ci/values.yaml\n",
        "*\n",
        ".*\n",
        "/\n",
        "!\n",
        "a/**/b\n",
        "*.md \r\n",
        "\u{feff}top.md\n",
    ] {
        let files: Vec<(&str, &str)> = base.iter().copied().chain([(".helmignore", rules)]).collect();
        compare(&helm, &format!("helmignore {rules:?}"), &files, &[], &mut different);
    }
    finish(&different);
}

/// A tar archive of one header and what follows it.
fn tar(entries: &[(&str, u8, &[u8])]) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, kind, data) in entries {
        let mut header = [0_u8; 512];
        let name = name.as_bytes();
        header[..name.len().min(100)].copy_from_slice(&name[..name.len().min(100)]);
        header[100..108].copy_from_slice(b"0000644\0");
        header[108..116].copy_from_slice(b"0000000\0");
        header[116..124].copy_from_slice(b"0000000\0");
        header[124..136].copy_from_slice(format!("{:011o}\0", data.len()).as_bytes());
        header[136..148].copy_from_slice(b"00000000000\0");
        header[156] = *kind;
        if matches!(kind, b'1' | b'2') {
            header[157..168].copy_from_slice(b"/etc/passwd");
        }
        header[257..265].copy_from_slice(b"ustar\x0000");
        header[148..156].copy_from_slice(b"        ");
        let sum: u32 = header.iter().map(|b| u32::from(*b)).sum();
        header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        out.extend(header);
        out.extend(*data);
        out.resize(out.len().div_ceil(512) * 512, 0);
    }
    out.resize(out.len() + 1024, 0);
    out
}

fn gzip(data: &[u8]) -> Vec<u8> {
    let mut child = Command::new("gzip").arg("-c").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let data = data.to_vec();
    let writer = std::thread::spawn(move || input.write_all(&data));
    let out = child.wait_with_output().unwrap().stdout;
    writer.join().unwrap().unwrap();
    out
}

#[test]
fn archives_of_strangers() {
    let Some(helm) = support::helm() else { return };
    let mut different = Vec::new();
    let directory = tempfile::tempdir().unwrap();
    let chart = ("app/Chart.yaml", b'0', CHART.as_bytes());
    let shows = ("app/templates/a.yaml", b'0', SHOWS.as_bytes());
    let zeros = vec![0_u8; 101 * 1024 * 1024];
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("plain", gzip(&tar(&[chart, shows]))),
        ("parent", gzip(&tar(&[chart, ("app/../../etc/passwd", b'0', b"x")]))),
        ("inside parent", gzip(&tar(&[chart, shows, ("app/x/../y", b'0', b"x")]))),
        ("absolute", gzip(&tar(&[chart, ("app//etc/passwd", b'0', b"x")]))),
        ("outside", gzip(&tar(&[chart, ("passwd", b'0', b"x")]))),
        ("drive", gzip(&tar(&[chart, ("app/c:/x", b'0', b"x")]))),
        (
            "backslash",
            gzip(&tar(&[
                ("app\\Chart.yaml", b'0', CHART.as_bytes()),
                ("app\\templates\\a.yaml", b'0', SHOWS.as_bytes()),
            ])),
        ),
        ("base", gzip(&tar(&[("Chart.yaml", b'0', CHART.as_bytes())]))),
        ("symbolic link", gzip(&tar(&[chart, shows, ("app/files/link", b'2', b"")]))),
        ("hard link", gzip(&tar(&[chart, shows, ("app/files/link", b'1', b"")]))),
        ("link for a template", gzip(&tar(&[chart, shows, ("app/templates/link.yaml", b'2', b"")]))),
        ("device", gzip(&tar(&[chart, shows, ("app/files/null", b'3', b"")]))),
        ("fifo", gzip(&tar(&[chart, shows, ("app/files/fifo", b'6', b"")]))),
        ("directory", gzip(&tar(&[("app/", b'5', b""), chart, shows]))),
        ("twice", gzip(&tar(&[chart, shows, ("app/templates/a.yaml", b'0', b"kind: Second\n")]))),
        (
            "two values",
            gzip(&tar(&[chart, shows, ("app/values.yaml", b'0', b"a: 1\n"), ("app/values.yaml", b'0', b"b: 1\n")])),
        ),
        ("two folders", gzip(&tar(&[chart, ("other/templates/a.yaml", b'0', SHOWS.as_bytes())]))),
        ("large file", gzip(&tar(&[chart, shows, ("app/zeros", b'0', &zeros)]))),
        ("bomb", gzip(&zeros)),
        ("empty", gzip(&[])),
        ("no files", gzip(&tar(&[]))),
        ("no chart", gzip(&tar(&[shows]))),
        ("cut", gzip(&tar(&[chart, shows])[..700])),
        ("garbage", gzip(b"garbage that is no tar archive")),
        ("no gzip", tar(&[chart, shows])),
        ("half a gzip", gzip(&tar(&[chart, shows]))[..60].to_vec()),
        ("nothing", Vec::new()),
        ("gzip heading alone", b"\x1f\x8b\x08".to_vec()),
        ("text", b"hello\n".to_vec()),
        ("html", b"<!DOCTYPE html><html>".to_vec()),
        ("pdf", b"%PDF-1.4".to_vec()),
        ("zip", b"PK\x03\x04zip".to_vec()),
        ("png", b"\x89PNG\r\n\x1a\n".to_vec()),
        ("xml", b"<?xml version=\"1.0\"?>".to_vec()),
        ("binary", b"\x00\x01\x02".to_vec()),
        ("version", gzip(&tar(&[("app/Chart.yaml", b'0', b"apiVersion: v8\nname: a\nversion: 1.0.0\n")]))),
        ("metadata", gzip(&tar(&[("app/Chart.yaml", b'0', b"a: b: c\n")]))),
    ];
    for (name, data) in &cases {
        for ending in ["tgz", "yaml"] {
            let path: PathBuf = directory.path().join(format!("x.{ending}"));
            fs::write(&path, data).unwrap();
            if ending == "tgz" || data.len() < 100 {
                check(&helm, &format!("{name}.{ending}"), &Case::new(&path), directory.path(), &mut different);
            }
        }
    }
    check(&helm, "none", &Case::new(directory.path().join("none")), directory.path(), &mut different);
    finish(&different);
}

/// What a directory may hold besides files.
#[cfg(unix)]
#[test]
fn links_and_large_files_in_directories() {
    use std::os::unix::fs::symlink;
    let Some(helm) = support::helm() else { return };
    let mut different = Vec::new();
    let directory = tempfile::tempdir().unwrap();
    let fresh = |name: &str| {
        let chart = directory.path().join(name);
        write(&chart, &[("Chart.yaml", CHART), ("templates/a.yaml", SHOWS)]);
        chart
    };
    let chart = fresh("linked");
    write(directory.path(), &[("outside.yaml", "kind: Outside\n"), ("folder/x.txt", "x")]);
    symlink(directory.path().join("outside.yaml"), chart.join("templates/out.yaml")).unwrap();
    symlink("../folder", chart.join("inside")).unwrap();
    check(&helm, "links", &Case::new(&chart), directory.path(), &mut different);
    let chart = fresh("dangling");
    symlink("nowhere", chart.join("dangling")).unwrap();
    check(&helm, "dangling", &Case::new(&chart), directory.path(), &mut different);
    let chart = fresh("large");
    let file = fs::File::create(chart.join("large")).unwrap();
    file.set_len(1 << 30).unwrap();
    check(&helm, "1 GB", &Case::new(&chart), directory.path(), &mut different);
    let chart = fresh("file-as-folder");
    fs::write(chart.join("charts"), "x").unwrap();
    check(&helm, "charts is a file", &Case::new(&chart), directory.path(), &mut different);
    let chart = fresh("fifo");
    assert!(Command::new("mkfifo").arg(chart.join("fifo")).status().unwrap().success());
    check(&helm, "fifo", &Case::new(&chart), directory.path(), &mut different);
    finish(&different);
}
