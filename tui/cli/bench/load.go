package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"lookout/engine/uptime"
	"lookout/tui/cli/e2e"
)

const (
	interval = 10 * time.Second
	dead     = 8             // so many monitors of a port where nobody listens: something is DOWN
	nobody   = "127.0.0.1:1" // below the ephemeral ports: nothing connects to itself there
)

// load runs the engine under load, measures it, and then how fast a console
// shows what it knows.
func (b *bench) load(ctx context.Context, binary, dir string) (err error) {
	t, err := startTargets()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.close()) }()
	home, err := e2e.NewHome(binary, dir, "")
	if err != nil {
		return err
	}
	ca := filepath.Join(dir, "ca.pem")
	if err := os.WriteFile(ca, []byte(t.where.CA), 0o600); err != nil {
		return err
	}
	if err := home.Write(b.config(t.where, ca)); err != nil {
		return err
	}
	engine, err := home.Engine()
	if err != nil {
		return err
	}
	defer engine.Kill()

	warm := interval + 5*time.Second
	b.say("%d monitors at %v: %v until each was checked", b.monitors, interval, warm)
	if _, err := wait(ctx, warm); err != nil {
		return err
	}
	var m measured
	for try := 1; ; try++ {
		b.say("%v of it", b.span)
		if m, err = b.measure(ctx, home, t, engine.Pid()); err != nil {
			return err
		}
		if m.still < 300*time.Millisecond {
			break
		}
		b.say("this machine is not quiet: the benchmark itself stood still for %v, and so the engine may have", m.still.Round(time.Millisecond))
		if try == 3 {
			break
		}
	}
	name := func(s string) string { return fmt.Sprintf("%s_%d", s, b.monitors) }
	b.figure(name("late_checks"), float64(m.late), "checks", 0)
	b.figure(name("missed_checks"), float64(m.missed), "checks", 0)
	b.figure(name("check_lateness_max"), float64(m.worst.Milliseconds()), "ms", 1000)
	b.figure(name("false_alarms"), float64(m.alarms), "events", 0)
	b.figure(name("engine_cpu"), 100*m.cpu.Seconds()/m.took.Seconds(), "%", 25)
	b.figure(name("engine_rss_peak"), float64(m.rss)/1e6, "MB", 80)
	return b.paint(ctx, home)
}

// measured is one span of the load.
type measured struct {
	punctual
	took   time.Duration
	still  time.Duration // nobody ran on this machine for so long
	cpu    time.Duration
	rss    int64
	alarms int
}

func (b *bench) measure(ctx context.Context, home *e2e.Home, t *targets, pid int) (m measured, err error) {
	before, err := t.seen()
	if err != nil {
		return m, err
	}
	cpu, _, err := usage(pid)
	if err != nil {
		return m, err
	}
	start := time.Now()
	if m.still, err = wait(ctx, b.span); err != nil {
		return m, err
	}
	m.took = time.Since(start)
	if m.cpu, m.rss, err = usage(pid); err != nil {
		return m, err
	}
	m.cpu -= cpu
	after, err := t.seen()
	if err != nil {
		return m, err
	}
	m.punctual = punctuality(before, after, interval)
	if want := (b.monitors - dead) * int(m.took/interval); m.checks < want*9/10 {
		return m, fmt.Errorf("only %d of about %d checks arrived", m.checks, want)
	}
	m.alarms, err = b.falseAlarms(home, start)
	return m, err
}

// falseAlarms counts the verdicts, of doubt too, on targets that were there all the time.
func (b *bench) falseAlarms(home *e2e.Home, since time.Time) (int, error) {
	a, err := home.Run("events", "--since", "1h", "--format", "json")
	if err != nil {
		return 0, err
	}
	n := 0
	for line := range strings.Lines(a.Stdout) {
		var e uptime.Event
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			return 0, fmt.Errorf("read the events: %w", err)
		}
		if e.Kind == uptime.EventVerdict && e.Time.After(since) && e.To != uptime.Up && !strings.HasPrefix(e.Message, "TCP connect "+nobody) {
			if n++; n <= 5 {
				b.say("false alarm: %s is %s: %s", e.Monitor, e.To, e.Message)
			}
		}
	}
	return n, nil
}

// wait lets time pass and returns the longest stretch in which nobody let us look at the clock.
func wait(ctx context.Context, d time.Duration) (still time.Duration, err error) {
	const look = 20 * time.Millisecond
	tick := time.NewTicker(look)
	defer tick.Stop()
	start := time.Now()
	for last := start; time.Since(start) < d; {
		select {
		case <-ctx.Done():
			return still, context.Cause(ctx)
		case <-tick.C:
			now := time.Now()
			still, last = max(still, now.Sub(last)-look), now
		}
	}
	return still, nil
}

