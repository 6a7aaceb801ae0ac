//! Documents that nobody wrote, read and written again by the YAML packages that Helm uses and by us: same bytes, same
//! error texts.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../../../fuzz/mod.rs"]
mod fuzz;
mod support;

use bowline_peers::oracle::{Answer, Oracle, bytes};
use bowline_yaml::{Value, emit, emit_pretty, parse_first};
use fuzz::{Choices, compare, made};
use serde_json::json;
use support::to_json;

/// Numbers as JSON has them: what `Unmarshal` gives comes by way of it.
fn floats(value: Value) -> Value {
    match value {
        Value::Int(number) => Value::Float(number as f64),
        Value::Seq(items) => Value::Seq(items.into_iter().map(floats).collect()),
        Value::Map(map) => Value::Map(map.into_iter().map(|(key, value)| (key, floats(value))).collect()),
        other => other,
    }
}

/// What we make of a text, as the oracle says it.
fn ours(text: &str) -> Answer {
    let value = match parse_first(text) {
        Ok(node) => node.map(|node| node.to_value()).unwrap_or_default(),
        Err(error) => return Answer { error: Some(error.to_string()), ..Answer::default() },
    };
    let written =
        |out: Result<String, bowline_yaml::EmitError>| out.map(String::into_bytes).map_err(|error| error.to_string());
    let value = floats(value);
    let json = to_json(&value);
    let parts =
        [("yaml", written(emit(&value))), ("pretty", written(emit_pretty(&value))), ("json", Ok(json.into_bytes()))];
    Answer { parts: parts.map(|(name, part)| (name.to_owned(), part)).into(), ..Answer::default() }
}

fn difference(oracle: &Oracle, text: &str) -> Option<String> {
    let asked = || {
        let mut answer = oracle.ask(&json!({"Op": "yaml", "Text": bytes(text)}))?;
        // Our values hold no such numbers, so that this is the JSON's business.
        answer.parts.remove("value");
        Some(answer)
    };
    let mut theirs = asked()?;
    let ours = ours(text);
    // Of several errors of the conversion to JSON, Go tells the one it comes upon first in maps without order; and what it
    // shows of a mapping in an error has its keys in their own types, which our trees do not keep.
    let about = |error: &str| {
        ["unsupported map key", "unsupported value", "map[interface {}]interface {}{"]
            .iter()
            .any(|part| error.contains(part))
    };
    let conversion = |answer: &Answer| answer.error.as_deref().is_some_and(about);
    // Limits of ours, where Go has its stack.
    let limit = ours.error.as_deref().is_some_and(|error| error.contains("exceeded max depth"));
    if theirs == ours || (conversion(&theirs) && conversion(&ours)) || limit {
        return None;
    }
    // Where keys of several types have the same text, Go keeps the one that it comes upon last in a map without order.
    for _ in 0..16 {
        theirs = asked()?;
        if theirs == ours {
            return None;
        }
    }
    let shown = |answer: &Answer| match &answer.error {
        Some(error) => format!("error {error:?}"),
        None => answer
            .parts
            .iter()
            .map(|(name, part)| format!("{name} {:?}", part.as_ref().map(|text| String::from_utf8_lossy(text))))
            .collect::<Vec<_>>()
            .join("\n        "),
    };
    Some(format!("  helm: {}\n  ours: {}\n{text}", shown(&theirs), shown(&ours)))
}

const PLAIN: &[&str] = &[
    "a",
    "1",
    "x y",
    "true",
    "yes",
    "~",
    "null",
    "",
    "1.5",
    "1e3",
    "0777",
    "0x1F",
    "0b101",
    "0o17",
    "1_000",
    "1:30",
    "190:20:30",
    "2024-05-06",
    "2024-05-06T07:08:09Z",
    "-0",
    ".5",
    "+1",
    "-",
    "- a",
    "a: b",
    "a #b",
    "a# b",
    "a:b",
    ":a",
    "?",
    "? a",
    "@a",
    "`a",
    "%a",
    "&a",
    "*a",
    "!a",
    "|",
    ">",
    "<<",
    "=",
    "a,b",
    "[a",
    "a]",
    "{a",
    "a}",
    "é",
    "☃",
    "😀",
    "'a",
    "\"a",
    "on",
    "No",
    "y",
    "n",
    "1e400",
    "9223372036854775807",
    "9223372036854775808",
    "18446744073709551616",
    "-9223372036854775808",
    "1.",
    "08",
    "1__0",
    "0x",
    "0b2",
    "1e",
    "e1",
    ".inf",
    "-.Inf",
    ".NaN",
    "tRue",
    "TRUE",
    "nUll",
    "NULL",
    "12e03",
    "-2E+05",
    "685_230.15",
    "a\\nb",
    "C:\\x",
    "http://a:80/b?c=d#e",
    "a: ",
    "a ",
    "---",
    "...",
    "--- a",
    "1,2",
    "a\tb",
    "00",
    "0.0",
    "0x1G",
    "1 2",
    "😀: a",
    "\u{85}",
    "a\u{2028}b",
    "\u{feff}",
    "_1",
    "1_",
    "0_7",
    "0o8",
    "+.5e-3",
    "1.5_0",
];

