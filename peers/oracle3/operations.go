package main

// operations is what this oracle answers: what Helm 3 does not share with Helm 4.
var operations = map[string]func(*request) (answer, error){
	"functions": functions,
	"render":    render,
	"template":  templateCommand,
}
