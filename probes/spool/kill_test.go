package spool

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lookout/probes/wire"
)

// The test binary is its own victim: with this variable set it appends rows to
// the spool in that folder, sends some, and prints what was acknowledged.
const victimEnv = "LOOKOUT_TEST_SPOOL"

func TestMain(m *testing.M) {
	if dir := os.Getenv(victimEnv); dir != "" {
		err := victim(dir)
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// victim prints "row ID EPOCH NUMBER" after each row that was appended, and
// "sent ID" before each that is let go.
func victim(dir string) error {
	s, err := open(dir, Options{Fresh: time.Hour}, aBoot)
	if err != nil {
		return err
	}
	out := bufio.NewWriter(os.Stdout)
	id := uint32(s.Epoch())<<16 + uint32(s.Next()) // an epoch that goes on goes on with it
	fmt.Fprintln(out, "open")
	now := t0
	for turn := 1; ; turn++ {
		now = now.Add(time.Second)
		rows := make([]wire.Row, 1+id%40)
		for i := range rows {
			id++
			rows[i] = aRow(id, now)
		}
		epoch, next := s.Epoch(), s.Next()
		if err := s.Append(rows, wire.Version{}, now); err != nil {
			return err
		}
		for i, r := range rows {
			fmt.Fprintln(out, "row", r.Monitor, epoch, next+uint64(i))
		}
		if run, ok := s.Take(false, 60, now); ok && turn%5 == 0 {
			for i, r := range run.Rows {
				fmt.Fprintln(out, "sent", r.Monitor, run.Epoch, run.From+uint64(i))
			}
			out.Flush()
			s.Sent(run)
		} else {
			s.Unsent(run)
		}
		if turn%3 == 0 {
			s.tend()
		}
		if out.Flush(); s.Trouble() != nil {
			return s.Trouble()
		}
	}
}

// Whatever was acknowledged before a kill -9 is there after it, and what a
// number was given to has it for good.
func TestKill(t *testing.T) {
	kills := 15
	if testing.Short() {
		kills = 5
	}
	dir := filepath.Join(t.TempDir(), "spool")
	rng := rand.New(rand.NewPCG(1, uint64(os.Getpid())))
	owner := map[numbered]uint32{} // of all that was printed
	sent := map[numbered]bool{}
	for range kills {
		cmd := exec.Command(os.Args[0], "-test.run=^$")
		cmd.Env = append(os.Environ(), victimEnv+"="+dir)
		var said strings.Builder
		cmd.Stderr = &said
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for left := 1 + rng.IntN(6000); lines.Scan(); left-- {
			if left == 0 {
				cmd.Process.Kill()
			}
			var id uint32
			var at numbered
			if n, _ := fmt.Sscanf(lines.Text(), "row %d %d %d", &id, &at.epoch, &at.number); n == 3 {
				if was, ok := owner[at]; ok && was != id {
					t.Fatalf("number %d was that of %d and is that of %d", at.number, was, id)
				}
				owner[at] = id
			} else if n, _ := fmt.Sscanf(lines.Text(), "sent %d %d %d", &id, &at.epoch, &at.number); n == 3 {
				sent[at] = true
			}
		}
		cmd.Wait()
		if said.Len() > 0 {
			t.Fatal(said.String())
		}
	}
	s := openAt(t, dir, Options{Fresh: time.Hour}, aBoot)
	kept, again := 0, 0
	for {
		run, ok := s.Take(true, 1000, t0.Add(48*time.Hour))
		if !ok {
			break
		}
		for i, r := range run.Rows {
			at := numbered{run.Epoch, run.From + uint64(i)}
			if id, ok := owner[at]; ok && id != r.Monitor {
				t.Fatalf("number %d is row %d, was %d", at.number, r.Monitor, id)
			}
			if sent[at] {
				again++
			}
			delete(owner, at)
			kept++
		}
	}
	for at, id := range owner {
		if !sent[at] {
			t.Fatalf("row %d, number %d of %x, was acknowledged and is gone", id, at.number, at.epoch)
		}
	}
	if kept == 0 || len(sent) == 0 || s.Dropped() > 0 {
		t.Fatalf("%d kept, %d sent, %d given up", kept, len(sent), s.Dropped())
	}
	t.Logf("%d kills: %d rows kept, %d sent, %d of them would be sent again", kills, kept, len(sent), again)
}
