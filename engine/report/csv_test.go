package report

import (
	"bytes"
	"encoding/csv"
	"strings"
	"testing"

	"lookout/engine/uptime"
)

// TestCSVHoldsNoFormula opens what a target and a person can write as a
// spreadsheet would: every cell is text, in its place.
func TestCSVHoldsNoFormula(t *testing.T) {
	for _, tt := range []struct{ name, text, cell string }{
		{"plain", "a, b", "a, b"},
		{"a formula", `=HYPERLINK("http://evil.example","x")`, `'=HYPERLINK("http://evil.example","x")`},
		{"a sum", "+1+1", "'+1+1"},
		{"a command", "@SUM(1)", "'@SUM(1)"},
		{"behind a tab", "\t=1", "'=1"},
		{"a new line", "a\n=1", "a =1"},
		{"a row", "a\",\"\r\n=1", `a"," =1`},
		{"in the middle", "a=1", "a=1"},
		{"nothing", "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := snapshot()
			s.States = s.States[:1]
			st := s.States[0]
			st.Name, st.Message, st.Group, st.Tags = tt.text, tt.text, tt.text, []string{tt.text}
			opt := options()
			opt.Format = CSV
			rows, err := csv.NewReader(strings.NewReader(statusOf(t, uptime.Status{Snapshot: s}, opt))).ReadAll()
			if err != nil || len(rows) != 2 {
				t.Fatalf("%d rows, %v", len(rows), err)
			}
			for i, column := range rows[0] {
				if strings.Contains("monitor message group tags", column) && rows[1][i] != tt.cell {
					t.Errorf("%s is %q, want %q", column, rows[1][i], tt.cell)
				}
			}
			opt.Format = Prometheus
			if got := statusOf(t, uptime.Status{Snapshot: s}, opt); strings.Contains(got, `"'`) {
				t.Errorf("a label is no cell: %s", got)
			}
		})
	}
	in := incidents()[:1]
	in[0].Ack.By, in[0].Behind = "=1", "-1"
	var b bytes.Buffer
	opt := options()
	opt.Format = CSV
	if err := Incidents(&b, in, opt); err != nil || !strings.HasSuffix(b.String(), ",fra,'-1,0,'=1,,false\n") {
		t.Errorf("%v, %s", err, b.String())
	}
}
