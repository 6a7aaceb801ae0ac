//! Templates as Go executes them: output and error texts were taken from Go 1.26.

use bowline_gotemplate::{
    Body, Call, ExecuteError, Failure, Function, List, Map, MissingKey, Program, Text, Traced, Type, Value,
};

/// The host of these tests counts calls.
#[derive(Default)]
struct Host {
    calls: u32,
}

fn include(call: &mut Call<'_, Host>) -> Result<Value, Failure> {
    call.host().calls += 1;
    let mut out = Vec::new();
    let name = call.args()[0].as_text().cloned().unwrap_or_default();
    call.execute(&name, call.args()[1].clone(), &mut out)?;
    Ok(Value::from(out))
}

fn tpl(call: &mut Call<'_, Host>) -> Result<Value, Failure> {
    let mut out = Vec::new();
    let text = call.args()[0].as_text().cloned().unwrap_or_default();
    call.execute_text(&text, call.args()[1].clone(), &mut out)?;
    Ok(Value::from(out))
}

fn upper(args: &[Value]) -> Result<Value, Failure> {
    Ok(Value::from(args[0].as_text().map(|text| text.to_str().to_uppercase()).unwrap_or_default()))
}

fn same(args: &[Value]) -> Result<Value, Failure> {
    Ok(args[0].clone())
}

fn list(args: &[Value]) -> Result<Value, Failure> {
    Ok(Value::list(args.to_vec()))
}

fn oops(_: &[Value]) -> Result<Value, Failure> {
    Err(Failure::new("oops"))
}

fn program() -> Program<Host> {
    use Type::{Any, List, Text};
    let pure =
        |name, params, variadic, returns, body| Function { name, params, variadic, returns, body: Body::Pure(body) };
    Program::new(
        "set",
        vec![
            Function {
                name: "include",
                params: &[Text, Any],
                variadic: false,
                returns: Text,
                body: Body::Host(include),
            },
            Function { name: "tpl", params: &[Text, Any], variadic: false, returns: Text, body: Body::Host(tpl) },
            pure("upper", &[Text], false, Text, upper),
            pure("same", &[Any], false, Any, same),
            pure("list", &[Any], true, List, list),
            pure("oops", &[], false, Any, oops),
        ],
    )
    .missing_key(MissingKey::Zero)
}

fn data() -> Value {
    let map = |entries: Vec<(&str, Value)>| {
        Value::Map(entries.into_iter().map(|(key, value)| (Text::from(key), value)).collect::<Map>())
    };
    map(vec![
        ("name", "web".into()),
        ("count", Value::Float(3.0)),
        ("int", Value::Int(3)),
        ("none", Value::Nil),
        ("yes", true.into()),
        ("items", Value::list(vec!["a".into(), "b".into(), Value::Nil])),
        ("texts", Value::List(List::texts(["x", "y"]))),
        ("image", map(vec![("tag", "v1".into()), ("port", Value::Float(80.0))])),
    ])
}

fn render(text: &str) -> String {
    let mut program = program();
    if let Err(error) = program.parse("t.yaml", text) {
        return format!("parse error: {error}");
    }
    let mut out = Vec::new();
    match program.session(Host::default()).execute("t.yaml", data(), &mut out) {
        Ok(()) => String::from_utf8_lossy(&out).into_owned(),
        Err(error) => format!("error: {error}"),
    }
}

#[track_caller]
fn check(cases: &[(&str, &str)]) {
    for (text, want) in cases {
        assert_eq!(render(text), *want, "{text}");
    }
}

#[test]
fn text_and_trim_markers() {
    check(&[
        ("a {{- 1 -}} b", "a1b"),
        ("a {{ 1 }} b", "a 1 b"),
        ("{{-3}}|{{- 3 -}}|", "-3|3|"),
        ("x{{/* comment */}}y", "xy"),
        ("x \n{{- /* comment */ -}}\n y", "xy"),
        ("{{ \"quoted\\n\" }}{{ `raw\\n` }}{{ 'a' }}", "quoted\nraw\\n97"),
        ("{{ 0x10 }} {{ 1e3 }} {{ 1.50 }} {{ 1_000 }} {{ 1i }}", "16 1000 1.5 1000 (0+1i)"),
    ]);
}

