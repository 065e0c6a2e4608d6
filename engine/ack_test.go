package engine

import (
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"lookout/engine/uptime"
)

// Who acknowledges an incident by its number, as a letter says, takes note of all
// that the letter told, and of nothing else; a name is that monitor.
func TestAckTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, tg := newMemory(), newTargets()
		told := func() uptime.Outbox {
			return uptime.Outbox{Told: []uptime.Told{{Incident: 4}, {Incident: 1, Count: 3, Cause: uptime.Cause{Kind: uptime.CauseNode}}}}
		}
		e := startWith(t, Options{Store: s, Runner: tg, Outbox: told}, job("a", time.Minute), job("b", time.Minute), job("c", time.Minute), job("alone", time.Minute))
		time.Sleep(time.Second)
		for _, name := range []string{"a", "b", "c", "alone"} {
			tg.set(name, uptime.FaultTCPRefused)
			time.Sleep(2 * time.Minute) // the numbers are in this order
		}
		acked := func() (names []string) {
			for _, name := range []string{"a", "alone", "b", "c"} {
				if e.state(name).Ack != nil {
					names = append(names, name)
				}
			}
			return names
		}
		for _, step := range []struct {
			verb   uptime.Verb
			target string
			want   []string
		}{
			{uptime.VerbAck, "b", []string{"b"}},
			{uptime.VerbAck, "#3", []string{"a", "b", "c"}},
			{uptime.VerbUnack, "c", []string{"a", "b"}},
			{uptime.VerbUnack, "#1", nil},
			{uptime.VerbAck, "#77 #4", []string{"alone"}}, // the one is over
			{uptime.VerbPause, "#1", []string{"alone"}},
		} {
			e.act(step.verb, strings.Fields(step.target)...)
			if got := acked(); !slices.Equal(got, step.want) {
				t.Fatalf("after %s %s: %q are acknowledged, want %q", step.verb, step.target, got, step.want)
			}
		}
		if e.state("a").Mode != uptime.Paused || e.state("b").Mode == uptime.Paused {
			t.Error("pause by a number is of one monitor")
		}
		e.stop()
	})
}

// A letter may be acknowledged before a snapshot knows of it.
func TestAckNewest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var outbox atomic.Pointer[uptime.Outbox]
		outbox.Store(&uptime.Outbox{})
		s, tg := newMemory(), newTargets()
		e := startWith(t, Options{Store: s, Runner: tg, Outbox: func() uptime.Outbox { return *outbox.Load() }}, job("a", time.Minute), job("b", time.Minute))
		time.Sleep(time.Second)
		for _, name := range []string{"a", "b"} {
			tg.set(name, uptime.FaultTCPRefused)
		}
		time.Sleep(5*time.Minute + 123*time.Millisecond) // between two snapshots
		outbox.Store(&uptime.Outbox{Told: []uptime.Told{{Incident: 1, Count: 2, Cause: uptime.Cause{Kind: uptime.CauseNode}}}})
		e.act(uptime.VerbAck, "#1")
		if e.state("a").Ack == nil || e.state("b").Ack == nil {
			t.Error("not all of what the letter told is acknowledged")
		}
		e.stop()
	})
}
