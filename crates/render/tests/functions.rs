//! Every function with odd arguments, rendered by the real Helm and by us.
//!
//! One chart holds hundreds of expressions, each on a line of its own: Helm starts once for all of them. An expression
//! that fails ends a rendering, so failures have charts of their own.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use support::Case;

const VALUES: &str = r#"
text: hello World
empty: ""
unicode: héllo ☃ wörld 😀
padded: "  pad\t"
mixed: foo-bar_baz QuxHTTPServer2x
html: <a href='x'>&"</a>
number: 3
float: 2.75
big: 1000000
huge: 1.0e+21
yes_: true
no_: false
nothing: null
list: [b, a, c]
none: []
odd: [a, 1, null, true, [1], {z: 2}]
map: {a: 1, b: {c: x}, l: [1, 2]}
"#;

/// A chart with one template.
fn chart(name: &str, template: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("functions").join(name);
    fs::create_dir_all(folder.join("templates")).unwrap();
    fs::write(folder.join("Chart.yaml"), "apiVersion: v2\nname: functions\nversion: 0.1.0\n").unwrap();
    fs::write(folder.join("values.yaml"), VALUES).unwrap();
    fs::write(folder.join("notes.txt"), "one\ntwo\n").unwrap();
    fs::write(folder.join("templates/all.yaml"), template).unwrap();
    folder
}

/// Renders all expressions at once; every result is a quoted ASCII string, so that nothing of it is lost.
fn compare(name: &str, expressions: &[String]) {
    let Some(helm) = bowline_peers::find("helm") else { return };
    let mut template = String::from("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: all}\ndata:\n");
    for (i, expression) in expressions.iter().enumerate() {
        writeln!(template, "  e{i}: {{{{ printf \"%+q\" (printf \"%v\" ({expression})) }}}}").unwrap();
    }
    let case = Case::new(chart(name, &template));
    let (theirs, ours) = (case.helm(&helm), case.ours());
    let theirs = theirs.expect("helm renders all of them");
    let ours = ours.expect("we render all of them");
    let line = |text: &str, i: usize| {
        let key = format!("  e{i}: ");
        text.lines().find_map(|line| line.strip_prefix(&key).map(str::to_owned)).unwrap_or_default()
    };
    let different: Vec<String> = (0..expressions.len())
        .filter(|i| line(&theirs, *i) != line(&ours, *i))
        .map(|i| format!("{}\n  helm: {}\n  ours: {}", expressions[i], line(&theirs, i), line(&ours, i)))
        .collect();
    assert!(different.is_empty(), "{} of {} differ\n{}", different.len(), expressions.len(), different.join("\n"));
    assert_eq!(theirs, ours);
}

/// Every function with every argument list.
fn product(functions: &str, arguments: &[&str]) -> Vec<String> {
    let each = |function: &str| -> Vec<String> { arguments.iter().map(|args| format!("{function} {args}")).collect() };
    functions.split_whitespace().flat_map(each).collect()
}

const TEXTS: &[&str] =
    &[".Values.text", ".Values.empty", ".Values.unicode", ".Values.padded", ".Values.mixed", ".Values.html"];

const ANYTHING: &[&str] = &[
    ".Values.text",
    ".Values.empty",
    ".Values.number",
    ".Values.float",
    ".Values.big",
    ".Values.huge",
    ".Values.yes_",
    ".Values.no_",
    ".Values.nothing",
    ".Values.list",
    ".Values.none",
    ".Values.odd",
    ".Values.map",
    "1",
    "-2.50",
    "`raw`",
    "(list 1 2)",
    "(dict)",
    "(int64 5)",
    "(until 3)",
    "(splitList `,` `x,y`)",
    "(semver `v1.2.3-rc.1+b`)",
    "(mustToDuration `90m`)",
    "(index `abc` 1)",
    "(toDate `2006-01-02` `2024-02-29`)",
    "(rest (list))",
];

const LISTS: &[&str] = &[".Values.list", ".Values.none", ".Values.odd", "(until 3)", "(splitList `,` `x,y,x`)"];

#[test]
fn functions_of_one_argument() {
    let mut all = product(
        "upper lower title untitle trim nospace initials swapcase snakecase camelcase kebabcase b64enc b64dec b32enc b32dec \
         sha1sum sha256sum sha512sum adler32sum atoi regexQuoteMeta base dir clean ext isAbs osBase fromYaml fromJson \
         fromYamlArray fromJsonArray fromToml",
        TEXTS,
    );
    all.extend(product(
        "quote squote cat toString toStrings typeOf kindOf empty not toJson toPrettyJson toRawJson toYaml toYamlPretty \
         int int64 float64 toDecimal floor ceil add1 add1f print println html js urlquery list all any coalesce default \
         durationSeconds durationMinutes durationHours durationDays duration durationRound sortAlpha",
        ANYTHING,
    ));
    all.extend(product("first last rest initial reverse compact uniq len", LISTS));
    // The time that has passed since is not the same for both, and a time is not written as a string there.
    all.retain(|expression| {
        !(expression.contains("toDate")
            && (expression.starts_with("durationRound") || expression.starts_with("toYamlPretty")))
    });
    compare("one", &all);
}

