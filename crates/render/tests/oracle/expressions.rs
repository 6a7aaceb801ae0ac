//! Expressions: every function with arguments that mostly fit its parameters, and with others.

use std::sync::OnceLock;

use bowline_chart::Compat;
use bowline_gotemplate::Type;
use bowline_peers::oracle::Oracle;
use bowline_render::functions;

use crate::fuzz::{Choices, compare, made};
use crate::texts::{self, literal};
use crate::{Case, difference};

/// What templates can call.
struct Signature {
    name: &'static str,
    params: Vec<Type>,
    variadic: bool,
    returns: Type,
}

fn signatures() -> &'static [Signature] {
    static ALL: OnceLock<Vec<Signature>> = OnceLock::new();
    ALL.get_or_init(|| {
        use Type::{Any, Bool, Text};
        let host = functions::table(Compat::default())
            .into_iter()
            .filter(|function| !RANDOM.contains(&function.name))
            .map(|function| {
                let (params, variadic) = (function.params.to_vec(), function.variadic);
                Signature { name: function.name, params, variadic, returns: function.returns }
            });
        let own: [(&str, &[Type], bool, Type); 18] = [
            ("and", &[Any, Any], true, Any),
            ("or", &[Any, Any], true, Any),
            ("not", &[Any], false, Bool),
            ("eq", &[Any, Any, Any], true, Bool),
            ("ne", &[Any, Any], false, Bool),
            ("lt", &[Any, Any], false, Bool),
            ("le", &[Any, Any], false, Bool),
            ("gt", &[Any, Any], false, Bool),
            ("ge", &[Any, Any], false, Bool),
            ("index", &[Any, Any], true, Any),
            ("len", &[Any], false, Type::Int),
            ("print", &[Any], true, Text),
            ("println", &[Any], true, Text),
            ("printf", &[Text, Any], true, Text),
            ("html", &[Any], true, Text),
            ("js", &[Any], true, Text),
            ("urlquery", &[Any], true, Text),
            ("call", &[Any, Any], true, Any),
        ];
        let own =
            own.map(|(name, params, variadic, returns)| Signature { name, params: params.to_vec(), variadic, returns });
        host.chain(own).collect()
    })
}

/// Functions whose results nobody can foretell, and two that take their time: `shapes` looks at these.
const RANDOM: &[&str] = &[
    "now",
    "ago",
    "uuidv4",
    "randAlphaNum",
    "randAlpha",
    "randNumeric",
    "randAscii",
    "randBytes",
    "randInt",
    "shuffle",
    "genPrivateKey",
    "genCA",
    "genSelfSignedCert",
    "genSignedCert",
    "genCAWithKey",
    "genSelfSignedCertWithKey",
    "genSignedCertWithKey",
    "bcrypt",
    "htpasswd",
    "encryptAES",
    "derivePassword",
    "buildCustomCert",
];

/// Where a large number asks for a large result.
const SIZES: &[&str] = &[
    "repeat",
    "indent",
    "nindent",
    "until",
    "untilStep",
    "seq",
    "wrap",
    "wrapWith",
    "round",
    "printf",
    "chunk",
    "mustChunk",
];