#[test]
fn fields_variables_and_scopes() {
    check(&[
        ("{{ .image.tag }} {{ $.name }} {{ .missing }} {{ .none }}", "v1 web <no value> <no value>"),
        ("{{ (.missing).x }}|{{ with .image }}{{ .tag }}{{ $.name }}{{ end }}", "<no value>|v1web"),
        ("{{ $x := 1 }}{{ if .yes }}{{ $x = 2 }}{{ $x := 3 }}{{ $x }}{{ end }}{{ $x }}", "32"),
        ("{{ $x := 1 }}{{ with $y := 2 }}{{ $x }}{{ $y }}{{ . }}{{ end }}", "122"),
        ("{{ $y := 5 }}{{ $z := and 0 ($y := 1) }}{{ $y }}", "5"),
        ("{{ $y := 5 }}{{ $z := and 1 ($y := 7) }}{{ $y }}", "7"),
        ("{{ if ($x := .name) }}{{ $x }}{{ end }}", "web"),
        ("{{ .items }} {{ .image }}", "[a b <nil>] map[port:80 tag:v1]"),
        ("{{ printf \"%s-%v\" .name .count | upper }}", "WEB-3"),
    ]);
}

#[test]
fn ranges() {
    check(&[
        ("{{ range .items }}[{{ . }}]{{ end }}", "[a][b][<no value>]"),
        ("{{ range $i, $x := .items }}{{ $i }}={{ $x }} {{ end }}", "0=a 1=b 2=<no value> "),
        ("{{ range $k, $v := .image }}{{ $k }}={{ $v }};{{ end }}", "port=80;tag=v1;"),
        ("{{ range 3 }}{{ . }}{{ end }}{{ range $i := 2 }}{{ $i }}{{ end }}", "01201"),
        ("{{ range .missing }}x{{ else }}none{{ end }}", "none"),
        ("{{ range .items }}{{ if eq . \"b\" }}{{ break }}{{ end }}{{ . }}{{ end }}", "a"),
        ("{{ range .texts }}{{ if eq . \"x\" }}{{ continue }}{{ end }}{{ . }}{{ end }}", "y"),
        ("{{ $x := 0 }}{{ range $x = .texts }}{{ end }}{{ $x }}", "y"),
        ("{{ $i := 9 }}{{ $x := 9 }}{{ range $i, $x = .texts }}{{ end }}{{ $i }}{{ $x }}", "1y"),
    ]);
}

#[test]
fn branches_and_truth() {
    check(&[
        ("{{ if .none }}1{{ else if .missing }}2{{ else if .yes }}3{{ else }}4{{ end }}", "3"),
        ("{{ with .none }}1{{ else with .name }}{{ . }}{{ else }}4{{ end }}", "web"),
        ("{{ and .yes .name }} {{ or .none .name }} {{ or 0 \"\" }}| {{ not .none }}", "web web | true"),
        ("{{ or .yes oops }}", "true"),
        ("{{ 1 | and 0 }}{{ 2 | or 0 }}", "02"),
    ]);
}

#[test]
fn comparisons() {
    check(&[
        (
            "{{ eq .name \"web\" \"x\" }}{{ ne 1 2 }}{{ lt 1 2 }}{{ le \"a\" \"a\" }}{{ gt 2.5 1.5 }}{{ ge 1 2 }}",
            "truetruetruetruetruefalse",
        ),
        ("{{ eq .none nil }}{{ eq .name nil }}{{ ne .none .missing }}", "truefalsefalse"),
        (
            "{{ eq .count 3 }}",
            "error: template: t.yaml:1:3: executing \"t.yaml\" at <eq .count 3>: error calling eq: incompatible types for comparison: float64 and int",
        ),
        (
            "{{ lt .items 3 }}",
            "error: template: t.yaml:1:3: executing \"t.yaml\" at <lt .items 3>: error calling lt: invalid type for comparison",
        ),
        (
            "{{ eq .items .items }}",
            "error: template: t.yaml:1:3: executing \"t.yaml\" at <eq .items .items>: error calling eq: non-comparable type [a b <nil>]: []interface {}",
        ),
    ]);
}

