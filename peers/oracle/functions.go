package main

import (
	"text/template"
	_ "unsafe" // for go:linkname

	_ "helm.sh/helm/v4/pkg/engine"
)

// functionMap is Helm's own table of functions, which its package keeps to itself.
//
//go:linkname functionMap helm.sh/helm/v4/pkg/engine.funcMap
func functionMap() template.FuncMap