#[test]
fn functions_of_more_arguments() {
    let mut all = Vec::new();
    for function in "trimAll trimSuffix trimPrefix contains hasPrefix hasSuffix splitList split".split_whitespace() {
        for first in ["`h`", "`o`", "` `", "``", "`☃`"] {
            all.extend(TEXTS.iter().map(|text| format!("{function} {first} {text}")));
        }
    }
    for function in "trunc indent nindent abbrev wrap".split_whitespace() {
        for count in [0, 3, 8, 100] {
            all.extend(TEXTS.iter().map(|text| format!("{function} {count} {text}")));
        }
    }
    for function in
        "add sub mul max min addf subf mulf maxf minf cat ternary deepEqual typeIs kindIs".split_whitespace()
    {
        for first in ["`3`", "`010`", "`1e3`"] {
            all.extend(
                ANYTHING.iter().filter(|_| function != "ternary").map(|other| format!("{function} {first} {other}")),
            );
        }
    }
    for function in "append prepend without has concat chunk join slice".split_whitespace() {
        for list in LISTS {
            all.push(match function {
                "has" => format!("has `a` {list}"),
                "chunk" => format!("chunk 2 {list}"),
                "join" => format!("join `-` {list}"),
                "concat" => format!("concat {list} (list 9)"),
                _ => format!("{function} {list} 1"),
            });
        }
    }
    // Go shows the insides of a time, with addresses, under verbs that make no sense for it.
    let printable = || ANYTHING.iter().filter(|value| !value.contains("toDate"));
    for format in ["%v", "%d", "%s", "%q", "%5.1f", "%x", "%+v", "%T", "%08.3f", "%-5v|", "%t", "%e", "%U"] {
        all.extend(printable().map(|value| format!("printf `{format}` {value}")));
    }
    for (a, b) in [(0, 5), (3, 0), (-2, 4), (5, 5), (2, -3)] {
        all.push(format!("seq {a} {b}"));
        all.push(format!("untilStep {a} {b} 2"));
        all.push(format!("round {a}.{}45 {}", b + 3, b.max(0)));
        all.push(format!("substr {} {} .Values.text", a.max(0), (b + 5).max(a)));
    }
    for places in 0..4 {
        all.push(format!("round 123.4567 {places}"));
        all.push(format!("round -2.5551 {places}"));
        all.push(format!("round (divf 10 3) {places}"));
    }
    compare("more", &all);
}

#[test]
fn maps_and_merging() {
    let maps = [
        "(dict `a` 1)",
        "(dict `a` `` `b` (dict))",
        "(dict `b` (dict `c` 0 `d` 4))",
        "(dict `l` (list 1))",
        "(dict `a` nil)",
        "(deepCopy .Values.map)",
        "(dict `b` `x`)",
        "(dict `l` (list))",
    ];
    let mut all = Vec::new();
    for function in ["merge", "mergeOverwrite", "mustMerge", "mustMergeOverwrite"] {
        for one in maps {
            all.extend(maps.iter().map(|two| format!("{function} {one} {two} | toJson")));
        }
    }
    for map in maps {
        all.push(format!("keys {map} | sortAlpha"));
        all.push(format!("hasKey {map} `a`"));
        all.push(format!("get {map} `a`"));
        all.push(format!("pick {map} `a` `l`"));
        all.push(format!("omit {map} `a`"));
        all.push(format!("dig `b` `fallback` {map}"));
        all.push(format!("set {map} `z` 1"));
        all.push(format!("unset {map} `a`"));
        all.push(format!("pluck `a` {map} .Values.map"));
    }
    compare("maps", &all);
}

#[test]
fn regular_expressions_versions_times_and_urls() {
    let mut all = Vec::new();
    for pattern in
        ["a+", "(a)(b)?", "[a-z]+", "^h", "\\\\d+", "(?i)WORLD", "(?P<n>o+)", "\\\\bw", "[[:upper:]]", "", "x{2}"]
    {
        for text in ["hello World", "aab xx 12", "", "é☃ab"] {
            all.push(format!("regexMatch \"{pattern}\" \"{text}\""));
            all.push(format!("regexFind \"{pattern}\" \"{text}\""));
            all.push(format!("regexFindAll \"{pattern}\" \"{text}\" -1"));
            all.push(format!("regexSplit \"{pattern}\" \"{text}\" -1"));
            all.push(format!("regexReplaceAll \"{pattern}\" \"{text}\" \"<$1|${{n}}>\""));
            all.push(format!("regexReplaceAllLiteral \"{pattern}\" \"{text}\" \"$1\""));
        }
    }
    for constraint in
        ["1.2", ">=1.2.3", "^1", "~1.2", "1.x", ">1 <3", "1.2 - 2.0", "!=1.2.3", ">=1.0.0-0", "<1.2.3 || >2"]
    {
        for version in ["1.2.3", "v1.3.0", "2.0.0-rc.1", "1", "0.9.9+b"] {
            all.push(format!("semverCompare `{constraint}` `{version}`"));
        }
    }
    for layout in ["2006-01-02T15:04:05Z07:00", "Mon Jan _2 3:04PM 06", "002 .000 MST"] {
        for seconds in ["0", "1700000000", "-86399"] {
            all.push(format!("dateInZone `{layout}` (int64 {seconds}) `UTC`"));
        }
    }
    for url in ["https://u:p@h:80/a%20b?q=1#f", "mailto:x@y", "//h/p", "/p?x", "http://[::1]:8080/"] {
        all.push(format!("urlParse `{url}` | toJson"));
        all.push(format!("urlParse `{url}` | urlJoin"));
    }
    for path in ["a/../b", "/", "", "a.tar.gz", "../x/"] {
        all.extend(["base", "dir", "clean", "ext"].map(|function| format!("{function} `{path}`")));
    }
    compare("domains", &all);
}

