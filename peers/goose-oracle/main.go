// goose's own parser as a program: for each line of standard input, a JSON object with the text of a migration and a
// direction, it prints one line with the statements or the refusal. peers/build compiles it within goose's module, since
// the parser is internal to it.
package main

import (
	"bufio"
	"encoding/json"
	"log"
	"os"
	"strings"

	"github.com/pressly/goose/v3/internal/sqlparser"
)

type question struct {
	Text      string `json:"text"`
	Direction string `json:"direction"`
}

type answer struct {
	Statements  []string `json:"statements"`
	Transaction bool     `json:"transaction"`
	Error       string   `json:"error,omitempty"`
}

func main() {
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(make([]byte, 1<<20), 1<<26)
	out := bufio.NewWriter(os.Stdout)
	encoder := json.NewEncoder(out)
	for in.Scan() {
		var asked question
		if err := json.Unmarshal(in.Bytes(), &asked); err != nil {
			log.Fatal(err)
		}
		var said answer
		statements, transaction, err := sqlparser.ParseSQLMigration(
			strings.NewReader(asked.Text), sqlparser.Direction(asked.Direction), false)
		if err != nil {
			said.Error = err.Error()
		} else {
			said.Statements, said.Transaction = statements, transaction
		}
		if err := encoder.Encode(said); err != nil {
			log.Fatal(err)
		}
		if err := out.Flush(); err != nil {
			log.Fatal(err)
		}
	}
	if err := in.Err(); err != nil {
		log.Fatal(err)
	}
}
