package engine

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"lookout/engine/schedule"
	"lookout/engine/uptime"
)

// TestEverySecondCounts plays random lives, with outages, pauses, maintenance of
// people and of windows, reloads and restarts, and then counts the seconds anew
// from the events: a verdict holds from its first failing check, or from the first
// success of a recovery; and what was paused or in maintenance counts for nothing.
func TestEverySecondCounts(t *testing.T) {
	withoutRace(t)
	for seed := range uint64(3) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { playLife(t, rand.New(rand.NewPCG(seed, 5))) })
		})
	}
}

func playLife(t *testing.T, rng *rand.Rand) {
	const hours = 3
	s, tg := newMemory(), newTargets()
	begun := time.Now()
	var windows []Maintenance
	var opens []time.Time
	for at := range hours {
		from := begun.Add(time.Duration(at)*time.Hour + time.Duration(rng.IntN(3600))*time.Second)
		opens = append(opens, from)
		windows = append(windows, Maintenance{Of: []string{"db"}, Window: schedule.Once(from, time.Duration(1+rng.IntN(30))*time.Minute)})
	}
	o := Options{Instance: "web-1", Store: s, Runner: tg, Maintenance: windows}
	e := startWith(t, o, tagged("db"))
	nextFault, failing := begun.Add(time.Duration(rng.IntN(1800))*time.Second), false
	for time.Since(begun) < hours*time.Hour {
		time.Sleep(min(time.Duration(rng.IntN(120_000))*time.Millisecond, max(time.Until(nextFault), 0)+time.Millisecond))
		if !time.Now().Before(nextFault) {
			if failing = !failing; failing {
				tg.set("db", uptime.FaultTCPRefused)
				nextFault = time.Now().Add(time.Duration(rng.IntN(900)) * time.Second)
			} else {
				tg.set("db", uptime.NoFault)
				nextFault = time.Now().Add(11*time.Minute + time.Duration(rng.IntN(1800))*time.Second)
				for _, at := range opens { // a doubt that a window comes into
					if at.After(nextFault) && rng.IntN(2) == 0 {
						nextFault = at.Add(-time.Duration(rng.IntN(25)) * time.Second)
						break
					}
				}
			}
		}
		verbs := []uptime.Verb{uptime.VerbPause, uptime.VerbResume, uptime.VerbMaintain, uptime.VerbMaintain, uptime.VerbUnmaintain}
		switch n := rng.IntN(60); {
		case n < len(verbs):
			a := uptime.Action{Verb: verbs[n], Targets: []string{"db"}, By: "jo"}
			if verbs[n] == uptime.VerbMaintain || verbs[n] == uptime.VerbPause {
				a.Until = time.Now().Add(time.Duration(10+rng.IntN(1500)) * time.Second)
			}
			_, _ = e.Act(t.Context(), a) // it may not be paused
		case n == 10:
			e.reload(windows...)
		case n == 11 || n == 12:
			e.stop()
			if n == 12 {
				time.Sleep(time.Duration(rng.IntN(3)) * time.Second)
			}
			e = startWith(t, o, tagged("db"))
		}
	}
	now := time.Now()
	d, err := e.Detail(t.Context(), "db", hours*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	e.stop()

	// Tenths of a second, counted anew.
	const tenth = time.Second / 10
	want := make([]uptime.Class, hours*time.Hour/tenth)
	say := func(from, to time.Time, class uptime.Class) {
		for i := max(int(from.Sub(begun)/tenth), 0); i < min(int(to.Sub(begun)/tenth), len(want)); i++ {
			want[i] = class
		}
	}
	say(s.results[0].Time, now, uptime.ClassUp)
	for _, ev := range s.events {
		if ev.Kind == uptime.EventVerdict && ev.To != uptime.Suspect {
			say(ev.Since, now, ev.To.Counts(uptime.Active))
		}
	}
	unsure := map[int]bool{} // after a pause the next results decide what it is
	mode, since := uptime.Active, begun
	for _, ev := range append(s.events, uptime.Event{Kind: uptime.EventPause, Time: now}) {
		if ev.Kind != uptime.EventPause && ev.Kind != uptime.EventMaintenance {
			continue
		}
		at := ev.Time
		if !ev.Since.IsZero() && (mode == uptime.Active || ev.Mode == uptime.Active) {
			at = ev.Since
		}
		if mode == uptime.Paused && ev.Mode != uptime.Paused {
			for i := range int(time.Minute / tenth) {
				unsure[int(at.Sub(begun)/tenth)+i] = true
			}
		}
		if mode != uptime.Active {
			say(since, at, uptime.ClassOff)
		}
		mode, since = ev.Mode, at
	}
	// A change falls into a tenth, which is neither then.
	wrong := 0
	timeline := e.byName["db"].timeline
	for i, class := range want {
		at := begun.Add(time.Duration(i) * tenth)
		changes := i == 0 || i == len(want)-1 || want[i-1] != class || want[i+1] != class
		got := timeline.Between(at, at.Add(1))
		if unsure[i] && got.Unknown() > 0 {
			continue
		}
		if !changes && got != uptime.Timeline.Set(nil, at, class).Between(at, at.Add(1)) {
			if wrong++; wrong < 4 {
				t.Errorf("%v: %+v, and by what is stored %v", at, got, class)
			}
		}
	}
	if got := d.Uptime[0]; wrong > 0 || got.Up < hours*10*time.Minute || got.Off < hours*10*time.Minute || len(s.inc) == 0 {
		t.Errorf("%d tenths are wrong of %+v: %s", wrong, got, s.story("db"))
	}
}
