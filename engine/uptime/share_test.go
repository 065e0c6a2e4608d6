package uptime

import (
	"testing"
	"time"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func at(sec int) time.Time { return noon.Add(time.Duration(sec) * time.Second) }

func TestTimeline(t *testing.T) {
	var tl Timeline
	tl = tl.Set(at(0), ClassUp)
	tl = tl.Set(at(60), ClassUp) // no change
	tl = tl.Set(at(100), ClassDown)
	tl = tl.Set(at(160), ClassUp)
	tl = tl.Set(at(200), ClassNone)
	for _, tc := range []struct {
		name           string
		from, to       int
		up, down, span int
	}{
		{"all of it", 0, 300, 140, 60, 300},
		{"before the beginning nothing is known", -100, 50, 50, 0, 150},
		{"inside one stretch", 110, 120, 0, 10, 10},
		{"over one border", 90, 110, 10, 10, 20},
		{"after the end the last one holds on", 250, 260, 0, 0, 10},
		{"backwards is empty", 50, 40, 0, 0, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := tl.Between(at(tc.from), at(tc.to))
			want := Share{Up: time.Duration(tc.up) * time.Second, Down: time.Duration(tc.down) * time.Second, Span: time.Duration(tc.span) * time.Second}
			if s != want {
				t.Errorf("got %v, want %v", s, want)
			}
		})
	}
}

// A confirmed outage began with its first failing check: the past is recounted.
func TestTimelineRecount(t *testing.T) {
	var tl Timeline
	tl = tl.Set(at(0), ClassUp).Set(at(100), ClassNone).Set(at(110), ClassUp)
	tl = tl.Set(at(90), ClassDown)
	if s := tl.Between(at(0), at(200)); s.Up != 90*time.Second || s.Down != 110*time.Second {
		t.Errorf("%v", s)
	}
	if len(tl) != 2 {
		t.Errorf("%d changes", len(tl))
	}
	if tl = tl.Set(at(0), ClassDown); len(tl) != 1 {
		t.Errorf("a beginning replaced: %v", tl)
	}
}

func TestShare(t *testing.T) {
	s := Share{Up: 9 * time.Minute, Down: time.Minute, Span: 20 * time.Minute}
	if up, ok := s.Uptime(); !ok || up != 0.9 || s.Coverage() != 0.5 {
		t.Errorf("%v %v %v", up, ok, s.Coverage())
	}
	if _, ok := (Share{Span: time.Hour}).Uptime(); ok {
		t.Error("an uptime of what is not known at all")
	}
}

func TestCounts(t *testing.T) {
	for v, want := range map[Verdict]Class{Up: ClassUp, Degraded: ClassUp, Down: ClassDown, Unknown: ClassNone, Pending: ClassNone} {
		if got := v.Counts(Active); got != want {
			t.Errorf("%v counts as %v", v, got)
		}
		if v.Counts(Maintenance) != ClassOff || v.Counts(Paused) != ClassOff {
			t.Errorf("%v counts in maintenance or paused", v)
		}
	}
}