#[test]
fn builtins() {
    check(&[
        ("{{ len .items }}{{ len .name }}{{ len .image }}", "332"),
        (
            "{{ index .items 1 }}{{ index .image \"tag\" }}{{ index .name 0 }}|{{ index .image \"x\" }}",
            "bv1119|<no value>",
        ),
        ("{{ slice .name 1 }} {{ slice .name 0 2 }}", "eb we"),
        ("{{ print 1 2 \"a\" 3 }}{{ println .name }}", "1 2a3web\n"),
        (
            "{{ html \"<a&'\\\">\" }} {{ js \"a'<\" }} {{ urlquery \"a b&c\" }}",
            "&lt;a&amp;&#39;&#34;&gt; a\\'\\u003C a+b%26c",
        ),
        (
            "{{ len .none }}",
            "error: template: t.yaml:1:3: executing \"t.yaml\" at <len .none>: error calling len: len of nil pointer",
        ),
        (
            "{{ index .items 9 }}",
            "error: template: t.yaml:1:3: executing \"t.yaml\" at <index .items 9>: error calling index: index out of range: 9",
        ),
        (
            "{{ index .items .count }}",
            "error: template: t.yaml:1:3: executing \"t.yaml\" at <index .items .count>: error calling index: cannot index slice/array with type float64",
        ),
    ]);
}

#[test]
fn errors_say_where_as_go_does() {
    check(&[
        (
            "a: 1\nb: {{ .missing.foo }}",
            "error: template: t.yaml:2:14: executing \"t.yaml\" at <.missing.foo>: nil pointer evaluating interface {}.foo",
        ),
        (
            "{{ .name.foo }}",
            "error: template: t.yaml:1:8: executing \"t.yaml\" at <.name.foo>: can't evaluate field foo in type interface {}",
        ),
        (
            "{{ with .name }}{{ .foo }}{{ end }}",
            "error: template: t.yaml:1:19: executing \"t.yaml\" at <.foo>: can't evaluate field foo in type string",
        ),
        ("{{ upper 1 }}", "error: template: t.yaml:1:9: executing \"t.yaml\" at <1>: expected string; found 1"),
        (
            "{{ upper .count }}",
            "error: template: t.yaml:1:9: executing \"t.yaml\" at <.count>: wrong type for value; expected string; got float64",
        ),
        (
            "{{ upper .none }}",
            "error: template: t.yaml:1:9: executing \"t.yaml\" at <.none>: wrong type for value; expected string; got interface {}",
        ),
        (
            "{{ .none | upper }}",
            "error: template: t.yaml:1:11: executing \"t.yaml\" at <upper>: invalid value; expected string",
        ),
        (
            "{{ upper }}",
            "error: template: t.yaml:1:3: executing \"t.yaml\" at <upper>: wrong number of args for upper: want 1 got 0",
        ),
        (
            "{{ .name 1 }}",
            "error: template: t.yaml:1:3: executing \"t.yaml\" at <.name>: name is not a method but has arguments",
        ),
        (
            "{{ range .count }}{{ end }}",
            "error: template: t.yaml:1:9: executing \"t.yaml\" at <.count>: range can't iterate over 3",
        ),
        ("{{ oops }}", "error: template: t.yaml:1:3: executing \"t.yaml\" at <oops>: error calling oops: oops"),
        (
            "{{ template \"x\" . }}",
            "error: template: t.yaml:1:12: executing \"t.yaml\" at <{{template \"x\" .}}>: template \"x\" not defined",
        ),
        ("{{ nil }}", "error: template: t.yaml:1:3: executing \"t.yaml\" at <nil>: nil is not a command"),
        (
            "{{ if false }}{{ $x := 1 }}{{ else }}{{ $x }}{{ end }}",
            "error: template: t.yaml:1:40: executing \"t.yaml\" at <$x>: undefined variable: $x",
        ),
        (
            "{{ range $i, $x := 3 }}{{ end }}",
            "error: template: t.yaml:1:19: executing \"t.yaml\" at <3>: can't use 3 to iterate over more than one variable",
        ),
    ]);
}

