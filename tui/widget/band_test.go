package widget

import (
	"math"
	"testing"
	"time"

	"lookout/engine/uptime"
)

// day24 is a day of n buckets: a daily wave, a spike, an outage, a gap and some single failures.
func day24(n int) []uptime.Bucket {
	out := make([]uptime.Bucket, 0, n)
	width := day / time.Duration(n)
	for i := range n {
		f := float64(i) / float64(n)
		b := uptime.Bucket{Start: noon.Add(-day + time.Duration(i)*width), Checks: 5}
		b.P50 = time.Duration((160 + 20*math.Sin(f*9)) * 1e6)
		b.P95 = b.P50 + time.Duration((40+40*math.Abs(math.Sin(f*31)))*1e6)
		switch {
		case i == n/4:
			b.P95 = 590 * time.Millisecond
		case i == n/3:
			b.P95 = 2900 * time.Millisecond
		case f > 0.5 && f < 0.55:
			continue
		case f > 0.7 && f < 0.701:
			b.Failed = 1
		case f >= 0.97:
			b.Checks, b.Failed, b.P50, b.P95 = 5, 5, 0, 0
		}
		out = append(out, b)
	}
	return out
}

func TestBand(t *testing.T) {
	few := day24(12)
	for _, tt := range []struct {
		name    string
		buckets []uptime.Bucket
		w, h    int
		ascii   bool
	}{
		{"band-104x6", day24(1440), 104, 6, false},
		{"band-72x4", day24(288), 72, 4, false},
		{"band-72x4-ascii", day24(288), 72, 4, true},
		{"band-few", few, 72, 5, false},
		{"band-none", nil, 40, 4, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := Band{tt.buckets, noon.Add(-day), noon, tt.ascii}.Draw(tt.w, tt.h)
			if len(g) != tt.h {
				t.Fatalf("%d rows, want %d", len(g), tt.h)
			}
			for _, l := range g {
				if len(l) != tt.w {
					t.Errorf("a row of %d cells, want %d", len(l), tt.w)
				}
				sound(t, l, tt.ascii)
			}
			golden(t, tt.name, g.String())
		})
	}
}

func TestBandOfAnySize(t *testing.T) {
	some := day24(96)
	for w := -1; w < 40; w++ {
		for h := -1; h < 8; h++ {
			for _, ascii := range []bool{false, true} {
				g := Band{some, noon.Add(-day), noon, ascii}.Draw(w, h)
				if len(g) != max(h, 0) {
					t.Fatalf("%dx%d: %d rows", w, h, len(g))
				}
				for _, l := range g {
					if len(l) != max(w, 0) {
						t.Fatalf("%dx%d: a row of %d cells", w, h, len(l))
					}
				}
			}
		}
	}
}

func TestBandMarks(t *testing.T) {
	b := Band{From: noon.Add(-4 * time.Minute), To: noon, ASCII: true, Buckets: []uptime.Bucket{
		{Start: noon.Add(-4 * time.Minute), Checks: 2, P50: time.Millisecond, P95: time.Millisecond},
		{Start: noon.Add(-3 * time.Minute), Checks: 2, Failed: 2},
		{Start: noon.Add(-2 * time.Minute), Checks: 2, Failed: 1, P50: time.Millisecond, P95: time.Millisecond},
	}}
	if got, want := b.Draw(4, 2).String(), "-XX\n X\n"; got != want {
		t.Errorf("one good, one dead, one torn, one gap:\n%swant\n%s", got, want)
	}
}

func TestAxis(t *testing.T) {
	for _, tt := range []struct {
		v    time.Duration
		want string
	}{
		{0, "0"}, {75 * time.Microsecond, "75us"}, {7500 * time.Microsecond, "7.5ms"}, {300 * time.Millisecond, "300ms"},
		{1500 * time.Millisecond, "1.5s"}, {time.Minute, "60s"},
	} {
		if got := Axis(tt.v); got != tt.want {
			t.Errorf("%v is %q, want %q", tt.v, got, tt.want)
		}
	}
}

func TestRoundUpHoldsItsValue(t *testing.T) {
	for v := time.Microsecond; v < time.Hour; v = v*5/4 + 1 {
		for rows := 1; rows < 9; rows++ {
			unit := roundUp(v, rows)
			if top := unit * time.Duration(rows); top <= v || !labelsFit(unit, rows) {
				t.Errorf("%v in %d rows of %v: %s", v, rows, unit, Axis(top-unit))
			}
		}
	}
}

func BenchmarkBand(b *testing.B) {
	for _, bench := range []struct {
		name  string
		ascii bool
	}{{"braille", false}, {"ascii", true}} {
		b.Run(bench.name, func(b *testing.B) {
			band := Band{day24(1440), noon.Add(-day), noon, bench.ascii}
			b.ReportAllocs()
			for b.Loop() {
				band.Draw(100, 12)
			}
		})
	}
}