/// A scalar in one of its styles. `indent` is that of the node around it.
fn scalar(c: &mut Choices, indent: usize, flow: bool) -> String {
    let tag = if c.percent(12) {
        c.pick(&[
            "!!str ",
            "!!int ",
            "!!float ",
            "!!bool ",
            "!!null ",
            "!!binary ",
            "!x ",
            "!!timestamp ",
            "! ",
            "!<tag:yaml.org,2002:str> ",
            "!!set ",
            "!!merge ",
            "!e!x ",
            "!!map ",
            "!!seq ",
        ])
    } else {
        String::new()
    };
    let anchor = if c.percent(8) { c.pick(&["&x ", "&y ", "&x1 "]) } else { String::new() };
    let body = match c.below(if flow { 9 } else { 12 }) {
        0..5 => c.pick(PLAIN),
        5 => c.pick(&["*x", "*y", "*z"]),
        6 => format!(
            "'{}'",
            c.pieces(&["a", "''", " ", "b: c", "\n", "#", "é", "\\", "\"", "\t", "\n\n", "  ", "-", "😀"], 5)
        ),
        7 => format!(
            "\"{}\"",
            c.pieces(
                &[
                    "a",
                    "\\n",
                    " ",
                    "\\\"",
                    "\\u263a",
                    "\\x41",
                    "\\\n",
                    "\n",
                    "'",
                    "\\t",
                    "\\e",
                    "\\q",
                    "\\U0001F600",
                    "\\0",
                    "\\/",
                    "\\_",
                    "\\N",
                    "\\L",
                    "\\ud800",
                    "#",
                    ": ",
                    "é",
                    "\t",
                    "\\ ",
                    "\\a",
                    "\\",
                    "\n\n  "
                ],
                5
            )
        ),
        8 => {
            let pad = " ".repeat(indent + 2);
            let mut out = c.pick(PLAIN);
            for _ in 0..c.below(3) {
                out += &format!(
                    "\n{}{pad}{}",
                    c.pick(&["", "", "\n", "\t"]),
                    c.pick(&["b", "c d", "# e", "f: g", "- h", "1", "é", "--- x", "\"q"])
                );
            }
            out
        }
        _ => {
            let head = c
                .pick(&["|", ">", "|-", ">-", "|+", ">+", "|2", ">1-", "|+1", "|0", "| # c", "|x", ">9", "|-2", "|10"]);
            let pad = " ".repeat(indent + c.below(4));
            let mut out = head;
            for _ in 0..c.below(5) {
                out += &format!(
                    "\n{}{}",
                    c.pick(&[pad.as_str(), pad.as_str(), "", &format!("{pad}  ")]),
                    c.pick(&[
                        "a",
                        "b c",
                        "",
                        "# d",
                        "- e",
                        "f: g",
                        "\t",
                        "  h",
                        "i ",
                        "é☃",
                        "---",
                        "'",
                        "word word word word word word word word word word word word word word word word word",
                        "\ttab"
                    ])
                );
            }
            return format!("{anchor}{tag}{out}\n{}", c.pick(&["", "", "\n", "\n\n", "# c\n"]));
        }
    };
    if c.percent(50) { format!("{anchor}{tag}{body}") } else { format!("{tag}{anchor}{body}") }
}

fn flow(c: &mut Choices, indent: usize, depth: usize) -> String {
    if depth == 0 || c.is_over() || c.percent(50) {
        return scalar(c, indent, true);
    }
    let comma = c.pick(&[", ", ",", " , ", ",\n   ", ", # c\n  ", "", ",,"]);
    if c.percent(50) {
        let items: Vec<String> = (0..c.below(4))
            .map(|_| {
                if c.percent(15) {
                    format!("{}: {}", scalar(c, indent, true), flow(c, indent, depth - 1))
                } else {
                    flow(c, indent, depth - 1)
                }
            })
            .collect();
        return format!(
            "[{}{}{}",
            c.pick(&["", " ", "\n  "]),
            items.join(&comma),
            c.pick(&["]", " ]", ",]", "\n]", "}", ""])
        );
    }
    let items: Vec<String> = (0..c.below(4))
        .map(|_| {
            let key = scalar(c, indent, true);
            key + &c.pick(&[": ", ": ", ":", " : ", "", ":\n  ", ": # c\n "]) + &flow(c, indent, depth - 1)
        })
        .collect();
    format!("{{{}{}{}", c.pick(&["", " ", "? "]), items.join(&comma), c.pick(&["}", " }", ",}", "\n}", "]", ""]))
}

