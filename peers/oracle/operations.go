package main

// operations is what this oracle answers.
var operations = map[string]func(*request) (answer, error){
	"functions":  functions,
	"gotemplate": goTemplate,
	"render":     render,
	"template":   templateCommand,
	"yaml":       readYAML,
	"strvals":    setValue,
	"semver":     compareVersions,
}
