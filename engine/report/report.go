// Package report writes what lookout knows for people and programs: status,
// incidents, results, events and single checks as text, JSON, CSV and
// Prometheus' text format.
//
// Text is for less, a mail, a screen reader and awk: the first word of a line
// at column 0 is a label, fields are two or more spaces apart, what belongs to
// the line above is indented. Everything that came from outside passes
// uptime.Clean, so that no message can begin a line or hold two spaces in a row.
//
// The package is pure: it takes the time and the time zone from its caller.
package report

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"lookout/engine/uptime"
)

// Format is a form of output. The zero value is Text.
type Format uint8

// The formats.
const (
	Text       Format = iota
	JSON              // a status is one object; events, incidents and results are one a line
	CSV               // with a header line
	Prometheus        // of a status: the text exposition format
)

var formatWords = [...]string{"text", "json", "csv", "prometheus"}

// String returns the word that ParseFormat reads.
func (f Format) String() string {
	if int(f) < len(formatWords) {
		return formatWords[f]
	}
	return fmt.Sprintf("invalid(%d)", uint8(f))
}

// ParseFormat reads the word of one of the formats that a command offers.
func ParseFormat(s string, offered ...Format) (Format, error) {
	var words []string
	for _, f := range offered {
		if f.String() == s {
			return f, nil
		}
		words = append(words, f.String())
	}
	return Text, fmt.Errorf("format %q is not offered here; choose %s", uptime.Clean(s, 40), list(words, "or"))
}

// Options say how a report is written.
type Options struct {
	Format   Format
	Now      time.Time
	Location *time.Location // for people; nil: UTC. JSON and CSV stay UTC
	Problems bool           // of a status: stop after the problems
	ASCII    bool           // in text: every other character is a question mark
	Width    int            // of text: names are cut so that lines fit; 0: never
}

// ErrFormat reports a format that this report has not got.
var ErrFormat = uptime.Invalid("no such format for this")

// Exit codes of status and check: those of the monitoring plugins.
const (
	ExitUp       = 0
	ExitDegraded = 1
	ExitDown     = 2
	ExitUnknown  = 3
)

// worst orders exit codes by how much they matter, the least first.
func worse(a, b int) bool {
	rank := [...]int{ExitUp: 0, ExitUnknown: 1, ExitDegraded: 2, ExitDown: 3}
	return rank[a] > rank[b]
}

// ExitCode is the worst of the states in the order down (2), degraded (1),
// unknown or pending (3), up (0). Suspect counts as what it was; paused and
// maintenance not at all. Without any monitor it is 3.
func ExitCode(states []*uptime.State) int {
	if len(states) == 0 {
		return ExitUnknown
	}
	code := ExitUp
	for _, st := range states {
		if st.Mode != uptime.Active {
			continue
		}
		c := ExitUnknown
		switch st.Seen() {
		case uptime.Up:
			c = ExitUp
		case uptime.Degraded:
			c = ExitDegraded
		case uptime.Down:
			c = ExitDown
		}
		if worse(c, code) {
			code = c
		}
	}
	return code
}

// StatusExit is the exit code of a status export: that of its states, and 3 when no engine answers.
func StatusExit(s uptime.Status) int {
	if s.Stale {
		return ExitUnknown
	}
	return ExitCode(s.Snapshot.States)
}

// CheckExit is the exit code of single checks: the worst of their outcomes, 3 for none.
func CheckExit(results []uptime.Result) int {
	if len(results) == 0 {
		return ExitUnknown
	}
	code := ExitUp
	for i := range results {
		c := ExitUnknown
		switch results[i].Outcome {
		case uptime.OutcomeUp:
			c = ExitUp
		case uptime.OutcomeDegraded:
			c = ExitDegraded
		case uptime.OutcomeDown:
			c = ExitDown
		}
		if worse(c, code) {
			code = c
		}
	}
	return code
}

// lines writes one JSON object a line.
func lines[T any](w io.Writer, items []T) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	for i := range items {
		if err := enc.Encode(&items[i]); err != nil {
			return err
		}
	}
	return nil
}

// list joins words for a sentence: a; a and b; a, b and c.
func list(words []string, and string) string {
	switch n := len(words); n {
	case 0:
		return ""
	case 1:
		return words[0]
	default:
		return strings.Join(words[:n-1], ", ") + " " + and + " " + words[n-1]
	}
}
