package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"lookout/engine/uptime"
	"lookout/tui/cli/e2e"
)

// toml is a configuration with these checks, named by their place.
func (p *place) toml(checks []check) (string, error) {
	var b strings.Builder
	b.WriteString("[defaults]\nca_file = \"@ca@\"\n")
	for i, c := range checks {
		fmt.Fprintf(&b, "\n[[monitor]]\nname = \"%d\"\nurl = %q\n%s\n", i, c.url, c.keys)
	}
	return p.fill(b.String())
}

// judge has lookout make the checks and holds what it says against what it should.
func (p *place) judge(ctx context.Context, name, kind string, checks []check, t *tally) error {
	config, err := p.toml(checks)
	if err != nil {
		return err
	}
	home, err := e2e.NewHome(p.binary, filepath.Dir(p.dir), config)
	if err != nil {
		return err
	}
	results := make([]uptime.Result, len(checks))
	var together []string
	for i, c := range checks {
		if len(c.alone) == 0 {
			together = append(together, fmt.Sprint(i))
		} else if err := p.ask(ctx, home, c.alone, results, fmt.Sprint(i)); err != nil {
			return err
		}
	}
	if len(together) > 0 {
		if err := p.ask(ctx, home, nil, results, together...); err != nil {
			return err
		}
	}
	for i, c := range checks {
		r := results[i]
		said := r.Outcome.String()
		if r.Fault != uptime.NoFault {
			said = fmt.Sprintf("%s %s: %s", r.Outcome, r.Fault, r.Message)
		}
		t.count(kind, name, c.scheme(), said, c.misses(r))
	}
	return nil
}

// ask runs lookout once, for the checks of these names, as soon as ctx allows.
func (p *place) ask(ctx context.Context, home *e2e.Home, before []string, results []uptime.Result, names ...string) error {
	cmd := home.Command(append([]string{"check", "--config", home.Config, "--format", "json"}, names...)...)
	if len(before) > 0 {
		wrapped := exec.Command(before[0], append(before[1:len(before):len(before)], cmd.Args...)...)
		wrapped.Dir, wrapped.Env = cmd.Dir, cmd.Env
		cmd = wrapped
	}
	lookout, err := e2e.Spawn(cmd)
	if err != nil {
		return err
	}
	defer lookout.Kill()
	select {
	case <-lookout.Done():
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(patience):
		return errors.New("lookout check does not end")
	}
	decoder := json.NewDecoder(bytes.NewBufferString(lookout.Stdout()))
	for n := range names {
		var r uptime.Result
		if err := decoder.Decode(&r); err != nil {
			return fmt.Errorf("lookout check told of %d checks, not of %d: %w: %s", n, len(names), err, lookout.Stderr())
		}
		var i int
		if _, err := fmt.Sscan(r.Monitor, &i); err != nil || i < 0 || i >= len(results) {
			return fmt.Errorf("lookout check told of %q", r.Monitor)
		}
		results[i] = r
	}
	return nil
}

// misses says how a result is not what it should be, "" when it is.
func (c check) misses(r uptime.Result) string {
	switch {
	case r.Fault.String() != c.want && c.want == "":
		return "should be up"
	case r.Fault.String() != c.want:
		return "should be " + c.want
	case !strings.Contains(r.Message, c.says):
		return fmt.Sprintf("should say %q", c.says)
	}
	return ""
}
