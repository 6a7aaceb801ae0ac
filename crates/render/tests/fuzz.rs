//! Charts nobody would write: no template and no argument of a function makes the rendering panic, hang or eat memory.
#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "../../../fuzz/mod.rs"]
mod fuzz;

use std::rc::Rc;

use bowline_chart::{Chart, UserValues};
use bowline_manifest::TemplateOutput;
use bowline_render::{Environment, Nowhere, Options, Templates, functions};
use fuzz::{cases, jumble, mutated_text, on_a_small_stack};
use proptest::prelude::*;
use proptest::sample::select;

const VALUES: &str = "s: text ☃\nempty: \"\"\nn: 3\nneg: -7\nhuge: 9e18\nf: 2.5\nyes_: true\nnothing: ~\nl: [b, a, 1, ~, [x], {y: z}]\n\
    m: {a: 1, b: {c: x}, l: [1, 2]}\nt: '{{ tpl .Values.t . }}'\nyaml: \"a: [1, {b: c}]\"\njson: '{\"a\":[1,null]}'\ndate: 2024-05-06T07:08:09Z\n\
    re: '(a|b)*[c-d]+'\nver: 1.2.3-alpha.1+b\nurl: 'https://u:p@h:1/p?q=1#f'\nb64: 'aGVsbG8='\nbytes: 'a\\0b'\n";

/// Renders these templates; where asked for, in both ways there are.
fn render(templates: &[(&str, &str)], both: bool) -> Result<String, String> {
    let mut files = vec![
        ("Chart.yaml".to_owned(), b"apiVersion: v2\nname: web\nversion: 1.2.3\n".to_vec()),
        ("values.yaml".to_owned(), VALUES.as_bytes().to_vec()),
        ("files/a.txt".to_owned(), b"one\ntwo\n".to_vec()),
    ];
    files.extend(templates.iter().map(|(name, text)| (format!("templates/{name}"), text.as_bytes().to_vec())));
    let chart = Chart::from_files(files).unwrap();
    let templates = Templates::new(chart);
    let (values, options) = (UserValues::default(), Options { release_name: "rel".to_owned(), ..Options::default() });
    let nowhere: Rc<dyn Environment> = Rc::new(Nowhere);
    let text = templates.template(&values, &options, &nowhere, TemplateOutput::default());
    if both {
        let set = templates.render(&values, &options, &nowhere);
        assert_eq!(text.is_ok(), set.is_ok(), "the two ways to render agree on what fails");
    }
    text.map(|text| text.text()).map_err(|error| error.helm_template_text())
}

fn one(template: &str) -> Result<String, String> {
    render(&[("a.yaml", template)], true)
}

const ARGUMENTS: &[&str] = &[
    ".Values.s",
    ".Values.empty",
    ".Values.n",
    ".Values.neg",
    ".Values.huge",
    ".Values.f",
    ".Values.yes_",
    ".Values.nothing",
    ".Values.l",
    ".Values.m",
    ".Values.t",
    ".Values.yaml",
    ".Values.json",
    ".Values.date",
    ".Values.re",
    ".Values.ver",
    ".Values.url",
    ".Values.b64",
    ".Values.bytes",
    ".",
    "$",
    ".Values",
    ".Files",
    ".Chart",
    ".Capabilities",
    "nil",
    "0",
    "-1",
    "1",
    "7",
    "64",
    "65536",
    "1000000",
    "9223372036854775807",
    "-9223372036854775808",
    "1.5",
    "-0.0",
    "1e300",
    "\"\"",
    "\"%\"",
    "\"a,b\"",
    "\"^(a+)+$\"",
    "\"(\"",
    "\"[\"",
    "\"\\xff\"",
    "\"2006-01-02\"",
    "\"1h2m\"",
    "\"*/**\"",
    "(list)",
    "(dict)",
    "(list 1 2 3)",
    "(list \"a\" nil)",
    "(dict \"a\" (dict \"b\" 1))",
    "(until 5)",
    "now",
    "(b64enc \"x\")",
    "(toDate \"2006\" \"x\")",
    "(list (dict) (list))",
    "(tuple 1 \"b\")",
    "(1i)",
    "'c'",
    "(printf \"%s\" 1)",
    "(splitList \"\" \"abc\")",
    "true",
];

