package engine

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"lookout/engine/uptime"
	"lookout/storage"
)

// The test binary is its own victim: with this variable set it takes deliveries
// into the file that it names, and prints which were acknowledged.
const (
	victimEnv  = "LOOKOUT_TEST_INTAKE"
	victimFrom = "LOOKOUT_TEST_FROM" // the first number that its probe was not told of
	victimTry  = "LOOKOUT_TEST_TRY"
	victimDay  = "LOOKOUT_TEST_DAY" // on which its rows begin, one a millisecond
)

func TestMain(m *testing.M) {
	if path := os.Getenv(victimEnv); path != "" {
		from, _ := strconv.ParseUint(os.Getenv(victimFrom), 10, 64)
		try, _ := strconv.Atoi(os.Getenv(victimTry))
		began, _ := time.Parse(time.DateOnly, os.Getenv(victimDay))
		fmt.Fprintln(os.Stderr, victim(path, from, try, began))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// victim is an engine with a real file, and a probe that sends all it has, some
// of it twice: what it was not told of, and a little of what it was.
func victim(path string, from uint64, try int, began time.Time) error {
	s, err := storage.Open(path, storage.Options{Now: time.Now()})
	if err != nil {
		return err
	}
	at, err := s.Resume()
	if err != nil {
		return err
	}
	e, err := New(Options{Instance: "web-1", Timezone: "UTC", Store: s, Runner: newTargets(), Jobs: []uptime.Job{job("a", time.Minute)},
		Resumed: Resumed{LastEvent: at.LastEvent, LastIncident: at.LastIncident, LastAlive: at.LastAlive}}, time.Now())
	if err != nil {
		return err
	}
	ctx := context.Background()
	go func() { _ = e.Run(ctx) }()
	fmt.Println("open")
	rng := rand.New(rand.NewPCG(from, uint64(try)))
	for n := from - min(from, rng.Uint64N(40)); ; {
		d := uptime.Delivery{Probe: "fra/1", Location: "fra", Epoch: 7, Interval: uptime.Interval{From: n, To: n + 1 + rng.Uint64N(20)}}
		for i := d.From; i < d.To; i++ {
			f := found("a", began.Add(time.Duration(i)*time.Millisecond), uptime.NoFault)
			f.Result.Total = time.Duration(try) * time.Microsecond // whoever takes one twice is seen
			d.Found = append(d.Found, f)
		}
		if err := e.Deliver(ctx, d, func(err error) {
			if err == nil {
				fmt.Println(d.To)
			}
		}); err != nil {
			return err
		}
		if err := e.Note(ctx, uptime.Event{Kind: uptime.EventProbe, Message: "fra/1 sent"}); err != nil { // that does not wait for a tick
			return err
		}
		n = d.To - min(d.To, rng.Uint64N(4))
	}
}

// TestKillIntake: what was acknowledged is there after a kill -9, and nothing is
// there twice.
func TestKillIntake(t *testing.T) {
	kills := 20
	if testing.Short() {
		kills = 5
	}
	path := filepath.Join(t.TempDir(), "lookout.db")
	rng := rand.New(rand.NewPCG(1, uint64(os.Getpid())))
	began := time.Now().UTC().Truncate(24 * time.Hour).Add(-48 * time.Hour)
	var acked uint64
	for try := range kills {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), victimEnv+"="+path, fmt.Sprintf("%s=%d", victimFrom, acked), fmt.Sprintf("%s=%d", victimTry, try+1),
			victimDay+"="+began.Format(time.DateOnly))
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		lines.Scan() // open
		time.AfterFunc(time.Duration(rng.IntN(200_000))*time.Microsecond, func() { _ = cmd.Process.Kill() })
		for lines.Scan() {
			n, err := strconv.ParseUint(lines.Text(), 10, 64)
			if err != nil {
				break // killed within a line
			}
			acked = max(acked, n)
		}
		if err := cmd.Wait(); err == nil || cmd.ProcessState.ExitCode() != -1 {
			t.Fatalf("the victim ended by itself: %v", err)
		}
	}
	s, err := storage.Open(path, storage.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	rows, err := s.Results(uptime.ResultQuery{Monitor: "a", Location: "fra", Limit: 10_000_000})
	if err != nil {
		t.Fatal(err)
	}
	for i := range rows {
		if n := uint64(rows[i].Time.Sub(began) / time.Millisecond); n != uint64(i) {
			t.Fatalf("row %d of %d is number %d, of try %d", i, len(rows), n, rows[i].Total.Microseconds())
		}
	}
	if uint64(len(rows)) < acked || acked < uint64(kills) {
		t.Errorf("%d rows, %d were acknowledged", len(rows), acked)
	}
	t.Logf("%d kills, %d rows, %d of them acknowledged", kills, len(rows), acked)
}
