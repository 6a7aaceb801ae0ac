//! Templates nobody would write: no text makes the lexer, the parser or the executor panic, hang or eat memory.
#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "../../../fuzz/mod.rs"]
mod fuzz;

use bowline_gotemplate::fmt::{sprint, sprintf};
use bowline_gotemplate::{Body, Call, ExecuteError, Failure, Function, Map, Program, Text, Type, Value};
use fuzz::{cases, jumble, mutated, on_a_small_stack};
use proptest::prelude::*;

fn include(call: &mut Call<'_, ()>) -> Result<Value, Failure> {
    let mut out = Vec::new();
    let name = call.args()[0].as_text().cloned().unwrap_or_default();
    call.execute(&name, call.args()[1].clone(), &mut out)?;
    Ok(Value::from(out))
}

fn tpl(call: &mut Call<'_, ()>) -> Result<Value, Failure> {
    let mut out = Vec::new();
    let text = call.args()[0].as_text().cloned().unwrap_or_default();
    call.execute_text(&text, call.args()[1].clone(), &mut out)?;
    Ok(Value::from(out))
}

fn list(args: &[Value]) -> Result<Value, Failure> {
    Ok(Value::list(args.to_vec()))
}

fn join(args: &[Value]) -> Result<Value, Failure> {
    Ok(Value::from(sprint(args)))
}

fn program() -> Program<()> {
    use Type::{Any, List, Text};
    let host = |name, body| Function { name, params: &[Text, Any], variadic: false, returns: Text, body };
    let pure = |name, returns, body| Function { name, params: &[Any], variadic: true, returns, body: Body::Pure(body) };
    let functions = vec![
        host("include", Body::Host(include)),
        host("tpl", Body::Host(tpl)),
        pure("list", List, list),
        pure("join", Text, join),
    ];
    Program::new("set", functions)
}

fn data() -> Value {
    let map: Map = [
        ("s", Value::text("text ☃")),
        ("t", Value::text("{{ tpl .t . }}")),
        ("i", Value::Int(3)),
        ("f", Value::Float(2.5)),
        ("n", Value::Nil),
        ("b", Value::Bool(true)),
        ("l", Value::list(vec![Value::Int(1), Value::text("x"), Value::Nil])),
        ("bytes", Value::Bytes(bowline_gotemplate::Text::from(&b"\xff\x00"[..]))),
    ]
    .into_iter()
    .map(|(key, value)| (bowline_gotemplate::Text::from(key), value))
    .collect();
    map.set("m", Value::Map([(bowline_gotemplate::Text::from("k"), Value::Int(1))].into_iter().collect())).unwrap();
    Value::Map(map)
}

/// Parses and executes; what came out, or the error's text.
fn run(text: &[u8]) -> Result<Vec<u8>, String> {
    let mut program = program();
    if let Err(error) = program.parse("file", Text::from(text)) {
        let lines = 1 + text.iter().filter(|byte| **byte == b'\n').count() as u32;
        assert!(error.line <= lines, "{error} in a text of {lines} lines");
        return Err(error.to_string());
    }
    let mut out = Vec::new();
    match program.session(()).execute("file", data(), &mut out) {
        Ok(()) => Ok(out),
        Err(ExecuteError::Failed(error)) => {
            let _ = error.innermost();
            if error.to_string().len() < 100_000 {
                let _ = error.chain();
            }
            if &*error.file == "file" {
                let line = text.split(|byte| *byte == b'\n').nth(error.line as usize - 1);
                assert!(line.is_some_and(|line| error.column as usize <= line.len()), "{error}");
            }
            Err(error.to_string())
        }
        Err(error) => Err(error.to_string()),
    }
}

fn error(text: impl Into<Vec<u8>>) -> String {
    let text = text.into();
    on_a_small_stack(move || run(&text).map(|out| out.len())).unwrap_err()
}

