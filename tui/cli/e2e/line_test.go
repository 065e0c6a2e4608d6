//go:build linux

package e2e

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"lookout/engine/uptime"
)

// beyond are the networks of the far machine, beside the one of the cable and
// that of its resolver.
var beyond = []string{"192.0.2.0/24", "203.0.113.0/24", "198.18.1.0/24", "198.18.2.0/24", "198.18.3.0/24", "198.18.4.0/24", "198.18.5.0/24"}

// newCable is one whose machines end with the test.
func newCable(t *testing.T) *Cable {
	t.Helper()
	c, err := NewCable(t.TempDir())
	if errors.Is(err, ErrNoMachines) {
		t.Skipf("skipped: the engine's own line is cut: %v", err)
	}
	check(t, err)
	t.Cleanup(func() { check(t, c.Close()) })
	check(t, c.Reach(beyond...))
	return c
}

// TestOwnLine cuts the line of the machine that the engine runs on, in two ways,
// and has its resolver fall silent, each for longer than an outage takes to be
// one: nobody is told of a target. Then one target goes away, and that is told.
// Each trouble has a world of its own, so that they last beside each other.
// What the machine lacks has tests beside this one: TestFewFiles, TestNoPorts.
func TestOwnLine(t *testing.T) {
	t.Parallel()
	everything := append([]string{"198.51.100.0/24"}, beyond...)
	deaf := func(silent bool) func(*Cable) error {
		return func(c *Cable) error {
			c.Deaf.Store(silent)
			return nil
		}
	}
	tests := []struct {
		name        string
		begin, end  func(*Cable) error
		node, fault string   // what is said of the machine, and of all monitors
		up          []string // but these
		over        string   // how the event of its end begins
	}{
		{"a line that leads nowhere", func(c *Cable) error { return c.Lose(everything...) }, func(c *Cable) error { return c.Reach(everything...) },
			"offline: ", "local.node_offline", []string{"near"}, "not offline any more"},
		{"a cable that is unplugged", (*Cable).Unplug, (*Cable).Plug, "offline: ", "local.no_route", nil, "not offline any more"},
		{"a resolver that is silent", deaf(true), deaf(false),
			"no name server answers: 198.51.100.53:53 is silent", "local.resolver_down", []string{"far1", "far2", "far3", "far4", "near"}, "name servers answer again"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := newCable(t)
			h := lineEngine(t, c)
			allUp := func(what string) {
				t.Helper()
				until(t, h, what, 3*patience, func(s status) bool { return s.Counts["up"] == 7 && s.Node == "" })
			}
			allUp("everything up at the start")
			check(t, tt.begin(c))
			began, said := time.Now(), false
			until(t, h, tt.name, 3*patience, func(s status) bool { // long enough for any of them to be down
				said = said || strings.HasPrefix(s.Node, tt.node)
				if time.Since(began) < longEnough {
					return false
				}
				for _, m := range s.Monitors {
					fine := m.Verdict == uptime.Up && slices.Contains(tt.up, m.Monitor)
					if !fine && (m.Verdict != uptime.Unknown || m.Fault != tt.fault) {
						return false
					}
				}
				return said
			})
			check(t, tt.end(c))
			allUp("everything up after that")

			check(t, c.Lose("198.18.3.0/24"))
			until(t, h, "an outage of one target", 3*patience, func(s status) bool { return s.Counts["down"] == 1 })
			var downs, nodes []string
			check(t, within(t, patience, "the event of the outage", func() bool { // an event is told once it is stored
				downs, nodes = nil, nil
				for _, e := range events(t, run(t, h, 0, "events", "--since", "1d", "--format", "json").Stdout) {
					switch {
					case e.Kind == uptime.EventVerdict && e.To == uptime.Down:
						downs = append(downs, e.Monitor)
					case e.Kind == uptime.EventNode && !strings.HasPrefix(e.Message, "started") && !strings.Contains(e.Message, " is over after "):
						nodes = append(nodes, e.Message)
					}
				}
				return len(downs) > 0
			}))
			if len(downs) != 1 || downs[0] != "far3" {
				t.Errorf("down: %v, want far3", downs)
			}
			want := []string{"the anchor 203.0.114.1:80 ", tt.node, tt.over}
			if !slices.EqualFunc(nodes, want, strings.HasPrefix) {
				t.Errorf("events of the node:\n%s\nwant:\n%s", strings.Join(nodes, "\n"), strings.Join(want, "\n"))
			}
		})
	}
}

// lineEngine starts an engine on the near machine, which watches what is beyond the
// cable, its other end, and two names.
func lineEngine(t *testing.T, c *Cable) *Home {
	t.Helper()
	var config strings.Builder
	config.WriteString("[self_check]\nanchors = [\"192.0.2.1:80\", \"198.51.100.1:80\", \"203.0.113.1:80\", \"203.0.114.1:80\"]\n" +
		"[defaults]\ninterval = \"1s\"\ntimeout = \"1s\"\n")
	for name, target := range map[string]string{"far1": "198.18.1.1", "far2": "198.18.2.1", "far3": "198.18.3.1", "far4": "198.18.4.1",
		"near": "10.9.0.1", "name1": "shop.test", "name2": "mail.test"} {
		fmt.Fprintf(&config, "[[monitor]]\nname = %q\nurl = \"tcp://%s:80\"\n", name, target)
	}
	h := home(t, config.String())
	p, err := h.EngineIn(c.Near.Enter()...)
	check(t, err)
	t.Cleanup(func() {
		if err := p.Stop(); err != nil {
			t.Error(err)
		}
	})
	return h
}

// longEnough is more than the window in which a target that is checked every
// second comes to be down.
const longEnough = 14 * time.Second