/// Functions whose work is costly by design: a key, a hash of a password. They get a turn, and not a thousand.
const COSTLY: &[&str] = &[
    "genPrivateKey",
    "genCA",
    "genSelfSignedCert",
    "genSignedCert",
    "genCAWithKey",
    "genSelfSignedCertWithKey",
    "genSignedCertWithKey",
    "derivePassword",
    "htpasswd",
    "bcrypt",
    "buildCustomCert",
];

fn call() -> impl Strategy<Value = String> {
    let names: Vec<String> =
        functions::program(bowline_chart::Compat::default()).function_names().into_iter().map(str::to_owned).collect();
    let names: Vec<String> = names.into_iter().filter(|name| !COSTLY.contains(&name.as_str())).collect();
    (select(names), prop::collection::vec(select(ARGUMENTS), 0..5))
        .prop_map(|(name, arguments)| format!("{name} {}", arguments.join(" ")))
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn every_function_takes_any_arguments(calls in prop::collection::vec(call(), 1..3)) {
        let template: String = calls.iter().map(|call| format!("a: {{{{ {call} | quote }}}}\n")).collect();
        let first = one(&template);
        if let Ok(text) = &first {
            prop_assert!(text.len() < 600 << 20);
        }
        prop_assert_eq!(first, one(&template));
    }
}

proptest! {
    #![proptest_config(cases(8))]

    #[test]
    fn costly_functions_take_any_arguments(name in select(COSTLY), arguments in prop::collection::vec(select(&["\"a\"", "\"\"", "0", "-1", "1", "nil", "(list)", "(list \"1.2.3.4\" \"x\" 1)", "(dict)", ".Values.m", "\"dsa\"", "\"ed25519\"", "\"ecdsa\"", "\"long\"", "99999999999"][..]), 0..6)) {
        let _ = one(&format!("a: {{{{ {name} {} | quote }}}}", arguments.join(" ")));
    }
}

const TEMPLATE: &str = "{{- range $k, $v := .Values.m }}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ $k | quote }}\n  annotations:\n    \
    \"helm.sh/hook\": pre-install, post-upgrade\n    \"helm.sh/hook-weight\": \"-5\"\n    \"helm.sh/hook-delete-policy\": hook-succeeded\ndata:\n  a: |\n    {{- toYaml $v | nindent 4 }}\n{{- end }}\n\
    ---\n# Source: x\n# only a comment\n---\n{{ include \"h\" . }}\n{{- define \"h\" }}kind: Secret\nmetadata: {name: x}\n{{ end }}";

const DOCUMENTS: &[&str] = &[
    "---\n",
    "---",
    "--- ",
    "# Source: a\n",
    "# comment\n",
    "kind: Pod\n",
    "kind: ~\n",
    "kind: [a]\n",
    "apiVersion: v1\n",
    "metadata:\n",
    "  name: a\n",
    "  annotations:\n",
    "    helm.sh/hook: ",
    "pre-install",
    "test",
    ",",
    "x",
    "\n",
    "    helm.sh/hook-weight: ",
    "\"1\"",
    "1.5",
    "    helm.sh/hook-delete-policy: ",
    "[]",
    "{}",
    "~\n",
    "null\n",
    "- a\n",
    "\"",
    "'",
    "|\n",
    "{{ \"\" }}",
    "{{/* c */}}",
    "metadata: []\n",
    "metadata: x\n",
    "...\n",
    "%YAML 1.1\n",
    "\t",
    "&a ",
    "*a",
    "!!binary x\n",
    "  ",
];