/// An argument for parameter `at` of a function: what this function is likely to look into.
fn apt(c: &mut Choices, name: &str, at: usize, depth: usize) -> Option<String> {
    let text = match (name.strip_prefix("must").unwrap_or(name), at) {
        (
            "RegexMatch" | "RegexFind" | "RegexFindAll" | "RegexReplaceAll" | "RegexReplaceAllLiteral" | "RegexSplit",
            0,
        ) => texts::regex(c),
        (
            "regexMatch" | "regexFind" | "regexFindAll" | "regexReplaceAll" | "regexReplaceAllLiteral" | "regexSplit",
            0,
        ) => texts::regex(c),
        ("RegexReplaceAll" | "RegexReplaceAllLiteral" | "regexReplaceAll" | "regexReplaceAllLiteral", 2) => {
            texts::replacement(c)
        }
        ("semver", 0) | ("semverCompare", 1) => texts::version(c),
        ("semverCompare", 0) => texts::constraint(c),
        ("date" | "dateInZone" | "date_in_zone" | "toDate" | "ToDate", 0) => texts::layout(c),
        ("toDate" | "ToDate", 1) => texts::date(c),
        ("date" | "dateInZone" | "date_in_zone", 1) | ("htmlDate" | "htmlDateInZone", 0) => {
            return Some(moment(c, true));
        }
        ("dateModify" | "DateModify" | "date_modify" | "unixEpoch", _) if at == 1 || name == "unixEpoch" => {
            return Some(moment(c, false));
        }
        ("dateInZone" | "date_in_zone", 2) | ("htmlDateInZone", 1) => texts::zone(c),
        ("dateModify" | "DateModify" | "date_modify" | "durationRound" | "duration" | "ToDuration", 0) => {
            return Some(span(c));
        }
        (duration, _) if duration.starts_with("duration") => return Some(span(c)),
        ("printf", 0) => texts::format(c),
        ("fromJson" | "fromJsonArray" | "FromJson", 0) => texts::json(c),
        ("fromYaml" | "fromYamlArray", 0) => texts::yaml(c),
        ("fromToml", 0) => texts::toml(c),
        ("b64dec" | "b32dec", 0) => texts::base64(c),
        ("urlParse", 0) => texts::url(c),
        ("base" | "dir" | "clean" | "ext" | "isAbs" | "osBase" | "osDir" | "osClean" | "osExt" | "osIsAbs", 0) => {
            texts::path(c)
        }
        ("atoi" | "int" | "int64" | "float64" | "toDecimal", 0) => texts::number(c),
        ("tpl", 0) => return Some(literal(&format!("{{{{ {} }}}}", expression(c, depth.min(1))))),
        ("include", 0) => c.pick(&["h", "web.name", "nowhere", "web/templates/_h.tpl"]),
        ("get" | "hasKey" | "unset", 1) | ("set", 1) | ("pluck", 0) | ("dig", 0) => {
            c.pick(&["a", "b", "c", "", "l", "zz"])
        }
        ("dig", _) => return Some(dict(c, depth)),
        ("urlJoin", 0) => {
            return Some(c.pick(&[
                "(urlParse \"http://u:p@h:1/p?q=1#f\")",
                "(dict \"host\" \"h\" \"path\" \"p\")",
                "(dict \"scheme\" \"http\" \"userinfo\" \"u:p\" \"host\" \"h\" \"query\" \"q=1\" \"fragment\" \"f\")",
                "(dict \"host\" 1)",
                "(dict \"opaque\" \"o\" \"scheme\" \"s\")",
                "(dict)",
            ]));
        }
        (
            "toYaml" | "toYamlPretty" | "ToYaml" | "toJson" | "toPrettyJson" | "toRawJson" | "ToJson" | "ToPrettyJson"
            | "ToRawJson" | "toToml" | "ToToml",
            0,
        ) if c.percent(70) => return Some(any(c, depth + 1)),
        _ => return None,
    };
    Some(literal(&text))
}

/// A point in time; where `loose`, in all the types that have the present time as a last resort, but not that.
fn moment(c: &mut Choices, loose: bool) -> String {
    if loose && c.percent(40) {
        return c.pick(&["0", "1715000000", "-1", "(int64 1715000000)", "253402300800", "(int64 -62135596800)", "100"]);
    }
    c.pick(&[
        "(toDate \"2006-01-02\" \"2024-05-06\")",
        "(toDate \"2006-01-02T15:04:05Z07:00\" \"2024-12-31T23:59:59.123456789+02:00\")",
        "(toDate \"2006-01-02 15:04:05 -0700\" \"1999-02-28 00:30:00 -0730\")",
        "(toDate \"2006\" \"x\")",
        "(toDate \"2006-01-02\" \"0001-01-01\")",
        "(toDate \"Jan 2006\" \"Feb 2000\")",
        "(toDate \"2006-01-02 MST\" \"2024-07-01 CEST\")",
    ])
}

fn span(c: &mut Choices) -> String {
    match c.below(4) {
        0 | 1 => literal(&texts::duration(c)),
        2 => c.pick(&[
            "0",
            "1",
            "95",
            "(int64 3600)",
            "(int64 -90061)",
            "1.5",
            "(mustToDuration \"1h30m\")",
            "(mustToDuration \"-26h5m3.5s\")",
            "100000000000",
            "\"1h\"",
            "(float64 2)",
            "9e18",
        ]),
        _ => literal(&texts::number(c)),
    }
}

fn small(c: &mut Choices) -> String {
    c.pick(&["1", "0", "2", "3", "-1", "5", "10", "7", "-3", "(int 2)", "(len \"abc\")", "64", "-20"])
}

fn integer(c: &mut Choices, name: &str) -> String {
    if SIZES.contains(&name) || c.percent(80) {
        return small(c);
    }
    c.pick(&[
        "9223372036854775807",
        "-9223372036854775808",
        "1000000",
        "'a'",
        "0x10",
        "1e3",
        "2147483648",
        "1_000",
        "0b11",
        "0o17",
        "-0",
    ])
}

