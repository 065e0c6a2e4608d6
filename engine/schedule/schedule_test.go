package schedule

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

var start = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func TestWheelNeverEarlyNeverForgotten(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	w := New[int](start)
	type item struct {
		at   time.Time
		done bool
	}
	var items []item
	add := func(now time.Time) {
		at := now.Add(time.Duration(rng.Int64N(int64(5 * time.Minute))))
		items = append(items, item{at: at})
		w.Add(at, len(items)-1)
	}
	for range 2000 {
		add(start)
	}
	now := start
	for w.Len() > 0 {
		next, ok := w.Next()
		if !ok || !next.After(now) {
			t.Fatalf("Next() = %v, %v at %v", next, ok, now)
		}
		if rng.IntN(20) == 0 {
			next = next.Add(time.Duration(rng.Int64N(int64(3 * time.Minute)))) // a stall
		}
		now = next
		fired := 0
		w.Advance(now, func(at time.Time, k int) {
			fired++
			switch {
			case items[k].done:
				t.Fatalf("%d handed out twice", k)
			case !at.Equal(items[k].at):
				t.Fatalf("%d: at %v, added for %v", k, at, items[k].at)
			case at.After(now):
				t.Fatalf("%d handed out %v early", k, at.Sub(now))
			}
			items[k].done = true
			if len(items) < 5000 {
				add(now)
			}
		})
		for k, it := range items {
			if !it.done && now.Sub(it.at) > width {
				t.Fatalf("%d is %v late", k, now.Sub(it.at))
			}
		}
	}
}

func TestWheelPast(t *testing.T) {
	w := New[string](start)
	now := start.Add(time.Hour)
	w.Advance(now, func(time.Time, string) { t.Fatal("empty") })
	w.Add(start, "overdue")
	next, ok := w.Next()
	if !ok || next.Sub(now) > 2*width {
		t.Fatalf("Next() = %v, %v", next, ok)
	}
	got := ""
	w.Advance(next, func(_ time.Time, k string) { got = k })
	if got != "overdue" {
		t.Fatalf("got %q", got)
	}
}

func TestPhaseIsSpreadAndStable(t *testing.T) {
	const n, buckets = 10000, 10
	var count [buckets]int
	for i := range n {
		p := Phase(fmt.Sprintf("web-%d.example.com", i), time.Minute)
		if p < 0 || p >= time.Minute {
			t.Fatalf("phase %v", p)
		}
		count[p*buckets/time.Minute]++
	}
	for b, c := range count {
		if c < n/buckets*85/100 || c > n/buckets*115/100 {
			t.Errorf("tenth %d has %d of %d", b, c, n)
		}
	}
	// Written down: another process, another version must find the same place.
	if got := Phase("shop", time.Minute); got != 52009597930 {
		t.Errorf("Phase(shop) = %d", got)
	}
}

func TestFirst(t *testing.T) {
	for _, now := range []time.Time{start, start.Add(17*time.Second + 123), start.Add(59 * time.Second)} {
		at := First("shop", time.Minute, now)
		if d := at.Sub(now); d <= 0 || d > time.Minute {
			t.Errorf("First after %v: %v", now, d)
		}
		if got, want := time.Duration(at.UnixNano()%int64(time.Minute)), Phase("shop", time.Minute); got != want {
			t.Errorf("at phase %v, want %v", got, want)
		}
	}
}

func BenchmarkWheel180k(b *testing.B) {
	w := New[uint32](start)
	for i := range uint32(180000) {
		w.Add(start.Add(time.Duration(i)*time.Minute/180000), i)
	}
	now := start
	b.ReportAllocs()
	for b.Loop() {
		now = now.Add(width)
		w.Advance(now, func(at time.Time, k uint32) { w.Add(at.Add(time.Minute), k) })
	}
}
