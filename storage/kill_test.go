package storage

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"lookout/engine/uptime"
)

// The test binary is its own victim: with this variable set it appends batches
// to the file that it names, and prints what was acknowledged.
const victimEnv = "LOOKOUT_TEST_VICTIM"

func TestMain(m *testing.M) {
	if path := os.Getenv(victimEnv); path != "" {
		if err := victim(path); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

const victimMonitors = 40

// victimBatch is the n-th batch: a result of every monitor, one event. A minute
// of virtual time, so that spans are sealed and hours expire on the way.
func victimBatch(n uint64) *uptime.Batch {
	now := t0.Add(time.Duration(n) * time.Minute)
	b := &uptime.Batch{Time: now, Events: []uptime.Event{verdictEvent(n, fmt.Sprintf("m%d", n%victimMonitors), now)},
		Incidents: []uptime.Incident{incident(n, fmt.Sprintf("m%d", n%victimMonitors), now)}}
	for i := range victimMonitors {
		r := good(fmt.Sprintf("m%d", i), now.Add(time.Duration(i)*time.Millisecond), time.Duration(n%1000)*time.Millisecond)
		if (n+uint64(i))%50 == 0 {
			r = bad(r.Monitor, r.Time)
		}
		b.Results = append(b.Results, r)
	}
	b.States = []uptime.StateRecord{{Monitor: "m0", Data: []byte(strconv.FormatUint(n, 10))}}
	b.Probes = []uptime.ProbeRecord{{Probe: fmt.Sprintf("fra/%d", n%3), Data: []byte(strconv.FormatUint(n, 10))}}
	return b
}

const victimRetention = 12 * time.Hour

// victimNames are monitors that get their numbers, in that order, between two batches.
func victimNames(after uint64) []string {
	return []string{fmt.Sprintf("a%d", after), "m1", fmt.Sprintf("b%d", after)}
}

func victim(path string) error {
	s, err := Open(path, Options{Now: t0, Retention: Retention{Results: victimRetention}})
	if err != nil {
		return err
	}
	r, err := s.Resume()
	if err != nil {
		return err
	}
	fmt.Println("open")
	if _, err := s.Numbers(victimNames(r.LastEvent)); err != nil {
		return err
	}
	var last uint64 // that was posted
	if err := s.Outbox(func(r uptime.OutboxRecord) error {
		last, err = strconv.ParseUint(string(r.Data), 10, 64)
		return err
	}); err != nil {
		return err
	}
	for n := r.LastEvent + 1; ; n++ {
		if err := s.Append(victimBatch(n)); err != nil {
			return err
		}
		if err := s.Post(victimPost(n, last)); err != nil {
			return err
		}
		last = n
		fmt.Println(n)
	}
}

// victimPost is what is posted after the n-th batch: two records that say the
// same, and the one that was posted last goes.
func victimPost(n, last uint64) []uptime.OutboxRecord {
	data := []byte(strconv.FormatUint(n, 10))
	return []uptime.OutboxRecord{{Key: "desk/state", Data: data}, {Key: fmt.Sprintf("post/ops/%d", n), Data: data}, {Key: fmt.Sprintf("post/ops/%d", last)}}
}

// wantPosted checks that a post is there whole, of those from the newest that was
// acknowledged on.
func wantPosted(t *testing.T, s *Store, acked, last uint64) {
	t.Helper()
	got := outboxOf(t, s)
	n, err := strconv.ParseUint(got["desk/state"], 10, 64)
	if acked == 0 && len(got) == 0 {
		return
	}
	if err != nil || n < acked || n > last || len(got) != 2 || got[fmt.Sprintf("post/ops/%d", n)] != got["desk/state"] {
		t.Fatalf("outbox %v after batch %d, %d acknowledged, %v", got, last, acked, err)
	}
}

// Whatever was acknowledged before a kill -9 is there after it, once.
func TestKill(t *testing.T) {
	kills := 30
	if testing.Short() {
		kills = 5
	}
	path := filepath.Join(t.TempDir(), "lookout.db")
	rng := rand.New(rand.NewPCG(1, uint64(os.Getpid())))
	var acked, posted uint64
	numbers := map[string]uint32{}
	for range kills {
		was := acked
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), victimEnv+"="+path)
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		lines.Scan()        // open
		left := rng.IntN(5) // on a busy machine few batches go into a time
		for killed := false; ; left-- {
			if left <= 0 && !killed {
				killed = true
				time.AfterFunc(time.Duration(rng.IntN(60_000))*time.Microsecond, func() { _ = cmd.Process.Kill() })
			}
			if !lines.Scan() {
				break
			}
			n, err := strconv.ParseUint(lines.Text(), 10, 64)
			if err != nil {
				break // killed within a line
			}
			acked, posted = n, n
		}
		if err := cmd.Wait(); err == nil || cmd.ProcessState.ExitCode() != -1 {
			t.Fatalf("the victim ended by itself: %v", err)
		}
		if acked > was {
			wantNumbers(t, path, numbers, victimNames(was))
		}
		acked = wantVictim(t, path, acked, posted)
	}
	t.Logf("%d kills, %d batches", kills, acked)
	if acked < uint64(kills) {
		t.Errorf("%d batches: the victims hardly lived", acked)
	}
}