const FRAGMENTS: &[&str] = &[
    "{{",
    "}}",
    "{{-",
    "-}}",
    " ",
    "\n",
    "{{/*",
    "*/}}",
    "if",
    "else",
    "end",
    "range",
    "with",
    "define",
    "block",
    "template",
    "break",
    "continue",
    "{{end}}",
    "{{ end }}",
    "{{else}}",
    "{{if .b}}",
    "{{if .n}}",
    "{{range .l}}",
    "{{range $i, $e := .l}}",
    "{{range 3}}",
    "{{with .m}}",
    "{{define \"a\"}}",
    "{{template \"a\" .}}",
    "{{block \"b\" .}}",
    "{{break}}",
    "{{continue}}",
    ".",
    ".s",
    ".i",
    ".l",
    ".m.k",
    ".f",
    ".n",
    "$",
    "$x",
    "$x := ",
    "$x = ",
    "|",
    "(",
    ")",
    "\"s\"",
    "`raw`",
    "'c'",
    "1",
    "-1",
    "0x1F",
    "1e3",
    "1i",
    "nil",
    "true",
    "printf",
    "\"%v %d %s\"",
    "print",
    "len",
    "index",
    "slice",
    "and",
    "or",
    "not",
    "eq",
    "lt",
    "html",
    "js",
    "urlquery",
    "call",
    "include",
    "tpl",
    "list",
    "join",
    "\"{{.}}\"",
    "text",
    ",",
    ":=",
    "=",
    "{{.s}}",
    "{{printf \"%q\" .}}",
    "{{index .l 1}}",
    "{{.m | len}}",
    "{{$x := .}}",
];

const SEEDS: &[&str] = &[
    "{{- define \"a\" -}}{{ range $i, $e := .l }}{{ if eq $i 1 }}{{ break }}{{ else }}{{ $e | printf \"%-5v|\" }}{{ end }}{{ end }}{{- end -}}\n{{ template \"a\" . }}{{ include \"a\" . | len }}",
    "{{ $x := list 1 2 .s }}{{ with $x }}{{ index . 2 | printf \"%q %x\" .}}{{ else with .m }}{{ .k }}{{ end }}{{ slice .s 1 3 }}",
    "a {{- /* note */ -}} b {{ if and .b (not .n) (or .n 1) }}{{ (index .l 0) }}{{ else if .i }}{{ .m.k }}{{ else }}{{ 'x' }}{{ end }}",
    "{{ block \"inner\" .m }}{{ range $k, $v := . }}{{ $k }}={{ $v }}{{ continue }}{{ else }}none{{ end }}{{ end }}{{ tpl \"{{ .s }}{{ define `z` }}{{ end }}\" . }}",
    "{{ printf \"%+08.3f %#x %U %c %*d %[2]v %!z\" .f .s 9731 65 5 .i }}{{ html .s }}{{ js .s }}{{ urlquery .s }}{{ 1.5e3 }}{{ 0b11 }}{{ 3i }}{{ -0x1p4 }}",
    "{{ range 5 }}{{ . }}{{ if gt . 3 }}{{ break }}{{ end }}{{ end }}{{ $y := 1 }}{{ $y = 2 }}{{ `raw\nline` }}{{ \"\\u2603\\x41\\101\" }}",
];

proptest! {
    #![proptest_config(cases(1500))]

    #[test]
    fn any_bytes_are_a_template_or_an_error(text in prop::collection::vec(any::<u8>(), 0..80)) {
        prop_assert_eq!(run(&text), run(&text));
    }

    #[test]
    fn fragments_of_templates_are_a_template_or_an_error(text in jumble(FRAGMENTS, 30)) {
        prop_assert_eq!(run(text.as_bytes()), run(text.as_bytes()));
    }

    #[test]
    fn changed_templates_are_a_template_or_an_error(
        text in mutated(SEEDS.iter().map(|seed| seed.as_bytes().to_vec()).collect())
    ) {
        prop_assert_eq!(run(&text), run(&text));
    }

    #[test]
    fn text_without_actions_is_printed_as_it_is(text in "([^{]|\\{[^{])*") {
        prop_assume!(!text.contains("{{"));
        prop_assert_eq!(run(text.as_bytes()), Ok(text.into_bytes()));
    }
}

