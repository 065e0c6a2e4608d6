package main

import (
	"fmt"
	"os"
	"testing"

	"lookout/engine/alert/channel/postfixtest"
	"lookout/engine/alert/channel/smtptest"
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
	seed := uint64(os.Getpid())
	server, calm, err := refusing(seed)
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	killed(t, server, calm, kills, seed, kills*manyChannels/4)
}

// TestKillPostfix is the same with a real mail server, whose boxes are counted. It
// takes a mail some time after it has read its end: what each channel has under
// way then comes twice.
func TestKillPostfix(t *testing.T) {
	const kills = 3
	var boxes []string
	for i := range manyChannels {
		boxes = append(boxes, fmt.Sprintf("c%d", i))
	}
	killed(t, postOffice{postfixtest.Start(t, boxes...), t, boxes}, func() {}, kills, uint64(os.Getpid()), kills*manyChannels)
}

// postOffice is what postfix took, as it lies in its boxes.
type postOffice struct {
	*postfixtest.Server
	t     *testing.T
	boxes []string
}

func (p postOffice) Mails() (all []smtptest.Mail) {
	for _, m := range p.Server.Mails(p.t, p.boxes...) {
		all = append(all, smtptest.Mail{Data: []byte(m)})
	}
	return all
}

// killed kills, and bears some mails that come again.
func killed(t *testing.T, server mailServer, calm func(), kills int, seed uint64, again int) {
	dir := t.TempDir()
	o, err := kill(t.Context(), os.Args[0], dir, server, calm, kills, seed, t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d kills, %d incidents, %d mails, %d of them again", o.kills, o.incidents, o.Mails, o.Again)
	// How many come again depends on the machine, and on what else it does: the
	// command judges that. A quarter of what is under way at the kills is far beyond
	// it (59 of 480 beside busy loops), and far below all that is sent.
	if o.Lost > 0 || o.Strangers > 0 || o.Again > again {
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
