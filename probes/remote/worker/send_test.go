package worker

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"lookout/engine/uptime"
	"lookout/probes/wire"
)

// TestFlush sends a batch each ten seconds, with results or without.
func TestFlush(t *testing.T) {
	bubble(t, func(t *testing.T, o *office) {
		p := o.start(nil)
		after(time.Minute)
		empty := o.batches()
		if len(empty) < 6 || len(empty) > 8 {
			t.Errorf("%d signs of life in a minute", len(empty))
		}
		o.assign(version(5, 1), []string{"a"}, regular(0, 30))
		after(2 * time.Minute)
		batches, rows := o.batches()[len(empty):], len(o.rows())
		if len(batches) != 12 || rows < 50 || rows > 60 {
			t.Errorf("%d results in %d batches in two minutes", rows, len(batches))
		}
		for i, b := range batches {
			if b.Late || b.Epoch != p.spool.Epoch() {
				t.Errorf("batch %d: %+v", i, b)
			}
			if i > 0 && b.From != batches[i-1].Interval().To {
				t.Errorf("batch %d begins at %d after %d", i, b.From, batches[i-1].Interval().To)
			}
		}
		p.stop()
		if d := o.batches()[len(o.batches())-1].Interval().To; p.spool.Depth() != 0 || d != 60 && d != uint64(len(o.rows())) {
			t.Errorf("%d are left in the spool", p.spool.Depth())
		}
	})
}

// TestFlushAtOnce sends a change without waiting, and an outage of many in few batches.
func TestFlushAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T, o *office) {
		down := false
		o.check = func(context.Context, string) uptime.Result {
			o.mu.Lock()
			defer o.mu.Unlock()
			if down {
				return uptime.Result{Outcome: uptime.OutcomeDown, Fault: uptime.FaultTCPRefused, Message: "refused", Total: time.Millisecond}
			}
			return uptime.Result{Outcome: uptime.OutcomeUp, Total: time.Millisecond}
		}
		p := o.start(nil)
		o.assign(version(5, 1), []string{"a"}, regular(0, 30))
		after(3 * time.Minute)
		o.set(func() { down = true })
		for range 3 {
			before := len(o.rows())
			for len(o.rows()) == before {
				after(10 * time.Millisecond)
			}
			rows := o.rows()
			last := rows[len(rows)-1].Result
			if last.Outcome == uptime.OutcomeUp {
				continue // of before
			}
			if age := time.Since(last.Time); age > urgentGap+20*time.Millisecond {
				t.Errorf("a change was sent after %s", age)
			}
		}
		p.stop()
	})
}

// TestFlushMany sends a thousand results at once.
func TestFlushMany(t *testing.T) {
	bubble(t, func(t *testing.T, o *office) {
		p := o.start(func(opt *Options) { opt.Capacity = 4000 })
		monitors := regular(0, 2500)
		for i := range monitors {
			monitors[i].Interval = 2 * time.Second
		}
		var chunks [][]wire.Monitor
		for c := range slices.Chunk(monitors, wire.MaxMonitors) {
			chunks = append(chunks, c)
		}
		o.assign(version(5, 1), []string{"a"}, chunks...)
		after(5 * time.Second)
		n := 0
		for _, b := range o.batches() {
			if len(b.Rows) > maxRows {
				t.Errorf("a batch of %d", len(b.Rows))
			}
			n += len(b.Rows)
		}
		if n < 4000 || p.spool.Depth() > maxRows {
			t.Errorf("%d were sent, %d wait", n, p.spool.Depth())
		}
		p.stop()
	})
}

