package widget

import (
	"strings"
	"testing"
	"time"
)

func TestMeter(t *testing.T) {
	for _, tt := range []struct {
		name        string
		share       float64
		want, ascii string
	}{
		{"nothing", 0, "    ", "    "},
		{"a trace shows", 0.0001, "▏   ", "#   "},
		{"half", 0.5, "██  ", "##  "},
		{"and an eighth", 0.53125, "██▏ ", "##  "},
		{"all", 1, "████", "####"},
		{"more than all", 7, "████", "####"},
		{"less than nothing", -1, "    ", "    "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := Meter(tt.share, 4, Plain, false).String(); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if got := Meter(tt.share, 4, Plain, true).String(); got != tt.ascii {
				t.Errorf("in ASCII %q, want %q", got, tt.ascii)
			}
		})
	}
}

func phases(ms ...int) []Phase {
	names := []string{"dns", "tcp", "tls", "ttfb", "body"}
	out := make([]Phase, len(ms))
	for i, m := range ms {
		out[i] = Phase{names[i], time.Duration(m) * time.Millisecond}
	}
	return out
}

func TestPhases(t *testing.T) {
	var b strings.Builder
	for _, ascii := range []bool{false, true} {
		for _, w := range []int{70, 40, 30, 20} {
			l := PhaseLine(phases(2, 18, 41, 119, 4), w, ascii)
			sound(t, l, ascii)
			b.WriteString(l.String() + "$\n")
		}
		g := PhaseChart(phases(2, 18, 41, 119, 4), 50, ascii)
		for _, l := range g {
			sound(t, l, ascii)
		}
		b.WriteString(g.String() + "\n")
	}
	golden(t, "phases", b.String())
}

func TestPhasesOfAnySize(t *testing.T) {
	for w := -1; w < 30; w++ {
		for _, ps := range [][]Phase{nil, phases(0), phases(-5, 3), phases(1, 0, 0, 0, 1), phases(7)} {
			if l := PhaseLine(ps, w, false); len(l) != max(w, 0) {
				t.Errorf("width %d: %d cells", w, len(l))
			}
			if g := PhaseChart(ps, w, false); len(g) != len(ps) {
				t.Errorf("%d phases: %d rows", len(ps), len(g))
			}
		}
	}
}
