//! Values from files and flags, merged into a chart with subcharts, and seen by its templates.

use bowline_chart::ValueSources;
use bowline_peers::oracle::Oracle;

use crate::fuzz::{Choices, compare, made};
use crate::{Case, difference, texts};

/// Without null keys and without NaN: of several errors, Go tells one at random.
fn value(c: &mut Choices, depth: usize) -> String {
    if depth == 0 || c.is_over() || c.percent(50) {
        return c.pick(&[
            "1",
            "null",
            "true",
            "false",
            "\"\"",
            "x",
            "1.5",
            "1e3",
            "0777",
            "yes",
            "~",
            "2024-05-06",
            "\"a b\"",
            "-0",
            "1000000",
            "{}",
            "[]",
            "12345678901",
            "0x1F",
            "1_000",
            "'x'",
            "9007199254740993",
            ".5",
            "n",
            "on",
            "!!str 5",
            "1e400",
        ]);
    }
    if c.percent(35) {
        let items: Vec<String> = (0..c.below(4)).map(|_| value(c, depth - 1)).collect();
        return format!("[{}]", items.join(", "));
    }
    let items: Vec<String> = (0..c.below(4)).map(|_| format!("{}: {}", key(c), value(c, depth - 1))).collect();
    format!("{{{}}}", items.join(", "))
}

fn key(c: &mut Choices) -> String {
    c.pick(&[
        "a", "b", "c", "global", "sub", "enabled", "1", "yes", "\"a.b\"", "tags", "front", "other", "d", "\"\"", "x y",
        "exports", "data", "al",
    ])
}

fn values(c: &mut Choices) -> String {
    (0..c.below(6)).map(|_| format!("{}: {}\n", key(c), value(c, 3))).collect()
}

/// The text of a `--set`.
pub(crate) fn set(c: &mut Choices) -> String {
    let mut out = String::new();
    for i in 0..1 + c.below(2) {
        if i > 0 {
            out += &c.pick(&[",", ",", ",,", ""]);
        }
        out += &c.pieces(
            &[
                "a",
                "b",
                ".",
                "[0]",
                "[1]",
                "global",
                "sub",
                ".",
                "c",
                "\\.",
                "[",
                "]",
                "[-1]",
                "[x]",
                "d",
                "enabled",
                "[2]",
                " ",
                "{",
                "é",
                "\\,",
                "tags.front",
                "al",
            ],
            4,
        );
        out += &c.pick(&["=", "=", "=", "", "=="]);
        out += &c.pick(&[
            "1",
            "null",
            "true",
            "x",
            "",
            "{a,b}",
            "{}",
            "{1,null,true}",
            "{a",
            "1.5",
            "0777",
            "\"q\"",
            "a\\,b",
            "a=b",
            "[1]",
            "{{a},b}",
            "00",
            "-5",
            "9223372036854775808",
            " ",
            "{\"a\": 1}",
            "[1, 2]",
            "{a\\,b,c}",
            "0",
            "TRUE",
            "\\",
            "é",
            "1e3",
            "{,}",
            "{a}b",
        ]);
    }
    out
}

pub(crate) fn case(c: &mut Choices) -> Case {
    let dependency = c.pick(&[
        "name: sub\n  version: 1.x",
        "name: sub\n  version: 1.0.0\n  condition: sub.enabled",
        "name: sub\n  version: 1.0.0\n  tags: [front, back]",
        "name: sub\n  version: ^1.0\n  alias: al\n  condition: other.enabled,al.enabled",
        "name: sub\n  version: '*'\n  import-values: [data]",
        "name: sub\n  version: 1.0.0\n  import-values:\n  - child: exports.data\n    parent: b\n  - child: a\n    parent: global",
        "name: sub\n  version: 2.0.0",
        "name: sub\n  version: 1.0.0\n- name: sub\n  version: 1.0.0\n  alias: al\n  condition: al.enabled",
    ]);
    let show = "{{ toJson .Values }}|{{ range $k, $v := .Values }}{{ $k }}={{ typeOf $v }} {{ $v }};{{ end }}|{{ .Values.global }}|{{ toYaml .Values }}";
    let files = [
        ("Chart.yaml", format!("apiVersion: v2\nname: web\nversion: 1.2.3\ndependencies:\n- {dependency}\n")),
        ("values.yaml", values(c)),
        ("templates/a.yaml", show.to_owned()),
        ("charts/sub/Chart.yaml", "apiVersion: v2\nname: sub\nversion: 1.0.0\n".to_owned()),
        ("charts/sub/values.yaml", values(c)),
        ("charts/sub/templates/b.yaml", show.to_owned()),
    ];
    let files = files.map(|(name, text)| (name.to_owned(), text.into_bytes())).to_vec();
    let flags = |c: &mut Choices, make: fn(&mut Choices) -> String| (0..c.below(3)).map(|_| make(c)).collect();
    let sources = ValueSources {
        set: flags(c, set),
        string: if c.percent(20) { flags(c, set) } else { Vec::new() },
        literal: if c.percent(20) { flags(c, set) } else { Vec::new() },
        json: if c.percent(30) { flags(c, json) } else { Vec::new() },
        ..ValueSources::default()
    };
    Case { files, sources }
}

fn json(c: &mut Choices) -> String {
    if c.percent(30) {
        return format!("{{\"{}\": {}}}", c.pick(&["a", "sub", "global"]), texts::json(c));
    }
    c.pieces(&["a", "b", ".", "[0]", "sub", "global", "c", "[1]"], 3) + "=" + &texts::json(c)
}

#[test]
fn values_of_files_and_flags() {
    let Some(oracle) = Oracle::find() else { return };
    compare("values", 500, &made(200, case), |case| difference(&oracle, case));
}
