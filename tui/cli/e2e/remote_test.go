package e2e

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"lookout/engine/uptime"
	"lookout/probes/remote/brokertest"
)

// broker is the one of all tests here, each with a vhost of its own.
var broker brokertest.Shared

// field is a website that is seen differently from different places: each says
// who it is in the query, which is a secret that everybody has another of.
type field struct {
	url string
	mu  sync.Mutex
	bad map[string][]string // by page: the places that it fails for
	hit map[string]int      // by place
}

func newField(t *testing.T) *field {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	f := &field{url: "http://" + l.Addr().String(), bad: map[string][]string{}, hit: map[string]int{}}
	s := &http.Server{Handler: f, ReadHeaderTimeout: patience}
	go s.Serve(l)
	t.Cleanup(func() { s.Close() })
	return f
}

func (f *field) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	who, page := r.URL.Query().Get("who"), strings.TrimPrefix(r.URL.Path, "/")
	f.mu.Lock()
	defer f.mu.Unlock()
	f.hit[page+" "+who]++
	if slices.Contains(f.bad[page], who) || slices.Contains(f.bad[page], "all") {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
}

// fails has a page fail for some places from now on.
func (f *field) fails(page string, places ...string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.bad[page] = places
}

// seen is how often a place has looked at a page.
func (f *field) seen(page, place string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.hit[page+" "+place]
}

// monitor is the configuration of one of its pages.
func (f *field) monitor(page, more string) string {
	return fmt.Sprintf("[[monitor]]\nname = %q\nurl = \"%s/%s?who=${secret:who}\"\ntimeout = \"1s\"\n%s\n", page, f.url, page, more)
}

const often = "[defaults]\ninterval = \"2s\"\n"

// away is an engine with probes at other places, all on this machine.
type away struct {
	*Home
	remote *Remote
	engine *Process
	probes map[string]*Process
}

// newAway starts an engine and its probes, and waits until all of these vote.
func newAway(t *testing.T, addr, vhost, config string, probes ...string) *away {
	t.Helper()
	b := broker.Broker(t)
	a := &away{probes: map[string]*Process{}}
	var err error
	a.remote, err = NewRemote(t.Context(), binary, t.TempDir(), b, addr, vhost, probes...)
	check(t, err)
	a.Home = home(t, "")
	a.configure(t, config)
	a.engine = engine(t, a.Home)
	for _, id := range probes {
		place, _, _ := strings.Cut(id, "/")
		check(t, a.remote.Configure(id, map[string]string{"who": place}, "[policy]\nallow = [\"127.0.0.0/8\"]\n"))
		a.start(t, id)
	}
	a.live(t)
	return a
}

// configure writes the engine's configuration.
func (a *away) configure(t *testing.T, config string) {
	t.Helper()
	secrets := filepath.Join(a.Dir, "secrets")
	check(t, WriteSecrets(secrets, map[string]string{"who": uptime.Local}))
	check(t, a.Write(fmt.Sprintf("secrets_dir = %q\n", secrets)+a.remote.Include()+config))
}

// live waits until all probes vote.
func (a *away) live(t *testing.T) {
	t.Helper()
	a.states(t, "that all are live", func(by map[string]string) bool {
		return !slices.ContainsFunc(a.remote.Probes, func(id string) bool { return by[id] != "live" })
	})
}

// start starts a probe, or starts it again.
func (a *away) start(t *testing.T, id string) *Process {
	t.Helper()
	p, err := Spawn(a.remote.Command(id))
	check(t, err)
	a.probes[id] = p
	t.Cleanup(func() {
		_ = p.Signal(syscall.SIGCONT)
		if p.Ended() {
			return
		}
		if t.Failed() {
			t.Logf("probe %s: %s", id, p.Stderr())
		}
		p.Kill()
	})
	return p
}

// signal signals some probes.
func (a *away) signal(t *testing.T, sig syscall.Signal, ids ...string) {
	t.Helper()
	for _, id := range ids {
		check(t, a.probes[id].Signal(sig))
	}
}

// states waits until the states of the probes please ok.
func (a *away) states(t *testing.T, what string, ok func(by map[string]string) bool) {
	t.Helper()
	var last string
	err := within(t, time.Minute, what, func() bool {
		out, err := a.Run("remote", "list")
		last = out.Stdout + out.Stderr
		if err != nil {
			return false
		}
		by := map[string]string{}
		for line := range strings.SplitSeq(out.Stdout, "\n") {
			if f := strings.Fields(line); len(f) > 1 {
				by[f[1]] = f[0]
			}
		}
		return ok(by)
	})
	if err != nil {
		t.Fatalf("%v; the last list: %s", err, last)
	}
}

