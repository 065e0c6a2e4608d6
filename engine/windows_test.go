package engine

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lookout/engine/schedule"
	"lookout/engine/uptime"
)

// once is a window for tag:db that opens so many minutes after midnight, when bubbles begin.
func once(from, minutes int) Maintenance {
	midnight := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	return Maintenance{Of: []string{"tag:db"}, Window: schedule.Once(midnight.Add(time.Duration(from)*time.Minute), time.Duration(minutes)*time.Minute), Note: "vacuum"}
}

func every(t *testing.T, when string, minutes int) Maintenance {
	t.Helper()
	w, err := schedule.Every(when, time.Duration(minutes)*time.Minute, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	return Maintenance{Of: []string{"db"}, Window: w}
}

// tagged is a monitor with the tag db.
func tagged(name string) uptime.Job {
	j := job(name, 20*time.Second)
	j.Tags = []string{"db"}
	return j
}

// modes is what the event log says of a monitor's mode.
func (s *memory) modes(name string) string {
	var out []string
	clock := func(at time.Time) string {
		if at.Second() != 0 {
			return at.UTC().Format("15:04:05")
		}
		return at.UTC().Format("15:04")
	}
	events, _ := s.Events(uptime.EventQuery{Monitor: name})
	for _, e := range events {
		if e.Kind != uptime.EventMaintenance && e.Kind != uptime.EventPause {
			continue
		}
		text := clock(e.Time.Truncate(time.Second)) + " " + e.Mode.String()
		if !e.Until.IsZero() {
			text += " to " + clock(e.Until)
		}
		text += " by " + e.By
		if since := e.Since; !since.IsZero() && e.Time.Sub(since) > 2*time.Second {
			text += " since " + clock(since)
		}
		out = append(out, text)
	}
	return strings.Join(out, ", ")
}

// died is the store as a kill -9 would leave it now.
func (s *memory) died() *memory {
	s.mu.Lock()
	defer s.mu.Unlock()
	return &memory{batches: s.batches, results: slices.Clone(s.results), events: slices.Clone(s.events), inc: maps.Clone(s.inc), states: maps.Clone(s.states), alive: s.alive}
}

func (r running) do(v uptime.Verb, d time.Duration, target string) {
	r.t.Helper()
	a := uptime.Action{Verb: v, Targets: []string{target}, By: "jo"}
	if d > 0 {
		a.Until = time.Now().Truncate(time.Second).Add(d)
	}
	if _, err := r.Act(r.t.Context(), a); err != nil {
		r.t.Fatalf("%s: %v", v, err)
	}
}

func (r running) reload(windows ...Maintenance) {
	r.t.Helper()
	if _, err := r.Reload(r.t.Context(), r.o.Jobs, uptime.ConfigState{}, windows...); err != nil {
		r.t.Fatal(err)
	}
}

// TestWindows plays an hour and more: what is done at which minute, and what the
// event log then says of the mode.
func TestWindows(t *testing.T) {
	type step struct {
		at int
		do func(running)
	}
	act := func(at int, v uptime.Verb, minutes int) step {
		return step{at, func(r running) { r.do(v, time.Duration(minutes)*time.Minute, "db") }}
	}
	load := func(at int, windows ...Maintenance) step {
		return step{at, func(r running) { r.reload(windows...) }}
	}
	const opened, closed = "00:10 maintenance to 00:40 by config", "00:40 active by config"
	for _, tc := range []struct {
		name    string
		windows []Maintenance
		steps   []step
		end     int
		want    string
	}{
		{"opens and closes", []Maintenance{once(10, 30)}, nil, 43, opened + ", " + closed},
		{"not its own", []Maintenance{{Of: []string{"web", "tag:web", "group:web", "gone"}, Window: once(10, 30).Window}}, nil, 43, ""},
		{"by its name", []Maintenance{{Of: []string{"db", "tag:db"}, Window: once(10, 30).Window}}, nil, 43, opened + ", " + closed},
		{"is over", []Maintenance{once(-60, 30)}, nil, 43, ""},
		{"again and again", []Maintenance{every(t, "10,55 * * * *", 10)}, nil, 48, "00:00 maintenance to 00:05 by config since 23:55, 00:05 active by config, 00:10 maintenance to 00:20 by config, 00:20 active by config"},
		{"at the start", []Maintenance{once(-10, 30)}, nil, 43, "00:00 maintenance to 00:20 by config since 23:50, 00:20 active by config"},
		{"two that overlap are one", []Maintenance{once(10, 30), once(20, 40)}, nil, 70, "00:10 maintenance to 01:00 by config, 01:00 active by config"},
		{"two that touch are one", []Maintenance{once(20, 20), once(10, 10)}, nil, 43, opened + ", " + closed},
		{"one in the other", []Maintenance{once(10, 30), once(20, 5)}, nil, 43, opened + ", " + closed},

		// What a person said goes before.
		{"taken out until it ends", []Maintenance{once(10, 30)}, []step{act(20, uptime.VerbUnmaintain, 0)}, 43, opened + ", 00:20 active by jo"},
		{"and in again by the next", []Maintenance{once(10, 30), once(50, 5)}, []step{act(20, uptime.VerbUnmaintain, 0)}, 60,
			opened + ", 00:20 active by jo, 00:50 maintenance to 00:55 by config, 00:55 active by config"},
		{"taken out, and the mind changed", []Maintenance{once(10, 30)}, []step{act(20, uptime.VerbUnmaintain, 0), act(25, uptime.VerbMaintain, 5)}, 43,
			opened + ", 00:20 active by jo, 00:25 maintenance to 00:30 by jo, 00:30 maintenance to 00:40 by config since 00:25, " + closed},
		{"theirs lasts longer", []Maintenance{once(10, 30)}, []step{act(5, uptime.VerbMaintain, 50)}, 60, "00:05 maintenance to 00:55 by jo, 00:55 active by engine"},
		{"theirs has no end", []Maintenance{once(10, 30)}, []step{act(5, uptime.VerbMaintain, 0)}, 43, "00:05 maintenance by jo"},
		{"theirs ends in it", []Maintenance{once(10, 30)}, []step{act(5, uptime.VerbMaintain, 10)}, 43,
			"00:05 maintenance to 00:15 by jo, 00:15 maintenance to 00:40 by config since 00:05, " + closed},
		{"theirs ends when it opens", []Maintenance{once(10, 30)}, []step{act(5, uptime.VerbMaintain, 5)}, 43,
			"00:05 maintenance to 00:10 by jo, 00:10 maintenance to 00:40 by config since 00:05, " + closed},
		{"theirs ends when it does", []Maintenance{once(10, 30)}, []step{act(5, uptime.VerbMaintain, 35)}, 43, "00:05 maintenance to 00:40 by jo, 00:40 active by engine"},
		{"theirs, begun in it, lasts longer", []Maintenance{once(10, 30)}, []step{act(20, uptime.VerbMaintain, 30)}, 60,
			opened + ", 00:20 maintenance to 00:50 by jo, 00:50 active by engine"},
		{"theirs, ended by them in it", []Maintenance{once(10, 30)}, []step{act(5, uptime.VerbMaintain, 0), act(20, uptime.VerbUnmaintain, 0)}, 43,
			"00:05 maintenance by jo, 00:20 active by jo"},
		{"a pause over all of it", []Maintenance{once(10, 30)}, []step{act(5, uptime.VerbPause, 50)}, 60, "00:05 paused to 00:55 by jo, 00:55 active by engine"},
		{"a pause that ends in it", []Maintenance{once(10, 30)}, []step{act(5, uptime.VerbPause, 10)}, 43,
			"00:05 paused to 00:15 by jo, 00:15 active by engine, 00:15 maintenance to 00:40 by config, " + closed},
		{"a pause in it, resumed in it", []Maintenance{once(10, 30)}, []step{act(15, uptime.VerbPause, 0), act(20, uptime.VerbResume, 0)}, 43,
			opened + ", 00:15 paused by jo, 00:20 active by jo, 00:20 maintenance to 00:40 by config, " + closed},
		{"taken out, paused and resumed", []Maintenance{once(10, 30)}, []step{act(15, uptime.VerbUnmaintain, 0), act(16, uptime.VerbPause, 0), act(20, uptime.VerbResume, 0)}, 43,
			opened + ", 00:15 active by jo, 00:16 paused by jo, 00:20 active by jo"},

		// A reload.
		{"nothing changed", []Maintenance{once(10, 30)}, []step{load(20, once(10, 30))}, 43, opened + ", " + closed},
		{"added before it opens", nil, []step{load(5, once(10, 30))}, 43, opened + ", " + closed},
		{"added in the middle", nil, []step{load(20, once(10, 30))}, 43, "00:20 maintenance to 00:40 by config, " + closed},
		{"taken out of the configuration", []Maintenance{once(10, 30)}, []step{load(20)}, 43, opened + ", 00:20 active by config"},
		{"made longer", []Maintenance{once(10, 30)}, []step{load(20, once(10, 35))}, 60, opened + ", 00:20 maintenance to 00:45 by config since 00:10, 00:45 active by config"},
		{"made shorter", []Maintenance{once(10, 30)}, []step{load(20, once(10, 15))}, 43, opened + ", 00:20 maintenance to 00:25 by config since 00:10, 00:25 active by config"},
		{"made so short that it is over", []Maintenance{once(10, 30)}, []step{load(20, once(10, 5))}, 43, opened + ", 00:20 active by config"},
		{"put off", []Maintenance{once(10, 30)}, []step{load(20, once(30, 10))}, 43, opened + ", 00:20 active by config, 00:30 maintenance to 00:40 by config, " + closed},
		{"does not end what a person began", []Maintenance{once(10, 30)}, []step{act(15, uptime.VerbMaintain, 20), load(20)}, 43,
			opened + ", 00:15 maintenance to 00:35 by jo, 00:35 active by engine"},
		{"made longer after it was taken out", []Maintenance{once(10, 30)}, []step{act(15, uptime.VerbUnmaintain, 0), load(20, once(10, 40))}, 60,
			opened + ", 00:15 active by jo, 00:40 maintenance to 00:50 by config, 00:50 active by config"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newMemory()
				r := startWith(t, Options{Instance: "web-1", Store: s, Runner: newTargets(), Maintenance: tc.windows}, tagged("db"))
				begun := time.Now()
				sleepTo := func(minute int) { time.Sleep(time.Until(begun.Add(time.Duration(minute) * time.Minute))) }
				for _, st := range tc.steps {
					sleepTo(st.at)
					st.do(r)
				}
				sleepTo(tc.end)
				synctest.Wait()
				r.stop()
				if got := s.modes("db"); got != tc.want {
					t.Errorf("got  %s\nwant %s", got, tc.want)
				}
			})
		})
	}
}

