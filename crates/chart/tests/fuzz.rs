//! Charts, archives, values and constraints nobody would write: none makes the loader panic, hang or eat memory.
#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "../../../fuzz/mod.rs"]
mod fuzz;

use std::fs;
use std::io::Write;

use bowline_chart::{Chart, Constraint, UserValues, ValueSources, Version, glob_match, is_compatible};
use flate2::Compression;
use flate2::write::GzEncoder;
use fuzz::{cases, jumble, mutated, mutated_text, on_a_small_stack};
use proptest::prelude::*;

const CHART: &str = "apiVersion: v2\nname: web\nversion: 1.2.3\nappVersion: \"9\"\nkubeVersion: \">=1.20-0\"\ntype: application\n\
    keywords: [a, b]\nmaintainers:\n- name: x\n  email: a@example.com\nannotations:\n  a: b\ndependencies:\n\
    - name: db\n  version: ^1.0\n  repository: https://example.com\n  condition: db.enabled,web.db\n  tags: [back]\n  alias: store\n\
    \x20 import-values:\n  - data\n  - child: a.b\n    parent: c\n";
const VALUES: &str = "a: 1\nglobal: {x: &x [1, 2], y: *x}\nstore:\n  enabled: true\n  exports: {data: {z: 1}}\n\"k\": |\n  text\n\
    list:\n- {a: b}\n- ~\n- 1.5e3\n- !!str 5\nnone: null\n";
const DB: &str = "apiVersion: v2\nname: db\nversion: 1.0.0\n";

fn files(chart: &str, values: &str, requirements: &str) -> Vec<(String, Vec<u8>)> {
    [
        ("Chart.yaml", chart),
        ("values.yaml", values),
        ("requirements.yaml", requirements),
        ("values.schema.json", "{}"),
        ("templates/a.yaml", "{{ .Values.a }}"),
        ("charts/db/Chart.yaml", DB),
        ("charts/db/values.yaml", values),
        (".helmignore", "*.bak"),
    ]
    .into_iter()
    .map(|(name, text)| (name.to_owned(), text.as_bytes().to_vec()))
    .collect()
}

/// Loads a chart and works out its values; an error stands on a line of one of the texts.
fn load(chart: &str, values: &str) -> Result<String, String> {
    let lines = 2 + chart.lines().count().max(values.lines().count()) as u32;
    let failed = |error: bowline_chart::Error| {
        assert!(error.place().is_none_or(|place| place.line as u64 <= u64::from(lines)), "{error}: {lines} lines");
        error.to_string()
    };
    let loaded = Chart::from_files(files(chart, values, "")).map_err(failed)?;
    let _ = loaded.check_installable();
    let prepared = loaded.prepare(&UserValues::default()).map_err(failed)?;
    Ok(format!("{:?}", prepared.values))
}

fn set(mode: usize, text: &str) -> Result<String, String> {
    let mut sources = ValueSources::default();
    let list = match mode {
        0 => &mut sources.set,
        1 => &mut sources.string,
        2 => &mut sources.json,
        3 => &mut sources.literal,
        _ => &mut sources.file,
    };
    list.push(text.to_owned());
    let values = UserValues::load(&sources).map_err(|error| error.to_string())?;
    bowline_yaml::emit(&bowline_yaml::Value::Map(values.values().clone())).map_err(|error| error.to_string())
}

const SET: &[&str] = &[
    "a",
    "b.c",
    ".",
    ",",
    "=",
    "[",
    "]",
    "0",
    "1",
    "65536",
    "65537",
    "-1",
    "{",
    "}",
    "{1,2}",
    "\\",
    "\\,",
    "null",
    "true",
    "\"x\"",
    "[0]",
    "[1].a=",
    "a=",
    "a.b=1,",
    "a[0][1]=x",
    " ",
    "{\"k\":[1]}",
    "e=1e3",
    "9223372036854775808",
];

const CONSTRAINTS: &[&str] = &[
    ">",
    "<",
    "=",
    "!=",
    ">=",
    "<=",
    "~",
    "^",
    "=>",
    "=<",
    "~>",
    "||",
    ",",
    " ",
    " - ",
    "1",
    "1.2",
    "1.2.3",
    "x",
    "*",
    "v",
    "-alpha.1",
    "+build",
    ".",
    "0",
    "18446744073709551615",
    "99999999999999999999",
    "-0",
    "1.x",
    "1.2.x",
    "X",
];