#[test]
fn parse_errors_are_go_s() {
    check(&[
        ("{{ foo }}", "parse error: template: t.yaml:1: function \"foo\" not defined"),
        ("a\n{{ if }}x{{ end }}", "parse error: template: t.yaml:2: missing value for if"),
        ("{{ if .x }}", "parse error: template: t.yaml:1: unexpected EOF"),
        ("{{ end }}", "parse error: template: t.yaml:1: unexpected {{end}}"),
        ("{{ $x }}", "parse error: template: t.yaml:1: undefined variable \"$x\""),
        ("{{ .x", "parse error: template: t.yaml:1: unclosed action"),
        ("{{ .x\n", "parse error: template: t.yaml:2: unclosed action started at t.yaml:1"),
        ("{{ \"x }}", "parse error: template: t.yaml:1: unterminated quoted string"),
        ("{{ (1 }}", "parse error: template: t.yaml:1: unclosed left paren"),
        ("{{ 1) }}", "parse error: template: t.yaml:1: unexpected right paren"),
        ("{{/* x }}", "parse error: template: t.yaml:1: unclosed comment"),
        ("{{ .x@y }}", "parse error: template: t.yaml:1: bad character U+0040 '@'"),
        ("{{ break }}", "parse error: template: t.yaml:1: {{break}} outside {{range}}"),
        ("{{ 1 | 2 }}", "parse error: template: t.yaml:1: non executable command in pipeline stage 2"),
        ("{{ .x | }}", "<no value>"),
        ("{{ | 1 }}", "parse error: template: t.yaml:1: unexpected \"|\" in command"),
        ("{{ 1.x }}", "parse error: template: t.yaml:1: bad number syntax: \"1.x\""),
        ("{{ range $a, $b, $c := .x }}{{ end }}", "parse error: template: t.yaml:1: too many declarations in range"),
        (
            "{{ define \"a\" }}1{{ end }}{{ define \"a\" }}2{{ end }}",
            "parse error: template: t.yaml:1: template: multiple definition of template \"a\"",
        ),
        ("{{ template .x }}", "parse error: template: t.yaml:1: unexpected \".x\" in template clause"),
        ("{{ else }}", "parse error: template: t.yaml:1: unexpected {{else}}"),
    ]);
}

#[test]
fn define_template_block_include_and_tpl() {
    check(&[
        ("{{ define \"a\" }}<{{ . }}>{{ end }}{{ template \"a\" 1 }}{{ include \"a\" .name | upper }}", "<1><WEB>"),
        ("{{ block \"b\" .name }}[{{ . }}]{{ end }}", "[web]"),
        ("{{ tpl \"{{ .name }}{{ define \\\"z\\\" }}Z{{ end }}{{ template \\\"z\\\" }}\" . }}", "webZ"),
        (
            "{{ tpl \"{{ define \\\"z\\\" }}Z{{ end }}\" . }}{{ include \"z\" . }}",
            "error: template: t.yaml:1:45: executing \"t.yaml\" at <include \"z\" .>: error calling include: template: no template \"z\" associated with template \"set\"",
        ),
        (
            "{{ define \"a\" }}\n{{ .x.y.z }}{{ end }}{{ include \"a\" . }}",
            "error: template: t.yaml:2:24: executing \"t.yaml\" at <include \"a\" .>: error calling include: template: t.yaml:2:5: executing \"a\" at <.x.y.z>: nil pointer evaluating interface {}.y",
        ),
    ]);
}