// wantNumbers checks that monitors have a number each, and those that had one still have it.
func wantNumbers(t *testing.T, path string, known map[string]uint32, names []string) {
	t.Helper()
	s := openStore(t, path, Options{ReadOnly: true})
	defer s.Close()
	for _, name := range names {
		if _, ok := known[name]; !ok {
			known[name] = 0 // given meanwhile
		}
	}
	taken := map[uint32]string{}
	for name, was := range known {
		got, err := s.Numbers([]string{name})
		if err != nil || got[0] == 0 || was != 0 && got[0] != was || taken[got[0]] != "" {
			t.Fatalf("%s has %v, %v; it had %d, and %q has it", name, got, err, was, taken[got[0]])
		}
		known[name], taken[got[0]] = got[0], name
	}
}

// wantVictim checks the file of a victim that acknowledged so many batches, and so many posts. The
// next one may be there too, whole. It returns how many there are.
func wantVictim(t *testing.T, path string, acked, posted uint64) uint64 {
	t.Helper()
	s := openStore(t, path, Options{ReadOnly: true, Retention: Retention{Results: victimRetention}})
	defer s.Close()
	r, err := s.Resume()
	if err != nil || r.LastEvent < acked || r.LastEvent > acked+1 || r.Damaged != nil {
		t.Fatalf("%d acknowledged: resume %+v, %v", acked, r, err)
	}
	wantSound(t, s)
	last := r.LastEvent
	if last == 0 {
		return 0
	}
	es, err := s.Events(uptime.EventQuery{Limit: int(last) + 10})
	if err != nil || len(es) != int(last) {
		t.Fatalf("%d events of %d, %v", len(es), last, err)
	}
	for i := range es {
		if es[i].ID != uint64(i+1) {
			t.Fatalf("event %d in place %d", es[i].ID, i+1)
		}
	}
	if is, err := s.Incidents(uptime.IncidentQuery{Limit: int(last) + 10}); err != nil || len(is) != int(last) {
		t.Fatalf("%d incidents of %d, %v", len(is), last, err)
	}
	given := map[string][]uptime.Result{}
	now := t0.Add(time.Duration(last) * time.Minute)
	for n := uint64(1); n <= last; n++ {
		for _, r := range victimBatch(n).Results {
			if !r.Time.Before(now.Add(-victimRetention)) {
				given[r.Monitor] = append(given[r.Monitor], r)
			}
		}
	}
	for name, want := range given {
		wantResults(t, s, name, want)
	}
	if err := s.States(func(r uptime.StateRecord) error {
		if string(r.Data) != strconv.FormatUint(last, 10) {
			return fmt.Errorf("state %s of %d", r.Data, last)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	wantPosted(t, s, posted, last)
	told := 0
	if err := s.Probes(func(r uptime.ProbeRecord) error {
		told++
		if n, err := strconv.ParseUint(string(r.Data), 10, 64); err != nil || n > last || n+3 <= last || r.Probe != fmt.Sprintf("fra/%d", n%3) {
			return fmt.Errorf("%s says %s after batch %d", r.Probe, r.Data, last)
		}
		return nil
	}); err != nil || told != int(min(last, 3)) {
		t.Fatalf("%d probes, %v", told, err)
	}
	return last
}
