//! Templates that nobody wrote, rendered by Helm's own packages and by us: same bytes, same error texts.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../../../../fuzz/mod.rs"]
mod fuzz;

mod expressions;
mod helm3;
mod regressions;
mod shapes;
mod texts;
mod values;
mod walk;

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use bowline_chart::{Chart, Compat, UserValues, ValueSources};
use bowline_peers::oracle::{Oracle, files};
use bowline_render::{Environment, Nowhere, Options, Templates, functions};
use serde_json::json;

/// A chart, and what the command line says.
#[derive(Clone, Default)]
pub(crate) struct Case {
    pub(crate) files: Vec<(String, Vec<u8>)>,
    pub(crate) sources: ValueSources,
}

pub(crate) const VALUES: &str = r#"
s: text ☃
empty: ""
n: 3
neg: -7
big: 1000000
huge: 9.0e+18
f: 2.5
tiny: 1.0e-7
yes_: true
no_: false
nothing: ~
l: [b, a, 1, ~, [x], {y: z}]
names: [web, db, cache]
numbers: [3, 1.5, 2]
none: []
m: {a: 1, b: {c: x, d: [1, 2]}, l: [1, 2], "": e}
table: {web: {port: 80, on: true}, db: {port: 5432, on: false}}
nested: {a: {b: {c: {d: deep}}}}
hollow: {}
t: '{{ .Values.s }}-{{ $.Release.Name }}'
"#;

impl Case {
    /// One template in a chart with many kinds of values.
    pub(crate) fn of(template: &str) -> Self {
        let files = [
            (
                "Chart.yaml",
                "apiVersion: v2\nname: web\nversion: 1.2.3\nappVersion: v4\nkeywords: [a, b]\nannotations: {x: y}\n",
            ),
            ("values.yaml", VALUES),
            ("files/a.txt", "one\ntwo\n"),
            (
                "templates/_h.tpl",
                "{{ define \"h\" }}[{{ . }}]{{ end }}{{ define \"web.name\" }}{{ .Release.Name }}-{{ .Chart.Name }}{{ end }}",
            ),
            ("templates/a.yaml", template),
        ];
        let files = files.map(|(name, text)| (name.to_owned(), text.as_bytes().to_vec())).to_vec();
        // Numbers from the command line are integers, those from files are not.
        let set = vec!["i=5,im.a=7,il={1,2,3}".to_owned()];
        Self { files, sources: ValueSources { set, ..ValueSources::default() } }
    }

    /// The same, for Helm 3.
    pub(crate) fn for_helm3(mut self) -> Self {
        self.sources.compat = Compat::Helm3;
        self
    }
}

impl std::fmt::Debug for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f)?;
        for (name, data) in self.files.iter().filter(|(name, _)| !name.ends_with("a.yaml") && !name.ends_with("b.yaml"))
        {
            writeln!(f, "--- {name}\n{}", String::from_utf8_lossy(data))?;
        }
        write!(f, "{:?}", self.sources)
    }
}

pub(crate) type Said = Result<BTreeMap<String, Vec<u8>>, String>;

pub(crate) fn ours(case: &Case) -> Said {
    ours_in(case, &(Rc::new(Nowhere) as Rc<dyn Environment>))
}

/// What we make of a case where templates see that environment.
pub(crate) fn ours_in(case: &Case, environment: &Rc<dyn Environment>) -> Said {
    let values = UserValues::load(&case.sources).map_err(|error| error.to_string())?;
    let chart = Chart::from_files_as(case.files.clone(), case.sources.compat).map_err(|error| error.to_string())?;
    let options = Options { release_name: "rel".to_owned(), ..Options::default() };
    Templates::new(chart).written(&values, &options, environment).map_err(|error| error.to_string())
}

/// `None` where Go has no answer.
pub(crate) fn theirs(oracle: &Oracle, case: &Case) -> Option<Said> {
    let ValueSources { json, set, string, literal, .. } = &case.sources;
    let files = files(case.files.iter().map(|(name, data)| (name.as_str(), data)));
    let request = json!({
        "Op": "render", "Release": "rel", "Namespace": "default", "Files": files,
        "JSON": json, "Set": set, "SetString": string, "SetLiteral": literal,
    });
    Some(oracle.ask(&request)?.files())
}

/// Neither bytes that no text can hold nor the addresses of Go's values can be the same.
fn comparable(said: Said) -> Said {
    said.map(|files| files.into_iter().map(|(name, data)| (name, without_addresses(&data))).collect())
        .map_err(|error| String::from_utf8_lossy(&without_addresses(one_mark(&error).as_bytes())).into_owned())
}

/// Broken bytes of an error text are replaced one by one by Go, and together by us.
fn one_mark(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        if !(c == '\u{fffd}' && out.ends_with('\u{fffd}')) {
            out.push(c);
        }
    }
    out
}

fn without_addresses(data: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(data.len());
    let mut rest = data;
    while let Some(at) = rest.windows(2).position(|part| part == b"0x") {
        let digits = rest[at + 2..].iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        let shown: &[u8] = if digits < 7 { &rest[at..at + 2 + digits] } else { b"ADDRESS" };
        out.extend([&rest[..at], shown].concat());
        rest = &rest[at + 2 + digits..];
    }
    out.extend(rest);
    out
}

