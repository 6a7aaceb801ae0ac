//! Tokens in any order, parsed and executed by Go's text/template and by us: same bytes, same error texts, and the same
//! bytes before an error.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../../../fuzz/mod.rs"]
mod fuzz;

use bowline_gotemplate::{ExecuteError, Map, MissingKey, Program, Text, Value};
use bowline_peers::oracle::{Oracle, bytes, files};
use fuzz::{Choices, compare, made};
use serde_json::json;

const DATA: &str = "s: text ☃\nf: 2.5\n\"n\": ~\nb: true\nl: [1, x, ~]\nm: {k: 1, l: {d: deep}}\ne: []\n";

fn map(entries: Vec<(&str, Value)>) -> Value {
    Value::Map(entries.into_iter().map(|(key, value)| (Text::from(key), value)).collect::<Map>())
}

fn data() -> Value {
    map(vec![
        ("s", Value::text("text ☃")),
        ("f", Value::Float(2.5)),
        ("n", Value::Nil),
        ("b", Value::Bool(true)),
        ("l", Value::list(vec![Value::Float(1.0), Value::text("x"), Value::Nil])),
        ("m", map(vec![("k", Value::Float(1.0)), ("l", map(vec![("d", Value::text("deep"))]))])),
        ("e", Value::list(Vec::new())),
    ])
}

type Said = (Vec<u8>, Option<String>);

fn ours(text: &str, missing_key: MissingKey) -> Said {
    let mut program: Program<()> = Program::new("gotpl", Vec::new()).missing_key(missing_key);
    if let Err(error) = program.parse("file", text) {
        return (Vec::new(), Some(error.to_string()));
    }
    let mut out = Vec::new();
    let failed = program.session(()).execute("file", data(), &mut out).err();
    let error = failed.map(|error| match error {
        ExecuteError::Failed(error) => error.to_string(),
        missing @ ExecuteError::Missing { .. } => missing.to_string(),
    });
    (out, error)
}

const TOKENS: &[&str] = &[
    "{{",
    "}}",
    " ",
    "{{- ",
    " -}}",
    ".",
    "$",
    "$x",
    ".s",
    ".m.k",
    ".m.zz.y",
    ".l",
    ".n",
    ".zz",
    "nil",
    "true",
    "1",
    "1.5",
    "'c'",
    "\"a\"",
    "`b`",
    "(",
    ")",
    "|",
    ":=",
    "=",
    ",",
    "if ",
    "else ",
    "else",
    "end",
    "range ",
    "with ",
    "define \"t\"",
    "template \"t\" ",
    "block \"t\" ",
    "break",
    "continue",
    "{{end}}",
    "{{else}}",
    "{{if ",
    "{{range ",
    "{{with ",
    "{{define \"t\"}}",
    "{{template \"t\" .}}",
    "{{$x := ",
    "{{$x}}",
    "{{$x = ",
    "printf \"%v\" ",
    "print ",
    "len ",
    "index ",
    "eq ",
    "lt ",
    "and ",
    "or ",
    "not ",
    "html ",
    "js ",
    "urlquery ",
    "slice ",
    "call ",
    "/* c */",
    "{{/*",
    "*/}}",
    "\n",
    "text",
    "}",
    "{",
    "\"",
    "'",
    "\\",
    "é",
    "0x1F",
    "-1",
    "+",
    "1i",
    "$i, $v := ",
    "{{range $i, $v := .l}}",
    "{{range .e}}",
    "{{else with .m}}",
    "{{else if .n}}",
    "{{.}}",
    "{{break}}",
    "{{continue}}",
    "\t",
    "\r\n",
    "..",
    "#",
    "@",
    "99999999999999999999",
];

fn template(c: &mut Choices) -> String {
    if c.percent(50) {
        return c.pieces(TOKENS, 14);
    }
    // Actions that are closed, with anything in them.
    let mut out = String::new();
    for _ in 0..1 + c.below(5) {
        out += &c.pick(&["", "x", "\n", " y "]);
        out += &c.pick(&[
            "{{",
            "{{- ",
            "{{if ",
            "{{range ",
            "{{with ",
            "{{$x := ",
            "{{end",
            "{{else",
            "{{define \"t\"}}{{",
            "{{template \"t\" ",
        ]);
        out += &c.pieces(TOKENS, 4);
        out += &c.pick(&["}}", " -}}", "}}{{end}}"]);
    }
    out
}

#[test]
fn tokens_in_any_order() {
    let Some(oracle) = Oracle::find() else { return };
    let case = |c: &mut Choices| {
        let missing = [("default", MissingKey::Invalid), ("zero", MissingKey::Zero), ("error", MissingKey::Error)];
        (missing[c.below(3)], template(c))
    };
    compare("tokens", 3000, &made(60, case), |((name, missing_key), text)| {
        let request = json!({
            "Op": "gotemplate", "Name": "file", "MissingKey": name, "Text": bytes(DATA), "Files": files([("file", text)]),
        });
        let theirs = oracle.ask(&request)?;
        let theirs = (theirs.out, theirs.error);
        let ours = ours(text, *missing_key);
        let shown = |said: &Said| format!("{:?} {:?}", String::from_utf8_lossy(&said.0), said.1);
        (theirs != ours).then(|| format!("  go:   {}\n  ours: {}", shown(&theirs), shown(&ours)))
    });
}
