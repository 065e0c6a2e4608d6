package e2e

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"lookout/engine/alert/channel/smtptest"
	"lookout/engine/alert/tally"
)

// incidentsOf are the incidents that the history knows, and which of them are over.
func incidentsOf(t *testing.T, h *Home) (opened, closed map[uint64]bool) {
	t.Helper()
	opened, closed = map[uint64]bool{}, map[uint64]bool{}
	lines := bufio.NewScanner(strings.NewReader(run(t, h, 0, "history", "--since", "1d", "--format", "json").Stdout))
	for lines.Scan() {
		var in struct {
			Incident uint64
			End      *string
		}
		check(t, json.Unmarshal(lines.Bytes(), &in))
		opened[in.Incident] = true
		if in.End != nil {
			closed[in.Incident] = true
		}
	}
	return opened, closed
}

// The engine is killed at random moments while targets die and come back and the
// mail server refuses a fifth of all mails for now: each channel is told of every
// incident that the history knows, and of its end, and what comes twice has the
// Message-ID of the first.
func TestMailKill(t *testing.T) {
	if testing.Short() {
		t.Skip("half a minute of kills")
	}
	t.Parallel()
	const kills, steady = 8, 4 // of those that never fail
	channels := []string{"ops", "boss"}
	seed := uint64(time.Now().UnixNano())
	chance := rand.New(rand.NewPCG(seed, 0))

	var enough atomic.Bool // of refusing
	flaky := smtptest.Flaky(0.2, seed)
	post, err := smtptest.Start(smtptest.Options{Behave: func(c smtptest.Command) smtptest.Answer {
		if enough.Load() {
			return smtptest.Answer{}
		}
		return flaky(c)
	}})
	check(t, err)
	t.Cleanup(post.Close)

	var config strings.Builder
	for _, name := range channels {
		config.WriteString(mailTo(&postOffice{Server: post}, name, ""))
	}
	fmt.Fprintf(&config, hasty, "1s")
	var sites []*mortal
	for i := range kills + steady { // each in a network of its own: they have no cause in common
		port, err := FreePort()
		check(t, err)
		s := &mortal{t: t, addr: fmt.Sprintf("127.1.%d.1:%d", i, port)}
		s.rise()
		t.Cleanup(func() { s.srv.Close() })
		sites = append(sites, s)
		fmt.Fprintf(&config, "[[monitor]]\nname = \"site%d\"\nurl = \"http://%s/\"\n", i, s.addr)
	}
	allUp := func(s status) bool { return s.Counts["up"] == len(sites) }

	h := home(t, config.String())
	eng := engine(t, h)
	until(t, h, "all up", patience, allUp)
	for round := range kills {
		sites[round].die()
		if round >= 2 {
			sites[round-2].rise()
		}
		select {
		case <-eng.Done():
			t.Fatalf("the engine ended by itself in round %d: %s", round, eng.Stderr())
		case <-time.After(time.Duration(chance.IntN(2500)) * time.Millisecond):
		}
		check(t, eng.Signal(syscall.SIGKILL))
		_, err := eng.Wait(patience)
		check(t, err)
		eng = engine(t, h)
	}
	sites[kills-2].rise()
	sites[kills-1].rise()
	enough.Store(true)
	until(t, h, "all up again", patience, allUp)

	var counts map[string]tally.Count
	told := func() (lost int) {
		opened, closed := incidentsOf(t, h)
		counts = map[string]tally.Count{}
		for _, name := range channels {
			mails := slices.DeleteFunc(post.Mails(), func(m smtptest.Mail) bool { return !slices.Contains(m.To, name+"@example.com") })
			c, err := tally.Mails(mails, opened, closed)
			check(t, err)
			counts[name], lost = c, lost+c.Lost+len(opened)-len(closed)
		}
		return lost
	}
	if err := within(t, 2*patience, "every letter", func() bool { return told() == 0 }); err != nil {
		t.Error(err)
	}
	opened, _ := incidentsOf(t, h)
	again, mails := 0, 0
	for name, c := range counts {
		if c.Lost > 0 || c.Strangers > 0 {
			t.Errorf("seed %d, %s: %d lost, %d twice under two IDs: %q", seed, name, c.Lost, c.Strangers, c.Examples)
		}
		again, mails = again+c.Again, mails+c.Mails
	}
	t.Logf("%d kills, %d incidents, %d mails, %d of them again", kills, len(opened), mails, again)
	// What a channel has under way at a kill comes again. That it seldom does is of
	// many kills; the drills judge that.
	if again > kills*len(channels) {
		t.Errorf("seed %d: %d mails came again after %d kills", seed, again, kills)
	}
	if len(opened) < kills/2 {
		t.Errorf("seed %d: %d incidents in %d rounds: hardly anything happened", seed, len(opened), kills)
	}
	check(t, eng.Stop())
	run(t, h, 0, "data", "check")
}
