package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"lookout/engine/alert/channel/smtptest"
	"lookout/engine/figure"
	"lookout/tui/cli/e2e"
)

// burst has very many jobs say at once that they failed, to the real binary, which
// checks others every second: first with nobody to be told, then with a mail
// server that takes none for a while and then all. What is checked counts its
// checks and how late they are, and a console sees how old what it shows is:
// before, while the letters queue, wait and are sent, and after.
func (d *drill) burst(ctx context.Context) error {
	binary, clean, err := build()
	if err != nil {
		return err
	}
	defer clean()
	untold, err := d.burstOnce(ctx, binary, false)
	if err != nil {
		return err
	}
	told, err := d.burstOnce(ctx, binary, true)
	if err != nil {
		return err
	}
	figure.Least(d.figures, "burst_waiting", float64(told.waited), "letters", float64(d.letters), "while the mail server took none")
	figure.Least(d.figures, "burst_mails", float64(told.mails)/told.took.Seconds(), "mails/s", 20, fmt.Sprintf("%d, and one for all beyond max_per_hour", told.mails))
	figure.Most(d.figures, "burst_left", float64(told.left), "letters", 0, "that wait in the end")
	figure.Most(d.figures, "burst_cpu", ms(told.cpu)/float64(told.mails), "ms/mail", 20, "of the engine, with all else that it does meanwhile")
	for _, phase := range told.phases {
		base, as := untold.phase(phase.name), "nobody told: "
		if base == nil {
			base, as = untold.phase("queueing"), "nobody told, while they failed: "
		}
		figure.Least(d.figures, "burst_"+phase.name+"_checks", phase.rate(), "checks/s", 0.99*watched, as+figure.Number(base.rate())+" checks/s")
		for _, x := range []struct {
			name       string
			told, base time.Duration
			least      float64 // that nobody minds
		}{{"check_late_p99", quantile(phase.late, 0.99), quantile(base.late, 0.99), 100}, {"check_late_worst", quantile(phase.late, 1), quantile(base.late, 1), 250},
			{"screen_age_p99", quantile(phase.age, 0.99), quantile(base.age, 0.99), 300}, {"answer_p99", quantile(phase.answer, 0.99), quantile(base.answer, 0.99), 100}} {
			figure.Most(d.figures, "burst_"+phase.name+"_"+x.name, ms(x.told), "ms", max(2*ms(x.base), x.least), as+figure.Number(ms(x.base))+" ms")
		}
	}
	return nil
}

// watched is how many are checked, every second each.
const watched = 100

// bursting is what was seen of one engine.
type bursting struct {
	phases []phase
	waited int           // letters
	left   int           // … in the end
	mails  int           // that were taken
	took   time.Duration // … in so long
	cpu    time.Duration // of the engine meanwhile
}

func (b *bursting) phase(name string) *phase {
	for i := range b.phases {
		if b.phases[i].name == name {
			return &b.phases[i]
		}
	}
	return nil
}

// phase is how an engine does over some time.
type phase struct {
	name   string
	span   time.Duration
	late   []time.Duration // checks, behind a second after the one before
	age    []time.Duration // of what is shown
	answer []time.Duration // until it was
}

func (p *phase) rate() float64 { return float64(len(p.late)) / p.span.Seconds() }

// checked notes how late checks of some addresses come.
type checked struct {
	mu   sync.Mutex
	last map[string]time.Time
	late []time.Duration
}

func (c *checked) serve(l net.Listener) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		now := time.Now()
		conn.Close()
		c.mu.Lock()
		if was, at := c.last[l.Addr().String()], now; !was.IsZero() {
			c.late = append(c.late, max(at.Sub(was)-time.Second, 0))
		}
		c.last[l.Addr().String()] = now
		c.mu.Unlock()
	}
}

func (c *checked) take() []time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	late := c.late
	c.late = nil
	return late
}

