//! `values.schema.json`: generated schemas and values, judged by the real Helm and by us.
//!
//! One chart holds many, each with its schema, so that one run of Helm judges all of them. `BOWLINE_FUZZ` takes that many
//! times as many. Helm visits properties in random order: siblings are compared as sets where the texts differ.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stderr)]

mod support;

use std::fs;
use std::path::Path;

use support::{Case, Random, normal_faults};

/// Lays out a chart with one subchart for each schema and its values.
fn lay_out(folder: &Path, cases: &[(String, String)]) {
    let dependency = |at: usize| format!("- {{name: c{at:04}, version: 0.1.0}}\n");
    let dependencies: String = (0..cases.len()).map(dependency).collect();
    fs::create_dir_all(folder.join("templates")).unwrap();
    fs::write(
        folder.join("Chart.yaml"),
        format!("apiVersion: v2\nname: schemas\nversion: 0.1.0\ndependencies:\n{dependencies}"),
    )
    .unwrap();
    for (at, (schema, values)) in cases.iter().enumerate() {
        let inner = folder.join(format!("charts/c{at:04}"));
        fs::create_dir_all(&inner).unwrap();
        fs::write(inner.join("Chart.yaml"), format!("apiVersion: v2\nname: c{at:04}\nversion: 0.1.0\n")).unwrap();
        fs::write(inner.join("values.schema.json"), schema).unwrap();
        fs::write(inner.join("values.yaml"), values).unwrap();
    }
}

/// The text of each chart, by its number.
fn by_chart(text: &str, count: usize) -> Vec<String> {
    let mut parts = vec![String::new(); count];
    let mut rest = text;
    let mut current = None;
    while !rest.is_empty() {
        // What is said of a schema that does not compile ends without a line break, before the next chart's name.
        let next = rest.match_indices('c').find(|(at, _)| {
            let name = rest.get(*at..at + 7).unwrap_or_default();
            name.len() == 7 && name.ends_with(":\n") && name[1..5].bytes().all(|b| b.is_ascii_digit())
        });
        let (before, after) = match next {
            Some((at, _)) => (&rest[..at], Some(&rest[at..])),
            None => (rest, None),
        };
        if let Some(number) = current {
            let number: usize = number;
            parts[number].push_str(before);
        }
        let Some(after) = after else { break };
        current = Some(after[1..5].parse::<usize>().unwrap());
        rest = &after[7..];
    }
    parts
}

/// Compares what both say of each case.
fn compare(helm: &Path, cases: &[(String, String)], seed: &str) -> usize {
    let directory = tempfile::tempdir().unwrap();
    let chart = directory.path().join("schemas");
    lay_out(&chart, cases);
    let case = Case::new(&chart);
    let (theirs, ours) = (case.helm(helm), case.ours());
    let text = |said: &support::Said| said.as_ref().map_or_else(Clone::clone, Clone::clone);
    let (theirs, ours) = (by_chart(&text(&theirs), cases.len()), by_chart(&text(&ours), cases.len()));
    for (((schema, values), theirs), ours) in cases.iter().zip(&theirs).zip(&ours) {
        let (theirs, ours) = (theirs.trim_end(), ours.trim_end());
        assert!(
            theirs == ours || normal_faults(theirs) == normal_faults(ours),
            "{seed}\nschema: {schema}\nvalues: {values}\nhelm:\n{theirs}\nours:\n{ours}"
        );
    }
    theirs.iter().filter(|text| !text.is_empty()).count()
}

const DRAFTS: [&str; 6] = [
    "",
    "http://json-schema.org/draft-04/schema#",
    "http://json-schema.org/draft-06/schema#",
    "http://json-schema.org/draft-07/schema#",
    "https://json-schema.org/draft/2019-09/schema",
    "https://json-schema.org/draft/2020-12/schema",
];

