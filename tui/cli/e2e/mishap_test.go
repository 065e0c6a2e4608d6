//go:build linux

package e2e

import (
	"bytes"

	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"lookout/engine/uptime"
)

// What happens to us pages nobody, with the real binary: it is stopped, its
// clock is set, it has no file descriptors, no ports.

// hasty has every second check believed: whatever is taken for a fault of the
// target is an outage after two seconds.
// A time-out is as long as a slow machine needs.
const hasty = "[defaults]\ninterval = \"%s\"\ntimeout = \"%[1]s\"\nrule = \"consecutive\"\nfailures = 2\nrecoveries = 1\nretry_interval = \"1s\"\n"

// slowly answers each request after a while, so that checks are in flight at any time.
func slowly(l net.Listener, after time.Duration) *http.Server {
	srv := &http.Server{Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-time.After(after):
		case <-r.Context().Done():
		}
	})}
	go srv.Serve(l) //nolint:errcheck // it ends with Close
	return srv
}

// slowServer is one on loopback that ends with the test.
func slowServer(t *testing.T, after time.Duration) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	srv := slowly(l, after)
	t.Cleanup(func() { srv.Close() })
	return l.Addr().String()
}

// watching is a configuration of n monitors of a server, at an interval.
func watching(interval, addr string, n int) string {
	var b strings.Builder
	fmt.Fprintf(&b, hasty, interval)
	for i := range n {
		fmt.Fprintf(&b, "[[monitor]]\nname = \"m%02d\"\nurl = \"http://%s/%d\"\n", i, addr, i)
	}
	return b.String()
}

// everything up, and for how long the test looks on.
func allUp(t *testing.T, h *Home, n int) {
	t.Helper()
	until(t, h, "everything up", 2*patience, func(s status) bool { return s.Counts["up"] == n })
}

// told are the events of a home: those of a kind, how often a monitor was down, and what else was said of monitors.
func told(t *testing.T, h *Home, kind uptime.EventKind) (said []string, downs int, verdicts []string) {
	t.Helper()
	for _, e := range events(t, run(t, h, 0, "events", "--since", "1d", "--format", "json").Stdout) {
		switch {
		case e.Kind == kind && !strings.HasPrefix(e.Message, "started"):
			said = append(said, e.Message)
		case e.Kind == uptime.EventVerdict && e.To == uptime.Down:
			downs++
		}
		if e.Kind == uptime.EventVerdict && e.From != uptime.Pending {
			verdicts = append(verdicts, e.Monitor+" "+e.From.String()+" to "+e.To.String()+": "+e.Message)
		}
	}
	return said, downs, verdicts
}

// TestStopped stops the engine with checks in flight and lets it go on:
// LOOKOUT_E2E_STOP says for how long, 12s by default.
func TestStopped(t *testing.T) {
	t.Parallel()
	stop := 12 * time.Second
	if s := os.Getenv("LOOKOUT_E2E_STOP"); s != "" {
		var err error
		stop, err = time.ParseDuration(s)
		check(t, err)
	}
	const n = 40
	h := home(t, watching("5s", slowServer(t, 2*second), n))
	eng := engine(t, h)
	allUp(t, h, n)
	check(t, eng.Signal(syscall.SIGSTOP))
	began := time.Now()
	check(t, within(t, stop+patience, "the end of the stop", func() bool { return time.Since(began) > stop }))
	check(t, eng.Signal(syscall.SIGCONT))
	// Each is checked again since, at its place in the interval.
	after := time.Now()
	until(t, h, "everything up, and checked again", 2*patience, func(s status) bool {
		return s.Counts["up"] == n && time.Since(after) > 6*second
	})
	said, downs, verdicts := told(t, h, uptime.EventNode)
	if len(said) != 1 || !strings.HasPrefix(said[0], "stood still for 1") || !strings.Contains(said[0], "in flight") {
		t.Errorf("events of the node: %q", said)
	}
	if downs > 0 || len(verdicts) > 0 {
		t.Errorf("%d down; %s", downs, strings.Join(verdicts, "\n"))
	}
}

// TestFewFiles takes the file descriptors of an engine with many monitors.
func TestFewFiles(t *testing.T) {
	t.Parallel()
	const n = 100
	h := home(t, watching("2s", slowServer(t, 300*time.Millisecond), n))
	eng := engine(t, h)
	allUp(t, h, n)
	var was unix.Rlimit
	check(t, unix.Prlimit(eng.Pid(), unix.RLIMIT_NOFILE, nil, &was))
	check(t, unix.Prlimit(eng.Pid(), unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 16, Max: was.Max}, nil))
	began := time.Now()
	check(t, within(t, patience, "a while without", func() bool { return time.Since(began) > 6*second }))
	check(t, unix.Prlimit(eng.Pid(), unix.RLIMIT_NOFILE, &was, nil))
	allUp(t, h, n)
	ours(t, h, n, "local.fd_limit")
}

// ours wants one event of the node about a fault of ours, results with it, and no outage.
func ours(t *testing.T, h *Home, n int, fault string) {
	t.Helper()
	about := 0
	for _, e := range events(t, run(t, h, 0, "events", "--since", "1d", "--format", "json").Stdout) {
		if e.Kind == uptime.EventNode && e.Fault.String() == fault {
			about++
		}
	}
	said, downs, verdicts := told(t, h, uptime.EventNode)
	if about != 1 || downs > 0 {
		t.Errorf("%d events of %s, %d down; the node: %q; %s", about, fault, downs, said, strings.Join(verdicts, "\n"))
	}
	var results string // of the monitors, until one has it: what ended just then frees a place for another
	for i := 0; i < n && !strings.Contains(results, fault); i++ {
		results += run(t, h, 0, "history", fmt.Sprintf("m%02d", i), "--results").Stdout
	}
	says(t, "the results of all monitors", results, fault)
	if a := run(t, h, 0, "history"); a.Stdout != "" {
		t.Errorf("incidents: %s", a.Stdout)
	}
}

