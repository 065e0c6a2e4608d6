package worker

import (
	"context"
	"testing"
	"time"

	"lookout/engine/uptime"
	"lookout/probes/wire"
)

// TestShareMoves has two probes of a location follow its live list: each
// monitor is checked once a minute throughout, by whoever has it.
func TestShareMoves(t *testing.T) {
	bubble(t, func(t *testing.T, a *office) {
		b := newOffice(t)
		b.codec, b.signer, b.place.Probe = a.codec, a.signer, "b"
		pa, pb := a.start(nil), b.start(nil)
		monitors := regular(0, 40)
		lists := [][]string{{"a", "b"}, {"a"}, {"b", "a"}, {"b"}, {"a", "b"}}
		for i, live := range lists {
			a.assign(version(5, uint64(i+1)), live, monitors)
			b.assign(version(5, uint64(i+1)), live, monitors)
			after(3*time.Minute + 7*time.Second)
		}
		ran := a.ran()
		for name, times := range b.ran() {
			ran[name] = append(ran[name], times...)
		}
		for _, m := range monitors {
			times := ran[m.Name]
			seen := make(map[time.Duration]bool)
			first, last := times[0], times[0]
			for _, at := range times {
				if first.After(at) {
					first = at
				}
				if last.Before(at) {
					last = at
				}
			}
			for _, at := range times {
				minute := at.Sub(first).Round(time.Second)
				if seen[minute] {
					t.Errorf("%s was checked twice in minute %s", m.Name, minute)
				}
				seen[minute] = true
			}
			if want := int(last.Sub(first).Round(time.Minute)/time.Minute) + 1; len(times) != want {
				t.Errorf("%s was checked %d times of %d", m.Name, len(times), want)
			}
		}
		if len(a.ran()) != 40 || len(b.ran()) != 40 {
			t.Errorf("%d and %d monitors were checked by one and the other", len(a.ran()), len(b.ran()))
		}
		pa.stop()
		pb.stop()
	})
}

// TestNotLive has a probe that is not among the live do nothing of its own and take no requests.
func TestNotLive(t *testing.T) {
	bubble(t, func(t *testing.T, o *office) {
		p := o.start(nil)
		o.assign(version(5, 1), []string{"b"}, regular(0, 10), asked(regular(256, 266)))
		after(15 * time.Minute)
		if n := len(o.ran()); n != 0 {
			t.Errorf("it checks %d monitors", n)
		}
		if o.consumes(o.shared()) {
			t.Error("it takes requests")
		}
		o.assign(version(5, 2), []string{"a", "b"}, regular(0, 10))
		if !o.consumes(o.shared()) {
			t.Error("it takes no requests though it is live")
		}
		o.assign(version(5, 3), nil, regular(0, 10))
		if o.consumes(o.shared()) {
			t.Error("it takes requests though it is live no more")
		}
		p.stop()
	})
}

// TestEdit keeps the rhythm of what an edit did not change.
func TestEdit(t *testing.T) {
	bubble(t, func(t *testing.T, o *office) {
		p := o.start(nil)
		monitors := regular(0, 3)
		o.assign(version(5, 1), []string{"a"}, monitors)
		after(2 * time.Minute)
		edited := regular(0, 4)
		edited[1].Interval = 10 * time.Second
		edited[2].Regular = false
		o.assign(version(5, 2), []string{"a"}, edited)
		before := o.ran()
		after(5 * time.Minute)
		for i, want := range []int{5, 30, 0, 5} {
			name := edited[i].Name
			if got := len(o.ran()[name]) - len(before[name]); got != want {
				t.Errorf("%s is checked %d times of %d in five minutes", name, got, want)
			}
		}
		p.stop()
	})
}

