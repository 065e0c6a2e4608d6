package worker

import (
	"testing"
	"time"

	"lookout/engine/uptime"
	"lookout/probes/wire"
)

// TestReady makes a check once, and tries one again that could not be made.
func TestReady(t *testing.T) {
	o := newOffice(t)
	w, m := o.still()
	made, wrong := 0, []uptime.Mistake{{Key: "headers", Message: "there is no secret token here", Hint: "Put it into secrets_dir"}}
	w.o.Build = func(name, checkType string, p uptime.Portable, interval, timeout, degradedAbove time.Duration) (uptime.Job, []uptime.Mistake) {
		made++
		job, _ := o.build(name, checkType, p, interval, timeout, degradedAbove)
		return job, wrong
	}
	now := time.Now()
	steps := []struct {
		name string
		at   time.Duration
		mend bool
		want string
		made int
	}{
		{"a secret is missing", 0, false, "there is no secret token here. Put it into secrets_dir", 1},
		{"still", 30 * time.Second, false, "there is no secret token here. Put it into secrets_dir", 1},
		{"it is there, and nobody has looked", 40 * time.Second, true, "there is no secret token here. Put it into secrets_dir", 1},
		{"seen", time.Minute, true, "", 2},
		{"and kept", time.Hour, true, "", 2},
	}
	for _, s := range steps {
		if s.mend {
			wrong = []uptime.Mistake{{Message: "only a warning", Warning: true}}
		}
		if got := w.ready(m, now.Add(s.at)); got != s.want || made != s.made {
			t.Errorf("%s: %q, made %d times", s.name, got, made)
		}
	}
}

func TestPortable(t *testing.T) {
	m := wire.Monitor{URL: "tcp://a:1", IP: "4", Zone: "Europe/Amsterdam", Source: "eth0", Values: map[string]any{"send": "x"}, Expect: map[string]any{"banner": "y"}}
	p := portable(&m)
	if p.URL != m.URL || p.IP != m.IP || p.Zone != m.Zone || p.Source != m.Source || p.Values["send"] != "x" || p.Expect["banner"] != "y" {
		t.Errorf("%+v", p)
	}
}

// TestInherit keeps what is known of a check that goes on for another purpose.
func TestInherit(t *testing.T) {
	old := &monitor{Monitor: asked(regular(0, 1))[0], outcome: uptime.OutcomeDown, built: time.Now()}
	tests := []struct {
		name    string
		change  func(*wire.Monitor)
		outcome uptime.Outcome
		fresh   bool
	}{
		{"checked regularly too", func(m *wire.Monitor) { m.Regular = true }, uptime.OutcomeDown, false},
		{"asked no more", func(m *wire.Monitor) { m.Asked = false }, uptime.OutcomeDown, false},
		{"of another address", func(m *wire.Monitor) { m.URL = "tcp://other" }, uptime.OutcomeUnknown, true},
	}
	for _, tt := range tests {
		m := &monitor{Monitor: old.Monitor, fresh: true}
		tt.change(&m.Monitor)
		if m.inherit(old); m.outcome != tt.outcome || m.fresh != tt.fresh || m.built.IsZero() != (tt.outcome == uptime.OutcomeUnknown) {
			t.Errorf("%s: %+v", tt.name, m)
		}
	}
	m := &monitor{Monitor: old.Monitor, fresh: true}
	unasked := &monitor{Monitor: old.Monitor}
	unasked.Asked, unasked.Regular = false, true
	if m.inherit(unasked); !m.fresh {
		t.Error("who is asked from now on takes no baseline")
	}
}