// TestNoPorts has the machine of the engine, a network namespace, run out of ports.
func TestNoPorts(t *testing.T) {
	t.Parallel()
	machine, err := NewMachine()
	if errors.Is(err, ErrNoMachines) {
		t.Skipf("skipped: ports run out: %v", err)
	}
	check(t, err)
	t.Cleanup(machine.Close)
	check(t, machine.Run("ip link set lo up"))
	check(t, machine.Open(func() error {
		l, err := net.Listen("tcp4", "127.0.0.1:8080")
		if err == nil {
			srv := slowly(l, 300*time.Millisecond)
			t.Cleanup(func() { srv.Close() })
		}
		return err
	}))
	ports := func(from, to int) {
		t.Helper()
		cmd := exec.Command("nsenter", append(machine.Enter(), "sh", "-c", `echo "$0" > /proc/sys/net/ipv4/ip_local_port_range`, fmt.Sprintf("%d %d", from, to))...)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Skipf("the range of ports cannot be set here: %v: %s", err, out)
		}
	}
	ports(20000, 50000)
	const n = 60
	h := home(t, watching("2s", "127.0.0.1:8080", n))
	p, err := h.EngineIn(machine.Enter()...)
	check(t, err)
	t.Cleanup(func() {
		if err := p.Stop(); err != nil {
			t.Error(err)
		}
	})
	allUp(t, h, n)
	ports(20000, 20001)
	began := time.Now()
	check(t, within(t, patience, "a while without", func() bool { return time.Since(began) > 6*second }))
	ports(20000, 50000)
	allUp(t, h, n)
	ours(t, h, n, "local.port_exhausted")
}

// TestClockIsSet sets the clock of an engine forward by an hour and back by two,
// beside an outage that lasts. The binary is one that takes its clock from us.
func TestClockIsSet(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	stepped := filepath.Join(dir, "lookout")
	build := exec.Command("go", "build", "-buildvcs=false", "-tags", "stepclock", "-o", stepped, "lookout")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	const n = 20
	h := home(t, watching("2s", slowServer(t, 300*time.Millisecond), n)+"[[monitor]]\nname = \"out\"\nurl = \"tcp://127.0.0.1:1\"\n")
	h.Binary = stepped
	clock := filepath.Join(dir, "clock")
	h.Env = append(h.Env, "LOOKOUT_CLOCK="+clock)
	set := func(by string) {
		t.Helper()
		check(t, os.WriteFile(clock+".new", []byte(by), 0o600))
		check(t, os.Rename(clock+".new", clock))
	}
	set("0s")
	eng := engine(t, h)
	until(t, h, "all but one up", 2*patience, func(s status) bool { return s.Counts["up"] == n && s.Counts["down"] == 1 })
	for _, by := range []string{"1h", "-1h"} {
		before := statusAt(t, h)
		set(by)
		want, err := time.ParseDuration(by)
		check(t, err)
		check(t, within(t, patience, "the other time", func() bool { return statusAt(t, h).Sub(before).Abs() > want.Abs()/2 }))
		began := time.Now()
		s := until(t, h, "three seconds of it", patience, func(status) bool { return time.Since(began) > 3*second })
		if s.Counts["up"] != n || s.Counts["down"] != 1 {
			t.Errorf("set by %s: %v", by, s.Counts)
		}
		for _, m := range s.Monitors {
			if m.Since.After(time.Now().Add(want)) {
				t.Errorf("set by %s: %s is %s since %s", by, m.Monitor, m.Verdict, m.Since)
			}
		}
	}
	said, downs, verdicts := told(t, h, uptime.EventClock)
	if strings.Join(said, "; ") != "the clock was set forward 1h00m; the clock was set back 2h00m" {
		t.Errorf("events of the clock: %q", said)
	}
	if downs != 1 || len(verdicts) > 1 {
		t.Errorf("%d down; %s", downs, strings.Join(verdicts, "\n"))
	}
	check(t, eng.Stop())
	run(t, h, 0, "data", "check")
	for line := range bytes.Lines([]byte(run(t, h, 0, "history", "out", "--format", "json").Stdout)) {
		var i uptime.Incident
		check(t, json.Unmarshal(line, &i))
		if age := time.Now().Add(-time.Hour).Sub(i.Start); age < 0 || age > 10*time.Minute {
			t.Errorf("#%d began %s, the clock of the engine says about %s", i.Number, i.Start, time.Now().Add(-time.Hour))
		}
	}
	at, back := time.Time{}, 0
	var r uptime.Result
	for line := range bytes.Lines([]byte(run(t, h, 0, "history", "m00", "--results", "--format", "json").Stdout)) {
		check(t, json.Unmarshal(line, &r))
		if r.Time.Before(at) {
			back++
		}
		at = r.Time
	}
	if back > 0 || at.IsZero() {
		t.Errorf("results are not in the order of their stamps %d times; the last is of %s", back, at)
	}
}

// statusAt is when the engine says that its status was made.
func statusAt(t *testing.T, h *Home) time.Time {
	t.Helper()
	a, err := h.Run("status", "--format", "json")
	check(t, err)
	var s struct{ Time time.Time }
	check(t, json.Unmarshal([]byte(a.Stdout), &s))
	return s.Time
}
