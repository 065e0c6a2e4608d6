package desk

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"lookout/engine/uptime"
)

// fuzzRoutes are what sequences of events are played against.
var fuzzRoutes = [][]uptime.Route{
	nil,
	{{Verdicts: []uptime.Verdict{uptime.Down, uptime.Degraded}, Channels: []string{"ops", "web"}}},
	{{Names: []string{"a", "e"}, Channels: []string{"ops"}, Delay: 3 * time.Minute}, {Names: []string{"b"}}, {Channels: []string{"web"}, Remind: 20 * time.Minute}},
	{{Channels: []string{"ops"}, EscalateTo: []string{"pager", "web"}, EscalateAfter: 5 * time.Minute}},
	{{Names: []string{"a", "b"}, Verdicts: []uptime.Verdict{uptime.Degraded}, Channels: []string{"web"}}, {Channels: []string{"ops"}, EscalateTo: []string{"web"}, Remind: time.Hour}},
}

// TestSequences plays random sequences of what may happen to a few monitors, and
// checks what always holds; FuzzSequences looks for others.
func TestSequences(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		moves := make([]byte, 3+r.IntN(120))
		for i := range moves {
			moves[i] = byte(r.Uint32())
		}
		sequence(t, moves)
		if t.Failed() {
			t.Fatalf("moves %q", moves)
		}
	}
}

func FuzzSequences(f *testing.F) {
	f.Add([]byte("\x00\x10\x41\x92\x20"))
	f.Add([]byte("\x01\x00\x81\x01\x82\x83\xf1\x00"))
	f.Fuzz(func(t *testing.T, moves []byte) {
		if len(moves) > 200 {
			return
		}
		sequence(t, moves)
	})
}

func sequence(t *testing.T, moves []byte) {
	if len(moves) == 0 {
		return
	}
	t.Helper()
	first := played(t, moves, false)
	again := played(t, moves, true)
	if got, want := again.told(), first.told(); got != want {
		t.Errorf("made anew after every step it tells\n%s\nand else\n%s", got, want)
	}
	ledger(t, first)
}

// played is a world after some moves, and after all was well again for hours.
func played(t *testing.T, moves []byte, restart bool) *world {
	t.Helper()
	w := newWorld(t, Options{Channels: []string{"ops", "pager", "web"}, Routes: fuzzRoutes[int(moves[0])%len(fuzzRoutes)]}, estate()[:6]...)
	w.alone = moves[0]&0x80 != 0
	w.begin()
	w.restart = restart
	for _, b := range moves[1:] {
		w.move(b)
	}
	for _, name := range w.names {
		w.dead[name] = false
		if st := w.states[name]; st.Mode != uptime.Active {
			w.mode(name, uptime.Active)
		}
		if w.states[name].Incident != 0 {
			w.recovers(name)
		}
	}
	if w.node != "" {
		w.ofNode("online")
	}
	w.pass(12 * time.Hour)
	return w
}

// move does one thing, of those that can happen.
func (w *world) move(b byte) {
	w.t.Helper()
	name := w.names[int(b>>4)%len(w.names)]
	st := w.states[name]
	switch b & 15 {
	case 0, 1, 2:
		if st.Mode != uptime.Paused && st.Verdict != uptime.Down {
			w.dead[name] = true
			w.fails(name, uptime.Down, uptime.FaultTCPTimeout)
		}
	case 3, 4:
		if st.Incident != 0 && st.Mode != uptime.Paused {
			w.dead[name] = false
			w.recovers(name)
		}
	case 5:
		if st.Verdict == uptime.Up && st.Mode != uptime.Paused {
			w.fails(name, uptime.Degraded, uptime.FaultTCPTooSlow)
		}
	case 6:
		if st.Behind == "" {
			w.behind(name, "x")
		} else {
			w.behind(name, "")
		}
	case 7:
		if st.Mode != uptime.Active {
			w.mode(name, uptime.Active)
		} else if b&0x10 == 0 {
			w.mode(name, uptime.Maintenance)
		} else {
			w.mode(name, uptime.Paused)
		}
	case 8:
		if in := w.open[st.Incident]; in != nil {
			w.line([]string{name, []string{"acked", "unacked"}[b>>7]})
		}
	case 9:
		w.dead[name] = !w.dead[name]
	case 10:
		w.pass(time.Duration(b>>4) * time.Second)
	case 11:
		w.pass(time.Duration(b>>4) * time.Minute)
	case 12:
		w.pass(time.Duration(b>>4) * 7 * time.Minute)
	case 13:
		if w.node == "" {
			w.ofNode("offline")
		} else {
			w.ofNode("online")
		}
	case 14:
		w.o.Channels = [][]string{{"ops", "pager", "web"}, {"ops"}, {"web", "ops"}, {"pager"}}[int(b>>4)%4]
		w.configure()
	case 15:
		w.o.Routes = fuzzRoutes[int(b>>4)%len(fuzzRoutes)]
		w.configure()
	}
}

// ledger checks what each channel was told: of an end only where it knew of a
// beginning, of every beginning an end, and of nothing by two parcels.
func ledger(t *testing.T, w *world) {
	t.Helper()
	type told struct {
		channel  string
		incident uint64
	}
	open := map[told]bool{}
	sent := map[uint64]string{}
	ended := map[uint64]bool{}
	for i := range w.parcels {
		p := &w.parcels[i]
		if p.Number != uint64(i)+1 || p.At.Before(noon) {
			t.Errorf("%+v", *p)
		}
		sent[p.Number] = p.Channel
		if p.Ends != 0 && (sent[p.Ends] != p.Channel || p.Ends == p.Number || ended[p.Ends]) {
			t.Errorf("parcel %d ends %d", p.Number, p.Ends)
		}
		ended[p.Ends] = p.Ends != 0
		known := false
		for _, n := range p.Incidents {
			known = known || open[told{p.Channel, n}]
			switch p.Kind {
			case uptime.AlertRecovered, uptime.AlertCollapsed:
				delete(open, told{p.Channel, n})
			default:
				open[told{p.Channel, n}] = true
			}
		}
		switch p.Kind {
		case uptime.AlertRecovered, uptime.AlertReminder, uptime.AlertJoined:
			if !known {
				t.Errorf("parcel %d is about nothing that %s knows of: %s", p.Number, p.Channel, p.Kind)
			}
		}
		if !slices.IsSorted(p.Incidents[min(1, len(p.Incidents)):]) && p.Kind != uptime.AlertOpened && len(p.Incidents) > uptime.MaxNamed {
			t.Errorf("%+v", *p)
		}
	}
	for k := range open {
		if slices.Contains(w.o.Channels, k.channel) && !w.gone[k.channel] {
			t.Errorf("%s never hears of the end of #%d", k.channel, k.incident)
		}
	}
	if left := len(w.d.matters) + len(w.d.groups) + len(w.d.holding) + len(w.d.looking) + len(w.d.parked) + len(w.d.letters) + len(w.d.sharing); left > 0 {
		t.Errorf("%d things are left: %v %v", left, w.saved, w.d.letters)
	}
	if t.Failed() {
		t.Log("\n" + w.told())
	}
}