// verdictOf waits for a verdict and returns its event.
func (a *away) verdictOf(t *testing.T, monitor string, to uptime.Verdict, patience time.Duration) uptime.Event {
	t.Helper()
	var e uptime.Event
	var last string
	err := within(t, patience, fmt.Sprintf("that %s is %s", monitor, to), func() bool {
		out, err := a.Run("events", "--format", "json")
		last = out.Stdout
		if err != nil || out.Code != 0 {
			return false
		}
		var ok bool
		e, ok = verdict(events(t, out.Stdout), monitor, to)
		return ok
	})
	if err != nil {
		t.Fatalf("%v; events: %s", err, last)
	}
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
	config := often + f.monitor("here", "") + f.monitor("everywhere", "") + f.monitor("later", "") + f.monitor("lied", "") + f.monitor("there", "locations = [\"fra\"]")
	a := newAway(t, broker.Broker(t).Addr(), "opinions", config, "fra/p1", "nyc/p1", "sgp/p1")
	until(t, a.Home, "that all are up", time.Minute, func(s status) bool { return s.Counts["up"] == 5 })
	if n := f.seen("there", uptime.Local); n > 0 {
		t.Errorf("what is checked from fra was checked here %d times", n)
	}

	out := run(t, a.Home, 0, "check", "here", "--from", "nyc")
	says(t, "a check from nyc", out.Stdout, "up", "here")
	out = run(t, a.Home, 2, "check", "tcp://127.0.0.1:1", "--from", "sgp", "--format", "json")
	says(t, "a check of a URL from sgp", out.Stdout, `"location":"sgp"`, "tcp.refused")
	says(t, "a check from nowhere", run(t, a.Home, 64, "check", "here", "--from", "par").Stderr, "par", "fra, nyc and sgp")

	a.configure(t, config+f.monitor("added", "locations = [\"nyc\"]"))
	run(t, a.Home, 0, "reload")
	check(t, within(t, patience, "that what a reload added is checked from nyc", func() bool { return f.seen("added", "nyc") > 1 }))

	f.fails("here", uptime.Local)
	f.fails("lied", uptime.Local, "fra") // one more that says so, and two that don't
	f.fails("everywhere", "all")
	down := a.verdictOf(t, "everywhere", uptime.Down, 50*time.Second)
	if got := placesOf(down); !slices.Equal(got, []string{"fra", "local", "nyc", "sgp"}) {
		t.Errorf("the evidence is from %q: %s", got, down.Message)
	}
	says(t, "the message", down.Message, "503")

	if e, ok := verdict(events(t, run(t, a.Home, 0, "events", "--format", "json").Stdout), "lied", uptime.Down); ok {
		t.Errorf("a single probe made it down: %s", e.Message)
	}
	f.fails("lied")
	a.signal(t, syscall.SIGKILL, "nyc/p1", "sgp/p1")
	f.fails("later", "all")
	down = a.verdictOf(t, "later", uptime.Down, time.Minute)
	t.Logf("with two of three killed: %s", down.Message)

	all := run(t, a.Home, 0, "events", "--format", "json").Stdout
	if e, ok := verdict(events(t, all), "here", uptime.Down); ok {
		t.Errorf("what fails here alone went down: %s", e.Message)
	}
	if e, ok := verdict(events(t, all), "here", uptime.Suspect); !ok {
		t.Errorf("what fails here was no doubt: %+v", e)
	}
}

// TestSilentProbes: with nobody who answers the verdict waits, and says whom it asked.
func TestSilentProbes(t *testing.T) {
	t.Parallel()
	f := newField(t)
	probes := []string{"fra/p1", "nyc/p1", "sgp/p1"}
	a := newAway(t, broker.Broker(t).Addr(), "silent", often+f.monitor("site", ""), probes...)
	until(t, a.Home, "that it is up", time.Minute, func(s status) bool { return s.Counts["up"] == 1 })
	a.signal(t, syscall.SIGSTOP, probes...)
	f.fails("site", "all")
	down := a.verdictOf(t, "site", uptime.Down, 100*time.Second)
	says(t, "the message", down.Message, "asked fra, nyc, sgp: no answer")
	if lasted := down.Time.Sub(down.Since); lasted < 60*time.Second {
		t.Errorf("it was down after %s", lasted)
	}
	a.signal(t, syscall.SIGCONT, probes...)
}

// TestNothingIsLost: what a probe found is stored once, whatever is killed on the
// way: the line to the broker, the engine, and the probe itself, but for a check
// that ran just then.
func TestNothingIsLost(t *testing.T) {
	t.Parallel()
	f := newField(t)
	line := broker.Broker(t).Proxy(t)
	a := newAway(t, line.Addr(), "kills", "[defaults]\ninterval = \"1s\"\n"+f.monitor("site", "locations = [\"fra\"]\nrule = \"consecutive\""), "fra/p1")
	goOn := func(n int) { // until it was checked so often since
		t.Helper()
		from := f.seen("site", "fra")
		check(t, within(t, time.Minute, "that the probe checks", func() bool { return f.seen("site", "fra") >= from+n }))
	}
	goOn(3)
	a.engine.Kill()
	goOn(3)
	a.engine = engine(t, a.Home)
	a.live(t)
	line.Refuse()
	goOn(3)
	line.Pass()
	a.probes["fra/p1"].Kill()
	a.start(t, "fra/p1")
	goOn(5)
	check(t, a.probes["fra/p1"].Stop())
	checked := f.seen("site", "fra")
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
// shares is said to be one of this machine alone. LOOKOUT_E2E_LONG=1 runs it.
func TestUnreachableOnlyFromHere(t *testing.T) {
	if os.Getenv("LOOKOUT_E2E_LONG") == "" {
		t.Skip("skipped: it takes six minutes; LOOKOUT_E2E_LONG=1 runs it")
	}
	t.Parallel()
	f := newField(t)
	a := newAway(t, broker.Broker(t).Addr(), "alone", often+f.monitor("here", ""), "fra/p1", "nyc/p1", "sgp/p1")
	until(t, a.Home, "that it is up", time.Minute, func(s status) bool { return s.Counts["up"] == 1 })
	f.fails("here", uptime.Local)
	e := a.verdictOf(t, "here", uptime.Degraded, 7*time.Minute)
	says(t, "the message", e.Message, "unreachable only from")
	if e, ok := verdict(events(t, run(t, a.Home, 0, "events", "--format", "json").Stdout), "here", uptime.Down); ok {
		t.Errorf("it went down: %s", e.Message)
	}
}