fn dict(c: &mut Choices, depth: usize) -> String {
    match c.below(6) {
        0..2 => c.pick(&[
            ".Values.m",
            ".Values.table",
            ".Values.hollow",
            "$.Values.nested",
            "(dict)",
            "(dict \"a\" 1 \"b\" (dict \"c\" \"x\"))",
            ".Values.im",
            ".Chart.Annotations",
            "(dict \"a\" nil)",
            ".Values",
            ".Release",
        ]),
        2 => call_returning(c, Type::Map, depth),
        _ => {
            let mut out = String::from("(dict");
            for _ in 0..c.below(4) {
                out += &format!(
                    " {} {}",
                    c.pick(&[
                        "\"a\"", "\"b\"", "\"c\"", "\"10\"", "\"9\"", "\"\"", "\"true\"", "\"é x\"", "1", "\"a.b\""
                    ]),
                    any(c, depth.saturating_sub(1))
                );
            }
            out + ")"
        }
    }
}

fn list(c: &mut Choices, depth: usize) -> String {
    match c.below(6) {
        0..2 => c.pick(&[
            ".Values.l",
            ".Values.names",
            ".Values.numbers",
            ".Values.none",
            "(list)",
            "(list 1 2 3)",
            "(list \"a\" nil)",
            "(tuple 1 \"b\")",
            ".Values.il",
            "(until 4)",
            "(splitList \",\" \"a,b,c\")",
            ".Chart.Keywords",
            "(list (list 1) (list 2 3))",
            "(list 1 1.0 \"1\" true)",
        ]),
        2 => call_returning(c, Type::List, depth),
        _ => {
            let mut out = String::from("(list");
            for _ in 0..c.below(4) {
                out += &format!(" {}", any(c, depth.saturating_sub(1)));
            }
            out + ")"
        }
    }
}

fn text(c: &mut Choices, depth: usize) -> String {
    match c.below(7) {
        0..4 => literal(&texts::plain(c)),
        4 => c.pick(&[
            ".Values.s",
            ".Values.empty",
            ".Release.Name",
            ".Chart.Name",
            ".Values.t",
            "$.Chart.AppVersion",
            ".Values.nested.a.b.c.d",
        ]),
        5 => literal(&texts::number(c)),
        _ => call_returning(c, Type::Text, depth),
    }
}

fn boolean(c: &mut Choices, depth: usize) -> String {
    match c.below(4) {
        0 | 1 => c.pick(&["true", "false", ".Values.yes_", ".Values.no_"]),
        _ => call_returning(c, Type::Bool, depth),
    }
}

/// Anything.
pub(crate) fn any(c: &mut Choices, depth: usize) -> String {
    if c.is_over() {
        return "1".to_owned();
    }
    match c.below(14) {
        0 => small(c),
        1 => integer(c, ""),
        2 => c.pick(&["1.5", "-0.0", "1e300", "0.1", "1e-7", "100000.0", "1e21", "123456789.0", "3.0", "-2.5"]),
        3 => c.pick(&[
            ".Values.n",
            ".Values.neg",
            ".Values.big",
            ".Values.huge",
            ".Values.f",
            ".Values.tiny",
            ".Values.i",
            ".Values.yes_",
            ".Values.nothing",
            ".Values.missing",
            ".Values.missing.deeper",
            ".Values.s.x",
        ]),
        4..6 => text(c, depth),
        6 => boolean(c, depth),
        7 => list(c, depth),
        8 => dict(c, depth),
        9 => c.pick(&[
            "nil",
            ".",
            "$",
            ".Values",
            ".Release",
            ".Chart.Name",
            ".Template.Name",
            "$.Template.BasePath",
            ".Release.Revision",
            ".Release.IsInstall",
            ".Capabilities.KubeVersion.Version",
            ".Files",
            "(.Files.Get \"files/a.txt\")",
            "(.Files.Lines \"files/a.txt\")",
            "(.Files.GetBytes \"files/a.txt\")",
            "(.Files.Glob \"files/*\").AsConfig",
            "$x",
            "$y",
            "(1i)",
            "'c'",
            ".Chart.Version",
            ".Chart.Keywords",
            ".Chart.Home",
            ".Chart.Deprecated",
            ".Subcharts",
            ".Capabilities.KubeVersion.Major",
            ".Capabilities.HelmVersion.Version",
            ".Chart.IsRoot",
        ]),
        10 => c.pick(&[
            "(semver \"1.2.3-a.1+b\")",
            "(toDate \"2006-01-02\" \"2024-05-06\")",
            "(mustToDuration \"90m\")",
            "(int64 7)",
            "(float64 \"2.5\")",
            "(b64dec \"/////w==\")",
            "(urlParse \"http://h/p\")",
            "(int64 \"-9223372036854775808\")",
            "(.Files.Glob \"files/*\")",
            "(splitList \",\" \"b,a\")",
            "(until 3)",
            "(dict \"a\" (list 1 (dict \"b\" nil)))",
            ".Capabilities.KubeVersion",
            "(split \"-\" \"a-b\")",
            "(regexFindAll \"a\" \"aa\" -1)",
            "(tuple)",
            "(add 1 2)",
            "(.Capabilities.APIVersions.Has \"v1\")",
        ]),
        _ => call_returning(c, Type::Any, depth),
    }
}

