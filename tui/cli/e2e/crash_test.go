package e2e

import (
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"lookout/engine/uptime"
)

// flapping serves 200 paths, a quarter of which fail every other second or so.
func flapping(t *testing.T) (addr string, served *atomic.Int64) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	served = new(atomic.Int64)
	began := time.Now()
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		served.Add(1)
		var n int
		if _, err := fmt.Sscanf(r.URL.Path, "/%d", &n); err == nil && n%4 == 0 {
			phase := time.Duration(n) * 37 * time.Millisecond
			if (time.Since(began)+phase)/(1300*time.Millisecond)%2 == 1 {
				w.WriteHeader(http.StatusServiceUnavailable)
			}
		}
	})}
	done := make(chan struct{}) // closed when the server has ended
	go func() {
		_ = srv.Serve(l) // ends with Close
		close(done)
	}()
	t.Cleanup(func() {
		srv.Close()
		<-done
	})
	return l.Addr().String(), served
}

// An engine that is killed while it writes keeps what it has told anybody, and
// goes on from there.
func TestKill(t *testing.T) {
	if testing.Short() {
		t.Skip("half a minute of kills")
	}
	t.Parallel()
	const rounds, monitors = 30, 200
	addr, served := flapping(t)
	var config strings.Builder
	config.WriteString("[defaults]\ninterval = \"1s\"\ntimeout = \"1s\"\nrule = \"consecutive\"\nfailures = 1\nrecoveries = 1\nretry_interval = \"1s\"\n")
	for i := range monitors {
		fmt.Fprintf(&config, "[[monitor]]\nname = \"m%03d\"\nurl = \"http://%s/%d\"\n", i, addr, i)
	}
	h := home(t, config.String())
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	chance := rand.New(rand.NewPCG(seed, 0))

	told := make(map[uint64]uptime.Event)
	newest := uint64(0)
	for round := range rounds {
		eng := engine(t, h)
		follow, err := Spawn(h.Command("events", "--follow", "--after", fmt.Sprint(newest), "--format", "json"))
		check(t, err)
		select {
		case <-eng.Done():
			t.Fatalf("the engine ended by itself in round %d: %s", round, eng.Stderr())
		case <-time.After(time.Duration(300+chance.IntN(600)) * time.Millisecond):
		}
		check(t, eng.Signal(syscall.SIGKILL))
		_, err = eng.Wait(patience)
		check(t, err)
		_ = follow.Stop() // it may end by itself when the engine is gone
		out := follow.Stdout()
		out = out[:strings.LastIndexByte(out, '\n')+1]
		for _, e := range events(t, out) {
			if before, ok := told[e.ID]; ok && before.Message != e.Message {
				t.Errorf("event %d was %+v and is %+v", e.ID, before, e)
			}
			told[e.ID], newest = e, max(newest, e.ID)
		}
	}
	if len(told) < 2*rounds || served.Load() < monitors*3 {
		t.Errorf("only %d events of %d checks in %d rounds: the load was none", len(told), served.Load(), rounds)
	}
	t.Logf("%d events told, %d checks", len(told), served.Load())

	run(t, h, 0, "data", "check")
	stored := events(t, run(t, h, 0, "events", "--since", "1d", "--format", "json").Stdout)
	byID := make(map[uint64]uptime.Event)
	state := make(map[string]uptime.Verdict) // since the last start
	open := make(map[string]uint64)
	for _, e := range stored {
		if _, twice := byID[e.ID]; twice {
			t.Errorf("event %d is there twice", e.ID)
		}
		byID[e.ID] = e
		switch {
		case e.Kind == uptime.EventNode:
			clear(state) // a start without results for two intervals makes them unknown
		case e.Kind == uptime.EventVerdict:
			if was, ok := state[e.Monitor]; ok && was != e.From {
				t.Errorf("event %d: %s comes from %s, but was %s", e.ID, e.Monitor, e.From, was)
			}
			state[e.Monitor] = e.To
		case e.Kind == uptime.EventIncident && e.Note == uptime.IncidentClosed:
			delete(open, e.Monitor)
		case e.Kind == uptime.EventIncident:
			if n, ok := open[e.Monitor]; ok && n != e.Incident {
				t.Errorf("event %d: %s has #%d %s beside #%d", e.ID, e.Monitor, e.Incident, e.Note, n)
			}
			open[e.Monitor] = e.Incident
		}
	}
	for id, e := range told {
		if s, ok := byID[id]; !ok {
			t.Errorf("event %d was told and is gone: %+v", id, e)
		} else if s.Kind != e.Kind || s.Monitor != e.Monitor || s.To != e.To || !s.Time.Equal(e.Time) || s.Message != e.Message {
			t.Errorf("event %d was told as %+v and stored as %+v", id, e, s)
		}
	}
	for id := range uint64(len(stored)) {
		if _, ok := byID[id+1]; !ok {
			t.Errorf("event %d is missing of 1 to %d", id+1, len(stored))
		}
	}
}