// TestWindowCounts sees that a window's time is in no uptime, to the second, that
// checks go on in it, and what is shown.
func TestWindowCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, tg := newMemory(), newTargets()
		e := startWith(t, Options{Instance: "web-1", Store: s, Runner: tg, Maintenance: []Maintenance{once(10, 30)}}, tagged("db"), job("other", 20*time.Second))
		time.Sleep(20 * time.Minute)
		n := len(tg.of("db"))
		st := e.state("db")
		if st.Label() != "mnt" || !st.Until.Equal(time.Date(2000, 1, 1, 0, 40, 0, 0, time.UTC)) || st.Verdict != uptime.Up || e.state("other").Label() != "up" {
			t.Errorf("%s until %v, %v", st.Label(), st.Until, st.Verdict)
		}
		if c := e.Snapshot().Counts; c.Maintenance != 1 || c.Up != 1 {
			t.Errorf("%+v", c)
		}
		time.Sleep(25 * time.Minute)
		if more := len(tg.of("db")) - n; more < 70 {
			t.Errorf("%d checks in 25 min", more)
		}
		d, err := e.Detail(t.Context(), "db", time.Hour)
		if err != nil || d.Uptime[0].Down != 0 || d.Uptime[0].Up.Round(time.Second) != 15*time.Minute {
			t.Errorf("%+v %v", d.Uptime[0], err)
		}
		e.stop()
		for _, ev := range s.events {
			if ev.Kind == uptime.EventMaintenance && ev.Mode == uptime.Maintenance && (ev.Note != "vacuum" || ev.Message != "in maintenance") {
				t.Errorf("%+v", ev)
			}
		}
	})
}

