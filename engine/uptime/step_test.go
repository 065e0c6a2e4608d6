package uptime

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// line makes a time line of minutes after t0: "10u 20d".
func line(t0 time.Time, s string) Timeline {
	var out Timeline
	for _, f := range strings.Fields(s) {
		var n int
		var c rune
		fmt.Sscanf(f, "%d%c", &n, &c)
		out = append(out, Change{t0.Add(time.Duration(n) * time.Minute), Class(strings.IndexRune("-ud", c))})
	}
	return out
}

func lineString(t0 time.Time, t Timeline) string {
	var out []string
	for _, c := range t {
		out = append(out, fmt.Sprintf("%d%c", int(c.At.Sub(t0).Minutes()), "-ud"[c.Class]))
	}
	return strings.Join(out, " ")
}

func TestTimelineStep(t *testing.T) {
	t0 := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	tests := []struct {
		name      string
		line      string
		older, by int
		want      string
	}{
		{"forward: a hole at the start of the process", "0u 110d 120u", 0, 60, "0u 100- 160u 170d 180u"},
		{"back: what is older is pushed", "0u 110d 120u", -60, -60, "-60u 50d 60u"},
		{"back after forward: the hole closes", "0u 100- 160u 170d 180u", 0, -60, "0u 110d 120u"},
		{"forward after back: what was pushed comes back", "-60u 50d 60u", 60, 60, "0u 110d 120u"},
		{"a change at the start", "0u 90- 100u 110d", 0, 60, "0u 90- 160u 170d"},
		{"nothing older", "105u 110d", 0, -60, "45u 50d"},
		{"nothing at all", "", -60, -60, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			began := t0.Add(100 * time.Minute)
			if strings.HasPrefix(tt.name, "back after") {
				began = began.Add(time.Hour)
			} else if strings.HasPrefix(tt.name, "forward after") {
				began = began.Add(-time.Hour)
			}
			got := line(t0, tt.line).Step(began, time.Duration(tt.older)*time.Minute, time.Duration(tt.by)*time.Minute)
			if s := lineString(t0, got); s != tt.want {
				t.Errorf("%s, want %s", s, tt.want)
			}
		})
	}
}

// Any steps: the line stays in order, no second that was up or down is lost or
// invented, and a clock that is back where it was has the line where it was.
func TestTimelineStepsKeepEverySecond(t *testing.T) {
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 1))
		t0 := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
		began := t0.Add(100 * time.Minute)
		var tl Timeline
		at := t0
		for range 30 {
			at = at.Add(time.Duration(1+rng.IntN(10)) * time.Minute)
			tl = tl.Set(at, Class(rng.IntN(3)))
		}
		end := at.Add(time.Minute)
		first, was := tl, tl.Between(t0.Add(-time.Hour), end)
		sum := time.Duration(0)
		step := func(by time.Duration) {
			older := min(0, sum+by) - min(0, sum)
			tl = tl.Step(began, older, by)
			began, end, sum = began.Add(by), end.Add(by), sum+by
			for i := 1; i < len(tl); i++ {
				if !tl[i].At.After(tl[i-1].At) || tl[i].Class == tl[i-1].Class {
					t.Fatalf("seed %d: out of order: %s", seed, lineString(t0, tl))
				}
			}
			if got := tl.Between(t0.AddDate(-1, 0, 0), end); got.Up != was.Up || got.Down != was.Down {
				t.Fatalf("seed %d, by %v: up %v and down %v, were %v and %v", seed, by, got.Up, got.Down, was.Up, was.Down)
			}
		}
		for range 6 {
			step(time.Duration(rng.IntN(600)-300) * time.Minute)
		}
		step(-sum)
		if lineString(t0, tl) != lineString(t0, first) {
			t.Errorf("seed %d: %s, was %s", seed, lineString(t0, tl), lineString(t0, first))
		}
	}
}

// The gaps of a beat are bounded, belong to it alone, and end with the next beat.
func TestBeatGaps(t *testing.T) {
	t0 := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	if b := (Beat{}).After(Gap{From: t0, To: t0.Add(time.Hour)}); len(b.Gaps) > 0 {
		t.Error("a job that never called in has missed something")
	}
	b := Beat{}.Take(Signal{}, "", t0)
	for i := range 3 * maxGaps {
		before, at := b, t0.Add(time.Duration(i)*time.Minute)
		b = b.After(Gap{From: at, To: at.Add(10 * time.Second), Set: i == 3})
		if n := len(before.Gaps); n == maxGaps && before.Gaps[n-1] == b.Gaps[n-1] {
			t.Fatal("a gap was dropped, or the beat before was changed")
		}
	}
	if n := len(b.Gaps); n != maxGaps || b.SetBy() != 10*time.Second {
		t.Errorf("%d gaps, the clock was set by %v", n, b.SetBy())
	}
	if b = b.Take(Signal{}, "", t0); len(b.Gaps) > 0 {
		t.Error("a beat has the gaps before it")
	}
}