/// A node that begins behind a key or a dash, with the line's end.
fn node(c: &mut Choices, indent: usize, depth: usize) -> String {
    if depth == 0 || c.is_over() || c.percent(35) {
        let scalar = scalar(c, indent, false);
        return if scalar.ends_with('\n') {
            format!(" {scalar}")
        } else {
            format!(" {scalar}{}\n", c.pick(&["", "", " # c", "  ", " #", "\t# c"]))
        };
    }
    if c.percent(20) {
        return format!(" {}\n", flow(c, indent, 2));
    }
    let anchor = if c.percent(15) {
        c.pick(&[" &x", " &y", " !!map", " !!seq", " # c", " &x !!map", " !t"])
    } else {
        String::new()
    };
    let inner = if c.percent(15) { indent } else { indent + 1 + c.below(3) };
    format!("{anchor}\n{}", block(c, inner, depth - 1))
}

fn block(c: &mut Choices, indent: usize, depth: usize) -> String {
    let mut out = String::new();
    let is_seq = c.percent(40);
    for _ in 0..1 + c.below(3) {
        let off = if c.percent(4) { 1 } else { 0 };
        let pad = c.pick(&[&" ".repeat(indent + off), &" ".repeat(indent + off), &" ".repeat(indent)]);
        if c.percent(8) {
            out += &c.pick(&["# comment\n", "\n", "  # c\n", " \n", "\t\n", "%TAG ! x\n"]);
        }
        if is_seq {
            if c.percent(25) && depth > 0 {
                let inner = block(c, indent + 2, depth - 1);
                out += &format!("{pad}- {}", inner.trim_start_matches(' '));
            } else {
                out += &format!("{pad}-{}", node(c, indent, depth));
            }
        } else {
            let key = match c.below(10) {
                0..7 => c.pick(&[
                    "a", "b", "c", "d", "a", "x y", "1", "yes", "10", "9", "1.5", "é", "<<", "\"q\"", "'s'", "&k a",
                    "!!str 1", "*x", "? a", "[a]", "{a: b}", "-a", "a:b", "~",
                ]),
                _ => c.pick(PLAIN),
            };
            let colon = c.pick(&[":", ":", ":", ":", " :", "", "\n:"]);
            out += &format!("{pad}{key}{colon}{}", node(c, indent, depth));
        }
    }
    out
}

fn document(c: &mut Choices) -> String {
    let mut out = c.pick(&[
        "",
        "",
        "",
        "",
        "---\n",
        "--- ",
        "# c\n",
        "%YAML 1.1\n---\n",
        "\n",
        "\u{feff}",
        "%TAG !e! tag:e.org,2000:\n---\n",
        "%YAML 1.2\n---\n",
        "%YAML 2.0\n---\n",
        "%FOO\n---\n",
        "--- # c\n",
        "---\n---\n",
    ]);
    out += &match c.below(8) {
        0..6 => block(c, 0, 3),
        6 => flow(c, 0, 3),
        _ => scalar(c, 0, false),
    };
    out += &c.pick(&["", "", "", "", "...\n", "---\nb: 1\n", "... x\n", "\n\n", " ", "--- |\n x\n"]);
    if c.percent(6) {
        out = out.replace('\n', "\r\n");
    }
    if c.percent(3) {
        out = out.replace('\n', "\r");
    }
    if c.percent(5) {
        let at = c.below(out.len() + 1);
        let at = (0..=at).rev().find(|at| out.is_char_boundary(*at)).unwrap_or(0);
        out.insert_str(
            at,
            &c.pick(&[
                "\t", ":", "\"", "'", "[", "}", "&", "*", "!", "%", "@", "`", "|", ">", "#", ",", "?", "-", "\u{7}",
                "\u{feff}", "\u{85}", "\u{2028}", " ", "\n",
            ]),
        );
    }
    out
}

#[test]
fn documents() {
    let Some(oracle) = Oracle::find() else { return };
    compare("documents", 3000, &made(160, document), |text| difference(&oracle, text));
}

/// Texts on which Go and we once differed.
#[test]
fn what_differed_once() {
    let Some(oracle) = Oracle::find() else { return };
    let texts = [
        "a: 1\nnull: {a: 1, a: .nan}\nnull: 5\n",
        "null: 1\n",
        "a: .nan\na: 1\n",
        "null: [.nan]\n",
        "9223372036854775808: 1\n",
        "\u{feff}\u{feff}a: 1\nb: 2\n",
        "\"a\\Nb\": 1\n",
        "!!binary 18446744073709551616\n",
        "<<:\n - {[a]: b}\n - a\n",
        "<<:\n - a\n - {[b]: c}\n",
        "<<: a\n",
        "a: &x\n*x: a\n",
        "? a a\n.inf:\n b\n",
        "- &a .inf\n- *a : 1\n",
        "a: [&x b, !!null true]\n[a]: *x\n",
        "&y\n<<: *y\n",
        "- &y\n  <<: *y\n",
        "&y\n- <<: *y\n",
        "1e400: a\n1.5: b\n1a: c\n1: d\na: e\n",
        "a: \"\\N\"\n\"b\\N\": 1\n",
    ];
    let different: Vec<String> = texts.iter().filter_map(|text| difference(&oracle, text)).collect();
    assert!(different.is_empty(), "{} differ\n{}", different.len(), different.join("\n"));
}