func (b *bench) config(w served, ca string) string {
	var s strings.Builder
	fmt.Fprintf(&s, "instance = \"bench\"\n[defaults]\ninterval = %q\nca_file = %q\nserver_name = %q\n", interval, ca, tlsName)
	for i := range b.monitors {
		host := fmt.Sprintf("127.0.%d.%d", 1+i/250, 1+i%250)
		url := fmt.Sprintf("http://%s:%s/http-%d", host, w.HTTP, i)
		switch {
		case i < dead:
			url = "tcp://" + nobody
		case i < dead+len(w.TCP):
			url = "tcp://" + w.TCP[i-dead]
		case i%4 == 0:
			url = fmt.Sprintf("https://%s:%s/https-%d", host, w.HTTPS, i)
		}
		fmt.Fprintf(&s, "[[monitor]]\nname = \"host-%04d.example.com\"\nurl = %q\n", i, url)
	}
	return s.String()
}

// targets is the process that is checked.
type targets struct {
	cmd   *exec.Cmd
	in    io.WriteCloser
	out   *bufio.Reader
	where served
}

func startTargets() (*targets, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	t := &targets{cmd: exec.Command(self, "targets")}
	t.cmd.Stderr = os.Stderr
	if t.in, err = t.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := t.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	t.out = bufio.NewReader(out)
	if err := t.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the targets: %w", err)
	}
	if err := t.line(&t.where); err != nil {
		return nil, errors.Join(fmt.Errorf("start the targets: %w", err), t.close())
	}
	return t, nil
}

func (t *targets) line(into any) error {
	b, err := t.out.ReadBytes('\n')
	if err != nil {
		return err
	}
	return json.Unmarshal(b, into)
}

func (t *targets) seen() (map[string][]int64, error) {
	if _, err := io.WriteString(t.in, "\n"); err != nil {
		return nil, fmt.Errorf("ask the targets: %w", err)
	}
	var m map[string][]int64
	if err := t.line(&m); err != nil {
		return nil, fmt.Errorf("ask the targets: %w", err)
	}
	return m, nil
}

func (t *targets) close() error {
	return errors.Join(t.in.Close(), t.cmd.Wait())
}

// punctual says how a set of checks kept its times.
type punctual struct {
	checks, late, missed int
	worst                time.Duration
}

// punctuality judges what arrived after before was taken. A target's beat is
// what its most punctual check says; a check is late more than a second after
// its beat, and missed when a beat had none.
func punctuality(before, after map[string][]int64, every time.Duration) punctual {
	var p punctual
	step := float64(every.Milliseconds())
	for target, all := range after {
		at := all[len(before[target]):]
		p.checks += len(at)
		if len(at) == 0 {
			p.missed++
			continue
		}
		beats := make([]int, len(at))
		phase := math.Inf(1)
		for i, a := range at {
			beats[i] = int(math.Round(float64(a-at[0]) / step))
			phase = min(phase, float64(a)-float64(beats[i])*step)
		}
		for i, a := range at {
			late := time.Duration(float64(a)-float64(beats[i])*step-phase) * time.Millisecond
			p.worst = max(p.worst, late)
			if late > time.Second {
				p.late++
			}
		}
		beats = slices.Compact(beats) // they grow
		p.missed += beats[len(beats)-1] + 1 - len(beats)
	}
	return p
}

// usage is the processor time of a process so far and the most memory it has held.
func usage(pid int) (cpu time.Duration, rss int64, err error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, 0, fmt.Errorf("measure the engine: %w", err)
	}
	// The name may hold spaces; the fields after it start with the third.
	f := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	user, err1 := strconv.ParseInt(f[11], 10, 64)
	system, err2 := strconv.ParseInt(f[12], 10, 64)
	status, err3 := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err := errors.Join(err1, err2, err3); err != nil {
		return 0, 0, fmt.Errorf("measure the engine: %w", err)
	}
	const tick = 10 * time.Millisecond // USER_HZ is 100 on every Linux that Go runs on
	for l := range strings.Lines(string(status)) {
		if kb, ok := strings.CutPrefix(l, "VmHWM:"); ok {
			rss, err = strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(kb), " kB"), 10, 64)
		}
	}
	return time.Duration(user+system) * tick, rss * 1024, err
}
