//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"lookout/engine/uptime"
	"lookout/probes/remote/brokertest"
	"lookout/probes/remote/topology"
	"lookout/probes/spool"
	"lookout/tui/cli/e2e"
)

// world is an engine and its probes, as real processes, around a real broker.
// Each of them dials it over TLS through a proxy of its own.
type world struct {
	dir    string
	site   *site
	home   *e2e.Home
	engine *e2e.Process
	posts  []*post
	gates  []*brokertest.Proxy // of all of them; the engine's is the first

	ends []func() // in the order in which they were made
}

// post is a probe.
type post struct {
	topology.Probe
	dir string
	cmd func() *exec.Cmd
	p   *e2e.Process

	epoch uint64 // of its spool, at the start
}

// newWorld starts everything; monitors are what the engine's configuration has beside the broker.
func (d *drill) newWorld(ctx context.Context, monitors string, probes ...string) (w *world, err error) {
	dir, remove, err := d.temporary()
	if err != nil {
		return nil, err
	}
	w = &world{dir: dir, ends: []func(){remove}}
	made := w // an error is returned without it
	defer func() {
		if err != nil {
			made.close()
		}
	}()
	anchors, err := w.anchors()
	if err != nil {
		return nil, err
	}
	d.say("building the binary")
	binary, err := e2e.Build(dir)
	if err != nil {
		return nil, err
	}
	w.site, err = openSite(ctx, filepath.Join(dir, "remote"), anchors, probes...)
	if err != nil {
		return nil, err
	}
	w.ends = append(w.ends, w.site.close)
	if err := w.dial(filepath.Join("engine", "broker.toml"), ""); err != nil {
		return nil, err
	}
	w.home, err = e2e.NewHome(binary, dir, fmt.Sprintf("include = [\"remote/engine/broker.toml\"]\n\n[self_check]\nanchors = %s\n%s", listed(anchors), monitors))
	if err != nil {
		return nil, err
	}
	w.ends = append(w.ends, func() { w.engine.Kill() })
	if w.engine, err = w.home.Engine(); err != nil {
		return nil, err
	}
	for _, p := range w.site.plan.Probes {
		folder := topology.Folder(p)
		at := &post{Probe: p, dir: filepath.Join(w.site.dir, folder)}
		file := filepath.Join(folder, "probe.toml")
		if err := w.dial(file, fmt.Sprintf("data_dir = %q\n", filepath.Join(at.dir, "data"))); err != nil {
			return nil, err
		}
		at.cmd = func() *exec.Cmd { return w.home.Command("probe", "--config", filepath.Join(w.site.dir, file)) }
		if err := at.begin(); err != nil {
			return nil, err
		}
		if err := at.start(); err != nil {
			return nil, err
		}
		w.posts = append(w.posts, at)
		w.ends = append(w.ends, func() { at.p.Kill() })
	}
	return w, nil
}

func (w *world) close() {
	for i := len(w.ends) - 1; i >= 0; i-- {
		w.ends[i]()
	}
}

// begin makes the probe's spool, to know its epoch.
func (p *post) begin() error {
	s, err := p.spool()
	if err != nil {
		return err
	}
	p.epoch = s.Epoch()
	return s.Close()
}

// spool opens that of a probe that does not run.
func (p *post) spool() (*spool.Spool, error) {
	return spool.Open(filepath.Join(p.dir, "data", "lookout-spool"), spool.Options{})
}

func (p *post) start() (err error) {
	p.p, err = e2e.Spawn(p.cmd())
	return err
}

// dial gives a configuration a proxy of its own to the broker, a first line, and leave to check loopback.
func (w *world) dial(file, first string) error {
	gate, err := brokertest.NewProxy(w.site.broker.TLSAddr())
	if err != nil {
		return err
	}
	w.ends = append(w.ends, gate.Close)
	w.gates = append(w.gates, gate)
	path := filepath.Join(w.site.dir, file)
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	text = bytes.ReplaceAll(text, []byte(placeholder), []byte("amqps://"+gate.Addr()+"/"+vhost))
	if first != "" {
		text = append(append([]byte(first), text...), "\n[policy]\nallow = [\"127.0.0.0/8\"]\n"...)
	}
	return os.WriteFile(path, text, 0o600)
}

// anchors listen in four networks of loopback, so that everybody knows that he is online.
func (w *world) anchors() (addrs []netip.AddrPort, err error) {
	for i := range 4 {
		l, err := net.Listen("tcp", fmt.Sprintf("127.%d.0.1:0", i))
		if err != nil {
			return nil, err
		}
		w.ends = append(w.ends, func() { _ = l.Close() })
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				_ = c.Close()
			}
		}()
		addrs = append(addrs, l.Addr().(*net.TCPAddr).AddrPort())
	}
	return addrs, nil
}

func listed(addrs []netip.AddrPort) string {
	quoted := make([]string, len(addrs))
	for i, a := range addrs {
		quoted[i] = fmt.Sprintf("%q", a)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

// targets is a web server that is always well, and answers after up to 50 ms, so
// that no two checks find the same; see serial. It counts what it served, by page.
type targets struct {
	url string
	mu  sync.Mutex
	n   map[string]int
}

func newTargets() (*targets, func(), error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, nil, err
	}
	t := &targets{url: "http://" + l.Addr().String(), n: map[string]int{}}
	s := &http.Server{Handler: t, ReadHeaderTimeout: time.Minute}
	go func() { _ = s.Serve(l) }()
	return t, func() { _ = s.Close() }, nil
}

func (t *targets) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	t.mu.Lock()
	n := t.n[r.URL.Path]
	t.n[r.URL.Path]++
	t.mu.Unlock()
	pause(r.Context(), rand.N(50*time.Millisecond))
	w.WriteHeader(serial(n))
}

// served is how often somebody asked for a page.
func (t *targets) served(path string) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.n[path]
}

// standing is how the engine says that a probe is.
type standing struct {
	Probe string            `json:"probe"`
	State uptime.ProbeState `json:"state"`
	Why   string            `json:"why"`
	Spool uint64            `json:"spool"`
	Lost  uint64            `json:"lost"`
}

// probes asks the engine. While it does not answer there are none.
func (w *world) probes() map[string]standing {
	a, err := w.home.Run("remote", "list", "--format", "json")
	if err != nil || a.Code != 0 {
		return nil
	}
	var list struct{ Probes []standing }
	if json.Unmarshal([]byte(a.Stdout), &list) != nil {
		return nil
	}
	out := make(map[string]standing)
	for _, p := range list.Probes {
		out[p.Probe] = p
	}
	return out
}

// allLive waits until every probe is live and has sent what it has.
func (w *world) allLive(ctx context.Context, most time.Duration) error {
	var last map[string]standing
	err := until(ctx, most, "world in which all probes are live", func() bool {
		last = w.probes()
		for _, p := range w.posts {
			s, ok := last[p.ID()]
			if !ok || s.State != uptime.ProbeLive || s.Spool > 2000 {
				return false
			}
		}
		return true
	})
	if err != nil {
		return fmt.Errorf("%w: %v", err, last)
	}
	return nil
}

// kill ends a process as kill -9 does.
func kill(p *e2e.Process) error {
	if err := p.Signal(syscall.SIGKILL); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	<-p.Done()
	return nil
}