proptest! {
    #![proptest_config(cases(150))]

    #[test]
    fn changed_templates_render_or_are_errors(text in mutated_text(&[TEMPLATE])) {
        prop_assert_eq!(one(&text), one(&text));
    }

    #[test]
    fn documents_of_any_shape_render_or_are_errors(text in jumble(DOCUMENTS, 30)) {
        prop_assert_eq!(render(&[("a.yaml", &text), ("NOTES.txt", &text)], true), render(&[("a.yaml", &text), ("NOTES.txt", &text)], true));
    }
}

#[test]
fn templates_that_include_each_other_for_ever_are_errors_on_a_small_stack() {
    for template in [
        "{{ define \"a\" }}{{ include \"a\" . }}{{ end }}{{ include \"a\" . }}",
        "{{ define \"a\" }}{{ include \"b\" . }}{{ end }}{{ define \"b\" }}{{ include \"a\" . }}{{ end }}{{ include \"a\" . }}",
        "{{ tpl .Values.t . }}",
        "{{ define \"a\" }}{{ tpl \"{{ include `a` . }}\" . }}{{ end }}{{ include \"a\" . }}",
        "{{ define \"a\" }}{{ tpl (printf \"{{/* %d */}}{{ include `a` (add1 .) }}\" .) . }}{{ end }}{{ include \"a\" 1 }}",
    ] {
        assert!(on_a_small_stack(move || one(template)).is_err(), "{template}");
    }
}

#[test]
fn values_without_end_are_errors_or_bounded_in_every_function_on_a_small_stack() {
    let nested = "{{ $x := list 1 }}{{ range until 3000 }}{{ $x = list $x }}{{ end }}";
    let shared = "{{ $x := list 1 2 }}{{ range until 60 }}{{ $x = list $x $x }}{{ end }}";
    let itself = "{{ $x := dict }}{{ $_ := set $x \"a\" $x }}";
    let merged = "{{ $x := dict \"a\" 1 }}{{ range until 3000 }}{{ $x = dict \"a\" $x }}{{ end }}";
    for last in ["toYaml $x", "toJson $x", "deepCopy $x", "print $x", "merge (dict) (dict \"x\" $x)"] {
        let template = format!("{shared}{{{{ {last} | len }}}}");
        let _ = on_a_small_stack(move || render(&[("a.yaml", &template)], false));
    }
    for start in [nested, itself, merged] {
        for last in [
            "toYaml $x",
            "toJson $x",
            "toPrettyJson $x",
            "toRawJson $x",
            "toToml $x",
            "deepCopy $x",
            "deepEqual $x (deepCopy $x)",
            "deepEqual $x $x",
            "print $x",
            "toString $x",
            "quote $x",
            "squote $x",
            "cat $x",
            "join \",\" $x",
            "merge (dict) (dict \"x\" $x)",
            "mergeOverwrite (dict \"x\" $x) (dict \"x\" $x)",
            "has $x $x",
            "uniq $x",
            "compact $x",
            "without $x 1",
            "toStrings $x",
            "sortAlpha $x",
            "empty $x",
            "kindOf $x",
            "dig \"a\" 1 (dict \"a\" $x)",
            "len $x",
            "concat $x $x",
            "values (dict \"a\" $x)",
            "eq $x $x",
            "html $x",
            "fromYaml (toYaml $x)",
            "tpl \"{{ toYaml . }}\" $x",
            "coalesce $x",
            "ternary $x 1 true",
            "typeOf $x",
            "mustToJson $x",
            "toYamlPretty $x",
            "default $x $x",
            "hasKey (dict \"a\" $x) \"a\"",
        ] {
            let template = format!("{start}{{{{ {last} | len }}}}");
            let _ = on_a_small_stack(move || render(&[("a.yaml", &template)], false));
        }
    }
}