fn operand() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Nil),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        any::<i64>().prop_map(Value::Int64),
        any::<i64>().prop_map(Value::Duration),
        any::<u64>().prop_map(Value::Uint64),
        any::<u8>().prop_map(Value::Uint8),
        any::<f64>().prop_map(Value::Float),
        any::<(f64, f64)>().prop_map(|(real, imaginary)| Value::Complex(real, imaginary)),
        "\\PC{0,8}".prop_map(Value::from),
        prop::collection::vec(any::<u8>(), 0..6).prop_map(|bytes| Value::Bytes(Text::from(bytes))),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::list),
            prop::collection::vec(("[a-c]", inner), 0..4).prop_map(|entries| {
                Value::Map(entries.into_iter().map(|(key, value)| (Text::from(key), value)).collect())
            }),
        ]
    })
}

fn directive() -> impl Strategy<Value = String> {
    let number = prop_oneof![
        4 => Just(String::new()),
        4 => (0..40u32).prop_map(|n| n.to_string()),
        1 => (0..2_000_000u32).prop_map(|n| n.to_string()),
        1 => any::<u64>().prop_map(|n| n.to_string()),
        1 => Just("*".to_owned()),
        1 => (0..5u32).prop_map(|n| format!("[{n}]*")),
    ];
    let index = prop_oneof![4 => Just(String::new()), 1 => "\\[[0-9-]{0,20}\\]?"];
    let verb = prop_oneof![8 => "[vTtbcdoOqxXUeEfFgGspw%]", 1 => "\\PC", 1 => Just(String::new())];
    ("[-+# 0]{0,4}", number.clone(), prop::bool::ANY, number, index, verb).prop_map(
        |(flags, width, point, precision, index, verb)| {
            let point = if point { "." } else { "" };
            let precision = if point.is_empty() { String::new() } else { precision };
            format!("%{flags}{width}{point}{precision}{index}{verb}")
        },
    )
}

proptest! {
    #![proptest_config(cases(1500))]

    #[test]
    fn any_verb_prints_any_value_in_bounds(
        directives in prop::collection::vec(directive(), 1..3), values in prop::collection::vec(operand(), 0..4)
    ) {
        let format = directives.join("|");
        let printed = sprintf(format.as_bytes(), &values);
        prop_assert!(printed.len() < 64 << 20, "{} bytes", printed.len());
        prop_assert_eq!(printed, sprintf(format.as_bytes(), &values));
    }
}

#[test]
fn deep_nesting_ends_in_an_error_or_in_output_on_a_small_stack() {
    let deep = 100_000;
    assert!(error(format!("{{{{ {}1{} }}}}", "(".repeat(deep), ")".repeat(deep))).contains("depth"));
    assert!(error("{{ (".repeat(deep)).contains("unexpected"));
    for open in ["{{if 1}}", "{{with 1}}", "{{range .l}}", "{{if 0}}{{else if 1}}", "{{block \"a\" .}}"] {
        assert!(error(open.repeat(deep)).contains("max block depth exceeded"), "{open}");
    }
    for depth in [1_000, deep] {
        let text = format!("{}x{}", "{{if 1}}".repeat(depth), "{{end}}".repeat(depth));
        let outcome = on_a_small_stack(move || run(text.as_bytes()));
        assert!(outcome.as_ref().is_ok_and(|out| out == b"x") || outcome.is_err_and(|error| error.contains("depth")));
    }
    let text = format!("{{{{ if 0 }}}}{}{{{{ end }}}}", "{{ else if 0 }}".repeat(deep));
    let _ = on_a_small_stack(move || run(text.as_bytes()));
    let text = format!("{{{{ .s{} }}}}", " | print".repeat(20_000));
    assert!(on_a_small_stack(move || run(text.as_bytes())).is_ok());
    let text = format!("{{{{ .{} }}}}", "a.".repeat(deep));
    let _ = on_a_small_stack(move || run(text.as_bytes()));
    let text = format!("{{{{ $x{} }}}}", ".a".repeat(deep));
    let _ = on_a_small_stack(move || run(text.as_bytes()));
    let text = "{{$a := 1}}".repeat(20_000);
    assert!(on_a_small_stack(move || run(text.as_bytes())).is_ok());
}