// TestBaselines are taken once when a monitor is assigned, spread over ten
// minutes, and once a day; not again by a restart.
func TestBaselines(t *testing.T) {
	bubble(t, func(t *testing.T, o *office) {
		p := o.start(nil)
		monitors := asked(regular(0, 60))
		o.assign(version(5, 1), []string{"a"}, monitors)
		after(5 * time.Minute)
		if n := len(o.ran()); n < 15 || n > 45 {
			t.Errorf("%d of 60 after five minutes", n)
		}
		p.stop() // before all of them are there
		p = o.start(nil)
		o.assign(version(5, 2), []string{"a"}, monitors)
		after(11 * time.Minute)
		if n := len(o.ran()); n != 60 {
			t.Errorf("%d of 60 after a restart", n)
		}
		p.stop()
		before := len(o.rows())
		p = o.start(nil)
		o.assign(version(5, 3), []string{"a"}, monitors)
		after(11 * time.Minute)
		if n := len(o.rows()) - before; n > 3 {
			t.Errorf("%d are taken again after another restart", n)
		}
		for _, row := range o.rows() {
			if !row.Baseline {
				t.Fatalf("a row is not said to be a baseline: %+v", row)
			}
		}
		p.stop()
	})
}

func TestBaselineTimes(t *testing.T) {
	now := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	w := &Worker{}
	for _, fresh := range []bool{true, false} {
		var least, most time.Duration = 1 << 62, 0
		for _, m := range regular(0, 200) {
			wait := w.baseline(&monitor{Monitor: m, fresh: fresh}, now).Sub(now)
			least, most = min(least, wait), max(most, wait)
		}
		if limit := map[bool]time.Duration{true: freshSpread, false: day}[fresh]; least < 0 || most > limit || most < limit/2 {
			t.Errorf("fresh %v: between %s and %s", fresh, least, most)
		}
	}
}

// TestOneAtATime skips a check whose monitor is still being checked, and counts it.
func TestOneAtATime(t *testing.T) {
	bubble(t, func(t *testing.T, o *office) {
		o.check = func(ctx context.Context, name string) uptime.Result {
			time.Sleep(90 * time.Second)
			return uptime.Result{Outcome: uptime.OutcomeUp, Total: 90 * time.Second}
		}
		p := o.start(nil)
		o.assign(version(5, 1), []string{"a"}, regular(0, 4))
		after(10 * time.Minute)
		if got := len(o.ran()["ma-0s"]); got != 5 {
			t.Errorf("checked %d times in ten minutes", got)
		}
		p.stop()
		all := o.batches()
		c := all[len(all)-1].Counters
		if c.Scheduled != 40 || c.Skipped < 20 || c.Scheduled != c.Finished+c.Skipped {
			t.Errorf("counted %+v", c)
		}
	})
}

// TestCountersAddUp holds in every batch, with what runs at that moment between the two sides.
func TestCountersAddUp(t *testing.T) {
	bubble(t, func(t *testing.T, o *office) {
		o.check = func(ctx context.Context, name string) uptime.Result {
			time.Sleep(7 * time.Second)
			return uptime.Result{Outcome: uptime.OutcomeUp, Total: 7 * time.Second}
		}
		p := o.start(func(opt *Options) { opt.Capacity = 4 })
		o.assign(version(5, 1), []string{"a"}, regular(0, 60))
		after(20 * time.Minute)
		p.stop()
		var last wire.Counters
		rows := uint64(0)
		for _, b := range o.batches() {
			c := b.Counters
			rows += uint64(len(b.Rows))
			between := c.Scheduled - c.Finished - c.Skipped
			if c.Scheduled < c.Finished+c.Skipped || between > 60 {
				t.Fatalf("%+v", c)
			}
			if c.Scheduled < last.Scheduled || c.Finished < last.Finished || c.Skipped < last.Skipped || c.Late < last.Late {
				t.Fatalf("%+v after %+v", c, last)
			}
			last = c
		}
		if last.Scheduled != last.Finished+last.Skipped || last.Finished != rows || last.Late == 0 || last.Skipped == 0 {
			t.Errorf("at the end %+v, and %d rows", last, rows)
		}
	})
}

// TestShareComesAndGoes leaves nothing behind of the shares that it had.
func TestShareComesAndGoes(t *testing.T) {
	bubble(t, func(t *testing.T, o *office) {
		p := o.start(nil)
		monitors := regular(0, 20)
		for i := range monitors {
			monitors[i].Asked = true
		}
		for n := range uint64(100) {
			live := []string{"a"}
			if n%2 == 1 {
				live = nil
			}
			o.assign(version(5, n), live, monitors)
			after(time.Second)
		}
		p.stop()
		if n := p.wheel.Len(); n > 40 {
			t.Errorf("%d entries wait for 20 monitors", n)
		}
	})
}
