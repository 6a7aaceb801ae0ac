//! Templates on which Helm and we once differed. What Helm makes of them is asked for, not written down.

use crate::assert_same;

pub(crate) const TEMPLATES: &[&str] = &[
    // Numbers and words that JSON's end cuts off.
    "{{ mustFromJson \"-\" }}",
    "{{ mustFromJson \"1.\" }}",
    "{{ mustFromJson \"1e\" }}",
    "{{ mustFromJson \"tru\" }}",
    "{{ mustFromJson `\"\\u12` }}",
    "{{ append (fromJsonArray \"1e400\") 1 }}",
    "{{ toJson (fromYaml \"\") }}{{ toJson (fromYamlArray \"~\") }}",
    // TOML: the last key, local times, duplicates, strings, numbers.
    "{{ toToml (fromToml `a == 1\n`) }}",
    "{{ toToml (fromToml `[]\n`) }}",
    "{{ toToml (fromToml `[a]x\n`) }}",
    "{{ fromToml `a = 1\na = 1\n` | toJson }}",
    "{{ fromToml `a.b = 1\na = 1\n` | toJson }}",
    "{{ toToml (fromToml `a = [1979-05-27, 07:32:00, 1979-05-27T07:32:00.5]\n`) }}",
    "{{ fromToml `a = 1979-05-27\n` }}",
    "{{ toToml (fromToml `a = 01\n`) }}",
    "{{ fromToml \"'\" }}",
    "{{ toToml (fromToml `[[a]]\n[b]\na = -nan\n`) }}",
    "{{ fromToml \"a = \\\"\\\"\\\"x\\\\\\n  y\\\"\\\"\\\"\" }}",
    "{{ fromToml (b64dec \"/////w==\") }}",
    // Regular expressions: what an error shows, what a class is called, what is copied too often, where nothing matches.
    "{{ mustRegexFindAll \"a**?\" \"a\" -1 }}",
    "{{ mustRegexFindAll \"(a)*{1,2}?\" \"a\" -1 }}",
    "{{ mustRegexMatch `\\x{110000}` \"a\" }}",
    "{{ mustRegexMatch `a\\xg**` \"a\" }}",
    "{{ mustRegexMatch `\\p{IsGreek}` \"a\" }}",
    "{{ mustRegexMatch `\\p{Old_Persian}` \"a\" }}",
    "{{ mustRegexMatch `\\p{cased letter}` \"a\" }}",
    "{{ mustRegexMatch \"(a{1000}){2}\" \"a\" }}",
    "{{ mustRegexMatch (b64dec \"/////w==\") \"a\" }}",
    "{{ len (mustRegexFindAll `]|\\B` \"aaaaaFoo\u{fb01}\" -1) }}",
    // Times and durations.
    "{{ mustToDate \"é\" \"a\" }}",
    "{{ printf \"%#v\" (toDate \"2006-01-02\" \"2024-05-06\") }}",
    "{{ printf \"%#v\" (toDate \"2006\" \"x\") }}",
    "{{ mustToDuration \"1_000\" }}{{ float64 \"1_0.5\" }}",
    "{{ mustToDuration (b64dec \"/////w==\") }}",
    "{{ duration \"9223372036854775808\" }}",
    // Structs and pointers, and copies of them.
    "{{ default .Capabilities.KubeVersion }}{{ first (list .Capabilities.KubeVersion 1) }}{{ .Capabilities.KubeVersion }}",
    "{{ (default 1 .Capabilities.KubeVersion).String }}",
    "{{ index (semver \"1.2.3\") 1 }}",
    "{{ printf \"%#v\" (dict \"a\" (semver \"1.2.3-a.1+b\")) }}",
    "{{ eq . .Values.l }}",
    "{{ toYamlPretty (.Files.Glob \"files/*\") }}",
    // Texts.
    "{{ snakecase \"\u{900}א\" }}{{ snakecase \"0ぁ\" }}{{ camelcase \" \" }}",
    "{{ abbrevboth -9223372036854775808 5 \"  pad\\x09\" }}",
    "{{ fromYaml (wrapWith 1 \"a\" \"ÀÉ☃ß\") }}",
    "{{ decryptAES .Values.s (b64enc \"a\") }}",
    "{{ block \"t\" . }}{{-\nelse }}{{ end }}",
    // Numbers of YAML are floats; keys that JSON does not have; byte order marks; lines that go on in keys.
    "{{ toJson (fromYaml `{\"a\": {\"a\": 1, \"a\": 1}, \"a\": 9223372036854775807}`) }}",
    "{{ typeOf (fromYaml `{a: 1}`).a }}{{ typeOf (index (fromYamlArray `[1]`) 0) }}",
    "{{ fromYaml `9223372036854775808: a` }}",
    "{{ fromYaml `[&a 18446744073709551615, {*a : [x, {z: 1}]}]` }}{{ fromYaml `{? 9223372036854775808 , b}` }}",
    "{{ fromYaml \"\\ufeff\\ufeff a: 1\" }}",
    "{{ fromYaml \"\\ufeff\\ufeffa: 1\\nb: 2\" }}",
    "{{ fromYaml \"\\ufeff\\ufeffa: 1\\n  xb: 2\\n# c\\nyc: [d, e]\\nlonger: than that\\n\" }}",
    "{{ fromYaml (printf \"\\ufeff\\ufeff# %s\\na: 1\\nbb: 2\\n\" (repeat 600 \"x\")) }}",
    "{{ mustToYaml (dict \"a\\u0085b\" 1) }}",
    "{{ mustToYaml (dict \"a\" \"b\\u0085c\" \"b\" (list (dict \"x\\u0085\\u0085\" 1))) }}",
    "{{ toYaml (dict \"a\\u0085b\" 1) }}",
    // Ends of texts: characters of several bytes.
    "{{ trim \"\u{a0} aa\u{a0}\" | quote }}{{ trimAll \"é☃\" \"é☃aé\u{e8}☃\" | quote }}{{ trim \"☃\" }}{{ trim \"\" }}",
    "{{ mustToYaml (1i) }}",
    "{{ toToml (regexFindAll `x` `a` -1) }}",
    // Floats.
    "{{ round -3 64 }} {{ round 2.675 2 }} {{ round 1e300 300 }} {{ round 5 -3 }} {{ round 1e-300 310 }} {{ round 3 400 }}",
    // What is no UTF-8.
    "{{ toYaml (abbrev 5 \"\u{900}\u{900}\") }}{{ trimall .Values.s (trunc 2 (trunc -1 \"A\u{205d}\u{5de}\")) | toJson }}",
    "{{ toYaml (wrapWith 2 .Values.s \"\u{1c6}\u{fb01}aa\") }}",
    "{{ quote (toToml (dict (b64dec \"/w==\") (b64dec \"/w==\"))) }}{{ toToml (b64dec \"/w==\") | b64enc }}",
    "{{ snakecase (html 1 (b64dec \"/////w==\")) | b64enc }} {{ kebabcase (printf \"A%sB%sc%s1\" (b64dec \"/w==\") (b64dec \"/w==\") (b64dec \"//8=\")) | b64enc }}",
    "{{ range list \"aB\\xffC\" \"\\xff\" \"HTTP\\xff20x\" \"ab\\xff_\\xfec\" \"1\\xff\\xff2a\" \"\u{1c5}aB\u{1c5}\" }}{{ snakecase . | b64enc }} {{ end }}",
    "{{ toYamlPretty (b64dec \"/////w==\") }}|{{ toYamlPretty (dict \"a\" (list (b64dec \"/////w==\"))) }}",
    "{{ toYamlPretty (dict \"a\" (b64dec (b64enc (repeat 60 \"\\xff\"))) \"b\" 1) }}",
    // Structs: those that YAML writes by itself, and copies.
    "{{ toYamlPretty .Capabilities }}",
    "{{ toYamlPretty (list .Capabilities.KubeVersion .Capabilities.HelmVersion (toDate \"2006-01-02\" \"2024-05-06\") (semver \"1.2.3-a\")) }}",
    "{{ toYamlPretty (dict \"t\" (toDate \"2006-01-02\" \"2024-05-06\") \"m\" (toDate \"2006-01-02\" \"2024-05-06\").Month) }}",
    "{{ printf \"%#v %+v\" (deepCopy .Capabilities.KubeVersion) (deepCopy .Capabilities) }}",
    "{{ (deepCopy .Capabilities).KubeVersion }} {{ deepCopy .Capabilities.KubeVersion }} {{ (deepCopy .Capabilities).KubeVersion.GitVersion }}",
    "{{ deepEqual .Capabilities (deepCopy .Capabilities) }} {{ toJson (deepCopy .Capabilities.KubeVersion) }}",
    // Flags of a regular expression that are none; values that TOML has no type for.
    "{{ mustRegexFindAll \"(?)\" \"a\" -1 }}{{ mustRegexFindAll \"a(?)b\" \"ab\" -1 }}{{ mustRegexFindAll \"(?)*\" \"ab\" -1 }}",
    "{{ toToml (1i) }} {{ toToml (dict \"a\" (1i)) }} {{ toToml (list (1i)) }}",
];

#[test]
fn what_differed_once() {
    assert_same(TEMPLATES);
}
