package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"lookout/engine/uptime"
	"lookout/probes/remote/brokertest"
)

// Away is an engine with probes at other places, as processes, all on this
// machine. Each has the secret "who", which is its place: see Field.
type Away struct {
	*Home
	Remote *Remote
	Engine *Process
	Probes map[string]*Process // by LOCATION/NAME
}

// NewAway makes the files of an engine and its probes in dir, for a vhost of a
// broker that they dial at addr, and starts them. Live says when all are at
// work; Close ends them.
func NewAway(ctx context.Context, binary, dir string, b *brokertest.Broker, addr, vhost, config string, probes ...string) (*Away, error) {
	a, err := PrepareAway(ctx, binary, dir, b, addr, vhost, config, probes...)
	if err != nil {
		return nil, err
	}
	if err = a.Begin(); err != nil {
		return nil, errors.Join(err, a.Close())
	}
	return a, nil
}

// PrepareAway makes the files alone. More may be written into them before Begin.
func PrepareAway(ctx context.Context, binary, dir string, b *brokertest.Broker, addr, vhost, config string, probes ...string) (*Away, error) {
	a := &Away{Probes: map[string]*Process{}}
	home, remote := filepath.Join(dir, "home"), filepath.Join(dir, "remote")
	var err error
	if a.Remote, err = NewRemote(ctx, binary, remote, b, addr, vhost, probes...); err != nil {
		return nil, err
	}
	if err = os.MkdirAll(home, 0o700); err != nil {
		return nil, err
	}
	if a.Home, err = NewHome(binary, home, ""); err != nil {
		return nil, err
	}
	return a, a.Configure(config)
}

// Begin starts the engine and the probes.
func (a *Away) Begin() (err error) {
	if a.Engine, err = a.Home.Engine(); err != nil {
		return err
	}
	for _, id := range a.Remote.Probes {
		place, _, _ := strings.Cut(id, "/")
		if err := a.Remote.Configure(id, map[string]string{"who": place}, "[policy]\nallow = [\"127.0.0.0/8\"]\n"); err != nil {
			return err
		}
		if err := a.Start(id); err != nil {
			return err
		}
	}
	return nil
}

// Close ends the engine and the probes.
func (a *Away) Close() error {
	for _, p := range a.Probes {
		p.Kill()
	}
	if a.Engine == nil {
		return nil
	}
	return errors.Join(a.Engine.Stop(), a.Home.Close())
}

// Configure writes the engine's configuration.
func (a *Away) Configure(config string) error {
	secrets := filepath.Join(a.Dir, "secrets")
	if err := WriteSecrets(secrets, map[string]string{"who": uptime.Local}); err != nil {
		return err
	}
	return a.Write(fmt.Sprintf("secrets_dir = %q\n", secrets) + a.Remote.Include() + config)
}

// Start starts a probe, or starts it again.
func (a *Away) Start(id string) error {
	p, err := Spawn(a.Remote.Command(id))
	if err == nil {
		a.Probes[id] = p
	}
	return err
}

// Signal signals some probes.
func (a *Away) Signal(sig syscall.Signal, ids ...string) error {
	var errs []error
	for _, id := range ids {
		errs = append(errs, a.Probes[id].Signal(sig))
	}
	return errors.Join(errs...)
}

// Live waits until all probes vote.
func (a *Away) Live(ctx context.Context) error {
	return a.States(ctx, "that all are live", func(by map[string]string) bool {
		return !slices.ContainsFunc(a.Remote.Probes, func(id string) bool { return by[id] != "live" })
	})
}

// States waits a minute until the states of the probes please ok.
func (a *Away) States(ctx context.Context, what string, ok func(by map[string]string) bool) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	var last string
	err := Poll(ctx, what, func() bool {
		out, err := a.Run("remote", "list")
		last = out.Stdout + out.Stderr
		if err != nil {
			return false
		}
		by := map[string]string{}
		for line := range strings.SplitSeq(out.Stdout, "\n") {
			if f := strings.Fields(line); len(f) > 1 {
				by[f[1]] = f[0]
			}
		}
		return ok(by)
	})
	if err != nil {
		return fmt.Errorf("%w; the last list: %s", err, last)
	}
	return nil
}

// Verdict waits for a monitor's newest change to a verdict. It asks four times a
// second: each time is a process, and a busy machine changes what is waited for.
func (h *Home) Verdict(ctx context.Context, monitor string, to uptime.Verdict) (uptime.Event, error) {
	var found uptime.Event
	var all []uptime.Event
	var failed error
	err := poll(ctx, time.Second/4, fmt.Sprintf("that %s is %s", monitor, to), func() (ok bool) {
		if all, failed = h.Events(); failed == nil {
			found, ok = Became(all, monitor, to)
		}
		return ok
	})
	if err != nil {
		var last []string
		for _, e := range all[max(0, len(all)-5):] {
			last = append(last, fmt.Sprintf("%s %s %s %q", e.Time.Format("15:04:05"), e.Kind, e.To, e.Message))
		}
		err = fmt.Errorf("%w; the last of %d events: %s", err, len(all), strings.Join(last, "; "))
	}
	return found, errors.Join(err, failed)
}

// Events are what the engine says happened, the oldest first.
func (h *Home) Events() ([]uptime.Event, error) {
	a, err := h.Run("events", "--format", "json")
	if err != nil {
		return nil, err
	}
	if a.Code != 0 {
		return nil, fmt.Errorf("lookout events: exit code %d: %s", a.Code, a.Stderr)
	}
	return ReadEvents(a.Stdout)
}

// ReadEvents reads the lines of "lookout events --format json".
func ReadEvents(lines string) (all []uptime.Event, err error) {
	for in := json.NewDecoder(strings.NewReader(lines)); ; {
		var e uptime.Event
		switch err := in.Decode(&e); {
		case errors.Is(err, io.EOF):
			return all, nil
		case err != nil:
			return nil, fmt.Errorf("event %d: %w", len(all)+1, err)
		}
		all = append(all, e)
	}
}

// Became finds the newest event in which a monitor came to a verdict.
func Became(all []uptime.Event, monitor string, to uptime.Verdict) (uptime.Event, bool) {
	for i := len(all) - 1; i >= 0; i-- {
		if e := all[i]; e.Kind == uptime.EventVerdict && e.Monitor == monitor && e.To == to {
			return e, true
		}
	}
	return uptime.Event{}, false
}
