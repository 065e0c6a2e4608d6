package uptime

import (
	"math/rand/v2"
	"testing"
	"time"
)

// life is what a timeline should say, written down second by second.
type life []Class

// set is Timeline.Set: from a second on, whatever was said before.
func (l life) set(from int, c Class) {
	for i := max(from, 0); i < len(l); i++ {
		l[i] = c
	}
}

// recount is Timeline.Recount.
func (l life) recount(from int, c Class) {
	for i := max(from, 0); i < len(l); i++ {
		if l[i] != ClassOff {
			l[i] = c
		}
	}
}

func (l life) share(from, to int) Share {
	s := Share{Span: max(time.Duration(to-from)*time.Second, 0)}
	for i := max(from, 0); i < min(to, len(l)); i++ {
		switch l[i] {
		case ClassUp:
			s.Up += time.Second
		case ClassDown:
			s.Down += time.Second
		case ClassOff:
			s.Off += time.Second
		}
	}
	return s
}

// live plays what some bytes say and holds every span of a timeline against the
// life that was written down: each second of it is in exactly one class.
func live(t *testing.T, moves []byte) {
	t.Helper()
	const end = 1000
	l, tl, sec := make(life, end), Timeline(nil), 0
	for i := 0; i+1 < len(moves); i += 2 {
		if sec = max(sec+int(moves[i])-32, 0); sec >= end { // a fourth of them recounts the past
			break
		}
		c := Class(moves[i+1] % 4)
		if moves[i+1] < 64 {
			tl = tl.Set(at(sec), c)
			l.set(sec, c)
		} else {
			tl = tl.Recount(at(sec), c)
			l.recount(sec, c)
		}
		for n := 1; n < len(tl); n++ {
			if !tl[n].At.After(tl[n-1].At) || tl[n].Class == tl[n-1].Class {
				t.Fatalf("not in order or not merged: %v", tl)
			}
		}
		if tl.Now() != l[end-1] {
			t.Fatalf("%v at the end of %v", l[end-1], tl)
		}
	}
	rng := rand.New(rand.NewPCG(uint64(len(moves)), 7))
	for range 20 {
		a, b := rng.IntN(end), rng.IntN(end)
		a, b = min(a, b), max(a, b)
		got, want := tl.Between(at(a), at(b)), l.share(a, b)
		if got != want || got.Up+got.Down+got.Off+got.Unknown() != got.Span {
			t.Fatalf("from %d to %d: %+v, want %+v of %v", a, b, got, want, tl)
		}
		low, high, doubtful := got.Bounds()
		up, known := got.Uptime()
		if known && (up < low-1e-9 || up > high+1e-9) || low < 0 || high > 1 || low > high || doubtful && got.Coverage() >= 0.99 {
			t.Fatalf("%v is not from %v to %v: %+v", up, low, high, got)
		}
		if got.Unknown() == 0 && (doubtful || known && high-low > 1e-9) {
			t.Fatalf("all is known of %+v, and it is from %v to %v", got, low, high)
		}
		m := a + (b-a)/3
		sum := tl.Between(at(a), at(m))
		if sum.Add(tl.Between(at(m), at(b))); sum != got {
			t.Fatalf("%+v in parts, %+v in one", sum, got)
		}
		if rest := (append(Timeline(nil), tl...)).Trim(at(m)); rest.Between(at(m), at(b)) != tl.Between(at(m), at(b)) {
			t.Fatalf("trimming at %d changed what comes after", m)
		}
	}
}

func TestEverySecondInOneClass(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		moves := make([]byte, rng.IntN(60))
		for i := range moves {
			moves[i] = byte(rng.IntN(128))
		}
		live(t, moves)
	}
}

func FuzzTimeline(f *testing.F) {
	f.Add([]byte{40, 1, 90, 2, 10, 1, 60, 3, 60, 0})
	f.Fuzz(live)
}