/// A call of a function with a result of that type, in parentheses; a plain value where it is deep enough.
fn call_returning(c: &mut Choices, wanted: Type, depth: usize) -> String {
    let all = signatures();
    let fitting: Vec<&Signature> =
        all.iter().filter(|signature| wanted == Type::Any || signature.returns == wanted).collect();
    if depth == 0 || c.is_over() || fitting.is_empty() {
        return match wanted {
            Type::Text => "\"x\"".to_owned(),
            Type::Bool => "true".to_owned(),
            Type::List => "(list 1)".to_owned(),
            Type::Map => "(dict \"a\" 1)".to_owned(),
            Type::Int | Type::Int64 => "2".to_owned(),
            _ => "1".to_owned(),
        };
    }
    let signature = fitting[c.below(fitting.len())];
    format!("({})", call(c, signature, depth - 1))
}

fn argument(c: &mut Choices, name: &str, at: usize, wanted: Type, depth: usize) -> String {
    let keeps_time = matches!(name, "date" | "dateInZone" | "date_in_zone" | "htmlDate" | "htmlDateInZone");
    if !keeps_time && c.percent(7) && !SIZES.contains(&name) {
        return any(c, depth);
    }
    if (keeps_time || c.percent(85))
        && let Some(text) = apt(c, name, at, depth)
    {
        return text;
    }
    match wanted {
        Type::Text => text(c, depth),
        Type::Bool => boolean(c, depth),
        Type::Int | Type::Int64 | Type::Uint32 | Type::Uint64 => integer(c, name),
        Type::Float => c.pick(&["1.5", "0", "-2.5", "1e3", "0.5"]),
        Type::Map => dict(c, depth),
        Type::List => list(c, depth),
        Type::Named(_) | Type::Pointer(_) => any(c, depth),
        Type::Any | Type::Reflect if SIZES.contains(&name) && name != "printf" => small(c),
        Type::Any | Type::Reflect => {
            let about_lists = [
                "first",
                "rest",
                "last",
                "initial",
                "append",
                "prepend",
                "concat",
                "reverse",
                "uniq",
                "without",
                "has",
                "slice",
                "compact",
                "join",
                "sortAlpha",
                "toStrings",
                "index",
            ];
            let of_list = about_lists.iter().any(|list| {
                name.eq_ignore_ascii_case(list)
                    || name.strip_prefix("must").is_some_and(|name| name.eq_ignore_ascii_case(list))
            });
            if of_list && c.percent(75) {
                let list_at = match name.trim_start_matches("must").to_ascii_lowercase().as_str() {
                    "has" | "join" => 1,
                    _ => 0,
                };
                if at == list_at || name == "concat" {
                    return list(c, depth);
                }
                if matches!(name, "slice" | "mustSlice" | "index") {
                    return small(c);
                }
            }
            any(c, depth)
        }
    }
}

fn call(c: &mut Choices, signature: &Signature, depth: usize) -> String {
    let name = signature.name;
    let mut count = signature.params.len();
    if signature.variadic {
        count = count - 1 + c.below(4);
    }
    if c.percent(4) {
        count = c.below(5);
    }
    let mut arguments = Vec::new();
    for at in 0..count {
        let wanted = signature.params.get(at).or(signature.params.last()).copied().unwrap_or(Type::Any);
        arguments.push(argument(c, name, at, wanted, depth));
    }
    // The last argument may come through a pipe.
    let mut out = if !arguments.is_empty() && c.percent(15) {
        let last = arguments.pop().unwrap_or_default();
        format!("{last} | {name} {}", arguments.join(" "))
    } else {
        format!("{name} {}", arguments.join(" "))
    };
    if matches!(name, "keys" | "values") {
        // Go's order of these is random.
        out += " | sortAlpha";
    }
    out.trim_end().to_owned()
}

