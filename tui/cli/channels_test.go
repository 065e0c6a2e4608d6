package cli

import (
	"os"
	"strings"
	"testing"

	"lookout/engine/alert/channel"
)

// The README's table of channels has a row for each type, as the registry
// describes it, and none that is not there.
func TestReadmeChannels(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, ok := strings.Cut(string(text), "\n| channel | needs | |\n|---|---|---|\n")
	table, _, closed := strings.Cut(table, "\n\n")
	if !ok || !closed {
		t.Fatal("there is no table of channels")
	}
	rows := map[string]string{}
	for row := range strings.SplitSeq(table, "\n") {
		cells := strings.Split(strings.Trim(row, "|"), "|")
		rows[strings.TrimSpace(cells[0])] = strings.TrimSpace(cells[len(cells)-1])
	}
	for _, ct := range channel.Types() {
		if rows[ct.Name] != ct.Summary {
			t.Errorf("the row of %s says %q, want %q", ct.Name, rows[ct.Name], ct.Summary)
		}
		delete(rows, ct.Name)
	}
	for name := range rows {
		t.Errorf("there is no type %s", name)
	}
}
