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
// server that takes none for a while and then, slowly, all. What is checked sees
// how late that is, and a console how old what it shows is.
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
	figure.Least(d.figures, "burst_mails", told.rate, "mails/s", 20, "from a mail server that takes its time: at most 100/s")
	figure.Most(d.figures, "burst_cpu", ms(told.cpu), "ms/mail", 20, "of the engine, with all else that it does meanwhile")
	for i, phase := range told.phases {
		base := untold.phases[min(i, len(untold.phases)-1)]
		for _, x := range []struct {
			name       string
			told, base time.Duration
			least      float64 // that nobody minds
		}{{"check_late_p99", quantile(phase.late, 0.99), quantile(base.late, 0.99), 100}, {"check_late_worst", quantile(phase.late, 1), quantile(base.late, 1), 250},
			{"screen_age_p99", quantile(phase.age, 0.99), quantile(base.age, 0.99), 300}, {"answer_p99", quantile(phase.answer, 0.99), quantile(base.answer, 0.99), 100}} {
			note := "nobody told: " + figure.Number(ms(x.base)) + " ms"
			if i >= len(untold.phases) {
				note += " while they failed"
			}
			figure.Most(d.figures, "burst_"+phase.name+"_"+x.name, ms(x.told), "ms", max(2*ms(x.base), x.least), note)
		}
	}
	return nil
}

// bursting is what was seen of one engine.
type bursting struct {
	phases []phase
	waited int
	rate   float64       // mails a second
	cpu    time.Duration // of the engine, a mail
}

// phase is how an engine does over some time.
type phase struct {
	name   string
	late   []time.Duration // checks, behind a second after the one before
	age    []time.Duration // of what is shown
	answer []time.Duration // until it was
}

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
	const watched = 100
	dir, err := os.MkdirTemp("", "lookout-drill-")
	if err != nil {
		return out, err
	}
	defer os.RemoveAll(dir)
	var back atomic.Bool // the mail server
	server, err := smtptest.Start(smtptest.Options{Behave: func(c smtptest.Command) smtptest.Answer {
		switch {
		case c.Stage == smtptest.Greeting && !back.Load():
			return smtptest.Answer{Reply: "421 4.3.2 not now", Hangup: true}
		case c.Stage == smtptest.End:
			time.Sleep(10 * time.Millisecond)
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
		for begun := time.Now(); time.Since(begun) < span && (until == nil || !until()); {
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
		ph.late = seen.take()
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
	if err := watch("queueing", 20*time.Second, nil); err != nil || !tell {
		return out, err
	}
	if out.waited, err = a.waiting(ctx); err != nil {
		return out, err
	}
	d.say("burst: %d letters wait; the mail server is back", out.waited)
	back.Store(true) // it tries again within some 20 s
	if err := watch("waiting", 40*time.Second, func() bool { return len(server.Mails()) > 0 }); err != nil {
		return out, err
	}
	begun, spent := time.Now(), cpu(p.Pid())
	// Three quarters of max_per_hour go at once; then one stands for all.
	if err := watch("sending", time.Minute, func() bool { return len(server.Mails()) >= min(d.letters, 7500) }); err != nil {
		return out, err
	}
	n := max(len(server.Mails()), 1)
	out.rate, out.cpu = float64(n)/time.Since(begun).Seconds(), (cpu(p.Pid())-spent)/time.Duration(n)
	d.say("burst: %d mails in %v", n, time.Since(begun).Round(time.Second))
	return out, nil
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