/// A call with some arguments.
pub(crate) fn expression(c: &mut Choices, depth: usize) -> String {
    let all = signatures();
    let signature = &all[c.below(all.len())];
    call(c, signature, depth)
}

/// An expression, and something that shows all of its result.
fn shown(c: &mut Choices) -> String {
    let call = expression(c, 2);
    match c.below(10) {
        0..3 => format!("{{{{ {call} }}}}"),
        3 => format!("{{{{ {call} | quote }}}}"),
        4 => format!("{{{{ {call} | toJson }}}}"),
        5 => format!("{{{{ toYaml ({call}) | nindent 2 }}}}"),
        6 => format!("{{{{ printf \"%T %v\" ({call}) ({call}) }}}}"),
        7 => format!("{{{{ typeOf ({call}) }}}} {{{{ kindOf ({call}) }}}}"),
        8 => format!("{{{{ printf \"%#v %+v\" ({call}) ({call}) }}}}"),
        _ => format!("{{{{ range $k, $v := {call} }}}}{{{{ $k }}}}={{{{ $v }}}};{{{{ else }}}}none{{{{ end }}}}"),
    }
}

/// A function that is in the map but that nothing here calls would be compared by nobody.
#[test]
fn every_function_is_called() {
    let calls = |text: &str, name: &str| {
        text.match_indices(name).any(|(at, _)| {
            let is_name = |c: char| c.is_alphanumeric() || c == '_';
            !text[..at].ends_with(is_name) && !text[at + name.len()..].starts_with(is_name)
        })
    };
    // The functions of Go's own are named one by one above.
    let generated: Vec<&str> = signatures().iter().map(|signature| signature.name).collect();
    let shapes = include_str!("shapes.rs");
    let called = |name: &str| generated.contains(&name) || calls(shapes, name);
    let missing: Vec<&str> =
        functions::table(Compat::default()).iter().map(|function| function.name).filter(|name| !called(name)).collect();
    assert!(missing.is_empty(), "in no generator: {missing:?}");
}

/// A template with one expression.
pub(crate) fn template(c: &mut Choices) -> String {
    format!("{{{{ $x := list 1 \"a\" }}}}{{{{ $y := dict \"a\" 1 }}}}{}", shown(c))
}

#[test]
fn expressions() {
    let Some(oracle) = Oracle::find() else { return };
    let strategy = made(60, template);
    compare("expressions", 1500, &strategy, |template| difference(&oracle, &Case::of(template)));
}

/// Functions that look into a text, with texts made for them and nothing around.
#[test]
fn texts_of_every_kind() {
    let Some(oracle) = Oracle::find() else { return };
    let strategy = made(60, |c| {
        let call = match c.below(13) {
            0 => {
                let format = literal(&texts::format(c));
                let arguments: Vec<String> = (0..c.below(4)).map(|_| any(c, 1)).collect();
                format!("printf {format} {}", arguments.join(" "))
            }
            1 => format!("mustRegexFindAll {} {} -1", literal(&texts::regex(c)), literal(&texts::plain(c))),
            2 => format!(
                "mustRegexReplaceAll {} {} {}",
                literal(&texts::regex(c)),
                literal(&texts::plain(c)),
                literal(&texts::replacement(c))
            ),
            3 => format!("mustRegexSplit {} {} {}", literal(&texts::regex(c)), literal(&texts::plain(c)), small(c)),
            4 => format!("semverCompare {} {}", literal(&texts::constraint(c)), literal(&texts::version(c))),
            5 => format!("semver {}", literal(&texts::version(c))),
            6 => format!("mustToDate {} {}", literal(&texts::layout(c)), literal(&texts::date(c))),
            7 => format!("date {} {}", literal(&texts::layout(c)), moment(c, true)),
            8 => format!("toJson (fromYaml {})", literal(&texts::yaml(c))),
            9 => format!("mustFromJson {} | toYaml", literal(&texts::json(c))),
            10 => format!("toToml (fromToml {})", literal(&texts::toml(c))),
            11 => format!("toJson (urlParse {})", literal(&texts::url(c))),
            _ => format!("fromToml {} | toJson", literal(&texts::toml(c))),
        };
        format!("{{{{ {call} }}}}")
    });
    compare("texts", 1500, &strategy, |template| difference(&oracle, &Case::of(template)));
}
