package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"text/template"

	"github.com/Masterminds/semver/v3"
	chartutil "helm.sh/helm/v4/pkg/chart/v2/util"
	"helm.sh/helm/v4/pkg/strvals"
	"sigs.k8s.io/yaml"
	goyaml "sigs.k8s.io/yaml/goyaml.v3"
)

// goTemplate executes templates with no functions but Go's own. What was written before an error is given too.
func goTemplate(asked *request) (answer, error) {
	var dot any
	if err := yaml.Unmarshal(asked.Text, &dot); err != nil {
		return answer{}, err
	}
	set := template.New("gotpl").Option("missingkey=" + asked.MissingKey)
	for _, file := range asked.Files {
		if _, err := set.New(file.Name).Parse(string(file.Data)); err != nil {
			return answer{}, err
		}
	}
	var out bytes.Buffer
	err := set.ExecuteTemplate(&out, asked.Name, dot)
	return answer{Out: out.Bytes()}, err
}

// readYAML reads a text as values are read, and writes it again in every way there is.
func readYAML(asked *request) (answer, error) {
	var value any
	if err := yaml.Unmarshal(asked.Text, &value); err != nil {
		return answer{}, err
	}
	pretty := func() ([]byte, error) {
		var out bytes.Buffer
		encoder := goyaml.NewEncoder(&out)
		encoder.SetIndent(2)
		err := encoder.Encode(value)
		return out.Bytes(), err
	}
	return answer{Parts: map[string]part{
		"value":  partOf([]byte(dump(value)), nil),
		"yaml":   partOf(yaml.Marshal(value)),
		"pretty": partOf(pretty()),
		"json":   partOf(json.Marshal(value)),
	}}, nil
}

// setValue reads a flag's text over the values in Values.
func setValue(asked *request) (answer, error) {
	data := map[string]any{}
	for _, text := range asked.Values {
		if err := yaml.Unmarshal([]byte(text), &data); err != nil {
			return answer{}, err
		}
	}
	parse := map[string]func(string, map[string]any) error{
		"set":     strvals.ParseInto,
		"string":  strvals.ParseIntoString,
		"json":    strvals.ParseJSON,
		"literal": strvals.ParseLiteralInto,
	}[asked.Mode]
	if parse == nil {
		return answer{}, fmt.Errorf("oracle: unknown mode %q", asked.Mode)
	}
	err := parse(string(asked.Text), data)
	return answer{Out: []byte(dump(data))}, err
}

// compareVersions reads Name as a constraint and Text as a version.
func compareVersions(asked *request) (answer, error) {
	version, err := semver.NewVersion(string(asked.Text))
	if err != nil {
		return answer{}, fmt.Errorf("version: %w", err)
	}
	constraint, err := semver.NewConstraint(asked.Name)
	if err != nil {
		return answer{}, fmt.Errorf("constraint: %w", err)
	}
	compatible := chartutil.IsCompatibleRange(asked.Name, string(asked.Text))
	return answer{Out: fmt.Appendf(nil, "%s %t %t", version, constraint.Check(version), compatible)}, nil
}

// dump writes a value with the types of its numbers.
func dump(value any) string {
	switch value := value.(type) {
	case nil:
		return "nil"
	case string:
		return strconv.Quote(value)
	case map[string]any:
		entries := make([]string, 0, len(value))
		for _, key := range slices.Sorted(maps.Keys(value)) {
			entries = append(entries, strconv.Quote(key)+": "+dump(value[key]))
		}
		return "{" + strings.Join(entries, ", ") + "}"
	case []any:
		items := make([]string, 0, len(value))
		for _, item := range value {
			items = append(items, dump(item))
		}
		return "[" + strings.Join(items, ", ") + "]"
	case json.Number:
		return "number(" + string(value) + ")"
	case bool:
		return strconv.FormatBool(value)
	default:
		return fmt.Sprintf("%T(%v)", value, value)
	}
}
