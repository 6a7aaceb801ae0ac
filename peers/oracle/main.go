// Oracle answers what Helm makes of a chart, of a template, of a YAML text, by Helm's own packages: one JSON request a
// line on standard input, one JSON answer a line on standard output, until standard input ends.
//
// Texts that templates write need not be UTF-8; they travel as base64.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"log/slog"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// request is one question. Which fields count depends on Op.
type request struct {
	Op string

	// render, template
	Files       []file
	Values      []string
	JSON        []string
	Set         []string
	SetString   []string
	SetLiteral  []string
	Release     string
	Namespace   string
	IsUpgrade   bool
	KubeVersion string
	APIVersions []string
	CRDs        bool
	NoHooks     bool
	SkipTests   bool

	// gotemplate: Files are the templates; Name is executed with Text, a YAML value, as dot.
	Name       string
	MissingKey string

	// yaml, semver, strvals
	Text []byte
	Mode string
}

type file struct {
	Name string
	Data []byte
}

// answer is what came out, or why not.
type answer struct {
	Error *string           `json:",omitempty"`
	Out   []byte            `json:",omitempty"`
	Files map[string][]byte `json:",omitempty"`
	// Where several things were asked of one text.
	Parts map[string]part `json:",omitempty"`
}

type part struct {
	Error *string `json:",omitempty"`
	Out   []byte  `json:",omitempty"`
}

// large is how many bytes of memory a request may take. What takes more ends the program; who asks starts another.
const large = 2 << 30

// slow is how long a request may take. What takes longer is given up, and its goroutine with it.
const slow = 5 * time.Second

func main() {
	log.SetOutput(io.Discard)
	slog.SetDefault(slog.New(slog.DiscardHandler))
	// Templates that never end must fail fast.
	debug.SetMaxStack(256 << 20)

	go endWhenLarge()

	in := json.NewDecoder(bufio.NewReaderSize(os.Stdin, 1<<16))
	out := bufio.NewWriterSize(os.Stdout, 1<<16)
	answers := json.NewEncoder(out)
	for {
		var asked request
		if err := in.Decode(&asked); err == io.EOF {
			return
		} else if err != nil {
			fmt.Fprintln(os.Stderr, "oracle: read a request:", err)
			os.Exit(1)
		}
		if err := answers.Encode(respond(&asked)); err != nil {
			fmt.Fprintln(os.Stderr, "oracle: write an answer:", err)
			os.Exit(1)
		}
		if err := out.Flush(); err != nil {
			os.Exit(1)
		}
	}
}

func endWhenLarge() {
	memory := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	for range time.Tick(20 * time.Millisecond) {
		if metrics.Read(memory); memory[0].Value.Uint64() > large {
			fmt.Fprintln(os.Stderr, "oracle: a request takes too much memory")
			os.Exit(3)
		}
	}
}

func respond(asked *request) answer {
	operation, known := operations[asked.Op]
	if !known {
		return failed(fmt.Errorf("oracle: unknown operation %q", asked.Op))
	}
	done := make(chan answer, 1)
	go func() {
		defer func() {
			if panicked := recover(); panicked != nil {
				done <- failed(fmt.Errorf("panic: %v", panicked))
			}
		}()
		given, err := operation(asked)
		if err != nil {
			given.Error = failed(err).Error
		}
		done <- given
	}()
	select {
	case given := <-done:
		return given
	case <-time.After(slow):
		return failed(fmt.Errorf("oracle: gave up after %s", slow))
	}
}

func failed(err error) answer {
	text := err.Error()
	return answer{Error: &text}
}

func partOf(out []byte, err error) part {
	if err != nil {
		text := err.Error()
		return part{Error: &text}
	}
	return part{Out: out}
}
