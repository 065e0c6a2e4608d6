//go:build linux

package main

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"lookout/engine/uptime"
	"lookout/probes"
)

const (
	nameTimeout = 5 * time.Second // of a check on the lossy link
	holeTimeout = time.Second     // … and into the black hole
	atOnce      = 200             // checks at once on the link
	holeAtOnce  = 2000
	settle      = 2 * time.Second // after which nothing may be left
)

// do is the near end.
func (w Work) do() (Report, error) {
	var lim unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &lim); err != nil {
		return Report{}, err
	}
	lim.Cur = lim.Max
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &lim); err != nil {
		return Report{}, fmt.Errorf("raise the limit of descriptors: %w", err)
	}
	// The default range has 28,232 ports, which stay in TIME_WAIT for a minute.
	if err := os.WriteFile("/proc/sys/net/ipv4/ip_local_port_range", []byte("1024 65535"), 0); err != nil {
		return Report{}, err
	}
	if w.BlackHole {
		return w.hole()
	}
	r := Report{Checks: w.Checks, Timeout: nameTimeout}
	jobs, err := w.jobs(nameTimeout, func(i int) string {
		if i%2 == 0 {
			return fmt.Sprintf("http://h%d.test/", i)
		}
		return fmt.Sprintf("tcp://h%d.test:80", i)
	})
	if err != nil {
		return r, err
	}
	var mu sync.Mutex // of r
	runner := &probes.Runner{}
	w.each("checks by name", atOnce, func(i int) {
		got := runner.Run(context.Background(), jobs[i])
		if got.Outcome == uptime.OutcomeUp {
			return
		}
		mu.Lock()
		defer mu.Unlock()
		if r.Failed++; len(r.Why) < 5 {
			r.Why = append(r.Why, fmt.Sprintf("%s after %s: %s (%s)", got.Target, uptime.Took(got.Total), got.Message, got.Fault))
		}
	})
	if w.Compare {
		var failed atomic.Int64
		resolver := net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, at(farAddress, 53))
		}}
		w.each("look-ups by Go's resolver", atOnce, func(i int) {
			ctx, cancel := context.WithTimeout(context.Background(), nameTimeout)
			defer cancel()
			if _, err := resolver.LookupNetIP(ctx, "ip", fmt.Sprintf("g%d.test.", i)); err != nil {
				failed.Add(1)
			}
		})
		r.GoFailed = int(failed.Load())
	}
	return r, nil
}

// hole checks addresses that nobody has and counts what is left behind.
func (w Work) hole() (Report, error) {
	r := Report{Checks: w.Checks, Timeout: holeTimeout}
	jobs, err := w.jobs(holeTimeout, func(i int) string {
		host := netip.AddrFrom4([4]byte{10, 98, byte(i >> 8), byte(i)})
		return []string{fmt.Sprintf("http://%s/", host), fmt.Sprintf("tcp://%s:9", host), fmt.Sprintf("https://%s/", host)}[i%3]
	})
	if err != nil {
		return r, err
	}
	fds, goroutines := descriptors(), runtime.NumGoroutine()
	var wrong atomic.Pointer[uptime.Result]
	var mu sync.Mutex // of r.FDsPeak
	runner := &probes.Runner{}
	w.each("checks into the black hole", holeAtOnce, func(i int) {
		if i%holeAtOnce == holeAtOnce/2 {
			mu.Lock()
			r.FDsPeak = max(r.FDsPeak, descriptors())
			mu.Unlock()
		}
		if got := runner.Run(context.Background(), jobs[i]); got.Fault != uptime.FaultTCPTimeout {
			wrong.Store(&got)
		}
	})
	if got := wrong.Load(); got != nil {
		return r, fmt.Errorf("%s: %s (%s), expected a time-out", got.Target, got.Message, got.Fault)
	}
	for end := time.Now().Add(settle); ; {
		r.FDsLeft, r.GoroutinesLeft = max(descriptors()-fds, 0), max(runtime.NumGoroutine()-goroutines, 0)
		if r.FDsLeft+r.GoroutinesLeft == 0 || time.Now().After(end) {
			return r, nil
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// jobs makes the checks, of the types that the registry has.
func (w Work) jobs(timeout time.Duration, target func(int) string) ([]uptime.Job, error) {
	types := probes.Types()
	out := make([]uptime.Job, w.Checks)
	for i := range out {
		u, err := url.Parse(target(i))
		if err != nil {
			return nil, err
		}
		n := slices.IndexFunc(types, func(t uptime.CheckType) bool { return slices.Contains(t.Schemes, u.Scheme) })
		c, mistakes := types[n].New(uptime.Settings{URL: u, IP: "any", Timeout: timeout, Resolvers: []netip.AddrPort{netip.AddrPortFrom(farAddress, 53)}})
		if len(mistakes) > 0 {
			return nil, fmt.Errorf("%s: %v", u, mistakes)
		}
		out[i] = uptime.Job{Checker: c.Checker, Monitor: &uptime.Monitor{Name: u.String(), Type: types[n].Name, Target: u.String(), Timeout: timeout}}
	}
	return out, nil
}

// each calls fn for every check, so many at once.
func (w Work) each(what string, most int, fn func(int)) {
	var workers sync.WaitGroup
	var next atomic.Int64
	for range min(most, w.Checks) {
		workers.Go(func() {
			for i := int(next.Add(1) - 1); i < w.Checks; i = int(next.Add(1) - 1) {
				fn(i)
				if done := i + 1; w.Progress && done%(max(w.Checks/10, 1)) == 0 {
					fmt.Fprintf(os.Stderr, "%s, %g %% loss: %d of %d\n", what, w.Loss*100, done, w.Checks)
				}
			}
		})
	}
	workers.Wait()
}

func descriptors() int {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0
	}
	return len(entries)
}