proptest! {
    #![proptest_config(cases(400))]

    #[test]
    fn any_chart_yaml_is_a_chart_or_an_error(chart in mutated_text(&[CHART, DB, VALUES])) {
        prop_assert_eq!(load(&chart, VALUES), load(&chart, VALUES));
    }

    #[test]
    fn any_values_file_is_values_or_an_error(values in mutated_text(&[VALUES, CHART])) {
        prop_assert_eq!(load(CHART, &values), load(CHART, &values));
    }

    #[test]
    fn any_requirements_are_read_or_an_error(requirements in mutated_text(&[CHART, "dependencies:\n- name: db\n"])) {
        if let Ok(chart) = Chart::from_files(files("name: web\nversion: 1.0.0\napiVersion: v1", VALUES, &requirements)) {
            let _ = chart.prepare(&UserValues::default());
        }
    }

    #[test]
    fn any_set_text_sets_or_is_an_error(text in jumble(SET, 14), mode in 0..5usize) {
        prop_assert_eq!(set(mode, &text), set(mode, &text));
    }

    #[test]
    fn what_is_set_is_there(key in "[a-z]{1,6}", value in "[a-zA-Z ]{1,10}") {
        let wanted = bowline_yaml::emit(&bowline_yaml::Value::Map(
            [(key.clone(), bowline_yaml::Value::String(value.clone()))].into_iter().collect(),
        )).unwrap();
        prop_assert_eq!(set(1, &format!("{key}={value}")), Ok(wanted));
    }

    #[test]
    fn any_constraint_holds_or_not(constraint in jumble(CONSTRAINTS, 12), version in jumble(CONSTRAINTS, 6)) {
        let _ = Constraint::parse(&constraint).is_ok();
        prop_assert_eq!(is_compatible(&constraint, &version), is_compatible(&constraint, &version));
        if let Some(parsed) = Version::parse(&version) {
            let again = Version::parse(&parsed.to_string()).unwrap();
            prop_assert_eq!(again.compare(&parsed), std::cmp::Ordering::Equal);
        }
    }

    #[test]
    fn any_pattern_matches_or_not(pattern in jumble(&["*", "?", "[", "]", "-", "^", "\\", "a", "b", "/", "é"], 14), name in "[ab/é]{0,12}") {
        let _ = glob_match(&pattern, &name).is_ok();
        prop_assert_eq!(glob_match("*", &name).unwrap_or(false), !name.contains('/'));
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(bytes).unwrap();
    gzip.finish().unwrap()
}

/// A tar archive of these entries: name, kind, what the header says of the size, content.
fn tar(entries: &[(&str, u8, Option<&str>, &[u8])]) -> Vec<u8> {
    let mut tar = Vec::new();
    for (name, kind, size, data) in entries {
        let mut header = [0u8; 512];
        header[..name.len()].copy_from_slice(name.as_bytes());
        let size = size.map_or_else(|| format!("{:011o}", data.len()), str::to_owned);
        header[124..124 + size.len()].copy_from_slice(size.as_bytes());
        header[156] = *kind;
        header[257..262].copy_from_slice(b"ustar");
        header[148..156].copy_from_slice(b"        ");
        let sum: u32 = header.iter().map(|b| u32::from(*b)).sum();
        header[148..154].copy_from_slice(format!("{sum:06o}").as_bytes());
        tar.extend_from_slice(&header);
        tar.extend_from_slice(data);
        tar.resize(tar.len().div_ceil(512) * 512, 0);
    }
    tar.resize(tar.len() + 1024, 0);
    tar
}

const FILE: u8 = b'0';

fn chart_tar() -> Vec<u8> {
    tar(&[
        ("web/Chart.yaml", FILE, None, CHART.as_bytes()),
        ("web/values.yaml", FILE, None, VALUES.as_bytes()),
        ("pax", b'x', None, b"28 path=web/templates/a.yaml\n"),
        ("long", FILE, None, b"a: {{ .Values.a }}\n"),
        ("././@LongLink", b'L', None, b"web/charts/db/Chart.yaml\0"),
        ("x", FILE, None, DB.as_bytes()),
    ])
}

#[test]
fn the_archive_that_is_changed_is_a_chart() {
    let chart = Chart::from_archive(&gzip(&chart_tar())).unwrap();
    assert_eq!((chart.name(), chart.missing_dependencies()), ("web", Vec::new()));
}

proptest! {
    #![proptest_config(cases(150))]

    #[test]
    fn any_archive_is_a_chart_or_an_error(tar in mutated(vec![chart_tar()])) {
        let _ = Chart::from_archive(&gzip(&tar)).is_ok();
    }

    #[test]
    fn any_compressed_bytes_are_a_chart_or_an_error(bytes in mutated(vec![gzip(&chart_tar())])) {
        let _ = Chart::from_archive(&bytes).is_ok();
    }
}

#[test]
fn archives_that_lead_out_or_lie_are_refused() {
    let manifest = ("web/Chart.yaml", FILE, None, CHART.as_bytes());
    for name in ["../evil", "web/../../evil", "/etc/passwd", "web//etc/passwd", "web/C:/x", "web\\..\\..\\evil"] {
        let archive = gzip(&tar(&[manifest, (name, FILE, None, b"x")]));
        match Chart::from_archive(&archive) {
            // The first part is the chart's folder, whatever its name (Helm cuts it off); the rest stays inside.
            Ok(chart) => {
                let leads_out = |file: &str| file.starts_with('/') || file.split(['/', '\\']).any(|part| part == "..");
                assert!(chart.files.iter().all(|file| !leads_out(&file.name)), "{name}");
            }
            Err(error) => assert!(error.to_string().contains("illegal"), "{name}: {error}"),
        }
    }
    // Links are files without content: nothing of what they point to is read.
    let link = gzip(&tar(&[manifest, ("web/values.yaml", b'2', None, b""), ("web/templates/l", b'1', None, b"")]));
    assert!(Chart::from_archive(&link).is_ok());
    for size in ["77777777777", "99999999999", "-1", "\u{1}"] {
        let lies = gzip(&tar(&[manifest, ("web/values.yaml", FILE, Some(size), b"a: 1")]));
        assert!(Chart::from_archive(&lies).is_err(), "{size:?}");
    }
    for length in
        ["0 path=a\n", "1 path=a\n", "9 path=a", "99999999999999999999 path=a\n", "18446744073709551615 path=a\n"]
    {
        let _ = Chart::from_archive(&gzip(&tar(&[("pax", b'x', None, length.as_bytes()), manifest]))).is_ok();
    }
    let whole = gzip(&chart_tar());
    for length in [0, 1, 9, 10, 11, 20, whole.len() / 2, whole.len() - 9, whole.len() - 1] {
        assert!(Chart::from_archive(&whole[..length]).is_err(), "{length}");
    }
}

#[test]
fn an_archive_that_unpacks_to_gigabytes_is_refused() {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    let block = vec![0u8; 1 << 20];
    for _ in 0..256 {
        gzip.write_all(&block).unwrap();
    }
    let bomb = gzip.finish().unwrap();
    assert!(bomb.len() < 4 << 20);
    assert!(Chart::from_archive(&bomb).unwrap_err().to_string().contains("larger than the maximum size"));
}

#[test]
fn patterns_that_could_backtrack_for_ever_do_not() {
    let (pattern, name) = ("*a".repeat(200) + "b", "a".repeat(2000));
    assert!(!glob_match(&pattern, &name).unwrap());
}

#[test]
fn charts_within_charts_within_charts_end_in_an_error_or_load_on_a_small_stack() {
    let deep = "charts/a/".repeat(3000);
    let mut all = files(CHART, VALUES, "");
    for depth in 0..3000 {
        all.push((format!("{}Chart.yaml", &deep[..depth * "charts/a/".len()]), DB.as_bytes().to_vec()));
    }
    on_a_small_stack(move || {
        if let Ok(chart) = Chart::from_files(all) {
            let _ = chart.prepare(&UserValues::default());
            let _ = chart.crds("web");
        }
    });
}

#[test]
fn set_texts_that_nest_or_reach_far_are_errors_or_bounded() {
    for text in [
        format!("{}=1", vec!["a"; 5000].join(".")),
        format!("a{}=1", "[0]".repeat(5000)),
        format!("a{}=1", "[65536]".repeat(5000)),
        format!("a{}=1", "[0].a".repeat(5000)),
        "a={".repeat(5000),
        format!("a={}", "[".repeat(50_000)),
        format!("a={}", "{\"a\":".repeat(50_000)),
    ] {
        for mode in 0..4 {
            let text = text.clone();
            let _ = on_a_small_stack(move || set(mode, &text));
        }
    }
}

#[test]
fn ignore_files_are_rules_or_an_error() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("Chart.yaml"), DB).unwrap();
    fs::write(folder.path().join("values.yaml"), "a: 1\n").unwrap();
    for rules in [
        "[",
        "**",
        "!",
        "/",
        "!/",
        "\\",
        "[]",
        "[a-",
        "a/b/",
        "\u{feff}*",
        "!*\n!*",
        "[^]",
        "#",
        "*.{a,b}",
        "\0",
        "é?[",
    ] {
        fs::write(folder.path().join(".helmignore"), rules).unwrap();
        let _ = Chart::load(folder.path()).is_ok();
    }
    fs::write(folder.path().join(".helmignore"), [0xff, b'*', 0xfe]).unwrap();
    let _ = Chart::load(folder.path()).is_ok();
}
