package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/mail"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"lookout/engine/alert/channel/smtptest"
	"lookout/tui/cli/e2e"
)

// scene is the real binary on one of two machines, whose cable leads to all that
// it watches, and a mail server on its own.
type scene struct {
	*e2e.Cable
	dir    string
	home   *e2e.Home
	engine *e2e.Process
	server *smtptest.Server
	post   postbox
}

// mailed is a mail that was taken.
type mailed struct {
	at            time.Time
	kind, subject string
}

// postbox is what came to a mail server.
type postbox struct {
	mu    sync.Mutex
	mails []mailed
	err   error
}

func (p *postbox) behave(c smtptest.Command) smtptest.Answer {
	if c.Stage != smtptest.End {
		return smtptest.Answer{}
	}
	at := time.Now()
	m, err := mail.ReadMessage(bytes.NewReader(c.Mail.Data))
	p.mu.Lock()
	defer p.mu.Unlock()
	if err != nil {
		p.err = err
		return smtptest.Answer{}
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	if err != nil {
		p.err = err
	}
	p.mails = append(p.mails, mailed{at, m.Header.Get("X-Lookout-Alert"), subject})
	return smtptest.Answer{}
}

// since are the mails but the first n.
func (p *postbox) since(n int) []mailed {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]mailed(nil), p.mails[min(n, len(p.mails)):]...)
}

// newScene makes the machines and starts the engine with a configuration, which
// may add to what all have: a channel ops, whose mails come to the scene's
// postbox, checks every 10 s, and four anchors unless it is told otherwise.
func newScene(binary string, networks []string, config string) (s *scene, err error) {
	s = &scene{}
	if s.dir, err = os.MkdirTemp("", "lookout-drill-"); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	if s.Cable, err = e2e.NewCable(s.dir); err != nil {
		return s, err
	}
	if err = s.Reach(networks...); err != nil {
		return s, err
	}
	if err = s.Near.Open(func() error {
		s.server, err = smtptest.Start(smtptest.Options{Behave: s.post.behave})
		return err
	}); err != nil {
		return s, err
	}
	config = fmt.Sprintf("instance = %q\n%s\n[[channel]]\nname = \"ops\"\ntype = \"email\"\nto = [\"ops@example.com\"]\nfrom = \"lookout@example.com\"\nsmtp = \"smtp://%s\"\nmax_per_hour = 1000\n"+
		"[defaults]\ninterval = \"10s\"\ntimeout = \"2s\"\n", instance, config, s.server.Address())
	if s.home, err = e2e.NewHome(binary, filepath.Join(s.dir), config); err != nil {
		return s, err
	}
	return s, nil
}

// start starts the engine and waits until all n monitors are up.
func (s *scene) start(ctx context.Context, n int) (err error) {
	if s.engine, err = s.home.EngineIn(s.Near.Enter()...); err != nil {
		return err
	}
	_, err = s.until(ctx, "that all are up", 2*time.Minute, func(st status) bool { return st.Counts["up"] == n })
	return err
}

func (s *scene) close() error {
	var errs []error
	if s.engine != nil {
		errs = append(errs, s.engine.Stop(), s.home.Close())
	}
	if s.server != nil {
		s.server.Close()
	}
	if s.Cable != nil {
		errs = append(errs, s.Cable.Close())
	}
	return errors.Join(append(errs, s.post.err, os.RemoveAll(s.dir))...)
}

// status is what a drill looks at of the status of an engine.
type status struct {
	Time    time.Time
	Counts  map[string]int
	Node    string
	Lookout struct {
		Rate float64 `json:"checks_per_second"`
		Lag  float64 `json:"lag_ms"`
	}
}

func readStatus(h *e2e.Home) (st status, err error) {
	a, err := h.Run("status", "--format", "json")
	if err != nil {
		return st, err
	}
	if err := json.Unmarshal([]byte(a.Stdout), &st); err != nil {
		return st, fmt.Errorf("lookout status: %w; exit code %d: %s", err, a.Code, a.Stderr)
	}
	return st, nil
}

// until asks for the status until it pleases ok, for so long.
func (s *scene) until(ctx context.Context, what string, most time.Duration, ok func(status) bool) (status, error) {
	for end := time.Now().Add(most); ; {
		st, err := readStatus(s.home)
		switch {
		case err != nil:
			return st, err
		case ok(st):
			return st, nil
		case s.engine.Ended():
			return st, fmt.Errorf("waited for %s: the engine has ended: %s", what, s.engine.Stderr())
		case time.Now().After(end):
			return st, fmt.Errorf("waited %v for %s: %v %s", most, what, st.Counts, st.Node)
		}
		if err := pause(ctx, time.Second); err != nil {
			return st, err
		}
	}
}

// monitors are n blocks of a configuration, of a name and an address or a name
// of the network each.
func monitors(n int, of func(i int) (name, host, more string)) string {
	var b strings.Builder
	for i := range n {
		name, host, more := of(i)
		fmt.Fprintf(&b, "[[monitor]]\nname = %q\nurl = \"tcp://%s:80\"\n%s", name, host, more)
	}
	return b.String()
}

// build builds the binary, in a folder that clean removes.
func build() (binary string, clean func(), err error) {
	dir, err := os.MkdirTemp("", "lookout-drill-")
	if err != nil {
		return "", nil, err
	}
	if binary, err = e2e.Build(dir); err != nil {
		os.RemoveAll(dir)
		return "", nil, err
	}
	return binary, func() { os.RemoveAll(dir) }, nil
}