// TestWindowOverRestart stops an engine in a window, or kills it, and starts
// another a while later: the log says of each change once, and when it was.
func TestWindowOverRestart(t *testing.T) {
	const opened, closed = "00:10 maintenance to 00:40 by config", "00:40 active by config"
	for _, tc := range []struct {
		name     string
		stop, at int // minutes
		windows  []Maintenance
		act      uptime.Verb // at minute 12
		away     []Maintenance
		want     string
	}{
		{"in the same window", 16, 21, []Maintenance{once(10, 30)}, "", nil, opened + ", " + closed},
		{"at once after it opened", 10, 11, []Maintenance{once(10, 30)}, "", nil, opened + ", " + closed},
		{"it ends while no engine runs", 16, 45, []Maintenance{once(10, 30)}, "", nil, opened + ", 00:45 active by config since 00:40"},
		{"it begins while no engine runs", 5, 20, []Maintenance{once(10, 30)}, "", nil, "00:20 maintenance to 00:40 by config since 00:10, " + closed},
		{"all of it while no engine runs", 5, 45, []Maintenance{once(10, 30)}, "", nil, ""},
		{"in the next one", 16, 62, []Maintenance{once(10, 30), once(60, 5)}, "", nil, opened + ", 01:02 active by config since 00:40, 01:02 maintenance to 01:05 by config since 01:00, 01:05 active by config"},
		{"after its end", 45, 50, []Maintenance{once(10, 30)}, "", nil, opened + ", " + closed},
		{"taken out of it", 20, 25, []Maintenance{once(10, 30)}, uptime.VerbUnmaintain, nil, opened + ", 00:12 active by jo"},
		{"paused in it", 20, 25, []Maintenance{once(10, 30)}, uptime.VerbPause, nil, opened + ", 00:12 paused by jo"},
		{"theirs in it", 20, 25, []Maintenance{once(10, 30)}, uptime.VerbMaintain, nil, opened + ", 00:12 maintenance by jo"},
		{"taken out of the configuration meanwhile", 16, 25, []Maintenance{once(10, 30)}, "", []Maintenance{}, opened + ", 00:25 active by config"},
		{"put into the configuration meanwhile", 16, 25, nil, "", []Maintenance{once(10, 30)}, "00:25 maintenance to 00:40 by config, " + closed},
	} {
		var up []time.Duration
		for _, how := range []string{"stopped", "killed", "killed with old records"} {
			t.Run(tc.name+"/"+how, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := newMemory()
					begun := time.Now()
					sleepTo := func(minute int) {
						time.Sleep(time.Until(begun.Add(time.Duration(minute)*time.Minute + 7*time.Second)))
					}
					o := Options{Instance: "web-1", Store: s, Runner: newTargets(), Maintenance: tc.windows}
					e := startWith(t, o, tagged("db"))
					if tc.act != "" {
						sleepTo(12)
						e.do(tc.act, 0, "db")
					}
					sleepTo(max(tc.stop-8, 1)) // records of 180,000 monitors are up to ten minutes old
					old := s.died().states
					sleepTo(tc.stop)
					left := s.died()
					e.stop()
					if how != "stopped" {
						s = left
					}
					if how == "killed with old records" {
						s.states = old
					}
					sleepTo(tc.at)
					o.Store = s
					if tc.away != nil {
						o.Maintenance = tc.away
					}
					e = startWith(t, o, tagged("db"))
					sleepTo(max(42, tc.at+5))
					d, err := e.Detail(t.Context(), "db", time.Hour)
					if err != nil || d.Uptime[0].Down != 0 {
						t.Fatal(err, d.Uptime)
					}
					up = append(up, d.Uptime[0].Up)
					e.stop()
					if got := strings.ReplaceAll(s.modes("db"), ":07", ""); got != tc.want {
						t.Errorf("got  %s\nwant %s", got, tc.want)
					}
				})
			})
		}
		for _, u := range up {
			if (u - up[0]).Abs() > 30*time.Second {
				t.Errorf("%s: what counts depends on how the engine ended: %v", tc.name, up)
			}
		}
	}
}

