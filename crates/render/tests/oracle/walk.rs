//! Whole templates: every action of text/template, well formed for the most part.

use bowline_peers::oracle::Oracle;

use crate::expressions::{any, expression};
use crate::fuzz::{Choices, compare, made};
use crate::texts::{self, literal};
use crate::{Case, difference};

fn open(c: &mut Choices) -> String {
    c.pick(&["{{ ", "{{- ", "{{", "{{-\n", "{{\t", "{{  ", "{{-"])
}

fn close(c: &mut Choices) -> String {
    c.pick(&[" }}", " -}}", "}}", "\n-}}", "\t}}", "-}}"])
}

fn blank(c: &mut Choices) -> String {
    c.pick(&[
        "\n",
        "",
        " ",
        "\n\n  ",
        "x",
        "\t",
        " \r\n ",
        "text: ",
        "é☃",
        "{",
        "}",
        "}}",
        "#",
        "- a\n",
        "  key: value\n",
        "---\n",
        "\"",
        "<no value>",
        "{{ \"\" }}",
    ])
}

fn variable(c: &mut Choices) -> String {
    c.pick(&["$a", "$b", "$a", "$", "$undefined", "$é", "$a.x", "$b.c.d", "$x1"])
}

fn name(c: &mut Choices) -> String {
    c.pick(&["\"t\"", "\"u\"", "\"h\"", "`web.name`", "\"nowhere\"", "\"\"", "t", "\"web/templates/a.yaml\""])
}

/// A pipeline without variables.
fn value(c: &mut Choices) -> String {
    match c.below(12) {
        0..2 => variable(c),
        2 => c.pick(&[
            ".",
            "$",
            "nil",
            ".Values",
            ".x",
            ".a.b",
            ".Values.table",
            ".Values.l",
            ".Values.names",
            ".Values.nothing",
            "(.Values.m).a",
            "(dict \"a\" (dict \"b\" 2)).a.b",
            "(index .Values.l 5).x",
            "(list 1 2).x",
            "\"a\".b",
            "1.2.3",
            "(nil).x",
        ]),
        3 => literal(&texts::plain(c)),
        4 => c.pick(&[
            "1",
            "1.5",
            "true",
            "'x'",
            "'\\n'",
            "0x1p4",
            "1i",
            "1e1000",
            "99999999999999999999",
            "0777",
            "1_0",
            "''",
            "'ab'",
            "-",
            "+1",
            "0b2",
            "1a",
            ".5",
            "\"\\q\"",
            "\"a",
            "`a",
            "08",
        ]),
        5..8 => expression(c, 1),
        8 => format!(
            "{} | {}",
            value_once(c),
            c.pick(&[
                "quote",
                "printf \"%v\"",
                "default 1",
                "toYaml",
                "upper",
                "len",
                "not",
                ".x",
                "$a",
                "1",
                "\"x\"",
                "nil",
                ".",
                "eq 1",
                "tpl $",
                "include \"h\"",
                "(upper)",
                "printf",
                "toJson | quote | upper",
                "typeOf"
            ])
        ),
        9 => format!("eq {} {}", any(c, 1), any(c, 1)),
        10 => format!(
            "{} ({}) {}",
            c.pick(&["lt", "le", "gt", "ge", "ne", "eq", "and", "or", "index", "len", "print", "call", "slice"]),
            value_once(c),
            any(c, 1)
        ),
        _ => format!("({}) {}", value_once(c), c.pick(&["", "", "1", ".x", "| quote", ".a", ".x.y 1"])),
    }
}

fn value_once(c: &mut Choices) -> String {
    if c.is_over() { "1".to_owned() } else { any(c, 1) }
}

fn pipeline(c: &mut Choices) -> String {
    match c.below(8) {
        0 => format!("$a := {}", value(c)),
        1 => format!("{} := {}", c.pick(&["$b", "$x1", "$", "$é", "$a, $b", "a", "$a.b"]), value(c)),
        _ => value(c),
    }
}

fn ranged(c: &mut Choices) -> String {
    let over = match c.below(5) {
        0 | 1 => c.pick(&[
            ".Values.names",
            ".Values.table",
            ".Values.l",
            ".Values.none",
            ".Values.nothing",
            "3",
            "0",
            "(until 3)",
            "(list 1 2 3)",
            "(dict \"b\" 1 \"a\" 2)",
            "\"text\"",
            ".Values.i",
            ".Values.n",
            "-2",
            "true",
            ".Values.hollow",
            ".Values.missing",
            ".Chart",
            ".Files",
            "(.Files.Lines \"files/a.txt\")",
            "nil",
            "1.5",
        ]),
        _ => value(c),
    };
    c.pick(&["", "", "$i, $v := ", "$v := ", "$a, $b := ", "$a = ", "$a, $b = ", "$i, $v, $w := ", "$i, := ", "$u = "])
        + &over
}

