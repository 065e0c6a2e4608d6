package storage

import (
	"math"
	"slices"
	"testing"
	"time"

	"lookout/engine/uptime"
	"lookout/storage/chunk"
)

func TestSpanHoldsRows(t *testing.T) {
	k := spanAt(3, t0.UnixMilli())
	rows := []chunk.Row{
		{Series: 3*groupSize + 255, Time: k.start(), Outcome: uint8(uptime.OutcomeUp), Status: 200, Shape: 1, Total: 700, Measures: [6]int32{1, 0, 3, -4, 5, math.MinInt32}},
		{Series: 3 * groupSize, Time: k.start() + hourMillis - 1, Outcome: 3, Fault: 65535, Text: math.MaxUint32, Address: 7, Total: -1},
		{Series: 3*groupSize + 1, Time: k.start() + 5, Outcome: uint8(uptime.OutcomeUp), Text: 9},
		{Series: 3*groupSize + 1, Time: k.start() + 4},
	}
	var s span
	for i := range rows {
		s.add(k, &rows[i])
	}
	if got := rowsOf(nil, k, s.buf, nil); !slices.Equal(got, rows) || s.rows != len(rows) {
		t.Errorf("got %+v", got)
	}
	if got := rowsOf(nil, k, s.buf, func(id uint32) bool { return id == 3*groupSize+1 }); !slices.Equal(got, rows[2:]) {
		t.Errorf("got %+v", got)
	}
	s.add(k, &rows[1])
	tidied := tidySpan(nil, rowsOf(nil, k, s.buf, nil))
	want := []chunk.Row{rows[1], rows[3], rows[2], rows[0]}
	if !slices.Equal(tidied, want) {
		t.Errorf("tidied %+v", tidied)
	}
}

func TestSpans(t *testing.T) {
	for _, group := range []uint32{0, 1, 63, 64, 700} {
		for ms := t0.UnixMilli() - hourMillis; ms < t0.UnixMilli()+2*hourMillis; ms += 7_919 {
			k := spanAt(group, ms)
			if k.start() > ms || ms >= k.start()+hourMillis || k.start() < int64(k.hour)*hourMillis || k.start() >= int64(k.hour+1)*hourMillis {
				t.Fatalf("group %d, %d: hour %d, from %d", group, ms, k.hour, k.start())
			}
			if d := k.due(ms) - ms; d <= 0 || d > hourMillis+graceMillis {
				t.Fatalf("group %d, %d: due in %d ms", group, ms, d)
			}
		}
	}
}

func TestDue(t *testing.T) {
	now := t0.Add(20 * time.Minute).UnixMilli()
	present := spanAt(5, now)
	for _, c := range []struct {
		name  string
		hours int
		want  int64 // hours from the end of the present one
	}{
		{"the present", 0, 0},
		{"an hour that is over", -3, 0},
		{"another year", 9000, 0},
	} {
		k := spanKey{5, uint32(int(present.hour) + c.hours)}
		if got := k.due(now); got != present.start()+(1+c.want)*hourMillis+graceMillis {
			t.Errorf("%s: due at %d", c.name, got)
		}
	}
	before := spanKey{5, present.hour - 1}
	if at := present.start() + 1000; before.due(at) != present.start()+graceMillis {
		t.Error("the hour that has just ended waits for the present one")
	}
	for _, now := range []int64{math.MinInt64 / 2, 0, math.MaxInt64 / 2} {
		present.due(now) // no clock is too wrong
	}
}
