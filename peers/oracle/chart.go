package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"helm.sh/helm/v4/pkg/action"
	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/common/util"
	"helm.sh/helm/v4/pkg/chart/loader/archive"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	chartutil "helm.sh/helm/v4/pkg/chart/v2/util"
	"helm.sh/helm/v4/pkg/engine"
	release "helm.sh/helm/v4/pkg/release/v1"
	"helm.sh/helm/v4/pkg/strvals"
)

// functions gives what Helm's templates may call beside Go's own functions, and the type of each.
func functions(*request) (answer, error) {
	types := map[string][]byte{}
	for name, function := range functionMap() {
		types[name] = []byte(reflect.TypeOf(function).String())
	}
	return answer{Files: types}, nil
}

// render gives what each template file writes.
func render(asked *request) (answer, error) {
	chart, values, err := load(asked)
	if err != nil {
		return answer{}, err
	}
	if err := chartutil.ProcessDependencies(chart, values); err != nil {
		return answer{}, fmt.Errorf("chart dependencies processing failed: %w", err)
	}
	capabilities := common.DefaultCapabilities.Copy()
	if asked.KubeVersion != "" {
		version, err := common.ParseKubeVersion(asked.KubeVersion)
		if err != nil {
			return answer{}, err
		}
		capabilities.KubeVersion = *version
	}
	capabilities.APIVersions = append(capabilities.APIVersions, asked.APIVersions...)
	options := common.ReleaseOptions{
		Name:      asked.Release,
		Namespace: asked.Namespace,
		Revision:  1,
		IsInstall: !asked.IsUpgrade,
		IsUpgrade: asked.IsUpgrade,
	}
	top, err := util.ToRenderValues(chart, values, options, capabilities)
	if err != nil {
		return answer{}, err
	}
	written, err := engine.Engine{}.Render(chart, top)
	if err != nil {
		return answer{}, err
	}
	files := make(map[string][]byte, len(written))
	for name, text := range written {
		files[name] = []byte(text)
	}
	return answer{Files: files}, nil
}

// templateCommand gives what `helm template` prints.
func templateCommand(asked *request) (answer, error) {
	chart, values, err := load(asked)
	if err != nil {
		return answer{}, err
	}
	install := action.NewInstall(action.NewConfiguration())
	install.DryRunStrategy = action.DryRunClient
	install.ReleaseName = asked.Release
	install.Namespace = asked.Namespace
	install.Replace = true
	install.IncludeCRDs = asked.CRDs
	install.IsUpgrade = asked.IsUpgrade
	install.APIVersions = asked.APIVersions
	if asked.KubeVersion != "" {
		if install.KubeVersion, err = common.ParseKubeVersion(asked.KubeVersion); err != nil {
			return answer{}, err
		}
	}
	installed, err := install.Run(chart, values)
	if err != nil {
		if installed != nil {
			err = fmt.Errorf("%w\n\nUse --debug flag to render out invalid YAML", err)
		}
		return answer{}, err
	}
	rel, ok := installed.(*release.Release)
	if !ok {
		return answer{}, fmt.Errorf("oracle: a release of type %T", installed)
	}
	var out bytes.Buffer
	fmt.Fprintln(&out, strings.TrimSpace(rel.Manifest))
	if !asked.NoHooks {
		for _, hook := range rel.Hooks {
			if asked.SkipTests && slices.Contains(hook.Events, release.HookTest) {
				continue
			}
			fmt.Fprintf(&out, "---\n# Source: %s\n%s\n", hook.Path, hook.Manifest)
		}
	}
	return answer{Out: out.Bytes()}, nil
}

// load reads the chart, and merges the user's values in the order in which the command line does.
func load(asked *request) (*chart.Chart, map[string]any, error) {
	files := make([]*archive.BufferedFile, 0, len(asked.Files))
	for _, file := range asked.Files {
		files = append(files, &archive.BufferedFile{Name: file.Name, Data: file.Data})
	}
	values := map[string]any{}
	for _, text := range asked.Values {
		more, err := loader.LoadValues(strings.NewReader(text))
		if err != nil {
			return nil, nil, fmt.Errorf("failed to parse values.yaml: %w", err)
		}
		values = loader.MergeMaps(values, more)
	}
	for _, text := range asked.JSON {
		if trimmed := strings.TrimSpace(text); strings.HasPrefix(trimmed, "{") {
			var more map[string]any
			if err := json.Unmarshal([]byte(trimmed), &more); err != nil {
				return nil, nil, fmt.Errorf("failed parsing --set-json data JSON: %s", text)
			}
			values = loader.MergeMaps(values, more)
		} else if err := strvals.ParseJSON(text, values); err != nil {
			return nil, nil, fmt.Errorf("failed parsing --set-json data %s", text)
		}
	}
	flags := []struct {
		name  string
		texts []string
		parse func(string, map[string]any) error
	}{
		{"--set", asked.Set, strvals.ParseInto},
		{"--set-string", asked.SetString, strvals.ParseIntoString},
		{"--set-literal", asked.SetLiteral, strvals.ParseLiteralInto},
	}
	for _, flag := range flags {
		for _, text := range flag.texts {
			if err := flag.parse(text, values); err != nil {
				return nil, nil, fmt.Errorf("failed parsing %s data: %w", flag.name, err)
			}
		}
	}
	loaded, err := loader.LoadFiles(files)
	return loaded, values, err
}
