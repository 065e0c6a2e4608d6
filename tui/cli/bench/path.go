package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"lookout/engine/figure"
	"lookout/engine/uptime"
	"lookout/probes"
)

const (
	pathRounds  = 15  // of each way, in turn
	pathChecks  = 240 // a round
	pathWorkers = 8
	pathLimit   = time.Minute // of a check, whichever way: a monitor without one is none
	hungChecks  = 2000
)

// path measures the checks of this process alone, against a server of another
// one: what they cost compared with the plainest way and with net/http, each
// with a new connection, and what one holds that gets no answer.
func (b *bench) path(ctx context.Context) (err error) {
	w, err := startWeb()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	// Memory first: what a long run leaves behind would be used again, and not be seen.
	// Of a hung handshake 14 KiB are the heap of crypto/tls and net, 8 of these for the
	// ML-KEM key, and 8 or 16 its stack, which grew to 32 for that key: 25 KiB without us.
	for _, secure := range []bool{false, true} {
		name := "hung_check_plain"
		if secure {
			name = "hung_check_tls"
		}
		warm, err := w.check(secure, w.Port(secure))
		if err != nil {
			return err
		}
		if err := passed(ctx, warm); err != nil { // what the process needs once
			return err
		}
		b.say("memory of %d checks without an answer", hungChecks)
		check, err := w.check(secure, w.Silent)
		if err != nil {
			return err
		}
		held, err := hold(ctx, check)
		if err != nil {
			return err
		}
		b.figure(name, held/1024, "KiB", 24)
	}
	for _, secure := range []bool{false, true} {
		name, goal := "plain", 0.6
		if secure {
			name, goal = "tls", 0.9
		}
		b.say("processor time of a check, %s", name)
		check, err := w.check(secure, w.Port(secure))
		if err != nil {
			return err
		}
		cost, err := costs(ctx, func() error { return passed(ctx, check) }, w.bare(secure), w.library(ctx, secure))
		if err != nil {
			return err
		}
		b.ratio("check_cpu_"+name, cost[0], cost[1], "bare", 1.3)
		b.ratio("check_cpu_"+name, cost[0], cost[2], "nethttp", goal)
	}
	return nil
}

// ratio prints how much of another way's time a check takes: the median of
// the rounds' ratios, whose parts had the same neighbours on this machine.
func (b *bench) ratio(name string, ours, theirs []time.Duration, other string, goal float64) {
	ratios := make([]float64, len(ours))
	for i := range ours {
		ratios[i] = float64(ours[i]) / float64(theirs[i])
	}
	slices.Sort(ratios)
	unit := fmt.Sprintf("of_%s_%sus", other, figure.Number(float64(slices.Min(theirs).Microseconds())))
	b.figure(name+"_vs_"+other, ratios[len(ratios)/2], unit, goal)
}

// costs are the processor times of ways to do the same, once, in each of some
// rounds in which they take turns.
func costs(ctx context.Context, ways ...func() error) ([][]time.Duration, error) {
	took := make([][]time.Duration, len(ways))
	for round := range pathRounds + 1 {
		for i, way := range ways {
			runtime.GC()
			start, err := processor()
			if err != nil {
				return nil, err
			}
			if err := together(ctx, way); err != nil {
				return nil, err
			}
			end, err := processor()
			if err != nil {
				return nil, err
			}
			if round > 0 { // the first warms up
				took[i] = append(took[i], (end-start)/pathChecks)
			}
		}
	}
	return took, nil
}

// together does a round's work, some at once as an engine does.
func together(ctx context.Context, way func() error) error {
	failed := make(chan error, pathWorkers) // workers to us, one each at most
	var wg sync.WaitGroup
	for range pathWorkers {
		wg.Go(func() {
			for range pathChecks / pathWorkers {
				if err := errors.Join(context.Cause(ctx), way()); err != nil {
					failed <- err
					return
				}
			}
		})
	}
	wg.Wait()
	close(failed)
	return <-failed
}

// processor is the processor time of this process so far.
func processor() (time.Duration, error) {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0, fmt.Errorf("measure this process: %w", err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()), nil
}

// hold starts many checks that get no answer and returns what each adds to the
// memory of the process, in bytes.
func hold(ctx context.Context, job uptime.Job) (float64, error) {
	debug.FreeOSMemory()
	before, err := resident()
	if err != nil {
		return 0, err
	}
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	run := new(probes.Runner)
	for range hungChecks {
		wg.Go(func() { run.Run(ctx, job) })
	}
	defer wg.Wait()
	defer cancel()
	if _, err := wait(ctx, 5*time.Second); err != nil { // all are at their wait by then
		return 0, err
	}
	debug.FreeOSMemory() // what they hold, not what they left
	after, err := resident()
	return float64(after-before) / hungChecks, err
}