#[test]
fn texts_and_lists_that_are_huge_are_errors_or_bounded() {
    for call in [
        "repeat 9223372036854775807 \"a\"",
        "repeat 1000000000 \"ab\"",
        "indent 1000000000 \"a\"",
        "nindent 1000000000 \"a\"",
        "until 9223372036854775807",
        "untilStep 0 9223372036854775807 1",
        "untilStep 0 10 0",
        "seq 1 9223372036854775807",
        "seq 0 -1 -9223372036854775808",
        "randAlphaNum 9223372036854775807",
        "randBytes 9223372036854775807",
        "wrap 9223372036854775807 \"a b\"",
        "wrapWith 0 \"x\" \"a b\"",
        "trunc -9223372036854775808 \"abc\"",
        "substr -9223372036854775808 9223372036854775807 \"abc\"",
        "abbrev 9223372036854775807 \"abc\"",
        "abbrevboth -1 9223372036854775807 \"abc\"",
        "splitn \"a\" 9223372036854775807 \"abc\"",
        "chunk -1 (list 1)",
        "chunk 9223372036854775807 (list 1)",
        "div 1 0",
        "mod 1 0",
        "div -9223372036854775808 -1",
        "mod -9223372036854775808 -1",
        "round 1.5 2147483647",
        "regexReplaceAll \"(a*)*\" \"aaaa\" \"$1$1\"",
        "regexMatch \"((a{1000}){1000}){1000}\" \"a\"",
        "regexFindAll \"\" \"abc\" 9223372036854775807",
        "regexSplit \"\" \"abc\" -5",
        "regexMatch \"(?:(?:(?:(?:a{100}){100}){100}){100}){10}\" \"b\"",
        "duration 9223372036854775807",
        "durationRound \"9999999999999999999h\"",
        "ago 9223372036854775807",
        "dateModify \"9999999h\" now",
        "date \"2006\" 9223372036854775807",
        "htmlDate -9223372036854775808",
        "unixEpoch now",
        "add 9223372036854775807 1",
        "mul 9223372036854775807 9223372036854775807",
        "sub -9223372036854775808 1",
        "floor 1e300",
        "ceil -1e300",
        "toDecimal 777777777777777777777777",
        "int 1e300",
        "int64 \"9999999999999999999999\"",
        "atoi \"\"",
        "mulf 1e300 1e300",
        "fromYaml (repeat 100000 \"[\")",
        "fromJson (repeat 100000 \"[\")",
        "fromToml (printf \"a=%s\" (repeat 100000 \"[\"))",
        "fromToml (printf \"[%s]\" (repeat 50000 \"a.\"))",
        "fromYaml (repeat 30000 \"- \")",
        "fromYaml (repeat 30000 \"{a: \")",
        "urlParse (repeat 100000 \"%\")",
        "semver (repeat 100000 \"1.\")",
        "semverCompare (repeat 100000 \"||\") \"1.0.0\"",
        "b64dec (repeat 100001 \"a\")",
        "b32dec (repeat 100001 \"A\")",
        "genPrivateKey \"rsa\" | trunc 1",
        "bcrypt (repeat 100000 \"a\")",
        "encryptAES \"k\" (repeat 100000 \"a\")",
        "decryptAES \"k\" \"AAAA\"",
        "derivePassword 0 \"x\" \"p\" \"u\" \"s\"",
        "adler32sum (repeat 100000 \"a\")",
        ".Files.Glob (repeat 1000 \"{a,\")",
        ".Files.Glob (repeat 20 \"{a,b}\")",
        ".Files.Lines \"files/a.txt\"",
        "regexMatch (repeat 100000 \"(\") \"a\"",
        "swapcase (repeat 100000 \"é\")",
        "plural 1 2 3",
        "get (dict) \"a\"",
        "list | first",
        "randInt 5 1",
        "randInt -9223372036854775808 9223372036854775807",
        "shuffle (repeat 100000 \"a\")",
        "initials (repeat 100000 \"a \")",
        "camelcase (repeat 100000 \"_\")",
        "snakecase (repeat 100000 \"A\")",
    ] {
        let template = format!("{{{{ $x := {call} }}}}{{{{ len (print $x) }}}}");
        let _ = on_a_small_stack(move || render(&[("a.yaml", &template)], false));
    }
}

