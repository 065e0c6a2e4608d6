package e2e

import (
	"encoding/json"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lookout/engine/uptime"
)

// TestProbeRefuses: what the owner of a probe does not allow is not touched,
// whoever orders it and wherever an allowed server leads; that says nothing of
// the target, and nothing is down for it.
func TestProbeRefuses(t *testing.T) {
	t.Parallel()
	f := newField(t)
	l, err := net.Listen("tcp", "127.0.0.2:0")
	if err != nil {
		t.Skip(err)
	}
	leads := &http.Server{ReadHeaderTimeout: patience, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, f.URL+"/led?who=fra", http.StatusFound)
	})}
	go leads.Serve(l)
	t.Cleanup(func() { leads.Close() })
	led := "[[monitor]]\nname = \"led\"\nurl = \"http://" + l.Addr().String() + "/\"\nlocations = [\"fra\"]\n"
	const id = "fra/p1"
	a := newAway(t, broker.Broker(t).Addr(), "policy", often+f.Monitor("direct", "locations = [\"fra\"]")+led, id)
	until(t, a.Home, "that both are up", time.Minute, func(s status) bool { return s.Counts["up"] == 2 })

	check(t, a.Probes[id].Stop())
	file := filepath.Join(a.Remote.Folder(id), "probe.toml")
	text, err := os.ReadFile(file)
	check(t, err)
	strict := strings.Replace(string(text), "127.0.0.0/8", "127.0.0.2/32", 1)
	check(t, os.WriteFile(file, []byte(strict), 0o600))
	direct, behind := f.Seen("direct", "fra"), f.Seen("led", "fra")
	check(t, a.Start(id))
	for _, monitor := range []string{"direct", "led"} {
		err := within(t, time.Minute, "that "+monitor+" is refused", func() bool {
			out, err := a.Run("history", monitor, "--results", "--format", "json")
			for line := range strings.Lines(out.Stdout) {
				var r uptime.Result
				if err == nil && json.Unmarshal([]byte(line), &r) == nil && r.Fault == uptime.FaultLocalBlocked {
					says(t, monitor, r.Message, "the policy of this probe does not let it go to 127.0.0.1, the loopback")
					return r.Outcome == uptime.OutcomeUnknown && r.Location == "fra"
				}
			}
			return false
		})
		check(t, err)
	}
	if n, m := f.Seen("direct", "fra"), f.Seen("led", "fra"); n > direct || m > behind {
		t.Errorf("checked %d and %d times all the same", n-direct, m-behind)
	}
	for _, e := range events(t, run(t, a.Home, 0, "events", "--format", "json").Stdout) {
		if e.To == uptime.Down {
			t.Errorf("down: %s", e.Message)
		}
	}
}
