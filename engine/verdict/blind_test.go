package verdict

import (
	"testing"
	"time"

	"lookout/engine/uptime"
)

// A doubt that rests on nothing but silence ends when it turns out that we are
// offline; one with more in it does not.
func TestBlind(t *testing.T) {
	p := params(time.Minute)
	offline := func(e *uptime.Evidence) (uptime.Fault, string) {
		if e.Fault.Side() == uptime.Path {
			return uptime.FaultLocalNodeOffline, "offline"
		}
		return uptime.NoFault, ""
	}
	at := func(f found, after time.Duration) *uptime.Result {
		return &uptime.Result{Time: start.Add(after), Location: uptime.Local, Fault: f.fault, Outcome: f.fault.Outcome()}
	}
	for _, tc := range []struct {
		name string
		do   func(m Memory) Memory
		want uptime.Verdict
	}{
		{"slow so far", func(m Memory) Memory {
			m, _ = Slow(p, Scene{}, m, start.Add(time.Minute), start.Add(63*time.Second))
			return m
		}, uptime.Unknown},
		{"silent", func(m Memory) Memory {
			m, _ = Step(p, Scene{}, m, at(silent, time.Minute), start.Add(70*time.Second))
			return m
		}, uptime.Unknown},
		{"slow, and silent in another check", func(m Memory) Memory {
			m, _ = Slow(p, Scene{}, m, start.Add(time.Minute), start.Add(63*time.Second))
			m, _ = Step(p, Scene{}, m, at(silent, 63*time.Second), start.Add(68*time.Second))
			return m
		}, uptime.Unknown},
		{"refused", func(m Memory) Memory {
			m, _ = Step(p, Scene{}, m, at(refused, time.Minute), start.Add(time.Minute))
			return m
		}, uptime.Suspect},
		{"silent, and another place too", func(m Memory) Memory {
			s := Scene{Others: true, Places: five}
			m, _ = Step(p, s, m, at(silent, time.Minute), start.Add(70*time.Second))
			r := at(silent, 70*time.Second)
			r.Location = "fra"
			m, _ = Step(p, s, m, r, start.Add(80*time.Second))
			return m
		}, uptime.Suspect},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m, _ := Step(p, Scene{}, Memory{}, at(ok, 0), start)
			m, d := Blind(tc.do(m), offline)
			if m.Verdict != tc.want || d.Changed != (tc.want == uptime.Unknown) {
				t.Errorf("%v, changed %v, want %v", m.Verdict, d.Changed, tc.want)
			}
			if tc.want == uptime.Unknown && m.Before != uptime.Up {
				t.Errorf("before: %v", m.Before)
			}
		})
	}
}