/// Every keyword, failing.
#[test]
fn each_keyword_fails_in_helms_words() {
    let Some(helm) = support::helm() else { return };
    let keywords: &[(&str, &str)] = &[
        (r#""type": "string""#, "5"),
        (r#""type": ["string", "null", "integer"]"#, "1.5"),
        (r#""type": "integer""#, "3.0"),
        (r#""const": {"a": 1}"#, "{a: 2}"),
        (r#""const": 2.50"#, "5"),
        (r#""const": 'x'"#.replace('\'', "\"").leak(), "y"),
        (r#""enum": [1, 2.50, 1e10, "x'y\"zé\n\u00ad", null, true]"#, "5"),
        (r#""enum": ["only"]"#, "5"),
        (r#""enum": [[1], 2]"#, "5"),
        (r#""minimum": 1234, "exclusiveMaximum": 10"#, "99"),
        (r#""maximum": 0.1"#, "12345.678"),
        (r#""maximum": 5, "exclusiveMaximum": true"#, "5"),
        (r#""exclusiveMinimum": 5"#, "5"),
        (r#""multipleOf": 0.01"#, "0.075"),
        (r#""multipleOf": 1000000"#, "1234567"),
        (r#""minLength": 5, "maxLength": 1, "pattern": "^é+$""#, "ab"),
        (r#""minItems": 3, "maxItems": 1, "uniqueItems": true"#, "[1, 1]"),
        (r#""minProperties": 3, "maxProperties": 1, "required": ["x", "y'z"]"#, "{a: 1, b: 2}"),
        (r#""required": ["only"]"#, "{a: 1}"),
        (r#""additionalProperties": false, "properties": {"a": true}"#, "{a: 1, b: 2}"),
        (r#""additionalProperties": {"type": "string"}"#, "{b: 2}"),
        (r#""patternProperties": {"^b": {"type": "string"}}, "additionalProperties": false"#, "{b: 2}"),
        (r#""propertyNames": {"pattern": "^a", "maxLength": 1}"#, "{bcd: 2}"),
        (r#""dependencies": {"a": ["b", "c"]}"#, "{a: 1}"),
        (r#""dependencies": {"a": {"required": ["z"]}}"#, "{a: 1}"),
        (r#""dependentRequired": {"a": ["b"]}"#, "{a: 1}"),
        (r#""dependentSchemas": {"a": {"required": ["z"]}}"#, "{a: 1}"),
        (r#""items": {"type": "string"}"#, "[a, 1, b, 2]"),
        (r#""items": [{"type": "string"}], "additionalItems": false"#, "[a, 1, b, 2]"),
        (r#""items": [{"type": "string"}], "additionalItems": {"type": "string"}"#, "[1, 1, b, 2]"),
        (r#""prefixItems": [{"type": "string"}], "items": false"#, "[1, 1]"),
        (r#""contains": {"type": "string"}"#, "[1, 2]"),
        (r#""contains": {"type": "string"}, "minContains": 2, "maxContains": 0"#, "[1, a]"),
        (r#""contains": {"type": "string"}, "minContains": 2"#, "[1]"),
        (r#""not": {"type": "string"}"#, "a"),
        (r#""allOf": [{"type": "string"}, {"minimum": 5}, {"maximum": 1}]"#, "3"),
        (r#""anyOf": [{"type": "string"}, {"minimum": 5}]"#, "3"),
        (r#""oneOf": [{"type": "string"}, {"minimum": 5}]"#, "3"),
        (r#""oneOf": [{"type": "number"}, {"minimum": 5}, {"minimum": 1}]"#, "3"),
        (r#""if": {"type": "number"}, "then": {"minimum": 5}, "else": {"type": "string"}"#, "3"),
        (r#""if": {"type": "number"}, "then": {"minimum": 5}, "else": {"type": "string"}"#, "[]"),
        (r#""properties": {"a": true}, "unevaluatedProperties": false"#, "{a: 1, b: 2}"),
        (r#""allOf": [{"properties": {"a": true}}], "unevaluatedProperties": {"type": "string"}"#, "{a: 1, b: 2}"),
        (r#""anyOf": [{"prefixItems": [true]}, {"contains": {"const": 2}}], "unevaluatedItems": false"#, "[1, 2, 3]"),
        (r##""$ref": "#/definitions/x", "minimum": 99"##, "3"),
        (r##""$ref": "#/$defs/none""##, "3"),
        (r##""$ref": "#anchor""##, "3"),
        (r##""$ref": "#/definitions/%zz""##, "3"),
        (r#""$ref": "other.json""#, "3"),
        (r#""$ref": "ftp://127.0.0.1/x""#, "3"),
        (r#""$ref": "urn:x:y""#, "3"),
        (r#""$ref": "http://json-schema.org/draft-07/schema#""#, "{type: 5}"),
        (r#""$ref": "https://json-schema.org/draft/2020-12/schema""#, "{type: 5, items: {minLength: -1}}"),
        (r##""allOf": [{"$ref": "#/properties/a"}]"##, "3"),
        (r##""$id": "inner.json", "$ref": "#/definitions/y", "definitions": {"y": {"type": "string"}}"##, "3"),
        (
            r##""$anchor": "here", "$dynamicAnchor": "there", "items": {"$dynamicRef": "#there"}, "type": "array""##,
            "[[], 3]",
        ),
        (r##""$recursiveAnchor": true, "items": {"$recursiveRef": "#"}"##, "[[], 3]"),
        (r#""pattern": "(""#, "a"),
        (r#""patternProperties": {"a**": true}"#, "a"),
        (r#""type": "strange", "required": 5, "properties": []"#, "a"),
        (r#""minLength": -1, "enum": [], "items": 3, "allOf": []"#, "a"),
        (r#""additionalProperties": "no""#, "a"),
        (r#""exclusiveMinimum": "x", "format": 5, "$id": 5"#, "a"),
        (r##""$id": "#frag", "definitions": {"z": {"$id": "#frag"}}"##, "a"),
    ];
    let mut cases = Vec::new();
    for draft in DRAFTS {
        for (keyword, value) in keywords {
            let heading = if draft.is_empty() { String::new() } else { format!(r#""$schema": "{draft}", "#) };
            let definitions = r#""definitions": {"x": {"type": "string", "maxLength": 1}}"#;
            cases.push((
                format!(r#"{{{heading}{definitions}, "properties": {{"a": {{{keyword}}}}}}}"#),
                format!("a: {value}\n"),
            ));
        }
    }
    let faults = compare(&helm, &cases, "keywords");
    assert!(faults > cases.len() / 2, "{faults} of {} cases fail", cases.len());
}

#[test]
fn formats_are_judged_as_by_helm() {
    let Some(helm) = support::helm() else { return };
    let formats: &[(&str, &[&str])] = &[
        ("json-pointer", &["", "a", "/a/~2", "/~", "/~0~1"]),
        ("relative-json-pointer", &["", "01", "1#", "2/a", "0a"]),
        ("uuid", &["a-b", "0000000-0000-0000-0000-000000000000", "0000000g-0000-0000-0000-000000000000"]),
        ("duration", &["", "P", "P1", "P1W", "PW", "PxW", "P1YT", "P1Y2MT3H", "P1M2Y", "P1X", "PT1HT1M", "PT1S2H"]),
        ("ipv4", &["1.2.3", "1.2.3.4", "01.2.3.4", "1.2.3.256", "1.2.3.x", "1.2.3.", "1.2.3.99999999999999999999"]),
        (
            "ipv6",
            &[
                "::",
                "::1",
                "1::2::3",
                "12345::",
                "fe80::1%eth0",
                "fe80::1%",
                ":1",
                "1:2:3:4:5:6:7",
                "1:2:3:4:5:6:7:8:9",
                "1:2:3:4:5:6:7:8",
                "::1.2.3.4",
                "::1.2.3",
                "::1.2.3.400",
                "::1.2.3.04",
                "1.2.3.4::",
                "1:",
                "::g",
                "1:2:3:4:5:6:7::8:9",
                "1:2:3.4.5.6",
                "abc",
                "::x",
                "1:2:3:4:5:6:7:8::",
            ],
        ),
        (
            "hostname",
            &[
                "",
                "a..b",
                "-a",
                "a-",
                "a_b",
                "é",
                "a.b.",
                "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            ],
        ),
        (
            "email",
            &[
                "a",
                "a@b",
                ".a@b",
                "a.@b",
                "a..b@c",
                "a b@c",
                "\"a b\"@c",
                "\"a\\\"\"@c",
                "a@[1.2.3]",
                "a@[IPv6:::g]",
                "a@-b",
            ],
        ),
        ("date", &["2020-01-01", "2020-13-01", "2020-02-30", "2020-1-1", "x", "2020-01-01x"]),
        (
            "time",
            &[
                "1",
                "12:00:00Z",
                "24:00:00Z",
                "12:00:60Z",
                "23:59:60Z",
                "12:00:00.Z",
                "12:00:00.5+01:00",
                "12:00:00+1:00",
                "12-00:00Z0",
                "xx:00:00Z",
                "12:00:00x01:00",
                "12:00:00+25:00",
            ],
        ),
        (
            "date-time",
            &[
                "2020-01-01T00:00:00Z",
                "2020-01-01 00:00:00Z",
                "2020-01-01",
                "2020-01-32T00:00:00Z",
                "2020-01-01T00:00:99Z",
            ],
        ),
        ("uri", &["a", "http://a/b", "http://[::1]/", "http://[::g]/", "http://a:x/", "://", "http://a b/", "%zz"]),
        ("uri-reference", &["a", "a\\b", "http://[::1", "#%zz", ":"]),
        ("uri-template", &["http://a/{x}", "http://a/{x", "/a/}", "/{{a}}"]),
        (
            "period",
            &["", "2020-01-01T00:00:00Z/P1Y", "P1Y/2020-01-01T00:00:00Z", "P/2020", "x/y", "2020-01-01T00:00:00Z/P"],
        ),
        (
            "semver",
            &["1.2.3", "1.2", "01.2.3", "1.2.3-", "1.2.3-01", "1.2.3+", "1.2.3+a..b", "1.2.x", "1..3", "1.2.3-a_b"],
        ),
        ("regex", &["(", "a**", "[z-a]", "\\8", "^a$"]),
        ("unknown", &["x"]),
    ];
    let mut cases = Vec::new();
    for draft in DRAFTS {
        for (format, texts) in formats {
            for text in *texts {
                let heading = if draft.is_empty() { String::new() } else { format!(r#""$schema": "{draft}", "#) };
                cases.push((
                    format!(r#"{{{heading}"properties": {{"a": {{"format": "{format}"}}}}}}"#),
                    format!("a: {}\n", bowline_yaml::quote(text)),
                ));
            }
        }
    }
    let faults = compare(&helm, &cases, "formats");
    assert!(faults > cases.len() / 4, "{faults} of {} cases fail", cases.len());
}

/// A schema of random keywords, some of them wrong.
fn schema(random: &mut Random, depth: usize) -> String {
    if random.below(12) == 0 {
        return random.pick(&["true", "false", "{}"]).to_owned();
    }
    let mut keywords = Vec::new();
    for _ in 0..=random.below(3) {
        let inner = || if depth == 0 { r#"{"type": "string"}"#.to_owned() } else { String::new() };
        let fixed = inner();
        let sub = |random: &mut Random| {
            if fixed.is_empty() { schema(random, depth - 1) } else { fixed.clone() }
        };
        let number = random.pick(&["0", "1", "2", "3", "0.5", "1e1", "10.0"]).to_owned();
        let keyword = match random.below(34) {
            0..=3 => {
                format!(
                    r#""type": "{}""#,
                    random.pick(&["string", "number", "integer", "object", "array", "boolean", "null"])
                )
            }
            4 => r#""type": ["string", "object"]"#.to_owned(),
            5 => format!(r#""enum": [{number}, "a", null]"#),
            6 => format!(r#""const": {number}"#),
            7 => format!(r#""minimum": {number}"#),
            8 => format!(r#""exclusiveMaximum": {number}"#),
            9 => format!(r#""multipleOf": {}"#, random.pick(&["1", "2", "0.5", "0.1"])),
            10 => format!(r#""minLength": {}"#, random.below(4)),
            11 => format!(r#""pattern": "{}""#, random.pick(&["^a", "b+$", "[0-9]", "(", "x{2,1}"])),
            12 => format!(r#""minItems": {}"#, random.below(3)),
            13 => format!(r#""maxItems": {}"#, random.below(3)),
            14 => r#""uniqueItems": true"#.to_owned(),
            15 => format!(r#""required": ["{}", "b"]"#, random.pick(&["a", "c", "d"])),
            16 => r#""additionalProperties": false"#.to_owned(),
            17 => format!(r#""additionalProperties": {}"#, sub(random)),
            18..=20 => {
                let (a, b) = (sub(random), sub(random));
                format!(r#""properties": {{"a": {a}, "{}": {b}}}"#, random.pick(&["b", "c"]))
            }
            21 => format!(r#""patternProperties": {{"^[ab]": {}}}"#, sub(random)),
            22 => format!(r#""propertyNames": {}"#, sub(random)),
            23 => format!(r#""items": {}"#, sub(random)),
            24 => format!(r#""{}": [{}]"#, random.pick(&["items", "prefixItems"]), sub(random)),
            25 => format!(r#""contains": {}, "minContains": {}"#, sub(random), random.below(3)),
            26 => format!(r#""not": {}"#, sub(random)),
            27 => format!(r#""{}": [{}, {}]"#, random.pick(&["allOf", "anyOf", "oneOf"]), sub(random), sub(random)),
            28 => format!(r#""if": {}, "then": {}, "else": {}"#, sub(random), sub(random), sub(random)),
            29 => format!(r#""dependencies": {{"a": {}, "b": ["c"]}}"#, sub(random)),
            30 => format!(r#""unevaluatedProperties": {}"#, random.pick(&["false", r#"{"type": "string"}"#])),
            31 => format!(r#""unevaluatedItems": {}"#, random.pick(&["false", r#"{"type": "string"}"#])),
            32 => format!(
                r#""$ref": "{}""#,
                random.pick(&[
                    "#",
                    "#/definitions/d",
                    "#/definitions/none",
                    "#/properties/a",
                    "#name",
                    "d.json",
                    "#/$defs/d"
                ])
            ),
            _ => format!(r#""format": "{}""#, random.pick(&["uri", "date", "ipv4", "hostname"])),
        };
        let name = keyword.split(':').next().unwrap_or_default().to_owned();
        if !keywords.iter().any(|known: &String| known.starts_with(&name)) {
            keywords.push(keyword);
        }
    }
    format!("{{{}}}", keywords.join(", "))
}

fn value(random: &mut Random, depth: usize) -> String {
    match random.below(if depth == 0 { 6 } else { 10 }) {
        0 => random.pick(&["a", "b", "ab1", "\"\"", "xé"]).to_owned(),
        1 => random.pick(&["0", "1", "2.5", "1e3", "-7", "12345678"]).to_owned(),
        2 => random.pick(&["true", "false"]).to_owned(),
        3 => "[]".to_owned(),
        4 => "{}".to_owned(),
        5 => random.pick(&["2020-01-01", "1.2.3.4", "http://a/b"]).to_owned(),
        6 | 7 => format!("[{}, {}]", value(random, depth - 1), value(random, depth - 1)),
        _ => {
            let (a, b) = (value(random, depth - 1), value(random, depth - 1));
            format!("{{{}: {a}, {}: {b}}}", random.pick(&["a", "c"]), random.pick(&["b", "d"]))
        }
    }
}

#[test]
fn generated_schemas_are_judged_as_by_helm() {
    let Some(helm) = support::helm() else { return };
    let rounds: u64 = std::env::var("BOWLINE_FUZZ").ok().and_then(|text| text.parse().ok()).unwrap_or(2);
    let first = support::seed();
    let mut faults = 0;
    for seed in first..first + rounds {
        let mut random = Random::new(seed);
        let mut case = || {
            let draft = random.pick(&DRAFTS);
            let heading = if draft.is_empty() { String::new() } else { format!(r#""$schema": "{draft}", "#) };
            let body = schema(&mut random, 3);
            let body = body.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap_or("").to_owned();
            let definitions = if body.contains(r#""definitions""#) {
                String::new()
            } else {
                format!(r#""definitions": {{"d": {}}}"#, schema(&mut random, 1))
            };
            let comma = if body.is_empty() { "" } else { ", " };
            let values = format!("a: {}\nb: {}\n", value(&mut random, 3), value(&mut random, 2));
            (format!("{{{heading}{definitions}{comma}{body}}}"), values)
        };
        let cases: Vec<(String, String)> = (0..400).map(|_| case()).collect();
        faults += compare(&helm, &cases, &format!("BOWLINE_SEED={seed}"));
    }
    assert!(faults > 0, "no generated case failed");
}

#[test]
fn values_of_a_wrong_type_and_schemas_that_are_no_json() {
    let Some(helm) = support::helm() else { return };
    let cases: Vec<(String, String)> =
        ["", "{", "5", "null", "[]", "{} x", "{\"a\": }", "{\"type\": 1e999}", "true", "false"]
            .iter()
            .map(|schema| ((*schema).to_owned(), "a: 1\n".to_owned()))
            .collect();
    compare(&helm, &cases, "no json");
    let directory = tempfile::tempdir().unwrap();
    let chart = directory.path().join("schemas");
    lay_out(&chart, &[(r#"{"required": ["x"]}"#.to_owned(), "a: 1\n".to_owned())]);
    fs::write(chart.join("values.schema.json"), r#"{"properties": {"top": {"type": "string"}}}"#).unwrap();
    for set in ["top=5", "top=x,c0000=null", "c0000.x=1", "c0000.x=1,top=y", "top=1e3", "c0000.x=null"] {
        Case::new(&chart).set(set).assert_same(&helm);
    }
    let skipped = Case { skip_schema_validation: true, ..Case::new(&chart).set("top=5") };
    skipped.assert_same(&helm);
}
