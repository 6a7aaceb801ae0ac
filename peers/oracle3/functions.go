package main

import (
	"text/template"
	_ "unsafe" // for linkname

	_ "helm.sh/helm/v3/pkg/engine"
)

// functionMap is the engine's own table. It is private there, and the only place that holds all of it.
//
//go:linkname functionMap helm.sh/helm/v3/pkg/engine.funcMap
func functionMap() template.FuncMap
