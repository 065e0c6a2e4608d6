package main

import (
	"fmt"
	"os"
	"testing"

	"lookout/storage"
)

// The test binary is its own victim.
func TestMain(m *testing.M) {
	if dir := os.Getenv(victimEnv); dir != "" {
		if err := victim(dir, os.Getenv(serverEnv), os.Getenv(drainEnv) != ""); err != nil {
			fmt.Fprintln(os.Stderr, "victim:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// TestKill: whatever happened is told after any number of kill -9, and what
// arrives twice has the same Message-ID.
func TestKill(t *testing.T) {
	kills := 30
	if testing.Short() {
		kills = 5
	}
	dir := t.TempDir()
	o, err := kill(t.Context(), os.Args[0], dir, kills, uint64(os.Getpid()), t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d kills, %d incidents, %d mails, %d of them again", o.kills, o.incidents, o.Mails, o.Again)
	// How many come again depends on the machine: the command judges that.
	if o.Lost > 0 || o.Strangers > 0 || o.Again > o.kills {
		t.Errorf("%d lost, %d twice under two IDs, %d mails again after %d kills: %q", o.Lost, o.Strangers, o.Again, o.kills, o.Examples)
	}
	if o.incidents < 3*kills || o.Mails < o.incidents {
		t.Errorf("%d incidents, %d mails: the victims hardly lived", o.incidents, o.Mails)
	}
	s, err := storage.Open(dir+"/lookout.db", storage.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if r, err := s.Check(nil); err != nil || !r.OK() {
		t.Errorf("%+v, %v", r, err)
	}
}