#[test]
fn the_last_file_to_define_a_name_wins_unless_it_is_blank() {
    let mut program = program();
    program.parse("1", "{{ define \"a\" }}one{{ end }}").unwrap();
    program.parse("2", "{{ define \"a\" }}two{{ end }}").unwrap();
    program.parse("3", "{{ define \"a\" }} {{ end }}").unwrap();
    program.parse("m", "{{ include \"a\" . }}").unwrap();
    let mut out = Vec::new();
    let mut session = program.session(Host::default());
    session.execute("m", Value::Nil, &mut out).unwrap();
    assert_eq!((out.as_slice(), session.host().calls), (&b"two"[..], 1));
    let missing = session.execute("nope", Value::Nil, &mut out).unwrap_err();
    assert_eq!(missing.to_string(), "template: no template \"nope\" associated with template \"set\"");
}

#[test]
fn errors_are_structured() {
    let mut program = program();
    program.parse("h", "{{ define \"a\" }}\n  {{ .x.y }}{{ end }}").unwrap();
    program.parse("m", "k: v\nx: {{ include \"a\" . }}").unwrap();
    let failed = program.session(Host::default()).execute("m", data(), &mut Vec::new()).unwrap_err();
    let ExecuteError::Failed(error) = failed else { panic!("{failed}") };
    assert_eq!((&*error.file, error.line, error.column, &*error.template), ("m", 2, 6, "m"));
    let inner = error.innermost();
    assert_eq!((&*inner.file, inner.line, inner.column, &*inner.template, &*inner.node), ("h", 2, 7, "a", ".x.y"));
    assert_eq!(error.chain().count(), 2);
}

#[test]
fn output_knows_its_origin() {
    let mut program = program();
    program.parse("h", "{{ define \"a\" }}x: 1\ny: 2\n{{ end }}").unwrap();
    program
        .parse(
            "m",
            "# head\n{{ template \"a\" . }}{{ include \"a\" . }}\n{{- range .texts }}\nz: {{ . }}\n{{- end }}\n",
        )
        .unwrap();
    let mut traced = Traced::default();
    program.session(Host::default()).execute("m", data(), &mut traced).unwrap();
    assert_eq!(traced.text(), b"# head\nx: 1\ny: 2\nx: 1\ny: 2\n\nz: x\nz: y\n");
    let origins: Vec<_> =
        traced.line_origins().into_iter().flatten().map(|origin| format!("{}:{}", origin.file, origin.line)).collect();
    assert_eq!(origins, ["m:1", "h:1", "h:2", "m:2", "m:2", "m:3", "m:4", "m:4"]);
}

#[test]
fn deep_nesting_ends_in_an_error_or_a_result() {
    let parens = format!("{{{{ {}1{} }}}}", "(".repeat(9_000), ")".repeat(9_000));
    assert_eq!(render(&parens), "1");
    let parens = format!("{{{{ {}1{} }}}}", "(".repeat(10_001), ")".repeat(10_001));
    assert_eq!(render(&parens), "parse error: template: t.yaml:1: max expression depth exceeded");
    let ifs = format!("{}x{}", "{{ if true }}".repeat(20_000), "{{ end }}".repeat(20_000));
    assert_eq!(render(&ifs), "x");
    let endless = render("{{ define \"a\" }}{{ template \"a\" . }}{{ end }}{{ template \"a\" . }}");
    assert!(endless.ends_with("exceeded maximum template depth (100000)"), "{endless}");
}

/// The marked text of every step of an error, from the fault outwards.
#[allow(clippy::unwrap_used)]
fn steps(program: &Program<()>, name: &str, data: Value) -> (Vec<String>, Vec<String>) {
    let mut session = program.session(());
    session.execute(name, data, &mut Vec::new()).unwrap_err();
    let blame = session.blame();
    let steps = blame.steps.iter().map(|step| String::from_utf8_lossy(&step.source[step.span.clone()]).into_owned());
    let steps = steps.collect();
    (steps, blame.subjects.iter().map(|subject| subject.key.to_string()).collect())
}

