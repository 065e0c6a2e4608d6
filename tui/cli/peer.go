package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"lookout/engine/api"
	"lookout/engine/config"
	"lookout/engine/uptime"
	"lookout/tui"
)

// peer is an engine that answers on a socket.
type peer struct {
	*api.Client
	hello  api.Hello
	folder folder // of the socket
}

// dial reaches the engine on a socket.
func (c *call) dial(ctx context.Context, socket string, readOnly bool) (*peer, error) {
	client, err := api.Dial(ctx, socket, api.ClientOptions{ReadOnly: readOnly, As: c.as})
	if err != nil {
		return nil, err
	}
	hello, err := client.Hello(ctx)
	if err != nil {
		client.Close()
		return nil, err
	}
	return &peer{client, hello, folder(filepath.Dir(socket))}, nil
}

// taken says that a data folder is in use, and how to see by whom.
func (p *peer) taken(f folder, mine string) error {
	if p.hello.Config == mine {
		return failf(exitInUse, "an engine already runs with %s: pid %d; lookout attach shows it", mine, p.hello.PID)
	}
	return failf(exitInUse, "the data folder %s is in use by the engine pid %d with %s; lookout attach %s shows it all the same",
		f, p.hello.PID, configName(p.hello.Config), f)
}

// configName names a configuration in a sentence.
func configName(path string) string {
	if path == "" {
		return "no configuration"
	}
	return path
}

// socketAt is the socket that a person names: itself, or by its data folder.
func socketAt(where string) string {
	if info, err := os.Stat(where); err == nil && info.IsDir() {
		return filepath.Join(where, "lookout.sock")
	}
	return where
}

// join shows the dashboard of an engine in another process, until it is left.
func (c *call) join(ctx context.Context, p *peer, readOnly bool) error {
	err := c.needTerminal()
	if why := p.hello.Speaks(); err == nil && why != nil {
		err = &exitError{exitNoEngine, why}
	}
	if err != nil {
		p.Close()
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	followed := make(chan struct{}) // closed when the client has ended
	go func() {
		p.Run(ctx)
		close(followed)
	}()
	_, err = c.screen(ctx, tui.Options{Source: p, Instance: p.hello.Instance, Version: p.hello.Lookout, ReadOnly: readOnly, Log: c.logBeside(p)})
	cancel()
	<-followed
	return err
}

// screen shows a console on the terminal of this call.
func (c *call) screen(ctx context.Context, o tui.Options) (leave tui.Leave, err error) {
	err = guard(func() error {
		in := &keyboard{File: terminal(c.stdin)}
		defer in.over.Store(true)
		o.Input, o.Output, o.Env, o.Now = in, c.stdout, c.environ(), c.now
		c.views(&o)
		if c.env["LOOKOUT_TEST_PANIC"] == "screen" {
			o.Source = &broken{Source: o.Source, after: c.now().Add(brokenAfter)}
		}
		leave, err = tui.Run(ctx, o)
		return err
	})
	if err != nil && !errors.As(err, new(*exitError)) {
		err = &exitError{exitBug, err}
	}
	return leave, err
}

// keyboard is a terminal that one screen reads. The reader of a screen that has
// ended may wait on for a key, which is for the next screen of this process or
// for the shell: so it waits without reading.
type keyboard struct {
	*os.File
	over atomic.Bool
}

// Read reads keys while the screen lasts.
func (k *keyboard) Read(b []byte) (int, error) {
	const look = 250 // milliseconds until a screen that has ended is seen to have
	for {
		fds := []unix.PollFd{{Fd: int32(k.Fd()), Events: unix.POLLIN}}
		n, err := unix.Poll(fds, look)
		switch {
		case k.over.Load():
			return 0, io.EOF
		case n > 0:
			return k.File.Read(b)
		case err != nil && err != unix.EINTR:
			return 0, err
		}
	}
}

// environ is the environment as a list.
func (c *call) environ() []string {
	out := make([]string, 0, len(c.env))
	for k, v := range c.env {
		out = append(out, k+"="+v)
	}
	return out
}

// needTerminal says what to do where there is no terminal.
func (c *call) needTerminal() error {
	if terminal(c.stdin) == nil || terminal(c.stdout) == nil {
		return failf(exitUsage, "the dashboard needs a terminal; without one, lookout engine checks and lookout status tells")
	}
	return nil
}

// tilde shortens a path below the home for people.
func (c *call) tilde(path string) string {
	home := c.env["HOME"]
	if rest, ok := strings.CutPrefix(path, home+string(filepath.Separator)); ok && home != "" {
		return "~" + string(filepath.Separator) + rest
	}
	return path
}

// zone is the time zone that people read this engine's times in; ours where it cannot be told.
func (p *peer) zone(ctx context.Context) *time.Location {
	s, err := p.Status(ctx, "", true)
	if err != nil {
		return time.Local
	}
	return zoneOf(s.Snapshot)
}

// zoneOf is the time zone of a snapshot.
func zoneOf(s *uptime.Snapshot) *time.Location {
	if s.Timezone != "" {
		if loc, err := time.LoadLocation(s.Timezone); err == nil {
			return loc
		}
	}
	return time.Local
}

// meant adds to the error about a monitor that is not there what somebody may
// have meant.
func (p *peer) meant(ctx context.Context, err error, targets ...string) error {
	if !errors.Is(err, uptime.ErrNoMonitor) {
		return err
	}
	status, failed := p.Status(ctx, "", false)
	if failed != nil {
		return err
	}
	var names []string
	open := map[uint64]bool{}
	for _, m := range status.Snapshot.States {
		names = append(names, m.Name)
		open[m.Incident] = m.Incident != 0
	}
	for _, t := range targets {
		sel, wrong := uptime.ParseSelector(t)
		if wrong == nil && sel.Incident != 0 && !open[sel.Incident] {
			return failf(exitUsage, "#%d is not open: it is over, or never was; lookout history '#%d' shows it", sel.Incident, sel.Incident)
		}
		if n, bad := strconv.ParseUint(sel.Name, 10, 64); bad == nil && open[n] {
			return fmt.Errorf("%w; did you mean the incident '#%d'?", err, n)
		}
		if wrong != nil || sel.Name == "" || slices.Contains(names, sel.Name) {
			continue
		}
		if near := config.Near(sel.Name, names); near != "" {
			return fmt.Errorf("%w; did you mean %s?", err, near)
		}
	}
	return err
}