/// What differs.
pub(crate) fn difference(oracle: &Oracle, case: &Case) -> Option<String> {
    let asked = || theirs(oracle, case).map(comparable);
    let theirs = asked()?;
    let ours = comparable(ours(case));
    if theirs == ours || is_known(&theirs, &ours) {
        return None;
    }
    // An address that is shown as a number differs between two runs of Helm itself.
    if (0..8).any(|_| asked().is_some_and(|again| same_where_certain(&theirs, &again, &ours))) {
        return None;
    }
    let shown = |said: &Said| match said {
        Ok(files) => {
            files.values().map(|data| format!("{:?}", String::from_utf8_lossy(data))).collect::<Vec<_>>().join(" ")
        }
        Err(error) => format!("error {error:?}"),
    };
    Some(format!("  helm: {}\n  ours: {}", shown(&theirs), shown(&ours)))
}

/// Whether Helm says two different things, and we say what both have in common.
fn same_where_certain(one: &Said, two: &Said, ours: &Said) -> bool {
    let words = |said: &Said| -> Vec<String> {
        let text = match said {
            Ok(files) => files.values().map(|data| String::from_utf8_lossy(data).into_owned()).collect(),
            Err(error) => error.clone(),
        };
        text.split_inclusive(|c: char| !c.is_alphanumeric()).map(str::to_owned).collect()
    };
    let (first, second, ours) = (words(one), words(two), words(ours));
    one != two
        && one.is_ok() == two.is_ok()
        && first.len() == second.len()
        && first.len() == ours.len()
        && first.iter().zip(&second).zip(&ours).all(|((one, two), ours)| one != two || one == ours)
}

/// Differences that are meant, or that nobody can remove.
fn is_known(theirs: &Said, ours: &Said) -> bool {
    // We have limits where Go has its memory.
    let limit =
        |error: &String| error.contains("takes too") || error.contains("too long") || error.contains("too much text");
    if ours.as_ref().is_err_and(limit) {
        return true;
    }
    // The parts of a time's zone are Go's own affair.
    let zones = |files: &BTreeMap<String, Vec<u8>>| {
        files.values().any(|data| String::from_utf8_lossy(data).contains("time.Location="))
    };
    if theirs.as_ref().is_ok_and(zones) {
        return true;
    }
    // Where lines are folded, the length of an address counts.
    let unfolded = |files: &BTreeMap<String, Vec<u8>>| -> Option<String> {
        let all: String = files.values().map(|data| String::from_utf8_lossy(data).into_owned()).collect();
        all.contains("ADDRESS").then(|| all.split_whitespace().collect())
    };
    match (theirs, ours) {
        (Ok(theirs), Ok(ours)) => unfolded(theirs).is_some_and(|theirs| Some(theirs) == unfolded(ours)),
        _ => false,
    }
}

pub(crate) fn assert_same(templates: &[&str]) {
    let Some(oracle) = Oracle::find() else { return };
    let differ = |template: &&str| difference(&oracle, &Case::of(template)).map(|text| format!("{template}\n{text}"));
    let different: Vec<String> = templates.iter().filter_map(differ).collect();
    assert!(different.is_empty(), "{} differ\n{}", different.len(), different.join("\n"));
}

#[test]
fn helm_s_functions_and_no_others() {
    let Some(oracle) = Oracle::find() else { return };
    assert_functions(&oracle, Compat::Helm4);
}

/// Asserts that we have the functions of that Helm, with their types, and no others.
pub(crate) fn assert_functions(oracle: &Oracle, compat: Compat) {
    let theirs = oracle.ask(&json!({"Op": "functions"})).expect("the functions").files;
    let theirs: BTreeSet<String> = theirs
        .into_iter()
        .filter(|(name, _)| name != "tpl")
        .map(|(name, typed)| format!("{name}: {}", String::from_utf8(typed).unwrap()))
        .collect();
    let ours: BTreeSet<String> = functions::table(compat)
        .iter()
        .filter(|function| function.name != "tpl")
        .map(|function| {
            let last = function.params.len().saturating_sub(1);
            let params: Vec<String> = function
                .params
                .iter()
                .enumerate()
                .map(
                    |(i, param)| {
                        if function.variadic && i == last { format!("...{param}") } else { param.to_string() }
                    },
                )
                .collect();
            format!("{}: func({}) {}", function.name, params.join(", "), function.returns)
        })
        .collect();
    // What stands for `tpl` until a rendering begins has another type than what does then.
    // Whether a function can fail is not part of our signatures.
    let plain = |typed: &String| typed.replace(" (", " ").replace(", error)", "");
    let theirs: BTreeSet<String> = theirs.iter().map(plain).collect();
    let (missing, more): (Vec<_>, Vec<_>) = (theirs.difference(&ours).collect(), ours.difference(&theirs).collect());
    assert!(missing.is_empty() && more.is_empty(), "only helm: {missing:#?}\nonly ours: {more:#?}");
    assert!(ours.len() > 200);
}