const SCHEMA: &str = r##"{"$schema": "http://json-schema.org/draft-07/schema#", "$id": "http://a/b.json", "definitions": {"d": {"type":     ["string", "null"], "pattern": "^a(b|c)*$", "format": "uri"}}, "properties": {"s": {"$ref": "#/definitions/d"}, "n": {"minimum": 1e2,     "multipleOf": 0.5}, "l": {"items": [{"const": "b"}], "additionalItems": {"$ref": "#"}, "contains": {"enum": [1, null]}, "uniqueItems":     true}, "m": {"anyOf": [{"required": ["z"]}, {"not": {"$ref": "#/properties/m"}}], "propertyNames": {"maxLength": 1}}},     "patternProperties": {"^[a-z]": {"if": {"type": "number"}, "then": {"exclusiveMaximum": 3}}}, "additionalProperties": false,     "dependencies": {"s": ["none"], "n": {"allOf": [true, {"$ref": "#"}]}}}"##;

const DYNAMIC: &str = r##"{"$schema": "https://json-schema.org/draft/2020-12/schema", "$dynamicAnchor": "node", "prefixItems": [{"$anchor":     "x"}], "items": {"$dynamicRef": "#node"}, "unevaluatedProperties": {"$ref": "#x"}, "$defs": {"y": {"$id": "y.json", "$ref":     "b.json#/%7e0"}}, "dependentSchemas": {"m": {"unevaluatedItems": false, "minContains": 2, "contains": {}}}, "oneOf": [{},     {"$ref": "#/$defs/y"}]}"##;

fn with_schema(schema: &[u8]) -> Result<String, String> {
    let files = [
        ("Chart.yaml", "apiVersion: v2\nname: web\nversion: 1.2.3\n".as_bytes()),
        ("values.yaml", VALUES.as_bytes()),
        ("values.schema.json", schema),
    ];
    let chart = Chart::from_files(files.map(|(name, data)| (name.to_owned(), data.to_vec()))).unwrap();
    let nowhere: Rc<dyn Environment> = Rc::new(Nowhere);
    let text = Templates::new(chart).template(
        &UserValues::default(),
        &Options::default(),
        &nowhere,
        TemplateOutput::default(),
    );
    text.map(|text| text.text()).map_err(|error| error.to_string())
}

proptest! {
    #![proptest_config(cases(150))]

    #[test]
    fn any_schema_is_met_or_not(schema in mutated_text(&[SCHEMA, DYNAMIC])) {
        let _ = with_schema(schema.as_bytes()).is_ok();
    }
}

#[test]
fn schemas_that_refer_to_themselves_or_nest_without_end_are_refused() {
    assert!(with_schema(SCHEMA.as_bytes()).unwrap_err().contains("web:\n- at "));
    assert!(with_schema(br##"{"$ref": "#"}"##).unwrap_err().contains("causing reference cycle"));
    assert!(
        with_schema(br##"{"allOf": [{"$ref": "#/anyOf/0"}], "anyOf": [{"$ref": "#/allOf/0"}]}"##)
            .unwrap_err()
            .contains("cycle")
    );
    on_a_small_stack(|| {
        for (before, after) in
            [("{\"not\":", "}"), ("{\"allOf\":[", "]}"), ("[", "]"), ("{\"properties\":{\"m\":", "}}")]
        {
            let deep = format!("{}true{}", before.repeat(2_000), after.repeat(2_000));
            let _ = with_schema(deep.as_bytes()).is_ok();
        }
    });
    // A number of a million digits is none, and a pattern may not grow without end.
    for schema in [
        r#"{"properties": {"n": {"multipleOf": 1e-999999, "maximum": 1e999999999}}}"#,
        r#"{"properties": {"s": {"pattern": "((a{1000}){1000}){1000}"}}}"#,
    ] {
        let _ = with_schema(schema.as_bytes()).is_ok();
    }
}
