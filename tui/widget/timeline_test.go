package widget

import (
	"strings"
	"testing"
	"time"
)

var noon = time.Date(2026, 11, 22, 12, 35, 19, 0, time.UTC)

func TestTimeline(t *testing.T) {
	at := func(hours float64) time.Time { return noon.Add(time.Duration(hours * float64(time.Hour))) }
	for _, tt := range []struct {
		name        string
		in          []Stretch
		want, ascii string
	}{
		{"quiet", nil, "..........", ".........."},
		{"the last of ten hours", []Stretch{{at(-1), at(0), MarkDown}}, ".........█", ".........X"},
		{"a minute takes a cell", []Stretch{{at(-5), at(-4.99), MarkDown}}, ".....█....", ".....X...."},
		{"it began before", []Stretch{{at(-50), at(-8), MarkSlow}}, "▄▄........", "ss........"},
		{"it goes on", []Stretch{{at(-2), at(5), MarkMaintenance}}, "........~~", "........~~"},
		{"the worst of a cell", []Stretch{{at(-3), at(-2.5), MarkDown}, {at(-3), at(-2), MarkMaintenance}}, ".......█..", ".......X.."},
		{"one place only", []Stretch{{at(-9), at(-7), MarkAlone}}, ".▒▒.......", ".oo......."},
		{"not watched", []Stretch{{at(-20), at(-7), MarkUnwatched}}, "   .......", "   ......."},
		{"outside, or upside down", []Stretch{{at(-30), at(-20), MarkDown}, {at(1), at(2), MarkDown}, {at(-2), at(-3), MarkDown}}, "..........", ".........."},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := Timeline(tt.in, at(-10), noon, 10, false).String(); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if got := Timeline(tt.in, at(-10), noon, 10, true).String(); got != tt.ascii {
				t.Errorf("in ASCII %q, want %q", got, tt.ascii)
			}
		})
	}
}

func TestTimeAxis(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Skip("no time zones here:", err)
	}
	var b strings.Builder
	for _, span := range []time.Duration{time.Hour, day, 7 * day, 30 * day, 90 * day} {
		for _, w := range []int{100, 60, 30, 10, 4} {
			l := TimeAxis(noon.Add(-span), noon.In(berlin), w)
			sound(t, l, true)
			b.WriteString(strings.TrimRight(l.String(), " ") + "\n")
		}
	}
	// Summer time ended at 03:00 on October 25th 2026.
	end := time.Date(2026, 10, 25, 12, 0, 0, 0, berlin)
	b.WriteString(TimeAxis(end.Add(-day), end, 100).String() + "\n")
	golden(t, "axis", b.String())
}

func TestPicturesOfNoTime(t *testing.T) {
	for w := -1; w < 12; w++ {
		if l := TimeAxis(noon, noon, w); len(l) != max(w, 0) {
			t.Errorf("width %d: %d cells", w, len(l))
		}
		if l := Timeline(nil, noon, noon.Add(-1), w, false); len(l) != max(w, 0) {
			t.Errorf("width %d: %d cells", w, len(l))
		}
	}
}