// TestCalendarShares: a life over two changes of the clock, summed up by days,
// weeks and months of several zones, is the same life.
func TestCalendarShares(t *testing.T) {
	begin := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	end := time.Date(2026, 11, 15, 0, 0, 0, 0, time.UTC)
	rng := rand.New(rand.NewPCG(3, 4))
	var tl Timeline
	for now := begin; now.Before(end); now = now.Add(time.Duration(rng.Int64N(int64(40 * time.Hour)))) {
		tl = tl.Set(now, Class(rng.IntN(4)))
	}
	for _, name := range zones {
		zone := zoneOf(t, name)
		for unit, of := range map[string]func(time.Time, *time.Location) Period{"days": Day, "weeks": Week, "months": Month} {
			first, last := of(begin.AddDate(0, 1, 0), zone), of(end.AddDate(0, -1, 0), zone)
			var sum Share
			for p := first; !p.From.After(last.From); p = of(p.To, zone) {
				s := tl.Between(p.From, p.To)
				if s.Up+s.Down+s.Off+s.Unknown() != s.Span || s.Span != p.To.Sub(p.From) {
					t.Fatalf("%s of %s: %+v", unit, name, s)
				}
				sum.Add(s)
			}
			if whole := tl.Between(first.From, last.To); sum != whole {
				t.Errorf("%s of %s: %+v, and in one %+v", unit, name, sum, whole)
			}
		}
	}
	// Down for two hours, from 01:00 to 03:00 by the clock of a night that has no 02:00.
	zone := zoneOf(t, "Europe/Amsterdam")
	tl = Timeline{}.Set(time.Date(2026, 3, 28, 0, 0, 0, 0, zone), ClassUp).
		Set(time.Date(2026, 3, 29, 1, 0, 0, 0, zone), ClassDown).Set(time.Date(2026, 3, 29, 3, 0, 0, 0, zone), ClassUp)
	day := Day(time.Date(2026, 3, 29, 12, 0, 0, 0, zone), zone)
	if s := tl.Between(day.From, day.To); s.Span != 23*time.Hour || s.Down != time.Hour || s.Coverage() != 1 {
		t.Errorf("a day of 23 hours: %+v", s)
	}
	tl = Timeline{}.Set(time.Date(2026, 10, 24, 0, 0, 0, 0, zone), ClassUp).
		Set(time.Date(2026, 10, 25, 1, 0, 0, 0, zone), ClassDown).Set(time.Date(2026, 10, 25, 3, 0, 0, 0, zone), ClassUp)
	day = Day(time.Date(2026, 10, 25, 12, 0, 0, 0, zone), zone)
	if s := tl.Between(day.From, day.To); s.Span != 25*time.Hour || s.Down != 3*time.Hour || s.Coverage() != 1 {
		t.Errorf("a day of 25 hours: %+v", s)
	}
}

func TestBounds(t *testing.T) {
	const h = time.Hour
	for _, tc := range []struct {
		name      string
		s         Share
		low, high float64
		doubtful  bool
	}{
		{"all known", Share{Up: 9 * h, Down: h, Span: 10 * h}, 0.9, 0.9, false},
		{"a moment unknown", Share{Up: 999 * h, Span: 1000 * h}, 0.999, 1, false},
		{"a tenth unknown", Share{Up: 8 * h, Down: h, Span: 10 * h}, 0.8, 0.9, true},
		{"nothing known", Share{Span: 10 * h}, 0, 1, true},
		{"half of it in maintenance", Share{Up: 4 * h, Down: h, Off: 5 * h, Span: 10 * h}, 0.8, 0.8, false},
		{"half of it in maintenance, some unknown", Share{Up: 3 * h, Down: h, Off: 5 * h, Span: 10 * h}, 0.6, 0.8, true},
		{"all of it in maintenance", Share{Off: 10 * h, Span: 10 * h}, 0, 1, false},
		{"no span", Share{}, 0, 1, false},
	} {
		if low, high, doubtful := tc.s.Bounds(); low != tc.low || high != tc.high || doubtful != tc.doubtful {
			t.Errorf("%s: %v to %v, %v", tc.name, low, high, doubtful)
		}
	}
}
