package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"lookout/engine/alert/channel/smtptest"
	"lookout/engine/alert/tally"
	"lookout/engine/figure"
	"lookout/engine/uptime"
	"lookout/storage"
)

// refuses refuses a fifth of all mails for now: nearly all where the mail was
// sent, which holds up that mail, and some at the recipient, which holds up all
// of a channel.
func refuses(seed uint64, enough *atomic.Bool) smtptest.Behaviour {
	var mu sync.Mutex
	rng := rand.New(rand.NewPCG(seed, 2))
	return func(c smtptest.Command) smtptest.Answer {
		share := map[smtptest.Stage]float64{smtptest.End: 0.19, smtptest.Rcpt: 0.01}[c.Stage]
		mu.Lock()
		defer mu.Unlock()
		if rng.Float64() < share && !enough.Load() {
			return smtptest.Answer{Reply: "451 4.3.0 try again later"}
		}
		return smtptest.Answer{}
	}
}

// outcome is what came of kills.
type outcome struct {
	kills, incidents int
	tally.Count
}

func (d *drill) killing(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "lookout-drill-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	binary, err := os.Executable()
	if err != nil {
		return err
	}
	seed := uint64(os.Getpid())
	server, calm, err := refusing(seed)
	if err != nil {
		return err
	}
	defer server.Close()
	o, err := kill(ctx, binary, dir, server, calm, d.kills, seed, d.say)
	if err != nil {
		return err
	}
	note := fmt.Sprintf("%d kills, %d incidents, %d mails, a fifth of all refused at first", o.kills, o.incidents, o.Mails)
	figure.Most(d.figures, "alerts_lost", float64(o.Lost), "alerts", 0, note)
	figure.Most(d.figures, "alerts_twice_under_two_ids", float64(o.Strangers), "alerts", 0, "")
	figure.Most(d.figures, "alerts_twice_per_kill", float64(o.Again)/float64(max(o.kills, 1)), "mails", 0.3, fmt.Sprintf("%d, each with the Message-ID of the first", o.Again))
	for _, x := range o.Examples {
		d.say("%s", x)
	}
	return ctx.Err()
}

// mailServer is one that victims send to.
type mailServer interface {
	Address() string
	Mails() []smtptest.Mail // that it took
}

// refusing starts a server that refuses a fifth of all mails, until it is told to be calm.
func refusing(seed uint64) (server *smtptest.Server, calm func(), err error) {
	enough := new(atomic.Bool)
	server, err = smtptest.Start(smtptest.Options{Behave: refuses(seed, enough)})
	return server, func() { enough.Store(true) }, err
}

// kill kills victims, then calms the server, has one tell what is left, and counts.
func kill(ctx context.Context, binary, dir string, server mailServer, calm func(), kills int, seed uint64, say func(string, ...any)) (outcome, error) {
	var o outcome
	rng := rand.New(rand.NewPCG(seed, 1))
	for o.kills < kills && ctx.Err() == nil {
		after := 5 // incidents; a third of the victims die as they begin
		if o.kills%3 == 0 {
			after = 0
		}
		if err := killOne(binary, dir, server.Address(), after, time.Duration(rng.IntN(400_000))*time.Microsecond); err != nil {
			return o, err
		}
		if o.kills++; o.kills%50 == 0 {
			say("%d kills, %d mails", o.kills, len(server.Mails()))
		}
	}
	say("%d kills, %d mails; now the rest", o.kills, len(server.Mails()))
	calm()
	last := command(binary, dir, server.Address())
	last.Env = append(last.Env, drainEnv+"=1")
	if err := last.Run(); err != nil {
		return o, fmt.Errorf("the last process: %w", err)
	}
	opened, closed, err := happened(dir)
	if err != nil {
		return o, err
	}
	o.incidents = len(opened)
	o.Count, err = tally.Mails(server.Mails(), opened, closed)
	return o, err
}

func command(binary, dir, server string) *exec.Cmd {
	cmd := exec.Command(binary)
	cmd.Env = append(os.Environ(), victimEnv+"="+dir, serverEnv+"="+server)
	cmd.Stderr = os.Stderr
	return cmd
}

// killOne lets a process live for a while since it has said that so many incidents
// began, however slow the machine is, and checks that what it said had happened
// is in the data file.
func killOne(binary, dir, server string, after int, life time.Duration) error {
	cmd := command(binary, dir, server)
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	lines := bufio.NewScanner(out)
	lines.Scan()                                                            // open
	timer := time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() }) // it hangs
	defer timer.Stop()
	opened, closed := map[uint64]bool{}, map[uint64]bool{}
	if after == 0 {
		timer.Reset(life)
	}
	for dying := after == 0; lines.Scan(); {
		var what string
		var n uint64
		if k, _ := fmt.Sscanf(lines.Text(), "%s %d", &what, &n); k == 2 {
			map[string]map[uint64]bool{"opened": opened, "closed": closed}[what][n] = true
		}
		if !dying && len(opened) >= after {
			dying = true
			timer.Reset(life)
		}
	}
	if err := cmd.Wait(); err == nil || cmd.ProcessState.ExitCode() != -1 {
		return fmt.Errorf("a process ended by itself: %w", errors.Join(err, errors.New(cmd.ProcessState.String())))
	}
	allOpened, allClosed, err := happened(dir)
	if err != nil {
		return err
	}
	for n := range opened {
		if !allOpened[n] {
			return fmt.Errorf("#%d was acknowledged and is not in the data file", n)
		}
	}
	for n := range closed {
		if !allClosed[n] {
			return fmt.Errorf("the end of #%d was acknowledged and is not in the data file", n)
		}
	}
	return nil
}

// happened is what the data file says.
func happened(dir string) (opened, closed map[uint64]bool, err error) {
	s, err := storage.Open(filepath.Join(dir, "lookout.db"), storage.Options{ReadOnly: true})
	if err != nil {
		return nil, nil, err
	}
	defer s.Close()
	all, err := s.Incidents(uptime.IncidentQuery{Limit: 1 << 30})
	opened, closed = map[uint64]bool{}, map[uint64]bool{}
	for i := range all {
		opened[all[i].Number] = true
		if !all[i].Open() {
			closed[all[i].Number] = true
		}
	}
	return opened, closed, err
}