// TestWindowAndIncident sees who is told of what.
func TestWindowAndIncident(t *testing.T) {
	fails := func(from, to int) [2]int { return [2]int{from, to} }
	for _, tc := range []struct {
		name  string
		fails [2]int // minutes
		want  string
		down  time.Duration // that counts
	}{
		{"before it", fails(2, 5), "#1 opened, #1 closed", 3 * time.Minute},
		{"in it", fails(15, 20), "#1 opened silently, #1 closed", 0},
		{"from in it to after it", fails(30, 50), "#1 opened silently, #1 outlasted, #1 closed", 10 * time.Minute},
		{"from before it to in it", fails(5, 20), "#1 opened, #1 closed", 5 * time.Minute},
		{"over all of it", fails(5, 50), "#1 opened, #1 closed", 15 * time.Minute},
		{"confirmed after it", fails(39, 50), "#1 opened, #1 closed", 10*time.Minute + 40*time.Second},
		{"after it", fails(42, 50), "#1 opened, #1 closed", 8 * time.Minute},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, tg := newMemory(), newTargets()
				begun := time.Now()
				sleepTo := func(minute int) { time.Sleep(time.Until(begun.Add(time.Duration(minute) * time.Minute))) }
				window := once(10, 30)
				if tc.name == "confirmed after it" {
					window.Window = schedule.Once(begun.Add(10*time.Minute), 29*time.Minute+20*time.Second)
				}
				e := startWith(t, Options{Instance: "web-1", Store: s, Runner: tg, Maintenance: []Maintenance{window}}, tagged("db"))
				sleepTo(tc.fails[0])
				tg.set("db", uptime.FaultTCPRefused)
				if tc.name == "in it" {
					time.Sleep(2 * time.Minute)
					if sn := e.Snapshot(); sn.Unacked != 0 || len(sn.Open) != 1 || !sn.Open[0].Silenced {
						t.Errorf("%d not acknowledged of %d", sn.Unacked, len(sn.Open))
					}
				}
				sleepTo(tc.fails[1])
				if sn := e.Snapshot(); len(sn.Open) == 1 && tc.fails[1] > 40 && sn.Unacked != 1 {
					t.Error("after the window nobody has to take note")
				}
				tg.set("db", uptime.NoFault)
				sleepTo(60)
				d, err := e.Detail(t.Context(), "db", time.Hour)
				if err != nil {
					t.Fatal(err)
				}
				if off := d.Uptime[0].Down - tc.down; off.Abs() > 45*time.Second {
					t.Errorf("down for %v, want about %v", d.Uptime[0].Down, tc.down)
				}
				e.stop()
				var got []string
				for _, ev := range s.events {
					if ev.Kind != uptime.EventIncident {
						continue
					}
					text := fmt.Sprintf("#%d %s", ev.Incident, ev.Note)
					if ev.Note == uptime.IncidentOutlasted && (!ev.Time.Truncate(time.Second).Equal(begun.Add(40*time.Minute)) || len(ev.Evidence) == 0 || s.inc[1].Story[1].Phase != ev.Note) {
						t.Errorf("%+v", ev)
					}
					if ev.Note == uptime.IncidentOpened && ev.Time.After(begun.Add(10*time.Minute)) && ev.Time.Before(begun.Add(39*time.Minute)) {
						text += " silently"
						if !ev.Silenced {
							t.Errorf("%+v does not say so", ev)
						}
					}
					got = append(got, text)
				}
				if list := strings.Join(got, ", "); list != tc.want {
					t.Errorf("got  %s\nwant %s", list, tc.want)
				}
				if i := s.inc[1]; i.Open() || i.Silenced != (tc.name == "in it") {
					t.Errorf("%+v", i)
				}
			})
		})
	}
}