#[test]
fn templates_that_invoke_themselves_end_in_an_error() {
    let message = "maximum template depth";
    assert!(error("{{define \"a\"}}{{template \"a\" .}}{{end}}{{template \"a\" .}}").contains(message));
    assert!(error("{{define \"a\"}}{{include \"a\" .}}{{end}}{{include \"a\" .}}").contains(message));
    assert!(error("{{ tpl .t . }}").contains(message));
}

#[test]
fn loops_without_end_end_in_an_error() {
    assert!(error("{{range 9223372036854775807}}{{end}}").contains("too much work"));
    let nested = format!("{}{}", "{{range 10000}}".repeat(20), "{{end}}".repeat(20));
    assert!(error(nested).contains("too much work"));
}

#[test]
fn output_and_values_that_grow_without_end_end_in_an_error() {
    let doubled = "{{$x := `abcdefgh`}}{{range 60}}{{$x = print $x $x}}{{end}}{{$x}}";
    assert!(error(doubled).contains("too much text"));
    let wide = format!("{{{{range 9000000}}}}{}{{{{end}}}}", "x".repeat(1 << 16));
    assert!(error(wide).contains("too much text"));
    // A list of 2^60 leaves that takes hardly any memory itself.
    let shared = "{{$x := list 1 2}}{{range 60}}{{$x = list $x $x}}{{end}}";
    for last in ["{{$x}}", "{{print $x}}", "{{printf `%d` $x}}", "{{println $x}}"] {
        assert!(error(format!("{shared}{last}")).contains("too much text"), "{last}");
    }
    for last in ["{{join $x $x}}", "{{html $x}}", "{{js $x}}", "{{urlquery $x}}", "{{eq $x 1}}"] {
        let text = format!("{shared}{last}");
        let length = on_a_small_stack(move || run(text.as_bytes())).map_or_else(|error| error.len(), |out| out.len());
        assert!(length < 64 << 20, "{last}: {length}");
    }
}

#[test]
fn values_nested_without_end_are_printed_and_dropped_on_a_small_stack() {
    let nested = "{{$x := list 1}}{{range 300000}}{{$x = list $x}}{{end}}{{len (print $x)}}";
    assert!(on_a_small_stack(|| run(nested.as_bytes())).is_ok());
}

#[test]
fn huge_widths_and_precisions_are_go_s_errors_or_bounded() {
    for (format, value) in [
        ("%99999999999d", Value::Int(1)),
        ("%.99999999999f", Value::Float(1.0)),
        ("%.999999f", Value::Float(1.0)),
        ("%.70000e", Value::Float(1.5)),
        ("%.70000g", Value::Float(1.5)),
        ("%.70000x", Value::Float(1.5)),
        ("%#.70000g", Value::Float(1.5)),
        ("%.70000U", Value::Int(1)),
        ("%.70000d", Value::Int(1)),
        ("%070000d", Value::Int(1)),
    ] {
        assert!(sprintf(format.as_bytes(), &[value]).len() < 3_000_000, "{format}");
    }
    assert_eq!(sprintf(b"%.70000f", &[Value::Float(1.0)]).len(), 70_002);
    assert_eq!(sprintf(b"%.70000d", &[Value::Int(1)]).len(), 70_000);
}
