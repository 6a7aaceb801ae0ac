//! The same with Helm 3's packages, for what is rendered as Helm 3 does.

use bowline_chart::Compat;
use bowline_peers::oracle::Oracle;

use crate::fuzz::{compare, made};
use crate::{Case, assert_functions, difference, expressions, regressions, values, walk};

/// What Helm 3 does in another way than Helm 4.
const TEMPLATES: &[&str] = &[
    // `.Chart` is a struct.
    "{{ .Chart }}|{{ printf \"%v %+v %T\" .Chart .Chart .Chart }}|{{ .Chart.Metadata }}|{{ typeOf .Chart.Metadata }}",
    "{{ printf \"%#v\" .Chart.Keywords }}|{{ printf \"%#v\" .Chart.IsRoot }}|{{ printf \"%#v\" .Chart.Annotations }}",
    "{{ toYaml .Chart }}|{{ toJson .Chart }}|{{ toYaml .Chart.Metadata }}|{{ toPrettyJson .Chart }}",
    "{{ .Chart.Name }} {{ .Chart.Metadata.Name }} {{ .Chart.IsRoot }} {{ .Chart.Type }} {{ .Chart.Deprecated }}",
    "{{ .Chart.name }}",
    "{{ .Chart.Nothing }}",
    "{{ .Chart.Metadata.Nothing }}",
    "{{ .Chart.Name.Nothing }}",
    "{{ index .Chart \"Name\" }}",
    "{{ get .Chart \"Name\" }}",
    "{{ hasKey .Chart \"Name\" }}",
    "{{ keys .Chart }}",
    "{{ range $k, $v := .Chart }}{{ $k }}{{ end }}",
    "{{ len .Chart }}",
    "{{ if .Chart }}yes{{ end }}{{ with .Chart.Metadata }}{{ .Version }}{{ end }}",
    "{{ kindOf .Chart }} {{ typeOf .Chart }} {{ kindIs \"struct\" .Chart }} {{ empty .Chart }} {{ default 1 .Chart.Name }}",
    "{{ .Chart.Keywords | join \"-\" }} {{ typeOf .Chart.Keywords }} {{ typeOf .Chart.Sources }} {{ toJson .Chart.Sources }}",
    "{{ typeOf .Chart.Maintainers }} {{ typeOf .Chart.Dependencies }} {{ len .Chart.Dependencies }}",
    "{{ has \"a\" .Chart.Keywords }} {{ first .Chart.Keywords }} {{ append .Chart.Keywords \"c\" }}",
    "{{ dict \"c\" .Chart | toYaml }}",
    "{{ set .Chart \"Name\" \"x\" }}",
    "{{ merge (dict) .Chart }}",
    "{{ deepCopy .Chart }}|{{ deepEqual .Chart .Chart }}",
    "{{ eq .Chart .Chart }}",
    "{{ eq .Chart.Name \"web\" }}{{ eq .Chart.Metadata.Version .Chart.Version }}",
    "{{ include \"web.name\" . }}{{ include \"web.name\" (dict \"Chart\" .Chart \"Release\" .Release) }}",
    "{{ pick .Chart \"Name\" }}",
    "{{ tpl \"{{ .Chart.Name }}\" . }}",
    "{{ .Chart.Name | quote }}{{ .Chart | quote }}{{ cat .Chart }}",
    "{{ coalesce .Chart.Home .Chart.Icon .Chart.Name }}{{ ternary 1 2 .Chart.Deprecated }}",
    // Types have the names of Helm 3's packages, and `.Capabilities` has other fields.
    "{{ typeOf .Values }} {{ typeOf .Template }} {{ typeOf . }} {{ typeOf .Capabilities }} {{ typeOf .Files }} {{ typeOf .Release }}",
    "{{ .Capabilities }}|{{ .Capabilities.KubeVersion }}|{{ .Capabilities.KubeVersion.String }}",
    "{{ typeOf .Capabilities.KubeVersion }} {{ typeOf .Capabilities.APIVersions }} {{ len .Capabilities.APIVersions }}",
    "{{ .Capabilities.HelmVersion }}|{{ toYaml .Capabilities.HelmVersion }}|{{ .Capabilities.HelmVersion.Version }}",
    "{{ .Capabilities.HelmVersion.KubeClientVersion }}",
    "{{ .Capabilities.Nothing }}",
    "{{ .Capabilities.KubeVersion.normalizedVersion }}",
    "{{ .Capabilities.KubeVersion.GitVersion }} {{ .Capabilities.KubeVersion.Minor }} {{ toJson .Capabilities.KubeVersion }}",
    "{{ (.Values.Table \"m\").a }} {{ typeOf (.Values.Table \"m\") }}",
    "{{ .Values.Table \"none\" }}",
    "{{ .Values.PathValue \"m.a\" }}",
    // Functions that are not there.
    "{{ durationSeconds 5 }}",
    "{{ mustToYaml .Values }}",
    "{{ mustToToml .Values }}",
    "{{ mustToJson (dict \"a\" .Values) }}",
    // Errors are Go's own.
    "a\n{{ .Values.missing.inner }}",
    "{{ include \"no\" . }}",
    "{{ template \"no\" . }}",
    "{{ define \"deep\" }}{{ .Values.missing.inner }}{{ end }}{{ include \"deep\" . }}",
    "{{ tpl \"{{ .Values.missing.inner }}\" . }}",
    "{{ tpl \"{{\" . }}",
    "{{ required \"give it: a: b\" .Values.nothing }}",
    "{{ include \"h\" (fail \"x\\ny\") }}",
    "{{ define \"again\" }}{{ include \"again\" . }}{{ end }}{{ include \"again\" . }}",
    "{{ add 1 }}{{ end }}",
    "{{ first 1 }}",
    "{{ toYaml (index .Values.l 99) }}",
];

fn helm3() -> Option<Oracle> {
    Oracle::find_helm3()
}

fn assert_same(oracle: &Oracle, templates: &[&str]) {
    let differ =
        |template: &&str| difference(oracle, &Case::of(template).for_helm3()).map(|text| format!("{template}\n{text}"));
    let different: Vec<String> = templates.iter().filter_map(differ).collect();
    assert!(different.is_empty(), "{} differ\n{}", different.len(), different.join("\n"));
}

#[test]
fn helm_3_has_other_functions() {
    let Some(oracle) = helm3() else { return };
    assert_functions(&oracle, Compat::Helm3);
}

#[test]
fn helm_3_has_other_objects_and_errors() {
    let Some(oracle) = helm3() else { return };
    assert_same(&oracle, TEMPLATES);
    assert_same(&oracle, regressions::TEMPLATES);
}

#[test]
fn templates_as_helm_3() {
    let Some(oracle) = helm3() else { return };
    let case = |template: &String| Case::of(template).for_helm3();
    compare("templates", 600, &made(150, walk::template), |template| difference(&oracle, &case(template)));
    compare("expressions", 600, &made(60, expressions::template), |template| difference(&oracle, &case(template)));
}

#[test]
fn values_as_helm_3() {
    let Some(oracle) = helm3() else { return };
    compare("values", 500, &made(200, values::case), |case| difference(&oracle, &case.clone().for_helm3()));
}
