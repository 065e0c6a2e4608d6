package letter

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"lookout/engine/uptime"
)

// TestCompile finds mistakes of a template before anything has to be told by it.
func TestCompile(t *testing.T) {
	tests := []struct{ name, subject, body, want string }{
		{"none", "", "", ""},
		{"good", "{{.Word}} {{.Monitor}}", `{"text":{{json .Text}},"tags":{{json .Tags}}}`, ""},
		{"all of it", "{{.Kind}} {{.Cause}} {{.Count}}", "{{.ID}} {{.Thread}} {{join \", \" .Monitors}} {{time \"15:04\" .Since}} {{upper .Verdict}} {{range .Evidence}}{{.Location}} {{.Outcome}}{{end}}", ""},
		{"no end", "{{if .Over}}up", "", "subject: line 1: it ends too early: an {{end}} is missing"},
		{"no such word", "{{.Wrod}}", "", "subject: line 1:2: an alert has no Wrod"},
		{"no such word of an incident", "", "{{range .Incidents}}{{.Montor}}{{end}}", "body: line 1:22: an incident has no Montor"},
		{"a word of a list", "", "{{.Incidents.Monitor}}", "body: line 1:12: a list has no Monitor; {{range}} goes through it"},
		{"no such function", "", "{{env \"HOME\"}}", `body: line 1: function "env" not defined`},
		{"not always there", "", "{{(index .Incidents 0).Message}}", "body: line 1:3: error calling index: "},
		{"too much", "", "{{range $a := .Text}}{{end}}" + strings.Repeat("x", maxSource), "body: a template has at most 16384 bytes"},
		{"makes too much", "", "{{define \"a\"}}{{.Text}}{{.Text}}{{.Text}}{{.Text}}{{end}}{{define \"b\"}}" + strings.Repeat("{{template \"a\" .}}", 200) + "{{end}}{{template \"b\" .}}", "it makes more than 64 kB"},
		{"calls itself", "", "{{define \"a\"}}{{template \"a\" .}}{{end}}{{template \"a\" .}}", "it does not come to an end"},
		{"ranges over a number", "", "{{range 100000000000}}{{end}}", "it does not come to an end"},
		{"ranges over a variable", "", "{{$n := 100000000}}{{if .ID}}{{with .ID}}{{range $n}}{{range $n}}{{end}}{{end}}{{end}}{{end}}", "it does not come to an end"},
		{"doubles a text", "", `{{$x := "xxxxxxxxxxxxxxxx"}}{{range 60}}{{$x = printf "%s%s" $x $x}}{{end}}`, "it makes more than 64 kB"},
		{"pads a text", "", `{{range 999}}{{$y := printf "%999999s" "x"}}{{end}}`, "it makes more than 64 kB"},
		{"ranges and ends", "", "{{range $i, $m := .Monitors}}{{if $i}}, {{end}}{{$m}}{{else}}none{{end}}{{range 3}}.{{end}}", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Compile(tt.subject, tt.body)
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("%v, want %q", err, tt.want)
			}
		})
	}
}

// TestOwn: a channel's own templates, and one that fails on what comes.
func TestOwn(t *testing.T) {
	in := incident(4711, "shop")
	p := uptime.Parcel{Number: 1, Channel: "ops", Kind: uptime.AlertOpened, At: noon, Count: 1}
	f := Facts{Instance: "web-1", Now: noon, Incidents: []uptime.Incident{in}}
	own, err := Compile("{{.Word}}: {{.Monitor}} is gone", "{{.Message}}\n  indented {{.Fault}}")
	if err != nil {
		t.Fatal(err)
	}
	l := Write(&p, &f, own)
	if l.Subject != "DOWN: shop is gone" || l.Text != refuse+"\n  indented tcp.refused" || !l.Custom {
		t.Errorf("%q %q %v", l.Subject, l.Text, l.Custom)
	}
	picky, err := Compile("", `{{if eq .Message "odd"}}{{index .Tags 99}}{{end}}`)
	if err != nil {
		t.Fatal(err)
	}
	f.Incidents[0].Message = "odd"
	l = Write(&p, &f, picky)
	if !strings.HasPrefix(l.Text, "(the channel's own template failed: body: line 1:") || !strings.Contains(l.Text, "lookout ack '#4711'") || l.Custom {
		t.Errorf("%q", l.Text)
	}
	f.Incidents[0].Message = "{{.Instance}}"
	if l = Write(&p, &f, own); !strings.HasPrefix(l.Text, "{{.Instance}}\n") {
		t.Errorf("a text was taken for a template: %q", l.Text)
	}
}

// TestMistake: where a word is unknown, those that there are can be looked up.
func TestMistake(t *testing.T) {
	for _, tt := range []struct{ name, body, word, known string }{
		{"of an alert", "{{.Wrod}}", "Wrod", "Word"},
		{"of an incident", "{{range .Incidents}}{{.Montor}}{{end}}", "Montor", "Monitor"},
		{"of its evidence", "{{range .Evidence}}{{.Locaton}}{{end}}", "Locaton", "Location"},
		{"a function", "{{uper .Word}}", "uper", "upper"},
		{"another mistake", "{{if .Over}}", "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Compile("", tt.body)
			var m *Mistake
			if !errors.As(err, &m) || m.Word != tt.word || tt.known != "" && !slices.Contains(m.Known, tt.known) || slices.Contains(m.Known, step) {
				t.Errorf("%+v", err)
			}
		})
	}
}
