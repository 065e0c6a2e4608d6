package api

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"lookout/engine/uptime"
)

// randomChange makes the next snapshot of an engine to which anything may happen.
func randomChange(s *uptime.Snapshot, r *rand.Rand) *uptime.Snapshot {
	n := *s
	n.Seq, n.Time = s.Seq+1, s.Time.Add(time.Second)
	n.Health.Rate, n.Events = r.Float64(), s.Events+1
	n.States, n.Open, n.Counts = nil, nil, uptime.Counts{}
	if r.IntN(2) == 0 {
		n.Broker = uptime.Broker{URL: "amqps://probe.example.com/lookout", Connected: r.IntN(2) == 0}
		n.Probes = nil
		for i := range r.IntN(4) {
			n.Probes = append(n.Probes, uptime.Probe{Location: "fra", Name: fmt.Sprint(i), State: uptime.ProbeState(r.IntN(4)), Seen: n.Time})
		}
	}
	if r.IntN(2) == 0 {
		n.Outbox = uptime.Outbox{Held: r.IntN(3), Heartbeat: uptime.HeartbeatState{Last: n.Time}}
		for i := range r.IntN(3) {
			n.Outbox.Channels = append(n.Outbox.Channels, uptime.ChannelState{Name: fmt.Sprint(i), Pending: r.IntN(9)})
			n.Outbox.Told = append(n.Outbox.Told, uptime.Told{Number: n.Seq, Channel: fmt.Sprint(i), State: uptime.ToldSent, Done: n.Time})
		}
	}
	chance := r.IntN(100) // of a change, in percent
	for _, st := range s.States {
		switch c := r.IntN(100); {
		case c == 0 && r.IntN(3) == 0:
			continue // gone
		case c < chance:
			x := *st
			x.Verdict, x.Message = uptime.Verdict(r.IntN(6)), fmt.Sprint("message ", r.IntN(10))
			x.Recent[r.IntN(len(x.Recent))] = uptime.CellDown
			if r.IntN(5) == 0 {
				m := *st.Monitor
				m.Tags = append(slices.Clone(m.Tags), "more")
				x.Monitor = &m
			}
			st = &x
		}
		n.States = append(n.States, st)
	}
	for range r.IntN(5) {
		name := fmt.Sprintf("monitor %03d", r.IntN(1000))
		if i, found := slices.BinarySearchFunc(n.States, name, byName); !found {
			n.States = slices.Insert(n.States, i, named(name, uptime.Verdict(r.IntN(6))))
		}
	}
	for _, st := range n.States {
		n.Counts.Add(st.Verdict, st.Mode)
	}
	for _, i := range s.Open {
		switch r.IntN(5) {
		case 0:
			continue
		case 1:
			c := *i
			c.Message = fmt.Sprint("cause ", r.IntN(10))
			i = &c
		case 2:
			c := *i // the same again, as an engine copies it
			i = &c
		case 3:
			c := *i
			c.Ack = &uptime.Ack{By: "jo"}
			i = &c
		}
		n.Open = append(n.Open, i)
	}
	if r.IntN(2) == 0 {
		next := uint64(4711)
		if len(n.Open) > 0 {
			next = n.Open[0].Number + 1
		}
		n.Open = slices.Insert(n.Open, 0, &uptime.Incident{Number: next, Monitor: "shop", ConfirmedBy: []string{"fra"}})
	}
	return &n
}