#[test]
fn objects_of_helm() {
    let all = [
        ".Capabilities.KubeVersion",
        ".Capabilities.KubeVersion.Minor",
        ".Capabilities.APIVersions.Has `apps/v1`",
        ".Capabilities.APIVersions.Has `apps/v9`",
        ".Capabilities.HelmVersion.KubeClientVersion",
        "typeOf .Values",
        "typeOf .Capabilities",
        "typeOf .Files",
        "kindOf .Files",
        "typeOf .Chart",
        "typeOf .Release.Revision",
        ".Files.Get `notes.txt`",
        ".Files.Lines `notes.txt`",
        "(.Files.Glob `*.txt`).AsConfig",
        "(.Files.Glob `*.txt`).AsSecrets",
        ".Files.GetBytes `notes.txt`",
        ".Files.Get `missing`",
        ".Values.YAML",
        ".Values.Table `map`",
        ".Values.PathValue `map.b.c`",
        "dig `b` `c` `x` .Values.AsMap.map",
        ".Chart.Name",
        ".Template.Name",
        ".Template.BasePath",
        "tpl `{{ .Values.text }}-{{ .Chart.Name }}` .",
        "lookup `v1` `Secret` `a` `b`",
        "required `needed` .Values.text",
        "derivePassword 1 `long` `password` `user` `example.com`",
        "include (print .Template.BasePath `/_none.tpl`) . | default `none`",
    ];
    let all: Vec<String> =
        all.iter().filter(|expression| !expression.starts_with("include")).map(|e| (*e).to_owned()).collect();
    compare("objects", &all);
}

#[test]
fn failures_have_helm_s_words() {
    let Some(helm) = bowline_peers::find("helm") else { return };
    let expressions = [
        "{{ .Values.missing.deeper }}",
        "{{ .Values.text.deeper }}",
        "{{ upper .Values.number }}",
        "{{ .Values.nothing | upper }}",
        "{{ upper }}",
        "{{ eq .Values.number 3 }}",
        "{{ index .Values.list 9 }}",
        "{{ required \"a text is needed\" .Values.nothing }}",
        "{{ fail \"on purpose: no\" }}",
        "{{ include \"nowhere\" . }}",
        "{{ template \"nowhere\" . }}",
        "{{ define \"inner\" }}{{ .Values.a.b }}{{ end }}\nx: {{ include \"inner\" . }}",
        "{{ tpl \"{{ .Values.a.b }}\" . }}",
        "{{ tpl \"{{ nofunction }}\" . }}",
        "{{ nofunction }}",
        "{{ if }}{{ end }}",
        "{{ .Values.text }",
        "{{ range .Values.number }}{{ end }}",
        "{{ mustRegexMatch \"[a\" \"b\" }}",
        "{{ regexFind \"a**\" \"b\" }}",
        "{{ semverCompare \"!!\" \"1\" }}",
        "{{ mustToDate \"2006-01-02\" \"x\" }}",
        "{{ first 3 }}",
        "{{ dig \"a\" \"b\" 3 }}",
        "{{ div 1 0 }}",
        "{{ substr 5 2 \"hello\" }}",
        "{{ $x := 1 }}{{ if false }}{{ $y := 1 }}{{ else }}{{ $y }}{{ end }}",
        "{{ mustFromJson \"{\" }}",
    ];
    let next = AtomicUsize::new(0);
    let compare = || {
        let mut different = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(expression) = expressions.get(at) else { return different };
            let case = Case::new(chart(&format!("failure-{at}"), &format!("a: 1\nb: {expression}\n")));
            let (theirs, ours) = (case.helm(&helm), case.ours());
            assert!(theirs.is_err(), "{expression} does not fail");
            if theirs != ours {
                different.push(format!("{expression}\n  helm: {theirs:?}\n  ours: {ours:?}"));
            }
        }
    };
    let different: Vec<String> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..2).map(|_| scope.spawn(compare)).collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    });
    assert!(different.is_empty(), "{} differ\n{}", different.len(), different.join("\n"));
}
