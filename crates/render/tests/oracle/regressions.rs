//! Templates on which Helm and we once differed. What Helm makes of them is asked for, not written down.

use crate::assert_same;

const TEMPLATES: &[&str] = &[
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
];

#[test]
fn what_differed_once() {
    assert_same(TEMPLATES);
}