// TestSilencedIsNotReopened: an outage that nobody was told of, and another one
// minutes after the window, of which they have to be.
func TestSilencedIsNotReopened(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, tg := newMemory(), newTargets()
		e := startWith(t, Options{Instance: "web-1", Store: s, Runner: tg, Maintenance: []Maintenance{once(10, 30)}}, tagged("db"))
		time.Sleep(30 * time.Minute)
		tg.set("db", uptime.FaultTCPRefused)
		time.Sleep(5 * time.Minute)
		tg.set("db", uptime.NoFault)
		time.Sleep(6 * time.Minute)
		tg.set("db", uptime.FaultTCPRefused)
		time.Sleep(5 * time.Minute)
		e.stop()
		if a, b := s.inc[1], s.inc[2]; !a.Silenced || a.Open() || a.Reopened != 0 || b.Silenced || !b.Unacked() {
			t.Errorf("%+v\n%+v", a, b)
		}
	})
}

// TestClockSetBackInWindow: windows go by the clock on the wall.
func TestClockSetBackInWindow(t *testing.T) {
	e, now := fleet(t, 1)
	at := now.Truncate(time.Minute).Add(time.Hour)
	e.arrange([]Maintenance{{Of: []string{e.monitors[0].job.Name}, Window: schedule.Once(at, time.Hour)}}, now)
	for _, tc := range []struct {
		at   time.Time
		want uptime.Mode
	}{{now, uptime.Active}, {at, uptime.Maintenance}, {at.Add(-time.Minute), uptime.Active}, {at.Add(time.Minute), uptime.Maintenance},
		{at.Add(2 * time.Hour), uptime.Active}, {at.Add(30 * time.Minute), uptime.Maintenance}} {
		e.windows(tc.at)
		if got := e.monitors[0].mode; got != tc.want {
			t.Errorf("%v at %v", got, tc.at.Sub(at))
		}
	}
}
