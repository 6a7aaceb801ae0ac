package main

import (
	"bytes"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"

	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	"helm.sh/helm/v3/pkg/kube/fake"
	"helm.sh/helm/v3/pkg/release"
	"helm.sh/helm/v3/pkg/storage"
	"helm.sh/helm/v3/pkg/storage/driver"
	"helm.sh/helm/v3/pkg/strvals"
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
	if err := chartutil.ProcessDependenciesWithMerge(chart, values); err != nil {
		return answer{}, err
	}
	capabilities := chartutil.DefaultCapabilities.Copy()
	if asked.KubeVersion != "" {
		version, err := chartutil.ParseKubeVersion(asked.KubeVersion)
		if err != nil {
			return answer{}, err
		}
		capabilities.KubeVersion = *version
	}
	capabilities.APIVersions = append(capabilities.APIVersions, asked.APIVersions...)
	options := chartutil.ReleaseOptions{
		Name:      asked.Release,
		Namespace: asked.Namespace,
		Revision:  1,
		IsInstall: !asked.IsUpgrade,
		IsUpgrade: asked.IsUpgrade,
	}
	top, err := chartutil.ToRenderValues(chart, values, options, capabilities)
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
	configuration := &action.Configuration{
		Releases:   storage.Init(driver.NewMemory()),
		KubeClient: &fake.PrintingKubeClient{Out: io.Discard},
		Log:        func(string, ...any) {},
	}
	install := action.NewInstall(configuration)
	install.ClientOnly = true
	install.DryRun = true
	install.ReleaseName = asked.Release
	install.Namespace = asked.Namespace
	install.Replace = true
	install.IncludeCRDs = asked.CRDs
	install.IsUpgrade = asked.IsUpgrade
	install.APIVersions = chartutil.VersionSet(asked.APIVersions)
	if asked.KubeVersion != "" {
		if install.KubeVersion, err = chartutil.ParseKubeVersion(asked.KubeVersion); err != nil {
			return answer{}, err
		}
	}
	rel, err := install.Run(chart, values)
	if err != nil {
		if rel != nil {
			err = fmt.Errorf("%w\n\nUse --debug flag to render out invalid YAML", err)
		}
		return answer{}, err
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
	files := make([]*loader.BufferedFile, 0, len(asked.Files))
	for _, file := range asked.Files {
		files = append(files, &loader.BufferedFile{Name: file.Name, Data: file.Data})
	}
	values := map[string]any{}
	for _, text := range asked.Values {
		more := map[string]any{}
		if err := yaml.Unmarshal([]byte(text), &more); err != nil {
			return nil, nil, fmt.Errorf("failed to parse values.yaml: %w", err)
		}
		values = chartutil.MergeTables(more, values)
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
	for _, text := range asked.JSON {
		if err := strvals.ParseJSON(text, values); err != nil {
			return nil, nil, fmt.Errorf("failed parsing --set-json data %s", text)
		}
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
