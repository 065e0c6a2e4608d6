package e2e

import (
	"context"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"lookout/engine/uptime"
	"lookout/probes/remote/brokertest"
)

// broker is the one of all tests here, each with a vhost of its own.
var broker brokertest.Shared

// newField serves a website that is seen differently from different places.
func newField(t *testing.T) *Field {
	t.Helper()
	f, err := NewField()
	check(t, err)
	t.Cleanup(func() { f.Close() })
	return f
}

const often = "[defaults]\ninterval = \"2s\"\n"

// newAway starts an engine and its probes, and waits until all of these vote.
func newAway(t *testing.T, addr, vhost, config string, probes ...string) *Away {
	t.Helper()
	a := prepareAway(t, addr, vhost, config, probes...)
	check(t, a.Begin())
	check(t, a.Live(t.Context()))
	return a
}

// prepareAway only writes their files.
func prepareAway(t *testing.T, addr, vhost, config string, probes ...string) *Away {
	t.Helper()
	a, err := PrepareAway(t.Context(), binary, t.TempDir(), broker.Broker(t), addr, vhost, config, probes...)
	check(t, err)
	t.Cleanup(func() {
		for id, p := range a.Probes {
			if t.Failed() {
				t.Logf("probe %s: %s", id, p.Stderr())
			}
		}
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	return a
}

// verdictOf waits for a verdict and returns its event.
func verdictOf(t *testing.T, a *Away, monitor string, to uptime.Verdict, patience time.Duration) uptime.Event {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	e, err := a.Verdict(ctx, monitor, to)
	check(t, err)
	return e
}

func placesOf(e uptime.Event) []string {
	var out []string
	for _, r := range e.Evidence {
		if !slices.Contains(out, r.Location) {
			out = append(out, r.Location)
		}
	}
	slices.Sort(out)
	return out
}

// TestSecondOpinions: what fails here alone is never down, nor what one probe
// says is; what fails everywhere is, with evidence from each place; and with two of three probes killed it is by
// what is left.
func TestSecondOpinions(t *testing.T) {
	t.Parallel()
	f := newField(t)
	config := often + f.Monitor("here", "") + f.Monitor("everywhere", "") + f.Monitor("later", "") + f.Monitor("lied", "") + f.Monitor("there", "locations = [\"fra\"]")
	a := newAway(t, broker.Broker(t).Addr(), "opinions", config, "fra/p1", "nyc/p1", "sgp/p1")
	until(t, a.Home, "that all are up", time.Minute, func(s status) bool { return s.Counts["up"] == 5 })
	if n := f.Seen("there", uptime.Local); n > 0 {
		t.Errorf("what is checked from fra was checked here %d times", n)
	}

	out := run(t, a.Home, 0, "check", "here", "--from", "nyc")
	says(t, "a check from nyc", out.Stdout, "up", "here")
	out = run(t, a.Home, 2, "check", "tcp://127.0.0.1:1", "--from", "sgp", "--format", "json")
	says(t, "a check of a URL from sgp", out.Stdout, `"location":"sgp"`, "tcp.refused")
	says(t, "a check from nowhere", run(t, a.Home, 64, "check", "here", "--from", "par").Stderr, "par", "fra, nyc and sgp")

	check(t, a.Configure(config+f.Monitor("added", "locations = [\"nyc\"]")))
	run(t, a.Home, 0, "reload")
	check(t, within(t, patience, "that what a reload added is checked from nyc", func() bool { return f.Seen("added", "nyc") > 1 }))

	f.Fails("here", uptime.Local)
	f.Fails("lied", uptime.Local, "fra") // one more that says so, and two that don't
	f.Fails("everywhere", "all")
	down := verdictOf(t, a, "everywhere", uptime.Down, 50*time.Second)
	if got := placesOf(down); !slices.Equal(got, []string{"fra", "local", "nyc", "sgp"}) {
		t.Errorf("the evidence is from %q: %s", got, down.Message)
	}
	says(t, "the message", down.Message, "503")

	if e, ok := Became(events(t, run(t, a.Home, 0, "events", "--format", "json").Stdout), "lied", uptime.Down); ok {
		t.Errorf("a single probe made it down: %s", e.Message)
	}
	f.Fails("lied")
	check(t, a.Signal(syscall.SIGKILL, "nyc/p1", "sgp/p1"))
	f.Fails("later", "all")
	down = verdictOf(t, a, "later", uptime.Down, time.Minute)
	t.Logf("with two of three killed: %s", down.Message)

	all := run(t, a.Home, 0, "events", "--format", "json").Stdout
	if e, ok := Became(events(t, all), "here", uptime.Down); ok {
		t.Errorf("what fails here alone went down: %s", e.Message)
	}
	if e, ok := Became(events(t, all), "here", uptime.Suspect); !ok {
		t.Errorf("what fails here was no doubt: %+v", e)
	}
}

// TestSilentProbes: with nobody who answers the verdict waits, and says whom it asked.
func TestSilentProbes(t *testing.T) {
	t.Parallel()
	f := newField(t)
	probes := []string{"fra/p1", "nyc/p1", "sgp/p1"}
	a := newAway(t, broker.Broker(t).Addr(), "silent", often+f.Monitor("site", ""), probes...)
	until(t, a.Home, "that it is up", time.Minute, func(s status) bool { return s.Counts["up"] == 1 })
	check(t, a.Signal(syscall.SIGSTOP, probes...))
	f.Fails("site", "all")
	down := verdictOf(t, a, "site", uptime.Down, 100*time.Second)
	says(t, "the message", down.Message, "asked fra, nyc, sgp: no answer")
	if lasted := down.Time.Sub(down.Since); lasted < 60*time.Second {
		t.Errorf("it was down after %s", lasted)
	}
	check(t, a.Signal(syscall.SIGCONT, probes...))
}

// TestNothingIsLost: what a probe found is stored once, whatever is killed on the
// way: the line to the broker, the engine, and the probe itself, but for a check
// that ran just then.
func TestNothingIsLost(t *testing.T) {
	t.Parallel()
	f := newField(t)
	line := broker.Broker(t).Proxy(t)
	a := newAway(t, line.Addr(), "kills", "[defaults]\ninterval = \"1s\"\n"+f.Monitor("site", "locations = [\"fra\"]\nrule = \"consecutive\""), "fra/p1")
	goOn := func(n int) { // until it was checked so often since
		t.Helper()
		from := f.Seen("site", "fra")
		check(t, within(t, time.Minute, "that the probe checks", func() bool { return f.Seen("site", "fra") >= from+n }))
	}
	goOn(3)
	a.Engine.Kill()
	goOn(3)
	a.Engine = engine(t, a.Home)
	check(t, a.Live(t.Context()))
	line.Refuse()
	goOn(3)
	line.Pass()
	a.Probes["fra/p1"].Kill()
	check(t, a.Start("fra/p1"))
	goOn(5)
	check(t, a.Probes["fra/p1"].Stop())
	checked := f.Seen("site", "fra")
	var stored map[time.Time]int
	err := within(t, time.Minute, "that all is stored", func() bool {
		out, err := a.Run("history", "site", "--results", "--format", "json")
		stored = map[time.Time]int{}
		for line := range strings.Lines(out.Stdout) {
			var r uptime.Result
			if err == nil {
				err = json.Unmarshal([]byte(line), &r)
			}
			stored[r.Time]++
		}
		return err == nil && len(stored) >= checked-2
	})
	if err != nil {
		t.Errorf("%v: %d checks, %d results", err, checked, len(stored))
	}
	n := 0
	for at, times := range stored {
		if n += times; times > 1 {
			t.Errorf("the result of %s is there %d times", at, times)
		}
	}
	if n > checked {
		t.Errorf("%d results of %d checks", n, checked)
	}
}

// TestUnreachableOnlyFromHere takes the five minutes after which a doubt that nobody
// shares is said to be one of this machine alone. LOOKOUT_E2E_LONG=1 runs it, and so do the drills.
func TestUnreachableOnlyFromHere(t *testing.T) {
	if os.Getenv("LOOKOUT_E2E_LONG") == "" {
		t.Skip("skipped: it takes six minutes; LOOKOUT_E2E_LONG=1 runs it")
	}
	t.Parallel()
	f := newField(t)
	a := newAway(t, broker.Broker(t).Addr(), "alone", often+f.Monitor("here", ""), "fra/p1", "nyc/p1", "sgp/p1")
	until(t, a.Home, "that it is up", time.Minute, func(s status) bool { return s.Counts["up"] == 1 })
	alone, err := a.OnlyHere(t.Context(), f, "here")
	check(t, err)
	says(t, "the status", alone.Message, "unreachable only from local: ", "503")
	if alone.Verdict != uptime.Degraded || alone.Down > 0 {
		t.Errorf("%+v", alone)
	}
}