#[test]
fn an_error_knows_which_part_of_the_text_is_at_fault_and_what_it_read() {
    let image = Map::from_iter([(Text::from("tag"), Value::Int(9))]);
    let values = || Value::Map(Map::from_iter([(Text::from("image"), Value::Map(image.clone()))]));
    let mut program = Program::new("set", Vec::new());
    program.parse("missing", "a: 1\nb: {{ .imge.tag.name }}").unwrap();
    program
        .parse("outer", "{{ define \"inner\" }}{{ $.image.tag.name }}{{ end }}\n{{ template \"inner\" . }}")
        .unwrap();
    program.parse("range", "{{ range .image.tag.x }}{{ end }}").unwrap();
    program.parse("call", "{{ with .image }}{{ .tag | slice \"abc\" 2 }}{{ end }}").unwrap();
    program.parse("index", "{{ index .image.tag \"a\" }}").unwrap();
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    let program = program.missing_key(bowline_gotemplate::MissingKey::Zero);
    assert_eq!(steps(&program, "missing", values()), (texts(&["tag"]), texts(&["imge"])));
    assert_eq!(steps(&program, "outer", values()), (texts(&["name", "\"inner\""]), texts(&["tag"])));
    assert_eq!(steps(&program, "range", values()), (texts(&["x"]), texts(&["tag"])));
    assert_eq!(steps(&program, "index", values()), (texts(&["index .image.tag \"a\""]), texts(&["tag"])));
    let (at, read) = steps(&program, "call", values());
    assert_eq!((at, read), (texts(&["slice \"abc\" 2"]), texts(&["tag"])));
}

#[test]
fn a_parse_error_knows_which_part_of_the_text_is_at_fault() {
    let fault = |text: &str| {
        let error = Program::<()>::new("set", Vec::new()).parse("file", text).unwrap_err();
        let marked = String::from_utf8_lossy(&error.source[error.span.clone()]).into_owned();
        (error.span.start, marked, error.unclosed)
    };
    assert_eq!(fault("a\n{{ nosuch 1 }}"), (5, "nosuch".to_owned(), None));
    assert_eq!(fault("{{ $x }}"), (3, "$x".to_owned(), None));
    assert_eq!(fault("{{ end }}").1, "}}");
    assert_eq!(fault("{{ print \"a }}").0, 9);
    assert_eq!(fault("{{ if .a }}\n {{ with .b }}\n{{ end }}"), (36, String::new(), Some(0)));
    assert_eq!(fault("{{ .a = 1 }}").1, "=");
}

#[test]
fn deferred_texts_are_parsed_when_they_are_needed() {
    let mut program = program();
    program.parse("first", "{{ define \"known\" }}known{{ end }}{{ include \"late\" . }}").unwrap();
    for (name, text) in [
        ("known", "x"),
        ("first", "x"),
        ("a", "{{define \"b\"}}{{end}}"),
        ("a", "{{- /* c */}}{{-\n define \"b\"}}{{end}}"),
        ("a", "{{ block \"b\" .}}{{end}}"),
    ] {
        assert!(!program.defer(name, text), "{text}");
    }
    assert!(program.defer("late", "{{ undefined }} {{/* define */}} block {{ \"define\" }}"));
    assert!(program.defer("good", "{{ upper \"define\" }} {{ include \"known\" . }}"));
    assert!(program.has("late") && program.has("good") && !program.has("b"));
    assert!(!program.is_replaced("good"));
    program.parse("other", "{{ define \"good\" }}{{ end }}").unwrap();
    assert!(program.is_replaced("good"));
    assert_eq!(
        program.parse_deferred("late").unwrap_err().to_string(),
        "template: late:1: function \"undefined\" not defined"
    );
    program.parse_deferred("nobody").unwrap();

    let mut program = self::program();
    assert!(program.defer("good", "{{ upper \"define\" }}"));
    let mut out = Vec::new();
    program.session(Host::default()).execute("good", Value::Nil, &mut out).unwrap();
    assert_eq!(out, b"DEFINE");
    assert!(program.defer("bad", "{{ if }}"));
    assert!(program.session(Host::default()).execute("bad", Value::Nil, &mut out).is_err());
    program.parse_deferred("good").unwrap();
}