// TestOutage keeps everything while the broker is away, and sends it once: what
// is new at once, what is history at ten times the rate, marked as that.
func TestOutage(t *testing.T) {
	bubble(t, func(t *testing.T, o *office) {
		p := o.start(func(opt *Options) { opt.Capacity = 1000 })
		monitors := regular(0, 200)
		for i := range monitors {
			monitors[i].Interval = 4 * time.Second // 50 a second
		}
		o.assign(version(5, 1), []string{"a"}, monitors)
		after(time.Minute)
		o.lose(errAway)
		after(8 * time.Minute)
		if d := p.spool.Depth(); d < 50*7*60 {
			t.Fatalf("%d results were kept", d)
		}
		o.lose(nil)
		before := len(o.batches())
		p.Up()
		after(100 * time.Millisecond)
		batches := o.batches()[before:]
		if len(batches) < 2 {
			t.Fatalf("%d batches when the link came up", len(batches))
		}
		for _, b := range batches {
			if !b.Late && len(b.Rows) > 0 && time.Since(b.Rows[0].Result.Time) > 62*time.Second {
				t.Errorf("results of %s ago are sent as news", time.Since(b.Rows[0].Result.Time))
			}
		}
		from := time.Now()
		for p.spool.Depth() > maxRows {
			after(time.Second)
		}
		took := time.Since(from)
		late := 0
		for _, b := range o.batches()[before:] {
			if b.Late {
				late += len(b.Rows)
				if b.Counters != (wire.Counters{}) {
					t.Errorf("history has counters: %+v", b.Counters)
				}
			}
		}
		if rate := float64(late) / took.Seconds(); rate < 300 || rate > 600 || late < 50*6*60 {
			t.Errorf("%d late results came at %.0f a second, 50 are live", late, rate)
		}
		p.stop()
		seen := make(map[uint64]bool)
		for _, b := range o.batches() {
			for i := range b.Rows {
				if n := b.From + uint64(i); seen[n] {
					t.Fatalf("result %d was sent twice, and confirmed the first time", n)
				} else {
					seen[n] = true
				}
			}
		}
		if next, left := p.spool.Next(), p.spool.Depth(); uint64(len(seen))+left != next {
			t.Errorf("%d of %d results arrived, and %d are left", len(seen), next, left)
		}
	})
}

// TestCertificate travels when it says something new.
func TestCertificate(t *testing.T) {
	cert := func(first byte) *uptime.Certificate {
		return &uptime.Certificate{Names: []string{"example.com"}, Chain: "ok", Fingerprint: uptime.Hash{first}}
	}
	now := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	tests := []struct {
		name string
		cert *uptime.Certificate
		at   time.Duration
		want bool
	}{
		{"none", nil, 0, false},
		{"the first", cert(1), time.Minute, true},
		{"the same", cert(1), 2 * time.Minute, false},
		{"another", cert(2), 3 * time.Minute, true},
		{"none between", nil, 4 * time.Minute, false},
		{"the same again", cert(2), 5 * time.Minute, false},
		{"a day later", cert(2), 25 * time.Hour, true},
	}
	var m told
	for _, tt := range tests {
		if got := m.news(tt.cert, now.Add(tt.at)); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
}

// TestLargeBatch is cut where a frame would be too large.
func TestLargeBatch(t *testing.T) {
	bubble(t, func(t *testing.T, o *office) {
		n := 0
		o.check = func(context.Context, string) uptime.Result {
			o.mu.Lock()
			defer o.mu.Unlock()
			r := uptime.Result{Outcome: uptime.OutcomeDown, Fault: uptime.FaultTCPRefused, Total: time.Millisecond}
			for range 30 {
				n++
				noise := strings.Repeat(time.Duration(n*7919).String(), 12)
				r.Steps = append(r.Steps, uptime.Step{Step: "redirect", Detail: noise, Error: noise, URL: noise})
			}
			return r
		}
		p := o.start(nil)
		o.lose(errAway)
		o.set(func() { o.lost = nil })
		o.assign(version(5, 1), []string{"a"}, regular(0, 240))
		after(2 * time.Minute)
		p.stop()
		if rows := len(o.rows()); uint64(rows) != p.spool.Next() || rows < 240 {
			t.Errorf("%d of %d results arrived", rows, p.spool.Next())
		}
	})
}