// TestMirrorEqualsEngine: whatever happens to an engine, what a client has
// after a change is what the engine has, also when it missed some changes.
func TestMirrorEqualsEngine(t *testing.T) {
	for seed := range uint64(6) {
		r := rand.New(rand.NewPCG(seed, 7))
		pr, pw := io.Pipe()
		w, err := newFrameWriter(pw)
		if err != nil {
			t.Fatal(err)
		}
		reader, err := newFrameReader(pr)
		if err != nil {
			t.Fatal(err)
		}
		var m mirror
		var prev *uptime.Snapshot
		s := &uptime.Snapshot{Seq: 1, Time: at(0), Instance: "web-1"}
		for i := range r.IntN(700) {
			s.States = append(s.States, named(fmt.Sprintf("monitor %03d", i), uptime.Verdict(r.IntN(6))))
		}
		for range 8 {
			sent := make(chan error, 1) // the sender's last word
			go func(prev, s *uptime.Snapshot) { sent <- errors.Join(between(prev, s, at(1), w.part), w.flush()) }(prev, s)
			for last := false; !last; {
				_, payload, err := reader.next()
				if err != nil {
					t.Fatal(err)
				}
				p, err := readPart(payload)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := m.take(p); err != nil {
					t.Fatalf("seed %d: %v", seed, err)
				}
				last = p.Last
			}
			if err := <-sent; err != nil {
				t.Fatal(err)
			}
			if !same(m.snap, s) {
				t.Fatalf("seed %d: the client has\n%+v\nthe engine\n%+v", seed, m.snap, s)
			}
			prev = s
			for range 1 + r.IntN(3) {
				s = randomChange(s, r)
			}
		}
		reader.close()
	}
}

// same compares snapshots; an empty list is as good as none.
func same(a, b *uptime.Snapshot) bool {
	x, y := *a, *b
	for _, s := range []*uptime.Snapshot{&x, &y} {
		if len(s.States) == 0 {
			s.States = nil
		}
		if len(s.Open) == 0 {
			s.Open = nil
		}
	}
	return reflect.DeepEqual(x, y)
}

func TestDeltaIsSmall(t *testing.T) {
	prev := many(1000)
	next := *prev
	next.Seq++
	next.States = slices.Clone(prev.States)
	x := *prev.States[500]
	x.Verdict = uptime.Down
	next.States[500] = &x
	copied := *prev.Open[0]
	next.Open = []*uptime.Incident{&copied}
	var parts []part
	if err := between(prev, &next, at(0), func(p *part) error { parts = append(parts, *p); return nil }); err != nil {
		t.Fatal(err)
	}
	if len(parts) != 1 || len(parts[0].States) != 1 || parts[0].States[0].State.Monitor != nil || len(parts[0].Open) != 0 || !parts[0].Last {
		t.Errorf("%+v", parts)
	}
	if n := len(partCodec().marshal(nil, &parts[0])); n > 600 {
		t.Errorf("%d bytes for one change", n)
	}
}

// TestDeltaOfProbes: what is known of other locations travels when it changed, and not beside every result.
func TestDeltaOfProbes(t *testing.T) {
	prev := many(10)
	prev.Broker = uptime.Broker{URL: "amqps://probe.example.com/lookout", Connected: true, Since: at(0)}
	for i := range 50 {
		prev.Probes = append(prev.Probes, uptime.Probe{Location: "fra", Name: fmt.Sprint(i), Network: "AS24940", State: uptime.ProbeLive, Version: "1.4.2"})
	}
	size := func(next *uptime.Snapshot) int {
		n := 0
		if err := between(prev, next, at(1), func(p *part) error { n += len(partCodec().marshal(nil, p)); return nil }); err != nil {
			t.Fatal(err)
		}
		return n
	}
	next := *prev
	next.Seq, next.Probes = 2, slices.Clone(prev.Probes)
	still := size(&next)
	next.Probes[7].State = uptime.ProbeLagging
	if changed := size(&next); still > 300 || changed < still+50*30 {
		t.Errorf("%d bytes where nothing changed, %d where a probe did", still, changed)
	}
}