/// Some actions and texts.
fn body(c: &mut Choices, depth: usize) -> String {
    let mut out = String::new();
    for _ in 0..1 + c.below(4) {
        if c.is_over() {
            break;
        }
        out += &item(c, depth);
    }
    out
}

fn item(c: &mut Choices, depth: usize) -> String {
    let (left, right) = (open(c), close(c));
    let wrap = |inside: &str| format!("{left}{inside}{right}");
    if depth == 0 {
        return match c.below(3) {
            0 => blank(c),
            1 => wrap(&value(c)),
            _ => wrap(&c.pick(&["$i", "$v", "$a", ".", "$", "$b"])),
        };
    }
    match c.below(22) {
        0..3 => blank(c),
        3..6 => wrap(&pipeline(c)),
        6 => wrap(&format!("{} = {}", variable(c), value(c))),
        7 => {
            let mut out = wrap(&format!("if {}", pipeline(c))) + &body(c, depth - 1);
            for _ in 0..c.below(3) {
                out += &wrap(&format!("else {}{}", c.pick(&["if ", "if ", "with ", "range ", ""]), value(c)));
                out += &body(c, depth - 1);
            }
            if c.percent(50) {
                out += &wrap(&c.pick(&["else", "else", "else ", "else x"]));
                out += &body(c, depth - 1);
            }
            out + &wrap("end")
        }
        8 | 9 => {
            let mut out = wrap(&format!("with {}", pipeline(c))) + &body(c, depth - 1);
            if c.percent(30) {
                out += &wrap(&format!("else with {}", pipeline(c)));
                out += &body(c, depth - 1);
            }
            if c.percent(50) {
                out += &wrap("else");
                out += &body(c, depth - 1);
            }
            out + &wrap("end")
        }
        10..13 => {
            let mut out = wrap(&format!("range {}", ranged(c))) + &body(c, depth - 1);
            if c.percent(30) {
                let when = value(c);
                out += &wrap(&format!("if {when}"));
                out += &wrap(&c.pick(&["break", "continue", "break 1", "continue\n", "break | x"]));
                out += &wrap("end");
                out += &body(c, depth - 1);
            }
            if c.percent(40) {
                out += &wrap("else");
                out += &body(c, depth - 1);
            }
            out + &wrap("end")
        }
        13 => wrap(&format!("define {}", name(c))) + &body(c, depth - 1) + &wrap("end"),
        14 => wrap(&format!("block {} {}", name(c), value(c))) + &body(c, depth - 1) + &wrap("end"),
        15 => wrap(&format!("template {} {}", name(c), if c.percent(60) { value(c) } else { String::new() })),
        16 => wrap(&format!("include {} {}", name(c), value_once(c))),
        17 => wrap(&c.pick(&[
            "/* c */",
            "/* a\n b */",
            "/*x*/ ",
            "/* c",
            "/**/",
            "/* }} */",
            "break",
            "continue",
            "end",
            "else",
            "",
            "$",
            "template",
            "if",
            "range",
            "with",
            "define",
            "block \"x\"",
            "else if 1",
            "nofunction",
            "$a :=",
            "a b",
            "1 2",
            "| 1",
            "1 |",
            "()",
            "(1",
            "1)",
            ".a .b",
            "..",
            ".a..b",
            "@",
            "=",
            ":=",
            "$a =",
            "%",
            "\"a\"\"b\"",
            "'",
            ",",
            "{",
            "#",
            "\u{1}",
            "\\",
            "true false",
            "nil",
            "printf | printf",
            ". | .",
            "$.x.",
            ".1",
            ".x1",
            "$1",
            "range",
            "end end",
            "if 1 else",
        ])),
        18 => {
            wrap(&format!("with $a := {}", value(c)))
                + &wrap(&format!("$a = {}", value(c)))
                + &wrap("$a")
                + &wrap("end")
        }
        19 => wrap(&format!("tpl {} .", literal(&body(c, depth - 1)))),
        20 => wrap(&format!("/* comment */{}", "")),
        _ => {
            wrap(&format!("range {}", ranged(c)))
                + &wrap(&format!("$a = {}", c.pick(&["$a", "$v", ".", "1", "$i"])))
                + &body(c, depth - 1)
                + &wrap("end")
        }
    }
}

/// A template, seldom cut or with a part twice.
pub(crate) fn template(c: &mut Choices) -> String {
    let mut out =
        if c.percent(80) { "{{ $a := 1 }}{{ $b := dict \"c\" (dict \"d\" 5) }}".to_owned() } else { String::new() };
    out += &body(c, 3);
    if c.percent(4) {
        let at = c.below(out.len() + 1);
        let at = (0..=at).rev().find(|at| out.is_char_boundary(*at)).unwrap_or(0);
        out.truncate(at);
    }
    out
}

#[test]
fn templates() {
    let Some(oracle) = Oracle::find() else { return };
    compare("templates", 1500, &made(150, template), |template| difference(&oracle, &Case::of(template)));
}