// resident is the memory of this process, in bytes.
func resident() (int64, error) {
	b, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0, fmt.Errorf("measure this process: %w", err)
	}
	f := strings.Fields(string(b))
	pages, err := strconv.ParseInt(f[1], 10, 64)
	return pages * int64(os.Getpagesize()), err
}

// web is the process that answers, and where.
type web struct {
	webServed
	cmd *exec.Cmd
	in  io.WriteCloser
	ca  *x509.CertPool
}

// webServed is the line that it prints: ports of the loopback, and the root in PEM.
type webServed struct{ HTTP, HTTPS, Silent, CA string }

func startWeb() (*web, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	w := &web{cmd: exec.Command(self, "web"), ca: x509.NewCertPool()}
	w.cmd.Stderr = os.Stderr
	if w.in, err = w.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := w.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := w.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the web server: %w", err)
	}
	if err := json.NewDecoder(bufio.NewReader(out)).Decode(&w.webServed); err != nil {
		return nil, errors.Join(fmt.Errorf("start the web server: %w", err), w.close())
	}
	w.ca.AppendCertsFromPEM([]byte(w.CA))
	return w, nil
}

func (w *web) close() error { return errors.Join(w.in.Close(), w.cmd.Wait()) }

// Port is where it speaks HTTP, over TLS or not.
func (w *web) Port(secure bool) string {
	if secure {
		return w.HTTPS
	}
	return w.HTTP
}

// check is a monitor of a page, as a configuration makes it.
func (w *web) check(secure bool, port string) (uptime.Job, error) {
	u := &url.URL{Scheme: "http", Host: "127.0.0.1:" + port, Path: "/"}
	values := map[string]any{"http_version": "1.1"}
	if secure {
		u.Scheme = "https"
		values["ca_file"], values["server_name"] = []byte(w.CA), tlsName
	}
	types := probes.Types()
	i := slices.IndexFunc(types, func(t uptime.CheckType) bool { return t.Name == "http" })
	c, mistakes := types[i].New(uptime.Settings{URL: u, IP: "any", Timeout: pathLimit, Values: values,
		Expect: map[string]any{"body_contains": []string{"Add to cart"}}})
	if len(mistakes) > 0 {
		return uptime.Job{}, errors.New(mistakes[0].String())
	}
	return uptime.Job{Monitor: &uptime.Monitor{Name: "bench", Type: "http", Target: u.String(), Timeout: pathLimit}, Checker: c.Checker}, nil
}

func passed(ctx context.Context, job uptime.Job) error {
	if r := new(probes.Runner).Run(ctx, job); r.Outcome != uptime.OutcomeUp {
		return errors.New(r.Message)
	}
	return nil
}

// bare is the plainest way that a Go program has: dial, write, read to the end.
// Like a check it has a time limit, which a connection keeps by itself.
func (w *web) bare(secure bool) func() error {
	const request = "GET / HTTP/1.1\r\nHost: " + tlsName + "\r\nConnection: close\r\n\r\n"
	return func() error {
		end := time.Now().Add(pathLimit)
		d := net.Dialer{Deadline: end}
		c, err := d.Dial("tcp", "127.0.0.1:"+w.Port(secure))
		if err != nil {
			return err
		}
		defer c.Close()
		if err := c.SetDeadline(end); err != nil {
			return err
		}
		if secure {
			c = tls.Client(c, &tls.Config{RootCAs: w.ca, ServerName: tlsName})
		}
		if _, err := io.WriteString(c, request); err != nil {
			return err
		}
		return contains(c)
	}
}

// library is net/http as it is meant to be used, with a new connection each
// time, which takes some 1.7 times what bare does without TLS: one client for all requests, which is cheaper than one for each, and a
// context with the time limit.
func (w *web) library(ctx context.Context, secure bool) func() error {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: w.ca, ServerName: tlsName}}}
	target := "http://127.0.0.1:" + w.HTTP + "/"
	if secure {
		target = "https://127.0.0.1:" + w.HTTPS + "/"
	}
	return func() error {
		ctx, cancel := context.WithTimeout(ctx, pathLimit)
		defer cancel()
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
		if err != nil {
			return err
		}
		resp, err := client.Do(req)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		return contains(resp.Body)
	}
}

func contains(r io.Reader) error {
	body, err := io.ReadAll(r)
	if err == nil && !strings.Contains(string(body), "Add to cart") {
		err = errors.New("the page is not the page")
	}
	return err
}