// TestDeltaOfLags: the hour of lag arrives, and stays where nothing changed.
func TestDeltaOfLags(t *testing.T) {
	a := many(3)
	a.Lags[0], a.Probes = time.Second, []uptime.Probe{{Location: "fra", Name: "1", Lags: uptime.LagHour{1: 48 * time.Second, 2: uptime.LagGone}}}
	b := *a
	b.Seq = a.Seq + 1
	c := b
	c.Seq, c.Lags = b.Seq+1, uptime.LagHour{time.Minute}
	var m mirror
	var prev, got *uptime.Snapshot
	for _, next := range []*uptime.Snapshot{a, &b, &c} {
		if err := between(prev, next, at(0), func(p *part) error {
			q, err := readPart(partCodec().marshal(nil, p))
			if err != nil {
				return err
			}
			s, err := m.take(q)
			if s != nil {
				got = s
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if got.Seq != next.Seq || got.Lags != next.Lags || got.Probes[0].Lags != next.Probes[0].Lags {
			t.Errorf("%d: %v, %v", next.Seq, got.Lags, got.Probes[0].Lags)
		}
		prev = next
	}
}

// TestDeltaOfOutbox: how telling people stands arrives, stays where nothing
// changed and costs nothing then; more of it than an engine has is refused.
func TestDeltaOfOutbox(t *testing.T) {
	a := many(3)
	for i := range uptime.MaxTold {
		a.Outbox.Told = append(a.Outbox.Told, uptime.Told{Number: uint64(i), Channel: "ops", State: uptime.ToldSent, Reply: "250 2.0.0 queued"})
	}
	a.Outbox.Channels = []uptime.ChannelState{{Name: "ops", Target: "ops@example.com", Pending: 3, Oldest: at(0)}}
	a.States[1].Address = "192.0.2.7:443"
	b := *a
	b.Seq = a.Seq + 1
	b.Outbox.Told, b.Outbox.Channels = slices.Clone(a.Outbox.Told), slices.Clone(a.Outbox.Channels)
	c := b
	c.Seq, c.Outbox = b.Seq+1, uptime.Outbox{Held: 1}
	var m mirror
	var prev, got *uptime.Snapshot
	var sizes []int
	for _, next := range []*uptime.Snapshot{a, &b, &c} {
		if err := between(prev, next, at(0), func(p *part) error {
			sent := partCodec().marshal(nil, p)
			sizes = append(sizes, len(sent))
			q, err := readPart(sent)
			if err != nil {
				return err
			}
			s, err := m.take(q)
			if s != nil {
				got = s
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if got.Seq != next.Seq || !reflect.DeepEqual(got.Outbox, next.Outbox) || got.States[1].Address != "192.0.2.7:443" {
			t.Errorf("%d: %+v, %q", next.Seq, got.Outbox, got.States[1].Address)
		}
		prev = next
	}
	if n := sizes[len(sizes)-2]; n > 300 {
		t.Errorf("%d bytes where nothing changed", n)
	}
	for name, o := range map[string]uptime.Outbox{"letters": {Told: make([]uptime.Told, uptime.MaxTold+1)}, "channels": {Channels: make([]uptime.ChannelState, uptime.MaxChannels+1)}} {
		if _, err := readPart(partCodec().marshal(nil, &part{Whole: true, Head: head(a), Outbox: &o})); err == nil {
			t.Errorf("too many %s are taken", name)
		}
		big := *a
		big.Outbox = o
		if n := telling(nil, &big); len(n.Told) > uptime.MaxTold || len(n.Channels) > uptime.MaxChannels {
			t.Errorf("too many %s are sent", name)
		}
	}
}

func TestWholeBeginsWithProblems(t *testing.T) {
	s := many(2000)
	for i := range s.States {
		if i%700 == 0 {
			s.States[i].Verdict = uptime.Down
		}
	}
	var m mirror
	var shown []*uptime.Snapshot
	err := between(nil, s, at(0), func(p *part) error {
		q, err := readPart(partCodec().marshal(nil, p))
		if err != nil {
			return err
		}
		got, err := m.take(q)
		if got != nil {
			shown = append(shown, got)
		}
		return err
	})
	if err != nil || len(shown) != 2 {
		t.Fatalf("%d snapshots, %v", len(shown), err)
	}
	if len(shown[0].States) != 3 || !shown[0].States[1].Problem() || len(shown[0].Open) != 1 || !same(shown[1], s) {
		t.Errorf("first %d states", len(shown[0].States))
	}
}

func TestMirrorRefuses(t *testing.T) {
	head := &uptime.Snapshot{Seq: 2}
	m := func(name string) *uptime.Monitor { return &uptime.Monitor{Name: name} }
	for _, c := range []struct {
		name  string
		parts []part
	}{
		{"a change of nothing", []part{{Head: head, Last: true}}},
		{"no head", []part{{Whole: true, Last: true}}},
		{"a head in between", []part{{Whole: true, Head: head}, {Whole: true, Head: head, Last: true}}},
		{"probes in between", []part{{Whole: true, Head: head}, {Whole: true, Remote: &remote{}, Last: true}}},
		{"a change within a whole", []part{{Whole: true, Head: head}, {Last: true}}},
		{"a whole without a monitor", []part{{Whole: true, Head: head, States: []change{{Name: "a", State: &uptime.State{}}}, Last: true}}},
		{"a change of an unknown monitor", []part{{Whole: true, Head: head, Last: true}, {Head: head, States: []change{{Name: "a", State: &uptime.State{}}}, Last: true}}},
		{"out of order", []part{{Whole: true, Head: head, Shown: true, States: []change{{State: &uptime.State{Monitor: m("b")}}, {State: &uptime.State{Monitor: m("a")}}}, Last: true}}},
		{"twice", []part{{Whole: true, Head: head, States: []change{{State: &uptime.State{Monitor: m("a")}}, {State: &uptime.State{Monitor: m("a")}}}, Last: true}}},
	} {
		var mi mirror
		var err error
		for i := range c.parts {
			if _, err = mi.take(&c.parts[i]); err != nil {
				break
			}
		}
		if err == nil {
			t.Errorf("%s was taken", c.name)
		}
	}
	for _, p := range []part{{Open: []*uptime.Incident{nil}}, {States: []change{{}}}, {States: []change{{State: &uptime.State{Monitor: m("")}}}}} {
		if _, err := readPart(partCodec().marshal(nil, &p)); err == nil {
			t.Errorf("%+v was taken", p)
		}
	}
}

// many is a snapshot of n monitors and one incident.
func many(n int) *uptime.Snapshot {
	s := &uptime.Snapshot{Seq: 1, Time: at(0), Instance: "web-1", Open: []*uptime.Incident{testIncident()}}
	for i := range n {
		st := named(fmt.Sprintf("customer-%06d.example.com/health", i), uptime.Up)
		st.Recent[i%24], st.P95 = uptime.CellUp, time.Duration(i)
		s.States = append(s.States, st)
		s.Counts.Add(st.Verdict, st.Mode)
	}
	return s
}

func BenchmarkWhole(b *testing.B) {
	for _, n := range []int{1000, 180_000} {
		s := many(n)
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			var buf bytes.Buffer
			for b.Loop() {
				buf.Reset()
				w, err := newFrameWriter(&buf)
				if err != nil {
					b.Fatal(err)
				}
				if err := between(nil, s, at(0), w.part); err != nil {
					b.Fatal(err)
				}
				if err := w.flush(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(buf.Len()), "sent-bytes")
		})
	}
}

func BenchmarkMirror(b *testing.B) {
	for _, n := range []int{1000, 180_000} {
		var payloads [][]byte
		err := between(nil, many(n), at(0), func(p *part) error {
			payloads = append(payloads, partCodec().marshal(nil, p))
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				var m mirror
				for _, raw := range payloads {
					p, err := readPart(raw)
					if err != nil {
						b.Fatal(err)
					}
					if _, err := m.take(p); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}

// BenchmarkDelta is one snapshot of 180,000 of which 750 changed: a quarter of a second of 3,000 results a second.
func BenchmarkDelta(b *testing.B) {
	prev := many(180_000)
	next := *prev
	next.States = slices.Clone(prev.States)
	for i := range 750 {
		x := *prev.States[i*240]
		x.Total++
		next.States[i*240] = &x
	}
	for b.Loop() {
		n := 0
		if err := between(prev, &next, at(0), func(p *part) error {
			n += len(partCodec().marshal(nil, p))
			return nil
		}); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(n), "raw-bytes")
	}
}