// burstOnce does it with one engine.
func (d *drill) burstOnce(ctx context.Context, binary string, tell bool) (out bursting, err error) {
	dir, err := os.MkdirTemp("", "lookout-drill-")
	if err != nil {
		return out, err
	}
	defer os.RemoveAll(dir)
	var back atomic.Bool // the mail server
	server, err := smtptest.Start(smtptest.Options{Behave: func(c smtptest.Command) smtptest.Answer {
		if c.Stage == smtptest.Greeting && !back.Load() {
			return smtptest.Answer{Reply: "421 4.3.2 not now", Hangup: true}
		}
		return smtptest.Answer{}
	}})
	if err != nil {
		return out, err
	}
	defer server.Close()
	seen := &checked{last: map[string]time.Time{}}
	var serving sync.WaitGroup
	defer serving.Wait()
	var config strings.Builder
	fmt.Fprintf(&config, "instance = %q\n[[channel]]\nname = \"ops\"\ntype = \"email\"\nto = [\"ops@example.com\"]\nfrom = \"lookout@example.com\"\nsmtp = \"smtp://%s\"\nmax_per_hour = 10000\n", instance, server.Address())
	if !tell {
		config.WriteString("[[route]]\nchannels = []\n")
	}
	config.WriteString("[[page]]\nname = \"few\"\ntags = [\"few\"]\n[defaults]\ntimeout = \"1s\"\n")
	for i := range watched {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.1.%d:0", i+1))
		if err != nil {
			return out, err
		}
		defer l.Close()
		serving.Go(func() { seen.serve(l) })
		fmt.Fprintf(&config, "[[monitor]]\nname = \"m%d\"\nurl = \"tcp://%s\"\ntags = [\"few\"]\ninterval = \"1s\"\n", i, l.Addr())
	}
	for i := range d.letters {
		fmt.Fprintf(&config, "[[monitor]]\nname = \"job%d\"\nurl = \"beat:\"\nperiod = \"1d\"\ntags = [\"jobs\"]\n", i)
	}
	h, err := e2e.NewHome(binary, dir, config.String())
	if err != nil {
		return out, err
	}
	p, err := h.Engine()
	if err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, p.Stop(), h.Close()) }()
	a := askSocket(h)
	watch := func(name string, span time.Duration, until func() bool) error {
		ph := phase{name: name}
		seen.take()
		begun := time.Now()
		for time.Since(begun) < span && (until == nil || !until()) {
			asked := time.Now()
			var st status
			if err := a.get(ctx, "/v1/pages/few", &st); err != nil {
				return err
			}
			ph.answer, ph.age = append(ph.answer, time.Since(asked)), append(ph.age, time.Since(st.Time))
			if err := pause(ctx, 100*time.Millisecond); err != nil {
				return err
			}
		}
		ph.late, ph.span = seen.take(), time.Since(begun)
		out.phases = append(out.phases, ph)
		return nil
	}
	beat := func(signal string) error {
		return a.post(ctx, "/v1/act", map[string]any{"verb": "beat", "targets": []string{"tag:jobs"}, "beat": signal})
	}
	d.say("burst: %d jobs, told: %v", d.letters, tell)
	if err := beat(""); err != nil {
		return out, err
	}
	if err := pause(ctx, 5*time.Second); err != nil {
		return out, err
	}
	if err := watch("before", 15*time.Second, nil); err != nil {
		return out, err
	}
	d.say("burst: all of them fail")
	if err := beat("fail"); err != nil {
		return out, err
	}
	if err := watch("queueing", 20*time.Second, nil); err != nil {
		return out, err
	}
	if tell {
		if err := d.drain(ctx, a, p, server, &back, watch, &out); err != nil {
			return out, err
		}
	}
	return out, watch("after", 15*time.Second, nil)
}

// drain has the mail server take the letters that wait.
func (d *drill) drain(ctx context.Context, a *asker, p *e2e.Process, server *smtptest.Server, back *atomic.Bool,
	watch func(string, time.Duration, func() bool) error, out *bursting) (err error) {
	if out.waited, err = a.waiting(ctx); err != nil {
		return err
	}
	d.say("burst: %d letters wait; the mail server is back", out.waited)
	back.Store(true) // it tries again within some 20 s
	if err := watch("waiting", 40*time.Second, func() bool { return len(server.Mails()) > 0 }); err != nil {
		return err
	}
	begun, had, spent := time.Now(), len(server.Mails()), cpu(p.Pid())
	// Three quarters of max_per_hour go at once; then one stands for all.
	if err := watch("sending", 10*time.Minute, func() bool { return len(server.Mails()) >= min(d.letters, 7500) }); err != nil {
		return err
	}
	out.took, out.cpu = time.Since(begun), cpu(p.Pid())-spent
	if out.mails = len(server.Mails()) - had; out.mails == 0 {
		return errors.New("the letters do not leave")
	}
	for end := time.Now().Add(30 * time.Second); ; {
		if out.left, err = a.waiting(ctx); err != nil || out.left == 0 || time.Now().After(end) {
			break
		}
		if err := pause(ctx, time.Second); err != nil {
			return err
		}
	}
	d.say("burst: %d mails in %v; %d letters wait", out.mails, out.took.Round(time.Second), out.left)
	return err
}

// asker asks an engine over its socket.
type asker struct{ http.Client }

func askSocket(h *e2e.Home) *asker {
	return &asker{http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", filepath.Join(h.Data, "lookout.sock"))
	}}}}
}

func (a *asker) get(ctx context.Context, path string, into any) error {
	return a.do(ctx, http.MethodGet, path, nil, into)
}

func (a *asker) post(ctx context.Context, path string, body any) error {
	b, err := json.Marshal(body)
	if err != nil {
		return err
	}
	return a.do(ctx, http.MethodPost, path, b, nil)
}

func (a *asker) do(ctx context.Context, method, path string, body []byte, into any) error {
	req, err := http.NewRequestWithContext(ctx, method, "http://lookout"+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := a.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s %s: %s: %.200s", method, path, resp.Status, b)
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(b, into)
}

// waiting is how many letters wait.
func (a *asker) waiting(ctx context.Context) (int, error) {
	var st struct{ Alerts struct{ Waiting int } }
	err := a.get(ctx, "/v1/status", &st)
	return st.Alerts.Waiting, err
}

// cpu is what a process has had of the processors.
func cpu(pid int) time.Duration {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(text), ") ")
	f := strings.Fields(rest)
	if len(f) < 13 {
		return 0
	}
	user, _ := strconv.Atoi(f[11])
	system, _ := strconv.Atoi(f[12])
	return time.Duration(user+system) * 10 * time.Millisecond // at 100 a second, as everywhere
}
